/* Whether a plugin's tables make sense, before anything in them is called. */
#include <stddef.h>
#include <string.h>

#include "base/parse.h"
#include "base/scope.h"
#include "plugin/instance.h"
#include "plugin/loader.h"

enum { NAME_MAX_SIZE = 40, ROWS_MAX = 200 };

static int wrong(const struct sb_plugin *plugin, struct sb_error *err, const char *fmt, ...) SB_PRINTF(3, 4);

static int wrong(const struct sb_plugin *plugin, struct sb_error *err, const char *fmt, ...)
{
    char text[SB_ERROR_TEXT_MAX];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args); /* a text that long is cut */
    va_end(args);
    return sb_fail(err, SB_EINTERNAL, "plugin '%s' is defective: %s", plugin->name ? plugin->name : "", text);
}

static bool is_name(const char *name)
{
    return name && *name && strlen(name) <= NAME_MAX_SIZE &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name);
}

/* ---- options ------------------------------------------------------------------------------------------- */

static const struct sb_option *find_option(const struct sb_plugin *plugin, const char *name)
{
    for (const struct sb_option *row = plugin->options; row && row->name; row++)
        if (strcmp(row->name, name) == 0)
            return row;
    return NULL;
}

static bool is_choice(const struct sb_option *row, const char *word)
{
    for (const char *const *choice = row->choices; choice && *choice; choice++)
        if (strcmp(*choice, word) == 0)
            return true;
    return false;
}

/* Whether the default is what a user could have written. */
static bool is_default_right(const struct sb_option *row)
{
    int64_t number = 0, period_ms = 0;
    bool flag = false, is_ranged = row->min != row->max;
    int rc = 0;

    if (!row->default_text)
        return true;
    switch (row->type) {
    case SB_OPT_SECRET:
    case SB_OPT_SECRETS:
        return false; /* a secret in a program is none */
    case SB_OPT_BOOL:
        return parse_bool(row->default_text, &flag, NULL) == 0;
    case SB_OPT_RATE:
        return parse_rate(row->default_text, &number, &period_ms, NULL) == 0;
    case SB_OPT_ENUM:
        return is_choice(row, row->default_text);
    case SB_OPT_INT:
        rc = parse_int(row->default_text, &number, NULL);
        break;
    case SB_OPT_DURATION:
        rc = parse_duration(row->default_text, &number, NULL);
        break;
    case SB_OPT_SIZE:
        rc = parse_size(row->default_text, &number, NULL);
        break;
    case SB_OPT_STRING:
    case SB_OPT_LIST:
    case SB_OPT_PATH:
    case SB_OPT_URL:
    case SB_OPT_JSON_FILE:
    case SB_OPT_SCRIPT:
        return true;
    }
    return rc == 0 && (!is_ranged || (number >= row->min && number <= row->max));
}

static int check_option(const struct sb_plugin *plugin, const struct sb_option *row, struct sb_error *err)
{
    if (!is_name(row->name))
        return wrong(plugin, err, "'%s' is not a name for an option: a-z, 0-9 and _, at most 40", row->name);
    if (find_option(plugin, row->name) != row)
        return wrong(plugin, err, "the option '%s' is there twice", row->name);
    if ((unsigned)row->type > SB_OPT_SECRETS)
        return wrong(plugin, err, "the option '%s' has an unknown type", row->name);
    if (!row->help || !*row->help)
        return wrong(plugin, err, "the option '%s' has no help", row->name);
    if (row->min > row->max)
        return wrong(plugin, err, "the range of the option '%s' is upside down", row->name);
    if (row->type == SB_OPT_ENUM && (!row->choices || !row->choices[0]))
        return wrong(plugin, err, "the option '%s' has no choices", row->name);
    if (!is_default_right(row))
        return wrong(plugin, err, "the default of the option '%s' is not a value that it may have",
                     row->name);
    return 0;
}

static int check_options(const struct sb_plugin *plugin, struct sb_error *err)
{
    size_t count = 0, scripts = 0;

    for (const struct sb_option *row = plugin->options; row && row->name; row++) {
        if (++count > ROWS_MAX)
            return wrong(plugin, err, "its option table has no end");
        int rc = check_option(plugin, row, err);
        if (rc < 0)
            return rc;
        scripts += row->type == SB_OPT_SCRIPT;
    }
    if (scripts > INSTANCE_SCRIPTS_MAX)
        return wrong(plugin, err, "it has more than %d scripts", INSTANCE_SCRIPTS_MAX);
    return 0;
}

/* ---- credentials --------------------------------------------------------------------------------------- */

/* `what` must be an option; of the type, unless it is a text that may also be a plain string. */
static int check_reference(const struct sb_plugin *plugin, const char *what, const char *name,
                           bool may_be_plain, struct sb_error *err)
{
    const struct sb_option *row = name ? find_option(plugin, name) : NULL;

    if (!row)
        return wrong(plugin, err, "'%s' of its credentials names no option", what);
    if (row->type != SB_OPT_SECRET && !(may_be_plain && row->type == SB_OPT_STRING))
        return wrong(plugin, err, "the option '%s' of its credentials must be a secret", name);
    return 0;
}

static int check_hosts(const struct sb_plugin *plugin, const char *what, const char *const *names,
                       struct sb_error *err)
{
    for (; names && *names; names++) {
        const struct sb_option *row = find_option(plugin, *names);
        if (!row && strcmp(*names, "base_url") == 0)
            continue; /* the core's */
        if (!row || (row->type != SB_OPT_URL && row->type != SB_OPT_LIST))
            return wrong(plugin, err, "'%s' in its %s is not an option of type url or list", *names, what);
    }
    return 0;
}

static int check_oauth(const struct sb_plugin *plugin, const struct sb_auth *auth, struct sb_error *err)
{
    int rc = check_reference(plugin, "client_id", auth->client_id, true, err);

    if (rc == 0)
        rc = check_reference(plugin, "client_secret", auth->client_secret, false, err);
    if (rc == 0)
        rc = check_reference(plugin, "refresh_token", auth->refresh_token, false, err);
    if (rc == 0 && auth->access_token)
        rc = check_reference(plugin, "access_token", auth->access_token, false, err);
    if (rc == 0 && (!auth->token_base || !auth->token_path || auth->token_path[0] != '/'))
        rc = wrong(plugin, err, "its credentials name no token server");
    return rc;
}

static int check_auth(const struct sb_plugin *plugin, struct sb_error *err)
{
    const struct sb_auth *auth = plugin->auth;

    if (!auth || auth->kind == SB_AUTH_NONE)
        return auth ? check_hosts(plugin, "hosts", auth->hosts, err) : 0;
    if (!auth->hosts || !auth->hosts[0])
        return wrong(plugin, err, "its credentials name no hosts");
    int rc = check_hosts(plugin, "hosts", auth->hosts, err);
    if (rc < 0)
        return rc;
    switch (auth->kind) {
    case SB_AUTH_NONE:
        return 0;
    case SB_AUTH_BASIC:
        rc = check_reference(plugin, "user", auth->user, true, err);
        return rc < 0 ? rc : check_reference(plugin, "password", auth->password, false, err);
    case SB_AUTH_HEADER:
        return auth->header ? check_reference(plugin, "secret", auth->secret, false, err)
                            : wrong(plugin, err, "its credentials name no header");
    case SB_AUTH_OAUTH2:
        return auth->header ? check_oauth(plugin, auth, err)
                            : wrong(plugin, err, "its credentials name no header");
    }
    return wrong(plugin, err, "its credentials are of an unknown kind");
}

/* ---- steps and routes ---------------------------------------------------------------------------------- */

static int check_reconcile(const struct sb_plugin *plugin, const struct sb_step *step, struct sb_error *err)
{
    const struct sb_step *reconcile = step->reconcile;

    if (!reconcile)
        return wrong(plugin, err, "the step '%s' creates something and has no reconcile step", step->name);
    if (!is_name(reconcile->name) || !reconcile->build || !reconcile->fold || reconcile->work)
        return wrong(plugin, err, "the reconcile step of '%s' must have a name, build and fold", step->name);
    if (reconcile->effect != SB_READ)
        return wrong(plugin, err, "the reconcile step of '%s' must be SB_READ", step->name);
    return 0;
}

static int check_step(const struct sb_plugin *plugin, const struct sb_step *steps, const struct sb_step *step,
                      bool is_poll, struct sb_error *err)
{
    if (!is_name(step->name))
        return wrong(plugin, err, "'%s' is not a name for a step: a-z, 0-9 and _, at most 40", step->name);
    for (const struct sb_step *other = steps; other != step; other++)
        if (strcmp(other->name, step->name) == 0)
            return wrong(plugin, err, "the step '%s' is there twice", step->name);
    if (!step->build == !step->work)
        return wrong(plugin, err, "the step '%s' must have either build or work", step->name);
    if (step->work && step->fold)
        return wrong(plugin, err, "the step '%s' has work, and so no answer to fold", step->name);
    if ((unsigned)step->effect > SB_READ)
        return wrong(plugin, err, "the step '%s' has an unknown effect", step->name);
    if (step->flags & SB_STEP_READS_FAULTS && (step->effect != SB_READ || !step->fold))
        return wrong(plugin, err, "the step '%s' reads faults, and so must be SB_READ and have a fold",
                     step->name);
    if (step->work || step->effect != SB_CREATE)
        return 0;
    if (is_poll)
        return wrong(plugin, err, "the poll step '%s' must be SB_READ or SB_IDEMPOTENT", step->name);
    return check_reconcile(plugin, step, err);
}

static int check_steps(const struct sb_plugin *plugin, const struct sb_step *steps, bool is_poll,
                       struct sb_error *err)
{
    for (const struct sb_step *step = steps; step && step->name; step++) {
        if (step - steps >= ROWS_MAX)
            return wrong(plugin, err, "its steps have no end");
        int rc = check_step(plugin, steps, step, is_poll, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static bool is_option_of(const struct sb_plugin *plugin, const char *name, enum sb_option_type type)
{
    const struct sb_option *row = find_option(plugin, name);
    return row && row->type == type;
}

static int check_routes(const struct sb_plugin *plugin, struct sb_error *err)
{
    for (const struct sb_route *route = plugin->routes; route && route->method; route++) {
        if (route - plugin->routes >= ROWS_MAX)
            return wrong(plugin, err, "its routes have no end");
        if (!route->path || route->path[0] != '/' || !route->handle || route->body_max == 0)
            return wrong(plugin, err, "the route '%s' must have a path, a handler and a largest body",
                         route->path ? route->path : "");
        if (route->body_max_option && !is_option_of(plugin, route->body_max_option, SB_OPT_SIZE))
            return wrong(plugin, err, "the route '%s' names '%s', which is no size among its options",
                         route->path, route->body_max_option);
    }
    return 0;
}

static int check_callers(const struct sb_plugin *plugin, struct sb_error *err)
{
    const struct sb_callers *callers = plugin->callers;

    if (!callers)
        return 0;
    if (!callers->tokens || !is_option_of(plugin, callers->tokens, SB_OPT_SECRETS))
        return wrong(plugin, err, "its callers name no option with tokens");
    if (callers->signing_keys && !is_option_of(plugin, callers->signing_keys, SB_OPT_SECRETS))
        return wrong(plugin, err, "its callers' signing keys are no secrets among its options");
    if (callers->replay_window && !is_option_of(plugin, callers->replay_window, SB_OPT_DURATION))
        return wrong(plugin, err, "its callers' replay window is no duration among its options");
    if (callers->rate && !is_option_of(plugin, callers->rate, SB_OPT_RATE))
        return wrong(plugin, err, "its callers' rate is no rate among its options");
    return 0;
}

static bool has_rows(const struct sb_step *steps)
{
    return steps && steps->name;
}

static int check_kind(const struct sb_plugin *plugin, struct sb_error *err)
{
    bool has_routes = plugin->routes && plugin->routes->method;

    switch (plugin->kind) {
    case SB_SOURCE:
        if (!has_rows(plugin->poll) && !has_routes)
            return wrong(plugin, err, "it is a source without poll steps and without routes");
        return 0;
    case SB_PROCESSOR:
    case SB_SINK:
        if (has_rows(plugin->poll) || has_routes)
            return wrong(plugin, err, "only a source may have poll steps or routes");
        if (!has_rows(plugin->steps))
            return wrong(plugin, err, "it has no steps");
        return 0;
    }
    return wrong(plugin, err, "it is neither source, processor nor sink");
}

int loader_check(const struct sb_plugin *plugin, struct sb_error *err)
{
    if (!is_name(plugin->name))
        return wrong(plugin, err, "its name must be of a-z, 0-9 and _, at most 40");
    if (!plugin->summary || !plugin->version)
        return wrong(plugin, err, "it has no summary or no version");
    int rc = check_kind(plugin, err);
    if (rc == 0)
        rc = check_options(plugin, err);
    if (rc == 0)
        rc = check_auth(plugin, err);
    if (rc == 0)
        rc = check_hosts(plugin, "reaches", plugin->reaches, err);
    if (rc == 0)
        rc = check_steps(plugin, plugin->steps, false, err);
    if (rc == 0)
        rc = check_steps(plugin, plugin->poll, true, err);
    if (rc == 0)
        rc = check_routes(plugin, err);
    return rc < 0 ? rc : check_callers(plugin, err);
}

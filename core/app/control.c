/* Changing verbs, carried out by the running engine. */
#include "app/control.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/control_verb.h"
#include "app/reconcile.h"
#include "base/file.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/timefmt.h"

/* TWINS_AFTER_MS: put off until the settle time is over, which the flow knows. */
enum { ACTIVE_ARENA_MAX = 1 << 28, TWINS_AFTER_MS = 60 * 1000 };

struct control {
    struct engine *engine;
    struct http_server *server;
    int dir_fd; /* of data_dir, where its name is too long for a socket; else -1 */
};

void control_reply(struct http_call *call, int status, json_t *answer)
{
    AUTO_STR text = answer ? json_text(answer) : NULL;

    json_decref(answer);
    http_call_reply(call, text ? status : 500, "application/json", text ? text : "{}",
                    text ? strlen(text) : 2);
}

void control_refuse(struct http_call *call, int status, const char *text)
{
    control_reply(call, status, json_pack("{s:s}", "error", text));
}

void control_verb_free(struct control_verb *verb)
{
    arena_free(verb->arena);
    json_decref(verb->body);
    free(verb->active);
    free(verb->reason);
    free(verb);
}

struct control_verb *control_verb_new(struct engine *engine, struct http_call *call)
{
    struct control_verb *verb = calloc(1, sizeof(*verb));

    if (verb) {
        verb->engine = engine;
        verb->call = call;
        verb->arena = arena_new(ACTIVE_ARENA_MAX);
    }
    if (!verb || !verb->arena) {
        free(verb);
        control_refuse(call, 503, "out of memory");
        return NULL;
    }
    return verb;
}

/* ---- retry --------------------------------------------------------------------------------------------- */

static void retry_in_store(void *ctx, struct store *store)
{
    struct control_verb *verb = ctx;

    verb->rc = store_retry(store, verb->id, verb->state, clock_wall_ms(), &verb->changed, &verb->err);
    if (verb->rc == 0)
        verb->rc = store_active(store, verb->arena, &verb->active, &verb->active_count, &verb->err);
}

static void on_retried(void *ctx)
{
    struct control_verb *verb = ctx;

    if (verb->rc < 0) {
        control_refuse(verb->call, 422, verb->err.text);
    } else {
        /* Those under way already are known to the flow and stay as they are. */
        for (size_t i = 0; i < verb->active_count; i++)
            flow_admit(verb->engine->flow, verb->active[i].id, verb->active[i].pipeline);
        control_reply(verb->call, 200, json_pack("{s:I}", "retried", (json_int_t)verb->changed));
        engine_look(verb->engine);
    }
    control_verb_free(verb);
}

static void on_retry(struct control *control, struct http_call *call, const json_t *body)
{
    const char *state = json_str(body, "state");
    struct control_verb *verb = control_verb_new(control->engine, call);

    if (!verb)
        return;
    verb->id = json_int(body, "id", 0);
    verb->state = state ? store_state_from_word(state) : STORE_STATE_INVALID; /* nothing said is not all */
    if (verb->id <= 0 && verb->state != STORE_DEAD && verb->state != STORE_DISABLED &&
        verb->state != STORE_DONE) {
        control_refuse(call, 422, "retry needs an 'id', or the 'state' dead, disabled or done");
        control_verb_free(verb);
        return;
    }
    store_thread_run(control->engine->store, retry_in_store, on_retried, verb);
}

/* ---- drop ---------------------------------------------------------------------------------------------- */

static void drop_in_store(void *ctx, struct store *store)
{
    struct control_verb *verb = ctx;
    verb->rc = store_drop(store, verb->id, verb->reason, clock_wall_ms(), &verb->err);
}

static void on_dropped(void *ctx)
{
    struct control_verb *verb = ctx;

    if (verb->rc < 0)
        control_refuse(verb->call, 422, verb->err.text);
    else
        control_reply(verb->call, 200, json_pack("{s:I}", "dropped", (json_int_t)verb->id));
    control_verb_free(verb);
}

static void on_drop(struct control *control, struct http_call *call, const json_t *body)
{
    const char *reason = json_str(body, "reason");
    int64_t id = json_int(body, "id", 0);

    if (id <= 0) {
        control_refuse(call, 422, "drop needs an 'id'");
        return;
    }
    if (!reason)
        reason = "dropped by an operator";
    if (flow_drop(control->engine->flow, id, reason)) {
        control_reply(call, 202,
                      json_pack("{s:I, s:s}", "dropped", (json_int_t)id, "when", "at its next safe point"));
        engine_look(control->engine);
        return;
    }
    struct control_verb *verb = control_verb_new(control->engine, call);
    if (!verb)
        return;
    verb->id = id;
    verb->reason = strdup(reason);
    if (!verb->reason) {
        control_refuse(call, 503, "out of memory");
        control_verb_free(verb);
        return;
    }
    store_thread_run(control->engine->store, drop_in_store, on_dropped, verb);
}

/* ---- decide -------------------------------------------------------------------------------------------- */

static void decide_in_store(void *ctx, struct store *store)
{
    struct control_verb *verb = ctx;
    const char *adopt = json_str(verb->body, "adopt");
    char text[300];
    const struct store_decision decision = { .adopt = adopt,
                                             .is_forced = json_is_true(json_object_get(verb->body, "force")),
                                             .text = text,
                                             .sweep_ms = TWINS_AFTER_MS };

    (void)snprintf(text, sizeof(text), "an operator says that it is %s", adopt ? adopt : "");
    verb->rc = store_decide(store, verb->id, &decision, clock_wall_ms(), &verb->err);
    if (verb->rc == 0)
        verb->rc = store_active(store, verb->arena, &verb->active, &verb->active_count, &verb->err);
}

static void reply_decided(struct control_verb *verb)
{
    control_reply(
        verb->call, 202,
        json_pack("{s:I, s:I}", "decided", (json_int_t)verb->id, "since_ms", (json_int_t)verb->since_ms));
}

static void on_decided_in_store(void *ctx)
{
    struct control_verb *verb = ctx;

    if (verb->rc < 0) {
        control_refuse(verb->call, 422, verb->err.text);
    } else {
        for (size_t i = 0; i < verb->active_count; i++)
            if (verb->active[i].id == verb->id)
                flow_admit(verb->engine->flow, verb->id, verb->active[i].pipeline);
        reply_decided(verb);
        engine_look(verb->engine);
    }
    control_verb_free(verb);
}

static void check_in_store(void *ctx, struct store *store)
{
    struct control_verb *verb = ctx;
    verb->rc = store_check_unknown(store, verb->id, &verb->state, &verb->err);
}

/* Whatever is under way in the flow is the flow's to decide, so that two never settle one intent. */
static void on_checked(void *ctx)
{
    struct control_verb *verb = ctx;
    struct engine *engine = verb->engine;

    verb->since_ms = clock_wall_ms();
    if (verb->rc < 0) {
        control_refuse(verb->call, 422, verb->err.text);
        control_verb_free(verb);
        return;
    }
    switch (flow_decide(engine->flow, verb->id, json_str(verb->body, "adopt"),
                        json_is_true(json_object_get(verb->body, "force")))) {
    case FLOW_DECIDED:
        reply_decided(verb);
        break;
    case FLOW_NOT_UNDER_WAY:
        store_thread_run(engine->store, decide_in_store, on_decided_in_store, verb);
        return;
    case FLOW_IS_ENDING:
        control_refuse(verb->call, 422, "it is ending at this moment: 'switchboard show' tells how");
        break;
    case FLOW_IS_SENDING:
        control_refuse(verb->call, 422,
                       "its request is being sent or settled at this moment: there is nothing to decide yet");
        break;
    case FLOW_IS_HELD:
        control_refuse(verb->call, 422, "its pipeline is not running: switch it on, then decide");
        break;
    }
    control_verb_free(verb);
    engine_look(engine);
}

static void on_decide(struct control *control, struct http_call *call, json_t *body)
{
    const char *adopt = json_str(body, "adopt");
    bool sends_again = json_is_true(json_object_get(body, "send_again"));
    int64_t id = json_int(body, "id", 0);

    if (id <= 0 || (adopt != NULL) == sends_again || (adopt && !*adopt)) {
        control_refuse(call, 422,
                       "decide needs an 'id', and either 'adopt', the id of what was made, or 'send_again'");
        return;
    }
    struct control_verb *verb = control_verb_new(control->engine, call);
    if (!verb)
        return;
    verb->id = id;
    verb->body = json_incref(body);
    store_thread_run(control->engine->store, check_in_store, on_checked, verb);
}

/* ---- requests ------------------------------------------------------------------------------------------ */

static void on_status(struct control *control, struct http_call *call)
{
    struct flow_counts counts;

    flow_counts(control->engine->flow, &counts);
    control_reply(call, 200,
                  json_pack("{s:o, s:{s:I, s:I, s:I}}", "instances", flow_instances(control->engine->flow),
                            "records", "loaded", (json_int_t)counts.loaded, "active",
                            (json_int_t)counts.active, "unknown", (json_int_t)counts.unknown));
}

/* Begins a comparison; it may last for minutes, so that /compared is asked for its result. */
static void on_reconcile(struct control *control, struct http_call *call, const json_t *body)
{
    const struct reconcile_options options = { .since_ms = json_int(body, "since_ms", 0),
                                               .back_fills =
                                                   json_is_true(json_object_get(body, "back_fill")) };
    struct sb_error err = SB_ERROR_INIT;

    if (options.since_ms <= 0)
        control_refuse(call, 422, "reconcile needs 'since_ms'");
    else if (reconcile_begin(control->engine->reconcile, &options, &err) < 0)
        control_refuse(call, 422, err.text);
    else
        control_reply(call, 202, json_pack("{s:b}", "is_running", 1));
}

static void on_compared(struct control *control, struct http_call *call)
{
    control_reply(call, 200, reconcile_status(control->engine->reconcile));
}

static void on_unknown(struct control *control, struct http_call *call)
{
    control_reply(call, 200, json_pack("{s:o}", "unknown", flow_unknown(control->engine->flow)));
}

static void on_call(void *ctx, struct http_call *call)
{
    struct control *control = ctx;
    const char *path = http_call_path(call);
    size_t size = 0;
    const char *text = http_call_body(call, &size);
    AUTO_JSON body = size ? json_parse(text, size, NULL) : NULL;

    if (strcmp(path, "/status") == 0)
        on_status(control, call);
    else if (strcmp(path, "/unknown") == 0)
        on_unknown(control, call);
    else if (strcmp(path, "/compared") == 0)
        on_compared(control, call);
    else if (control->engine->is_stopping)
        control_refuse(call, 503, "the engine is stopping");
    else if (!json_is_object(body))
        control_refuse(call, 422, "the body must be a JSON object");
    else if (strcmp(path, "/retry") == 0)
        on_retry(control, call, body);
    else if (strcmp(path, "/drop") == 0)
        on_drop(control, call, body);
    else if (strcmp(path, "/import") == 0)
        control_import(control->engine, call, body);
    else if (strcmp(path, "/decide") == 0)
        on_decide(control, call, body);
    else if (strcmp(path, "/reconcile") == 0)
        on_reconcile(control, call, body);
    else
        control_refuse(
            call, 404,
            "there are /retry, /drop, /import, /decide, /reconcile, /compared, /unknown and /status");
}

/* A socket's name has room for 107 bytes. Through the open folder a socket in any data_dir has a short one. */
static char *socket_path(struct control *control, const char *data_dir)
{
    AUTO_STR path = file_join(data_dir, CONTROL_SOCKET_NAME);
    char by_folder[64];

    if (!path || strlen(path) < sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return TAKE(path);
    control->dir_fd = open(data_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    (void)snprintf(by_folder, sizeof(by_folder), "/proc/self/fd/%d/" CONTROL_SOCKET_NAME, control->dir_fd);
    return strdup(by_folder);
}

struct control *control_new(struct engine *engine, struct sb_error *err)
{
    struct control *control = calloc(1, sizeof(*control));

    if (!control) {
        (void)sb_fail(err, SB_ENOMEM, "out of memory");
        return NULL;
    }
    control->engine = engine;
    control->dir_fd = -1;
    AUTO_STR path = socket_path(control, engine->setup->conf->settings.data_dir);
    const struct http_server_options options = { .socket_path = path };
    if (path)
        control->server = http_server_new(engine->loop, &options, on_call, control, engine->log, err);
    else
        (void)sb_fail(err, SB_ENOMEM, "out of memory");
    if (!control->server) {
        control_free(control);
        return NULL;
    }
    return control;
}

void control_free(struct control *control)
{
    if (!control)
        return;
    http_server_free(control->server); /* unlinks the socket, so the folder must still be open */
    if (control->dir_fd >= 0)
        (void)close(control->dir_fd); /* only a way to the folder */
    free(control);
}

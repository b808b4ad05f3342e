/* Instances: made from the values of a configuration block, opened by their plugin, read through typed
 * getters. */
#include "plugin/instance.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "io/url.h"
#include "plugin/callers.h"

enum { NOTICES_MAX = 64, HOSTS_MAX = 64 };

/* The texts are jansson's own copies, shared with the configuration, which ends with the instance. */
static void wipe_list(const json_t *list)
{
    size_t i;
    json_t *item;

    json_array_foreach (list, i, item)
        explicit_bzero((char *)(uintptr_t)json_string_value(item), json_string_length(item));
}

static void release_values(struct instance_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (values[i].option->type == SB_OPT_SECRET && values[i].text)
            explicit_bzero((char *)(uintptr_t)values[i].text, strlen(values[i].text));
        if (values[i].option->type == SB_OPT_SECRETS)
            wipe_list(values[i].json);
        json_decref(values[i].json);
    }
}

static int make_placeholders(struct sb_instance *instance)
{
    for (size_t i = 0; i < instance->value_count; i++) {
        struct instance_value *value = &instance->values[i];
        if (value->option->type != SB_OPT_SECRET)
            continue;
        value->placeholder = arena_printf(instance->arena, "%c%s%c", INSTANCE_SECRET_BEGIN,
                                          value->option->name, INSTANCE_SECRET_END);
        if (!value->placeholder)
            return -1;
    }
    return 0;
}

int instance_new(const char *name, const struct sb_plugin *plugin, struct arena *arena,
                 struct instance_value *values, size_t value_count, struct sb_instance **ret_instance,
                 struct sb_error *err)
{
    struct sb_instance *instance = calloc(1, sizeof(*instance));

    if (!instance) {
        release_values(values, value_count);
        arena_free(arena);
        return sb_fail(err, SB_ENOMEM, "cannot make the instance '%s': out of memory", name);
    }
    instance->arena = arena;
    instance->plugin = plugin;
    instance->values = values;
    instance->value_count = value_count;
    instance->name = arena_strdup(arena, name);
    instance->region = "IN";
    instance->notices = json_array();
    instance->mistakes = json_array();
    instance->empty_list = json_array();
    if (!instance->name || !instance->notices || !instance->mistakes || !instance->empty_list ||
        make_placeholders(instance) < 0) {
        instance_free(instance);
        return sb_fail(err, SB_ENOMEM, "cannot make the instance '%s': out of memory", name);
    }
    *ret_instance = instance;
    return 0;
}

void instance_free(struct sb_instance *instance)
{
    if (!instance)
        return;
    if (instance->is_open && instance->plugin->close)
        instance->plugin->close(instance);
    (void)instance_set_token(instance, NULL);
    release_values(instance->values, instance->value_count);
    json_decref(instance->notices);
    json_decref(instance->mistakes);
    json_decref(instance->empty_list);
    arena_free(instance->arena);
    free(instance);
}

/* ---- hosts --------------------------------------------------------------------------------------------- */

struct host_list {
    const char *hosts[HOSTS_MAX + 1];
    size_t count;
};

static int add_host(struct sb_instance *instance, const char *option, const char *text,
                    struct host_list *list, struct sb_error *err)
{
    char pattern[URL_HOST_MAX];
    struct url_place place;

    if (strstr(text, "://")) {
        int rc = url_place(text, &place, err);
        if (rc < 0)
            return rc;
        if (!place.is_https && !place.is_loopback)
            return sb_fail(err, SB_ECONFIG,
                           "option '%s' of '%s' must begin with https:// (plain http is for loopback)",
                           option, instance->name);
        if (place.has_user)
            return sb_fail(err, SB_ECONFIG, "option '%s' of '%s' must not hold a user name or password",
                           option, instance->name);
        memcpy(pattern, place.host, sizeof(pattern));
    } else {
        int rc = url_host_pattern(text, pattern, err);
        if (rc < 0)
            return rc;
    }
    if (list->count == HOSTS_MAX)
        return sb_fail(err, SB_ECONFIG, "option '%s' of '%s' has more than %d hosts", option, instance->name,
                       HOSTS_MAX);
    list->hosts[list->count] = arena_strdup(instance->arena, pattern);
    if (!list->hosts[list->count])
        return sb_fail(err, SB_ENOMEM, "cannot open '%s': out of memory", instance->name);
    list->count++;
    return 0;
}

/* Adds the hosts of the URL and LIST options called `names`. */
static int add_hosts(struct sb_instance *instance, const char *const *names, struct host_list *list,
                     struct sb_error *err)
{
    for (; names && *names; names++) {
        const struct instance_value *value = instance_value(instance, *names);
        if (!value)
            return sb_fail(err, SB_EINTERNAL, "plugin '%s' takes hosts from '%s', which is no option of it",
                           instance->plugin->name, *names);
        bool is_one = value->text && value->option->type != SB_OPT_LIST;
        int rc = is_one ? add_host(instance, *names, value->text, list, err) : 0;
        size_t i;
        json_t *item;
        json_array_foreach (value->json, i, item) {
            if (rc == 0 && json_is_string(item))
                rc = add_host(instance, *names, json_string_value(item), list, err);
        }
        if (rc < 0)
            return rc;
    }
    return 0;
}

static const char **keep_hosts(struct sb_instance *instance, const struct host_list *list)
{
    const char **hosts = arena_alloc(instance->arena, (list->count + 1) * sizeof(*hosts));

    if (hosts)
        memcpy(hosts, list->hosts, list->count * sizeof(*hosts));
    return hosts;
}

static int find_token_server(struct sb_instance *instance, struct sb_error *err)
{
    const struct sb_auth *auth = instance->plugin->auth;
    AUTO_BUF url;
    struct url_place place = { .is_https = false };

    buf_init(&url, URL_SIZE_MAX);
    if (!auth || auth->kind != SB_AUTH_OAUTH2)
        return 0;
    const char *base = auth->token_base ? auth->token_base(instance) : NULL;
    if (!base)
        return sb_fail(err, SB_EINTERNAL, "plugin '%s' names no token server", instance->plugin->name);
    int rc = url_build(base, auth->token_path ? auth->token_path : "", "", &url, err);
    if (rc == 0)
        rc = url_place(url.data, &place, err);
    if (rc < 0)
        return rc;
    if (!place.is_https && !place.is_loopback)
        return sb_fail(err, SB_ECONFIG, "the token server of '%s' must be reached by https", instance->name);
    instance->token_url = arena_strdup(instance->arena, url.data);
    instance->token_host = arena_strdup(instance->arena, place.host);
    return instance->token_url && instance->token_host
               ? 0
               : sb_fail(err, SB_ENOMEM, "cannot open '%s': out of memory", instance->name);
}

static int find_hosts(struct sb_instance *instance, struct sb_error *err)
{
    const struct sb_plugin *plugin = instance->plugin;
    struct host_list list = { .count = 0 };

    int rc = add_hosts(instance, plugin->auth ? plugin->auth->hosts : NULL, &list, err);
    if (rc < 0)
        return rc;
    instance->credential_hosts = keep_hosts(instance, &list);
    rc = add_hosts(instance, plugin->reaches, &list, err);
    if (rc < 0)
        return rc;
    instance->allowed_hosts = keep_hosts(instance, &list);
    if (!instance->credential_hosts || !instance->allowed_hosts)
        return sb_fail(err, SB_ENOMEM, "cannot open '%s': out of memory", instance->name);
    return find_token_server(instance, err);
}

static bool fits_one(const char *const *patterns, const char *host)
{
    for (; patterns && *patterns; patterns++)
        if (url_host_fits(host, *patterns))
            return true;
    return false;
}

bool instance_host_has_credentials(const struct sb_instance *instance, const char *host)
{
    return fits_one(instance->credential_hosts, host);
}

bool instance_host_is_allowed(const struct sb_instance *instance, const char *host)
{
    return fits_one(instance->allowed_hosts, host);
}

/* ---- opening ------------------------------------------------------------------------------------------- */

/* A secret goes into a header, where a line break would start another header. */
static int check_secrets(const struct sb_instance *instance, struct sb_error *err)
{
    for (size_t i = 0; i < instance->value_count; i++) {
        const struct instance_value *value = &instance->values[i];
        if (value->option->type != SB_OPT_SECRET || !value->text)
            continue;
        for (const char *c = value->text; *c; c++)
            if ((unsigned char)*c < 0x20 || *c == 0x7f)
                return sb_fail(err, SB_ECONFIG,
                               "option '%s' of '%s' holds a line break or another control character",
                               value->option->name, instance->name);
    }
    return 0;
}

static int call_open(struct sb_instance *instance, struct sb_error *err)
{
    if (!instance->plugin->open)
        return 0;
    instance->is_opening = true;
    struct sb_error why = SB_ERROR_INIT;
    int rc = instance->plugin->open(instance, &why);
    instance->is_opening = false;
    if (rc < 0)
        return sb_fail(err, why.status < 0 ? (enum sb_status)why.status : SB_ECONFIG, "%s",
                       why.text[0] ? why.text : "the plugin refused its options and did not say why");
    return 0;
}

int instance_open(struct sb_instance *instance, struct sb_error *err)
{
    const struct sb_auth *auth = instance->plugin->auth;

    assert(!instance->is_open);
    int rc = check_secrets(instance, err);
    if (rc == 0)
        rc = callers_check(instance, err);
    if (rc < 0)
        return rc;
    rc = call_open(instance, err);
    if (rc < 0)
        return rc;
    instance->is_open = true;
    rc = find_hosts(instance, err);
    if (rc < 0)
        return rc;
    if (instance->complaint[0])
        return sb_fail(err, SB_EINTERNAL, "%s", instance->complaint);
    const struct instance_value *token =
        auth && auth->access_token ? instance_value(instance, auth->access_token) : NULL;
    if (token && token->is_set && !instance->access_token && instance_set_token(instance, token->text) < 0)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    return 0;
}

int instance_set_token(struct sb_instance *instance, const char *token)
{
    char *copy = token ? strdup(token) : NULL;

    if (instance->access_token)
        explicit_bzero(instance->access_token, strlen(instance->access_token));
    free(instance->access_token);
    instance->access_token = copy;
    return token && !copy ? -1 : 0;
}

/* ---- values -------------------------------------------------------------------------------------------- */

const struct instance_value *instance_value(const struct sb_instance *instance, const char *name)
{
    for (size_t i = 0; i < instance->value_count; i++) {
        const char *known = instance->values[i].option->name;
        if (*known == *name && strcmp(known, name) == 0) /* asked for often: most differ at once */
            return &instance->values[i];
    }
    return NULL;
}

int64_t instance_number(const struct sb_instance *instance, const char *name, int64_t otherwise)
{
    const struct instance_value *value = instance_value(instance, name);

    return value && value->is_set ? value->number : otherwise;
}

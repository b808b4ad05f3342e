/* What the tests of exchanges share: a plugin with an option of every type, an instance of it, and one call. */
#ifndef TESTS_UNIT_EXCHANGE_KIT_H
#define TESTS_UNIT_EXCHANGE_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/scope.h"
#include "plugin/exchange_run.h"

static const char *const kit_moods[] = { "calm", "cross", NULL };
static const struct sb_option kit_options[] = {
    { .name = "base_url", .type = SB_OPT_URL, .help = "h" },
    { .name = "files_url", .type = SB_OPT_URL, .help = "h" },
    { .name = "partners", .type = SB_OPT_LIST, .help = "h" },
    { .name = "accounts_url", .type = SB_OPT_URL, .help = "h" },
    { .name = "user", .type = SB_OPT_STRING, .help = "h" },
    { .name = "password", .type = SB_OPT_SECRET, .help = "h" },
    { .name = "api_key", .type = SB_OPT_SECRET, .help = "h" },
    { .name = "hook_key", .type = SB_OPT_SECRET, .help = "h" },
    { .name = "client_id", .type = SB_OPT_SECRET, .help = "h" },
    { .name = "client_secret", .type = SB_OPT_SECRET, .help = "h" },
    { .name = "refresh_token", .type = SB_OPT_SECRET, .help = "h" },
    { .name = "access_token", .type = SB_OPT_SECRET, .help = "h" },
    { .name = "no_key", .type = SB_OPT_SECRET, .help = "h" },
    { .name = "mood", .type = SB_OPT_ENUM, .choices = kit_moods, .help = "h" },
    { .name = "pages", .type = SB_OPT_INT, .help = "h" },
    { .name = "wait", .type = SB_OPT_DURATION, .help = "h" },
    { .name = "is_on", .type = SB_OPT_BOOL, .help = "h" },
    { .name = "empty", .type = SB_OPT_STRING, .help = "h" },
    { .name = "agents", .type = SB_OPT_JSON_FILE, .help = "h" },
    { .name = "mapping", .type = SB_OPT_SCRIPT, .help = "h" },
    { .name = "timeout", .type = SB_OPT_DURATION, .help = "h" },
    { .name = NULL },
};
static const char *const kit_hosts[] = { "base_url", "partners", NULL };
static const char *const kit_reaches[] = { "files_url", NULL };
static const struct sb_step kit_steps[] = {
    { .name = NULL },
};

static inline const char *kit_token_base(const struct sb_instance *instance)
{
    return sb_instance_str(instance, "accounts_url");
}

static const struct sb_auth kit_basic = {
    .kind = SB_AUTH_BASIC, .hosts = kit_hosts, .user = "user", .password = "password"
};
static const struct sb_auth kit_header = {
    .kind = SB_AUTH_HEADER, .hosts = kit_hosts, .header = "X-Key", .prefix = "Key ", .secret = "api_key"
};
static const struct sb_auth kit_header_unset = {
    .kind = SB_AUTH_HEADER, .hosts = kit_hosts, .header = "X-Key", .prefix = "Key ", .secret = "no_key"
};
static const struct sb_auth kit_oauth = { .kind = SB_AUTH_OAUTH2,
                                          .hosts = kit_hosts,
                                          .header = "Authorization",
                                          .prefix = "Bearer ",
                                          .client_id = "client_id",
                                          .client_secret = "client_secret",
                                          .refresh_token = "refresh_token",
                                          .access_token = "access_token",
                                          .token_base = kit_token_base,
                                          .token_path = "/oauth/token" };

#define KIT_PLUGIN(auth_pointer)                                                                             \
    {                                                                                                        \
        .abi = SB_ABI, .size = sizeof(struct sb_plugin), .kind = SB_PROCESSOR, .name = "kit",                \
        .summary = "s", .version = "1", .options = kit_options, .auth = (auth_pointer),                      \
        .reaches = kit_reaches, .steps = kit_steps                                                           \
    }

static const struct {
    const char *name, *text, *json;
    int64_t number;
} kit_values[] = {
    { "base_url", .text = "https://api.example.com/root/" },
    { "files_url", .text = "https://files.example.com:8443" },
    { "partners", .json = "[\"*.partner.example.com\", \"one.example.net\"]" },
    { "accounts_url", .text = "http://127.0.0.1:7001/id" },
    { "user", .text = "acmedemo1" },
    { "password", .text = "not-a-real-password" },
    { "api_key", .text = "not-a-real-key" },
    { "hook_key", .text = "not-a-real-hook" },
    { "client_id", .text = "1000.client" },
    { "client_secret", .text = "a+b c&d" },
    { "refresh_token", .text = "1000.refresh/token=" },
    { "access_token", .text = "first-access-token" },
    { "mood", .text = "calm" },
    { "pages", .number = 7 },
    { "wait", .number = 90000 },
    { "is_on", .number = 1 },
    { "agents", .json = "{\"agents\": []}" },
    { "mapping", .text = "/nowhere/map.lua" },
    { "timeout", .number = 12000 },
};

/* Values of all rows; `skip` (NULL: none) stays unset. */
static inline struct instance_value *kit_make_values(struct arena *arena, const char *skip, size_t *ret_count)
{
    struct instance_value *values = arena_alloc(arena, COUNT_OF(kit_options) * sizeof(*values));
    size_t count = 0;

    assert_non_null(values);
    for (const struct sb_option *row = kit_options; row->name; row++) {
        struct instance_value *value = &values[count++];
        value->option = row;
        for (size_t i = 0; i < COUNT_OF(kit_values); i++) {
            if (strcmp(kit_values[i].name, row->name) != 0 || (skip && strcmp(skip, row->name) == 0))
                continue;
            value->is_set = true;
            value->text = arena_strdup(arena, kit_values[i].text);
            value->number = kit_values[i].number;
            value->json = kit_values[i].json ? json_loads(kit_values[i].json, 0, NULL) : NULL;
        }
    }
    *ret_count = count;
    return values;
}

static inline struct sb_instance *kit_closed(const struct sb_plugin *plugin, const char *skip)
{
    struct arena *arena = arena_new(1 << 20);
    struct sb_instance *instance = NULL;
    struct sb_error err = SB_ERROR_INIT;
    size_t count = 0;

    assert_non_null(arena);
    struct instance_value *values = kit_make_values(arena, skip, &count);
    if (instance_new("kit", plugin, arena, values, count, &instance, &err) < 0)
        fail_msg("%s", err.text);
    return instance;
}

static inline struct sb_instance *kit_open(const struct sb_plugin *plugin)
{
    struct sb_instance *instance = kit_closed(plugin, NULL);
    struct sb_error err = SB_ERROR_INIT;

    if (instance_open(instance, &err) < 0)
        fail_msg("%s", err.text);
    return instance;
}

/* One call of one step on a document. */
struct kit {
    struct sb_instance *instance;
    json_t *document, *key_doc;
    struct sb_step step;
    struct sb_exchange *x;
};

typedef enum sb_verdict (*kit_fn)(struct sb_exchange *x);

static inline void kit_begin(struct kit *kit, const struct sb_plugin *plugin, const char *document)
{
    *kit = (struct kit){ .instance = kit_open(plugin) };
    kit->document = json_loads(document, 0, NULL);
    kit->step = (struct sb_step){ .name = "step", .effect = SB_READ };
    assert_non_null(kit->document);
}

static inline void kit_exchange(struct kit *kit)
{
    const struct exchange_input in = { .instance = kit->instance,
                                       .step = &kit->step,
                                       .document = kit->document,
                                       .reference = "0123456789ABC",
                                       .record_id = 12,
                                       .now_ms = INT64_C(1773133200000),
                                       .since_ms = INT64_C(1773133190000),
                                       .key_doc = kit->key_doc };

    exchange_free(kit->x);
    kit->x = exchange_new(&in);
    assert_non_null(kit->x);
}

static inline enum sb_verdict kit_build(struct kit *kit, kit_fn build)
{
    kit->step.build = build;
    kit->step.work = NULL;
    kit_exchange(kit);
    return exchange_build(kit->x);
}

static inline enum sb_verdict kit_work(struct kit *kit, kit_fn work)
{
    kit->step.build = NULL;
    kit->step.work = work;
    kit_exchange(kit);
    return exchange_work(kit->x);
}

static inline void kit_end(struct kit *kit)
{
    exchange_free(kit->x);
    json_decref(kit->document);
    json_decref(kit->key_doc);
    instance_free(kit->instance);
}

static inline const char *kit_header_of(const struct sb_exchange *x, const char *name)
{
    for (size_t i = 0; i < x->request.header_count; i++)
        if (strcasecmp(x->request.headers[i].name, name) == 0)
            return x->request.headers[i].value;
    return NULL;
}

/* Compares with JSON text, in which order does not matter. */
static inline void kit_same(const json_t *got, const char *want)
{
    AUTO_JSON wanted = json_loads(want, JSON_DECODE_ANY, NULL);
    AUTO_STR text = got ? json_dumps(got, JSON_ENCODE_ANY | JSON_SORT_KEYS) : NULL;

    assert_non_null(wanted);
    if (!json_equal(got, wanted))
        fail_msg("got %s, want %s", text ? text : "nothing", want);
}

#endif

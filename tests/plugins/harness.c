/* The harness: an instance, a world that stands still, and calls that are made twice and compared. */
#include "plugins/harness.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/scope.h"
#include "plugin/loader.h"
#include "plugins/harness_inner.h"
#include "plugins/harness_options.h"
#include "plugins/harness_script.h"

enum { ARENA_MAX = 1 << 20, FILE_MAX = 64 << 20, RECORD_ID = 1 };

static const int64_t START_MS = INT64_C(1773133200000); /* 2026-03-10T09:00:00Z */

/* ---- making one ---------------------------------------------------------------------------------------- */

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

void harness_free(struct harness *h)
{
    if (!h)
        return;
    for (size_t i = 0; i < 2; i++) {
        exchange_free(h->pair.x[i]);
        json_decref(h->pair.documents[i]);
        json_decref(h->pair.key_docs[i]);
    }
    instance_free(h->instance);
    harness_script_free(h->script);
    json_decref(h->record);
    json_decref(h->cursor);
    json_decref(h->key_doc);
    json_decref(h->intent);
    json_decref(h->shot);
    json_decref(h->requests);
    json_decref(h->loose);
    free(h->key);
    if (h->files_dir[0])
        (void)nftw(h->files_dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS); /* a leftover in /tmp harms nobody */
    free(h);
}

static int open_instance(struct harness *h, const struct sb_plugin *plugin, const json_t *options,
                         struct sb_error *err)
{
    struct arena *arena = arena_new(ARENA_MAX);
    struct instance_value *values = NULL;
    size_t count = 0;

    assert_non_null(arena);
    int rc = harness_values(plugin, options, arena, &values, &count, err);
    int made = instance_new(plugin->name, plugin, arena, values, count, &h->instance, err);
    if (rc < 0 || made < 0)
        return rc < 0 ? rc : made;
    h->instance->files_dir = h->files_dir;
    rc = harness_script_load(h->instance, &h->script, err);
    return rc < 0 ? rc : instance_open(h->instance, err);
}

struct harness *harness_try(const struct sb_plugin *plugin, const char *options, struct sb_error *err)
{
    struct harness *h = calloc(1, sizeof(*h));
    AUTO_JSON given = harness_parse(options ? options : "{}", "options");
    struct sb_error why = SB_ERROR_INIT;

    assert_non_null(h);
    if (loader_check(plugin, &why) < 0)
        fail_msg("the tables of '%s' are wrong: %s", plugin->name, why.text);
    (void)snprintf(h->files_dir, sizeof(h->files_dir), "/tmp/sb-harness-XXXXXX");
    assert_non_null(mkdtemp(h->files_dir));
    (void)snprintf(h->reference, sizeof(h->reference), "0123456789ABC");
    h->now_ms = START_MS;
    h->record = json_object();
    h->cursor = json_object();
    h->key_doc = json_object();
    h->requests = json_array();
    h->loose = json_array();
    if (open_instance(h, plugin, given, err) == 0)
        return h;
    harness_free(h);
    return NULL;
}

struct harness *harness_new(const struct sb_plugin *plugin, const char *options)
{
    struct sb_error err = SB_ERROR_INIT;
    struct harness *h = harness_try(plugin, options, &err);

    if (!h)
        fail_msg("'%s' cannot be opened: %s", plugin->name, err.text);
    return h;
}

struct sb_instance *harness_instance(struct harness *h)
{
    return h->instance;
}

bool harness_has_notice(struct harness *h, const char *text)
{
    size_t i;
    json_t *notice;

    json_array_foreach (h->instance->notices, i, notice) {
        if (strstr(json_string_value(notice), text))
            return true;
    }
    return false;
}

const char *harness_put_file(struct harness *h, const char *name, const void *data, size_t size)
{
    char path[256];
    struct sb_error err = SB_ERROR_INIT;

    (void)snprintf(path, sizeof(path), "%s/0k", h->files_dir);
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        fail_msg("cannot make '%s'", path);
    (void)snprintf(path, sizeof(path), "%s/0k/%d-%s", h->files_dir, RECORD_ID, name);
    if (file_write(path, data, size, 0600, &err) < 0)
        fail_msg("%s", err.text);
    json_t *relative = json_sprintf("0k/%d-%s", RECORD_ID, name);
    (void)json_array_append_new(h->loose, relative);
    return json_string_value(relative);
}

const char *harness_copy_file(struct harness *h, const char *name, const char *from)
{
    AUTO_STR data = NULL;
    size_t size = 0;
    struct sb_error err = SB_ERROR_INIT;

    if (file_read(from, FILE_MAX, &data, &size, &err) < 0)
        fail_msg("%s", err.text);
    return harness_put_file(h, name, data, size);
}

void harness_set_script_host(struct harness *h, const struct script_host *host, void *script)
{
    h->instance->script_host = host;
    h->instance->script_count = 0;
    for (size_t i = 0; i < h->instance->value_count; i++) {
        const struct sb_option *option = h->instance->values[i].option;
        if (option->type == SB_OPT_SCRIPT)
            h->instance->scripts[h->instance->script_count++] =
                (struct instance_script){ option->name, script };
    }
}

/* ---- the world ----------------------------------------------------------------------------------------- */

static void forget_call(struct harness *h)
{
    for (size_t i = 0; i < 2; i++) {
        exchange_free(h->pair.x[i]);
        json_decref(h->pair.documents[i]);
        json_decref(h->pair.key_docs[i]);
    }
    h->pair = (struct harness_pair){ .step = NULL };
}

static void replace(json_t **slot, const char *text, const char *what)
{
    json_decref(*slot);
    *slot = harness_parse(text ? text : "{}", what);
}

void harness_set_record(struct harness *h, const char *json)
{
    forget_call(h);
    replace(&h->record, json, "record");
}

void harness_set_cursor(struct harness *h, const char *json)
{
    forget_call(h);
    replace(&h->cursor, json, "cursor");
}

void harness_set_key_doc(struct harness *h, const char *json)
{
    forget_call(h);
    replace(&h->key_doc, json, "key document");
}

void harness_set_intent(struct harness *h, const char *json, int64_t at_ms)
{
    forget_call(h);
    replace(&h->intent, json, "intent");
    h->intent_at_ms = at_ms;
}

void harness_set_look(struct harness *h, bool looks_for_all, const char *id, bool is_forced)
{
    forget_call(h);
    h->looks_for_all = looks_for_all;
    h->look_id = id;
    h->is_forced = is_forced;
}

void harness_set_list_since(struct harness *h, int64_t since_ms)
{
    forget_call(h);
    h->list_since_ms = since_ms;
}

void harness_set_now(struct harness *h, int64_t ms)
{
    h->now_ms = ms;
}

void harness_set_round(struct harness *h, uint32_t round)
{
    h->round = round;
}

void harness_set_doubtful(struct harness *h, bool is_doubtful)
{
    h->is_doubtful = is_doubtful;
}

void harness_set_age(struct harness *h, int64_t age_ms)
{
    h->age_ms = age_ms;
}

void harness_set_reference(struct harness *h, const char *reference)
{
    (void)snprintf(h->reference, sizeof(h->reference), "%s", reference);
}

/* ---- calls --------------------------------------------------------------------------------------------- */

static const struct sb_step *find_step(const struct sb_step *steps, const char *name)
{
    for (; steps && steps->name; steps++)
        if (strcmp(steps->name, name) == 0)
            return steps;
    fail_msg("there is no step '%s'", name);
    return NULL;
}

static const struct sb_step *step_of(struct harness *h, enum harness_kind kind, const char *name,
                                     const struct sb_step **ret_owner)
{
    const struct sb_plugin *plugin = h->instance->plugin;
    const struct sb_step *step = find_step(kind == HARNESS_POLL ? plugin->poll : plugin->steps, name);

    *ret_owner = step;
    if (kind == HARNESS_RECONCILE && !step->reconcile)
        fail_msg("step '%s' has no reconcile step", name);
    return kind == HARNESS_RECONCILE ? step->reconcile : step;
}

static void begin_call(struct harness *h, enum harness_kind kind, const char *name)
{
    const struct sb_step *owner = NULL;
    const struct sb_step *step = step_of(h, kind, name, &owner);
    bool is_poll = kind == HARNESS_POLL;

    forget_call(h);
    h->pair.step = step;
    for (size_t i = 0; i < 2; i++) {
        h->pair.documents[i] = json_deep_copy(is_poll ? h->cursor : h->record);
        h->pair.key_docs[i] = json_deep_copy(h->key_doc);
        const struct exchange_input in = { .instance = h->instance,
                                           .step = step,
                                           .document = h->pair.documents[i],
                                           .reference = is_poll ? NULL : h->reference,
                                           .record_id = is_poll ? 0 : RECORD_ID,
                                           .now_ms = h->now_ms,
                                           .since_ms = h->now_ms - h->age_ms,
                                           .is_doubtful = h->is_doubtful,
                                           .round = h->round,
                                           .key_doc = owner->key || step->key ? h->pair.key_docs[i] : NULL,
                                           .intent_kept = kind == HARNESS_RECONCILE ? h->intent : NULL,
                                           .intent_at_ms = kind == HARNESS_RECONCILE ? h->intent_at_ms : 0,
                                           .looks_for_all = h->looks_for_all,
                                           .look_id = h->look_id,
                                           .is_forced = h->is_forced,
                                           .list_since_ms = is_poll ? h->list_since_ms : 0,
                                           .seed = 42 };
        h->pair.x[i] = exchange_new(&in);
        assert_non_null(h->pair.x[i]);
    }
}

static void take_over(json_t **slot, json_t *value)
{
    json_decref(*slot);
    *slot = json_deep_copy(value);
}

static json_t *non_null(json_t *value)
{
    return json_is_null(value) ? NULL : value;
}

static const struct harness_result *give(struct harness *h, json_t *shot)
{
    json_decref(h->shot);
    h->shot = shot;
    h->result = (struct harness_result){
        .verdict = (enum sb_verdict)json_integer_value(json_object_get(shot, "verdict")),
        .reason = json_string_value(json_object_get(shot, "reason")),
        .delay_ms = json_integer_value(json_object_get(shot, "delay_ms")),
        .suspend_ms = json_integer_value(json_object_get(shot, "suspend_ms")),
        .is_defect = json_is_true(json_object_get(shot, "is_defect")),
        .has_more = json_is_true(json_object_get(shot, "has_more")),
        .request = non_null(json_object_get(shot, "request")),
        .record = json_object_get(shot, "record"),
        .notes = json_object_get(shot, "notes"),
        .meters = json_object_get(shot, "meters"),
        .emits = json_object_get(shot, "emits"),
        .found = json_object_get(shot, "found"),
        .listed = json_object_get(shot, "listed"),
        .key_doc = json_object_get(shot, "key_doc"),
        .intent = non_null(json_object_get(shot, "intent")),
    };
    return &h->result;
}

/* Compares the two calls, moves the world on, and gives the first one's outcome. */
static const struct harness_result *end_call(struct harness *h, const enum sb_verdict verdicts[2],
                                             bool is_build, enum harness_kind kind)
{
    const struct harness_pair *pair = &h->pair;
    json_t *shots[2];
    bool with_request = is_build && verdicts[0] == SB_OK;

    for (size_t i = 0; i < 2; i++) {
        const json_t *before = kind == HARNESS_POLL ? h->cursor : h->record;
        shots[i] = harness_shot(pair->x[i], verdicts[i], with_request);
        harness_compare(pair->documents[i], before, "the record that a call was given was changed in place");
        harness_compare(pair->key_docs[i], h->key_doc, "the key document was changed in place");
    }
    harness_compare(shots[0], shots[1],
                    "two calls with the same input gave different results: the step is impure");
    json_decref(shots[1]);
    take_over(kind == HARNESS_POLL ? &h->cursor : &h->record, json_object_get(shots[0], "record"));
    if (pair->x[0]->in.key_doc)
        take_over(&h->key_doc, json_object_get(shots[0], "key_doc"));
    if (is_build && kind == HARNESS_STEP && verdicts[0] == SB_OK && pair->step->effect == SB_CREATE) {
        json_decref(h->intent);
        h->intent = non_null(json_deep_copy(json_object_get(shots[0], "intent")));
        h->intent_at_ms = h->now_ms;
    }
    return give(h, shots[0]);
}

static const struct harness_result *build(struct harness *h, enum harness_kind kind, const char *name)
{
    enum sb_verdict verdicts[2];

    begin_call(h, kind, name);
    if (!h->pair.step->build)
        fail_msg("step '%s' has no build", name);
    for (size_t i = 0; i < 2; i++)
        verdicts[i] = exchange_build(h->pair.x[i]);
    const struct harness_result *result = end_call(h, verdicts, true, kind);
    h->pair.is_built = result->verdict == SB_OK;
    if (result->request)
        (void)json_array_append(h->requests, result->request);
    return result;
}

static void save_body(const struct http_request *request, struct http_response *response)
{
    struct sb_error err = SB_ERROR_INIT;

    if (!request->save_path || response->status < 200 || response->status > 299)
        return;
    if (response->body_size > request->save_size_max)
        fail_msg("the body is larger than sb_save_body() allows");
    if (file_write(request->save_path, response->body, response->body_size, 0600, &err) < 0)
        fail_msg("%s", err.text);
    response->is_saved = true;
    response->saved_size = response->body_size;
    digest_sha256_hex(response->body, response->body_size, response->saved_sha256);
    response->saved_head_size =
        response->body_size < HTTP_SAVED_HEAD_MAX ? response->body_size : HTTP_SAVED_HEAD_MAX;
    memcpy(response->saved_head, response->body, response->saved_head_size);
    response->body_size = 0;
    response->body[0] = '\0';
}

static struct http_response *make_response(const struct http_request *request, int status,
                                           const json_t *headers, const char *body)
{
    struct http_response *response = http_response_new(status, body ? body : "", body ? strlen(body) : 0);
    const char *name;
    json_t *value;

    assert_non_null(response);
    json_object_foreach ((json_t *)(uintptr_t)headers, name, value) {
        assert_int_equal(http_response_add_header(response, name, json_string_value(value)), 0);
    }
    save_body(request, response);
    return response;
}

static const struct harness_result *fold(struct harness *h, enum harness_kind kind, const char *name,
                                         int status, const char *headers, const char *body)
{
    const struct sb_step *owner = NULL;
    AUTO_JSON parsed = headers ? harness_parse(headers, "headers") : NULL;
    enum sb_verdict verdicts[2];

    if (!h->pair.is_built || h->pair.step != step_of(h, kind, name, &owner)) {
        const struct harness_result *built = build(h, kind, name);
        if (built->verdict != SB_OK)
            fail_msg("build of '%s' asks for no request: %d '%s'", name, (int)built->verdict, built->reason);
    }
    for (size_t i = 0; i < 2; i++) {
        struct sb_exchange *x = h->pair.x[i];
        x->in.now_ms = h->now_ms;
        verdicts[i] = exchange_fold(x, make_response(&x->request, status, parsed, body));
    }
    h->pair.is_built = false;
    return end_call(h, verdicts, false, kind);
}

const struct harness_result *harness_build(struct harness *h, const char *step)
{
    return build(h, HARNESS_STEP, step);
}

const struct harness_result *harness_fold(struct harness *h, const char *step, int status,
                                          const char *headers, const char *body)
{
    return fold(h, HARNESS_STEP, step, status, headers, body);
}

const struct harness_result *harness_poll_build(struct harness *h, const char *step)
{
    return build(h, HARNESS_POLL, step);
}

const struct harness_result *harness_poll_fold(struct harness *h, const char *step, int status,
                                               const char *headers, const char *body)
{
    return fold(h, HARNESS_POLL, step, status, headers, body);
}

const struct harness_result *harness_reconcile_build(struct harness *h, const char *step)
{
    return build(h, HARNESS_RECONCILE, step);
}

const struct harness_result *harness_reconcile_fold(struct harness *h, const char *step, int status,
                                                    const char *headers, const char *body)
{
    return fold(h, HARNESS_RECONCILE, step, status, headers, body);
}

const struct harness_result *harness_work(struct harness *h, const char *step)
{
    enum sb_verdict verdicts[2];

    begin_call(h, HARNESS_STEP, step);
    if (!h->pair.step->work)
        fail_msg("step '%s' has no work", step);
    for (size_t i = 0; i < 2; i++)
        verdicts[i] = exchange_work(h->pair.x[i]);
    return end_call(h, verdicts, false, HARNESS_STEP);
}

const char *harness_key(struct harness *h, const char *step)
{
    const char *keys[2];

    begin_call(h, HARNESS_STEP, step);
    for (size_t i = 0; i < 2; i++) {
        keys[i] = exchange_key(h->pair.x[i]);
        if (h->pair.x[i]->is_defect)
            fail_msg("key of '%s': %s", step, h->pair.x[i]->reason);
    }
    if (!keys[0] != !keys[1] || (keys[0] && strcmp(keys[0], keys[1]) != 0))
        fail_msg("two calls of key of '%s' gave different names", step);
    free(h->key);
    h->key = keys[0] ? strdup(keys[0]) : NULL;
    return h->key;
}

/* Canned answers, whole runs, routes, and looking at documents. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/scope.h"
#include "plugins/harness_inner.h"

/* ---- looking ------------------------------------------------------------------------------------------- */

json_t *harness_parse(const char *text, const char *what)
{
    struct sb_error err = SB_ERROR_INIT;
    json_t *value = json_parse(text, strlen(text), &err);

    if (!value)
        fail_msg("the %s of the test is not JSON: %s", what, err.text);
    return value;
}

const json_t *harness_at(const json_t *value, const char *path)
{
    const json_t *found = json_at(value, path);

    if (!found) {
        AUTO_STR text = json_text(value);
        fail_msg("nothing at '%s' in %s", path, text ? text : "no document");
    }
    return found;
}

const char *harness_text(const json_t *value, const char *path)
{
    return json_string_value(json_at(value, path));
}

int64_t harness_int(const json_t *value, const char *path)
{
    const json_t *found = harness_at(value, path);

    if (!json_is_integer(found))
        fail_msg("no whole number at '%s'", path);
    return json_integer_value(found);
}

void harness_compare(const json_t *first, const json_t *second, const char *what)
{
    if (json_equal(first, second))
        return;
    AUTO_STR one = json_dumps(first, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    AUTO_STR other = json_dumps(second, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    print_error("%s\n%s\n-- against --\n%s\n", what, one ? one : "nothing", other ? other : "nothing");
    fail();
}

void harness_same(const json_t *got, const char *want)
{
    AUTO_JSON wanted = harness_parse(want, "expected document");

    harness_compare(got, wanted, "the document is not the expected one");
}

static json_t *emits_of(const struct sb_exchange *x)
{
    json_t *emits = json_array();

    for (size_t i = 0; i < x->emit_count; i++)
        (void)json_array_append_new(emits, json_pack("{s:s, s:s, s:O}", "account", x->emits[i].account,
                                                     "external_id", x->emits[i].external_id, "record",
                                                     x->emits[i].record));
    return emits;
}

json_t *harness_shot(struct sb_exchange *x, enum sb_verdict verdict, bool with_request)
{
    json_t *meters = json_object();
    json_t *request = with_request ? exchange_request_json(x) : json_null();
    json_t *document = exchange_document(x);

    if (with_request) {
        assert_non_null(request);
        (void)json_object_set_new(request, "timeout_ms", json_integer(x->request.timeout_ms));
        if (x->request.public_only)
            (void)json_object_set_new(request, "public_only", json_true());
    }
    for (size_t i = 0; i < x->meter_count; i++)
        (void)json_object_set_new(meters, x->meters[i].name, json_real(x->meters[i].amount));
    json_t *shot = json_pack("{s:i, s:s, s:I, s:I, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "verdict",
                             (int)verdict, "reason", x->reason, "delay_ms", (json_int_t)x->delay_ms,
                             "suspend_ms", (json_int_t)x->suspend_ms, "is_defect", x->is_defect, "has_more",
                             x->has_more, "request", request, "record", json_deep_copy(document), "notes",
                             x->notes ? json_incref(x->notes) : json_array(), "meters", meters, "emits",
                             emits_of(x), "key_doc",
                             x->key_doc      ? json_deep_copy(x->key_doc)
                             : x->in.key_doc ? json_deep_copy(x->in.key_doc)
                                             : json_object(),
                             "intent", x->intent_kept ? json_deep_copy(x->intent_kept) : json_null());
    json_decref(document);
    assert_non_null(shot);
    (void)json_object_set_new(shot, "found", x->found ? json_deep_copy(x->found) : json_array());
    (void)json_object_set_new(shot, "listed", x->listed ? json_deep_copy(x->listed) : json_array());
    return shot;
}

/* ---- canned answers ------------------------------------------------------------------------------------ */

void harness_answers(struct harness *h, const struct harness_answer *table)
{
    h->answers = table;
    memset(h->answered, 0, sizeof(h->answered));
}

const json_t *harness_requests(struct harness *h)
{
    return h->requests;
}

static const struct harness_answer *find_answer(struct harness *h, const json_t *request)
{
    const char *method = harness_text(request, "method"), *url = harness_text(request, "url");

    for (size_t i = 0; h->answers && h->answers[i].status; i++) {
        const struct harness_answer *answer = &h->answers[i];
        assert_true(i < HARNESS_ANSWERS_MAX);
        if ((answer->method && strcmp(answer->method, method) != 0) ||
            (answer->url_part && !strstr(url, answer->url_part)))
            continue;
        if (answer->times && h->answered[i] == answer->times)
            continue;
        h->answered[i]++;
        return answer;
    }
    fail_msg("the table has no answer to %s %s", method, url);
    return NULL;
}

typedef const struct harness_result *(*build_fn)(struct harness *h, const char *step);
typedef const struct harness_result *(*fold_fn)(struct harness *h, const char *step, int status,
                                                const char *headers, const char *body);

static const struct harness_result *exchange(struct harness *h, const char *step, build_fn build,
                                             fold_fn fold)
{
    const struct harness_result *result = build(h, step);

    if (result->verdict != SB_OK)
        return result;
    const struct harness_answer *answer = find_answer(h, result->request);
    return fold(h, step, answer->status, answer->headers, answer->body);
}

const struct harness_result *harness_exchange(struct harness *h, const char *step)
{
    return exchange(h, step, harness_build, harness_fold);
}

/* One step until it says something else than SB_AGAIN. */
static const struct harness_result *repeat(struct harness *h, const struct sb_step *step, build_fn build,
                                           fold_fn fold, json_t *emits)
{
    for (unsigned calls = 0; calls < HARNESS_CALLS_MAX; calls++) {
        h->round = calls;
        const struct harness_result *result =
            step->work ? harness_work(h, step->name) : exchange(h, step->name, build, fold);
        (void)json_array_extend(emits, result->emits);
        if (result->verdict != SB_AGAIN) {
            h->round = 0;
            return result;
        }
        h->now_ms += result->delay_ms;
        h->age_ms += result->delay_ms;
    }
    fail_msg("step '%s' said SB_AGAIN %d times", step->name, HARNESS_CALLS_MAX);
    return NULL;
}

static const struct harness_result *run_all(struct harness *h, const struct sb_step *steps, build_fn build,
                                            fold_fn fold)
{
    json_t *emits = json_array();
    const struct harness_result *result = NULL;

    for (; steps && steps->name; steps++) {
        h->age_ms = 0;
        result = repeat(h, steps, build, fold, emits);
        if (result->verdict != SB_OK && result->verdict != SB_SKIP)
            break;
    }
    if (!result)
        fail_msg("the plugin has no such steps");
    (void)json_object_set_new(h->shot, "emits", emits);
    h->result.emits = emits;
    return &h->result;
}

const struct harness_result *harness_run(struct harness *h)
{
    return run_all(h, h->instance->plugin->steps, harness_build, harness_fold);
}

const struct harness_result *harness_poll(struct harness *h)
{
    return run_all(h, h->instance->plugin->poll, harness_poll_build, harness_poll_fold);
}

/* ---- routes -------------------------------------------------------------------------------------------- */

struct call {
    const json_t *headers, *query;
};

static const char *call_header(void *ctx, const char *wanted)
{
    const struct call *call = ctx;
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)(uintptr_t)call->headers, name, value) {
        if (strcasecmp(name, wanted) == 0)
            return json_string_value(value);
    }
    return NULL;
}

static const char *call_query(void *ctx, const char *name)
{
    return json_string_value(json_object_get(((const struct call *)ctx)->query, name));
}

static void call_each_header(void *ctx, void (*fn)(void *to, const char *name, const char *value), void *to)
{
    const struct call *call = ctx;
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)(uintptr_t)call->headers, name, value)
        fn(to, name, json_string_value(value));
}

void harness_set_known(struct harness *h, const struct sb_known *known, const char *record)
{
    h->known[0] = (struct harness_known){ .known = known, .record = record };
}

void harness_set_known_later(struct harness *h, const struct sb_known *known, const char *record)
{
    h->known[1] = (struct harness_known){ .known = known, .record = record };
}

void harness_set_caller(struct harness *h, const char *name)
{
    h->caller = name;
    h->has_caller = true;
}

/* The record of an identity among what the handler has emitted itself; borrowed from `emits`. */
static json_t *find_emitted(const json_t *emits, const struct route_wanted *wanted)
{
    size_t i;
    json_t *emit;

    json_array_foreach (emits, i, emit) {
        if (strcmp(harness_text(emit, "account"), wanted->account) == 0 &&
            strcmp(harness_text(emit, "external_id"), wanted->external_id) == 0)
            return json_object_get(emit, "record");
    }
    return NULL;
}

/* As the engine would look it up. */
static void next_round(struct harness *h, struct sb_exchange *x, const json_t *emits)
{
    struct route_wanted wanted = route_wanted(x);
    const struct harness_known *set = &h->known[wanted.wait_ms > 0 && h->known[1].known ? 1 : 0];
    json_t *record = NULL;
    struct sb_known known = { .state = NULL };

    if (set->known) {
        known = *set->known;
        record = set->record ? harness_parse(set->record, "known record") : NULL;
    } else if ((record = json_incref(find_emitted(emits, &wanted))) != NULL) {
        known = (struct sb_known){
            .state = "active", .is_new = true, .received_ms = h->now_ms, .updated_ms = h->now_ms
        };
    }
    assert_true(route_next(x, &known, known.state ? h->reference : NULL, record));
    json_decref(record);
}

static void add_emits(json_t *all, json_t *more)
{
    (void)json_array_extend(all, more);
    json_decref(more);
}

static json_t *run_route(struct harness *h, const struct route_input *in)
{
    struct route_reply reply;
    struct sb_exchange *x = route_exchange(in);
    json_t *emits = json_array();
    int64_t wait_ms = 0;
    int rounds = 1;

    assert_non_null(x);
    enum sb_verdict verdict = route_run(x, &reply);
    for (; verdict == SB_AGAIN; rounds++) {
        add_emits(emits, emits_of(x));
        wait_ms += route_wanted(x).wait_ms;
        next_round(h, x, emits);
        verdict = route_run(x, &reply);
    }
    add_emits(emits, emits_of(x));
    json_t *headers = json_object();
    for (size_t i = 0; i < reply.header_count; i++)
        (void)json_object_set_new(headers, reply.headers[i].name, json_string(reply.headers[i].value));
    json_t *shot =
        json_pack("{s:i, s:s, s:b, s:i, s:O?, s:o, s:o, s:i, s:I}", "verdict", (int)verdict, "reason",
                  x->reason, "is_defect", x->is_defect, "status", reply.status, "json", reply.json, "headers",
                  headers, "emits", emits, "rounds", rounds, "wait_ms", (json_int_t)wait_ms);
    route_reply_done(&reply);
    exchange_free(x);
    assert_non_null(shot);
    (void)json_array_append_new(h->loose, shot);
    return shot;
}

static const char *caller_of(const struct harness *h, const struct sb_route *route)
{
    if (!h->instance->plugin->callers || route->flags & SB_ROUTE_OPEN)
        return NULL;
    return h->has_caller ? h->caller : "agent";
}

const struct harness_reply *harness_route(struct harness *h, const char *method, const char *path,
                                          const char *headers, const char *query, const char *body)
{
    bool is_known = false;
    AUTO_JSON header_json = harness_parse(headers ? headers : "{}", "headers");
    AUTO_JSON query_json = harness_parse(query ? query : "{}", "query");
    struct call call = { .headers = header_json, .query = query_json };
    const struct sb_route *route = route_find(h->instance->plugin, method, path, &is_known);

    if (!route) {
        h->reply =
            (struct harness_reply){ .verdict = SB_REJECT, .reason = "", .status = is_known ? 405 : 404 };
        return &h->reply;
    }
    const struct route_input in = { .instance = h->instance,
                                    .route = route,
                                    .path = path,
                                    .header = call_header,
                                    .query = call_query,
                                    .each_header = call_each_header,
                                    .ctx = &call,
                                    .body = body ? body : "",
                                    .body_size = body ? strlen(body) : 0,
                                    .now_ms = h->now_ms,
                                    .caller = caller_of(h, route) };
    const json_t *shot = run_route(h, &in);
    harness_compare(shot, run_route(h, &in),
                    "two calls of a route gave different results: the handler is impure");
    json_t *json = json_object_get(shot, "json");
    h->reply = (struct harness_reply){ .verdict = (enum sb_verdict)json_integer_value(
                                           json_object_get(shot, "verdict")),
                                       .reason = json_string_value(json_object_get(shot, "reason")),
                                       .is_defect = json_is_true(json_object_get(shot, "is_defect")),
                                       .status = (int)json_integer_value(json_object_get(shot, "status")),
                                       .json = json_is_null(json) ? NULL : json,
                                       .headers = json_object_get(shot, "headers"),
                                       .emits = json_object_get(shot, "emits"),
                                       .rounds = (int)harness_int(shot, "rounds"),
                                       .wait_ms = harness_int(shot, "wait_ms") };
    return &h->reply;
}

/* The harness itself: that it runs steps as the engine does, and that it catches what it is there to catch.
 */
#include "plugins/harness.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- a small plugin ------------------------------------------------------------------------------------ */

static enum sb_verdict build_find(struct sb_exchange *x)
{
    if (!sb_get_str(x, "call.from"))
        return sb_skip(x, "no number");
    sb_request(x, "GET", sb_option_str(x, "base_url"));
    sb_paths(x, "/v1/people");
    sb_path(x, sb_get_str(x, "call.from"));
    sb_query_int(x, "page", (int64_t)sb_round(x) + 1);
    return SB_OK;
}

static enum sb_verdict fold_find(struct sb_exchange *x)
{
    if (sb_http_status(x) != 200)
        return sb_default_verdict(x);
    if (sb_json_str(sb_http_json(x), "next"))
        return sb_again(x, 1500);
    sb_set_str(x, "person.id", sb_json_str(sb_http_json(x), "id"));
    sb_key_set(x, "id", json_string(sb_json_str(sb_http_json(x), "id")));
    sb_meter(x, "people", 1);
    sb_note(x, "found on page %u", sb_round(x) + 1);
    return SB_OK;
}

static const char *key_person(struct sb_exchange *x)
{
    const char *from = sb_get_str(x, "call.from");

    return from ? sb_printf(x, "phone:%s", sb_last_digits(x, from, 10)) : NULL;
}

static enum sb_verdict build_create(struct sb_exchange *x)
{
    sb_request(x, "POST", sb_option_str(x, "base_url"));
    sb_paths(x, "/v1/tickets");
    sb_body_json(x, json_pack("{s:s, s:s}", "subject", "call", "reference", sb_reference(x)));
    sb_intent_keep(x, "person", json_string(sb_get_str(x, "person.id")));
    return SB_OK;
}

static enum sb_verdict fold_create(struct sb_exchange *x)
{
    if (sb_http_status(x) != 201)
        return sb_default_verdict(x);
    sb_set_str(x, "ticket.id", sb_json_str(sb_http_json(x), "id"));
    return SB_OK;
}

static enum sb_verdict build_look(struct sb_exchange *x)
{
    sb_request(x, "GET", sb_option_str(x, "base_url"));
    sb_paths(x, "/v1/tickets");
    sb_query(x, "person", sb_intent_str(x, "person"));
    sb_query_int(x, "since", sb_intent_time_ms(x));
    return SB_OK;
}

static enum sb_verdict fold_look(struct sb_exchange *x)
{
    const json_t *first = sb_json_at(sb_http_json(x), "0");

    if (!first)
        return sb_skip(x, "not there");
    sb_set_str(x, "ticket.id", sb_json_str(first, "id"));
    return SB_OK;
}

static enum sb_verdict build_save(struct sb_exchange *x)
{
    sb_request(x, "GET", sb_option_str(x, "base_url"));
    sb_paths(x, "/v1/recording");
    sb_save_body(x, "recording.mp3", 100);
    return SB_OK;
}

static enum sb_verdict fold_save(struct sb_exchange *x)
{
    if (!sb_saved_file(x))
        return sb_default_verdict(x);
    sb_set_str(x, "saved.file", sb_saved_file(x));
    sb_set_int(x, "saved.size", sb_file_size(x, sb_saved_file(x)));
    return SB_OK;
}

static enum sb_verdict work_count(struct sb_exchange *x)
{
    sb_set_int(x, "count", sb_get_int(x, "count", 0) + 1);
    return SB_OK;
}

static int calls;

static enum sb_verdict work_impure(struct sb_exchange *x)
{
    sb_set_int(x, "count", calls++);
    return SB_OK;
}

static enum sb_verdict build_poll(struct sb_exchange *x)
{
    sb_request(x, "GET", sb_option_str(x, "base_url"));
    sb_paths(x, "/v1/calls");
    sb_query_int(x, "after", sb_get_int(x, "after", 0));
    return SB_OK;
}

static enum sb_verdict fold_poll(struct sb_exchange *x)
{
    const json_t *call = sb_json_at(sb_http_json(x), "call");

    if (!call)
        return SB_OK;
    sb_emit(x, "acmedemo1", sb_json_str(call, "id"), json_pack("{s:O}", "item", call));
    sb_set_int(x, "after", sb_get_int(x, "after", 0) + 1);
    return sb_again(x, 0);
}

static enum sb_verdict handle(struct sb_exchange *x)
{
    struct sb_error err = SB_ERROR_INIT;

    if (!sb_in_bearer_is(x, "token")) {
        sb_reply_json(x, 401, json_pack("{s:s}", "error", "unauthorized"));
        return SB_REJECT;
    }
    const json_t *body = sb_in_json(x, &err);
    if (!body)
        return sb_reject(x, "not JSON");
    sb_emit(x, "agent", sb_in_path(x, "id"), json_pack("{s:O}", "talk", body));
    sb_reply_json(x, 202, json_object());
    sb_reply_header(x, "X-Id", sb_in_path(x, "id"));
    return SB_OK;
}

static const struct sb_step look = {
    .name = "look", .effect = SB_READ, .build = build_look, .fold = fold_look
};

static const struct sb_step steps[] = {
    { .name = "find", .effect = SB_READ, .build = build_find, .fold = fold_find, .key = key_person },
    { .name = "create", .build = build_create, .fold = fold_create, .key = key_person, .reconcile = &look },
    { .name = "save", .effect = SB_READ, .build = build_save, .fold = fold_save },
    { .name = "count", .work = work_count },
    { .name = NULL },
};
static const struct sb_step poll[] = {
    { .name = "list", .effect = SB_READ, .build = build_poll, .fold = fold_poll },
    { .name = NULL },
};
static const struct sb_step impure_steps[] = { { .name = "count", .work = work_impure }, { .name = NULL } };
static const struct sb_route routes[] = {
    { .method = "POST", .path = "/v1/talks/{id}", .body_max = 1000, .handle = handle },
    { .method = NULL },
};
static const struct sb_option options[] = {
    { .name = "base_url",
      .type = SB_OPT_URL,
      .default_text = "https://desk.example.com/api",
      .help = "where" },
    { .name = "token", .type = SB_OPT_SECRET, .required = true, .help = "for the agent" },
    { .name = NULL },
};
static const char *const hosts[] = { "base_url", NULL };
static const struct sb_auth auth = {
    .kind = SB_AUTH_HEADER, .hosts = hosts, .header = "Authorization", .prefix = "Bearer ", .secret = "token"
};
static const struct sb_plugin plugin = { .abi = SB_ABI,
                                         .size = sizeof(struct sb_plugin),
                                         .kind = SB_SOURCE,
                                         .name = "small",
                                         .summary = "a plugin for tests",
                                         .version = "1",
                                         .options = options,
                                         .auth = &auth,
                                         .steps = steps,
                                         .poll = poll,
                                         .routes = routes };
static const struct sb_plugin impure = { .abi = SB_ABI,
                                         .size = sizeof(struct sb_plugin),
                                         .kind = SB_PROCESSOR,
                                         .name = "impure",
                                         .summary = "counts its calls",
                                         .version = "1",
                                         .steps = impure_steps };

static const char given_options[] = "{\"token\": \"not-a-real-token\"}";

/* ---- tests --------------------------------------------------------------------------------------------- */

static void a_step_builds_and_folds_and_moves_the_record_on(void **state)
{
    (void)state;
    struct harness *h = harness_new(&plugin, given_options);
    harness_set_record(h, "{\"call\": {\"from\": \"+915550100001\"}}");

    assert_string_equal(harness_key(h, "find"), "phone:5550100001");
    const struct harness_result *r = harness_build(h, "find");
    assert_int_equal(r->verdict, SB_OK);
    harness_same(r->request, "{\"method\": \"GET\","
                             " \"url\": \"https://desk.example.com/api/v1/people/%2B915550100001?page=1\","
                             " \"headers\": {\"Authorization\": \"Bearer [token]\"}, \"timeout_ms\": 30000}");
    r = harness_fold(h, "find", 200, NULL, "{\"id\": \"p1\"}");
    assert_int_equal(r->verdict, SB_OK);
    harness_same(r->record, "{\"call\": {\"from\": \"+915550100001\"}, \"person\": {\"id\": \"p1\"}}");
    harness_same(r->key_doc, "{\"id\": \"p1\"}");
    harness_same(r->meters, "{\"people\": 1.0}");
    harness_same(r->notes, "[\"found on page 1\"]");

    r = harness_build(h, "create");
    harness_same(r->intent, "{\"person\": \"p1\"}");
    harness_same(harness_at(r->request, "body"), "{\"subject\": \"call\", \"reference\": \"0123456789ABC\"}");
    harness_free(h);
}

static void a_retry_leaves_the_record_alone(void **state)
{
    (void)state;
    struct harness *h = harness_new(&plugin, given_options);
    harness_set_record(h, "{\"call\": {\"from\": \"+915550100001\"}}");

    const struct harness_result *r = harness_fold(h, "find", 503, NULL, "down");
    assert_int_equal(r->verdict, SB_RETRY);
    assert_string_equal(r->reason, "HTTP 503");
    harness_same(r->record, "{\"call\": {\"from\": \"+915550100001\"}}");
    harness_free(h);
}

static void reconcile_sees_what_the_intent_kept(void **state)
{
    (void)state;
    struct harness *h = harness_new(&plugin, given_options);
    harness_set_record(h, "{\"person\": {\"id\": \"p1\"}}");

    assert_int_equal(harness_build(h, "create")->verdict, SB_OK);
    harness_set_now(h, INT64_C(1773133300000));
    const struct harness_result *r = harness_reconcile_build(h, "create");
    assert_string_equal(harness_text(r->request, "url"),
                        "https://desk.example.com/api/v1/tickets?person=p1&since=1773133200000");
    assert_int_equal(harness_reconcile_fold(h, "create", 200, NULL, "[]")->verdict, SB_SKIP);
    r = harness_reconcile_fold(h, "create", 200, NULL, "[{\"id\": \"t9\"}]");
    assert_int_equal(r->verdict, SB_OK);
    assert_string_equal(harness_text(r->record, "ticket.id"), "t9");
    harness_free(h);
}

static void a_run_goes_through_all_steps(void **state)
{
    (void)state;
    static const struct harness_answer answers[] = {
        { .url_part = "page=1", .status = 200, .body = "{\"next\": \"2\"}" },
        { .url_part = "page=2", .status = 200, .body = "{\"id\": \"p1\"}" },
        { .method = "POST", .status = 201, .body = "{\"id\": \"t1\"}", .times = 1 },
        { .url_part = "/recording", .status = 200, .body = "ID3 sound" },
        { .status = 0 },
    };
    struct harness *h = harness_new(&plugin, given_options);
    harness_set_record(h, "{\"call\": {\"from\": \"+915550100001\"}}");
    harness_answers(h, answers);

    const struct harness_result *r = harness_run(h);
    assert_int_equal(r->verdict, SB_OK);
    harness_same(r->record,
                 "{\"call\": {\"from\": \"+915550100001\"}, \"person\": {\"id\": \"p1\"},"
                 " \"ticket\": {\"id\": \"t1\"}, \"saved\": {\"file\": \"0k/1-recording.mp3\", \"size\": 9},"
                 " \"count\": 1}");
    assert_int_equal(json_array_size(harness_requests(h)), 4);
    harness_free(h);
}

static void a_poll_emits_and_moves_its_cursor(void **state)
{
    (void)state;
    static const struct harness_answer answers[] = {
        { .url_part = "after=0",
          .status = 200,
          .body = "{\"call\": {\"id\": \"examplecall000000000000000000001\"}}" },
        { .url_part = "after=1", .status = 200, .body = "{}" },
        { .status = 0 },
    };
    struct harness *h = harness_new(&plugin, given_options);
    harness_answers(h, answers);

    const struct harness_result *r = harness_poll(h);
    assert_int_equal(r->verdict, SB_OK);
    harness_same(r->record, "{\"after\": 1}");
    harness_same(r->emits,
                 "[{\"account\": \"acmedemo1\", \"external_id\": \"examplecall000000000000000000001\","
                 " \"record\": {\"item\": {\"id\": \"examplecall000000000000000000001\"}}}]");
    harness_free(h);
}

static void a_route_checks_its_token_and_emits(void **state)
{
    (void)state;
    struct harness *h = harness_new(&plugin, given_options);
    static const char right[] = "{\"authorization\": \"Bearer not-a-real-token\"}";

    assert_int_equal(harness_route(h, "POST", "/v1/talks/7", NULL, NULL, "{}")->status, 401);
    assert_int_equal(harness_route(h, "GET", "/v1/talks/7", right, NULL, "{}")->status, 405);
    assert_int_equal(harness_route(h, "POST", "/v1/talks", right, NULL, "{}")->status, 404);
    const struct harness_reply *reply = harness_route(h, "POST", "/v1/talks/7", right, NULL, "nonsense");
    assert_int_equal(reply->status, 400);
    harness_same(reply->json, "{\"error\": {\"code\": \"bad_request\", \"message\": \"not JSON\"}}");
    assert_int_equal(json_array_size(reply->emits), 0);
    reply = harness_route(h, "POST", "/v1/talks/7", right, NULL, "{\"text\": \"help\"}");
    assert_int_equal(reply->status, 202);
    harness_same(reply->headers, "{\"X-Id\": \"7\"}");
    harness_same(reply->emits, "[{\"account\": \"agent\", \"external_id\": \"7\","
                               " \"record\": {\"talk\": {\"text\": \"help\"}}}]");
    harness_free(h);
}

static void required_options_must_be_there(void **state)
{
    (void)state;
    struct sb_error err = SB_ERROR_INIT;

    assert_null(harness_try(&plugin, NULL, &err));
    assert_string_equal(err.text, "required option 'token' has no value");
}

/* A failing test ends its process here, where nobody else sees it. */
static void an_impure_step_fails_its_test(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct harness *h = harness_new(&impure, NULL);
        if (!freopen("/dev/null", "w", stderr) || !freopen("/dev/null", "w", stdout))
            _exit(0);
        signal(SIGABRT, SIG_DFL);
        (void)setenv("CMOCKA_TEST_ABORT", "1", 1);
        (void)harness_work(h, "count");
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_builds_and_folds_and_moves_the_record_on),
        cmocka_unit_test(a_retry_leaves_the_record_alone),
        cmocka_unit_test(reconcile_sees_what_the_intent_kept),
        cmocka_unit_test(a_run_goes_through_all_steps),
        cmocka_unit_test(a_poll_emits_and_moves_its_cursor),
        cmocka_unit_test(a_route_checks_its_token_and_emits),
        cmocka_unit_test(required_options_must_be_there),
        cmocka_unit_test(an_impure_step_fails_its_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

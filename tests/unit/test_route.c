/* Routes: rounds of a handler, what it may ask for and sees in each, and handlers that break their contract. */
#include "plugin/route_run.h"
#include "unit/check.h"
#include "unit/exchange_kit.h"

static const struct sb_plugin plugin = KIT_PLUGIN(NULL);

/* One call whose handler is given. */
struct call {
    struct sb_instance *instance;
    struct sb_route route;
    struct route_input input;
    struct sb_exchange *x;
    struct route_reply reply;
};

static void each_header(void *ctx, void (*fn)(void *to, const char *name, const char *value), void *to)
{
    (void)ctx;
    fn(to, "Content-Type", "application/json");
    fn(to, "AUTHORIZATION", "Bearer secret");
    fn(to, "Cookie", "secret");
    fn(to, "X-Switchboard-Signature", "sha256=secret");
    fn(to, "X-One", "1");
    fn(to, "x-one", "2");
    fn(to, "X-Not-Text", "\xff");
}

static void call_begin(struct call *call, kit_fn handle)
{
    *call = (struct call){ .instance = kit_open(&plugin) };
    call->route = (struct sb_route){ .method = "POST", .path = "/a/{id}", .body_max = 100, .handle = handle };
    call->input = (struct route_input){ .instance = call->instance,
                                        .route = &call->route,
                                        .path = "/a/17",
                                        .each_header = each_header,
                                        .body = "{\"a\": 1}",
                                        .body_size = 8,
                                        .now_ms = 1000,
                                        .caller = "web" };
    call->x = route_exchange(&call->input);
    assert_non_null(call->x);
}

static void call_end(struct call *call)
{
    route_reply_done(&call->reply);
    exchange_free(call->x);
    instance_free(call->instance);
}

/* ---- rounds -------------------------------------------------------------------------------------------- */

static enum sb_verdict handle_in_rounds(struct sb_exchange *x)
{
    const struct sb_known *known = sb_known(x);

    if (sb_round(x) == 0) {
        if (known || sb_reference(x) || sb_get(x, "escalation"))
            return sb_reject(x, "something is known in the first round");
        sb_emit(x, "web", "17", json_pack("{s:{s:s}}", "mine", "a", "b"));
        sb_await(x, "web", "17", 999999, json_pack("{s:i}", "kept", 7));
        sb_reply_json(x, 500, json_null()); /* the last round's counts */
        return SB_AGAIN;
    }
    sb_reply_json(x, 201,
                  json_pack("{s:s, s:s, s:s, s:b, s:I, s:s, s:O}", "state", known->state, "reason",
                            known->reason, "reference", sb_reference(x), "is_new", known->is_new, "received",
                            (json_int_t)known->received_ms, "got", sb_get_str(x, "mine.a"), "kept",
                            known->kept));
    return SB_OK;
}

static void the_next_round_sees_what_was_asked_for(void **state)
{
    (void)state;
    struct call call;
    const struct sb_known known = { .state = "dead", .reason = "why", .is_new = true, .received_ms = 5 };

    call_begin(&call, handle_in_rounds);
    assert_int_equal(route_run(call.x, &call.reply), SB_AGAIN);
    assert_int_equal(call.x->emit_count, 1);
    assert_int_equal(call.reply.status, 0);
    struct route_wanted wanted = route_wanted(call.x);
    assert_string_equal(wanted.account, "web");
    assert_string_equal(wanted.external_id, "17");
    assert_int_equal(wanted.wait_ms, SB_AWAIT_MAX_MS);
    /* The record may be what was emitted, which is forgotten by then. */
    assert_true(route_next(call.x, &known, "0123456789ABC", call.x->emits[0].record));
    assert_int_equal(call.x->emit_count, 0);
    assert_int_equal(route_run(call.x, &call.reply), SB_OK);
    assert_int_equal(call.reply.status, 201);
    kit_same(call.reply.json,
             "{\"state\": \"dead\", \"reason\": \"why\", \"reference\": \"0123456789ABC\", \"is_new\": true,"
             " \"received\": 5, \"got\": \"b\", \"kept\": {\"kept\": 7}}");
    call_end(&call);
}

static enum sb_verdict handle_unknown(struct sb_exchange *x)
{
    if (!sb_known(x)) {
        sb_await(x, "web", "none", -5, NULL);
        return SB_AGAIN;
    }
    sb_reply_json(
        x, sb_known(x)->state || sb_known(x)->kept || sb_get(x, "mine") || sb_reference(x) ? 500 : 404, NULL);
    return SB_OK;
}

static void what_nobody_knows_has_no_state_and_no_record(void **state)
{
    (void)state;
    struct call call;
    const struct sb_known known = { .state = NULL };

    call_begin(&call, handle_unknown);
    assert_int_equal(route_run(call.x, &call.reply), SB_AGAIN);
    assert_int_equal(route_wanted(call.x).wait_ms, 0);
    assert_true(route_next(call.x, &known, NULL, NULL));
    assert_int_equal(route_run(call.x, &call.reply), SB_OK);
    assert_int_equal(call.reply.status, 404);
    call_end(&call);
}

static enum sb_verdict handle_for_ever(struct sb_exchange *x)
{
    sb_await(x, "web", "17", 0, NULL);
    return SB_AGAIN;
}

static void rounds_have_an_end(void **state)
{
    (void)state;
    struct call call;
    const struct sb_known known = { .state = "active" };
    int rounds = 1;

    call_begin(&call, handle_for_ever);
    while (route_run(call.x, &call.reply) == SB_AGAIN) {
        assert_true(route_next(call.x, &known, "0123456789ABC", NULL));
        rounds++;
    }
    assert_int_equal(rounds, SB_ROUNDS_MAX);
    assert_true(call.x->is_defect);
    assert_int_equal(call.reply.status, 500);
    call_end(&call);
}

/* ---- what a handler sees ------------------------------------------------------------------------------- */

static enum sb_verdict handle_looking(struct sb_exchange *x)
{
    json_t *headers = json_deep_copy(sb_in_headers(x));

    sb_reply_json(x, 200,
                  json_pack("{s:s, s:s, s:o}", "caller", sb_in_caller(x), "id", sb_in_path(x, "id"),
                            "headers", headers));
    return SB_OK;
}

static void headers_come_without_credentials(void **state)
{
    (void)state;
    struct call call;

    call_begin(&call, handle_looking);
    assert_int_equal(route_run(call.x, &call.reply), SB_OK);
    kit_same(call.reply.json, "{\"caller\": \"web\", \"id\": \"17\","
                              " \"headers\": {\"content-type\": \"application/json\", \"x-one\": \"1\"}}");
    call_end(&call);
}

static const struct {
    const char *name, *url;
    const char *host; /* NULL: refused */
    bool is_allowed;
} urls[] = {
    { "of an option that is not reached", "https://api.example.com/x?y", "api.example.com:443", false },
    { "that is reached", "https://files.example.com:8443", "files.example.com:8443", true },
    { "of nobody", "https://other.example.com/", "other.example.com:443", false },
    { "plain http", "http://api.example.com/", NULL, false },
    { "plain http to loopback", "http://127.0.0.1:7/x", "127.0.0.1:7", false },
    { "with a user name", "https://a@api.example.com/", NULL, false },
    { "another scheme", "ftp://api.example.com/", NULL, false },
    { "no address", "api.example.com", NULL, false },
    { "nothing", "", NULL, false },
};

static enum sb_verdict handle_urls(struct sb_exchange *x)
{
    for (size_t i = 0; i < ROWS(urls); i++) {
        bool is_allowed = true;
        CHECK_STR(urls[i].name, urls[i].host, sb_url_host(x, urls[i].url, &is_allowed));
        CHECK_INT(urls[i].name, urls[i].is_allowed, is_allowed);
    }
    if (sb_url_host(x, NULL, NULL))
        return SB_REJECT;
    return SB_OK;
}

static void addresses_are_taken_apart(void **state)
{
    (void)state;
    struct call call;

    call_begin(&call, handle_urls);
    assert_int_equal(route_run(call.x, &call.reply), SB_OK);
    call_end(&call);
}

static enum sb_verdict handle_digests(struct sb_exchange *x)
{
    json_t *one =
        sb_keep(x, json_loads("{\"b\": [1, 2.5, null], \"a\": {\"d\": \"x\", \"c\": true}}", 0, NULL));
    json_t *other = sb_keep(x, json_loads(" {\"a\":{\"c\":true,\"d\":\"x\"},\n\"b\":[1,2.5,null]}", 0, NULL));
    json_t *turned =
        sb_keep(x, json_loads("{\"a\": {\"d\": \"x\", \"c\": true}, \"b\": [2.5, 1, null]}", 0, NULL));

    if (strcmp(sb_json_sha256(x, one), sb_json_sha256(x, other)) != 0 ||
        strcmp(sb_json_sha256(x, one), sb_json_sha256(x, turned)) == 0)
        return sb_reject(x, "the digest does not follow the content");
    return SB_OK;
}

static void a_digest_is_that_of_the_content(void **state)
{
    (void)state;
    struct call call;

    call_begin(&call, handle_digests);
    assert_int_equal(route_run(call.x, &call.reply), SB_OK);
    call_end(&call);
}

/* ---- handlers that break their contract ---------------------------------------------------------------- */

static enum sb_verdict again_without_await(struct sb_exchange *x)
{
    (void)x;
    return SB_AGAIN;
}

static enum sb_verdict await_nobody(struct sb_exchange *x)
{
    sb_await(x, "", "17", 0, json_object());
    return SB_AGAIN;
}

static enum sb_verdict emit_and_fail(struct sb_exchange *x)
{
    sb_emit(x, "web", "17", json_object());
    sb_await(x, "web", "17", 0, NULL);
    sb_reply_json(x, 99, NULL);
    return SB_AGAIN;
}

static const struct {
    const char *name;
    kit_fn handle;
    const char *why;
} broken[] = {
    { "again", again_without_await, "a handler said SB_AGAIN without sb_await" },
    { "nobody", await_nobody, "sb_await needs an account and an external id" },
    { "status", emit_and_fail, "99 is not the status of a reply" },
};

static void a_broken_handler_is_a_defect_and_emits_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(broken); i++) {
        struct call call;
        call_begin(&call, broken[i].handle);
        CHECK_INT(broken[i].name, SB_REJECT, route_run(call.x, &call.reply));
        CHECK_INT(broken[i].name, true, call.x->is_defect);
        CHECK_STR(broken[i].name, broken[i].why, call.x->reason);
        CHECK_INT(broken[i].name, 500, call.reply.status);
        CHECK_INT(broken[i].name, 0, call.x->emit_count);
        call_end(&call);
    }
}

static enum sb_verdict await_in_a_step(struct sb_exchange *x)
{
    sb_await(x, "web", "17", 0, NULL);
    return SB_OK;
}

static void a_step_cannot_await(void **state)
{
    (void)state;
    struct kit kit;

    kit_begin(&kit, &plugin, "{}");
    assert_int_equal(kit_work(&kit, await_in_a_step), SB_REJECT);
    assert_string_equal(kit.x->reason, "sb_await was called where it may not be");
    kit_end(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_round_sees_what_was_asked_for),
        cmocka_unit_test(what_nobody_knows_has_no_state_and_no_record),
        cmocka_unit_test(rounds_have_an_end),
        cmocka_unit_test(headers_come_without_credentials),
        cmocka_unit_test(addresses_are_taken_apart),
        cmocka_unit_test(a_digest_is_that_of_the_content),
        cmocka_unit_test(a_broken_handler_is_a_defect_and_emits_nothing),
        cmocka_unit_test(a_step_cannot_await),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

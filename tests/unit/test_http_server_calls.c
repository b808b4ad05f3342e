/* The HTTP server's calls: how much body each may bring, all its headers, and callers that have gone. */
#include "unit/server_world.h"

/* ---- room ---------------------------------------------------------------------------------------------- */

/* As much as the header says; nothing without it. */
static size_t room_by_header(void *ctx, const struct http_call *call)
{
    const char *text = http_call_header(call, "X-Room");

    (void)ctx;
    return text ? (size_t)strtoul(text, NULL, 10) : 0;
}

static void say_what_came(void *ctx, struct http_call *call)
{
    struct fixture *fixture = ctx;
    char text[64];
    size_t size = 0;

    fixture->calls++;
    (void)http_call_body(call, &size);
    (void)snprintf(text, sizeof(text), "%s %zu", http_call_is_cut(call) ? "cut" : "whole", size);
    http_call_reply(call, 200, "text/plain", text, strlen(text));
}

static void a_body_has_the_room_that_its_head_is_given(void **state)
{
    const struct http_server_options options = { .host = "127.0.0.1",
                                                 .body_max = 1000,
                                                 .room = room_by_header };
    static const struct {
        const char *name, *room;
        size_t size;
        bool is_chunked;
        const char *want; /* NULL: closed without a reply */
    } rows[] = {
        { "as much as it may", "500", 500, false, "whole 500" },
        { "one more", "500", 501, false, "cut 0" },
        { "chunks, as much as they may", "500", 500, true, "whole 500" },
        { "chunks, one more", "500", 501, true, "cut 0" },
        { "no room", NULL, 1, false, "cut 0" },
        { "no room and no body", NULL, 0, false, "whole 0" },
        { "never more than the server's limit", "5000", 1001, false, "cut 0" },
        { "up to the server's limit", "5000", 1000, false, "whole 1000" },
        { "chunks without end", "5000", 4000, true, NULL },
    };
    static char body[5000], request[16384];
    struct fixture fixture;

    (void)state;
    open_with(&fixture, say_what_came, &options);
    memset(body, 'x', sizeof(body) - 1);
    for (size_t i = 0; i < ROWS(rows); i++) {
        int length =
            snprintf(request, sizeof(request), "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n");
        if (rows[i].room)
            length +=
                snprintf(request + length, sizeof(request) - (size_t)length, "X-Room: %s\r\n", rows[i].room);
        (void)snprintf(request + length, sizeof(request) - (size_t)length,
                       rows[i].is_chunked ? "Transfer-Encoding: chunked\r\n\r\n%zx\r\n%.*s\r\n0\r\n\r\n"
                                          : "Content-Length: %zu\r\n\r\n%.*s",
                       rows[i].size, (int)rows[i].size, body);
        fixture.calls = 0;
        const char *answer = exchange_text(&fixture, request);
        CHECK_INT(rows[i].name, rows[i].want != NULL, fixture.calls);
        CHECK_INT(rows[i].name, true,
                  rows[i].want ? strstr(answer, "HTTP/1.1 200 ") && strstr(answer, rows[i].want) : !*answer);
    }
    close_fixture(&fixture);
}

/* ---- headers ------------------------------------------------------------------------------------------- */

static void add_header(void *to, const char *name, const char *value)
{
    char *text = to;
    size_t length = strlen(text);

    (void)snprintf(text + length, 500 - length, "%s=%s;", name, value);
}

static void list_headers(void *ctx, struct http_call *call)
{
    char text[500] = "";

    (void)ctx;
    http_call_each_header(call, add_header, text);
    http_call_reply(call, 200, "text/plain", text, strlen(text));
}

static void all_headers_are_visited_in_order(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture, list_headers);
    const char *answer = exchange_text(
        &fixture,
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-One: 1\r\nx-one: 2\r\nX-Empty:\r\n\r\n");
    assert_non_null(strstr(answer, "Host=a;Connection=close;X-One=1;x-one=2;X-Empty=;"));
    close_fixture(&fixture);
}

/* ---- callers that go ----------------------------------------------------------------------------------- */

enum { LOOK_MS = 20, LOOKS_MAX = 500 };

/* Looks until the caller has gone, then ends the loop. */
static void look_for_gone(void *ctx)
{
    struct fixture *fixture = ctx;

    if (!http_call_is_gone(fixture->held[0]) && ++fixture->calls_at_once < LOOKS_MAX) {
        loop_timer_arm(fixture->timer, LOOK_MS);
        return;
    }
    fixture->freed = http_call_is_gone(fixture->held[0]);
    http_call_reply(fixture->held[0], 200, "text/plain", "late", 4);
    loop_stop(fixture->world.loop);
}

static void hold(void *ctx, struct http_call *call)
{
    struct fixture *fixture = ctx;

    fixture->held[0] = call;
    fixture->calls = http_call_is_gone(call);
    loop_timer_arm(fixture->timer, LOOK_MS);
}

static void who_hangs_up_is_seen_to_have_gone(void **state)
{
    struct sb_error err = SB_ERROR_INIT;
    struct fixture fixture;
    struct raw raw = { .bytes = "GET / HTTP/1.1\r\nHost: a\r\n\r\n", .size = 27, .hangs_up = true };

    (void)state;
    open_fixture(&fixture, hold);
    fixture.timer = loop_timer_new(fixture.world.loop, look_for_gone, &fixture);
    exchange_raw(&fixture, &raw); /* ends when the client has, which may be before or after the handler */
    if (!fixture.freed) {
        loop_timer_arm(fixture.world.patience, WORLD_PATIENCE_MS);
        assert_int_equal(0, loop_run(fixture.world.loop, &err));
        loop_timer_disarm(fixture.world.patience);
    }
    assert_int_equal(fixture.freed, 1);
    close_fixture(&fixture);
}

static void reply_soon(void *ctx)
{
    struct fixture *fixture = ctx;

    fixture->freed = http_call_is_gone(fixture->held[0]);
    http_call_reply(fixture->held[0], 200, "text/plain", "late", 4);
}

static void who_waits_has_not_gone(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture, hold);
    fixture.timer = loop_timer_new(fixture.world.loop, reply_soon, &fixture);
    const char *answer = exchange_text(&fixture, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_non_null(strstr(answer, "late"));
    assert_int_equal(fixture.calls, 0);
    assert_int_equal(fixture.freed, 0);
    close_fixture(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_has_the_room_that_its_head_is_given),
        cmocka_unit_test(all_headers_are_visited_in_order),
        cmocka_unit_test(who_hangs_up_is_seen_to_have_gone),
        cmocka_unit_test(who_waits_has_not_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

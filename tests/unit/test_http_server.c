/* The HTTP server on the loop: what handlers see, replies now and later, files. */
#include "unit/server_world.h"

enum { GIVE_UP_S = 100, MANY = 600 };

/* ---- what a handler sees ---- */

static void a_handler_sees_the_whole_request(void **state)
{
    struct fixture fixture;
    char url[128];

    (void)state;
    open_fixture(&fixture, describe);
    (void)snprintf(url, sizeof(url), "%s/a%%20b/c%%2Fd?a=1%%262&b=x+y", fixture.url);
    struct exchange post = exchange_post(url, "{\"x\":1}");
    exchange_header(&post, "X-One", "first");
    const struct http_response *response = world_exchange(&fixture.world, &post);
    assert_int_equal(201, response->status);
    assert_string_equal("POST|/a b/c/d|a=1&2|b=x y|x=first|7:{\"x\":1}|127.0.0.1", response->body);
    assert_string_equal("yes", http_response_header(response, "X-Reply"));
    assert_string_equal("text/plain", http_response_header(response, "Content-Type"));
    exchange_done(&post);
    close_fixture(&fixture);
}

static void escapes_are_decoded_and_nul_is_not(void **state)
{
    static const struct {
        const char *path, *want;
    } rows[] = {
        { "/plain", "GET|/plain|a=-|b=-|x=-|0:|127.0.0.1" },
        { "/%41%7a", "GET|/Az|a=-|b=-|x=-|0:|127.0.0.1" },
        { "/a%00b", "GET|/a%00b|a=-|b=-|x=-|0:|127.0.0.1" },
        { "/a%zzb%4", "GET|/a%zzb%4|a=-|b=-|x=-|0:|127.0.0.1" },
        { "/?a=%00hidden", "GET|/|a=%00hidden|b=-|x=-|0:|127.0.0.1" },
        { "/?a&b=", "GET|/|a=-|b=|x=-|0:|127.0.0.1" },
        { "/?a=1&a=2", "GET|/|a=1|b=-|x=-|0:|127.0.0.1" },
    };
    struct fixture fixture;
    char request[256];

    (void)state;
    open_fixture(&fixture, describe);
    for (size_t i = 0; i < ROWS(rows); i++) {
        (void)snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                       rows[i].path);
        const char *answer = exchange_text(&fixture, request);
        const char *body = strstr(answer, "\r\n\r\n");
        CHECK_STR(rows[i].path, rows[i].want, body ? body + 4 : NULL);
    }
    close_fixture(&fixture);
}

static void head_gets_the_length_and_no_body(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture, describe);
    const char *answer = exchange_text(&fixture, "HEAD /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_non_null(strstr(answer, "HTTP/1.1 201 "));
    char want[64];
    (void)snprintf(want, sizeof(want), "Content-Length: %zu\r\n", strlen("HEAD|/x|a=-|b=-|x=-|0:|127.0.0.1"));
    assert_non_null(strstr(answer, want));
    assert_string_equal("\r\n\r\n", strstr(answer, "\r\n\r\n"));
    close_fixture(&fixture);
}

static void requests_in_a_row_are_answered_in_a_row(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture, describe);
    const char *answer =
        exchange_text(&fixture, "GET /one HTTP/1.1\r\nHost: a\r\n\r\n"
                                "POST /two HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
                                "GET /three HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    const char *one = strstr(answer, "GET|/one|");
    const char *two = strstr(answer, "POST|/two|a=-|b=-|x=-|3:abc|");
    const char *three = strstr(answer, "GET|/three|");
    assert_true(one && two && three && one < two && two < three);
    close_fixture(&fixture);
}

/* ---- late replies ---- */

static void note_freed(void *data)
{
    struct fixture *fixture = data;

    fixture->freed++;
}

static void reply_to_all(void *ctx)
{
    struct fixture *fixture = ctx;

    while (fixture->held_count > 0) {
        struct http_call *call = fixture->held[--fixture->held_count];
        assert_ptr_equal(fixture, http_call_data(call));
        const char *path = http_call_path(call); /* still there */
        http_call_reply(call, 200, "text/plain", path, strlen(path));
    }
}

static void hold(void *ctx, struct http_call *call)
{
    struct fixture *fixture = ctx;

    http_call_set_data(call, fixture, note_freed);
    fixture->held[fixture->held_count++] = call;
    if (fixture->held_count == fixture->hold_until)
        loop_timer_arm(fixture->timer, 10);
}

static void six_hundred_calls_wait_at_once_and_keep_their_connections(void **state)
{
    struct fixture fixture;
    struct exchange *gets = calloc(MANY, sizeof(*gets));
    static char urls[MANY][96];

    (void)state;
    assert_non_null(gets);
    open_fixture(&fixture, hold);
    fixture.timer = loop_timer_new(fixture.world.loop, reply_to_all, &fixture);
    fixture.hold_until = MANY;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < MANY; i++) {
            (void)snprintf(urls[i], sizeof(urls[i]), "%s/%u", fixture.url, i);
            gets[i] = exchange_get(urls[i]);
            world_send(&fixture.world, &gets[i]);
        }
        world_run(&fixture.world);
        for (unsigned i = 0; i < MANY; i++) {
            assert_int_equal(200, gets[i].response->status);
            assert_string_equal(urls[i] + strlen(fixture.url), gets[i].response->body);
            exchange_done(&gets[i]);
        }
    }
    close_fixture(&fixture);
    assert_int_equal(3 * MANY, fixture.freed);
    free(gets);
}

static void reply_inside_another(void *ctx, struct http_call *call)
{
    struct fixture *fixture = ctx;

    if (strcmp(http_call_path(call), "/first") == 0) {
        hold(ctx, call);
        return;
    }
    reply_to_all(fixture);
    http_call_reply(call, 200, NULL, "second", 6);
}

static void a_handler_may_answer_an_earlier_call(void **state)
{
    struct fixture fixture;
    char first_url[96];
    char second_url[96];

    (void)state;
    open_fixture(&fixture, reply_inside_another);
    (void)snprintf(first_url, sizeof(first_url), "%s/first", fixture.url);
    (void)snprintf(second_url, sizeof(second_url), "%s/second", fixture.url);
    struct exchange first = exchange_get(first_url);
    struct exchange second = exchange_get(second_url);
    world_send(&fixture.world, &first);
    fixture.timer = loop_timer_new(fixture.world.loop, stop_loop, fixture.world.loop);
    loop_timer_arm(fixture.timer, 50);
    struct sb_error err = SB_ERROR_INIT;
    assert_int_equal(
        0, loop_run(fixture.world.loop, &err)); /* the first is held by now, or will be: see below */
    world_send(&fixture.world, &second);
    world_run(&fixture.world);
    assert_string_equal("/first", first.response->body);
    assert_string_equal("second", second.response->body);
    exchange_done(&first);
    exchange_done(&second);
    close_fixture(&fixture);
}

static void freeing_the_server_closes_calls_that_wait(void **state)
{
    struct fixture fixture;
    char url[96];

    (void)state;
    open_fixture(&fixture, hold);
    fixture.hold_until = 3;
    fixture.timer = loop_timer_new(fixture.world.loop, stop_loop, fixture.world.loop);
    (void)snprintf(url, sizeof(url), "%s/x", fixture.url);
    struct exchange gets[3];
    for (unsigned i = 0; i < 3; i++) {
        gets[i] = exchange_get(url);
        world_send(&fixture.world, &gets[i]);
    }
    struct sb_error err = SB_ERROR_INIT;
    assert_int_equal(0, loop_run(fixture.world.loop, &err));
    http_server_free(fixture.server);
    fixture.server = NULL;
    assert_int_equal(3, fixture.freed);
    world_run(&fixture.world);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(0, gets[i].response->status);
        exchange_done(&gets[i]);
    }
    close_fixture(&fixture);
}

static void stop_then_reply(void *ctx)
{
    struct fixture *fixture = ctx;

    http_server_stop_listening(fixture->server);
    http_server_stop_listening(fixture->server); /* twice is once */
    reply_to_all(fixture);
}

static void a_server_that_stops_listening_still_answers_what_it_has(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture, hold);
    fixture.hold_until = 1;
    fixture.timer = loop_timer_new(fixture.world.loop, stop_then_reply, &fixture);
    struct exchange held = exchange_get(fixture.url);
    assert_int_equal(200, world_exchange(&fixture.world, &held)->status);
    exchange_done(&held);
    struct exchange late = exchange_get(fixture.url);
    late.request.never_resend = true; /* a connection of its own */
    assert_int_equal(HTTP_NOT_SENT, world_exchange(&fixture.world, &late)->sent);
    exchange_done(&late);
    close_fixture(&fixture);
}

/* ---- files ---- */

static void serve_file(void *ctx, struct http_call *call)
{
    struct fixture *fixture = ctx;

    http_call_reply_file(call, "audio/mpeg", fixture->file);
}

static void files_are_sent_whole_and_in_parts(void **state)
{
    static const struct {
        const char *method, *range, *extra;
        int want_status;
        const char *want_range, *want_body;
    } rows[] = {
        { "GET", NULL, NULL, 200, NULL, "0123456789" },
        { "HEAD", NULL, NULL, 200, NULL, "" },
        { "GET", "bytes=2-4", NULL, 206, "bytes 2-4/10", "234" },
        { "GET", "bytes=7-", NULL, 206, "bytes 7-9/10", "789" },
        { "GET", "bytes=-2", NULL, 206, "bytes 8-9/10", "89" },
        { "GET", "bytes=0-0,3-4", NULL, 200, NULL, "0123456789" },
        { "GET", "bytes=10-", NULL, 416, "bytes */10", "" },
        { "GET", "bytes=2-4", "\"etag\"", 200, NULL, "0123456789" },
    };
    struct fixture fixture;
    char dir[64];
    char path[96];

    (void)state;
    temp_dir(dir);
    (void)snprintf(path, sizeof(path), "%s/call.mp3", dir);
    write_text_file(path, "0123456789", 10);
    open_fixture(&fixture, serve_file);
    fixture.file = path;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const char *row = rows[i].range ? rows[i].range : rows[i].method;
        struct exchange get = exchange_get(fixture.url);
        get.request.method = rows[i].method;
        if (rows[i].range)
            exchange_header(&get, "Range", rows[i].range);
        if (rows[i].extra)
            exchange_header(&get, "If-Range", rows[i].extra);
        const struct http_response *response = world_exchange(&fixture.world, &get);
        CHECK_INT(row, rows[i].want_status, response->status);
        CHECK_STR(row, rows[i].want_range, http_response_header(response, "Content-Range"));
        CHECK_STR(row, rows[i].want_body, response->body);
        CHECK_STR(row, "bytes", http_response_header(response, "Accept-Ranges"));
        exchange_done(&get);
    }
    write_text_file(path, "", 0);
    struct exchange get = exchange_get(fixture.url);
    assert_int_equal(200, world_exchange(&fixture.world, &get)->status);
    assert_string_equal("", get.response->body);
    exchange_done(&get);
    close_fixture(&fixture);
    assert_int_equal(0, unlink(path));
    assert_int_equal(0, rmdir(dir));
}

static void what_is_no_file_is_not_found(void **state)
{
    static const char *const paths[] = { "/nonexistent/file", "/tmp", "/dev/null" };
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture, serve_file);
    for (size_t i = 0; i < ROWS(paths); i++) {
        fixture.file = paths[i];
        struct exchange get = exchange_get(fixture.url);
        CHECK_INT(paths[i], 404, world_exchange(&fixture.world, &get)->status);
        exchange_done(&get);
    }
    close_fixture(&fixture);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handler_sees_the_whole_request),
        cmocka_unit_test(escapes_are_decoded_and_nul_is_not),
        cmocka_unit_test(head_gets_the_length_and_no_body),
        cmocka_unit_test(requests_in_a_row_are_answered_in_a_row),
        cmocka_unit_test(six_hundred_calls_wait_at_once_and_keep_their_connections),
        cmocka_unit_test(a_handler_may_answer_an_earlier_call),
        cmocka_unit_test(freeing_the_server_closes_calls_that_wait),
        cmocka_unit_test(a_server_that_stops_listening_still_answers_what_it_has),
        cmocka_unit_test(files_are_sent_whole_and_in_parts),
        cmocka_unit_test(what_is_no_file_is_not_found),
    };

    if (!http_tests_begin(GIVE_UP_S))
        return 1;
    return http_tests_end(cmocka_run_group_tests(tests, NULL, NULL));
}

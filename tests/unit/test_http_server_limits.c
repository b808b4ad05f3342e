/* The HTTP server's limits, strange clients, and where it listens. */
#include <sys/stat.h>

#include "unit/hostile_tls.h"
#include "unit/server_world.h"

enum { GIVE_UP_S = 100 };

/* ---- limits ---- */

static void bodies_beyond_the_limit_are_refused(void **state)
{
    const struct http_server_options options = { .host = "127.0.0.1", .body_max = 1000 };
    static char body[5000];
    static char request[16384];
    struct fixture fixture;

    (void)state;
    open_with(&fixture, describe, &options);
    memset(body, 'x', sizeof(body) - 1);
    static const struct {
        const char *name;
        size_t size;
        bool is_chunked;
        const char *want; /* NULL: closed without a reply */
    } rows[] = {
        { "the limit", 1000, false, "HTTP/1.1 201 " },
        { "one more", 1001, false, "HTTP/1.1 413 " },
        { "much more", 4000, false, "HTTP/1.1 413 " },
        { "chunks to the limit", 1000, true, "HTTP/1.1 201 " },
        { "a chunk more", 1001, true, "HTTP/1.1 413 " },
        { "chunks without end", 4000, true, NULL },
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        (void)snprintf(request, sizeof(request),
                       rows[i].is_chunked ? "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                                            "Transfer-Encoding: chunked\r\n\r\n%zx\r\n%.*s\r\n0\r\n\r\n"
                                          : "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                                            "Content-Length: %zu\r\n\r\n%.*s",
                       rows[i].size, (int)rows[i].size, body);
        fixture.calls = 0;
        const char *answer = exchange_text(&fixture, request);
        if (rows[i].want)
            CHECK_INT(rows[i].name, 0, strncmp(answer, rows[i].want, strlen(rows[i].want)));
        else
            CHECK_STR(rows[i].name, "", answer);
        CHECK_INT(rows[i].name, rows[i].want && strstr(rows[i].want, "201") ? 1 : 0, fixture.calls);
    }
    close_fixture(&fixture);
}

static void heads_beyond_the_limit_and_garbage_are_refused(void **state)
{
    static char request[40000];
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture, describe);
    memset(request, 'x', sizeof(request) - 1);
    memcpy(request, "GET /", 5);
    memcpy(request + 30000, " HTTP/1.1\r\nHost: a\r\n\r\n", 23);
    const char *answer = exchange_text(&fixture, request);
    assert_true(answer[0] == '\0' || strstr(answer, "HTTP/1.1 414 ") == answer);

    memset(request, 'x', sizeof(request) - 1);
    memcpy(request, "GET / HTTP/1.1\r\nX-Long: ", 24);
    memcpy(request + 30000, "\r\nHost: a\r\n\r\n", 14);
    answer = exchange_text(&fixture, request);
    assert_true(answer[0] == '\0' || strstr(answer, "HTTP/1.1 431 ") == answer);

    static const char *const garbage[] = {
        "\r\n\r\n\r\n\r\n",
        "GARBAGE\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -4\r\nConnection: close\r\n\r\nabcd",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\nConnection: close\r\n\r\nabcd",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
        "\x16\x03\x01\x02\x01\x01\xfc\x03\x03 a TLS greeting\r\n\r\n",
    };
    for (size_t i = 0; i < ROWS(garbage); i++) {
        fixture.calls = 0;
        struct raw *raw = calloc(1, sizeof(*raw));
        assert_non_null(raw);
        raw->bytes = garbage[i];
        raw->size = strlen(garbage[i]);
        raw->hangs_up = i == 0; /* blank lines before a request are allowed, and wait for it */
        exchange_raw(&fixture, raw);
        CHECK_INT(garbage[i], 0, fixture.calls);
        CHECK_INT(garbage[i], 0, strstr(raw->answer, " 200 ") || strstr(raw->answer, " 201 "));
        free(raw);
    }
    close_fixture(&fixture);
}

static void clients_that_hang_up_cost_nothing(void **state)
{
    static const char request[] = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789";
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture, describe);
    for (size_t size = 0; size < sizeof(request) - 1; size += 3) {
        struct raw *raw = calloc(1, sizeof(*raw));
        assert_non_null(raw);
        raw->bytes = request;
        raw->size = size;
        raw->hangs_up = true;
        exchange_raw(&fixture, raw);
        free(raw);
    }
    assert_int_equal(0, fixture.calls);
    struct exchange get = exchange_get(fixture.url);
    assert_int_equal(201, world_exchange(&fixture.world, &get)->status); /* it still serves */
    exchange_done(&get);
    close_fixture(&fixture);
}

static void an_idle_connection_is_closed(void **state)
{
    const struct http_server_options options = { .host = "127.0.0.1", .idle_timeout_s = 1 };
    struct fixture fixture;

    (void)state;
    open_with(&fixture, describe, &options);
    assert_string_equal(
        "", exchange_text(&fixture, "GET / HTTP/1.1\r\nHost:")); /* ends only because it is closed */
    const char *answer =
        exchange_text(&fixture, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); /* answered, kept, closed */
    assert_non_null(strstr(answer, "GET|/|"));
    close_fixture(&fixture);
}

static void a_request_that_trickles_in_is_given_up(void **state)
{
    static const char *const starts[] = { "GET / HTTP/1.1\r\nX-Slow: ", "POST / HTTP/1.1\r\nHost: a\r\n"
                                                                        "Content-Length: 9999\r\n\r\n" };
    const struct http_server_options options = { .host = "127.0.0.1",
                                                 .idle_timeout_s = 1,
                                                 .request_timeout_s = 1 };
    struct fixture fixture;

    (void)state;
    open_with(&fixture, describe, &options);
    for (size_t i = 0; i < ROWS(starts); i++) {
        struct raw *raw = calloc(1, sizeof(*raw));
        assert_non_null(raw);
        raw->bytes = starts[i];
        raw->size = strlen(starts[i]);
        raw->trickles = true;
        exchange_raw(&fixture, raw);
        CHECK_STR(starts[i], "", raw->answer);
        free(raw);
    }
    assert_int_equal(0, fixture.calls);
    close_fixture(&fixture);
}

static void finish_one(void *ctx)
{
    struct fixture *fixture = ctx;

    if (fixture->held_count > 0) {
        struct http_call *call = fixture->held[--fixture->held_count];
        fixture->calls_at_once--;
        http_call_add_header(call, "Connection", "close");
        http_call_reply(call, 200, NULL, "ok", 2);
    }
    loop_timer_arm(fixture->timer, 10);
}

static void hold_and_count(void *ctx, struct http_call *call)
{
    struct fixture *fixture = ctx;

    fixture->held[fixture->held_count++] = call;
    if (++fixture->calls_at_once > fixture->calls_max)
        fixture->calls_max = fixture->calls_at_once;
}

static void no_more_connections_than_allowed_are_served_at_once(void **state)
{
    const struct http_server_options options = { .host = "127.0.0.1", .connections_max = 4 };
    struct fixture fixture;
    struct exchange gets[12];

    (void)state;
    open_with(&fixture, hold_and_count, &options);
    fixture.timer = loop_timer_new(fixture.world.loop, finish_one, &fixture);
    loop_timer_arm(fixture.timer, 10);
    for (unsigned i = 0; i < ROWS(gets); i++) {
        gets[i] = exchange_get(fixture.url);
        world_send(&fixture.world, &gets[i]);
    }
    world_run(&fixture.world);
    for (unsigned i = 0; i < ROWS(gets); i++) {
        assert_int_equal(200, gets[i].response->status);
        exchange_done(&gets[i]);
    }
    assert_in_range(fixture.calls_max, 1, 4);
    close_fixture(&fixture);
}

/* ---- listening ---- */

static void check_refused(const struct http_server_options *options, const char *want)
{
    struct sb_error err = SB_ERROR_INIT;
    struct loop *loop = loop_new(&err);

    assert_null(http_server_new(loop, options, describe, NULL, NULL, &err));
    assert_string_equal(want, err.text);
    loop_free(loop);
}

static void an_address_that_cannot_be_had_is_said(void **state)
{
    struct fixture fixture;
    char want[128];

    (void)state;
    open_fixture(&fixture, describe);
    struct http_server_options options = { .host = "127.0.0.1", .port = http_server_port(fixture.server) };
    (void)snprintf(want, sizeof(want), "cannot listen on '127.0.0.1:%u': Address already in use",
                   options.port);
    check_refused(&options, want);
    options = (struct http_server_options){ .host = "desk.example.com", .port = 80 };
    check_refused(&options, "cannot listen on 'desk.example.com:80': it is not an address such as 127.0.0.1");
    options =
        (struct http_server_options){ .host = "127.0.0.1", .cert_file = "/nonexistent", .key_file = "/none" };
    check_refused(&options, "cannot open '/nonexistent': No such file or directory");
    close_fixture(&fixture);
}

static void all_addresses_take_both_families(void **state)
{
    static const char *const hosts[] = { "", "localhost", "0.0.0.0" };

    (void)state;
    for (size_t i = 0; i < ROWS(hosts); i++) {
        struct fixture fixture;
        const struct http_server_options options = { .host = hosts[i] };
        open_with(&fixture, describe, &options);
        struct exchange get = exchange_get(fixture.url);
        CHECK_STR(hosts[i], "GET|/|a=-|b=-|x=-|0:|127.0.0.1", world_exchange(&fixture.world, &get)->body);
        exchange_done(&get);
        close_fixture(&fixture);
    }
}

static void a_unix_socket_is_private_and_replaces_an_old_one(void **state)
{
    struct fixture fixture;
    char dir[64];
    char path[96];
    struct stat about;

    (void)state;
    temp_dir(dir);
    (void)snprintf(path, sizeof(path), "%s/admin.sock", dir);
    const struct http_server_options options = { .socket_path = path };
    struct sockaddr_un old = { .sun_family = AF_UNIX };
    (void)snprintf(old.sun_path, sizeof(old.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(0, bind(fd, (struct sockaddr *)&old, sizeof(old)));
    assert_int_equal(0, close(fd)); /* the name stays, as after a crash */

    open_with(&fixture, describe, &options);
    assert_int_equal(0, stat(path, &about));
    assert_int_equal(0600, about.st_mode & 0777);
    struct raw *raw = calloc(1, sizeof(*raw));
    assert_non_null(raw);
    raw->unix_path = path;
    raw->bytes = "GET /v1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    raw->size = strlen(raw->bytes);
    exchange_raw(&fixture, raw);
    assert_non_null(strstr(raw->answer, "GET|/v1|a=-|b=-|x=-|0:|unix"));
    free(raw);
    close_fixture(&fixture);
    assert_int_equal(-1, stat(path, &about)); /* gone with the server */

    char want[192];
    write_text_file(path, "precious", 8);
    (void)snprintf(want, sizeof(want), "cannot listen on '%s': there is a file that is not a socket", path);
    check_refused(&options, want);
    assert_int_equal(0, unlink(path));
    assert_int_equal(0, rmdir(dir));
}

/* ---- TLS ---- */

static void tls_is_served_when_it_has_a_certificate(void **state)
{
    struct fixture fixture;
    char dir[64];
    char paths[3][96];

    (void)state;
    temp_dir(dir);
    for (size_t i = 0; i < ROWS(paths); i++)
        (void)snprintf(paths[i], sizeof(paths[i]), "%s/%zu.pem", dir, i);
    struct hostile_ca *ca = hostile_ca_new(paths[0]);
    struct hostile_tls *tls = hostile_tls_new(ca, "127.0.0.1", false, NULL);
    hostile_tls_write(tls, paths[1], paths[2]);
    const struct http_server_options options = { .host = "127.0.0.1",
                                                 .cert_file = paths[1],
                                                 .key_file = paths[2] };
    open_with(&fixture, describe, &options);

    http_client_free(fixture.world.client);
    const struct http_client_options client_options = { .ca_file = paths[0], .user_agent = "test" };
    struct sb_error err = SB_ERROR_INIT;
    fixture.world.client = http_client_new(fixture.world.loop, &client_options, NULL, &err);
    assert_non_null(fixture.world.client);
    char url[96];
    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u/tls", http_server_port(fixture.server));
    for (int i = 0; i < 3; i++) {
        struct exchange post = exchange_post(url, "hello");
        assert_string_equal("POST|/tls|a=-|b=-|x=-|5:hello|127.0.0.1",
                            world_exchange(&fixture.world, &post)->body);
        exchange_done(&post);
    }
    close_fixture(&fixture);
    hostile_tls_free(tls);
    hostile_ca_free(ca);

    write_text_file(paths[1], "no certificate", 14);
    struct loop *loop = loop_new(&err);
    assert_null(http_server_new(loop, &options, describe, NULL, NULL, &err));
    assert_int_equal(0, strncmp(err.text, "cannot start the HTTP server: ", 30));
    loop_free(loop);
    for (size_t i = 0; i < ROWS(paths); i++)
        assert_int_equal(0, unlink(paths[i]));
    assert_int_equal(0, rmdir(dir));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_beyond_the_limit_are_refused),
        cmocka_unit_test(heads_beyond_the_limit_and_garbage_are_refused),
        cmocka_unit_test(clients_that_hang_up_cost_nothing),
        cmocka_unit_test(an_idle_connection_is_closed),
        cmocka_unit_test(a_request_that_trickles_in_is_given_up),
        cmocka_unit_test(no_more_connections_than_allowed_are_served_at_once),
        cmocka_unit_test(an_address_that_cannot_be_had_is_said),
        cmocka_unit_test(all_addresses_take_both_families),
        cmocka_unit_test(a_unix_socket_is_private_and_replaces_an_old_one),
        cmocka_unit_test(tls_is_served_when_it_has_a_certificate),
    };

    if (!http_tests_begin(GIVE_UP_S))
        return 1;
    return http_tests_end(cmocka_run_group_tests(tests, NULL, NULL));
}

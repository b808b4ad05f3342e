/* The HTTP client when nothing comes, when nothing can be sent, and when an upload goes wrong: every wait is bounded,
 * and "not sent" is said only when it is certain. */
#include "unit/hostile_server.h"
#include "unit/http_world.h"

enum { GIVE_UP_S = 100 };

static void put_host(char ret_text[256], const char *pattern, const char *host)
{
    const char *at = strstr(pattern, "HOST");

    if (at)
        (void)snprintf(ret_text, 256, "%.*s%s%s", (int)(at - pattern), pattern, host, at + 4);
    else
        (void)snprintf(ret_text, 256, "%s", pattern);
}

/* ---- waiting ---- */

static void say_nothing(struct hostile_conn *conn, void *ctx)
{
    (void)ctx;
    if (hostile_read(conn))
        hostile_wait_for_close(conn);
}

static void trickle_body(struct hostile_conn *conn, void *ctx)
{
    (void)ctx;
    if (!hostile_read(conn) || !hostile_send_text(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"))
        return;
    while (hostile_send_text(conn, "."))
        hostile_pause(conn, 20);
}

static void trickle_head(struct hostile_conn *conn, void *ctx)
{
    (void)ctx;
    if (!hostile_read(conn) || !hostile_send_text(conn, "HTTP/1.1 200 OK\r\nX-Slow: "))
        return;
    while (hostile_send_text(conn, "."))
        hostile_pause(conn, 20);
}

static void answer_late(struct hostile_conn *conn, void *ctx)
{
    (void)ctx;
    if (!hostile_read(conn))
        return;
    hostile_pause(conn, 700);
    hostile_reply(conn, 200, "", "late");
}

static void the_time_limit_holds_wherever_the_other_side_stalls(void **state)
{
    static const struct {
        const char *name;
        hostile_serve_fn serve;
        const char *want;
    } rows[] = {
        { "no answer", say_nothing, "no answer from HOST within 200ms" },
        { "slow head", trickle_head, "no answer from HOST within 200ms" },
        { "slow body", trickle_body, "the answer of HOST was not complete within 200ms" },
    };
    struct world world;
    char want[256];

    (void)state;
    world_open(&world);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct hostile *server = hostile_start(rows[i].serve, NULL, NULL);
        struct exchange post = exchange_post(hostile_url(server, "/"), "{}");
        post.request.timeout_ms = 200;
        const struct http_response *response = world_exchange(&world, &post);
        put_host(want, rows[i].want, hostile_host(server));
        CHECK_STR(rows[i].name, want, response->fault);
        CHECK_INT(rows[i].name, HTTP_MAYBE_SENT, response->sent);
        CHECK_INT(rows[i].name, 1, response->duration_ms >= 190 && response->duration_ms < 5000);
        exchange_done(&post);
        hostile_stop(server);
    }
    world_close(&world);
}

static void a_body_that_trickles_is_given_up_and_a_late_answer_is_not(void **state)
{
    const struct http_client_options options = { .user_agent = "switchboard/test", .stall_timeout_ms = 300 };
    struct world world;
    char want[256];

    (void)state;
    world_open_with(&world, &options);
    struct hostile *server = hostile_start(trickle_body, NULL, NULL);
    struct exchange get = exchange_get(hostile_url(server, "/"));
    const struct http_response *response = world_exchange(&world, &get);
    assert_int_equal(0, response->status);
    put_host(want, "the answer of HOST came too slowly: under 64 bytes a second for 300ms",
             hostile_host(server));
    assert_string_equal(want, response->fault);
    exchange_done(&get);
    hostile_stop(server);

    server = hostile_start(answer_late, NULL, NULL);
    get = exchange_get(hostile_url(server, "/"));
    assert_string_equal("late", world_exchange(&world, &get)->body);
    assert_true(get.response->duration_ms >= 690);
    exchange_done(&get);
    hostile_stop(server);
    world_close(&world);
}

/* ---- not sent ---- */

static uint16_t closed_port(void)
{
    struct hostile *server = hostile_start(say_nothing, NULL, NULL);
    uint16_t port = hostile_port(server);

    hostile_stop(server);
    return port;
}

static void check_not_sent(struct world *world, const char *url, uint32_t connect_ms, const char *want)
{
    struct exchange post = exchange_post(url, "{}");

    post.request.connect_timeout_ms = connect_ms;
    const struct http_response *response = world_exchange(world, &post);
    CHECK_STR(url, want, response->fault);
    CHECK_INT(url, 0, response->status);
    CHECK_INT(url, HTTP_NOT_SENT, response->sent);
    exchange_done(&post);
}

static void what_never_had_a_connection_was_not_sent(void **state)
{
    struct world world;
    struct hostile_full *full = hostile_full_start();
    char url[128];
    char want[128];
    unsigned port = closed_port();

    (void)state;
    world_open(&world);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/?key=secret", port);
    (void)snprintf(want, sizeof(want), "connection refused by 127.0.0.1:%u", port);
    check_not_sent(&world, url, 0, want);

    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/?key=secret", hostile_full_port(full));
    (void)snprintf(want, sizeof(want), "no connection to 127.0.0.1:%u within 200ms", hostile_full_port(full));
    check_not_sent(&world, url, 200, want);

    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u/", hostile_full_port(full));
    check_not_sent(&world, url, 200, want);
    check_not_sent(&world, "https://no-such-host.invalid/a", 0,
                   "cannot resolve the name of no-such-host.invalid:443");
    hostile_full_stop(full);
    world_close(&world);
}

static void urls_that_may_not_be_used_are_refused(void **state)
{
    static const struct {
        const char *url, *want;
    } rows[] = {
        { "http://example.com/",
          "plain http to 'example.com:80' is refused: only https, or http to this machine" },
        { "http://127.0.0.1.example.com/",
          "plain http to '127.0.0.1.example.com:80' is refused: only https, or http to this machine" },
        { "http://[2001:db8::1]:81/",
          "plain http to '[2001:db8::1]:81' is refused: only https, or http to this machine" },
        { "https://user:word@example.com/",
          "the URL to 'example.com:443' holds a user name, which belongs into a header" },
        { "https://example.com/a\002b\003", "'https://example.com/a' is not a usable address: Bad path" },
        { "https://example.com/a b", "'https://example.com/a b' is not a usable address: Bad path" },
        { "ftp://127.0.0.1/", "'ftp://127.0.0.1/' is not a usable address: it must begin with https://" },
        { "file:///etc/passwd", "'file:///etc/passwd' is not a usable address: it must begin with https://" },
        { "", "'' is not a usable address: it must begin with https://" },
        { NULL, "the request has no URL" },
    };
    struct world world;

    (void)state;
    world_open(&world);
    for (size_t i = 0; i < ROWS(rows); i++)
        check_not_sent(&world, rows[i].url, 0, rows[i].want);
    world_close(&world);
}

static void methods_that_are_none_are_refused(void **state)
{
    static const char *const methods[] = { "", "get", "GET /x", "POST\r\nX: y", "AVERYLONGMETHODNAME", NULL };
    struct world world;

    (void)state;
    world_open(&world);
    for (size_t i = 0; i < ROWS(methods); i++) {
        struct exchange get = exchange_get("http://127.0.0.1:1/");
        get.request.method = methods[i];
        assert_string_equal("the request has no valid method", world_exchange(&world, &get)->fault);
        assert_int_equal(HTTP_NOT_SENT, get.response->sent);
        exchange_done(&get);
    }
    world_close(&world);
}

static void answer_ok(struct hostile_conn *conn, void *ctx)
{
    (void)ctx;
    if (hostile_read(conn))
        hostile_reply(conn, 200, "", "ok");
}

static void proxies_of_the_environment_are_ignored(void **state)
{
    struct world world;

    (void)state;
    assert_int_equal(0, setenv("http_proxy", "http://127.0.0.1:1", 1));
    assert_int_equal(0, setenv("ALL_PROXY", "http://127.0.0.1:1", 1));
    world_open(&world);
    struct hostile *server = hostile_start(answer_ok, NULL, NULL);
    struct exchange get = exchange_get(hostile_url(server, "/"));
    assert_int_equal(200, world_exchange(&world, &get)->status);
    exchange_done(&get);
    hostile_stop(server);
    world_close(&world);
    assert_int_equal(0, unsetenv("http_proxy"));
    assert_int_equal(0, unsetenv("ALL_PROXY"));
}

/* ---- uploads ---- */

static void truncate_then_read(struct hostile_conn *conn, void *ctx)
{
    (void)ctx; /* reads nothing: what is sent fills the buffers and stops there */
    hostile_pause(conn, WORLD_PATIENCE_MS);
}

struct shrinking {
    const char *path;
};

static void shrink_file(void *ctx)
{
    const struct shrinking *shrinking = ctx;

    assert_int_equal(0, truncate(shrinking->path, 10));
}

static void read_slowly(struct hostile_conn *conn, void *ctx)
{
    (void)ctx;
    hostile_pause(conn, 200); /* until the file is short */
    (void)hostile_read(conn);
}

static void a_file_that_becomes_shorter_ends_the_upload(void **state)
{
    enum { BIG = 32 * 1024 * 1024 };
    struct world world;
    char dir[64];
    char path[96];
    char want[160];

    (void)state;
    world_open(&world);
    temp_dir(dir);
    (void)snprintf(path, sizeof(path), "%s/call.wav", dir);
    write_text_file(path, "x", 1);
    assert_int_equal(0, truncate(path, BIG));
    struct hostile *server = hostile_start(read_slowly, NULL, NULL);
    struct exchange post = exchange_get(hostile_url(server, "/"));
    post.request.method = "POST";
    post.request.body_kind = HTTP_BODY_FILE;
    post.request.body_path = path;
    struct shrinking shrinking = { .path = path };
    struct loop_timer *timer = loop_timer_new(world.loop, shrink_file, &shrinking);
    loop_timer_arm(timer, 50);
    const struct http_response *response = world_exchange(&world, &post);
    (void)snprintf(want, sizeof(want), "'%s' became shorter while it was sent", path);
    assert_string_equal(want, response->fault);
    assert_int_equal(HTTP_MAYBE_SENT, response->sent);
    exchange_done(&post);
    loop_timer_free(timer);
    hostile_stop(server);

    server = hostile_start(truncate_then_read, NULL, NULL);
    assert_int_equal(0, truncate(path, BIG));
    post.request.url = hostile_url(server, "/");
    post.request.timeout_ms = 200;
    assert_int_equal(0, world_exchange(&world, &post)->status);
    assert_int_equal(HTTP_MAYBE_SENT, post.response->sent);
    exchange_done(&post);
    hostile_stop(server);
    assert_int_equal(0, unlink(path));
    assert_int_equal(0, rmdir(dir));
    world_close(&world);
}

static void refuse_early(struct hostile_conn *conn, void *ctx)
{
    (void)ctx;
    hostile_reply(conn, 413, "Connection: close\r\n", "too much");
    (void)hostile_read(conn); /* and takes the rest, so that the answer is not lost to a reset */
}

static void an_early_refusal_of_an_upload_is_an_answer(void **state)
{
    struct world world;
    char dir[64];
    char path[96];

    (void)state;
    world_open(&world);
    temp_dir(dir);
    (void)snprintf(path, sizeof(path), "%s/call.wav", dir);
    write_text_file(path, "x", 1);
    assert_int_equal(0, truncate(path, INT64_C(8) * 1024 * 1024));
    struct hostile *server = hostile_start(refuse_early, NULL, NULL);
    struct exchange post = exchange_get(hostile_url(server, "/"));
    post.request.method = "POST";
    post.request.body_kind = HTTP_BODY_FILE;
    post.request.body_path = path;
    post.request.never_resend = true;
    const struct http_response *response = world_exchange(&world, &post);
    assert_int_equal(413, response->status);
    assert_string_equal("too much", response->body);
    exchange_done(&post);
    hostile_stop(server);
    assert_int_equal(0, unlink(path));
    assert_int_equal(0, rmdir(dir));
    world_close(&world);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_time_limit_holds_wherever_the_other_side_stalls),
        cmocka_unit_test(a_body_that_trickles_is_given_up_and_a_late_answer_is_not),
        cmocka_unit_test(what_never_had_a_connection_was_not_sent),
        cmocka_unit_test(urls_that_may_not_be_used_are_refused),
        cmocka_unit_test(methods_that_are_none_are_refused),
        cmocka_unit_test(proxies_of_the_environment_are_ignored),
        cmocka_unit_test(a_file_that_becomes_shorter_ends_the_upload),
        cmocka_unit_test(an_early_refusal_of_an_upload_is_an_answer),
    };

    if (!http_tests_begin(GIVE_UP_S))
        return 1;
    return http_tests_end(cmocka_run_group_tests(tests, NULL, NULL));
}

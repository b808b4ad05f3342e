/* TLS: who is trusted, and what is said when nobody is. */
#include <time.h>

#include "unit/tls_world.h"

static void answer(struct hostile_conn *conn, void *ctx)
{
    (void)ctx;
    while (hostile_read(conn))
        hostile_reply(conn, 200, "", "private");
}

static void a_server_of_a_trusted_ca_is_talked_to_and_its_connection_kept(void **state)
{
    struct world world;
    struct hostile_tls *tls = hostile_tls_new(ca, "127.0.0.1", false, NULL);
    struct hostile *server = hostile_start(answer, NULL, tls);

    (void)state;
    open_world(&world, ca_path);
    for (int i = 0; i < 3; i++) {
        struct exchange post = exchange_post(hostile_url(server, "/"), "{}");
        post.request.never_resend = i == 1;
        assert_string_equal("private", world_exchange(&world, &post)->body);
        exchange_done(&post);
    }
    assert_int_equal(1, hostile_connections(server));
    world_close(&world);
    hostile_stop(server);
    hostile_tls_free(tls);
}

static void a_server_that_cannot_be_trusted_gets_nothing(void **state)
{
    static const struct {
        const char *row, *name, *want;
        bool is_expired, is_other_ca;
    } rows[] = {
        { "unknown CA", "127.0.0.1", "TLS certificate not trusted: unable to get local issuer certificate",
          false, true },
        { "expired", "127.0.0.1", "TLS certificate not trusted: certificate has expired", true, false },
        { "another name", "desk.example.com", "TLS certificate not trusted: it is not for HOST", false,
          false },
        { "another address", "127.0.0.2", "TLS certificate not trusted: it is not for HOST", false, false },
    };
    struct world world;
    char want[256];

    (void)state;
    open_world(&world, ca_path);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct hostile_tls *tls =
            hostile_tls_new(rows[i].is_other_ca ? other_ca : ca, rows[i].name, rows[i].is_expired, NULL);
        struct hostile *server = hostile_start(answer, NULL, tls);
        struct exchange post = exchange_post(hostile_url(server, "/?key=secret"), "{}");
        const struct http_response *response = world_exchange(&world, &post);
        const char *at = strstr(rows[i].want, "HOST");
        (void)snprintf(want, sizeof(want), "%.*s%s",
                       (int)(at ? (size_t)(at - rows[i].want) : strlen(rows[i].want)), rows[i].want,
                       at ? hostile_host(server) : "");
        CHECK_STR(rows[i].row, want, response->fault);
        CHECK_INT(rows[i].row, 0, response->status);
        CHECK_INT(rows[i].row, HTTP_NOT_SENT, response->sent);
        CHECK_INT(rows[i].row, 0, hostile_requests(server));
        exchange_done(&post);
        hostile_stop(server);
        hostile_tls_free(tls);
    }
    world_close(&world);
}

static void the_system_bundle_is_the_default_and_knows_no_test_ca(void **state)
{
    struct world world;
    struct hostile_tls *tls = hostile_tls_new(ca, "127.0.0.1", false, NULL);
    struct hostile *server = hostile_start(answer, NULL, tls);

    (void)state;
    open_world(&world, NULL);
    struct exchange get = exchange_get(hostile_url(server, "/"));
    assert_int_equal(HTTP_NOT_SENT, world_exchange(&world, &get)->sent);
    assert_string_equal("TLS certificate not trusted: unable to get local issuer certificate",
                        get.response->fault);
    exchange_done(&get);
    world_close(&world);
    hostile_stop(server);
    hostile_tls_free(tls);
}

static double cpu_ms(void)
{
    struct timespec now;

    assert_int_equal(0, clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now));
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static double spend_a_handshake(struct world *world, const char *url)
{
    struct exchange get = exchange_get(url);
    double before_ms = cpu_ms();

    assert_int_equal(HTTP_NOT_SENT, world_exchange(world, &get)->sent);
    exchange_done(&get);
    return cpu_ms() - before_ms;
}

/* Reading the system's bundle costs tens of milliseconds, a handshake one or two. */
static void the_ca_file_is_read_once_and_not_for_every_connection(void **state)
{
    enum { HANDSHAKES = 10 };
    struct world world;
    struct hostile_tls *tls = hostile_tls_new(ca, "127.0.0.1", false, NULL);
    struct hostile *server = hostile_start(answer, NULL, tls);
    double later_ms = 0;

    (void)state;
    open_world(&world, NULL);
    double first_ms = spend_a_handshake(&world, hostile_url(server, "/"));
    for (unsigned i = 0; i < HANDSHAKES; i++)
        later_ms += spend_a_handshake(&world, hostile_url(server, "/"));
    assert_int_equal(HANDSHAKES + 1, hostile_connections(server));
    assert_true(later_ms / HANDSHAKES < first_ms / 2);
    world_close(&world);
    hostile_stop(server);
    hostile_tls_free(tls);
}

static void a_missing_ca_file_is_said_at_the_start(void **state)
{
    const struct http_client_options options = { .ca_file = "/nonexistent/ca.pem" };
    struct sb_error err = SB_ERROR_INIT;
    struct loop *loop = loop_new(&err);

    (void)state;
    assert_null(http_client_new(loop, &options, NULL, &err));
    assert_string_equal(
        "cannot read the CA file '/nonexistent/ca.pem': install ca-certificates, or name another file",
        err.text);
    assert_int_equal(SB_ECONFIG, err.status);
    loop_free(loop);
}

/* ---- handshakes that go wrong ---- */

static void talk_plain(struct hostile_conn *conn, void *ctx)
{
    (void)ctx;
    hostile_send_text(conn, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
}

static void hang_up(struct hostile_conn *conn, void *ctx)
{
    (void)conn;
    (void)ctx;
}

static void say_nothing(struct hostile_conn *conn, void *ctx)
{
    (void)ctx;
    hostile_wait_for_close(conn);
}

static void a_handshake_that_fails_is_not_sent(void **state)
{
    static const struct {
        const char *name;
        hostile_serve_fn serve;
        const char *want; /* the start of the text */
    } rows[] = {
        { "plain http", talk_plain, "TLS handshake with HOST failed: " },
        { "hangs up", hang_up, "TLS handshake with HOST failed: " },
        { "says nothing", say_nothing, "no connection to HOST within 200ms" },
    };
    struct world world;
    char url[64];
    char want[128];

    (void)state;
    open_world(&world, ca_path);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct hostile *server = hostile_start(rows[i].serve, NULL, NULL);
        (void)snprintf(url, sizeof(url), "https://%s/", hostile_host(server));
        struct exchange post = exchange_post(url, "{}");
        post.request.connect_timeout_ms = 200;
        const struct http_response *response = world_exchange(&world, &post);
        const char *at = strstr(rows[i].want, "HOST");
        (void)snprintf(want, sizeof(want), "%.*s%s%s", (int)(at - rows[i].want), rows[i].want,
                       hostile_host(server), at + 4);
        CHECK_INT(rows[i].name, 0, strncmp(response->fault, want, strlen(want)));
        CHECK_INT(rows[i].name, HTTP_NOT_SENT, response->sent);
        exchange_done(&post);
        hostile_stop(server);
    }
    world_close(&world);
}

static const char cut_answer[] = "HTTP/1.1 200 OK\r\n\r\nno length, and then";

static void cut_without_goodbye(struct hostile_conn *conn, void *ctx)
{
    (void)ctx;
    if (hostile_read(conn))
        hostile_send_text(conn, cut_answer);
    hostile_reset(conn); /* and no close_notify gets through */
}

static void a_body_that_ends_without_tls_goodbye_is_not_whole(void **state)
{
    struct world world;
    struct hostile_tls *tls = hostile_tls_new(ca, "127.0.0.1", false, NULL);
    struct hostile *server = hostile_start(cut_without_goodbye, NULL, tls);

    (void)state;
    open_world(&world, ca_path);
    struct exchange get = exchange_get(hostile_url(server, "/"));
    assert_int_equal(0, world_exchange(&world, &get)->status);
    assert_int_equal(HTTP_MAYBE_SENT, get.response->sent);
    exchange_done(&get);
    world_close(&world);
    hostile_stop(server);
    hostile_tls_free(tls);
}

static void redirect_there(struct hostile_conn *conn, void *ctx)
{
    while (hostile_read(conn))
        hostile_reply(conn, 302, ctx, "");
}

static void a_redirect_from_https_to_http_is_not_followed(void **state)
{
    struct world world;
    char headers[128];
    struct hostile *plain = hostile_start(answer, NULL, NULL);
    struct hostile_tls *tls = hostile_tls_new(ca, "127.0.0.1", false, NULL);
    struct hostile *server = hostile_start(redirect_there, headers, tls);
    const char *hosts[] = { hostile_host(plain), NULL };

    (void)state;
    (void)snprintf(headers, sizeof(headers), "Location: %s\r\n", hostile_url(plain, "/"));
    open_world(&world, ca_path);
    struct exchange get = exchange_get(hostile_url(server, "/"));
    get.request.redirect_hosts = hosts;
    assert_int_equal(302, world_exchange(&world, &get)->status);
    assert_int_equal(0, hostile_connections(plain));
    exchange_done(&get);
    world_close(&world);
    hostile_stop(server);
    hostile_stop(plain);
    hostile_tls_free(tls);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_of_a_trusted_ca_is_talked_to_and_its_connection_kept),
        cmocka_unit_test(a_server_that_cannot_be_trusted_gets_nothing),
        cmocka_unit_test(the_system_bundle_is_the_default_and_knows_no_test_ca),
        cmocka_unit_test(the_ca_file_is_read_once_and_not_for_every_connection),
        cmocka_unit_test(a_missing_ca_file_is_said_at_the_start),
        cmocka_unit_test(a_handshake_that_fails_is_not_sent),
        cmocka_unit_test(a_body_that_ends_without_tls_goodbye_is_not_whole),
        cmocka_unit_test(a_redirect_from_https_to_http_is_not_followed),
    };

    if (!http_tests_begin(TLS_GIVE_UP_S))
        return 1;
    return http_tests_end(cmocka_run_group_tests(tests, make_cas, remove_cas));
}

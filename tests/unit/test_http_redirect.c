/* Redirects: followed only for reading, only to allowed hosts, and never with credentials to another one. */
#include <pthread.h>

#include "unit/hostile_server.h"
#include "unit/http_world.h"

enum { GIVE_UP_S = 60 };

/* One of the two servers: redirects "/go" to `to`, and anything below "/loop" to itself. */
struct host {
    pthread_mutex_t lock;
    char to[256];
    int status;
    char head[8192]; /* of the last request that was not for /go */
    unsigned arrivals;
};

static void redirect(struct hostile_conn *conn, int status, const char *to)
{
    char headers[512];

    (void)snprintf(headers, sizeof(headers), "Location: %s\r\n", to);
    hostile_reply(conn, status, headers, "see there");
}

static void serve(struct hostile_conn *conn, void *ctx)
{
    struct host *host = ctx;
    const struct hostile_request *request;

    while ((request = hostile_read(conn))) {
        pthread_mutex_lock(&host->lock);
        if (strcmp(request->path, "/go") == 0) {
            redirect(conn, host->status, host->to);
        } else if (strcmp(request->path, "/loop") == 0) {
            host->arrivals++;
            redirect(conn, 302, "/loop");
        } else {
            memcpy(host->head, request->head, sizeof(host->head));
            host->arrivals++;
            hostile_reply(conn, 200, "", strcmp(request->method, "HEAD") == 0 ? "" : "arrived");
        }
        pthread_mutex_unlock(&host->lock);
    }
}

struct fixture {
    struct world world;
    struct host first, second;
    struct hostile *first_server, *second_server;
    char first_url[64], second_url[64];
    char first_host[32], second_host[32];
    const char *allowed[3];
};

static void open_fixture(struct fixture *fixture)
{
    memset(fixture, 0, sizeof(*fixture));
    pthread_mutex_init(&fixture->first.lock, NULL);
    pthread_mutex_init(&fixture->second.lock, NULL);
    world_open(&fixture->world);
    fixture->first_server = hostile_start(serve, &fixture->first, NULL);
    fixture->second_server = hostile_start(serve, &fixture->second, NULL);
    (void)snprintf(fixture->first_url, sizeof(fixture->first_url), "%s",
                   hostile_url(fixture->first_server, "/go"));
    (void)snprintf(fixture->second_url, sizeof(fixture->second_url), "%s",
                   hostile_url(fixture->second_server, "/file"));
    (void)snprintf(fixture->first_host, sizeof(fixture->first_host), "%s",
                   hostile_host(fixture->first_server));
    (void)snprintf(fixture->second_host, sizeof(fixture->second_host), "%s",
                   hostile_host(fixture->second_server));
    fixture->allowed[0] = fixture->first_host;
    fixture->allowed[1] = fixture->second_host;
    fixture->first.status = 302;
    (void)snprintf(fixture->first.to, sizeof(fixture->first.to), "%s", fixture->second_url);
}

static void close_fixture(struct fixture *fixture)
{
    world_close(&fixture->world);
    hostile_stop(fixture->first_server);
    hostile_stop(fixture->second_server);
    pthread_mutex_destroy(&fixture->first.lock);
    pthread_mutex_destroy(&fixture->second.lock);
}

static struct exchange make_get(struct fixture *fixture)
{
    struct exchange get = exchange_get(fixture->first_url);

    get.request.redirect_hosts = fixture->allowed;
    return get;
}

/* "{word}" stands for a secret. */
static int resolve_word(void *ctx, const char *text, const char *host, struct buf *out, struct sb_error *err)
{
    (void)ctx;
    (void)err;
    (void)host;
    const char *at = strstr(text, "{word}");
    if (at) {
        buf_add(out, text, (size_t)(at - text));
        buf_str(out, "opensesame");
        buf_str(out, at + 6);
    } else {
        buf_str(out, text);
    }
    return 0;
}

static void a_redirect_to_an_allowed_host_is_followed_without_credentials(void **state)
{
    static const int statuses[] = { 301, 302, 303, 307, 308 };
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    for (size_t i = 0; i < ROWS(statuses); i++) {
        fixture.first.status = statuses[i];
        struct exchange get = make_get(&fixture);
        get.resolve = resolve_word;
        exchange_header(&get, "Authorization", "Basic YWxpY2U6c2VjcmV0");
        exchange_header(&get, "X-Api-Key", "{word}");
        exchange_header(&get, "Cookie", "session=1");
        exchange_header(&get, "X-Plain", "stays");
        const struct http_response *response = world_exchange(&fixture.world, &get);
        assert_int_equal(200, response->status);
        assert_string_equal("arrived", response->body);
        assert_null(http_response_header(response, "Location"));
        assert_non_null(strstr(fixture.second.head, "X-Plain: stays\r\n"));
        assert_null(strcasestr(fixture.second.head, "Authorization"));
        assert_null(strcasestr(fixture.second.head, "Cookie"));
        assert_null(strstr(fixture.second.head, "X-Api-Key"));
        assert_null(strstr(fixture.second.head, "opensesame"));
        exchange_done(&get);
    }
    close_fixture(&fixture);
}

static void a_redirect_within_the_host_keeps_credentials(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    (void)snprintf(fixture.first.to, sizeof(fixture.first.to), "../file?x=1#part");
    struct exchange get = make_get(&fixture);
    get.resolve = resolve_word;
    exchange_header(&get, "Authorization", "Token {word}");
    assert_int_equal(200, world_exchange(&fixture.world, &get)->status);
    assert_non_null(strstr(fixture.first.head, "GET /file?x=1 HTTP/1.1\r\n"));
    assert_non_null(strstr(fixture.first.head, "Authorization: Token opensesame\r\n"));
    exchange_done(&get);
    close_fixture(&fixture);
}

static void a_head_request_stays_one(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    struct exchange head = make_get(&fixture);
    head.request.method = "HEAD";
    assert_int_equal(200, world_exchange(&fixture.world, &head)->status);
    assert_non_null(strstr(fixture.second.head, "HEAD /file HTTP/1.1\r\n"));
    exchange_done(&head);
    close_fixture(&fixture);
}

/* Everything that must not be followed is handed over as it came. */
static void check_kept(struct fixture *fixture, const char *row, struct exchange *exchange)
{
    const struct http_response *response = world_exchange(&fixture->world, exchange);

    CHECK_INT(row, fixture->first.status, response->status);
    CHECK_STR(row, fixture->first.to, http_response_header(response, "Location"));
    CHECK_STR(row, "see there", response->body);
    CHECK_INT(row, 0, fixture->second.arrivals);
    CHECK_INT(row, 0, fixture->first.arrivals);
    exchange_done(exchange);
}

static void a_redirect_that_leads_to_a_wrong_place_is_the_answer(void **state)
{
    static const char *const places[] = {
        "http://127.0.0.1:1/",
        "https://evil.example.com/",
        "http://example.com/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "//evil.example.com/",
        "http://",
        "https://u:p@127.0.0.1/",
        "gopher://127.0.0.1:70/",
        "javascript:alert(1)",
        "http://[::1]:1/",
    };
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    for (size_t i = 0; i < ROWS(places); i++) {
        (void)snprintf(fixture.first.to, sizeof(fixture.first.to), "%s", places[i]);
        struct exchange get = make_get(&fixture);
        check_kept(&fixture, places[i], &get);
    }
    close_fixture(&fixture);
}

static void nothing_but_reading_is_redirected(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    struct exchange get = make_get(&fixture);
    get.request.redirect_hosts = NULL;
    check_kept(&fixture, "no hosts", &get);

    get = make_get(&fixture);
    get.request.never_resend = true;
    check_kept(&fixture, "create", &get);

    static const char *const methods[] = { "POST", "PUT", "PATCH", "DELETE" };
    for (size_t i = 0; i < ROWS(methods); i++) {
        struct exchange write = exchange_post(fixture.first_url, "{}");
        write.request.method = methods[i];
        write.request.redirect_hosts = fixture.allowed;
        check_kept(&fixture, methods[i], &write);
        struct exchange bare = make_get(&fixture);
        bare.request.method = methods[i];
        check_kept(&fixture, methods[i], &bare);
    }
    struct exchange body = exchange_post(fixture.first_url, "{}");
    body.request.method = "GET";
    body.request.redirect_hosts = fixture.allowed;
    check_kept(&fixture, "get with a body to another host", &body);

    fixture.first.status = 300;
    get = make_get(&fixture);
    check_kept(&fixture, "300 is a choice", &get);
    close_fixture(&fixture);
}

static void a_circle_ends(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    (void)snprintf(fixture.first_url, sizeof(fixture.first_url), "%s",
                   hostile_url(fixture.first_server, "/loop"));
    struct exchange get = make_get(&fixture);
    assert_int_equal(302, world_exchange(&fixture.world, &get)->status);
    assert_int_equal(1 + HTTP_REDIRECTS_MAX, fixture.first.arrivals);
    exchange_done(&get);
    close_fixture(&fixture);
}

static void a_download_is_redirected_and_saves_the_last_answer_only(void **state)
{
    struct fixture fixture;
    char dir[64];
    char path[96];
    char got[16] = "";

    (void)state;
    open_fixture(&fixture);
    temp_dir(dir);
    (void)snprintf(path, sizeof(path), "%s/call.mp3", dir);
    struct exchange get = make_get(&fixture);
    get.request.save_path = path;
    const struct http_response *response = world_exchange(&fixture.world, &get);
    assert_true(response->is_saved);
    assert_int_equal(7, response->saved_size);
    FILE *in = fopen(path, "re");
    assert_non_null(in);
    assert_int_equal(7, fread(got, 1, sizeof(got), in));
    assert_string_equal("arrived", got);
    assert_int_equal(0, fclose(in));
    exchange_done(&get);
    assert_int_equal(0, unlink(path));
    assert_int_equal(0, rmdir(dir));
    close_fixture(&fixture);
}

static void a_redirect_to_a_dead_host_is_a_fault(void **state)
{
    struct fixture fixture;
    struct exchange get;

    (void)state;
    open_fixture(&fixture);
    fixture.allowed[1] = "127.0.0.1:1";
    (void)snprintf(fixture.first.to, sizeof(fixture.first.to), "http://127.0.0.1:1/");
    get = make_get(&fixture);
    const struct http_response *response = world_exchange(&fixture.world, &get);
    assert_int_equal(0, response->status);
    assert_string_equal("connection refused by 127.0.0.1:1", response->fault);
    assert_int_equal(HTTP_MAYBE_SENT, response->sent); /* the first host has seen it */
    assert_string_equal("", response->body);
    assert_int_equal(0, response->header_count);
    exchange_done(&get);
    close_fixture(&fixture);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_redirect_to_an_allowed_host_is_followed_without_credentials),
        cmocka_unit_test(a_redirect_within_the_host_keeps_credentials),
        cmocka_unit_test(a_head_request_stays_one),
        cmocka_unit_test(a_redirect_that_leads_to_a_wrong_place_is_the_answer),
        cmocka_unit_test(nothing_but_reading_is_redirected),
        cmocka_unit_test(a_circle_ends),
        cmocka_unit_test(a_download_is_redirected_and_saves_the_last_answer_only),
        cmocka_unit_test(a_redirect_to_a_dead_host_is_a_fault),
    };

    if (!http_tests_begin(GIVE_UP_S))
        return 1;
    return http_tests_end(cmocka_run_group_tests(tests, NULL, NULL));
}

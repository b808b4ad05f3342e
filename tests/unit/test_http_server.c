/* The HTTP server on the loop: what handlers see, replies now and later, limits, files, strange clients. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "io/http_server.h"
#include "unit/hostile_tls.h"
#include "unit/http_world.h"

enum { GIVE_UP_S = 100, MANY = 600, RAW_MAX = 65536, HELD_MAX = 1024 };

/* ---- a server in the world of the client ---- */

struct fixture {
    struct world world;
    struct http_server *server;
    char url[64];
    struct loop_timer *timer;
    struct http_call *held[HELD_MAX]; /* calls that wait for their reply */
    unsigned held_count, hold_until;
    unsigned calls, calls_at_once, calls_max, freed;
    const char *file;
};

typedef void (*serve_fn)(void *ctx, struct http_call *call);

static void open_with(struct fixture *fixture, serve_fn serve, const struct http_server_options *options)
{
    struct sb_error err = SB_ERROR_INIT;

    memset(fixture, 0, sizeof(*fixture));
    world_open(&fixture->world);
    fixture->server = http_server_new(fixture->world.loop, options, serve, fixture, NULL, &err);
    if (!fixture->server)
        fail_msg("%s", err.text);
    (void)snprintf(fixture->url, sizeof(fixture->url), "http://127.0.0.1:%u",
                   http_server_port(fixture->server));
}

static void open_fixture(struct fixture *fixture, serve_fn serve)
{
    const struct http_server_options options = { .host = "127.0.0.1" };

    open_with(fixture, serve, &options);
}

static void close_fixture(struct fixture *fixture)
{
    loop_timer_free(fixture->timer);
    http_server_free(fixture->server);
    world_close(&fixture->world);
}

/* ---- raw clients ---- */

/* Sends bytes as they are from a thread of its own and reads to the end of the connection. */
struct raw {
    struct fixture *fixture;
    const char *bytes;
    size_t size;
    const char *unix_path; /* instead of the server's port */
    bool hangs_up;         /* closes at once after sending */
    bool trickles;         /* goes on with a byte now and then */
    char answer[RAW_MAX];
    struct loop_post *done;
};

static int connect_raw(const struct raw *raw)
{
    struct sockaddr_un local = { .sun_family = AF_UNIX };
    struct sockaddr_in inet = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(raw->unix_path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int rc;

    if (raw->unix_path) {
        (void)snprintf(local.sun_path, sizeof(local.sun_path), "%s", raw->unix_path);
        rc = connect(fd, (struct sockaddr *)&local, sizeof(local));
    } else {
        inet.sin_port = htons(http_server_port(raw->fixture->server));
        rc = connect(fd, (struct sockaddr *)&inet, sizeof(inet));
    }
    return rc == 0 ? fd : -1;
}

/* Sends a byte every 50 ms until there is something to read, which is the end. */
static void trickle(int fd)
{
    struct pollfd reader = { .fd = fd, .events = POLLIN };

    while (poll(&reader, 1, 50) == 0)
        (void)send(fd, "x", 1, MSG_NOSIGNAL);
}

static void *run_raw(void *ctx)
{
    struct raw *raw = ctx;
    size_t size = 0;
    int fd = connect_raw(raw);

    if (fd >= 0) {
        (void)send(fd, raw->bytes, raw->size, MSG_NOSIGNAL);
        if (raw->trickles)
            trickle(fd);
        while (!raw->hangs_up && size + 1 < sizeof(raw->answer)) {
            ssize_t got = recv(fd, raw->answer + size, sizeof(raw->answer) - 1 - size, 0);
            if (got <= 0)
                break;
            size += (size_t)got;
        }
        (void)close(fd);
    }
    raw->answer[size] = '\0';
    loop_post_send(raw->done);
    return NULL;
}

static void stop_loop(void *ctx)
{
    loop_stop(ctx);
}

static void exchange_raw(struct fixture *fixture, struct raw *raw)
{
    struct sb_error err = SB_ERROR_INIT;
    pthread_t thread;

    raw->fixture = fixture;
    raw->done = loop_post_new(fixture->world.loop, stop_loop, fixture->world.loop);
    loop_timer_arm(fixture->world.patience, WORLD_PATIENCE_MS);
    assert_int_equal(0, pthread_create(&thread, NULL, run_raw, raw));
    assert_int_equal(0, loop_run(fixture->world.loop, &err));
    assert_int_equal(0, pthread_join(thread, NULL));
    loop_timer_disarm(fixture->world.patience);
    loop_post_free(raw->done);
}

static const char *exchange_text(struct fixture *fixture, const char *bytes)
{
    static struct raw raw;

    raw = (struct raw){ .bytes = bytes, .size = strlen(bytes) };
    exchange_raw(fixture, &raw);
    return raw.answer;
}

/* ---- what a handler sees ---- */

static const char *or_dash(const char *text)
{
    return text ? text : "-";
}

static void describe(void *ctx, struct http_call *call)
{
    struct fixture *fixture = ctx;
    char text[2048];
    size_t size = 0;

    fixture->calls++;
    const char *body = http_call_body(call, &size);
    int length = snprintf(text, sizeof(text), "%s|%s|a=%s|b=%s|x=%s|%zu:%s|%s", http_call_method(call),
                          http_call_path(call), or_dash(http_call_query(call, "a")),
                          or_dash(http_call_query(call, "b")), or_dash(http_call_header(call, "x-one")), size,
                          body, http_call_peer(call));
    http_call_add_header(call, "X-Reply", "yes");
    http_call_reply(call, 201, "text/plain", text, (size_t)length);
}

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
        cmocka_unit_test(a_handler_sees_the_whole_request),
        cmocka_unit_test(escapes_are_decoded_and_nul_is_not),
        cmocka_unit_test(head_gets_the_length_and_no_body),
        cmocka_unit_test(requests_in_a_row_are_answered_in_a_row),
        cmocka_unit_test(six_hundred_calls_wait_at_once_and_keep_their_connections),
        cmocka_unit_test(a_handler_may_answer_an_earlier_call),
        cmocka_unit_test(freeing_the_server_closes_calls_that_wait),
        cmocka_unit_test(a_server_that_stops_listening_still_answers_what_it_has),
        cmocka_unit_test(bodies_beyond_the_limit_are_refused),
        cmocka_unit_test(heads_beyond_the_limit_and_garbage_are_refused),
        cmocka_unit_test(clients_that_hang_up_cost_nothing),
        cmocka_unit_test(an_idle_connection_is_closed),
        cmocka_unit_test(a_request_that_trickles_in_is_given_up),
        cmocka_unit_test(no_more_connections_than_allowed_are_served_at_once),
        cmocka_unit_test(files_are_sent_whole_and_in_parts),
        cmocka_unit_test(what_is_no_file_is_not_found),
        cmocka_unit_test(an_address_that_cannot_be_had_is_said),
        cmocka_unit_test(all_addresses_take_both_families),
        cmocka_unit_test(a_unix_socket_is_private_and_replaces_an_old_one),
        cmocka_unit_test(tls_is_served_when_it_has_a_certificate),
    };
    struct sb_error err = SB_ERROR_INIT;

    (void)alarm(GIVE_UP_S);
    if (http_client_global_init(&err) < 0)
        return 1;
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    http_client_global_done();
    return rc;
}

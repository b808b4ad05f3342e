/* The HTTP client against servers that lie, stall, flood and hang up. Every end is bounded, has a sentence
 * for people, and says rightly whether the request may have been read. */
#include "unit/hostile_server.h"
#include "unit/http_world.h"

enum { GIVE_UP_S = 100 };

static const char whole_answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nX-A: b\r\n\r\n0123456789";

/* ---- answers that are cut at a byte ---- */

struct cut {
    size_t at;
    bool is_reset;
};

static void send_a_part(struct hostile_conn *conn, void *ctx)
{
    const struct cut *cut = ctx;

    if (!hostile_read(conn))
        return;
    hostile_send(conn, whole_answer, cut->at);
    if (cut->is_reset)
        hostile_reset(conn);
}

static void check_cut(const struct cut *cut, const struct http_response *response, const char *host)
{
    char row[64];
    char want[128];
    size_t head_size = strlen(whole_answer) - 10;

    (void)snprintf(row, sizeof(row), "%s after byte %zu", cut->is_reset ? "reset" : "closed", cut->at);
    if (cut->at == strlen(whole_answer) && !cut->is_reset) {
        CHECK_INT(row, 200, response->status);
        CHECK_STR(row, "0123456789", response->body);
        return;
    }
    /* A reset may overtake the bytes before it, also a whole answer. */
    if (cut->is_reset && response->status == 200)
        return;
    CHECK_INT(row, 0, response->status);
    CHECK_INT(row, HTTP_MAYBE_SENT, response->sent);
    CHECK_STR(row, "", response->body);
    CHECK_INT(row, 0, response->header_count);
    if (!cut->is_reset && cut->at == 0) {
        (void)snprintf(want, sizeof(want), "connection closed by %s before an answer", host);
        CHECK_STR(row, want, response->fault);
    } else if (!cut->is_reset && cut->at >= head_size) {
        (void)snprintf(want, sizeof(want), "connection closed by %s in the middle of the answer", host);
        CHECK_STR(row, want, response->fault);
    }
    CHECK_INT(row, 1, response->fault[0] != '\0');
}

static void an_answer_that_is_cut_anywhere_is_no_answer(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    for (int is_reset = 0; is_reset < 2; is_reset++) {
        for (size_t at = 0; at <= strlen(whole_answer); at++) {
            struct cut cut = { .at = at, .is_reset = is_reset == 1 };
            struct hostile *server = hostile_start(send_a_part, &cut, NULL);
            struct exchange get = exchange_get(hostile_url(server, "/path?token=secret"));
            check_cut(&cut, world_exchange(&world, &get), hostile_host(server));
            assert_null(strstr(get.response->fault, "secret"));
            exchange_done(&get);
            hostile_stop(server);
        }
    }
    world_close(&world);
}

/* ---- answers that are wrong ---- */

struct script {
    const char *name;
    const char *bytes;
    const char *want_fault; /* HOST stands for the server; NULL: a good answer */
    const char *want_body;
    int want_status;
};

static const struct script scripts[] = {
    { "no http at all", "SSH-2.0-OpenSSH_9.2\r\n", "the answer of HOST is not valid HTTP", NULL, 0 },
    { "http 0.9", "<html>hello</html>", "the answer of HOST is not valid HTTP", NULL, 0 },
    { "status is no number", "HTTP/1.1 abc Text\r\n\r\n", "the answer of HOST is not valid HTTP", NULL, 0 },
    { "only a 100", "HTTP/1.1 100 Continue\r\n\r\n", "connection closed by HOST before an answer", NULL, 0 },
    { "a 101 that nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nbytes",
      "connection closed by HOST in the middle of the answer", NULL, 0 },
    { "length too long", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
      "connection closed by HOST in the middle of the answer", NULL, 0 },
    { "length too short", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nlonger", NULL, "lon", 200 },
    { "length is negative", "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nabc",
      "the answer of HOST is not valid HTTP", NULL, 0 },
    { "length is no number", "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nabc",
      "the answer of HOST is not valid HTTP", NULL, 0 },
    { "chunks",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-T: t\r\n\r\n",
      NULL, "abcde", 200 },
    { "chunk size is garbage", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
      "the answer of HOST is not valid HTTP", NULL, 0 },
    { "chunk without its end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcXX0\r\n\r\n",
      "the answer of HOST is not valid HTTP", NULL, 0 },
    { "chunks that stop", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n",
      "connection closed by HOST in the middle of the answer", NULL, 0 },
    { "chunk size overflows",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n",
      "the answer of HOST is not valid HTTP", NULL, 0 },
    { "gzip that is none", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain",
      "the compressed answer of HOST is damaged", NULL, 0 },
    { "100 first",
      "HTTP/1.1 100 Continue\r\nX-A: no\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok", NULL,
      "ok", 201 },
    { "body to the end of the connection", "HTTP/1.0 200 OK\r\n\r\nto the end", NULL, "to the end", 200 },
    { "no body by status", "HTTP/1.1 204 No Content\r\n\r\n", NULL, "", 204 },
    { "bare line feeds", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", NULL, "ok", 200 },
    { "an error is an answer", "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nbusy", NULL,
      "busy", 503 },
    { "a strange status is an answer", "HTTP/1.1 799 Odd\r\nContent-Length: 0\r\n\r\n", NULL, "", 799 },
};

static void play_script(struct hostile_conn *conn, void *ctx)
{
    const struct script *script = ctx;

    if (hostile_read(conn))
        hostile_send_text(conn, script->bytes);
}

static void put_host(char ret_text[256], const char *pattern, const char *host)
{
    const char *at = strstr(pattern, "HOST");

    if (at)
        (void)snprintf(ret_text, 256, "%.*s%s%s", (int)(at - pattern), pattern, host, at + 4);
    else
        (void)snprintf(ret_text, 256, "%s", pattern);
}

static void wrong_answers_are_told_from_good_ones(void **state)
{
    struct world world;
    char want[256];

    (void)state;
    world_open(&world);
    for (size_t i = 0; i < ROWS(scripts); i++) {
        const struct script *script = &scripts[i];
        struct hostile *server = hostile_start(play_script, (void *)(uintptr_t)script, NULL);
        struct exchange get = exchange_get(hostile_url(server, "/"));
        const struct http_response *response = world_exchange(&world, &get);
        put_host(want, script->want_fault ? script->want_fault : "", hostile_host(server));
        CHECK_STR(script->name, want, response->fault);
        CHECK_INT(script->name, script->want_status, response->status);
        CHECK_STR(script->name, script->want_body ? script->want_body : "", response->body);
        if (!response->status)
            CHECK_INT(script->name, HTTP_MAYBE_SENT, response->sent);
        exchange_done(&get);
        hostile_stop(server);
    }
    world_close(&world);
}

static void headers_of_an_interim_answer_are_forgotten(void **state)
{
    struct world world;
    static const struct script script = {
        .bytes = "HTTP/1.1 103 Early Hints\r\nX-A: early\r\nX-B: early\r\n\r\n"
                 "HTTP/1.1 200 OK\r\nX-A: late\r\nX-Folded: one\r\n  two\r\nContent-Length: 0\r\n\r\n"
    };

    (void)state;
    world_open(&world);
    struct hostile *server = hostile_start(play_script, (void *)(uintptr_t)&script, NULL);
    struct exchange get = exchange_get(hostile_url(server, "/"));
    const struct http_response *response = world_exchange(&world, &get);
    assert_int_equal(200, response->status);
    assert_string_equal("late", http_response_header(response, "X-A"));
    assert_null(http_response_header(response, "X-B"));
    assert_non_null(http_response_header(response, "X-Folded"));
    exchange_done(&get);
    hostile_stop(server);
    world_close(&world);
}

/* ---- floods ---- */

static void send_endless_headers(struct hostile_conn *conn, void *ctx)
{
    (void)ctx;
    if (!hostile_read(conn) || !hostile_send_text(conn, "HTTP/1.1 200 OK\r\n"))
        return;
    while (hostile_send_text(conn, "X-More: and more\r\n"))
        continue;
}

static void send_endless_interims(struct hostile_conn *conn, void *ctx)
{
    (void)ctx;
    if (!hostile_read(conn))
        return;
    while (hostile_send_text(conn, "HTTP/1.1 102 Processing\r\n\r\n"))
        continue;
}

static void send_one_endless_header(struct hostile_conn *conn, void *ctx)
{
    (void)ctx;
    if (!hostile_read(conn) || !hostile_send_text(conn, "HTTP/1.1 200 OK\r\nX-Long: "))
        return;
    while (hostile_send_text(conn, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"))
        continue;
}

static void send_endless_body(struct hostile_conn *conn, void *ctx)
{
    (void)ctx;
    if (!hostile_read(conn) || !hostile_send_text(conn, "HTTP/1.1 200 OK\r\n\r\n"))
        return;
    while (hostile_send_text(conn, "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"))
        continue;
}

static void send_endless_trailers(struct hostile_conn *conn, void *ctx)
{
    (void)ctx;
    if (!hostile_read(conn) ||
        !hostile_send_text(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"))
        return;
    while (hostile_send_text(conn, "X-Trailer: and more\r\n"))
        continue;
}

static void announce_too_much(struct hostile_conn *conn, void *ctx)
{
    (void)ctx;
    if (hostile_read(conn))
        hostile_send_text(conn, "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\na");
    hostile_wait_for_close(conn);
}

/* A gzip member made by hand: one zero, then "the byte before, 258 times" over and over, 13 bits each (RFC
 * 1951, fixed codes). Under half a megabyte of it stands for 64 MiB. */
struct bits {
    unsigned char bytes[512 * 1024];
    size_t count; /* bits */
};

static void put_bits(struct bits *bits, const char *text)
{
    for (; *text; text++, bits->count++)
        if (*text == '1')
            bits->bytes[bits->count / 8] |= (unsigned char)(1u << bits->count % 8);
}

static struct bits *make_bomb(void)
{
    static const unsigned char head[10] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3 };
    struct bits *bits = calloc(1, sizeof(*bits));

    assert_non_null(bits);
    memcpy(bits->bytes, head, sizeof(head));
    bits->count = sizeof(head) * 8;
    put_bits(bits, "110" /* last block, fixed codes */
                   "00110000" /* a zero */);
    for (unsigned i = 0; i < 64 * 1024 * 1024 / 258; i++)
        put_bits(bits, "11000101"
                       "00000" /* 258 bytes from distance 1 */);
    put_bits(bits, "0000000" /* end */);
    return bits;
}

static void send_bomb(struct hostile_conn *conn, void *ctx)
{
    struct bits *bomb = make_bomb();
    char head[128];

    (void)ctx;
    (void)snprintf(head, sizeof(head),
                   "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
                   bomb->count / 8 + 9);
    if (hostile_read(conn) && hostile_send_text(conn, head))
        hostile_send(conn, bomb->bytes, bomb->count / 8 + 9);
    free(bomb);
    hostile_wait_for_close(conn);
}

/* "hello", packed by gzip. */
static void send_packed(struct hostile_conn *conn, void *ctx)
{
    static const unsigned char packed[] = { 0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                                            0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x86,
                                            0xa6, 0x10, 0x36, 0x05, 0x00, 0x00, 0x00 };

    (void)ctx;
    if (!hostile_read(conn))
        return;
    assert_non_null(strstr(hostile_header(conn, "Accept-Encoding"), "gzip"));
    hostile_send_text(conn, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 25\r\n\r\n");
    hostile_send(conn, packed, sizeof(packed));
}

static void a_compressed_answer_is_unpacked(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    struct hostile *server = hostile_start(send_packed, NULL, NULL);
    struct exchange get = exchange_get(hostile_url(server, "/"));
    assert_string_equal("hello", world_exchange(&world, &get)->body);
    assert_int_equal(5, get.response->body_size);
    exchange_done(&get);
    hostile_stop(server);
    world_close(&world);
}

static void floods_are_cut_off_at_their_limits(void **state)
{
    static const struct {
        const char *name;
        hostile_serve_fn serve;
        size_t size_max;
        const char *want;
    } rows[] = {
        { "headers", send_endless_headers, 0, "the headers of the answer were larger than 64 KiB" },
        { "interim answers", send_endless_interims, 0, "the headers of the answer were larger than 64 KiB" },
        { "trailers", send_endless_trailers, 0, "the headers of the answer were larger than 64 KiB" },
        { "body, default limit", send_endless_body, 0, "the answer was larger than 16 MiB" },
        { "body, own limit", send_endless_body, 100000, "the answer was larger than 100000 bytes" },
        { "body, announced", announce_too_much, 2048, "the answer was larger than 2 KiB" },
        { "gzip bomb", send_bomb, (size_t)3 * 1024 * 1024, "the answer was larger than 3 MiB" },
    };
    struct world world;

    (void)state;
    world_open(&world);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct hostile *server = hostile_start(rows[i].serve, NULL, NULL);
        struct exchange get = exchange_get(hostile_url(server, "/"));
        get.request.response_size_max = rows[i].size_max;
        const struct http_response *response = world_exchange(&world, &get);
        CHECK_STR(rows[i].name, rows[i].want, response->fault);
        CHECK_INT(rows[i].name, 0, response->status);
        CHECK_INT(rows[i].name, HTTP_MAYBE_SENT, response->sent);
        exchange_done(&get);
        hostile_stop(server);
    }
    world_close(&world);
}

static void one_endless_header_line_is_cut_off_too(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    struct hostile *server = hostile_start(send_one_endless_header, NULL, NULL);
    struct exchange get = exchange_get(hostile_url(server, "/"));
    const struct http_response *response = world_exchange(&world, &get);
    assert_int_equal(0, response->status);
    assert_true(response->fault[0] != '\0'); /* libcurl's own limit, and its own words */
    exchange_done(&get);
    hostile_stop(server);
    world_close(&world);
}

static void a_body_of_exactly_the_limit_is_taken(void **state)
{
    struct world world;
    static const struct script script = { .bytes =
                                              "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789" };

    (void)state;
    world_open(&world);
    struct hostile *server = hostile_start(play_script, (void *)(uintptr_t)&script, NULL);
    struct exchange get = exchange_get(hostile_url(server, "/"));
    get.request.response_size_max = 10;
    assert_string_equal("0123456789", world_exchange(&world, &get)->body);
    exchange_done(&get);
    get.request.response_size_max = 9;
    assert_string_equal("the answer was larger than 9 bytes", world_exchange(&world, &get)->fault);
    exchange_done(&get);
    hostile_stop(server);
    world_close(&world);
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

static void proxies_of_the_environment_are_ignored(void **state)
{
    struct world world;
    static const struct script script = { .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" };

    (void)state;
    assert_int_equal(0, setenv("http_proxy", "http://127.0.0.1:1", 1));
    assert_int_equal(0, setenv("ALL_PROXY", "http://127.0.0.1:1", 1));
    world_open(&world);
    struct hostile *server = hostile_start(play_script, (void *)(uintptr_t)&script, NULL);
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
        cmocka_unit_test(an_answer_that_is_cut_anywhere_is_no_answer),
        cmocka_unit_test(wrong_answers_are_told_from_good_ones),
        cmocka_unit_test(headers_of_an_interim_answer_are_forgotten),
        cmocka_unit_test(floods_are_cut_off_at_their_limits),
        cmocka_unit_test(a_compressed_answer_is_unpacked),
        cmocka_unit_test(one_endless_header_line_is_cut_off_too),
        cmocka_unit_test(a_body_of_exactly_the_limit_is_taken),
        cmocka_unit_test(the_time_limit_holds_wherever_the_other_side_stalls),
        cmocka_unit_test(a_body_that_trickles_is_given_up_and_a_late_answer_is_not),
        cmocka_unit_test(what_never_had_a_connection_was_not_sent),
        cmocka_unit_test(urls_that_may_not_be_used_are_refused),
        cmocka_unit_test(methods_that_are_none_are_refused),
        cmocka_unit_test(proxies_of_the_environment_are_ignored),
        cmocka_unit_test(a_file_that_becomes_shorter_ends_the_upload),
        cmocka_unit_test(an_early_refusal_of_an_upload_is_an_answer),
    };
    struct sb_error err = SB_ERROR_INIT;

    (void)alarm(GIVE_UP_S);
    if (http_client_global_init(&err) < 0)
        return 1;
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    http_client_global_done();
    return rc;
}

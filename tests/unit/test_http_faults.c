/* The HTTP client against servers that lie, flood and hang up. Every end is bounded, has a sentence
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

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_that_is_cut_anywhere_is_no_answer),
        cmocka_unit_test(wrong_answers_are_told_from_good_ones),
        cmocka_unit_test(headers_of_an_interim_answer_are_forgotten),
        cmocka_unit_test(a_compressed_answer_is_unpacked),
        cmocka_unit_test(floods_are_cut_off_at_their_limits),
        cmocka_unit_test(one_endless_header_line_is_cut_off_too),
        cmocka_unit_test(a_body_of_exactly_the_limit_is_taken),
    };

    if (!http_tests_begin(GIVE_UP_S))
        return 1;
    return http_tests_end(cmocka_run_group_tests(tests, NULL, NULL));
}

/* The HTTP client against a well-behaved server: what it writes and what it reads. */
#include "unit/http_echo.h"

enum { GIVE_UP_S = 100 };

static void an_answer_has_status_headers_and_body(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    struct exchange get = exchange_get(hostile_url(fixture.server, "/a?b=c"));
    const struct http_response *response = world_exchange(&fixture.world, &get);
    assert_int_equal(200, response->status);
    assert_string_equal("{\"ok\":true}", response->body);
    assert_int_equal(11, response->body_size);
    assert_string_equal("1", http_response_header(response, "x-ONE"));
    assert_string_equal("two words", http_response_header(response, "X-Two"));
    assert_null(http_response_header(response, "X-Three"));
    assert_false(response->is_saved);
    assert_string_equal("", response->fault);
    assert_non_null(strstr(fixture.seen.head, "GET /a?b=c HTTP/1.1\r\n"));
    assert_non_null(strstr(fixture.seen.head, "User-Agent: switchboard/test\r\n"));
    assert_non_null(strstr(fixture.seen.head, "Accept-Encoding: gzip"));
    exchange_done(&get);
    close_fixture(&fixture);
}

static const struct {
    const char *name, *method;
    enum http_body_kind kind;
    const char *body;
    const char *want_line, *want_length;
} method_rows[] = {
    { "get", "GET", HTTP_BODY_NONE, NULL, "GET / HTTP/1.1\r\n", NULL },
    { "head", "HEAD", HTTP_BODY_NONE, NULL, "HEAD / HTTP/1.1\r\n", NULL },
    { "delete", "DELETE", HTTP_BODY_NONE, NULL, "DELETE / HTTP/1.1\r\n", NULL },
    { "post", "POST", HTTP_BODY_BYTES, "{}", "POST / HTTP/1.1\r\n", "2" },
    { "post without body", "POST", HTTP_BODY_NONE, NULL, "POST / HTTP/1.1\r\n", "0" },
    { "post of nothing", "POST", HTTP_BODY_BYTES, "", "POST / HTTP/1.1\r\n", "0" },
    { "put", "PUT", HTTP_BODY_BYTES, "x=1", "PUT / HTTP/1.1\r\n", "3" },
    { "put without body", "PUT", HTTP_BODY_NONE, NULL, "PUT / HTTP/1.1\r\n", "0" },
    { "patch", "PATCH", HTTP_BODY_BYTES, "{\"a\":1}", "PATCH / HTTP/1.1\r\n", "7" },
    { "delete with body", "DELETE", HTTP_BODY_BYTES, "{}", "DELETE / HTTP/1.1\r\n", "2" },
    { "get with body", "GET", HTTP_BODY_BYTES, "{}", "GET / HTTP/1.1\r\n", "2" },
};

static void check_head(const char *row, const char *head, const char *line, const char *length)
{
    char want[64] = "Content-Length";

    CHECK_INT(row, 0, strncmp(head, line, strlen(line)));
    if (length)
        (void)snprintf(want, sizeof(want), "\r\nContent-Length: %s\r\n", length);
    CHECK_INT(row, length != NULL, strstr(head, want) != NULL);
    CHECK_INT(row, 0, strcasestr(head, "\r\nExpect:") != NULL);
    CHECK_INT(row, 0, strcasestr(head, "\r\nContent-Type:") != NULL); /* nobody asked for one */
    CHECK_INT(row, 0, strcasestr(head, "\r\nTransfer-Encoding:") != NULL);
}

static void each_method_is_written_as_it_should_be(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    /* Twice over the same easy handles: what one transfer sets must not stay for the next. */
    for (size_t i = 0; i < 4 * ROWS(method_rows); i++) {
        size_t row = i % ROWS(method_rows);
        struct exchange exchange = exchange_get(hostile_url(fixture.server, "/"));
        exchange.request.method = method_rows[row].method;
        exchange.request.body_kind = method_rows[row].kind;
        exchange.request.body = method_rows[row].body;
        exchange.request.body_size = method_rows[row].body ? strlen(method_rows[row].body) : 0;
        exchange.request.never_resend = i / ROWS(method_rows) % 2 == 1;
        const struct http_response *response = world_exchange(&fixture.world, &exchange);
        CHECK_INT(method_rows[row].name, 200, response->status);
        check_head(method_rows[row].name, fixture.seen.head, method_rows[row].want_line,
                   method_rows[row].want_length);
        CHECK_STR(method_rows[row].name, method_rows[row].body ? method_rows[row].body : "",
                  fixture.seen.body);
        if (strcmp(method_rows[row].method, "HEAD") == 0)
            CHECK_STR(method_rows[row].name, "big", http_response_header(response, "X-Size"));
        exchange_done(&exchange);
    }
    close_fixture(&fixture);
}

static void own_headers_are_sent_and_replace_the_defaults(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    struct exchange post = exchange_post(hostile_url(fixture.server, "/"), "{}");
    exchange_header(&post, "Content-Type", "application/json");
    exchange_header(&post, "Authorization", "Token abc");
    exchange_header(&post, "X-Empty", "");
    exchange_header(&post, "User-Agent", "other/1");
    assert_int_equal(200, world_exchange(&fixture.world, &post)->status);
    assert_non_null(strstr(fixture.seen.head, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(fixture.seen.head, "\r\nAuthorization: Token abc\r\n"));
    assert_non_null(strstr(fixture.seen.head, "\r\nX-Empty:\r\n"));
    assert_non_null(strstr(fixture.seen.head, "\r\nUser-Agent: other/1\r\n"));
    assert_null(strstr(fixture.seen.head, "switchboard/test"));
    exchange_done(&post);
    close_fixture(&fixture);
}

static const struct {
    const char *name, *value, *want;
} bad_headers[] = {
    { "Content-Length", "5", "header 'Content-Length' may not be set: the client writes it" },
    { "transfer-encoding", "chunked", "header 'transfer-encoding' may not be set: the client writes it" },
    { "Host", "example.com", "header 'Host' may not be set: the client writes it" },
    { "X-A", "one\r\nX-B: two", "header 'X-A' holds a line break or control character" },
    { "X-A", "one\ntwo", "header 'X-A' holds a line break or control character" },
    { "X A", "one", "header 'X A' is not a header name with a value" },
    { "X-A:", "one", "header 'X-A:' is not a header name with a value" },
    { "", "one", "header '' is not a header name with a value" },
};

static void wrong_headers_are_refused_before_anything_is_sent(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    for (size_t i = 0; i < ROWS(bad_headers); i++) {
        struct exchange post = exchange_post(hostile_url(fixture.server, "/"), "{}");
        exchange_header(&post, bad_headers[i].name, bad_headers[i].value);
        const struct http_response *response = world_exchange(&fixture.world, &post);
        CHECK_INT(bad_headers[i].name, 0, response->status);
        CHECK_INT(bad_headers[i].name, HTTP_NOT_SENT, response->sent);
        CHECK_STR(bad_headers[i].name, bad_headers[i].want, response->fault);
        exchange_done(&post);
    }
    assert_int_equal(0, hostile_connections(fixture.server));
    close_fixture(&fixture);
}

/* ---- bodies ---- */

static void a_file_is_uploaded_byte_by_byte(void **state)
{
    struct fixture fixture;
    char dir[64];
    char path[96];
    static char bytes[50000];

    (void)state;
    open_fixture(&fixture);
    temp_dir(dir);
    (void)snprintf(path, sizeof(path), "%s/call.mp3", dir);
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 7 + i / 256);
    write_text_file(path, bytes, sizeof(bytes));
    for (int never_resend = 0; never_resend < 2; never_resend++) {
        struct exchange post = exchange_get(hostile_url(fixture.server, "/listen"));
        post.request.method = "POST";
        post.request.body_kind = HTTP_BODY_FILE;
        post.request.body_path = path;
        post.request.never_resend = never_resend == 1;
        exchange_header(&post, "Content-Type", "audio/mpeg");
        assert_int_equal(200, world_exchange(&fixture.world, &post)->status);
        assert_int_equal(sizeof(bytes), fixture.seen.body_size);
        assert_memory_equal(bytes, fixture.seen.body, sizeof(bytes));
        assert_non_null(strstr(fixture.seen.head, "\r\nContent-Type: audio/mpeg\r\n"));
        exchange_done(&post);
    }
    assert_int_equal(0, unlink(path));
    assert_int_equal(0, rmdir(dir));
    close_fixture(&fixture);
}

static void a_file_that_cannot_be_sent_is_said_before_anything_is_sent(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    static const struct {
        const char *path, *want;
    } rows[] = {
        { "/nonexistent/call.mp3", "cannot open '/nonexistent/call.mp3': No such file or directory" },
        { "/tmp", "cannot send '/tmp': it is not a regular file" },
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct exchange post = exchange_get(hostile_url(fixture.server, "/listen"));
        post.request.method = "POST";
        post.request.body_kind = HTTP_BODY_FILE;
        post.request.body_path = rows[i].path;
        const struct http_response *response = world_exchange(&fixture.world, &post);
        CHECK_INT(rows[i].path, 0, response->status);
        CHECK_INT(rows[i].path, HTTP_NOT_SENT, response->sent);
        CHECK_STR(rows[i].path, rows[i].want, response->fault);
        exchange_done(&post);
    }
    assert_int_equal(0, hostile_connections(fixture.server));
    close_fixture(&fixture);
}

/* The body that RFC 7578 wants, with the boundary that the head names. */
static void check_multipart(const struct seen *seen)
{
    char boundary[128];
    char want[4096];
    const char *at = strstr(seen->head, "boundary=");

    assert_non_null(at);
    assert_int_equal(1, sscanf(at, "boundary=%127s", boundary));
    (void)snprintf(want, sizeof(want),
                   "--%s\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n"
                   "--%s\r\nContent-Disposition: form-data; name=\"a%%22b%%0D%%0Ac\"\r\n\r\n\r\n"
                   "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"ca\xc3\xa9.mp3\"\r\n"
                   "Content-Type: audio/mpeg\r\n\r\nsound\r\n--%s--\r\n",
                   boundary, boundary, boundary, boundary);
    assert_string_equal(want, seen->body);
    assert_int_equal(strlen(want), seen->body_size);
}

static void multipart_is_written_as_browsers_do(void **state)
{
    struct fixture fixture;
    char dir[64];
    char path[96];

    (void)state;
    open_fixture(&fixture);
    temp_dir(dir);
    (void)snprintf(path, sizeof(path), "%s/call.mp3", dir);
    write_text_file(path, "sound", 5);
    for (int never_resend = 0; never_resend < 2; never_resend++) {
        struct exchange post = exchange_get(hostile_url(fixture.server, "/v1/audio"));
        post.request.method = "POST";
        post.request.body_kind = HTTP_BODY_MULTIPART;
        post.request.never_resend = never_resend == 1;
        post.request.parts[0] = (struct http_part){ .name = "model", .bytes = "whisper-1", .size = 9 };
        post.request.parts[1] = (struct http_part){ .name = "a\"b\r\nc", .bytes = "", .size = 0 };
        post.request.parts[2] = (struct http_part){
            .name = "file", .filename = "ca\xc3\xa9.mp3", .content_type = "audio/mpeg", .path = path
        };
        post.request.part_count = 3;
        exchange_header(&post, "Content-Type", "multipart/form-data");
        assert_int_equal(200, world_exchange(&fixture.world, &post)->status);
        check_multipart(&fixture.seen);
        exchange_done(&post);
    }
    assert_int_equal(0, unlink(path));
    assert_int_equal(0, rmdir(dir));
    close_fixture(&fixture);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_has_status_headers_and_body),
        cmocka_unit_test(each_method_is_written_as_it_should_be),
        cmocka_unit_test(own_headers_are_sent_and_replace_the_defaults),
        cmocka_unit_test(wrong_headers_are_refused_before_anything_is_sent),
        cmocka_unit_test(a_file_is_uploaded_byte_by_byte),
        cmocka_unit_test(a_file_that_cannot_be_sent_is_said_before_anything_is_sent),
        cmocka_unit_test(multipart_is_written_as_browsers_do),
    };

    if (!http_tests_begin(GIVE_UP_S))
        return 1;
    return http_tests_end(cmocka_run_group_tests(tests, NULL, NULL));
}

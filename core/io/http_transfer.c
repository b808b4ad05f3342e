/* One transfer between a request and libcurl. */
#include "io/http_transfer.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/address.h"
#include "io/http_fault.h"
#include "io/http_headers.h"

enum {
    SCRATCH_MAX = 16 * 1024,     /* a header line with its secrets */
    SECRET_BODY_MAX = 64 * 1024, /* larger bodies hold no placeholders */
    SECRETS_MAX = 16 * 1024,     /* what secrets may add to a body */
    TIMEOUT_DEFAULT_MS = 60 * 1000,
    CONNECT_TIMEOUT_DEFAULT_MS = 10 * 1000,
    METHOD_MAX = 16,
    /* Servers close idle connections, and a request that meets such a close is lost with nobody knowing
     * whether it was read. A CREATE therefore takes a connection only while it is warm; for others a
     * repetition is harmless. */
    CREATE_CONNECTION_AGE_S = 3,
    CONNECTION_AGE_S = 55
};

_Static_assert(HTTP_ERROR_TEXT_MAX >= CURL_ERROR_SIZE, "libcurl writes so much into its error buffer");

/* ---- memory for secrets ---- */

/* The whole ceiling at once: a buffer that grows would leave its secrets in the places it moved out of. */
static int reserve_all(struct buf *text, size_t max)
{
    buf_init(text, max);
    char *memory = calloc(1, max + 1);
    if (!memory)
        return -1;
    text->data = memory;
    text->cap = max + 1;
    return 0;
}

int http_scratch_init(struct http_scratch *scratch)
{
    return reserve_all(&scratch->text, SCRATCH_MAX);
}

void http_scratch_done(struct http_scratch *scratch)
{
    if (scratch->text.data)
        buf_done(&scratch->text);
}

static void wipe_body(struct http_transfer *transfer)
{
    if (transfer->secret_body)
        explicit_bzero(transfer->secret_body, transfer->secret_size);
    free(transfer->secret_body);
    transfer->secret_body = NULL;
}

static bool may_hold_secrets(const struct http_transfer *transfer)
{
    const struct http_request *request = transfer->request;

    return transfer->resolve && request->body_kind == HTTP_BODY_BYTES && request->body_size > 0 &&
           request->body_size <= SECRET_BODY_MAX &&
           memchr(request->body, HTTP_PLACEHOLDER_BEGIN, request->body_size) &&
           !memchr(request->body, '\0', request->body_size);
}

static int resolve_body(struct http_transfer *transfer, struct sb_error *err)
{
    const struct http_request *request = transfer->request;
    struct buf resolved;

    if (!may_hold_secrets(transfer))
        return 0;
    char *text = strndup(request->body, request->body_size); /* the request need not end in NUL */
    if (!text || reserve_all(&resolved, request->body_size + SECRETS_MAX) < 0) {
        free(text);
        return sb_fail(err, SB_ENOMEM, "cannot build the request: out of memory");
    }
    int rc = transfer->resolve(transfer->resolve_ctx, text, transfer->first_host, &resolved, err);
    if (rc == 0 && resolved.failed)
        rc = sb_fail(err, SB_EINPUT, "the body with its secrets is too long");
    bool is_changed = resolved.len != request->body_size || memcmp(resolved.data, text, resolved.len) != 0;
    free(text);
    if (rc == 0 && is_changed) {
        transfer->secret_size = resolved.len;
        transfer->secret_body = resolved.data; /* ours from here on */
        return 0;
    }
    explicit_bzero(resolved.data, resolved.cap);
    buf_done(&resolved);
    return rc;
}

/* ---- opening ---- */

static bool is_method(const char *method)
{
    size_t size = strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-");

    return size > 0 && size <= METHOD_MAX && method[size] == '\0';
}

static bool is_safe_method(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

bool http_transfer_sends_body(const struct http_transfer *transfer)
{
    const char *method = transfer->request->method;

    return transfer->request->body_kind != HTTP_BODY_NONE || strcmp(method, "POST") == 0 ||
           strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
}

static int open_body(struct http_transfer *transfer, struct sb_error *err)
{
    const struct http_request *request = transfer->request;
    int rc = resolve_body(transfer, err);

    if (rc < 0)
        return rc;
    if (transfer->secret_body)
        return http_body_open(&transfer->body, request, transfer->secret_body, transfer->secret_size, err);
    return http_body_open(&transfer->body, request, request->body, request->body_size, err);
}

int http_transfer_open(struct http_transfer *transfer, struct http_scratch *scratch, struct sb_error *err)
{
    const struct http_request *request = transfer->request;
    uint32_t connect_ms = request->connect_timeout_ms;

    transfer->timeout_ms = request->timeout_ms ? request->timeout_ms : TIMEOUT_DEFAULT_MS;
    transfer->connect_timeout_ms = connect_ms ? connect_ms : CONNECT_TIMEOUT_DEFAULT_MS;
    if (http_answer_init(&transfer->answer, request) < 0)
        return sb_fail(err, SB_ENOMEM, "cannot build the request: out of memory");
    if (!request->method || !is_method(request->method))
        return sb_fail(err, SB_EINPUT, "the request has no valid method");
    int rc = http_url_check(request->url, &transfer->target, err);
    if (rc < 0)
        return rc;
    transfer->url = strdup(request->url);
    if (!transfer->url)
        return sb_fail(err, SB_ENOMEM, "cannot build the request: out of memory");
    memcpy(transfer->first_host, transfer->target.host, sizeof(transfer->first_host));
    rc = open_body(transfer, err);
    return rc < 0 ? rc : http_headers_build(transfer, scratch, err);
}

void http_transfer_done(struct http_transfer *transfer)
{
    http_headers_free(transfer);
    http_body_done(&transfer->body);
    wipe_body(transfer);
    http_answer_done(&transfer->answer);
    free(transfer->url);
    transfer->url = NULL;
}

/* ---- libcurl's callbacks ---- */

static size_t on_header(char *line, size_t size, size_t count, void *ctx)
{
    struct http_transfer *transfer = ctx;

    return http_answer_line(&transfer->answer, line, size * count) ? size * count : 0;
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
    struct http_transfer *transfer = ctx;

    /* One byte less than what came tells libcurl to stop. A piece is never empty. */
    return http_answer_body(&transfer->answer, data, size * count) ? size * count : 0;
}

static size_t on_read(char *room, size_t size, size_t count, void *ctx)
{
    struct http_transfer *transfer = ctx;
    int64_t got = http_body_read(&transfer->body, room, size * count);

    return got < 0 ? CURL_READFUNC_ABORT : (size_t)got;
}

static int on_seek(void *ctx, curl_off_t offset, int origin)
{
    struct http_transfer *transfer = ctx;

    if (origin != SEEK_SET || offset < 0 || http_body_seek(&transfer->body, (uint64_t)offset) < 0)
        return CURL_SEEKFUNC_FAIL;
    return CURL_SEEKFUNC_OK;
}

/* Called when a connection is ready and the request is about to be written, each time anew. So it is the
 * border between "not sent" and "maybe sent"; and a CREATE is stopped here when libcurl wants to send it a
 * second time on its own, as it does when a reused connection ends without an answer. */
static int on_ready(void *ctx, char *remote_ip, char *local_ip, int remote_port, int local_port)
{
    struct http_transfer *transfer = ctx;

    (void)local_ip;
    (void)remote_port;
    (void)local_port;
    /* A connection that another request has opened, without being as careful, is none for this one. */
    if (transfer->guard.public_only && !address_text_is_public(remote_ip)) {
        transfer->guard.has_refused = true;
        return CURL_PREREQFUNC_ABORT;
    }
    transfer->asked++;
    if (transfer->request->never_resend && transfer->asked > 1)
        return CURL_PREREQFUNC_ABORT;
    return CURL_PREREQFUNC_OK;
}

/* ---- aiming ---- */

#define SET(option, value) (code = code != CURLE_OK ? code : curl_easy_setopt(easy, option, value))

static CURLcode set_callbacks(CURL *easy, struct http_transfer *transfer)
{
    CURLcode code = CURLE_OK;

    SET(CURLOPT_PRIVATE, transfer);
    SET(CURLOPT_ERRORBUFFER, transfer->error_text);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, transfer);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, transfer);
    SET(CURLOPT_READFUNCTION, on_read);
    SET(CURLOPT_READDATA, transfer);
    SET(CURLOPT_SEEKDATA, transfer);
    SET(CURLOPT_PREREQFUNCTION, on_ready);
    SET(CURLOPT_PREREQDATA, transfer);
    return code;
}

/* Bytes that may be sent again are handed over as they are: libcurl then writes head and body in one piece.
 */
static bool hands_over_bytes(const struct http_transfer *transfer)
{
    const struct http_request *request = transfer->request;

    if (transfer->body.size == 0)
        return true;
    return request->body_kind == HTTP_BODY_BYTES && !request->never_resend;
}

static const char *bytes_to_send(const struct http_transfer *transfer)
{
    if (transfer->body.size == 0)
        return "";
    return transfer->secret_body ? transfer->secret_body : transfer->request->body;
}

static CURLcode set_body(CURL *easy, const struct http_transfer *transfer)
{
    CURLcode code = CURLE_OK;
    /* Without a seek function libcurl cannot start the body over. */
    curl_seek_callback seek = transfer->request->never_resend ? NULL : on_seek;

    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)transfer->body.size);
    SET(CURLOPT_POSTFIELDS, hands_over_bytes(transfer) ? bytes_to_send(transfer) : NULL);
    SET(CURLOPT_SEEKFUNCTION, seek);
    return code;
}

static CURLcode set_method(CURL *easy, const struct http_transfer *transfer)
{
    CURLcode code = CURLE_OK;
    const char *method = transfer->request->method;
    bool is_head = strcmp(method, "HEAD") == 0;
    bool sends_body = http_transfer_sends_body(transfer);
    bool is_plain = is_head || strcmp(method, sends_body ? "POST" : "GET") == 0;

    SET(CURLOPT_NOBODY, 0L);
    SET(CURLOPT_HTTPGET, 1L);
    if (sends_body)
        code = code != CURLE_OK ? code : set_body(easy, transfer);
    if (is_head)
        SET(CURLOPT_NOBODY, 1L);
    SET(CURLOPT_CUSTOMREQUEST, is_plain ? NULL : method);
    return code;
}

/* A CREATE that libcurl could repeat without asking for the body again (none, or files) gets a connection of
 * its own: only on a reused one does it repeat at all. */
static bool wants_fresh_connection(const struct http_transfer *transfer)
{
    const struct http_request *request = transfer->request;

    return request->never_resend && (request->body_kind != HTTP_BODY_BYTES || transfer->body.size == 0);
}

static CURLcode set_connection(CURL *easy, const struct http_transfer *transfer, uint32_t left_ms)
{
    CURLcode code = CURLE_OK;
    const struct http_request *request = transfer->request;
    bool is_tls = transfer->target.is_https;
    uint32_t connect_ms = transfer->connect_timeout_ms < left_ms ? transfer->connect_timeout_ms : left_ms;

    SET(CURLOPT_URL, transfer->url);
    SET(CURLOPT_HTTPHEADER, transfer->headers);
    SET(CURLOPT_TIMEOUT_MS, (long)left_ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    SET(CURLOPT_HTTP_VERSION, (long)(is_tls ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
    SET(CURLOPT_PIPEWAIT, is_tls ? 1L : 0L);
    /* A file is kept as it is on the other side, and its length can be checked; a compressed one that is cut
     * short could pass for whole. */
    SET(CURLOPT_ACCEPT_ENCODING, request->save_path ? "identity" : "gzip, deflate");
    SET(CURLOPT_FRESH_CONNECT, wants_fresh_connection(transfer) ? 1L : 0L);
    SET(CURLOPT_MAXAGE_CONN, (long)(request->never_resend ? CREATE_CONNECTION_AGE_S : CONNECTION_AGE_S));
    return code;
}

#undef SET

int http_transfer_aim(struct http_transfer *transfer, uint64_t now_ms, struct sb_error *err)
{
    uint64_t spent_ms = now_ms - transfer->started_ms;
    uint32_t left_ms = spent_ms < transfer->timeout_ms ? (uint32_t)(transfer->timeout_ms - spent_ms) : 1;

    transfer->error_text[0] = '\0';
    transfer->guard = (struct http_guard){ .public_only = transfer->request->public_only };
    if (set_callbacks(transfer->easy, transfer) != CURLE_OK ||
        set_method(transfer->easy, transfer) != CURLE_OK ||
        set_connection(transfer->easy, transfer, left_ms) != CURLE_OK)
        return sb_fail(err, SB_ENOMEM, "cannot build the request: out of memory");
    return 0;
}

/* ---- ending ---- */

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Why `next` may not be followed; NULL when it may. */
static const char *refuse(const struct http_transfer *transfer, const struct url_place *next)
{
    const struct http_request *request = transfer->request;
    bool is_abroad = strcmp(next->host, transfer->first_host) != 0;

    if (transfer->target.is_https && !next->is_https)
        return "it leads from https to http";
    if (!http_host_is_one_of(next->host, request->redirect_hosts))
        return "its host is not one of the allowed ones";
    if (is_abroad && request->body_kind != HTTP_BODY_NONE)
        return "it would take the body to another host";
    return transfer->redirects >= HTTP_REDIRECTS_MAX ? "there were too many before it" : NULL;
}

/* Points the transfer to `url` (taken). */
static const char *go_to(struct http_transfer *transfer, struct http_scratch *scratch, char *url,
                         const struct url_place *next)
{
    struct url_place before = transfer->target;

    transfer->target = *next;
    if (http_headers_build(transfer, scratch, NULL) < 0) {
        transfer->target = before;
        free(url);
        return "its headers cannot be built";
    }
    free(transfer->url);
    transfer->url = url;
    transfer->redirects++;
    http_answer_restart(&transfer->answer);
    (void)http_body_seek(&transfer->body, 0); /* the start is always there */
    return NULL;
}

bool http_transfer_redirect(struct http_transfer *transfer, struct http_scratch *scratch,
                            const char **ret_refused)
{
    const struct http_request *request = transfer->request;
    const char *location = http_response_header(transfer->answer.response, "Location");
    struct url_place next;

    if (!is_redirect(transfer->answer.status) || !location || !request->redirect_hosts ||
        request->never_resend || !is_safe_method(request->method))
        return false;
    char *url = http_url_follow(transfer->url, location);
    const char *why = NULL;
    if (!url || http_url_check(url, &next, NULL) < 0)
        why = "it is no https URL";
    else
        why = refuse(transfer, &next);
    if (why)
        free(url);
    else
        why = go_to(transfer, scratch, url, &next);
    if (why)
        *ret_refused = why;
    return !why;
}

bool http_transfer_is_forbidden(const struct http_transfer *transfer)
{
    return transfer->guard.has_refused && !transfer->guard.has_opened && transfer->asked == 0;
}

void http_transfer_explain(const struct http_transfer *transfer, int code, char ret_text[HTTP_FAULT_MAX])
{
    struct http_failure failure = {
        .code = code,
        .host_port = transfer->target.host,
        .error_text = transfer->error_text,
        .timeout_ms = transfer->timeout_ms,
        .connect_timeout_ms = transfer->connect_timeout_ms,
        .was_asked = transfer->asked > 0,
        .has_head = transfer->answer.has_head,
    };

    /* Our own reasons for stopping come first: libcurl only knows that a callback said so. */
    if (transfer->answer.fault[0]) {
        http_fault_set(ret_text, "%s", transfer->answer.fault);
        return;
    }
    if (transfer->body.fault.status < 0) {
        http_fault_set(ret_text, "%s", transfer->body.fault.text);
        return;
    }
    if (http_transfer_is_forbidden(transfer)) {
        http_fault_set(ret_text, "%s has no address on the public internet", transfer->target.host);
        return;
    }
    if (code == CURLE_PARTIAL_FILE && transfer->answer.head_size == 0)
        failure.code = CURLE_GOT_NOTHING; /* so a broken HTTP/2 connection may look */
    if (transfer->easy)
        (void)curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &failure.os_errno); /* else 0 */
    http_fault_write(&failure, ret_text);
}

/* Request headers: checked, resolved, and left out where they may not go. */
#include "io/http_headers.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>

/* What the client writes by itself: a second opinion on the length of a body is how requests get smuggled. */
static const char *const own_headers[] = { "Content-Length", "Transfer-Encoding",
                                           "Host",           "Connection",
                                           "Expect",         NULL };
static const char *const credential_headers[] = { "Authorization", "Proxy-Authorization", "Cookie", NULL };

static bool is_listed(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcasecmp(name, *names) == 0)
            return true;
    return false;
}

static bool is_token(const char *name)
{
    static const char token[] =
        "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    return name[0] && name[strspn(name, token)] == '\0';
}

static bool is_value(const char *value)
{
    for (const unsigned char *p = (const unsigned char *)value; *p; p++)
        if ((*p < ' ' && *p != '\t') || *p == 0x7f)
            return false;
    return true;
}

static int append_line(struct http_transfer *transfer, const char *line, struct sb_error *err)
{
    struct curl_slist *grown = curl_slist_append(transfer->headers, line);
    if (!grown)
        return sb_fail(err, SB_ENOMEM, "cannot build the request: out of memory");
    transfer->headers = grown;
    return 0;
}

/* A line may hold a secret. Nothing is ever written behind its end, unless it failed. */
static void wipe_line(struct buf *text)
{
    explicit_bzero(text->data, text->failed ? text->cap : text->len);
    buf_clear(text);
}

/* Writes "Name: value" into the scratch; *ret_has_secret says whether the value was changed by resolving it.
 */
static int write_line(struct http_transfer *transfer, const struct http_header *header, struct buf *text,
                      bool *ret_has_secret, struct sb_error *err)
{
    wipe_line(text);
    buf_printf(text, "%s: ", header->name);
    size_t value_at = text->len;
    if (transfer->resolve) {
        int rc = transfer->resolve(transfer->resolve_ctx, header->value, transfer->first_host, text, err);
        if (rc < 0)
            return sb_fail(err, SB_EINPUT, "header '%s' cannot be resolved", header->name);
    } else {
        buf_str(text, header->value);
    }
    if (text->failed)
        return sb_fail(err, SB_EINPUT, "header '%s' is too long", header->name);
    const char *value = text->data + value_at;
    if (!is_value(value) || strlen(value) != text->len - value_at)
        return sb_fail(err, SB_EINPUT, "header '%s' holds a line break or control character", header->name);
    *ret_has_secret = strcmp(value, header->value) != 0;
    if (!value[0]) {
        wipe_line(text);
        buf_printf(text, "%s;", header->name); /* libcurl's way to say: present and empty */
    }
    return 0;
}

static int add_header(struct http_transfer *transfer, const struct http_header *header, struct buf *text,
                      struct sb_error *err)
{
    bool has_secret = false;
    bool is_abroad = strcmp(transfer->target.host, transfer->first_host) != 0;

    if (!header->name || !header->value || !is_token(header->name))
        return sb_fail(err, SB_EINPUT, "header '%.40s' is not a header name with a value",
                       header->name ? header->name : "");
    if (is_listed(header->name, own_headers))
        return sb_fail(err, SB_EINPUT, "header '%s' may not be set: the client writes it", header->name);
    if (is_abroad && is_listed(header->name, credential_headers))
        return 0;
    int rc = write_line(transfer, header, text, &has_secret, err);
    if (rc < 0 || (is_abroad && has_secret))
        return rc;
    return append_line(transfer, text->data, err);
}

/* What libcurl would add or leave out by itself, said so that it does not. */
static int add_fixed(struct http_transfer *transfer, bool has_type, struct buf *text, struct sb_error *err)
{
    if (!http_transfer_sends_body(transfer))
        return 0;
    if (transfer->request->body_kind == HTTP_BODY_MULTIPART) {
        wipe_line(text);
        buf_printf(text, "Content-Type: multipart/form-data; boundary=%s", transfer->body.boundary);
        if (append_line(transfer, text->data, err) < 0)
            return SB_ENOMEM;
    } else if (!has_type && append_line(transfer, "Content-Type:", err) < 0) {
        return SB_ENOMEM;
    }
    return append_line(transfer, "Expect:", err);
}

static int build(struct http_transfer *transfer, struct buf *text, struct sb_error *err)
{
    const struct http_request *request = transfer->request;
    bool is_multipart = request->body_kind == HTTP_BODY_MULTIPART;
    bool has_type = false;
    int rc = 0;

    if (request->header_count > HTTP_HEADERS_MAX)
        return sb_fail(err, SB_EINPUT, "the request has more than %d headers", HTTP_HEADERS_MAX);
    for (size_t i = 0; rc == 0 && i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];
        bool is_type = header->name && strcasecmp(header->name, "Content-Type") == 0;
        has_type = has_type || is_type;
        if (is_type && is_multipart)
            continue; /* ours names the boundary */
        rc = add_header(transfer, header, text, err);
    }
    return rc < 0 ? rc : add_fixed(transfer, has_type, text, err);
}

int http_headers_build(struct http_transfer *transfer, struct http_scratch *scratch, struct sb_error *err)
{
    http_headers_free(transfer);
    int rc = build(transfer, &scratch->text, err);
    wipe_line(&scratch->text);
    return rc;
}

void http_headers_free(struct http_transfer *transfer)
{
    curl_slist_free_all(transfer->headers); /* by libcurl's allocator, which wipes */
    transfer->headers = NULL;
}

/* Transport failures in words. */
#include "io/http_fault.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

/* Failures whose words need nothing but the host. */
static const struct {
    int code;
    const char *before, *after; /* host and port come in between */
} plain_faults[] = {
    { CURLE_COULDNT_RESOLVE_HOST, "cannot resolve the name of ", "" },
    { CURLE_COULDNT_RESOLVE_PROXY, "cannot resolve the name of the proxy for ", "" },
    { CURLE_PROXY, "the proxy does not connect to ", "" },
    { CURLE_GOT_NOTHING, "connection closed by ", " before an answer" },
    { CURLE_PARTIAL_FILE, "connection closed by ", " in the middle of the answer" },
    { CURLE_SEND_ERROR, "connection to ", " lost while sending" },
    { CURLE_SEND_FAIL_REWIND, "connection closed by ", " before an answer" },
    { CURLE_ABORTED_BY_CALLBACK, "connection closed by ", " before an answer" },
    { CURLE_WEIRD_SERVER_REPLY, "the answer of ", " is not valid HTTP" },
    { CURLE_UNSUPPORTED_PROTOCOL, "the answer of ", " is not valid HTTP" },
    { CURLE_BAD_CONTENT_ENCODING, "the compressed answer of ", " is damaged" },
    { CURLE_HTTP2, "the HTTP/2 connection to ", " broke" },
    { CURLE_HTTP2_STREAM, "the HTTP/2 stream to ", " was ended by the other side" },
    { CURLE_OUT_OF_MEMORY, "out of memory during the exchange with ", "" },
    { CURLE_SSL_CACERT_BADFILE, "the CA file cannot be read, so the certificate of ", " cannot be checked" },
};

void http_fault_set(char ret_text[HTTP_FAULT_MAX], const char *fmt, ...)
{
    static const char mark[] = "...";
    va_list args;

    va_start(args, fmt);
    int size = vsnprintf(ret_text, HTTP_FAULT_MAX, fmt, args);
    va_end(args);
    if (size >= HTTP_FAULT_MAX)
        memcpy(ret_text + HTTP_FAULT_MAX - sizeof(mark), mark, sizeof(mark));
}

/* Text of others goes on one line, without control characters. */
static void append_clean(char text[HTTP_FAULT_MAX], const char *more)
{
    size_t at = strlen(text);

    for (; *more && at + 1 < HTTP_FAULT_MAX; more++)
        text[at++] = iscntrl((unsigned char)*more) ? ' ' : *more;
    text[at] = '\0';
}

static const char *skip_prefix(const char *text, const char *prefix)
{
    size_t size = strlen(prefix);

    return strncmp(text, prefix, size) == 0 ? text + size : text;
}

static void write_tls_fault(const struct http_failure *failure, char ret_text[HTTP_FAULT_MAX])
{
    const char *why = failure->error_text;

    if (failure->code != CURLE_PEER_FAILED_VERIFICATION) {
        http_fault_set(ret_text, "TLS handshake with %s failed: ", failure->host_port);
        append_clean(ret_text, why[0] ? why : "no reason given");
        return;
    }
    http_fault_set(ret_text, "TLS certificate not trusted: ");
    if (strstr(why, "subject name") || strstr(why, "does not match"))
        http_fault_set(ret_text, "TLS certificate not trusted: it is not for %s", failure->host_port);
    else
        append_clean(ret_text, skip_prefix(why, "SSL certificate problem: "));
}

static void write_connect_fault(const struct http_failure *failure, char ret_text[HTTP_FAULT_MAX])
{
    if (failure->os_errno == ECONNREFUSED)
        http_fault_set(ret_text, "connection refused by %s", failure->host_port);
    else if (failure->os_errno != 0)
        http_fault_set(ret_text, "cannot connect to %s: %s", failure->host_port,
                       strerror((int)failure->os_errno));
    else
        http_fault_set(ret_text, "cannot connect to %s", failure->host_port);
}

static void write_timeout(const struct http_failure *failure, char ret_text[HTTP_FAULT_MAX])
{
    char limit[24];
    bool at_connect = !failure->was_asked && failure->connect_timeout_ms < failure->timeout_ms;

    format_duration(at_connect ? failure->connect_timeout_ms : failure->timeout_ms, limit);
    if (!failure->was_asked)
        http_fault_set(ret_text, "no connection to %s within %s", failure->host_port, limit);
    else if (!failure->has_head)
        http_fault_set(ret_text, "no answer from %s within %s", failure->host_port, limit);
    else
        http_fault_set(ret_text, "the answer of %s was not complete within %s", failure->host_port, limit);
}

/* CURLE_RECV_ERROR stands for resets, for broken chunks and TLS records, and for what a proxy refuses. */
static void write_receive_fault(const struct http_failure *failure, char ret_text[HTTP_FAULT_MAX])
{
    if (strstr(failure->error_text, "chunk") || strstr(failure->error_text, "Malformed"))
        http_fault_set(ret_text, "the answer of %s is not valid HTTP", failure->host_port);
    else if (!failure->was_asked)
        http_fault_set(ret_text, "the proxy does not connect to %s", failure->host_port);
    else if (failure->has_head)
        http_fault_set(ret_text, "connection to %s lost in the middle of the answer", failure->host_port);
    else
        http_fault_set(ret_text, "connection to %s lost before an answer", failure->host_port);
}

void http_fault_write(const struct http_failure *failure, char ret_text[HTTP_FAULT_MAX])
{
    switch (failure->code) {
    case CURLE_COULDNT_CONNECT:
        write_connect_fault(failure, ret_text);
        return;
    case CURLE_OPERATION_TIMEDOUT:
        write_timeout(failure, ret_text);
        return;
    case CURLE_RECV_ERROR:
        write_receive_fault(failure, ret_text);
        return;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_ISSUER_ERROR:
        write_tls_fault(failure, ret_text);
        return;
    default:
        break;
    }
    for (size_t i = 0; i < sizeof(plain_faults) / sizeof(plain_faults[0]); i++) {
        if (plain_faults[i].code == failure->code) {
            http_fault_set(ret_text, "%s%s%s", plain_faults[i].before, failure->host_port,
                           plain_faults[i].after);
            return;
        }
    }
    http_fault_set(ret_text, "the exchange with %s failed: %s", failure->host_port,
                   curl_easy_strerror((CURLcode)failure->code));
}

/* One transfer: from a request to libcurl's options, from libcurl's callbacks to a response. */
#ifndef IO_HTTP_TRANSFER_H
#define IO_HTTP_TRANSFER_H

#include "io/http_answer.h"
#include "io/http_body.h"
#include "io/http_client.h"
#include "io/http_multis.h"
#include "io/http_url.h"

enum { HTTP_ERROR_TEXT_MAX = 256 };

struct curl_slist;

struct http_transfer {
    const struct http_request *request; /* borrowed */
    http_resolve_fn resolve;
    void *resolve_ctx;

    char *url;               /* of this hop; owned */
    struct url_place target; /* of this hop */
    char first_host[URL_HOST_MAX];
    struct curl_slist *headers;
    struct http_body body;
    char *secret_body; /* the body with its secrets; NULL when it has none */
    size_t secret_size;
    struct http_answer answer;

    void *easy;               /* NULL outside libcurl */
    struct http_multi *multi; /* where it is */
    struct http_guard guard;  /* where its connections may lead */
    uint64_t started_ms;
    uint32_t timeout_ms, connect_timeout_ms;
    unsigned asked;     /* how often a request was about to be sent */
    unsigned redirects; /* followed so far */
    char error_text[HTTP_ERROR_TEXT_MAX];
};

/* Where header lines and bodies are put together with their secrets; one serves all transfers of a client. */
struct http_scratch {
    struct buf text;
};
int http_scratch_init(struct http_scratch *scratch);
void http_scratch_done(struct http_scratch *scratch);

/* Checks the request, resolves its secrets, opens its files. `transfer` is zeroed, and must be ended by
 * http_transfer_done whatever this returns. */
int http_transfer_open(struct http_transfer *transfer, struct http_scratch *scratch,
                       struct sb_error *err) SB_MUST_CHECK;
void http_transfer_done(struct http_transfer *transfer);

/* Whether a body goes along, if only an empty one: a POST without body still announces its length. */
bool http_transfer_sends_body(const struct http_transfer *transfer);

/* Tells `transfer->easy` all that this hop needs. */
int http_transfer_aim(struct http_transfer *transfer, uint64_t now_ms, struct sb_error *err) SB_MUST_CHECK;

/* Whether the answer is a redirect that may be followed; the transfer then points to the next hop.
 * *ret_refused is a short reason when there was one that may not. */
bool http_transfer_redirect(struct http_transfer *transfer, struct http_scratch *scratch,
                            const char **ret_refused);

/* Whether nothing was sent because no address of the host may be reached. */
bool http_transfer_is_forbidden(const struct http_transfer *transfer);

/* Puts into words why libcurl gave up. Says most while `easy` is still there. */
void http_transfer_explain(const struct http_transfer *transfer, int code, char ret_text[HTTP_FAULT_MAX]);

#endif

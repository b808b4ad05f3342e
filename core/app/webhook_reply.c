/* Replies to webhooks. */
#include "app/webhook_reply.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/scope.h"

/* Takes `body`; NULL: an empty one. */
static void reply_json(struct http_call *call, int status, json_t *body)
{
    AUTO_STR text = body ? json_text(body) : NULL;

    http_call_reply(call, status, body ? "application/json" : NULL, text ? text : "",
                    text ? strlen(text) : 0);
    json_decref(body);
}

void webhook_reply_route(struct http_call *call, const struct route_reply *reply)
{
    for (size_t i = 0; i < reply->header_count; i++)
        http_call_add_header(call, reply->headers[i].name, reply->headers[i].value);
    reply_json(call, reply->status, json_incref(reply->json));
}

void webhook_reply_error(struct http_call *call, int status, const char *code, const char *text)
{
    reply_json(call, status, json_pack("{s:{s:s, s:s}}", "error", "code", code, "message", text));
}

void webhook_reply_busy(struct http_call *call, int status, const char *code, const char *text,
                        int64_t seconds)
{
    char number[24];

    (void)snprintf(number, sizeof(number), "%" PRId64, seconds);
    http_call_add_header(call, "Retry-After", number);
    webhook_reply_error(call, status, code, text);
}

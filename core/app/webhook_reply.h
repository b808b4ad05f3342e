/* Replies to webhooks: JSON, errors as {"error": {"code", "message"}}. */
#ifndef APP_WEBHOOK_REPLY_H
#define APP_WEBHOOK_REPLY_H

#include "io/http_server.h"
#include "plugin/route_run.h"

enum { WEBHOOK_RETRY_AFTER_S = 10 };

/* What a handler has written. */
void webhook_reply_route(struct http_call *call, const struct route_reply *reply);
void webhook_reply_error(struct http_call *call, int status, const char *code, const char *text);
/* The same with Retry-After. */
void webhook_reply_busy(struct http_call *call, int status, const char *code, const char *text,
                        int64_t seconds);

#endif

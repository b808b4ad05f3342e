/* Did it happen? The one place that tells not sent, refused, done and unknown apart (design: exactly one
 * ticket). */
#ifndef FLOW_DELIVERY_H
#define FLOW_DELIVERY_H

#include "io/http_message.h"
#include "switchboard/exchange.h"

enum delivery {
    DELIVERY_NOT_SENT, /* no byte left: safe to send again */
    DELIVERY_REFUSED,  /* the other side said no: it did not happen */
    DELIVERY_APPLIED,  /* a complete good answer: it happened */
    DELIVERY_UNKNOWN   /* sent, and no certain answer: reconcile before anything else */
};

/* What the transport and the status say. */
enum delivery delivery_of(const struct http_response *response);
/* The same after the plugin has read the answer: a good status whose body it could not trust (SB_RETRY) is
 * unknown. */
enum delivery delivery_after_fold(enum delivery delivery, enum sb_verdict verdict);
/* Whether the failure says something about the service rather than about this request. */
bool delivery_is_service_fault(const struct http_response *response);

/* Retry-After (seconds or date) and retry-after-ms, in ms from `wall_ms`; 0: none; at most a day. */
int64_t delivery_retry_after_ms(const struct http_response *response, int64_t wall_ms);

#endif

/* The one seam between flow and everything outside: clock, chance, journal, network, work, sleep. core/app
 * gives it libuv, libcurl and the journal; tests and the simulation give it a world of their own.
 *
 * Every request of flow carries a ticket and is answered exactly once by the flow_on_*() function named with
 * it, never from within the request. One thread. */
#ifndef FLOW_WORLD_H
#define FLOW_WORLD_H

#include "plugin/exchange_run.h"
#include "store/store.h"

/* What somebody may have to be told at once. */
#define FLOW_ALERTS(X)                                                                                       \
    X(FLOW_ALERT_REVOKED, "revoked")     /* an instance's credentials are refused; text says what to do */   \
    X(FLOW_ALERT_SUSPENDED, "suspended") /* an instance cannot work: no credit, wrong organization */        \
    X(FLOW_ALERT_BREAKER_OPEN, "breaker_open")   /* an instance has failed for long */                       \
    X(FLOW_ALERT_RECOVERED, "recovered")         /* an instance of the three above works again */            \
    X(FLOW_ALERT_DEAD_LETTER, "dead_letter")     /* a record needs a person */                               \
    X(FLOW_ALERT_SOURCE_SILENT, "source_silent") /* a source could not be asked for long */                  \
    X(FLOW_ALERT_DOUBLED, "doubled")             /* a second ticket was found: a person must merge them */   \
    X(FLOW_ALERT_MISSING, "missing")             /* a comparison found conversations that never came in */

enum flow_alert {
#define X(id, word) id,
    FLOW_ALERTS(X)
#undef X
        FLOW_ALERT_COUNT
};
const char *flow_alert_word(enum flow_alert alert);

struct flow_world {
    void *ctx;
    int64_t (*mono_ms)(void *ctx); /* never goes back; starts anywhere */
    int64_t (*wall_ms)(void *ctx); /* since 1970; may jump */
    uint64_t (*random)(void *ctx); /* uniform */

    /* Takes `change`; flow_on_committed(). */
    void (*commit)(void *ctx, struct store_change *change, uint64_t ticket);
    /* flow_on_loaded(). */
    void (*load)(void *ctx, int64_t record_id, uint64_t ticket);
    /* Reads a document of the journal; flow_on_document(). */
    void (*read_key)(void *ctx, const char *instance, const char *name, uint64_t ticket);
    void (*read_cursor)(void *ctx, const char *name, uint64_t ticket);
    void (*read_token)(void *ctx, const char *name, uint64_t ticket);
    /* Reads what is to be looked at once more (store_next_sweep); flow_on_document(). May be NULL: nothing ever is. */
    void (*read_sweep)(void *ctx, uint64_t ticket);
    /* Sends, with placeholders resolved for `instance`; flow_on_answered(). Borrows both until then. */
    void (*send)(void *ctx, const struct http_request *request, struct sb_instance *instance,
                 uint64_t ticket);
    /* Runs exchange_work(x) elsewhere; flow_on_worked(). */
    void (*work)(void *ctx, struct sb_exchange *x, uint64_t ticket);
    /* flow_on_wake() is to be called at `mono_ms`; the latest call counts. INT64_MAX: not at all. */
    void (*wake)(void *ctx, int64_t mono_ms);
    /* Something that people must hear of. May be NULL. */
    void (*alert)(void *ctx, enum flow_alert alert, const char *subject, const char *text);
    /* The record has its ticket with words for the user (ticket.user_message), or has ended, and that is committed. May
     * be NULL. */
    void (*news)(void *ctx, int64_t record_id);
};

#endif

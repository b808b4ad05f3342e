/* How flow runs a plugin's functions: makes an exchange, calls build, fold, work or key through it, and takes
 * what it wrote. The public half (what the plugin sees) is include/switchboard/exchange.h. Loop thread,
 * except exchange_work. */
#ifndef PLUGIN_EXCHANGE_RUN_H
#define PLUGIN_EXCHANGE_RUN_H

#include <jansson.h>

#include "io/http_message.h"
#include "plugin/instance.h"

enum {
    EXCHANGE_MEMORY_MAX = 64 * 1024 * 1024,
    EXCHANGE_SECTIONS_MAX = 32,
    EXCHANGE_REASON_MAX = 400,
    EXCHANGE_KEY_MAX = 200
};

/* One emitted conversation. */
struct exchange_emit {
    const char *account, *external_id; /* in the arena */
    json_t *record;                    /* owned */
};

struct exchange_meter {
    const char *name;
    double amount;
};

/* What a call is about. Everything is borrowed for the life of the exchange. */
struct exchange_input {
    struct sb_instance *instance;
    const struct sb_step *step; /* the step, or the reconcile step */
    json_t *document;           /* record or cursor, an object; never changed: what changes is a copy */
    const char *reference;      /* NULL in a poll */
    int64_t record_id;          /* 0 in a poll */
    int64_t now_ms;
    int64_t since_ms; /* when the step was first reached */
    bool is_doubtful; /* out of a backup: sb_is_doubtful() */
    uint32_t round;
    json_t *key_doc;           /* NULL: no key held; else an object, copied when changed */
    const json_t *intent_kept; /* reconcile: what the intent kept */
    int64_t intent_at_ms;
    bool looks_for_all;    /* reconcile: every one that is there is asked for */
    const char *look_id;   /* reconcile: the one that an operator has named; NULL: none */
    bool is_forced;        /* whatever it carries */
    int64_t list_since_ms; /* poll: list everything since then; 0: an ordinary round */
    uint64_t seed;         /* for scripts: the same for the same record */
};

/* The result of a call. The struct of one exchange; fields are read by flow. */
struct sb_exchange {
    struct exchange_input in;
    struct arena *arena; /* owned */
    json_t *
        document; /* owned: in.document, or a working copy whose top level and changed sections are its own */
    const char *dirty[EXCHANGE_SECTIONS_MAX]; /* names of the sections that were changed */
    size_t dirty_count;

    struct http_request request; /* when build said SB_OK */
    bool has_request;
    struct http_response *response; /* owned, once answered */
    json_t *response_json;          /* owned, parsed on first use */
    bool response_json_tried;

    char reason[EXCHANGE_REASON_MAX]; /* of the last verdict; "" none */
    int64_t delay_ms;                 /* of sb_again and sb_retry_in; 0: none */
    int64_t suspend_ms;               /* of sb_suspend; 0: none */
    bool has_more;                    /* sb_more was called */
    bool is_defect;                   /* the plugin or its script misbehaved: dead letter */
    json_t *notes;                    /* owned array of texts, or NULL */

    struct exchange_emit *emits;
    size_t emit_count, emit_room;
    struct exchange_meter meters[8];
    size_t meter_count;
    json_t *found;  /* kept by the exchange: array of ids of sb_found, or NULL */
    json_t *listed; /* kept by the exchange: array of {account, external_id, reason} of sb_listed, or NULL */
    json_t *intent_kept; /* owned: written by build of a CREATE step, or NULL */
    json_t *key_doc;     /* owned: changed key document, or NULL */
    bool key_is_dirty;
    const char *saved_file; /* name for the record, set when the body is saved */
    void *private_;         /* of exchange*.c and http writing */
};

/* NULL when out of memory. */
struct sb_exchange *exchange_new(const struct exchange_input *in);
void exchange_free(struct sb_exchange *x); /* NULL allowed */

/* Each calls the plugin and returns a checked verdict: an unknown word, SB_OK from build without a request,
 * or a memory limit becomes SB_REJECT or SB_RETRY with `reason` and, for a bug of the plugin, `is_defect`. */
enum sb_verdict exchange_build(struct sb_exchange *x);
/* Takes `response`, which must have a status unless the step reads faults. */
enum sb_verdict exchange_fold(struct sb_exchange *x, struct http_response *response);
enum sb_verdict exchange_work(struct sb_exchange *x); /* pool thread */
/* Source routes: see route_run.h. The key of the step, in the exchange's arena, or NULL when it needs none.
 * Also NULL, with a `reason`, when the function failed: the step may not run then. */
const char *exchange_key(struct sb_exchange *x);

/* The request as JSON for the journal: method, url, headers, body (JSON or text up to 64 KiB, files by name),
 * secrets as [name]. New reference; NULL when out of memory. */
json_t *exchange_request_json(const struct sb_exchange *x);
/* Whether this request carries the OAuth token (so that a 401 may refresh it). */
bool exchange_uses_token(const struct sb_exchange *x);

/* The whole document after SB_OK, SB_SKIP, SB_AGAIN or SB_DROP: new reference, shares unchanged sections. */
json_t *exchange_document(struct sb_exchange *x);

#endif

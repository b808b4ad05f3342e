/* What a seed decides before anything happens: which faults there are and how often, how much traffic, which options.
 * The same seed always gives the same scenario; the command line may take faults and records away from it (shrinking). */
#ifndef TESTS_SIMULATION_SCENARIO_H
#define TESTS_SIMULATION_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

/* Every fault, with its word and the greatest rate that a seed may give it, per million opportunities. Who asks for it
 * decides what an opportunity is: a request, a commit, a call, a page, an hour. */
#define SIM_FAULTS(X)                                                                                        \
    /* the network: at each request */                                                                       \
    X(FAULT_REFUSED, "refused", 80000)           /* connection refused: never sent */                        \
    X(FAULT_RESET_BEFORE, "reset-before", 40000) /* reset, the request never arrived */                      \
    X(FAULT_RESET_AFTER, "reset-after", 60000)   /* arrived and was carried out, then reset */               \
    X(FAULT_REPLY_LOST, "reply-lost", 60000)     /* carried out, the answer never comes */                   \
    X(FAULT_LATE, "late-request", 40000) /* arrives long after the time-out, also after the engine died */   \
    X(FAULT_500_BEFORE, "500-before", 60000)     /* nothing was done */                                      \
    X(FAULT_500_AFTER, "500-after", 60000)       /* it was done all the same */                              \
    X(FAULT_429, "429", 60000)                   /* without a time */                                        \
    X(FAULT_429_AFTER, "429-retry-after", 60000) /* with Retry-After */                                      \
    X(FAULT_DRIP, "slow-drip", 30000)            /* the answer drips until the time-out */                   \
    X(FAULT_TRUNCATED, "truncated", 40000)       /* a complete answer with half its JSON */                  \
    X(FAULT_MALFORMED, "malformed", 40000)       /* a complete answer that is no JSON */                     \
    X(FAULT_HTML_200, "html-200", 30000)         /* an error page that says 200 */                           \
    X(FAULT_HTML_502, "html-502", 40000)                                                                     \
    X(FAULT_HTML_503, "html-503", 40000)                                                                     \
    X(FAULT_DOWN, "host-down", 6000) /* from now on this host is down for minutes to hours */                \
    /* the process and its machine */                                                                        \
    X(FAULT_CRASH_COMMIT, "crash-before-commit", 20000)                                                      \
    X(FAULT_CRASH_COMMITTED, "crash-after-commit", 20000)                                                    \
    X(FAULT_CRASH_SEND, "crash-before-send", 15000)                                                          \
    X(FAULT_CRASH_SENT, "crash-after-send", 25000)                                                           \
    X(FAULT_CRASH_RECOVERY, "crash-in-recovery", 200000)                                                     \
    X(FAULT_CRASH_ANYWHERE, "crash-anywhere", 4000) /* at each event of the engine */                        \
    X(FAULT_STOP, "stop", 3000)                     /* an orderly stop and start, at each event */           \
    X(FAULT_CONFIG, "config-changed", 300000)       /* at each start: options, names, alternatives */        \
    X(FAULT_RESTORE, "restore", 150000)             /* at each start: an older backup is put in place */     \
    X(FAULT_WALL_JUMP, "wall-jump", 1500)           /* the engine's wall clock jumps, at each event */       \
    /* the disk */                                                                                           \
    X(FAULT_TORN, "torn-write", 1000000)  /* at a crash: part of what was not synced survives */             \
    X(FAULT_FSYNC, "fsync-failed", 8000)  /* at each sync */                                                 \
    X(FAULT_DISK_FULL, "disk-full", 2000) /* at each write: full for a while */                              \
    /* people */                                                                                             \
    X(FAULT_OPERATOR_RETRY, "operator-retry", 2000) /* at each event: retry what is dead or incomplete */    \
    X(FAULT_OPERATOR_DROP, "operator-drop", 300)    /* at each event: drop some record */                    \
    /* the services, by their own rules */                                                                   \
    X(FAULT_SEARCH_LAG, "search-lag", 1000000)      /* at each ticket or contact: shows late (<= 10 min) */  \
    X(FAULT_LIST_LAG, "list-lag", 1000000)          /* at each contact: shows late in lists */               \
    X(FAULT_TOKEN_EXPIRED, "token-expired", 30000)  /* at each use */                                        \
    X(FAULT_TOKEN_REVOKED, "token-revoked", 3000)   /* at each use: all access tokens end */                 \
    X(FAULT_REFRESH_LIMIT, "refresh-limit", 200000) /* at each refresh: too many */                          \
    X(FAULT_PAGES_REORDERED, "pages-reordered", 200000)                                                      \
    X(FAULT_PAGES_REPEATED, "pages-repeated", 200000)                                                        \
    X(FAULT_CALL_WHILE_PAGING, "call-while-paging", 300000)                                                  \
    X(FAULT_SETTLES_LATE, "settles-late", 300000) /* at each call */                                         \
    X(FAULT_LONG_CALL, "long-call", 100000)       /* at each call: hours */                                  \
    X(FAULT_RECORDING_LATE, "recording-late", 300000)                                                        \
    X(FAULT_RECORDING_NEVER, "recording-never", 150000)                                                      \
    X(FAULT_WEBHOOK_TWICE, "webhook-twice", 300000)                                                          \
    X(FAULT_WEBHOOK_LATE, "webhook-late", 300000)                                                            \
    X(FAULT_CONTACT_MERGED, "contact-merged", 50000)                                                         \
    X(FAULT_CONTACT_DELETED, "contact-deleted", 50000)                                                       \
    X(FAULT_SERVICE_REFUSES, "service-refuses", 60000) /* at each transcription, classification */           \
    /* escalations */                                                                                        \
    X(FAULT_ESCALATION_TWICE, "escalation-twice", 300000) /* at each: posted twice at once */                \
    X(FAULT_ESCALATION_LATE, "escalation-late", 300000) /* at each: the same once more, up to a day later */ \
    X(FAULT_FILE_MISSING, "file-missing", 200000)       /* at each attachment by address */                  \
    X(FAULT_RECEIVER_FAILS, "receiver-fails", 200000)   /* at each event that is told */                     \
    X(FAULT_RECEIVER_GONE, "receiver-gone", 40000)      /* 410: it wants to hear no more of it */            \
    /* people who decide about what nobody knows */                                                          \
    X(FAULT_OPERATOR_DECIDES, "operator-decides", 100000) /* at each event while something is unknown */     \
    X(FAULT_DECIDES_STOPPED, "decides-stopped", 500000)   /* at each start with something unknown */         \
    X(FAULT_DECIDES_LATE, "decides-late", 600000)     /* at each decision: minutes after having looked */    \
    X(FAULT_ADOPTS_ANOTHER, "adopts-another", 500000) /* at each decision: names what is not it */           \
    X(FAULT_DECIDES_WRONG, "decides-wrong", 500000)   /* at each decision: has not found what is there */    \
    /* who may call */                                                                                       \
    X(FAULT_SECRETS_ROTATED, "secrets-rotated",                                                              \
      500000)                             /* at each start: new tokens and keys beside the old */            \
    X(FAULT_STRANGER, "stranger", 500000) /* at each escalation: another, of somebody who may not call */    \
    X(FAULT_REPLAYED, "replayed", 500000) /* at each signed post: the same once more, sooner or later */     \
    /* the mapping file */                                                                                   \
    X(FAULT_MAPPING_CHANGED, "mapping-changed", 900000) /* three times; each third file cannot be read */    \
    X(FAULT_MAPPED_GONE, "mapped-gone", 300000)         /* at each contact in it: deleted, or merged */

enum sim_fault {
#define X(id, word, most) id,
    SIM_FAULTS(X)
#undef X
        SIM_FAULT_COUNT
};
const char *sim_fault_word(enum sim_fault fault);
/* SIM_FAULT_COUNT when there is none of that word. */
enum sim_fault sim_fault_from_word(const char *word);

struct scenario {
    uint64_t seed;
    uint32_t rates[SIM_FAULT_COUNT]; /* per million opportunities; 0: never */
    uint64_t faults_until;           /* no fault happens after so many; UINT64_MAX: no bound */
    uint32_t records;                /* conversations that come in */

    int64_t start_ms; /* wall clock of the world at its beginning */
    int64_t quiet_ms; /* wall clock of the world from which on no fault happens */
    int64_t end_ms;   /* by then everything must have ended */

    /* Options of the engine, at the first start. */
    int64_t settle_ms; /* of zoho_desk; longer than any lag of the services */
    uint32_t note_size_max;
    uint32_t concurrency; /* of zoho_desk */
    uint32_t max_in_flight;
    uint32_t page_size; /* of the source's lists */
    int64_t poll_interval_ms;
    bool has_openai; /* else the keyword rules decide */

    /* Escalations. */
    bool has_escalations;     /* a share of the conversations; else there is no such pipeline */
    const char *attach;       /* attach_to_open: "never", "always", "ask_rules" */
    int64_t delayed_after_ms; /* 0: no delay is told */
    bool has_crm_field;       /* crm_id_field = SIM_CRM_FIELD */
    bool signs_posts;         /* agents sign what they post */
    bool has_mapping;         /* contacts = a file */
};

struct scenario scenario_of(uint64_t seed);

#endif

/* The plugin contract.
 *
 * A plugin is a shared object that exports one constant, `switchboard_plugin`. It translates between a record (one
 * conversation, a JSON document) and HTTP messages, and does nothing else: no sockets, no files, no clock, no random
 * source, no threads, no globals that change. The core decides when a step runs, how often, in which order and under
 * which limits; it sends, waits, retries, remembers, and survives.
 *
 * Life cycle: the core reads `abi` and `size`, checks the tables, calls `open` once an instance (a block of
 * engine.conf), then the steps' functions any number of times, then `close`.
 *
 * Threads: `build`, `fold`, `key`, `open` and `close` run on the engine's loop and must return quickly. `work` runs on
 * a pool thread, several records at once. No two functions run on the same exchange at the same time.
 *
 * Purity: the same record, options and answer must give the same result. `build` only reads the record and writes the
 * request; `fold` and `work` write the record. Whatever is allocated comes from the exchange and goes with it.
 *
 * Exactly once: a step that makes something new at the other side is SB_CREATE (the default). The core commits an
 * intent before it sends, never sends again before `reconcile` has said that nothing was made, and commits the outcome
 * together with the record. A step that would create twice without the core knowing breaks the product's promise.
 */
#ifndef SWITCHBOARD_PLUGIN_H
#define SWITCHBOARD_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#include "switchboard/error.h"
#include "switchboard/exchange.h"
#include "switchboard/option.h"

/* major in the upper, minor in the lower 16 bits. Another major is refused; an older minor loads. What is an array in a
 * plugin (steps, routes, options) grows only with the major; the descriptor itself may grow with the minor.
 * 2.0: flags of steps and routes, callers. */
#define SB_ABI ((UINT32_C(2) << 16) | UINT32_C(0))

enum sb_kind { SB_SOURCE = 1, SB_PROCESSOR, SB_SINK };

enum sb_effect {
    SB_CREATE = 0, /* makes something new; the default, because it is the careful one */
    SB_IDEMPOTENT, /* changes something, harmless when repeated */
    SB_READ        /* changes nothing */
};

enum sb_step_flags {
    SB_STEP_READS_FAULTS = 1u << 0 /* SB_READ: fold is also called without an answer, see sb_http_fault() */
};

/* One named unit of work: at most one HTTP exchange (build and fold), or one piece of CPU work. */
struct sb_step {
    const char *
        name; /* "create_ticket": journaled, logged and measured under this name; [a-z0-9_], <= 40 characters */
    enum sb_effect effect;

    /* Writes one request from the record. SB_OK: send it. SB_SKIP: nothing to do here. SB_AGAIN: not yet, ask again
     * after the delay set. SB_REJECT, SB_RETRY, SB_DROP as ever. */
    enum sb_verdict (*build)(struct sb_exchange *x);

    /* Reads the answer into the record. Called for every complete HTTP answer, whatever its status. May be NULL: then
     * sb_default_verdict() decides. Changes to the record count only with SB_OK, SB_AGAIN, SB_SKIP and SB_DROP. */
    enum sb_verdict (*fold)(struct sb_exchange *x);

    /* Instead of build and fold: CPU work on the pool. */
    enum sb_verdict (*work)(struct sb_exchange *x);

    /* The name of the lock that this step holds ("phone:5550100001"), or NULL for none. Consecutive steps with the
     * same function hold the same lock together; the name is asked for once, at the first of them. A restart lets go of
     * it: the record begins again at the first of them, each with round 0, and a step that has created
     * something is passed over. */
    const char *(*key)(struct sb_exchange *x);

    /* Required for SB_CREATE over HTTP: tells whether the intent of this step happened. `effect` of it must be SB_READ.
     * Its fold says SB_OK (found, and folded into the record), SB_SKIP (looked, and it is not there), SB_AGAIN (another
     * page or another place to look), or SB_RETRY / SB_REJECT (not sure; asked again later). It reads what the first
     * attempt kept with sb_intent_keep(). sb_round() counts from 0 in every look; see sb_more() for a step with
     * repetitions. */
    const struct sb_step *reconcile;

    /* SB_CREATE: how long the other side may hide what was created. An instance option `settle` overrides it. */
    uint32_t settle_ms;

    uint32_t flags; /* enum sb_step_flags */
};

enum sb_route_flags {
    SB_ROUTE_OPEN = 1u << 0 /* anybody may call it, whatever the plugin's `callers` say */
};

/* One HTTP route of a source that is told. `handle` runs on the loop with the request as its answer-to-be: it reads
 * sb_in_*(), emits records and writes the reply with sb_reply_*(). The reply leaves after the records are committed.
 *
 * SB_OK: commit and reply. SB_REJECT: reply, emit nothing. SB_AGAIN after sb_await(): commit, and call the handler again
 * with the record that it asked for (the next round: sb_round(), sb_known(), sb_get()). */
struct sb_route {
    const char *method; /* "POST" */
    const char *path;   /* "/v1/escalations" or "/v1/escalations/{id}" */
    size_t body_max;    /* larger bodies are answered 413 before the handler runs */
    enum sb_verdict (*handle)(struct sb_exchange *x);
    uint32_t flags;              /* enum sb_route_flags */
    const char *body_max_option; /* SIZE option with a smaller limit; NULL: none */
};

/* Who may call the routes of a source, and how often. Verified by the core before a handler runs, for a plugin never
 * sees a secret: a call without a right token or signature is answered 401, one too many 429. Names of options. */
struct sb_callers {
    /* SECRETS: bearer tokens, each as "name:secret" or as a secret alone (named "agent"). Several of one name are one
     * caller. */
    const char *tokens;
    /* SECRETS or NULL: when it has a value, each call must also be signed: the header X-Switchboard-Signature is
     * "sha256=" and the HMAC-SHA-256 of "<time>.<body>" in hex, with the seconds since 1970 of X-Switchboard-Timestamp. */
    const char *signing_keys;
    const char *replay_window; /* DURATION or NULL: how far that time may be from now; without: 5 minutes */
    const char *rate;          /* RATE or NULL: calls of one caller */
};

/* How the core signs in for this plugin. Credentials go only to the hosts of the options listed in `hosts`. */
enum sb_auth_kind { SB_AUTH_NONE = 0, SB_AUTH_BASIC, SB_AUTH_HEADER, SB_AUTH_OAUTH2 };

struct sb_auth {
    enum sb_auth_kind kind;
    const char *const
        *hosts; /* names of URL options, NULL-terminated: { "base_url", "recordings_url", NULL } */

    const char *user;     /* BASIC: option that holds the user name (may be of type secret) */
    const char *password; /* BASIC: option of type secret */

    const char *header; /* HEADER and OAUTH2: "Authorization" */
    const char *prefix; /* HEADER and OAUTH2: "Token ", "Bearer ", "Zoho-oauthtoken " */
    const char *secret; /* HEADER: option of type secret; unset: the request goes without */

    /* OAUTH2, refresh grant (RFC 6749 section 6): option names, and where to ask. */
    const char *client_id, *client_secret, *refresh_token;
    const char *access_token;                                      /* optional first token; NULL: none */
    const char *(*token_base)(const struct sb_instance *instance); /* base URL of the token server */
    const char *token_path;                                        /* "/oauth/v2/token" */
    const char *const *revoked; /* words of `error` that no retry can mend: { "invalid_code", NULL } */
    uint32_t throttled_ms; /* how long to stay quiet after an answer without a token; 0: back off as usual */
};

enum sb_plugin_flags {
    SB_READS_FILES = 1u << 0, /* `work` uses a library that reads its own model files */
    /* Sinks: it makes nothing of its own, it tells somebody what the sinks before it made. What it cannot tell is noted on
     * the record as a problem, and the record goes on; without a sink before it, it is a sink like any other. */
    SB_TELLS = 1u << 1,
    /* Sinks with SB_TELLS and an option `delayed_after` (DURATION, 0: never): of a record of a source that is told, with
     * an `escalation`, that is not delivered after so long, a notice is made: a record of its own that goes through this
     * sink alone, with the sections `notice`, `escalation`, `user` and, where it exists already, `ticket`. */
    SB_TELLS_DELAY = 1u << 2
};

/* The descriptor. Every pointer is borrowed for ever and points to constants. */
struct sb_plugin {
    uint32_t abi;  /* SB_ABI; read before anything else */
    uint32_t size; /* sizeof(struct sb_plugin) as the plugin was built */
    enum sb_kind kind;
    const char *name; /* the name that engine.conf uses, and that of the file: [a-z0-9_], <= 40 characters */
    const char *summary; /* one line for people */
    const char *version;
    uint32_t flags;

    const struct sb_option *options; /* ends with a row without a name; NULL: none */
    const struct sb_auth *auth;      /* NULL: none */
    const char *const
        *reaches; /* URL or LIST options whose hosts may be reached without credentials; NULL: none */

    const struct sb_step *steps; /* what each record goes through; ends with a step without a name */
    const struct sb_step *poll;  /* sources that ask: one round over the cursor document; same end; or NULL */
    const struct sb_route *routes; /* sources that are told; ends with a route without a method; or NULL */

    /* Checks options that depend on each other. No I/O. NULL: nothing to check. Returns 0, or negative with `err`. */
    int (*open)(struct sb_instance *instance, struct sb_error *err);
    void (*close)(struct sb_instance *instance);

    /* Sources that are told; NULL: the handlers verify their calls themselves. */
    const struct sb_callers *callers;
};

/* What a plugin's shared object exports. */
extern SB_API const struct sb_plugin switchboard_plugin;

#endif

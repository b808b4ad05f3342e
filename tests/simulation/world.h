/* The simulated world: virtual time, the engine with its disk, network and deaths, and the services around it.
 *
 * The world owns the clock and all faults; the services, the traffic and the oracle hang on it by `struct sim_hooks`.
 * Everything happens in one thread and in one order that only the seed decides. Times are milliseconds since 1970 of the
 * world's clock, which never jumps. A failure of memory ends the program. */
#ifndef TESTS_SIMULATION_WORLD_H
#define TESTS_SIMULATION_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "simulation/chance.h"
#include "simulation/scenario.h"
#include "simulation/service.h"
#include "store/store.h"

struct world;

enum { SIM_ID_SIZE = 24, SIM_REPLAY_WINDOW_S = 300 };

struct sim_stretch {
    int64_t from_ms, until_ms;
};

/* Who and what is configured in the simulated engine.conf: the services compare what comes with these. */
#define SIM_HOST_EXOTEL     "api.exotel.com"
#define SIM_HOST_RECORDINGS "recordings.exotel.com"
#define SIM_HOST_STORAGE    "s3-ap-southeast-1.amazonaws.com" /* of older recordings */
#define SIM_HOST_DEEPGRAM   "api.deepgram.com"
#define SIM_HOST_OPENAI     "api.openai.com"
#define SIM_HOST_DESK       "desk.zoho.com"
#define SIM_HOST_ACCOUNTS   "accounts.zoho.com"
#define SIM_HOST_AGENT      "agent.example.com" /* where callbacks go */
#define SIM_HOST_FILES      "files.example.com" /* where attachments are fetched from */
#define SIM_WEB_TOKEN       "sim-web-token-"    /* and the number of the generation: of the agent "web" */
#define SIM_APP_TOKEN       "sim-app-token-"    /* of the agent "app" */
#define SIM_SIGNING_KEY     "sim-signing-key-"  /* of all agents */
#define SIM_CALLBACK_SECRET "sim-callback-secret"
#define SIM_CRM_FIELD       "cf_crm_id"
#define SIM_ACCOUNT         "acmedemo1"
#define SIM_EXOTEL_KEY      "sim-exotel-key"
#define SIM_EXOTEL_TOKEN    "sim-exotel-token"
#define SIM_DEEPGRAM_KEY    "sim-deepgram-key"
#define SIM_OPENAI_KEY      "sim-openai-key"
#define SIM_DESK_ORG        "600000001"
#define SIM_DESK_DEPARTMENT "5000001000000006001"
#define SIM_CLIENT_ID       "sim-client-id"
#define SIM_CLIENT_SECRET   "sim-client-secret"
#define SIM_REFRESH_TOKEN   "sim-refresh-token"
/* The agents of agents_config.json: their phone numbers; the last one is inactive. */
#define SIM_AGENT_PHONES                                                                                     \
    {                                                                                                        \
        "+915550109001", "+915550109002", "+915550109003"                                                    \
    }
#define SIM_AGENT_INACTIVE "+915550109003"

/* ---- the hooks ----------------------------------------------------------------------------------------- */

/* What the services engineer's side of the world is, made for one seed. */
struct sim_hooks {
    void *ctx;
    const struct sim_service *services; /* borrowed for the life of the world */
    size_t service_count;
    /* The world begins: plans the traffic with world_at(). */
    void (*start)(void *ctx, struct world *world);
    /* Whether all traffic has come in (calls that are still going on are not). */
    bool (*is_over)(void *ctx);
    /* At the end of a seed, the engine at rest: says each violation with world_violation(). */
    void (*check)(void *ctx, struct world *world);
    /* The engine has read what was written `version`th, from 0 on, into the mapping file, and has kept it. */
    void (*mapping_read)(void *ctx, size_t version);
    /* What a person finds who looks into the helpdesk for what a request has made, by what was kept with its intent: how many
     * there are, or SIZE_MAX when it cannot be told, and the id of one of them. */
    size_t (*look)(void *ctx, const json_t *kept, char ret_id[SIM_ID_SIZE]);
    /* Something of the kind that is not it. False: there is none. */
    bool (*look_beside)(void *ctx, const json_t *kept, char ret_id[SIM_ID_SIZE]);
    /* Adds every fact of the services' truth to the digest, with world_digest(). */
    void (*digest)(void *ctx, struct world *world);
    void (*free)(void *ctx);
};
/* Made by services.c: one set of hooks for `scenario`, which outlives it. */
void sim_hooks_new(const struct scenario *scenario, struct sim_hooks *ret_hooks);

/* ---- for services, traffic and oracle ------------------------------------------------------------------ */

const struct scenario *world_scenario(const struct world *world);
int64_t world_now(const struct world *world);
/* Calls `fn` at `at_ms` (at once when that is over, but never from within this call), whether the engine lives or not. */
void world_at(struct world *world, int64_t at_ms, void (*fn)(void *ctx, struct world *world), void *ctx);

/* Whether the fault is to happen at this opportunity. Draws from the fault's own stream, keeps to the scenario's rates and
 * limits, counts and traces it: when it says true, make it happen. */
bool world_fault(struct world *world, enum sim_fault fault);
/* A number for a fault that happens, from the fault's own stream: uniform in [least, most]. */
int64_t world_fault_between(struct world *world, enum sim_fault fault, int64_t least, int64_t most);

/* The invariant `name` does not hold. The first one is what the seed failed by; all are printed in a replay. */
void world_violation(struct world *world, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
size_t world_violation_count(const struct world *world);
/* A line of the trace, when there is one. */
void world_trace(struct world *world, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool world_is_traced(const struct world *world);
/* Adds a text to the digest of this seed. */
void world_digest(struct world *world, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A call of a webhook to the engine: `done` is called later with the status (0: nobody answered) and the body of the answer
 * (borrowed; NULL: none). Copies everything. */
typedef void (*world_answer_fn)(void *ctx, struct world *world, int status, const char *body);
void world_webhook(struct world *world, const char *method, const char *path,
                   const struct sim_header *headers, size_t header_count, const char *body,
                   world_answer_fn done, void *ctx);

/* Somebody changes the mapping file. The engine will see it. */
void world_write_mapping(struct world *world, const char *text);

/* ---- what the oracle may ask --------------------------------------------------------------------------- */

/* The journal after the engine has come to rest: in `check` only. */
struct store *world_journal(struct world *world);
/* The name of a file on the engine's disk that holds the text, borrowed; NULL when none does. */
const char *world_file_with(const struct world *world, const char *text);

/* What was asked for on behalf of one conversation. */
struct sim_asked {
    const char *external_id; /* "" for polls and token refreshes */
    const char *host, *step;
    uint32_t requests; /* that left the engine */
    uint32_t
        after_transcript; /* to a transcriber, although a transcript was committed and never lost since */
};
void world_each_asked(const struct world *world, void (*fn)(void *ctx, const struct sim_asked *asked),
                      void *ctx);

struct sim_totals {
    uint64_t faults[SIM_FAULT_COUNT], fault_count;
    uint64_t requests, commits, starts, crashes, restores, reconciliations, virtual_ms;
    uint64_t adopted, sent_again, misled; /* what operators had done to what was unknown */
    uint64_t records, tickets;            /* as the oracle counted: world_count() */
};
const struct sim_totals *world_totals(const struct world *world);
/* How many conversations and tickets there were, for the table. */
void world_count(struct world *world, uint64_t records, uint64_t tickets);

/* Which generation of the agents' secrets the engine takes, beside the one before it, and since when. */
uint32_t world_secrets(const struct world *world, int64_t *ret_since_ms);
/* From when until when the engine was up, in order; a stretch that lasts ends at INT64_MAX. */
const struct sim_stretch *world_stretches(const struct world *world, size_t *ret_count);
/* Whether the host was ever down. */
bool world_was_down(const struct world *world, const char *host);
/* Since a restore, what was sent before it may not be in the journal: 0: never restored. */
int64_t world_restored_ms(const struct world *world);
/* Whether an operator has dropped, or retried, the conversation. */
bool world_was_dropped(const struct world *world, const char *external_id);
int64_t world_dropped_ms(const struct world *world, const char *external_id); /* 0: never */
bool world_was_retried(const struct world *world, const char *external_id);
/* Whether an operator has had something sent again that was there. */
bool world_was_misled(const struct world *world, const char *external_id);

#endif

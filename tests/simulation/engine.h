/* The engine in the simulated world: the real flow, plugins, setup and journal; what core/app does around them with libuv
 * and libcurl is played here in virtual time. It lives several times: each start is a life of its own. */
#ifndef TESTS_SIMULATION_ENGINE_H
#define TESTS_SIMULATION_ENGINE_H

#include "flow/flow.h"
#include "simulation/disk.h"
#include "simulation/workshop.h"
#include "simulation/world.h"

struct world;
struct callers;
struct sim_delivery;
struct sim_job;

struct sim_engine {
    struct world *world;
    uint32_t life;      /* 0: before the first start */
    bool is_up;         /* between start and death */
    bool is_stopping;   /* an orderly stop was asked for */
    bool is_dying;      /* to be buried when the call into flow returns: nothing has effect any more */
    bool is_recovering; /* from the start until something was committed */

    struct sim_stretch *stretches; /* owned: when it was up */
    size_t stretch_count;

    struct sim_config config;
    struct setup *setup;
    struct store *store;
    struct metrics *metrics;
    struct flow *flow;

    int64_t mono_base_ms; /* world time minus the engine's monotonic clock */
    int64_t wall_skew_ms; /* the engine's wall clock minus the world's; survives restarts */
    uint64_t wake_serial; /* the latest wake counts */
    int64_t wake_at_ms;   /* monotonic */

    struct callers **callers;        /* owned; by pipeline; NULL where nobody may call */
    struct sim_delivery *deliveries; /* owned: calls of webhooks under way */
    uint64_t delivery_serial;

    struct sim_job *jobs, **jobs_end; /* what the journal's thread has still to do */
    bool disk_is_busy;
};

void engine_init(struct sim_engine *engine, struct world *world);
/* Starts, or plans another try when the journal cannot be opened just now. */
void engine_start(struct sim_engine *engine);
/* After every event of the engine: whether it has died, failed, or come to the end of an orderly stop. */
void engine_settle(struct sim_engine *engine);
/* Dies at the end of the current event, at the latest. */
void engine_doom(struct sim_engine *engine, const char *where);
void engine_stop(struct sim_engine *engine);
/* Ends for good: everything freed, the journal closed in an orderly way. */
void engine_done(struct sim_engine *engine);
/* Whether nothing is left to do: every record has ended, every source was asked and had nothing. */
bool engine_is_idle(const struct sim_engine *engine);

/* ---- the journal's thread (engine_jobs.c) -------------------------------------------------------------- */

/* Whether a change of the record's place was handed in and is not on the disk yet. */
bool engine_awaits_commit(const struct sim_engine *engine, int64_t record_id);
void engine_commit(struct sim_engine *engine, struct store_change *change,
                   void (*done)(struct sim_engine *engine, struct store_change *change,
                                const struct sb_error *err, uint64_t tag),
                   uint64_t tag);
/* The same, with something that is freed when it is over, whether it came through or not. */
void engine_commit_owned(struct sim_engine *engine, struct store_change *change,
                         void (*done)(struct sim_engine *engine, struct store_change *change,
                                      const struct sb_error *err, uint64_t tag),
                         uint64_t tag, void (*drop)(void *ctx), void *ctx);
/* Runs `work` between transactions, then `done` on the loop. `ctx` is freed by `drop` when the engine dies before. */
void engine_run(struct sim_engine *engine, void (*work)(void *ctx, struct sim_engine *engine),
                void (*done)(void *ctx, struct sim_engine *engine), void (*drop)(void *ctx), void *ctx);
/* What an orderly end still does: commits what was handed in, and tells nobody. */
void engine_finish_jobs(struct sim_engine *engine);
void engine_drop_jobs(struct sim_engine *engine);

/* ---- flow's world (engine_world.c) --------------------------------------------------------------------- */

void engine_flow_world(struct sim_engine *engine, struct flow_world *ret_world);

/* ---- people (operator.c) ------------------------------------------------------------------------------- */

void operator_look(struct sim_engine *engine);  /* at each event: chance decides */
void operator_retry(struct sim_engine *engine); /* everything dead, and everything incomplete */
/* Decides about something that is unknown (decide.c): through the control socket, or beside a journal that nobody has. */
void operator_decide(struct sim_engine *engine);
void operator_decide_stopped(struct sim_engine *engine);
void keeper_start(struct sim_engine *engine);

/* ---- the mapping file (mapping_watch.c) ---------------------------------------------------------------- */

/* Reads it, if there is one. False: what it says cannot be kept. */
bool mapping_load(struct sim_engine *engine);

/* ---- the watch over late conversations (notices.c) ----------------------------------------------------- */

void notices_start(struct sim_engine *engine);

#endif

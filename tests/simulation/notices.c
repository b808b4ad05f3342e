/* The watch over late conversations, as core/app/late.c keeps it: it looks on the journal's thread and emits on the loop. */
#include <stdlib.h>
#include <string.h>

#include "app/late_notice.h"
#include "simulation/memory.h"
#include "simulation/world_inner.h"
#include "store/late.h"

enum {
    LOOK_FIRST_MS = 1000,
    LOOK_MS = 120 * 1000 /* seldom: it costs */,
    BATCH = 100,
    STATES = 2,
    PIPELINES_MAX = 4
};

static const enum store_state states[STATES] = { STORE_ACTIVE, STORE_DEAD };

/* Of one life of the engine. */
struct notice_watch {
    struct sim_engine *engine;
    int64_t seen_id[PIPELINES_MAX]
                   [STATES]; /* up to here every record of that state that was due was dealt with */
    int64_t last_look_ms;    /* wall */
};

/* One look. */
struct notice_look {
    struct notice_watch *watch;
    struct store_change *change; /* owned until it is committed */
    int64_t now_ms;
    int64_t overtaken[BATCH];
    size_t overtaken_count;
    struct sb_error err;
};

static void free_look(void *ctx)
{
    struct notice_look *look = ctx;

    store_change_free(look->change);
    free(look);
}

/* ---- on the journal's thread --------------------------------------------------------------------------- */

static int look_at(struct notice_look *look, struct sim_engine *engine, const struct setup_notices *notices,
                   int64_t id)
{
    struct store_record *record = NULL;
    int rc = store_load(engine->store, id, &record, &look->err);

    if (rc == 0 && record)
        rc = late_notice_add(engine->setup, notices, record, look->change, &look->err);
    store_record_free(record);
    return rc;
}

static int look_for(struct notice_look *look, struct sim_engine *engine, const struct setup_notices *notices,
                    int64_t *seen_id, enum store_state state)
{
    const struct store_late_query query = {
        .pipeline = engine->setup->plan.pipelines[notices->of].name,
        .state = state,
        .after_id = *seen_id,
        .received_until_ms = look->now_ms - notices->after_ms,
        .suffix = LATE_NOTICE_SUFFIX,
    };
    struct store_late found[BATCH];
    size_t count = 0;
    int rc = store_late(engine->store, &query, BATCH, found, &count, &look->err);

    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (!found[i].has_notice)
            rc = look_at(look, engine, notices, found[i].id);
        *seen_id = found[i].id;
    }
    return rc;
}

static int look_for_overtaken(struct notice_look *look, struct sim_engine *engine,
                              const struct setup_notices *notices)
{
    const struct flow_pipeline *pipeline = &engine->setup->plan.pipelines[notices->pipeline];
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < pipeline->sink_count; i++) {
        size_t count = 0;
        rc = store_late_overtaken(engine->store, notices->name, LATE_NOTICE_SUFFIX,
                                  engine->setup->instances[pipeline->sinks[i]]->name,
                                  BATCH - look->overtaken_count, look->overtaken + look->overtaken_count,
                                  &count, &look->err);
        look->overtaken_count += rc == 0 ? count : 0;
    }
    return rc;
}

static void run_look(void *ctx, struct sim_engine *engine)
{
    struct notice_look *look = ctx;
    struct notice_watch *watch = look->watch;
    int rc = 0;

    /* After a clock that was set back, newer records may be older than those that were seen. */
    if (look->now_ms < watch->last_look_ms)
        memset(watch->seen_id, 0, sizeof(watch->seen_id));
    watch->last_look_ms = look->now_ms;
    for (size_t i = 0; rc == 0 && i < engine->setup->notice_count && i < PIPELINES_MAX; i++) {
        const struct setup_notices *notices = &engine->setup->notices[i];
        for (size_t state = 0; rc == 0 && state < STATES; state++)
            rc = look_for(look, engine, notices, &watch->seen_id[i][state], states[state]);
        if (rc == 0)
            rc = look_for_overtaken(look, engine, notices);
    }
    if (rc < 0)
        world_trace(engine->world, "looking for late tickets failed: %s", look->err.text);
}

/* ---- on the loop --------------------------------------------------------------------------------------- */

static void on_emitted(struct sim_engine *engine, struct store_change *change, const struct sb_error *err,
                       uint64_t tag)
{
    (void)tag;
    if (err) {
        engine_doom(engine, "because a notice cannot be kept");
        return;
    }
    for (size_t i = 0; i < change->emit_count; i++)
        if (change->emits[i].ret_id)
            flow_admit(engine->flow, change->emits[i].ret_id, change->emits[i].pipeline);
}

static void on_looked(void *ctx, struct sim_engine *engine)
{
    struct notice_look *look = ctx;

    if (look->err.status)
        return;
    for (size_t i = 0; i < look->overtaken_count; i++)
        (void)flow_drop(engine->flow, look->overtaken[i],
                        "its ticket was there before the delay could be told");
    if (look->change->emit_count == 0 || engine->is_stopping)
        return;
    struct store_change *change = look->change;
    look->change = NULL;
    engine_commit(engine, change, on_emitted, 0);
}

static void on_timer(void *ctx)
{
    struct notice_watch *watch = ctx;
    struct sim_engine *engine = watch->engine;
    struct notice_look *look = sim_new(sizeof(*look));

    look->watch = watch;
    look->change = store_change_new();
    if (!look->change)
        sim_die("out of memory");
    look->now_ms = look->change->now_ms = engine->world->now_ms + engine->wall_skew_ms;
    engine_run(engine, run_look, on_looked, free_look, look);
    world_plan(engine->world, engine->world->now_ms + LOOK_MS, on_timer, watch, free);
}

void notices_start(struct sim_engine *engine)
{
    if (engine->setup->notice_count == 0)
        return;
    struct notice_watch *watch = sim_new(sizeof(*watch));
    watch->engine = engine;
    world_plan(engine->world, engine->world->now_ms + LOOK_FIRST_MS, on_timer, watch, free);
}

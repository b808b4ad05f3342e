/* What people and housekeeping do to a running engine: the verbs retry and drop as core/app carries them out, and the
 * removal of files that nobody needs any more. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "base/scope.h"
#include "simulation/memory.h"
#include "simulation/world_inner.h"

enum {
    ACTIVE_ARENA_MAX = 1 << 28,
    KEEPER_FIRST_MS = 5 * 1000,
    KEEPER_EVERY_MS = 60 * 60 * 1000,
    KEEPER_BATCH = 200
};

/* ---- retry --------------------------------------------------------------------------------------------- */

struct retry {
    enum store_state state;
    struct arena *arena;
    struct store_active *active;
    size_t count, changed;
};

static void drop_retry(void *ctx)
{
    struct retry *retry = ctx;

    arena_free(retry->arena);
    free(retry->active);
    free(retry);
}

static void note_retried(struct sim_engine *engine, const struct retry *retry)
{
    const struct store_query query = { .state = store_state_word(retry->state), .limit = 1000 };
    AUTO_JSON list = NULL;
    struct sb_error err = SB_ERROR_INIT;
    size_t index;
    const json_t *record;

    if (store_list(engine->store, &query, &list, &err) < 0)
        return;
    json_array_foreach (list, index, record) {
        if (retry->state == STORE_DONE && json_int(record, "problems", 0) == 0)
            continue;
        const char *external_id = json_str(record, "external_id");
        ledger_named(&engine->world->ledger, json_int(record, "id", 0), external_id);
        struct ledger_entry *entry = ledger_find(&engine->world->ledger, external_id);
        entry->was_retried = true;
        entry->has_transcript = false;
        world_trace(engine->world, "%s retried by an operator", external_id);
    }
}

static void retry_in_store(void *ctx, struct sim_engine *engine)
{
    struct retry *retry = ctx;
    struct sb_error err = SB_ERROR_INIT;
    int64_t now_ms = engine->world->now_ms + engine->wall_skew_ms;

    note_retried(engine, retry);
    int rc = store_retry(engine->store, 0, retry->state, now_ms, &retry->changed, &err);
    if (rc == 0)
        rc = store_active(engine->store, retry->arena, &retry->active, &retry->count, &err);
    if (rc < 0)
        world_trace(engine->world, "retry failed: %s", err.text);
}

static void on_retried(void *ctx, struct sim_engine *engine)
{
    struct retry *retry = ctx;

    for (size_t i = 0; i < retry->count; i++)
        flow_admit(engine->flow, retry->active[i].id, retry->active[i].pipeline);
}

static void retry_state(struct sim_engine *engine, enum store_state state)
{
    struct retry *retry = sim_new(sizeof(*retry));

    retry->state = state;
    retry->arena = arena_new(ACTIVE_ARENA_MAX);
    if (!retry->arena)
        sim_die("out of memory");
    engine_run(engine, retry_in_store, on_retried, drop_retry, retry);
}

void operator_retry(struct sim_engine *engine)
{
    retry_state(engine, STORE_DEAD);
    retry_state(engine, STORE_DONE);
}

/* ---- drop ---------------------------------------------------------------------------------------------- */

static const char drop_reason[] = "dropped by an operator";

static void drop_in_store(void *ctx, struct sim_engine *engine)
{
    const int64_t *id = ctx;
    struct sb_error err = SB_ERROR_INIT;
    int64_t now_ms = engine->world->now_ms + engine->wall_skew_ms;

    if (store_drop(engine->store, *id, drop_reason, now_ms, &err) < 0)
        world_trace(engine->world, "drop failed: %s", err.text);
}

static void operator_drop(struct sim_engine *engine)
{
    struct world *world = engine->world;
    size_t count = 0;

    for (size_t i = 1; i < world->ledger.id_room; i++)
        count += world->ledger.by_id[i] != NULL;
    if (!count)
        return;
    int64_t chosen = world_fault_between(world, FAULT_OPERATOR_DROP, 0, (int64_t)count - 1);
    int64_t *id = sim_new(sizeof(*id));
    for (*id = 1; !world->ledger.by_id[*id] || chosen-- > 0;)
        ++*id;
    struct ledger_entry *entry = world->ledger.by_id[*id];
    if (!entry->was_dropped)
        entry->dropped_ms = world->now_ms;
    entry->was_dropped = true;
    world_trace(world, "%s dropped by an operator", entry->external_id);
    if (flow_drop(engine->flow, *id, drop_reason))
        free(id);
    else
        engine_run(engine, drop_in_store, NULL, free, id);
}

static bool has_unknown(const struct sim_engine *engine)
{
    struct flow_counts counts;

    flow_counts(engine->flow, &counts);
    return counts.unknown > 0;
}

void operator_look(struct sim_engine *engine)
{
    if (!engine->is_up || engine->is_stopping || engine->is_dying)
        return;
    if (world_fault(engine->world, FAULT_OPERATOR_RETRY))
        operator_retry(engine);
    if (world_fault(engine->world, FAULT_OPERATOR_DROP))
        operator_drop(engine);
    if (has_unknown(engine) && world_fault(engine->world, FAULT_OPERATOR_DECIDES))
        operator_decide(engine);
    engine_settle(engine);
}

/* ---- housekeeping -------------------------------------------------------------------------------------- */

static int remove_files(struct sim_engine *engine, const char *instance, int64_t before_ms,
                        struct sb_error *err)
{
    AUTO_JSON files = NULL;
    size_t index;
    const json_t *file;
    int rc = store_files_of(engine->store, instance, before_ms, KEEPER_BATCH, &files, err);

    json_array_foreach (files, index, file) {
        const char *name = json_str(file, "name");
        AUTO_STR path = file_join(engine->setup->files_dir, name);
        disk_remove(engine->world->disk, path, /* is_synced= */ false);
        rc = rc < 0 ? rc : store_forget_file(engine->store, name, err);
    }
    return rc;
}

static void keep_house(void *ctx, struct sim_engine *engine)
{
    const struct flow_plan *plan = &engine->setup->plan;
    int64_t now_ms = engine->world->now_ms + engine->wall_skew_ms;
    struct sb_error err = SB_ERROR_INIT;
    size_t removed = 0;
    int rc = 0;

    (void)ctx;
    for (size_t i = 0; rc == 0 && i < plan->instance_count; i++) {
        const struct flow_plan_instance *planned = &plan->instances[i];
        int64_t keep_ms = planned->instance ? instance_number(planned->instance, "keep_recordings", 0) : 0;
        if (keep_ms)
            rc = remove_files(engine, planned->name, now_ms - keep_ms, &err);
    }
    if (rc == 0)
        rc = store_expire(engine->store, now_ms - engine->setup->conf->settings.keep_records_ms, KEEPER_BATCH,
                          &removed, &err);
    if (rc < 0)
        world_trace(engine->world, "housekeeping failed: %s", err.text);
}

static void on_keeper(void *ctx)
{
    struct sim_engine *engine = ctx;

    engine_run(engine, keep_house, NULL, NULL, NULL);
    world_plan(engine->world, engine->world->now_ms + KEEPER_EVERY_MS, on_keeper, engine, NULL);
}

void keeper_start(struct sim_engine *engine)
{
    world_plan(engine->world, engine->world->now_ms + KEEPER_FIRST_MS, on_keeper, engine, NULL);
}

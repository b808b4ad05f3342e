/* The journal's thread, played: jobs in order, changes in a row share one transaction, each takes its time. */
#include <stdlib.h>

#include "simulation/memory.h"
#include "simulation/world_inner.h"

enum { GROUP_MAX = 256 };

struct sim_job {
    struct sim_job *next;
    struct sim_engine *engine;
    struct store_change *change; /* owned; NULL: a run */
    void (*committed)(struct sim_engine *engine, struct store_change *change, const struct sb_error *err,
                      uint64_t tag);
    uint64_t tag;
    void (*work)(void *ctx, struct sim_engine *engine);
    void (*done)(void *ctx, struct sim_engine *engine);
    void (*drop)(void *ctx);
    void *ctx;
};

/* One group between the disk and the loop. */
struct group {
    struct sim_engine *engine;
    struct sim_job *jobs[GROUP_MAX];
    size_t count;
    struct sb_error err;
};

static void free_job(struct sim_job *job)
{
    store_change_free(job->change);
    if (job->drop)
        job->drop(job->ctx);
    free(job);
}

static void free_group(void *ctx)
{
    struct group *group = ctx;

    for (size_t i = 0; i < group->count; i++)
        free_job(group->jobs[i]);
    free(group);
}

void engine_drop_jobs(struct sim_engine *engine)
{
    for (struct sim_job *job = engine->jobs, *next = NULL; job; job = next) {
        next = job->next;
        free_job(job);
    }
    engine->jobs = NULL;
    engine->jobs_end = &engine->jobs;
}

void engine_finish_jobs(struct sim_engine *engine)
{
    for (struct sim_job *job = engine->jobs; job; job = job->next) {
        struct sb_error err = SB_ERROR_INIT;
        if (job->change && store_apply(engine->store, &job->change, 1, &err) == 0)
            ledger_committed(&engine->world->ledger, engine->world, job->change);
    }
}

bool engine_awaits_commit(const struct sim_engine *engine, int64_t record_id)
{
    const struct sim_job *job = engine->jobs;

    while (job && !(job->change && job->change->sets_place && job->change->record_id == record_id))
        job = job->next;
    return job != NULL;
}

/* ---- back on the loop ---------------------------------------------------------------------------------- */

static void deliver(void *ctx)
{
    struct group *group = ctx;
    struct sim_engine *engine = group->engine;

    for (size_t i = 0; i < group->count && !engine->is_dying; i++) {
        struct sim_job *job = group->jobs[i];
        if (job->change)
            job->committed(engine, job->change, group->err.status ? &group->err : NULL, job->tag);
        else if (job->done)
            job->done(job->ctx, engine);
    }
    free_group(group);
    engine_settle(engine);
}

/* ---- on the disk --------------------------------------------------------------------------------------- */

static struct group *take_group(struct sim_engine *engine)
{
    struct group *group = sim_new(sizeof(*group));

    group->engine = engine;
    while (engine->jobs && group->count < GROUP_MAX) {
        struct sim_job *job = engine->jobs;
        if (!job->change && group->count)
            break;
        engine->jobs = job->next;
        group->jobs[group->count++] = job;
        if (!job->change)
            break;
    }
    if (!engine->jobs)
        engine->jobs_end = &engine->jobs;
    return group;
}

static void commit_group(struct sim_engine *engine, struct group *group)
{
    struct store_change *changes[GROUP_MAX];
    struct world *world = engine->world;

    for (size_t i = 0; i < group->count; i++)
        changes[i] = group->jobs[i]->change;
    if (world_fault(world, FAULT_CRASH_COMMIT)) {
        engine_doom(engine, "before a commit");
        return;
    }
    int rc = store_apply(engine->store, changes, group->count, &group->err);
    world->totals.commits++;
    if (rc < 0) {
        world_trace(world, "commit of %zu FAILED: %s", group->count, group->err.text);
        return;
    }
    for (size_t i = 0; i < group->count; i++)
        ledger_committed(&world->ledger, world, changes[i]);
    if (world_fault(world, FAULT_CRASH_COMMITTED))
        engine_doom(engine, "after a commit");
    else if (engine->is_recovering && world_fault(world, FAULT_CRASH_RECOVERY))
        engine_doom(engine, "during recovery");
    engine->is_recovering = false;
}

static void kick(struct sim_engine *engine);

static void on_disk(void *ctx)
{
    struct sim_engine *engine = ctx;
    struct group *group = take_group(engine);

    engine->disk_is_busy = false;
    if (group->jobs[0]->change)
        commit_group(engine, group);
    else
        group->jobs[0]->work(group->jobs[0]->ctx, engine);
    if (engine->is_dying) {
        free_group(group);
        engine_settle(engine);
        return;
    }
    world_plan(engine->world, engine->world->now_ms, deliver, group, free_group);
    kick(engine);
}

static int64_t disk_ms(struct world *world, bool is_commit)
{
    if (!is_commit)
        return chance_between(&world->latency, 0, 2);
    return chance_below(&world->latency, 20) ? chance_between(&world->latency, 1, 10)
                                             : chance_between(&world->latency, 10, 2000);
}

static void kick(struct sim_engine *engine)
{
    struct world *world = engine->world;

    if (engine->disk_is_busy || !engine->jobs)
        return;
    engine->disk_is_busy = true;
    world_plan(world, world->now_ms + disk_ms(world, engine->jobs->change != NULL), on_disk, engine, NULL);
}

static void submit(struct sim_engine *engine, struct sim_job *job)
{
    job->engine = engine;
    *engine->jobs_end = job;
    engine->jobs_end = &job->next;
    kick(engine);
}

void engine_commit_owned(struct sim_engine *engine, struct store_change *change,
                         void (*done)(struct sim_engine *engine, struct store_change *change,
                                      const struct sb_error *err, uint64_t tag),
                         uint64_t tag, void (*drop)(void *ctx), void *ctx)
{
    struct sim_job *job = sim_new(sizeof(*job));

    job->change = change;
    job->committed = done;
    job->tag = tag;
    job->drop = drop;
    job->ctx = ctx;
    if (engine->is_dying)
        free_job(job);
    else
        submit(engine, job);
}

void engine_commit(struct sim_engine *engine, struct store_change *change,
                   void (*done)(struct sim_engine *engine, struct store_change *change,
                                const struct sb_error *err, uint64_t tag),
                   uint64_t tag)
{
    engine_commit_owned(engine, change, done, tag, NULL, NULL);
}

void engine_run(struct sim_engine *engine, void (*work)(void *ctx, struct sim_engine *engine),
                void (*done)(void *ctx, struct sim_engine *engine), void (*drop)(void *ctx), void *ctx)
{
    struct sim_job *job = sim_new(sizeof(*job));

    job->work = work;
    job->done = done;
    job->drop = drop;
    job->ctx = ctx;
    if (engine->is_dying)
        free_job(job);
    else
        submit(engine, job);
}

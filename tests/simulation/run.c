/* One seed: the world is made, runs until everything has come to rest, and is judged. */
#include "simulation/run.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/scope.h"
#include "simulation/memory.h"
#include "simulation/world_inner.h"

enum {
    MINUTE_MS = 60 * 1000,
    FULL_MS_MOST = 20 * MINUTE_MS, /* how long a disk stays full */
    EVENTS_MAX = 400 * 1000,       /* more is a storm */
    BACKUP_PER_MILLION = 3000,     /* at each event of the engine */
    PATIENCE_MS = 25 * MINUTE_MS   /* after the end: what is late may still arrive, and be found */
};

/* ---- the disk's world ---------------------------------------------------------------------------------- */

static bool write_fails(void *ctx)
{
    struct world *world = ctx;

    if (world->is_patient)
        return false;
    if (world->disk_full_until_ms <= world->now_ms && world_fault(world, FAULT_DISK_FULL))
        world->disk_full_until_ms =
            world->now_ms + world_fault_between(world, FAULT_DISK_FULL, 1000, FULL_MS_MOST);
    return world->disk_full_until_ms > world->now_ms && world->now_ms < world->scenario.quiet_ms;
}

static bool sync_fails(void *ctx)
{
    struct world *world = ctx;

    return !world->is_patient && world_fault(world, FAULT_FSYNC);
}

static int64_t disk_now(void *ctx)
{
    return ((const struct world *)ctx)->now_ms;
}

/* ---- making and ending --------------------------------------------------------------------------------- */

static void open_log(struct world *world)
{
    if (!world->options->is_logged)
        return;
    world->log = log_new(LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT, /* sink= */ NULL, NULL);
    if (!world->log)
        sim_die("out of memory");
}

static struct world *new_world(const struct scenario *scenario, const struct run_options *options)
{
    struct world *world = sim_new(sizeof(*world));
    const struct disk_world disk_world = { .ctx = world,
                                           .write_fails = write_fails,
                                           .sync_fails = sync_fails };

    world->scenario = *scenario;
    world->options = options;
    world->now_ms = scenario->start_ms;
    for (int i = 0; i < SIM_FAULT_COUNT; i++)
        world->faults[i] = chance_stream(scenario->seed, sim_fault_word((enum sim_fault)i));
    world->jitter = chance_stream(scenario->seed, "jitter of flow");
    world->latency = chance_stream(scenario->seed, "latency of disk and work");
    world->death = chance_stream(scenario->seed, "death");
    world->disk = disk_new(&disk_world);
    world->vfs = vfs_new(world->disk, scenario->seed, disk_now, world);
    world->digest = digest_new();
    if (!world->digest)
        sim_die("out of memory");
    open_log(world);
    net_init(&world->net, scenario->seed);
    engine_init(&world->engine, world);
    sim_hooks_new(&world->scenario, &world->hooks);
    return world;
}

static void free_world(struct world *world)
{
    world->is_patient = true;
    engine_done(&world->engine);
    events_done(&world->events);
    world->hooks.free(world->hooks.ctx);
    vfs_free(world->vfs);
    disk_free(world->disk);
    backup_free(world->backup);
    ledger_done(&world->ledger);
    digest_free(world->digest);
    log_free(world->log);
    free(world);
}

/* ---- running ------------------------------------------------------------------------------------------- */

static void jump_clock(struct world *world)
{
    static const int64_t most[] = { 2000, 5 * MINUTE_MS, 90 * MINUTE_MS };
    int64_t limit = most[world_fault_between(world, FAULT_WALL_JUMP, 0, 2)];

    world->engine.wall_skew_ms = world_fault_between(world, FAULT_WALL_JUMP, -limit, limit);
    world_trace(world, "the engine's clock is now %+lld s off", (long long)world->engine.wall_skew_ms / 1000);
}

/* What may happen between any two events of a living engine. */
static void look_around(struct world *world)
{
    struct sim_engine *engine = &world->engine;

    if (!engine->is_up)
        return;
    /* Nobody makes a backup of a journal that has not begun: restored, it would be a first start, which looks back as far as
     * `since` says and no further. */
    if (world->scenario.rates[FAULT_RESTORE] && chance_happens(&world->death, BACKUP_PER_MILLION) &&
        world->totals.commits > 0)
        backup_take(world);
    if (world_fault(world, FAULT_WALL_JUMP))
        jump_clock(world);
    if (world_fault(world, FAULT_STOP))
        engine_stop(engine);
    if (engine->is_up && world_fault(world, FAULT_CRASH_ANYWHERE))
        engine_doom(engine, "between two events");
    engine_settle(engine);
    operator_look(engine);
}

/* Once nothing goes wrong any more, people mend what was left to them: clocks are set, dead letters tried again. */
static void on_quiet(void *ctx, struct world *world)
{
    (void)ctx;
    world_trace(world, "no faults from here on");
    world->engine.wall_skew_ms = 0;
}

static void on_mended(void *ctx, struct world *world)
{
    (void)ctx;
    if (world->engine.is_up && !world->engine.is_stopping)
        operator_retry(&world->engine);
    else
        world_at(world, world->now_ms + MINUTE_MS, on_mended, NULL);
}

static void on_looked(void *ctx, struct world *world)
{
    (void)ctx;
    (void)world;
}

static bool is_at_rest(const struct world *world)
{
    return world->now_ms >= world->scenario.quiet_ms && world->hooks.is_over(world->hooks.ctx) &&
           engine_is_idle(&world->engine);
}

static void step(struct world *world)
{
    struct sim_event event = events_take(&world->events);
    bool is_engines = event.life != 0;

    if (event.at_ms > world->now_ms)
        world->now_ms = event.at_ms;
    event.fn(event.ctx);
    if (is_engines)
        look_around(world);
}

/* Until all has ended, and for a while longer: a second ticket may still be on its way. */
static void live(struct world *world)
{
    int64_t rest_ms = INT64_MAX;
    bool was_mended = false;
    size_t count = 0;

    world_at(world, world->scenario.quiet_ms, on_quiet, NULL);
    engine_start(&world->engine);
    while (world->now_ms < world->scenario.end_ms && count++ < EVENTS_MAX && world->events.count) {
        step(world);
        if (!is_at_rest(world)) {
            rest_ms = INT64_MAX;
        } else if (rest_ms == INT64_MAX) {
            rest_ms = world->now_ms;
            world_at(world, rest_ms + PATIENCE_MS, on_looked, NULL); /* nothing else may happen for an hour */
        } else if (world->now_ms - rest_ms >= PATIENCE_MS) {
            if (was_mended)
                return;
            was_mended = true;
            rest_ms = INT64_MAX;
            on_mended(NULL, world);
        }
    }
    if (!is_at_rest(world))
        world_violation(world, count >= EVENTS_MAX ? "no request storm" : "everything ends",
                        "at %lld s after the last fault, engine %s",
                        (long long)(world->now_ms - world->scenario.quiet_ms) / 1000,
                        world->engine.is_up ? "up" : "down");
}

/* ---- the verdict --------------------------------------------------------------------------------------- */

static void digest_journal(struct world *world)
{
    const struct store_query query = { .limit = 10000 };
    AUTO_JSON records = NULL;
    struct sb_error err = SB_ERROR_INIT;
    size_t index;
    const json_t *record;

    if (store_list(world->engine.store, &query, &records, &err) < 0)
        sim_die("cannot read the journal: %s", err.text);
    json_array_foreach (records, index, record) {
        AUTO_JSON timeline = NULL;
        AUTO_STR text = json_dumps(record, JSON_COMPACT | JSON_SORT_KEYS);
        digest_add(world->digest, text, strlen(text));
        if (store_timeline(world->engine.store, json_int(record, "id", 0), &timeline, &err) < 0)
            sim_die("cannot read the journal: %s", err.text);
        AUTO_STR lines = json_dumps(timeline, JSON_COMPACT | JSON_SORT_KEYS);
        digest_add(world->digest, lines, strlen(lines));
    }
}

static void judge(struct world *world)
{
    if (world->engine.is_up) {
        world->hooks.check(world->hooks.ctx, world);
        if (world->options->is_digested)
            digest_journal(world);
    }
    if (world->options->is_digested)
        world->hooks.digest(world->hooks.ctx, world);
    world->totals.virtual_ms = (uint64_t)(world->now_ms - world->scenario.start_ms);
}

void run_seed(const struct scenario *scenario, const struct run_options *options,
              struct run_result *ret_result)
{
    struct world *world = new_world(scenario, options);

    world->hooks.start(world->hooks.ctx, world);
    live(world);
    judge(world);
    *ret_result = (struct run_result){ .seed = scenario->seed,
                                       .violations = world->violations,
                                       .totals = world->totals };
    memcpy(ret_result->violation, world->violation, sizeof(world->violation));
    memcpy(ret_result->violation_text, world->violation_text, sizeof(world->violation_text));
    digest_hex(world->digest, ret_result->digest);
    free_world(world);
}

/* The lives of the engine: start, death, orderly stop. */
#include "simulation/engine.h"

#include <stdlib.h>
#include <string.h>

#include "simulation/memory.h"
#include "simulation/webhook.h"
#include "simulation/world_inner.h"

enum { START_ARENA_MAX = 1 << 28, SHUTDOWN_MS = 30 * 1000, SECRETS_MS = 60 * 60 * 1000 };

void engine_init(struct sim_engine *engine, struct world *world)
{
    *engine = (struct sim_engine){ .world = world, .config = config_of(&world->scenario) };
    engine->jobs_end = &engine->jobs;
}

/* ---- changed options ----------------------------------------------------------------------------------- */

static void change_config(struct sim_engine *engine)
{
    static const char *const names[] = { "calls", "phone", "support_calls" };
    static const char *const classifiers[] = { "openai | keyword", "keyword", "openai", "keyword | openai" };
    static const int64_t settles[] = { 660000, 900000, 1500000 };
    static const uint32_t sizes[] = { 1000, 2000, 30000 };
    struct world *world = engine->world;
    struct sim_config *config = &engine->config;

    if (!world_fault(world, FAULT_CONFIG))
        return;
    int64_t what = world_fault_between(world, FAULT_CONFIG, 0, 31);
    int64_t way = world_fault_between(world, FAULT_CONFIG, 0, 3);
    if (what & 1)
        config->pipeline = names[way % 3];
    if (what & 2)
        config->classifier = config->has_openai ? classifiers[way] : "keyword";
    if (what & 4)
        config->settle_ms = settles[way % 3];
    if (what & 8)
        config->note_size_max = sizes[way % 3];
    if (what & 16)
        config->concurrency = (uint32_t)way + 1;
    world_trace(world, "options changed: pipeline %s, classifier %s, settle %llds, note %u, concurrency %u",
                config->pipeline, config->classifier, (long long)config->settle_ms / 1000,
                config->note_size_max, config->concurrency);
}

/* The old secret counts until the next time: by then, everybody has changed over. */
static void rotate_secrets(struct sim_engine *engine)
{
    struct world *world = engine->world;
    struct sim_config *config = &engine->config;

    if (world->now_ms < config->secrets_since_ms + SECRETS_MS || !world_fault(world, FAULT_SECRETS_ROTATED))
        return;
    config->secrets++;
    config->secrets_since_ms = world->now_ms;
    world_trace(world, "secrets of generation %u count, and those before them still do", config->secrets);
}

/* ---- when it is up -------------------------------------------------------------------------------------- */

static void begin_stretch(struct sim_engine *engine)
{
    engine->is_up = true;
    engine->stretches = sim_grow(engine->stretches, engine->stretch_count + 1, sizeof(*engine->stretches));
    engine->stretches[engine->stretch_count++] =
        (struct sim_stretch){ .from_ms = engine->world->now_ms, .until_ms = INT64_MAX };
}

static void end_stretch(struct sim_engine *engine)
{
    engine->is_up = false;
    engine->stretches[engine->stretch_count - 1].until_ms = engine->world->now_ms;
}

/* ---- birth --------------------------------------------------------------------------------------------- */

static void on_start(void *ctx)
{
    engine_start(ctx);
}

/* A supervisor starts it again, after a little or a long while. */
static void plan_start(struct sim_engine *engine)
{
    static const int64_t pauses[] = { 100, 1000, 1000, 5000, 60000, 600000, 3600000 };
    struct world *world = engine->world;
    int64_t pause_ms = pauses[chance_below(&world->death, sizeof(pauses) / sizeof(pauses[0]))];
    const struct sim_event event = { .at_ms = world->now_ms +
                                              chance_between(&world->death, pause_ms / 2, pause_ms),
                                     .fn = on_start,
                                     .ctx = engine };

    events_add(&world->events, &event);
}

static bool open_journal(struct sim_engine *engine)
{
    const struct store_options options = { .data_dir = "/sim",
                                           .skip_check = true,
                                           .vfs = vfs_name(engine->world->vfs) };
    struct sb_error err = SB_ERROR_INIT;

    if (store_open(&options, &engine->store, &err) == 0)
        return true;
    world_trace(engine->world, "cannot start: %s", err.text);
    if (engine->world->disk_full_until_ms <= engine->world->now_ms && err.status != SB_EINTERNAL &&
        !strstr(err.text, "disk"))
        world_violation(engine->world, "the journal opens", "%s", err.text);
    return false;
}

static int64_t file_size(void *ctx, const char *path)
{
    const struct sim_engine *engine = ctx;
    size_t size = 0;

    return disk_content(engine->world->disk, path, &size) ? (int64_t)size : -1;
}

/* The engine's own assembly, with its files on the simulated disk. */
static void make_setup(struct sim_engine *engine)
{
    const struct world *world = engine->world;

    engine->setup = workshop_setup(world->options->workshop, &engine->config, world->log);
    for (size_t i = 0; i < engine->setup->conf->block_count; i++) {
        struct sb_instance *instance = engine->setup->instances[i];
        if (!instance)
            continue;
        instance->file_size = file_size;
        instance->file_ctx = engine;
    }
}

/* Who may call the routes of each pipeline's source. */
static void make_callers(struct sim_engine *engine)
{
    const struct flow_plan *plan = &engine->setup->plan;

    engine->callers = sim_new((plan->pipeline_count + 1) * sizeof(struct callers *));
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        const struct sb_instance *source = plan->instances[plan->pipelines[i].source].instance;
        if (!source || plan->pipelines[i].is_off || plan->pipelines[i].is_notices || !source->plugin->callers)
            continue;
        engine->callers[i] = callers_new(source);
        if (!engine->callers[i])
            sim_die("out of memory");
    }
}

static void free_callers(struct sim_engine *engine)
{
    for (size_t i = 0; engine->callers && i < engine->setup->plan.pipeline_count; i++)
        callers_free(engine->callers[i]);
    free(engine->callers);
    engine->callers = NULL;
}

static void free_parts(struct sim_engine *engine)
{
    engine_drop_jobs(engine);
    delivery_free_all(engine);
    free_callers(engine);
    flow_free(engine->flow);
    store_close(engine->store);
    metrics_free(engine->metrics);
    setup_free(engine->setup);
    engine->flow = NULL;
    engine->store = NULL;
    engine->metrics = NULL;
    engine->setup = NULL;
}

static void make_flow(struct sim_engine *engine)
{
    const struct conf_settings *settings = &engine->setup->conf->settings;
    const struct flow_options options = { .in_flight_max = (size_t)settings->max_in_flight,
                                          .alert_breaker_ms = settings->alert_breaker_open_ms,
                                          .alert_silent_ms = settings->alert_source_silent_ms };
    struct flow_world world;
    struct sb_error err = SB_ERROR_INIT;

    engine_flow_world(engine, &world);
    engine->metrics = metrics_new();
    engine->flow =
        flow_new(&world, &engine->setup->plan, &options, engine->world->log, engine->metrics, &err);
    if (!engine->flow || !engine->metrics)
        sim_die("%s", err.text);
}

static void start_flow(struct sim_engine *engine)
{
    struct arena *arena = arena_new(START_ARENA_MAX);
    struct store_unfinished unfinished;
    struct sb_error err = SB_ERROR_INIT;

    if (!arena || store_unfinished(engine->store, arena, &unfinished, &err) < 0)
        sim_die("cannot read the journal: %s", err.text);
    world_trace(engine->world, "started, life %u, %zu unfinished", engine->life, unfinished.active_count);
    flow_start(engine->flow, &unfinished);
    store_unfinished_done(&unfinished);
    arena_free(arena);
}

void engine_start(struct sim_engine *engine)
{
    struct world *world = engine->world;

    if (world->backup && engine->life > 0 && world_fault(world, FAULT_RESTORE))
        (void)backup_restore(world);
    if (engine->life > 0) {
        change_config(engine);
        rotate_secrets(engine);
    }
    engine->life++;
    engine->is_stopping = engine->is_dying = false;
    engine->is_recovering = engine->life > 1;
    engine->disk_is_busy = false;
    engine->mono_base_ms = world->now_ms - chance_between(&world->death, 0, 1000000);
    world->totals.starts++;
    if (!open_journal(engine)) {
        plan_start(engine);
        return;
    }
    operator_decide_stopped(engine);
    make_setup(engine);
    if (!mapping_load(engine)) {
        free_parts(engine);
        plan_start(engine);
        return;
    }
    make_callers(engine);
    make_flow(engine);
    begin_stretch(engine);
    start_flow(engine);
    keeper_start(engine);
    notices_start(engine);
    engine_settle(engine);
}

/* ---- death --------------------------------------------------------------------------------------------- */

void engine_doom(struct sim_engine *engine, const char *where)
{
    if (engine->is_dying)
        return;
    world_trace(engine->world, "CRASH %s", where);
    engine->is_dying = true;
}

static enum disk_loss choose_loss(struct world *world)
{
    if (world_fault(world, FAULT_TORN))
        return DISK_TORN;
    return chance_below(&world->death, 3) == 0 ? DISK_LOST : DISK_KEPT;
}

/* Nothing of what the memory holds reaches the disk any more. */
static void die(struct sim_engine *engine)
{
    struct world *world = engine->world;

    world->totals.crashes++;
    end_stretch(engine);
    disk_freeze(world->disk, true);
    events_drop(&world->events, engine->life);
    free_parts(engine);
    disk_freeze(world->disk, false);
    disk_crash(world->disk, choose_loss(world), &world->death);
    plan_start(engine);
}

/* As core/app ends: what was handed in is committed, the journal is closed. */
static void end(struct sim_engine *engine, const char *why)
{
    struct world *world = engine->world;

    world_trace(world, "engine ends: %s", why);
    end_stretch(engine);
    engine_finish_jobs(engine);
    events_drop(&world->events, engine->life);
    free_parts(engine);
    plan_start(engine);
}

static void on_shutdown(void *ctx)
{
    struct sim_engine *engine = ctx;

    if (engine->is_up && engine->is_stopping)
        end(engine, "shutdown timeout");
}

void engine_stop(struct sim_engine *engine)
{
    if (engine->is_stopping || !engine->is_up)
        return;
    world_trace(engine->world, "stop asked for");
    engine->is_stopping = true;
    world_plan(engine->world, engine->world->now_ms + SHUTDOWN_MS, on_shutdown, engine, NULL);
    delivery_stop(engine);
    flow_stop(engine->flow);
}

void engine_settle(struct sim_engine *engine)
{
    if (!engine->is_up)
        return;
    if (engine->is_dying)
        die(engine);
    else if (flow_has_failed(engine->flow) || store_failure(engine->store))
        end(engine, "nothing can be kept any more");
    else if (engine->is_stopping && flow_is_quiet(engine->flow) && !engine->deliveries)
        end(engine, "stopped");
}

bool engine_is_idle(const struct sim_engine *engine)
{
    return engine->is_up && !engine->is_stopping && !engine->deliveries && flow_is_done(engine->flow);
}

void engine_done(struct sim_engine *engine)
{
    free_parts(engine);
    free(engine->stretches);
    engine->stretches = NULL;
    engine->is_up = false;
}

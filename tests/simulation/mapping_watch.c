/* The mapping file of contacts, in the engine: read at each start and some seconds after it has changed, as core/app/engine.c
 * and core/app/contacts_file.c have it read. What reads it is the engine's own. */
#include <stdlib.h>

#include "app/contacts_file.h"
#include "simulation/memory.h"
#include "simulation/world_inner.h"

enum { LOOK_MS = 4000 /* it has to look the same twice */ };

/* One reading on the journal's thread. */
struct reading {
    bool has_failed;
};

bool mapping_load(struct sim_engine *engine)
{
    struct world *world = engine->world;
    struct sb_error err = SB_ERROR_INIT;

    if (!engine->config.has_mapping || world->mappings == 0)
        return true;
    if (contacts_file_load(engine->setup, engine->store, world->log, &err) < 0) {
        world_trace(world, "the mapping file cannot be taken over: %s", err.text);
        return false;
    }
    world->hooks.mapping_read(world->hooks.ctx, world->mappings - 1);
    return true;
}

static void read_in_store(void *ctx, struct sim_engine *engine)
{
    struct reading *reading = ctx;

    reading->has_failed = !mapping_load(engine);
}

static void plan_look(struct sim_engine *engine);

static void on_read(void *ctx, struct sim_engine *engine)
{
    const struct reading *reading = ctx;

    if (reading->has_failed)
        plan_look(engine);
}

static void on_look(void *ctx)
{
    struct sim_engine *engine = ctx;

    engine_run(engine, read_in_store, on_read, free, sim_new(sizeof(struct reading)));
    engine_settle(engine);
}

static void plan_look(struct sim_engine *engine)
{
    world_plan(engine->world, engine->world->now_ms + LOOK_MS, on_look, engine, NULL);
}

void world_write_mapping(struct world *world, const char *text)
{
    workshop_write_mapping(world->options->workshop, text);
    world->mappings++;
    world_trace(world, "the mapping file is written: %s", text);
    if (world->engine.is_up)
        plan_look(&world->engine);
}

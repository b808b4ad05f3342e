/* The real world behind a flow: clocks, chance, journal thread, HTTP client, worker pool. */
#ifndef APP_ENGINE_WORLD_H
#define APP_ENGINE_WORLD_H

#include "flow/world.h"

struct engine;

/* Fills *ret_world with functions over `engine`, which must outlive the flow. */
void engine_world(struct engine *engine, struct flow_world *ret_world);
/* Frees what was never answered, once client, workers and journal have ended. */
void engine_world_done(struct engine *engine);

#endif

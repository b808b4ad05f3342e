/* Room in memory for the records that are worked on: every pipeline has its own. */
#ifndef FLOW_ROOM_H
#define FLOW_ROOM_H

#include "flow/run.h"

/* Shares the options' in_flight_max out among the pipelines. -1: out of memory. */
int room_init(struct flow *flow);
void room_done(struct flow *flow);
/* That of the pipeline with this name; the first one's when there is none (it was renamed, or is gone). Lives as long as the
 * flow. */
struct room *room_named(struct flow *flow, const char *pipeline);
/* Waits for room; the record is then loaded (run_on_loaded). One that holds a lock comes before all others. */
void room_ask(struct flow *flow, struct run *run);
/* Unloads the record, if it is loaded. room_give() is due when nothing else is to be done with the run. */
void room_leave(struct run *run);
/* It was to be loaded, and is gone. */
void room_lose(const struct run *run);
/* Loads those who wait, as far as there is room. */
void room_give(struct flow *flow);
/* How many records are loaded. */
size_t room_loaded(const struct flow *flow);

#endif

/* Room in memory for the records that are worked on. */
#ifndef FLOW_ROOM_H
#define FLOW_ROOM_H

#include "flow/run.h"

/* Divides the options' in_flight_max. */
void room_init(struct flow *flow);
/* Waits for room; the record is then loaded (run_on_loaded). One that holds a lock comes before all others. */
void room_ask(struct flow *flow, struct run *run);
/* Unloads the record, if it is loaded. room_give() is due when nothing else is to be done with the run. */
void room_leave(struct flow *flow, struct run *run);
/* It was to be loaded, and is gone. */
void room_lose(struct flow *flow, const struct run *run);
/* Loads those who wait, as far as there is room. */
void room_give(struct flow *flow);

#endif

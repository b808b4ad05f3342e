/* What is going to happen, by time and then in the order in which it was planned: the order that makes a run repeatable.
 *
 * An event belongs to the world (life 0) or to one life of the engine, and goes with it. */
#ifndef TESTS_SIMULATION_EVENTS_H
#define TESTS_SIMULATION_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void (*sim_event_fn)(void *ctx);

struct sim_event {
    int64_t at_ms;
    uint64_t order;
    uint32_t life;
    sim_event_fn fn;
    void *ctx;
    sim_event_fn drop; /* instead of fn when it does not happen any more; NULL: nothing to free */
};

/* Zeroed is empty. */
struct sim_events {
    struct sim_event *heap; /* owned */
    size_t count, room;
    uint64_t order;
};

void events_add(struct sim_events *events, const struct sim_event *event); /* order is set here */
int64_t events_next_ms(const struct sim_events *events);                   /* INT64_MAX: none */
struct sim_event events_take(struct sim_events *events);                   /* there must be one */
/* Drops all events of `life`. */
void events_drop(struct sim_events *events, uint32_t life);
/* How many belong to `life`. */
size_t events_count(const struct sim_events *events, uint32_t life);
/* Drops all. */
void events_done(struct sim_events *events);

#endif

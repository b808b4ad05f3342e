/* A binary heap of events. */
#include "simulation/events.h"

#include <assert.h>
#include <stdlib.h>

#include "simulation/memory.h"

static bool comes_first(const struct sim_event *a, const struct sim_event *b)
{
    return a->at_ms < b->at_ms || (a->at_ms == b->at_ms && a->order < b->order);
}

static void sift_up(struct sim_events *events, size_t at)
{
    struct sim_event moved = events->heap[at];

    while (at > 0 && comes_first(&moved, &events->heap[(at - 1) / 2])) {
        events->heap[at] = events->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    events->heap[at] = moved;
}

static void sift_down(struct sim_events *events, size_t at)
{
    struct sim_event moved = events->heap[at];

    for (size_t child; (child = at * 2 + 1) < events->count; at = child) {
        if (child + 1 < events->count && comes_first(&events->heap[child + 1], &events->heap[child]))
            child++;
        if (!comes_first(&events->heap[child], &moved))
            break;
        events->heap[at] = events->heap[child];
    }
    events->heap[at] = moved;
}

void events_add(struct sim_events *events, const struct sim_event *event)
{
    if (events->count == events->room) {
        events->room = events->room ? events->room * 2 : 64;
        events->heap = sim_grow(events->heap, events->room, sizeof(*events->heap));
    }
    events->heap[events->count] = *event;
    events->heap[events->count].order = events->order++;
    sift_up(events, events->count++);
}

int64_t events_next_ms(const struct sim_events *events)
{
    return events->count ? events->heap[0].at_ms : INT64_MAX;
}

struct sim_event events_take(struct sim_events *events)
{
    assert(events->count > 0);
    struct sim_event first = events->heap[0];
    events->heap[0] = events->heap[--events->count];
    if (events->count)
        sift_down(events, 0);
    return first;
}

/* The order of what is left follows from time and order alone, so the heap may be built anew. */
void events_drop(struct sim_events *events, uint32_t life)
{
    size_t kept = 0;

    for (size_t i = 0; i < events->count; i++) {
        struct sim_event event = events->heap[i];
        if (event.life != life)
            events->heap[kept++] = event;
        else if (event.drop)
            event.drop(event.ctx);
    }
    events->count = kept;
    for (size_t i = kept / 2; i-- > 0;)
        sift_down(events, i);
}

size_t events_count(const struct sim_events *events, uint32_t life)
{
    size_t count = 0;

    for (size_t i = 0; i < events->count; i++)
        count += events->heap[i].life == life;
    return count;
}

void events_done(struct sim_events *events)
{
    for (size_t i = 0; i < events->count; i++)
        if (events->heap[i].drop)
            events->heap[i].drop(events->heap[i].ctx);
    free(events->heap);
    *events = (struct sim_events){ 0 };
}

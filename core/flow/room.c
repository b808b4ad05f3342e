/* Room in memory: records are loaded when they can move, at most so many at once; the journal holds the rest. Every pipeline has
 * its share: what waits for a transcriber that is down, or for its turn behind thousands, takes nothing from escalations; and
 * notices tell mostly that the records of their pipeline cannot move. */
#include "flow/room.h"

#include <stdlib.h>
#include <string.h>

#include "flow/state.h"

enum { NOTICES_SHARE = 10 };

/* Notices have their room beside that of conversations; what is off unloads its records at once. */
int room_init(struct flow *flow)
{
    const struct flow_plan *plan = flow->plan;
    size_t sharers = 0;

    for (size_t i = 0; i < plan->pipeline_count; i++)
        sharers += !plan->pipelines[i].is_notices && !plan->pipelines[i].is_off;
    size_t share = flow->options.in_flight_max / (sharers ? sharers : 1);
    flow->rooms = calloc(plan->pipeline_count ? plan->pipeline_count : 1, sizeof(*flow->rooms));
    if (!flow->rooms)
        return -1;
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        size_t most = plan->pipelines[i].is_notices ? share / NOTICES_SHARE : share;
        flow->rooms[i].loaded_max = most ? most : 1;
    }
    return 0;
}

void room_done(struct flow *flow)
{
    free(flow->rooms);
    flow->rooms = NULL;
}

struct room *room_named(struct flow *flow, const char *pipeline)
{
    for (size_t i = 0; i < flow->plan->pipeline_count; i++)
        if (pipeline && strcmp(flow->plan->pipelines[i].name, pipeline) == 0)
            return &flow->rooms[i];
    return &flow->rooms[0];
}

static void load(struct flow *flow, struct run *run)
{
    run->state = RUN_LOADING;
    run->room->loaded_count++;
    flow->world.load(flow->world.ctx, run->id, actor_ticket(&run->call.actor));
}

/* Whoever holds a key goes first and needs no room: others in memory may be waiting for that very key. */
static void give(struct flow *flow, const struct room *room)
{
    for (struct actor *actor = room->waiting.head; actor;) {
        struct actor *next = actor->next;
        struct run *run = (struct run *)actor;
        if (room->loaded_count >= room->loaded_max && !run->lock)
            break;
        queue_remove(actor);
        load(flow, run);
        actor = next;
    }
}

void room_give(struct flow *flow)
{
    if (flow->is_stopping || flow->has_failed)
        return;
    for (size_t i = 0; i < flow->plan->pipeline_count; i++)
        give(flow, &flow->rooms[i]);
}

/* Before all others when it holds a lock: they may wait for room that is taken by one who waits for that lock. */
void room_ask(struct flow *flow, struct run *run)
{
    run->state = RUN_ADMISSION;
    if (run->lock)
        queue_add_first(&run->room->waiting, &run->call.actor);
    else
        queue_add(&run->room->waiting, &run->call.actor);
    room_give(flow);
}

void room_lose(const struct run *run)
{
    run->room->loaded_count--;
}

void room_leave(struct run *run)
{
    if (!run->record)
        return;
    store_record_free(run->record);
    run->record = NULL;
    room_lose(run);
}

size_t room_loaded(const struct flow *flow)
{
    size_t count = 0;

    for (size_t i = 0; i < flow->plan->pipeline_count; i++)
        count += flow->rooms[i].loaded_count;
    return count;
}

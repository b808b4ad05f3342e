/* Room in memory: records are loaded when they can move, at most so many at once; the journal holds the rest. */
#include "flow/room.h"

#include "flow/state.h"

static void load(struct flow *flow, struct run *run)
{
    run->state = RUN_LOADING;
    flow->loaded_count++;
    flow->world.load(flow->world.ctx, run->id, actor_ticket(&run->call.actor));
}

/* Whoever holds a key goes first and needs no room: others in memory may be waiting for that very key. */
void room_give(struct flow *flow)
{
    if (flow->is_stopping || flow->has_failed)
        return;
    for (struct actor *actor = flow->admission.head; actor;) {
        struct actor *next = actor->next;
        struct run *run = (struct run *)actor;
        if (flow->loaded_count < flow->options.in_flight_max || run->lock) {
            queue_remove(actor);
            load(flow, run);
        } else {
            break;
        }
        actor = next;
    }
}

/* Before all others when it holds a lock: they may wait for room that is taken by one who waits for that lock. */
void room_ask(struct flow *flow, struct run *run)
{
    run->state = RUN_ADMISSION;
    if (run->lock)
        queue_add_first(&flow->admission, &run->call.actor);
    else
        queue_add(&flow->admission, &run->call.actor);
    room_give(flow);
}

void room_leave(struct flow *flow, struct run *run)
{
    if (!run->record)
        return;
    store_record_free(run->record);
    run->record = NULL;
    flow->loaded_count--;
}

/* Room in memory: records are loaded when they can move, at most so many at once; the journal holds the rest. Notices have
 * room of their own: what they tell is mostly that the records of the other room cannot move. */
#include "flow/room.h"

#include "flow/state.h"

enum { NOTICES_SHARE = 10 };

void room_init(struct flow *flow)
{
    size_t notices_max = flow->options.in_flight_max / NOTICES_SHARE;

    flow->room.loaded_max = flow->options.in_flight_max;
    flow->notice_room.loaded_max = notices_max ? notices_max : 1;
}

static struct room *room_of(struct flow *flow, const struct run *run)
{
    return run->is_notice ? &flow->notice_room : &flow->room;
}

static void load(struct flow *flow, struct room *room, struct run *run)
{
    run->state = RUN_LOADING;
    room->loaded_count++;
    flow->world.load(flow->world.ctx, run->id, actor_ticket(&run->call.actor));
}

/* Whoever holds a key goes first and needs no room: others in memory may be waiting for that very key. */
static void give(struct flow *flow, struct room *room)
{
    for (struct actor *actor = room->waiting.head; actor;) {
        struct actor *next = actor->next;
        struct run *run = (struct run *)actor;
        if (room->loaded_count >= room->loaded_max && !run->lock)
            break;
        queue_remove(actor);
        load(flow, room, run);
        actor = next;
    }
}

void room_give(struct flow *flow)
{
    if (flow->is_stopping || flow->has_failed)
        return;
    give(flow, &flow->notice_room);
    give(flow, &flow->room);
}

/* Before all others when it holds a lock: they may wait for room that is taken by one who waits for that lock. */
void room_ask(struct flow *flow, struct run *run)
{
    struct room *room = room_of(flow, run);

    run->state = RUN_ADMISSION;
    if (run->lock)
        queue_add_first(&room->waiting, &run->call.actor);
    else
        queue_add(&room->waiting, &run->call.actor);
    room_give(flow);
}

void room_lose(struct flow *flow, const struct run *run)
{
    room_of(flow, run)->loaded_count--;
}

void room_leave(struct flow *flow, struct run *run)
{
    if (!run->record)
        return;
    store_record_free(run->record);
    run->record = NULL;
    room_lose(flow, run);
}

/* Room in memory: records are loaded when they can move, at most so many at once; the journal holds the rest. Notices have
 * room of their own: what they tell is mostly that the records of the other room cannot move. Whoever waits for a service that
 * is down takes no room from those who need another one. */
#include "flow/room.h"

#include "flow/state.h"

/* AWAY: a gate may open earlier than it is known now. */
enum { NOTICES_SHARE = 10, AWAY_MS_MAX = 5 * 60 * 1000 };

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

/* The last who waits at a gate where nobody may enter now makes room for somebody who may have another way. Not all come back
 * at once. */
static bool send_away(struct flow *flow, const struct room *room)
{
    for (size_t i = 0; i < flow->plan->instance_count; i++) {
        const struct gate *gate = &flow->gates[i];
        int64_t shut_ms = gate_shut_ms(flow, gate);
        if (shut_ms < RUN_PARK_MS)
            continue;
        for (struct actor *actor = gate->queue.tail; actor; actor = actor->prev) {
            struct run *run = run_at_gate(actor);
            if (!run || room_of(flow, run) != room)
                continue;
            if (shut_ms > AWAY_MS_MAX)
                shut_ms = AWAY_MS_MAX;
            run_step_back(flow, run, shut_ms + flow_random_up_to(flow, AWAY_MS_MAX / 4));
            return true;
        }
    }
    return false;
}

static bool has_room(struct flow *flow, const struct room *room)
{
    while (room->loaded_count >= room->loaded_max)
        if (!send_away(flow, room))
            return false;
    return true;
}

/* Whoever holds a key goes first and needs no room: others in memory may be waiting for that very key. */
static void give(struct flow *flow, struct room *room)
{
    for (struct actor *actor = room->waiting.head; actor;) {
        struct actor *next = actor->next;
        struct run *run = (struct run *)actor;
        if (!has_room(flow, room) && !run->lock)
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

/* Slots, queues and timers of actors. */
#include "flow/actor.h"

#include <assert.h>
#include <stdlib.h>

void queue_add(struct actor_queue *queue, struct actor *actor)
{
    assert(!actor->queue);
    actor->queue = queue;
    actor->prev = queue->tail;
    actor->next = NULL;
    if (queue->tail)
        queue->tail->next = actor;
    else
        queue->head = actor;
    queue->tail = actor;
    queue->count++;
}

void queue_add_first(struct actor_queue *queue, struct actor *actor)
{
    assert(!actor->queue);
    actor->queue = queue;
    actor->prev = NULL;
    actor->next = queue->head;
    if (queue->head)
        queue->head->prev = actor;
    else
        queue->tail = actor;
    queue->head = actor;
    queue->count++;
}

void queue_remove(struct actor *actor)
{
    struct actor_queue *queue = actor->queue;

    if (!queue)
        return;
    if (actor->prev)
        actor->prev->next = actor->next;
    else
        queue->head = actor->next;
    if (actor->next)
        actor->next->prev = actor->prev;
    else
        queue->tail = actor->prev;
    queue->count--;
    actor->queue = NULL;
    actor->prev = actor->next = NULL;
}

struct actor *queue_take(struct actor_queue *queue)
{
    struct actor *actor = queue->head;

    if (actor)
        queue_remove(actor);
    return actor;
}

static int grow_table(struct actor_table *table)
{
    uint32_t room = table->room ? table->room * 2 : 64;
    struct actor **slots = reallocarray(table->slots, room, sizeof(struct actor *));
    if (slots)
        table->slots = slots;
    uint32_t *generations = reallocarray(table->generations, room, sizeof(uint32_t));
    if (generations)
        table->generations = generations;
    uint32_t *free_slots = reallocarray(table->free_slots, room, sizeof(uint32_t));
    if (free_slots)
        table->free_slots = free_slots;
    struct actor **heap = reallocarray(table->heap, room, sizeof(struct actor *));
    if (heap)
        table->heap = heap;
    if (!slots || !generations || !free_slots || !heap)
        return -1;
    table->room = room;
    table->heap_room = room;
    return 0;
}

int actor_add(struct actor_table *table, struct actor *actor, const struct actor_class *class_)
{
    uint32_t slot = 0;

    if (table->free_count) {
        slot = table->free_slots[--table->free_count];
    } else {
        if (table->count == table->room && grow_table(table) < 0)
            return -1;
        slot = table->count++;
        table->generations[slot] = 0;
    }
    table->slots[slot] = actor;
    actor->class_ = class_;
    actor->slot = slot;
    actor->generation = ++table->generations[slot];
    actor->timer_index = SIZE_MAX;
    actor->has_request = false;
    return 0;
}

void actor_remove(struct actor_table *table, struct actor *actor)
{
    assert(table->slots[actor->slot] == actor);
    queue_remove(actor);
    actor_disarm(table, actor);
    table->slots[actor->slot] = NULL;
    table->free_slots[table->free_count++] = actor->slot;
}

void actor_table_done(struct actor_table *table)
{
    free(table->slots);
    free(table->generations);
    free(table->free_slots);
    free(table->heap);
}

uint64_t actor_ticket(struct actor *actor)
{
    assert(!actor->has_request);
    actor->has_request = true;
    return (uint64_t)actor->generation << 32 | actor->slot;
}

struct actor *actor_answered(struct actor_table *table, uint64_t ticket)
{
    uint32_t slot = (uint32_t)(ticket & UINT32_MAX);
    uint32_t generation = (uint32_t)(ticket >> 32);

    if (slot >= table->count || !table->slots[slot] || table->slots[slot]->generation != generation)
        return NULL;
    struct actor *actor = table->slots[slot];
    assert(actor->has_request);
    actor->has_request = false;
    return actor;
}

static bool is_before(const struct actor *a, const struct actor *b)
{
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->slot < b->slot;
}

static void place(struct actor_table *table, size_t index, struct actor *actor)
{
    table->heap[index] = actor;
    actor->timer_index = index;
}

static void sift_up(struct actor_table *table, size_t index)
{
    struct actor *actor = table->heap[index];

    while (index > 0) {
        size_t parent = (index - 1) / 2;
        if (!is_before(actor, table->heap[parent]))
            break;
        place(table, index, table->heap[parent]);
        index = parent;
    }
    place(table, index, actor);
}

static void sift_down(struct actor_table *table, size_t index)
{
    struct actor *actor = table->heap[index];

    for (;;) {
        size_t child = index * 2 + 1;
        if (child >= table->heap_count)
            break;
        if (child + 1 < table->heap_count && is_before(table->heap[child + 1], table->heap[child]))
            child++;
        if (!is_before(table->heap[child], actor))
            break;
        place(table, index, table->heap[child]);
        index = child;
    }
    place(table, index, actor);
}

void actor_arm(struct actor_table *table, struct actor *actor, int64_t due_ms)
{
    actor_disarm(table, actor);
    /* One timer an actor: the heap has as much room as the slots. */
    assert(table->heap_count < table->heap_room);
    actor->due_ms = due_ms;
    table->heap[table->heap_count++] = actor;
    sift_up(table, table->heap_count - 1);
}

void actor_disarm(struct actor_table *table, struct actor *actor)
{
    size_t index = actor->timer_index;

    if (index == SIZE_MAX)
        return;
    actor->timer_index = SIZE_MAX;
    struct actor *last = table->heap[--table->heap_count];
    if (last == actor)
        return;
    place(table, index, last);
    sift_up(table, index);
    sift_down(table, last->timer_index);
}

int64_t actor_next_due(const struct actor_table *table)
{
    return table->heap_count ? table->heap[0]->due_ms : INT64_MAX;
}

struct actor *actor_take_due(struct actor_table *table, int64_t now_ms)
{
    if (!table->heap_count || table->heap[0]->due_ms > now_ms)
        return NULL;
    struct actor *actor = table->heap[0];
    actor_disarm(table, actor);
    return actor;
}

/* What moves in a flow: records, pollers, token refreshes and gates are all actors. An actor has at most one
 * request open at the world, waits in at most one queue, and has at most one timer. */
#ifndef FLOW_ACTOR_H
#define FLOW_ACTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flow;
struct actor;
struct actor_queue;

struct actor_class {
    const char *name;
    void (*on_timer)(struct flow *flow, struct actor *actor);
    /* Its turn in a queue has come: it was taken off. */
    void (*on_turn)(struct flow *flow, struct actor *actor);
};

struct actor {
    const struct actor_class *class_;
    uint32_t slot;       /* index in the table, stable for its life */
    uint32_t generation; /* of the slot: a late answer to a dead actor is recognised */
    bool has_request;    /* a ticket is open */

    int64_t due_ms; /* monotonic; valid while timer_index != SIZE_MAX */
    size_t timer_index;

    struct actor_queue *queue; /* NULL: in none */
    struct actor *prev, *next;
};

/* First in, first out. Zeroed is empty. */
struct actor_queue {
    struct actor *head, *tail;
    size_t count;
};
void queue_add(struct actor_queue *queue, struct actor *actor);
void queue_add_first(struct actor_queue *queue, struct actor *actor);
void queue_remove(struct actor *actor);              /* no-op when it is in none */
struct actor *queue_take(struct actor_queue *queue); /* NULL when empty */

struct actor_table {
    struct actor **slots;
    uint32_t *generations;
    uint32_t *free_slots;
    uint32_t count, room, free_count;
    struct actor **heap; /* by due_ms, then slot: the order is the same in every run */
    size_t heap_count, heap_room;
};
/* 0, or -1 when out of memory. */
int actor_add(struct actor_table *table, struct actor *actor, const struct actor_class *class_);
/* Takes it out of its queue, timer and slot. Does not free it. */
void actor_remove(struct actor_table *table, struct actor *actor);
void actor_table_done(struct actor_table *table);

uint64_t actor_ticket(struct actor *actor); /* marks the request open */
/* The actor of an answer, its request closed; NULL when it is gone. */
struct actor *actor_answered(struct actor_table *table, uint64_t ticket);

void actor_arm(struct actor_table *table, struct actor *actor, int64_t due_ms);
void actor_disarm(struct actor_table *table, struct actor *actor);
int64_t actor_next_due(const struct actor_table *table); /* INT64_MAX: none */
/* Takes the first timer that is due at `now_ms`; NULL: none. */
struct actor *actor_take_due(struct actor_table *table, int64_t now_ms);

#endif

/* Locks over spans of steps, by (instance, key): who holds one is alone with that phone number or that
 * customer. The lock lives in memory; what must survive is the open intent, whose key is taken again at start
 * before anybody else. What rests is forgotten by a restart. */
#ifndef FLOW_KEYS_H
#define FLOW_KEYS_H

#include "flow/actor.h"

struct flow;

struct key_lock {
    struct actor rest;    /* first; the holder while it rests */
    const char *instance; /* owned */
    const char *name;     /* owned */
    struct actor *holder;
    struct actor_queue waiting;
    struct key_lock *next; /* in its bucket */
};

struct keys {
    struct key_lock **buckets;
    size_t bucket_count, count;
};

int keys_init(struct keys *keys);
void keys_done(struct keys *keys);

/* Gives the lock to `actor` and returns true; or queues `actor`, which gets its turn when the lock was handed
 * to it (then keys_holds is true). NULL in *ret_lock: out of memory, nothing was done. */
bool keys_acquire(struct keys *keys, const char *instance, const char *name, struct actor *actor,
                  struct key_lock **ret_lock);
/* Hands it to the first who waits, or forgets it. */
void keys_release(struct flow *flow, struct keys *keys, struct key_lock *lock);
/* The same, but only after `ms`: what its holder may have made is not shown before. */
void keys_rest(struct flow *flow, struct key_lock *lock, int64_t ms);

#endif

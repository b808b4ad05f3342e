/* Locks over spans of steps, by (instance, key): who holds one is alone with that phone number or that
 * customer. The lock lives in memory; what must survive is the intent that is not settled, whose key is taken again at start
 * before anybody else: by its record, or, when that has ended, by the lock itself, which rests. */
#ifndef FLOW_KEYS_H
#define FLOW_KEYS_H

#include "flow/actor.h"
#include "store/store.h"

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
/* The same after a restart, for whom nobody may pass. True with NULL in *ret_lock: somebody else has it, and `actor` was not
 * queued; false: out of memory. */
bool keys_take_back(struct keys *keys, const char *instance, const char *name, struct actor *actor,
                    struct key_lock **ret_lock);
/* For a record that comes back with an intent under this key: like keys_acquire(), and one that rests need not rest any more.
 */
bool keys_reclaim(struct flow *flow, const char *instance, const char *name, struct actor *actor,
                  struct key_lock **ret_lock);
/* Hands it to the first who waits, or forgets it. */
void keys_release(struct flow *flow, struct keys *keys, struct key_lock *lock);
/* The same, but only after `ms`: what its holder may have made is not shown before. */
void keys_rest(struct flow *flow, struct key_lock *lock, int64_t ms);
/* After a restart: lets the locks rest that ended records have left, as long as what they may have made is hidden. Must come
 * before anybody who does not yet hold a lock. */
void keys_rest_left(struct flow *flow, const struct store_left_key *left, size_t count);
/* For how long a lock rests at most. */
int64_t keys_rest_ms_max(const struct flow *flow, const char *instance);

#endif

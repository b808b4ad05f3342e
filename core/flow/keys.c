/* Locks by name, first come first served. */
#include "flow/keys.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "flow/state.h"

enum { KEYS_BUCKETS = 1024 };

int keys_init(struct keys *keys)
{
    keys->buckets = calloc(KEYS_BUCKETS, sizeof(*keys->buckets));
    keys->bucket_count = KEYS_BUCKETS;
    keys->count = 0;
    return keys->buckets ? 0 : -1;
}

static void free_lock(struct key_lock *lock)
{
    free((char *)(uintptr_t)lock->instance);
    free((char *)(uintptr_t)lock->name);
    free(lock);
}

void keys_done(struct keys *keys)
{
    for (size_t i = 0; keys->buckets && i < keys->bucket_count; i++) {
        for (struct key_lock *lock = keys->buckets[i]; lock;) {
            struct key_lock *next = lock->next;
            free_lock(lock);
            lock = next;
        }
    }
    free(keys->buckets);
    keys->buckets = NULL;
}

/* FNV-1a over both names. */
static size_t bucket_of(const struct keys *keys, const char *instance, const char *name)
{
    uint64_t hash = UINT64_C(1469598103934665603);

    for (const char *p = instance; *p; p++)
        hash = (hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
    for (const char *p = name; *p; p++)
        hash = (hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
    return (size_t)(hash % keys->bucket_count);
}

static struct key_lock *find(const struct keys *keys, size_t bucket, const char *instance, const char *name)
{
    for (struct key_lock *lock = keys->buckets[bucket]; lock; lock = lock->next)
        if (strcmp(lock->name, name) == 0 && strcmp(lock->instance, instance) == 0)
            return lock;
    return NULL;
}

/* NULL: out of memory. */
static struct key_lock *add(struct keys *keys, size_t bucket, const char *instance, const char *name)
{
    struct key_lock *lock = calloc(1, sizeof(*lock));

    if (!lock)
        return NULL;
    lock->instance = strdup(instance);
    lock->name = strdup(name);
    if (!lock->instance || !lock->name) {
        free_lock(lock);
        return NULL;
    }
    lock->next = keys->buckets[bucket];
    keys->buckets[bucket] = lock;
    keys->count++;
    return lock;
}

bool keys_acquire(struct keys *keys, const char *instance, const char *name, struct actor *actor,
                  struct key_lock **ret_lock)
{
    size_t bucket = bucket_of(keys, instance, name);
    struct key_lock *lock = find(keys, bucket, instance, name);

    *ret_lock = lock;
    if (lock) {
        queue_add(&lock->waiting, actor);
        return false;
    }
    *ret_lock = add(keys, bucket, instance, name);
    if (*ret_lock)
        (*ret_lock)->holder = actor;
    return *ret_lock != NULL;
}

bool keys_take_back(struct keys *keys, const char *instance, const char *name, struct actor *actor,
                    struct key_lock **ret_lock)
{
    size_t bucket = bucket_of(keys, instance, name);

    *ret_lock = NULL;
    if (find(keys, bucket, instance, name))
        return true;
    *ret_lock = add(keys, bucket, instance, name);
    if (*ret_lock)
        (*ret_lock)->holder = actor;
    return *ret_lock != NULL;
}

/* What its owner may have made is looked for before anybody makes anything: the rest has served its purpose. */
bool keys_reclaim(struct flow *flow, const char *instance, const char *name, struct actor *actor,
                  struct key_lock **ret_lock)
{
    struct key_lock *lock = find(&flow->keys, bucket_of(&flow->keys, instance, name), instance, name);

    if (!lock || lock->holder != &lock->rest)
        return keys_acquire(&flow->keys, instance, name, actor, ret_lock);
    actor_remove(&flow->actors, &lock->rest);
    lock->holder = actor;
    *ret_lock = lock;
    return true;
}

static void on_rested(struct flow *flow, struct actor *actor)
{
    struct key_lock *lock = (struct key_lock *)actor;

    actor_remove(&flow->actors, actor);
    keys_release(flow, &flow->keys, lock);
}

static void on_turn(struct flow *flow, struct actor *actor)
{
    (void)flow;
    (void)actor;
    assert(false && "a lock that rests waits in no queue");
}

static const struct actor_class rest_class = { .name = "rest", .on_timer = on_rested, .on_turn = on_turn };

void keys_rest(struct flow *flow, struct key_lock *lock, int64_t ms)
{
    if (actor_add(&flow->actors, &lock->rest, &rest_class) < 0) {
        flow_fail(flow, "out of memory");
        return;
    }
    lock->holder = &lock->rest;
    actor_arm(&flow->actors, &lock->rest, flow_mono_ms(flow) + ms);
}

int64_t keys_rest_ms_max(const struct flow *flow, const char *instance)
{
    for (size_t i = 0; i < flow->plan->instance_count; i++)
        if (strcmp(flow->gates[i].name, instance) == 0)
            return gate_settle_ms_max(&flow->gates[i]);
    return 0;
}

/* Only the wall clock tells how much of the rest is over. One that was set back since must not make it longer than it is. */
void keys_rest_left(struct flow *flow, const struct store_left_key *left, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct key_lock *lock = NULL;
        int64_t rest_ms = keys_rest_ms_max(flow, left[i].instance);
        int64_t over_ms = flow_wall_ms(flow) - left[i].ended_ms;
        int64_t left_ms = over_ms > 0 ? rest_ms - over_ms : rest_ms;

        if (left_ms <= 0)
            continue;
        if (!keys_take_back(&flow->keys, left[i].instance, left[i].key, NULL, &lock))
            flow_fail(flow, "out of memory");
        else if (lock)
            keys_rest(flow, lock, left_ms);
    }
}

void keys_release(struct flow *flow, struct keys *keys, struct key_lock *lock)
{
    struct actor *next = queue_take(&lock->waiting);

    if (next) {
        lock->holder = next;
        flow_ready(flow, next);
        return;
    }
    struct key_lock **link = &keys->buckets[bucket_of(keys, lock->instance, lock->name)];
    while (*link != lock)
        link = &(*link)->next;
    *link = lock->next;
    keys->count--;
    free_lock(lock);
}

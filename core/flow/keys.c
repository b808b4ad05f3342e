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
    lock = calloc(1, sizeof(*lock));
    if (!lock)
        return false;
    lock->instance = strdup(instance);
    lock->name = strdup(name);
    if (!lock->instance || !lock->name) {
        free_lock(lock);
        return false;
    }
    lock->holder = actor;
    lock->next = keys->buckets[bucket];
    keys->buckets[bucket] = lock;
    keys->count++;
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

/* Lists of freed blocks, one a size and thread, in front of malloc. malloc keeps only a few blocks of a size at hand; a
 * document is freed whole, and most of its blocks would go the long way back and forth. */
#include "base/json_memory.h"

#include <jansson.h>
#include <malloc.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

/* glibc hands out blocks of 24, 40, 56, ... bytes. */
enum { STEP = 16, FIRST = 24, CLASSES = 9, LARGEST = FIRST + STEP * (CLASSES - 1), KEPT_MAX = 4096 };

struct block {
    struct block *next;
};

struct cache {
    struct block *head[CLASSES];
    unsigned count[CLASSES];
    int is_registered; /* its end with the thread is arranged */
};

static _Thread_local struct cache cache;
static pthread_key_t at_exit;

static void empty(void *ctx)
{
    struct cache *mine = ctx;

    for (size_t i = 0; i < CLASSES; i++) {
        while (mine->head[i]) {
            struct block *block = mine->head[i];
            mine->head[i] = block->next;
            free(block);
        }
        mine->count[i] = 0;
    }
}

static void *take(size_t size)
{
    size_t class_ = size <= FIRST ? 0 : (size - FIRST + STEP - 1) / STEP;

    if (size > LARGEST || !cache.head[class_])
        return malloc(size);
    struct block *block = cache.head[class_];
    cache.head[class_] = block->next;
    cache.count[class_]--;
    return block;
}

static void give_back(void *data)
{
    size_t size = data ? malloc_usable_size(data) : 0;
    size_t class_ =
        size >= FIRST ? (size - FIRST) / STEP : CLASSES; /* never one that the block is too small for */

    if (class_ >= CLASSES || cache.count[class_] >= KEPT_MAX) {
        free(data);
        return;
    }
    if (!cache.is_registered)
        cache.is_registered = pthread_setspecific(at_exit, &cache) == 0;
    if (!cache.is_registered) {
        free(data);
        return;
    }
    struct block *block = data;
    block->next = cache.head[class_];
    cache.head[class_] = block;
    cache.count[class_]++;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_WATCHED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define IS_WATCHED 1
#endif
#endif
#ifndef IS_WATCHED
#define IS_WATCHED 0
#endif

void json_memory_init(void)
{
    if (!IS_WATCHED && pthread_key_create(&at_exit, empty) == 0)
        json_set_alloc_funcs(take, give_back);
}

/* Memory that is freed together: a chain of blocks, each filled from its start. */
#include "base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BLOCK = 1024, BLOCK_MAX = 64 * 1024 };

struct block {
    struct block *next; /* the older one */
    size_t size, used;  /* bytes behind the header */
    alignas(max_align_t) unsigned char data[];
};

struct arena {
    struct block *blocks; /* the newest first; only it is filled further */
    size_t used, max;
    bool ran_out;
};

struct arena *arena_new(size_t max)
{
    struct arena *arena = calloc(1, sizeof(*arena));

    if (arena)
        arena->max = max;
    return arena;
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    for (struct block *block = arena->blocks; block;) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
    free(arena);
}

void arena_wipe(struct arena *arena)
{
    for (struct block *block = arena ? arena->blocks : NULL; block; block = block->next)
        explicit_bzero(block->data, block->used);
}

/* Blocks double up to a size, so that a small exchange stays small and a large one makes few calls. */
static bool add_block(struct arena *arena, size_t need)
{
    size_t size = arena->blocks ? arena->blocks->size * 2 : FIRST_BLOCK;

    if (size > BLOCK_MAX)
        size = BLOCK_MAX;
    if (size < need)
        size = need;
    struct block *block = calloc(1, sizeof(*block) + size);
    if (!block) {
        arena->ran_out = true;
        return false;
    }
    block->size = size;
    block->next = arena->blocks;
    arena->blocks = block;
    return true;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    const size_t align = alignof(max_align_t);

    if (size > arena->max || arena->max > SIZE_MAX / 2)
        return NULL;
    size_t rounded = ((size ? size : 1) + align - 1) / align * align;
    if (rounded > arena->max - arena->used)
        return NULL;

    struct block *block = arena->blocks;
    if (!block || rounded > block->size - block->used) {
        if (!add_block(arena, rounded))
            return NULL;
        block = arena->blocks;
    }
    void *memory = block->data + block->used;
    block->used += rounded;
    arena->used += rounded;
    assert(block->used <= block->size);
    return memory;
}

char *arena_strndup(struct arena *arena, const char *text, size_t size)
{
    if (!text || size == SIZE_MAX)
        return NULL;
    size_t length = strnlen(text, size);
    char *copy = arena_alloc(arena, length + 1);
    if (copy)
        memcpy(copy, text, length);
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return text ? arena_strndup(arena, text, strlen(text)) : NULL;
}

/* Written where the next piece of memory begins, which then needs no second writing if it was large enough. */
char *arena_vprintf(struct arena *arena, const char *fmt, va_list args)
{
    struct block *block = arena->blocks;
    char *room = block ? (char *)block->data + block->used : NULL;
    size_t left = block ? block->size - block->used : 0;
    va_list again;

    va_copy(again, args);
    int size = vsnprintf(room, left, fmt, args);
    char *text = size < 0 ? NULL : arena_alloc(arena, (size_t)size + 1);
    if (room && text != room)
        memset(room, 0, left); /* arenas promise zeros */
    if (text && text != room)
        (void)vsnprintf(text, (size_t)size + 1, fmt, again); /* measured above */
    va_end(again);
    return text;
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    char *text = arena_vprintf(arena, fmt, args);
    va_end(args);
    return text;
}

bool arena_ran_out(const struct arena *arena)
{
    return arena->ran_out;
}

size_t arena_used(const struct arena *arena)
{
    return arena->used;
}

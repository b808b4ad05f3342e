/* Runs by the id of their record. */
#include "flow/run_index.h"

#include <stdlib.h>

#include "flow/run.h"

enum { CAPACITY_FIRST = 64 };

/* Ids count up: multiplying spreads them, so that neighbours do not share a neighbourhood. */
static size_t home_of(const struct run_index *index, int64_t id)
{
    return (size_t)((uint64_t)id * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (index->capacity - 1);
}

static size_t next_of(const struct run_index *index, size_t slot)
{
    return (slot + 1) & (index->capacity - 1);
}

/* Where the id is, or the free slot where it would be. There is always a free one. */
static size_t slot_of(const struct run_index *index, int64_t id)
{
    size_t slot = home_of(index, id);

    while (index->slots[slot] && index->slots[slot]->id != id)
        slot = next_of(index, slot);
    return slot;
}

static int grow(struct run_index *index)
{
    struct run_index grown = { .capacity = index->capacity ? index->capacity * 2 : CAPACITY_FIRST,
                               .count = index->count };

    grown.slots = calloc(grown.capacity, sizeof(struct run *));
    if (!grown.slots)
        return -1;
    for (size_t i = 0; i < index->capacity; i++)
        if (index->slots[i])
            grown.slots[slot_of(&grown, index->slots[i]->id)] = index->slots[i];
    free(index->slots);
    *index = grown;
    return 0;
}

int run_index_add(struct run_index *index, struct run *run)
{
    if ((index->count + 1) * 2 > index->capacity && grow(index) < 0)
        return -1;
    index->slots[slot_of(index, run->id)] = run;
    index->count++;
    return 0;
}

struct run *run_index_find(const struct run_index *index, int64_t id)
{
    return index->capacity ? index->slots[slot_of(index, id)] : NULL;
}

void run_index_remove(struct run_index *index, const struct run *run)
{
    if (!index->capacity)
        return;
    size_t hole = slot_of(index, run->id);
    if (index->slots[hole] != run)
        return;
    /* Whoever stands behind the hole, and is not at home before it, closes up; so that no search ends too early. */
    for (size_t slot = next_of(index, hole); index->slots[slot]; slot = next_of(index, slot)) {
        size_t home = home_of(index, index->slots[slot]->id);
        size_t from_home = (slot - home) & (index->capacity - 1),
               from_hole = (slot - hole) & (index->capacity - 1);
        if (from_home < from_hole)
            continue;
        index->slots[hole] = index->slots[slot];
        hole = slot;
    }
    index->slots[hole] = NULL;
    index->count--;
}

void run_index_done(struct run_index *index)
{
    free(index->slots);
    *index = (struct run_index){ .slots = NULL };
}

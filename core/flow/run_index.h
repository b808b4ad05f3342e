/* Runs by the id of their record: for what comes from outside. A table with open addressing. */
#ifndef FLOW_RUN_INDEX_H
#define FLOW_RUN_INDEX_H

#include <stddef.h>
#include <stdint.h>

struct run;

struct run_index {
    struct run **slots; /* owned; NULL: free */
    size_t capacity;    /* 0, or a power of two at least twice as large as count */
    size_t count;
};

/* Borrows `run` until it is removed; its id must not be in the index, and must not change. -1: out of memory. */
int run_index_add(struct run_index *index, struct run *run);
/* NULL when there is none. */
struct run *run_index_find(const struct run_index *index, int64_t id);
/* A run that is not in the index is no failure. */
void run_index_remove(struct run_index *index, const struct run *run);
void run_index_done(struct run_index *index);

#endif

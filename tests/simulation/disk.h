/* The disk of the simulated machine: files in memory, each with what is written and what is durable. What was not synced
 * may be lost, whole or by sectors, when the machine dies. A disk outlives the engine's deaths. */
#ifndef TESTS_SIMULATION_DISK_H
#define TESTS_SIMULATION_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "simulation/chance.h"

struct disk;
struct disk_file;

/* The disk asks its world whether something goes wrong. */
struct disk_world {
    void *ctx;
    bool (*write_fails)(void *ctx); /* the disk is full */
    bool (*sync_fails)(void *ctx);
};

struct disk *disk_new(const struct disk_world *world);
void disk_free(struct disk *disk); /* NULL allowed */

/* NULL when there is none of that name and `is_made` is false. Files stay valid until the disk is freed. */
struct disk_file *disk_open(struct disk *disk, const char *name, bool is_made);
/* Its name is durable from now on: its folder was synced. */
void disk_sync_name(struct disk_file *file);
bool disk_has(struct disk *disk, const char *name);
/* Copies what is there; gives how much. */
size_t disk_read(const struct disk_file *file, uint64_t at, void *room, size_t size);
uint64_t disk_size(const struct disk_file *file);
/* False: the disk is full, nothing was written. */
bool disk_write(struct disk_file *file, uint64_t at, const void *data, size_t size);
void disk_truncate(struct disk_file *file, uint64_t size);
/* False: nobody knows what of it is durable now; the next loss of power decides. */
bool disk_sync(struct disk_file *file);
/* `is_synced`: its folder is synced too, so that it does not come back. */
void disk_remove(struct disk *disk, const char *name, bool is_synced);
/* A whole file, synced with its folder. */
void disk_put(struct disk *disk, const char *name, const void *data, size_t size);
/* The content, borrowed until the file changes; NULL when there is none of that name. */
const unsigned char *disk_content(struct disk *disk, const char *name, size_t *ret_size);

/* The name of a file that is there and holds the text, borrowed; NULL when none does. */
const char *disk_file_with(const struct disk *disk, const char *text);

enum disk_loss {
    DISK_KEPT, /* only the process died: the system writes what it has */
    DISK_LOST, /* the power went: what was not synced is gone */
    DISK_TORN  /* the power went while it was written: some sectors are there, some are not */
};
/* While it is frozen, nothing changes: writes and syncs fail. What a process that is gone cannot do. */
void disk_freeze(struct disk *disk, bool is_frozen);
void disk_crash(struct disk *disk, enum disk_loss loss, struct chance *chance);

/* The durable bytes of one file, malloc'ed, for a backup; NULL when there is none. */
void *disk_copy(struct disk *disk, const char *name, size_t *ret_size);

#endif

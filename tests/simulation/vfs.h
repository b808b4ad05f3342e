/* SQLite's way to the simulated disk: a VFS without shared memory, so that the journal is held exclusively. */
#ifndef TESTS_SIMULATION_VFS_H
#define TESTS_SIMULATION_VFS_H

#include "simulation/disk.h"

struct sim_vfs;

/* Once, before the first: SQLite without locks and counters, which one thread does not need. */
void vfs_prepare(void);
/* Registers a VFS over `disk` (borrowed), with time and chance of the world. */
struct sim_vfs *vfs_new(struct disk *disk, uint64_t seed, int64_t (*now_ms)(void *ctx), void *ctx);
void vfs_free(struct sim_vfs *vfs); /* NULL allowed */
const char *vfs_name(const struct sim_vfs *vfs);

#endif

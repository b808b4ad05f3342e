/* The struct behind struct world, for the files that make the world. */
#ifndef TESTS_SIMULATION_WORLD_INNER_H
#define TESTS_SIMULATION_WORLD_INNER_H

#include <stdio.h>

#include "base/digest.h"
#include "simulation/engine.h"
#include "simulation/events.h"
#include "simulation/ledger.h"
#include "simulation/net.h"
#include "simulation/run.h"
#include "simulation/vfs.h"
#include "simulation/world.h"

struct sim_backup;

struct world {
    struct scenario scenario;
    const struct run_options *options; /* borrowed */
    struct sim_hooks hooks;
    struct sim_events events;
    int64_t now_ms;

    struct chance faults[SIM_FAULT_COUNT];
    struct chance jitter;  /* what flow draws */
    struct chance latency; /* of disk and work */
    struct chance death;   /* what is left of the disk, how long it takes to start again */

    struct disk *disk;
    struct sim_vfs *vfs;
    int64_t disk_full_until_ms;
    struct sim_engine engine;
    struct net net;
    struct ledger ledger;
    struct sim_backup *backup; /* owned; NULL: none was made */
    int64_t restored_ms;
    size_t mappings; /* how often the mapping file was written */
    bool is_patient; /* the disk does not fail just now */

    struct sim_totals totals;
    size_t violations;
    char violation[160], violation_text[400]; /* the first one */
    struct digest *digest;                    /* owned */
    struct log *log;                          /* NULL: none */
};

/* Plans an event of the engine's present life. */
void world_plan(struct world *world, int64_t at_ms, sim_event_fn fn, void *ctx, sim_event_fn drop);

/* The restored backup (backup.c). */
void backup_take(struct world *world);
/* Puts the backup in the place of the journal and marks it, as `switchboard restore` does. False: there is none. */
bool backup_restore(struct world *world);
void backup_free(struct sim_backup *backup);

#endif

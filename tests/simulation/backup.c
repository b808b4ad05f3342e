/* A backup of the journal, and its return: what is done by hand with `switchboard backup` and `restore`. */
#include <stdlib.h>

#include "simulation/memory.h"
#include "simulation/world_inner.h"
#include "store/sqlite_restore.h"

static const char *const names[] = { "/sim/journal.db", "/sim/journal.db-wal" };
enum { NAME_COUNT = 2 };

struct sim_backup {
    int64_t at_ms;
    struct {
        void *bytes; /* owned; NULL: the file was not there */
        size_t size;
    } files[NAME_COUNT];
};

void backup_free(struct sim_backup *backup)
{
    if (!backup)
        return;
    for (int i = 0; i < NAME_COUNT; i++)
        free(backup->files[i].bytes);
    free(backup);
}

/* What is durable of both files is a journal at its last commit. */
void backup_take(struct world *world)
{
    struct sim_backup *backup = sim_new(sizeof(*backup));

    backup->at_ms = world->now_ms;
    for (int i = 0; i < NAME_COUNT; i++)
        backup->files[i].bytes = disk_copy(world->disk, names[i], &backup->files[i].size);
    backup_free(world->backup);
    world->backup = backup;
    world_trace(world, "backup made");
}

/* Marks the copy in an engine's place, as store_restore() does with a file. */
static void mark(struct world *world)
{
    const struct store_options options = { .data_dir = "/sim",
                                           .skip_check = true,
                                           .vfs = vfs_name(world->vfs) };
    struct store *store = NULL;
    struct sb_error err = SB_ERROR_INIT;
    int64_t now_ms = world->now_ms; /* whoever puts a backup in place looks at the clock before */

    if (store_open(&options, &store, &err) < 0 || restore_mark(store, now_ms, &err) < 0)
        sim_die("cannot restore: %s", err.text);
    store_close(store);
}

bool backup_restore(struct world *world)
{
    struct sim_backup *backup = world->backup;

    if (!backup || !backup->files[0].bytes)
        return false;
    world_trace(world, "RESTORED the backup of %lld s ago",
                (long long)(world->now_ms - backup->at_ms) / 1000);
    /* The disk itself works while a person is at it. */
    world->is_patient = true;
    for (int i = 0; i < NAME_COUNT; i++) {
        if (backup->files[i].bytes)
            disk_put(world->disk, names[i], backup->files[i].bytes, backup->files[i].size);
        else
            disk_remove(world->disk, names[i], /* is_synced= */ true);
    }
    ledger_forget(&world->ledger);
    mark(world);
    world->is_patient = false;
    world->restored_ms = world->now_ms;
    world->totals.restores++;
    return true;
}

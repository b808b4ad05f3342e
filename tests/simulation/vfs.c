/* A VFS of version 1 over the simulated disk. What it says of itself is what SQLite says of a local disk on Linux. */
#include "simulation/vfs.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulation/memory.h"

enum { SECTOR_SIZE = 4096, PATH_MAX_SIZE = 512, LOOKASIDE_SIZE = 1200, LOOKASIDE_COUNT = 200 };

struct sim_vfs {
    sqlite3_vfs base;
    char name[40];
    struct disk *disk;
    struct chance chance;
    int64_t (*now_ms)(void *ctx);
    void *ctx;
};

struct open_file {
    sqlite3_file base;
    struct sim_vfs *vfs;
    struct disk_file *file;
    char *name; /* owned */
    bool is_deleted_on_close;
};

static struct open_file *opened(sqlite3_file *file)
{
    return (struct open_file *)(void *)file;
}

/* ---- files --------------------------------------------------------------------------------------------- */

static int on_close(sqlite3_file *base)
{
    struct open_file *file = opened(base);

    if (file->is_deleted_on_close)
        disk_remove(file->vfs->disk, file->name, /* is_synced= */ false);
    free(file->name);
    return SQLITE_OK;
}

static int on_read(sqlite3_file *base, void *room, int size, sqlite3_int64 at)
{
    size_t got = disk_read(opened(base)->file, (uint64_t)at, room, (size_t)size);

    if (got == (size_t)size)
        return SQLITE_OK;
    memset((char *)room + got, 0, (size_t)size - got);
    return SQLITE_IOERR_SHORT_READ;
}

static int on_write(sqlite3_file *base, const void *data, int size, sqlite3_int64 at)
{
    return disk_write(opened(base)->file, (uint64_t)at, data, (size_t)size) ? SQLITE_OK : SQLITE_FULL;
}

static int on_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    disk_truncate(opened(base)->file, (uint64_t)size);
    return SQLITE_OK;
}

static int on_sync(sqlite3_file *base, int flags)
{
    (void)flags;
    return disk_sync(opened(base)->file) ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}

static int on_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
    *ret_size = (sqlite3_int64)disk_size(opened(base)->file);
    return SQLITE_OK;
}

static int on_lock(sqlite3_file *base, int level)
{
    (void)base;
    (void)level;
    return SQLITE_OK; /* the engine has the disk to itself */
}

static int on_check_lock(sqlite3_file *base, int *ret_is_locked)
{
    (void)base;
    *ret_is_locked = 0;
    return SQLITE_OK;
}

static int on_control(sqlite3_file *base, int op, void *arg)
{
    (void)base;
    (void)op;
    (void)arg;
    return SQLITE_NOTFOUND;
}

static int on_sector_size(sqlite3_file *base)
{
    (void)base;
    return SECTOR_SIZE;
}

static int on_characteristics(sqlite3_file *base)
{
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static const sqlite3_io_methods methods = { .iVersion = 1,
                                            .xClose = on_close,
                                            .xRead = on_read,
                                            .xWrite = on_write,
                                            .xTruncate = on_truncate,
                                            .xSync = on_sync,
                                            .xFileSize = on_size,
                                            .xLock = on_lock,
                                            .xUnlock = on_lock,
                                            .xCheckReservedLock = on_check_lock,
                                            .xFileControl = on_control,
                                            .xSectorSize = on_sector_size,
                                            .xDeviceCharacteristics = on_characteristics };

/* ---- the VFS ------------------------------------------------------------------------------------------- */

static struct sim_vfs *vfs_of(sqlite3_vfs *base)
{
    return base->pAppData;
}

static int on_open(sqlite3_vfs *base, sqlite3_filename name, sqlite3_file *ret_file, int flags,
                   int *ret_flags)
{
    struct sim_vfs *vfs = vfs_of(base);
    struct open_file *file = opened(ret_file);
    char made[40];

    *file = (struct open_file){ .vfs = vfs };
    if (!name) { /* a temporary file of SQLite's own */
        (void)snprintf(made, sizeof(made), "/tmp/%016llx", (unsigned long long)chance_next(&vfs->chance));
        name = made;
    }
    file->file = disk_open(vfs->disk, name, (flags & SQLITE_OPEN_CREATE) != 0);
    if (!file->file)
        return SQLITE_CANTOPEN;
    if (flags &
        SQLITE_OPEN_MAIN_DB) /* core/store makes the journal itself, and syncs its folder, before SQLite opens it */
        disk_sync_name(file->file);
    file->name = sim_copy(name);
    file->is_deleted_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
    file->base.pMethods = &methods;
    if (ret_flags)
        *ret_flags = flags;
    return SQLITE_OK;
}

static int on_delete(sqlite3_vfs *base, const char *name, int is_synced)
{
    if (!disk_has(vfs_of(base)->disk, name))
        return SQLITE_IOERR_DELETE_NOENT;
    disk_remove(vfs_of(base)->disk, name, is_synced != 0);
    return SQLITE_OK;
}

static int on_access(sqlite3_vfs *base, const char *name, int flags, int *ret_is_there)
{
    (void)flags;
    *ret_is_there = disk_has(vfs_of(base)->disk, name);
    return SQLITE_OK;
}

static int on_full_name(sqlite3_vfs *base, const char *name, int size, char *ret_name)
{
    (void)base;
    (void)sqlite3_snprintf(size, ret_name, "%s", name);
    return SQLITE_OK;
}

static int on_random(sqlite3_vfs *base, int size, char *ret_bytes)
{
    for (int i = 0; i < size; i++)
        ret_bytes[i] = (char)chance_below(&vfs_of(base)->chance, 256);
    return size;
}

static int on_sleep(sqlite3_vfs *base, int us)
{
    (void)base;
    return us; /* nobody else holds a lock: there is nothing to wait for */
}

static int on_time(sqlite3_vfs *base, sqlite3_int64 *ret_ms)
{
    static const sqlite3_int64 julian_1970_ms = INT64_C(210866760000000);

    *ret_ms = julian_1970_ms + vfs_of(base)->now_ms(vfs_of(base)->ctx);
    return SQLITE_OK;
}

static int on_old_time(sqlite3_vfs *base, double *ret_days)
{
    sqlite3_int64 ms = 0;

    (void)on_time(base, &ms);
    *ret_days = (double)ms / 86400000.0;
    return SQLITE_OK;
}

static int on_last_error(sqlite3_vfs *base, int size, char *ret_text)
{
    (void)base;
    if (size > 0)
        ret_text[0] = '\0';
    return 0;
}

void vfs_prepare(void)
{
    if (sqlite3_config(SQLITE_CONFIG_SINGLETHREAD) != SQLITE_OK ||
        sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) != SQLITE_OK ||
        sqlite3_config(SQLITE_CONFIG_LOOKASIDE, LOOKASIDE_SIZE, LOOKASIDE_COUNT) != SQLITE_OK)
        sim_die("cannot set SQLite's options");
}

struct sim_vfs *vfs_new(struct disk *disk, uint64_t seed, int64_t (*now_ms)(void *ctx), void *ctx)
{
    struct sim_vfs *vfs = sim_new(sizeof(*vfs));

    vfs->disk = disk;
    vfs->chance = chance_stream(seed, "sqlite");
    vfs->now_ms = now_ms;
    vfs->ctx = ctx;
    (void)snprintf(vfs->name, sizeof(vfs->name), "sim-%p", (void *)vfs);
    vfs->base = (sqlite3_vfs){ .iVersion = 1,
                               .szOsFile = sizeof(struct open_file),
                               .mxPathname = PATH_MAX_SIZE,
                               .zName = vfs->name,
                               .pAppData = vfs,
                               .xOpen = on_open,
                               .xDelete = on_delete,
                               .xAccess = on_access,
                               .xFullPathname = on_full_name,
                               .xRandomness = on_random,
                               .xSleep = on_sleep,
                               .xCurrentTime = on_old_time,
                               .xGetLastError = on_last_error };
    if (sqlite3_vfs_register(&vfs->base, /* makeDflt= */ 0) != SQLITE_OK)
        sim_die("cannot register a VFS");
    return vfs;
}

void vfs_free(struct sim_vfs *vfs)
{
    if (!vfs)
        return;
    (void)sqlite3_vfs_unregister(&vfs->base);
    free(vfs);
}

const char *vfs_name(const struct sim_vfs *vfs)
{
    return vfs->name;
}

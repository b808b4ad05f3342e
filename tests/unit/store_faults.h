/* A disk that fails, or a process that dies, at a chosen write or sync: an SQLite VFS over the real one. It is a
 * version-1 VFS, without shared memory, as the simulation's will be. */
#ifndef TESTS_UNIT_STORE_FAULTS_H
#define TESTS_UNIT_STORE_FAULTS_H

#include <errno.h>
#include <limits.h>

#include "unit/store_raw.h"

enum fault_kind { FAULT_NONE, FAULT_FULL, FAULT_WRITE, FAULT_SYNC, FAULT_READ_ONLY, FAULT_DEATH };

struct faults {
    sqlite3_vfs vfs; /* first */
    sqlite3_vfs *real;
    enum fault_kind kind;
    int after;           /* operations of the kind that still succeed */
    bool main_file_only; /* the journal file itself, not its log */
    bool is_single;      /* the disk works again after one failure */
    bool has_no_wal;     /* says that WAL cannot be had */
    int faults;          /* that happened */
    int writes, syncs;   /* all that were asked for */
};

struct faulty_file {
    sqlite3_file base;
    struct faults *faults;
    bool is_main;
    sqlite3_file *real; /* behind this struct */
};

static inline sqlite3_file *real_file(sqlite3_file *file)
{
    return ((struct faulty_file *)file)->real;
}

/* Whether this operation is the one that fails. Unless it `is_single`, a disk that has failed goes on failing. */
static inline bool strikes(sqlite3_file *file, bool is_sync)
{
    struct faulty_file *faulty = (struct faulty_file *)file;
    struct faults *faults = faulty->faults;
    bool matters = faults->kind == FAULT_DEATH || is_sync == (faults->kind == FAULT_SYNC);

    if (faults->kind == FAULT_NONE || !matters || (faults->main_file_only && !faulty->is_main))
        return false;
    if (faults->after-- > 0)
        return false;
    faults->after = faults->is_single ? INT_MAX : 0;
    faults->faults++;
    return true;
}

static inline int fault_code(const struct faults *faults)
{
    switch (faults->kind) {
    case FAULT_FULL:
        return SQLITE_FULL;
    case FAULT_SYNC:
        errno = EIO;
        return SQLITE_IOERR_FSYNC;
    case FAULT_READ_ONLY:
        errno = EROFS;
        return SQLITE_IOERR_WRITE;
    case FAULT_DEATH:
        _exit(7);
    default:
        errno = EIO;
        return SQLITE_IOERR_WRITE;
    }
}

static inline int faulty_close(sqlite3_file *file)
{
    sqlite3_file *real = real_file(file);

    return real->pMethods ? real->pMethods->xClose(real) : SQLITE_OK;
}

static inline int faulty_read(sqlite3_file *file, void *data, int size, sqlite3_int64 at)
{
    return real_file(file)->pMethods->xRead(real_file(file), data, size, at);
}

static inline int faulty_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 at)
{
    struct faults *faults = ((struct faulty_file *)file)->faults;

    faults->writes++;
    if (strikes(file, false)) {
        /* Half of it arrives, as it may. */
        if (faults->kind == FAULT_DEATH)
            (void)real_file(file)->pMethods->xWrite(real_file(file), data, size / 2, at);
        return fault_code(faults);
    }
    return real_file(file)->pMethods->xWrite(real_file(file), data, size, at);
}

static inline int faulty_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return real_file(file)->pMethods->xTruncate(real_file(file), size);
}

static inline int faulty_sync(sqlite3_file *file, int flags)
{
    struct faults *faults = ((struct faulty_file *)file)->faults;

    faults->syncs++;
    if (strikes(file, true))
        return fault_code(faults);
    return real_file(file)->pMethods->xSync(real_file(file), flags);
}

static inline int faulty_file_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
    return real_file(file)->pMethods->xFileSize(real_file(file), ret_size);
}

static inline int faulty_lock(sqlite3_file *file, int level)
{
    return real_file(file)->pMethods->xLock(real_file(file), level);
}

static inline int faulty_unlock(sqlite3_file *file, int level)
{
    return real_file(file)->pMethods->xUnlock(real_file(file), level);
}

static inline int faulty_check_reserved(sqlite3_file *file, int *ret_is_reserved)
{
    return real_file(file)->pMethods->xCheckReservedLock(real_file(file), ret_is_reserved);
}

static inline int faulty_control(sqlite3_file *file, int op, void *argument)
{
    struct faults *faults = ((struct faulty_file *)file)->faults;

    if (op == SQLITE_FCNTL_PRAGMA && faults->has_no_wal) {
        char **words = argument;
        if (sqlite3_stricmp(words[1], "journal_mode") == 0) {
            words[0] = sqlite3_mprintf("delete");
            return SQLITE_OK;
        }
    }
    return real_file(file)->pMethods->xFileControl(real_file(file), op, argument);
}

static inline int faulty_sector_size(sqlite3_file *file)
{
    return real_file(file)->pMethods->xSectorSize(real_file(file));
}

static inline int faulty_characteristics(sqlite3_file *file)
{
    return real_file(file)->pMethods->xDeviceCharacteristics(real_file(file));
}

static const sqlite3_io_methods faulty_methods = {
    .iVersion = 1,
    .xClose = faulty_close,
    .xRead = faulty_read,
    .xWrite = faulty_write,
    .xTruncate = faulty_truncate,
    .xSync = faulty_sync,
    .xFileSize = faulty_file_size,
    .xLock = faulty_lock,
    .xUnlock = faulty_unlock,
    .xCheckReservedLock = faulty_check_reserved,
    .xFileControl = faulty_control,
    .xSectorSize = faulty_sector_size,
    .xDeviceCharacteristics = faulty_characteristics,
};

static inline int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                              int *ret_flags)
{
    struct faulty_file *faulty = (struct faulty_file *)file;
    struct faults *faults = (struct faults *)vfs;

    faulty->faults = faults;
    faulty->is_main = (flags & SQLITE_OPEN_MAIN_DB) != 0;
    faulty->real = (sqlite3_file *)(faulty + 1);
    faulty->base.pMethods = NULL;
    int rc = faults->real->xOpen(faults->real, name, faulty->real, flags, ret_flags);
    if (rc == SQLITE_OK)
        faulty->base.pMethods = &faulty_methods;
    return rc;
}

static inline int faulty_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    struct faults *faults = (struct faults *)vfs;

    return faults->real->xDelete(faults->real, name, sync_folder);
}

static inline int faulty_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret_result)
{
    struct faults *faults = (struct faults *)vfs;

    return faults->real->xAccess(faults->real, name, flags, ret_result);
}

static inline int faulty_last_error(sqlite3_vfs *vfs, int size, char *text)
{
    (void)vfs;
    (void)size;
    (void)text;
    return errno;
}

/* Under the name "faulty", until faults_remove. Static, because SQLite keeps it when a test fails half way. */
static inline struct faults *faults_install(void)
{
    static struct faults faults;

    (void)sqlite3_vfs_unregister(&faults.vfs); /* of a test that failed */
    faults = (struct faults){ .real = sqlite3_vfs_find(NULL) };
    faults.vfs = *faults.real; /* what is not about files stays as it is: paths, randomness, sleep, clock */
    faults.vfs.iVersion = 1;
    faults.vfs.szOsFile = (int)sizeof(struct faulty_file) + faults.real->szOsFile;
    faults.vfs.pNext = NULL;
    faults.vfs.zName = "faulty";
    faults.vfs.xOpen = faulty_open;
    faults.vfs.xDelete = faulty_delete;
    faults.vfs.xAccess = faulty_access;
    faults.vfs.xGetLastError = faulty_last_error;
    assert_int_equal(SQLITE_OK, sqlite3_vfs_register(&faults.vfs, 0));
    return &faults;
}

static inline void faults_remove(struct faults *faults)
{
    assert_int_equal(SQLITE_OK, sqlite3_vfs_unregister(&faults->vfs));
}

static inline void faults_arm(struct faults *faults, enum fault_kind kind, int after)
{
    faults->kind = kind;
    faults->after = after;
    faults->faults = 0;
}

#endif

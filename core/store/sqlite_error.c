/* SQLite's errors as sentences that say what to do. */
#include <errno.h>
#include <string.h>

#include "store/sqlite_store.h"

static int fail_read_only(const struct store *store, const char *doing, struct sb_error *err)
{
    return sb_fail(
        err, SB_ECONFIG,
        "cannot %s '%s': the disk or the folder is read-only; make it writable, or use another data_dir",
        doing, store->path);
}

static int fail_full(const struct store *store, const char *doing, struct sb_error *err)
{
    return sb_fail(err, SB_ECONFIG,
                   "cannot %s '%s': the disk is full; make room, then start again: nothing that was reported "
                   "as done is lost",
                   doing, store->path);
}

static int fail_io(const struct store *store, const char *doing, int os_error, struct sb_error *err)
{
    if (os_error == EROFS || os_error == EACCES || os_error == EPERM)
        return fail_read_only(store, doing, err);
    if (os_error == ENOSPC || os_error == EDQUOT)
        return fail_full(store, doing, err);
    return sb_fail(err, SB_ECONFIG, "cannot %s '%s': the disk failed (%s, %s); check it, then start again",
                   doing, store->path, sqlite3_errstr(sqlite3_extended_errcode(store->db)),
                   os_error ? strerror(os_error) : "no reason given");
}

static int fail_open(const struct store *store, const char *doing, int os_error, struct sb_error *err)
{
    if (os_error == EROFS || os_error == EACCES || os_error == EPERM)
        return sb_fail(err, SB_ECONFIG, "cannot %s '%s': %s; make it readable and writable for this user",
                       doing, store->path, strerror(os_error));
    return sb_fail(err, SB_ECONFIG, "cannot %s '%s': %s", doing, store->path,
                   os_error ? strerror(os_error) : sqlite3_errmsg(store->db));
}

int sqlite_fail(const struct store *store, const char *doing, struct sb_error *err)
{
    int os_error = sqlite3_system_errno(store->db);

    switch (sqlite3_errcode(store->db)) {
    case SQLITE_FULL:
        return fail_full(store, doing, err);
    case SQLITE_READONLY:
        return fail_read_only(store, doing, err);
    case SQLITE_IOERR:
        if (sqlite3_extended_errcode(store->db) == SQLITE_IOERR_NOMEM)
            return sb_fail(err, SB_ENOMEM, "cannot %s '%s': out of memory", doing, store->path);
        return fail_io(store, doing, os_error, err);
    case SQLITE_CANTOPEN:
        return fail_open(store, doing, os_error, err);
    case SQLITE_NOTADB:
        return sb_fail(
            err, SB_ECONFIG,
            "'%s' is damaged, or no journal at all: it is not an SQLite file; put a backup in its place "
            "with 'switchboard restore FILE'",
            store->path);
    case SQLITE_CORRUPT:
        return sb_fail(err, SB_ECONFIG,
                       "'%s' is damaged: %s; put a backup in its place with 'switchboard restore FILE'",
                       store->path, sqlite3_errmsg(store->db));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return sb_fail(err, SB_EBUSY,
                       "cannot %s '%s': another program holds it; end that program, then start again", doing,
                       store->path);
    case SQLITE_NOMEM:
        return sb_fail(err, SB_ENOMEM, "cannot %s '%s': out of memory", doing, store->path);
    default:
        return sb_fail(err, SB_EINTERNAL, "cannot %s '%s': %s", doing, store->path,
                       sqlite3_errmsg(store->db));
    }
}

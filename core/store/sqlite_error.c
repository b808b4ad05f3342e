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

/* The system's own reason may be lost by the time that it is asked for; this is not. */
static const char *io_word(int code)
{
    switch (code) {
    case SQLITE_IOERR_WRITE:
        return "to write";
    case SQLITE_IOERR_FSYNC:
    case SQLITE_IOERR_DIR_FSYNC:
        return "to sync";
    case SQLITE_IOERR_READ:
    case SQLITE_IOERR_SHORT_READ:
        return "to read";
    default:
        return "an operation";
    }
}

static int fail_io(const struct store *store, const char *doing, int os_error, struct sb_error *err)
{
    if (os_error == EROFS || os_error == EACCES || os_error == EPERM)
        return fail_read_only(store, doing, err);
    if (os_error == ENOSPC || os_error == EDQUOT)
        return fail_full(store, doing, err);
    return sb_fail(err, SB_ECONFIG, "cannot %s '%s': the disk failed %s%s%s; check it, then start again",
                   doing, store->path, io_word(sqlite3_extended_errcode(store->db)), os_error ? ": " : "",
                   os_error ? strerror(os_error) : "");
}

static int fail_open(const struct store *store, const char *doing, int os_error, struct sb_error *err)
{
    if (os_error == EROFS || os_error == EACCES || os_error == EPERM)
        return sb_fail(err, SB_ECONFIG, "cannot %s '%s': %s; make it readable and writable for this user",
                       doing, store->path, strerror(os_error));
    return sb_fail(err, SB_ECONFIG, "cannot %s '%s': %s", doing, store->path,
                   os_error ? strerror(os_error) : sqlite3_errmsg(store->db));
}

/* SQLite keeps the system's reason, except of a commit: there errno still has it, for what follows a failed write only
 * gives memory back. Anything else that errno may hold is not a reason for a failed write. */
static int system_reason(const struct store *store, int last_errno)
{
    int kept = sqlite3_system_errno(store->db);

    if (kept != 0)
        return kept;
    return last_errno == EROFS || last_errno == ENOSPC || last_errno == EDQUOT || last_errno == EIO
               ? last_errno
               : 0;
}

int sqlite_fail(const struct store *store, const char *doing, struct sb_error *err)
{
    int os_error = system_reason(store, errno);

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

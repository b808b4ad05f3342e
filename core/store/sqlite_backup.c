/* A consistent copy of the journal while others write. */
#include "store/sqlite_backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/scope.h"

enum { STEP_PAGES = 256 }; /* 1 MiB: seldom enough to cost nothing */

static int make_new(const char *path, struct sb_error *err)
{
    AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0 && errno == EEXIST)
        return sb_fail(err, SB_EINPUT, "'%s' exists already; name a new file", path);
    if (fd < 0)
        return sb_fail(err, SB_EINPUT, "cannot make '%s': %s", path, strerror(errno));
    return 0;
}

static int sync_file(const char *path, struct sb_error *err)
{
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || fsync(fd) < 0)
        return sb_fail(err, SB_ECONFIG, "cannot sync '%s': %s", path, strerror(errno));
    return 0;
}

/* Gives the bytes of a page. Within a read transaction this also begins to read, which fixes what is seen. */
static int read_page_size(struct store *source, int64_t *ret_size, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(source, STATEMENT_PAGE_SIZE);

    int rc = query_next(&query, err);
    if (rc < 0)
        return rc;
    *ret_size = rc > 0 ? query_int_at(&query, 0) : 0;
    return 0;
}

/* The bar stands at the whole only once the copy is. */
static int copy_all(const struct store *source, sqlite3_backup *backup, int64_t page_size)
{
    int rc;

    while ((rc = sqlite3_backup_step(backup, STEP_PAGES)) == SQLITE_OK) {
        int64_t whole = sqlite3_backup_pagecount(backup);
        tell_progress(source, STORE_COPYING, (whole - sqlite3_backup_remaining(backup)) * page_size,
                      whole * page_size);
    }
    if (rc == SQLITE_DONE)
        tell_progress(source, STORE_COPYING, sqlite3_backup_pagecount(backup) * page_size,
                      sqlite3_backup_pagecount(backup) * page_size);
    return rc;
}

static int copy_pages(struct store *source, struct store *target, int64_t page_size, struct sb_error *err)
{
    sqlite3_backup *backup = sqlite3_backup_init(target->db, "main", source->db, "main");
    if (!backup)
        return sqlite_fail(target, "write", err);

    int rc = copy_all(source, backup, page_size);
    int finished = sqlite3_backup_finish(backup);
    if (rc == SQLITE_DONE && finished == SQLITE_OK)
        return 0;
    /* The failure of either side is left on the target's connection, but a new file is not damaged. */
    if (sqlite3_errcode(target->db) == SQLITE_CORRUPT)
        return sb_fail(err, SB_ECONFIG,
                       "cannot copy '%s': it is damaged; put an earlier backup in its place with "
                       "'switchboard restore FILE'",
                       source->path);
    return sqlite_fail(target, "write", err);
}

/* In many steps, but under one read transaction: what others commit meanwhile is not in the copy, and does not make it
 * begin anew. (A source that is no reader has nobody who writes beside it.) */
static int copy_at_once(struct store *source, struct store *target, struct sb_error *err)
{
    int64_t page_size = 0;
    int rc = read_begin(source, err);
    if (rc < 0)
        return rc;

    rc = read_page_size(source, &page_size, err);
    if (rc == 0)
        rc = copy_pages(source, target, page_size, err);
    read_end(source);
    return rc;
}

/* The copy becomes one plain file that can be moved about. */
static int copy_into(struct store *source, const char *path, struct sb_error *err)
{
    int rc = 0;
    struct store *target = sqlite_store_new(source->data_dir, path, err);
    if (!target)
        return SB_ENOMEM;

    if (sqlite3_open_v2(target->path, &target->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK)
        rc = target->db ? sqlite_fail(target, "open", err)
                        : sb_fail(err, SB_ENOMEM, "cannot open '%s': out of memory", path);
    if (rc == 0)
        rc = copy_at_once(source, target, err);
    if (rc == 0)
        rc = sqlite_run(target, "PRAGMA journal_mode = DELETE", "write", err);
    store_close(target);
    return rc;
}

int backup_copy(struct store *source, const char *path, struct sb_error *err)
{
    AUTO_STR folder = file_dir(path);
    AUTO_STR helper = sqlite_sidecar(path, "-journal");
    if (!folder || !helper)
        return sb_fail(err, SB_ENOMEM, "cannot write '%s': out of memory", path);

    int rc = make_new(path, err);
    if (rc < 0)
        return rc;
    rc = copy_into(source, path, err);
    if (rc == 0)
        rc = sync_file(path, err);
    if (rc == 0)
        rc = file_sync_dir(folder, err);
    if (rc < 0) {
        (void)unlink(path); /* half a copy is of no use to anybody */
        (void)unlink(helper);
    }
    return rc;
}

/* An absolute path, because names are otherwise taken as relative to data_dir. */
static char *absolute_path(const char *path)
{
    AUTO_STR folder = realpath(".", NULL);
    return folder ? file_join(folder, path) : NULL;
}

int store_backup(struct store *store, const char *path, struct sb_error *err)
{
    struct stat st;
    AUTO_STR whole = absolute_path(path);
    AUTO_STR part = whole ? sqlite_sidecar(whole, ".part") : NULL;
    AUTO_STR folder = whole ? file_dir(whole) : NULL;
    if (!whole || !part || !folder)
        return sb_fail(err, SB_ENOMEM, "cannot write '%s': out of memory", path);

    /* Under another name until it is whole, so that whatever bears the name is a backup. */
    if (lstat(whole, &st) == 0)
        return sb_fail(err, SB_EINPUT, "'%s' exists already; name a new file", path);
    if (lstat(part, &st) == 0)
        return sb_fail(
            err, SB_EINPUT,
            "'%s' is in the way: another backup is under way, or one was interrupted; remove it then", part);
    int rc = backup_copy(store, part, err);
    if (rc < 0)
        return rc;
    if (rename(part, whole) < 0) {
        rc = sb_fail(err, SB_ECONFIG, "cannot name '%s': %s", path, strerror(errno));
        (void)unlink(part); /* the failure above is the one to tell */
        return rc;
    }
    return file_sync_dir(folder, err);
}

/* Restoring a backup. The copy is checked and marked under one name, then given a second name that says "only
 * to be put in place", and only then is the old journal moved away: whatever moment the process dies at, the
 * next start finds either the old journal, or the copy and what is left to do. A start must never see an
 * empty journal, because it would deliver everything a second time. */
#include "store/sqlite_restore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/scope.h"
#include "base/timefmt.h"
#include "store/lock.h"
#include "store/sqlite_backup.h"
#include "store/sqlite_schema.h"

enum { STAMP_MAX = TIME_TEXT_MAX };

/* ---- putting in place ---------------------------------------------------------------------------------- */

/* "20261121T101500.123Z": when the copy was finished, so that a second try uses the same names. */
static void stamp_of(const struct stat *st, char ret_stamp[STAMP_MAX])
{
    char text[TIME_TEXT_MAX];
    size_t size = 0;

    time_format_rfc3339_ms(st->st_mtim.tv_sec * INT64_C(1000) + st->st_mtim.tv_nsec / 1000000, text);
    for (const char *c = text; *c && size < STAMP_MAX - 1; c++)
        if (*c != '-' && *c != ':')
            ret_stamp[size++] = *c;
    ret_stamp[size] = '\0';
}

static int move_away(const char *path, const char *suffix, const char *stamp, struct sb_error *err)
{
    AUTO_STR from = sqlite_sidecar(path, suffix);
    AUTO_BUF to;

    buf_init(&to, strlen(path) + strlen(suffix) + STAMP_MAX + sizeof(".replaced-"));
    buf_printf(&to, "%s.replaced-%s%s", path, stamp, suffix);
    if (!from || to.failed)
        return sb_fail(err, SB_ENOMEM, "cannot restore '%s': out of memory", path);
    if (rename(from, to.data) < 0 && errno != ENOENT)
        return sb_fail(err, SB_ECONFIG, "cannot restore '%s': cannot move '%s' away: %s", path, from,
                       strerror(errno));
    return 0;
}

static int put_in_place(const char *data_dir, const char *path, const char *restored, struct sb_error *err)
{
    struct stat st;
    char stamp[STAMP_MAX];
    AUTO_STR shared = sqlite_sidecar(path, "-shm");

    if (!shared)
        return sb_fail(err, SB_ENOMEM, "cannot restore '%s': out of memory", path);
    if (stat(restored, &st) < 0)
        return sb_fail(err, SB_ECONFIG, "cannot restore '%s': cannot read '%s': %s", path, restored,
                       strerror(errno));
    stamp_of(&st, stamp);

    int rc = move_away(path, "", stamp, err);
    if (rc == 0)
        rc = move_away(path, "-wal", stamp, err); /* commits that were not copied into the old file yet */
    if (rc == 0)
        rc = move_away(path, "-journal", stamp, err);
    if (rc == 0)
        rc = unlink(shared) < 0 && errno != ENOENT
                 ? sb_fail(err, SB_ECONFIG, "cannot restore '%s': cannot remove '%s': %s", path, shared,
                           strerror(errno))
                 : 0;
    if (rc == 0)
        rc = file_sync_dir(data_dir, err); /* a log of the old journal must never be read with the new one */
    if (rc == 0 && rename(restored, path) < 0)
        rc = sb_fail(err, SB_ECONFIG, "cannot restore '%s': %s", path, strerror(errno));
    return rc == 0 ? file_sync_dir(data_dir, err) : rc;
}

int restore_finish(const char *data_dir, const char *path, struct sb_error *err)
{
    struct stat st;
    AUTO_STR restored = sqlite_sidecar(path, ".restored");

    if (!restored)
        return sb_fail(err, SB_ENOMEM, "cannot open '%s': out of memory", path);
    return stat(restored, &st) == 0 ? put_in_place(data_dir, path, restored, err) : 0;
}

/* ---- the copy ------------------------------------------------------------------------------------------ */

static int check_backup(struct store *store, struct sb_error *err)
{
    struct schema_state state;
    int rc = sqlite_connect_reader(store, NULL, err);

    if (rc == 0)
        rc = schema_look(store, &state, err);
    if (rc == 0 && state.is_empty)
        rc = sb_fail(err, SB_ECONFIG, "'%s' is empty", store->path);
    return rc == 0 ? sqlite_quick_check(store, err) : rc;
}

static int64_t size_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? st.st_size : 0; /* only told; whoever opens the file says what is wrong */
}

/* What is wrong with the file is in the text before the semicolon; the advice behind it is for a journal in
 * use. */
static int refuse_backup(const struct sb_error *why, struct sb_error *err)
{
    return sb_fail(err, (enum sb_status)why->status, "cannot restore: %.*s; name another backup",
                   (int)strcspn(why->text, ";"), why->text);
}

static int open_backup(const char *data_dir, const char *path, const struct store_progress *progress,
                       struct store **ret_store, struct sb_error *err)
{
    struct sb_error why = SB_ERROR_INIT;
    struct store *store = sqlite_store_new(data_dir, path, err);
    if (!store)
        return SB_ENOMEM;

    store->is_reader = true;
    if (progress)
        store_tell(store, progress);
    tell_progress(store, STORE_CHECKING, 0, size_of(path));
    int rc = check_backup(store, &why);
    if (rc < 0) {
        store_close(store);
        return refuse_backup(&why, err);
    }
    *ret_store = store;
    return 0;
}

static int put_restored(struct store *store, int64_t now_ms, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_META_PUT);

    query_text(&query, "restored_ms");
    query_int(&query, now_ms);
    return query_run(&query, err);
}

static int doubt_unfinished(struct store *store, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_DOUBT_UNFINISHED);

    return query_run(&query, err);
}

/* What was unfinished when the backup was made may be delivered by now. */
int restore_mark(struct store *store, int64_t now_ms, struct sb_error *err)
{
    struct schema_state state;
    struct sb_error why = SB_ERROR_INIT;
    int rc = schema_look(store, &state, err);

    if (rc == 0)
        rc = schema_migrate(store, state.version, err);
    if (rc == 0)
        rc = write_begin(store, err);
    if (rc < 0)
        return rc;
    rc = doubt_unfinished(store, &why);
    if (rc == 0)
        rc = put_restored(store, now_ms, &why);
    return write_end(store, rc, &why, err);
}

static int check_and_mark(const char *data_dir, const char *copy, int64_t now_ms, struct sb_error *err)
{
    struct store *store = sqlite_store_new(data_dir, copy, err);
    if (!store)
        return SB_ENOMEM;

    int rc = sqlite_connect(store, NULL, err);
    if (rc == 0)
        rc = sqlite_run(store, "PRAGMA synchronous = FULL", "open", err);
    if (rc == 0)
        rc = sqlite_quick_check(store, err);
    if (rc == 0)
        rc = restore_mark(store, now_ms, err);
    store_close(store);
    return rc;
}

/* A copy that an earlier restore left half done. */
static void remove_left_over(const char *copy)
{
    static const char *const suffixes[] = { "", "-journal", "-wal", "-shm" };

    for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
        AUTO_STR path = sqlite_sidecar(copy, suffixes[i]);
        if (path)
            (void)unlink(path); /* what cannot be removed is in the way of the copy, which says so */
    }
}

static int make_copy(const char *data_dir, const char *backup, const char *copy, int64_t now_ms,
                     const struct store_progress *progress, struct sb_error *err)
{
    struct store *source = NULL;
    int rc = open_backup(data_dir, backup, progress, &source, err);
    if (rc < 0)
        return rc;

    remove_left_over(copy);
    rc = backup_copy(source, copy, err);
    store_close(source);
    if (rc == 0)
        rc = check_and_mark(data_dir, copy, now_ms, err);
    if (rc < 0)
        remove_left_over(copy);
    return rc;
}

/* ---- the whole ----------------------------------------------------------------------------------------- */

static int restore_owned(const char *data_dir, const char *backup, int64_t now_ms,
                         const struct store_progress *progress, struct sb_error *err)
{
    AUTO_STR path = file_join(data_dir, "journal.db");
    AUTO_STR copy = path ? sqlite_sidecar(path, ".restoring") : NULL;
    AUTO_STR restored = path ? sqlite_sidecar(path, ".restored") : NULL;
    if (!path || !copy || !restored)
        return sb_fail(err, SB_ENOMEM, "cannot restore '%s': out of memory", backup);

    int rc = restore_finish(data_dir, path, err);
    if (rc == 0)
        rc = make_copy(data_dir, backup, copy, now_ms, progress, err);
    if (rc < 0)
        return rc;
    if (rename(copy, restored) < 0)
        return sb_fail(err, SB_ECONFIG, "cannot restore '%s': %s", path, strerror(errno));
    rc = file_sync_dir(data_dir, err);
    return rc == 0 ? put_in_place(data_dir, path, restored, err) : rc;
}

int store_restore(const char *data_dir, const char *path, int64_t now_ms,
                  const struct store_progress *progress, struct sb_error *err)
{
    int lock = -1;
    AUTO_STR backup = realpath(path, NULL);
    if (!backup)
        return sb_fail(err, SB_EINPUT, "cannot read '%s': %s", path, strerror(errno));

    int rc = file_make_dir(data_dir, 0700, err);
    if (rc == 0)
        rc = lock_take(data_dir, &lock, err);
    if (rc == 0)
        rc = restore_owned(data_dir, backup, now_ms, progress, err);
    lock_release(lock);
    return rc;
}

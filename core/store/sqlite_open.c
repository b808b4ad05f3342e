/* Opening the journal: settings that make a commit durable, and a look at whether the file is sound. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/scope.h"
#include "store/lock.h"
#include "store/sqlite_restore.h"
#include "store/sqlite_schema.h"
#include "store/sqlite_store.h"

char *sqlite_sidecar(const char *path, const char *suffix)
{
    AUTO_BUF sidecar;

    buf_init(&sidecar, strlen(path) + strlen(suffix));
    buf_str(&sidecar, path);
    buf_str(&sidecar, suffix);
    return buf_take(&sidecar, NULL);
}

struct store *sqlite_store_new(const char *data_dir, const char *name, struct sb_error *err)
{
    struct store *store = calloc(1, sizeof(*store));

    if (store) {
        store->lock_fd = -1;
        store->checkpoint_at_pages = JOURNAL_CHECKPOINT_PAGES;
        store->data_dir = strdup(data_dir);
        store->path = file_join(data_dir, name);
    }
    if (store && store->data_dir && store->path)
        return store;
    store_close(store);
    (void)sb_fail(err, SB_ENOMEM, "cannot open the journal in '%s': out of memory", data_dir);
    return NULL;
}

void store_tell(struct store *store, const struct store_progress *progress)
{
    store->progress = *progress;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        (void)sqlite3_finalize(store->statements[i]); /* repeats failures that were reported */
    int rc = sqlite3_close(store->db);
    assert(rc == SQLITE_OK); /* anything else is a statement that was left open */
    (void)rc;
    chain_done(&store->chain);
    lock_release(store->lock_fd);
    free(store->path);
    free(store->data_dir);
    free(store);
}

/* ---- settings ------------------------------------------------------------------------------------------ */

static int note_log_size(void *ctx, sqlite3 *db, const char *schema, int pages)
{
    struct store *store = ctx;

    (void)db;
    (void)schema;
    if (pages < store->wal_pages) /* the log has started anew */
        store->checkpoint_at_pages = JOURNAL_CHECKPOINT_PAGES;
    store->wal_pages = pages;
    return SQLITE_OK;
}

static int refuse_mode(const struct store *store, const char *mode, struct sb_error *err)
{
    return sb_fail(err, SB_ECONFIG,
                   "cannot open '%s': its disk offers no shared memory (journal mode '%s' instead of 'wal'); "
                   "use a data_dir on a local disk",
                   store->path, mode ? mode : "none");
}

/* SQLite answers with the mode that it really uses, and that may silently be another one. Only the step behind the answer
 * commits the change to the file's head: without that, what goes to the log would not be read after a loss of power. */
static int set_wal(struct store *store, struct sb_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = 0;

    if (sqlite3_prepare_v2(store->db, "PRAGMA journal_mode = WAL", -1, &stmt, NULL) != SQLITE_OK ||
        sqlite3_step(stmt) != SQLITE_ROW) {
        rc = sqlite_fail(store, "open", err);
    } else {
        const char *mode = (const char *)sqlite3_column_text(stmt, 0);
        if (!mode || strcmp(mode, "wal") != 0)
            rc = refuse_mode(store, mode, err);
        else if (sqlite3_step(stmt) != SQLITE_DONE)
            rc = sqlite_fail(store, "open", err);
    }
    (void)sqlite3_finalize(stmt); /* repeats a failure that was reported above */
    return rc;
}

static int open_file(struct store *store, const char *path, int flags, const char *vfs, struct sb_error *err)
{
    if (sqlite3_open_v2(path, &store->db, flags | SQLITE_OPEN_NOMUTEX, vfs) != SQLITE_OK)
        return store->db ? sqlite_fail(store, "open", err)
                         : sb_fail(err, SB_ENOMEM, "cannot open '%s': out of memory", store->path);
    (void)sqlite3_busy_timeout(store->db, JOURNAL_BUSY_MS);
    return 0;
}

int sqlite_connect(struct store *store, const char *vfs, struct sb_error *err)
{
    int flags = SQLITE_OPEN_READWRITE | (vfs ? SQLITE_OPEN_CREATE : 0);
    int rc = open_file(store, store->path, flags, vfs, err);

    /* A file system without shared memory can have WAL only when one connection has the file for itself, and
     * only when that is said first. */
    if (rc == 0 && vfs)
        rc = sqlite_run(store, "PRAGMA locking_mode = EXCLUSIVE", "open", err);
    return rc;
}

static int make_durable(struct store *store, struct sb_error *err)
{
    char limit[64];

    (void)snprintf(limit, sizeof(limit), "PRAGMA journal_size_limit = %d", JOURNAL_WAL_BYTES_KEPT);
    int rc = set_wal(store, err);
    if (rc == 0)
        rc = sqlite_run(store, "PRAGMA synchronous = FULL", "open", err);
    /* What has expired is overwritten, not just forgotten: transcripts and tokens are personal. */
    if (rc == 0)
        rc = sqlite_run(store, "PRAGMA secure_delete = ON", "open", err);
    if (rc == 0)
        rc = sqlite_run(store, limit, "open", err);
    /* The pages of all conversations in flight: with SQLite's 2 MB they are read again from the log. */
    if (rc == 0)
        rc = sqlite_run(store, "PRAGMA cache_size = -8192", "open", err);
    (void)sqlite3_wal_hook(store->db, note_log_size, store); /* in the place of the automatic checkpoint */
    return rc;
}

int sqlite_quick_check(struct store *store, struct sb_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = 0;

    if (sqlite3_prepare_v2(store->db, "PRAGMA quick_check(1)", -1, &stmt, NULL) != SQLITE_OK ||
        sqlite3_step(stmt) != SQLITE_ROW) {
        rc = sqlite_fail(store, "read", err);
    } else {
        const char *found = (const char *)sqlite3_column_text(stmt, 0);
        if (!found || strcmp(found, "ok") != 0)
            rc = sb_fail(err, SB_ECONFIG,
                         "'%s' is damaged: %.200s; put a backup in its place with 'switchboard restore FILE'",
                         store->path, found ? found : "it cannot be checked");
    }
    (void)sqlite3_finalize(stmt); /* repeats a failure that was reported above */
    return rc;
}

/* ---- the writer ---------------------------------------------------------------------------------------- */

/* Made here, because SQLite would make it readable for others; its helper files copy the mode. A journal that
 * was copied here by hand is closed to others too. */
static int make_file(const char *path, const char *data_dir, struct sb_error *err)
{
    struct stat st;

    if (stat(path, &st) == 0) {
        if (st.st_mode & 077)
            (void)chmod(path, 0600); /* best effort: the folder keeps others out as well */
        return 0;
    }
    AUTO_STR parent = file_join(data_dir, "..");
    AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return sb_fail(err, SB_ECONFIG, "cannot make '%s': %s", path, strerror(errno));
    /* The folder may be as new as the file. Its parent is often somebody else's and may not be opened; that is no
     * reason to stop, but a sync that fails is. */
    struct sb_error why = SB_ERROR_INIT;
    if (parent && file_sync_dir(parent, &why) == SB_EINTERNAL)
        return sb_fail(err, SB_EINTERNAL, "%s", why.text);
    return file_sync_dir(data_dir, err);
}

static int prepare_folder(struct store *store, struct sb_error *err)
{
    int rc = file_make_dir(store->data_dir, 0700, err);

    if (rc == 0)
        rc = lock_take(store->data_dir, &store->lock_fd, err);
    if (rc == 0)
        rc = restore_finish(store->data_dir, store->path, err);
    if (rc == 0)
        rc = make_file(store->path, store->data_dir, err);
    return rc;
}

static int read_restored(struct store *store, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_META_GET);

    query_text(&query, "restored_ms");
    int rc = query_next(&query, err);
    if (rc > 0)
        store->restored_ms = query_int_at(&query, 0);
    return rc < 0 ? rc : 0;
}

static int open_writer(struct store *store, const struct store_options *options, struct sb_error *err)
{
    struct schema_state state = { .version = 0 };
    int rc = options->vfs ? 0 : prepare_folder(store, err);

    if (rc == 0)
        rc = sqlite_connect(store, options->vfs, err);
    if (rc == 0)
        rc = schema_look(store, &state, err);
    if (rc == 0)
        rc = make_durable(store, err);
    if (rc == 0 && !state.is_empty && !options->skip_check)
        rc = sqlite_quick_check(store, err);
    if (rc == 0)
        rc = schema_migrate(store, state.version, err);
    if (rc == 0)
        rc = read_restored(store, err);
    if (rc == 0)
        rc = chain_open(store, err);
    return rc;
}

/* ---- readers ------------------------------------------------------------------------------------------- */

/* "file:" with everything escaped that means something in a URI. NULL when out of memory. */
static char *immutable_uri(const char *path)
{
    AUTO_BUF uri;

    buf_init(&uri, strlen(path) * 3 + sizeof("file:?immutable=1"));
    buf_str(&uri, "file:");
    for (const unsigned char *c = (const unsigned char *)path; *c; c++) {
        if (*c == '/' || *c == '.' || *c == '-' || *c == '_' || (*c >= '0' && *c <= '9') ||
            (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z'))
            buf_char(&uri, (char)*c);
        else
            buf_printf(&uri, "%%%02X", *c);
    }
    buf_str(&uri, "?immutable=1");
    return buf_take(&uri, NULL);
}

/* In a folder that cannot be written there is no writer either, so that the file can be read as it lies
 * there; not when a writer has died and left a log that would have to be copied first. */
static int connect_immutable(struct store *store, const char *vfs, struct sb_error *err)
{
    struct stat st;
    AUTO_STR log = sqlite_sidecar(store->path, "-wal");
    AUTO_STR uri = immutable_uri(store->path);

    if (!uri || !log)
        return sb_fail(err, SB_ENOMEM, "cannot open '%s': out of memory", store->path);
    if (stat(log, &st) == 0 && st.st_size > 0)
        return sb_fail(err, SB_ECONFIG,
                       "cannot read '%s': its folder is read-only, and '%s' is not copied into it yet",
                       store->path, log);
    (void)sqlite3_close(store->db);
    store->db = NULL;
    return open_file(store, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, vfs, err);
}

int sqlite_connect_reader(struct store *store, const char *vfs, struct sb_error *err)
{
    int rc = open_file(store, store->path, SQLITE_OPEN_READONLY, vfs, err);
    if (rc < 0)
        return rc;

    int looked = sqlite3_exec(store->db, "SELECT 1 FROM sqlite_schema", NULL, NULL, NULL);
    if (looked == SQLITE_CANTOPEN || looked == SQLITE_READONLY)
        return connect_immutable(store, vfs, err);
    return looked == SQLITE_OK ? 0 : sqlite_fail(store, "read", err);
}

static int open_reader(struct store *store, const struct store_options *options, struct sb_error *err)
{
    struct stat st;
    struct schema_state state = { .version = 0 };

    store->is_reader = true;
    if (!options->vfs && stat(store->path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR))
        return sb_fail(err, SB_ECONFIG, "there is no journal in '%s' yet; 'switchboard run' makes it",
                       store->data_dir);

    int rc = sqlite_connect_reader(store, options->vfs, err);
    if (rc == 0)
        rc = schema_look(store, &state, err);
    if (rc == 0 && state.version < schema_version())
        rc =
            sb_fail(err, SB_ECONFIG, "'%s' has schema %d, not yet %d; 'switchboard run' brings it up to date",
                    store->path, state.version, schema_version());
    return rc;
}

int store_open(const struct store_options *options, struct store **ret_store, struct sb_error *err)
{
    struct store *store = sqlite_store_new(options->data_dir, "journal.db", err);
    if (!store)
        return SB_ENOMEM;

    int rc = options->is_reader ? open_reader(store, options, err) : open_writer(store, options, err);
    if (rc < 0) {
        store_close(store);
        return rc;
    }
    *ret_store = store;
    return 0;
}

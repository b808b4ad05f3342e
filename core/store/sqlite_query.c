/* Statements that are prepared once and kept, and transactions around them. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "store/sqlite_store.h"

/* For SQLite, beginning and ending a transaction writes nothing; for people it does. */
static bool is_write(enum statement statement, sqlite3_stmt *stmt)
{
    return statement == STATEMENT_BEGIN_WRITE || statement == STATEMENT_COMMIT ||
           (stmt && !sqlite3_stmt_readonly(stmt));
}

struct query query_begin(struct store *store, enum statement statement)
{
    struct query query = { .store = store, .rc = SQLITE_OK };
    sqlite3_stmt **kept = &store->statements[statement];

    if (!*kept)
        query.rc = sqlite3_prepare_v3(store->db, statement_sql(statement), -1, SQLITE_PREPARE_PERSISTENT,
                                      kept, NULL);
    query.stmt = *kept;
    query.doing = is_write(statement, query.stmt) ? "write" : "read";
    return query;
}

void query_end(struct query *query)
{
    if (!query->stmt)
        return;
    (void)sqlite3_reset(query->stmt); /* repeats the failure of the last step, which was reported there */
    (void)sqlite3_clear_bindings(query->stmt);
}

static void note_bind(struct query *query, int rc)
{
    if (query->rc == SQLITE_OK)
        query->rc = rc;
}

void query_int(struct query *query, int64_t value)
{
    query->bound++;
    if (query->stmt)
        note_bind(query, sqlite3_bind_int64(query->stmt, query->bound, value));
}

void query_real(struct query *query, double value)
{
    query->bound++;
    if (query->stmt)
        note_bind(query, sqlite3_bind_double(query->stmt, query->bound, value));
}

void query_text(struct query *query, const char *text)
{
    query->bound++;
    if (query->stmt && text)
        note_bind(query, sqlite3_bind_text(query->stmt, query->bound, text, -1, SQLITE_STATIC));
    else if (query->stmt)
        note_bind(query, sqlite3_bind_null(query->stmt, query->bound));
}

void query_blob(struct query *query, const void *data, size_t size)
{
    query->bound++;
    if (query->stmt)
        note_bind(query, sqlite3_bind_blob64(query->stmt, query->bound, data, size, SQLITE_STATIC));
}

int query_next(struct query *query, struct sb_error *err)
{
    if (query->rc != SQLITE_OK)
        return sqlite_fail(query->store, query->doing, err);
    errno = 0; /* see system_reason in sqlite_error.c */
    switch (sqlite3_step(query->stmt)) {
    case SQLITE_ROW:
        return 1;
    case SQLITE_DONE:
        return 0;
    default:
        return sqlite_fail(query->store, query->doing, err);
    }
}

int query_run(struct query *query, struct sb_error *err)
{
    int rc = query_next(query, err);

    assert(rc <= 0);
    return rc;
}

int64_t query_changed(const struct query *query)
{
    return sqlite3_changes64(query->store->db);
}

int64_t query_int_at(const struct query *query, int column)
{
    return sqlite3_column_int64(query->stmt, column);
}

double query_real_at(const struct query *query, int column)
{
    return sqlite3_column_double(query->stmt, column);
}

const char *query_text_at(const struct query *query, int column)
{
    return (const char *)sqlite3_column_text(query->stmt, column);
}

size_t query_size_at(const struct query *query, int column)
{
    return (size_t)sqlite3_column_bytes(query->stmt, column);
}

bool query_digest_at(const struct query *query, int column, unsigned char ret[DIGEST_SIZE])
{
    const void *data = sqlite3_column_blob(query->stmt, column);

    if (!data || sqlite3_column_bytes(query->stmt, column) != DIGEST_SIZE)
        return false;
    memcpy(ret, data, DIGEST_SIZE);
    return true;
}

/* Without reporting: for ending a transaction that has failed or only read. */
static void run_quietly(struct store *store, enum statement statement)
{
    AUTO_QUERY query = query_begin(store, statement);

    if (query.stmt)
        (void)sqlite3_step(query.stmt);
}

static int run_plainly(struct store *store, enum statement statement, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, statement);

    return query_run(&query, err);
}

static int repeat_failure(const struct store *store, struct sb_error *err)
{
    return sb_fail(err, (enum sb_status)store->failure.status, "%s", store->failure.text);
}

/* What was written until now is in doubt, so nothing may be written after it, and closing must not copy it
 * about. */
static void stop_writing(struct store *store, const struct sb_error *why)
{
    if (store->failure.status != 0)
        return;
    store->failure = *why;
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

const struct sb_error *store_failure(const struct store *store)
{
    return store->failure.status != 0 ? &store->failure : NULL;
}

int write_begin(struct store *store, struct sb_error *err)
{
    assert(!store->is_reader);
    if (store->failure.status != 0)
        return repeat_failure(store, err);

    struct sb_error why = SB_ERROR_INIT;
    int rc = run_plainly(store, STATEMENT_BEGIN_WRITE, &why);
    if (rc < 0) {
        stop_writing(store, &why);
        return repeat_failure(store, err);
    }
    return 0;
}

/* SQLite's own automatic checkpoint hides its failures. A failed sync of the journal file must end the engine
 * like any other, so the checkpoint is made here. A reader in the way is no failure: the rest is copied
 * later. */
static void checkpoint(struct store *store)
{
    int rc = sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

    if (rc != SQLITE_OK && rc != SQLITE_BUSY && rc != SQLITE_LOCKED) {
        struct sb_error why = SB_ERROR_INIT;
        (void)sqlite_fail(store, "write", &why);
        stop_writing(store, &why);
        return;
    }
    /* Usually the next commit starts the log anew, and note_log_size sees it. While a reader prevents that,
     * the log grows; trying again at every commit would only cost syncs. */
    store->checkpoint_at_pages = store->wal_pages + JOURNAL_CHECKPOINT_AGAIN;
}

int write_end(struct store *store, int rc, struct sb_error *why, struct sb_error *err)
{
    if (rc == 0)
        rc = chain_keep(store, why);
    if (rc == 0)
        rc = run_plainly(store, STATEMENT_COMMIT, why);
    chain_end(store, rc == 0);
    if (rc == 0) {
        if (store->wal_pages >= store->checkpoint_at_pages)
            checkpoint(store);
        return 0;
    }
    if (!sqlite3_get_autocommit(store->db))
        run_quietly(store, STATEMENT_ROLLBACK);
    if (rc == SB_EINPUT)
        return sb_fail(err, SB_EINPUT, "%s", why->text);
    stop_writing(store, why);
    return repeat_failure(store, err);
}

int read_begin(struct store *store, struct sb_error *err)
{
    return store->is_reader ? run_plainly(store, STATEMENT_BEGIN_READ, err) : 0;
}

void read_end(struct store *store)
{
    if (store->is_reader && !sqlite3_get_autocommit(store->db))
        run_quietly(store, STATEMENT_COMMIT);
}

int sqlite_run(struct store *store, const char *sql, const char *what, struct sb_error *err)
{
    return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : sqlite_fail(store, what, err);
}

/* What the SQLite files of this folder share: the connection, its kept statements, transactions, the words
 * for what went wrong. One thread at a time. */
#ifndef STORE_SQLITE_STORE_H
#define STORE_SQLITE_STORE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/sqlite_chain.h"
#include "store/sqlite_statements.h"
#include "store/store.h"

enum {
    JOURNAL_BUSY_MS = 10000,          /* how long a foreign program may hold the journal */
    JOURNAL_CHECKPOINT_PAGES = 10000, /* 40 MiB: seldom enough to stay out of the way of p99 */
    JOURNAL_CHECKPOINT_AGAIN = 1000,  /* pages later, when a reader stood in the way */
    JOURNAL_WAL_BYTES_KEPT = 64 << 20 /* a larger write-ahead log is cut when it starts anew */
};

struct store {
    sqlite3 *db;
    char *data_dir, *path; /* owned; path: the journal file */
    int lock_fd;           /* -1: none */
    bool is_reader;
    int wal_pages;                             /* in the write-ahead log after the last commit */
    int checkpoint_at_pages;                   /* when to copy them into the journal file */
    int64_t restored_ms;                       /* when the journal was restored from a backup; 0: never */
    struct chain chain;                        /* over outcomes and intents */
    struct store_progress progress;            /* of long work */
    struct sb_error failure;                   /* the first write that failed; the store writes no more */
    sqlite3_stmt *statements[STATEMENT_COUNT]; /* prepared on first use, kept */
};

/* ---- what went wrong ---- */

/* Words the connection's last error; `doing` is what could not be done: "write", "read", "open". */
int sqlite_fail(const struct store *store, const char *doing, struct sb_error *err);

/* ---- long work ---- */

static inline void tell_progress(const struct store *store, enum store_work work, int64_t done, int64_t whole)
{
    if (store->progress.fn)
        store->progress.fn(store->progress.ctx, work, done, whole);
}

/* ---- one statement ---- */

/* Parameters are bound in order; a failure to bind shows when it runs. Columns are numbered from 0 and stay
 * valid until the next row. Leaving the scope resets the statement, so that no read stays open and holds up
 * checkpoints. */
struct query {
    struct store *store;
    sqlite3_stmt *stmt;
    const char *doing; /* for the error: "read" or "write" */
    int bound;         /* parameters so far */
    int rc;            /* the first failure */
};
struct query query_begin(struct store *store, enum statement statement);
void query_end(struct query *query);
#define AUTO_QUERY __attribute__((cleanup(query_end))) struct query

void query_int(struct query *query, int64_t value);
void query_real(struct query *query, double value);
void query_text(struct query *query, const char *text); /* borrowed until the end; NULL is NULL */
void query_blob(struct query *query, const void *data, size_t size); /* borrowed until the end */
/* 1: a row; 0: no more; negative: failed. */
int query_next(struct query *query, struct sb_error *err) SB_MUST_CHECK;
/* For a statement without rows. */
int query_run(struct query *query, struct sb_error *err) SB_MUST_CHECK;
/* Rows that the last statement changed. */
int64_t query_changed(const struct query *query);

int64_t query_int_at(const struct query *query, int column);
double query_real_at(const struct query *query, int column);
const char *query_text_at(const struct query *query, int column); /* NULL is NULL */
size_t query_size_at(const struct query *query, int column);      /* after query_text_at */
/* Copies a BLOB of exactly the size of a digest. False: it is none. */
bool query_digest_at(const struct query *query, int column, unsigned char ret[DIGEST_SIZE]);

/* ---- transactions ---- */

/* Begins to write, or says why this store writes no more. */
int write_begin(struct store *store, struct sb_error *err) SB_MUST_CHECK;
/* Commits when rc is 0, else rolls back. A failure that is not the caller's own (SB_EINPUT) sticks to the
 * store. */
int write_end(struct store *store, int rc, struct sb_error *why, struct sb_error *err) SB_MUST_CHECK;
/* A reader sees one state of the journal over several statements. Costs nothing for the writer, who is alone.
 */
int read_begin(struct store *store, struct sb_error *err) SB_MUST_CHECK;
void read_end(struct store *store);

/* Runs constant SQL without parameters or rows. */
int sqlite_run(struct store *store, const char *sql, const char *doing, struct sb_error *err) SB_MUST_CHECK;

/* ---- opening ---- */

/* A store without a connection, for `data_dir` and the file `name` in it (or an absolute path). NULL with `err` when out
 * of memory. */
struct store *sqlite_store_new(const char *data_dir, const char *name, struct sb_error *err);
/* The name of a file beside `path`. NULL when out of memory. */
char *sqlite_sidecar(const char *path, const char *suffix);
/* Opens the file for reading and writing with the settings of the journal. */
int sqlite_connect(struct store *store, const char *vfs, struct sb_error *err) SB_MUST_CHECK;
/* Opens the file for reading only, also in a folder that cannot be written. */
int sqlite_connect_reader(struct store *store, const char *vfs, struct sb_error *err) SB_MUST_CHECK;
/* SB_ECONFIG when the file is damaged. */
int sqlite_quick_check(struct store *store, struct sb_error *err) SB_MUST_CHECK;

#endif

/* Looking into a journal behind the store's back, and doing things in a process of its own. */
#ifndef TESTS_UNIT_STORE_RAW_H
#define TESTS_UNIT_STORE_RAW_H

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "unit/store_fixture.h"

/* What turns a journal back into one of an older program. */
#define TO_SCHEMA_2                                                                                          \
    "DROP INDEX record_notice; DROP TABLE chain; DROP TABLE chain_gap; DROP TABLE chain_head; DROP TABLE "   \
    "sweep; DROP TABLE doubled;"                                                                             \
    "DROP TABLE report;"                                                                                     \
    "ALTER TABLE outcome DROP COLUMN link; ALTER TABLE outcome DROP COLUMN value;"                           \
    "ALTER TABLE intent DROP COLUMN settled_ms; ALTER TABLE intent DROP COLUMN made;"                        \
    "ALTER TABLE intent DROP COLUMN adopt; ALTER TABLE intent DROP COLUMN is_forced;"                        \
    "PRAGMA user_version = 2;"
#define TO_SCHEMA_1                                                                                          \
    TO_SCHEMA_2 "DROP INDEX record_ended; DROP INDEX record_incomplete; DROP INDEX file_age;"                \
                "PRAGMA user_version = 1;"

static inline void raw_sql(const char *path, const char *sql)
{
    sqlite3 *db = NULL;

    if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("'%s': %s", sql, sqlite3_errmsg(db));
    (void)sqlite3_close(db);
}

static inline int64_t raw_number(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;

    if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK ||
        sqlite3_step(stmt) != SQLITE_ROW)
        fail_msg("'%s': %s", sql, sqlite3_errmsg(db));
    int64_t number = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_close(db);
    return number;
}

static inline void write_text(const char *path, const char *text, size_t size)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(size, fwrite(text, 1, size, file));
    assert_int_equal(0, fclose(file));
}

static inline bool file_exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

/* -1: there is none. */
static inline int64_t file_size(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

static inline unsigned file_mode(const char *path)
{
    struct stat st;

    if (lstat(path, &st) < 0)
        fail_msg("'%s' is not there", path);
    return st.st_mode & 07777;
}

/* The name of something in the fixture's root; a few at a time. */
static inline const char *in_root(const struct fixture *fixture, const char *name)
{
    static char names[8][256];
    static unsigned next;
    char *path = names[next++ % 8];

    (void)snprintf(path, 256, "%s/%s", fixture->root, name);
    return path;
}

/* Runs `work` in a process of its own and gives what it wrote. It cannot use assertions: they belong to the parent. */
typedef void (*child_fn)(struct fixture *fixture, FILE *out);

enum { CHILD_TEXT_MAX = 4096 };

static inline pid_t start_child(struct fixture *fixture, child_fn work, FILE **ret_in)
{
    int ends[2];

    assert_int_equal(0, pipe(ends));
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(ends[0]);
        FILE *out = fdopen(ends[1], "w");
        work(fixture, out);
        (void)fclose(out);
        _exit(0);
    }
    (void)close(ends[1]);
    *ret_in = fdopen(ends[0], "r");
    return pid;
}

static inline int end_child(pid_t pid, FILE *in, char ret_text[CHILD_TEXT_MAX])
{
    int status = 0;

    size_t size = fread(ret_text, 1, CHILD_TEXT_MAX - 1, in);
    ret_text[size] = '\0';
    (void)fclose(in);
    assert_int_equal(pid, waitpid(pid, &status, 0));
    return status;
}

static inline int run_child(struct fixture *fixture, child_fn work, char ret_text[CHILD_TEXT_MAX])
{
    FILE *in = NULL;
    pid_t pid = start_child(fixture, work, &in);

    return end_child(pid, in, ret_text);
}

/* A file system of its own, seen by this process alone. False: not allowed here. */
static inline bool mount_own(const char *dir, unsigned long flags, const char *data)
{
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", dir, "tmpfs", flags, data) == 0;
}

static inline void assert_says(const char *text, const char *words)
{
    if (!strstr(text, words))
        fail_msg("'%s' is missing in: %s", words, text);
}

#endif

/* Putting a copy of the journal back: what is doubtful then, and what a crash in the middle leaves. */
#include "unit/store_copies.h"

static bool is_doubtful(struct store *store, const char *external_id)
{
    struct store_record *record = load(store, find(store, external_id));

    assert_non_null(record);
    bool doubtful = record->is_doubtful;
    store_record_free(record);
    return doubtful;
}

/* A backup that knows this conversation; gives its path. */
static const char *back_up_and_close(struct fixture *fixture, const char *external_id)
{
    const char *path = in_root(fixture, "copy.db");

    (void)emit_one(fixture->store, external_id);
    backup(fixture->store, path);
    store_close(fixture->store);
    fixture->store = NULL;
    return path;
}

static void emit_at(struct store *store, const char *external_id, int64_t conversation_at_ms)
{
    struct store_change *change = new_change(0);

    add_emit(change, external_id)->conversation_at_ms = conversation_at_ms;
    apply(store, change);
}

static void after_a_restore_what_may_have_been_delivered_is_doubtful(void **state)
{
    struct fixture *fixture = *state;
    const char *path = in_root(fixture, "copy.db");
    static const enum store_state states[] = { STORE_ACTIVE, STORE_DEAD, STORE_DISABLED, STORE_DONE,
                                               STORE_DROPPED };
    static const char *const names[] = { "active", "dead", "disabled", "done", "dropped" };

    for (size_t i = 0; i < COUNT_OF(states); i++)
        end_record(fixture->store, emit_one(fixture->store, names[i]), states[i], NULL, T0);
    backup(fixture->store, path);
    (void)emit_one(fixture->store, "after the backup");
    store_close(fixture->store);
    restore(fixture, path, T0 + 5000);

    fixture->store = open_store(fixture->dir);
    for (int again = 0; again < 2; again++, reopen(fixture)) {
        assert_true(is_doubtful(fixture->store, "active"));
        assert_true(is_doubtful(fixture->store, "dead"));
        assert_true(is_doubtful(fixture->store, "disabled"));
        assert_false(is_doubtful(fixture->store, "done"));
        assert_false(is_doubtful(fixture->store, "dropped"));
        assert_int_equal(T0 + 5000, total(fixture->store, "restored_ms"));
    }
    emit_at(fixture->store, "after the backup", T0);
    emit_at(fixture->store, "in the same moment", T0 + 5000);
    emit_at(fixture->store, "of unknown time", 0);
    emit_at(fixture->store, "after the restore", T0 + 5001);
    assert_true(is_doubtful(fixture->store, "after the backup"));
    assert_true(is_doubtful(fixture->store, "in the same moment"));
    assert_true(is_doubtful(fixture->store, "of unknown time"));
    struct store_change *late = new_change(0);
    add_emit(late, "of unknown time, a month later")->conversation_at_ms = 0;
    late->now_ms = T0 + INT64_C(30) * 24 * 3600 * 1000;
    apply(fixture->store, late);
    assert_false(is_doubtful(fixture->store, "of unknown time, a month later"));
    assert_false(is_doubtful(fixture->store, "after the restore"));
}

static void the_replaced_journal_is_kept_and_can_be_put_back(void **state)
{
    struct fixture *fixture = *state;
    const char *path = in_root(fixture, "copy.db");
    char kept[512];

    (void)emit_one(fixture->store, "before");
    backup(fixture->store, path);
    (void)emit_one(fixture->store, "after");
    store_close(fixture->store);
    restore(fixture, path, T0);
    fixture->store = open_store(fixture->dir);
    assert_int_equal(0, find(fixture->store, "after"));
    store_close(fixture->store);
    fixture->store = NULL;
    assert_int_equal(1, count_files(fixture, "journal.db.replaced-2*T*Z", kept));
    assert_int_equal(0600, file_mode(kept));
    assert_int_equal(1, count_files(fixture, "journal.db", NULL));
    assert_int_equal(0, count_files(fixture, "journal.db.rest*", NULL));

    restore(fixture, kept, T0);
    fixture->store = open_store(fixture->dir);
    assert_true(find(fixture->store, "after") > 0);
    assert_int_equal(2, count_files(fixture, "journal.db.replaced-*Z", NULL));
    assert_true(file_exists(path)); /* the backup is copied, not moved */
}

static void emit_and_die(struct fixture *fixture, FILE *out)
{
    struct store *store = open_store(fixture->dir);

    (void)out;
    (void)emit_one(store, "not yet in the file");
    (void)kill(getpid(), SIGKILL);
}

static void the_log_of_the_replaced_journal_goes_with_it(void **state)
{
    struct fixture *fixture = *state;
    const char *path = back_up_and_close(fixture, "before");
    char text[CHILD_TEXT_MAX];
    char kept[512];

    (void)run_child(fixture, emit_and_die, text);
    assert_true(file_size(in_root(fixture, "var/journal.db-wal")) > 0);
    restore(fixture, path, T0);
    assert_false(file_exists(in_root(fixture, "var/journal.db-wal")));
    fixture->store = open_store(fixture->dir);
    assert_true(find(fixture->store, "before") > 0);
    assert_int_equal(0, find(fixture->store, "not yet in the file"));
    store_close(fixture->store);
    fixture->store = NULL;
    assert_int_equal(1, count_files(fixture, "journal.db.replaced-*Z-wal", NULL));
    assert_int_equal(1, count_files(fixture, "journal.db.replaced-*Z", kept));
    restore(fixture, kept, T0);
    fixture->store = open_store(fixture->dir);
    assert_true(find(fixture->store, "not yet in the file") > 0);
}

static void a_restore_makes_the_first_journal_of_a_folder(void **state)
{
    struct fixture *fixture = *state;
    const char *path = back_up_and_close(fixture, "a");

    (void)snprintf(fixture->dir, sizeof(fixture->dir), "%s/another", fixture->root);
    restore(fixture, path, T0);
    fixture->store = open_store(fixture->dir);
    assert_true(is_doubtful(fixture->store, "a"));
    assert_int_equal(0700, file_mode(fixture->dir));
    assert_int_equal(0600, file_mode(in_root(fixture, "another/journal.db")));
    assert_int_equal(0, count_files(fixture, "journal.db.replaced-*", NULL));
}

static void a_damaged_journal_is_replaced_like_any_other(void **state)
{
    struct fixture *fixture = *state;
    const char *path = back_up_and_close(fixture, "a");

    write_text(fixture->journal, "garbage in the place of a journal", 33);
    restore(fixture, path, T0);
    fixture->store = open_store(fixture->dir);
    assert_true(find(fixture->store, "a") > 0);
    assert_int_equal(1, count_files(fixture, "journal.db.replaced-*Z", NULL));
}

static void a_backup_of_an_older_schema_is_brought_up_to_date(void **state)
{
    struct fixture *fixture = *state;
    const char *path = back_up_and_close(fixture, "a");

    raw_sql(path, TO_SCHEMA_1);
    restore(fixture, path, T0);
    fixture->store = open_reader(fixture->dir);
    assert_true(is_doubtful(fixture->store, "a"));
    assert_int_equal(1, raw_number(path, "PRAGMA user_version")); /* the backup itself is left as it was */
}

static void a_folder_in_use_is_not_restored_into(void **state)
{
    struct fixture *fixture = *state;
    struct sb_error err = SB_ERROR_INIT;
    const char *path = in_root(fixture, "copy.db");

    backup(fixture->store, path);
    assert_int_equal(SB_EBUSY, store_restore(fixture->dir, path, T0, NULL, &err));
    assert_says(err.text, "is in use by process");
    assert_true(emit_one(fixture->store, "a") > 0);
}

/* ---- what is no backup --------------------------------------------------------------------------------- */

static void make_garbage(const char *path, const char *good)
{
    char garbage[5000];

    (void)good;
    memset(garbage, 'g', sizeof(garbage));
    write_text(path, garbage, sizeof(garbage));
}

static void make_empty(const char *path, const char *good)
{
    (void)good;
    write_text(path, "", 0);
}

static void make_foreign(const char *path, const char *good)
{
    (void)good;
    raw_sql(path, "CREATE TABLE t (x)");
}

static void copy_file(const char *from, const char *to)
{
    enum { ALL = 4 << 20 };
    char *content = malloc(ALL);
    FILE *file = fopen(from, "rb");

    assert_non_null(content);
    assert_non_null(file);
    size_t size = fread(content, 1, ALL, file);
    (void)fclose(file);
    write_text(to, content, size);
    free(content);
}

static void make_newer(const char *path, const char *good)
{
    copy_file(good, path);
    raw_sql(path, "PRAGMA user_version = 99");
}

static void make_damaged(const char *path, const char *good)
{
    char noise[8192];
    FILE *file;

    copy_file(good, path);
    memset(noise, 0xa5, sizeof(noise));
    file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(0, fseek(file, 32768, SEEK_SET));
    assert_int_equal(sizeof(noise), fwrite(noise, 1, sizeof(noise), file));
    assert_int_equal(0, fclose(file));
}

static void make_short(const char *path, const char *good)
{
    copy_file(good, path);
    assert_int_equal(0, truncate(path, 5 * 4096 + 100));
}

struct bad_backup {
    const char *name;
    void (*make)(const char *path, const char *good);
    const char *words;
};

static const struct bad_backup bad_backups[] = {
    { "garbage", make_garbage, "not an SQLite file" },
    { "empty", make_empty, "is empty" },
    { "foreign", make_foreign, "another program's SQLite file" },
    { "newer", make_newer, "has schema 99" },
    { "damaged", make_damaged, "is damaged" },
    { "short", make_short, "is damaged" },
    { "missing", NULL, "No such file or directory" },
};

static void what_is_no_sound_backup_is_refused_and_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    char good[128];

    emit_many(fixture->store, 100);
    (void)snprintf(good, sizeof(good), "%s", in_root(fixture, "good.db"));
    backup(fixture->store, good);
    store_close(fixture->store);
    for (size_t i = 0; i < COUNT_OF(bad_backups); i++) {
        struct sb_error err = SB_ERROR_INIT;
        char path[128];
        (void)snprintf(path, sizeof(path), "%s", in_root(fixture, bad_backups[i].name));
        if (bad_backups[i].make)
            bad_backups[i].make(path, good);
        if (store_restore(fixture->dir, path, T0, NULL, &err) == 0)
            fail_msg("%s: restored", bad_backups[i].name);
        assert_says(err.text, bad_backups[i].words);
        assert_null(strstr(err.text, "switchboard restore"));
        fixture->store = open_store(fixture->dir);
        assert_int_equal(100, total(fixture->store, "records.active"));
        assert_int_equal(0, total(fixture->store, "restored_ms"));
        assert_false(is_doubtful(fixture->store, "call7"));
        assert_int_equal(0, count_files(fixture, "journal.db.re*", NULL));
        store_close(fixture->store);
    }
    fixture->store = NULL;
}

/* ---- crashes in the middle ----------------------------------------------------------------------------- */

/* data_dir as a restore leaves it that died after checking its copy: old journal with a log, and the copy. */
static void set_up_interrupted(struct fixture *fixture)
{
    char text[CHILD_TEXT_MAX];
    char copy[128];

    (void)emit_one(fixture->store, "restored");
    (void)snprintf(copy, sizeof(copy), "%s", in_root(fixture, "copy.db"));
    backup(fixture->store, copy);
    (void)emit_one(fixture->store, "old");
    store_close(fixture->store);
    fixture->store = NULL;
    (void)run_child(fixture, emit_and_die, text);
    raw_sql(copy,
            "UPDATE record SET is_doubtful = 1; INSERT INTO meta (name, value) VALUES ('restored_ms', 7)");
    assert_int_equal(0, rename(copy, in_root(fixture, "var/journal.db.restored")));
}

static void assert_finished(struct fixture *fixture)
{
    fixture->store = open_store(fixture->dir);
    assert_true(is_doubtful(fixture->store, "restored"));
    assert_int_equal(0, find(fixture->store, "old"));
    assert_int_equal(0, find(fixture->store, "not yet in the file"));
    assert_int_equal(7, total(fixture->store, "restored_ms"));
    assert_int_equal(0, count_files(fixture, "journal.db.rest*", NULL));
    assert_int_equal(1, count_files(fixture, "journal.db.replaced-*Z", NULL));
    assert_int_equal(1, count_files(fixture, "journal.db.replaced-*Z-wal", NULL));
}

static void a_restore_that_died_before_the_swap_is_finished(void **state)
{
    struct fixture *fixture = *state;

    set_up_interrupted(fixture);
    assert_finished(fixture);
}

/* The name under which the interrupted restore has begun to put the old files away. */
static void stamped(const struct fixture *fixture, const char *suffix, char ret_path[512])
{
    struct stat st;
    struct tm tm;
    char stamp[64];

    assert_int_equal(0, stat(in_root(fixture, "var/journal.db.restored"), &st));
    assert_non_null(gmtime_r(&st.st_mtim.tv_sec, &tm));
    assert_true(strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%S", &tm) > 0);
    (void)snprintf(ret_path, 512, "%s.replaced-%s.%03ldZ%s", fixture->journal, stamp,
                   st.st_mtim.tv_nsec / 1000000, suffix);
}

static void a_restore_that_died_in_the_swap_is_finished(void **state)
{
    struct fixture *fixture = *state;
    char away[512];

    set_up_interrupted(fixture);
    stamped(fixture, "", away);
    assert_int_equal(0, rename(fixture->journal, away));
    assert_finished(fixture);
}

static void a_restore_that_died_after_moving_everything_is_finished(void **state)
{
    struct fixture *fixture = *state;
    char away[512];
    char log_away[512];

    set_up_interrupted(fixture);
    stamped(fixture, "", away);
    stamped(fixture, "-wal", log_away);
    assert_int_equal(0, rename(fixture->journal, away));
    assert_int_equal(0, rename(in_root(fixture, "var/journal.db-wal"), log_away));
    assert_finished(fixture);
}

static void an_interrupted_restore_is_finished_before_the_next_one(void **state)
{
    struct fixture *fixture = *state;
    char copy[128];

    (void)snprintf(copy, sizeof(copy), "%s", in_root(fixture, "empty.db"));
    backup(fixture->store, copy);
    set_up_interrupted(fixture);
    restore(fixture, copy, T0);
    fixture->store = open_store(fixture->dir);
    assert_int_equal(0, total(fixture->store, "records.active"));
    assert_int_equal(2, count_files(fixture, "journal.db.replaced-*Z", NULL));
}

static void a_copy_that_was_not_finished_is_not_used(void **state)
{
    struct fixture *fixture = *state;
    const char *path = in_root(fixture, "copy.db");

    (void)emit_one(fixture->store, "a");
    backup(fixture->store, path);
    write_text(in_root(fixture, "var/journal.db.restoring"), "half", 4);
    write_text(in_root(fixture, "var/journal.db.restoring-journal"), "half", 4);
    reopen(fixture);
    assert_false(is_doubtful(fixture->store, "a"));
    store_close(fixture->store);
    restore(fixture, path, T0);
    fixture->store = open_store(fixture->dir);
    assert_true(is_doubtful(fixture->store, "a"));
    assert_int_equal(0, count_files(fixture, "journal.db.rest*", NULL));
}

int main(void)
{
#define IN_STORE(test) cmocka_unit_test_setup_teardown(test, setup_store, teardown)
    const struct CMUnitTest tests[] = {
        IN_STORE(after_a_restore_what_may_have_been_delivered_is_doubtful),
        IN_STORE(the_replaced_journal_is_kept_and_can_be_put_back),
        IN_STORE(the_log_of_the_replaced_journal_goes_with_it),
        IN_STORE(a_restore_makes_the_first_journal_of_a_folder),
        IN_STORE(a_damaged_journal_is_replaced_like_any_other),
        IN_STORE(a_backup_of_an_older_schema_is_brought_up_to_date),
        IN_STORE(a_folder_in_use_is_not_restored_into),
        IN_STORE(what_is_no_sound_backup_is_refused_and_changes_nothing),
        IN_STORE(a_restore_that_died_before_the_swap_is_finished),
        IN_STORE(a_restore_that_died_in_the_swap_is_finished),
        IN_STORE(a_restore_that_died_after_moving_everything_is_finished),
        IN_STORE(an_interrupted_restore_is_finished_before_the_next_one),
        IN_STORE(a_copy_that_was_not_finished_is_not_used),
    };
#undef IN_STORE
    return cmocka_run_group_tests(tests, NULL, NULL);
}

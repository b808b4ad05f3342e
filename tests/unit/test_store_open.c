/* Opening: modes, the lock, readers, disks that cannot be written, and the write-ahead log. */
#include <signal.h>

#include "unit/store_raw.h"

enum { NOBODY = 65534 };

/* ---- what is made -------------------------------------------------------------------------------------- */

static void everything_is_made_for_the_owner_alone(void **state)
{
    struct fixture *fixture = *state;
    mode_t before = umask(0);

    fixture->store = open_store(fixture->dir);
    (void)emit_one(fixture->store, "a");
    (void)umask(before);
    assert_int_equal(0700, file_mode(fixture->dir));
    assert_int_equal(0600, file_mode(fixture->journal));
    assert_int_equal(0600, file_mode(in_root(fixture, "var/journal.db-wal")));
    assert_int_equal(0600, file_mode(in_root(fixture, "var/journal.db-shm")));
    assert_int_equal(0600, file_mode(in_root(fixture, "var/lock")));
}

static void a_journal_that_others_can_read_is_closed_to_them(void **state)
{
    struct fixture *fixture = *state;

    store_close(open_store(fixture->dir));
    assert_int_equal(0, chmod(fixture->journal, 0664));
    store_close(open_store(fixture->dir));
    assert_int_equal(0600, file_mode(fixture->journal));
}

static void folders_are_made_with_their_parents(void **state)
{
    struct fixture *fixture = *state;

    (void)snprintf(fixture->dir, sizeof(fixture->dir), "%s/a/b/c/", fixture->root);
    fixture->store = open_store(fixture->dir);
    assert_true(file_exists(in_root(fixture, "a/b/c/journal.db")));
}

static void the_journal_is_in_wal_mode_and_closes_to_one_file(void **state)
{
    struct fixture *fixture = *state;

    fixture->store = open_store(fixture->dir);
    (void)emit_one(fixture->store, "a");
    assert_true(file_size(in_root(fixture, "var/journal.db-wal")) > 0);
    store_close(fixture->store);
    fixture->store = NULL;
    assert_false(file_exists(in_root(fixture, "var/journal.db-wal")));
    assert_int_equal(1, raw_number(fixture->journal, "SELECT count(*) FROM record"));
    assert_int_equal(1, raw_number(fixture->journal, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"));
}

/* ---- the lock ------------------------------------------------------------------------------------------ */

static void own_until_told(struct fixture *fixture, FILE *out)
{
    struct store *store = NULL;

    if (store_open(writer_of(fixture), &store, NULL) < 0)
        _exit(9);
    (void)fputs("owned\n", out);
    (void)fflush(out);
    for (;;)
        (void)pause();
}

static void the_owner_is_named_and_its_death_frees_the_folder(void **state)
{
    struct fixture *fixture = *state;
    char text[CHILD_TEXT_MAX];
    char want[128];
    FILE *in = NULL;
    pid_t pid = start_child(fixture, own_until_told, &in);

    assert_non_null(fgets(text, sizeof(text), in));
    (void)snprintf(want, sizeof(want),
                   "var' is in use by process %ld; stop it first, or use another data_dir", (long)pid);
    assert_open_fails(writer_of(fixture), SB_EBUSY, WORDS(want));
    assert_int_equal(0, kill(pid, SIGKILL));
    (void)end_child(pid, in, text);
    fixture->store = open_store(fixture->dir);
}

static void one_process_cannot_own_a_folder_twice(void **state)
{
    struct fixture *fixture = *state;

    fixture->store = open_store(fixture->dir);
    assert_open_fails(writer_of(fixture), SB_EBUSY, WORDS("is in use by process"));
    store_close(fixture->store);
    fixture->store = open_store(fixture->dir);
}

static void an_owner_without_a_number_is_named_as_another_process(void **state)
{
    struct fixture *fixture = *state;

    fixture->store = open_store(fixture->dir);
    write_text(in_root(fixture, "var/lock"), "", 0);
    assert_open_fails(writer_of(fixture), SB_EBUSY, WORDS("is in use by another process"));
}

/* ---- readers ------------------------------------------------------------------------------------------- */

static void a_reader_without_a_journal_says_what_makes_one(void **state)
{
    struct fixture *fixture = *state;

    assert_open_fails(reader_of(fixture), SB_ECONFIG,
                      WORDS("there is no journal in", "'switchboard run' makes it"));
    assert_false(file_exists(fixture->dir));
}

static void a_reader_sees_what_a_running_writer_commits(void **state)
{
    struct fixture *fixture = *state;

    fixture->store = open_store(fixture->dir);
    struct store *reader = open_reader(fixture->dir);
    for (int i = 1; i <= 3; i++) {
        char name[2] = { (char)('a' + i), '\0' };
        int64_t id = emit_one(fixture->store, name);
        assert_int_equal(i, total(reader, "records.active"));
        struct store_record *record = load(reader, id);
        assert_string_equal("+915550100001", json_string_value(json_at(record->sections, "call.from")));
        store_record_free(record);
    }
    store_close(reader);
    (void)emit_one(fixture->store, "z"); /* the reader's leaving has not let go of the writer's locks */
    assert_open_fails(writer_of(fixture), SB_EBUSY, WORDS("is in use by"));
}

static void count_records(struct fixture *fixture, FILE *out)
{
    struct sb_error err = SB_ERROR_INIT;
    struct store *reader = NULL;
    json_t *object = NULL;

    if (store_open(reader_of(fixture), &reader, &err) < 0 || store_totals(reader, &object, &err) < 0) {
        (void)fputs(err.text, out);
    } else {
        (void)fprintf(out, "%lld records", (long long)json_integer_value(json_at(object, "records.active")));
        json_decref(object);
    }
    store_close(reader);
}

static void a_reader_in_another_process_sees_it_too(void **state)
{
    struct fixture *fixture = *state;
    char text[CHILD_TEXT_MAX];

    fixture->store = open_store(fixture->dir);
    (void)emit_one(fixture->store, "a");
    (void)run_child(fixture, count_records, text);
    assert_string_equal("1 records", text);
    (void)emit_one(fixture->store, "b");
    (void)run_child(fixture, count_records, text);
    assert_string_equal("2 records", text);
}

static void a_reader_works_when_no_writer_runs(void **state)
{
    struct fixture *fixture = *state;

    fixture->store = open_store(fixture->dir);
    (void)emit_one(fixture->store, "a");
    store_close(fixture->store);
    fixture->store = open_reader(fixture->dir);
    assert_int_equal(1, total(fixture->store, "records.active"));
    store_close(fixture->store);
    fixture->store = open_store(fixture->dir);
    assert_int_equal(1, total(fixture->store, "records.active"));
}

static void write_and_die(struct fixture *fixture, FILE *out)
{
    struct store *store = open_store(fixture->dir);

    (void)out;
    (void)emit_one(store, "a");
    (void)kill(getpid(), SIGKILL);
}

static void what_a_killed_writer_committed_is_there(void **state)
{
    struct fixture *fixture = *state;
    char text[CHILD_TEXT_MAX];

    int status = run_child(fixture, write_and_die, text);
    assert_true(WIFSIGNALED(status));
    assert_true(file_size(in_root(fixture, "var/journal.db-wal")) > 0);
    fixture->store = open_reader(fixture->dir);
    assert_int_equal(1, total(fixture->store, "records.active"));
    store_close(fixture->store);
    fixture->store = open_store(fixture->dir);
    assert_int_equal(1, total(fixture->store, "records.active"));
}

/* ---- folders that cannot be written -------------------------------------------------------------------- */

/* Root may write anywhere, so that the rest is done as nobody. */
static void become_nobody(struct fixture *fixture)
{
    if (getuid() == 0) {
        (void)!chown(fixture->root, NOBODY, NOBODY);
        (void)!chown(fixture->dir, NOBODY, NOBODY);
        (void)!chown(fixture->journal, NOBODY, NOBODY);
        (void)!chown(in_root(fixture, "var/lock"), NOBODY, NOBODY);
        (void)!chown(in_root(fixture, "var/journal.db-wal"), NOBODY, NOBODY);
        (void)!chown(in_root(fixture, "var/journal.db-shm"), NOBODY, NOBODY);
        if (setuid(NOBODY) < 0)
            _exit(9);
    }
    (void)chmod(fixture->dir, 0500);
    (void)chmod(in_root(fixture, "var/lock"), 0400);
}

static void open_unwritable(struct fixture *fixture, FILE *out)
{
    struct sb_error err = SB_ERROR_INIT;
    struct store *store = NULL;

    become_nobody(fixture);
    (void)fprintf(out, "%d ", store_open(writer_of(fixture), &store, &err));
    (void)fprintf(out, "%s; ", err.text);
    count_records(fixture, out);
}

static void a_folder_that_cannot_be_written_is_refused_but_read(void **state)
{
    struct fixture *fixture = *state;
    char text[CHILD_TEXT_MAX];

    fixture->store = open_store(fixture->dir);
    (void)emit_one(fixture->store, "a");
    store_close(fixture->store);
    fixture->store = NULL;
    (void)run_child(fixture, open_unwritable, text);
    (void)chmod(fixture->dir, 0700);
    assert_says(text, "-2 cannot write in ");
    assert_says(text, "Permission denied; make it writable, or use another data_dir");
    assert_says(text, "; 1 records");
}

static void a_log_that_cannot_be_copied_is_not_passed_over(void **state)
{
    struct fixture *fixture = *state;
    char text[CHILD_TEXT_MAX];

    (void)run_child(fixture, write_and_die, text);
    assert_int_equal(0, unlink(in_root(fixture, "var/journal.db-shm")));
    (void)run_child(fixture, open_unwritable, text);
    (void)chmod(fixture->dir, 0700);
    assert_says(text, "its folder is read-only, and ");
    assert_says(text, "is not copied into it yet");
}

static void open_on_read_only_disk(struct fixture *fixture, FILE *out)
{
    struct sb_error err = SB_ERROR_INIT;
    struct store *store = NULL;

    (void)mkdir(fixture->dir, 0700);
    if (!mount_own(fixture->dir, 0, "size=8m")) {
        (void)fputs("skip", out);
        return;
    }
    store = open_store(fixture->dir);
    (void)emit_one(store, "a");
    store_close(store);
    if (mount("tmpfs", fixture->dir, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL) < 0)
        _exit(9);
    (void)fprintf(out, "%d ", store_open(writer_of(fixture), &store, &err));
    (void)fprintf(out, "%s; ", err.text);
    count_records(fixture, out);
}

static void a_read_only_disk_is_refused_but_read(void **state)
{
    struct fixture *fixture = *state;
    char text[CHILD_TEXT_MAX];

    (void)run_child(fixture, open_on_read_only_disk, text);
    if (strcmp(text, "skip") == 0)
        skip();
    assert_says(text, "-2 cannot write in ");
    assert_says(text, "Read-only file system; make it writable, or use another data_dir");
    assert_says(text, "; 1 records");
}

static void fill_disk(struct fixture *fixture, FILE *out)
{
    struct sb_error err = SB_ERROR_INIT;
    struct sb_error again = SB_ERROR_INIT;
    char filler[8192];
    int done = 0;

    (void)mkdir(fixture->dir, 0700);
    if (!mount_own(fixture->dir, 0, "size=1m")) {
        (void)fputs("skip", out);
        return;
    }
    struct store *store = open_store(fixture->dir);
    int64_t id = emit_one(store, "a");
    memset(filler, '0', sizeof(filler));
    filler[0] = '1';
    filler[sizeof(filler) - 1] = '\0';
    for (int rc = 0; rc == 0 && done < 1000; done += rc == 0) {
        char name[32];
        struct store_change *change = new_change(id);
        (void)snprintf(name, sizeof(name), "s%d", done);
        struct store_text section = { name, filler };
        change->sections = &section;
        change->section_count = 1;
        rc = try_apply(store, change, &err);
        store_change_free(change);
    }
    struct store_change *change = new_change(id);
    int rc = try_apply(store, change, &again);
    store_change_free(change);
    store_close(store);
    (void)fprintf(out, "%d %s; again %d %s; ", err.status, err.text, rc,
                  strcmp(err.text, again.text) == 0 ? "same" : again.text);
    (void)fprintf(out, "kept %d; ",
                  (int)raw_number(fixture->journal, "SELECT count(*) FROM section") - 1 - done);
}

static void a_full_disk_stops_the_store_and_loses_nothing(void **state)
{
    struct fixture *fixture = *state;
    char text[CHILD_TEXT_MAX];

    (void)run_child(fixture, fill_disk, text);
    if (strcmp(text, "skip") == 0)
        skip();
    assert_says(text, "-2 cannot write '");
    assert_says(text, "the disk is full; make room, then start again");
    assert_says(text, "again -2 same; kept 0; ");
}

/* ---- the write-ahead log ------------------------------------------------------------------------------- */

enum { LARGE = 2 * 1024 * 1024, LARGE_COUNT = 36 };

/* Each time another text: what is the same is not written. */
static void write_large(struct store *store, int64_t id, char *filler)
{
    struct store_change *change = new_change(id);

    memset(filler, filler[0] == '1' ? '2' : '1', LARGE - 1);
    struct store_text section = { "transcript", filler };

    change->sections = &section;
    change->section_count = 1;
    apply(store, change);
}

static char *large_text(void)
{
    char *filler = malloc(LARGE);

    assert_non_null(filler);
    memset(filler, '1', LARGE);
    filler[LARGE - 1] = '\0';
    return filler;
}

static void the_log_does_not_grow_for_ever(void **state)
{
    struct fixture *fixture = *state;
    int64_t largest = 0;
    char *filler = large_text();

    fixture->store = open_store(fixture->dir);
    int64_t id = emit_one(fixture->store, "a");
    for (int i = 0; i < LARGE_COUNT; i++) {
        write_large(fixture->store, id, filler);
        int64_t size = file_size(in_root(fixture, "var/journal.db-wal"));
        largest = size > largest ? size : largest;
    }
    free(filler);
    /* 10,000 pages, and what the commit that passes them adds. */
    assert_true(largest > INT64_C(30) * 1024 * 1024);
    assert_true(largest < INT64_C(52) * 1024 * 1024);
}

static void a_reader_holds_the_log_up_only_while_it_reads(void **state)
{
    struct fixture *fixture = *state;
    sqlite3 *reader = NULL;
    char *filler = large_text();

    fixture->store = open_store(fixture->dir);
    int64_t id = emit_one(fixture->store, "a");
    assert_int_equal(SQLITE_OK, sqlite3_open_v2(fixture->journal, &reader, SQLITE_OPEN_READONLY, NULL));
    assert_int_equal(SQLITE_OK, sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM record", NULL, NULL, NULL));
    for (int i = 0; i < LARGE_COUNT; i++)
        write_large(fixture->store, id, filler);
    int64_t held = file_size(in_root(fixture, "var/journal.db-wal"));
    assert_true(held > INT64_C(70) * 1024 * 1024);
    assert_int_equal(SQLITE_OK, sqlite3_exec(reader, "COMMIT", NULL, NULL, NULL));
    assert_int_equal(SQLITE_OK, sqlite3_close(reader));
    for (int i = 0; i < 4; i++)
        write_large(fixture->store, id, filler);
    free(filler);
    assert_true(file_size(in_root(fixture, "var/journal.db-wal")) <= INT64_C(64) * 1024 * 1024);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup_folder, teardown)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(everything_is_made_for_the_owner_alone),
        IN_FOLDER(a_journal_that_others_can_read_is_closed_to_them),
        IN_FOLDER(folders_are_made_with_their_parents),
        IN_FOLDER(the_journal_is_in_wal_mode_and_closes_to_one_file),
        IN_FOLDER(the_owner_is_named_and_its_death_frees_the_folder),
        IN_FOLDER(one_process_cannot_own_a_folder_twice),
        IN_FOLDER(an_owner_without_a_number_is_named_as_another_process),
        IN_FOLDER(a_reader_without_a_journal_says_what_makes_one),
        IN_FOLDER(a_reader_sees_what_a_running_writer_commits),
        IN_FOLDER(a_reader_in_another_process_sees_it_too),
        IN_FOLDER(a_reader_works_when_no_writer_runs),
        IN_FOLDER(what_a_killed_writer_committed_is_there),
        IN_FOLDER(a_folder_that_cannot_be_written_is_refused_but_read),
        IN_FOLDER(a_log_that_cannot_be_copied_is_not_passed_over),
        IN_FOLDER(a_read_only_disk_is_refused_but_read),
        IN_FOLDER(a_full_disk_stops_the_store_and_loses_nothing),
        IN_FOLDER(the_log_does_not_grow_for_ever),
        IN_FOLDER(a_reader_holds_the_log_up_only_while_it_reads),
    };
#undef IN_FOLDER
    return cmocka_run_group_tests(tests, NULL, NULL);
}

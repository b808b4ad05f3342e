/* Files that are no sound journal, and journals of an older or a newer program. */
#include "unit/store_raw.h"

static void make_folder(const struct fixture *fixture)
{
    assert_int_equal(0, mkdir(fixture->dir, 0700));
}

static void garbage_is_refused_and_left_alone(void **state)
{
    struct fixture *fixture = *state;
    char garbage[10000];

    make_folder(fixture);
    memset(garbage, 'g', sizeof(garbage));
    write_text(fixture->journal, garbage, sizeof(garbage));
    assert_open_fails(writer_of(fixture), SB_ECONFIG,
                      WORDS("journal.db' is damaged", "not an SQLite file", "'switchboard restore FILE'"));
    assert_open_fails(reader_of(fixture), SB_ECONFIG, WORDS("journal.db' is damaged"));
    assert_int_equal(sizeof(garbage), file_size(fixture->journal));
}

static void an_empty_file_is_a_new_journal(void **state)
{
    struct fixture *fixture = *state;

    make_folder(fixture);
    write_text(fixture->journal, "", 0);
    fixture->store = open_store(fixture->dir);
    assert_true(emit_one(fixture->store, "a") > 0);
}

/* Overwrites whole pages in the middle, as a failing disk might. */
static void damage(const char *path, off_t at)
{
    char noise[4096];
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    memset(noise, 0xa5, sizeof(noise));
    for (int i = 0; i < 3; i++)
        assert_int_equal(sizeof(noise), pwrite(fd, noise, sizeof(noise), at + (off_t)i * 4096));
    assert_int_equal(0, close(fd));
}

static void a_damaged_journal_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = open_store(fixture->dir);

    emit_many(store, 200);
    store_close(store);
    damage(fixture->journal, 32768);
    assert_open_fails(writer_of(fixture), SB_ECONFIG,
                      WORDS("journal.db' is damaged: ", "'switchboard restore FILE'"));
}

static void a_journal_cut_short_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = open_store(fixture->dir);

    emit_many(store, 200);
    store_close(store);
    assert_int_equal(0, truncate(fixture->journal, 20480));
    assert_open_fails(writer_of(fixture), SB_ECONFIG, WORDS("journal.db' is damaged: "));
}

static void another_programs_file_is_refused_and_left_alone(void **state)
{
    struct fixture *fixture = *state;

    make_folder(fixture);
    raw_sql(fixture->journal, "CREATE TABLE t (x); INSERT INTO t VALUES (1)");
    assert_open_fails(writer_of(fixture), SB_ECONFIG,
                      WORDS("another program's SQLite file, not a journal", "move it away"));
    raw_sql(fixture->journal, "PRAGMA user_version = 1");
    assert_open_fails(writer_of(fixture), SB_ECONFIG, WORDS("another program's SQLite file, not a journal"));
    assert_int_equal(1,
                     raw_number(fixture->journal, "SELECT journal_mode = 'delete' FROM pragma_journal_mode"));
}

static void a_folder_in_the_place_of_the_journal_is_told(void **state)
{
    struct fixture *fixture = *state;

    make_folder(fixture);
    assert_int_equal(0, mkdir(fixture->journal, 0700));
    assert_open_fails(writer_of(fixture), SB_ECONFIG, WORDS("cannot open", "journal.db'"));
}

/* Opens, and then finds what cannot be. */
static void assert_load_fails(struct fixture *fixture, const char *sql, const char *words)
{
    struct sb_error err = SB_ERROR_INIT;
    struct store_record *record = NULL;

    raw_sql(fixture->journal, sql);
    struct store *store = open_store(fixture->dir);
    assert_int_equal(SB_ECONFIG, store_load(store, 1, &record, &err));
    assert_says(err.text, words);
    assert_says(err.text, "journal.db' is damaged");
    store_close(store);
}

static void words_and_documents_that_make_no_sense_are_told(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = open_store(fixture->dir);

    open_intent(store, emit_one(store, "a"), "create_ticket", 1);
    store_close(store);
    assert_load_fails(fixture, "UPDATE intent SET state = 'perhaps'", "'perhaps'");
    assert_load_fails(fixture, "UPDATE section SET doc = '{'", "section 'call' of record 1 is no JSON");
    assert_load_fails(fixture, "UPDATE record SET phase = 'moon'", "'moon'");
    assert_load_fails(fixture, "UPDATE record SET state = 'lost'", "'lost'");
}

static void two_conversations_never_share_a_reference(void **state)
{
    struct fixture *fixture = *state;
    struct sb_error err = SB_ERROR_INIT;
    struct store_change *change = new_change(0);
    struct store *store = open_store(fixture->dir);

    (void)emit_one(store, "a");
    store_close(store);
    raw_sql(fixture->journal, "UPDATE identity SET external_id = 'another'");
    fixture->store = open_store(fixture->dir);
    (void)add_emit(change, "a");
    assert_int_equal(SB_EINTERNAL, try_apply(fixture->store, change, &err));
    assert_says(err.text, "belongs to another conversation already");
    store_change_free(change);
    assert_int_equal(1, total(fixture->store, "records.active"));
}

/* ---- migrations ---------------------------------------------------------------------------------------- */

static void a_newer_schema_is_refused(void **state)
{
    struct fixture *fixture = *state;

    store_close(open_store(fixture->dir));
    raw_sql(fixture->journal, "PRAGMA user_version = 99");
    assert_open_fails(writer_of(fixture), SB_ECONFIG,
                      WORDS("has schema 99", "knows up to 4", "a newer one has written it", "restore FILE"));
    assert_open_fails(reader_of(fixture), SB_ECONFIG, WORDS("has schema 99"));
    assert_int_equal(99, raw_number(fixture->journal, "PRAGMA user_version"));
}

/* As the first version left it. */
static void step_back(const char *path)
{
    raw_sql(path, TO_SCHEMA_1);
}

static void an_older_schema_is_brought_up_to_date_with_its_records(void **state)
{
    struct fixture *fixture = *state;
    static const char indexes[] =
        "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL";
    struct store *store = open_store(fixture->dir);

    (void)emit_one(store, "a");
    store_close(store);
    int64_t whole = raw_number(fixture->journal, indexes);
    step_back(fixture->journal);
    assert_int_equal(whole - 6, raw_number(fixture->journal, indexes));
    assert_open_fails(reader_of(fixture), SB_ECONFIG,
                      WORDS("has schema 1, not yet 4", "'switchboard run' brings it up to date"));

    fixture->store = open_store(fixture->dir);
    assert_int_equal(1, total(fixture->store, "records.active"));
    assert_int_equal(0, emit_one(fixture->store, "a"));
    store_close(fixture->store);
    fixture->store = NULL;
    assert_int_equal(4, raw_number(fixture->journal, "PRAGMA user_version"));
    assert_int_equal(whole, raw_number(fixture->journal, indexes));
}

static void a_step_that_fails_leaves_the_older_schema(void **state)
{
    struct fixture *fixture = *state;

    store_close(open_store(fixture->dir));
    step_back(fixture->journal);
    raw_sql(fixture->journal, "CREATE TABLE file_age (x)"); /* in the way of the last statement of the step */
    assert_open_fails(writer_of(fixture), SB_EINTERNAL, WORDS("cannot write", "file_age"));
    assert_int_equal(1, raw_number(fixture->journal, "PRAGMA user_version"));
    assert_int_equal(
        0, raw_number(fixture->journal, "SELECT count(*) FROM sqlite_schema WHERE name = 'record_ended'"));
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup_folder, teardown)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(garbage_is_refused_and_left_alone),
        IN_FOLDER(an_empty_file_is_a_new_journal),
        IN_FOLDER(a_damaged_journal_is_refused),
        IN_FOLDER(a_journal_cut_short_is_refused),
        IN_FOLDER(another_programs_file_is_refused_and_left_alone),
        IN_FOLDER(a_folder_in_the_place_of_the_journal_is_told),
        IN_FOLDER(words_and_documents_that_make_no_sense_are_told),
        IN_FOLDER(two_conversations_never_share_a_reference),
        IN_FOLDER(a_newer_schema_is_refused),
        IN_FOLDER(an_older_schema_is_brought_up_to_date_with_its_records),
        IN_FOLDER(a_step_that_fails_leaves_the_older_schema),
    };
#undef IN_FOLDER
    return cmocka_run_group_tests(tests, NULL, NULL);
}

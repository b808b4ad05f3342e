/* Copies of the journal, made while others write, and how far they are. */
#include "unit/store_copies.h"

static void a_backup_is_one_private_file_with_everything(void **state)
{
    struct fixture *fixture = *state;
    const char *path = in_root(fixture, "copy.db");
    mode_t before = umask(0);

    (void)emit_one(fixture->store, "a");
    backup(fixture->store, path);
    (void)umask(before);
    assert_int_equal(0600, file_mode(path));
    assert_false(file_exists(in_root(fixture, "copy.db.part")));
    assert_false(file_exists(in_root(fixture, "copy.db-wal")));
    assert_false(file_exists(in_root(fixture, "copy.db-journal")));
    assert_int_equal(1, raw_number(path, "SELECT count(*) FROM record"));
    assert_int_equal(4, raw_number(path, "PRAGMA user_version"));
    assert_true(emit_one(fixture->store, "b") > 0); /* and the store goes on */
}

static void a_backup_is_relative_to_the_working_folder(void **state)
{
    struct fixture *fixture = *state;
    char here[4096];

    assert_non_null(getcwd(here, sizeof(here)));
    assert_int_equal(0, chdir(fixture->root));
    backup(fixture->store, "copy.db");
    assert_int_equal(0, chdir(here));
    assert_true(file_exists(in_root(fixture, "copy.db")));
}

static void a_backup_never_replaces_a_file(void **state)
{
    struct fixture *fixture = *state;
    struct sb_error err = SB_ERROR_INIT;
    const char *path = in_root(fixture, "copy.db");

    write_text(path, "precious", 8);
    assert_int_equal(SB_EINPUT, store_backup(fixture->store, path, &err));
    assert_says(err.text, "copy.db' exists already; name a new file");
    assert_int_equal(8, file_size(path));
    err = (struct sb_error)SB_ERROR_INIT;
    assert_int_equal(SB_EINPUT, store_backup(fixture->store, in_root(fixture, "no/such/folder"), &err));
    assert_says(err.text, "No such file or directory");
    assert_true(emit_one(fixture->store, "b") > 0);
}

static void what_an_interrupted_backup_left_is_told(void **state)
{
    struct fixture *fixture = *state;
    struct sb_error err = SB_ERROR_INIT;

    write_text(in_root(fixture, "copy.db.part"), "half", 4);
    assert_int_equal(SB_EINPUT, store_backup(fixture->store, in_root(fixture, "copy.db"), &err));
    assert_says(err.text, "copy.db.part' is in the way");
    assert_int_equal(4, file_size(in_root(fixture, "copy.db.part")));
}

static void a_damaged_journal_is_not_backed_up(void **state)
{
    struct fixture *fixture = *state;
    struct sb_error err = SB_ERROR_INIT;

    emit_many(fixture->store, 100);
    store_close(fixture->store);
    assert_int_equal(0, truncate(fixture->journal, 20480));
    fixture->store = NULL;
    if (store_open(&(struct store_options){ .data_dir = fixture->dir, .is_reader = true }, &fixture->store,
                   &err) == 0)
        assert_true(store_backup(fixture->store, in_root(fixture, "copy.db"), &err) < 0);
    assert_says(err.text, "journal.db");
    assert_says(err.text, "damaged");
    assert_false(file_exists(in_root(fixture, "copy.db")));
    assert_false(file_exists(in_root(fixture, "copy.db.part")));
}

static void back_up_to_full_disk(struct fixture *fixture, FILE *out)
{
    struct sb_error err = SB_ERROR_INIT;
    struct store *reader = NULL;
    const char *dir = in_root(fixture, "small");

    if (mkdir(dir, 0700) < 0 || !mount_own(dir, 0, "size=64k")) {
        (void)fputs("skip", out);
        return;
    }
    if (store_open(&(struct store_options){ .data_dir = fixture->dir, .is_reader = true }, &reader, &err) ==
        0)
        (void)fprintf(out, "%d ", store_backup(reader, in_root(fixture, "small/copy.db"), &err));
    (void)fprintf(out, "%s; left %d %d", err.text, file_exists(in_root(fixture, "small/copy.db")),
                  file_exists(in_root(fixture, "small/copy.db.part")));
    store_close(reader);
}

static void a_backup_that_finds_no_room_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;
    char text[CHILD_TEXT_MAX];

    (void)emit_one(fixture->store, "a");
    (void)run_child(fixture, back_up_to_full_disk, text);
    if (strcmp(text, "skip") == 0)
        skip();
    assert_says(text, "-2 cannot write '");
    assert_says(text, "copy.db.part': the disk is full");
    assert_says(text, "; left 0 0");
    assert_true(emit_one(fixture->store, "b") > 0);
}

static void back_up_as_reader(struct fixture *fixture, FILE *out)
{
    struct sb_error err = SB_ERROR_INIT;
    struct store *reader = NULL;

    if (store_open(&(struct store_options){ .data_dir = fixture->dir, .is_reader = true }, &reader, &err) <
            0 ||
        store_backup(reader, in_root(fixture, "copy.db"), &err) < 0)
        (void)fputs(err.text, out);
    store_close(reader);
}

static bool has_ended(pid_t pid)
{
    siginfo_t info = { .si_pid = 0 };

    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

static void a_backup_is_consistent_while_others_write(void **state)
{
    enum { STEPS_MAX = 20000 };
    struct fixture *fixture = *state;
    char text[CHILD_TEXT_MAX];
    FILE *in = NULL;
    int step = 0;

    for (; step < 300; step++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "before%d", step);
        (void)emit_one(fixture->store, name);
    }
    pid_t pid = start_child(fixture, back_up_as_reader, &in);
    for (int i = 0; i < STEPS_MAX && !has_ended(pid); i++, step++) {
        char name[32];
        char cursor[32];
        struct store_change *change = new_change(0);
        (void)snprintf(name, sizeof(name), "call%d", step);
        (void)snprintf(cursor, sizeof(cursor), "%d", step + 1);
        (void)add_emit(change, name);
        change->cursor_name = "exotel";
        change->cursor_doc = cursor;
        apply(fixture->store, change);
    }
    (void)end_child(pid, in, text);
    assert_string_equal("", text);

    const char *path = in_root(fixture, "copy.db");
    int64_t records = raw_number(path, "SELECT count(*) FROM record");
    assert_true(records >= 300 && records <= step);
    assert_int_equal(records,
                     raw_number(path, "SELECT coalesce(max(CAST(doc AS INTEGER)), 300) FROM cursor_doc"));
    assert_int_equal(records, raw_number(path, "SELECT count(*) FROM section"));
    assert_int_equal(records, raw_number(path, "SELECT count(*) FROM identity"));
}

/* What a test heard of long work. */
struct heard {
    struct store *writer; /* NULL: nobody writes meanwhile */
    int64_t checked, done, whole;
    int copied, written;
    bool went_back;
};

static void hear(void *ctx, enum store_work work, int64_t done, int64_t whole)
{
    enum { WRITTEN_MAX = 20 };
    struct heard *heard = ctx;
    char name[32];

    if (work == STORE_CHECKING) {
        heard->checked = whole;
        return;
    }
    assert_int_equal(STORE_COPYING, work);
    heard->went_back |= done < heard->done || (heard->copied > 0 && whole != heard->whole);
    heard->done = done;
    heard->whole = whole;
    heard->copied++;
    if (!heard->writer || heard->written == WRITTEN_MAX) /* a copy that began anew would never end */
        return;
    (void)snprintf(name, sizeof(name), "meanwhile%d", heard->written++);
    (void)emit_one(heard->writer, name);
}

/* So many bytes that a copy is made in several steps. */
static void emit_large(struct store *store)
{
    enum { LARGE = 6 * 1024 * 1024 };
    struct store_change *change = new_change(0);
    struct store_emit *emit = add_emit(change, "large");
    struct store_text *section = arena_alloc(change->arena, sizeof(*section));
    char *text = arena_alloc(change->arena, LARGE + 1);

    assert_non_null(section);
    assert_non_null(text);
    memset(text, ' ', LARGE);
    text[0] = '{';
    text[LARGE - 1] = '}';
    text[LARGE] = '\0';
    *section = (struct store_text){ "call", text };
    emit->sections = section;
    apply(store, change);
}

static void a_long_backup_tells_how_far_it_is_and_never_begins_anew(void **state)
{
    struct fixture *fixture = *state;
    struct sb_error err = SB_ERROR_INIT;
    struct heard heard = { .writer = fixture->store };
    const struct store_progress progress = { hear, &heard };
    const char *path = in_root(fixture, "copy.db");
    struct store *reader = NULL;

    emit_large(fixture->store);
    assert_int_equal(
        0, store_open(&(struct store_options){ .data_dir = fixture->dir, .is_reader = true }, &reader, &err));
    store_tell(reader, &progress);
    backup(reader, path);
    store_close(reader);
    assert_true(heard.copied >= 5);
    assert_false(heard.went_back);
    assert_int_equal(heard.whole, heard.done);
    assert_int_equal(heard.whole, file_size(path));
    /* What was committed behind the first step is in the journal and not in the copy. */
    assert_int_equal(1, raw_number(path, "SELECT count(*) FROM record"));
    assert_true(find(fixture->store, "meanwhile0") > 0);
}

static void a_restore_tells_that_it_checks_and_how_far_it_has_copied(void **state)
{
    struct fixture *fixture = *state;
    struct sb_error err = SB_ERROR_INIT;
    struct heard heard = { .writer = NULL };
    const struct store_progress progress = { hear, &heard };
    const char *path = in_root(fixture, "copy.db");

    emit_large(fixture->store);
    backup(fixture->store, path);
    store_close(fixture->store);
    fixture->store = NULL;
    assert_int_equal(0, store_restore(fixture->dir, path, T0, &progress, &err));
    assert_int_equal(file_size(path), heard.checked);
    assert_true(heard.copied >= 5);
    assert_false(heard.went_back);
    assert_int_equal(file_size(path), heard.done);
}

int main(void)
{
#define IN_STORE(test) cmocka_unit_test_setup_teardown(test, setup_store, teardown)
    const struct CMUnitTest tests[] = {
        IN_STORE(a_backup_is_one_private_file_with_everything),
        IN_STORE(a_backup_is_relative_to_the_working_folder),
        IN_STORE(a_backup_never_replaces_a_file),
        IN_STORE(what_an_interrupted_backup_left_is_told),
        IN_STORE(a_damaged_journal_is_not_backed_up),
        IN_STORE(a_backup_that_finds_no_room_leaves_nothing),
        IN_STORE(a_backup_is_consistent_while_others_write),
        IN_STORE(a_long_backup_tells_how_far_it_is_and_never_begins_anew),
        IN_STORE(a_restore_tells_that_it_checks_and_how_far_it_has_copied),
    };
#undef IN_STORE
    return cmocka_run_group_tests(tests, NULL, NULL);
}

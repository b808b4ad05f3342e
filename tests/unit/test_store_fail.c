/* Disks that fail and processes that die, at every write and every sync in turn. */
#include "unit/store_faults.h"

enum { OPERATIONS_MAX = 2000 };

static int open_faulty(const struct fixture *fixture, struct store **ret_store, struct sb_error *err)
{
    return store_open(&(struct store_options){ .data_dir = fixture->dir, .vfs = "faulty" }, ret_store, err);
}

/* A JSON string that fills `text`. */
static void quote(char *text, size_t size, char c)
{
    memset(text, c, size);
    text[0] = text[size - 2] = '"';
    text[size - 1] = '\0';
}

/* One commit point that must be there whole or not at all: a record, its section, the cursor, a meter. */
static int write_step(struct store *store, int step, struct sb_error *err)
{
    char filler[6000];
    char cursor[32];
    char name[32];
    struct store_change *changes[] = { new_change(0), new_change(0) };
    struct store_meter meter = { "exotel", "calls", 1 };

    quote(filler, sizeof(filler), 'x');
    (void)snprintf(name, sizeof(name), "call%d", step);
    (void)snprintf(cursor, sizeof(cursor), "%d", step);
    struct store_emit *emit = add_emit(changes[0], name);
    struct store_text section = { "call", filler };
    emit->sections = &section;
    changes[0]->cursor_name = "exotel";
    changes[0]->cursor_doc = cursor;
    changes[1]->meters = &meter;
    changes[1]->meter_count = 1;
    int rc = store_apply(store, changes, 2, err);
    if (rc < 0)
        assert_int_equal(0, emit->ret_id);
    store_change_free(changes[0]);
    store_change_free(changes[1]);
    return rc;
}

/* How many steps the store holds; fails when one of them is torn. */
static int64_t whole_steps(struct store *store)
{
    struct sb_error err = SB_ERROR_INIT;
    AUTO_STR cursor = NULL;
    AUTO_JSON object = totals(store);
    int64_t count = json_integer_value(json_at(object, "records.active"));
    char name[32];

    assert_int_equal(0, store_cursor(store, "exotel", &cursor, &err));
    assert_int_equal(count, cursor ? strtol(cursor, NULL, 10) : 0);
    assert_int_equal(count, (int64_t)json_number_value(json_at(object, "meters.exotel.calls")));
    for (int64_t step = 1; step <= count; step++) {
        (void)snprintf(name, sizeof(name), "call%d", (int)step);
        struct store_record *record = load(store, find(store, name));
        assert_non_null(json_object_get(record->sections, "call"));
        store_record_free(record);
    }
    return count;
}

static int64_t steps_after_restart(const struct fixture *fixture)
{
    struct store *store = open_store(fixture->dir);
    int64_t steps = whole_steps(store);

    store_close(store);
    return steps;
}

/* ---- disks --------------------------------------------------------------------------------------------- */

struct disk_case {
    const char *name;
    enum fault_kind kind;
    bool may_be_there; /* after a restart: the sync failed, but everything was written */
    const char *words[3];
};

static const struct disk_case disk_cases[] = {
    { "full", FAULT_FULL, false, { "cannot write '", "the disk is full", "make room, then start again" } },
    { "failed write",
      FAULT_WRITE,
      false,
      { "cannot write '", "the disk failed to write", "check it, then start again" } },
    { "failed sync",
      FAULT_SYNC,
      true,
      { "cannot write '", "the disk failed to sync", "check it, then start again" } },
    { "turned read-only", FAULT_READ_ONLY, false, { "cannot write '", "is read-only", "make it writable" } },
};

static void assert_stopped(struct store *store, const struct sb_error *first)
{
    struct sb_error err = SB_ERROR_INIT;
    size_t count = 0;

    for (int i = 0; i < 2; i++) {
        err = (struct sb_error)SB_ERROR_INIT;
        assert_int_equal(first->status, write_step(store, 99, &err));
        assert_string_equal(first->text, err.text);
    }
    err = (struct sb_error)SB_ERROR_INIT;
    assert_int_equal(first->status, store_retry(store, 0, STORE_DEAD, T0, &count, &err));
    assert_string_equal(first->text, err.text);
    assert_int_equal(first->status, store_expire(store, T0, 1, &count, NULL));
    assert_int_equal(first->status, store_forget_file(store, "x", NULL));
    assert_int_equal(first->status, store_drop(store, 1, "x", T0, NULL));
    assert_int_equal(first->status, store_import(store, "a", (const char *[]){ "b" }, 1, T0, &count, NULL));
}

/* The second step fails at operation `after`. False: it has no so many operations. */
static bool fail_at(const struct disk_case *disk, int after)
{
    struct fixture *fixture = NULL;
    struct store *store = NULL;
    struct sb_error err = SB_ERROR_INIT;

    (void)setup_memory_folder((void **)&fixture);
    struct faults *faults = faults_install();
    assert_int_equal(0, mkdir(fixture->dir, 0700));
    assert_int_equal(0, open_faulty(fixture, &store, &err));
    assert_int_equal(0, write_step(store, 1, &err));

    faults_arm(faults, disk->kind, after);
    int rc = write_step(store, 2, &err);
    bool has_failed = faults->faults > 0;
    if (has_failed) {
        assert_int_equal(SB_ECONFIG, rc);
        for (size_t i = 0; i < COUNT_OF(disk->words); i++)
            assert_says(err.text, disk->words[i]);
        faults_arm(faults, FAULT_NONE, 0); /* the disk may well work again; the store does not trust it */
        assert_stopped(store, &err);
        assert_int_equal(1, whole_steps(store));
    }
    store_close(store);
    faults_remove(faults);
    int64_t kept = steps_after_restart(fixture);
    if (has_failed && !disk->may_be_there)
        assert_int_equal(1, kept);
    else if (has_failed)
        assert_true(kept == 1 || kept == 2);
    (void)teardown((void **)&fixture);
    return has_failed;
}

static void a_disk_that_fails_at_any_operation_stops_the_store_and_tears_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(disk_cases); i++) {
        int after = 0;
        while (after < OPERATIONS_MAX && fail_at(&disk_cases[i], after))
            after++;
        if (after == 0 || after == OPERATIONS_MAX)
            fail_msg("%s: failed at %d operations", disk_cases[i].name, after);
    }
}

/* A new journal is made on a disk that fails at operation `after`. False: it needs no so many operations. */
static bool fail_opening_at(const struct disk_case *disk, bool is_single, int after)
{
    struct fixture *fixture = NULL;
    struct store *store = NULL;
    struct sb_error err = SB_ERROR_INIT;

    (void)setup_memory_folder((void **)&fixture);
    struct faults *faults = faults_install();
    assert_int_equal(0, mkdir(fixture->dir, 0700));
    faults->is_single = is_single;
    faults_arm(faults, disk->kind, after);
    int rc = open_faulty(fixture, &store, &err);
    bool has_failed = faults->faults > 0;
    if (has_failed && rc == 0)
        fail_msg("%s: operation %d of opening failed, and nobody said so", disk->name, after);
    if (has_failed)
        assert_says(err.text, disk->words[1]);
    faults_arm(faults, FAULT_NONE, 0);
    store_close(store);
    faults_remove(faults);
    fixture->store = open_store(fixture->dir);
    assert_true(emit_one(fixture->store, "a") > 0);
    (void)teardown((void **)&fixture);
    return has_failed;
}

static void opening_on_a_disk_that_fails_at_any_operation_says_so(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(disk_cases) * 2; i++) {
        const struct disk_case *disk = &disk_cases[i / 2];
        int after = 0;
        while (after < OPERATIONS_MAX && fail_opening_at(disk, /* is_single= */ i % 2 == 1, after))
            after++;
        if (after == 0 || after == OPERATIONS_MAX)
            fail_msg("%s: failed at %d operations", disk->name, after);
    }
}

static void a_checkpoint_that_cannot_be_synced_stops_the_store(void **state)
{
    enum { LARGE = 4 * 1024 * 1024, COMMITS_MAX = 40 };
    struct fixture *fixture = *state;
    struct sb_error err = SB_ERROR_INIT;
    char *filler = malloc(LARGE);
    int rc = 0;
    int commits = 0;

    assert_non_null(filler);
    assert_int_equal(0, mkdir(fixture->dir, 0700));
    struct faults *faults = faults_install();
    assert_int_equal(0, open_faulty(fixture, &fixture->store, &err));
    int64_t id = emit_one(fixture->store, "a");
    faults->main_file_only = true;
    faults_arm(faults, FAULT_SYNC, 0);
    for (; rc == 0 && commits < COMMITS_MAX; commits++) {
        struct store_change *change = new_change(id);
        quote(filler, LARGE, commits % 2 ? 'x' : 'y'); /* what is the same is not written */
        struct store_text section = { "transcript", filler };
        change->sections = &section;
        change->section_count = 1;
        bool had_failed = faults->faults > 0;
        rc = try_apply(fixture->store, change, &err);
        assert_true(rc == 0 || had_failed); /* the commit that set it off is durable, and says so */
        store_change_free(change);
    }
    free(filler);
    assert_int_equal(SB_ECONFIG, rc);
    assert_says(err.text, "the disk failed");
    store_close(fixture->store);
    fixture->store = NULL;
    assert_int_equal(1, faults->faults); /* closing has not tried again */
    faults_remove(faults);
    fixture->store = open_store(fixture->dir);
    struct store_record *record = load(fixture->store, id);
    assert_non_null(json_object_get(record->sections, "transcript"));
    store_record_free(record);
}

static void a_disk_that_offers_no_wal_is_refused(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(0, mkdir(fixture->dir, 0700));
    struct faults *faults = faults_install();
    faults->has_no_wal = true;
    assert_open_fails(&(struct store_options){ .data_dir = fixture->dir, .vfs = "faulty" }, SB_ECONFIG,
                      (const char *const[]){ "journal mode 'delete' instead of 'wal'", "local disk", NULL });
    faults_remove(faults);
}

static void another_vfs_has_wal_every_commit_synced_and_no_lock(void **state)
{
    struct fixture *fixture = *state;
    struct sb_error err = SB_ERROR_INIT;

    assert_int_equal(0, mkdir(fixture->dir, 0700));
    struct faults *faults = faults_install();
    assert_int_equal(0, open_faulty(fixture, &fixture->store, &err));
    assert_true(file_exists(in_root(fixture, "var/journal.db-wal")));
    assert_false(file_exists(in_root(fixture, "var/journal.db-shm")));
    assert_false(file_exists(in_root(fixture, "var/lock")));
    for (int step = 1; step <= 5; step++) {
        int before = faults->syncs;
        assert_int_equal(0, write_step(fixture->store, step, &err));
        assert_int_equal(before + 1, faults->syncs);
    }
    store_close(fixture->store);
    fixture->store = NULL;
    faults_remove(faults);
}

/* ---- death --------------------------------------------------------------------------------------------- */

enum { STEPS = 3 };

struct death {
    struct fixture *fixture;
    int after;
};

/* Says after each step that it is done, so that the parent knows what must be there. */
static void write_until_death(const struct death *death, int out)
{
    struct store *store = NULL;
    struct sb_error err = SB_ERROR_INIT;

    struct faults *faults = faults_install();
    faults_arm(faults, FAULT_DEATH, death->after);
    if (open_faulty(death->fixture, &store, &err) < 0)
        _exit(9);
    for (int step = 1; step <= STEPS; step++) {
        if (write_step(store, step, &err) < 0)
            _exit(9);
        (void)!write(out, "x", 1);
    }
    store_close(store);
    _exit(0);
}

/* False: it came to its end alive. */
static bool die_at(int after)
{
    struct fixture *fixture = NULL;
    char said[STEPS + 1];
    int status = 0;
    int ends[2];

    (void)setup_memory_folder((void **)&fixture);
    assert_int_equal(0, mkdir(fixture->dir, 0700));
    assert_int_equal(0, pipe(ends));
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        write_until_death(&(struct death){ fixture, after }, ends[1]);
    (void)close(ends[1]);
    ssize_t told = read(ends[0], said, sizeof(said));
    for (ssize_t more = told; more > 0 && told < STEPS; told += more)
        more = read(ends[0], said, sizeof(said));
    (void)close(ends[0]);
    assert_int_equal(pid, waitpid(pid, &status, 0));
    assert_true(WIFEXITED(status) && (WEXITSTATUS(status) == 7 || WEXITSTATUS(status) == 0));

    int64_t kept = steps_after_restart(fixture);
    /* What was reported is there; the step that it died in is there whole or not at all. */
    assert_true(kept == told || kept == told + 1);
    (void)teardown((void **)&fixture);
    return WEXITSTATUS(status) == 7;
}

static void a_process_that_dies_at_any_write_tears_nothing_and_loses_nothing(void **state)
{
    int after = 0;

    (void)state;
    while (after < OPERATIONS_MAX && die_at(after))
        after++;
    assert_true(after > 30 && after < OPERATIONS_MAX);
}

static void write_for_ever(struct fixture *fixture, FILE *out)
{
    struct store *store = open_store(fixture->dir);
    struct sb_error err = SB_ERROR_INIT;

    for (int step = 1; write_step(store, step, &err) == 0; step++) {
        (void)fprintf(out, "%d\n", step);
        (void)fflush(out);
    }
    _exit(9);
}

static void a_process_that_is_killed_has_lost_nothing_that_it_reported(void **state)
{
    struct fixture *fixture = *state;
    char line[32];
    FILE *in = NULL;
    long told = 0;
    int status = 0;
    pid_t pid = start_child(fixture, write_for_ever, &in);

    while (told < 50 && fgets(line, sizeof(line), in))
        told = strtol(line, NULL, 10);
    assert_int_equal(0, kill(pid, SIGKILL));
    while (fgets(line, sizeof(line), in))
        told = strtol(line, NULL, 10);
    (void)fclose(in);
    assert_int_equal(pid, waitpid(pid, &status, 0));
    assert_true(WIFSIGNALED(status));
    int64_t kept = steps_after_restart(fixture);
    assert_true(told >= 50);
    assert_true(kept == told || kept == told + 1);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup_folder, teardown)
    const struct CMUnitTest tests[] = {
        /* First, while the process is small: it forks for each write. */
        cmocka_unit_test(a_process_that_dies_at_any_write_tears_nothing_and_loses_nothing),
        cmocka_unit_test(a_disk_that_fails_at_any_operation_stops_the_store_and_tears_nothing),
        cmocka_unit_test(opening_on_a_disk_that_fails_at_any_operation_says_so),
        IN_FOLDER(a_checkpoint_that_cannot_be_synced_stops_the_store),
        IN_FOLDER(a_disk_that_offers_no_wal_is_refused),
        IN_FOLDER(another_vfs_has_wal_every_commit_synced_and_no_lock),
        IN_FOLDER(a_process_that_is_killed_has_lost_nothing_that_it_reported),
    };
#undef IN_FOLDER
    return cmocka_run_group_tests(tests, NULL, NULL);
}

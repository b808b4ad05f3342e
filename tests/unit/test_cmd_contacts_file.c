/* The watch over mapping files: when a file is read, and what happens when the journal does not take what it says. */
#include "unit/store_raw.h"

#include "app/contacts_file.h"
#include "app/contacts_watch.h"
#include "app/engine.h"
#include "plugin/instance.h"
#include "unit/check.h"

enum { HALF_HOUR_MS = 30 * 60 * 1000, DEADLINE_MS = 60 * 1000 };

/* ---- when a file is read ------------------------------------------------------------------------------- */

static const struct contacts_sight none = { .is_there = false };
static const struct contacts_sight first = { .mtime_ns = 1, .size = 10, .inode = 1, .is_there = true };
static const struct contacts_sight second = { .mtime_ns = 2, .size = 10, .inode = 1, .is_there = true };

static void a_file_is_read_once_it_looks_the_same_twice(void **state)
{
    static const struct {
        const char *row;
        const struct contacts_sight *sight;
        bool is_due;
    } looks[] = { { "not there", &none, false },     { "still not there", &none, false },
                  { "just written", &first, false }, { "steady", &first, true },
                  { "read already", &first, false }, { "being written", &second, false },
                  { "steady again", &second, true }, { "gone", &none, false },
                  { "still gone", &none, false },    { "put back", &second, false },
                  { "as it was", &second, false } };
    struct contacts_watch watch = { .failures = 0 };

    (void)state;
    for (size_t i = 0; i < ROWS(looks); i++) {
        bool is_due = contacts_watch_is_due(&watch, looks[i].sight, (int64_t)i * 2000);
        CHECK_INT(looks[i].row, looks[i].is_due, is_due);
        if (is_due)
            CHECK_INT(looks[i].row, false, contacts_watch_tell(&watch, true, (int64_t)i * 2000));
    }
}

/* Looked at every two seconds for half an hour while nothing can be written: how often it is read, and said. */
static void what_was_not_taken_over_is_tried_again_more_and_more_rarely(void **state)
{
    struct contacts_watch watch = { .failures = 0 };
    int tries = 0, said = 0;
    int64_t last_ms = 0, longest_ms = 0;

    (void)state;
    for (int64_t now_ms = 0; now_ms < HALF_HOUR_MS; now_ms += 2000) {
        if (!contacts_watch_is_due(&watch, &first, now_ms))
            continue;
        if (tries++ && now_ms - last_ms > longest_ms)
            longest_ms = now_ms - last_ms;
        last_ms = now_ms;
        said += contacts_watch_tell(&watch, false, now_ms);
    }
    CHECK_INT("said", 1, said);
    CHECK_INT("not for ever more rarely", CONTACTS_AGAIN_MS_MAX, longest_ms);
    assert_in_range(tries, 30, 36);
}

static void a_file_that_changes_meanwhile_is_tried_at_once(void **state)
{
    struct contacts_watch watch = { .failures = 0 };

    (void)state;
    assert_false(contacts_watch_is_due(&watch, &first, 0));
    assert_true(contacts_watch_is_due(&watch, &first, 2000));
    assert_true(contacts_watch_tell(&watch, false, 2000));
    assert_false(contacts_watch_is_due(&watch, &second, 2100));
    assert_true(contacts_watch_is_due(&watch, &second, 2200));
    assert_false(contacts_watch_tell(&watch, false, 2200)); /* it was said */
    assert_true(contacts_watch_is_due(&watch, &second, 2200 + CONTACTS_AGAIN_MS_MAX));
    assert_false(contacts_watch_tell(&watch, true, 70000));
    assert_false(contacts_watch_is_due(&watch, &second, 1000000));
    assert_false(contacts_watch_is_due(&watch, &first, 1002000));
    assert_true(contacts_watch_is_due(&watch, &first, 1004000));
    assert_true(contacts_watch_tell(&watch, false, 1004000)); /* another time: said anew */
}

/* ---- in the engine ------------------------------------------------------------------------------------- */

struct stage {
    struct fixture *fixture;
    char path[128];
    struct sb_instance *instance;
    struct setup setup;
    struct engine engine;
    struct loop_timer *deadline;
    const char *mend; /* SQL that lets it go on, said once it was tried again */
    int warnings, tried_again, read;
    bool is_late;
};

static void on_line(void *ctx, enum log_level level, const char *line)
{
    struct stage *stage = ctx;
    bool is_failure = strstr(line, "could not be taken over") != NULL;

    stage->warnings += is_failure && level == LOG_LEVEL_WARN;
    stage->tried_again += is_failure && level == LOG_LEVEL_DEBUG;
    stage->read += strstr(line, "read the mapping file") != NULL;
}

static void on_wake(void *ctx)
{
    loop_post_send(((struct stage *)ctx)->engine.store_post);
}

static void on_post(void *ctx)
{
    struct stage *stage = ctx;

    store_thread_deliver(stage->engine.store);
    if (stage->tried_again && stage->mend) {
        raw_sql(stage->fixture->journal, stage->mend);
        stage->mend = NULL;
    }
    if (stage->read || store_thread_failure(stage->engine.store))
        loop_stop(stage->engine.loop);
}

static void on_deadline(void *ctx)
{
    struct stage *stage = ctx;

    stage->is_late = true;
    loop_stop(stage->engine.loop);
}

static struct sb_instance *make_desk(const char *contacts)
{
    static const struct sb_option options[] = { { .name = "contacts", .type = SB_OPT_PATH },
                                                { .name = NULL } };
    static const struct sb_plugin plugin = { .abi = SB_ABI,
                                             .size = sizeof(struct sb_plugin),
                                             .kind = SB_SINK,
                                             .name = "zoho_desk",
                                             .options = options };
    struct arena *arena = arena_new(1 << 16);
    struct instance_value *value = arena_alloc(arena, sizeof(*value));
    struct sb_instance *instance = NULL;
    struct sb_error err = SB_ERROR_INIT;

    *value =
        (struct instance_value){ .option = options, .is_set = true, .text = arena_strdup(arena, contacts) };
    if (instance_new("desk", &plugin, arena, value, 1, &instance, &err) < 0)
        fail_msg("%s", err.text);
    return instance;
}

/* An engine that does nothing but watch its mapping file, which is there. */
static int setup_stage(void **state)
{
    static const char rows[] = "canonical_id,crm_id,contact_id\nuser-1,7000001,\n";
    struct stage *stage = calloc(1, sizeof(*stage));
    struct engine *engine = &stage->engine;
    struct sb_error err = SB_ERROR_INIT;

    (void)setup_store(state);
    stage->fixture = *state;
    *state = stage;
    (void)snprintf(stage->path, sizeof(stage->path), "%s/contacts.csv", stage->fixture->root);
    write_text(stage->path, rows, sizeof(rows) - 1);
    stage->instance = make_desk(stage->path);
    stage->setup = (struct setup){ .instances = &stage->instance, .plan = { .instance_count = 1 } };
    engine->setup = &stage->setup;
    engine->log = log_new(LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT, on_line, stage);
    engine->loop = loop_new(&err);
    assert_non_null(engine->loop);
    engine->store_post = loop_post_new(engine->loop, on_post, stage);
    stage->deadline = loop_timer_new(engine->loop, on_deadline, stage);
    loop_timer_arm(stage->deadline, DEADLINE_MS);
    if (store_thread_new(stage->fixture->store, on_wake, stage, &engine->store, &err) < 0)
        fail_msg("%s", err.text);
    stage->fixture->store = NULL; /* the thread closes it */
    engine->contacts_file = contacts_file_new(engine, &err);
    assert_non_null(engine->contacts_file);
    return 0;
}

static int teardown_stage(void **state)
{
    struct stage *stage = *state;
    void *fixture = stage->fixture;

    store_thread_free(stage->engine.store);
    contacts_file_free(stage->engine.contacts_file);
    loop_free(stage->engine.loop);
    log_free(stage->engine.log);
    instance_free(stage->instance);
    free(stage);
    return teardown(&fixture);
}

static void run(struct stage *stage)
{
    struct sb_error err = SB_ERROR_INIT;

    assert_int_equal(loop_run(stage->engine.loop, &err), 0);
    CHECK_INT("in time", false, stage->is_late);
}

static int64_t count_mapped(const struct stage *stage)
{
    return raw_number(stage->fixture->journal, "SELECT count(*) FROM key_doc WHERE name = 'mapped:user-1'");
}

static void what_could_not_be_taken_over_is_taken_over_later(void **state)
{
    struct stage *stage = *state;

    raw_sql(stage->fixture->journal, "ALTER TABLE cursor_doc RENAME TO hidden");
    stage->mend = "ALTER TABLE hidden RENAME TO cursor_doc";
    run(stage);
    CHECK_INT("said once", 1, stage->warnings);
    CHECK_INT("tried again", 1, stage->tried_again);
    CHECK_INT("taken over", 1, count_mapped(stage));
    CHECK_INT("goes on", false, stage->engine.has_failed);
}

/* As with every write that fails: nobody knows what the disk holds, the engine ends, and a restart begins with the file. */
static void nothing_is_promised_of_a_journal_that_takes_nothing_more(void **state)
{
    struct stage *stage = *state;

    raw_sql(stage->fixture->journal, "CREATE TRIGGER no_room BEFORE INSERT ON key_doc BEGIN"
                                     " SELECT RAISE(ABORT, 'no room'); END");
    run(stage);
    assert_non_null(store_thread_failure(stage->engine.store));
    CHECK_INT("promises nothing", 0, stage->warnings);
    CHECK_INT("nothing half", 0, count_mapped(stage));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read_once_it_looks_the_same_twice),
        cmocka_unit_test(what_was_not_taken_over_is_tried_again_more_and_more_rarely),
        cmocka_unit_test(a_file_that_changes_meanwhile_is_tried_at_once),
        cmocka_unit_test_setup_teardown(what_could_not_be_taken_over_is_taken_over_later, setup_stage,
                                        teardown_stage),
        cmocka_unit_test_setup_teardown(nothing_is_promised_of_a_journal_that_takes_nothing_more, setup_stage,
                                        teardown_stage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Keeping house: retry, drop, import, retention, files. */
#include "unit/check.h"
#include "unit/store_fixture.h"

static size_t retry(struct store *store, int64_t id, enum store_state state)
{
    struct sb_error err = SB_ERROR_INIT;
    size_t count = 99;

    if (store_retry(store, id, state, T0 + 1000, &count, &err) < 0)
        fail_msg("cannot retry: %s", err.text);
    return count;
}

static void assert_place(const struct store_record *record, enum store_phase phase, uint32_t index,
                         const char *instance, const char *step, uint32_t round)
{
    assert_int_equal(phase, record->place.phase);
    assert_int_equal(index, record->place.index);
    assert_string_equal(instance, record->place.instance);
    assert_string_equal(step, record->place.step);
    assert_int_equal(round, record->place.round);
}

/* ---- retry --------------------------------------------------------------------------------------------- */

static void a_dead_letter_goes_on_at_its_place(void **state)
{
    struct fixture *fixture = *state;
    int64_t id = emit_one(fixture->store, "a");

    end_record(fixture->store, id, STORE_DEAD, "no such department", T0);
    assert_int_equal(1, retry(fixture->store, id, STORE_DEAD));
    struct store_record *record = load(fixture->store, id);
    assert_int_equal(STORE_ACTIVE, record->state);
    assert_null(record->reason);
    assert_place(record, STORE_PHASE_SINK, 1, "zoho_desk", "create_ticket", 2);
    assert_int_equal(0, record->place.attempt);
    assert_int_equal(T0 + 1000, record->place.since_ms);
    assert_int_equal(T0 + 1000, record->updated_ms);
    assert_int_equal(0, record->ended_ms);
    store_record_free(record);
}

static void a_retried_record_keeps_its_unsettled_intent(void **state)
{
    struct fixture *fixture = *state;
    static const enum store_intent_state states[] = { STORE_INTENT_OPEN, STORE_INTENT_ANSWERED };

    for (size_t i = 0; i < COUNT_OF(states); i++) {
        char name[2] = { (char)('a' + i), '\0' };
        int64_t id = emit_one(fixture->store, name);
        open_intent(fixture->store, id, "create_ticket", 1);
        if (states[i] == STORE_INTENT_ANSWERED)
            settle_intent(fixture->store, id, STORE_INTENT_ANSWERED, "{\"status\":200}");
        end_record(fixture->store, id, STORE_DEAD, "cannot fold", T0);
        assert_int_equal(1, retry(fixture->store, id, STORE_DEAD));
        struct store_record *record = load(fixture->store, id);
        assert_true(record->has_intent);
        assert_int_equal(states[i], record->intent_state);
        assert_string_equal("{\"method\":\"POST\"}", record->intent.request);
        store_record_free(record);
    }
}

static void an_incomplete_record_passes_its_stages_again(void **state)
{
    struct fixture *fixture = *state;
    int64_t id = emit_one(fixture->store, "a");
    struct store_change *change = move_change(id, STORE_DONE, NULL);

    open_intent(fixture->store, id, "create_ticket", 1);
    change->adds_problem = true;
    change->settles_intent = true;
    change->intent_state = STORE_INTENT_DONE;
    apply(fixture->store, change);
    assert_int_equal(1, retry(fixture->store, id, STORE_DEAD)); /* the state is for all records only */
    struct store_record *record = load(fixture->store, id);
    assert_int_equal(STORE_ACTIVE, record->state);
    assert_place(record, STORE_PHASE_STAGE, 0, "", "", 0);
    assert_int_equal(0, record->problems);
    assert_int_equal(0, record->ended_ms);
    assert_int_equal(1, record->settled_count);
    assert_string_equal("create_ticket", record->settled[0].step);
    assert_int_equal(STORE_INTENT_DONE, record->settled[0].state);
    store_record_free(record);
    assert_int_equal(0, total(fixture->store, "records.incomplete"));
}

/* What was good before it is not done, and not paid for, once more. */
static void an_incomplete_record_begins_where_its_first_problem_is(void **state)
{
    static const struct {
        const char *row, *problems;
        int count; /* of the last pass */
        uint32_t place;
    } rows[] = {
        { "the second stage", "[{\"phase\":\"stage\",\"index\":1}]", 1, 1 },
        { "two stages", "[{\"phase\":\"stage\",\"index\":2},{\"phase\":\"stage\",\"index\":1}]", 2, 1 },
        { "its source", "[{\"phase\":\"source\",\"index\":0},{\"phase\":\"stage\",\"index\":2}]", 2, 0 },
        { "who tells, only", "[{\"phase\":\"sink\",\"index\":1}]", 1, 1000 },
        { "not that of an earlier pass",
          "[{\"phase\":\"stage\",\"index\":0},{\"phase\":\"stage\",\"index\":2}]", 1, 2 },
        { "nothing is known of it", NULL, 1, 0 },
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ROWS(rows); i++) {
        int64_t id = emit_one(fixture->store, rows[i].row);
        for (int j = 0; j < rows[i].count; j++) {
            struct store_change *change = move_change(id, STORE_DONE, NULL);
            const struct store_text section = { "problems", rows[i].problems };
            change->adds_problem = true;
            change->sections = &section;
            change->section_count = rows[i].problems != NULL;
            apply(fixture->store, change);
        }
        assert_int_equal(1, retry(fixture->store, id, STORE_DEAD));
        struct store_record *record = load(fixture->store, id);
        CHECK_INT(rows[i].row, rows[i].place, record->place.index);
        CHECK_INT(rows[i].row, STORE_PHASE_STAGE, record->place.phase);
        store_record_free(record);
    }
}

static void all_records_of_a_state_are_retried_and_no_others(void **state)
{
    struct fixture *fixture = *state;
    static const enum store_state states[] = { STORE_DEAD, STORE_DEAD, STORE_DISABLED, STORE_DONE,
                                               STORE_DROPPED };

    for (size_t i = 0; i < COUNT_OF(states); i++) {
        char name[2] = { (char)('a' + i), '\0' };
        end_record(fixture->store, emit_one(fixture->store, name), states[i], NULL, T0);
    }
    assert_int_equal(2, retry(fixture->store, 0, STORE_DEAD));
    assert_int_equal(0, retry(fixture->store, 0, STORE_DEAD));
    assert_int_equal(1, retry(fixture->store, 0, STORE_DISABLED));
    assert_int_equal(0, retry(fixture->store, 0, STORE_DONE)); /* it has no problems */
    assert_int_equal(3, total(fixture->store, "records.active"));
    assert_int_equal(1, total(fixture->store, "records.done"));
    assert_int_equal(1, total(fixture->store, "records.dropped"));
}

static void what_cannot_be_retried_is_refused_and_the_store_goes_on(void **state)
{
    struct fixture *fixture = *state;
    struct sb_error err = SB_ERROR_INIT;
    size_t count = 99;
    int64_t active = emit_one(fixture->store, "a");
    int64_t done = emit_one(fixture->store, "b");

    end_record(fixture->store, done, STORE_DONE, NULL, T0);
    assert_int_equal(SB_EINPUT, store_retry(fixture->store, active, STORE_DEAD, T0, &count, &err));
    assert_non_null(strstr(err.text, "is active"));
    err = (struct sb_error)SB_ERROR_INIT;
    assert_int_equal(SB_EINPUT, store_retry(fixture->store, done, STORE_DEAD, T0, &count, &err));
    assert_non_null(strstr(err.text, "is done"));
    err = (struct sb_error)SB_ERROR_INIT;
    assert_int_equal(SB_EINPUT, store_retry(fixture->store, 77, STORE_DEAD, T0, &count, &err));
    assert_string_equal("there is no record 77", err.text);
    assert_int_equal(SB_EINPUT, store_retry(fixture->store, 0, STORE_DROPPED, T0, &count, NULL));
    assert_int_equal(99, count);
    assert_true(emit_one(fixture->store, "c") > 0);
}

/* ---- drop ---------------------------------------------------------------------------------------------- */

static void an_unfinished_record_is_dropped_with_a_reason(void **state)
{
    struct fixture *fixture = *state;
    static const enum store_state states[] = { STORE_ACTIVE, STORE_DEAD, STORE_DISABLED };
    struct sb_error err = SB_ERROR_INIT;

    for (size_t i = 0; i < COUNT_OF(states); i++) {
        char name[2] = { (char)('a' + i), '\0' };
        int64_t id = emit_one(fixture->store, name);
        end_record(fixture->store, id, states[i], "before", T0);
        assert_int_equal(0, store_drop(fixture->store, id, "a test call", T0 + 9, &err));
        struct store_record *record = load(fixture->store, id);
        assert_int_equal(STORE_DROPPED, record->state);
        assert_string_equal("a test call", record->reason);
        assert_int_equal(T0 + 9, record->ended_ms);
        store_record_free(record);
    }
}

static void a_finished_record_is_not_dropped(void **state)
{
    struct fixture *fixture = *state;
    struct sb_error err = SB_ERROR_INIT;
    int64_t id = emit_one(fixture->store, "a");

    end_record(fixture->store, id, STORE_DONE, NULL, T0);
    assert_int_equal(SB_EINPUT, store_drop(fixture->store, id, "late", T0, &err));
    assert_non_null(strstr(err.text, "is done already"));
    assert_int_equal(SB_EINPUT, store_drop(fixture->store, 77, "late", T0, NULL));
    assert_int_equal(1, total(fixture->store, "records.done"));
}

/* ---- import -------------------------------------------------------------------------------------------- */

static void imported_conversations_are_never_emitted(void **state)
{
    struct fixture *fixture = *state;
    struct sb_error err = SB_ERROR_INIT;
    static const char *const ids[] = { "a", "b", "a", "known" };
    size_t new_count = 0;
    int64_t known = emit_one(fixture->store, "known");

    assert_int_equal(0, store_import(fixture->store, "acmedemo1", ids, COUNT_OF(ids), T0, &new_count, &err));
    assert_int_equal(2, new_count);
    assert_int_equal(0, store_import(fixture->store, "acmedemo1", ids, COUNT_OF(ids), T0, &new_count, &err));
    assert_int_equal(0, new_count);
    reopen(fixture);
    assert_int_equal(0, emit_one(fixture->store, "a"));
    assert_int_equal(0, emit_one(fixture->store, "b"));
    assert_true(emit_one(fixture->store, "c") > 0);
    assert_int_equal(known, find(fixture->store, "known"));
}

/* ---- retention ----------------------------------------------------------------------------------------- */

static size_t expire(struct store *store, int64_t before_ms, size_t limit)
{
    struct sb_error err = SB_ERROR_INIT;
    size_t count = 99;

    if (store_expire(store, before_ms, limit, &count, &err) < 0)
        fail_msg("cannot expire: %s", err.text);
    return count;
}

static void an_expired_record_is_gone_but_stays_known(void **state)
{
    struct fixture *fixture = *state;
    struct sb_error err = SB_ERROR_INIT;
    AUTO_JSON timeline = NULL;
    AUTO_STR key = NULL;
    int64_t id = emit_one(fixture->store, "a");
    struct store_outcome outcome = {
        .at_ms = T0, .instance = "zoho_desk", .step = "create_ticket", .verdict = "ok"
    };
    struct store_change *change = move_change(id, STORE_DONE, NULL);

    open_intent(fixture->store, id, "create_ticket", 1);
    change->settles_intent = true;
    change->intent_state = STORE_INTENT_DONE;
    change->outcome = &outcome;
    change->key_instance = "zoho_desk";
    change->key_name = "phone:5550100001";
    change->key_doc = "{\"contact\":\"77\"}";
    apply(fixture->store, change);
    assert_int_equal(0, expire(fixture->store, T0, 10)); /* it ended at T0, not before */
    assert_int_equal(1, expire(fixture->store, T0 + 1, 10));

    assert_null(load(fixture->store, id));
    assert_int_equal(0, store_timeline(fixture->store, id, &timeline, &err));
    assert_int_equal(0, json_array_size(timeline));
    assert_int_equal(0, find(fixture->store, "a"));
    assert_int_equal(0, emit_one(fixture->store, "a"));
    reopen(fixture);
    assert_int_equal(0, emit_one(fixture->store, "a"));
    assert_int_equal(0, store_key(fixture->store, "zoho_desk", "phone:5550100001", &key, &err));
    assert_string_equal("{\"contact\":\"77\"}", key);
    assert_true(emit_one(fixture->store, "b") > id); /* a number is never given again */
}

static void only_what_has_ended_expires_and_dead_letters_wait(void **state)
{
    struct fixture *fixture = *state;
    static const enum store_state states[] = { STORE_ACTIVE, STORE_DEAD, STORE_DISABLED, STORE_DONE,
                                               STORE_DROPPED };

    for (size_t i = 0; i < COUNT_OF(states); i++) {
        char name[2] = { (char)('a' + i), '\0' };
        end_record(fixture->store, emit_one(fixture->store, name), states[i], NULL, T0);
    }
    assert_int_equal(3, expire(fixture->store, T0 + 1, 100));
    assert_int_equal(0, expire(fixture->store, T0 + 1, 100));
    assert_int_equal(1, total(fixture->store, "records.active"));
    assert_int_equal(1, total(fixture->store, "records.dead"));
}

static void expiry_takes_the_oldest_first_and_no_more_than_asked(void **state)
{
    struct fixture *fixture = *state;
    int64_t newer = emit_one(fixture->store, "a");
    int64_t older = emit_one(fixture->store, "b");
    int64_t middle = emit_one(fixture->store, "c");

    end_record(fixture->store, newer, STORE_DONE, NULL, T0 + 30);
    end_record(fixture->store, older, STORE_DONE, NULL, T0 + 10);
    end_record(fixture->store, middle, STORE_DONE, NULL, T0 + 20);
    assert_int_equal(1, expire(fixture->store, T0 + 100, 1));
    assert_int_equal(0, find(fixture->store, "b"));
    assert_int_equal(1, expire(fixture->store, T0 + 30, 10));
    assert_int_equal(0, find(fixture->store, "c"));
    assert_int_equal(newer, find(fixture->store, "a"));
}

static void what_has_expired_is_not_in_the_file_any_more(void **state)
{
    struct fixture *fixture = *state;
    struct sb_error err = SB_ERROR_INIT;
    struct store_change *change = new_change(emit_one(fixture->store, "a"));
    struct store_text section = { "transcript", "\"an-unmistakable-sentence\"" };
    char *content = NULL;
    FILE *file;

    change->sections = &section;
    change->section_count = 1;
    change->sets_place = true;
    change->state = STORE_DONE;
    apply(fixture->store, change);
    assert_int_equal(1, expire(fixture->store, T0 + 1, 10));
    store_close(fixture->store);
    fixture->store = NULL;
    file = fopen(fixture->journal, "rb");
    assert_non_null(file);
    enum { ALL = 1 << 20 };
    content = calloc(1, ALL);
    size_t size = fread(content, 1, ALL, file);
    assert_true(size > 4096);
    assert_null(memmem(content, size, "unmistakable", 12));
    (void)fclose(file);
    free(content);
    (void)err;
}

/* ---- files --------------------------------------------------------------------------------------------- */

static void add_file(struct store *store, int64_t id, const char *name, const char *instance,
                     int64_t created_ms)
{
    struct store_change *change = new_change(id);
    struct store_file file = { .name = name, .instance = instance, .size = 120000, .created_ms = created_ms };

    change->file = &file;
    apply(store, change);
}

static void assert_files(json_t *array, const char *const *names)
{
    size_t count = 0;

    for (; names[count]; count++)
        assert_string_equal(names[count], json_str(json_array_get(array, count), "name"));
    assert_int_equal(count, json_array_size(array));
    json_decref(array);
}

static json_t *files(struct store *store, size_t limit)
{
    struct sb_error err = SB_ERROR_INIT;
    json_t *array = NULL;

    assert_int_equal(0, store_files(store, limit, &array, &err));
    return array;
}

static json_t *files_of(struct store *store, const char *instance, int64_t before_ms)
{
    struct sb_error err = SB_ERROR_INIT;
    json_t *array = NULL;

    assert_int_equal(0, store_files_of(store, instance, before_ms, 100, &array, &err));
    return array;
}

static void files_of_ended_and_expired_records_are_listed_oldest_first(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = fixture->store;
    struct sb_error err = SB_ERROR_INIT;
    int64_t active = emit_one(store, "a");
    int64_t ended = emit_one(store, "b");
    int64_t expired = emit_one(store, "c");

    add_file(store, active, "1/recording.mp3", "exotel", T0);
    add_file(store, ended, "2/recording.mp3", "exotel", T0 + 2);
    add_file(store, expired, "3/recording.mp3", "exotel", T0 + 1);
    add_file(store, ended, "2/upload.wav", "ai_agent", T0 + 3);
    assert_files(files(store, 100), (const char *[]){ NULL });
    end_record(store, ended, STORE_DONE, NULL, T0 + 50);
    end_record(store, expired, STORE_DONE, NULL, T0 + 40);
    assert_int_equal(1, expire(store, T0 + 41, 10));

    assert_files(files(store, 100),
                 (const char *[]){ "3/recording.mp3", "2/recording.mp3", "2/upload.wav", NULL });
    assert_files(files(store, 1), (const char *[]){ "3/recording.mp3", NULL });
    assert_files(files_of(store, "exotel", T0 + 50), (const char *[]){ "3/recording.mp3", NULL });
    assert_files(files_of(store, "exotel", T0 + 51),
                 (const char *[]){ "3/recording.mp3", "2/recording.mp3", NULL });
    assert_files(files_of(store, "ai_agent", T0 + 51), (const char *[]){ "2/upload.wav", NULL });
    AUTO_JSON array = files(store, 2);
    assert_int_equal(expired, json_int(json_array_get(array, 0), "record_id", 0));
    assert_string_equal("exotel", json_str(json_array_get(array, 0), "instance"));
    assert_int_equal(T0 + 1, json_int(json_array_get(array, 0), "created_ms", 0));
    assert_int_equal(0, json_int(json_array_get(array, 0), "ended_ms", -1));
    assert_int_equal(T0 + 50, json_int(json_array_get(array, 1), "ended_ms", -1));

    assert_int_equal(0, store_forget_file(store, "3/recording.mp3", &err));
    assert_int_equal(0, store_forget_file(store, "no such file", &err));
    assert_files(files(store, 100), (const char *[]){ "2/recording.mp3", "2/upload.wav", NULL });
    const char *rest[] = { "2/recording.mp3", "2/upload.wav", "no such file" };
    assert_int_equal(0, store_forget_files(store, rest, COUNT_OF(rest), &err));
    assert_files(files(store, 100), (const char *[]){ NULL });
}

static void a_file_that_is_fetched_again_is_one_file(void **state)
{
    struct fixture *fixture = *state;
    int64_t id = emit_one(fixture->store, "a");

    add_file(fixture->store, id, "1/recording.mp3", "exotel", T0);
    add_file(fixture->store, id, "1/recording.mp3", "exotel", T0 + 5);
    end_record(fixture->store, id, STORE_DONE, NULL, T0);
    AUTO_JSON array = files(fixture->store, 100);
    assert_int_equal(1, json_array_size(array));
    assert_int_equal(T0 + 5, json_int(json_array_get(array, 0), "created_ms", 0));
}

int main(void)
{
#define IN_STORE(test) cmocka_unit_test_setup_teardown(test, setup_store, teardown)
    const struct CMUnitTest tests[] = {
        IN_STORE(a_dead_letter_goes_on_at_its_place),
        IN_STORE(a_retried_record_keeps_its_unsettled_intent),
        IN_STORE(an_incomplete_record_passes_its_stages_again),
        IN_STORE(an_incomplete_record_begins_where_its_first_problem_is),
        IN_STORE(all_records_of_a_state_are_retried_and_no_others),
        IN_STORE(what_cannot_be_retried_is_refused_and_the_store_goes_on),
        IN_STORE(an_unfinished_record_is_dropped_with_a_reason),
        IN_STORE(a_finished_record_is_not_dropped),
        IN_STORE(imported_conversations_are_never_emitted),
        IN_STORE(an_expired_record_is_gone_but_stays_known),
        IN_STORE(only_what_has_ended_expires_and_dead_letters_wait),
        IN_STORE(expiry_takes_the_oldest_first_and_no_more_than_asked),
        IN_STORE(what_has_expired_is_not_in_the_file_any_more),
        IN_STORE(files_of_ended_and_expired_records_are_listed_oldest_first),
        IN_STORE(a_file_that_is_fetched_again_is_one_file),
    };
#undef IN_STORE
    return cmocka_run_group_tests(tests, NULL, NULL);
}

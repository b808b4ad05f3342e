/* What people ask the journal: lists, timelines, totals, finding a record by what they have. */
#include "unit/store_fixture.h"

static json_t *list(struct store *store, struct store_query query)
{
    struct sb_error err = SB_ERROR_INIT;
    json_t *array = NULL;

    query.limit = query.limit ? query.limit : 100;
    if (store_list(store, &query, &array, &err) < 0)
        fail_msg("cannot list: %s", err.text);
    return array;
}

/* The ids of a list must be exactly `ids` (0 ends). */
static void assert_lists(struct store *store, struct store_query query, const int64_t *ids)
{
    AUTO_JSON array = list(store, query);
    size_t count = 0;

    for (; ids[count]; count++)
        assert_int_equal(ids[count], json_int(json_array_get(array, count), "id", 0));
    assert_int_equal(count, json_array_size(array));
}

static void records_are_listed_by_state_newest_first(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = fixture->store;
    int64_t active = emit_one(store, "a");
    int64_t dead = emit_one(store, "b");
    int64_t done = emit_one(store, "c");
    int64_t incomplete = emit_one(store, "d");
    int64_t unknown = emit_one(store, "e");
    int64_t dead_unknown = emit_one(store, "f");
    int64_t dropped_unknown = emit_one(store, "g");
    struct sb_error err = SB_ERROR_INIT;
    struct store_change *change = move_change(incomplete, STORE_DONE, NULL);

    end_record(store, done, STORE_DONE, NULL, T0);
    change->adds_problem = true;
    apply(store, change);
    change = move_change(active, STORE_ACTIVE, NULL);
    change->adds_problem = true; /* it may still be mended, or end otherwise */
    apply(store, change);
    change = move_change(dead, STORE_DEAD, "no such department");
    change->adds_problem = true;
    apply(store, change);
    open_intent(store, unknown, "create_ticket", 1);
    open_intent(store, dead_unknown, "create_ticket", 1);
    end_record(store, dead_unknown, STORE_DEAD, "gave up", T0);
    open_intent(store, dropped_unknown, "create_ticket", 1);
    assert_int_equal(0, store_drop(store, dropped_unknown, "by hand", T0, &err));

    assert_lists(store, (struct store_query){ .state = "active" }, (int64_t[]){ unknown, active, 0 });
    assert_lists(store, (struct store_query){ .state = "dead" }, (int64_t[]){ dead_unknown, dead, 0 });
    assert_lists(store, (struct store_query){ .state = "done" }, (int64_t[]){ incomplete, done, 0 });
    assert_lists(store, (struct store_query){ .state = "disabled" }, (int64_t[]){ 0 });
    assert_lists(store, (struct store_query){ .state = "dropped" }, (int64_t[]){ dropped_unknown, 0 });
    assert_lists(store, (struct store_query){ .state = "unknown" }, (int64_t[]){ dead_unknown, unknown, 0 });
    assert_lists(store, (struct store_query){ .state = "incomplete" }, (int64_t[]){ incomplete, 0 });
    assert_lists(store, (struct store_query){ .pipeline = "escalations" }, (int64_t[]){ 0 });
    assert_lists(store, (struct store_query){ .limit = 2 }, (int64_t[]){ dropped_unknown, dead_unknown, 0 });
    assert_lists(store, (struct store_query){ .limit = 2, .before_id = dead_unknown },
                 (int64_t[]){ unknown, incomplete, 0 });
    assert_lists(store,
                 (struct store_query){ .state = "dead", .pipeline = "calls", .before_id = dead_unknown },
                 (int64_t[]){ dead, 0 });
    assert_int_equal(2, total(store, "records.active"));
    assert_int_equal(2, total(store, "records.dead"));
    assert_int_equal(2, total(store, "records.done"));
    assert_int_equal(1, total(store, "records.dropped"));
    assert_int_equal(0, total(store, "records.disabled"));
    assert_int_equal(2, total(store, "records.unknown"));
    assert_int_equal(1, total(store, "records.incomplete"));
}

static void a_row_says_everything_about_its_record(void **state)
{
    struct fixture *fixture = *state;
    char reference[REFERENCE_SIZE];
    int64_t id = emit_one(fixture->store, "examplecall000000000000000000001");

    open_intent(fixture->store, id, "create_ticket", 1);
    end_record(fixture->store, id, STORE_DEAD, "no such department", T0 + 60);
    digest_reference("acmedemo1", "examplecall000000000000000000001", reference);
    AUTO_JSON array = list(fixture->store, (struct store_query){ .state = NULL });
    AUTO_JSON want =
        json_pack("[{s:I,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:i,s:b,s:i,s:b,s:I,s:I,s:I}]", "id",
                  (json_int_t)id, "pipeline", "calls", "account", "acmedemo1", "external_id",
                  "examplecall000000000000000000001", "reference", reference, "state", "dead", "reason",
                  "no such department", "phase", "sink", "instance", "zoho_desk", "step", "create_ticket",
                  "attempt", 3, "is_doubtful", 0, "problems", 0, "has_open_intent", 1, "received_ms",
                  (json_int_t)T0, "updated_ms", (json_int_t)T0 + 60, "ended_ms", (json_int_t)T0 + 60);
    assert_non_null(want);
    AUTO_STR got_text = json_text(array);
    AUTO_STR want_text = json_text(want);
    assert_string_equal(want_text, got_text);
}

static void an_unknown_state_is_refused_with_the_known_ones(void **state)
{
    struct fixture *fixture = *state;
    struct sb_error err = SB_ERROR_INIT;
    json_t *array = NULL;

    assert_int_equal(
        SB_EINPUT,
        store_list(fixture->store, &(struct store_query){ .state = "deda", .limit = 1 }, &array, &err));
    assert_non_null(strstr(err.text, "'deda'"));
    assert_non_null(strstr(err.text, "incomplete"));
}

static void a_reason_that_is_no_utf8_does_not_hide_the_list(void **state)
{
    struct fixture *fixture = *state;
    int64_t id = emit_one(fixture->store, "a");

    end_record(fixture->store, id, STORE_DEAD, "broken \xff text", T0);
    AUTO_JSON array = list(fixture->store, (struct store_query){ .state = "dead" });
    assert_string_equal("broken \xef\xbf\xbd text", json_str(json_array_get(array, 0), "reason"));
}

/* ---- timeline ------------------------------------------------------------------------------------------ */

static void a_timeline_has_outcomes_and_intents_in_time_order(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = fixture->store;
    struct sb_error err = SB_ERROR_INIT;
    AUTO_JSON timeline = NULL;
    int64_t id = emit_one(store, "a");
    int64_t other = emit_one(store, "b");
    struct store_outcome outcomes[] = {
        { T0 + 30, "zoho_desk", "create_ticket", 0, 1, "retry", 503, 250, "the service is busy" },
        { T0 + 10, "exotel", "download", 4, 2, "ok", 0, 12, NULL },
    };

    for (size_t i = 0; i < COUNT_OF(outcomes); i++) {
        struct store_change *change = new_change(id);
        change->outcome = &outcomes[i];
        apply(store, change);
    }
    struct store_change *change = intent_change(id, "create_ticket", 20);
    change->outcome = NULL;
    apply(store, change);
    open_intent(store, other, "create_ticket", 1);

    assert_int_equal(0, store_timeline(store, id, &timeline, &err));
    size_t index;
    json_t *row;
    json_array_foreach (timeline, index, row) { /* what the digests are is test_store_chain's matter */
        assert_int_equal(64, strlen(json_str(row, "digest")));
        assert_int_equal(0, json_object_del(row, "digest"));
    }
    AUTO_STR text = json_text(timeline);
    AUTO_JSON want = json_pack(
        "[{s:s,s:I,s:s,s:s,s:i,s:i,s:s,s:i,s:i},"
        "{s:s,s:I,s:s,s:s,s:i,s:i,s:s,s:{s:s},s:{s:s}},"
        "{s:s,s:I,s:s,s:s,s:i,s:i,s:s,s:i,s:i,s:s}]",
        "kind", "outcome", "at_ms", (json_int_t)T0 + 10, "instance", "exotel", "step", "download", "round", 4,
        "attempt", 2, "verdict", "ok", "http_status", 0, "duration_ms", 12,
        /* */
        "kind", "intent", "at_ms", (json_int_t)T0 + 20, "instance", "zoho_desk", "step", "create_ticket",
        "round", 0, "attempt", 20, "state", "open", "request", "method", "POST", "kept", "contact", "77",
        /* */
        "kind", "outcome", "at_ms", (json_int_t)T0 + 30, "instance", "zoho_desk", "step", "create_ticket",
        "round", 0, "attempt", 1, "verdict", "retry", "http_status", 503, "duration_ms", 250, "text",
        "the service is busy");
    assert_non_null(want);
    AUTO_STR want_text = json_text(want);
    assert_string_equal(want_text, text);
}

static void a_record_without_history_has_an_empty_timeline(void **state)
{
    struct fixture *fixture = *state;
    struct sb_error err = SB_ERROR_INIT;
    AUTO_JSON timeline = NULL;

    assert_int_equal(0, store_timeline(fixture->store, emit_one(fixture->store, "a"), &timeline, &err));
    assert_true(json_is_array(timeline));
    assert_int_equal(0, json_array_size(timeline));
}

/* ---- totals -------------------------------------------------------------------------------------------- */

static void meters_add_up_by_instance(void **state)
{
    struct fixture *fixture = *state;
    struct store_meter meters[] = { { "deepgram", "audio_seconds", 42.5 },
                                    { "openai", "tokens_in", 100 },
                                    { "deepgram", "audio_seconds", 0.25 } };
    struct store_change *change = new_change(0);

    change->meters = meters;
    change->meter_count = COUNT_OF(meters);
    apply(fixture->store, change);
    reopen(fixture);
    AUTO_JSON object = totals(fixture->store);
    assert_true(json_number_value(json_at(object, "meters.deepgram.audio_seconds")) > 42.74);
    assert_true(json_number_value(json_at(object, "meters.deepgram.audio_seconds")) < 42.76);
    assert_int_equal(100, (int)json_number_value(json_at(object, "meters.openai.tokens_in")));
    assert_int_equal(0, json_int(object, "newest_received_ms", -1));
    assert_int_equal(0, json_int(object, "restored_ms", -1));
}

static void the_newest_arrival_is_told(void **state)
{
    struct fixture *fixture = *state;
    struct store_change *change = new_change(0);

    (void)emit_one(fixture->store, "a");
    (void)add_emit(change, "b");
    change->now_ms = T0 + 77;
    apply(fixture->store, change);
    assert_int_equal(T0 + 77, total(fixture->store, "newest_received_ms"));
}

/* ---- finding ------------------------------------------------------------------------------------------- */

static void a_record_is_found_by_id_external_id_and_reference(void **state)
{
    struct fixture *fixture = *state;
    struct sb_error err = SB_ERROR_INIT;
    char number[32];
    size_t imported = 0;
    static const char *const ids[] = { "imported" };
    int64_t id = emit_one(fixture->store, "examplecall000000000000000000001");
    struct store_record *record = load(fixture->store, id);

    assert_int_equal(0, store_import(fixture->store, "acmedemo1", ids, 1, T0, &imported, &err));
    (void)snprintf(number, sizeof(number), "%lld", (long long)id);
    assert_int_equal(id, find(fixture->store, number));
    assert_int_equal(id, find(fixture->store, "examplecall000000000000000000001"));
    assert_int_equal(id, find(fixture->store, record->reference));
    char typed[REFERENCE_SIZE];
    for (size_t i = 0; i < sizeof(typed); i++) {
        char c = record->reference[i];
        typed[i] = c == '0' ? 'o' : c == '1' ? 'l' : (char)(c >= 'A' ? c - 'A' + 'a' : c);
    }
    assert_int_equal(id, find(fixture->store, typed));
    assert_int_equal(0, find(fixture->store, "examplecall000000000000000000002"));
    assert_int_equal(0, find(fixture->store, "0123456789ABC"));
    assert_int_equal(0, find(fixture->store, "99"));
    assert_int_equal(0, find(fixture->store, "-1"));
    assert_int_equal(0, find(fixture->store, ""));
    assert_int_equal(0, find(fixture->store, "imported"));
    store_record_free(record);
}

static void a_reference_is_found_as_people_type_it(void **state)
{
    struct fixture *fixture = *state;
    bool had_zero = false;
    bool had_one = false;

    for (int i = 0; i < 200 && !(had_zero && had_one); i++) {
        char name[16];
        char reference[REFERENCE_SIZE];
        (void)snprintf(name, sizeof(name), "call%d", i);
        int64_t id = emit_one(fixture->store, name);
        digest_reference("acmedemo1", name, reference);
        for (char *c = reference; *c; c++) {
            had_zero = had_zero || *c == '0';
            had_one = had_one || *c == '1';
            *c = (char)(*c == '0' ? 'O' : *c == '1' ? (i % 2 ? 'I' : 'l') : *c >= 'A' ? *c - 'A' + 'a' : *c);
        }
        assert_int_equal(id, find(fixture->store, reference));
    }
    assert_true(had_zero && had_one);
}

static void an_external_id_of_digits_is_found_when_no_record_has_that_number(void **state)
{
    struct fixture *fixture = *state;
    int64_t id = emit_one(fixture->store, "900001");

    assert_int_equal(id, find(fixture->store, "900001"));
}

static void an_identity_is_found_with_or_without_its_record(void **state)
{
    struct fixture *fixture = *state;
    const char *const imported[] = { "old" };
    struct sb_error err = SB_ERROR_INIT;
    int64_t record = emit_one(fixture->store, "a"), id = 7;
    size_t count = 0;
    bool is_known = true;

    assert_int_equal(0, store_import(fixture->store, "acmedemo1", imported, 1, T0, &count, &err));
    assert_int_equal(0, store_find_identity(fixture->store, "acmedemo1", "a", &is_known, &id, &err));
    assert_true(is_known);
    assert_int_equal(id, record);
    assert_int_equal(0, store_find_identity(fixture->store, "acmedemo1", "old", &is_known, &id, &err));
    assert_true(is_known);
    assert_int_equal(id, 0);
    assert_int_equal(0, store_find_identity(fixture->store, "another", "a", &is_known, &id, &err));
    assert_false(is_known);
    assert_int_equal(id, 0);
}

int main(void)
{
#define IN_STORE(test) cmocka_unit_test_setup_teardown(test, setup_store, teardown)
    const struct CMUnitTest tests[] = {
        IN_STORE(records_are_listed_by_state_newest_first),
        IN_STORE(a_row_says_everything_about_its_record),
        IN_STORE(an_unknown_state_is_refused_with_the_known_ones),
        IN_STORE(an_identity_is_found_with_or_without_its_record),
        IN_STORE(a_reason_that_is_no_utf8_does_not_hide_the_list),
        IN_STORE(a_timeline_has_outcomes_and_intents_in_time_order),
        IN_STORE(a_record_without_history_has_an_empty_timeline),
        IN_STORE(meters_add_up_by_instance),
        IN_STORE(the_newest_arrival_is_told),
        IN_STORE(a_record_is_found_by_id_external_id_and_reference),
        IN_STORE(a_reference_is_found_as_people_type_it),
        IN_STORE(an_external_id_of_digits_is_found_when_no_record_has_that_number),
    };
#undef IN_STORE
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What one commit point writes, and what is read to go on from it. */
#include "unit/store_fixture.h"

/* ---- words --------------------------------------------------------------------------------------------- */

static void words_go_there_and_back(void **state)
{
    (void)state;
    for (int i = 0; i < STORE_STATE_COUNT; i++)
        assert_int_equal(i, store_state_from_word(store_state_word((enum store_state)i)));
    assert_string_equal("dead", store_state_word(STORE_DEAD));
    assert_string_equal("stage", store_phase_word(STORE_PHASE_STAGE));
    assert_string_equal("answered", store_intent_state_word(STORE_INTENT_ANSWERED));
    assert_int_equal(STORE_STATE_INVALID, store_state_from_word("deadly"));
    assert_int_equal(STORE_STATE_INVALID, store_state_from_word(NULL));
}

/* ---- emitting ------------------------------------------------------------------------------------------ */

static void a_new_conversation_becomes_a_record_at_its_source(void **state)
{
    struct fixture *fixture = *state;
    char reference[REFERENCE_SIZE];
    int64_t id = emit_one(fixture->store, "examplecall000000000000000000001");

    assert_true(id > 0);
    struct store_record *record = load(fixture->store, id);
    digest_reference("acmedemo1", "examplecall000000000000000000001", reference);
    assert_int_equal(id, record->id);
    assert_string_equal("calls", record->pipeline);
    assert_string_equal("acmedemo1", record->account);
    assert_string_equal("examplecall000000000000000000001", record->external_id);
    assert_string_equal(reference, record->reference);
    assert_int_equal(STORE_ACTIVE, record->state);
    assert_null(record->reason);
    assert_int_equal(STORE_PHASE_SOURCE, record->place.phase);
    assert_int_equal(0, record->place.index);
    assert_string_equal("", record->place.instance);
    assert_string_equal("", record->place.step);
    assert_int_equal(T0, record->place.since_ms);
    assert_false(record->is_doubtful);
    assert_int_equal(0, record->problems);
    assert_int_equal(T0, record->received_ms);
    assert_int_equal(T0, record->updated_ms);
    assert_int_equal(0, record->ended_ms);
    assert_string_equal("+915550100001", json_string_value(json_at(record->sections, "call.from")));
    assert_false(record->has_intent);
    assert_int_equal(0, record->settled_count);
    store_record_free(record);
}

static void a_known_conversation_is_emitted_once(void **state)
{
    struct fixture *fixture = *state;
    int64_t id = emit_one(fixture->store, "a");

    assert_true(id > 0);
    assert_int_equal(0, emit_one(fixture->store, "a"));
    reopen(fixture);
    assert_int_equal(0, emit_one(fixture->store, "a"));
    assert_int_equal(1, total(fixture->store, "records.active"));
}

static void the_same_conversation_twice_in_one_group_is_one_record(void **state)
{
    struct fixture *fixture = *state;
    struct store_change *changes[] = { new_change(0), new_change(0) };
    struct sb_error err = SB_ERROR_INIT;

    (void)add_emit(changes[0], "a");
    (void)add_emit(changes[1], "a");
    assert_int_equal(0, store_apply(fixture->store, changes, 2, &err));
    assert_true(changes[0]->emits[0].ret_id > 0);
    assert_int_equal(0, changes[1]->emits[0].ret_id);
    assert_int_equal(1, total(fixture->store, "records.active"));
    store_change_free(changes[0]);
    store_change_free(changes[1]);
}

/* Emits a record as it is in memory, with a section that is `doc` (taken). */
static void add_record(struct store_change *change, const char *external_id, json_t *doc)
{
    struct store_emit *emit = add_emit(change, external_id);

    emit->sections = NULL;
    emit->section_count = 0;
    emit->record = json_pack("{s:{s:s}, s:o}", "source", "plugin", "ai_agent", "user", doc);
    assert_non_null(emit->record);
}

static void a_record_is_written_section_by_section(void **state)
{
    struct fixture *fixture = *state;
    struct store_change *change = new_change(0);

    add_record(change, "a", json_pack("{s:s, s:[i,i]}", "name", "\"Asha\" Rao", "numbers", 1, 2));
    apply(fixture->store, change);
    reopen(fixture);
    struct store_record *record = load(fixture->store, find(fixture->store, "a"));
    AUTO_JSON want = json_pack("{s:{s:s}, s:{s:s, s:[i,i]}}", "source", "plugin", "ai_agent", "user", "name",
                               "\"Asha\" Rao", "numbers", 1, 2);
    assert_true(json_equal(want, record->sections));
    store_record_free(record);
}

static void a_change_that_no_json_can_say_is_left_out_whole_and_alone(void **state)
{
    struct fixture *fixture = *state;
    struct store_change *changes[] = { new_change(0), new_change(0), new_change(0) };
    struct sb_error err = SB_ERROR_INIT;
    AUTO_STR doc = NULL;

    (void)add_emit(changes[0], "before");
    add_record(changes[1], "broken", json_stringn_nocheck("\xff\x01", 2));
    changes[1]->cursor_name = "exotel";
    changes[1]->cursor_doc = "{\"page\":2}";
    add_record(changes[2], "behind", json_object());
    assert_int_equal(0, store_apply(fixture->store, changes, 3, &err));
    assert_true(!changes[0]->ret_is_left_out && changes[1]->ret_is_left_out && !changes[2]->ret_is_left_out);
    assert_int_equal(0, changes[1]->emits[0].ret_id);
    assert_true(find(fixture->store, "before") > 0 && find(fixture->store, "behind") > 0);
    assert_int_equal(0, find(fixture->store, "broken"));
    assert_int_equal(0, store_cursor(fixture->store, "exotel", &doc, &err));
    assert_null(doc);
    for (size_t i = 0; i < COUNT_OF(changes); i++)
        store_change_free(changes[i]);
}

static void one_id_in_two_accounts_is_two_conversations(void **state)
{
    struct fixture *fixture = *state;
    struct store_change *change = new_change(0);

    int64_t first = emit_one(fixture->store, "7");
    add_emit(change, "7")->account = "another";
    apply(fixture->store, change);
    assert_int_equal(2, total(fixture->store, "records.active"));
    assert_true(first > 0);
}

static void emits_and_their_cursor_commit_together(void **state)
{
    struct fixture *fixture = *state;
    struct sb_error err = SB_ERROR_INIT;
    struct store_change *change = new_change(0);
    AUTO_STR doc = NULL;

    (void)add_emit(change, "a");
    change->cursor_name = "exotel";
    change->cursor_doc = "{\"page\":2}";
    apply(fixture->store, change);
    reopen(fixture);
    assert_int_equal(0, store_cursor(fixture->store, "exotel", &doc, &err));
    assert_string_equal("{\"page\":2}", doc);
    assert_true(find(fixture->store, "a") > 0);
}

static void doubt_comes_with_the_emit_and_is_cleared(void **state)
{
    struct fixture *fixture = *state;
    struct sb_error err = SB_ERROR_INIT;
    struct store_change *change = new_change(0);

    add_emit(change, "a")->is_doubtful = true;
    assert_int_equal(0, try_apply(fixture->store, change, &err));
    int64_t id = change->emits[0].ret_id;
    store_change_free(change);
    struct store_record *record = load(fixture->store, id);
    assert_true(record->is_doubtful);
    store_record_free(record);

    change = new_change(id);
    change->clears_doubt = true;
    apply(fixture->store, change);
    record = load(fixture->store, id);
    assert_false(record->is_doubtful);
    store_record_free(record);
}

/* ---- moving -------------------------------------------------------------------------------------------- */

static void a_place_survives_a_restart(void **state)
{
    struct fixture *fixture = *state;
    int64_t id = emit_one(fixture->store, "a");
    struct store_change *change = move_change(id, STORE_ACTIVE, "waits for the recording");

    change->now_ms = T0 + 9;
    apply(fixture->store, change);
    reopen(fixture);
    struct store_record *record = load(fixture->store, id);
    assert_int_equal(STORE_ACTIVE, record->state);
    assert_string_equal("waits for the recording", record->reason);
    assert_int_equal(STORE_PHASE_SINK, record->place.phase);
    assert_int_equal(1, record->place.index);
    assert_string_equal("zoho_desk", record->place.instance);
    assert_string_equal("create_ticket", record->place.step);
    assert_int_equal(2, record->place.round);
    assert_int_equal(3, record->place.attempt);
    assert_int_equal(T0 + 5, record->place.since_ms);
    assert_int_equal(T0 + 9, record->updated_ms);
    assert_int_equal(0, record->ended_ms);
    store_record_free(record);
}

static void an_end_has_a_time_and_a_reason(void **state)
{
    struct fixture *fixture = *state;
    static const enum store_state ends[] = { STORE_DONE, STORE_DROPPED, STORE_DISABLED, STORE_DEAD };

    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        char name[2] = { (char)('a' + i), '\0' };
        int64_t id = emit_one(fixture->store, name);
        end_record(fixture->store, id, ends[i], "because", T0 + 50);
        struct store_record *record = load(fixture->store, id);
        assert_int_equal(ends[i], record->state);
        assert_string_equal("because", record->reason);
        assert_int_equal(T0 + 50, record->ended_ms);
        store_record_free(record);
    }
    assert_int_equal(0, total(fixture->store, "records.active"));
}

static void a_record_that_an_operator_has_ended_stays_ended(void **state)
{
    struct fixture *fixture = *state;
    struct sb_error err = SB_ERROR_INIT;
    AUTO_JSON timeline = NULL;
    int64_t id = emit_one(fixture->store, "a");
    struct store_change *change = move_change(id, STORE_ACTIVE, NULL);
    struct store_outcome outcome = {
        .at_ms = T0, .instance = "zoho_desk", .step = "create_ticket", .verdict = "ok"
    };

    assert_int_equal(0, store_drop(fixture->store, id, "dropped by hand", T0 + 1, &err));
    change->outcome = &outcome;
    apply(fixture->store, change);
    struct store_record *record = load(fixture->store, id);
    assert_int_equal(STORE_DROPPED, record->state);
    assert_string_equal("dropped by hand", record->reason);
    store_record_free(record);
    assert_int_equal(0, store_timeline(fixture->store, id, &timeline, &err));
    assert_int_equal(1, json_array_size(timeline)); /* what happened is told all the same */
}

static void sections_are_put_replaced_and_removed(void **state)
{
    struct fixture *fixture = *state;
    int64_t id = emit_one(fixture->store, "a");
    struct store_change *change = new_change(id);
    struct store_text sections[] = { { "call", "{\"from\":\"+915550100002\"}" },
                                     { "transcript", "{\"text\":\"na\\u00efve \\u0000 \\\"x\\\"\"}" },
                                     { "analysis", "[1,2]" } };

    change->sections = sections;
    change->section_count = COUNT_OF(sections);
    apply(fixture->store, change);
    change = new_change(id);
    struct store_text removal = { "analysis", NULL };
    change->sections = &removal;
    change->section_count = 1;
    apply(fixture->store, change);

    struct store_record *record = load(fixture->store, id);
    assert_int_equal(2, json_object_size(record->sections));
    assert_string_equal("+915550100002", json_string_value(json_at(record->sections, "call.from")));
    assert_int_equal(12, json_string_length(json_at(record->sections, "transcript.text")));
    store_record_free(record);
}

static void a_large_section_comes_back_whole(void **state)
{
    enum { SIZE = 3 * 1024 * 1024 };
    struct fixture *fixture = *state;
    int64_t id = emit_one(fixture->store, "a");
    struct store_change *change = new_change(id);
    char *text = malloc(SIZE + 3);

    assert_non_null(text);
    memset(text, 'x', SIZE + 2);
    text[0] = text[SIZE + 1] = '"';
    text[SIZE + 2] = '\0';
    struct store_text section = { "transcript", text };
    change->sections = &section;
    change->section_count = 1;
    apply(fixture->store, change);
    free(text);
    struct store_record *record = load(fixture->store, id);
    assert_int_equal(SIZE, json_string_length(json_object_get(record->sections, "transcript")));
    store_record_free(record);
}

static void problems_are_counted(void **state)
{
    struct fixture *fixture = *state;
    int64_t id = emit_one(fixture->store, "a");

    for (int i = 0; i < 2; i++) {
        struct store_change *change = new_change(id);
        change->adds_problem = true;
        apply(fixture->store, change);
    }
    struct store_record *record = load(fixture->store, id);
    assert_int_equal(2, record->problems);
    store_record_free(record);
    assert_int_equal(0, total(fixture->store, "records.incomplete")); /* it may still be mended */
    apply(fixture->store, move_change(id, STORE_DONE, NULL));
    assert_int_equal(1, total(fixture->store, "records.incomplete"));
}

static void a_record_that_is_not_there_loads_as_null(void **state)
{
    struct fixture *fixture = *state;

    assert_null(load(fixture->store, 99));
}

/* ---- documents ----------------------------------------------------------------------------------------- */

static void documents_are_put_replaced_and_removed(void **state)
{
    struct fixture *fixture = *state;
    struct sb_error err = SB_ERROR_INIT;
    static const char *const docs[] = { "{\"n\":1}", "{\"n\":2}", NULL };

    for (size_t i = 0; i < COUNT_OF(docs); i++) {
        struct store_change *change = new_change(0);
        AUTO_STR key = NULL;
        AUTO_STR cursor = NULL;
        AUTO_STR token = NULL;
        AUTO_STR other = NULL;
        change->key_instance = "zoho_desk";
        change->key_name = "phone:5550100001";
        change->key_doc = docs[i];
        change->cursor_name = "exotel";
        change->cursor_doc = docs[i];
        change->token_name = "zoho_desk";
        change->token_doc = docs[i];
        apply(fixture->store, change);
        reopen(fixture);
        assert_int_equal(0, store_key(fixture->store, "zoho_desk", "phone:5550100001", &key, &err));
        assert_int_equal(0, store_key(fixture->store, "desk_b", "phone:5550100001", &other, &err));
        assert_int_equal(0, store_cursor(fixture->store, "exotel", &cursor, &err));
        assert_int_equal(0, store_token(fixture->store, "zoho_desk", &token, &err));
        assert_null(other);
        if (!docs[i]) {
            assert_null(key);
            assert_null(cursor);
            assert_null(token);
            continue;
        }
        assert_string_equal(docs[i], key);
        assert_string_equal(docs[i], cursor);
        assert_string_equal(docs[i], token);
    }
}

int main(void)
{
#define IN_STORE(test) cmocka_unit_test_setup_teardown(test, setup_store, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_go_there_and_back),
        IN_STORE(a_new_conversation_becomes_a_record_at_its_source),
        IN_STORE(a_known_conversation_is_emitted_once),
        IN_STORE(the_same_conversation_twice_in_one_group_is_one_record),
        IN_STORE(a_record_is_written_section_by_section),
        IN_STORE(a_change_that_no_json_can_say_is_left_out_whole_and_alone),
        IN_STORE(one_id_in_two_accounts_is_two_conversations),
        IN_STORE(emits_and_their_cursor_commit_together),
        IN_STORE(doubt_comes_with_the_emit_and_is_cleared),
        IN_STORE(a_place_survives_a_restart),
        IN_STORE(an_end_has_a_time_and_a_reason),
        IN_STORE(a_record_that_an_operator_has_ended_stays_ended),
        IN_STORE(sections_are_put_replaced_and_removed),
        IN_STORE(a_large_section_comes_back_whole),
        IN_STORE(problems_are_counted),
        IN_STORE(a_record_that_is_not_there_loads_as_null),
        IN_STORE(documents_are_put_replaced_and_removed),
    };
#undef IN_STORE
    return cmocka_run_group_tests(tests, NULL, NULL);
}

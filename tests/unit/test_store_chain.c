/* The hash chain: whole after everything that the engine does, and telling of everything that somebody else did. */
#include "unit/store_raw.h"

/* ---- a journal with a past ----------------------------------------------------------------------------- */

static struct store_change *outcome_change(int64_t id, const char *step, const char *verdict,
                                           const char *text)
{
    struct store_change *change = new_change(id);
    struct store_outcome *outcome = arena_alloc(change->arena, sizeof(*outcome));

    assert_non_null(outcome);
    *outcome = (struct store_outcome){ .at_ms = T0,
                                       .instance = "zoho_desk",
                                       .step = step,
                                       .verdict = verdict,
                                       .http_status = 200,
                                       .duration_ms = 17,
                                       .text = text };
    change->outcome = outcome;
    return change;
}

/* A ticket: intent, and in one change its settling and outcome. Three links. */
static void make_ticket(struct store *store, int64_t id, const char *ticket)
{
    open_intent(store, id, "create_ticket", 0);
    struct store_change *change = outcome_change(id, "create_ticket", "ok", NULL);
    change->settles_intent = true;
    change->intent_state = STORE_INTENT_DONE;
    change->intent_made = ticket;
    apply(store, change);
}

/* Three conversations, each with three links of its own and one more, in turns. */
static void make_past(struct fixture *fixture)
{
    for (int i = 0; i < 3; i++) {
        char name[16], ticket[16];
        (void)snprintf(name, sizeof(name), "call%d", i);
        (void)snprintf(ticket, sizeof(ticket), "60000%d", i);
        int64_t id = emit_one(fixture->store, name);
        make_ticket(fixture->store, id, ticket);
    }
    for (int64_t id = 1; id <= 3; id++)
        apply(fixture->store, outcome_change(id, "add_note", "retry", "HTTP 503"));
}

enum { LINKS_OF_PAST = 12 };

static json_t *check_chain(struct store *store)
{
    struct sb_error err = SB_ERROR_INIT;
    json_t *report = NULL;

    if (store_check_chain(store, &report, &err) < 0)
        fail_msg("%s", err.text);
    return report;
}

static void assert_whole(struct store *store, int64_t links, int64_t expired)
{
    AUTO_JSON report = check_chain(store);

    if (!json_is_true(json_object_get(report, "is_whole")))
        fail_msg("%s", json_str(json_array_get(json_object_get(report, "faults"), 0), "text"));
    assert_int_equal(links, json_int(report, "links", -1));
    assert_int_equal(expired, json_int(report, "expired", -1));
    assert_int_equal(0, json_int(report, "fault_count", -1));
}

static void assert_fault(struct store *store, const char *row, const char *what, const char *words)
{
    AUTO_JSON report = check_chain(store);
    size_t index;
    json_t *fault;

    json_array_foreach (json_object_get(report, "faults"), index, fault)
        if (strcmp(json_str(fault, "what"), what) == 0 && strstr(json_str(fault, "text"), words))
            return;
    AUTO_STR text = json_dumps(report, JSON_COMPACT);
    fail_msg("%s: no fault '%s' with '%s' in %s", row, what, words, text);
}

/* ---- whole --------------------------------------------------------------------------------------------- */

static void what_the_engine_writes_is_whole(void **state)
{
    struct fixture *fixture = *state;

    assert_whole(fixture->store, 0, 0);
    make_past(fixture);
    assert_whole(fixture->store, LINKS_OF_PAST, 0);
    reopen(fixture);
    (void)emit_one(fixture->store, "later");
    make_ticket(fixture->store, 4, NULL);
    assert_whole(fixture->store, LINKS_OF_PAST + 3, 0);

    struct store *reader = open_reader(fixture->dir);
    assert_whole(reader, LINKS_OF_PAST + 3, 0);
    store_close(reader);
}

static void changes_of_one_group_are_chained_in_order(void **state)
{
    struct fixture *fixture = *state;
    struct sb_error err = SB_ERROR_INIT;
    int64_t a = emit_one(fixture->store, "a"), b = emit_one(fixture->store, "b");
    struct store_change *group[] = { intent_change(a, "create_ticket", 0),
                                     intent_change(b, "create_ticket", 0),
                                     outcome_change(a, "create_ticket", "ok", NULL),
                                     outcome_change(b, "create_ticket", "ok", "another") };

    assert_int_equal(0, store_apply(fixture->store, group, COUNT_OF(group), &err));
    for (size_t i = 0; i < COUNT_OF(group); i++)
        store_change_free(group[i]);
    assert_whole(fixture->store, 4, 0);
    assert_int_equal(3, raw_number(fixture->journal, "SELECT link FROM outcome WHERE record_id = 1"));
}

struct heard {
    int64_t done, whole;
    int count;
    bool went_back;
};

static void hear(void *ctx, enum store_work work, int64_t done, int64_t whole)
{
    struct heard *heard = ctx;

    assert_int_equal(STORE_PROVING, work);
    heard->went_back |= done <= heard->done;
    heard->done = done;
    heard->whole = whole;
    heard->count++;
}

static void checking_a_long_chain_tells_how_far_it_is(void **state)
{
    enum { GROUPS = 90, OF_GROUP = 100 };
    struct fixture *fixture = *state;
    struct sb_error err = SB_ERROR_INIT;
    struct heard heard = { .count = 0 };
    const struct store_progress progress = { hear, &heard };
    int64_t id = emit_one(fixture->store, "a");

    for (int i = 0; i < GROUPS; i++) {
        struct store_change *group[OF_GROUP];
        for (size_t j = 0; j < OF_GROUP; j++)
            group[j] = outcome_change(id, "add_note", "retry", "HTTP 503");
        assert_int_equal(0, store_apply(fixture->store, group, OF_GROUP, &err));
        for (size_t j = 0; j < OF_GROUP; j++)
            store_change_free(group[j]);
    }
    store_tell(fixture->store, &progress);
    assert_whole(fixture->store, (int64_t)GROUPS * OF_GROUP, 0);
    assert_int_equal(2, heard.count); /* every 4096 links */
    assert_int_equal((int64_t)GROUPS * OF_GROUP, heard.whole);
    assert_false(heard.went_back);
}

static void an_intent_that_is_tried_again_and_folded_later_is_whole(void **state)
{
    struct fixture *fixture = *state;
    int64_t id = emit_one(fixture->store, "a");

    open_intent(fixture->store, id, "create_ticket", 0);
    settle_intent(fixture->store, id, STORE_INTENT_REFUSED, NULL);
    open_intent(fixture->store, id, "create_ticket", 1);
    settle_intent(fixture->store, id, STORE_INTENT_ANSWERED, "{\"status\":200}");
    assert_whole(fixture->store, 4, 0);
    settle_intent(fixture->store, id, STORE_INTENT_DONE, NULL);
    assert_whole(fixture->store, 5, 0);
}

static void the_same_changes_give_the_same_chain(void **state)
{
    struct fixture *fixture = *state, other = *fixture;
    AUTO_JSON first = NULL;
    AUTO_JSON second = NULL;

    make_past(fixture);
    (void)snprintf(other.dir, sizeof(other.dir), "%s/other", fixture->root);
    other.store = open_store(other.dir);
    make_past(&other);
    first = check_chain(fixture->store);
    second = check_chain(other.store);
    assert_string_equal(json_str(first, "end"), json_str(second, "end"));
    store_close(other.store);
}

/* ---- changed, removed, inserted ------------------------------------------------------------------------ */

static const struct {
    const char *row, *sql, *what, *words;
} meddlings[] = {
    { "text of an outcome", "UPDATE outcome SET text = 'HTTP 200' WHERE id = 4", "changed",
      "outcome 'retry' of zoho_desk.add_note was changed (link 10)" },
    { "verdict of an outcome", "UPDATE outcome SET verdict = 'skip' WHERE id = 1", "changed", "(link 3)" },
    { "time of an outcome", "UPDATE outcome SET at_ms = at_ms + 1 WHERE id = 1", "changed", "(link 3)" },
    { "record of an outcome", "UPDATE outcome SET record_id = 2 WHERE id = 1", "changed", "(link 3)" },
    { "value of an outcome", "UPDATE outcome SET value = zeroblob(32) WHERE id = 1", "changed", "(link 3)" },
    { "an outcome removed", "DELETE FROM outcome WHERE id = 2", "removed",
      "link 6 was removed, before request of intent 3" },
    { "two neighbours removed", "DELETE FROM outcome WHERE id IN (4, 5)", "removed",
      "links 10 to 11 were removed" },
    { "the last outcome removed", "DELETE FROM outcome WHERE id = 6", "removed",
      "before the end of the chain" },
    { "an outcome inserted without a link",
      "INSERT INTO outcome SELECT 99, record_id, at_ms, instance, step, round, attempt, verdict, http_status,"
      " duration_ms, text, 0, NULL FROM outcome WHERE id = 1",
      "inserted", "no link of the chain" },
    { "an outcome inserted with a link of its own",
      "INSERT INTO outcome SELECT 99, record_id, at_ms, instance, step, round, attempt, verdict, http_status,"
      " duration_ms, text, 13, value FROM outcome WHERE id = 1",
      "inserted", "no link of the chain" },
    { "two outcomes exchanged",
      "UPDATE outcome SET link = 21 - link, value = (SELECT o.value FROM outcome o WHERE o.link = 21 - "
      "outcome.link)"
      " WHERE id IN (4, 5)",
      "inserted", "outcome 'retry'" },
    { "request of an intent", "UPDATE intent SET request = '{}' WHERE record_id = 2", "changed",
      "intent of zoho_desk.create_ticket was changed" },
    { "time of an intent", "UPDATE intent SET at_ms = 1 WHERE record_id = 2", "changed", "intent of" },
    { "ticket of an intent", "UPDATE intent SET made = '1' WHERE record_id = 2", "changed", "intent of" },
    { "state of an intent", "UPDATE intent SET state = 'refused' WHERE record_id = 2", "changed",
      "intent of" },
    { "an intent opened again", "UPDATE intent SET state = 'open' WHERE record_id = 2", "changed",
      "intent of" },
    { "an intent removed", "DELETE FROM intent WHERE record_id = 2", "removed", "intent 2 was removed" },
    { "an intent inserted",
      "INSERT INTO intent (record_id, instance, step, round, attempt, state, at_ms)"
      " VALUES (1, 'x', 'y', 0, 0, 'done', 1)",
      "inserted", "intent of x.y was inserted" },
    { "an intent removed with its links",
      "DELETE FROM intent WHERE record_id = 2; DELETE FROM chain WHERE record_id = 2", "removed",
      "links 4 to 5 were removed" },
    { "a link changed", "UPDATE chain SET digest = zeroblob(32) WHERE link = 4", "changed",
      "request of intent 2" },
    { "a link removed", "DELETE FROM chain WHERE link = 5", "removed", "link 5 was removed" },
    { "the end moved back", "UPDATE chain_head SET link = 11", "inserted", "no link of the chain" },
    { "the end changed", "UPDATE chain_head SET value = zeroblob(32)", "changed", "the end of the chain" },
    { "the end removed", "DELETE FROM chain_head", "removed", "the end of the chain" },
    { "a mark of expired links made up",
      "DELETE FROM outcome WHERE id = 2; INSERT INTO chain_gap VALUES (6, 6, zeroblob(32), zeroblob(32), "
      "zeroblob(32))",
      "changed", "mark of 1 expired links" },
};

static void whatever_somebody_else_does_is_named(void **state)
{
    struct fixture *fixture = *state;
    char backup[512];

    make_past(fixture);
    store_close(fixture->store);
    (void)snprintf(backup, sizeof(backup), "cp '%s' '%s/sound.db'", fixture->journal, fixture->root);
    assert_int_equal(0, system(backup)); /* NOLINT: a folder this test has made */
    for (size_t i = 0; i < COUNT_OF(meddlings); i++) {
        (void)snprintf(backup, sizeof(backup), "cp '%s/sound.db' '%s'", fixture->root, fixture->journal);
        assert_int_equal(0, system(backup)); /* NOLINT: the same */
        raw_sql(fixture->journal, meddlings[i].sql);
        struct store *reader = open_reader(fixture->dir);
        assert_fault(reader, meddlings[i].row, meddlings[i].what, meddlings[i].words);
        store_close(reader);
    }
    fixture->store = NULL;
}

static void a_fault_names_its_record(void **state)
{
    struct fixture *fixture = *state;

    make_past(fixture);
    raw_sql(fixture->journal, "UPDATE outcome SET text = 'x' WHERE record_id = 2 AND verdict = 'retry'");
    AUTO_JSON report = check_chain(fixture->store);
    assert_int_equal(1, json_int(report, "fault_count", 0));
    assert_int_equal(2, json_int(json_array_get(json_object_get(report, "faults"), 0), "record_id", 0));
}

/* ---- retention ----------------------------------------------------------------------------------------- */

static void expire_all_before(struct fixture *fixture, int64_t before_ms)
{
    struct sb_error err = SB_ERROR_INIT;
    size_t count = 0;

    assert_int_equal(0, store_expire(fixture->store, before_ms, 100, &count, &err));
}

static void retention_leaves_the_chain_whole(void **state)
{
    struct fixture *fixture = *state;

    make_past(fixture);
    end_record(fixture->store, 2, STORE_DONE, NULL, T0 + 10);
    end_record(fixture->store, 1, STORE_DONE, NULL, T0 + 20);
    end_record(fixture->store, 3, STORE_DONE, NULL, T0 + 30);
    expire_all_before(fixture, T0 + 15);
    assert_whole(fixture->store, LINKS_OF_PAST, 4);
    assert_int_equal(2, raw_number(fixture->journal, "SELECT count(*) FROM chain_gap"));
    expire_all_before(fixture, T0 + 25);
    assert_whole(fixture->store, LINKS_OF_PAST, 8);
    expire_all_before(fixture, T0 + 35);
    assert_whole(fixture->store, LINKS_OF_PAST, LINKS_OF_PAST);
    assert_int_equal(1, raw_number(fixture->journal, "SELECT count(*) FROM chain_gap"));
    assert_int_equal(0, raw_number(fixture->journal, "SELECT count(*) FROM chain"));

    (void)emit_one(fixture->store, "later");
    make_ticket(fixture->store, 4, "600009");
    assert_whole(fixture->store, LINKS_OF_PAST + 3, LINKS_OF_PAST);
}

static void what_is_left_after_retention_is_still_guarded(void **state)
{
    struct fixture *fixture = *state;

    make_past(fixture);
    end_record(fixture->store, 2, STORE_DONE, NULL, T0 + 10);
    expire_all_before(fixture, T0 + 15);
    raw_sql(fixture->journal, "UPDATE outcome SET text = 'x' WHERE record_id = 1 AND verdict = 'ok'");
    assert_fault(fixture->store, "before the gap", "changed", "(link 3)");
    raw_sql(fixture->journal, "UPDATE outcome SET text = NULL WHERE record_id = 1 AND verdict = 'ok'");
    assert_whole(fixture->store, LINKS_OF_PAST, 4);
    raw_sql(fixture->journal, "UPDATE chain_gap SET last_value = zeroblob(32) WHERE first = 4");
    assert_fault(fixture->store, "the gap", "changed", "request of intent 3");
}

static void a_row_that_was_put_in_does_not_stop_retention(void **state)
{
    struct fixture *fixture = *state;

    make_past(fixture);
    raw_sql(fixture->journal,
            "INSERT INTO outcome SELECT 99, record_id, at_ms, instance, step, round, attempt,"
            " verdict, http_status, duration_ms, text, 0, NULL FROM outcome WHERE id = 1");
    end_record(fixture->store, 1, STORE_DONE, NULL, T0 + 10);
    expire_all_before(fixture, T0 + 15);
    assert_whole(fixture->store, LINKS_OF_PAST, 4);
}

/* ---- older journals, backups --------------------------------------------------------------------------- */

static void a_journal_from_before_the_chain_is_chained_when_it_is_opened(void **state)
{
    struct fixture *fixture = *state;

    make_past(fixture);
    (void)emit_one(fixture->store, "open");
    open_intent(fixture->store, 4, "create_ticket", 0);
    store_close(fixture->store);
    raw_sql(fixture->journal, TO_SCHEMA_2);
    fixture->store = open_store(fixture->dir);
    assert_whole(fixture->store, LINKS_OF_PAST + 1, 0);
    make_ticket(fixture->store, 3, NULL);
    assert_whole(fixture->store, LINKS_OF_PAST + 4, 0);
    AUTO_JSON report = check_chain(fixture->store);
    assert_int_equal(LINKS_OF_PAST + 1, json_int(report, "adopted", -1));
    raw_sql(fixture->journal, "UPDATE outcome SET text = 'x' WHERE id = 4");
    assert_fault(fixture->store, "an adopted outcome", "changed", "add_note");
}

static void a_backup_that_is_restored_keeps_the_chain(void **state)
{
    struct fixture *fixture = *state;
    struct sb_error err = SB_ERROR_INIT;
    AUTO_JSON before = NULL;

    make_past(fixture);
    before = check_chain(fixture->store);
    assert_int_equal(0, store_backup(fixture->store, in_root(fixture, "backup.db"), &err));
    make_ticket(fixture->store, 1, NULL);
    store_close(fixture->store);
    assert_int_equal(0, store_restore(fixture->dir, in_root(fixture, "backup.db"), T0, NULL, &err));
    fixture->store = open_store(fixture->dir);
    assert_whole(fixture->store, LINKS_OF_PAST, 0);
    AUTO_JSON after = check_chain(fixture->store);
    assert_string_equal(json_str(before, "end"), json_str(after, "end"));
    make_ticket(fixture->store, 2, NULL);
    assert_whole(fixture->store, LINKS_OF_PAST + 3, 0);
}

#define IN_STORE(test) cmocka_unit_test_setup_teardown(test, setup_store, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_STORE(what_the_engine_writes_is_whole),
        IN_STORE(changes_of_one_group_are_chained_in_order),
        IN_STORE(checking_a_long_chain_tells_how_far_it_is),
        IN_STORE(an_intent_that_is_tried_again_and_folded_later_is_whole),
        IN_STORE(the_same_changes_give_the_same_chain),
        IN_STORE(whatever_somebody_else_does_is_named),
        IN_STORE(a_fault_names_its_record),
        IN_STORE(retention_leaves_the_chain_whole),
        IN_STORE(what_is_left_after_retention_is_still_guarded),
        IN_STORE(a_row_that_was_put_in_does_not_stop_retention),
        IN_STORE(a_journal_from_before_the_chain_is_chained_when_it_is_opened),
        IN_STORE(a_backup_that_is_restored_keeps_the_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

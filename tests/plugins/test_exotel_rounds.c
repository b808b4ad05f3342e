/* Rounds of asking: where they begin, clocks that disagree, what they cost, and calls that stay open. */
#include "exotel_poll_kit.h"

/* ---- where it begins ----------------------------------------------------------------------------------- */

static void calls_from_before_the_first_start_are_not_taken(void **state)
{
    (void)state;
    static const struct {
        const char *created;
        size_t want;
    } rows[] = { { "2026-03-10 14:29:59", 0 }, { "2026-03-10 14:30:00", 1 }, { "2026-03-10 14:30:01", 1 } };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct harness *h = planned("\"since\": \"1h\"");
        const struct harness_result *result =
            fold_page(h, "examplecall000000000000000000001", rows[i].created, NULL);
        assert_int_equal(json_array_size(result->emits), rows[i].want);
        harness_free(h);
    }
}

static void a_later_start_keeps_what_the_first_one_said(void **state)
{
    (void)state;
    struct harness *h = planned("\"since\": \"1h\"");
    (void)sweep_url(h);
    AUTO_STR cursor = json_dumps(harness_poll_fold(h, SWEEP, 200, NULL, EMPTY)->record, 0);

    harness_free(h);
    h = harness_new(&exotel_plugin, "{" KIT_KEYS ", \"since\": \"30d\"}");
    harness_set_now(h, KIT_NOW_MS + 60000);
    harness_set_cursor(h, cursor);
    (void)harness_poll_build(h, "plan_round");
    assert_has(sweep_url(h), "gte%3A2026-03-10%2014%3A30%3A00%3Blte%3A2026-03-10%2015%3A31%3A00");
    harness_free(h);
}

static void another_account_begins_anew(void **state)
{
    (void)state;
    struct harness *h = planned("\"since\": \"1h\"");
    AUTO_STR cursor = json_dumps(
        fold_page(h, "examplecall000000000000000000001", "2026-03-10 15:00:00", "/x?After=abc")->record, 0);

    harness_free(h);
    h = harness_new(&exotel_plugin,
                    "{\"account_sid\": \"acmedemo2\", \"api_key\": \"k\", \"api_token\": \"t\"}");
    harness_set_now(h, KIT_NOW_MS + 60000);
    harness_set_cursor(h, cursor);
    const struct harness_result *result = harness_poll_build(h, "plan_round");
    assert_string_equal(harness_text(result->record, "state.account"), "acmedemo2");
    assert_null(json_object_get(result->record, "seen"));
    const char *url = sweep_url(h);
    assert_has(url, "gte%3A2026-03-10%2015%3A31%3A00%3B");
    assert_null(strstr(url, "After"));
    harness_free(h);
}

static void the_low_mark_moves_by_their_clock_and_the_overlap(void **state)
{
    (void)state;
    static const struct {
        const char *name, *headers;
        int64_t want_low_ms; /* after a sweep at KIT_NOW_MS that began at 2026-03-09T10:00Z */
    } rows[] = {
        { "their clock agrees", "{\"Date\": \"Tue, 10 Mar 2026 10:00:00 GMT\"}",
          KIT_NOW_MS - 270 * EXO_MINUTE_MS },
        { "ours is ahead", "{\"Date\": \"Tue, 10 Mar 2026 08:00:00 GMT\"}",
          KIT_NOW_MS - 390 * EXO_MINUTE_MS },
        { "ours is behind", "{\"Date\": \"Tue, 10 Mar 2026 12:00:00 GMT\"}",
          KIT_NOW_MS - 270 * EXO_MINUTE_MS },
        { "they tell no time and list nothing", NULL, KIT_NOW_MS - EXO_DAY_MS },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct harness *h = planned("\"since\": \"24h\"");
        (void)sweep_url(h);
        const struct harness_result *result = harness_poll_fold(h, SWEEP, 200, rows[i].headers, EMPTY);
        if (harness_int(result->record, "state.low_ms") != rows[i].want_low_ms)
            fail_msg("'%s': %lld", rows[i].name, (long long)harness_int(result->record, "state.low_ms"));
        harness_free(h);
    }
}

static void time_that_is_refused_is_taken_from_their_clock(void **state)
{
    (void)state;
    struct harness *h = planned("\"since\": \"24h\"");

    (void)sweep_url(h);
    const struct harness_result *result = harness_poll_fold(
        h, SWEEP, 400, "{\"Date\": \"Tue, 10 Mar 2026 09:50:00 GMT\"}",
        "{\"RestException\": {\"Status\": 400, \"Message\": \"time range is out of bounds\"}}");
    assert_int_equal(result->verdict, SB_AGAIN);
    assert_int_equal(json_array_size(result->notes), 1);
    assert_has(sweep_url(h), "lte%3A2026-03-10%2015%3A19%3A59"); /* 09:50:00 less a second */
    assert_int_equal(harness_poll_fold(h, SWEEP, 200, NULL, EMPTY)->verdict, SB_OK);

    /* Half of it is kept for the next round, so that a clock that was set right is believed again. */
    (void)harness_poll_build(h, "plan_round");
    assert_has(sweep_url(h), "lte%3A2026-03-10%2015%3A24%3A59");
    harness_free(h);
}

static void a_standstill_beyond_what_is_listed_is_told(void **state)
{
    (void)state;
    struct harness *h = planned("");

    (void)sweep_url(h);
    (void)harness_poll_fold(h, SWEEP, 200, NULL, EMPTY);
    harness_set_now(h, KIT_NOW_MS + 200 * EXO_DAY_MS);
    const struct harness_result *result = harness_poll_build(h, "plan_round");
    assert_int_equal(json_array_size(result->notes), 1);
    assert_has(sweep_url(h), "gte%3A2026-03-30%2015%3A30%3A00%3B");
    harness_free(h);
}

/* ---- the price ----------------------------------------------------------------------------------------- */

/* A sweep of `pages` pages, one call each. */
static void sweep_of(struct harness *h, unsigned pages)
{
    for (unsigned i = 0; i < pages; i++) {
        char sid[40], next[64];
        (void)snprintf(sid, sizeof(sid), "examplecall%021u", i);
        (void)snprintf(next, sizeof(next), "/x?After=page%u", i);
        const struct harness_result *result =
            fold_page(h, sid, "2026-03-10 15:00:00", i + 1 < pages ? next : NULL);
        if (result->verdict == SB_OK && i + 1 < pages)
            (void)harness_poll_build(h, "plan_round");
    }
}

static void a_long_sweep_is_worked_off_in_slices(void **state)
{
    (void)state;
    struct harness *h = planned("\"since\": \"24h\"");
    const struct harness_result *result = NULL;

    for (unsigned i = 1; i <= 60; i++) {
        char next[64];
        (void)snprintf(next, sizeof(next), "/x?After=page%u", i);
        result = fold_page(h, "examplecall000000000000000000001", "2026-03-10 15:00:00", next);
        assert_int_equal(result->verdict, i < 60 ? SB_AGAIN : SB_OK);
    }
    assert_int_equal(harness_poll_build(h, SWEEP)->verdict, SB_SKIP);
    (void)harness_poll_build(h, "plan_round");
    assert_has(sweep_url(h), "&After=page60");
    assert_int_equal(harness_poll_build(h, "list_recent")->verdict,
                     SB_OK); /* meanwhile, the newest are found */
    harness_free(h);
}

static void sweeps_take_a_quarter_of_the_budget_at_most(void **state)
{
    (void)state;
    struct harness *h = planned("\"since\": \"24h\"");

    sweep_of(h, 100); /* two slices; the second round was planned at the same time */
    harness_set_now(h, KIT_NOW_MS + 119000);
    (void)harness_poll_build(h, "plan_round");
    assert_int_equal(harness_poll_build(h, SWEEP)->verdict, SB_SKIP);
    const struct harness_result *result = harness_poll_build(h, "list_recent");
    assert_int_equal(result->verdict, SB_OK);
    /* 4.5 hours in 100 pages: ten pages are 27 minutes. */
    assert_has(harness_text(result->request, "url"),
               "gte%3A2026-03-10%2015%3A04%3A59%3Blte%3A2026-03-10%2015%3A31%3A59");
    harness_set_now(h, KIT_NOW_MS + 120000);
    (void)harness_poll_build(h, "plan_round");
    (void)sweep_url(h);
    harness_free(h);
}

static void a_recent_scan_is_given_up_when_it_is_too_long(void **state)
{
    (void)state;
    struct harness *h = planned("\"since\": \"24h\"");
    unsigned pages = 0;

    sweep_of(h, 100);
    harness_set_now(h, KIT_NOW_MS + 60000);
    (void)harness_poll_build(h, "plan_round");
    for (enum sb_verdict verdict = SB_AGAIN; verdict == SB_AGAIN; pages++) {
        char page[128];
        (void)snprintf(page, sizeof(page),
                       "{\"Metadata\": {\"NextPageUri\": \"/x?After=p%u\"}, \"Calls\": []}", pages);
        assert_int_equal(harness_poll_build(h, "list_recent")->verdict, SB_OK);
        verdict = harness_poll_fold(h, "list_recent", 200, NULL, page)->verdict;
    }
    assert_int_equal(pages, 40);
    assert_int_equal(harness_poll_build(h, "list_recent")->verdict, SB_SKIP);
    harness_free(h);
}

/* Known calls are not emitted again, up to a bound; beyond it they are, which changes nothing in the journal. */
static void known_calls_are_remembered_within_a_bound(void **state)
{
    (void)state;
    enum { PAGES = 51, CALLS = 100 };
    struct harness *h = planned("\"since\": \"24h\"");
    size_t emits[2] = { 0, 0 };

    for (unsigned sweep = 0; sweep < 2; sweep++) {
        for (unsigned p = 0; p < PAGES; p++) {
            json_t *calls = json_array();
            char next[64], changes[128];
            for (unsigned c = 0; c < CALLS; c++) {
                (void)snprintf(changes, sizeof(changes), "{\"Sid\": \"examplecall%021u\"}", p * CALLS + c);
                (void)json_array_append_new(calls, kit_call(changes));
            }
            (void)snprintf(next, sizeof(next), "/x?After=page%u", p);
            json_t *page = json_pack("{s:{s:s?}, s:o}", "Metadata", "NextPageUri",
                                     p + 1 < PAGES ? next : NULL, "Calls", calls);
            AUTO_STR text = json_dumps(page, 0);
            json_decref(page);
            (void)sweep_url(h);
            const struct harness_result *result = harness_poll_fold(h, SWEEP, 200, NULL, text);
            emits[sweep] += json_array_size(result->emits);
        }
        harness_set_now(h, KIT_NOW_MS + EXO_HOUR_MS);
        (void)harness_poll_build(h, "plan_round");
    }
    assert_int_equal(emits[0], PAGES * CALLS);
    assert_int_equal(emits[1], PAGES * CALLS - 5000);
    harness_free(h);
}

static void remembered_calls_are_forgotten_behind_the_low_mark(void **state)
{
    (void)state;
    struct harness *h = planned("\"since\": \"24h\"");
    static const char date[] = "{\"Date\": \"Tue, 10 Mar 2026 20:00:00 GMT\"}";

    sweep_of(h, 1);
    harness_set_now(h, KIT_NOW_MS + 10 * EXO_HOUR_MS);
    (void)harness_poll_build(h, "plan_round");
    (void)sweep_url(h);
    const struct harness_result *result = harness_poll_fold(h, SWEEP, 200, date, EMPTY);
    assert_int_equal(json_object_size(harness_at(result->record, "seen")), 0);
    harness_free(h);
}

/* ---- open calls ---------------------------------------------------------------------------------------- */

static void add_open(json_t *open, unsigned number, int64_t at_ms)
{
    char sid[40];

    (void)snprintf(sid, sizeof(sid), "examplecall%021u", number);
    (void)json_object_set_new(open, sid, json_pack("{s:I, s:i}", "at", (json_int_t)at_ms, "round", 0));
}

/* A cursor with `open` (taken), in its first round. */
static struct harness *with_open(json_t *open)
{
    json_t *cursor = json_pack("{s:{s:s, s:I, s:I, s:i, s:I}, s:o}", "state", "account", "acmedemo1",
                               "floor_ms", (json_int_t)0, "low_ms", (json_int_t)KIT_NOW_MS, "round", 1,
                               "round_ms", (json_int_t)KIT_NOW_MS, "open", open);
    AUTO_STR text = json_dumps(cursor, 0);
    struct harness *h = harness_new(&exotel_plugin, "{" KIT_KEYS "}");

    json_decref(cursor);
    harness_set_now(h, KIT_NOW_MS);
    harness_set_cursor(h, text);
    return h;
}

static size_t count_sids(const char *url)
{
    size_t count = 0;

    for (const char *at = strstr(url, "examplecall"); at; at = strstr(at + 1, "examplecall"))
        count++;
    return count;
}

static void open_calls_are_read_again_a_hundred_at_once(void **state)
{
    (void)state;
    static const size_t want[] = { 100, 100, 50 };
    json_t *open = json_object();

    for (unsigned i = 0; i < 250; i++)
        add_open(open, i, KIT_NOW_MS - EXO_HOUR_MS);
    struct harness *h = with_open(open);
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        const struct harness_result *result = harness_poll_build(h, "settle_calls");
        assert_int_equal(result->verdict, SB_OK);
        const char *url = harness_text(result->request, "url");
        assert_int_equal(count_sids(url), want[i]);
        assert_has(url, "&PageSize=100&details=true");
        assert_null(strstr(url, "DateCreated"));
        assert_int_equal(harness_poll_fold(h, "settle_calls", 200, NULL, EMPTY)->verdict,
                         i + 1 < COUNT_OF(want) ? SB_AGAIN : SB_OK);
    }
    assert_int_equal(harness_poll_build(h, "settle_calls")->verdict, SB_SKIP);
    harness_free(h);
}

static void old_open_calls_are_asked_for_with_their_dates(void **state)
{
    (void)state;
    json_t *open = json_object();

    add_open(open, 1, KIT_NOW_MS - 40 * EXO_DAY_MS);
    add_open(open, 2, KIT_NOW_MS - 20 * EXO_DAY_MS);
    add_open(open, 3, KIT_NOW_MS - EXO_DAY_MS);
    struct harness *h = with_open(open);
    const char *url = harness_text(harness_poll_build(h, "settle_calls")->request, "url");
    assert_int_equal(count_sids(url), 2);
    assert_has(url, "DateCreated=gte%3A2026-01-29%2015%3A30%3A00%3Blte%3A2026-02-18%2015%3A30%3A00");
    assert_int_equal(harness_poll_fold(h, "settle_calls", 200, NULL, EMPTY)->verdict, SB_AGAIN);
    url = harness_text(harness_poll_build(h, "settle_calls")->request, "url");
    assert_int_equal(count_sids(url), 1);
    assert_null(strstr(url, "DateCreated"));
    harness_free(h);
}

static void an_open_call_that_is_not_listed_waits_and_is_then_left_to_its_record(void **state)
{
    (void)state;
    static const struct {
        int64_t age_ms;
        size_t want;
    } rows[] = { { 4 * EXO_HOUR_MS, 0 }, { 290 * EXO_MINUTE_MS - 1000, 0 }, { 290 * EXO_MINUTE_MS, 1 } };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        json_t *open = json_object();
        add_open(open, 1, KIT_NOW_MS - rows[i].age_ms);
        struct harness *h = with_open(open);
        (void)harness_poll_build(h, "settle_calls");
        const struct harness_result *result = harness_poll_fold(h, "settle_calls", 200, NULL, EMPTY);
        assert_int_equal(json_array_size(result->emits), rows[i].want);
        assert_int_equal(json_object_size(harness_at(result->record, "open")), 1 - rows[i].want);
        if (rows[i].want)
            assert_true(json_is_false(harness_at(result->emits, "0.record.call.is_final")));
        harness_free(h);
    }
}

static void a_refused_batch_stands_in_nobodys_way(void **state)
{
    (void)state;
    json_t *open = json_object();

    add_open(open, 1, KIT_NOW_MS - EXO_HOUR_MS);
    add_open(open, 2, KIT_NOW_MS - EXO_HOUR_MS);
    struct harness *h = with_open(open);
    (void)harness_poll_build(h, "settle_calls");
    const struct harness_result *result = harness_poll_fold(
        h, "settle_calls", 400, NULL, "{\"RestException\": {\"Message\": \"Invalid parameter\"}}");
    assert_int_equal(result->verdict, SB_OK);
    assert_int_equal(json_array_size(result->emits), 2);
    assert_int_equal(json_object_size(harness_at(result->record, "open")), 0);
    harness_free(h);
}

static void a_failing_batch_keeps_the_calls_open(void **state)
{
    (void)state;
    static const int statuses[] = { 401, 429, 500, 503 };

    for (size_t i = 0; i < COUNT_OF(statuses); i++) {
        json_t *open = json_object();
        add_open(open, 1, KIT_NOW_MS - EXO_DAY_MS);
        struct harness *h = with_open(open);
        (void)harness_poll_build(h, "settle_calls");
        const struct harness_result *result = harness_poll_fold(h, "settle_calls", statuses[i], NULL, "");
        assert_int_equal(result->verdict, SB_RETRY);
        assert_int_equal(json_object_size(harness_at(result->record, "open")), 1);
        harness_free(h);
    }
}

static void too_many_open_calls_are_left_to_their_records(void **state)
{
    (void)state;
    json_t *open = json_object();
    static const char running[] = "{\"Status\": \"in-progress\", \"EndTime\": null, \"Duration\": null,"
                                  " \"RecordingUrl\": null, \"DateCreated\": \"2026-03-10 15:29:00\"}";

    for (unsigned i = 0; i < 1000; i++)
        add_open(open, i + 100, KIT_NOW_MS - EXO_MINUTE_MS);
    struct harness *h = with_open(open);
    (void)harness_poll_build(h, "settle_calls");
    AUTO_STR page = kit_page(kit_call(running));
    const struct harness_result *result = harness_poll_fold(h, "settle_calls", 200, NULL, page);
    assert_int_equal(json_array_size(result->emits), 1);
    assert_true(json_is_false(harness_at(result->emits, "0.record.call.is_final")));
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_from_before_the_first_start_are_not_taken),
        cmocka_unit_test(a_later_start_keeps_what_the_first_one_said),
        cmocka_unit_test(another_account_begins_anew),
        cmocka_unit_test(the_low_mark_moves_by_their_clock_and_the_overlap),
        cmocka_unit_test(time_that_is_refused_is_taken_from_their_clock),
        cmocka_unit_test(a_standstill_beyond_what_is_listed_is_told),
        cmocka_unit_test(a_long_sweep_is_worked_off_in_slices),
        cmocka_unit_test(sweeps_take_a_quarter_of_the_budget_at_most),
        cmocka_unit_test(a_recent_scan_is_given_up_when_it_is_too_long),
        cmocka_unit_test(known_calls_are_remembered_within_a_bound),
        cmocka_unit_test(remembered_calls_are_forgotten_behind_the_low_mark),
        cmocka_unit_test(open_calls_are_read_again_a_hundred_at_once),
        cmocka_unit_test(old_open_calls_are_asked_for_with_their_dates),
        cmocka_unit_test(an_open_call_that_is_not_listed_waits_and_is_then_left_to_its_record),
        cmocka_unit_test(a_refused_batch_stands_in_nobodys_way),
        cmocka_unit_test(a_failing_batch_keeps_the_calls_open),
        cmocka_unit_test(too_many_open_calls_are_left_to_their_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

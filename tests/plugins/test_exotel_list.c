/* Listing for a comparison: everything since a time in one round, and what an ordinary round would not take, with why. */
#include "exotel_poll_kit.h"

#define HOUR_MS INT64_C(3600000)

/* As rounds have left it: everything before 13:00 (account time) was listed, and one call after it taken. */
#define CURSOR                                                                                               \
    "{\"state\": {\"account\": \"acmedemo1\", \"floor_ms\": 1773081000000, \"low_ms\": 1773127800000, "      \
    "\"round\": 7}, \"open\": {\"opencall\": {\"at\": 1773127900000}}, \"sweep\": {\"from_ms\": 1}, "        \
    "\"seen\": {\"1970\": \"takencall \"}}"

static struct harness *listing(const char *cursor, int64_t since_ms)
{
    struct harness *h = harness_new(&exotel_plugin, "{" KIT_KEYS ", \"direction\": \"inbound\"}");

    harness_set_now(h, KIT_NOW_MS);
    harness_set_cursor(h, cursor);
    harness_set_list_since(h, since_ms);
    assert_int_equal(harness_poll_build(h, "plan_round")->verdict, SB_SKIP);
    return h;
}

static const struct {
    const char *row, *call, *reason; /* reason NULL: it must have been taken */
} calls[] = {
    { "an old call", "{\"Sid\": \"a\", \"DateCreated\": \"2026-03-10 09:00:00\"}", NULL },
    { "one before the first start", "{\"Sid\": \"b\", \"DateCreated\": \"2026-03-09 23:00:00\"}",
      "first start" },
    { "an outbound call",
      "{\"Sid\": \"c\", \"DateCreated\": \"2026-03-10 09:00:00\", \"Direction\": \"outbound-dial\"}",
      "direction" },
    { "one that has just begun", "{\"Sid\": \"d\", \"Status\": \"in-progress\", \"EndTime\": null}",
      "not ended yet" },
    { "one that is listed again", "{\"Sid\": \"e\", \"DateCreated\": \"2026-03-10 13:30:00\"}",
      "next rounds" },
    { "one that was taken already", "{\"Sid\": \"takencall\", \"DateCreated\": \"2026-03-10 13:30:00\"}",
      NULL },
};

static void every_call_is_told_with_what_becomes_of_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        struct harness *h = listing(CURSOR, KIT_NOW_MS - 24 * HOUR_MS);
        json_t *page =
            json_pack("{s:{s:n}, s:[o]}", "Metadata", "NextPageUri", "Calls", kit_call(calls[i].call));
        AUTO_STR text = json_dumps(page, 0);
        json_decref(page);
        (void)sweep_url(h);
        const struct harness_result *r = harness_poll_fold(h, SWEEP, 200, NULL, text);
        if (r->verdict != SB_OK)
            fail_msg("%s: %s", calls[i].row, r->reason);
        if (json_array_size(r->emits) != (calls[i].reason == NULL) ||
            json_array_size(r->listed) != (calls[i].reason != NULL))
            fail_msg("%s: %zu emitted, %zu listed", calls[i].row, json_array_size(r->emits),
                     json_array_size(r->listed));
        if (calls[i].reason)
            assert_has(harness_text(json_array_get(r->listed, 0), "reason"), calls[i].reason);
        harness_free(h);
    }
}

static void the_window_is_what_was_asked_for(void **state)
{
    (void)state;
    struct harness *h = listing(CURSOR, KIT_NOW_MS - 48 * HOUR_MS);
    assert_has(sweep_url(h), "gte%3A2026-03-08%2015%3A30%3A00%3Blte%3A2026-03-10%2015%3A30%3A00");
    harness_free(h);
    h = listing("{}", KIT_NOW_MS - 48 * HOUR_MS);
    assert_has(sweep_url(h), "gte%3A2026-03-08%2015%3A30%3A00");
    harness_free(h);
}

/* An ordinary round leaves the rest of a long list to the next one; there is no next one here. */
static void a_long_list_is_read_to_its_end_in_one_round(void **state)
{
    (void)state;
    struct harness *h = listing(CURSOR, KIT_NOW_MS - 24 * HOUR_MS);
    for (int page = 0; page < 70; page++) {
        char sid[32], created[32], next[96];
        (void)snprintf(sid, sizeof(sid), "call%d", page);
        (void)snprintf(created, sizeof(created), "2026-03-10 09:%02d:00", page % 60);
        (void)snprintf(next, sizeof(next), "/v1/Accounts/acmedemo1/Calls.json?After=c%d", page);
        assert_int_equal(fold_page(h, sid, created, next)->verdict, SB_AGAIN);
    }
    assert_int_equal(fold_page(h, "last", "2026-03-10 10:00:00", NULL)->verdict, SB_OK);
    assert_int_equal(harness_poll_build(h, "settle_calls")->verdict, SB_SKIP);
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_is_told_with_what_becomes_of_it),
        cmocka_unit_test(the_window_is_what_was_asked_for),
        cmocka_unit_test(a_long_list_is_read_to_its_end_in_one_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

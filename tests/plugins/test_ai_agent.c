/* ai_agent: what becomes a record, what is answered at every state of it, and who waits how long. */
#include "plugins/ai_agent_kit.h"

/* ---- the record ---------------------------------------------------------------------------------------- */

static void an_escalation_becomes_a_record(void **state)
{
    (void)state;
    struct harness *h = kit_agent(NULL);
    const struct harness_reply *r =
        kit_post(h, "{\"metadata\": {\"a\": [1]}, \"steps_tried\": [{\"what\": \"x\"}]}", NULL);

    assert_int_equal(r->status, 202);
    assert_int_equal(r->rounds, 2);
    assert_int_equal(r->wait_ms, 0);
    assert_string_equal(harness_text(r->headers, "Location"), "/v1/escalations/esc-1");
    assert_string_equal(harness_text(r->json, "status"), "accepted");
    assert_string_equal(harness_text(r->json, "reference"), "0123456789ABC");
    assert_int_equal(json_array_size(r->emits), 1);
    assert_string_equal(harness_text(r->emits, "0.account"), "agent");
    assert_string_equal(harness_text(r->emits, "0.external_id"), "esc-1");
    const json_t *record = harness_at(r->emits, "0.record");
    assert_string_equal(harness_text(record, "source.plugin"), "ai_agent");
    assert_string_equal(harness_text(record, "escalation.reason"), "May not refund.");
    assert_string_equal(harness_text(record, "escalation.reason_code"), "billing");
    assert_string_equal(harness_text(record, "escalation.priority"), "High");
    assert_string_equal(harness_text(record, "escalation.received_at"), "2026-03-10T09:00:00Z");
    assert_int_equal(strlen(harness_text(record, "escalation.digest")), 64);
    harness_same(harness_at(record, "escalation.metadata"), "{\"a\": [1]}");
    harness_same(harness_at(record, "escalation.steps_tried"), "[{\"what\": \"x\"}]");
    assert_null(json_object_get(harness_at(record, "user"), "phone_e164")); /* its first step adds it */
    harness_same(
        harness_at(record, "conversation.messages"),
        "[{\"role\": \"user\", \"content\": \"Twice!\"}, {\"role\": \"agent\", \"content\": \"I see.\"}]");
    assert_null(json_object_get(record, "attachments"));
    harness_free(h);
}

/* Only then can a restored journal tell what may have been delivered before. */
static void it_took_place_when_its_first_message_says(void **state)
{
    static const struct {
        const char *conversation;
        int64_t at_ms; /* 0: not known */
    } rows[] = {
        { "[{\"role\": \"user\", \"content\": \"x\"}]", 0 },
        { "[{\"role\": \"user\", \"at\": \"2026-03-10T08:59:00Z\"}, {\"role\": \"user\", \"at\": "
          "\"2026-03-10T08:58:00Z\"}]",
          INT64_C(1773133080000) },
        { "[{\"role\": \"user\", \"at\": \"2026-03-11T08:59:00Z\"}]", 0 }, /* tomorrow */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct harness *h = kit_agent(NULL);
        char patch[400];
        (void)snprintf(patch, sizeof(patch), "{\"conversation\": %s}", rows[i].conversation);
        const struct harness_reply *r = kit_post(h, patch, NULL);
        const json_t *at = json_object_get(harness_at(r->emits, "0.record.source"), "at_ms");
        assert_int_equal(r->status, 202);
        assert_int_equal(json_integer_value(at), rows[i].at_ms);
        assert_true((at == NULL) == (rows[i].at_ms == 0));
        harness_free(h);
    }
}

static void the_callers_name_is_the_account(void **state)
{
    (void)state;
    struct harness *h = kit_agent(NULL);

    harness_set_caller(h, "web");
    assert_string_equal(harness_text(kit_post(h, NULL, NULL)->emits, "0.account"), "web");
    harness_free(h);
}

static void attachments_are_listed_once_and_pointed_to(void **state)
{
    (void)state;
    struct harness *h = kit_agent("{\"attachment_hosts\": [\"files.example.com\"]}");
    const struct harness_reply *r =
        kit_post(h,
                 "{\"conversation\": [{\"role\": \"user\", \"attachments\": [{\"name\": \"a.txt\", "
                 "\"base64\": \"aGVsbG8=\"}]},"
                 " {\"role\": \"user\", \"content\": \"x\"}, {\"role\": \"tool\", \"attachments\": ["
                 "{\"name\": \"b.png\", \"url\": \"https://files.example.com/b\"}, {\"name\": \"c\", "
                 "\"base64\": \"AAAA\"}]}]}",
                 NULL);

    assert_int_equal(r->status, 202);
    harness_same(harness_at(r->emits, "0.record.conversation.messages"),
                 "[{\"role\": \"user\", \"content\": \"\", \"attachments\": [0]}, {\"role\": \"user\", "
                 "\"content\": \"x\"},"
                 " {\"role\": \"tool\", \"content\": \"\", \"attachments\": [1, 2]}]");
    harness_same(harness_at(r->emits, "0.record.attachments.items"),
                 "[{\"name\": \"a.txt\", \"base64\": \"aGVsbG8=\", \"size\": 5},"
                 " {\"name\": \"b.png\", \"url\": \"https://files.example.com/b\"},"
                 " {\"name\": \"c\", \"base64\": \"AAAA\", \"size\": 3}]");
    harness_free(h);
}

/* The digest is that of the content: neither order, nor null, nor case of a word makes another one. */
static void the_same_content_has_the_same_digest(void **state)
{
    static const struct {
        const char *name, *changes;
        bool is_same;
    } rows[] = {
        { "as it is", "{}", true },
        { "an optional member that is empty", "{\"category\": \"\"}", true },
        { "a word in another case", "{\"priority\": \"URGENT\"}", true },
        { "another word that means the same", "{\"priority\": \"high\"}", true },
        { "another summary", "{\"summary\": \"Charged Twice.\"}", false },
        { "another user", "{\"user\": {\"id\": \"u-2\"}}", false },
        { "no reason", "{\"reason\": null}", false },
    };
    (void)state;
    struct harness *h = kit_agent(NULL);
    char *first = kit_record(h, NULL);
    json_t *record = json_loads(first, 0, NULL);
    const char *digest = harness_text(record, "escalation.digest");

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *other = kit_record(h, rows[i].changes);
        json_t *parsed = json_loads(other, 0, NULL);
        bool is_same = strcmp(harness_text(parsed, "escalation.digest"), digest) == 0;
        if (is_same != rows[i].is_same)
            fail_msg("%s", rows[i].name);
        json_decref(parsed);
        free(other);
    }
    json_decref(record);
    free(first);
    harness_free(h);
}

/* ---- answers ------------------------------------------------------------------------------------------- */

#define TICKET                                                                                               \
    "\"ticket\": {\"number\": \"101\", \"id\": \"17\", \"url\": \"https://desk.example.com/17\", "           \
    "\"user_message\": "                                                                                     \
    "\"Your ticket is #101.\"}"

static const struct {
    const char *name, *state, *reason, *ticket, *query;
    int post, get;
    const char *status, *why;
} standings[] = {
    { "on its way", "active", NULL, NULL, NULL, 202, 200, "accepted", NULL },
    { "on its way, waited for in vain", "active", NULL, NULL, "{\"wait\": \"2s\"}", 202, 200, "accepted",
      NULL },
    { "with a ticket", "active", NULL, TICKET, NULL, 202, 200, "ticket_created", NULL },
    { "with a ticket that was waited for", "active", NULL, TICKET, "{\"wait\": \"2\"}", 201, 200,
      "ticket_created", NULL },
    { "done", "done", NULL, TICKET, "{\"wait\": \"2\"}", 201, 200, "ticket_created", NULL },
    { "failed", "dead", "the helpdesk refuses it", NULL, "{\"wait\": \"2\"}", 202, 200, "failed",
      "the helpdesk refuses it" },
    { "failed behind the ticket", "dead", "no note", TICKET, NULL, 202, 200, "ticket_created", "no note" },
    { "dropped", "dropped", "a rule", NULL, NULL, 202, 200, "closed", "a rule" },
    { "its sinks are off", "disabled", "off", NULL, NULL, 202, 200, "closed", "off" },
    { "a reason of the way is not told", "active", "retried", NULL, NULL, 202, 200, "accepted", NULL },
};

/* A record as it stands: what was emitted, with the ticket. The caller frees it. */
static char *stored(struct harness *h, const char *ticket)
{
    char *record = kit_record(h, NULL);
    size_t size = strlen(record);
    char *whole = malloc(size + 400);

    assert_non_null(whole);
    (void)snprintf(whole, size + 400, "%.*s%s%s}", (int)size - 1, record, ticket ? ", " : "",
                   ticket ? ticket : "");
    free(record);
    return whole;
}

static void check_standing(struct harness *h, size_t i, const struct harness_reply *r, int status)
{
    if (r->status != status || strcmp(harness_text(r->json, "status"), standings[i].status) != 0)
        fail_msg("[%s] %d %s", standings[i].name, r->status, harness_text(r->json, "status"));
    const char *why = json_string_value(json_object_get(r->json, "why"));
    if (!why != !standings[i].why || (why && strcmp(why, standings[i].why) != 0))
        fail_msg("[%s] why: %s", standings[i].name, why ? why : "(none)");
    if (standings[i].ticket)
        assert_string_equal(harness_text(r->json, "user_message"), "Your ticket is #101.");
    assert_string_equal(harness_text(r->json, "received_at"), "2026-03-10T08:00:00Z");
    (void)h;
}

static void every_standing_has_its_answer(void **state)
{
    (void)state;
    struct harness *h = kit_agent(NULL);

    for (size_t i = 0; i < sizeof(standings) / sizeof(standings[0]); i++) {
        harness_set_known(h, NULL, NULL);
        char *record = stored(h, standings[i].ticket);
        const struct sb_known known = { .state = standings[i].state,
                                        .reason = standings[i].reason,
                                        .received_ms = INT64_C(1773129600000),
                                        .updated_ms = INT64_C(1773129601000) };
        harness_set_known(h, &known, record);
        check_standing(h, i, kit_post(h, NULL, standings[i].query), standings[i].post);
        check_standing(h, i, harness_route(h, "GET", "/v1/escalations/esc-1", NULL, standings[i].query, NULL),
                       standings[i].get);
        free(record);
    }
    harness_free(h);
}

static void what_nobody_knows_is_not_found(void **state)
{
    static const struct sb_known unknown = { .state = NULL }, gone = { .state = "expired" };
    (void)state;
    struct harness *h = kit_agent(NULL);

    harness_set_known(h, &unknown, NULL);
    const struct harness_reply *r = harness_route(h, "GET", "/v1/escalations/esc-9", NULL, NULL, NULL);
    assert_int_equal(r->status, 404);
    harness_set_known(h, &gone, NULL);
    r = harness_route(h, "GET", "/v1/escalations/esc-9", NULL, NULL, NULL);
    assert_int_equal(r->status, 200);
    assert_string_equal(harness_text(r->json, "status"), "expired");
    r = kit_post(h, "{\"summary\": \"Whatever.\"}", NULL);
    assert_int_equal(r->status, 200);
    assert_string_equal(harness_text(r->json, "status"), "expired");
    harness_free(h);
}

static void another_content_under_the_same_id_is_a_conflict(void **state)
{
    static const struct {
        const char *changes, *differs;
    } rows[] = {
        { "{\"summary\": \"Other.\"}", "[\"/summary\"]" },
        { "{\"user\": {\"id\": \"u-1\"}}", "[\"/user\"]" },
        { "{\"priority\": null}", "[\"/priority\"]" },
        { "{\"channel\": \"web\"}", "[\"/channel\"]" },
        { "{\"conversation\": []}", "[\"/conversation\"]" },
        { "{\"reason\": null}", "[\"/reason\"]" },
        { "{\"reason\": {\"code\": \"x\", \"text\": \"y\"}, \"category\": \"Z\"}",
          "[\"/reason\", \"/category\"]" },
        { "{\"metadata\": {\"a\": [2]}}", "[\"/metadata\"]" },
        { "{\"steps_tried\": []}", "[\"/steps_tried\"]" },
        { "{\"callback_url\": \"https://agents.example.com/told\"}", "[\"/callback_url\"]" },
    };
    static const struct sb_known known = { .state = "active" };
    (void)state;
    struct harness *h = kit_agent(NULL);
    char *record = stored(h, NULL);

    harness_set_known(h, &known, record);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct harness_reply *r = kit_post(h, rows[i].changes, "{\"wait\": \"10\"}");
        assert_int_equal(r->status, 409);
        assert_int_equal(r->wait_ms, 0);
        harness_same(harness_at(r->json, "error.differs"), rows[i].differs);
    }
    free(record);
    harness_free(h);
}

/* ---- waiting ------------------------------------------------------------------------------------------- */

static const struct {
    const char *query, *headers;
    int status;
    int64_t wait_ms;
} waits[] = {
    { "{\"wait\": \"10s\"}", KIT_JSON, 202, 10000 },
    { "{\"wait\": \"10\"}", KIT_JSON, 202, 10000 },
    { "{\"wait\": \"1500ms\"}", KIT_JSON, 202, 1500 },
    { "{\"wait\": \"1m\"}", KIT_JSON, 202, 30000 },
    { "{\"wait\": \"999999\"}", KIT_JSON, 202, 30000 },
    { "{\"wait\": \"0\"}", KIT_JSON, 202, 0 },
    { "{\"wait\": \"\"}", KIT_JSON, 400, 0 },
    { "{\"wait\": \"ten\"}", KIT_JSON, 400, 0 },
    { "{\"wait\": \"-1\"}", KIT_JSON, 400, 0 },
    { "{\"wait\": \"1.5s\"}", KIT_JSON, 400, 0 },
    { "{\"wait\": \"1h\"}", KIT_JSON, 400, 0 },
    { "{\"wait\": \"99999999999999999999\"}", KIT_JSON, 400, 0 },
    { NULL, "{\"Content-Type\": \"application/json\", \"Prefer\": \"wait=7\"}", 202, 7000 },
    { NULL, "{\"Content-Type\": \"application/json\", \"Prefer\": \"respond-async, WAIT=7; x=y\"}", 202,
      7000 },
    { NULL, "{\"Content-Type\": \"application/json\", \"Prefer\": \"wait=soon\"}", 202, 0 },
    { NULL, "{\"Content-Type\": \"application/json\", \"Prefer\": \"await=7\"}", 202, 0 },
    { "{\"wait\": \"3\"}", "{\"Content-Type\": \"application/json\", \"Prefer\": \"wait=7\"}", 202, 3000 },
};

static void calls_wait_as_long_as_they_say_and_may(void **state)
{
    (void)state;
    struct harness *h = kit_agent(NULL);
    char *body = kit_body(NULL);

    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
        const struct harness_reply *r =
            harness_route(h, "POST", "/v1/escalations", waits[i].headers, waits[i].query, body);
        if (r->status != waits[i].status || r->wait_ms != waits[i].wait_ms)
            fail_msg("[%s %s] %d, %lld ms", waits[i].query, waits[i].headers, r->status,
                     (long long)r->wait_ms);
        assert_int_equal(json_array_size(r->emits), r->status == 202 ? 1 : 0);
    }
    free(body);
    harness_free(h);
}

static void a_wait_ends_with_what_came_of_it(void **state)
{
    static const struct sb_known before = { .state = "active" }, after = { .state = "active" };
    (void)state;
    struct harness *h = kit_agent(NULL);
    char *record = stored(h, NULL), *with_ticket = stored(h, TICKET);

    harness_set_known(h, &before, record);
    harness_set_known_later(h, &after, with_ticket);
    const struct harness_reply *r = kit_post(h, NULL, "{\"wait\": \"5s\"}");
    assert_int_equal(r->status, 201);
    assert_int_equal(r->rounds, 3);
    assert_string_equal(harness_text(r->json, "ticket.number"), "101");
    r = harness_route(h, "GET", "/v1/escalations/esc-1", NULL, "{\"wait\": \"5s\"}", NULL);
    assert_int_equal(r->status, 200);
    assert_string_equal(harness_text(r->json, "status"), "ticket_created");
    free(with_ticket);
    free(record);
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_escalation_becomes_a_record),
        cmocka_unit_test(it_took_place_when_its_first_message_says),
        cmocka_unit_test(the_callers_name_is_the_account),
        cmocka_unit_test(attachments_are_listed_once_and_pointed_to),
        cmocka_unit_test(the_same_content_has_the_same_digest),
        cmocka_unit_test(every_standing_has_its_answer),
        cmocka_unit_test(what_nobody_knows_is_not_found),
        cmocka_unit_test(another_content_under_the_same_id_is_a_conflict),
        cmocka_unit_test(calls_wait_as_long_as_they_say_and_may),
        cmocka_unit_test(a_wait_ends_with_what_came_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

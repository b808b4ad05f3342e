/* The services of the simulated world do what is known of the real ones, asked one request at a time. */
#include "simulation/oracle_kit.h"

#include "base/scope.h"
#include "simulation/truth_escalation.h"

static const struct scenario scenario = {
    .seed = 7, .concurrency = 4, .settle_ms = 900000, .quiet_ms = START_MS
};

/* One service, asked; gives the status and the answer's JSON (new reference, or NULL). */
static int ask(struct company *company,
               void (*handle)(void *, const struct sim_request *, struct sim_reply *),
               struct sim_request *request, json_t **ret_json)
{
    struct sim_reply reply = { .status = 0 };

    request->body_size = request->body ? strlen(request->body) : 0;
    if (!request->body)
        request->body = "";
    if (!request->query)
        request->query = "";
    handle(company, request, &reply);
    *ret_json = reply.body ? json_loadb(reply.body, reply.body_size, 0, NULL) : NULL;
    free(reply.body);
    return reply.status;
}

/* ---- Exotel -------------------------------------------------------------------------------------------- */

static int list(struct company *company, int64_t now_ms, const char *query, json_t **ret_json)
{
    struct sim_request request = { .now_ms = now_ms,
                                   .method = "GET",
                                   .host = SIM_HOST_EXOTEL,
                                   .path = "/v1/Accounts/" SIM_ACCOUNT "/Calls.json",
                                   .query = query };

    request.headers[0] =
        (struct sim_header){ "Authorization", "Basic c2ltLWV4b3RlbC1rZXk6c2ltLWV4b3RlbC10b2tlbg==" };
    request.header_count = 1;
    return ask(company, exotel_handle, &request, ret_json);
}

static void pages_of_the_list_neither_repeat_nor_drop(void **state)
{
    struct company *company = company_new(&scenario);
    char sid[TRUTH_SID_SIZE], query[200] = "SortBy=DateCreated:asc&PageSize=2";
    size_t seen = 0;

    (void)state;
    for (int i = 0; i < 5; i++) { /* three of them in the same second */
        (void)snprintf(sid, sizeof(sid), "examplecallzqaaaaaa%013d", i);
        add_call(&company->truth, sid, "zqaaaaaa")->created_ms = START_MS + (i > 2 ? i * 1000 : 0);
    }
    for (bool is_over = false; !is_over;) {
        AUTO_JSON page = NULL;
        assert_int_equal(list(company, START_MS + 3600000, query, &page), 200);
        const char *next =
            json_string_value(json_object_get(json_object_get(page, "Metadata"), "NextPageUri"));
        size_t i;
        const json_t *item;
        json_array_foreach (json_object_get(page, "Calls"), i, item) {
            (void)snprintf(sid, sizeof(sid), "examplecallzqaaaaaa%013zu", seen++);
            assert_string_equal(json_string_value(json_object_get(item, "Sid")), sid);
        }
        is_over = !next;
        if (next)
            (void)snprintf(query, sizeof(query), "SortBy=DateCreated:asc&PageSize=2&After=%s",
                           strstr(next, "After=") + 6);
    }
    assert_int_equal(seen, 5);
    company_free(company);
}

static void a_call_is_listed_when_it_has_ended_and_known_when_it_has_settled(void **state)
{
    static const struct {
        int64_t at_ms;
        size_t count;
        const char *end;
    } rows[] = { { 100000, 0, NULL },
                 { 130000, 1, "1970-01-01 05:30:00" },
                 { 260000, 1, "2026-03-09 05:32:00" } };
    struct company *company = company_new(&scenario);

    (void)state;
    add_call(&company->truth, "examplecallzqaaaaaa0000000000001", "zqaaaaaa")->settled_ms = START_MS + 250000;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO_JSON page = NULL;
        assert_int_equal(list(company, START_MS + rows[i].at_ms, "details=true", &page), 200);
        const json_t *calls = json_object_get(page, "Calls");
        assert_int_equal(json_array_size(calls), rows[i].count);
        if (rows[i].end)
            assert_string_equal(json_string_value(json_object_get(json_array_get(calls, 0), "EndTime")),
                                rows[i].end);
    }
    company_free(company);
}

static void lists_are_refused_for_what_is_wrong_with_them(void **state)
{
    static const struct {
        const char *query;
        int status;
    } rows[] = { { "PageSize=0", 400 },
                 { "After=nobody", 400 },
                 { "Direction=incoming", 400 },
                 { "DateCreated=yesterday", 400 },
                 { "DateCreated=lte%3A2031-01-01%2000%3A00%3A00", 400 },
                 { "PageSize=1000", 200 } };
    struct company *company = company_new(&scenario);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO_JSON page = NULL;
        if (list(company, START_MS, rows[i].query, &page) != rows[i].status)
            fail_msg("'%s' was not answered with %d", rows[i].query, rows[i].status);
    }
    company_free(company);
}

static void two_hundred_requests_a_minute_are_allowed(void **state)
{
    struct company *company = company_new(&scenario);

    (void)state;
    for (int i = 0; i <= 200; i++) {
        AUTO_JSON page = NULL;
        assert_int_equal(list(company, START_MS + i, "", &page), i < 200 ? 200 : 429);
    }
    AUTO_JSON page = NULL;
    assert_int_equal(list(company, START_MS + 60000, "", &page), 200);
    company_free(company);
}

/* ---- Zoho ---------------------------------------------------------------------------------------------- */

static int refresh(struct company *company, int64_t now_ms, json_t **ret_json)
{
    struct sim_request request = { .now_ms = now_ms,
                                   .method = "POST",
                                   .host = SIM_HOST_ACCOUNTS,
                                   .path = "/oauth/v2/token",
                                   .body = "grant_type=refresh_token&client_id=" SIM_CLIENT_ID
                                           "&client_secret=" SIM_CLIENT_SECRET
                                           "&refresh_token=" SIM_REFRESH_TOKEN };

    return ask(company, accounts_handle, &request, ret_json);
}

static void the_eleventh_token_in_ten_minutes_is_denied(void **state)
{
    struct company *company = company_new(&scenario);

    (void)state;
    for (int i = 0; i < 12; i++) {
        AUTO_JSON json = NULL;
        int status = refresh(company, START_MS + i * 30000, &json);
        assert_int_equal(status, i < 10 ? 200 : 400);
        assert_int_equal(json_object_get(json, "access_token") != NULL, i < 10);
    }
    AUTO_JSON json = NULL;
    assert_int_equal(refresh(company, START_MS + 600000, &json), 200);
    assert_true(accounts_token_is_valid(company, "1000.simaccess11.demo", START_MS + 600000));
    assert_false(
        accounts_token_is_valid(company, "1000.simaccess1.demo", START_MS + 600000)); /* the oldest */
    assert_false(accounts_token_is_valid(company, "1000.simaccess11.demo", START_MS + 600000 + 3600000));
    company_free(company);
}

static int desk(struct company *company, const char *method, const char *path, const char *query,
                const char *body, json_t **ret_json)
{
    struct sim_request request = { .now_ms = START_MS + 10000,
                                   .method = method,
                                   .host = SIM_HOST_DESK,
                                   .path = path,
                                   .query = query,
                                   .body = body };

    request.headers[0] = (struct sim_header){ "Authorization", "Zoho-oauthtoken 1000.simaccess1.demo" };
    request.headers[1] = (struct sim_header){ "orgId", SIM_DESK_ORG };
    request.headers[2] = (struct sim_header){ "Content-Type", "application/json" };
    request.header_count = 3;
    company->desk.count = 0; /* each by itself */
    return ask(company, desk_handle, &request, ret_json);
}

#define CONTACT "\"contactId\": \"500000100000030"

static void the_desk_answers_as_it_is_asked(void **state)
{
    static const struct {
        const char *method, *path, *query, *body;
        int status;
    } rows[] = {
        { "POST", "/api/v1/contacts", "", "{\"firstName\": \"x\"}", 422 },
        { "POST", "/api/v1/contacts", "", "{\"lastName\": \"x\", \"colour\": \"red\"}", 422 },
        { "POST", "/api/v1/contacts", "", "{\"lastName\": \"x\", \"phone\": \"+915550100001\"}", 200 },
        { "GET", "/api/v1/contacts/search", "phone=%2A5550100001", NULL, 200 },
        { "GET", "/api/v1/contacts/search", "phone=5550100001", NULL, 204 },
        { "GET", "/api/v1/contacts/search", "phone=1&colour=red", NULL, 422 },
        { "GET", "/api/v1/contacts/search", "limit=101", NULL, 422 },
        { "GET", "/api/v1/contacts/5000001000000300001", "", NULL, 200 },
        { "GET", "/api/v1/contacts/17", "", NULL, 404 },
        { "POST", "/api/v1/tickets", "", "{\"subject\": \"s\", \"departmentId\": \"1\", " CONTACT "0001\"}",
          422 },
        { "POST", "/api/v1/tickets", "",
          "{\"subject\": \"s\", \"departmentId\": \"" SIM_DESK_DEPARTMENT "\", " CONTACT "9999\"}", 422 },
        { "POST", "/api/v1/tickets", "",
          "{\"subject\": \"s\", \"departmentId\": \"" SIM_DESK_DEPARTMENT "\", " CONTACT "0001\"}", 200 },
        { "GET", "/api/v1/contacts/5000001000000300001/tickets", "sortBy=-createdTime", NULL, 200 },
        { "GET", "/api/v1/tickets/search", "_all=nothing", NULL, 204 },
        { "POST", "/api/v1/tickets/5000001000000300002/comments", "", "{\"isPublic\": false}", 422 },
        { "POST", "/api/v1/tickets/5000001000000300002/comments", "",
          "{\"content\": \"x\", \"isPublic\": false}", 200 },
        { "GET", "/api/v1/tickets/5000001000000300002/comments", "", NULL, 200 },
        { "DELETE", "/api/v1/tickets/5000001000000300002", "", NULL, 405 },
    };
    struct company *company = company_new(&scenario);
    AUTO_JSON token = NULL;

    (void)state;
    assert_int_equal(refresh(company, START_MS, &token), 200);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO_JSON json = NULL;
        int status = desk(company, rows[i].method, rows[i].path, rows[i].query, rows[i].body, &json);
        if (status != rows[i].status)
            fail_msg("row %zu: %s %s: %d, expected %d", i, rows[i].method, rows[i].path, status,
                     rows[i].status);
    }
    assert_int_equal(company->truth.contact_count, 1);
    assert_int_equal(company->truth.ticket_count, 1);
    assert_int_equal(company->truth.comment_count, 1);

    AUTO_JSON json = NULL; /* without a token that lives, nothing */
    company->tokens[0].ends_ms = START_MS;
    assert_int_equal(desk(company, "GET", "/api/v1/contacts", "", NULL, &json), 401);
    company_free(company);
}

static void what_the_desk_hides_shows_later(void **state)
{
    struct company *company = company_new(&scenario);
    AUTO_JSON token = NULL;
    AUTO_JSON made = NULL;
    AUTO_JSON hidden = NULL;
    AUTO_JSON shown = NULL;

    (void)state;
    assert_int_equal(refresh(company, START_MS, &token), 200);
    assert_int_equal(desk(company, "POST", "/api/v1/contacts", "",
                          "{\"lastName\": \"x\", \"phone\": \"+915550100001\"}", &made),
                     200);
    company->truth.contacts[0]->shown_ms = START_MS + 20000;
    assert_int_equal(desk(company, "GET", "/api/v1/contacts/search", "phone=%2A5550100001", NULL, &hidden),
                     204);
    company->truth.contacts[0]->shown_ms = START_MS + 10000;
    assert_int_equal(desk(company, "GET", "/api/v1/contacts/search", "phone=%2A5550100001", NULL, &shown),
                     200);
    company_free(company);
}

/* ---- recordings and transcripts ------------------------------------------------------------------------ */

static void only_a_whole_recording_is_understood(void **state)
{
    struct truth truth = { .calls = NULL };
    struct truth_call *call = add_call(&truth, "examplecallzqaaaaaa0000000000001", "zqaaaaaa");
    size_t size = 0;
    char *sound = recording_bytes(call, &size);

    (void)state;
    assert_ptr_equal(recording_call(&truth, sound, size), call);
    for (size_t cut = 0; cut < size; cut++)
        assert_null(recording_call(&truth, sound, cut));
    sound[size / 2] ^= 1;
    assert_null(recording_call(&truth, sound, size));
    free(sound);
    truth_done(&truth);
}

/* "h" lies at the storage, which gives "a" to anybody and keeps "b" from all. */
static void a_storage_is_asked_without_credentials(void **state)
{
    static const struct {
        const char *sid, *code, *authorization;
        int status;
        size_t breaches;
    } rows[] = {
        { "examplecallzqaaaaaa0000000000001", "zqahaaaa", NULL, 200, 0 },
        { "examplecallzqaaaaaa0000000000002", "zqahbaaa", NULL, 403, 0 },
        { "examplecallzqaaaaaa0000000000003", "zqaaaaaa", NULL, 403, 0 },
        { "examplecallzqaaaaaa0000000000004", "zqahaaaa", "Basic c29tZTpib2R5", 400, 0 },
        { "examplecallzqaaaaaa0000000000005", "zqahaaaa",
          "Basic c2ltLWV4b3RlbC1rZXk6c2ltLWV4b3RlbC10b2tlbg==", 400, 1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct company *company = company_new(&scenario);
        struct sim_reply reply = { .status = 0 };
        char path[120];
        struct sim_request request = { .method = "GET",
                                       .host = SIM_HOST_STORAGE,
                                       .path = path,
                                       .query = "",
                                       .header_count = rows[i].authorization ? 1 : 0 };
        request.now_ms = add_call(&company->truth, rows[i].sid, rows[i].code)->recording_ms;
        request.headers[0] = (struct sim_header){ "Authorization", rows[i].authorization };
        (void)snprintf(path, sizeof(path), "/exotelrecordings/" SIM_ACCOUNT "/%s.mp3", rows[i].sid);
        storage_handle(company, &request, &reply);
        assert_int_equal(reply.status, rows[i].status);
        assert_int_equal(company->truth.breach_count, rows[i].breaches);
        free(reply.body);
        company_free(company);
    }
}

/* ---- a person who looks ------------------------------------------------------------------------------- */

static void who_looks_into_the_helpdesk_finds_what_carries_the_mark_and_nothing_else(void **state)
{
    static const struct {
        const char *row, *key, *value;
        size_t count;
        bool has_other;
    } rows[] = {
        { "the ticket", "reference", "AAAAAAAAAAAAA", 1, true },
        { "no ticket", "reference", "CCCCCCCCCCCCC", 0, true },
        { "the comment", "marker", "[SB-AAAAAAAAAAAAA/1]", 1, true },
        { "no such part", "marker", "[SB-AAAAAAAAAAAAA/2]", 0, true },
        { "the file", "name", "AAAAAAAAAAAAA-1-a.png", 1, false },
        { "another file", "name", "AAAAAAAAAAAAA-2-a.png", 0, false },
        { "a contact", "digits", "5550100001", SIZE_MAX, false },
    };
    static const char *const subjects[] = { "Help [SB-AAAAAAAAAAAAA]",
                                            "[SB-AAAAAAAAAAAAA] is not at the end" };
    struct company *company = company_new(&scenario);
    struct truth *truth = &company->truth;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        truth_add_ticket(truth, START_MS)->fields = json_pack("{s:s}", "subject", subjects[i]);
        truth_add_comment(truth, START_MS)->ticket = truth->tickets[i];
        truth->comments[i]->content = sim_copy("Note\n[SB-AAAAAAAAAAAAA/1]\nwords");
    }
    truth_add_file(truth, START_MS)->ticket = truth->tickets[0];
    truth->files[0]->name = sim_copy("AAAAAAAAAAAAA-1-a.png");
    truth->files[0]->content = sim_copy("content");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char id[SIM_ID_SIZE] = "", other[SIM_ID_SIZE] = "";
        AUTO_JSON kept =
            json_pack("{s:s, s:s}", rows[i].key, rows[i].value, "ticket_id", truth->tickets[0]->id);
        if (helpdesk_look(company, kept, id) != rows[i].count)
            fail_msg("%s: found %s", rows[i].row, id);
        if (helpdesk_look_beside(company, kept, other) != rows[i].has_other)
            fail_msg("%s: beside it is '%s'", rows[i].row, other);
        assert_true(!*id || strcmp(id, other) != 0);
    }
    company_free(company);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_of_the_list_neither_repeat_nor_drop),
        cmocka_unit_test(a_call_is_listed_when_it_has_ended_and_known_when_it_has_settled),
        cmocka_unit_test(lists_are_refused_for_what_is_wrong_with_them),
        cmocka_unit_test(two_hundred_requests_a_minute_are_allowed),
        cmocka_unit_test(the_eleventh_token_in_ten_minutes_is_denied),
        cmocka_unit_test(the_desk_answers_as_it_is_asked),
        cmocka_unit_test(what_the_desk_hides_shows_later),
        cmocka_unit_test(only_a_whole_recording_is_understood),
        cmocka_unit_test(a_storage_is_asked_without_credentials),
        cmocka_unit_test(who_looks_into_the_helpdesk_finds_what_carries_the_mark_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The oracle can fail: what may be wrong with notes, with requests, and with what leaves the house. */
#include "simulation/oracle_kit.h"

/* ---- notes --------------------------------------------------------------------------------------------- */

static void a_note_that_was_not_written_is_told(void **state)
{
    struct small_world *world = *state;

    assert_said(world, "whole-note", "has no note, and does not say why");
}

static void an_excuse_for_a_recording_that_was_there_is_told(void **state)
{
    struct small_world *world = *state;

    json_object_set_new(world->ticket->fields, "description",
                        json_sprintf("No transcription: lost<br>Call id: %s", world->call->sid));
    assert_said(world, "whole-note", "its recording was there");
}

static void an_excuse_for_a_recording_that_never_came_is_good(void **state)
{
    struct small_world *world = *state;

    world->call->recording = TRUTH_RECORDING_LOST;
    json_object_set_new(world->ticket->fields, "description",
                        json_sprintf("No transcription: lost<br>Call id: %s", world->call->sid));
    oracle_check(&world->facts);
    assert_int_equal(world->said.count, 0);
}

static void a_note_written_twice_is_told(void **state)
{
    struct small_world *world = *state;

    add_whole_note(world);
    add_whole_note(world);
    assert_said(world, "whole-note", "part 1 of 1 of the note is 2 times");
}

static void a_lost_part_is_told(void **state)
{
    struct small_world *world = *state;

    (void)add_part(world, 1, 2, 0, 2);
    assert_said(world, "whole-note", "part 2 of 2 of the note is not at ticket");
}

static void a_cut_note_is_told(void **state)
{
    struct small_world *world = *state;

    (void)add_part(world, 1, 1, 0, LINES - 1);
    assert_said(world, "whole-note", "is 0 times in the note");
}

static void lines_in_the_wrong_order_are_told(void **state)
{
    struct small_world *world = *state;

    (void)add_part(world, 1, 2, 2, LINES);
    (void)add_part(world, 2, 2, 0, 2);
    assert_said(world, "whole-note", "in the wrong place");
}

static void words_that_nobody_said_are_told(void **state)
{
    struct small_world *world = *state;
    struct truth_comment *comment = add_part(world, 1, 1, 0, LINES);
    struct buf text;

    buf_init(&text, 100000);
    buf_printf(&text, "%s[00:59] Speaker 1: I never said this\n", comment->content);
    free(comment->content);
    comment->content = buf_take(&text, NULL);
    assert_said(world, "whole-note", "has 5 lines, 4 were said");
}

static void a_note_that_customers_see_is_told(void **state)
{
    struct small_world *world = *state;

    add_part(world, 1, 1, 0, LINES)->is_public = true;
    assert_said(world, "whole-note", "is not private");
}

static void a_comment_without_a_marker_is_told(void **state)
{
    struct small_world *world = *state;
    struct truth_comment *comment = truth_add_comment(&world->truth, START_MS);

    add_whole_note(world);
    comment->ticket = world->ticket;
    comment->content = sim_copy("Transcription of some call\nwords");
    assert_said(world, "whole-note", "is no part of its note");
}

/* ---- frugality ----------------------------------------------------------------------------------------- */

static void a_second_transcription_is_told(void **state)
{
    struct small_world *world = *state;

    add_whole_note(world);
    world->end.after_transcript = 1;
    assert_said(world, "frugal", "after its transcript was committed");
}

static void a_storm_of_requests_is_told(void **state)
{
    struct small_world *world = *state;

    add_whole_note(world);
    world->end.requests = 1000;
    assert_said(world, "frugal", "1000 requests were sent for it");
}

static void a_storm_of_refreshes_is_told(void **state)
{
    struct small_world *world = *state;

    add_whole_note(world);
    world->truth.refreshes = 50;
    assert_said(world, "frugal", "50 token refreshes");
}

static void refreshes_of_a_good_token_are_told(void **state)
{
    struct small_world *world = *state;

    add_whole_note(world);
    world->truth.needless_refreshes = 2; /* one start may have lost one */
    assert_said(world, "frugal", "2 token refreshes while the token before was good");
}

/* ---- what services see --------------------------------------------------------------------------------- */

/* Asks a service of a company that has one call, and gives what it noticed. */
static struct company *ask(const char *host, const char *path, const char *query,
                           const struct sim_header *header, const char *body, int *ret_status)
{
    static const struct scenario scenario = { .seed = 1, .concurrency = 1, .quiet_ms = START_MS };
    struct company *company = company_new(&scenario);
    struct sim_request request = { .now_ms = START_MS,
                                   .method = body ? "POST" : "GET",
                                   .host = host,
                                   .path = path,
                                   .query = query,
                                   .body = body ? body : "",
                                   .body_size = body ? strlen(body) : 0 };
    struct sim_reply reply = { .status = 0 };

    (void)add_call(&company->truth, "examplecallzqaaaaaa0000000000001", "zqaaaaaa");
    if (header)
        request.headers[request.header_count++] = *header;
    for (size_t i = 0; i < company->service_count; i++)
        if (strcmp(company->services[i].host, host) == 0)
            company->services[i].handle(company->services[i].state, &request, &reply);
    *ret_status = reply.status;
    free(reply.body);
    return company;
}

static void every_leak_is_noticed(void **state)
{
    static const struct {
        const char *host, *path, *query, *body, *name;
        struct sim_header header;
    } rows[] = {
        { SIM_HOST_DEEPGRAM, "/v1/listen", "key=" SIM_DEEPGRAM_KEY, "x", "no-secret-leaks", { NULL, NULL } },
        { SIM_HOST_RECORDINGS,
          "/a.mp3",
          "",
          NULL,
          "no-secret-leaks",
          { "Authorization", "Token " SIM_DEEPGRAM_KEY } },
        { SIM_HOST_DESK,
          "/api/v1/tickets",
          "",
          "{\"subject\":\"" SIM_CLIENT_SECRET "\"}",
          "no-secret-leaks",
          { NULL, NULL } },
        { SIM_HOST_OPENAI, "/v1/chat/completions", "", "{}", "no-secret-leaks", { "X-Key", SIM_OPENAI_KEY } },
        { SIM_HOST_DESK, "/api/v1/tickets", "", "SIMSOUND", "recordings-stay-home", { NULL, NULL } },
        { SIM_HOST_ACCOUNTS,
          "/oauth/v2/token",
          "",
          "they said, zqaaaaaa aaa",
          "transcripts-stay-home",
          { NULL, NULL } },
        { SIM_HOST_DEEPGRAM,
          "/v1/listen",
          "model=nova-3",
          "ID3 but cut",
          "whole-recording",
          { "Authorization", "Token " SIM_DEEPGRAM_KEY } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int status = 0;
        struct company *company = ask(rows[i].host, rows[i].path, rows[i].query,
                                      rows[i].header.name ? &rows[i].header : NULL, rows[i].body, &status);
        if (company->truth.breach_count != 1)
            fail_msg("row %zu: %zu breaches were noticed", i, company->truth.breach_count);
        assert_string_equal(company->truth.breaches[0].name, rows[i].name);
        company_free(company);
    }
}

/* A disk with one file. */
static const char *one_file_with(const struct world *world, const char *text)
{
    return strstr((const char *)world, text) ? "journal.db" : NULL;
}

static void a_secret_on_the_disk_is_noticed(void **state)
{
    static const struct {
        const char *content;
        size_t breaches;
    } rows[] = {
        { "call failed: " SIM_OPENAI_KEY " was refused", 1 },
        { SIM_REFRESH_TOKEN " and " SIM_CALLBACK_SECRET, 2 },
        { "{\"access_token\":\"1000.simaccess1\"}", 0 },
        { "nothing of that kind", 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int status = 0;
        struct company *company = ask(SIM_HOST_DESK, "/", "", NULL, "{}", &status);
        size_t before = company->truth.breach_count;
        watch_files(company, one_file_with, (const struct world *)(const void *)rows[i].content);
        if (company->truth.breach_count - before != rows[i].breaches)
            fail_msg("row %zu: %zu breaches were noticed", i, company->truth.breach_count - before);
        company_free(company);
    }
}

static void what_belongs_there_is_no_leak(void **state)
{
    static const struct sim_header header = { "Authorization", "Token " SIM_DEEPGRAM_KEY };
    int status = 0;
    struct company *company = ask(SIM_HOST_DEEPGRAM, "/v1/usage", "model=nova-3", &header, "x", &status);

    (void)state;
    assert_int_equal(company->truth.breach_count, 0);
    assert_int_equal(status, 404);
    company_free(company);
}

/* What a service noticed, the oracle says. */
static void breaches_are_told(void **state)
{
    struct small_world *world = *state;

    add_whole_note(world);
    truth_breach(&world->truth, "single-flight", "2 token refreshes were under way at once");
    assert_said(world, "single-flight", "at once");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(a_note_that_was_not_written_is_told),
        ROW(an_excuse_for_a_recording_that_was_there_is_told),
        ROW(an_excuse_for_a_recording_that_never_came_is_good),
        ROW(a_note_written_twice_is_told),
        ROW(a_lost_part_is_told),
        ROW(a_cut_note_is_told),
        ROW(lines_in_the_wrong_order_are_told),
        ROW(words_that_nobody_said_are_told),
        ROW(a_note_that_customers_see_is_told),
        ROW(a_comment_without_a_marker_is_told),
        ROW(a_second_transcription_is_told),
        ROW(a_storm_of_requests_is_told),
        ROW(a_storm_of_refreshes_is_told),
        ROW(refreshes_of_a_good_token_are_told),
        ROW(breaches_are_told),
        cmocka_unit_test(every_leak_is_noticed),
        cmocka_unit_test(a_secret_on_the_disk_is_noticed),
        cmocka_unit_test(what_belongs_there_is_no_leak),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

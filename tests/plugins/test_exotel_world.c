/* The source against a small telephone company with a clock: for hours of calls of every length, on a hostile line, with
 * restarts and wrong clocks, every call that began after the first start is emitted exactly once, and no other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "exotel_company.h"

/* ---- the engine ---------------------------------------------------------------------------------------- */

struct engine {
    struct world *world;
    struct harness *h;
    const char *options;
    int64_t clock_error_ms; /* ours less theirs */
    unsigned faults_percent, restarts_percent;
};

static void boot(struct engine *engine, const char *cursor)
{
    engine->h = harness_new(&exotel_plugin, engine->options);
    harness_set_cursor(engine->h, cursor);
}

/* The process dies: what was committed stays. */
static void restart(struct engine *engine)
{
    const struct harness_result *result = harness_poll_build(engine->h, "settle_calls");

    AUTO_STR cursor = json_dumps(result->record, 0);
    harness_free(engine->h);
    boot(engine, cursor);
}

static void count_emits(struct engine *engine, const json_t *emits)
{
    struct world *world = engine->world;
    size_t i;
    json_t *emit;

    json_array_foreach (emits, i, emit) {
        const char *sid = harness_text(emit, "external_id");
        for (size_t c = 0; c < world->call_count; c++) {
            if (strcmp(world->calls[c].sid, sid) != 0)
                continue;
            world->calls[c].emits++;
            world->calls[c].emitted_ms = world->now_ms;
        }
    }
}

static const struct harness_result *fold_fault(struct engine *engine, const char *step)
{
    switch (random_up_to(engine->world, 4)) {
    case 0:
        return harness_poll_fold(engine->h, step, 429, NULL, "");
    case 1:
        return harness_poll_fold(
            engine->h, step, 503, NULL,
            "{\"RestException\": {\"Status\": 503, \"Message\": \"Service Unavailable; \"}}");
    case 2:
        return harness_poll_fold(engine->h, step, 200, NULL, "<html><body>busy</body></html>");
    case 3:
        return harness_poll_fold(engine->h, step, 200, NULL, "{\"Metadata\": {\"Total\": 4");
    default:
        return harness_poll_fold(engine->h, step, 200, NULL,
                                 "<?xml version=\"1.0\"?><TwilioResponse><Calls/></TwilioResponse>");
    }
}

static void look_at_clock(struct engine *engine)
{
    harness_set_now(engine->h, engine->world->now_ms + engine->clock_error_ms);
}

/* One exchange. False: the step is through. */
static bool one_exchange(struct engine *engine, const char *step)
{
    struct world *world = engine->world;
    struct answer answer = { .body = NULL };

    look_at_clock(engine);
    const struct harness_result *result = harness_poll_build(engine->h, step);
    if (result->verdict == SB_SKIP)
        return false;
    assert_int_equal(result->verdict, SB_OK);
    world->now_ms += random_up_to(world, 900);
    look_at_clock(engine);
    if ((unsigned)random_up_to(world, 99) < engine->faults_percent) {
        result = fold_fault(engine, step);
        assert_int_equal(result->verdict, SB_RETRY);
        world->now_ms += 5 * SECOND;
        return true;
    }
    serve(world, harness_text(result->request, "url"), &answer);
    set_headers(world, &answer);
    result = harness_poll_fold(engine->h, step, answer.status, answer.headers, answer.body);
    free(answer.body);
    if (result->verdict != SB_OK && result->verdict != SB_AGAIN)
        fail_msg("'%s': %s said %d: %s", world->name, step, (int)result->verdict, result->reason);
    count_emits(engine, result->emits);
    return result->verdict == SB_AGAIN;
}

static void one_round(struct engine *engine)
{
    enum { EXCHANGES_MAX = 400 };

    for (const struct sb_step *step = exotel_plugin.poll; step->name; step++) {
        unsigned exchanges = 0;
        while (one_exchange(engine, step->name)) {
            if (++exchanges > EXCHANGES_MAX)
                fail_msg("'%s': %s does not end", engine->world->name, step->name);
            if ((unsigned)random_up_to(engine->world, 99) < engine->restarts_percent) {
                restart(engine);
                engine->world->now_ms += 2 * SECOND;
                if (random_up_to(engine->world, 2) == 0)
                    engine->world->cursors_live_since_ms = engine->world->now_ms;
                if (random_up_to(engine->world, 1) == 0)
                    step = exotel_plugin.poll - 1; /* begins with the round; step++ follows */
                break;
            }
        }
    }
}

/* ---- scenarios ----------------------------------------------------------------------------------------- */

struct scenario {
    const char *name;
    const char *options; /* more options of the source */
    unsigned calls, hours, round_minutes;
    bool shows_running, has_date, is_lenient;
    enum page_end page_end;
    const char *next_prefix;
    unsigned faults_percent, restarts_percent;
    int64_t clock_from_h, clock_to_h; /* from this hour to that one the clock is wrong */
    int64_t clock_error_ms;
    int64_t standstill_from_h, standstill_to_h;
    int64_t late_ms_max; /* an ended and settled call is emitted within */
};

#define PLAIN_URI "/v1/Accounts/acmedemo1/Calls.json"

static const struct scenario scenarios[] = {
    { .name = "a plain day",
      .calls = 150,
      .hours = 8,
      .round_minutes = 4,
      .has_date = true,
      .next_prefix = PLAIN_URI,
      .late_ms_max = 5 * MINUTE },
    { .name = "small pages: scans in slices, and a recent one",
      .options = "\"page_size\": 1",
      .calls = 170,
      .hours = 4,
      .round_minutes = 10,
      .has_date = true,
      .next_prefix = PLAIN_URI,
      .late_ms_max = 25 * MINUTE },
    { .name = "running calls are listed",
      .options = "\"page_size\": 8",
      .calls = 120,
      .hours = 8,
      .round_minutes = 10,
      .shows_running = true,
      .has_date = true,
      .next_prefix = "/v1/Accounts/acmedemo1/Calls",
      .page_end = END_EMPTY,
      .late_ms_max = 10 * MINUTE },
    { .name = "a hostile line",
      .options = "\"page_size\": 7",
      .calls = 120,
      .hours = 7,
      .round_minutes = 6,
      .shows_running = true,
      .next_prefix = "https://api.exotel.com" PLAIN_URI,
      .page_end = END_ABSENT,
      .faults_percent = 20,
      .late_ms_max = 30 * MINUTE },
    { .name = "restarts, and cursors that expire",
      .options = "\"page_size\": 6",
      .calls = 120,
      .hours = 7,
      .round_minutes = 6,
      .has_date = true,
      .next_prefix = PLAIN_URI,
      .restarts_percent = 10,
      .late_ms_max = 30 * MINUTE },
    { .name = "our clock is an hour ahead for a while",
      .options = "\"page_size\": 20",
      .calls = 150,
      .hours = 14,
      .round_minutes = 8,
      .has_date = true,
      .next_prefix = PLAIN_URI,
      .clock_from_h = 3,
      .clock_to_h = 6,
      .clock_error_ms = HOUR,
      .late_ms_max = 4 * HOUR },
    { .name = "our clock is nine hours ahead, and they tell no time",
      .options = "\"page_size\": 20",
      .calls = 150,
      .hours = 22,
      .round_minutes = 10,
      .next_prefix = PLAIN_URI,
      .clock_from_h = 3,
      .clock_to_h = 6,
      .clock_error_ms = 9 * HOUR,
      .late_ms_max = 10 * HOUR },
    { .name = "our clock is nine hours ahead, and nothing is refused",
      .options = "\"page_size\": 20",
      .calls = 150,
      .hours = 22,
      .round_minutes = 10,
      .has_date = true,
      .is_lenient = true,
      .next_prefix = PLAIN_URI,
      .clock_from_h = 3,
      .clock_to_h = 6,
      .clock_error_ms = 9 * HOUR,
      .late_ms_max = 10 * HOUR },
    { .name = "our clock is nine hours behind for a while",
      .options = "\"page_size\": 20",
      .calls = 150,
      .hours = 22,
      .round_minutes = 10,
      .has_date = true,
      .next_prefix = PLAIN_URI,
      .clock_from_h = 3,
      .clock_to_h = 6,
      .clock_error_ms = -9 * HOUR,
      .late_ms_max = 10 * HOUR },
    { .name = "the engine stands still for seven hours",
      .options = "\"page_size\": 20",
      .calls = 200,
      .hours = 20,
      .round_minutes = 8,
      .has_date = true,
      .next_prefix = PLAIN_URI,
      .standstill_from_h = 4,
      .standstill_to_h = 11,
      .late_ms_max = 8 * HOUR },
};

/* Most calls are short; one in ten lasts up to four hours; some never settle, have no status or no recording. */
static void make_call(struct world *world, size_t index, int64_t span_ms)
{
    struct world_call *call = &world->calls[index];
    int64_t longest = random_up_to(world, 9) == 0 ? 4 * HOUR : 10 * MINUTE;

    (void)snprintf(call->sid, sizeof(call->sid), "examplecall%021uz", (unsigned)index);
    /* An hour of them began before the first start; some begin in the same second. */
    call->start_ms = world->begin_ms - HOUR + random_up_to(world, span_ms);
    if (index % 7 == 1)
        call->start_ms = world->calls[index - 1].start_ms;
    call->end_ms = call->start_ms + SECOND + random_up_to(world, longest);
    call->settle_ms = random_up_to(world, 19) == 0 ? -1 : call->end_ms + random_up_to(world, 15 * MINUTE);
    call->has_status = random_up_to(world, 19) != 0;
    call->has_recording = random_up_to(world, 9) != 0;
}

static void make_world(struct world *world, const struct scenario *scenario, uint64_t seed)
{
    *world = (struct world){
        .name = scenario->name,
        .now_ms = KIT_NOW_MS,
        .begin_ms = KIT_NOW_MS,
        .call_count = scenario->calls,
        .shows_running = scenario->shows_running,
        .has_date = scenario->has_date,
        .is_lenient = scenario->is_lenient,
        .page_end = scenario->page_end,
        .next_prefix = scenario->next_prefix,
        .random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1,
    };
    for (size_t i = 0; i < world->call_count; i++)
        make_call(world, i, (scenario->hours + 1) * HOUR);
    qsort(world->calls, world->call_count, sizeof(world->calls[0]), compare_calls);
}

static void run_engine(struct engine *engine, const struct scenario *scenario)
{
    struct world *world = engine->world;
    /* Five hours and more for the last calls to end. */
    int64_t end_ms = world->begin_ms + (scenario->hours + 6) * HOUR;

    while (world->now_ms < end_ms) {
        int64_t hour = (world->now_ms - world->begin_ms) / HOUR;
        engine->clock_error_ms =
            hour >= scenario->clock_from_h && hour < scenario->clock_to_h ? scenario->clock_error_ms : 0;
        if (hour >= scenario->standstill_from_h && hour < scenario->standstill_to_h) {
            world->now_ms += 10 * MINUTE;
            continue;
        }
        int64_t began_ms = world->now_ms;
        one_round(engine);
        int64_t next_ms = began_ms + scenario->round_minutes * MINUTE;
        world->now_ms = world->now_ms > next_ms ? world->now_ms : next_ms;
    }
}

/* When an emission could be expected: settled, or over for settle_wait (20 minutes). */
static int64_t due_ms(const struct world_call *call)
{
    int64_t wait_ms = call->end_ms + 20 * MINUTE;

    return call->settle_ms >= 0 && call->has_status && call->has_recording ? call->settle_ms
           : call->settle_ms >= 0                                          ? call->settle_ms + 20 * MINUTE
                                                                           : wait_ms;
}

static void check_calls(const struct world *world, const struct scenario *scenario, uint64_t seed)
{
    int64_t floor_ms = world->begin_ms / SECOND * SECOND;

    for (size_t i = 0; i < world->call_count; i++) {
        const struct world_call *call = &world->calls[i];
        unsigned want = call->start_ms >= floor_ms ? 1 : 0;
        if (call->emits != want)
            fail_msg("'%s', seed %u: call %s (began %+lld s, ended %+lld s) was emitted %u times",
                     world->name, (unsigned)seed, call->sid,
                     (long long)(call->start_ms - world->begin_ms) / SECOND,
                     (long long)(call->end_ms - world->begin_ms) / SECOND, call->emits);
        if (want && call->emitted_ms - due_ms(call) > scenario->late_ms_max)
            fail_msg("'%s', seed %u: call %s was emitted %lld s late", world->name, (unsigned)seed, call->sid,
                     (long long)(call->emitted_ms - due_ms(call)) / SECOND);
    }
}

static void run_scenario(const struct scenario *scenario, uint64_t seed)
{
    struct world *world = malloc(sizeof(*world));
    char options[256];
    struct engine engine = { .world = world,
                             .options = options,
                             .faults_percent = scenario->faults_percent,
                             .restarts_percent = scenario->restarts_percent };

    assert_non_null(world);
    (void)snprintf(options, sizeof(options), "{" KIT_KEYS "%s%s}", scenario->options ? ", " : "",
                   scenario->options ? scenario->options : "");
    make_world(world, scenario, seed);
    boot(&engine, "{}");
    run_engine(&engine, scenario);
    check_calls(world, scenario, seed);
    if (getenv("EXOTEL_WORLD_VERBOSE"))
        print_message("'%s': %u requests, %u refused\n", world->name, world->requests, world->refused);
    harness_free(engine.h);
    free(world);
}

static void every_call_is_emitted_exactly_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(scenarios); i++)
        for (uint64_t seed = 1; seed <= 1; seed++)
            run_scenario(&scenarios[i], seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_is_emitted_exactly_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

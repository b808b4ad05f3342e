/* From a seed to a scenario: each seed mixes a few kinds of faults, so that rare combinations are tried as well as storms
 * of everything, and now and then a world in which next to nothing goes wrong. */
#include "simulation/scenario.h"

#include <string.h>

#include "simulation/chance.h"

#define MINUTE_MS (INT64_C(60) * 1000)
#define HOUR_MS   (60 * MINUTE_MS)

/* 2026-03-09T00:00:00Z, a Monday; the world begins some time in the two weeks after it. */
#define FIRST_MS INT64_C(1773014400000)

static const struct {
    const char *word;
    uint32_t most;
} faults[SIM_FAULT_COUNT] = {
#define X(id, word, most) [id] = { word, most },
    SIM_FAULTS(X)
#undef X
};

const char *sim_fault_word(enum sim_fault fault)
{
    return (unsigned)fault < SIM_FAULT_COUNT ? faults[fault].word : "?";
}

enum sim_fault sim_fault_from_word(const char *word)
{
    int fault = 0;

    while (fault < SIM_FAULT_COUNT && strcmp(faults[fault].word, word) != 0)
        fault++;
    return (enum sim_fault)fault;
}

/* How many of a hundred kinds are on. */
static unsigned kinds_on(struct chance *chance)
{
    static const unsigned shares[] = { 0, 5, 10, 20, 20, 35, 35, 50, 70, 100 };

    return shares[chance_below(chance, sizeof(shares) / sizeof(shares[0]))];
}

static void mix_faults(struct scenario *scenario)
{
    static const uint32_t tenths[] = { 1, 3, 10 };
    struct chance chance = chance_stream(scenario->seed, "faults");
    unsigned share = kinds_on(&chance);
    /* Where everything goes wrong at once, each goes wrong less often: else nothing would ever be done. */
    uint32_t calm = share >= 50 ? 3 : 1;

    for (int i = 0; i < SIM_FAULT_COUNT; i++) {
        bool is_on = chance_below(&chance, 100) < share;
        uint32_t tenth = tenths[chance_below(&chance, 3)];
        if (is_on)
            scenario->rates[i] = faults[i].most / 10 * tenth / calm;
    }
}

static int64_t pick(struct chance *chance, const int64_t *values, size_t count)
{
    return values[chance_below(chance, count)];
}

/* Out of a stream of their own, so that calls are the same with and without them. */
static void mix_escalations(struct scenario *scenario)
{
    static const char *const attach[] = { "never", "never", "always", "ask_rules" };
    static const int64_t delays[] = { 0, 2 * MINUTE_MS, 10 * MINUTE_MS, 10 * MINUTE_MS, 30 * MINUTE_MS };
    struct chance chance = chance_stream(scenario->seed, "options of escalations");

    scenario->has_escalations = chance_below(&chance, 4) > 0;
    scenario->attach = attach[chance_below(&chance, 4)];
    scenario->delayed_after_ms = pick(&chance, delays, 5);
    scenario->has_crm_field = chance_below(&chance, 2) == 0;
    scenario->signs_posts = chance_below(&chance, 2) == 0;
    scenario->has_mapping = chance_below(&chance, 2) == 0;
}

struct scenario scenario_of(uint64_t seed)
{
    static const int64_t settles[] = { 11 * MINUTE_MS, 15 * MINUTE_MS, 15 * MINUTE_MS, 30 * MINUTE_MS };
    static const int64_t sizes[] = { 1000, 1500, 30000, 30000 };
    static const int64_t ways[] = { 1, 2, 4, 4, 20 };
    static const int64_t rooms[] = { 1, 2, 5, 500, 500 };
    static const int64_t pages[] = { 1, 2, 3, 5, 100, 100 };
    static const int64_t intervals[] = { 5 * MINUTE_MS, 15 * MINUTE_MS, 30 * MINUTE_MS, HOUR_MS };
    static const int64_t spans[] = { HOUR_MS, 2 * HOUR_MS, 3 * HOUR_MS, 6 * HOUR_MS };
    struct chance chance = chance_stream(seed, "scenario");
    struct scenario scenario = { .seed = seed, .faults_until = UINT64_MAX };

    scenario.records = (uint32_t)chance_between(&chance, 4, 16);
    scenario.start_ms = FIRST_MS + chance_between(&chance, 0, 14 * 24 * HOUR_MS);
    scenario.quiet_ms = scenario.start_ms + pick(&chance, spans, 4);
    scenario.end_ms = scenario.quiet_ms + 30 * HOUR_MS;
    scenario.settle_ms = pick(&chance, settles, 4);
    scenario.note_size_max = (uint32_t)pick(&chance, sizes, 4);
    scenario.concurrency = (uint32_t)pick(&chance, ways, 5);
    scenario.max_in_flight = (uint32_t)pick(&chance, rooms, 5);
    scenario.page_size = (uint32_t)pick(&chance, pages, 6);
    scenario.poll_interval_ms = pick(&chance, intervals, 4);
    scenario.has_openai = chance_below(&chance, 4) > 0;
    mix_escalations(&scenario);
    mix_faults(&scenario);
    return scenario;
}

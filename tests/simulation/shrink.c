/* Shrinking: each try is one more run of the seed with something taken away. */
#include "simulation/shrink.h"

#include <string.h>

enum { TRIES_MAX = 200 };

struct search {
    uint64_t seed;
    const struct run_options *options;
    struct shaping best;
    struct run_result result; /* of `best` */
    int tries;
};

/* Keeps `shaping` when the seed fails by the same invariant with it. */
static bool try_shaping(struct search *search, const struct shaping *shaping)
{
    struct run_result result;
    const struct scenario scenario = shaped(search->seed, shaping);

    if (search->tries++ >= TRIES_MAX)
        return false;
    sweep_one(&scenario, search->options, &result);
    if (!sweep_has_failed(&result) || strcmp(result.violation, search->result.violation) != 0)
        return false;
    search->best = *shaping;
    search->result = result;
    return true;
}

/* Fewer faults need not fail because more did, so halving is a guess; what it finds does fail. */
static void cut_faults(struct search *search)
{
    uint64_t low = 0;

    for (uint64_t high = search->result.totals.fault_count; low < high;) {
        struct shaping shaping = search->best;
        shaping.faults_until = low + (high - low) / 2;
        if (try_shaping(search, &shaping))
            high = shaping.faults_until;
        else
            low = shaping.faults_until + 1;
    }
}

static void drop_kinds(struct search *search)
{
    for (int i = 0; i < SIM_FAULT_COUNT; i++) {
        struct shaping shaping = search->best;
        if (shaping.without[i] || !search->result.totals.faults[i])
            continue;
        shaping.without[i] = true;
        (void)try_shaping(search, &shaping);
    }
}

static void drop_records(struct search *search)
{
    const struct scenario scenario = shaped(search->seed, &search->best);

    for (uint32_t records = 1; records < scenario.records; records += records < 3 ? 1 : records / 2) {
        struct shaping shaping = search->best;
        shaping.records = records;
        if (try_shaping(search, &shaping))
            return;
    }
}

void shrink(uint64_t seed, const struct run_options *options, struct shaping *shaping,
            struct run_result *result)
{
    struct search search = { .seed = seed, .options = options, .best = *shaping, .result = *result };

    if (try_shaping(&search, shaping)) {
        cut_faults(&search);
        drop_kinds(&search);
        drop_records(&search);
        drop_kinds(&search);
        cut_faults(&search);
    }
    *shaping = search.best;
    *result = search.result;
}

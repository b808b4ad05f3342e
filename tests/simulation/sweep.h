/* Many seeds, in processes of their own: an engine that crashes takes only its seed along. */
#ifndef TESTS_SIMULATION_SWEEP_H
#define TESTS_SIMULATION_SWEEP_H

#include "simulation/run.h"

/* What the command line takes away from every scenario. */
struct shaping {
    uint64_t faults_until;         /* UINT64_MAX: all */
    bool without[SIM_FAULT_COUNT]; /* kinds that do not happen */
    uint32_t records;              /* 0: as the seed says */
};
struct scenario shaped(uint64_t seed, const struct shaping *shaping);

struct sweep {
    uint64_t first, count;
    unsigned jobs;
    int64_t minutes; /* 0: no bound */
    bool is_twice;   /* each seed two times, whose digests must be equal */
    bool stops_at_failure;
    bool is_digested; /* prints each seed's digest */
    struct shaping shaping;
};

enum { SWEEP_FAILURES_MAX = 20 };

struct sweep_sum {
    uint64_t seeds, failed;
    struct sim_totals totals;                       /* sums; virtual_ms: the greatest */
    uint64_t virtual_seed;                          /* which one that was */
    uint64_t requests_most;                         /* of one seed */
    struct run_result failures[SWEEP_FAILURES_MAX]; /* the first ones, by arrival */
    size_t failure_count;
    double seconds;
};

void sweep_run(const struct sweep *sweep, struct sweep_sum *ret_sum);
/* One seed in a process of its own. */
void sweep_one(const struct scenario *scenario, const struct run_options *options,
               struct run_result *ret_result);
/* Whether the seed failed. */
bool sweep_has_failed(const struct run_result *result);

#endif

/* One seed, from the beginning of its world to the verdict. */
#ifndef TESTS_SIMULATION_RUN_H
#define TESTS_SIMULATION_RUN_H

#include "base/digest.h"
#include "simulation/workshop.h"
#include "simulation/world.h"

struct run_options {
    struct workshop *workshop; /* borrowed */
    bool is_traced;            /* to standard output */
    bool is_logged;            /* the engine's own log, to standard error */
    bool is_digested;          /* a digest of journal and truth is made: it costs */
};

struct run_result {
    uint64_t seed;
    uint64_t violations;
    char violation[160], violation_text[400]; /* the first one; "" none */
    struct sim_totals totals;
    char digest[DIGEST_HEX_SIZE]; /* when it was asked for */
};

void run_seed(const struct scenario *scenario, const struct run_options *options,
              struct run_result *ret_result);

#endif

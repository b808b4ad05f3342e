/* From a failing seed to the least that still fails. */
#ifndef TESTS_SIMULATION_SHRINK_H
#define TESTS_SIMULATION_SHRINK_H

#include "simulation/sweep.h"

/* Takes faults, kinds of faults and records away as long as the same invariant fails: at most some hundred runs. Gives what
 * is left and the last failing result. */
void shrink(uint64_t seed, const struct run_options *options, struct shaping *shaping,
            struct run_result *result);

#endif

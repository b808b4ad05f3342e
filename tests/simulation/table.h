/* What a sweep has to say to people. */
#ifndef TESTS_SIMULATION_TABLE_H
#define TESTS_SIMULATION_TABLE_H

#include "simulation/sweep.h"

void table_print(const struct sweep_sum *sum);
/* The command that replays a seed, with a trace. `program` and `mutant` as given; mutant may be NULL. */
void table_print_command(const char *program, const char *mutant, uint64_t seed,
                         const struct shaping *shaping);

#endif

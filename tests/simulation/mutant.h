/* Seeded bugs: the mutant build has them all compiled in, and one is chosen when the program starts. In the plain build
 * there are none. */
#ifndef TESTS_SIMULATION_MUTANT_H
#define TESTS_SIMULATION_MUTANT_H

#include <stdbool.h>
#include <stddef.h>

size_t sim_mutant_count(void);
const char *sim_mutant_name(size_t index);
const char *sim_mutant_about(size_t index); /* what is wrong, in a few words */
/* NULL: none. False: there is none of that name. */
bool sim_mutant_choose(const char *name);
/* What the mutated sources ask: whether they are to be wrong. */
bool sim_mutant_is(size_t index);

#endif

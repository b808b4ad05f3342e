/* Which seeded bug is alive. State at file scope, because the mutated sources have no context to ask; it is set once, before
 * anything runs. */
#include "simulation/mutant.h"

#include <stdint.h>
#include <string.h>

#include "simulation/mutant_list.h"

static const struct {
    const char *name, *about;
} mutants[] = {
#define X(name, about) { name, about },
    SIM_MUTANTS(X)
#undef X
        { NULL, NULL } /* an array cannot be empty */
};

static size_t chosen = SIZE_MAX;

size_t sim_mutant_count(void)
{
    return sizeof(mutants) / sizeof(mutants[0]) - 1;
}

const char *sim_mutant_name(size_t index)
{
    return mutants[index].name;
}

const char *sim_mutant_about(size_t index)
{
    return mutants[index].about;
}

bool sim_mutant_choose(const char *name)
{
    chosen = SIZE_MAX;
    for (size_t i = 0; name && i < sim_mutant_count(); i++)
        if (strcmp(mutants[i].name, name) == 0) {
            chosen = i;
            return true;
        }
    return name == NULL;
}

bool sim_mutant_is(size_t index)
{
    return index == chosen;
}

/* Chance of a simulated run. Everything that is decided by chance comes from streams of one seed, each named for what it
 * decides: adding a draw in one place changes no other. The same on every compiler and machine. No failure. */
#ifndef TESTS_SIMULATION_CHANCE_H
#define TESTS_SIMULATION_CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chance {
    uint64_t state;
};

/* The stream `name` of `seed`. */
struct chance chance_stream(uint64_t seed, const char *name);
uint64_t chance_next(struct chance *chance);
/* Uniform in [0, below); 0 when `below` is 0. */
uint64_t chance_below(struct chance *chance, uint64_t below);
/* Uniform in [least, most]. */
int64_t chance_between(struct chance *chance, int64_t least, int64_t most);
/* True `per_million` times in a million. */
bool chance_happens(struct chance *chance, uint32_t per_million);

#endif

/* Streams of chance: each a counter that is stirred (SplitMix64), begun at a digest of seed and name. */
#include "simulation/chance.h"

static uint64_t stir(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

struct chance chance_stream(uint64_t seed, const char *name)
{
    uint64_t state = stir(seed + UINT64_C(0x9e3779b97f4a7c15));

    for (const unsigned char *c = (const unsigned char *)name; *c; c++)
        state = stir(state ^ *c);
    return (struct chance){ .state = state };
}

uint64_t chance_next(struct chance *chance)
{
    chance->state += UINT64_C(0x9e3779b97f4a7c15);
    return stir(chance->state);
}

/* The high bits of a product instead of a remainder: as even as can be seen with 64 bits, and without a loop that draws
 * again, so that every decision costs one draw. */
uint64_t chance_below(struct chance *chance, uint64_t below)
{
    uint64_t drawn = chance_next(chance);

    if (below == 0)
        return 0;
    if (below >> 32)
        return drawn % below;
    return ((drawn >> 32) * below) >> 32;
}

int64_t chance_between(struct chance *chance, int64_t least, int64_t most)
{
    if (most <= least) {
        (void)chance_next(chance);
        return least;
    }
    return least + (int64_t)chance_below(chance, (uint64_t)(most - least) + 1);
}

bool chance_happens(struct chance *chance, uint32_t per_million)
{
    return chance_below(chance, 1000000) < per_million;
}

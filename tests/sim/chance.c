/* Seeded random numbers, one sequence per service, and the SHA-256 that services answer with. */
#include "sim.h"

#include <openssl/evp.h>
#include <string.h>

/* Splitmix64: one addition and three mixing steps per number, good enough for test data. */
uint64_t chance_next(uint64_t *state)
{
    uint64_t mixed = *state += 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
}

/* Each name gets its own sequence, so that what one service does never shifts another's numbers. */
uint64_t chance_seed(uint64_t seed, const char *name)
{
    uint64_t state = seed;
    for (const char *at = name; *at; at++)
        state = (state ^ (unsigned char)*at) * 0x100000001b3u;
    return chance_next(&state);
}

uint64_t sim_random(struct sim_service *service)
{
    return chance_next(&service->in->random);
}

uint64_t sim_random_below(struct sim_service *service, uint64_t limit)
{
    return limit ? sim_random(service) % limit : 0;
}

void sim_random_text(struct sim_service *service, const char *alphabet, char *text, size_t size)
{
    size_t letters = strlen(alphabet);
    for (size_t i = 0; i + 1 < size; i++)
        text[i] = alphabet[sim_random_below(service, letters)];
    text[size - 1] = '\0';
}

void sim_sha256(const void *data, size_t size, char text[65])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    (void)EVP_Digest(data, size, sum, &length, EVP_sha256(), NULL);
    for (size_t i = 0; i < 32; i++) {
        text[2 * i] = digits[sum[i] >> 4];
        text[2 * i + 1] = digits[sum[i] & 15];
    }
    text[64] = '\0';
}

/* .env: names and values point into the text, in order, and each can be found. */
#include "conf/env.h"

#include "fuzz/fuzz.h"

static void hear(void *ctx, unsigned line, bool is_error, const char *text)
{
    (void)ctx, (void)is_error;
    FUZZ_CHECK(line >= 1 && text[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct env env;
    char *text = fuzz_text(data, size);

    memset(&env, 0, sizeof(env));
    env_parse(&env, text, hear, NULL);
    FUZZ_CHECK(env.count <= ENV_ENTRIES_MAX);
    for (size_t i = 0; i < env.count; i++) {
        FUZZ_CHECK(env.entries[i].name >= text && env.entries[i].name <= text + size);
        FUZZ_CHECK(env.entries[i].value >= text && env.entries[i].value <= text + size);
        FUZZ_CHECK(env_find(&env, env.entries[i].name));
    }
    free(text);
    return 0;
}

/* Built when the descriptor ended with its steps: what came later counts as absent. */
#define switchboard_plugin declared_by_the_header
#include "bad.h"
#undef switchboard_plugin

struct older_plugin {
    uint32_t abi, size;
    enum sb_kind kind;
    const char *name, *summary, *version;
    uint32_t flags;
    const struct sb_option *options;
    const struct sb_auth *auth;
    const char *const *reaches;
    const struct sb_step *steps;
};

extern SB_API const struct older_plugin switchboard_plugin;
const struct older_plugin switchboard_plugin = { .abi = SB_ABI,
                                                 .size = sizeof(struct older_plugin),
                                                 .kind = SB_PROCESSOR,
                                                 .name = "older_minor",
                                                 .summary = "for the loader's test",
                                                 .version = "0.9",
                                                 .steps = steps };

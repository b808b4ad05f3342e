/* Uses a function that nobody has, but only once it runs: bound lazily, it would load. */
#include <switchboard/switchboard.h>

enum sb_verdict sb_function_of_the_future(struct sb_exchange *x);

static enum sb_verdict work(struct sb_exchange *x)
{
    return sb_function_of_the_future(x);
}

static const struct sb_step steps[] = {
    { .name = "work", .effect = SB_READ, .work = work },
    { .name = NULL },
};

const struct sb_plugin switchboard_plugin = { .abi = SB_ABI,
                                              .size = sizeof(struct sb_plugin),
                                              .kind = SB_PROCESSOR,
                                              .name = "unresolved",
                                              .summary = "for the loader's test",
                                              .version = "1",
                                              .steps = steps };

/* What the small plugins of the loader's test share: a step that does nothing, and a descriptor that is right. */
#ifndef BAD_H
#define BAD_H

#include <switchboard/switchboard.h>

static enum sb_verdict work(struct sb_exchange *x)
{
    return sb_skip(x, "nothing to do");
}

static const struct sb_step steps[] __attribute__((unused)) = {
    { .name = "work", .effect = SB_READ, .work = work },
    { .name = NULL },
};

/* Members that follow replace the ones here. */
#define DESCRIPTOR(plugin_name)                                                                              \
    .abi = SB_ABI, .size = sizeof(struct sb_plugin), .kind = SB_PROCESSOR, .name = (plugin_name),            \
    .summary = "for the loader's test", .version = "1.2.3", .steps = steps

#endif

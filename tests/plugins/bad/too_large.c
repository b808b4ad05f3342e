/* Claims a descriptor that is larger than what it exports. */
#include "bad.h"

const struct sb_plugin switchboard_plugin = { .abi = SB_ABI,
                                              .size = sizeof(struct sb_plugin) + 64,
                                              .kind = SB_PROCESSOR,
                                              .name = "too_large",
                                              .steps = steps };

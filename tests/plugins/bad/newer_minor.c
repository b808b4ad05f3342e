/* Built for a later version of the interface, with something behind the descriptor's known end. */
#include "bad.h"

const struct sb_plugin switchboard_plugin = { .abi = SB_ABI + 1,
                                              .size = sizeof(struct sb_plugin),
                                              .kind = SB_PROCESSOR,
                                              .name = "newer_minor",
                                              .steps = steps };

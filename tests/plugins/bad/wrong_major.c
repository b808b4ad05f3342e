/* Built for another interface. */
#include "bad.h"

const struct sb_plugin switchboard_plugin = { .abi = SB_ABI + (UINT32_C(1) << 16),
                                              .size = sizeof(struct sb_plugin),
                                              .kind = SB_PROCESSOR,
                                              .name = "wrong_major",
                                              .steps = steps };

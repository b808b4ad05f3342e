/* Built for another interface. */
#include "bad.h"

const struct sb_plugin switchboard_plugin = { .abi = UINT32_C(2) << 16,
                                              .size = sizeof(struct sb_plugin),
                                              .kind = SB_PROCESSOR,
                                              .name = "wrong_major",
                                              .steps = steps };

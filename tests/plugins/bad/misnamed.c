/* Its file has another name than it. */
#include "bad.h"

const struct sb_plugin switchboard_plugin = { DESCRIPTOR("somebody_else") };

/* A plugin with nothing wrong in it. */
#include "bad.h"

const struct sb_plugin switchboard_plugin = { DESCRIPTOR("good") };

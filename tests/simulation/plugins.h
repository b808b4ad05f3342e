/* The plugins of the simulated engine: linked into the program, each with its descriptor under a name of its own. */
#ifndef TESTS_SIMULATION_PLUGINS_H
#define TESTS_SIMULATION_PLUGINS_H

#include "switchboard/plugin.h"

extern const struct sb_plugin *const sim_plugins[]; /* NULL-terminated */

#endif

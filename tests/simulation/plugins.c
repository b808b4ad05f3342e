/* The list that CMakeLists.txt names: each plugin's sources are compiled with its descriptor renamed. */
#include "simulation/plugins.h"

#include <stddef.h>

#include "simulation/plugin_list.h"

#define X(name) extern const struct sb_plugin switchboard_plugin_##name;
SIM_PLUGINS(X)
#undef X

#define X(name) &switchboard_plugin_##name,
const struct sb_plugin *const sim_plugins[] = { SIM_PLUGINS(X) NULL };
#undef X

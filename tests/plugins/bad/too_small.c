/* Exports a number under the descriptor's name. */
#include <stdint.h>

extern __attribute__((visibility("default"))) const uint32_t switchboard_plugin;
const uint32_t switchboard_plugin = 0x10000;

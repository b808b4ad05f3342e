/* Options of a harness: an object to the values that an instance is made of. */
#ifndef HARNESS_OPTIONS_H
#define HARNESS_OPTIONS_H

#include <jansson.h>

#include "plugin/instance.h"

/* Gives the values of all rows of the plugin's table and of the core's common options, in `arena`. The texts
 * in `options` that no row has fail the test; what is wrong with a value fails in `err`. */
int harness_values(const struct sb_plugin *plugin, const json_t *options, struct arena *arena,
                   struct instance_value **ret_values, size_t *ret_count, struct sb_error *err) SB_MUST_CHECK;

#endif

/* The scripts of a harness: the real ones of the source tree, in the real sandbox. */
#ifndef HARNESS_SCRIPT_H
#define HARNESS_SCRIPT_H

#include "plugin/instance.h"

/* Loads the script of the instance's SCRIPT option, if it has one with a value. */
int harness_script_load(struct sb_instance *instance, void **ret_script, struct sb_error *err) SB_MUST_CHECK;
void harness_script_free(void *script); /* NULL allowed */

#endif

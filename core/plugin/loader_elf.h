/* Whether a file is a whole shared object for this machine, before the dynamic linker maps it: one that is cut short
 * would end the process by SIGBUS. */
#ifndef PLUGIN_LOADER_ELF_H
#define PLUGIN_LOADER_ELF_H

#include "switchboard/error.h"

/* 0, or SB_ECONFIG with why it cannot be loaded (without the path: the caller knows it). */
int loader_check_elf(const char *path, struct sb_error *err) SB_MUST_CHECK;

#endif

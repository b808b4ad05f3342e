/* Finds plugins by name and loads them through libltdl. Loop thread. */
#ifndef PLUGIN_LOADER_H
#define PLUGIN_LOADER_H

#include "base/log.h"
#include "switchboard/plugin.h"

struct loader;

/* `dirs` is NULL-terminated, searched in order; copied. */
struct loader *loader_new(const char *const *dirs, struct log *log, struct sb_error *err);
/* Unloads everything: no instance may be left. NULL allowed. */
void loader_free(struct loader *loader);

/* The descriptor of the plugin `name` (file name.so), loaded on first use: ELF extents checked against the
 * file's size, RTLD_NOW so that the true reason is known, exported symbol, ABI, tables. The same name in two
 * of the directories is refused with both paths. Gives a pointer that is valid until loader_free. */
int loader_get(struct loader *loader, const char *name, const struct sb_plugin **ret_plugin,
               struct sb_error *err) SB_MUST_CHECK;
/* A plugin that is linked into this program instead of being a file (simulations, tests): found before any file. Its
 * descriptor is copied. */
int loader_add(struct loader *loader, const struct sb_plugin *plugin, struct sb_error *err) SB_MUST_CHECK;
/* Names of all files that look like plugins in the directories, sorted: a JSON array of {name, path}. Loads
 * nothing. */
json_t *loader_names(struct loader *loader);

/* Checks the tables of a descriptor: names, effects, reconcile for CREATE over HTTP, option rows, kind and
 * its tables. SB_EINTERNAL with what is wrong. */
int loader_check(const struct sb_plugin *plugin, struct sb_error *err) SB_MUST_CHECK;

#endif

/* The reference of all settings and options, docs/OPTIONS.md, from the tables that also check engine.conf. */
#ifndef APP_REFERENCE_H
#define APP_REFERENCE_H

#include <stdio.h>

#include "base/buf.h"
#include "plugin/loader.h"

/* Appends the type of an option with its range or words: "duration 0s to 30d", "one of: a, b". */
void reference_type(struct buf *out, const struct sb_option *row);
/* Writes the page as Markdown: settings, options of all blocks, then every plugin that `loader` finds. Fails when a
 * plugin cannot be loaded. */
int reference_write(struct loader *loader, FILE *to, struct sb_error *err) SB_MUST_CHECK;

#endif

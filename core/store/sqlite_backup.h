/* Copying one journal file into another. */
#ifndef STORE_SQLITE_BACKUP_H
#define STORE_SQLITE_BACKUP_H

#include "store/sqlite_store.h"

/* Copies what `source` holds now into the new file `path` (0600, synced, without helper files). A failure
 * leaves no file. SB_EINPUT when `path` exists. */
int backup_copy(struct store *source, const char *path, struct sb_error *err) SB_MUST_CHECK;

#endif

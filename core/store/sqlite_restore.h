/* Putting a checked copy in the place of the journal, in steps that can be taken up again after a crash. */
#ifndef STORE_SQLITE_RESTORE_H
#define STORE_SQLITE_RESTORE_H

#include "switchboard/error.h"

/* Finishes a restore that was interrupted between checking the copy and putting it in place; nothing to do is
 * a success. The caller owns data_dir; `path` is the journal. */
int restore_finish(const char *data_dir, const char *path, struct sb_error *err) SB_MUST_CHECK;

#endif

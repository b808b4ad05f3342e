/* Putting a checked copy in the place of the journal, in steps that can be taken up again after a crash. */
#ifndef STORE_SQLITE_RESTORE_H
#define STORE_SQLITE_RESTORE_H

#include <stdint.h>

#include "switchboard/error.h"

struct store;

/* Finishes a restore that was interrupted between checking the copy and putting it in place; nothing to do is
 * a success. The caller owns data_dir; `path` is the journal. */
int restore_finish(const char *data_dir, const char *path, struct sb_error *err) SB_MUST_CHECK;

/* Brings an opened copy up to date and marks it as restored: every unfinished record is doubtful. A store that was open
 * before must be opened anew to treat what is emitted later accordingly. */
int restore_mark(struct store *store, int64_t now_ms, struct sb_error *err) SB_MUST_CHECK;

#endif

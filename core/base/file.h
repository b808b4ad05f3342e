/* Files read whole and written so that they are there after a power cut. Blocking: not on the loop, except at
 * start. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "switchboard/error.h"

/* Gives the NUL-terminated content. SB_ECONFIG when it cannot be read or is larger than size_max. */
int file_read(const char *path, size_t size_max, char **ret_text, size_t *ret_size,
              struct sb_error *err) SB_MUST_CHECK;
/* Writes a temporary file beside `path`, syncs it, renames it and syncs the folder. SB_ECONFIG when it cannot
 * be written (nothing is left behind); SB_EINTERNAL when a sync failed: what is on the disk is then unknown,
 * end the process. */
int file_write(const char *path, const void *data, size_t size, mode_t mode,
               struct sb_error *err) SB_MUST_CHECK;
/* Makes the folder and its parents; the last one gets `mode` when it is made. */
int file_make_dir(const char *path, mode_t mode, struct sb_error *err) SB_MUST_CHECK;
int file_sync_dir(const char *path, struct sb_error *err) SB_MUST_CHECK;
/* Gives "dir/name", or a copy of `name` when it is absolute. NULL when out of memory. */
char *file_join(const char *dir, const char *name);
/* Gives the folder part of `path` ("." when there is none). NULL when out of memory. */
char *file_dir(const char *path);

#endif

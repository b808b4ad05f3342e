/* Who owns data_dir: one process at a time, by a lock that ends with the process, however it ends. */
#ifndef STORE_LOCK_H
#define STORE_LOCK_H

#include "switchboard/error.h"

/* Takes data_dir/lock (made 0600) and writes the process id into it. Gives the open file, which is the lock.
 * SB_EBUSY when another process, or another store of this one, has it: the text names it. */
int lock_take(const char *data_dir, int *ret_fd, struct sb_error *err) SB_MUST_CHECK;
/* Lets go. -1 is allowed. */
void lock_release(int fd);

#endif

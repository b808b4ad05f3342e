/* How far long work is, on a terminal; nothing elsewhere. */
#ifndef APP_PROGRESS_H
#define APP_PROGRESS_H

#include <stddef.h>

/* Rewrites the line "WHAT: 40000 of 100000" on stderr. `what` is a constant. */
void progress_show(const char *what, size_t done, size_t whole);
/* Removes the line again. */
void progress_clear(void);

#endif

/* Memory that is freed together. Not thread-safe. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "switchboard/error.h"

struct arena; /* opaque */

/* At most `max` bytes in all. NULL when out of memory. */
struct arena *arena_new(size_t max);
void arena_free(struct arena *arena); /* NULL allowed */
/* Overwrites all that was given out, before it is freed: for arenas that held secrets. NULL allowed. */
void arena_wipe(struct arena *arena);
/* Zeroed, aligned for any type; NULL when the limit or memory is exhausted. */
void *arena_alloc(struct arena *arena, size_t size);
char *arena_strdup(struct arena *arena, const char *text); /* NULL text gives NULL */
char *arena_strndup(struct arena *arena, const char *text, size_t size);
char *arena_printf(struct arena *arena, const char *fmt, ...) SB_PRINTF(2, 3);
char *arena_vprintf(struct arena *arena, const char *fmt, va_list args) SB_PRINTF(2, 0);
/* Whether an allocation has ever failed because the machine had no memory: what was built in the arena may lack parts. */
bool arena_ran_out(const struct arena *arena);
size_t arena_used(const struct arena *arena);

#endif

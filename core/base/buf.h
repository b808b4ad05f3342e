/* A growing piece of text with a ceiling. All text is built with it.
 *
 * Invariants: `data` is never NULL after buf_init and always NUL-terminated at `len`; `len` <= `max`. A write
 * that would pass `max`, or that finds no memory, changes nothing but sets `failed`, and so do all writes
 * after it: write freely, look once at the end. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "switchboard/error.h"

struct buf {
    char *data; /* owned when cap > 0 */
    size_t len, cap, max;
    bool failed;
    bool ran_out; /* failed for want of memory, and not at the ceiling */
};

void buf_init(struct buf *buf, size_t max);
void buf_done(struct buf *buf);  /* NULL and twice are allowed */
void buf_clear(struct buf *buf); /* len = 0, failed = false; keeps the memory */

void buf_add(struct buf *buf, const char *data, size_t size);
void buf_str(struct buf *buf, const char *text);
void buf_char(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *fmt, ...) SB_PRINTF(2, 3);
void buf_vprintf(struct buf *buf, const char *fmt, va_list args) SB_PRINTF(2, 0);

/* Gives the text (malloc'ed, NUL-terminated) and leaves the buffer empty; NULL when it has failed. */
char *buf_take(struct buf *buf, size_t *ret_len);

static inline void scope_buf_done(struct buf *buf)
{
    buf_done(buf);
}
#define AUTO_BUF __attribute__((cleanup(scope_buf_done))) struct buf

#endif

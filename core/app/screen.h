/* What is written for people: a terminal's width and colours, and texts of strangers made harmless. */
#ifndef APP_SCREEN_H
#define APP_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/buf.h"

enum screen_style {
    SCREEN_PLAIN = 0,
    SCREEN_BOLD,
    SCREEN_DIM,
    SCREEN_GREEN,
    SCREEN_YELLOW,
    SCREEN_RED,
    SCREEN_STYLE_COUNT
};

/* A stream and what it can show. Without a terminal: no limit of width, no colours. */
struct screen {
    FILE *out;    /* borrowed */
    size_t width; /* columns; 0: no limit */
    bool has_colour;
};

/* Looks at the stream; NO_COLOR and TERM=dumb are respected. */
struct screen screen_of(FILE *out);
/* The sequences that begin and end a style; "" without colours. */
const char *screen_begin(const struct screen *screen, enum screen_style style);
const char *screen_end(const struct screen *screen, enum screen_style style);
/* The style in which a record's state is shown. */
enum screen_style screen_style_of_state(const char *word);
/* What stands before the count of the state `word` in a line of counts. `last`: the state before it, NULL at first. Unknown
 * and incomplete records are among those that were counted already. */
const char *screen_before_count(const char *word, const char *last);

/* Columns that `size` bytes of valid UTF-8 take: wide characters two, combining marks none. */
size_t screen_columns(const char *text, size_t size);
/* The longest beginning of `text` (bytes) that fits into `columns`. */
size_t screen_prefix(const char *text, size_t columns);
/* How much of `text` (bytes) stands on a line of `columns`: broken at a blank. A word that is longer than the line, such
 * as an address, stays whole, so that it can be copied. *ret_next is where the next line begins. */
size_t screen_break(const char *text, size_t columns, size_t *ret_next);

/* Appends `text` on one line: invalid bytes and everything that could steer a terminal becomes U+FFFD, line ends and
 * tabs become blanks. NULL is "-". */
void screen_clean(struct buf *out, const char *text);
/* The same, but line ends stay. */
void screen_clean_lines(struct buf *out, const char *text);

#endif

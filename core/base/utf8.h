/* UTF-8: counting, cutting, mending, case folding. Pure; any thread. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

bool utf8_is_valid(const char *text, size_t size);
size_t utf8_characters(const char *text);
/* The byte length of the first `characters` characters of `text`. */
size_t utf8_prefix(const char *text, size_t characters);
/* Appends `text` with invalid bytes, and control characters other than newline and tab, as U+FFFD. */
void utf8_mend(struct buf *out, const char *text, size_t size);
/* Appends `text` with & < > " ' escaped and newlines as <br>. */
void utf8_html(struct buf *out, const char *text);
/* Decodes one character at `text` (size > 0): its code point, or -1 when invalid; *ret_length is 1 then. */
int32_t utf8_decode(const char *text, size_t size, size_t *ret_length);
/* The small letter of a capital one (Latin, Greek, Cyrillic, Armenian), anything else as it is. One to one:
 * sharp s and ligatures stay. */
int32_t utf8_fold(int32_t code);
/* Appends one code point (0 to 0x10FFFF) as UTF-8. */
void utf8_add(struct buf *out, int32_t code);

#endif

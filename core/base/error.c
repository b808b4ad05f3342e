/* The one way to say why something failed. */
#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "switchboard/error.h"

_Static_assert(SB_ERROR_TEXT_MAX >= 128, "an error must have room for a path and a reason");

/* Marks a text that did not fit, without leaving half a UTF-8 character before the dots. */
static void mark_cut(char *text)
{
    size_t at = SB_ERROR_TEXT_MAX - 4;

    while (at > 0 && ((unsigned char)text[at] & 0xC0U) == 0x80U)
        at--;
    memcpy(text + at, "...", 4);
}

int sb_fail(struct sb_error *err, enum sb_status status, const char *fmt, ...)
{
    assert(status < 0);
    if (!err || err->status < 0)
        return (int)status;

    va_list args;
    va_start(args, fmt);
    int size = vsnprintf(err->text, sizeof(err->text), fmt, args);
    va_end(args);
    if (size < 0)
        err->text[0] = '\0';
    else if ((size_t)size >= sizeof(err->text))
        mark_cut(err->text);
    err->status = (int)status;
    return (int)status;
}

/* Whether `text` starts with "name:12: ". A quote before the colon means that the colon belongs to the
 * sentence, and a name of digits alone is a line with a column, which still wants its file. */
static bool has_position(const char *text)
{
    bool is_number = true;

    for (const char *p = text; *p && *p != '\''; p++) {
        if (*p == ':' && p > text && isdigit((unsigned char)p[1])) {
            size_t digits = strspn(p + 1, "0123456789");
            return !is_number && p[1 + digits] == ':';
        }
        if (!isdigit((unsigned char)*p))
            is_number = false;
    }
    return false;
}

void sb_error_at(struct sb_error *err, const char *file, unsigned line)
{
    if (!err || err->status >= 0 || has_position(err->text))
        return;

    struct sb_error placed = SB_ERROR_INIT;
    (void)sb_fail(&placed, (enum sb_status)err->status, "%s:%u: %s", file, line, err->text);
    *err = placed;
}

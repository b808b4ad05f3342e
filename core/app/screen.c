/* Terminals: what they can show, and how wide a text is on them. */
#include "app/screen.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/utf8.h"

enum { WIDTH_MIN = 40 };

static const char *const style_begins[] = {
    [SCREEN_PLAIN] = "",         [SCREEN_BOLD] = "\x1b[1m",    [SCREEN_DIM] = "\x1b[2m",
    [SCREEN_GREEN] = "\x1b[32m", [SCREEN_YELLOW] = "\x1b[33m", [SCREEN_RED] = "\x1b[31m",
};
_Static_assert(sizeof(style_begins) / sizeof(style_begins[0]) == SCREEN_STYLE_COUNT,
               "every style has its sequence");

static bool wants_colour(void)
{
    const char *no = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    return !(no && *no) && term && *term && strcmp(term, "dumb") != 0;
}

struct screen screen_of(FILE *out)
{
    struct screen screen = { .out = out };
    struct winsize size = { .ws_col = 0 };

    if (!isatty(fileno(out)))
        return screen;
    screen.has_colour = wants_colour();
    if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        screen.width = size.ws_col < WIDTH_MIN ? WIDTH_MIN : size.ws_col;
    return screen;
}

const char *screen_begin(const struct screen *screen, enum screen_style style)
{
    return screen->has_colour ? style_begins[style] : "";
}

const char *screen_end(const struct screen *screen, enum screen_style style)
{
    return screen->has_colour && style != SCREEN_PLAIN ? "\x1b[0m" : "";
}

enum screen_style screen_style_of_state(const char *word)
{
    if (strcmp(word, "dead") == 0)
        return SCREEN_RED;
    if (strcmp(word, "unknown") == 0 || strncmp(word, "incomplete", 10) == 0)
        return SCREEN_YELLOW;
    if (strcmp(word, "done") == 0)
        return SCREEN_GREEN;
    return SCREEN_PLAIN;
}

static bool is_part(const char *state)
{
    return strcmp(state, "unknown") == 0 || strcmp(state, "incomplete") == 0;
}

const char *screen_before_count(const char *word, const char *last)
{
    if (!last)
        return "";
    return is_part(word) && !is_part(last) ? "; of them " : ", ";
}

/* ---- widths ---- */

struct range {
    int32_t first, last;
};

static bool is_within(int32_t code, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    return false;
}

/* Not the whole of Unicode: the scripts that callers and agents write. */
static size_t columns_of(int32_t code)
{
    static const struct range none[] = {
        { 0x0300, 0x036f }, { 0x0591, 0x05bd }, { 0x0610, 0x061a }, { 0x064b, 0x065f }, { 0x0900, 0x0902 },
        { 0x093c, 0x093c }, { 0x0941, 0x0948 }, { 0x094d, 0x094d }, { 0x0951, 0x0957 }, { 0x0981, 0x0981 },
        { 0x09c1, 0x09c4 }, { 0x09cd, 0x09cd }, { 0x0a41, 0x0a4d }, { 0x0ac1, 0x0acd }, { 0x0bc0, 0x0bc0 },
        { 0x0bcd, 0x0bcd }, { 0x0c3e, 0x0c40 }, { 0x0c46, 0x0c56 }, { 0x0ccc, 0x0ccd }, { 0x0d41, 0x0d44 },
        { 0x0d4d, 0x0d4d }, { 0x200b, 0x200f }, { 0x2060, 0x2064 }, { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff },
    };
    static const struct range wide[] = {
        { 0x1100, 0x115f },   { 0x2e80, 0x303e },   { 0x3041, 0xa4cf },   { 0xac00, 0xd7a3 },
        { 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },
        { 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff }, { 0x1f900, 0x1faff }, { 0x20000, 0x3fffd },
    };

    if (code < 0x300)
        return 1;
    if (is_within(code, none, COUNT_OF(none)))
        return 0;
    return is_within(code, wide, COUNT_OF(wide)) ? 2 : 1;
}

size_t screen_columns(const char *text, size_t size)
{
    size_t columns = 0, length;

    for (size_t i = 0; i < size; i += length)
        columns += columns_of(utf8_decode(text + i, size - i, &length));
    return columns;
}

size_t screen_prefix(const char *text, size_t columns)
{
    size_t size = strlen(text), used = 0, length;

    for (size_t i = 0; i < size; i += length) {
        used += columns_of(utf8_decode(text + i, size - i, &length));
        if (used > columns)
            return i;
    }
    return size;
}

size_t screen_break(const char *text, size_t columns, size_t *ret_next)
{
    size_t size = strlen(text), end = screen_prefix(text, columns);

    if (end < size) {
        while (end > 0 && text[end] != ' ')
            end--;
        if (end == 0)
            end = strcspn(text, " ");
    }
    *ret_next = end < size ? end + 1 : size;
    return end;
}

/* ---- texts of strangers ---- */

/* What could move the cursor, change a title, hide or turn around what is shown. */
static bool may_steer(int32_t code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || (code >= 0x202a && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0x2028 || code == 0x2029;
}

static void clean(struct buf *out, const char *text, bool keeps_lines)
{
    size_t size = strlen(text), length;

    for (size_t i = 0; i < size; i += length) {
        int32_t code = utf8_decode(text + i, size - i, &length);
        if (code == '\n' && keeps_lines)
            buf_char(out, '\n');
        else if (code == '\n' || code == '\t' || code == '\r')
            buf_char(out, ' ');
        else if (may_steer(code)) /* and what is no character at all */
            buf_str(out, "\xef\xbf\xbd");
        else
            buf_add(out, text + i, length);
    }
}

void screen_clean(struct buf *out, const char *text)
{
    clean(out, text ? text : "-", false);
}

void screen_clean_lines(struct buf *out, const char *text)
{
    clean(out, text ? text : "-", true);
}

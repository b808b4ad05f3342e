/* The matcher of Lua patterns, with a budget: every step is charged, so that a pattern that backtracks for ever ends in
 * an error instead of a hang.
 *
 * It is a recursive walk over pattern items. An item is one character class with an optional repetition, a
 * balanced match, a frontier, a back reference, or the border of a capture. */
#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "script/pattern.h"

enum { NESTING_MAX = 200, BYTES_PER_STEP = 16 };

static const unsigned char *match_here(struct matcher *m, const unsigned char *s, const unsigned char *p);

static void step(struct matcher *m)
{
    script_charge_match(m->L, m->script, 1);
}

/* A comparison or a look through a set of `size` bytes. */
static void step_over(struct matcher *m, ptrdiff_t size)
{
    if (size >= BYTES_PER_STEP)
        script_charge_match(m->L, m->script, (size_t)size / BYTES_PER_STEP);
}

/* ---- single characters --------------------------------------------------------------------------------- */

static bool fits_class(int c, int class_)
{
    bool fits = false;

    switch (tolower(class_)) {
    case 'a':
        fits = isalpha(c);
        break;
    case 'c':
        fits = iscntrl(c);
        break;
    case 'd':
        fits = isdigit(c);
        break;
    case 'g':
        fits = isgraph(c);
        break;
    case 'l':
        fits = islower(c);
        break;
    case 'p':
        fits = ispunct(c);
        break;
    case 's':
        fits = isspace(c);
        break;
    case 'u':
        fits = isupper(c);
        break;
    case 'w':
        fits = isalnum(c);
        break;
    case 'x':
        fits = isxdigit(c);
        break;
    case 'z':
        fits = c == '\0'; /* old, and still understood by Lua */
        break;
    default:
        return class_ == c;
    }
    return isupper(class_) ? !fits : fits;
}

/* The end of the item that begins at `p`: behind one character, an escape, or a set. */
static const unsigned char *item_end(struct matcher *m, const unsigned char *p)
{
    const unsigned char *start = p;

    if (*p == '%') {
        if (p + 1 >= m->pattern_end)
            (void)luaL_error(m->L, "malformed pattern (ends with '%%')");
        return p + 2;
    }
    if (*p != '[')
        return p + 1;
    p++;
    if (p < m->pattern_end && *p == '^')
        p++;
    do { /* the first character is a member, even when it is ']' */
        if (p >= m->pattern_end)
            (void)luaL_error(m->L, "malformed pattern (missing ']')");
        if (*p++ == '%') {
            if (p >= m->pattern_end)
                (void)luaL_error(m->L, "malformed pattern (missing ']')");
            p++;
        }
    } while (p >= m->pattern_end || *p != ']');
    step_over(m, p - start);
    return p + 1;
}

/* Whether `c` is in the set [p, end), where p is at '[' and end behind ']'. */
static bool fits_set(int c, const unsigned char *p, const unsigned char *end)
{
    bool is_negated = p[1] == '^';
    const unsigned char *last = end - 1;

    for (p += is_negated ? 2 : 1; p < last; p++) {
        if (*p == '%') {
            p++;
            if (fits_class(c, *p))
                return !is_negated;
        } else if (p + 2 < last && p[1] == '-') {
            if (p[0] <= c && c <= p[2])
                return !is_negated;
            p += 2;
        } else if (*p == c) {
            return !is_negated;
        }
    }
    return is_negated;
}

static bool fits_item(struct matcher *m, const unsigned char *s, const unsigned char *p,
                      const unsigned char *end)
{
    step(m);
    if (s >= m->subject_end)
        return false;
    switch (*p) {
    case '.':
        return true;
    case '%':
        return fits_class(*s, p[1]);
    case '[':
        step_over(m, end - p);
        return fits_set(*s, p, end);
    default:
        return *p == *s;
    }
}

/* ---- longer items -------------------------------------------------------------------------------------- */

static const unsigned char *match_balanced(struct matcher *m, const unsigned char *s, const unsigned char *p)
{
    if (p + 1 >= m->pattern_end)
        (void)luaL_error(m->L, "malformed pattern (missing arguments to '%%b')");
    if (s >= m->subject_end || *s != p[0])
        return NULL;
    size_t depth = 1;
    for (s++; s < m->subject_end; s++) {
        step(m);
        if (*s == p[1]) {
            if (--depth == 0)
                return s + 1;
        } else if (*s == p[0]) {
            depth++;
        }
    }
    return NULL;
}

static const unsigned char *match_frontier(struct matcher *m, const unsigned char *s, const unsigned char *p)
{
    if (p >= m->pattern_end || *p != '[')
        (void)luaL_error(m->L, "missing '[' after '%%f' in pattern");
    const unsigned char *end = item_end(m, p);
    int before = s == m->subject ? '\0' : s[-1];
    int here = s < m->subject_end ? *s : '\0';
    if (fits_set(before, p, end) || !fits_set(here, p, end))
        return NULL;
    return match_here(m, s, end);
}

static const unsigned char *match_back(struct matcher *m, const unsigned char *s, int digit)
{
    int index = digit - '1';

    if (index < 0 || index >= m->capture_count || m->captures[index].length == CAPTURE_OPEN)
        (void)luaL_error(m->L, "invalid capture index %%%d", index + 1);
    ptrdiff_t length = m->captures[index].length;
    if (length == CAPTURE_POSITION)
        return NULL; /* a position has no text that could come again */
    assert(m->captures[index].start);
    step_over(m, length);
    if (m->subject_end - s < length || memcmp(m->captures[index].start, s, (size_t)length) != 0)
        return NULL;
    return s + length;
}

static const unsigned char *open_capture(struct matcher *m, const unsigned char *s, const unsigned char *p,
                                         ptrdiff_t length)
{
    if (m->capture_count >= CAPTURES_MAX)
        (void)luaL_error(m->L, "too many captures");
    m->captures[m->capture_count].start = s;
    m->captures[m->capture_count].length = length;
    m->capture_count++;
    const unsigned char *end = match_here(m, s, p);
    if (!end)
        m->capture_count--;
    return end;
}

static const unsigned char *close_capture(struct matcher *m, const unsigned char *s, const unsigned char *p)
{
    int open = m->capture_count - 1;

    while (open >= 0 && m->captures[open].length != CAPTURE_OPEN)
        open--;
    if (open < 0)
        (void)luaL_error(m->L, "invalid pattern capture");
    m->captures[open].length = s - m->captures[open].start;
    const unsigned char *end = match_here(m, s, p);
    if (!end)
        m->captures[open].length = CAPTURE_OPEN;
    return end;
}

static const unsigned char *match_many(struct matcher *m, const unsigned char *s, const unsigned char *p,
                                       const unsigned char *end)
{
    ptrdiff_t count = 0;

    while (fits_item(m, s + count, p, end))
        count++;
    for (; count >= 0; count--) {
        const unsigned char *found = match_here(m, s + count, end + 1);
        if (found)
            return found;
    }
    return NULL;
}

static const unsigned char *match_few(struct matcher *m, const unsigned char *s, const unsigned char *p,
                                      const unsigned char *end)
{
    for (;;) {
        const unsigned char *found = match_here(m, s, end + 1);
        if (found)
            return found;
        if (!fits_item(m, s, p, end))
            return NULL;
        s++;
    }
}

/* One class with its repetition. Gives true in *ret_goes_on with the new position when the walk only moves forward. */
static const unsigned char *match_class(struct matcher *m, const unsigned char *s, const unsigned char *p,
                                        const unsigned char **ret_next, bool *ret_goes_on)
{
    const unsigned char *end = item_end(m, p);
    int repetition = end < m->pattern_end ? *end : '\0';

    *ret_goes_on = false;
    switch (repetition) {
    case '?':
        if (fits_item(m, s, p, end)) {
            const unsigned char *found = match_here(m, s + 1, end + 1);
            if (found)
                return found;
        }
        *ret_goes_on = true;
        *ret_next = end + 1;
        return s;
    case '+':
        return fits_item(m, s, p, end) ? match_many(m, s + 1, p, end) : NULL;
    case '*':
        return match_many(m, s, p, end);
    case '-':
        return match_few(m, s, p, end);
    default:
        if (!fits_item(m, s, p, end))
            return NULL;
        *ret_goes_on = true;
        *ret_next = end;
        return s + 1;
    }
}

/* Escapes that are no class. Gives false when `p` is none of them. */
static bool match_special(struct matcher *m, const unsigned char **s, const unsigned char **p,
                          bool *ret_goes_on, const unsigned char **ret_found)
{
    int letter = *p + 1 < m->pattern_end ? (*p)[1] : '\0';

    *ret_goes_on = false;
    if (letter == 'b') {
        *s = match_balanced(m, *s, *p + 2);
        *p += 4;
    } else if (isdigit(letter)) {
        *s = match_back(m, *s, letter);
        *p += 2;
    } else if (letter == 'f') {
        *ret_found = match_frontier(m, *s, *p + 2);
        return true;
    } else {
        return false;
    }
    *ret_found = NULL;
    *ret_goes_on = *s != NULL;
    return true;
}

/* The position behind the match of the pattern from `p` at `s`, or NULL. */
static const unsigned char *walk(struct matcher *m, const unsigned char *s, const unsigned char *p)
{
    while (p < m->pattern_end) {
        bool goes_on = false;
        const unsigned char *found = NULL;
        step(m);
        if (*p == '(')
            return p + 1 < m->pattern_end && p[1] == ')' ? open_capture(m, s, p + 2, CAPTURE_POSITION)
                                                         : open_capture(m, s, p + 1, CAPTURE_OPEN);
        if (*p == ')')
            return close_capture(m, s, p + 1);
        if (*p == '$' && p + 1 == m->pattern_end)
            return s == m->subject_end ? s : NULL;
        if (*p == '%' && match_special(m, &s, &p, &goes_on, &found)) {
            if (!goes_on)
                return found;
            continue;
        }
        const unsigned char *next = p;
        s = match_class(m, s, p, &next, &goes_on);
        if (!goes_on)
            return s;
        p = next;
    }
    return s;
}

static const unsigned char *match_here(struct matcher *m, const unsigned char *s, const unsigned char *p)
{
    if (++m->nesting > NESTING_MAX)
        (void)luaL_error(m->L, "pattern too complex");
    const unsigned char *found = walk(m, s, p);
    m->nesting--;
    return found;
}

/* ---- what the functions call --------------------------------------------------------------------------- */

void matcher_init(struct matcher *m, lua_State *L, const char *subject, size_t size, const char *pattern,
                  size_t pattern_size)
{
    *m = (struct matcher){ .L = L,
                           .script = script_of(L),
                           .subject = (const unsigned char *)subject,
                           .subject_end = (const unsigned char *)subject + size,
                           .pattern_end = (const unsigned char *)pattern + pattern_size };
}

const unsigned char *matcher_try(struct matcher *m, const unsigned char *s, const unsigned char *p)
{
    m->capture_count = 0;
    m->nesting = 0;
    step(m);
    return match_here(m, s, p);
}

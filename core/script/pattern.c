/* Lua patterns with a budget: find, match, gmatch and gsub behave as the manual of Lua 5.4 (6.4.1) says, but every
 * step of the matcher is charged, so that a pattern that backtracks for ever ends in an error instead of a hang.
 *
 * The matcher is a recursive walk over pattern items. An item is one character class with an optional repetition, a
 * balanced match, a frontier, a back reference, or the border of a capture. */
#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "script/inner.h"

enum { CAPTURES_MAX = 32, NESTING_MAX = 200, CHARGE_EVERY = 256 };
enum { CAPTURE_OPEN = -1, CAPTURE_POSITION = -2 };

struct matcher {
    lua_State *L;
    const unsigned char *subject, *subject_end;
    const unsigned char *pattern_end;
    int nesting;
    int steps; /* not charged yet */
    int capture_count;
    struct {
        const unsigned char *start;
        ptrdiff_t length; /* or CAPTURE_OPEN, CAPTURE_POSITION */
    } captures[CAPTURES_MAX];
};

static const unsigned char *match_here(struct matcher *m, const unsigned char *s, const unsigned char *p);

static void step(struct matcher *m)
{
    if (++m->steps >= CHARGE_EVERY) {
        m->steps = 0;
        script_charge(m->L, CHARGE_EVERY);
    }
}

/* ---- single characters ------------------------------------------------------------------------------------------- */

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
    default:
        return class_ == c;
    }
    return isupper(class_) ? !fits : fits;
}

/* The end of the item that begins at `p`: behind one character, an escape, or a set. */
static const unsigned char *item_end(struct matcher *m, const unsigned char *p)
{
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
        return fits_set(*s, p, end);
    default:
        return *p == *s;
    }
}

/* ---- longer items --------------------------------------------------------------------------------------------------- */

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
        (void)luaL_error(m->L, "invalid capture index %%%d in pattern", index + 1);
    ptrdiff_t length = m->captures[index].length;
    if (length < 0)
        length = 0;
    assert(m->captures[index].start);
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

/* ---- captures ------------------------------------------------------------------------------------------------------------ */

static void push_capture(struct matcher *m, int index, const unsigned char *start, const unsigned char *end)
{
    if (index >= m->capture_count) {
        if (index != 0)
            (void)luaL_error(m->L, "invalid capture index %%%d", index + 1);
        lua_pushlstring(m->L, (const char *)start, (size_t)(end - start));
        return;
    }
    ptrdiff_t length = m->captures[index].length;
    if (length == CAPTURE_OPEN)
        (void)luaL_error(m->L, "unfinished capture");
    if (length == CAPTURE_POSITION)
        lua_pushinteger(m->L, m->captures[index].start - m->subject + 1);
    else
        lua_pushlstring(m->L, (const char *)m->captures[index].start, (size_t)length);
}

/* All captures, or the whole match when there are none and `start` is not NULL. */
static int push_captures(struct matcher *m, const unsigned char *start, const unsigned char *end)
{
    int count = m->capture_count == 0 && start ? 1 : m->capture_count;

    luaL_checkstack(m->L, count, "too many captures");
    for (int i = 0; i < count; i++)
        push_capture(m, i, start, end);
    return count;
}

static const unsigned char *try_at(struct matcher *m, const unsigned char *s, const unsigned char *p)
{
    m->capture_count = 0;
    m->nesting = 0;
    return match_here(m, s, p);
}

/* ---- the functions ------------------------------------------------------------------------------------------------------- */

static void prepare(struct matcher *m, lua_State *L, const char *subject, size_t size, const char *pattern,
                    size_t pattern_size)
{
    *m = (struct matcher){ .L = L,
                           .subject = (const unsigned char *)subject,
                           .subject_end = (const unsigned char *)subject + size,
                           .pattern_end = (const unsigned char *)pattern + pattern_size };
}

static size_t start_offset(lua_Integer init, size_t size)
{
    if (init > 0)
        return (size_t)init - 1;
    if (init == 0 || init < -(lua_Integer)size)
        return 0;
    return size - (size_t)(-init);
}

static int find_plain(lua_State *L, const char *subject, size_t size, const char *word, size_t word_size,
                      size_t from)
{
    script_charge(L, (int64_t)(size / 64 + 1));
    const char *at = word_size ? memmem(subject + from, size - from, word, word_size) : subject + from;
    if (!at) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, at - subject + 1);
    lua_pushinteger(L, at - subject + (lua_Integer)word_size);
    return 2;
}

static int find_or_match(lua_State *L, bool is_find)
{
    size_t size = 0, pattern_size = 0;
    const char *subject = luaL_checklstring(L, 1, &size);
    const char *pattern = luaL_checklstring(L, 2, &pattern_size);
    size_t from = start_offset(luaL_optinteger(L, 3, 1), size);
    struct matcher m;

    if (from > size) {
        lua_pushnil(L);
        return 1;
    }
    if (is_find && (lua_toboolean(L, 4) || !strpbrk(pattern, "^$*+?.([%-")) &&
        strlen(pattern) == pattern_size)
        return find_plain(L, subject, size, pattern, pattern_size, from);
    prepare(&m, L, subject, size, pattern, pattern_size);
    const unsigned char *p = (const unsigned char *)pattern;
    bool is_anchored = pattern_size > 0 && *p == '^';
    for (const unsigned char *s = m.subject + from;; s++) {
        const unsigned char *end = try_at(&m, s, p + is_anchored);
        if (end && is_find) {
            lua_pushinteger(L, s - m.subject + 1);
            lua_pushinteger(L, end - m.subject);
            return push_captures(&m, NULL, NULL) + 2;
        }
        if (end)
            return push_captures(&m, s, end);
        if (is_anchored || s >= m.subject_end)
            break;
    }
    lua_pushnil(L);
    return 1;
}

static int string_find(lua_State *L)
{
    return find_or_match(L, true);
}

static int string_match(lua_State *L)
{
    return find_or_match(L, false);
}

/* Upvalues: subject, pattern, next position, end of the last match (0: none). */
static int gmatch_next(lua_State *L)
{
    size_t size = 0, pattern_size = 0;
    const char *subject = lua_tolstring(L, lua_upvalueindex(1), &size);
    const char *pattern = lua_tolstring(L, lua_upvalueindex(2), &pattern_size);
    lua_Integer last_end = lua_tointeger(L, lua_upvalueindex(4));
    struct matcher m;

    prepare(&m, L, subject, size, pattern, pattern_size);
    for (const unsigned char *s = m.subject + lua_tointeger(L, lua_upvalueindex(3)); s <= m.subject_end;
         s++) {
        const unsigned char *end = try_at(&m, s, (const unsigned char *)pattern);
        if (!end || end - m.subject + 1 == last_end)
            continue;
        lua_pushinteger(L, end - m.subject);
        lua_replace(L, lua_upvalueindex(3));
        lua_pushinteger(L, end - m.subject + 1);
        lua_replace(L, lua_upvalueindex(4));
        return push_captures(&m, s, end);
    }
    return 0;
}

static int string_gmatch(lua_State *L)
{
    size_t size = 0;

    (void)luaL_checklstring(L, 1, &size);
    (void)luaL_checkstring(L, 2);
    size_t from = start_offset(luaL_optinteger(L, 3, 1), size);
    lua_settop(L, 2);
    lua_pushinteger(L, (lua_Integer)(from > size ? size + 1 : from));
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, gmatch_next, 4);
    return 1;
}

static void add_template(struct matcher *m, luaL_Buffer *out, const char *text, size_t size,
                         const unsigned char *s, const unsigned char *end)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] != '%') {
            luaL_addchar(out, text[i]);
            continue;
        }
        i++;
        if (i < size && text[i] == '%') {
            luaL_addchar(out, '%');
        } else if (i < size && isdigit((unsigned char)text[i])) {
            if (text[i] == '0')
                lua_pushlstring(m->L, (const char *)s, (size_t)(end - s));
            else
                push_capture(m, text[i] - '1', s, end);
            (void)luaL_tolstring(m->L, -1, NULL);
            lua_remove(m->L, -2);
            luaL_addvalue(out);
        } else {
            (void)luaL_error(m->L, "invalid use of '%%' in replacement string");
        }
    }
}

static void add_replacement(struct matcher *m, luaL_Buffer *out, const unsigned char *s,
                            const unsigned char *end)
{
    lua_State *L = m->L;
    size_t size = 0;

    if (lua_type(L, 3) == LUA_TFUNCTION) {
        lua_pushvalue(L, 3);
        lua_call(L, push_captures(m, s, end), 1);
    } else if (lua_type(L, 3) == LUA_TTABLE) {
        push_capture(m, 0, s, end);
        (void)lua_gettable(L, 3);
    } else {
        const char *text = lua_tolstring(L, 3, &size);
        add_template(m, out, text, size, s, end);
        return;
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        luaL_addlstring(out, (const char *)s, (size_t)(end - s)); /* it stays as it was */
    } else if (lua_isstring(L, -1)) {
        luaL_addvalue(out);
    } else {
        (void)luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    }
}

static int string_gsub(lua_State *L)
{
    size_t size = 0, pattern_size = 0;
    const char *subject = luaL_checklstring(L, 1, &size);
    const char *pattern = luaL_checklstring(L, 2, &pattern_size);
    int type = lua_type(L, 3);
    luaL_argexpected(
        L, type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION || type == LUA_TTABLE, 3,
        "string/function/table");
    lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)size + 1), count = 0;
    const unsigned char *p = (const unsigned char *)pattern, *last_end = NULL;
    bool is_anchored = pattern_size > 0 && *p == '^';
    struct matcher m;
    luaL_Buffer out;

    prepare(&m, L, subject, size, pattern, pattern_size);
    luaL_buffinit(L, &out);
    const unsigned char *s = m.subject;
    assert(s);
    while (count < most) {
        const unsigned char *end = try_at(&m, s, p + is_anchored);
        if (end && end != last_end) {
            count++;
            add_replacement(&m, &out, s, end);
            s = last_end = end;
        } else if (s < m.subject_end) {
            luaL_addchar(&out, (char)*s++);
        } else {
            break;
        }
        if (is_anchored)
            break;
    }
    luaL_addlstring(&out, (const char *)s, (size_t)(m.subject_end - s));
    luaL_pushresult(&out);
    lua_pushinteger(L, count);
    return 2;
}

void pattern_open(lua_State *L)
{
    static const luaL_Reg functions[] = { { "find", string_find },
                                          { "match", string_match },
                                          { "gmatch", string_gmatch },
                                          { "gsub", string_gsub },
                                          { NULL, NULL } };

    (void)lua_getglobal(L, "string");
    luaL_setfuncs(L, functions, 0);
    lua_pop(L, 1);
}

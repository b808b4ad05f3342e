/* string.find, match, gmatch and gsub as the manual of Lua 5.4 (6.4.1) describes them, over a matcher with a budget. */
#include "script/pattern.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

/* ---- captures ------------------------------------------------------------------------------------------ */

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

/* ---- the functions ------------------------------------------------------------------------------------- */

static size_t start_offset(lua_Integer init, size_t size)
{
    if (init > 0)
        return (size_t)init - 1;
    if (init == 0 || init < -(lua_Integer)size)
        return 0;
    return size - (size_t)(-init);
}

static bool has_no_specials(const char *pattern, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (pattern[i] && strchr("^$*+?.([%-", pattern[i]))
            return false;
    return true;
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
    if (is_find && (lua_toboolean(L, 4) || has_no_specials(pattern, pattern_size)))
        return find_plain(L, subject, size, pattern, pattern_size, from);
    matcher_init(&m, L, subject, size, pattern, pattern_size);
    const unsigned char *p = (const unsigned char *)pattern;
    bool is_anchored = pattern_size > 0 && *p == '^';
    for (const unsigned char *s = m.subject + from;; s++) {
        const unsigned char *end = matcher_try(&m, s, p + is_anchored);
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

    matcher_init(&m, L, subject, size, pattern, pattern_size);
    for (const unsigned char *s = m.subject + lua_tointeger(L, lua_upvalueindex(3)); s <= m.subject_end;
         s++) {
        const unsigned char *end = matcher_try(&m, s, (const unsigned char *)pattern);
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

    matcher_init(&m, L, subject, size, pattern, pattern_size);
    luaL_buffinit(L, &out);
    const unsigned char *s = m.subject;
    assert(s);
    while (count < most) {
        const unsigned char *end = matcher_try(&m, s, p + is_anchored);
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

/* Order that does not depend on Lua's hash seed: pairs and next by sorted keys, a stable table.sort. */
#include <stdlib.h>
#include <string.h>

#include "script/inner.h"

/* Numbers before strings before booleans; everything else has no order that would be the same tomorrow. */
static int rank(lua_State *L, int index)
{
    switch (lua_type(L, index)) {
    case LUA_TNUMBER:
        return 0;
    case LUA_TSTRING:
        return 1;
    case LUA_TBOOLEAN:
        return 2;
    default:
        return luaL_error(L, "a table whose keys are %ss cannot be walked in a fixed order",
                          luaL_typename(L, index));
    }
}

static bool is_before(lua_State *L, int a, int b)
{
    int rank_a = rank(L, a), rank_b = rank(L, b);

    if (rank_a != rank_b)
        return rank_a < rank_b;
    if (rank_a == 2)
        return lua_toboolean(L, a) < lua_toboolean(L, b);
    return lua_compare(L, a, b, LUA_OPLT);
}

/* Merges list[low, mid) and list[mid, high) of the array at `list` through the array at `spare`. `less` 0: natural
 * order of keys; else the index of a function, or of nil for `<`. */
static bool comes_first(lua_State *L, int less)
{
    bool is_first = false;

    if (less == 0)
        return is_before(L, -2, -1);
    if (lua_isnil(L, less))
        return lua_compare(L, -2, -1, LUA_OPLT);
    lua_pushvalue(L, less);
    lua_pushvalue(L, -3);
    lua_pushvalue(L, -3);
    lua_call(L, 2, 1);
    is_first = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return is_first;
}

static void merge(lua_State *L, int list, int spare, lua_Integer low, lua_Integer mid, lua_Integer high,
                  int less)
{
    lua_Integer left = low, right = mid;

    script_charge(L, high - low);
    for (lua_Integer at = low; at < high; at++) {
        bool takes_right = left >= mid;
        if (!takes_right && right < high) {
            (void)lua_geti(L, list, right);
            (void)lua_geti(L, list, left);
            takes_right = comes_first(L, less); /* only when it must: equal ones keep their order */
            lua_pop(L, 2);
        }
        (void)lua_geti(L, list, takes_right ? right++ : left++);
        lua_rawseti(L, spare, at);
    }
    for (lua_Integer at = low; at < high; at++) {
        (void)lua_rawgeti(L, spare, at);
        lua_seti(L, list, at);
    }
}

static void merge_sort(lua_State *L, int list, lua_Integer count, int less)
{
    lua_createtable(L, count < 1000 ? (int)count : 1000, 0);
    int spare = lua_gettop(L);

    for (lua_Integer width = 1; width < count; width *= 2)
        for (lua_Integer low = 1; low + width <= count; low += 2 * width) {
            lua_Integer high = low + 2 * width;
            merge(L, list, spare, low, low + width, high > count + 1 ? count + 1 : high, less);
        }
    lua_pop(L, 1);
}

void ordered_push_keys(lua_State *L, int index)
{
    lua_Integer count = 0;

    luaL_checkstack(L, 10, "too deep");
    lua_newtable(L);
    int keys = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pop(L, 1);
        (void)rank(L, -1); /* one key of a table is refused like two */
        lua_pushvalue(L, -1);
        lua_rawseti(L, keys, ++count);
    }
    script_charge(L, count);
    merge_sort(L, keys, count, 0);
}

static int pairs_next(lua_State *L)
{
    lua_Integer at = lua_tointeger(L, lua_upvalueindex(2));

    luaL_checktype(L, 1, LUA_TTABLE); /* a script may call the iterator with anything */
    for (;;) {
        script_charge(L, 1);
        if (lua_rawgeti(L, lua_upvalueindex(1), ++at) == LUA_TNIL)
            return 0;
        lua_pushvalue(L, -1);
        /* A field that the loop has removed is not visited. */
        if (lua_rawget(L, 1) != LUA_TNIL)
            break;
        lua_pop(L, 2);
    }
    lua_pushinteger(L, at);
    lua_replace(L, lua_upvalueindex(2));
    return 2;
}

static int ordered_pairs(lua_State *L)
{
    luaL_checkany(L, 1);
    if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
        lua_pushvalue(L, 1);
        lua_call(L, 1, 3);
        return 3;
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    ordered_push_keys(L, 1);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, pairs_next, 2);
    lua_pushvalue(L, 1);
    return 2;
}

static int ordered_next(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    ordered_push_keys(L, 1);
    lua_Integer at = 1;
    if (!lua_isnil(L, 2)) {
        for (;; at++) {
            if (lua_rawgeti(L, 3, at) == LUA_TNIL)
                return luaL_error(L, "invalid key to 'next'");
            bool is_same = lua_rawequal(L, -1, 2);
            lua_pop(L, 1);
            if (is_same)
                break;
        }
        at++;
    }
    if (lua_rawgeti(L, 3, at) == LUA_TNIL)
        return 1;
    lua_pushvalue(L, -1);
    (void)lua_rawget(L, 1);
    return 2;
}

static int stable_sort(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    if (!lua_isnil(L, 2))
        luaL_checktype(L, 2, LUA_TFUNCTION);
    merge_sort(L, 1, luaL_len(L, 1), 2);
    return 0;
}

void ordered_open(lua_State *L)
{
    lua_pushcfunction(L, ordered_pairs);
    lua_setglobal(L, "pairs");
    lua_pushcfunction(L, ordered_next);
    lua_setglobal(L, "next");
    (void)lua_getglobal(L, "table");
    lua_pushcfunction(L, stable_sort);
    lua_setfield(L, -2, "sort");
    lua_pop(L, 1);
}

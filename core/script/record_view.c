/* A read-only view of the record: a userdata for each object or array that a script looks at, scalars as they are.
 * Cheaper than a copy: a rule that reads three fields pays for three. */
#include <string.h>

#include "script/inner.h"

#define RECORD_VIEW "switchboard.record"

struct record_view {
    const json_t *value; /* borrowed while `call` is the call under way */
    uint64_t call;
};

static void push_member(lua_State *L, const json_t *value)
{
    if (json_is_object(value) || json_is_array(value))
        record_view_push(L, value);
    else
        value_push(L, value);
}

void record_view_push(lua_State *L, const json_t *value)
{
    struct record_view *view = lua_newuserdatauv(L, sizeof(*view), 0);

    *view = (struct record_view){ .value = value, .call = script_of(L)->call };
    luaL_setmetatable(L, RECORD_VIEW);
}

static const json_t *value_of(lua_State *L, const struct record_view *view)
{
    if (view->call != script_of(L)->call)
        (void)luaL_error(L, "a part of an earlier record was kept: copy what you need");
    return view->value;
}

const json_t *record_view_to(lua_State *L, int index)
{
    const struct record_view *view = luaL_testudata(L, index, RECORD_VIEW);
    return view ? value_of(L, view) : NULL;
}

static const json_t *check_view(lua_State *L)
{
    return value_of(L, luaL_checkudata(L, 1, RECORD_VIEW));
}

static int view_index(lua_State *L)
{
    const json_t *value = check_view(L);

    if (json_is_array(value) && lua_isinteger(L, 2)) {
        lua_Integer at = lua_tointeger(L, 2);
        push_member(L, at >= 1 ? json_array_get(value, (size_t)at - 1) : NULL);
    } else if (json_is_object(value) && lua_type(L, 2) == LUA_TSTRING) {
        push_member(L, json_object_get(value, lua_tostring(L, 2)));
    } else {
        lua_pushnil(L);
    }
    return 1;
}

static int view_newindex(lua_State *L)
{
    return luaL_error(L, "the record is read only: return what you found instead");
}

static int view_len(lua_State *L)
{
    const json_t *value = check_view(L);

    lua_pushinteger(L,
                    (lua_Integer)(json_is_array(value) ? json_array_size(value) : json_object_size(value)));
    return 1;
}

/* pairs over a view walks a sorted list of its keys. */
static int view_next(lua_State *L)
{
    const json_t *value = check_view(L);
    lua_Integer at = lua_tointeger(L, lua_upvalueindex(2)) + 1;

    script_charge(L, 1);
    lua_pushinteger(L, at);
    lua_replace(L, lua_upvalueindex(2));
    if (json_is_array(value)) {
        if (at > (lua_Integer)json_array_size(value))
            return 0;
        lua_pushinteger(L, at);
        push_member(L, json_array_get(value, (size_t)at - 1));
        return 2;
    }
    if (lua_rawgeti(L, lua_upvalueindex(1), at) == LUA_TNIL)
        return 0;
    push_member(L, json_object_get(value, lua_tostring(L, -1)));
    return 2;
}

static int view_pairs(lua_State *L)
{
    const json_t *value = check_view(L);
    const char *key;
    json_t *member;
    lua_Integer count = 0;

    lua_newtable(L);
    if (json_is_object(value)) {
        json_object_foreach ((json_t *)(uintptr_t)value, key, member) {
            lua_pushboolean(L, 1);
            lua_setfield(L, -2, key);
            count++;
        }
        ordered_push_keys(L, lua_gettop(L));
        lua_remove(L, -2);
    }
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, view_next, 2);
    lua_pushvalue(L, 1);
    return 2;
}

/* Two looks at one part are equal. */
static int view_eq(lua_State *L)
{
    const json_t *a = record_view_to(L, 1), *b = record_view_to(L, 2);

    lua_pushboolean(L, a && a == b);
    return 1;
}

static int view_tostring(lua_State *L)
{
    const json_t *value = check_view(L);

    lua_pushstring(L, json_is_array(value) ? "list of the record" : "part of the record");
    return 1;
}

void record_view_open(lua_State *L)
{
    static const luaL_Reg functions[] = { { "__index", view_index },
                                          { "__newindex", view_newindex },
                                          { "__len", view_len },
                                          { "__pairs", view_pairs },
                                          { "__tostring", view_tostring },
                                          { "__eq", view_eq },
                                          { NULL, NULL } };

    (void)luaL_newmetatable(L, RECORD_VIEW);
    luaL_setfuncs(L, functions, 0);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}

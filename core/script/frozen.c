/* Globals and library tables that only the main chunk may write to: a call must not leave anything behind for the next
 * one. The real table stays hidden behind an empty one that reads through to it and refuses every write. */
#include "script/inner.h"

static const char mark = 0; /* its address marks the metatable of a frozen table */

static int refuse_write(lua_State *L)
{
    sandbox_push_text(L, 2);
    return luaL_error(L, "'%s' belongs to a library and cannot be changed", lua_tostring(L, -1));
}

/* Upvalue: the real globals. */
static int write_global(lua_State *L)
{
    if (script_of(L)->is_loading) {
        lua_settop(L, 3);
        lua_rawset(L, lua_upvalueindex(1));
        return 0;
    }
    sandbox_push_text(L, 2);
    return luaL_error(L, "assignment to global '%s' inside a call: write 'local %s'", lua_tostring(L, -1),
                      lua_tostring(L, -1));
}

/* Upvalue: the real table. */
static int walk(lua_State *L)
{
    (void)lua_getglobal(L, "pairs");
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_call(L, 1, 3);
    return 3;
}

/* Replaces the table on the top of the stack by an empty one before it. `write` has the table as its upvalue. */
static void freeze(lua_State *L, lua_CFunction write)
{
    int real = lua_gettop(L);

    lua_newtable(L);
    lua_createtable(L, 0, 5);
    lua_pushvalue(L, real);
    lua_setfield(L, -2, "__index");
    lua_pushvalue(L, real);
    lua_pushcclosure(L, write, 1);
    lua_setfield(L, -2, "__newindex");
    lua_pushvalue(L, real);
    lua_pushcclosure(L, walk, 1);
    lua_setfield(L, -2, "__pairs");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pushboolean(L, 1);
    lua_rawsetp(L, -2, &mark);
    lua_setmetatable(L, -2);
    lua_remove(L, real);
}

static int guarded_rawset(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checkany(L, 2);
    luaL_checkany(L, 3);
    if (lua_getmetatable(L, 1)) {
        if (lua_rawgetp(L, -1, &mark) != LUA_TNIL)
            return luaL_error(L, "a library, or the table of the globals, cannot be changed by rawset");
    }
    lua_settop(L, 3);
    lua_rawset(L, 1);
    return 1;
}

/* What "text":upper() looks up is out of reach, too. */
static void protect_strings(lua_State *L)
{
    lua_pushliteral(L, "");
    if (lua_getmetatable(L, -1)) {
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

void frozen_open(lua_State *L)
{
    static const char *const libraries[] = { "string", "table", "math", "utf8", "sb", NULL };

    protect_strings(L);
    lua_pushcfunction(L, guarded_rawset);
    lua_setglobal(L, "rawset");
    for (const char *const *name = libraries; *name; name++) {
        (void)lua_getglobal(L, *name);
        freeze(L, refuse_write);
        lua_setglobal(L, *name);
    }
    lua_pushglobaltable(L);
    lua_pushvalue(L, -1);
    freeze(L, write_global);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "_G");
    lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    lua_pop(L, 1);
}

/* Library functions that can loop for ever inside C, where no instruction is counted: string.rep of nothing,
 * table.move, insert and remove over made-up lengths, table.concat over made-up items. Their loops are charged. */
#include "script/inner.h"

/* Calls the library's own function, upvalue 1, with all arguments. */
static int call_library(lua_State *L)
{
    int top = lua_gettop(L);

    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, top, LUA_MULTRET);
    return lua_gettop(L);
}

static void charge_span(lua_State *L, lua_Integer first, lua_Integer last)
{
    if (last < first)
        return;
    uint64_t count = (uint64_t)last - (uint64_t)first;
    script_charge(L, count < INT64_MAX ? (int64_t)count + 1 : INT64_MAX);
}

static int counted_rep(lua_State *L)
{
    size_t size = 0, between = 0;

    (void)luaL_checklstring(L, 1, &size);
    lua_Integer count = luaL_checkinteger(L, 2);
    (void)luaL_optlstring(L, 3, "", &between);
    if (size + between == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    script_charge(L, 1);
    /* Every other text costs memory for each turn, which is charged where it is allocated. */
    return count > 0 ? call_library(L) : (lua_pushliteral(L, ""), 1);
}

static int counted_move(lua_State *L)
{
    charge_span(L, luaL_checkinteger(L, 2), luaL_checkinteger(L, 3));
    return call_library(L);
}

static int counted_insert(lua_State *L)
{
    if (lua_gettop(L) == 3 && lua_istable(L, 1))
        charge_span(L, luaL_checkinteger(L, 2), luaL_len(L, 1));
    return call_library(L);
}

static int counted_remove(lua_State *L)
{
    if (lua_gettop(L) >= 2 && lua_istable(L, 1))
        charge_span(L, luaL_checkinteger(L, 2), luaL_len(L, 1));
    return call_library(L);
}

static int counted_concat(lua_State *L)
{
    size_t between_size = 0;
    luaL_Buffer out;

    luaL_checkany(L, 1);
    const char *between = luaL_optlstring(L, 2, "", &between_size);
    lua_Integer at = luaL_optinteger(L, 3, 1);
    lua_Integer last = luaL_opt(L, luaL_checkinteger, 4, luaL_len(L, 1));
    luaL_buffinit(L, &out);
    for (; at <= last; at++) {
        script_charge(L, 1);
        (void)lua_geti(L, 1, at);
        if (!lua_isstring(L, -1))
            return luaL_error(L, "invalid value (at index %I) in table for 'concat'", (LUAI_UACINT)at);
        luaL_addvalue(&out);
        if (at == last)
            break; /* before `at` passes the largest integer */
        luaL_addlstring(&out, between, between_size);
    }
    luaL_pushresult(&out);
    return 1;
}

static void replace(lua_State *L, const char *table, const char *name, lua_CFunction function)
{
    (void)lua_getglobal(L, table);
    (void)lua_getfield(L, -1, name);
    lua_pushcclosure(L, function, 1);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
}

void counted_open(lua_State *L)
{
    replace(L, "string", "rep", counted_rep);
    replace(L, "table", "move", counted_move);
    replace(L, "table", "insert", counted_insert);
    replace(L, "table", "remove", counted_remove);
    replace(L, "table", "concat", counted_concat);
}

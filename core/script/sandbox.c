/* What a script finds: plain Lua without doors, and without anything that differs from one run to the next. */
#include <string.h>

#include "script/inner.h"

enum { TOSTRING_MAX = 64 };

static void remove_globals(lua_State *L)
{
    static const char *const globals[] = { "collectgarbage", "dofile",  "load", "loadfile",
                                           "loadstring",     "require", "warn", "_VERSION" };

    for (size_t i = 0; i < sizeof(globals) / sizeof(globals[0]); i++) {
        lua_pushnil(L);
        lua_setglobal(L, globals[i]);
    }
}

static void remove_field(lua_State *L, const char *table, const char *field)
{
    (void)lua_getglobal(L, table);
    lua_pushnil(L);
    lua_setfield(L, -2, field);
    lua_pop(L, 1);
}

/* ---- limits stick -------------------------------------------------------------------------------------- */

static int sticky_pcall(lua_State *L)
{
    luaL_checkany(L, 1);
    int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
    if (status != LUA_OK)
        script_note_refusal(script_of(L));
    script_check_abort(L);
    lua_pushboolean(L, status == LUA_OK);
    lua_insert(L, 1);
    return lua_gettop(L);
}

/* Upvalue: the script's handler. An abort is raised inside the hook, where no hook fires: a handler that loops would
 * never end there, so it does not run at all. */
static int guarded_handler(lua_State *L)
{
    script_note_refusal(script_of(L));
    if (script_of(L)->abort_text)
        return 1;
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 1);
    return 1;
}

static int sticky_xpcall(lua_State *L)
{
    int top = lua_gettop(L);

    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, guarded_handler, 1);
    lua_insert(L, 1); /* handler, function, the script's handler, arguments */
    lua_remove(L, 3);
    int status = lua_pcall(L, top - 2, LUA_MULTRET, 1);
    if (status != LUA_OK)
        script_note_refusal(script_of(L));
    script_check_abort(L);
    lua_pushboolean(L, status == LUA_OK);
    lua_replace(L, 1);
    return lua_gettop(L);
}

static void refuse_field(lua_State *L, const char *name)
{
    lua_pushstring(L, name);
    if (lua_rawget(L, 2) != LUA_TNIL)
        (void)luaL_error(L, "%s is not available to scripts", name);
    lua_pop(L, 1);
}

/* A finalizer runs with hooks off, so nothing would stop it; a weak table shows when garbage was collected. */
static int safe_setmetatable(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argexpected(L, lua_isnil(L, 2) || lua_istable(L, 2), 2, "nil or table");
    if (lua_istable(L, 2)) {
        refuse_field(L, "__gc");
        refuse_field(L, "__mode");
    }
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
        return luaL_error(L, "cannot change a protected metatable");
    lua_settop(L, 2);
    lua_setmetatable(L, 1);
    return 1;
}

/* ---- no addresses, no chance --------------------------------------------------------------------------- */

void sandbox_push_text(lua_State *L, int index)
{
    int type = lua_type(L, index);

    if (luaL_getmetafield(L, index, "__tostring") != LUA_TNIL) {
        lua_pop(L, 1);
        (void)luaL_tolstring(L, index, NULL);
    } else if (type == LUA_TTABLE || type == LUA_TFUNCTION || type == LUA_TUSERDATA ||
               type == LUA_TLIGHTUSERDATA) {
        lua_pushstring(L, lua_typename(L, type));
    } else {
        (void)luaL_tolstring(L, index, NULL);
    }
}

static int plain_tostring(lua_State *L)
{
    luaL_checkany(L, 1);
    sandbox_push_text(L, 1);
    return 1;
}

/* Upvalue: the library's string.format. Every argument that is no number or text becomes text first. */
static int plain_format(lua_State *L)
{
    size_t size = 0;
    const char *format = luaL_checklstring(L, 1, &size);
    int top = lua_gettop(L);

    for (const char *p = format; (p = memchr(p, '%', size - (size_t)(p - format))) != NULL; p++) {
        p++;
        p += strspn(p, "-+ #0123456789.");
        if (*p == 'p')
            return luaL_error(L, "'%%p' is not available to scripts");
        if (p >= format + size)
            break;
    }
    for (int i = 2; i <= top; i++) {
        int type = lua_type(L, i);
        if (type != LUA_TNUMBER && type != LUA_TSTRING && type != LUA_TNIL && type != LUA_TBOOLEAN) {
            sandbox_push_text(L, i);
            lua_replace(L, i);
        }
    }
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, top, 1);
    return 1;
}

/* SplitMix64: 64 good bits from any seed. */
static uint64_t next_chance(struct script *script)
{
    uint64_t z = script->chance += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static int seeded_random(lua_State *L)
{
    struct script *script = script_of(L);
    lua_Integer low = 1, high = 0;

    switch (lua_gettop(L)) {
    case 0:
        lua_pushnumber(L, (lua_Number)(next_chance(script) >> 11) * 0x1.0p-53);
        return 1;
    case 1:
        high = luaL_checkinteger(L, 1);
        if (high == 0) { /* all 64 bits, as Lua does */
            lua_pushinteger(L, (lua_Integer)next_chance(script));
            return 1;
        }
        break;
    case 2:
        low = luaL_checkinteger(L, 1);
        high = luaL_checkinteger(L, 2);
        break;
    default:
        return luaL_error(L, "wrong number of arguments");
    }
    luaL_argcheck(L, low <= high, lua_gettop(L), "interval is empty");
    uint64_t span = (uint64_t)high - (uint64_t)low + 1;
    uint64_t number = next_chance(script);
    number = (uint64_t)low + (span ? number % span : number); /* wraps as Lua's integers do */
    lua_pushinteger(L, (lua_Integer)number);
    return 1;
}

static int seeded_randomseed(lua_State *L)
{
    script_of(L)->chance = (uint64_t)luaL_optinteger(L, 1, 0);
    return 0;
}

static int log_print(lua_State *L)
{
    luaL_Buffer out;
    int top = lua_gettop(L);

    luaL_buffinit(L, &out);
    for (int i = 1; i <= top; i++) {
        if (i > 1)
            luaL_addchar(&out, ' ');
        sandbox_push_text(L, i);
        luaL_addvalue(&out);
    }
    luaL_pushresult(&out);
    LOG_DEBUG(script_of(L)->log, "script says", LOG_STR("script", script_of(L)->path),
              LOG_STR("text", lua_tostring(L, -1)));
    return 0;
}

/* ---- opening ------------------------------------------------------------------------------------------- */

static void replace_functions(lua_State *L)
{
    static const luaL_Reg globals[] = {
        { "pcall", sticky_pcall },      { "xpcall", sticky_xpcall }, { "setmetatable", safe_setmetatable },
        { "tostring", plain_tostring }, { "print", log_print },      { NULL, NULL }
    };
    static const luaL_Reg chance[] = { { "random", seeded_random },
                                       { "randomseed", seeded_randomseed },
                                       { NULL, NULL } };

    lua_pushglobaltable(L);
    luaL_setfuncs(L, globals, 0);
    lua_pop(L, 1);
    (void)lua_getglobal(L, "math");
    luaL_setfuncs(L, chance, 0);
    lua_pop(L, 1);
    (void)lua_getglobal(L, "string");
    (void)lua_getfield(L, -1, "format");
    lua_pushcclosure(L, plain_format, 1);
    lua_setfield(L, -2, "format");
    lua_pop(L, 1);
}

void sandbox_open(lua_State *L)
{
    static const luaL_Reg libraries[] = {
        { LUA_GNAME, luaopen_base },        { LUA_TABLIBNAME, luaopen_table },
        { LUA_STRLIBNAME, luaopen_string }, { LUA_MATHLIBNAME, luaopen_math },
        { LUA_UTF8LIBNAME, luaopen_utf8 },  { NULL, NULL }
    };

    for (const luaL_Reg *library = libraries; library->func; library++) {
        luaL_requiref(L, library->name, library->func, 1);
        lua_pop(L, 1);
    }
    remove_globals(L);
    remove_field(L, "string", "dump");
    replace_functions(L);
    counted_open(L);
    ordered_open(L);
    pattern_open(L);
    record_view_open(L);
    sb_lib_open(L);
    frozen_open(L);
}

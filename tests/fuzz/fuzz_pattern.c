/* Lua patterns: our matcher and the library's give the same answers. Input: pattern, a line end, subject. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "fuzz/fuzz.h"
#include "script/script.h"

enum { PATTERN_MAX = 12, SUBJECT_MAX = 40 };

static const char rules[] = "local function hex(v)\n"
                            "  if type(v) ~= 'string' then return tostring(v) end\n"
                            "  local out = {} for i = 1, #v do out[i] = ('%02x'):format(v:byte(i)) end "
                            "return 's' .. table.concat(out)\n"
                            "end\n"
                            "local function all(ok, ...)\n"
                            "  if not ok then return (select(1, ...)):gsub('^[^:]*:%d+: ', '') end\n"
                            "  local out = {} for i = 1, select('#', ...) do out[i] = hex((select(i, ...))) "
                            "end return table.concat(out, ' ')\n"
                            "end\n"
                            "local function unhex(s) local out = {} for i = 1, #s, 2 do out[#out + 1] = "
                            "string.char(tonumber(s:sub(i, i + 1), 16)) "
                            "end return table.concat(out) end\n"
                            "local function each(s, p) local out, n = {}, 0 for a, b in s:gmatch(p) do n = n "
                            "+ 1 out[n] = hex(a) .. hex(b) end "
                            "return table.concat(out, ',') end\n"
                            "function f(_, argument)\n"
                            "  local s, p = unhex(argument.s), unhex(argument.p)\n"
                            "  return table.concat({ all(pcall(string.find, s, p)), all(pcall(string.match, "
                            "s, p, 2)), all(pcall(string.gsub, s, p, "
                            "'<%0%1>')), all(pcall(each, s, p)) }, '|')\n"
                            "end\n";

static void write_hex(char *out, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", data[i]);
    out[2 * size] = '\0';
}

/* What the library answers. */
static const char *ask_library(lua_State *L, const char *subject, const char *pattern)
{
    lua_settop(L, 0);
    (void)lua_getglobal(L, "f");
    lua_pushnil(L);
    lua_createtable(L, 0, 2);
    lua_pushstring(L, subject);
    lua_setfield(L, -2, "s");
    lua_pushstring(L, pattern);
    lua_setfield(L, -2, "p");
    FUZZ_CHECK(lua_pcall(L, 2, 1, 0) == LUA_OK);
    return lua_tostring(L, -1);
}

static void compare(struct script *script, lua_State *L, const char *subject, const char *pattern)
{
    struct sb_error err = SB_ERROR_INIT;
    json_t *argument = json_pack("{s:s, s:s}", "s", subject, "p", pattern), *result = NULL;

    if (script_call(script, "f", NULL, argument, 0, 0, &result, &err) == 0) {
        const char *got = json_string_value(result), *want = ask_library(L, subject, pattern);
        if (strcmp(got, want) != 0)
            (void)fprintf(stderr, "want %s\n got %s\n", want, got);
        FUZZ_CHECK(strcmp(got, want) == 0);
    } else {
        FUZZ_CHECK(strstr(err.text, "took longer") || strstr(err.text, "not UTF-8"));
    }
    json_decref(result);
    json_decref(argument);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct script *script;
    static lua_State *L;
    const struct script_limits limits = { .instructions_max = 400000 };
    struct sb_error err = SB_ERROR_INIT;
    char subject[2 * SUBJECT_MAX + 1], pattern[2 * PATTERN_MAX + 1];

    if (!script) {
        FUZZ_CHECK(script_load(fuzz_file(".lua", (const uint8_t *)rules, sizeof(rules) - 1), NULL, &limits,
                               NULL, &script, &err) == 0);
        L = luaL_newstate();
        FUZZ_CHECK(L);
        luaL_openlibs(L);
        FUZZ_CHECK(luaL_dostring(L, rules) == LUA_OK);
    }
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    if (!end)
        return 0;
    size_t pattern_size = (size_t)(end - data), subject_size = size - pattern_size - 1;
    if (pattern_size > PATTERN_MAX || subject_size > SUBJECT_MAX)
        return 0;
    write_hex(pattern, data, pattern_size);
    write_hex(subject, end + 1, subject_size);
    compare(script, L, subject, pattern);
    return 0;
}

/* Life of a script: loading, calling, and limits that stick. */
#include "script/inner.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/scope.h"

enum {
    MEMORY_MAX_DEFAULT = 32 * 1024 * 1024,
    INSTRUCTIONS_MAX_DEFAULT = 50 * 1000 * 1000,
    HOOK_EVERY = 1000,
    FILE_SIZE_MAX = 1024 * 1024
};

static const char memory_text[] = "the script used more memory than it may";
static const char budget_text[] =
    "the script took longer than it may: an endless loop, or a pattern that matches slowly";

/* ---- limits ---------------------------------------------------------------------------------------------------- */

static void *allocate(void *ctx, void *block, size_t old_size, size_t new_size)
{
    struct script *script = ctx;
    size_t freed = block ? old_size : 0;

    if (new_size == 0) {
        script->memory_used -= freed;
        free(block);
        return NULL;
    }
    if (new_size > freed && script->memory_used - freed + new_size > script->limits.memory_max) {
        if (!script->abort_text)
            script->abort_text = memory_text;
        return NULL;
    }
    void *grown = realloc(block, new_size);
    if (grown)
        script->memory_used += new_size - freed;
    return grown;
}

static void on_count(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    script_charge(L, HOOK_EVERY);
}

void script_abort(lua_State *L, const char *text)
{
    struct script *script = script_of(L);

    if (!script->abort_text)
        script->abort_text = text;
    /* From now on every instruction raises it again, whatever catches it. */
    lua_sethook(L, on_count, LUA_MASKCOUNT, 1);
    (void)luaL_error(L, "%s", script->abort_text);
}

void script_check_abort(lua_State *L)
{
    struct script *script = script_of(L);

    if (script->abort_text)
        script_abort(L, script->abort_text);
}

void script_charge(lua_State *L, int64_t steps)
{
    struct script *script = script_of(L);

    script->budget -= steps;
    if (script->abort_text || script->budget < 0)
        script_abort(L, budget_text);
}

/* ---- errors -------------------------------------------------------------------------------------------------------- */

/* Lua names chunks "path:line:"; anything else is made a string without an address. */
static int describe_error(lua_State *L)
{
    if (lua_type(L, 1) != LUA_TSTRING) {
        const char *text =
            luaL_getmetafield(L, 1, "__tostring") ? luaL_tolstring(L, 1, NULL) : luaL_typename(L, 1);
        lua_pushfstring(L, "error value of type %s", text);
    }
    return 1;
}

static int fail_from(struct script *script, lua_State *L, struct sb_error *err)
{
    const char *text = lua_tostring(L, -1);

    if (!text)
        text = "unknown error";
    if (script->abort_text && !strstr(text, script->abort_text))
        text = script->abort_text;
    /* What Lua words itself begins with the place already. */
    if (strncmp(text, script->path, strlen(script->path)) == 0)
        return sb_fail(err, SB_EINPUT, "%s", text);
    return sb_fail(err, SB_EINPUT, "%s: %s", script->path, text);
}

/* ---- loading --------------------------------------------------------------------------------------------------------- */

struct loading {
    const char *text;
    size_t size;
    const char *chunk_name;
};

static int open_and_load(lua_State *L)
{
    const struct loading *loading = lua_touserdata(L, 1);

    sandbox_open(L);
    lua_pushcfunction(L, describe_error);
    if (luaL_loadbufferx(L, loading->text, loading->size, loading->chunk_name, "t") != LUA_OK)
        return lua_error(L);
    lua_call(L, 0, 0);
    return 0;
}

static int panic(lua_State *L)
{
    (void)L;
    abort(); /* every entry is a protected call */
}

static void close_state(struct script *script)
{
    if (script->L) {
        lua_sethook(script->L, NULL, 0, 0);
        lua_close(script->L);
    }
    script->L = NULL;
}

static void arm(struct script *script)
{
    script->budget = (int64_t)script->limits.instructions_max;
    script->abort_text = NULL;
    lua_sethook(script->L, on_count, LUA_MASKCOUNT, HOOK_EVERY);
}

static int make_state(struct script *script, struct sb_error *err)
{
    AUTO_STR text = NULL;
    size_t size = 0;
    AUTO_BUF chunk_name;

    int rc = file_read(script->path, FILE_SIZE_MAX, &text, &size, err);
    if (rc < 0)
        return rc;
    buf_init(&chunk_name, PATH_MAX + 2);
    buf_printf(&chunk_name, "@%s", script->path);
    script->memory_used = 0;
    script->L = lua_newstate(allocate, script);
    if (!script->L || chunk_name.failed)
        return sb_fail(err, SB_ENOMEM, "cannot load '%s': out of memory", script->path);
    lua_State *L = script->L;
    (void)lua_atpanic(L, panic);
    *(struct script **)lua_getextraspace(L) = script;
    struct loading loading = { .text = text, .size = size, .chunk_name = chunk_name.data };
    arm(script);
    script->is_loading = true;
    lua_pushcfunction(L, open_and_load);
    lua_pushlightuserdata(L, &loading);
    int status = lua_pcall(L, 1, 0, 0);
    script->is_loading = false;
    if (status != LUA_OK || script->abort_text) {
        rc = status == LUA_ERRMEM && !script->abort_text
                 ? sb_fail(err, SB_ENOMEM, "cannot load '%s': out of memory", script->path)
                 : fail_from(script, L, err);
        close_state(script);
        return rc;
    }
    return 0;
}

int script_load(const char *path, const char *lib_dir, const struct script_limits *limits, struct log *log,
                struct script **ret_script, struct sb_error *err)
{
    struct script *script = calloc(1, sizeof(*script));

    if (!script)
        return sb_fail(err, SB_ENOMEM, "cannot load '%s': out of memory", path);
    script->log = log;
    if (limits)
        script->limits = *limits;
    if (!script->limits.memory_max)
        script->limits.memory_max = MEMORY_MAX_DEFAULT;
    if (!script->limits.instructions_max)
        script->limits.instructions_max = INSTRUCTIONS_MAX_DEFAULT;
    (void)pthread_mutex_init(&script->lock, NULL);
    script->path = strdup(path);
    script->lib_dir = lib_dir ? strdup(lib_dir) : NULL;
    int rc = script->path && (!lib_dir || script->lib_dir)
                 ? make_state(script, err)
                 : sb_fail(err, SB_ENOMEM, "cannot load '%s': out of memory", path);
    if (rc < 0) {
        script_free(script);
        return rc;
    }
    *ret_script = script;
    return 0;
}

void script_free(struct script *script)
{
    if (!script)
        return;
    close_state(script);
    (void)pthread_mutex_destroy(&script->lock);
    free(script->path);
    free(script->lib_dir);
    free(script);
}

/* ---- calling ----------------------------------------------------------------------------------------------------------- */

struct calling {
    const char *function;
    const json_t *record, *argument;
    json_t *result; /* owned by script_call: survives a raised error */
};

static int call_function(lua_State *L)
{
    struct calling *calling = lua_touserdata(L, 1);

    if (lua_getglobal(L, calling->function) != LUA_TFUNCTION)
        return luaL_error(L, "%s: there is no function '%s'", script_of(L)->path, calling->function);
    record_view_push(L, calling->record);
    if (calling->argument)
        value_push(L, calling->argument);
    else
        lua_pushnil(L);
    lua_call(L, 2, 1);
    script_check_abort(L);
    calling->result = value_to_json(L, -1);
    return 0;
}

static int call_locked(struct script *script, struct calling *calling, struct sb_error *err)
{
    if (!script->L) {
        int rc = make_state(script, err);
        if (rc < 0)
            return rc;
    }
    lua_State *L = script->L;
    arm(script);
    lua_settop(L, 0);
    lua_pushcfunction(L, describe_error);
    lua_pushcfunction(L, call_function);
    lua_pushlightuserdata(L, calling);
    int status = lua_pcall(L, 1, 0, 1);
    record_view_close(L);
    int rc = 0;
    if (script->abort_text || status != LUA_OK)
        rc = status == LUA_ERRMEM && !script->abort_text
                 ? sb_fail(err, SB_ENOMEM, "%s: out of memory", script->path)
                 : fail_from(script, L, err);
    if (script->abort_text || status == LUA_ERRMEM)
        close_state(script); /* what an abort left behind is not to be trusted */
    else
        lua_settop(L, 0);
    return rc;
}

int script_call(struct script *script, const char *function, const json_t *record, const json_t *argument,
                uint64_t seed, int64_t now_ms, json_t **ret_result, struct sb_error *err)
{
    struct calling calling = { .function = function, .record = record, .argument = argument };

    (void)pthread_mutex_lock(&script->lock);
    script->chance = seed;
    script->now_ms = now_ms;
    int rc = call_locked(script, &calling, err);
    (void)pthread_mutex_unlock(&script->lock);
    if (rc < 0) {
        json_decref(calling.result);
        return rc;
    }
    *ret_result = calling.result;
    return 0;
}

static int look_for_function(lua_State *L)
{
    lua_pushboolean(L, lua_getglobal(L, lua_touserdata(L, 1)) == LUA_TFUNCTION);
    return 1;
}

bool script_has(struct script *script, const char *name)
{
    bool has = false;

    (void)pthread_mutex_lock(&script->lock);
    if (script->L) {
        lua_State *L = script->L;
        arm(script);
        lua_settop(L, 0);
        lua_pushcfunction(L, look_for_function);
        lua_pushlightuserdata(L, (void *)(uintptr_t)name);
        has = lua_pcall(L, 1, 1, 0) == LUA_OK && lua_toboolean(L, -1);
        lua_settop(L, 0);
    }
    (void)pthread_mutex_unlock(&script->lock);
    return has;
}

static int host_call(void *script, const char *function, const json_t *record, const json_t *argument,
                     uint64_t seed, int64_t now_ms, json_t **ret_result, struct sb_error *err)
{
    return script_call(script, function, record, argument, seed, now_ms, ret_result, err);
}

const struct script_host script_host = { .call = host_call };

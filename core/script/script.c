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
    FILE_SIZE_MAX = 1024 * 1024
};

/* ---- errors -------------------------------------------------------------------------------------------- */

/* The end of the file's name when `text` begins as Lua begins its own errors ("some/file.lua:12: "), else NULL. */
static const char *name_end(const char *text)
{
    const char *end = strchr(text, ':');
    size_t digits = end ? strspn(end + 1, "0123456789") : 0;

    return digits > 0 && strncmp(end + 1 + digits, ": ", 2) == 0 ? end : NULL;
}

/* The message handler of every call: makes any error value a text with file and line, without an address. */
static int describe_error(lua_State *L)
{
    char place[SCRIPT_PLACE_MAX];

    lua_settop(L, 1);
    script_note_refusal(script_of(L));
    if (script_of(L)->abort_text)
        return 1; /* the text of the abort is told, whatever was raised */
    if (lua_type(L, 1) == LUA_TSTRING || lua_type(L, 1) == LUA_TNUMBER ||
        luaL_getmetafield(L, 1, "__tostring") != LUA_TNIL)
        (void)luaL_tolstring(L, 1, NULL);
    else
        lua_pushfstring(L, "the script raised a %s instead of a text", luaL_typename(L, 1));
    if (name_end(lua_tostring(L, -1)))
        return 1;
    script_place(L, place);
    lua_pushfstring(L, "%s%s", place, lua_tostring(L, -1));
    return 1;
}

/* Lua shortens the names of files that are far away: "...r/rules.lua:12:". They are written out again. */
static void add_with_path(struct buf *out, const char *path, const char *text)
{
    const char *end = name_end(text);

    if (end && strncmp(text, "...", 3) == 0) {
        size_t tail = (size_t)(end - text) - 3, size = strlen(path);
        if (tail <= size && memcmp(path + size - tail, text + 3, tail) == 0) {
            buf_printf(out, "%s%s", path, end);
            return;
        }
    }
    if (!end && strncmp(text, path, strlen(path)) != 0)
        buf_printf(out, "%s: ", path);
    buf_str(out, text);
}

/* The error on the top of the stack is a text: describe_error made it, or Lua had no memory for anything else. */
static int fail_from(struct script *script, lua_State *L, int status, struct sb_error *err)
{
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "unknown error";
    enum sb_status code = SB_EINPUT;
    char aborted[SCRIPT_PLACE_MAX + 128];
    AUTO_BUF out;

    if (status == LUA_ERRMEM)
        script_note_refusal(script);
    if (script->abort_text) {
        (void)snprintf(aborted, sizeof(aborted), "%s%s", script->abort_place, script->abort_text);
        text = aborted;
    }
    if (script->is_out_of_memory || (status == LUA_ERRMEM && !script->abort_text))
        code = SB_ENOMEM;
    buf_init(&out, PATH_MAX + (size_t)4096);
    add_with_path(&out, script->path, text);
    return sb_fail(err, code, "%s", out.failed ? text : out.data);
}

/* ---- loading ------------------------------------------------------------------------------------------- */

static int open_and_load(lua_State *L)
{
    struct script *script = script_of(L);

    sandbox_open(L);
    lua_pushfstring(L, "@%s", script->path);
    if (luaL_loadbufferx(L, script->text, script->text_size, lua_tostring(L, -1), "t") != LUA_OK)
        return lua_error(L);
    lua_call(L, 0, 0);
    script_check_abort(L);
    return 0;
}

static int panic(lua_State *L)
{
    (void)L;
    abort(); /* every entry is a protected call */
}

static void close_state(struct script *script)
{
    lua_State *L = script->L;

    script->L = NULL; /* the allocator asks it for places no more */
    if (L) {
        lua_sethook(L, NULL, 0, 0);
        lua_close(L);
    }
}

/* The main chunk sees the same chance and time whenever it runs: at the start, or again after an abort. */
static int make_state(struct script *script, struct sb_error *err)
{
    uint64_t chance = script->chance;
    int64_t now_ms = script->now_ms;
    int rc = 0;

    script->memory_used = 0;
    script->matching_steps = 0;
    limits_arm(script);
    lua_State *L = lua_newstate(limits_allocate, script);
    if (!L)
        return sb_fail(err, SB_ENOMEM, "cannot load '%s': out of memory", script->path);
    script->L = L;
    (void)lua_atpanic(L, panic);
    *(struct script **)lua_getextraspace(L) = script;
    limits_arm(script);
    script->chance = 0;
    script->now_ms = 0;
    script->is_loading = true;
    lua_pushcfunction(L, describe_error);
    lua_pushcfunction(L, open_and_load);
    /* Garbage fills less of what the script may use when it is collected early. */
    (void)lua_gc(L, LUA_GCINC, 120, 200, 0);
    int status = lua_pcall(L, 0, 0, 1);
    script->is_loading = false;
    script->chance = chance;
    script->now_ms = now_ms;
    if (status != LUA_OK || script->abort_text) {
        rc = fail_from(script, L, status, err);
        close_state(script);
    } else {
        lua_settop(L, 0);
    }
    return rc;
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
                 ? file_read(path, FILE_SIZE_MAX, &script->text, &script->text_size, err)
                 : sb_fail(err, SB_ENOMEM, "cannot load '%s': out of memory", path);
    if (rc == 0)
        rc = make_state(script, err);
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
    free(script->text);
    free(script);
}

/* ---- calling ------------------------------------------------------------------------------------------- */

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
    if (calling->record)
        record_view_push(L, calling->record);
    else
        lua_pushnil(L);
    value_push(L, calling->argument);
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
    limits_arm(script);
    lua_settop(L, 0);
    lua_pushcfunction(L, describe_error);
    lua_pushcfunction(L, call_function);
    lua_pushlightuserdata(L, calling);
    int status = lua_pcall(L, 1, 0, 1);
    script->call++; /* every view made in this call is empty from here on */
    int rc = script->abort_text || status != LUA_OK ? fail_from(script, L, status, err) : 0;
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
    struct sb_error err = SB_ERROR_INIT;
    bool has = false;

    (void)pthread_mutex_lock(&script->lock);
    if (script->L || make_state(script, &err) == 0) {
        lua_State *L = script->L;
        limits_arm(script);
        lua_settop(L, 0);
        lua_pushcfunction(L, look_for_function);
        lua_pushlightuserdata(L, (void *)(uintptr_t)name);
        has = lua_pcall(L, 1, 1, 0) == LUA_OK && lua_toboolean(L, -1);
        lua_settop(L, 0);
        if (script->abort_text)
            close_state(script);
    }
    (void)pthread_mutex_unlock(&script->lock);
    return has;
}

static int host_call(void *script, const char *function, const json_t *record, const json_t *argument,
                     uint64_t seed, int64_t now_ms, json_t **ret_result, struct sb_error *err)
{
    return script_call(script, function, record, argument, seed, now_ms, ret_result, err);
}

static bool host_has(void *script, const char *function)
{
    return script_has(script, function);
}

const struct script_host script_host = { .call = host_call, .has = host_has };

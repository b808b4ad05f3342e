/* Limits that stick: memory, steps and, as a last resort, time. An abort that was raised once is raised again by every
 * instruction until the call has ended, so that no pcall and no metamethod can swallow it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/timefmt.h"
#include "script/inner.h"

enum {
    HOOK_EVERY = 1000,      /* instructions */
    BYTES_PER_STEP = 64,    /* of a new block: what copies text in one instruction is paid by its size */
    CHARGE_EVERY = 256,     /* steps of a matcher */
    TIME_MAX_MS = 60 * 1000 /* the budget ends any script that counts long before */
};

static const char memory_text[] = "the script used more memory than it may";
static const char system_text[] = "out of memory";
static const char budget_text[] =
    "the script took longer than it may: an endless loop, or a pattern that matches slowly";

static void on_count(lua_State *L, lua_Debug *ar);

static void find_place(const struct script *script, char ret_place[SCRIPT_PLACE_MAX])
{
    ret_place[0] = '\0';
    if (script->L)
        script_place(script->L, ret_place);
}

/* The first reason is the one that is told. */
static void note_abort(struct script *script, const char *text)
{
    if (script->abort_text)
        return;
    script->abort_text = text;
    find_place(script, script->abort_place);
    if (script->L)
        lua_sethook(script->L, on_count, LUA_MASKCOUNT, 1);
}

void script_note_refusal(struct script *script)
{
    if (!script->refused_text || script->abort_text)
        return;
    script->is_out_of_memory = script->refused_text == system_text;
    note_abort(script, script->refused_text);
    memcpy(script->abort_place, script->refused_place, sizeof(script->abort_place));
}

/* Lua answers a refusal with a full collection and one more try for the same size; only text buffers give up at once. */
static void *refuse(struct script *script, size_t size, const char *text)
{
    bool is_second = script->refused_text && script->refused_size == size;

    script->refused_text = text;
    script->refused_size = size;
    find_place(script, script->refused_place);
    if (is_second)
        script_note_refusal(script);
    return NULL;
}

void *limits_allocate(void *ctx, void *block, size_t old_size, size_t new_size)
{
    struct script *script = ctx;
    size_t freed = block ? old_size : 0;

    if (new_size == 0) {
        script->memory_used -= freed;
        free(block);
        return NULL;
    }
    if (new_size > freed) {
        if (script->memory_used - freed + new_size > script->limits.memory_max)
            return refuse(script, new_size, memory_text);
        script->budget -= (int64_t)((new_size - freed) / BYTES_PER_STEP);
        if (script->budget < 0)
            return refuse(script, new_size, budget_text);
    }
    void *grown = realloc(block, new_size);
    if (!grown)
        return new_size > freed ? refuse(script, new_size, system_text)
                                : block; /* Lua expects that shrinking works */
    if (new_size > freed && new_size == script->refused_size)
        script->refused_text = NULL;
    script->memory_used += new_size - freed;
    return grown;
}

void limits_arm(struct script *script)
{
    script->budget = (int64_t)script->limits.instructions_max;
    script->stop_at_ms = clock_mono_ms() + TIME_MAX_MS;
    script->abort_text = NULL;
    script->abort_place[0] = '\0';
    script->refused_text = NULL;
    script->refused_size = 0;
    script->is_out_of_memory = false;
    if (script->L)
        lua_sethook(script->L, on_count, LUA_MASKCOUNT, HOOK_EVERY);
}

void script_place(lua_State *L, char ret_place[SCRIPT_PLACE_MAX])
{
    lua_Debug ar;

    ret_place[0] = '\0';
    for (int level = 0; lua_getstack(L, level, &ar); level++)
        if (lua_getinfo(L, "Sl", &ar) && ar.currentline > 0) {
            (void)snprintf(ret_place, SCRIPT_PLACE_MAX, "%s:%d: ", ar.short_src, ar.currentline);
            return;
        }
}

void script_check_abort(lua_State *L)
{
    struct script *script = script_of(L);

    if (script->abort_text) {
        lua_pushfstring(L, "%s%s", script->abort_place, script->abort_text);
        (void)lua_error(L);
    }
}

void script_out_of_memory(lua_State *L)
{
    struct script *script = script_of(L);

    script->is_out_of_memory = !script->abort_text;
    note_abort(script, system_text);
    script_check_abort(L);
}

void script_charge(lua_State *L, int64_t steps)
{
    struct script *script = script_of(L);

    if (steps > script->budget)
        note_abort(script, budget_text);
    else
        script->budget -= steps;
    script_check_abort(L);
}

void script_charge_match(lua_State *L, struct script *script, size_t steps)
{
    if (steps >= CHARGE_EVERY || (script->matching_steps += (uint32_t)steps) >= CHARGE_EVERY) {
        steps = steps >= CHARGE_EVERY ? steps : script->matching_steps;
        script->matching_steps = 0;
        script_charge(L, (int64_t)steps);
    }
}

static void on_count(lua_State *L, lua_Debug *ar)
{
    struct script *script = script_of(L);

    (void)ar;
    if (!script->abort_text && clock_mono_ms() > script->stop_at_ms)
        note_abort(script, budget_text);
    script_charge(L, HOOK_EVERY);
}

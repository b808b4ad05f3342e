/* What the files of core/script share. */
#ifndef SCRIPT_INNER_H
#define SCRIPT_INNER_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <pthread.h>

#include "base/buf.h"
#include "script/script.h"

/* Behind lua_getextraspace: what a running state belongs to. */
struct script {
    char *path, *lib_dir; /* owned */
    struct script_limits limits;
    struct log *log;
    pthread_mutex_t lock;
    lua_State *L; /* NULL after a limit was hit: made anew for the next call */

    size_t memory_used;
    int64_t budget;         /* instructions and matching steps that are left */
    const char *abort_text; /* a limit was hit: nothing may catch it */
    uint64_t chance;        /* state of math.random */
    int64_t now_ms;
    bool is_loading; /* the main chunk runs: globals may be made, libraries loaded */
};

static inline struct script *script_of(lua_State *L)
{
    return *(struct script **)lua_getextraspace(L);
}

/* Takes `steps` from the budget; raises when it is used up. */
void script_charge(lua_State *L, int64_t steps);
/* Raises the abort again when one is under way: called by everything that could have swallowed it. */
void script_check_abort(lua_State *L);
void script_abort(lua_State *L, const char *text);

/* sandbox.c: opens the libraries, removes what is dangerous, replaces what is not deterministic. */
void sandbox_open(lua_State *L);
/* pattern.c: string.find, match, gmatch, gsub over a matcher with a budget. */
void pattern_open(lua_State *L);
/* sb_lib.c: the global table `sb`. */
void sb_lib_open(lua_State *L);
/* ordered.c: pairs, next in sorted order, table.sort stable. */
void ordered_open(lua_State *L);
/* Pushes the keys of the table at `index`, sorted, as a new array. */
void ordered_push_keys(lua_State *L, int index);

/* value.c: JSON to Lua as plain tables, and back. */
void value_push(lua_State *L, const json_t *value);
/* Gives the value at `index` as JSON in the box of the caller; raises on what is no JSON. */
json_t *value_to_json(lua_State *L, int index);

/* record_view.c: a read-only view of a document that is borrowed until record_view_close. */
void record_view_open(lua_State *L);
void record_view_push(lua_State *L, const json_t *value);
/* Every view made in this call becomes empty. */
void record_view_close(lua_State *L);
/* The document behind the value at `index`, or NULL when it is no view. */
const json_t *record_view_to(lua_State *L, int index);

#endif

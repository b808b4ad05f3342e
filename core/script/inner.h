/* What the files of core/script share. */
#ifndef SCRIPT_INNER_H
#define SCRIPT_INNER_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <pthread.h>

#include "base/buf.h"
#include "script/script.h"

enum { SCRIPT_PLACE_MAX = LUA_IDSIZE + 24 };

/* Behind lua_getextraspace: what a running state belongs to. */
struct script {
    char *path, *lib_dir; /* owned */
    char *text;           /* owned: the file as it was when it was loaded, for the state after an abort */
    size_t text_size;
    struct script_limits limits;
    struct log *log;
    pthread_mutex_t lock;
    lua_State *L; /* NULL after a limit was hit: made anew for the next call */

    size_t memory_used;
    int64_t budget;          /* instructions, matching steps and bytes moved that are left */
    int64_t stop_at_ms;      /* monotonic: the last resort against what no budget counts */
    uint32_t matching_steps; /* not charged yet */
    size_t refused_size;     /* of the block that was refused last */
    char refused_place[SCRIPT_PLACE_MAX];
    const char *refused_text;           /* why; NULL: none, or it was found after a collection */
    bool is_out_of_memory;              /* the abort is the system's, not the script's fault */
    const char *abort_text;             /* a limit was hit: nothing may catch it */
    char abort_place[SCRIPT_PLACE_MAX]; /* "file:line: ", or "" */
    uint64_t chance;                    /* state of math.random */
    size_t result_size;                 /* of what value_to_json has made in this call, about */
    uint64_t call;                      /* its number: a view of another call is empty */
    int64_t now_ms;
    bool is_loading; /* the main chunk runs: globals may be made, libraries loaded */
};

static inline struct script *script_of(lua_State *L)
{
    return *(struct script **)lua_getextraspace(L);
}

/* limits.c */
void *limits_allocate(void *script, void *block, size_t old_size, size_t new_size); /* a lua_Alloc */
/* Begins a call: the full budget, no abort. */
void limits_arm(struct script *script);
/* Takes `steps` from the budget; raises when it is used up. */
void script_charge(lua_State *L, int64_t steps);
/* One step of a matcher: charged by the hundreds. */
void script_charge_match(lua_State *L, struct script *script, size_t steps);
/* Raises the abort again when one is under way: called by everything that could have swallowed it. */
void script_check_abort(lua_State *L);
/* The system has no memory for what Lua does not allocate itself: raises an abort. */
void script_out_of_memory(lua_State *L);
/* To be called where an error was caught: makes it an abort when its cause is a block that was refused. */
void script_note_refusal(struct script *script);
/* Writes "file:line: " of the Lua function that runs, or "". Raises nothing and allocates nothing. */
void script_place(lua_State *L, char ret_place[SCRIPT_PLACE_MAX]);

/* sandbox.c: opens the libraries, removes what is dangerous, replaces what is not deterministic. */
void sandbox_open(lua_State *L);
/* Pushes the value at `index` as text without an address. */
void sandbox_push_text(lua_State *L, int index);
/* frozen.c: hides the globals and the library tables behind tables that only the main chunk may write to. */
void frozen_open(lua_State *L);
/* counted.c: the library functions that loop in C without an instruction, with their loops charged. */
void counted_open(lua_State *L);
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

/* record_view.c: a read-only view of a document that is borrowed until script->call changes. */
void record_view_open(lua_State *L);
void record_view_push(lua_State *L, const json_t *value);
/* The document behind the value at `index`, or NULL when it is no view. Raises on a view of an earlier call. */
const json_t *record_view_to(lua_State *L, int index);

#endif

/* Lua at arm's length: one sandboxed state a script file, limits that stick, records in and plain data out.
 *
 * A script is a Lua 5.4 file that defines global functions; a call gives it a read-only view of the record and an
 * optional argument and takes one result. Only string, table, math, utf8 and the `sb` helpers are there: no os, io,
 * package, debug, load, dofile, require, collectgarbage, print goes to the log at debug level.
 *
 * Deterministic: pairs and next go in sorted order of keys, table.sort is stable, math.random is seeded by the call,
 * tostring of a table or function tells no address. Globals and libraries belong to the main chunk: a call that assigns
 * one fails. What a script keeps in local variables of its file stays until the state is made anew: rules should not.
 *
 * Limits stick: after the first breach every instruction, pcall, handler and metamethod of that call raises the abort
 * again. Counted are instructions, steps of pattern matching, bytes of new blocks and the turns of library loops.
 *
 * Threads: script_call takes the script's own lock and may be called from the loop and from pool threads. */
#ifndef SCRIPT_SCRIPT_H
#define SCRIPT_SCRIPT_H

#include <jansson.h>

#include "base/log.h"
#include "plugin/instance.h"

struct script;

struct script_limits {
    size_t memory_max;         /* bytes of one state; 0: 32 MiB */
    uint64_t instructions_max; /* of one call, string matching counted too; 0: 50 million */
};

/* Loads and runs the file once (its main chunk defines functions). The text is kept: a later change of the file has no
 * effect. SB_ECONFIG: the file cannot be read. SB_EINPUT: a mistake in it, as "file:line: text". SB_ENOMEM. `lib_dir` is
 * where sb.lib("name") finds scripts/lib/name.lua; NULL: nowhere. */
int script_load(const char *path, const char *lib_dir, const struct script_limits *limits, struct log *log,
                struct script **ret_script, struct sb_error *err) SB_MUST_CHECK;
void script_free(struct script *script); /* NULL allowed */
/* Whether it defines the global function `name`. */
bool script_has(struct script *script, const char *name);

/* Calls `function`(record, argument); both may be NULL, which is nil. `now_ms` is what sb.now() says. Gives the result as
 * JSON (null for nil, {} for an empty table). Fails with SB_EINPUT and "file:line: text": no such function, an error of
 * the script, a limit, a result that is no JSON (functions, cycles, deeper than 64, invalid UTF-8, larger than the memory
 * limit); with SB_ENOMEM when the system has no memory. After a limit was hit the state is made anew for the next call. */
int script_call(struct script *script, const char *function, const json_t *record, const json_t *argument,
                uint64_t seed, int64_t now_ms, json_t **ret_result, struct sb_error *err) SB_MUST_CHECK;

/* For struct sb_instance: script_call behind the plugin layer's interface; `script` of an instance is a struct script. */
extern const struct script_host script_host;

#endif

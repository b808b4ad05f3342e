/* The door for changing verbs while the engine runs: HTTP on a Unix socket in data_dir, for its owner only.
 *
 *   POST /retry {"id": n} or {"state": "dead"|"disabled"|"done"} -> {"retried": n}
 *   POST /drop {"id": n, "reason": "..."}                     -> {"dropped": n}
 *   POST /import {"account": "...", "ids": ["..."]}          -> {"new": n, "known": n}
 *   POST /import {"contacts": {"id": ["crm", "desk"]}, "instances": ["zoho_desk"]} -> {"contacts": n}
 *   POST /decide {"id": n, "adopt": "...", "force": b} or {"id": n, "send_again": true} -> {"decided": n, "since_ms": n};
 *        the record's timeline tells what came of it
 *   POST /reconcile {"since_ms": n, "back_fill": b}           -> {"is_running": true}; GET /compared -> {"is_running": b,
 *        "error": "..." or "report": {...}}
 *   GET  /unknown                                             -> {"unknown": [...]}
 *   GET  /status                                              -> {"instances": [...], "records": {...}} */
#ifndef APP_CONTROL_H
#define APP_CONTROL_H

#include <jansson.h>

#include "switchboard/error.h"

struct control;
struct engine;

#define CONTROL_SOCKET_NAME "control.sock"

struct control *control_new(struct engine *engine, struct sb_error *err);
void control_free(struct control *control); /* NULL allowed */

/* For the command line: asks the engine that runs on `data_dir`. `verb` is "retry", "drop" and so on; `body` is borrowed,
 * NULL for GET. SB_EBUSY when no engine runs. Gives the answer, a failure of the verb as SB_EINPUT with the engine's
 * text. Blocking, at most 30 s. */
int control_ask(const char *data_dir, const char *verb, const json_t *body, json_t **ret_answer,
                struct sb_error *err) SB_MUST_CHECK;

#endif

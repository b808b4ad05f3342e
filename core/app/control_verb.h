/* What the verbs of the door share: one on its way, and its answers. Everything runs on the loop. */
#ifndef APP_CONTROL_VERB_H
#define APP_CONTROL_VERB_H

#include <jansson.h>
#include <stdint.h>

#include "app/engine.h"
#include "io/http_server.h"

/* One verb on its way through the store's thread. */
struct control_verb {
    struct engine *engine;
    struct http_call *call;
    int64_t id;
    enum store_state state;
    char *reason; /* owned */
    json_t *body; /* owned: what lists of ids are read from */
    struct arena *arena;
    struct store_active *active;
    size_t active_count, changed;
    int64_t since_ms; /* wall clock: when it was decided */
    int rc;
    struct sb_error err;
};

/* Gives a verb whose answer goes to `call` (borrowed until then). NULL when there is no memory: the call is answered. */
struct control_verb *control_verb_new(struct engine *engine, struct http_call *call);
void control_verb_free(struct control_verb *verb);

/* Answers with `answer` (taken), or with {"error": text}. */
void control_reply(struct http_call *call, int status, json_t *answer);
void control_refuse(struct http_call *call, int status, const char *text);

/* POST /import: calls that have their tickets, or a part of a mapping file. */
void control_import(struct engine *engine, struct http_call *call, json_t *body);

#endif

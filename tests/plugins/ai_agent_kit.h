/* What the tests of ai_agent share: an instance, a good body with changes, and calls. */
#ifndef AI_AGENT_KIT_H
#define AI_AGENT_KIT_H

#include <stdlib.h>
#include <string.h>

#include "plugins/harness.h"

extern const struct sb_plugin ai_agent_plugin;

#define KIT_TOKEN "demo-agent-token-0001"
#define KIT_JSON  "{\"Content-Type\": \"application/json\"}"

/* `more`: further options as members of a JSON object, or NULL. */
static inline struct harness *kit_agent(const char *more)
{
    json_t *options = json_pack("{s:s}", "tokens", KIT_TOKEN);
    json_t *others = more ? json_loads(more, 0, NULL) : json_object();

    assert_non_null(others);
    json_object_update(options, others);
    char *text = json_dumps(options, 0);
    struct harness *h = harness_new(&ai_agent_plugin, text);
    free(text);
    json_decref(others);
    json_decref(options);
    return h;
}

/* A good body with the members of `changes` in place of its own; null removes. The caller frees it. */
static inline char *kit_body(const char *changes)
{
    json_t *body =
        json_loads("{\"id\": \"esc-1\", \"user\": {\"id\": \"u-1\", \"name\": \"Asha Rao\", \"phone\": "
                   "\"0555 0100 001\"},"
                   " \"reason\": {\"code\": \"billing\", \"text\": \"May not refund.\"}, \"summary\": "
                   "\"Charged twice.\","
                   " \"conversation\": [{\"role\": \"user\", \"content\": \"Twice!\"},"
                   " {\"role\": \"assistant\", \"content\": \"I see.\"}], \"priority\": \"urgent\"}",
                   0, NULL);
    json_t *wanted = changes ? json_loads(changes, 0, NULL) : json_object();
    const char *name = NULL;
    json_t *value = NULL;

    assert_non_null(body);
    assert_non_null(wanted);
    json_object_foreach (wanted, name, value) {
        if (json_is_null(value))
            json_object_del(body, name);
        else
            json_object_set(body, name, value);
    }
    char *text = json_dumps(body, 0);
    json_decref(wanted);
    json_decref(body);
    return text;
}

/* Posts a good body with `changes`; `query` as JSON or NULL. */
static inline const struct harness_reply *kit_post(struct harness *h, const char *changes, const char *query)
{
    char *body = kit_body(changes);
    const struct harness_reply *reply = harness_route(h, "POST", "/v1/escalations", KIT_JSON, query, body);
    free(body);
    return reply;
}

/* The record that a good body with `changes` becomes, as JSON text. The caller frees it. */
static inline char *kit_record(struct harness *h, const char *changes)
{
    const struct harness_reply *reply = kit_post(h, changes, NULL);
    assert_int_equal(json_array_size(reply->emits), 1);
    char *text = json_dumps(harness_at(reply->emits, "0.record"), 0);
    assert_non_null(text);
    return text;
}

#endif

/* What the tests of the classifier share: an instance on a conversation, what it sends, and answers of the model. */
#ifndef OPENAI_KIT_H
#define OPENAI_KIT_H

#include <stdio.h>
#include <string.h>

#include "plugins/harness.h"

extern const struct sb_plugin openai_plugin;

#define KIT_REFERENCE "0123456789ABC"

/* A harness on a record whose transcript is `said`. */
static inline struct harness *kit_new(const char *more, const char *said)
{
    char options[2000];
    (void)snprintf(options, sizeof(options), "{\"api_key\": \"demo-key\"%s%s}", more ? ", " : "",
                   more ? more : "");
    struct harness *h = harness_new(&openai_plugin, options);
    json_t *record = json_pack("{s:{s:s}}", "transcript", "text", said);
    char *text = json_dumps(record, 0);
    assert_non_null(text);
    harness_set_record(h, text);
    free(text);
    json_decref(record);
    return h;
}

/* The conversation that a user message carries: between the markers, decoded. The caller frees it. */
static inline char *kit_decode(const char *content)
{
    static const char head[] = "<<<CONVERSATION " KIT_REFERENCE ">>>\n";
    static const char tail[] = "\n<<<END " KIT_REFERENCE ">>>";
    assert_memory_equal(content, head, strlen(head));
    const char *start = content + strlen(head);
    const char *end = strstr(start, tail);
    assert_non_null(end);
    assert_string_equal(end, tail);
    assert_null(memchr(start, '\n', (size_t)(end - start)));
    json_t *text = json_loadb(start, (size_t)(end - start), JSON_DECODE_ANY, NULL);
    assert_true(json_is_string(text));
    char *copy = strdup(json_string_value(text));
    assert_non_null(copy);
    json_decref(text);
    return copy;
}

/* The conversation as the next build sends it. Bodies too large for the journal's document come as text elsewhere: keep
 * to budgets below 64 KiB, or ask kit_sent_large(). The caller frees it. */
static inline char *kit_sent(struct harness *h)
{
    const struct harness_result *r = harness_build(h, "classify");
    assert_int_equal(r->verdict, SB_OK);
    return kit_decode(harness_text(r->request, "body.messages.1.content"));
}

/* An answer of the service whose message is `content`. The caller frees it. */
static inline char *kit_completion(const char *content, const char *finish_reason)
{
    json_t *body = json_pack("{s:s, s:s, s:[{s:i, s:s, s:{s:s, s:s, s:n}}], s:{s:i, s:i}}", "id",
                             "chatcmpl-Demo1", "model", "gpt-6-luna", "choices", "index", 0, "finish_reason",
                             finish_reason, "message", "role", "assistant", "content", content, "refusal",
                             "usage", "prompt_tokens", 812, "completion_tokens", 143);
    char *text = json_dumps(body, 0);
    assert_non_null(text);
    json_decref(body);
    return text;
}

/* A good answer about "hello i was charged twice please refund me", with members of `changes` in place of its own ("-" as
 * text removes). The caller frees it. */
static inline char *kit_answer(const char *changes)
{
    json_t *answer = json_loads(
        "{\"language\": \"en\", \"evidence\": [{\"quote\": \"charged twice\"}], \"summary\": \"The customer "
        "was charged twice "
        "and asks for a refund.\", \"concern\": \"Charged twice\", \"category\": \"Billing\", \"mood\": "
        "\"negative\", "
        "\"priority_reason\": \"Money was taken twice.\", \"priority\": \"normal\", \"resolved\": \"no\", "
        "\"escalation_requested\": false, \"callback_requested\": true, \"action_items\": [{\"owner\": "
        "\"agent\", \"text\": "
        "\"Refund the second charge\", \"due\": null}], \"confidence\": \"high\", \"is_support_call\": true, "
        "\"injection_suspected\": false, \"not_enough_content\": false}",
        0, NULL);
    json_t *wanted = json_loads(changes ? changes : "{}", 0, NULL);
    const char *name = NULL;
    json_t *value = NULL;
    assert_non_null(answer);
    assert_non_null(wanted);
    json_object_foreach (wanted, name, value) {
        if (json_is_string(value) && strcmp(json_string_value(value), "-") == 0)
            json_object_del(answer, name);
        else
            json_object_set(answer, name, value);
    }
    char *text = json_dumps(answer, 0);
    assert_non_null(text);
    json_decref(wanted);
    json_decref(answer);
    return text;
}

#define KIT_SAID "hello i was charged twice please refund me"

/* Folds an answer whose content is `content` (freed). */
static inline const struct harness_result *kit_fold(struct harness *h, char *content,
                                                    const char *finish_reason)
{
    char *body = kit_completion(content, finish_reason);
    const struct harness_result *r = harness_fold(h, "classify", 200, NULL, body);
    free(body);
    free(content);
    return r;
}

static inline bool kit_has_note(const struct harness_result *r, const char *text)
{
    for (size_t i = 0; i < json_array_size(r->notes); i++)
        if (strstr(json_string_value(json_array_get(r->notes, i)), text))
            return true;
    return false;
}

#endif

/* From what was checked to a record. */
#include "ai_agent.h"

#include <string.h>

/* An allocation that cannot succeed: it ends the call as one for which there was no memory. */
static void run_out(struct sb_exchange *x)
{
    (void)sb_alloc(x, SIZE_MAX / 2);
}

void agent_put(struct sb_exchange *x, json_t *object, const char *name, json_t *value)
{
    if (json_object_set_new(object, name, value) < 0)
        run_out(x);
}

void agent_append(struct sb_exchange *x, json_t *list, json_t *value)
{
    if (json_array_append_new(list, value) < 0)
        run_out(x);
}

void agent_replace(struct sb_exchange *x, json_t *list, size_t index, json_t *value)
{
    if (json_array_set_new(list, index, value) < 0)
        run_out(x);
}

static void copy_member(struct sb_exchange *x, const json_t *from, const char *name, json_t *to,
                        const char *as)
{
    json_t *value = json_object_get(from, name);

    if (value)
        agent_put(x, to, as, json_incref(value));
}

/* A section of the record, which holds it from now on. */
static json_t *new_section(struct sb_exchange *x, json_t *record, const char *name)
{
    json_t *section = json_object();

    agent_put(x, record, name, section);
    return section;
}

static void add_escalation(struct sb_exchange *x, const struct agent_checked *checked, json_t *record)
{
    static const char *const names[] = { "id",       "summary", "steps_tried", "category",     "priority",
                                         "language", "channel", "metadata",    "callback_url", NULL };
    const json_t *body = checked->body, *reason = json_object_get(body, "reason");
    json_t *section = new_section(x, record, "escalation");

    agent_put(x, section, "agent", json_string(sb_in_caller(x)));
    for (const char *const *name = names; *name; name++)
        copy_member(x, body, *name, section, *name);
    copy_member(x, reason, "code", section, "reason_code");
    copy_member(x, reason, "text", section, "reason");
    agent_put(x, section, "received_at", json_string(sb_rfc3339(x, sb_now_ms(x))));
    agent_put(x, section, "digest", json_string(checked->digest));
}

/* Moves a message's attachments into the list of all, and leaves their places. */
static void add_attachments(struct sb_exchange *x, const json_t *from, json_t *message, json_t *items)
{
    json_t *places = json_array();
    size_t index;
    json_t *attachment;

    agent_put(x, message, "attachments", places);
    json_array_foreach (from, index, attachment) {
        agent_append(x, places, json_integer((json_int_t)json_array_size(items)));
        json_t *item = json_copy(attachment);
        agent_append(x, items, item);
        const json_t *base64 = json_object_get(item, "base64");
        size_t size = json_string_length(base64);
        if (!base64)
            continue;
        const char *text = json_string_value(base64);
        size_t padding = text[size - 1] == '=' ? (text[size - 2] == '=' ? 2 : 1) : 0;
        agent_put(x, item, "size", json_integer((json_int_t)(size / 4 * 3 - padding)));
    }
}

static void add_conversation(struct sb_exchange *x, const json_t *body, json_t *record)
{
    json_t *messages = json_array(), *items = json_array();
    size_t index;
    json_t *given;

    agent_put(x, new_section(x, record, "conversation"), "messages", messages);
    agent_put(x, new_section(x, record, "attachments"), "items", items);
    json_array_foreach (json_object_get(body, "conversation"), index, given) {
        if (!json_object_get(given, "attachments") && json_object_get(given, "content")) {
            agent_append(x, messages, json_incref(given));
            continue;
        }
        json_t *message = json_object();
        agent_append(x, messages, message);
        copy_member(x, given, "role", message, "role");
        agent_put(x, message, "content", json_string(""));
        copy_member(x, given, "content", message, "content");
        copy_member(x, given, "at", message, "at");
        if (json_array_size(json_object_get(given, "attachments")) > 0)
            add_attachments(x, json_object_get(given, "attachments"), message, items);
    }
    if (json_array_size(items) == 0)
        (void)json_object_del(record, "attachments"); /* it was put there above */
}

/* When the conversation took place: at its first message that says so. A time to come says nothing; neither does the time at
 * which the escalation came in, for the same one may have come in long before. */
static void add_time(struct sb_exchange *x, const json_t *body, json_t *source)
{
    int64_t first_ms = sb_now_ms(x) + 1;
    size_t index;
    json_t *message;

    json_array_foreach (json_object_get(body, "conversation"), index, message) {
        const char *at = sb_json_str(message, "at");
        int64_t at_ms = at ? sb_parse_rfc3339(at) : -1;
        if (at_ms > 0 && at_ms < first_ms)
            first_ms = at_ms;
    }
    if (first_ms <= sb_now_ms(x))
        agent_put(x, source, "at_ms", json_integer(first_ms));
}

enum sb_verdict agent_emit(struct sb_exchange *x, const struct agent_checked *checked, int64_t wait_ms)
{
    const char *id = sb_json_str(checked->body, "id");
    json_t *record = sb_keep(x, json_object());
    json_t *source = new_section(x, record, "source");

    agent_put(x, source, "plugin", json_string("ai_agent"));
    agent_put(x, source, "account", json_string(sb_in_caller(x)));
    agent_put(x, source, "external_id", json_string(id));
    add_time(x, checked->body, source);
    add_escalation(x, checked, record);
    /* The number in E.164 is added by the record's first step: the numbering plan takes its time, and the agent waits. */
    copy_member(x, checked->body, "user", record, "user");
    add_conversation(x, checked->body, record);
    json_t *kept = json_pack("{s:s, s:s, s:I, s:O}", "id", id, "digest", checked->digest, "wait_ms",
                             (json_int_t)wait_ms, "record", record);
    sb_emit(x, sb_in_caller(x), id, json_incref(record));
    sb_await(x, sb_in_caller(x), id, 0, kept);
    return SB_AGAIN;
}

/* What there is to tell: the event of a record, its id, and the document that is sent. */
#include "callback.h"

#include <string.h>

enum { SEQUENCE_DELAYED = 1, SEQUENCE_CREATED = 2, MESSAGE_MAX = 2000 };

static bool is_notice(const struct sb_exchange *x)
{
    return sb_get(x, "notice") != NULL;
}

bool callback_has_event(const struct sb_exchange *x)
{
    bool has_address = sb_get_str(x, "escalation.callback_url") || sb_option_is_set(x, "url");

    return has_address && (is_notice(x) || sb_get_str(x, "ticket.id"));
}

const char *callback_event(const struct sb_exchange *x)
{
    const char *event = sb_get_str(x, "notice.event");

    return event ? event : CALLBACK_CREATED;
}

const char *callback_reference(const struct sb_exchange *x)
{
    const char *reference = sb_get_str(x, "notice.reference");

    return reference ? reference : sb_reference(x);
}

const char *callback_event_id(struct sb_exchange *x)
{
    return sb_printf(x, "%s.%s", callback_reference(x), callback_event(x));
}

/* `text` with {number} replaced by the ticket's number. */
static const char *fill_number(struct sb_exchange *x, const char *text)
{
    static const char mark[] = "{number}";
    const char *at = strstr(text, mark);
    const char *number = sb_get_str(x, "ticket.number");

    if (!at)
        return text;
    return sb_printf(x, "%.*s%s%s", (int)(at - text), text, number ? number : "", at + sizeof(mark) - 1);
}

/* What the script says, or NULL when it leaves the words to others. That it fails must not keep the user from hearing of
 * the ticket. */
static const char *words_of_script(struct sb_exchange *x)
{
    const char *function = is_notice(x) ? "delayed_message" : "message";
    struct sb_error err = SB_ERROR_INIT;
    json_t *words = NULL;

    if (!sb_option_is_set(x, "messages") || !sb_script_has(x, "messages", function))
        return NULL;
    const json_t *ticket = sb_get(x, "ticket");
    json_t *argument = sb_keep(x, json_pack("{s:s, s:O*}", "event", callback_event(x), "ticket", ticket));
    if (sb_script_call(x, "messages", function, argument, &words, &err) < 0) {
        sb_note(x, "the script of 'messages' failed, so the usual words were used: %s", err.text);
        return NULL;
    }
    words = sb_keep(x, words);
    if (json_is_string(words))
        return sb_cut(x, sb_utf8(x, json_string_value(words)), MESSAGE_MAX);
    if (words && !json_is_null(words))
        sb_note(x, "%s() of 'messages' gave no text, so the usual words were used", function);
    return NULL;
}

/* The script's words come first, then those of the mapping, then the option's. */
static const char *message(struct sb_exchange *x)
{
    const char *words = words_of_script(x);

    if (!words && !is_notice(x))
        words = sb_get_str(x, "ticket.user_message");
    if (words)
        return words;
    return fill_number(x, sb_option_str(x, is_notice(x) ? "delayed_message" : "created_message"));
}

static void copy_text(struct sb_exchange *x, json_t *body, const char *name, const char *path)
{
    const char *text = sb_get_str(x, path);

    (void)json_object_set_new(body, name, text ? json_string(text) : json_null());
}

/* A call of a telephone has no escalation: what it is known by at its source stands for that. */
static void add_conversation(struct sb_exchange *x, json_t *body)
{
    bool is_escalation = sb_get_str(x, "escalation.id") != NULL;

    copy_text(x, body, is_escalation ? "escalation_id" : "call_id",
              is_escalation ? "escalation.id" : "source.external_id");
    if (is_escalation) {
        copy_text(x, body, "user_id", "user.id");
        return;
    }
    copy_text(x, body, "direction", "call.direction");
    copy_text(x, body, "started_at", "call.started_at");
    copy_text(x, body, "ended_at", "call.ended_at");
}

json_t *callback_body(struct sb_exchange *x)
{
    json_t *body = sb_keep(x, json_object());
    int sequence = is_notice(x) ? SEQUENCE_DELAYED : SEQUENCE_CREATED;

    (void)json_object_set_new(body, "event", json_string(callback_event(x)));
    (void)json_object_set_new(body, "id", json_string(callback_event_id(x)));
    (void)json_object_set_new(body, "sequence", json_integer(sequence));
    add_conversation(x, body);
    (void)json_object_set_new(body, "reference", json_string(callback_reference(x)));
    copy_text(x, body, "ticket_number", "ticket.number");
    copy_text(x, body, "ticket_url", "ticket.url");
    (void)json_object_set_new(body, "attached", json_boolean(sb_get_bool(x, "ticket.attached", false)));
    (void)json_object_set_new(body, "message", json_string(message(x)));
    copy_text(x, body, "created_at", is_notice(x) ? "notice.at" : "ticket.created_at");
    return json_incref(body);
}

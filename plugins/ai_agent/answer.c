/* How an escalation stands, as agents are told. */
#include "ai_agent.h"

#include <string.h>

json_t *agent_error(const char *code, const char *message)
{
    return json_pack("{s:{s:s, s:s}}", "error", "code", code, "message", message);
}

json_t *agent_mistakes(const json_t *errors)
{
    return json_pack("{s:{s:s, s:s, s:O}}", "error", "code", "invalid", "message",
                     "the escalation is not as it must be; nothing was taken", "details", errors);
}

/* ---- the same id again --------------------------------------------------------------------------------- */

static bool is_same(const json_t *now, const json_t *then)
{
    return now && then ? json_equal(now, then) != 0 : now == then;
}

/* Without what the record's first step adds. */
static bool is_same_user(struct sb_exchange *x, const json_t *now, const json_t *then)
{
    json_t *given = sb_keep(x, json_copy((json_t *)(uintptr_t)then));

    (void)json_object_del(given, "phone_e164"); /* it may not be there */
    return is_same(now, given);
}

/* Without what became of them: a file, its size and type, or why there is none. */
static bool is_same_attachment(const json_t *now, const json_t *then)
{
    const json_t *type = json_object_get(now, "content_type");

    return is_same(json_object_get(now, "name"), json_object_get(then, "name")) &&
           is_same(json_object_get(now, "url"), json_object_get(then, "url")) &&
           is_same(json_object_get(now, "base64"), json_object_get(then, "base64")) &&
           (!type || is_same(type, json_object_get(then, "content_type")));
}

static bool is_same_conversation(const json_t *now, const json_t *then)
{
    const json_t *items = json_object_get(json_object_get(now, "attachments"), "items");
    const json_t *others = json_object_get(json_object_get(then, "attachments"), "items");
    size_t index;
    json_t *item;

    if (!is_same(json_object_get(now, "conversation"), json_object_get(then, "conversation")) ||
        json_array_size(items) != json_array_size(others))
        return false;
    json_array_foreach (items, index, item) {
        if (!is_same_attachment(item, json_array_get(others, index)))
            return false;
    }
    return true;
}

/* The parts of the body that are not what they were, as JSON pointers, from the records that were made of both. */
static json_t *differences(struct sb_exchange *x, const json_t *now, const json_t *then)
{
    static const char *const members[] = { "summary",  "reason_code",  "reason",   "steps_tried",
                                           "category", "priority",     "language", "channel",
                                           "metadata", "callback_url", NULL };
    const json_t *escalation = json_object_get(now, "escalation"),
                 *before = json_object_get(then, "escalation");
    json_t *list = sb_keep(x, json_array());
    bool has_reason = false;

    for (const char *const *name = members; *name; name++) {
        bool is_reason = strncmp(*name, "reason", strlen("reason")) == 0;
        if (is_same(json_object_get(escalation, *name), json_object_get(before, *name)) ||
            (is_reason && has_reason))
            continue;
        has_reason = has_reason || is_reason;
        agent_append(x, list, json_string(is_reason ? "/reason" : sb_printf(x, "/%s", *name)));
    }
    if (!is_same_user(x, json_object_get(now, "user"), json_object_get(then, "user")))
        agent_append(x, list, json_string("/user"));
    if (!is_same_conversation(now, then))
        agent_append(x, list, json_string("/conversation"));
    if (json_array_size(list) == 0)
        agent_append(x, list, json_string("")); /* the whole: an empty part is not an absent one */
    return list;
}

static json_t *conflict(struct sb_exchange *x, const struct sb_known *known)
{
    json_t *then = sb_keep(x, json_pack("{s:O?, s:O?, s:O?, s:O?}", "escalation", sb_get(x, "escalation"),
                                        "user", sb_get(x, "user"), "conversation", sb_get(x, "conversation"),
                                        "attachments", sb_get(x, "attachments")));
    json_t *list = differences(x, json_object_get(known->kept, "record"), then);

    return json_pack("{s:{s:s, s:s, s:s?, s:O}}", "error", "code", "conflict", "message",
                     "this id was used before, with another content; use a new id for a new escalation", "id",
                     sb_json_str(known->kept, "id"), "differs", list);
}

/* ---- how it stands ------------------------------------------------------------------------------------- */

static bool has_ticket(const struct sb_exchange *x)
{
    return sb_get_str(x, "ticket.number") || sb_get_str(x, "ticket.id");
}

static const char *status_of(const struct sb_exchange *x, const char *state)
{
    if (has_ticket(x))
        return "ticket_created";
    if (strcmp(state, "active") == 0)
        return "accepted";
    if (strcmp(state, "dead") == 0)
        return "failed";
    return strcmp(state, "expired") == 0 ? "expired" : "closed";
}

static const char *message_of(const char *status)
{
    if (strcmp(status, "accepted") == 0)
        return "it is kept, and a ticket will be made of it";
    if (strcmp(status, "failed") == 0)
        return "no ticket could be made yet; the people who run this system see it, and can try it again";
    if (strcmp(status, "expired") == 0)
        return "it was taken before, and what is known of it was deleted since";
    return strcmp(status, "closed") == 0 ? "it has ended without a ticket" : "a ticket was made of it";
}

static void put_text(struct sb_exchange *x, json_t *object, const char *name, const char *text)
{
    if (text)
        agent_put(x, object, name, json_string(text));
}

static void put_time(struct sb_exchange *x, json_t *object, const char *name, int64_t ms)
{
    if (ms > 0)
        agent_put(x, object, name, json_string(sb_rfc3339(x, ms)));
}

static void put_ticket(struct sb_exchange *x, json_t *body)
{
    json_t *ticket = json_object();

    agent_put(x, body, "ticket", ticket);
    put_text(x, ticket, "number", sb_get_str(x, "ticket.number"));
    put_text(x, ticket, "id", sb_get_str(x, "ticket.id"));
    put_text(x, ticket, "url", sb_get_str(x, "ticket.url"));
    put_text(x, ticket, "created_at", sb_get_str(x, "ticket.created_at"));
    agent_put(x, ticket, "attached", json_boolean(sb_get_bool(x, "ticket.attached", false)));
    put_text(x, body, "user_message", sb_get_str(x, "ticket.user_message"));
}

static json_t *standing(struct sb_exchange *x, const struct sb_known *known, const char *id)
{
    const char *status = status_of(x, known->state);
    json_t *body = sb_keep(x, json_object());

    put_text(x, body, "id", id);
    put_text(x, body, "status", status);
    put_text(x, body, "message", message_of(status));
    put_text(x, body, "state", known->state);
    put_text(x, body, "reference", sb_reference(x));
    put_text(x, body, "location", sb_printf(x, "/v1/escalations/%s", id));
    put_time(x, body, "received_at", known->received_ms);
    put_time(x, body, "updated_at", known->updated_ms);
    put_time(x, body, "ended_at", known->ended_ms);
    if (has_ticket(x))
        put_ticket(x, body);
    if (known->reason && strcmp(known->state, "active") != 0)
        put_text(x, body, "why", known->reason);
    return json_incref(body);
}

enum sb_verdict agent_answer(struct sb_exchange *x, bool is_question, int *ret_status, json_t **ret_body)
{
    const struct sb_known *known = sb_known(x);
    const char *id = sb_json_str(known->kept, "id");
    const char *digest = sb_json_str(known->kept, "digest"), *before = sb_get_str(x, "escalation.digest");
    int64_t wait_ms = sb_json_int(known->kept, "wait_ms", 0);

    if (!known->state) {
        *ret_status = 404;
        *ret_body = agent_error("not_found", "you have sent no escalation with this id");
        return SB_OK;
    }
    if (!is_question && before && digest && strcmp(before, digest) != 0) {
        *ret_status = 409;
        *ret_body = conflict(x, known);
        return SB_OK;
    }
    if (wait_ms > 0 && sb_round(x) == 1 && strcmp(known->state, "active") == 0 &&
        !sb_get_str(x, "ticket.user_message")) {
        sb_await(x, sb_in_caller(x), id, wait_ms, json_incref((json_t *)(uintptr_t)known->kept));
        return SB_AGAIN;
    }
    bool is_gone = strcmp(known->state, "expired") == 0;
    *ret_status = is_question || is_gone ? 200 : wait_ms > 0 && has_ticket(x) ? 201 : 202;
    *ret_body = standing(x, known, id);
    return SB_OK;
}

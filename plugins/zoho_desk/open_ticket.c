/* An escalation about a matter that has an open ticket already: it is added to that ticket as a note, in parts like any
 * other, instead of becoming a ticket of its own. */
#include "escalation.h"

#include <string.h>

enum { EXPLAINED_MAX = 100 };

/* ---- which ticket ---- */

bool desk_may_attach(struct sb_exchange *x)
{
    const char *contact_id = sb_get_str(x, "contact.id");
    const char *fallback = sb_option_str(x, "fallback_contact_id");
    return desk_has_user(x) && strcmp(sb_option_str(x, "attach_to_open"), "never") != 0 &&
           desk_is_id(contact_id) && !(fallback && strcmp(fallback, contact_id) == 0);
}

const char *desk_open_key(struct sb_exchange *x)
{
    return desk_may_attach(x) ? sb_printf(x, "tickets:%s", sb_get_str(x, "contact.id")) : NULL;
}

/* A contact that this record made may have a ticket as well: of another escalation, which found it meanwhile. */
enum sb_verdict desk_find_open_build(struct sb_exchange *x)
{
    if (!desk_may_attach(x) || sb_get_str(x, "ticket.id"))
        return SB_SKIP;
    desk_list_request(x);
    return SB_OK;
}

static int64_t time_of(const json_t *ticket, const char *key)
{
    const char *text = sb_json_str(ticket, key);
    return text ? sb_parse_rfc3339(text) : -1;
}

static bool is_true(const json_t *ticket, const char *key)
{
    return json_is_true(json_object_get(ticket, key));
}

/* Open, of the same department, and begun or last written to by the customer within the window. */
static bool is_open(const struct sb_exchange *x, const json_t *ticket)
{
    const char *type = sb_json_str(ticket, "statusType");
    const char *status = type ? type : sb_json_str(ticket, "status");
    const char *department = sb_json_str(ticket, "departmentId");
    const char *wanted = sb_get_str(x, "ticket.departmentId");
    int64_t at_ms = time_of(ticket, "createdTime");
    int64_t written_ms = time_of(ticket, "customerResponseTime");
    if (written_ms > at_ms)
        at_ms = written_ms;
    if (!desk_is_id(sb_json_str(ticket, "id")) || !status || strcmp(status, "Closed") == 0 ||
        is_true(ticket, "isSpam") || is_true(ticket, "isArchived") || is_true(ticket, "isTrashed"))
        return false;
    if (department && wanted && strcmp(department, wanted) != 0)
        return false;
    return at_ms >= sb_now_ms(x) - sb_option_int(x, "attach_window");
}

/* What the script says about one ticket: true, false, or a table with `public` and `priority`. Without the function an
 * escalation is about no other ticket's matter. */
static int ask_script(struct sb_exchange *x, const json_t *ticket, bool *ret_is_same, const json_t **ret_said,
                      struct sb_error *err)
{
    json_t *said = NULL;
    *ret_is_same = false;
    *ret_said = NULL;
    if (!sb_script_has(x, "mapping", "same_matter"))
        return 0;
    int rc = sb_script_call(x, "mapping", "same_matter", ticket, &said, err);
    if (rc < 0)
        return rc;
    (void)sb_keep(x, said);
    *ret_is_same = json_is_object(said) || json_is_true(said);
    *ret_said = json_is_object(said) ? said : NULL;
    return 0;
}

/* Whether `to` is more urgent than `from`; names that nobody knows are taken at the script's word. */
static bool is_raise(const char *from, const char *to)
{
    static const char *const order[] = { "Low", "Medium", "High" };
    int before = -1, after = -1;
    for (int i = 0; i < 3; i++) {
        before = from && strcmp(from, order[i]) == 0 ? i : before;
        after = strcmp(to, order[i]) == 0 ? i : after;
    }
    return before < 0 || after < 0 ? !from || strcmp(from, to) != 0 : after > before;
}

void desk_attach_to(struct sb_exchange *x, const json_t *ticket, const json_t *said)
{
    const char *priority = sb_json_str(said, "priority");
    sb_set_str(x, "ticket.id", sb_json_str(ticket, "id"));
    sb_set_str(x, "ticket.number", sb_json_str(ticket, "ticketNumber"));
    sb_set_str(x, "ticket.url", sb_json_str(ticket, "webUrl"));
    sb_set_str(x, "ticket.created_at", sb_json_str(ticket, "createdTime"));
    sb_set_bool(x, "ticket.attached", true);
    sb_set_bool(x, "open_ticket.is_public", is_true(said, "public"));
    sb_set_int(x, "open_ticket.size_max", sb_option_int(x, "note_size_max"));
    if (priority && *priority && is_raise(sb_json_str(ticket, "priority"), priority))
        sb_set_str(x, "open_ticket.priority", desk_cut(x, desk_one_line(x, priority), EXPLAINED_MAX));
    sb_note(x, "added to the open ticket #%s", sb_get_str(x, "ticket.number"));
}

enum sb_verdict desk_find_open_fold(struct sb_exchange *x)
{
    struct sb_error err = SB_ERROR_INIT;
    const json_t *items = NULL;
    enum sb_verdict verdict = SB_OK;
    bool is_always = strcmp(sb_option_str(x, "attach_to_open"), "always") == 0;
    if (!desk_list_take(x, &items, &verdict))
        return verdict;
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *ticket = json_array_get(items, i);
        const json_t *said = NULL;
        bool is_same = false;
        if (!is_open(x, ticket))
            continue;
        if (ask_script(x, ticket, &is_same, &said, &err) < 0)
            return sb_script_failed(x, &err);
        if (is_same || is_always) {
            desk_attach_to(x, ticket, said);
            return SB_OK;
        }
    }
    return SB_OK;
}

/* ---- the note ---- */

static size_t parts_done(const struct sb_exchange *x)
{
    return json_array_size(sb_get(x, "open_ticket.ids"));
}

/* Kept from when the ticket was chosen: parts that are cut differently would not make a whole. */
static size_t size_max_of(const struct sb_exchange *x)
{
    return (size_t)sb_get_int(x, "open_ticket.size_max", sb_option_int(x, "note_size_max"));
}

static size_t parts_of(struct sb_exchange *x, const char *text)
{
    return desk_note_parts(text, size_max_of(x));
}

enum sb_verdict desk_attach_build(struct sb_exchange *x)
{
    const char *text = desk_text_whole(x);
    if (!sb_get_bool(x, "ticket.attached", false))
        return SB_SKIP;
    if (!text)
        text = "(nothing was said)";
    size_t count = parts_of(x, text);
    size_t index = sb_round(x);
    if (parts_done(x) >= count)
        return SB_SKIP;
    if (index < parts_done(x))
        return sb_again(x, 0);

    const char *part = desk_note_part(x, text, size_max_of(x), index);
    const char *id = desk_cut(x, desk_one_line(x, sb_get_str(x, "escalation.id")), EXPLAINED_MAX);
    const char *title = sb_get_str(x, "ticket.subject");
    const char *marker = sb_printf(x, "[SB-%s/A%zu]", sb_reference(x), index + 1);
    const char *head = count == 1 ? "" : sb_printf(x, "Part %zu of %zu ", index + 1, count);
    const struct desk_note note = {
        .ticket_id = sb_get_str(x, "ticket.id"),
        .marker = marker,
        .content = sb_printf(x, "Another escalation of this user: %s\n%s%s\n%s",
                             index == 0 && title ? desk_cut(x, title, (size_t)EXPLAINED_MAX * 2) : id, head,
                             marker, part),
        .is_public = sb_get_bool(x, "open_ticket.is_public", false),
    };
    sb_intent_keep(x, "parts", json_integer((json_int_t)count));
    desk_note_request(x, &note);
    return SB_OK;
}

static size_t take_part(struct sb_exchange *x, const json_t *comment)
{
    const json_t *before = sb_get(x, "open_ticket.ids");
    json_t *ids = before ? json_copy((json_t *)(uintptr_t)before) : json_array();
    json_array_append_new(ids, json_string(sb_json_str(comment, "id")));
    size_t done = json_array_size(ids);
    sb_set(x, "open_ticket.ids", ids);
    return done;
}

/* The ticket that it was to be added to is gone: it gets one of its own. */
static enum sb_verdict detach(struct sb_exchange *x)
{
    static const char *const facts[] = { "ticket.id", "ticket.number", "ticket.url", "ticket.created_at" };
    sb_note(x, "ticket #%s was deleted or merged meanwhile; the escalation gets a ticket of its own",
            sb_get_str(x, "ticket.number"));
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
        sb_set(x, facts[i], NULL);
    sb_set_bool(x, "ticket.attached", false);
    sb_set(x, "open_ticket", NULL);
    return SB_OK;
}

enum sb_verdict desk_attach_fold(struct sb_exchange *x)
{
    const json_t *comment = sb_http_json(x);
    if (sb_http_status(x) == 404)
        return detach(x);
    if (!desk_is_good(x) || !desk_is_id(sb_json_str(comment, "id")))
        return desk_refused(x, "add the escalation to the open ticket", "Desk.tickets.UPDATE");
    const char *text = desk_text_whole(x);
    size_t count = text ? parts_of(x, text) : 1;
    sb_found(x, sb_json_str(comment, "id"));
    return take_part(x, comment) < count ? sb_again(x, 0) : SB_OK;
}

enum sb_verdict desk_reconcile_attach_fold(struct sb_exchange *x)
{
    enum sb_verdict verdict = SB_OK;
    /* On a ticket that is gone there is no note: sending it again says so, and then it gets a ticket of its own. */
    if (sb_http_status(x) == 404)
        return sb_skip(x, "the ticket is gone");
    const json_t *comment = desk_note_look(x, &verdict);
    if (!comment)
        return verdict;
    if (take_part(x, comment) < (size_t)json_integer_value(sb_intent_get(x, "parts")))
        sb_more(x);
    return SB_OK;
}

/* ---- its priority ---- */

enum sb_verdict desk_raise_build(struct sb_exchange *x)
{
    const char *priority = sb_get_str(x, "open_ticket.priority");
    if (!priority || !sb_get_bool(x, "ticket.attached", false))
        return SB_SKIP;
    desk_request(x, "PATCH", "/tickets", sb_option_str(x, "org_id"));
    sb_path(x, sb_get_str(x, "ticket.id"));
    sb_body_json(x, json_pack("{s:s}", "priority", priority));
    return SB_OK;
}

/* Not worth a dead letter: the note is on the ticket. */
enum sb_verdict desk_raise_fold(struct sb_exchange *x)
{
    int status = sb_http_status(x);
    if (desk_is_good(x)) {
        sb_note(x, "raised the priority of ticket #%s", sb_get_str(x, "ticket.number"));
        return SB_OK;
    }
    if (status == 404 || status == 422) {
        sb_note(x, "the priority of ticket #%s could not be raised: Zoho Desk answered %d",
                sb_get_str(x, "ticket.number"), status);
        return SB_OK;
    }
    return desk_refused(x, "raise the priority of the ticket", "Desk.tickets.UPDATE");
}

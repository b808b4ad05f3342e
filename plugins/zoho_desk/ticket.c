/* The ticket: made once, and found again after a lost answer by the reference at the end of its subject. */
#include "escalation.h"

#include <string.h>

enum { EARLIER_MS = 60 * 1000 }; /* clocks differ: how much older than its intent a ticket may look */

static const char list_scopes[] = "Desk.contacts.READ,Desk.tickets.READ,Desk.search.READ";

static enum sb_verdict send_ticket(struct sb_exchange *x)
{
    const char *contact_id = sb_get_str(x, "contact.id");
    bool is_inline = desk_has_user(x) && !contact_id && sb_get_str(x, "matching.refused");
    if (!is_inline && !desk_is_id(contact_id))
        return sb_reject(x, "cannot create the ticket: the record has no contact");

    json_t *body = sb_keep(x, json_object());
    desk_fields_copy(sb_get(x, "ticket"), body);
    if (is_inline)
        json_object_set(body, "contact", desk_user_inline(x));
    else
        json_object_set_new(body, "contactId", json_string(contact_id));

    const char *org_id = sb_option_str(x, "org_id");
    const char *custom = sb_option_str(x, "reference_field");
    sb_intent_keep(x, "org_id", json_string(org_id));
    sb_intent_keep(x, "contact_id", json_string(contact_id ? contact_id : ""));
    sb_intent_keep(x, "department_id", json_string(sb_get_str(x, "ticket.departmentId")));
    sb_intent_keep(x, "reference", json_string(sb_reference(x)));
    sb_intent_keep(x, "reference_field", json_string(custom ? custom : ""));

    desk_request(x, "POST", "/tickets", org_id);
    sb_body_json(x, json_incref(body));
    return SB_OK;
}

enum sb_verdict desk_create_ticket_build(struct sb_exchange *x)
{
    if (sb_get_str(x, "ticket.id"))
        return sb_skip(x, "the ticket exists");
    if (!desk_has_user(x) && !sb_get_str(x, "contact.id") && sb_get_str(x, "matching.refused"))
        return sb_skip(x, "the caller's contact is looked for anew");
    return send_ticket(x);
}

enum sb_verdict desk_create_ticket_anew_build(struct sb_exchange *x)
{
    return sb_get_str(x, "ticket.id") ? SB_SKIP : send_ticket(x);
}

void desk_ticket_take(struct sb_exchange *x, const json_t *ticket)
{
    const char *number = sb_json_str(ticket, "ticketNumber");
    const char *sid = sb_get_str(x, "call.sid");
    sb_set_str(x, "ticket.id", sb_json_str(ticket, "id"));
    sb_set_str(x, "ticket.number", number);
    sb_set_str(x, "ticket.url", sb_json_str(ticket, "webUrl"));
    sb_set_str(x, "ticket.created_at", sb_json_str(ticket, "createdTime"));
    if (!sid)
        sid = sb_get_str(x, "source.external_id");
    /* The service chose or made the contact when the ticket held one instead of an id. */
    if (!sb_get_str(x, "contact.id") && desk_is_id(sb_json_str(ticket, "contactId")))
        sb_set_str(x, "contact.id", sb_json_str(ticket, "contactId"));
    sb_note(x, "created Zoho Desk ticket #%s for %s %s", number ? number : "?",
            desk_has_user(x) ? "escalation" : "call", sid ? sid : "?");
}

const json_t *desk_own_ticket(struct sb_exchange *x, const json_t *items)
{
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *ticket = json_array_get(items, i);
        if (desk_ticket_is_ours(x, ticket, sb_reference(x), sb_option_str(x, "reference_field")))
            return ticket;
    }
    return NULL;
}

/* The contact was deleted a moment ago, or belongs to another department, which only this answer tells. The ticket of an
 * escalation is sent once more with the person instead of the id: the service finds a contact by e-mail, or makes one, in
 * the same step that makes the ticket, so that both happen once. A caller has no e-mail address, and a contact inside of a
 * ticket no number: the steps behind this one look for another contact, or make one, under the number's lock. */
static enum sb_verdict leave_contact(struct sb_exchange *x)
{
    bool has_user = desk_has_user(x);
    const char *id = sb_get_str(x, "contact.id");
    const char *by = sb_get_str(x, "matching.by");
    sb_note(x, "contact %s is refused for the ticket: deleted, or of another department; %s", id,
            has_user ? "the ticket is sent with the user's name and e-mail address instead"
                     : "another contact of the caller is looked for, or made");
    sb_set_str(x, "matching.refused", id);
    if (has_user) {
        sb_set_str(x, "matching.refused_by", by ? by : "an earlier escalation");
        sb_set_str(x, "matching.by", "Zoho Desk's own choice");
    }
    desk_mark_gone(x, id);
    sb_set(x, "contact", NULL);
    return sb_again(x, 0);
}

enum sb_verdict desk_create_ticket_fold(struct sb_exchange *x)
{
    const json_t *ticket = sb_http_json(x);
    if (desk_is_good(x) && desk_is_id(sb_json_str(ticket, "id"))) {
        desk_ticket_take(x, ticket);
        sb_found(x, sb_json_str(ticket, "id"));
        return SB_OK;
    }
    const char *contact_id = sb_get_str(x, "contact.id");
    bool is_contact_refused = contact_id && sb_http_status(x) == 422 && desk_blames(x, "/contactId", NULL);
    const char *before = sb_get_str(x, "matching.refused");
    if (is_contact_refused && (desk_has_user(x) || !before))
        return leave_contact(x);
    if (is_contact_refused)
        return sb_reject(
            x,
            "cannot create the ticket: Zoho Desk refuses contact %s, as it did contact %s before: "
            "deleted, or of another department; restore contact %s, then retry",
            contact_id, before, contact_id);
    if (sb_http_status(x) == 422 && desk_blames(x, "/departmentId", NULL))
        return sb_reject(
            x,
            "cannot create the ticket: organization '%s' has no department '%s'; correct department_id "
            "(ZOHO_DESK_DEPARTMENT_ID) or the mapping script",
            sb_option_str(x, "org_id"), sb_get_str(x, "ticket.departmentId"));
    return desk_refused(x, "create the ticket", "Desk.tickets.CREATE");
}

/* ---- reconcile -----------------------------------------------------------------------------------------
 *
 * Round 0 reads the newest tickets of the contact, which show at once. Round 1 asks the search, which sees
 * the ticket also when its contact was merged into another, but late. Rounds 2 and on go back through the
 * list until before the conversation: a record that comes out of a backup may have its ticket for long. */

enum { ROUND_SEARCH = 1 };

static size_t list_page(uint32_t round)
{
    return round > ROUND_SEARCH ? round - 1 : 0;
}

void desk_ticket_search(struct sb_exchange *x, const char *org_id, const char *custom, const char *reference)
{
    desk_request(x, "GET", "/tickets/search", org_id);
    if (custom && *custom)
        sb_query(x, "customField1", sb_printf(x, "%s:%s", custom, reference));
    else
        sb_query(x, "_all", reference);
    sb_query_int(x, "limit", DESK_PAGE);
}

/* A ticket that was sent with a person instead of a contact's id can only be searched for. */
static bool has_contact(const struct sb_exchange *x)
{
    return desk_is_id(sb_intent_str(x, "contact_id"));
}

/* The one ticket that an operator has named. */
static enum sb_verdict named_build(struct sb_exchange *x, const char *id)
{
    if (!desk_is_id(id))
        return sb_reject(
            x, "'%s' is not the id of a ticket, which is the long number in its address, not #123", id);
    desk_request(x, "GET", "/tickets", sb_intent_str(x, "org_id"));
    sb_path(x, id);
    return SB_OK;
}

enum sb_verdict desk_reconcile_ticket_build(struct sb_exchange *x)
{
    if (sb_look_id(x))
        return named_build(x, sb_look_id(x));
    if (sb_round(x) == ROUND_SEARCH || !has_contact(x)) {
        desk_ticket_search(x, sb_intent_str(x, "org_id"), sb_intent_str(x, "reference_field"),
                           sb_intent_str(x, "reference"));
        return SB_OK;
    }
    desk_request(x, "GET", "/contacts", sb_intent_str(x, "org_id"));
    sb_path(x, sb_intent_str(x, "contact_id"));
    sb_paths(x, "/tickets");
    sb_query(x, "sortBy", "-createdTime");
    sb_query_int(x, "limit", DESK_PAGE);
    sb_query_int(x, "from", (int64_t)(list_page(sb_round(x)) * DESK_PAGE));
    return SB_OK;
}

/* Nothing less counts than the reference at the subject's end, or in the custom field. */
bool desk_ticket_is_ours(struct sb_exchange *x, const json_t *ticket, const char *reference,
                         const char *custom)
{
    const char *tail = sb_printf(x, "[SB-%s]", reference);
    const char *subject = sb_json_str(ticket, "subject");
    size_t tail_size = strlen(tail);
    size_t size = subject ? strlen(subject) : 0;
    if (!desk_is_id(sb_json_str(ticket, "id")))
        return false;
    while (size && subject[size - 1] == ' ')
        size--;
    if (subject && size >= tail_size && memcmp(subject + size - tail_size, tail, tail_size) == 0)
        return true;
    const char *value = custom && *custom ? sb_json_str(json_object_get(ticket, "cf"), custom) : NULL;
    return value && strcmp(value, reference) == 0;
}

/* No ticket of this record can be older: neither than its intent nor, when the record was restored from a
 * backup and the intent is new, than the conversation. */
static int64_t oldest_ms(const struct sb_exchange *x)
{
    int64_t at_ms = sb_intent_time_ms(x);
    int64_t source_ms = sb_get_int(x, "source.at_ms", at_ms);
    return (source_ms < at_ms ? source_ms : at_ms) - EARLIER_MS;
}

static bool is_before(const json_t *items, int64_t limit_ms)
{
    const json_t *last = json_array_get(items, json_array_size(items) - 1);
    const char *created = sb_json_str(last, "createdTime");
    int64_t created_ms = created ? sb_parse_rfc3339(created) : -1;
    return created_ms >= 0 && created_ms < limit_ms;
}

static bool is_ours(struct sb_exchange *x, const json_t *ticket)
{
    return desk_ticket_is_ours(x, ticket, sb_intent_str(x, "reference"), sb_intent_str(x, "reference_field"));
}

/* Without a readable answer a forced one is taken by its id alone. */
static enum sb_verdict named_fold(struct sb_exchange *x, const char *id)
{
    const json_t *ticket = sb_http_json(x);
    const char *read = desk_is_good(x) ? sb_json_str(ticket, "id") : NULL;
    bool is_read = read && strcmp(read, id) == 0;
    if (!is_read && !sb_look_is_forced(x))
        return sb_http_status(x) == 404 ? sb_reject(x, "Zoho Desk has no ticket with the id %s", id)
                                        : desk_refused(x, "read the ticket", "Desk.tickets.READ");
    if (is_read && !is_ours(x, ticket) && !sb_look_is_forced(x))
        return sb_reject(x, "ticket #%s does not carry the reference [SB-%s] at the end of its subject",
                         sb_json_str(ticket, "ticketNumber"), sb_intent_str(x, "reference"));
    if (is_read)
        desk_ticket_take(x, ticket);
    else
        sb_set_str(x, "ticket.id", id);
    sb_found(x, id);
    return SB_OK;
}

enum sb_verdict desk_reconcile_ticket_fold(struct sb_exchange *x)
{
    if (sb_look_id(x))
        return named_fold(x, sb_look_id(x));
    const json_t *items = NULL;
    uint32_t round = sb_round(x);
    /* A contact that is gone (merged, deleted) tells nothing: then the search has the last word, which finds a ticket on
     * whatever contact it is. Without that, such a record would be looked for for ever. */
    bool is_gone = sb_http_status(x) == 404 && round != ROUND_SEARCH;
    if (!is_gone && !desk_items(x, &items))
        return desk_refused(x, "look for the ticket that may have been created", list_scopes);

    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *ticket = json_array_get(items, i);
        if (!is_ours(x, ticket))
            continue;
        sb_found(x, sb_json_str(ticket, "id"));
        if (!sb_look_all(x)) {
            desk_ticket_take(x, ticket);
            return SB_OK;
        }
    }
    if (!has_contact(x))
        return sb_skip(x, "no ticket has this reference");
    if (round <= ROUND_SEARCH)
        return sb_again(x, 0);
    if (json_array_size(items) < DESK_PAGE || is_before(items, oldest_ms(x)))
        return sb_skip(x, "no ticket has this reference");
    if (list_page(round) + 1 >= DESK_LIST_PAGES_MAX)
        return sb_retry(x, "the contact has more than %d tickets since the call: not all were compared",
                        DESK_LIST_PAGES_MAX * DESK_PAGE);
    return sb_again(x, 0);
}

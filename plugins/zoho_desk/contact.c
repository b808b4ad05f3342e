/* The contact of the caller: remembered, checked, or searched for. All of it happens under the lock of the
 * caller's key, from here to the step that creates one. */
#include "user.h"

#include <string.h>

static const char scopes[] = "Desk.contacts.READ,Desk.search.READ";

/* Whether these steps have nothing (more) to do for the record. */
static bool is_settled(struct sb_exchange *x)
{
    return sb_get_str(x, "ticket.id") || sb_get_str(x, "contact.id");
}

enum sb_verdict desk_skip_settled(struct sb_exchange *x)
{
    return desk_has_user(x) || sb_get_str(x, "ticket.id") ? SB_SKIP : sb_skip(x, "the contact is known");
}

/* ---- the contact that was remembered ------------------------------------------------------------------- */

/* The id that the key's document holds for this organization, or NULL. */
static const char *remembered(struct sb_exchange *x)
{
    const json_t *known = sb_key_get(x, "contact");
    const char *org_id = sb_json_str(known, "org_id");
    const char *id = sb_json_str(known, "id");
    return id && org_id && strcmp(org_id, sb_option_str(x, "org_id")) == 0 ? id : NULL;
}

static void remember(struct sb_exchange *x, const char *id)
{
    json_t *known = json_object();
    json_object_set_new(known, "id", json_string(id));
    json_object_set_new(known, "org_id", json_string(sb_option_str(x, "org_id")));
    json_object_set_new(known, "checked_ms", json_integer(sb_now_ms(x)));
    sb_key_set(x, "contact", known);
}

void desk_contact_link(struct sb_exchange *x, const json_t *contact, bool is_new)
{
    const char *id = sb_json_str(contact, "id");
    sb_set_str(x, "contact.id", id);
    sb_set_bool(x, "contact.created", is_new);
    sb_set_str(x, "contact.url", sb_json_str(contact, "webUrl"));
    remember(x, id);
}

/* The record may hold a contact from an earlier try whose ticket was refused: then nothing is taken on trust.
 */
enum sb_verdict desk_check_contact_build(struct sb_exchange *x)
{
    if (desk_has_user(x))
        return desk_user_check_build(x);
    if (sb_get_str(x, "ticket.id"))
        return SB_SKIP;
    const char *known = remembered(x);
    const char *before = sb_get_str(x, "contact.id");
    if (known && desk_is_gone(x, known)) {
        sb_key_set(x, "contact", NULL);
        known = NULL;
    }
    if (!known && !before)
        return sb_skip(x, "no contact is remembered for this caller");

    int64_t age_ms = sb_now_ms(x) - sb_json_int(sb_key_get(x, "contact"), "checked_ms", 0);
    if (known && !before && age_ms >= 0 && age_ms < sb_option_int(x, "contact_check")) {
        sb_set_str(x, "contact.id", known);
        sb_set_bool(x, "contact.created", false);
        return sb_skip(x, "the contact is remembered");
    }
    desk_request(x, "GET", "/contacts", sb_option_str(x, "org_id"));
    sb_path(x, known ? known : before);
    return SB_OK;
}

static enum sb_verdict forget(struct sb_exchange *x, const char *id, const char *why)
{
    sb_set_str(x, "matching.forgotten", id);
    sb_note(x, "the contact that was linked before %s; looking for the caller's contact again", why);
    sb_key_set(x, "contact", NULL);
    sb_set(x, "contact", NULL);
    return SB_OK;
}

enum sb_verdict desk_check_contact_fold(struct sb_exchange *x)
{
    if (desk_has_user(x))
        return desk_user_check_fold(x);
    const char *known = remembered(x);
    const char *asked = known ? known : sb_get_str(x, "contact.id");
    if (sb_http_status(x) == 404)
        return forget(x, asked, "no longer exists");
    const json_t *contact = sb_http_json(x);
    if (!desk_is_good(x) || !desk_is_id(sb_json_str(contact, "id")))
        return desk_refused(x, "read the contact", "Desk.contacts.READ");

    struct desk_caller caller;
    const char *fallback = sb_option_str(x, "fallback_contact_id");
    desk_caller_read(x, &caller);
    bool is_fallback = fallback && strcmp(fallback, sb_json_str(contact, "id")) == 0;
    if (json_is_true(json_object_get(contact, "isTrashed")) ||
        json_is_true(json_object_get(contact, "isDeleted")))
        return forget(x, asked, "was deleted");
    if (!is_fallback && !desk_caller_is(x, &caller, contact))
        return forget(x, asked, "has another number now");
    desk_contact_link(x, contact, false);
    return SB_OK;
}

/* ---- searches ------------------------------------------------------------------------------------------ */

static void search_page(struct sb_exchange *x, const char *org_id, const char *field, const char *what,
                        int64_t from)
{
    desk_request(x, "GET", "/contacts/search", org_id);
    sb_query(x, field, what);
    sb_query(x, "sortBy", "createdTime");
    sb_query_int(x, "limit", DESK_SEARCH_PAGE);
    sb_query_int(x, "from", from);
}

/* The service compares text: a wildcard in front finds the number behind any way of writing the country. */
void desk_contact_search(struct sb_exchange *x, const struct desk_caller *caller, const char *field,
                         const char *org_id, int64_t from)
{
    if (caller->kind == DESK_CALLER_NUMBER)
        search_page(x, org_id, field, sb_printf(x, "*%s", caller->digits), from);
    else if (caller->kind == DESK_CALLER_ID)
        search_page(x, org_id, field, caller->text, from);
    else
        search_page(x, org_id, "lastName", sb_option_str(x, "unknown_caller_name"), from);
}

static int64_t page_start(const struct sb_exchange *x)
{
    return (int64_t)sb_round(x) * DESK_SEARCH_PAGE;
}

static enum sb_verdict find_build(struct sb_exchange *x, const char *field)
{
    struct desk_caller caller;
    if (is_settled(x))
        return desk_skip_settled(x);
    desk_caller_read(x, &caller);
    const char *fallback = sb_option_str(x, "fallback_contact_id");
    if (caller.kind == DESK_CALLER_UNKNOWN && desk_has_user(x))
        return SB_SKIP;
    if (caller.kind == DESK_CALLER_UNKNOWN && (strcmp(field, "mobile") == 0 || (fallback && *fallback)))
        return sb_skip(x, "the caller withheld the number");
    desk_contact_search(x, &caller, field, sb_option_str(x, "org_id"), page_start(x));
    return SB_OK;
}

enum sb_verdict desk_find_phone_build(struct sb_exchange *x)
{
    return find_build(x, "phone");
}

enum sb_verdict desk_find_mobile_build(struct sb_exchange *x)
{
    return find_build(x, "mobile");
}

/* "98765 43210" is not found by its ten digits in one piece. Its last four are nearly always written
 * together, and few contacts share them; what comes back is compared digit by digit. */
static enum sb_verdict find_written_build(struct sb_exchange *x, const char *field)
{
    struct desk_caller caller;
    if (is_settled(x))
        return desk_skip_settled(x);
    desk_caller_read(x, &caller);
    if (!sb_option_bool(x, "search_written"))
        return sb_skip(x, "search_written is off");
    if (caller.kind != DESK_CALLER_NUMBER || strlen(caller.digits) < DESK_NUMBER_DIGITS)
        return sb_skip(x, "the caller has no full number");
    const char *tail = caller.digits + strlen(caller.digits) - DESK_TAIL_DIGITS;
    search_page(x, sb_option_str(x, "org_id"), field, sb_printf(x, "*%s", tail), page_start(x));
    return SB_OK;
}

enum sb_verdict desk_find_written_phone_build(struct sb_exchange *x)
{
    return find_written_build(x, "phone");
}

enum sb_verdict desk_find_written_mobile_build(struct sb_exchange *x)
{
    return find_written_build(x, "mobile");
}

enum sb_verdict desk_find_fold(struct sb_exchange *x)
{
    const json_t *items = NULL;
    if (!desk_items(x, &items))
        return desk_refused(x, "search contacts", scopes);

    struct desk_caller caller;
    size_t count = 0;
    desk_caller_read(x, &caller);
    const json_t *contact = desk_has_user(x) ? desk_user_pick(x, DESK_FIT_PHONE, NULL, items)
                                             : desk_caller_pick(x, &caller, items, &count);
    if (contact && desk_has_user(x)) {
        desk_user_link(x, contact, false, "the number");
        return SB_OK;
    }
    if (contact) {
        if (count > 1)
            sb_note(x, "%zu contacts fit the caller; contact %s is linked", count,
                    sb_json_str(contact, "id"));
        desk_contact_link(x, contact, false);
        return SB_OK;
    }
    if (json_array_size(items) < DESK_SEARCH_PAGE || sb_round(x) + 1 >= DESK_SEARCH_PAGES_MAX)
        return SB_OK;
    return sb_again(x, 0);
}

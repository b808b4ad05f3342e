/* A contact for a caller who has none: made once, and found again after a lost answer. */
#include "user.h"

#include <string.h>

enum {
    AWAIT_FIRST_MS = 5000, /* the search index follows creation after seconds, sometimes minutes */
    AWAIT_MS = 30 * 1000,
    AWAIT_MS_MAX = 15 * 60 * 1000
};

static const char search_scopes[] = "Desk.contacts.READ,Desk.search.READ";

/* Without leave to make contacts, or without a number, the contact that the options name for such calls. */
static enum sb_verdict link_fallback(struct sb_exchange *x, const char *fallback)
{
    if (desk_is_gone(x, fallback))
        return sb_reject(x,
                         "cannot create the ticket: Zoho Desk refuses fallback_contact_id %s: deleted, or of "
                         "another department; set another one, then retry",
                         fallback);
    sb_set_str(x, "contact.id", fallback);
    sb_set_bool(x, "contact.created", false);
    return sb_skip(x, "the ticket goes to fallback_contact_id");
}

static enum sb_verdict refuse_to_create(struct sb_exchange *x)
{
    const char *refused = sb_get_str(x, "matching.refused");
    const char *which = refused ? sb_printf(x, "no contact in Zoho Desk but %s, which was refused,", refused)
                                : "no contact in Zoho Desk";
    return sb_reject(x,
                     "%s has the caller's number, and auto_create_contact is off: add %s contact and retry, "
                     "set fallback_contact_id, or set auto_create_contact = true",
                     which, refused ? "another" : "the");
}

/* Kept by the exchange. */
static json_t *contact_body(struct sb_exchange *x, const struct desk_caller *caller)
{
    json_t *body = sb_keep(x, json_object());
    json_object_set_new(body, "lastName", json_string(desk_caller_name(x, caller)));
    if (caller->kind == DESK_CALLER_UNKNOWN)
        return body;
    const char *phone = caller->e164 ? caller->e164 : desk_one_line(x, caller->text);
    json_object_set_new(body, "phone", json_string(desk_cut(x, phone, DESK_PHONE_MAX)));
    return body;
}

enum sb_verdict desk_create_contact_build(struct sb_exchange *x)
{
    if (desk_has_user(x))
        return desk_user_create_build(x);
    struct desk_caller caller;
    if (sb_get_str(x, "ticket.id") || sb_get_str(x, "contact.id"))
        return desk_skip_settled(x);
    desk_caller_read(x, &caller);

    const char *fallback = sb_option_str(x, "fallback_contact_id");
    bool may_create = sb_option_bool(x, "auto_create_contact");
    if (fallback && *fallback && (!may_create || caller.kind == DESK_CALLER_UNKNOWN))
        return link_fallback(x, fallback);
    if (!may_create)
        return refuse_to_create(x);

    desk_caller_keep(x, &caller);
    sb_intent_keep(x, "org_id", json_string(sb_option_str(x, "org_id")));
    desk_request(x, "POST", "/contacts", sb_option_str(x, "org_id"));
    sb_body_json(x, json_incref(contact_body(x, &caller)));
    return SB_OK;
}

enum sb_verdict desk_create_contact_fold(struct sb_exchange *x)
{
    if (desk_has_user(x))
        return desk_user_create_fold(x);
    const json_t *contact = sb_http_json(x);
    if (desk_is_good(x) && desk_is_id(sb_json_str(contact, "id"))) {
        desk_contact_link(x, contact, true);
        return SB_OK;
    }
    /* The number must be unique in this layout, and somebody has it: the search did not show the contact yet.
     */
    if (sb_http_status(x) == 422 &&
        (desk_blames(x, "/phone", "duplicate") || desk_blames(x, "/mobile", "duplicate"))) {
        sb_note(x, "a contact with the caller's number exists, but the search does not show it yet");
        return sb_skip(x, "the contact exists already");
    }
    return desk_refused(x, "create the contact", "Desk.contacts.CREATE");
}

/* ---- reconcile ----------------------------------------------------------------------------------------- */

/* Round 0 looks into phone, where this plugin writes, round 1 into mobile, where people may have moved it. */
enum sb_verdict desk_reconcile_contact_build(struct sb_exchange *x)
{
    if (sb_intent_str(x, "ids"))
        return desk_user_reconcile_build(x);
    struct desk_caller caller;
    desk_caller_kept(x, &caller);
    desk_contact_search(x, &caller, sb_round(x) == 0 ? "phone" : "mobile", sb_intent_str(x, "org_id"), 0);
    return SB_OK;
}

enum sb_verdict desk_reconcile_contact_fold(struct sb_exchange *x)
{
    if (sb_intent_str(x, "ids"))
        return desk_user_reconcile_fold(x);
    const json_t *items = NULL;
    if (!desk_items(x, &items))
        return desk_refused(x, "search for the contact that may have been created", search_scopes);

    struct desk_caller caller;
    size_t count = 0;
    desk_caller_kept(x, &caller);
    const json_t *contact = desk_caller_pick(x, &caller, items, &count);
    if (contact) {
        if (count > 1)
            sb_note(x, "%zu contacts fit the caller; contact %s is linked", count,
                    sb_json_str(contact, "id"));
        desk_contact_link(x, contact, true);
        return SB_OK;
    }
    if (sb_round(x) == 0 && caller.kind != DESK_CALLER_UNKNOWN)
        return sb_again(x, 0);
    return sb_skip(x, "no such contact");
}

/* ---- a contact that exists and does not show ----------------------------------------------------------- */

enum sb_verdict desk_await_contact_build(struct sb_exchange *x)
{
    if (desk_has_user(x))
        return desk_user_await_build(x);
    struct desk_caller caller;
    if (sb_get_str(x, "ticket.id") || sb_get_str(x, "contact.id"))
        return desk_skip_settled(x);
    desk_caller_read(x, &caller);
    desk_contact_search(x, &caller, sb_round(x) % 2 == 0 ? "phone" : "mobile", sb_option_str(x, "org_id"), 0);
    return SB_OK;
}

/* A contact that this record made, and that was gone when a restart read it again, counts as made: the step that did it is
 * over. The steps behind the ticket make another one. */
static enum sb_verdict end_waiting(struct sb_exchange *x)
{
    const char *forgotten = sb_get_str(x, "matching.forgotten");
    if (!forgotten || sb_get_str(x, "matching.refused"))
        return sb_reject(
            x, "cannot create the contact: Zoho Desk calls the caller's number a duplicate, but no contact "
               "that the search shows has it");
    sb_set_str(x, "matching.refused", forgotten);
    desk_mark_gone(x, forgotten);
    return sb_skip(x, "the contact that was linked before is gone, and no other one shows");
}

enum sb_verdict desk_await_contact_fold(struct sb_exchange *x)
{
    if (desk_has_user(x))
        return desk_user_await_fold(x);
    const json_t *items = NULL;
    if (!desk_items(x, &items))
        return desk_refused(x, "search contacts", search_scopes);

    struct desk_caller caller;
    size_t count = 0;
    desk_caller_read(x, &caller);
    const json_t *contact = desk_caller_pick(x, &caller, items, &count);
    if (contact) {
        desk_contact_link(x, contact, false);
        return SB_OK;
    }
    if (sb_round(x) % 2 == 0)
        return sb_again(x, 0);
    if (sb_step_age_ms(x) > AWAIT_MS_MAX)
        return end_waiting(x);
    return sb_again(x, sb_round(x) < 2 ? AWAIT_FIRST_MS : AWAIT_MS);
}

/* A contact for a user who has none: made once, with the ids on it, and found again by them after a lost answer. */
#include "user.h"

#include <string.h>

enum {
    AWAIT_FIRST_MS = 5000, /* the search index follows creation after seconds, sometimes minutes */
    AWAIT_MS = 30 * 1000,
    AWAIT_MS_MAX = 15 * 60 * 1000,
    PLACES = 3 /* where a contact that does not show is looked for in turn */
};

static const char search_scopes[] = "Desk.contacts.READ,Desk.search.READ";

/* ---- remembered under the lock ---- */

static const char *remembered_id(const struct sb_exchange *x, const json_t *known)
{
    const char *id = sb_json_str(known, "id");
    const char *org_id = sb_json_str(known, "org_id");
    bool is_ours = org_id && strcmp(org_id, sb_option_str(x, "org_id")) == 0;
    return is_ours && desk_is_id(id) && !desk_is_gone(x, id) ? id : NULL;
}

static const char *own_id(const struct sb_exchange *x)
{
    return remembered_id(x, json_object_get(sb_key_get(x, "users"), sb_get_str(x, "user.id")));
}

/* The contact that this user was given under this lock, or the one that calls of the number go to: read in any case, for
 * the second has to be compared with the user. */
enum sb_verdict desk_user_check_build(struct sb_exchange *x)
{
    const char *id = own_id(x);
    struct desk_caller caller;
    if (sb_get_str(x, "ticket.id") || sb_get_str(x, "contact.id"))
        return SB_SKIP;
    desk_caller_read(x, &caller);
    if (!id && caller.kind == DESK_CALLER_NUMBER)
        id = remembered_id(x, sb_key_get(x, "contact"));
    if (!id)
        return SB_SKIP;
    desk_request(x, "GET", "/contacts", sb_option_str(x, "org_id"));
    sb_path(x, id);
    return SB_OK;
}

enum sb_verdict desk_user_check_fold(struct sb_exchange *x)
{
    const char *own = own_id(x);
    const char *asked = own ? own : remembered_id(x, sb_key_get(x, "contact"));
    const json_t *contact = sb_http_json(x);
    if (sb_http_status(x) == 404 || (desk_is_good(x) && desk_is_deleted(contact))) {
        desk_mark_gone(x, asked);
        return SB_OK;
    }
    if (!desk_is_good(x) || !desk_is_id(sb_json_str(contact, "id")))
        return desk_refused(x, "read the contact", "Desk.contacts.READ");
    if (own)
        desk_user_link(x, contact, false, "another escalation of the user");
    else if (desk_user_fits_phone(x, contact))
        desk_user_link(x, contact, false, "the number");
    return SB_OK;
}

/* ---- what a new contact carries ---- */

/* Signs that mean something in a search would keep the contact from being found by its name. */
static const char *plain_line(struct sb_exchange *x, const char *text)
{
    char *copy = sb_strdup(x, text ? text : "");
    for (char *p = copy; *p; p++)
        if (*p == '*' || *p == '$')
            *p = ' ';
    return desk_one_line(x, copy);
}

/* First and last name. One word is a last name, which the service demands; so is a name that is too long to be cut. */
static void split_name(struct sb_exchange *x, const char **ret_first, const char **ret_last)
{
    struct desk_user user;
    const char *name = plain_line(x, sb_get_str(x, "user.name"));
    const char *space = strrchr(name, ' ');
    *ret_first = NULL;
    desk_user_read(x, &user);
    if (!*name)
        name = user.email ? user.email : plain_line(x, sb_printf(x, "User %s", user.id));
    *ret_last = desk_cut(x, name, DESK_LAST_NAME_MAX);
    if (!space || desk_units(space + 1) == 0)
        return;
    const char *first = sb_strndup(x, name, (size_t)(space - name));
    if (desk_units(first) > DESK_FIRST_NAME_MAX)
        return;
    *ret_first = first;
    *ret_last = desk_cut(x, space + 1, DESK_LAST_NAME_MAX);
}

/* The ids on the contact, for people and for reconcile: there may be no custom field for them. */
static const char *ids_line(struct sb_exchange *x, const struct desk_user *user)
{
    const char *crm_id = user->crm_id ? user->crm_id : user->mapped_crm_id;
    const char *id = desk_one_line(x, user->id);
    return crm_id ? sb_printf(x, "User id: %s\nCRM id: %s", id, desk_one_line(x, crm_id))
                  : sb_printf(x, "User id: %s", id);
}

static void put_text(json_t *body, const char *key, const char *text)
{
    if (text && *text)
        json_object_set_new(body, key, json_string(text));
}

static const char *phone_text(struct sb_exchange *x)
{
    struct desk_caller caller;
    desk_caller_read(x, &caller);
    if (caller.kind == DESK_CALLER_UNKNOWN)
        return NULL;
    return desk_cut(x, caller.e164 ? caller.e164 : desk_one_line(x, caller.text), DESK_PHONE_MAX);
}

static json_t *contact_body(struct sb_exchange *x, const struct desk_user *user)
{
    const char *first = NULL;
    const char *last = NULL;
    const char *field = desk_user_field(x);
    json_t *body = sb_keep(x, json_object());
    split_name(x, &first, &last);
    put_text(body, "lastName", last);
    put_text(body, "firstName", first);
    put_text(body, "email", user->email);
    put_text(body, "phone", phone_text(x));
    put_text(body, "description", ids_line(x, user));
    if (field)
        json_object_set_new(body, "cf",
                            json_pack("{s:s}", field, desk_cut(x, desk_user_field_value(user), DESK_CF_MAX)));
    return body;
}

json_t *desk_user_inline(struct sb_exchange *x)
{
    struct desk_user user;
    const char *first = NULL;
    const char *last = NULL;
    json_t *contact = sb_keep(x, json_object());
    desk_user_read(x, &user);
    split_name(x, &first, &last);
    put_text(contact, "lastName", last);
    put_text(contact, "firstName", first);
    put_text(contact, "email", user.email);
    return contact;
}

/* ---- making it ---- */

enum sb_verdict desk_user_create_build(struct sb_exchange *x)
{
    struct desk_user user;
    const char *fallback = sb_option_str(x, "fallback_contact_id");
    if (sb_get_str(x, "ticket.id") || sb_get_str(x, "contact.id"))
        return SB_SKIP;
    if (!sb_option_bool(x, "auto_create_contact")) {
        if (!fallback || !*fallback)
            return sb_reject(x,
                             "no contact in Zoho Desk is the user's, and auto_create_contact is off: add the "
                             "contact and retry, set fallback_contact_id, or set auto_create_contact = true");
        sb_set_str(x, "contact.id", fallback);
        sb_set_bool(x, "contact.created", false);
        return sb_skip(x, "the ticket goes to fallback_contact_id");
    }

    desk_user_read(x, &user);
    json_t *body = contact_body(x, &user);
    const char *field = desk_user_field(x);
    sb_intent_keep(x, "org_id", json_string(sb_option_str(x, "org_id")));
    sb_intent_keep(x, "last_name", json_incref(json_object_get(body, "lastName")));
    sb_intent_keep(x, "email", user.email ? json_string(user.email) : json_null());
    sb_intent_keep(x, "ids", json_incref(json_object_get(body, "description")));
    sb_intent_keep(x, "field", field ? json_string(field) : json_null());
    sb_intent_keep(x, "field_value", json_string(desk_cut(x, desk_user_field_value(&user), DESK_CF_MAX)));
    desk_request(x, "POST", "/contacts", sb_option_str(x, "org_id"));
    sb_body_json(x, json_incref(body));
    return SB_OK;
}

static bool blames_duplicate(const struct sb_exchange *x)
{
    return sb_http_status(x) == 422 &&
           (desk_blames(x, "/phone", "duplicate") || desk_blames(x, "/mobile", "duplicate") ||
            desk_blames(x, "/email", "duplicate"));
}

enum sb_verdict desk_user_create_fold(struct sb_exchange *x)
{
    const json_t *contact = sb_http_json(x);
    if (desk_is_good(x) && desk_is_id(sb_json_str(contact, "id"))) {
        desk_user_link(x, contact, true, "new");
        sb_found(x, sb_json_str(contact, "id"));
        return SB_OK;
    }
    if (blames_duplicate(x)) {
        sb_note(
            x,
            "a contact with the user's e-mail address or number exists, but the search does not show it yet");
        return sb_skip(x, "the contact exists already");
    }
    return desk_refused(x, "create the contact", "Desk.contacts.CREATE");
}

/* ---- reconcile ----
 *
 * Round 0 asks for the last name, newest first, round 1 for the e-mail address. Only what
 * carries the ids is ours; however old it is, for a record out of a backup may have made it long ago. */

enum sb_verdict desk_user_reconcile_build(struct sb_exchange *x)
{
    const char *email = sb_intent_str(x, "email");
    desk_request(x, "GET", "/contacts/search", sb_intent_str(x, "org_id"));
    if (sb_round(x) == 0 || !email)
        sb_query(x, "lastName", sb_intent_str(x, "last_name"));
    else
        sb_query(x, "email", email);
    sb_query(x, "sortBy", "-createdTime");
    sb_query_int(x, "limit", DESK_SEARCH_PAGE);
    return SB_OK;
}

static bool carries_ids(struct sb_exchange *x, const json_t *contact)
{
    const char *field = sb_intent_str(x, "field");
    const char *value = field ? sb_json_str(json_object_get(contact, "cf"), field) : NULL;
    const char *wanted = sb_intent_str(x, "field_value");
    const char *ids = sb_intent_str(x, "ids");
    const char *description = sb_json_str(contact, "description");
    if (!desk_is_id(sb_json_str(contact, "id")) || desk_is_deleted(contact))
        return false;
    return (value && wanted && strcmp(value, wanted) == 0) ||
           (ids && description && strcmp(description, ids) == 0);
}

/* Both places, whatever is found: the same contact twice is one. */
static enum sb_verdict find_all(struct sb_exchange *x, const json_t *items)
{
    for (size_t i = 0; i < json_array_size(items); i++)
        if (carries_ids(x, json_array_get(items, i)))
            sb_found(x, sb_json_str(json_array_get(items, i), "id"));
    bool is_last = sb_round(x) > 0 || !sb_intent_str(x, "email");
    return is_last ? sb_skip(x, "all contacts were compared") : sb_again(x, 0);
}

enum sb_verdict desk_user_reconcile_fold(struct sb_exchange *x)
{
    const json_t *items = NULL;
    const char *named = sb_look_id(x);
    if (!desk_items(x, &items))
        return desk_refused(x, "search for the contact that may have been created", search_scopes);
    if (sb_look_all(x))
        return find_all(x, items);
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *contact = json_array_get(items, i);
        const char *id = sb_json_str(contact, "id");
        if (!carries_ids(x, contact) || (named && strcmp(named, id) != 0))
            continue;
        desk_user_link(x, contact, true, "new");
        sb_found(x, id);
        return SB_OK;
    }
    if (sb_round(x) == 0 && sb_intent_str(x, "email"))
        return sb_again(x, 0);
    return named ? sb_reject(x, "contact %s does not carry the ids of the user", named)
                 : sb_skip(x, "no such contact");
}

/* ---- a contact that exists and does not show ---- */

enum sb_verdict desk_user_await_build(struct sb_exchange *x)
{
    struct desk_user user;
    struct desk_caller caller;
    if (sb_get_str(x, "ticket.id") || sb_get_str(x, "contact.id"))
        return SB_SKIP;
    desk_user_read(x, &user);
    desk_caller_read(x, &caller);
    uint32_t place = sb_round(x) % PLACES;
    if ((place == 0 && !user.email) || (place != 0 && caller.kind == DESK_CALLER_UNKNOWN))
        return sb_again(x, place == PLACES - 1 ? AWAIT_MS : 0);
    if (place != 0) {
        desk_contact_search(x, &caller, place == 1 ? "phone" : "mobile", sb_option_str(x, "org_id"), 0);
        return SB_OK;
    }
    desk_request(x, "GET", "/contacts/search", sb_option_str(x, "org_id"));
    sb_query(x, "email", user.email);
    sb_query_int(x, "limit", DESK_SEARCH_PAGE);
    return SB_OK;
}

enum sb_verdict desk_user_await_fold(struct sb_exchange *x)
{
    const json_t *items = NULL;
    uint32_t place = sb_round(x) % PLACES;
    if (!desk_items(x, &items))
        return desk_refused(x, "search contacts", search_scopes);
    const json_t *contact =
        desk_user_pick(x, place == 0 ? DESK_FIT_TAKEN_EMAIL : DESK_FIT_TAKEN_PHONE, NULL, items);
    if (contact) {
        desk_user_link(x, contact, false, place == 0 ? "the e-mail address" : "the number");
        return SB_OK;
    }
    if (sb_step_age_ms(x) > AWAIT_MS_MAX)
        return sb_reject(x,
                         "cannot create the contact: Zoho Desk calls the user's e-mail address or number a "
                         "duplicate, but no contact that the search shows has it");
    if (place != PLACES - 1)
        return sb_again(x, 0);
    return sb_again(x, sb_round(x) < PLACES ? AWAIT_FIRST_MS : AWAIT_MS);
}

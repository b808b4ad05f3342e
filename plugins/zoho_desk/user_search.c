/* Searches for the user's contact: by the custom field, then by the e-mail address. What comes back is compared here, for
 * the service's search forgives more than a match may. */
#include "user.h"

#include <string.h>

static const char scopes[] = "Desk.contacts.READ,Desk.search.READ";

static bool is_settled(const struct sb_exchange *x)
{
    return !desk_has_user(x) || sb_get_str(x, "ticket.id") || sb_get_str(x, "contact.id");
}

static void search(struct sb_exchange *x, const char *parameter, const char *value)
{
    desk_request(x, "GET", "/contacts/search", sb_option_str(x, "org_id"));
    sb_query(x, parameter, value);
    sb_query(x, "sortBy", "createdTime");
    sb_query_int(x, "limit", DESK_SEARCH_PAGE);
    sb_query_int(x, "from", (int64_t)sb_round(x) * DESK_SEARCH_PAGE);
}

static enum sb_verdict take_found(struct sb_exchange *x, enum desk_fit fit, const char *wanted,
                                  const char *by)
{
    const json_t *items = NULL;
    if (!desk_items(x, &items))
        return desk_refused(x, "search contacts", scopes);
    const json_t *contact = desk_user_pick(x, fit, wanted, items);
    if (contact) {
        desk_user_link(x, contact, false, by);
        return SB_OK;
    }
    if (json_array_size(items) < DESK_SEARCH_PAGE || sb_round(x) + 1 >= DESK_SEARCH_PAGES_MAX)
        return SB_OK;
    return sb_again(x, 0);
}

/* ---- the custom field ---- */

/* A value with a sign of the search's own cannot be asked for exactly. */
static bool is_searchable(const char *value)
{
    return value && !strpbrk(value, "*$") && desk_units(value) <= DESK_CF_MAX;
}

static enum sb_verdict field_build(struct sb_exchange *x, const char *value)
{
    const char *field = desk_user_field(x);
    if (is_settled(x))
        return SB_SKIP;
    if (!field)
        return SB_SKIP;
    if (!is_searchable(value))
        return SB_SKIP;
    search(x, "customField1", sb_printf(x, "%s:%s", field, value));
    return SB_OK;
}

enum sb_verdict desk_find_crm_id_build(struct sb_exchange *x)
{
    struct desk_user user;
    desk_user_read(x, &user);
    return field_build(x, user.crm_id);
}

enum sb_verdict desk_find_crm_id_fold(struct sb_exchange *x)
{
    struct desk_user user;
    desk_user_read(x, &user);
    return take_found(x, DESK_FIT_FIELD, user.crm_id, "the CRM id that the agent gave");
}

enum sb_verdict desk_find_mapped_crm_id_build(struct sb_exchange *x)
{
    struct desk_user user;
    desk_user_read(x, &user);
    if (user.mapped_crm_id && user.crm_id && strcmp(user.mapped_crm_id, user.crm_id) == 0)
        return SB_SKIP;
    return field_build(x, user.mapped_crm_id);
}

enum sb_verdict desk_find_mapped_crm_id_fold(struct sb_exchange *x)
{
    struct desk_user user;
    desk_user_read(x, &user);
    return take_found(x, DESK_FIT_FIELD, user.mapped_crm_id, "the CRM id of the mapping file");
}

enum sb_verdict desk_find_user_id_build(struct sb_exchange *x)
{
    struct desk_user user;
    desk_user_read(x, &user);
    return field_build(x, user.id);
}

enum sb_verdict desk_find_user_id_fold(struct sb_exchange *x)
{
    struct desk_user user;
    desk_user_read(x, &user);
    return take_found(x, DESK_FIT_FIELD, user.id, "the user's id in crm_id_field");
}

/* ---- the e-mail address ---- */

enum sb_verdict desk_find_email_build(struct sb_exchange *x)
{
    struct desk_user user;
    desk_user_read(x, &user);
    if (is_settled(x))
        return SB_SKIP;
    if (!user.email)
        return SB_SKIP;
    search(x, "email", user.email);
    return SB_OK;
}

enum sb_verdict desk_find_email_fold(struct sb_exchange *x)
{
    return take_found(x, DESK_FIT_EMAIL, NULL, "the e-mail address");
}

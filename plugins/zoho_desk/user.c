/* Who the user of an escalation is: what the agent said, and what the mapping file says. */
#include "user.h"

#include <string.h>

bool desk_has_user(const struct sb_exchange *x)
{
    const char *id = sb_get_str(x, "user.id");
    return id && *id && sb_get(x, "escalation");
}

static const char *usable(const char *text)
{
    return text && *text ? text : NULL;
}

/* A comma would ask for several addresses and a star for all that begin so. */
static const char *searchable_email(struct sb_exchange *x)
{
    const char *text = usable(sb_get_str(x, "user.email"));
    if (!text || strpbrk(text, ",*$ \t\r\n\"<>()"))
        return NULL;
    const char *at = strchr(text, '@');
    bool has_parts = at && at != text && strchr(at + 1, '.') && !strchr(at + 1, '@');
    return has_parts && desk_units(sb_utf8(x, text)) <= DESK_EMAIL_MAX ? text : NULL;
}

void desk_user_read(struct sb_exchange *x, struct desk_user *ret_user)
{
    *ret_user = (struct desk_user){
        .id = usable(sb_get_str(x, "user.id")),
        .crm_id = usable(sb_get_str(x, "user.crm_contact_id")),
        .mapped_crm_id = usable(sb_get_str(x, "matching.mapped_crm_id")),
        .mapped_contact = usable(sb_get_str(x, "matching.mapped_contact_id")),
        .email = searchable_email(x),
    };
}

const char *desk_user_field(const struct sb_exchange *x)
{
    return usable(sb_option_str(x, "crm_id_field"));
}

const char *desk_user_field_value(const struct desk_user *user)
{
    if (user->crm_id)
        return user->crm_id;
    return user->mapped_crm_id ? user->mapped_crm_id : user->id;
}

/* ---- the mapping file ---- */

enum sb_verdict desk_read_mapping_build(struct sb_exchange *x)
{
    if (!desk_has_user(x) || sb_get_str(x, "ticket.id"))
        return SB_SKIP;
    const char *crm_id = json_string_value(sb_key_get(x, "crm_id"));
    const char *contact_id = json_string_value(sb_key_get(x, "contact_id"));
    const char *before_crm_id = sb_get_str(x, "matching.mapped_crm_id");
    const char *before_contact_id = sb_get_str(x, "matching.mapped_contact_id");
    if (!crm_id && !contact_id && !before_crm_id && !before_contact_id)
        return SB_SKIP;
    sb_set_str(x, "matching.mapped_crm_id", crm_id);
    sb_set_str(x, "matching.mapped_contact_id", contact_id);
    return sb_skip(x, "a mapping file has this user");
}

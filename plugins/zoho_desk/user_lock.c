/* Locks of escalations, and what is learnt under them.
 *
 * A span of steps holds one lock. The steps that look a user up by ids and e-mail hold the user's; the steps that look by
 * number and make a contact hold the number's, the one that calls hold too, so that a call and an escalation of one
 * person at the same time make one contact. What keeps escalations of one user with different numbers, or with none,
 * from making two: the first that found nothing writes into the user's document which lock it goes on to, and those that
 * come after it go there as well. Nobody waits for a lock while holding another, so there is no deadlock. */
#include "user.h"

#include <string.h>

enum { LOCK_LIFE_MS = 24 * 3600 * 1000 };

/* "user:<id>"; a long id is cut and told apart by a hash (FNV-1a). */
static const char *key_name(struct sb_exchange *x, const char *prefix)
{
    const char *id = sb_get_str(x, "user.id");
    if (strlen(id) <= DESK_KEY_ID_MAX)
        return sb_printf(x, "%s:%s", prefix, id);
    uint64_t hash = UINT64_C(1469598103934665603);
    for (const char *p = id; *p; p++)
        hash = (hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
    const char *valid = sb_utf8(x, id);
    return sb_printf(x, "%s:%016llx:%s", prefix, (unsigned long long)hash,
                     sb_strndup(x, valid, desk_prefix(valid, DESK_KEY_ID_MAX / 4)));
}

const char *desk_mapping_key(struct sb_exchange *x)
{
    const char *id = sb_get_str(x, "user.id");
    bool can_be_mapped = desk_has_user(x) && !sb_get_str(x, "ticket.id") && strlen(id) <= DESK_KEY_ID_MAX;
    return can_be_mapped ? key_name(x, "mapped") : NULL;
}

const char *desk_learn_key(struct sb_exchange *x)
{
    return desk_has_user(x) ? key_name(x, "user") : NULL;
}

const char *desk_user_key(struct sb_exchange *x)
{
    return sb_get_str(x, "ticket.id") ? NULL : desk_learn_key(x);
}

const char *desk_contact_key(struct sb_exchange *x)
{
    if (!desk_has_user(x))
        return desk_caller_key(x);
    if (sb_get_str(x, "ticket.id") || sb_get_str(x, "contact.id"))
        return NULL;
    const char *chosen = sb_get_str(x, "matching.lock");
    return chosen ? chosen : key_name(x, "user");
}

/* ---- which lock ---- */

static const char *own_lock(struct sb_exchange *x, const char **ret_number)
{
    struct desk_caller caller;
    desk_caller_read(x, &caller);
    *ret_number = NULL;
    if (caller.kind != DESK_CALLER_NUMBER)
        return key_name(x, "user");
    *ret_number = caller.e164 ? caller.e164 : caller.text;
    return sb_printf(x, "phone:%s", caller.digits);
}

enum sb_verdict desk_choose_lock_build(struct sb_exchange *x)
{
    if (!desk_has_user(x) || sb_get_str(x, "ticket.id") || sb_get_str(x, "contact.id"))
        return SB_SKIP;

    const json_t *before = sb_key_get(x, "lock");
    const char *name = sb_json_str(before, "name");
    const char *number = sb_json_str(before, "number");
    int64_t age_ms = sb_now_ms(x) - sb_json_int(before, "at_ms", 0);
    /* The machine's clock may have been put back since. */
    if (!name || age_ms < -LOCK_LIFE_MS || age_ms > LOCK_LIFE_MS) {
        name = own_lock(x, &number);
        json_t *lock = json_object();
        json_object_set_new(lock, "name", json_string(name));
        json_object_set_new(lock, "number", number ? json_string(number) : json_null());
        json_object_set_new(lock, "at_ms", json_integer(sb_now_ms(x)));
        sb_key_set(x, "lock", lock);
    }
    sb_set_str(x, "matching.lock", name);
    sb_set_str(x, "matching.number", number);
    return sb_skip(x, "the contact is looked for by number, or made");
}

/* ---- what is learnt ---- */

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

enum sb_verdict desk_learn_contact_build(struct sb_exchange *x)
{
    const char *id = sb_get_str(x, "contact.id");
    const char *fallback = sb_option_str(x, "fallback_contact_id");
    if (!desk_has_user(x) || !sb_get_str(x, "ticket.id") || !desk_is_id(id))
        return SB_SKIP;
    if (sb_key_get(x, "lock"))
        sb_key_set(x, "lock", NULL);
    if (fallback && strcmp(fallback, id) == 0)
        return sb_skip(x, "the fallback contact is nobody's own");

    struct desk_user user;
    desk_user_read(x, &user);
    json_t *known = json_object();
    json_object_set_new(known, "id", json_string(id));
    json_object_set_new(known, "org_id", json_string(sb_option_str(x, "org_id")));
    json_object_set_new(known, "checked_ms", json_integer(sb_now_ms(x)));
    json_object_set_new(known, "by", text_or_null(sb_get_str(x, "matching.by")));
    json_object_set_new(known, "crm_id", text_or_null(user.crm_id));
    json_object_set_new(known, "mapped_crm_id", text_or_null(user.mapped_crm_id));
    json_object_set_new(known, "mapped_contact_id", text_or_null(user.mapped_contact));
    sb_key_set(x, "contact", known);
    return sb_skip(x, "the user's contact is remembered");
}

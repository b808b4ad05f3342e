/* Which of the contacts that a search found is the user's, and what of it is written down. */
#include "user.h"

#include <string.h>
#include <strings.h>

bool desk_is_deleted(const json_t *contact)
{
    return json_is_true(json_object_get(contact, "isTrashed")) ||
           json_is_true(json_object_get(contact, "isDeleted"));
}

/* ---- gone ---- */

bool desk_is_gone(const struct sb_exchange *x, const char *id)
{
    const json_t *gone = sb_get(x, "matching.gone");
    for (size_t i = 0; i < json_array_size(gone); i++)
        if (strcmp(json_string_value(json_array_get(gone, i)), id) == 0)
            return true;
    return false;
}

void desk_mark_gone(struct sb_exchange *x, const char *id)
{
    if (desk_is_gone(x, id))
        return;
    const json_t *before = sb_get(x, "matching.gone");
    json_t *gone = before ? json_copy((json_t *)(uintptr_t)before) : json_array();
    json_array_append_new(gone, json_string(id));
    sb_set(x, "matching.gone", gone);
}

/* ---- fitting ---- */

static bool is_same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

/* What the contact carries in the custom field, or NULL. */
static const char *carried(const struct sb_exchange *x, const json_t *contact)
{
    const char *field = desk_user_field(x);
    const char *value = field ? sb_json_str(json_object_get(contact, "cf"), field) : NULL;
    return value && *value ? value : NULL;
}

/* The id of the CRM contact that it is linked to, as text; the service writes it as text or as a number. */
static const char *linked_crm_id(struct sb_exchange *x, const json_t *contact)
{
    const json_t *link = json_object_get(json_object_get(contact, "zohoCRMContact"), "id");
    if (json_is_integer(link))
        return sb_printf(x, "%" JSON_INTEGER_FORMAT, json_integer_value(link));
    const char *id = json_string_value(link);
    return id && *id ? id : NULL;
}

static bool is_named(const struct desk_user *user, const char *id)
{
    return is_same(id, user->crm_id) || is_same(id, user->mapped_crm_id);
}

/* The user that a contact was made for here, as its description says: NULL for none, else the id in *ret_size bytes. */
static const char *made_for(const json_t *contact, size_t *ret_size)
{
    static const char label[] = "User id: ";
    const char *text = sb_json_str(contact, "description");
    if (!text || strncmp(text, label, sizeof(label) - 1) != 0)
        return NULL;
    text += sizeof(label) - 1;
    *ret_size = strcspn(text, "\r\n<");
    return text;
}

static bool is_made_for(struct sb_exchange *x, const struct desk_user *user, const char *id, size_t size)
{
    const char *own = desk_one_line(x, user->id);
    return id && size == strlen(own) && strncmp(id, own, size) == 0;
}

/* Whether an id on the contact says that it is this user's. */
static bool is_certain(struct sb_exchange *x, const struct desk_user *user, const json_t *contact)
{
    size_t size = 0;
    const char *value = carried(x, contact);
    const char *owner = made_for(contact, &size);
    return is_named(user, linked_crm_id(x, contact)) || is_named(user, value) || is_same(value, user->id) ||
           is_made_for(x, user, owner, size);
}

/* Whether an id on the contact says that it is somebody else's. A CRM id in the field says so only when the user's own is
 * known: else it may well be the user's. */
static bool is_another(struct sb_exchange *x, const struct desk_user *user, const json_t *contact)
{
    size_t size = 0;
    bool knows_crm_id = user->crm_id || user->mapped_crm_id;
    if (is_certain(x, user, contact))
        return false;
    return made_for(contact, &size) || (knows_crm_id && (carried(x, contact) || linked_crm_id(x, contact)));
}

static bool has_email(const struct desk_user *user, const json_t *contact)
{
    const char *email = sb_json_str(contact, "email");
    const char *other = sb_json_str(contact, "secondaryEmail");
    return user->email &&
           ((email && strcasecmp(email, user->email) == 0) || (other && strcasecmp(other, user->email) == 0));
}

/* 0: it does not fit. The more the better. */
static int rank(struct sb_exchange *x, enum desk_fit fit, const char *wanted, const struct desk_user *user,
                const json_t *contact)
{
    struct desk_caller caller;
    const char *id = sb_json_str(contact, "id");
    if (!desk_is_id(id) || desk_is_gone(x, id) || desk_is_deleted(contact))
        return 0;
    if (fit == DESK_FIT_FIELD)
        return is_same(carried(x, contact), wanted) ? 1 : 0;

    desk_caller_read(x, &caller);
    int number = caller.kind == DESK_CALLER_UNKNOWN ? 0 : desk_caller_rank(x, &caller, contact);
    int email = has_email(user, contact) ? 4 : 0;
    bool fits = fit == DESK_FIT_EMAIL || fit == DESK_FIT_TAKEN_EMAIL ? email > 0 : number > 0;
    bool may_be_another = fit == DESK_FIT_TAKEN_EMAIL || fit == DESK_FIT_TAKEN_PHONE;
    if (!fits || (!may_be_another && is_another(x, user, contact)))
        return 0;
    return email + number + (is_certain(x, user, contact) ? 8 : 0);
}

bool desk_user_fits_phone(struct sb_exchange *x, const json_t *contact)
{
    struct desk_user user;
    desk_user_read(x, &user);
    return rank(x, DESK_FIT_PHONE, NULL, &user, contact) > 0;
}

static void note_candidates(struct sb_exchange *x, enum desk_fit fit, json_t *ids, const char *chosen)
{
    static const char *const words[] = { [DESK_FIT_FIELD] = "carry the user's id",
                                         [DESK_FIT_EMAIL] = "have the user's e-mail address",
                                         [DESK_FIT_PHONE] = "have the user's number",
                                         [DESK_FIT_TAKEN_EMAIL] = "have the user's e-mail address",
                                         [DESK_FIT_TAKEN_PHONE] = "have the user's number" };
    sb_note(x, "%zu contacts %s; the ticket goes to contact %s", json_array_size(ids), words[fit], chosen);
    sb_set(x, "matching.candidates", json_incref(ids));
    sb_set_str(x, "matching.ambiguous", words[fit]);
}

const json_t *desk_user_pick(struct sb_exchange *x, enum desk_fit fit, const char *wanted,
                             const json_t *items)
{
    struct desk_user user;
    const json_t *best = NULL;
    int best_rank = 0;
    size_t certain = 0;
    json_t *ids = sb_keep(x, json_array());
    desk_user_read(x, &user);
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        int one = rank(x, fit, wanted, &user, item);
        if (one == 0)
            continue;
        certain += one >= 8;
        if (json_array_size(ids) < DESK_CANDIDATES_MAX)
            json_array_append_new(ids, json_string(sb_json_str(item, "id")));
        if (one > best_rank || (one == best_rank && desk_is_older(item, best))) {
            best = item;
            best_rank = one;
        }
    }
    bool is_taken = fit == DESK_FIT_TAKEN_EMAIL || fit == DESK_FIT_TAKEN_PHONE;
    bool is_ambiguous = json_array_size(ids) > 1 && certain != 1;
    if (best && ((is_taken && is_another(x, &user, best)) || is_ambiguous))
        note_candidates(x, fit, ids, sb_json_str(best, "id"));
    return best;
}

/* ---- linking ---- */

static json_t *known_contact(struct sb_exchange *x, const char *id)
{
    json_t *known = json_object();
    json_object_set_new(known, "id", json_string(id));
    json_object_set_new(known, "org_id", json_string(sb_option_str(x, "org_id")));
    json_object_set_new(known, "checked_ms", json_integer(sb_now_ms(x)));
    return known;
}

/* Under a number's lock the document remembers each user's contact, for those who follow under the same lock; the oldest
 * is forgotten when there are many. */
static void remember_user(struct sb_exchange *x, const char *id)
{
    const char *user_id = sb_get_str(x, "user.id");
    const json_t *before = sb_key_get(x, "users");
    json_t *users = before ? json_copy((json_t *)(uintptr_t)before) : json_object();
    json_object_del(users, user_id);
    while (json_object_size(users) >= DESK_KEY_USERS_MAX)
        json_object_del(users, json_object_iter_key(json_object_iter(users)));
    json_object_set_new(users, user_id, known_contact(x, id));
    sb_key_set(x, "users", users);
}

void desk_user_link(struct sb_exchange *x, const json_t *contact, bool is_new, const char *by)
{
    const char *id = sb_json_str(contact, "id");
    const char *lock = sb_get_str(x, "matching.lock");
    sb_set_str(x, "contact.id", id);
    sb_set_bool(x, "contact.created", is_new);
    sb_set_str(x, "contact.url", sb_json_str(contact, "webUrl"));
    sb_set_str(x, "matching.by", by);
    if (!lock)
        return; /* found by an id or the e-mail address, under the user's own lock: learn_contact writes it down */
    remember_user(x, id);
    /* A call of this number that waits for the lock finds the contact here: the search may not show it yet. */
    struct desk_caller caller;
    desk_caller_read(x, &caller);
    if (caller.kind == DESK_CALLER_NUMBER && is_same(lock, sb_printf(x, "phone:%s", caller.digits)) &&
        desk_caller_rank(x, &caller, contact) > 0)
        sb_key_set(x, "contact", known_contact(x, id));
}

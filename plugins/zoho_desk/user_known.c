/* The contacts that the user may have by an id: the one given with the escalation, the mapping file's, the one that was
 * learnt. Each is read before it is believed, for contacts are deleted and merged. */
#include "user.h"

#include <string.h>

static bool is_settled(const struct sb_exchange *x)
{
    return !desk_has_user(x) || sb_get_str(x, "ticket.id") || sb_get_str(x, "contact.id");
}

/* ---- the one that was learnt ---- */

static const json_t *learnt(const struct sb_exchange *x)
{
    const json_t *known = sb_key_get(x, "contact");
    const char *org_id = sb_json_str(known, "org_id");
    const char *id = sb_json_str(known, "id");
    bool is_ours = org_id && strcmp(org_id, sb_option_str(x, "org_id")) == 0;
    return is_ours && desk_is_id(id) && !desk_is_gone(x, id) ? known : NULL;
}

/* What is said now about the user is no news. */
static bool agrees(const json_t *known, const char *name, const char *now)
{
    const char *then = sb_json_str(known, name);
    return !now || (then && strcmp(then, now) == 0);
}

/* The record may hold a contact from an earlier try: nothing of that is taken on trust. */
enum sb_verdict desk_recall_contact_build(struct sb_exchange *x)
{
    if (!desk_has_user(x) || sb_get_str(x, "ticket.id"))
        return SB_SKIP;
    if (sb_get(x, "contact"))
        sb_set(x, "contact", NULL);
    if (sb_get(x, "matching.candidates"))
        sb_set(x, "matching.candidates", NULL);
    if (sb_get(x, "matching.lock"))
        sb_set(x, "matching.lock", NULL);

    struct desk_user user;
    desk_user_read(x, &user);
    const json_t *known = learnt(x);
    if (!known || !agrees(known, "crm_id", user.crm_id) ||
        !agrees(known, "mapped_crm_id", user.mapped_crm_id) ||
        !agrees(known, "mapped_contact_id", user.mapped_contact))
        return SB_SKIP;
    int64_t age_ms = sb_now_ms(x) - sb_json_int(known, "checked_ms", 0);
    if (age_ms < 0 || age_ms >= sb_option_int(x, "contact_check"))
        return SB_SKIP;
    const char *by = sb_json_str(known, "by");
    sb_set_str(x, "contact.id", sb_json_str(known, "id"));
    sb_set_bool(x, "contact.created", false);
    sb_set_str(x, "matching.by", by ? by : "learnt");
    return sb_skip(x, "the contact is remembered");
}

/* ---- reading one ---- */

static enum sb_verdict read_contact(struct sb_exchange *x, const char *id)
{
    desk_request(x, "GET", "/contacts", sb_option_str(x, "org_id"));
    sb_path(x, id);
    return SB_OK;
}

/* Links the contact that was read, unless it is gone. The id of the answer counts: that of a contact which was merged
 * may lead to the one that is left. */
static enum sb_verdict take_contact(struct sb_exchange *x, const char *asked, const char *by)
{
    const json_t *contact = sb_http_json(x);
    int status = sb_http_status(x);
    if (status == 404 || (status == 422 && !desk_blames(x, "/orgId", NULL))) {
        desk_mark_gone(x, asked);
        return SB_OK;
    }
    const char *id = sb_json_str(contact, "id");
    if (!desk_is_good(x) || !desk_is_id(id))
        return desk_refused(x, "read the contact", "Desk.contacts.READ");
    if (desk_is_deleted(contact)) {
        desk_mark_gone(x, asked);
        return SB_OK;
    }
    if (strcmp(id, asked) != 0)
        sb_note(x, "contact %s was merged into contact %s", asked, id);
    desk_user_link(x, contact, false, by);
    return SB_OK;
}

/* ---- given with the escalation: perhaps the Desk contact's own id ---- */

enum sb_verdict desk_check_given_build(struct sb_exchange *x)
{
    struct desk_user user;
    desk_user_read(x, &user);
    if (is_settled(x))
        return SB_SKIP;
    if (!desk_is_id(user.crm_id) || desk_is_gone(x, user.crm_id))
        return SB_SKIP;
    return read_contact(x, user.crm_id);
}

/* Not there: it is the id of a contact in the CRM, as its name says. */
enum sb_verdict desk_check_given_fold(struct sb_exchange *x)
{
    struct desk_user user;
    desk_user_read(x, &user);
    return take_contact(x, user.crm_id, "the contact's id that the agent gave");
}

/* ---- the mapping file's ---- */

enum sb_verdict desk_check_mapped_build(struct sb_exchange *x)
{
    struct desk_user user;
    desk_user_read(x, &user);
    if (is_settled(x))
        return SB_SKIP;
    if (!desk_is_id(user.mapped_contact) || desk_is_gone(x, user.mapped_contact))
        return SB_SKIP;
    return read_contact(x, user.mapped_contact);
}

enum sb_verdict desk_check_mapped_fold(struct sb_exchange *x)
{
    struct desk_user user;
    desk_user_read(x, &user);
    enum sb_verdict verdict = take_contact(x, user.mapped_contact, "the mapping file");
    if (verdict == SB_OK && !sb_get_str(x, "contact.id"))
        sb_note(x, "contact %s of the mapping file does not exist (any more); looking for the user's contact",
                user.mapped_contact);
    return verdict;
}

/* ---- the one that was learnt, read again ---- */

enum sb_verdict desk_check_learnt_build(struct sb_exchange *x)
{
    const json_t *known = is_settled(x) ? NULL : learnt(x);
    if (!known)
        return SB_SKIP;
    return read_contact(x, sb_json_str(known, "id"));
}

enum sb_verdict desk_check_learnt_fold(struct sb_exchange *x)
{
    const char *id = sb_json_str(sb_key_get(x, "contact"), "id");
    enum sb_verdict verdict = take_contact(x, id, "learnt from an earlier escalation");
    if (verdict == SB_OK && !sb_get_str(x, "contact.id")) {
        sb_note(x, "contact %s, which was learnt, no longer exists; looking for the user's contact again",
                id);
        sb_key_set(x, "contact", NULL);
    }
    return verdict;
}

/* Escalations: who the user is, which contact that is, and what is remembered about it. Shared by the user*.c files and
 * those steps that serve calls and escalations alike. */
#ifndef ZOHO_DESK_USER_H
#define ZOHO_DESK_USER_H

#include "desk.h"

enum {
    DESK_FIRST_NAME_MAX = 40, /* OpenAPI: firstName of a contact */
    DESK_EMAIL_MAX = 255,     /* OpenAPI: email of a contact */
    DESK_KEY_ID_MAX = 160,    /* bytes of a user's id in the name of a key; longer ones are cut and hashed */
    DESK_KEY_USERS_MAX = 16,  /* users that the document of one number's key remembers */
    DESK_CANDIDATES_MAX = 20  /* contacts that a note about an ambiguous match lists */
};

/* Whether the record is an escalation with a user. */
bool desk_has_user(const struct sb_exchange *x);

/* What tells the user's contact, from the record and the mapping file. NULL: not given, or not usable. */
struct desk_user {
    const char *id;             /* canonical */
    const char *crm_id;         /* given with the escalation */
    const char *mapped_crm_id;  /* by the mapping file */
    const char *mapped_contact; /* a Desk contact's id, by the mapping file */
    const char *email;          /* of a form that can be searched for */
};
void desk_user_read(struct sb_exchange *x, struct desk_user *ret_user);
/* What the custom field `crm_id_field` of a new contact holds: the CRM id when one is known, else the canonical id. */
const char *desk_user_field_value(const struct desk_user *user);
/* The option crm_id_field, or NULL. */
const char *desk_user_field(const struct sb_exchange *x);

/* ---- keys (user_lock.c) ---- */

/* "mapped:<id>": the document that only the import of a mapping file writes. */
const char *desk_mapping_key(struct sb_exchange *x);
/* "user:<id>", while the record has no ticket; and whether it has one or not. */
const char *desk_user_key(struct sb_exchange *x);
const char *desk_learn_key(struct sb_exchange *x);
/* The lock of the steps that make a contact: of the number for calls, as choose_lock said for escalations. */
const char *desk_contact_key(struct sb_exchange *x);

/* ---- which contact (user_pick.c) ---- */

/* Whether this contact, or an object of a list, was found gone while this record looked for its contact. */
bool desk_is_gone(const struct sb_exchange *x, const char *id);
void desk_mark_gone(struct sb_exchange *x, const char *id);
/* Whether a contact is deleted, by its own words. */
bool desk_is_deleted(const json_t *contact);
/* How a search's finds are compared with the user. */
enum desk_fit {
    DESK_FIT_FIELD, /* the custom field is exactly `wanted` */
    DESK_FIT_EMAIL, /* the e-mail address is, letter case aside */
    DESK_FIT_PHONE, /* one of the numbers is the user's */
    /* The same where the service wants the value to be unique: whoever has it is the only choice, and if an id says that
     * it is somebody else's, that is noted. */
    DESK_FIT_TAKEN_EMAIL,
    DESK_FIT_TAKEN_PHONE
};
/* The best of `items`, or NULL. What is left out: contacts that do not fit, that are gone, and, by e-mail and phone, that
 * carry another user's id in the custom field or another CRM contact. Several: the one that the CRM id names is
 * certain; else the match is ambiguous, which is noted on the record with their ids, and the best is the one that fits by
 * e-mail and by number, then by the number in full, then the oldest, then the smallest id. */
const json_t *desk_user_pick(struct sb_exchange *x, enum desk_fit fit, const char *wanted,
                             const json_t *items);
/* Whether this contact may be the user's, judged by its number alone: the same test for one contact. */
bool desk_user_fits_phone(struct sb_exchange *x, const json_t *contact);
/* Links the contact to the record, and remembers it in the document of the key that is held. `by` says how it was found,
 * for people. */
void desk_user_link(struct sb_exchange *x, const json_t *contact, bool is_new, const char *by);

/* ---- steps ----
 *
 * One that has nothing to do says SB_SKIP without a reason: then it costs no commit, and no line of the timeline. */

enum sb_verdict desk_read_mapping_build(struct sb_exchange *x);
enum sb_verdict desk_recall_contact_build(struct sb_exchange *x);
enum sb_verdict desk_check_given_build(struct sb_exchange *x);
enum sb_verdict desk_check_given_fold(struct sb_exchange *x);
enum sb_verdict desk_find_crm_id_build(struct sb_exchange *x);
enum sb_verdict desk_find_crm_id_fold(struct sb_exchange *x);
enum sb_verdict desk_check_mapped_build(struct sb_exchange *x);
enum sb_verdict desk_check_mapped_fold(struct sb_exchange *x);
enum sb_verdict desk_find_mapped_crm_id_build(struct sb_exchange *x);
enum sb_verdict desk_find_mapped_crm_id_fold(struct sb_exchange *x);
enum sb_verdict desk_check_learnt_build(struct sb_exchange *x);
enum sb_verdict desk_check_learnt_fold(struct sb_exchange *x);
enum sb_verdict desk_find_user_id_build(struct sb_exchange *x);
enum sb_verdict desk_find_user_id_fold(struct sb_exchange *x);
enum sb_verdict desk_find_email_build(struct sb_exchange *x);
enum sb_verdict desk_find_email_fold(struct sb_exchange *x);
enum sb_verdict desk_choose_lock_build(struct sb_exchange *x);
enum sb_verdict desk_learn_contact_build(struct sb_exchange *x);

/* The contact steps that calls have too, for a user (user_create.c). */
enum sb_verdict desk_user_check_build(struct sb_exchange *x);
enum sb_verdict desk_user_check_fold(struct sb_exchange *x);
enum sb_verdict desk_user_create_build(struct sb_exchange *x);
enum sb_verdict desk_user_create_fold(struct sb_exchange *x);
enum sb_verdict desk_user_reconcile_build(struct sb_exchange *x);
enum sb_verdict desk_user_reconcile_fold(struct sb_exchange *x);
enum sb_verdict desk_user_await_build(struct sb_exchange *x);
enum sb_verdict desk_user_await_fold(struct sb_exchange *x);
/* The contact as it stands inside of a new ticket, for the service to find by e-mail or to make. Kept by the exchange. */
json_t *desk_user_inline(struct sb_exchange *x);

#endif

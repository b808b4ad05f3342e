/* What the files of the zoho_desk plugin share. Facts and limits come from the API description and the help
 * pages that Zoho publishes; where the two differ, the smaller limit is used. Functions run wherever the core
 * runs the plugin's functions; all text they give lives as long as the exchange. */
#ifndef ZOHO_DESK_DESK_H
#define ZOHO_DESK_DESK_H

#include "switchboard/switchboard.h"

enum {
    DESK_SUBJECT_MAX = 255,       /* help pages; the OpenAPI description says 1,000 */
    DESK_DESCRIPTION_MAX = 65535, /* OpenAPI, counted after escaping */
    DESK_CF_MAX = 255,            /* one custom field's value */
    DESK_COMMENT_MAX = 32000,     /* OpenAPI: content of a comment */
    DESK_LAST_NAME_MAX = 200,     /* OpenAPI: lastName of a contact */
    DESK_PHONE_MAX = 50,          /* OpenAPI: phone of a contact */
    DESK_PAGE = 50,               /* items asked for in a list of tickets */
    DESK_SEARCH_PAGE = 100,       /* items asked for in a search: the most that is allowed */
    DESK_SEARCH_PAGES_MAX = 10,   /* pages of a search that are looked at */
    DESK_LIST_PAGES_MAX = 60,     /* pages of a list that reconcile goes back */
    DESK_NUMBER_DIGITS = 10,      /* two numbers with the same last ten digits are one */
    DESK_SHORT_DIGITS_MIN = 3,    /* shorter is no number ("0", "1") */
    DESK_TAIL_DIGITS = 4          /* digits at the end that people write without a gap */
};

/* ---- text (text.c) ------------------------------------------------------------------------------------- */

/* Length of valid UTF-8 as the service counts it: UTF-16 units. */
size_t desk_units(const char *text);
/* Bytes of the longest beginning of `text` with at most `units_max` units; never ends inside a character. */
size_t desk_prefix(const char *text, size_t units_max);
/* `text` cut to at most `units_max` units; the last of them is then "…". */
const char *desk_cut(struct sb_exchange *x, const char *text, size_t units_max);
/* `text` as valid UTF-8 on one line: each run of white space becomes one space, none at the ends. */
const char *desk_one_line(struct sb_exchange *x, const char *text);
/* Plain text as HTML of at most `units_max` units: cut before it is escaped, so that no tag or entity is
 * split. */
const char *desk_html(struct sb_exchange *x, const char *text, size_t units_max);
/* Bytes of the beginning of valid `text` that certainly make at most `units_max` units once they are escaped. */
size_t desk_html_prefix(const char *text, size_t units_max);
/* Whether `text` is 1 to 30 digits: the form of every id. */
bool desk_is_id(const char *text);
/* "+05:30" as minutes east of UTC. False when it is none. */
bool desk_parse_offset(const char *text, int *ret_minutes);

/* Text that grows in the exchange's memory. Start with {0}. */
struct desk_text {
    char *at; /* NUL-terminated once something was added */
    size_t size, room;
};
void desk_add(struct sb_exchange *x, struct desk_text *text, const char *more);

/* ---- data centres (centres.c) -------------------------------------------------------------------------- */

/* The accounts server that belongs to a Desk base URL, or NULL when the host is none of Zoho's Desk hosts. */
const char *desk_accounts_url(const char *base_url);
/* The Desk base URL that people meant who wrote another of Zoho's hosts (www.zohoapis.in, accounts.zoho.in),
 * or NULL. */
const char *desk_meant_url(const char *base_url);

/* ---- requests and refusals (request.c) ----------------------------------------------------------------- */

/* Starts a request to `path` below /api/v1 for the organization `org_id`. */
void desk_request(struct sb_exchange *x, const char *method, const char *path, const char *org_id);
/* What an answer that is no success means; `doing` completes "cannot ..."; `scopes` are what the call needs.
 */
enum sb_verdict desk_refused(struct sb_exchange *x, const char *doing, const char *scopes);
/* Whether the answer is a success with a body (200 or 201). */
bool desk_is_good(const struct sb_exchange *x);
/* The items of a list or search answer in *ret_items, NULL for none (204). False when it is no such answer.
 */
bool desk_items(const struct sb_exchange *x, const json_t **ret_items);
/* Whether a 422 names `field` ("/contactId"), and with that error type unless it is NULL. */
bool desk_blames(const struct sb_exchange *x, const char *field, const char *type);

/* ---- fields of a ticket (fields.c) --------------------------------------------------------------------- */

/* Takes over what the mapping script returned: names checked, values fitted to the limits, empty ones left
 * out. Gives an object in *ret_fields. SB_ECONFIG when the script is at fault, with what would be right. */
int desk_fields_take(struct sb_exchange *x, const json_t *from, json_t **ret_fields,
                     struct sb_error *err) SB_MUST_CHECK;
/* Copies the fields of a ticket, and nothing else, from the record's section into `body`. */
void desk_fields_copy(const json_t *section, json_t *body);

/* ---- who called (caller.c) ----------------------------------------------------------------------------- */

enum desk_caller_kind {
    DESK_CALLER_NUMBER, /* `digits`, and `e164` when it can be written so */
    DESK_CALLER_ID,     /* `text`: a SIP address or the like, compared as text */
    DESK_CALLER_UNKNOWN /* withheld, or nothing that tells callers apart */
};

struct desk_caller {
    enum desk_caller_kind kind;
    const char *digits; /* the last ten, or all when there are fewer */
    const char *e164;   /* NULL: cannot be written so */
    const char *text;   /* as the record has it, for people */
};

/* Who the record's customer is. */
void desk_caller_read(struct sb_exchange *x, struct desk_caller *ret_caller);
/* The lock of the contact steps; NULL when the ticket exists already. */
const char *desk_caller_key(struct sb_exchange *x);
/* Keeps the caller in the intent, and reads it back. */
void desk_caller_keep(struct sb_exchange *x, const struct desk_caller *caller);
void desk_caller_kept(struct sb_exchange *x, struct desk_caller *ret_caller);
/* The contact in `items` that is the caller: NULL when none is. The same number written in full goes before
 * the same last digits, then the oldest, then the smallest id; one that was refused or is gone is left out. *ret_count
 * says how many fitted. */
const json_t *desk_caller_pick(struct sb_exchange *x, const struct desk_caller *caller, const json_t *items,
                               size_t *ret_count);
/* How well a contact's numbers fit: 0 not, 1 the same last digits, 2 the same number written in full. */
int desk_caller_rank(struct sb_exchange *x, const struct desk_caller *caller, const json_t *contact);
/* Whether contact `a` was made before `b`; of two made at once, whether its id is smaller. */
bool desk_is_older(const json_t *a, const json_t *b);
/* Whether this contact is the caller. */
bool desk_caller_is(struct sb_exchange *x, const struct desk_caller *caller, const json_t *contact);
/* The last name of a contact that is made for the caller. */
const char *desk_caller_name(struct sb_exchange *x, const struct desk_caller *caller);

/* ---- notes (note_text.c) ------------------------------------------------------------------------------- */

/* The whole transcription with speakers and times, or NULL when there is none to write. */
const char *desk_note_text(struct sb_exchange *x);
/* How many parts `text` makes, and part `index` (from 0) of them. */
size_t desk_note_parts(const char *text, size_t units_max);
const char *desk_note_part(struct sb_exchange *x, const char *text, size_t units_max, size_t index);

/* ---- steps --------------------------------------------------------------------------------------------- */

enum sb_verdict desk_map(struct sb_exchange *x);

enum sb_verdict desk_check_contact_build(struct sb_exchange *x);
enum sb_verdict desk_check_contact_fold(struct sb_exchange *x);
enum sb_verdict desk_find_phone_build(struct sb_exchange *x);
enum sb_verdict desk_find_mobile_build(struct sb_exchange *x);
enum sb_verdict desk_find_written_phone_build(struct sb_exchange *x);
enum sb_verdict desk_find_written_mobile_build(struct sb_exchange *x);
enum sb_verdict desk_find_fold(struct sb_exchange *x);
enum sb_verdict desk_create_contact_build(struct sb_exchange *x);
enum sb_verdict desk_create_contact_fold(struct sb_exchange *x);
enum sb_verdict desk_reconcile_contact_build(struct sb_exchange *x);
enum sb_verdict desk_reconcile_contact_fold(struct sb_exchange *x);
enum sb_verdict desk_await_contact_build(struct sb_exchange *x);
enum sb_verdict desk_await_contact_fold(struct sb_exchange *x);

enum sb_verdict desk_create_ticket_build(struct sb_exchange *x);
enum sb_verdict desk_create_ticket_anew_build(struct sb_exchange *x);
enum sb_verdict desk_create_ticket_fold(struct sb_exchange *x);
enum sb_verdict desk_reconcile_ticket_build(struct sb_exchange *x);
enum sb_verdict desk_reconcile_ticket_fold(struct sb_exchange *x);

enum sb_verdict desk_add_note_build(struct sb_exchange *x);
enum sb_verdict desk_add_note_fold(struct sb_exchange *x);
enum sb_verdict desk_reconcile_note_build(struct sb_exchange *x);
enum sb_verdict desk_reconcile_note_fold(struct sb_exchange *x);

/* Shared by the contact steps (contact.c): writes one search for the caller into `field` ("phone", "mobile"),
 * and links a contact to the record and to the key. */
void desk_contact_search(struct sb_exchange *x, const struct desk_caller *caller, const char *field,
                         const char *org_id, int64_t from);
void desk_contact_link(struct sb_exchange *x, const json_t *contact, bool is_new);
/* What a contact step says that has nothing (more) to do. Only a call without a ticket is told why. */
enum sb_verdict desk_skip_settled(struct sb_exchange *x);

#endif

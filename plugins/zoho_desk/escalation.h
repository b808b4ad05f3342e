/* Escalations: the ticket's text, the open ticket that an escalation may be added to, files, remarks, and what the user
 * is told. */
#ifndef ZOHO_DESK_ESCALATION_H
#define ZOHO_DESK_ESCALATION_H

#include "user.h"

enum {
    DESK_TEXT_DESCRIPTION_MAX = 32000, /* help pages, of a description; OpenAPI says 65,535 */
    DESK_FILE_NAME_MAX = 100           /* OpenAPI: name of an attachment */
};

/* ---- text (escalation_text.c) ---- */

/* Fits `text`, the whole plain text about the escalation, into the ticket: the beginning becomes the description (HTML)
 * in `fields`, and the section "escalation_text" keeps the text and where the notes go on. */
void desk_text_take(struct sb_exchange *x, const char *text, json_t *fields);
/* What the notes of the ticket are to hold: the rest of the text, all of it on a ticket that was there before, NULL for
 * nothing. */
const char *desk_text_rest(struct sb_exchange *x);
const char *desk_text_whole(struct sb_exchange *x);

/* ---- notes (note.c) ---- */

/* A private note of its own kind on the ticket: the marker in it tells it from all others. */
struct desk_note {
    const char *ticket_id;
    const char *marker;  /* "[SB-0123456789ABC/1]" */
    const char *content; /* with the marker in it; plain text */
    bool is_public;
};
/* Writes the request of the note and keeps in the intent what reconcile needs. */
void desk_note_request(struct sb_exchange *x, const struct desk_note *note);
/* Looks through one page of comments for the marker of the intent. The comment, or NULL with the verdict in *ret_verdict:
 * SB_SKIP when it is certain that there is none, or when all that are there were asked for. */
const json_t *desk_note_look(struct sb_exchange *x, enum sb_verdict *ret_verdict);

/* ---- tickets (ticket.c) ---- */

/* Whether a ticket's subject ends with the reference, or the custom field (may be NULL or "") is it. */
bool desk_ticket_is_ours(struct sb_exchange *x, const json_t *ticket, const char *reference,
                         const char *custom);
/* Asks the search, which sees a ticket on whatever contact it is, but late, for those with the reference in the subject or in
 * the custom field (may be NULL or ""). */
void desk_ticket_search(struct sb_exchange *x, const char *org_id, const char *custom, const char *reference);
/* The record's own ticket among those of a list; NULL: none is. A record out of a backup may have made it long ago. */
const json_t *desk_own_ticket(struct sb_exchange *x, const json_t *items);
/* Writes the ticket down as the record's own. */
void desk_ticket_take(struct sb_exchange *x, const json_t *ticket);

/* ---- the contact's tickets (ticket_list.c) ---- */

/* Asks for the newest tickets of the contact. */
void desk_list_request(struct sb_exchange *x);
/* Reads the answer: the tickets in *ret_items, NULL for none. False when there is nothing to choose from, with what the
 * step says in *ret_verdict: the record's own ticket is among them, and is written down; the contact is gone; or it is no
 * such answer. Gives items that live as long as the answer. */
bool desk_list_take(struct sb_exchange *x, const json_t **ret_items, enum sb_verdict *ret_verdict);

/* ---- open tickets (open_ticket.c) ---- */

/* Whether tickets of the contact are looked at: those of the fallback contact are other people's. */
bool desk_may_attach(struct sb_exchange *x);
/* Chooses a ticket of such a list. `said`: what the script said about it, or NULL. */
void desk_attach_to(struct sb_exchange *x, const json_t *ticket, const json_t *said);

/* ---- what the script says (map.c) ---- */

/* What scripts are told of the configuration. Kept by the exchange. */
json_t *desk_script_options(struct sb_exchange *x);

/* ---- steps ---- */

/* The lock from the look at the contact's open tickets to the ticket: of two escalations of one user, the second finds
 * what the first has made. NULL when nothing may be added to an open ticket. Kept by the exchange. */
const char *desk_open_key(struct sb_exchange *x);
enum sb_verdict desk_find_noted_build(struct sb_exchange *x);
enum sb_verdict desk_find_noted_fold(struct sb_exchange *x);
enum sb_verdict desk_find_own_build(struct sb_exchange *x);
enum sb_verdict desk_find_own_fold(struct sb_exchange *x);
enum sb_verdict desk_find_open_build(struct sb_exchange *x);
enum sb_verdict desk_find_open_fold(struct sb_exchange *x);
enum sb_verdict desk_attach_build(struct sb_exchange *x);
enum sb_verdict desk_attach_fold(struct sb_exchange *x);
enum sb_verdict desk_reconcile_attach_fold(struct sb_exchange *x);
enum sb_verdict desk_raise_build(struct sb_exchange *x);
enum sb_verdict desk_raise_fold(struct sb_exchange *x);

enum sb_verdict desk_upload_build(struct sb_exchange *x);
enum sb_verdict desk_upload_fold(struct sb_exchange *x);
enum sb_verdict desk_reconcile_upload_build(struct sb_exchange *x);
enum sb_verdict desk_reconcile_upload_fold(struct sb_exchange *x);

enum sb_verdict desk_remark_build(struct sb_exchange *x);
enum sb_verdict desk_remark_fold(struct sb_exchange *x);
enum sb_verdict desk_reconcile_remark_fold(struct sb_exchange *x);

enum sb_verdict desk_message_build(struct sb_exchange *x);

#endif

/* What the files of the callback sink share. */
#ifndef CALLBACK_H
#define CALLBACK_H

#include "switchboard/switchboard.h"

#define CALLBACK_CREATED "ticket.created"
#define CALLBACK_DELAYED "ticket.delayed"

/* ---- event.c: what there is to tell -------------------------------------------------------------------- */

/* Whether anything is to be told of this record, and to anybody. */
bool callback_has_event(const struct sb_exchange *x);
/* CALLBACK_CREATED, or CALLBACK_DELAYED for a notice. */
const char *callback_event(const struct sb_exchange *x);
/* The reference of the conversation: of the record, or of that which a notice is about. */
const char *callback_reference(const struct sb_exchange *x);
/* The same at every attempt, and another for every event: what the receiver tells repetitions by. */
const char *callback_event_id(struct sb_exchange *x);
/* The body: new reference. */
json_t *callback_body(struct sb_exchange *x);

/* ---- tell.c: the step ---------------------------------------------------------------------------------- */

enum sb_verdict callback_tell_build(struct sb_exchange *x);
enum sb_verdict callback_tell_fold(struct sb_exchange *x);

#endif

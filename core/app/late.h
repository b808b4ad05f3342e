/* Telling that a conversation is late. From time to time the journal is asked for escalations that came in long ago and
 * are not delivered; for each a notice is emitted, a record of its own ("<id>#delayed") that goes through the sinks that
 * tell, while the late one stays what it is: waiting, unknown, or in the dead letters. The notice's identity makes it once
 * for ever. A notice that could not be told before the ticket was there is dropped.
 *
 * A conversation may be delivered in the moment in which its notice is sent: then both are told, and the receiver puts
 * them in order by their sequence. */
#ifndef APP_LATE_H
#define APP_LATE_H

#include "switchboard/error.h"

struct engine;
struct late;

/* Gives NULL when no sink wants to tell. Loop thread. */
int late_new(struct engine *engine, struct late **ret_late, struct sb_error *err) SB_MUST_CHECK;
/* After the store's thread has ended. NULL allowed. */
void late_free(struct late *late);

#endif

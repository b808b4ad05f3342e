/* Proof: what lets the core show that there is one, and name it when there are two.
 *
 * A step that creates something says with sb_found() by which id the other side knows it. Then the core keeps that id
 * with the intent, looks once more some time after an outcome was unknown, and lets an operator decide a case that
 * nobody can find out. A source that can list what it had says so when it is asked to: see sb_list_since_ms().
 *
 * All of it is optional. A plugin that does without is never asked. */
#ifndef SWITCHBOARD_LOOK_H
#define SWITCHBOARD_LOOK_H

#include "switchboard/exchange.h"

/* In fold of an SB_CREATE step, and of its reconcile step: the other side has this thing of the intent, by this id. In
 * fold of the step itself, and of a reconcile step that says SB_OK at once: the one that was made. When sb_look_all():
 * each one that is there. Copies `id`. */
SB_API void sb_found(struct sb_exchange *x, const char *id);

/* In a reconcile step: whether all that is there is asked for, to see whether there are two. Then fold reports each with
 * sb_found(), also after the first, and says SB_AGAIN until every place was looked at, and at last SB_SKIP or SB_OK, which
 * are the same then. What it writes into the record does not count. */
SB_API bool sb_look_all(const struct sb_exchange *x);

/* In a reconcile step: the id that an operator says it is, or NULL in an ordinary look. Then build checks its form
 * (SB_REJECT with what would be right) and reads that one thing; fold takes it into the record, says sb_found() with this
 * very id and SB_OK, or says with SB_REJECT why it cannot be it. */
SB_API const char *sb_look_id(const struct sb_exchange *x);
/* Whether the operator takes it even if it does not carry the reference, or cannot be read. */
SB_API bool sb_look_is_forced(const struct sb_exchange *x);

/* In a poll step: 0 in an ordinary round. Otherwise one round is to list everything that began at this time (wall clock)
 * or later, so that it can be compared with the journal. The cursor is a copy that is thrown away: the step begins anew
 * in it, keeps what it says about what was never to be taken, and lists all in this one round. */
SB_API int64_t sb_list_since_ms(const struct sb_exchange *x);
/* The same: a conversation that the source has, and that an ordinary round would not emit now, with the reason. Copies. */
SB_API void sb_listed(struct sb_exchange *x, const char *account, const char *external_id,
                      const char *reason);

#endif

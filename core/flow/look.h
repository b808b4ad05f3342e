/* Looking once more: whether what was created is there, and there once.
 *
 * One actor does it, one look after the other: second looks that the journal says are due (a create step went through an
 * unknown outcome; a request that was given up may have arrived after all), and those that somebody asks for. A look is
 * the create step's own reconcile with sb_look_all(): it changes nothing at the other side. */
#ifndef FLOW_LOOK_H
#define FLOW_LOOK_H

#include "flow/call.h"

struct looker;

extern const struct actor_class *const look_class;

/* NULL: out of memory. */
struct looker *look_new(struct flow *flow);
void look_free(struct flow *flow, struct looker *looker); /* NULL allowed; who asked is not told any more */
void look_start(struct flow *flow, struct looker *looker);
/* A second look will be due in `ms`. */
void look_expect(struct flow *flow, struct looker *looker, int64_t ms);

void look_on_document(struct flow *flow, struct looker *looker, const char *doc);
void look_on_loaded(struct flow *flow, struct looker *looker, struct store_record *record); /* takes */
void look_on_committed(struct flow *flow, struct looker *looker);

#endif

/* Listing a source anew, over a scratch cursor: what it had since some time. Nothing is emitted and nothing remembered. */
#ifndef FLOW_LIST_H
#define FLOW_LIST_H

#include "flow/call.h"

struct lister;

extern const struct actor_class *const list_class;

void list_free(struct flow *flow, struct lister *lister); /* NULL allowed; who asked is not told any more */
void list_on_document(struct flow *flow, struct lister *lister, const char *doc);

#endif

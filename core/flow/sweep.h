/* What a second look (look.h) writes into the journal: one change each. NULL: out of memory. */
#ifndef FLOW_SWEEP_H
#define FLOW_SWEEP_H

#include "store/store.h"

/* The look that is under way, at one intent. Borrowed. */
struct swept {
    int64_t record_id;
    const char *instance, *step;
    uint32_t round;
    int64_t now_ms; /* wall clock */
};

/* The same look, at another time of day. */
struct store_change *change_of_sweep_later(const struct swept *swept, int64_t due_ms);
/* A look at another intent of the record takes its place. */
struct store_change *change_of_sweep_instead(const struct swept *swept, const struct store_settled *other,
                                             int64_t due_ms);
/* It is over. `verdict` (a constant) and `text` become a line of the timeline; NULL: there was nothing to look for.
 * `others`: a JSON array with the ids of second things; NULL: there are none. */
struct store_change *change_of_sweep_end(const struct swept *swept, const char *verdict, const char *text,
                                         const char *others);

#endif

/* Conversations that wait for long, and the notices about them. A notice is a record of its own, in another pipeline, whose
 * external id is that of the conversation with a suffix: its identity makes it once for ever. Like store.h: one thread at a
 * time. */
#ifndef STORE_LATE_H
#define STORE_LATE_H

#include "store/store.h"

struct store_late_query {
    const char *pipeline;
    enum store_state state;    /* STORE_ACTIVE or STORE_DEAD */
    int64_t after_id;          /* only records beyond this one */
    int64_t received_until_ms; /* only records that came in until then */
    const char *suffix;        /* of notices' external ids: "#delayed" */
};

struct store_late {
    int64_t id;
    bool has_notice; /* or something else that has the identity of one */
};

/* At most `limit` records in the order of their ids, into `ret_list`, which has room for so many. Found by the index over
 * states. */
int store_late(struct store *store, const struct store_late_query *query, size_t limit,
               struct store_late *ret_list, size_t *ret_count, struct sb_error *err) SB_MUST_CHECK;
/* Active records of the pipeline `notices` whose conversation (their external id without `suffix`) has ended well
 * meanwhile, or has come as far as the sink `instance`. */
int store_late_overtaken(struct store *store, const char *notices, const char *suffix, const char *instance,
                         size_t limit, int64_t *ret_ids, size_t *ret_count,
                         struct sb_error *err) SB_MUST_CHECK;

#endif

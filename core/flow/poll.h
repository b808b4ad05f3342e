/* A source that is asked: rounds over its cursor document, one page a commit, emitted records and the moved
 * cursor together. */
#ifndef FLOW_POLL_H
#define FLOW_POLL_H

#include "flow/call.h"

enum poll_state { POLL_UNREAD = 0, POLL_READING, POLL_ASKING, POLL_COMMITTING, POLL_WAITING };

struct poll {
    struct call call;
    const struct flow_pipeline *pipeline;
    struct gate *gate;
    enum poll_state state;
    json_t *cursor; /* owned object */
    size_t step_index;
    uint32_t round;         /* SB_AGAIN in this step */
    uint32_t failures;      /* in a row */
    int64_t step_since_ms;  /* wall */
    int64_t round_began_ms; /* monotonic */
    int64_t heard_ms;       /* monotonic: last good answer */
    int64_t rounds_done;
    int64_t next_ms;    /* POLLING: delay before the next ask */
    bool round_is_over; /* after the commit */
    bool emitted;       /* in this round */
    bool was_empty;     /* the last whole round had nothing new */
    bool has_alerted;
    struct metric *emitted_metric, *rounds_metric;
};

extern const struct actor_class *const poll_class;

struct poll *poll_new(struct flow *flow, const struct flow_pipeline *pipeline, struct gate *gate);
void poll_free(struct flow *flow, struct poll *poll); /* NULL allowed */
void poll_start(struct flow *flow, struct poll *poll);
/* Whether a whole round has passed without anything new, since the last thing that came in. */
bool poll_is_done(const struct flow *flow, const struct poll *poll);
void poll_on_document(struct flow *flow, struct poll *poll, const char *doc);
void poll_on_committed(struct flow *flow, struct poll *poll, struct store_change *change);

#endif

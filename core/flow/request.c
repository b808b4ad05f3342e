/* What an operator asks of a record that is on its way, to be heeded at its next safe point, and asks about it. */
#include <stdlib.h>
#include <string.h>

#include "flow/run.h"
#include "flow/state.h"

/* Its next safe point is now, unless something is under way. */
static void wake(struct flow *flow, struct run *run)
{
    bool sleeps = run->state == RUN_DELAYED || (run->state == RUN_PARKED && !run->is_held);
    if (sleeps)
        actor_arm(&flow->actors, &run->call.actor, flow_mono_ms(flow));
}

void run_request_drop(struct flow *flow, struct run *run, const char *reason)
{
    if (run->drop_reason)
        return;
    run->drop_reason = strdup(reason);
    if (!run->drop_reason) {
        flow_fail(flow, "out of memory");
        return;
    }
    wake(flow, run);
}

void run_request_decision(struct flow *flow, struct run *run, const char *adopt, bool is_forced)
{
    char *copy = adopt ? strdup(adopt) : NULL;

    if (adopt && !copy) {
        flow_fail(flow, "out of memory");
        return;
    }
    if (!run->is_adopting) { /* one that is looked at already is decided first */
        free(run->adopt);
        run->adopt = copy;
        run->adopt_is_forced = is_forced;
    } else {
        free(copy);
    }
    run->sends_again = !adopt;
    wake(flow, run);
}

/* From the monotonic clock to the one on the wall. 0 stays 0. */
static int64_t wall_of(const struct flow *flow, int64_t mono_ms)
{
    return mono_ms ? flow_wall_ms(flow) + mono_ms - flow_mono_ms(flow) : 0;
}

json_t *flow_unknown(const struct flow *flow)
{
    json_t *list = json_array();

    for (const struct run *run = flow->runs; list && run; run = run->next) {
        bool waits = run->call.actor.timer_index != SIZE_MAX;
        if (!run->is_unknown)
            continue;
        (void)json_array_append_new(
            list, json_pack("{s:I, s:I, s:I, s:I, s:I}", "record_id", (json_int_t)run->id, "looks",
                            (json_int_t)run->asks, "not_found", (json_int_t)run->not_found, "next_ms",
                            (json_int_t)(waits ? wall_of(flow, run->call.actor.due_ms) : 0), "certain_ms",
                            (json_int_t)wall_of(flow, run->certain_ms)));
    }
    return list;
}

/* What an operator asks of a record that is on its way: it is heeded at the record's next safe point. */
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

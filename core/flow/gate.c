/* Concurrency, rate, pauses and the circuit breaker of one instance. */
#include "flow/gate.h"

#include <assert.h>
#include <string.h>

#include "flow/state.h"

enum { TIMEOUT_MS_DEFAULT = 30 * 1000 };

static const struct actor_class gate_class;

uint32_t gate_width(const struct gate *gate)
{
    return (uint32_t)gate->width;
}

static void show_state(struct gate *gate)
{
    metric_set(gate->state_metric, (double)gate->state);
    metric_set(gate->in_use_metric, (double)gate->in_use);
    metric_set(gate->width_metric, (double)gate_width(gate));
}

int gate_init(struct flow *flow, struct gate *gate, const struct flow_plan_instance *planned)
{
    const char *const labels[] = { "instance", planned->name, NULL };
    *gate = (struct gate){ .instance = planned->instance,
                           .name = planned->name,
                           .off_reason = planned->off_reason };

    gate->state_metric = metrics_get(flow->metrics, METRIC_GAUGE, "switchboard_breaker_state",
                                     "0 closed, 1 open, 2 half-open", labels);
    gate->in_use_metric = metrics_get(flow->metrics, METRIC_GAUGE, "switchboard_instance_in_use",
                                      "exchanges under way at an instance", labels);
    gate->width_metric =
        metrics_get(flow->metrics, METRIC_GAUGE, "switchboard_instance_concurrency",
                    "exchanges that an instance may have under way now; fewer after a 429", labels);
    gate->pause_metric = metrics_get(flow->metrics, METRIC_COUNTER, "switchboard_pauses_total",
                                     "pauses that the other side asked for", labels);
    if (planned->instance) {
        const struct instance_value *rate = instance_value(planned->instance, "rate");
        gate->concurrency = (uint32_t)instance_number(planned->instance, "concurrency", 16);
        gate->width = (double)gate->concurrency;
        if (rate && rate->number > 0) {
            gate->rate_events = rate->number;
            gate->rate_period_ms = rate->period_ms;
            /* A tenth may go out at once and nine tenths trickle, so that no window of one period, wherever
             * the other side lets it begin, sees more than `rate_events`. */
            gate->rate_room = rate->number >= 10 ? (double)rate->number / 10 : 1;
            gate->rate_left = gate->rate_room;
        }
    }
    gate->rate_at_ms = flow_mono_ms(flow);
    return actor_add(&flow->actors, &gate->actor, &gate_class);
}

void gate_done(struct flow *flow, struct gate *gate)
{
    if (gate->actor.class_)
        actor_remove(&flow->actors, &gate->actor);
}

bool gate_is_broken(const struct gate *gate)
{
    return gate->state == GATE_OPEN || (gate->state == GATE_HALF_OPEN && gate->is_probing);
}

/* Rate tokens a millisecond: what is left of the rate beside the burst. */
static double refill_per_ms(const struct gate *gate)
{
    double trickle = (double)gate->rate_events - gate->rate_room;
    if (trickle < 1)
        trickle = 1;
    return trickle / (double)gate->rate_period_ms;
}

static void refill(struct gate *gate, int64_t now_ms)
{
    if (!gate->rate_events)
        return;
    gate->rate_left += (double)(now_ms - gate->rate_at_ms) * refill_per_ms(gate);
    if (gate->rate_left > gate->rate_room)
        gate->rate_left = gate->rate_room;
    gate->rate_at_ms = now_ms;
}

/* How many may enter now. */
static size_t room_now(struct gate *gate, int64_t now_ms)
{
    if (gate_is_broken(gate) || now_ms < gate->paused_until_ms || gate->in_use >= gate_width(gate))
        return 0;
    if (gate->state == GATE_HALF_OPEN)
        return gate->in_use ? 0 : 1;
    size_t room = gate_width(gate) - gate->in_use;
    refill(gate, now_ms);
    if (gate->rate_events && gate->rate_left < (double)room)
        room = gate->rate_left < 1 ? 0 : (size_t)gate->rate_left;
    return room;
}

/* When it is worth looking again although nobody leaves. */
static void arm(struct flow *flow, struct gate *gate, int64_t now_ms)
{
    int64_t due_ms = INT64_MAX;

    if (gate->state == GATE_OPEN)
        due_ms = gate->probe_ms;
    else if (now_ms < gate->paused_until_ms)
        due_ms = gate->paused_until_ms;
    else if (gate->queue.count && gate->rate_events && gate->rate_left < 1)
        due_ms = now_ms + (int64_t)((1 - gate->rate_left) / refill_per_ms(gate)) + 1;
    if (due_ms == INT64_MAX)
        actor_disarm(&flow->actors, &gate->actor);
    else
        actor_arm(&flow->actors, &gate->actor, due_ms);
}

static void wake_waiting(struct flow *flow, struct gate *gate, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct actor *actor = queue_take(&gate->queue);
        if (!actor)
            return;
        flow_ready(flow, actor);
    }
}

static void look_again(struct flow *flow, struct gate *gate)
{
    int64_t now_ms = flow_mono_ms(flow);

    wake_waiting(flow, gate, room_now(gate, now_ms));
    arm(flow, gate, now_ms);
    show_state(gate);
}

bool gate_enter(struct flow *flow, struct gate *gate, struct actor *actor)
{
    int64_t now_ms = flow_mono_ms(flow);

    assert(gate->instance);
    if (!room_now(gate, now_ms)) {
        queue_add(&gate->queue, actor);
        arm(flow, gate, now_ms);
        return false;
    }
    gate->entered_as = ++gate->in_use;
    if (gate->in_use >= gate_width(gate))
        gate->from_full = gate->in_use;
    if (gate->state == GATE_HALF_OPEN)
        gate->is_probing = true;
    if (gate->rate_events)
        gate->rate_left -= 1;
    show_state(gate);
    return true;
}

void gate_refund(struct gate *gate)
{
    if (gate->rate_events)
        gate->rate_left += 1;
}

static void open_breaker(struct flow *flow, struct gate *gate, int64_t for_ms, const char *reason)
{
    int64_t now_ms = flow_mono_ms(flow);

    if (gate->state == GATE_CLOSED)
        gate->opened_ms = now_ms;
    gate->state = GATE_OPEN;
    gate->probe_ms = now_ms + for_ms;
    gate->times_opened++;
    gate->is_probing = false;
    if (reason && reason != gate->reason)
        (void)snprintf(gate->reason, sizeof(gate->reason), "%s", reason);
    LOG_WARN(flow->log, "breaker open", LOG_STR("instance", gate->name), LOG_INT("probe_in_ms", for_ms),
             LOG_STR("reason", gate->reason));
    /* Everybody looks once: who has an alternative takes it, who has none comes back into the queue. */
    wake_waiting(flow, gate, gate->queue.count);
}

static void close_breaker(struct flow *flow, struct gate *gate)
{
    LOG_NOTICE(flow->log, "breaker closed", LOG_STR("instance", gate->name));
    if (gate->has_alerted)
        flow_alert(flow, FLOW_ALERT_RECOVERED, gate->name, "it works again");
    gate->state = GATE_CLOSED;
    gate->is_suspended = gate->has_alerted = gate->is_probing = false;
    gate->times_opened = 0;
    gate->reason[0] = '\0';
}

static int64_t open_time(struct flow *flow, const struct gate *gate)
{
    int64_t ms = GATE_OPEN_MS_FIRST;

    for (uint32_t i = 0; i < gate->times_opened && ms < GATE_OPEN_MS_MAX; i++)
        ms *= 2;
    if (ms > GATE_OPEN_MS_MAX)
        ms = GATE_OPEN_MS_MAX;
    return ms - flow_random_up_to(flow, ms / 4);
}

static void note_failure(struct flow *flow, struct gate *gate, const char *reason)
{
    gate->failures++;
    if (gate->state == GATE_CLOSED && gate->failures < GATE_FAILURES_MAX)
        return;
    if (gate->state == GATE_OPEN)
        return; /* those that were inside when it opened */
    open_breaker(flow, gate, open_time(flow, gate), reason);
    if (!gate->has_alerted && flow_mono_ms(flow) - gate->opened_ms >= flow->options.alert_breaker_ms) {
        gate->has_alerted = true;
        flow_alert(flow, FLOW_ALERT_BREAKER_OPEN, gate->name, gate->reason);
    }
}

/* Half of what was inside when it was refused, once for all that were inside together. */
static void narrow(struct flow *flow, struct gate *gate)
{
    if (gate->from_before > 0)
        return;
    /* Others may have left since the refused one entered. */
    gate->refused_at = gate->entered_as > gate->in_use ? gate->entered_as : gate->in_use;
    gate->refused_at_ms = flow_mono_ms(flow);
    uint32_t half = gate->refused_at / 2;
    gate->width = half > 1 ? (double)half : 1;
    gate->from_before = gate->in_use;
    gate->from_full = 0;
    LOG_INFO(flow->log, "fewer at once", LOG_STR("instance", gate->name),
             LOG_INT("refused_at", gate->refused_at), LOG_INT("concurrency", gate_width(gate)));
}

/* By one for as many successes as are inside, or GATE_SLOWLY times as many. Only when it is used: an idle gate proves
 * nothing. */
static void widen(struct flow *flow, struct gate *gate)
{
    uint32_t was = gate_width(gate);

    if (was >= gate->concurrency || gate->from_full == 0)
        return;
    gate->from_full--;
    if (gate->refused_at > 0 && flow_mono_ms(flow) - gate->refused_at_ms >= GATE_LIMIT_KEPT_MS)
        gate->refused_at = 0;
    bool is_known = gate->refused_at == 0 || was + 1 < gate->refused_at;
    gate->width += 1.0 / gate->width / (is_known ? 1 : GATE_SLOWLY);
    if (gate->width > (double)gate->concurrency)
        gate->width = (double)gate->concurrency;
}

void gate_leave(struct flow *flow, struct gate *gate, enum gate_result result, const char *reason)
{
    assert(gate->in_use > 0);
    if (result == GATE_LIMITED)
        narrow(flow, gate);
    else if (result == GATE_WORKED)
        widen(flow, gate);
    gate->in_use--;
    if (gate->from_before > 0)
        gate->from_before--;
    if (result == GATE_FAILED) {
        note_failure(flow, gate, reason);
    } else if (result == GATE_WORKED || result == GATE_LIMITED) {
        gate->failures = 0;
        if (gate->state == GATE_HALF_OPEN)
            close_breaker(flow, gate);
    } else if (gate->state == GATE_HALF_OPEN) {
        gate->is_probing = false; /* it told nothing: the next one probes */
    }
    look_again(flow, gate);
}

void gate_pause(struct flow *flow, struct gate *gate, int64_t ms)
{
    int64_t until_ms = flow_mono_ms(flow) + ms;

    metric_add(gate->pause_metric, 1);
    if (until_ms > gate->paused_until_ms)
        gate->paused_until_ms = until_ms;
    look_again(flow, gate);
}

void gate_suspend(struct flow *flow, struct gate *gate, int64_t ms, enum flow_alert alert, const char *reason)
{
    gate->is_suspended = true;
    open_breaker(flow, gate, ms, reason);
    if (!gate->has_alerted) {
        gate->has_alerted = true;
        flow_alert(flow, alert, gate->name, reason);
    }
    look_again(flow, gate);
}

static void on_timer(struct flow *flow, struct actor *actor)
{
    struct gate *gate = (struct gate *)actor;

    if (gate->state == GATE_OPEN && flow_mono_ms(flow) >= gate->probe_ms) {
        gate->state = GATE_HALF_OPEN;
        gate->is_probing = false;
    }
    look_again(flow, gate);
}

static void on_turn(struct flow *flow, struct actor *actor)
{
    (void)flow;
    (void)actor;
    assert(false && "a gate waits in no queue");
}

static const struct actor_class gate_class = { .name = "gate", .on_timer = on_timer, .on_turn = on_turn };

int64_t gate_settle_ms(const struct gate *gate, const struct sb_step *step)
{
    return instance_number(gate->instance, "settle", step->settle_ms) +
           instance_number(gate->instance, "timeout", TIMEOUT_MS_DEFAULT);
}

int64_t gate_settle_ms_max(const struct gate *gate)
{
    int64_t longest_ms = 0;

    if (gate->off_reason)
        return 0;
    for (const struct sb_step *step = gate->instance->plugin->steps; step && step->name; step++)
        if (step->effect == SB_CREATE && gate_settle_ms(gate, step) > longest_ms)
            longest_ms = gate_settle_ms(gate, step);
    return longest_ms;
}

const char *gate_word(const struct gate *gate)
{
    if (gate->off_reason)
        return "off";
    if (gate->state == GATE_CLOSED)
        return "closed";
    if (gate->is_suspended)
        return "suspended";
    return gate->state == GATE_OPEN ? "open" : "half-open";
}

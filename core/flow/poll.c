/* Rounds of a source that is asked. */
#include "flow/poll.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "flow/backoff.h"
#include "flow/change.h"
#include "flow/report.h"
#include "flow/run.h"
#include "flow/state.h"

enum { POLL_INTERVAL_MS = 60 * 1000, POLL_ONCE_MS = 1000, POLL_FULL_MS = 2 * 1000 };

static const struct sb_step *current_step(const struct poll *poll)
{
    return &poll->gate->instance->plugin->poll[poll->step_index];
}

struct poll *poll_new(struct flow *flow, const struct flow_pipeline *pipeline, struct gate *gate)
{
    struct poll *poll = calloc(1, sizeof(*poll));
    const char *const labels[] = { "source", gate->name, NULL };

    if (!poll || actor_add(&flow->actors, &poll->call.actor, poll_class) < 0) {
        free(poll);
        return NULL;
    }
    poll->pipeline = pipeline;
    poll->gate = gate;
    poll->heard_ms = flow_mono_ms(flow);
    poll->emitted_metric = metrics_get(flow->metrics, METRIC_COUNTER, "switchboard_records_received_total",
                                       "conversations that a source brought", labels);
    poll->rounds_metric = metrics_get(flow->metrics, METRIC_COUNTER, "switchboard_poll_rounds_total",
                                      "rounds of a source", labels);
    return poll;
}

void poll_free(struct flow *flow, struct poll *poll)
{
    if (!poll)
        return;
    call_reset(flow, &poll->call);
    actor_remove(&flow->actors, &poll->call.actor);
    json_decref(poll->cursor);
    free(poll);
}

static void ask(struct flow *flow, struct poll *poll)
{
    if (flow->is_stopping)
        return;
    if (flow_is_full(flow)) {
        actor_arm(&flow->actors, &poll->call.actor, flow_mono_ms(flow) + POLL_FULL_MS);
        return;
    }
    poll->state = POLL_ASKING;
    call_start(flow, &poll->call, poll->gate, current_step(poll));
}

void poll_start(struct flow *flow, struct poll *poll)
{
    poll->state = POLL_READING;
    flow->world.read_cursor(flow->world.ctx, poll->gate->name, actor_ticket(&poll->call.actor));
}

void poll_on_document(struct flow *flow, struct poll *poll, const char *doc)
{
    poll->cursor = doc ? json_parse(doc, strlen(doc), NULL) : NULL;
    if (!json_is_object(poll->cursor)) {
        json_decref(poll->cursor);
        poll->cursor = json_object();
    }
    poll->round_began_ms = flow_mono_ms(flow);
    poll->step_since_ms = flow_wall_ms(flow);
    ask(flow, poll);
}

bool poll_is_done(const struct flow *flow, const struct poll *poll)
{
    return poll->was_empty && poll->rounds_done > 0 && poll->round_began_ms >= flow->last_emit_ms;
}

/* ---- after an answer ----------------------------------------------------------------------------------- */

static void wait_for(struct flow *flow, struct poll *poll, int64_t ms)
{
    poll->state = POLL_WAITING;
    actor_arm(&flow->actors, &poll->call.actor, flow_mono_ms(flow) + ms);
}

static void end_round(struct flow *flow, struct poll *poll)
{
    int64_t interval_ms = instance_number(poll->gate->instance, "poll_interval", POLL_INTERVAL_MS);
    int64_t spent_ms = flow_mono_ms(flow) - poll->round_began_ms;

    if (flow->options.is_once && interval_ms > POLL_ONCE_MS)
        interval_ms = POLL_ONCE_MS;

    poll->was_empty = !poll->emitted;
    poll->rounds_done++;
    metric_add(poll->rounds_metric, 1);
    poll->step_index = 0;
    poll->round = 0;
    poll->round_is_over = true;
    wait_for(flow, poll, spent_ms < interval_ms ? interval_ms - spent_ms : 0);
}

static void go_on(struct flow *flow, struct poll *poll)
{
    poll->step_since_ms = flow_wall_ms(flow);
    if (!current_step(poll)->name)
        end_round(flow, poll);
    else if (poll->next_ms > 0)
        wait_for(flow, poll, poll->next_ms);
    else
        ask(flow, poll);
}

static void try_again_later(struct flow *flow, struct poll *poll, const struct call_result *result)
{
    int64_t wait_ms = backoff_ceiling_ms(++poll->failures);

    wait_ms = wait_ms / 2 + flow_random_up_to(flow, wait_ms / 2);
    if (wait_ms < result->delay_ms)
        wait_ms = result->delay_ms;
    LOG_WARN(flow->log, "source not read", LOG_STR("source", poll->gate->name),
             LOG_STR("step", poll->call.step->name), LOG_INT("status", result->http_status),
             LOG_STR("reason", result->reason), LOG_INT("again_in_ms", wait_ms));
    if (!poll->has_alerted && flow_mono_ms(flow) - poll->heard_ms >= flow->options.alert_silent_ms) {
        poll->has_alerted = true;
        flow_alert(flow, FLOW_ALERT_SOURCE_SILENT, poll->gate->name, result->reason);
    }
    call_reset(flow, &poll->call);
    wait_for(flow, poll, wait_ms);
}

static void commit_page(struct flow *flow, struct poll *poll)
{
    struct sb_exchange *x = poll->call.x;
    struct store_change *change = change_of_poll(flow, poll);

    if (!change) {
        flow_fail(flow, "out of memory");
        return;
    }
    json_decref(poll->cursor);
    poll->cursor = exchange_document(x);
    poll->state = POLL_COMMITTING;
    call_reset(flow, &poll->call);
    flow->world.commit(flow->world.ctx, change, actor_ticket(&poll->call.actor));
}

static void on_ended(struct flow *flow, struct call *call, const struct call_result *result)
{
    struct poll *poll = (struct poll *)call;
    struct sb_exchange *x = call->x;

    report_call(flow, call, result, NULL);
    if (result->verdict == SB_RETRY || result->verdict == SB_REJECT || result->verdict == SB_DROP) {
        try_again_later(flow, poll, result);
        return;
    }
    poll->failures = 0;
    poll->heard_ms = flow_mono_ms(flow);
    if (poll->has_alerted) {
        poll->has_alerted = false;
        flow_alert(flow, FLOW_ALERT_RECOVERED, poll->gate->name, "the source answers again");
    }
    if (result->verdict == SB_AGAIN) {
        poll->round++;
        poll->next_ms = x->delay_ms;
    } else {
        poll->step_index++;
        poll->round = 0;
        poll->next_ms = 0;
    }
    if (x->dirty_count || x->emit_count || x->meter_count) {
        commit_page(flow, poll);
        return;
    }
    call_reset(flow, call);
    go_on(flow, poll);
}

void poll_on_committed(struct flow *flow, struct poll *poll, struct store_change *change)
{
    if (change->ret_is_left_out) {
        flow_fail(flow, "out of memory");
        return;
    }
    for (size_t i = 0; i < change->emit_count; i++) {
        const struct store_emit *emit = &change->emits[i];
        const struct store_active active = { .id = emit->ret_id, .pipeline = poll->pipeline->name };
        if (!emit->ret_id)
            continue;
        poll->emitted = true;
        flow->last_emit_ms = flow_mono_ms(flow);
        metric_add(poll->emitted_metric, 1);
        LOG_INFO(flow->log, "conversation received", LOG_INT("record", emit->ret_id),
                 LOG_STR("pipeline", poll->pipeline->name), LOG_STR("id", emit->external_id));
        if (!run_adopt(flow, &active)) {
            flow_fail(flow, "out of memory");
            return;
        }
    }
    go_on(flow, poll);
}

/* ---- actor --------------------------------------------------------------------------------------------- */

static void on_input(struct flow *flow, struct call *call, struct exchange_input *ret_input)
{
    const struct poll *poll = (const struct poll *)call;

    ret_input->document = poll->cursor;
    ret_input->now_ms = flow_wall_ms(flow);
    ret_input->since_ms = poll->step_since_ms;
    ret_input->round = poll->round;
}

static void on_timer(struct flow *flow, struct actor *actor)
{
    struct poll *poll = (struct poll *)actor;

    if (poll->call.state != CALL_IDLE)
        return;
    if (poll->round_is_over) {
        poll->round_is_over = false;
        poll->emitted = false;
        poll->round_began_ms = flow_mono_ms(flow);
        poll->step_since_ms = flow_wall_ms(flow);
    }
    ask(flow, poll);
}

static void on_turn(struct flow *flow, struct actor *actor)
{
    struct poll *poll = (struct poll *)actor;

    if (flow->is_stopping && poll->call.state == CALL_GATE)
        poll->call.state = CALL_IDLE;
    else
        call_turn(flow, &poll->call);
}

static const struct call_class class_ = {
    .actor = { .name = "poll", .on_timer = on_timer, .on_turn = on_turn },
    .input = on_input,
    .built = call_send,
    .ended = on_ended
};
const struct actor_class *const poll_class = &class_.actor;

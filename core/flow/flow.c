/* Assembly of a flow, its events, and the order in which turns are given. */
#include "flow/flow.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "flow/call.h"
#include "flow/list.h"
#include "flow/look.h"
#include "flow/poll.h"
#include "flow/room.h"
#include "flow/run.h"
#include "flow/state.h"

static const char *const alert_words[] = {
#define X(id, word) [id] = word,
    FLOW_ALERTS(X)
#undef X
};

const char *flow_alert_word(enum flow_alert alert)
{
    return (unsigned)alert < FLOW_ALERT_COUNT ? alert_words[alert] : NULL;
}

void flow_ready(struct flow *flow, struct actor *actor)
{
    queue_add(&flow->ready, actor);
}

int64_t flow_random_up_to(struct flow *flow, int64_t limit)
{
    if (limit <= 0)
        return 0;
    return (int64_t)(flow->world.random(flow->world.ctx) % ((uint64_t)limit + 1));
}

void flow_alert(struct flow *flow, enum flow_alert alert, const char *subject, const char *text)
{
    LOG_WARN(flow->log, "alert", LOG_STR("alert", flow_alert_word(alert)), LOG_STR("subject", subject),
             LOG_STR("text", text));
    if (flow->world.alert)
        flow->world.alert(flow->world.ctx, alert, subject, text);
}

void flow_fail(struct flow *flow, const char *why)
{
    if (flow->has_failed)
        return;
    flow->has_failed = true;
    LOG_ERROR(flow->log, "engine stops", LOG_STR("reason", why));
}

struct gate *flow_gate(struct flow *flow, size_t index)
{
    assert(index < flow->plan->instance_count);
    return &flow->gates[index];
}

/* ---- making and ending --------------------------------------------------------------------------------- */

static const struct flow_options defaults = { .in_flight_max = 500,
                                              .step_budget_ms = INT64_C(72) * 3600 * 1000,
                                              .alert_breaker_ms = INT64_C(10) * 60 * 1000,
                                              .alert_silent_ms = INT64_C(30) * 60 * 1000 };

static void fill_options(struct flow_options *options)
{
    if (!options->in_flight_max)
        options->in_flight_max = defaults.in_flight_max;
    if (!options->backlog_max)
        options->backlog_max = options->in_flight_max * 20;
    if (!options->step_budget_ms)
        options->step_budget_ms = defaults.step_budget_ms;
    if (!options->alert_breaker_ms)
        options->alert_breaker_ms = defaults.alert_breaker_ms;
    if (!options->alert_silent_ms)
        options->alert_silent_ms = defaults.alert_silent_ms;
}

static int make_gates(struct flow *flow)
{
    const struct flow_plan *plan = flow->plan;

    flow->gates = calloc(plan->instance_count ? plan->instance_count : 1, sizeof(*flow->gates));
    if (!flow->gates)
        return -1;
    for (size_t i = 0; i < plan->instance_count; i++) {
        struct gate *gate = &flow->gates[i];
        if (gate_init(flow, gate, &plan->instances[i]) < 0)
            return -1;
        const struct sb_auth *auth = gate->instance ? gate->instance->plugin->auth : NULL;
        if (auth && auth->kind == SB_AUTH_OAUTH2 && !gate->off_reason && token_join(flow, gate) < 0)
            return -1;
    }
    return 0;
}

static int make_polls(struct flow *flow)
{
    const struct flow_plan *plan = flow->plan;

    flow->polls = calloc(plan->pipeline_count ? plan->pipeline_count : 1, sizeof(struct poll *));
    if (!flow->polls)
        return -1;
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        const struct flow_pipeline *pipeline = &plan->pipelines[i];
        struct gate *gate = flow_gate(flow, pipeline->source);
        if (pipeline->is_off || pipeline->is_notices || gate->off_reason || !gate->instance->plugin->poll)
            continue;
        flow->polls[flow->poll_count] = poll_new(flow, pipeline, gate);
        if (!flow->polls[flow->poll_count])
            return -1;
        flow->poll_count++;
    }
    return 0;
}

struct flow *flow_new(const struct flow_world *world, const struct flow_plan *plan,
                      const struct flow_options *options, struct log *log, struct metrics *metrics,
                      struct sb_error *err)
{
    struct flow *flow = calloc(1, sizeof(*flow));

    if (!flow) {
        (void)sb_fail(err, SB_ENOMEM, "cannot start: out of memory");
        return NULL;
    }
    flow->world = *world;
    flow->plan = plan;
    flow->log = log;
    flow->metrics = metrics;
    if (options)
        flow->options = *options;
    fill_options(&flow->options);
    if (room_init(flow) < 0 || keys_init(&flow->keys) < 0 || make_gates(flow) < 0 || make_polls(flow) < 0 ||
        !(flow->looker = look_new(flow))) {
        (void)sb_fail(err, SB_ENOMEM, "cannot start: out of memory");
        flow_free(flow);
        return NULL;
    }
    return flow;
}

void flow_free(struct flow *flow)
{
    if (!flow)
        return;
    flow->has_failed = true; /* nothing that is taken down may start anything */
    while (flow->runs)
        run_free(flow, flow->runs);
    run_index_done(&flow->index);
    look_free(flow, flow->looker);
    list_free(flow, flow->lister);
    for (size_t i = 0; i < flow->poll_count; i++)
        poll_free(flow, flow->polls[i]);
    for (size_t i = 0; i < flow->token_count; i++)
        token_free(flow, flow->tokens[i]);
    for (size_t i = 0; flow->gates && i < flow->plan->instance_count; i++)
        gate_done(flow, &flow->gates[i]);
    free(flow->polls);
    free(flow->tokens);
    free(flow->gates);
    room_done(flow);
    keys_done(&flow->keys);
    actor_table_done(&flow->actors);
    free(flow);
}

/* ---- turns --------------------------------------------------------------------------------------------- */

/* Every event ends here: whoever became ready gets its turn, one after the other and never inside another's.
 */
static void pump(struct flow *flow)
{
    for (struct actor *actor; !flow->has_failed && (actor = queue_take(&flow->ready)) != NULL;)
        actor->class_->on_turn(flow, actor);
    flow->world.wake(flow->world.ctx, flow->has_failed ? INT64_MAX : actor_next_due(&flow->actors));
}

static void adopt(struct flow *flow, const struct store_unfinished *unfinished, bool have_keys)
{
    for (size_t i = 0; i < unfinished->active_count; i++)
        if ((unfinished->active[i].intent_key != NULL) == have_keys &&
            !run_adopt(flow, &unfinished->active[i]))
            flow_fail(flow, "out of memory");
}

void flow_start(struct flow *flow, const struct store_unfinished *unfinished)
{
    adopt(flow, unfinished, true); /* first those whose intent holds a key: nobody may pass them */
    keys_rest_left(flow, unfinished->left, unfinished->left_count);
    adopt(flow, unfinished, false);
    for (size_t i = 0; i < flow->poll_count; i++)
        poll_start(flow, flow->polls[i]);
    look_start(flow, flow->looker);
    pump(flow);
}

void flow_stop(struct flow *flow)
{
    flow->is_stopping = true;
    pump(flow);
}

bool flow_has_failed(const struct flow *flow)
{
    return flow->has_failed;
}

bool flow_is_quiet(const struct flow *flow)
{
    if (flow->has_failed)
        return true;
    for (uint32_t i = 0; i < flow->actors.count; i++)
        if (flow->actors.slots[i] && flow->actors.slots[i]->has_request)
            return false;
    return flow->ready.count == 0;
}

bool flow_is_done(const struct flow *flow)
{
    if (flow->run_count > flow->held_count)
        return false;
    for (size_t i = 0; i < flow->poll_count; i++)
        if (!poll_is_done(flow, flow->polls[i]))
            return false;
    return true;
}

void flow_admit(struct flow *flow, int64_t record_id, const char *pipeline)
{
    const struct store_active active = { .id = record_id, .pipeline = pipeline };

    flow->last_emit_ms = flow_mono_ms(flow);
    if (!run_find(flow, record_id) && !run_adopt(flow, &active))
        flow_fail(flow, "out of memory");
    pump(flow);
}

bool flow_is_full(const struct flow *flow)
{
    return flow->run_count >= flow->options.backlog_max;
}

/* The commit that ends it is under way: nothing that is asked of it now is heeded any more. */
static bool is_ending(const struct run *run)
{
    return run->state == RUN_COMMITTING && run->after == AFTER_END;
}

bool flow_drop(struct flow *flow, int64_t record_id, const char *reason)
{
    struct run *run = run_find(flow, record_id);

    if (!run)
        return false;
    if (run->is_held) { /* nothing here will ever move it: the journal is changed instead */
        run_free(flow, run);
        return false;
    }
    if (is_ending(run))
        return run->record->state == STORE_DROPPED;
    run_request_drop(flow, run, reason);
    pump(flow);
    return true;
}

enum flow_decided flow_decide(struct flow *flow, int64_t record_id, const char *adopt, bool is_forced)
{
    struct run *run = run_find(flow, record_id);

    if (!run)
        return FLOW_NOT_UNDER_WAY;
    if (run->is_held)
        return FLOW_IS_HELD;
    if (is_ending(run) || run->drop_reason)
        return FLOW_IS_ENDING;
    /* The caller has seen it unknown, but the commit that settles it may be under way: what is said of that request must
     * not be taken for the next one. */
    bool is_settled = run->record && !run->record->has_intent;
    if (is_settled || (run->has_intent && !run->is_unknown))
        return FLOW_IS_SENDING;
    run_request_decision(flow, run, adopt, is_forced);
    pump(flow);
    return FLOW_DECIDED;
}

/* ---- answers of the world ------------------------------------------------------------------------------ */

void flow_on_committed(struct flow *flow, uint64_t ticket, struct store_change *change,
                       const struct sb_error *err)
{
    struct actor *actor = actor_answered(&flow->actors, ticket);

    if (err) {
        flow_fail(flow, err->text);
    } else if (actor && !flow->has_failed) {
        if (actor->class_ == &token_class)
            token_on_committed(flow, (struct token *)actor);
        else if (actor->class_ == poll_class)
            poll_on_committed(flow, (struct poll *)actor, change);
        else if (actor->class_ == look_class)
            look_on_committed(flow, (struct looker *)actor);
        else
            run_on_committed(flow, (struct run *)actor);
    }
    pump(flow);
}

void flow_on_loaded(struct flow *flow, uint64_t ticket, struct store_record *record)
{
    struct actor *actor = actor_answered(&flow->actors, ticket);

    if (!actor || flow->has_failed)
        store_record_free(record);
    else if (actor->class_ == look_class)
        look_on_loaded(flow, (struct looker *)actor, record);
    else
        run_on_loaded(flow, (struct run *)actor, record);
    pump(flow);
}

void flow_on_document(struct flow *flow, uint64_t ticket, const char *doc)
{
    struct actor *actor = actor_answered(&flow->actors, ticket);

    if (actor && !flow->has_failed) {
        if (actor->class_ == &token_class)
            token_on_document(flow, (struct token *)actor, doc);
        else if (actor->class_ == poll_class)
            poll_on_document(flow, (struct poll *)actor, doc);
        else if (actor->class_ == look_class)
            look_on_document(flow, (struct looker *)actor, doc);
        else if (actor->class_ == list_class)
            list_on_document(flow, (struct lister *)actor, doc);
        else
            run_on_document(flow, (struct run *)actor, doc);
    }
    pump(flow);
}

void flow_on_answered(struct flow *flow, uint64_t ticket, struct http_response *response)
{
    struct actor *actor = actor_answered(&flow->actors, ticket);

    if (!actor || flow->has_failed)
        http_response_free(response);
    else if (actor->class_ == &token_class)
        token_on_answered(flow, (struct token *)actor, response);
    else
        call_on_answered(flow, (struct call *)actor, response);
    pump(flow);
}

void flow_on_worked(struct flow *flow, uint64_t ticket, enum sb_verdict verdict)
{
    struct actor *actor = actor_answered(&flow->actors, ticket);

    if (actor && !flow->has_failed)
        call_on_worked(flow, (struct call *)actor, verdict);
    pump(flow);
}

void flow_on_wake(struct flow *flow)
{
    int64_t now_ms = flow_mono_ms(flow);

    for (struct actor *actor; !flow->has_failed && (actor = actor_take_due(&flow->actors, now_ms)) != NULL;)
        actor->class_->on_timer(flow, actor);
    pump(flow);
}

/* ---- for people ---------------------------------------------------------------------------------------- */

void flow_counts(const struct flow *flow, struct flow_counts *ret_counts)
{
    *ret_counts = (struct flow_counts){ .loaded = room_loaded(flow),
                                        .active = flow->run_count,
                                        .sending = flow->sending_count,
                                        .working = flow->working_count,
                                        .unknown = flow->unknown_count,
                                        .ended_done = flow->done_count,
                                        .ended_dead = flow->dead_count,
                                        .ended_other = flow->other_count };
}

json_t *flow_instances(const struct flow *flow)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < flow->plan->instance_count; i++) {
        const struct gate *gate = &flow->gates[i];
        const char *reason = gate->off_reason ? gate->off_reason : gate->reason;
        (void)json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:i, s:i, s:i}", "instance", gate->name,
                                                    "breaker", gate_word(gate), "reason", reason, "waiting",
                                                    (int)gate->queue.count, "in_use", (int)gate->in_use,
                                                    "concurrency", (int)gate_width(gate)));
    }
    return list;
}

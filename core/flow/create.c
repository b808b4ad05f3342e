/* Creating something exactly once: intents, unknown outcomes, and looking for what may be there. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/scope.h"
#include "flow/backoff.h"
#include "flow/change.h"
#include "flow/look.h"
#include "flow/report.h"
#include "flow/run.h"
#include "flow/state.h"

enum { ASK_AGAIN_MS = 5 * 60 * 1000, NOT_FOUND_MIN = 2 };

void create_forget_intent(struct flow *flow, struct run *run)
{
    if (run->is_unknown)
        flow->unknown_count--;
    run->is_unknown = false;
    run->has_intent = false;
    run->survived_restart = false;
    run->sends_again = run->is_adopting = false;
    free(run->adopt);
    run->adopt = NULL;
    json_decref(run->kept);
    run->kept = NULL;
    if (run->record)
        run->record->has_intent = false;
}

/* ---- before it is sent --------------------------------------------------------------------------------- */

static void remember_intent(struct flow *flow, struct run *run)
{
    struct store_record *record = run->record;

    run->has_intent = true;
    json_decref(run->kept);
    run->kept = run->call.x->intent_kept ? json_incref(run->call.x->intent_kept) : json_object();
    record->has_intent = true;
    record->intent_state = STORE_INTENT_OPEN;
    record->intent = (struct store_intent){ .instance = run->call.gate->name,
                                            .step = run->call.step->name,
                                            .round = record->place.round,
                                            .attempt = record->place.attempt,
                                            .at_ms = flow_wall_ms(flow) };
}

/* A record that passes its steps once more, because a transcript can be had at last, creates nothing twice.
 */
static bool was_done_before(const struct run *run, const struct call *call)
{
    const struct store_record *record = run->record;

    for (size_t i = 0; i < record->settled_count; i++) {
        const struct store_settled *settled = &record->settled[i];
        if (settled->state == STORE_INTENT_DONE && settled->round == record->place.round &&
            strcmp(settled->instance, call->gate->name) == 0 && strcmp(settled->step, call->step->name) == 0)
            return true;
    }
    return false;
}

void create_on_built(struct flow *flow, struct call *call)
{
    struct run *run = (struct run *)call;

    if (run->is_reconciling || call->step->effect != SB_CREATE || run->has_intent) {
        call_send(flow, call);
        return;
    }
    if (was_done_before(run, call)) {
        const struct call_result done = { .verdict = SB_SKIP, .reason = "was done before" };
        conclude(flow, run, &done, NULL);
        return;
    }
    struct store_change *change = change_of_run(flow, run);
    if (!change || !change_add_intent(change, run, call, flow_wall_ms(flow))) {
        store_change_free(change);
        flow_fail(flow, "out of memory");
        return;
    }
    remember_intent(flow, run);
    bool must_look = run->record->is_doubtful && !run->doubt_resolved;
    if (must_look) {
        run->survived_restart = true;
        create_become_unknown(flow, run);
        call_reset(flow, call);
    }
    run_commit(flow, run, change, must_look ? AFTER_UNKNOWN : AFTER_SEND);
}

/* ---- what is settled --------------------------------------------------------------------------------- */

/* What the plugin calls the thing that was made, or found. */
static const char *made_by(const struct sb_exchange *x)
{
    return x ? json_string_value(json_array_get(x->found, 0)) : NULL;
}

static bool add_sweep(struct flow *flow, const struct run *run, struct store_change *change, int64_t sweep_ms)
{
    const struct store_intent *intent = &run->record->intent;
    struct store_sweep *sweep = arena_alloc(change->arena, sizeof(*sweep));

    if (!sweep)
        return false;
    *sweep = (struct store_sweep){ .instance = arena_strdup(change->arena, intent->instance),
                                   .step = arena_strdup(change->arena, intent->step),
                                   .round = intent->round,
                                   .due_ms = flow_wall_ms(flow) + sweep_ms };
    change->sweep = sweep;
    look_expect(flow, flow->looker, sweep_ms);
    return sweep->instance && sweep->step;
}

bool create_add_settled(struct flow *flow, struct run *run, struct store_change *change,
                        const struct settlement *settlement)
{
    if (!settlement || !settlement->settles)
        return true;
    if (settlement->made) {
        change->intent_made = arena_strdup(change->arena, settlement->made);
        if (!change->intent_made)
            return false;
    }
    return settlement->sweep_ms == 0 || add_sweep(flow, run, change, settlement->sweep_ms);
}

/* ---- after it was sent --------------------------------------------------------------------------------- */

static void end_unknown(struct flow *flow, struct run *run, const struct call_result *result)
{
    struct store_change *change = change_of_run(flow, run);

    if (!change || !change_add_outcome(flow, change, run, "unknown", result, run->call.x)) {
        store_change_free(change);
        flow_fail(flow, "out of memory");
        return;
    }
    LOG_WARN(flow->log, "outcome unknown", LOG_INT("record", run->id), LOG_STR("step", run->call.step->name),
             LOG_STR("reason", result->reason));
    create_become_unknown(flow, run);
    call_reset(flow, &run->call);
    run_commit(flow, run, change, AFTER_UNKNOWN);
}

void create_on_sent(struct flow *flow, struct run *run, const struct call_result *result)
{
    struct settlement settlement = { .settles = true };
    bool is_read = result->verdict != SB_REJECT && !result->is_defect;
    bool is_over = is_read && result->verdict != SB_RETRY && result->verdict != SB_AGAIN;
    AUTO_STR answer = NULL;

    switch (result->delivery) {
    case DELIVERY_UNKNOWN:
        end_unknown(flow, run, result);
        return;
    case DELIVERY_NOT_SENT:
    case DELIVERY_REFUSED:
        /* Another round may begin anew after a restart: nothing has happened that it could take for done. */
        settlement.state = is_over ? STORE_INTENT_DONE : STORE_INTENT_REFUSED;
        break;
    case DELIVERY_APPLIED:
        settlement.state = is_read ? STORE_INTENT_DONE : STORE_INTENT_ANSWERED;
        break;
    }
    if (settlement.state == STORE_INTENT_ANSWERED)
        answer = change_answer_text(run->call.x);
    settlement.answer = answer;
    if (settlement.state == STORE_INTENT_DONE)
        settlement.made = made_by(run->call.x);
    conclude(flow, run, result, &settlement);
}

/* ---- unknown ------------------------------------------------------------------------------------------- */

const struct sb_step *create_intent_step(struct flow *flow, const struct run *run, struct gate **ret_gate)
{
    const struct store_intent *intent = &run->record->intent;

    for (size_t i = 0; i < flow->plan->instance_count; i++) {
        struct gate *gate = &flow->gates[i];
        if (gate->off_reason || strcmp(gate->name, intent->instance) != 0)
            continue;
        for (const struct sb_step *step = gate->instance->plugin->steps; step && step->name; step++) {
            if (strcmp(step->name, intent->step) == 0 && step->reconcile) {
                *ret_gate = gate;
                return step;
            }
        }
    }
    return NULL;
}

/* How long "not there" proves nothing: as long as the other side may hide it, and, when this process is not
 * the one that sent it or it was never heard of, as long as the request itself may take. */
static int64_t wait_ms(const struct run *run, const struct gate *gate, const struct sb_step *step)
{
    return run->survived_restart ? gate_settle_ms(gate, step)
                                 : instance_number(gate->instance, "settle", step->settle_ms);
}

int64_t create_hidden_ms(struct flow *flow, struct run *run)
{
    struct gate *gate = NULL;
    const struct sb_step *step =
        run->record && run->record->has_intent ? create_intent_step(flow, run, &gate) : NULL;

    if (!step)
        return 0;
    if (!run->is_unknown) { /* it was kept unread, or nobody has looked for it since the restart */
        run->unknown_ms = flow_mono_ms(flow);
        run->survived_restart = run->record->intent_state == STORE_INTENT_OPEN;
    }
    int64_t left_ms = run->unknown_ms + wait_ms(run, gate, step) - flow_mono_ms(flow);
    return left_ms > 0 ? left_ms : 0;
}

void create_become_unknown(struct flow *flow, struct run *run)
{
    if (!run->is_unknown)
        flow->unknown_count++;
    run->is_unknown = true;
    run->unknown_ms = flow_mono_ms(flow);
    run->asks = run->not_found = run->reconcile_round = 0;
}

void create_schedule(struct flow *flow, struct run *run)
{
    struct gate *gate = NULL;
    const struct sb_step *step = create_intent_step(flow, run, &gate);

    run->reconcile_round = 0;
    if (!step) {
        LOG_WARN(flow->log, "cannot look for an unknown outcome: its instance is not configured any more",
                 LOG_INT("record", run->id), LOG_STR("instance", run->record->intent.instance),
                 LOG_STR("step", run->record->intent.step));
        run_wait(flow, run, ASK_AGAIN_MS);
        return;
    }
    run->certain_ms = run->unknown_ms + wait_ms(run, gate, step);
    bool is_decided = run->sends_again || run->adopt;
    int64_t due_ms = is_decided ? 0 : run->unknown_ms + reconcile_ask_ms(run->asks, wait_ms(run, gate, step));
    int64_t delay_ms = due_ms - flow_mono_ms(flow);
    run_wait(flow, run, delay_ms > 1 ? delay_ms : 1);
}

static void ask(struct flow *flow, struct run *run)
{
    struct gate *gate = NULL;
    const struct sb_step *step = create_intent_step(flow, run, &gate);

    if (!step) {
        create_schedule(flow, run);
        return;
    }
    run->is_reconciling = true;
    run->state = RUN_CALLING;
    run->call_round = run->record->place.round;
    run->call_attempt = run->record->place.attempt;
    call_start(flow, &run->call, gate, step->reconcile);
}

static void fold_again(struct flow *flow, struct run *run)
{
    struct gate *gate = NULL;
    const struct sb_step *step = create_intent_step(flow, run, &gate);
    const char *text = run->record->intent_answer;
    AUTO_JSON answer = text ? json_parse(text, strlen(text), NULL) : NULL;
    const json_t *body = answer ? json_object_get(answer, "body") : NULL;
    struct http_response *response = NULL;

    if (step && body)
        response = http_response_new((int)json_int(answer, "status", 200), json_string_value(body),
                                     json_string_length(body));
    if (!response) {
        conclude_end(flow, run, STORE_DEAD,
                     "the answer that was kept cannot be read: its plugin is not configured any more");
        return;
    }
    const char *name;
    json_t *value;
    json_object_foreach (json_object_get(answer, "headers"), name, value)
        (void)http_response_add_header(response, name, json_string_value(value));
    run->is_reconciling = false;
    run->has_intent = true;
    run->state = RUN_CALLING;
    call_fold_again(flow, &run->call, gate, step, response);
}

static void end_by_operator(struct flow *flow, struct run *run);

/* Looks at the one thing that an operator has named. */
static void ask_for_adopted(struct flow *flow, struct run *run)
{
    run->reconcile_round = 0;
    run->is_adopting = true;
    ask(flow, run);
    if (!run->is_reconciling) /* its instance is not configured */
        run->is_adopting = false;
}

/* What an operator has decided while nothing ran. */
static bool take_decision(struct flow *flow, struct run *run)
{
    const struct store_intent *intent = &run->record->intent;

    if (!intent->adopt || run->adopt)
        return true;
    run->adopt = strdup(intent->adopt);
    run->adopt_is_forced = intent->is_forced;
    if (!run->adopt)
        flow_fail(flow, "out of memory");
    return run->adopt != NULL;
}

void create_resume(struct flow *flow, struct run *run)
{
    struct store_record *record = run->record;

    if (!run->kept && record->intent.kept)
        run->kept = json_parse(record->intent.kept, strlen(record->intent.kept), NULL);
    if (record->intent_state == STORE_INTENT_ANSWERED) {
        fold_again(flow, run);
        return;
    }
    bool is_new = !run->is_unknown;
    if (is_new) {
        run->survived_restart = true;
        create_become_unknown(flow, run);
    }
    if (!take_decision(flow, run))
        return;
    if (run->sends_again)
        end_by_operator(flow, run);
    else if (run->adopt)
        ask_for_adopted(flow, run);
    else if (is_new)
        create_schedule(flow, run);
    else
        ask(flow, run);
}

/* ---- what looking said --------------------------------------------------------------------------------- */

static void commit_look(struct flow *flow, struct run *run, const char *verdict,
                        const struct call_result *result, enum run_after after)
{
    struct store_change *change = change_of_run(flow, run);

    if (!change || !change_add_outcome(flow, change, run, verdict, result, NULL)) {
        store_change_free(change);
        flow_fail(flow, "out of memory");
        return;
    }
    call_reset(flow, &run->call);
    run_commit(flow, run, change, after);
}

static int64_t sweep_ms_of(struct flow *flow, const struct run *run)
{
    struct gate *gate = NULL;
    const struct sb_step *step = create_intent_step(flow, run, &gate);
    int64_t ms = step ? wait_ms(run, gate, step) : ASK_AGAIN_MS;

    return ms > 0 ? ms : 1;
}

/* Whoever has lost one answer may have lost another: where the plugin can name what it made, it is looked for twins. */
static void end_found(struct flow *flow, struct run *run, const struct call_result *result)
{
    struct call_result found = *result;
    const char *made = made_by(run->call.x);
    const struct settlement settlement = { .settles = true,
                                           .state = STORE_INTENT_DONE,
                                           .made = made,
                                           .verdict = run->is_adopting ? "adopted" : "found",
                                           .sweep_ms = made ? sweep_ms_of(flow, run) : 0 };

    LOG_INFO(flow->log, run->is_adopting ? "taken on an operator's word" : "found after an unknown outcome",
             LOG_INT("record", run->id), LOG_STR("step", run->record->intent.step));
    found.was_sent = true;
    found.verdict = run->call.x->has_more ? SB_AGAIN : SB_OK;
    found.delay_ms = 0;
    found.reason = run->is_adopting ? "an operator says that it is this one" : "found by looking";
    run->call.step = create_intent_step(flow, run, &run->call.gate);
    conclude(flow, run, &found, &settlement);
}

/* It is not there: the intent is closed, and the step begins anew. A request that is still on its way may yet arrive, so
 * that it is looked for twins later. */
static void take_back(struct flow *flow, struct run *run, const char *verdict,
                      const struct call_result *result)
{
    struct store_change *change = NULL;

    run->record->place.attempt++;
    change = change_of_run(flow, run);
    if (!change || !change_add_outcome(flow, change, run, verdict, result, NULL) ||
        !add_sweep(flow, run, change, sweep_ms_of(flow, run))) {
        store_change_free(change);
        flow_fail(flow, "out of memory");
        return;
    }
    change->settles_intent = true;
    change->intent_state = STORE_INTENT_REFUSED;
    create_forget_intent(flow, run);
    run->doubt_resolved = true;
    call_reset(flow, &run->call);
    run_commit(flow, run, change, AFTER_STEP);
}

static void end_not_found(struct flow *flow, struct run *run, const struct call_result *result)
{
    struct gate *gate = NULL;
    const struct sb_step *step = create_intent_step(flow, run, &gate);
    bool is_certain = step && flow_mono_ms(flow) - run->unknown_ms >= wait_ms(run, gate, step);

    run->asks++;
    run->not_found++;
    /* An operator who has named it meanwhile knows better: that one is looked at first. */
    if (!is_certain || run->not_found < NOT_FOUND_MIN || run->adopt)
        commit_look(flow, run, "not found", result, AFTER_UNKNOWN);
    else
        take_back(flow, run, "not found, sending again", result);
}

static void end_by_operator(struct flow *flow, struct run *run)
{
    const struct call_result result = { .reason = "an operator says that it is not there" };

    run->call_round = run->record->intent.round;
    run->call_attempt = run->record->intent.attempt;
    run->call.step = create_intent_step(flow, run, &run->call.gate);
    LOG_WARN(flow->log, "sent again by an operator", LOG_INT("record", run->id),
             LOG_STR("step", run->record->intent.step));
    take_back(flow, run, "sent again by an operator", &result);
}

/* The one that an operator has named: it is taken when the plugin has read it and says that it is this one. */
static void end_adopting(struct flow *flow, struct run *run, const struct call_result *result)
{
    struct call_result refused = *result;
    const char *made = made_by(run->call.x);

    if (!result->is_defect && result->verdict == SB_OK && made && strcmp(made, run->adopt) == 0) {
        end_found(flow, run, result);
        return;
    }
    if (result->verdict == SB_OK || result->verdict == SB_AGAIN)
        refused.reason = "its plugin cannot look at a single one by its id";
    run->is_adopting = false;
    free(run->adopt);
    run->adopt = NULL;
    struct store_change *change = change_of_run(flow, run);
    if (!change || !change_add_outcome(flow, change, run, "not adopted", &refused, NULL)) {
        store_change_free(change);
        flow_fail(flow, "out of memory");
        return;
    }
    /* A fault that passes says nothing about it: a decision that the journal has is tried again. */
    if (result->is_defect || result->verdict != SB_RETRY) {
        change->forgets_adopt = true;
        run->record->intent.adopt = NULL;
    }
    run->asks++;
    call_reset(flow, &run->call);
    run_commit(flow, run, change, AFTER_UNKNOWN);
}

void create_on_asked(struct flow *flow, struct run *run, const struct call_result *result)
{
    run->is_reconciling = false;
    if (run->is_adopting) {
        end_adopting(flow, run, result);
    } else if (result->is_defect ||
               (result->verdict != SB_OK && result->verdict != SB_SKIP && result->verdict != SB_AGAIN)) {
        run->asks++;
        commit_look(flow, run, "not sure", result, AFTER_UNKNOWN);
    } else if (result->verdict == SB_OK) {
        end_found(flow, run, result);
    } else if (result->verdict == SB_SKIP) {
        end_not_found(flow, run, result);
    } else {
        int64_t delay_ms = result->delay_ms;
        run->reconcile_round++;
        call_reset(flow, &run->call);
        run_wait(flow, run, delay_ms > 1 ? delay_ms : 1);
    }
}

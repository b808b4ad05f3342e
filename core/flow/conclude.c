/* From the verdict of a step to the record's next place: one commit each. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "flow/backoff.h"
#include "flow/change.h"
#include "flow/report.h"
#include "flow/run.h"
#include "flow/state.h"

enum { RETRIES_DEFAULT = 8, REASON_SIZE = EXCHANGE_REASON_MAX + 80 };

/* What the exchange wrote becomes the record. */
static void adopt(struct run *run)
{
    struct sb_exchange *x = run->call.x;

    if (x->dirty_count) {
        json_t *sections = exchange_document(x);
        json_decref(run->record->sections);
        run->record->sections = sections;
    }
    if (x->key_is_dirty) {
        json_decref(run->key_doc);
        run->key_doc = json_incref(x->key_doc);
    }
    json_decref(run->notes);
    run->notes = x->notes ? json_incref(x->notes) : NULL;
}

static void settle(struct run *run, struct store_change *change, const struct settlement *settlement)
{
    if (!settlement || !settlement->settles)
        return;
    change->settles_intent = true;
    change->intent_state = settlement->state;
    if (settlement->answer) {
        change->intent_answer = arena_strdup(change->arena, settlement->answer);
        run->record->intent_state = STORE_INTENT_ANSWERED;
    }
}

/* Builds the change after the place was moved. `x` NULL: what the exchange wrote does not count. */
static struct store_change *build(struct flow *flow, struct run *run, const struct call_result *result,
                                  const struct settlement *settlement, const struct sb_exchange *x)
{
    struct store_change *change = change_of_run(flow, run);

    if (!change)
        return NULL;
    settle(run, change, settlement);
    const char *verdict =
        settlement && settlement->verdict ? settlement->verdict : report_verdict_word(result->verdict);
    bool is_good = create_add_settled(flow, run, change, settlement) &&
                   change_add_outcome(flow, change, run, verdict, result, run->call.x) &&
                   (!x || change_add_exchange(change, run, x));
    if (is_good && run->adds_problem) {
        change->adds_problem = true;
        is_good = change_add_section(change, "problems", json_object_get(run->record->sections, "problems"));
        run->adds_problem = false;
    }
    if (!is_good) {
        store_change_free(change);
        return NULL;
    }
    return change;
}

static void finish(struct flow *flow, struct run *run, struct store_change *change, enum run_after after,
                   const struct settlement *settlement)
{
    if (settlement && settlement->settles) {
        if (settlement->state != STORE_INTENT_REFUSED)
            run->effects_began = true;
        if (settlement->state != STORE_INTENT_ANSWERED)
            create_forget_intent(flow, run);
    }
    if (!change) {
        flow_fail(flow, "out of memory");
        return;
    }
    call_reset(flow, &run->call);
    run_commit(flow, run, change, after);
}

/* ---- good verdicts ------------------------------------------------------------------------------------- */

/* A step that neither sent nor changed anything, and has nothing to say, needs no commit of its own: the next
 * one carries the place. */
static bool is_silent(const struct run *run, const struct call_result *result)
{
    const struct sb_exchange *x = run->call.x;

    return !result->was_sent && !x->dirty_count && !x->key_is_dirty && !x->notes && !x->meter_count &&
           !result->reason[0] && !run->has_intent;
}

static void conclude_done(struct flow *flow, struct run *run, const struct call_result *result,
                          const struct settlement *settlement)
{
    bool is_silent_step = is_silent(run, result);

    adopt(run);
    if (is_silent_step) {
        call_reset(flow, &run->call);
        itinerary_next(flow, run);
        run->state = RUN_READY;
        flow_ready(flow, &run->call.actor);
        return;
    }
    itinerary_next(flow, run);
    finish(flow, run, build(flow, run, result, settlement, run->call.x), AFTER_STEP, settlement);
}

static void conclude_again(struct flow *flow, struct run *run, const struct call_result *result,
                           const struct settlement *settlement)
{
    adopt(run);
    run->record->place.round++;
    run->record->place.attempt = 0;
    run->doubt_resolved = false;
    run->delay_ms = result->delay_ms;
    finish(flow, run, build(flow, run, result, settlement, run->call.x),
           run->delay_ms > 0 ? AFTER_DELAY : AFTER_STEP, settlement);
}

static void end_with(struct flow *flow, struct run *run, const struct call_result *result,
                     const struct settlement *settlement, enum store_state state, const struct sb_exchange *x)
{
    run->record->state = state;
    run->record->reason = arena_strdup(run->record->arena, result->reason);
    finish(flow, run, build(flow, run, result, settlement, x), AFTER_END, settlement);
}

/* ---- bad verdicts -------------------------------------------------------------------------------------- */

/* Whether the place is a sink that makes nothing, it only tells what those before it made: there is nothing left that a
 * dead letter would be about. */
static bool only_tells(const struct run *run)
{
    const struct store_place *place = &run->record->place;

    return (run->call.gate->instance->plugin->flags & SB_TELLS) != 0 &&
           (place->index > 0 || run->pipeline->is_notices);
}

/* This instance cannot do it for this record. */
static void give_up(struct flow *flow, struct run *run, const struct call_result *result,
                    const struct settlement *settlement)
{
    const struct store_place *place = &run->record->place;

    if (place->phase == STORE_PHASE_SINK && !only_tells(run)) {
        end_with(flow, run, result, settlement, STORE_DEAD, NULL);
        return;
    }
    /* A conversation gets its ticket whatever could not be found out about it: the ticket says what is
     * missing. And what only tells of the ticket takes nothing away when it cannot. */
    if (!itinerary_switch(flow, run, true)) {
        if (!itinerary_add_problem(run, run->call.gate->name, result->reason)) {
            flow_fail(flow, "out of memory");
            return;
        }
        itinerary_leave(flow, run);
    }
    finish(flow, run, build(flow, run, result, settlement, NULL), AFTER_STEP, settlement);
}

static void conclude_dead(struct flow *flow, struct run *run, const struct call_result *result,
                          const struct settlement *settlement)
{
    end_with(flow, run, result, settlement, STORE_DEAD, NULL);
}

static int64_t jittered_ms(struct flow *flow, uint32_t attempt, int64_t at_least_ms)
{
    int64_t ms = flow_random_up_to(flow, backoff_ceiling_ms(attempt ? attempt : 1));

    return ms < at_least_ms ? at_least_ms : ms;
}

static void conclude_retry(struct flow *flow, struct run *run, const struct call_result *result,
                           const struct settlement *settlement)
{
    struct store_place *place = &run->record->place;
    bool is_broken = gate_is_broken(run->call.gate);
    int64_t retries = instance_number(run->call.gate->instance, "retries", RETRIES_DEFAULT);
    int64_t age_ms = flow_wall_ms(flow) - place->since_ms;

    if (is_broken && itinerary_switch(flow, run, false)) {
        finish(flow, run, build(flow, run, result, settlement, NULL), AFTER_STEP, settlement);
        return;
    }
    /* A service that is down, or that asks for a pause, costs the record no attempts: it waits behind the
     * breaker. */
    if (!is_broken && !result->is_limited)
        place->attempt++;
    if (place->attempt > retries || age_ms > flow->options.step_budget_ms) {
        char reason[REASON_SIZE];
        struct call_result spent = *result;
        (void)snprintf(reason, sizeof(reason), "gave up after %u attempts: %s", place->attempt,
                       result->reason);
        spent.reason = reason;
        give_up(flow, run, &spent, settlement);
        return;
    }
    run->delay_ms = is_broken ? 0 : jittered_ms(flow, place->attempt, result->delay_ms);
    finish(flow, run, build(flow, run, result, settlement, NULL),
           run->delay_ms > 0 ? AFTER_DELAY : AFTER_STEP, settlement);
}

void conclude(struct flow *flow, struct run *run, const struct call_result *result,
              const struct settlement *settlement)
{
    assert(run->state == RUN_CALLING);
    if (result->is_defect) {
        conclude_dead(flow, run, result, settlement);
        return;
    }
    switch (result->verdict) {
    case SB_OK:
    case SB_SKIP:
        conclude_done(flow, run, result, settlement);
        break;
    case SB_AGAIN:
        conclude_again(flow, run, result, settlement);
        break;
    case SB_RETRY:
        conclude_retry(flow, run, result, settlement);
        break;
    case SB_REJECT:
        give_up(flow, run, result, settlement);
        break;
    case SB_DROP:
        adopt(run);
        end_with(flow, run, result, settlement, STORE_DROPPED, run->call.x);
        break;
    }
}

void conclude_end(struct flow *flow, struct run *run, enum store_state state, const char *reason)
{
    run->record->state = state;
    run->record->reason = reason ? arena_strdup(run->record->arena, reason) : NULL;
    struct store_change *change = change_of_run(flow, run);
    if (!change) {
        flow_fail(flow, "out of memory");
        return;
    }
    run_commit(flow, run, change, AFTER_END);
}

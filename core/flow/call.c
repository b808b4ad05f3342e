/* One exchange: gate, build, token, send or work, fold. */
#include "flow/call.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "flow/state.h"

static const struct call_class *class_of(const struct call *call)
{
    return (const struct call_class *)call->actor.class_;
}

static void leave(struct flow *flow, struct call *call, enum gate_result result, const char *reason)
{
    if (!call->is_inside)
        return;
    call->is_inside = false;
    gate_leave(flow, call->gate, result, reason);
}

void call_reset(struct flow *flow, struct call *call)
{
    leave(flow, call, GATE_NEUTRAL, NULL);
    exchange_free(call->x);
    call->x = NULL;
    call->state = CALL_IDLE;
    call->was_refreshed = false;
}

void call_withdraw(struct call *call)
{
    assert(call->state == CALL_GATE);
    queue_remove(&call->actor);
    call->state = CALL_IDLE;
}

/* What the plugin asked for beside its verdict: pauses and suspensions of the instance. */
static void heed_instance(struct flow *flow, struct call *call, const struct call_result *result)
{
    if (call->x->suspend_ms > 0) {
        gate_suspend(flow, call->gate, call->x->suspend_ms, FLOW_ALERT_SUSPENDED, call->x->reason);
    } else if (result->is_limited) {
        int64_t pause_ms = result->delay_ms > 0 ? result->delay_ms : 1000;
        gate_pause(flow, call->gate, pause_ms);
    }
}

static void end(struct flow *flow, struct call *call, struct call_result *result)
{
    enum gate_result told = GATE_NEUTRAL;

    result->is_defect = result->is_defect || call->x->is_defect;
    if (result->delay_ms < call->x->delay_ms)
        result->delay_ms = call->x->delay_ms;
    if (!result->reason)
        result->reason = call->x->reason;
    if (result->is_service_fault)
        told = GATE_FAILED;
    else if (result->was_sent && call->x->suspend_ms == 0)
        told = result->is_limited ? GATE_LIMITED : GATE_WORKED;
    if (call->state == CALL_SENDING)
        flow->sending_count--;
    else if (call->state == CALL_WORKING)
        flow->working_count--;
    call->state = CALL_IDLE;
    heed_instance(flow, call, result);
    leave(flow, call, told, result->reason);
    class_of(call)->ended(flow, call, result);
}

static void end_without_answer(struct flow *flow, struct call *call, enum sb_verdict verdict)
{
    struct call_result result = { .verdict = verdict, .delivery = DELIVERY_NOT_SENT };

    gate_refund(call->gate);
    end(flow, call, &result);
}

static void start_work(struct flow *flow, struct call *call)
{
    call->state = CALL_WORKING;
    call->started_ms = flow_mono_ms(flow);
    flow->working_count++;
    flow->world.work(flow->world.ctx, call->x, actor_ticket(&call->actor));
}

/* The token is asked for last, so that a step that sends nothing needs none. */
static void pass_token(struct flow *flow, struct call *call)
{
    struct token *token = call->gate->token;

    call->state = CALL_TOKEN;
    if (token && exchange_uses_token(call->x)) {
        if (!token_ready(flow, token, &call->actor))
            return;
        call->token_serial = token->serial;
    }
    call->state = CALL_HELD;
    class_of(call)->built(flow, call);
}

static void go_inside(struct flow *flow, struct call *call)
{
    struct exchange_input input = { .instance = call->gate->instance, .step = call->step };

    class_of(call)->input(flow, call, &input);
    call->x = exchange_new(&input);
    if (!call->x) {
        flow_fail(flow, "out of memory");
        return;
    }
    if (call->step->work) {
        start_work(flow, call);
        return;
    }
    enum sb_verdict verdict = exchange_build(call->x);
    if (verdict == SB_OK)
        pass_token(flow, call);
    else
        end_without_answer(flow, call, verdict);
}

void call_start(struct flow *flow, struct call *call, struct gate *gate, const struct sb_step *step)
{
    assert(call->state == CALL_IDLE && !call->x);
    call->gate = gate;
    call->step = step;
    call->state = CALL_GATE;
    if (!gate_enter(flow, gate, &call->actor))
        return;
    call->is_inside = true;
    go_inside(flow, call);
}

void call_turn(struct flow *flow, struct call *call)
{
    if (call->state == CALL_GATE) {
        if (!gate_enter(flow, call->gate, &call->actor))
            return;
        call->is_inside = true;
        go_inside(flow, call);
    } else {
        assert(call->state == CALL_TOKEN);
        /* A refused refresh token has suspended the instance: what waits for a token goes back to the gate.
         */
        if (gate_is_broken(call->gate) && call->gate->is_suspended) {
            call->x->delay_ms = 0;
            (void)snprintf(call->x->reason, sizeof(call->x->reason), "%s", call->gate->reason);
            end_without_answer(flow, call, SB_RETRY);
        } else {
            pass_token(flow, call);
        }
    }
}

void call_send(struct flow *flow, struct call *call)
{
    assert(call->state == CALL_HELD);
    call->state = CALL_SENDING;
    call->started_ms = flow_mono_ms(flow);
    flow->sending_count++;
    flow->world.send(flow->world.ctx, &call->x->request, call->gate->instance, actor_ticket(&call->actor));
}

static void end_without_fold(struct flow *flow, struct call *call, struct http_response *response,
                             struct call_result *result)
{
    char reason[EXCHANGE_REASON_MAX];

    /* Asking again for what is too large would bring it again, with all its bytes; and who may not be reached now is not
     * to be tried until it may. */
    bool is_hopeless = (response->is_too_large || response->is_forbidden) && call->step->effect != SB_CREATE;
    if (is_hopeless)
        result->is_service_fault = false;
    if (response->status == 0)
        (void)snprintf(reason, sizeof(reason), "%s", response->fault);
    else
        (void)snprintf(reason, sizeof(reason), "HTTP %d", response->status);
    http_response_free(response);
    result->verdict = is_hopeless ? SB_REJECT : SB_RETRY;
    result->reason = reason;
    end(flow, call, result);
}

static bool must_refresh(const struct call *call, const struct http_response *response)
{
    return response->status == 401 && call->gate->token && exchange_uses_token(call->x) &&
           !call->was_refreshed;
}

static void describe(struct flow *flow, const struct call *call, const struct http_response *response,
                     struct call_result *ret_result)
{
    *ret_result = (struct call_result){
        .delivery = delivery_of(response),
        .was_sent = response->status != 0 || response->sent == HTTP_MAYBE_SENT,
        .http_status = response->status,
        .duration_ms = (uint32_t)(flow_mono_ms(flow) - call->started_ms),
        .delay_ms = delivery_retry_after_ms(response, flow_wall_ms(flow)),
        .is_limited = response->status == 429,
        .is_service_fault = delivery_is_service_fault(response),
    };
}

void call_on_answered(struct flow *flow, struct call *call, struct http_response *response)
{
    struct call_result result;

    describe(flow, call, response, &result);
    if (must_refresh(call, response)) {
        call->was_refreshed = true;
        flow->sending_count--;
        http_response_free(response);
        token_refused(flow, call->gate->token, call->token_serial);
        pass_token(flow, call);
        return;
    }
    /* After a creation nothing but a certain answer is read: what a failing gateway says about it proves
     * nothing. */
    if (response->status == 401 && call->was_refreshed) {
        /* Not this record's fault, whatever the plugin would say: the instance as a whole is not let in. */
        gate_suspend(
            flow, call->gate, GATE_OPEN_MS_MAX, FLOW_ALERT_REVOKED,
            "a fresh access token was refused (HTTP 401): check the data centre and the organization");
        end_without_fold(flow, call, response, &result);
        return;
    }
    bool reads_faults = (call->step->flags & SB_STEP_READS_FAULTS) && call->step->effect == SB_READ;
    if ((response->status == 0 && !reads_faults) ||
        (call->step->effect == SB_CREATE && result.delivery == DELIVERY_UNKNOWN)) {
        end_without_fold(flow, call, response, &result);
        return;
    }
    result.verdict = exchange_fold(call->x, response);
    result.delivery = delivery_after_fold(result.delivery, result.verdict);
    if (result.is_service_fault && result.verdict != SB_RETRY)
        result.is_service_fault = false; /* the plugin knows better */
    end(flow, call, &result);
}

void call_on_worked(struct flow *flow, struct call *call, enum sb_verdict verdict)
{
    struct call_result result = { .verdict = verdict,
                                  .delivery = DELIVERY_APPLIED,
                                  .was_sent = true,
                                  .duration_ms = (uint32_t)(flow_mono_ms(flow) - call->started_ms) };

    end(flow, call, &result);
}

void call_fold_again(struct flow *flow, struct call *call, struct gate *gate, const struct sb_step *step,
                     struct http_response *response)
{
    struct exchange_input input = { .instance = gate->instance, .step = step };
    struct call_result result = { .delivery = DELIVERY_APPLIED,
                                  .was_sent = true,
                                  .http_status = response->status };

    assert(call->state == CALL_IDLE && !call->x);
    call->gate = gate;
    call->step = step;
    class_of(call)->input(flow, call, &input);
    call->x = exchange_new(&input);
    if (!call->x) {
        http_response_free(response);
        flow_fail(flow, "out of memory");
        return;
    }
    result.verdict = exchange_fold(call->x, response);
    result.delivery = delivery_after_fold(result.delivery, result.verdict);
    end(flow, call, &result);
}

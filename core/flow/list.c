/* Listing a source anew; see list.h. One round of the source's own poll steps, with sb_list_since_ms(). */
#include "flow/list.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "flow/backoff.h"
#include "flow/gate.h"
#include "flow/report.h"
#include "flow/state.h"

enum { LIST_TRIES_MAX = 6, LISTED_MAX = 200000 };

struct lister {
    struct call call;
    struct gate *gate;
    json_t *cursor; /* owned: a copy */
    json_t *listed; /* owned: array */
    int64_t since_ms, step_since_ms;
    size_t step_index;
    uint32_t round, failures;
    flow_listed_fn done;
    void *ctx;
};

static const struct call_class class_;
const struct actor_class *const list_class = &class_.actor;

void list_free(struct flow *flow, struct lister *lister)
{
    if (!lister)
        return;
    call_reset(flow, &lister->call);
    actor_remove(&flow->actors, &lister->call.actor);
    json_decref(lister->cursor);
    json_decref(lister->listed);
    free(lister);
}

static const struct sb_step *current_step(const struct lister *lister)
{
    return &lister->gate->instance->plugin->poll[lister->step_index];
}

static void end(struct flow *flow, struct lister *lister, const char *fault)
{
    flow_listed_fn done = lister->done;
    void *ctx = lister->ctx;
    json_t *listed = fault ? NULL : json_incref(lister->listed);
    char text[EXCHANGE_REASON_MAX];

    (void)snprintf(text, sizeof(text), "%s", fault ? fault : "");
    flow->lister = NULL;
    list_free(flow, lister);
    done(ctx, listed, fault ? text : NULL);
}

/* Behind a suspension, which may last for hours, nobody waits for a list. */
static void ask(struct flow *flow, struct lister *lister)
{
    if (flow->is_stopping)
        return;
    if (gate_is_broken(lister->gate) && lister->gate->is_suspended)
        end(flow, lister, lister->gate->reason);
    else
        call_start(flow, &lister->call, lister->gate, current_step(lister));
}

void list_on_document(struct flow *flow, struct lister *lister, const char *doc)
{
    lister->cursor = doc ? json_parse(doc, strlen(doc), NULL) : NULL;
    if (!json_is_object(lister->cursor)) {
        json_decref(lister->cursor);
        lister->cursor = json_object();
    }
    lister->step_since_ms = flow_wall_ms(flow);
    ask(flow, lister);
}

/* ---- answers ------------------------------------------------------------------------------------------- */

/* What would be emitted, with its record; and what would not, with the reason. */
static bool collect(struct lister *lister)
{
    const struct sb_exchange *x = lister->call.x;
    size_t index;
    json_t *entry;

    for (size_t i = 0; i < x->emit_count; i++)
        if (json_array_append_new(lister->listed,
                                  json_pack("{s:s, s:s, s:O}", "account", x->emits[i].account, "external_id",
                                            x->emits[i].external_id, "record", x->emits[i].record)) < 0)
            return false;
    json_array_foreach (x->listed, index, entry)
        if (json_array_append(lister->listed, entry) < 0)
            return false;
    return json_array_size(lister->listed) <= LISTED_MAX;
}

static void try_again(struct flow *flow, struct lister *lister, const struct call_result *result)
{
    if (result->is_defect || ++lister->failures >= LIST_TRIES_MAX) {
        end(flow, lister, result->reason[0] ? result->reason : "it does not answer");
        return;
    }
    int64_t wait_ms = backoff_ceiling_ms(lister->failures);
    if (wait_ms < result->delay_ms)
        wait_ms = result->delay_ms;
    call_reset(flow, &lister->call);
    actor_arm(&flow->actors, &lister->call.actor, flow_mono_ms(flow) + wait_ms);
}

static void on_ended(struct flow *flow, struct call *call, const struct call_result *result)
{
    struct lister *lister = (struct lister *)call;

    report_call(flow, call, result, NULL);
    if (result->is_defect || result->verdict == SB_RETRY || result->verdict == SB_REJECT ||
        result->verdict == SB_DROP) {
        try_again(flow, lister, result);
        return;
    }
    lister->failures = 0;
    if (!collect(lister)) {
        end(flow, lister, "it lists more than can be compared at once: choose a shorter time");
        return;
    }
    json_decref(lister->cursor);
    lister->cursor = exchange_document(call->x);
    if (result->verdict == SB_AGAIN) {
        lister->round++;
    } else {
        lister->step_index++;
        lister->round = 0;
        lister->step_since_ms = flow_wall_ms(flow);
    }
    int64_t wait_ms = result->verdict == SB_AGAIN ? result->delay_ms : 0;
    call_reset(flow, call);
    if (!current_step(lister)->name)
        end(flow, lister, NULL);
    else
        actor_arm(&flow->actors, &call->actor, flow_mono_ms(flow) + wait_ms);
}

/* ---- asking -------------------------------------------------------------------------------------------- */

bool flow_list(struct flow *flow, size_t pipeline, int64_t since_ms, flow_listed_fn done, void *ctx)
{
    const struct flow_pipeline *asked = &flow->plan->pipelines[pipeline];
    struct gate *gate = flow_gate(flow, asked->source);

    if (flow->lister || asked->is_off || gate->off_reason || !gate->instance->plugin->poll)
        return false;
    struct lister *lister = calloc(1, sizeof(*lister));
    if (!lister || actor_add(&flow->actors, &lister->call.actor, list_class) < 0) {
        free(lister);
        return false;
    }
    lister->gate = gate;
    lister->listed = json_array();
    lister->since_ms = since_ms;
    lister->done = done;
    lister->ctx = ctx;
    flow->lister = lister;
    flow->world.read_cursor(flow->world.ctx, gate->name, actor_ticket(&lister->call.actor));
    return true;
}

/* ---- actor --------------------------------------------------------------------------------------------- */

static void on_input(struct flow *flow, struct call *call, struct exchange_input *ret_input)
{
    const struct lister *lister = (const struct lister *)call;

    ret_input->document = lister->cursor;
    ret_input->now_ms = flow_wall_ms(flow);
    ret_input->since_ms = lister->step_since_ms;
    ret_input->round = lister->round;
    ret_input->list_since_ms = lister->since_ms;
}

static void on_timer(struct flow *flow, struct actor *actor)
{
    struct lister *lister = (struct lister *)actor;

    if (lister->call.state == CALL_IDLE)
        ask(flow, lister);
}

static void on_turn(struct flow *flow, struct actor *actor)
{
    struct lister *lister = (struct lister *)actor;

    if (flow->is_stopping && lister->call.state == CALL_GATE)
        lister->call.state = CALL_IDLE;
    else
        call_turn(flow, &lister->call);
}

static const struct call_class class_ = {
    .actor = { .name = "list", .on_timer = on_timer, .on_turn = on_turn },
    .input = on_input,
    .built = call_send,
    .ended = on_ended
};

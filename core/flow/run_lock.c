/* The lock that a record holds over a span of steps (keys.h): taken, waited for, taken back, given back. */
#include "base/json.h"
#include "flow/run.h"
#include "flow/state.h"

static void release(struct flow *flow, struct run *run)
{
    struct key_lock *lock = run->lock;

    run->lock = NULL;
    run->lock_fn = NULL;
    run->lock_gate = NULL;
    json_decref(run->key_doc);
    run->key_doc = NULL;
    if (lock && lock->holder == &run->call.actor)
        keys_release(flow, &flow->keys, lock);
}

/* Whoever comes next would make it once more, when what this one may have made is not shown yet. Nobody has looked for what a
 * held record has asked for. */
void run_lock_leave(struct flow *flow, struct run *run)
{
    bool is_holder = run->lock && run->lock->holder == &run->call.actor;
    int64_t hidden_ms = 0;

    if (is_holder)
        hidden_ms = run->is_held ? keys_rest_ms_max(flow, run->lock->instance) : create_hidden_ms(flow, run);
    if (hidden_ms > 0) {
        keys_rest(flow, run->lock, hidden_ms);
        run->lock = NULL;
    }
    release(flow, run);
}

void run_lock_read(struct flow *flow, struct run *run)
{
    run->state = RUN_KEY_READING;
    flow->world.read_key(flow->world.ctx, run->lock->instance, run->lock->name,
                         actor_ticket(&run->call.actor));
}

/* ---- that of an intent --------------------------------------------------------------------------------- */

/* Two can have one key, when a record that had ended with its intent was taken up again: one of them gets it now, the other
 * when it is loaded. */
bool run_lock_take_back(struct flow *flow, struct run *run, const struct store_active *active)
{
    if (!active->intent_key || !active->intent_instance)
        return true;
    return keys_take_back(&flow->keys, active->intent_instance, active->intent_key, &run->call.actor,
                          &run->lock);
}

bool run_lock_reclaim(struct flow *flow, struct run *run)
{
    const struct store_intent *intent = &run->record->intent;
    struct gate *gate = NULL;
    bool is_held = true;

    if (!intent->key || (run->lock && run->lock_fn))
        return true;
    if (!run->lock)
        is_held = keys_reclaim(flow, intent->instance, intent->key, &run->call.actor, &run->lock);
    if (!run->lock) {
        flow_fail(flow, "out of memory");
        return false;
    }
    const struct sb_step *step = create_intent_step(flow, run, &gate);
    run->lock_fn = step ? step->key : NULL;
    run->lock_gate = gate;
    if (!is_held)
        run->state = RUN_KEY;
    return is_held;
}

/* ---- that of a span ------------------------------------------------------------------------------------ */

bool run_lock_take(struct flow *flow, struct run *run, struct gate *gate, const struct sb_step *step)
{
    struct exchange_input input = { .instance = gate->instance, .step = step };

    if (run->lock_fn != step->key || run->lock_gate != gate)
        release(flow, run);
    if (!step->key || (run->lock ? run->key_doc != NULL : run->lock_fn == step->key))
        return true;
    if (run->lock) {
        run_lock_read(flow, run);
        return false;
    }
    run->call.gate = gate;
    run_fill_input(flow, &run->call, &input);
    struct sb_exchange *x = exchange_new(&input);
    const char *name = x ? exchange_key(x) : NULL;
    /* Without its lock the step would run beside another one of the same key. */
    if (x && x->is_defect) {
        conclude_end(flow, run, STORE_DEAD, x->reason);
        exchange_free(x);
        return false;
    }
    bool has_failed = !x || x->reason[0];
    bool needs_lock = name != NULL;
    bool is_held = needs_lock && keys_acquire(&flow->keys, gate->name, name, &run->call.actor, &run->lock);
    exchange_free(x);
    if (has_failed || (needs_lock && !run->lock)) {
        flow_fail(flow, "out of memory");
        return false;
    }
    run->lock_fn = step->key;
    run->lock_gate = gate;
    if (!needs_lock)
        return true;
    if (is_held)
        run_lock_read(flow, run);
    else
        run->state = RUN_KEY;
    return false;
}

/* The life of one record in memory: taken up, loaded, moved, parked, ended. */
#include "flow/run.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "flow/change.h"
#include "flow/report.h"
#include "flow/room.h"
#include "flow/state.h"

static const struct call_class run_class;

/* ---- taken up and let go ------------------------------------------------------------------------------- */

static void link_run(struct flow *flow, struct run *run)
{
    run->next = flow->runs;
    if (run->next)
        run->next->prev = run;
    flow->runs = run;
    flow->run_count++;
}

static void unlink_run(struct flow *flow, struct run *run)
{
    if (run->prev)
        run->prev->next = run->next;
    else
        flow->runs = run->next;
    if (run->next)
        run->next->prev = run->prev;
    flow->run_count--;
}

struct run *run_adopt(struct flow *flow, const struct store_active *active)
{
    struct run *run = calloc(1, sizeof(*run));

    if (!run || actor_add(&flow->actors, &run->call.actor, &run_class.actor) < 0) {
        free(run);
        return NULL;
    }
    run->id = active->id;
    run->room = room_named(flow, active->pipeline);
    link_run(flow, run);
    if (run_index_add(&flow->index, run) < 0)
        return NULL;
    if (!run_lock_take_back(flow, run, active))
        return NULL;
    room_ask(flow, run);
    return run;
}

struct run *run_find(const struct flow *flow, int64_t id)
{
    return run_index_find(&flow->index, id);
}

void run_free(struct flow *flow, struct run *run)
{
    call_reset(flow, &run->call);
    if (!flow->has_failed)
        run_lock_leave(flow, run);
    if (run->is_unknown)
        flow->unknown_count--;
    if (run->is_held)
        flow->held_count--;
    room_leave(run);
    run_index_remove(&flow->index, run);
    unlink_run(flow, run);
    actor_remove(&flow->actors, &run->call.actor);
    json_decref(run->key_doc);
    json_decref(run->kept);
    json_decref(run->notes);
    free((char *)(uintptr_t)run->drop_reason);
    free(run->adopt);
    free(run);
}

static void end_run(struct flow *flow, struct run *run)
{
    if (run->record) {
        report_end(flow, run);
        if (run->pipeline && run->pipeline->is_notices)
            ; /* no conversation of its own */
        else if (run->record->state == STORE_DONE)
            flow->done_count++;
        else if (run->record->state == STORE_DEAD)
            flow->dead_count++;
        else
            flow->other_count++;
        if (run->record->state == STORE_DEAD)
            flow_alert(flow, FLOW_ALERT_DEAD_LETTER, run->record->external_id, run->record->reason);
    }
    run_free(flow, run);
    room_give(flow);
}

/* ---- loaded ----------------------------------------------------------------------------------------------- */

static uint64_t seed_of(const struct store_record *record)
{
    uint64_t seed = UINT64_C(1469598103934665603);

    for (const char *p = record->reference; *p; p++)
        seed = (seed ^ (unsigned char)*p) * UINT64_C(1099511628211);
    return seed;
}

/* By name; or, when the pipeline was renamed, the one with the same source. A notice must not become a ticket: it goes to
 * the notices of that source or nowhere. */
static const struct flow_pipeline *find_pipeline(struct flow *flow, const struct store_record *record)
{
    const struct flow_plan *plan = flow->plan;
    const json_t *source = json_object_get(record->sections, "source");
    const char *plugin = source ? json_str(source, "plugin") : NULL;
    bool is_notice = json_object_get(record->sections, "notice") != NULL;

    for (size_t i = 0; i < plan->pipeline_count; i++)
        if (strcmp(plan->pipelines[i].name, record->pipeline) == 0)
            return &plan->pipelines[i];
    for (size_t i = 0; plugin && i < plan->pipeline_count; i++) {
        const struct gate *gate = flow_gate(flow, plan->pipelines[i].source);
        if (gate->instance && strcmp(gate->instance->plugin->name, plugin) == 0 &&
            plan->pipelines[i].is_notices == is_notice)
            return &plan->pipelines[i];
    }
    return NULL;
}

void run_on_loaded(struct flow *flow, struct run *run, struct store_record *record)
{
    run->record = record;
    if (!record) {
        room_lose(run);
        end_run(flow, run);
        return;
    }
    if (record->state != STORE_ACTIVE) {
        run_free(flow, run);
        room_give(flow);
        return;
    }
    run->seed = seed_of(record);
    run->pipeline = find_pipeline(flow, record);
    if (!run->pipeline || run->pipeline->is_off) {
        LOG_WARN(flow->log, "record waits: its pipeline is not running", LOG_INT("record", run->id),
                 LOG_STR("pipeline", record->pipeline));
        run->state = RUN_PARKED;
        run->is_held = true;
        flow->held_count++;
        room_leave(run);
        room_give(flow);
        return;
    }
    run->state = RUN_READY;
    run_advance(flow, run);
}

void run_wait(struct flow *flow, struct run *run, int64_t ms)
{
    actor_arm(&flow->actors, &run->call.actor, flow_mono_ms(flow) + ms);
    if (ms < RUN_PARK_MS) {
        run->state = RUN_DELAYED;
        return;
    }
    run->state = RUN_PARKED;
    /* The key document is read again with the record; the lock itself stays. */
    json_decref(run->key_doc);
    run->key_doc = NULL;
    room_leave(run);
    room_give(flow);
}

/* ---- moving -------------------------------------------------------------------------------------------- */

void run_fill_input(struct flow *flow, struct call *call, struct exchange_input *ret_input)
{
    const struct run *run = (const struct run *)call;
    const struct store_record *record = run->record;

    ret_input->document = record->sections;
    ret_input->reference = record->reference;
    ret_input->record_id = run->id;
    ret_input->now_ms = flow_wall_ms(flow);
    ret_input->since_ms = record->place.since_ms;
    ret_input->is_doubtful = record->is_doubtful;
    ret_input->round = run->is_reconciling ? run->reconcile_round : record->place.round;
    ret_input->key_doc = run->key_doc;
    ret_input->seed = run->seed;
    if (run->is_reconciling) {
        ret_input->intent_kept = run->kept;
        ret_input->intent_at_ms = record->intent.at_ms;
        ret_input->look_id = run->is_adopting ? run->adopt : NULL;
        ret_input->is_forced = run->adopt_is_forced;
    }
}

static void start_step(struct flow *flow, struct run *run, struct gate *gate, const struct sb_step *step)
{
    run->state = RUN_CALLING;
    run->is_reconciling = false;
    run->call_round = run->record->place.round;
    run->call_attempt = run->record->place.attempt;
    call_start(flow, &run->call, gate, step);
}

void run_advance(struct flow *flow, struct run *run)
{
    struct gate *gate = NULL;
    const struct sb_step *step = NULL;

    assert(run->state == RUN_READY && run->record);
    if (flow->is_stopping)
        return;
    if (run->drop_reason) {
        conclude_end(flow, run, STORE_DROPPED, run->drop_reason);
        return;
    }
    if (run->record->has_intent && !run_lock_reclaim(flow, run))
        return;
    if (run->lock && !run->key_doc) {
        run_lock_read(flow, run);
        return;
    }
    if (run->record->has_intent) {
        create_resume(flow, run);
        return;
    }
    switch (itinerary_find(flow, run, &gate, &step)) {
    case SPOT_STEP:
        /* Behind an open breaker an alternative is better than waiting. */
        if ((gate_is_broken(gate) && itinerary_switch(flow, run, false)) ||
            (!run->lock && run->lock_fn != step->key && itinerary_rewind(flow, run, gate, step)))
            flow_ready(flow, &run->call.actor);
        else if (run_lock_take(flow, run, gate, step))
            start_step(flow, run, gate, step);
        break;
    case SPOT_DISABLED:
        conclude_end(flow, run, STORE_DISABLED, flow_gate(flow, run->pipeline->sinks[0])->off_reason);
        break;
    case SPOT_END:
        conclude_end(flow, run, STORE_DONE, NULL);
        break;
    }
}

void run_on_document(struct flow *flow, struct run *run, const char *doc)
{
    assert(run->state == RUN_KEY_READING);
    run->key_doc = doc ? json_parse(doc, strlen(doc), NULL) : NULL;
    if (!json_is_object(run->key_doc)) {
        json_decref(run->key_doc);
        run->key_doc = json_object();
    }
    run->state = RUN_READY;
    run_advance(flow, run);
}

/* ---- commits ------------------------------------------------------------------------------------------- */

void run_commit(struct flow *flow, struct run *run, struct store_change *change, enum run_after after)
{
    if (run->adds_problem && !change->adds_problem) {
        change->adds_problem = true;
        run->adds_problem = false;
        if (!change_add_section(change, "problems", json_object_get(run->record->sections, "problems"))) {
            store_change_free(change);
            flow_fail(flow, "out of memory");
            return;
        }
    }
    run->state = RUN_COMMITTING;
    run->after = after;
    flow->world.commit(flow->world.ctx, change, actor_ticket(&run->call.actor));
}

/* What a caller waits for: the ticket with the words for its user, which may come a step later; or that no more
 * comes. */
static void tell_news(const struct flow *flow, const struct run *run)
{
    bool is_news = run->after == AFTER_END || json_at(run->record->sections, "ticket.user_message");

    if (flow->world.news && is_news)
        flow->world.news(flow->world.ctx, run->id);
}

void run_on_committed(struct flow *flow, struct run *run)
{
    assert(run->state == RUN_COMMITTING);
    tell_news(flow, run);
    if (run->notes) {
        report_notes(flow, run);
        json_decref(run->notes);
        run->notes = NULL;
    }
    switch (run->after) {
    case AFTER_SEND:
        run->state = RUN_CALLING;
        call_send(flow, &run->call);
        break;
    case AFTER_DELAY:
        run_wait(flow, run, run->delay_ms);
        break;
    case AFTER_UNKNOWN:
        create_schedule(flow, run);
        break;
    case AFTER_END:
        end_run(flow, run);
        break;
    case AFTER_STEP:
        run->state = RUN_READY;
        run_advance(flow, run);
        break;
    }
}

/* ---- actor --------------------------------------------------------------------------------------------- */

static void on_ended(struct flow *flow, struct call *call, const struct call_result *result)
{
    struct run *run = (struct run *)call;

    report_call(flow, call, result, run);
    if (run->is_reconciling)
        create_on_asked(flow, run, result);
    else if (run->has_intent)
        create_on_sent(flow, run, result);
    else
        conclude(flow, run, result, NULL);
}

static void on_timer(struct flow *flow, struct actor *actor)
{
    struct run *run = (struct run *)actor;

    if (run->state == RUN_PARKED) {
        room_ask(flow, run);
    } else if (run->state == RUN_DELAYED) {
        run->state = RUN_READY;
        run_advance(flow, run);
    }
}

/* Its turn at a gate, while the breaker has opened or a stop was asked for. True: it went elsewhere. */
static bool turns_away(struct flow *flow, struct run *run)
{
    if (run->call.state != CALL_GATE)
        return false;
    if (flow->is_stopping) {
        run->call.state = CALL_IDLE;
        run->is_reconciling = false;
        run->state = RUN_READY;
        return true;
    }
    if (run->is_reconciling || !gate_is_broken(run->call.gate) || !itinerary_switch(flow, run, false))
        return false;
    run->call.state = CALL_IDLE;
    run->state = RUN_READY;
    run_advance(flow, run);
    return true;
}

static void on_turn(struct flow *flow, struct actor *actor)
{
    struct run *run = (struct run *)actor;

    switch (run->state) {
    case RUN_CALLING:
        if (!turns_away(flow, run))
            call_turn(flow, &run->call);
        break;
    case RUN_KEY:
        if (!flow->is_stopping)
            run_lock_read(flow, run);
        break;
    case RUN_READY:
        run_advance(flow, run);
        break;
    case RUN_PARKED:
    case RUN_ADMISSION:
    case RUN_LOADING:
    case RUN_KEY_READING:
    case RUN_COMMITTING:
    case RUN_DELAYED:
        assert(false && "a record in this state waits in no queue");
        break;
    }
}

static const struct call_class run_class = {
    .actor = { .name = "run", .on_timer = on_timer, .on_turn = on_turn },
    .input = run_fill_input,
    .built = create_on_built,
    .ended = on_ended
};

/* Second looks; see look.h. */
#include "flow/look.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/scope.h"
#include "flow/gate.h"
#include "flow/report.h"
#include "flow/state.h"
#include "flow/sweep.h"

/* WAIT: the wall clock may be set, so that it is looked at now and then. */
enum { LOOK_ROUNDS_MAX = 200, LOOK_WAIT_MS_MAX = 3600 * 1000, LOOK_AGAIN_MS = 5 * 60 * 1000 };
enum { GONE_AFTER_MS = 6 * 3600 * 1000, TEXT_MAX = 1024 };

enum look_state { LOOK_IDLE = 0, LOOK_READING, LOOK_LOADING, LOOK_CALLING, LOOK_COMMITTING };

struct asked { /* a look that somebody has asked for */
    struct asked *next;
    json_t *job; /* owned */
    flow_looked_fn done;
    void *ctx;
};

struct looker {
    struct call call;
    enum look_state state;
    bool has_started;
    struct asked *first, **end;  /* owned: waiting */
    struct asked *asked;         /* owned: the one under way; NULL: it is the journal's */
    json_t *job;                 /* owned: what is looked for, as store_next_sweep tells it */
    struct store_record *record; /* owned */
    const struct sb_step *step;
    uint32_t round;
    json_t *found; /* owned: array of ids, each once */
};

static const struct call_class class_;
const struct actor_class *const look_class = &class_.actor;

static void go_on(struct flow *flow, struct looker *looker);

/* ---- life ---------------------------------------------------------------------------------------------- */

struct looker *look_new(struct flow *flow)
{
    struct looker *looker = calloc(1, sizeof(*looker));

    if (!looker || actor_add(&flow->actors, &looker->call.actor, look_class) < 0) {
        free(looker);
        return NULL;
    }
    looker->end = &looker->first;
    return looker;
}

static void free_asked(struct asked *asked)
{
    json_decref(asked->job);
    free(asked);
}

/* What was under way is over. */
static void clear(struct flow *flow, struct looker *looker)
{
    call_reset(flow, &looker->call);
    json_decref(looker->job);
    json_decref(looker->found);
    store_record_free(looker->record);
    looker->job = looker->found = NULL;
    looker->record = NULL;
    looker->round = 0;
    looker->state = LOOK_IDLE;
}

void look_free(struct flow *flow, struct looker *looker)
{
    if (!looker)
        return;
    clear(flow, looker);
    if (looker->asked)
        free_asked(looker->asked);
    for (struct asked *asked = looker->first, *next; asked; asked = next) {
        next = asked->next;
        free_asked(asked);
    }
    actor_remove(&flow->actors, &looker->call.actor);
    free(looker);
}

void look_start(struct flow *flow, struct looker *looker)
{
    looker->has_started = true;
    go_on(flow, looker);
}

void look_expect(struct flow *flow, struct looker *looker, int64_t ms)
{
    int64_t due_ms = flow_mono_ms(flow) + ms + 1000; /* the row is committed by then */
    struct actor *actor = &looker->call.actor;

    if (!looker->has_started || looker->state != LOOK_IDLE ||
        (actor->timer_index != SIZE_MAX && actor->due_ms <= due_ms))
        return; /* whatever is under way reads the journal again when it is over */
    actor_arm(&flow->actors, actor, due_ms);
}

/* ---- what is next -------------------------------------------------------------------------------------- */

static void wait_for(struct flow *flow, struct looker *looker, int64_t ms)
{
    if (ms > LOOK_WAIT_MS_MAX)
        ms = LOOK_WAIT_MS_MAX;
    actor_arm(&flow->actors, &looker->call.actor, flow_mono_ms(flow) + (ms > 1 ? ms : 1));
}

static void load(struct flow *flow, struct looker *looker)
{
    looker->state = LOOK_LOADING;
    flow->world.load(flow->world.ctx, json_int(looker->job, "record_id", 0),
                     actor_ticket(&looker->call.actor));
}

/* Whoever asks goes first: a person may be waiting. */
static void go_on(struct flow *flow, struct looker *looker)
{
    clear(flow, looker);
    if (flow->is_stopping || flow->has_failed)
        return;
    if (looker->first) {
        looker->asked = looker->first;
        looker->first = looker->asked->next;
        if (!looker->first)
            looker->end = &looker->first;
        looker->job = json_incref(looker->asked->job);
        load(flow, looker);
    } else if (looker->has_started && flow->world.read_sweep) {
        looker->state = LOOK_READING;
        flow->world.read_sweep(flow->world.ctx, actor_ticket(&looker->call.actor));
    }
}

void look_on_document(struct flow *flow, struct looker *looker, const char *doc)
{
    assert(looker->state == LOOK_READING);
    looker->state = LOOK_IDLE;
    looker->job = doc ? json_parse(doc, strlen(doc), NULL) : NULL;
    if (looker->first) { /* asked meanwhile */
        go_on(flow, looker);
        return;
    }
    if (!looker->job) /* look_expect wakes it */
        return;
    int64_t wait_ms = json_int(looker->job, "due_ms", 0) - flow_wall_ms(flow);
    if (wait_ms > 0) {
        clear(flow, looker);
        wait_for(flow, looker, wait_ms);
        return;
    }
    if (!flow->is_stopping)
        load(flow, looker);
}

/* ---- ending one ---------------------------------------------------------------------------------------- */

static void tell(struct flow *flow, struct looker *looker, const char *fault)
{
    struct asked *asked = looker->asked;

    looker->asked = NULL;
    asked->done(asked->ctx, asked->job, fault ? NULL : looker->found, fault);
    free_asked(asked);
    go_on(flow, looker);
}

static void commit(struct flow *flow, struct looker *looker, struct store_change *change)
{
    if (!change) {
        flow_fail(flow, "out of memory");
        return;
    }
    call_reset(flow, &looker->call);
    looker->state = LOOK_COMMITTING;
    flow->world.commit(flow->world.ctx, change, actor_ticket(&looker->call.actor));
}

static struct swept swept_of(struct flow *flow, const struct looker *looker)
{
    return (struct swept){ .record_id = looker->record->id,
                           .instance = json_str(looker->job, "instance"),
                           .step = json_str(looker->job, "step"),
                           .round = (uint32_t)json_int(looker->job, "round", 0),
                           .now_ms = flow_wall_ms(flow) };
}

/* Not now: the journal is told, so that others are not kept waiting. */
static void put_off(struct flow *flow, struct looker *looker, int64_t due_ms)
{
    const struct swept swept = swept_of(flow, looker);

    commit(flow, looker, change_of_sweep_later(&swept, due_ms));
}

/* `verdict`, `others`: see change_of_sweep_end(). */
static void end_sweep(struct flow *flow, struct looker *looker, const char *verdict, const char *text,
                      const char *others)
{
    const struct swept swept = swept_of(flow, looker);

    commit(flow, looker, change_of_sweep_end(&swept, verdict, text, others));
}

/* ---- the look ------------------------------------------------------------------------------------------ */

static const struct sb_step *step_named(const struct gate *gate, const char *name)
{
    for (const struct sb_step *step = gate->instance->plugin->steps; step && step->name; step++)
        if (strcmp(step->name, name) == 0 && step->reconcile)
            return step;
    return NULL;
}

static struct gate *gate_of(struct flow *flow, struct looker *looker)
{
    const char *instance = json_str(looker->job, "instance"), *name = json_str(looker->job, "step");

    for (size_t i = 0; i < flow->plan->instance_count; i++) {
        struct gate *gate = &flow->gates[i];
        if (gate->off_reason || strcmp(gate->name, instance) != 0)
            continue;
        looker->step = step_named(gate, name);
        if (looker->step)
            return gate;
    }
    return NULL;
}

/* What was refused in the end may have been done in another round or step, one that is looked for in the same way: a ticket
 * that was sent once more with another contact. A twin of the refused one is a twin of that. NULL: there is none. */
static const struct store_settled *done_instead(const struct looker *looker, const struct gate *gate)
{
    const struct store_record *record = looker->record;

    for (size_t i = record->settled_count; i > 0; i--) {
        const struct store_settled *other = &record->settled[i - 1];
        if (other->state != STORE_INTENT_DONE || strcmp(other->instance, gate->name) != 0)
            continue;
        const struct sb_step *step = step_named(gate, other->step);
        if (step && step->reconcile == looker->step->reconcile)
            return other;
    }
    return NULL;
}

/* Whether it is time for this second look; else ends it or puts it off. */
static bool is_time(struct flow *flow, struct looker *looker, const struct gate *gate)
{
    const char *intent = json_str(looker->job, "intent_state");
    enum store_state state = looker->record->state;
    int64_t now_ms = flow_wall_ms(flow), wait_ms = gate_settle_ms(gate, looker->step);

    bool is_done = intent && strcmp(intent, "done") == 0;
    bool may_come = intent && (state == STORE_ACTIVE || state == STORE_DEAD);

    if (is_done ? !json_str(looker->job, "made")
                : !may_come) { /* it never will; or this plugin names nothing */
        const struct store_settled *other = is_done ? NULL : done_instead(looker, gate);
        const struct swept swept = swept_of(flow, looker);
        if (other)
            commit(flow, looker, change_of_sweep_instead(&swept, other, now_ms + wait_ms));
        else
            end_sweep(flow, looker, NULL, NULL, NULL);
        return false;
    }
    if (!is_done) { /* nothing was made yet: too early to see two */
        put_off(flow, looker, now_ms + wait_ms);
        return false;
    }
    int64_t due_ms = json_int(looker->job, "settled_ms", 0) + wait_ms;
    if (due_ms > now_ms && due_ms <= now_ms + wait_ms) {
        put_off(flow, looker, due_ms);
        return false;
    }
    return true;
}

void look_on_loaded(struct flow *flow, struct looker *looker, struct store_record *record)
{
    assert(looker->state == LOOK_LOADING);
    looker->record = record;
    struct gate *gate = record ? gate_of(flow, looker) : NULL;

    bool is_suspended = gate && gate_is_broken(gate) && gate->is_suspended;
    if (looker->asked && (!gate || is_suspended)) {
        tell(flow, looker,
             gate     ? gate->reason
             : record ? "its instance is not configured any more"
                      : "the record is gone");
        return;
    }
    if (!record) { /* retention has just taken it, and its second look with it */
        clear(flow, looker);
        wait_for(flow, looker, LOOK_AGAIN_MS);
        return;
    }
    if (!gate || is_suspended) { /* it may last for hours, and others are waiting */
        put_off(flow, looker, flow_wall_ms(flow) + LOOK_WAIT_MS_MAX);
        return;
    }
    if (!looker->asked && !is_time(flow, looker, gate))
        return;
    looker->found = json_array();
    looker->state = LOOK_CALLING;
    call_start(flow, &looker->call, gate, looker->step->reconcile);
}

static bool contains(const json_t *array, const char *text)
{
    size_t index;
    json_t *item;

    json_array_foreach (array, index, item)
        if (strcmp(json_string_value(item), text) == 0)
            return true;
    return false;
}

static void collect(struct looker *looker)
{
    size_t index;
    json_t *id;

    json_array_foreach (looker->call.x->found, index, id)
        if (!contains(looker->found, json_string_value(id)))
            (void)json_array_append(looker->found, id); /* one less only makes the report shorter */
}

static json_t *others_of(const struct looker *looker)
{
    const char *made = json_str(looker->job, "made");
    json_t *others = json_array();
    size_t index;
    json_t *id;

    json_array_foreach (looker->found, index, id)
        if (strcmp(json_string_value(id), made) != 0)
            (void)json_array_append(others, id);
    return others;
}

static void report_doubled(struct flow *flow, struct looker *looker, const json_t *others)
{
    AUTO_STR ids = json_text(others);
    AUTO_BUF text;
    size_t index;
    json_t *id;

    buf_init(&text, TEXT_MAX);
    buf_printf(&text, "%s was made; there %s also ", json_str(looker->job, "made"),
               json_array_size(others) == 1 ? "is" : "are");
    json_array_foreach (others, index, id)
        buf_printf(&text, "%s%s", index ? ", " : "", json_string_value(id));
    LOG_ERROR(flow->log, "created twice", LOG_INT("record", looker->record->id),
              LOG_STR("id", looker->record->external_id), LOG_STR("step", json_str(looker->job, "step")),
              LOG_STR("ids", text.data));
    flow_alert(flow, FLOW_ALERT_DOUBLED, looker->record->external_id, text.data);
    end_sweep(flow, looker, "doubled", text.data, ids);
}

/* What is not shown was taken away by a person; or the search is further behind than it is trusted to be, or a clock that
 * was set made this look come early: for some hours it is looked again, more and more rarely. */
static bool looks_again(struct flow *flow, struct looker *looker)
{
    int64_t now_ms = flow_wall_ms(flow), age_ms = now_ms - json_int(looker->job, "settled_ms", 0);
    int64_t wait_ms = gate_settle_ms(looker->call.gate, looker->step);

    if (age_ms < 0 || age_ms >= GONE_AFTER_MS)
        return false;
    put_off(flow, looker, now_ms + (age_ms > wait_ms ? age_ms : wait_ms));
    return true;
}

static void end_look(struct flow *flow, struct looker *looker)
{
    AUTO_JSON others = NULL;

    if (looker->asked) {
        tell(flow, looker, NULL);
        return;
    }
    others = others_of(looker);
    if (json_array_size(others) > 0)
        report_doubled(flow, looker, others);
    else if (json_array_size(looker->found) > 0)
        end_sweep(flow, looker, "one only", "looked again after the settle time: there is one", NULL);
    else if (!looks_again(flow, looker))
        end_sweep(flow, looker, "gone", "looked again for hours: what was made is not shown", NULL);
}

static void on_ended(struct flow *flow, struct call *call, const struct call_result *result)
{
    struct looker *looker = (struct looker *)call;
    char reason[EXCHANGE_REASON_MAX];

    report_call(flow, call, result, NULL);
    bool is_good = !result->is_defect && (result->verdict == SB_OK || result->verdict == SB_SKIP ||
                                          (result->verdict == SB_AGAIN && looker->round < LOOK_ROUNDS_MAX));
    if (!is_good) {
        (void)snprintf(reason, sizeof(reason), "%s", result->reason[0] ? result->reason : "no end of it");
        if (looker->asked)
            tell(flow, looker, reason);
        else
            put_off(flow, looker, flow_wall_ms(flow) + LOOK_AGAIN_MS);
        return;
    }
    collect(looker);
    if (result->verdict != SB_AGAIN) {
        end_look(flow, looker);
        return;
    }
    looker->round++;
    call_reset(flow, call);
    wait_for(flow, looker, result->delay_ms);
}

void look_on_committed(struct flow *flow, struct looker *looker)
{
    go_on(flow, looker);
}

/* ---- asking -------------------------------------------------------------------------------------------- */

bool flow_look(struct flow *flow, json_t *job, flow_looked_fn done, void *ctx)
{
    struct looker *looker = flow->looker;
    struct asked *asked = calloc(1, sizeof(*asked));

    if (!asked || !job) {
        free(asked);
        json_decref(job);
        return false;
    }
    *asked = (struct asked){ .job = job, .done = done, .ctx = ctx };
    *looker->end = asked;
    looker->end = &asked->next;
    if (looker->state == LOOK_IDLE) {
        actor_disarm(&flow->actors, &looker->call.actor);
        wait_for(flow, looker, 0); /* never from within this call */
    }
    flow->world.wake(flow->world.ctx, actor_next_due(&flow->actors));
    return true;
}

/* ---- actor --------------------------------------------------------------------------------------------- */

static void on_input(struct flow *flow, struct call *call, struct exchange_input *ret_input)
{
    const struct looker *looker = (const struct looker *)call;

    ret_input->document = looker->record->sections;
    ret_input->reference = looker->record->reference;
    ret_input->record_id = looker->record->id;
    ret_input->now_ms = ret_input->since_ms = flow_wall_ms(flow);
    ret_input->round = looker->round;
    ret_input->intent_kept = json_object_get(looker->job, "kept");
    ret_input->intent_at_ms = json_int(looker->job, "at_ms", 0);
    ret_input->looks_for_all = true;
}

static void on_timer(struct flow *flow, struct actor *actor)
{
    struct looker *looker = (struct looker *)actor;

    if (looker->state == LOOK_CALLING && looker->call.state == CALL_IDLE && !flow->is_stopping) {
        call_start(flow, &looker->call, looker->call.gate, looker->step->reconcile);
    } else if (looker->state == LOOK_IDLE) {
        go_on(flow, looker);
    }
}

static void on_turn(struct flow *flow, struct actor *actor)
{
    struct looker *looker = (struct looker *)actor;

    if (flow->is_stopping && looker->call.state == CALL_GATE)
        looker->call.state = CALL_IDLE;
    else
        call_turn(flow, &looker->call);
}

static const struct call_class class_ = {
    .actor = { .name = "look", .on_timer = on_timer, .on_turn = on_turn },
    .input = on_input,
    .built = call_send,
    .ended = on_ended
};

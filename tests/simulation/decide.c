/* An operator who decides about what nobody knows: `retry --adopt ID` and `retry --send-again`, as core/app/control.c carries
 * them out, or as the command itself does beside a journal that no engine has. He looks into the helpdesk first; now and then
 * he takes his time after that, names what is not it, or has not seen what is there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/scope.h"
#include "simulation/memory.h"
#include "simulation/world_inner.h"

enum {
    ACTIVE_ARENA_MAX = 1 << 28,
    UNKNOWN_MAX = 100,
    PAUSE_MS_MOST = 3 * 60 * 1000,
    ENOUGH_MS =
        7 * 60 * 1000, /* a request that was given up, an upload too, has arrived by then or never will */
    TWINS_AFTER_MS = 60 * 1000
};

/* One thing that is unknown. */
struct unknown {
    int64_t id;
    char external_id[64];
    json_t *kept; /* owned; NULL: nothing is unknown */
};

struct decision {
    struct sim_engine *engine;
    struct unknown unknown;
    char adopt[SIM_ID_SIZE]; /* "": send again */
    bool is_wrong;           /* on purpose */
    int rc;
    struct sb_error err;
    struct arena *arena;         /* owned; NULL before it is needed */
    struct store_active *active; /* owned */
    size_t active_count;
};

static void drop_decision(void *ctx)
{
    struct decision *decision = ctx;

    json_decref(decision->unknown.kept);
    arena_free(decision->arena);
    free(decision->active);
    free(decision);
}

/* Whoever ran before is freed: what is known goes on in another. */
static struct decision *continue_of(struct decision *before)
{
    struct decision *decision = sim_new(sizeof(*decision));

    *decision = *before;
    before->unknown.kept = NULL;
    before->arena = NULL;
    before->active = NULL;
    return decision;
}

/* ---- what is unknown ----------------------------------------------------------------------------------- */

/* What was kept with the open intent of a record; NULL: it has none. New reference. */
static json_t *kept_of(struct store *store, int64_t id)
{
    AUTO_JSON timeline = NULL;
    struct sb_error err = SB_ERROR_INIT;
    json_t *kept = NULL;
    size_t index;
    json_t *row;

    if (store_timeline(store, id, &timeline, &err) < 0)
        return NULL;
    json_array_foreach (timeline, index, row) {
        const char *kind = json_str(row, "kind"), *state = json_str(row, "state");
        if (kind && state && strcmp(kind, "intent") == 0 && strcmp(state, "open") == 0)
            kept = json_object_get(row, "kept");
    }
    return json_incref(kept);
}

/* One of those that `switchboard records --state unknown` shows. */
static void choose_unknown(struct sim_engine *engine, enum sim_fault fault, struct unknown *ret_unknown)
{
    const struct store_query query = { .state = "unknown", .limit = UNKNOWN_MAX };
    AUTO_JSON list = NULL;
    struct sb_error err = SB_ERROR_INIT;

    ret_unknown->kept = NULL;
    if (store_list(engine->store, &query, &list, &err) < 0 || json_array_size(list) == 0)
        return;
    int64_t index = world_fault_between(engine->world, fault, 0, (int64_t)json_array_size(list) - 1);
    const json_t *record = json_array_get(list, (size_t)index);
    ret_unknown->id = json_int(record, "id", 0);
    (void)snprintf(ret_unknown->external_id, sizeof(ret_unknown->external_id), "%s",
                   json_str(record, "external_id"));
    ret_unknown->kept = kept_of(engine->store, ret_unknown->id);
}

/* ---- what to say of it --------------------------------------------------------------------------------- */

static struct ledger_entry *entry_of(struct sim_engine *engine, const struct unknown *unknown)
{
    ledger_named(&engine->world->ledger, unknown->id, unknown->external_id);
    return ledger_find(&engine->world->ledger, unknown->external_id);
}

/* Nothing of it is there, and nothing is on its way any more. */
static bool may_be_sent_again(struct sim_engine *engine, const struct unknown *unknown)
{
    struct world *world = engine->world;
    char id[SIM_ID_SIZE];

    return world->hooks.look(world->hooks.ctx, unknown->kept, id) == 0 &&
           entry_of(engine, unknown)->last_asked_ms + ENOUGH_MS < world->now_ms;
}

/* False: he leaves it to the engine. */
static bool make_up_mind(struct decision *decision)
{
    struct world *world = decision->engine->world;
    const struct unknown *unknown = &decision->unknown;
    bool is_ticket = json_str(unknown->kept, "reference") != NULL;
    size_t count = world->hooks.look(world->hooks.ctx, unknown->kept, decision->adopt);

    if (world_fault(world, FAULT_ADOPTS_ANOTHER) &&
        world->hooks.look_beside(world->hooks.ctx, unknown->kept, decision->adopt))
        return decision->is_wrong = true;
    if (count == 1 && is_ticket && world_fault(world, FAULT_DECIDES_WRONG)) {
        decision->adopt[0] = '\0';
        return decision->is_wrong = true;
    }
    if (count == 1)
        return true;
    decision->adopt[0] = '\0';
    return may_be_sent_again(decision->engine, unknown);
}

static void tell(const struct decision *decision, const char *what)
{
    world_trace(decision->engine->world, "%s: an operator says %s%s%s: %s", decision->unknown.external_id,
                decision->adopt[0] ? "adopt " : "send again", decision->adopt,
                decision->is_wrong ? " (which is wrong)" : "", what);
}

/* It counts. Who has it sent again although it is there, or may still arrive, is to be told so. */
static void note_decided(struct decision *decision, bool is_right)
{
    struct world *world = decision->engine->world;

    if (decision->adopt[0]) {
        world->totals.adopted++;
    } else if (is_right) {
        world->totals.sent_again++;
    } else {
        world->totals.misled++;
        entry_of(decision->engine, &decision->unknown)->was_misled = true;
    }
    tell(decision, is_right || decision->adopt[0] ? "decided" : "decided, and misled");
}

/* ---- through the control socket ------------------------------------------------------------------------ */

static void decide_in_store(void *ctx, struct sim_engine *engine)
{
    struct decision *decision = ctx;
    const struct store_decision said = { .adopt = decision->adopt[0] ? decision->adopt : NULL,
                                         .text = "an operator says that it is this one",
                                         .sweep_ms = TWINS_AFTER_MS };
    bool is_right = may_be_sent_again(engine, &decision->unknown);
    int64_t now_ms = engine->world->now_ms + engine->wall_skew_ms;

    decision->rc = store_decide(engine->store, decision->unknown.id, &said, now_ms, &decision->err);
    if (decision->rc == 0)
        note_decided(decision, is_right);
    decision->arena = arena_new(ACTIVE_ARENA_MAX);
    if (!decision->arena)
        sim_die("out of memory");
    if (decision->rc == 0)
        decision->rc = store_active(engine->store, decision->arena, &decision->active,
                                    &decision->active_count, &decision->err);
    if (decision->rc < 0)
        tell(decision, decision->err.text);
}

static void on_decided_in_store(void *ctx, struct sim_engine *engine)
{
    const struct decision *decision = ctx;

    for (size_t i = 0; i < decision->active_count; i++)
        if (decision->active[i].id == decision->unknown.id)
            flow_admit(engine->flow, decision->unknown.id, decision->active[i].pipeline);
}

/* What is unknown of the record now: meanwhile it may be something else. */
static void check_in_store(void *ctx, struct sim_engine *engine)
{
    struct decision *decision = ctx;
    enum store_state state;

    decision->rc = store_check_unknown(engine->store, decision->unknown.id, &state, &decision->err);
    if (decision->rc < 0)
        return;
    json_decref(decision->unknown.kept);
    decision->unknown.kept = kept_of(engine->store, decision->unknown.id);
}

static void on_checked(void *ctx, struct sim_engine *engine)
{
    struct decision *decision = ctx;

    if (decision->rc < 0 || !decision->unknown.kept || engine->is_stopping) {
        tell(decision, decision->rc < 0 ? decision->err.text : "too late");
        return;
    }
    bool is_right = may_be_sent_again(engine, &decision->unknown);
    switch (flow_decide(engine->flow, decision->unknown.id, decision->adopt[0] ? decision->adopt : NULL,
                        /* is_forced= */ false)) {
    case FLOW_DECIDED:
        note_decided(decision, is_right);
        break;
    case FLOW_NOT_UNDER_WAY:
        engine_run(engine, decide_in_store, on_decided_in_store, drop_decision, continue_of(decision));
        break;
    case FLOW_IS_ENDING:
        tell(decision, "it is ending at this moment");
        break;
    case FLOW_IS_SENDING:
        tell(decision, "it is being sent or settled at this moment");
        break;
    case FLOW_IS_HELD:
        tell(decision, "its pipeline is not running");
        break;
    }
}

static void on_said(void *ctx)
{
    struct decision *decision = ctx;
    struct sim_engine *engine = decision->engine;

    engine_run(engine, check_in_store, on_checked, drop_decision, decision);
    engine_settle(engine);
}

static void look_in_store(void *ctx, struct sim_engine *engine)
{
    struct decision *decision = ctx;

    choose_unknown(engine, FAULT_OPERATOR_DECIDES, &decision->unknown);
}

static void on_looked(void *ctx, struct sim_engine *engine)
{
    struct decision *decision = ctx;
    struct world *world = engine->world;

    if (!decision->unknown.kept || !make_up_mind(decision))
        return;
    int64_t pause_ms = world_fault(world, FAULT_DECIDES_LATE)
                           ? world_fault_between(world, FAULT_DECIDES_LATE, 1000, PAUSE_MS_MOST)
                           : 0;
    world_plan(world, world->now_ms + pause_ms, on_said, continue_of(decision), drop_decision);
}

void operator_decide(struct sim_engine *engine)
{
    struct decision *decision = sim_new(sizeof(*decision));

    *decision = (struct decision){ .engine = engine, .err = SB_ERROR_INIT };
    engine_run(engine, look_in_store, on_looked, drop_decision, decision);
}

/* ---- without an engine --------------------------------------------------------------------------------- */

void operator_decide_stopped(struct sim_engine *engine)
{
    struct decision decision = { .engine = engine, .err = SB_ERROR_INIT };

    if (!engine->world->scenario.rates[FAULT_DECIDES_STOPPED] || engine->life == 1)
        return;
    choose_unknown(engine, FAULT_DECIDES_STOPPED, &decision.unknown);
    if (decision.unknown.kept && world_fault(engine->world, FAULT_DECIDES_STOPPED) && make_up_mind(&decision))
        decide_in_store(&decision, engine);
    json_decref(decision.unknown.kept);
    arena_free(decision.arena);
    free(decision.active);
}

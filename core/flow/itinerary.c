/* Where a record stands in its pipeline, by names, so that it survives a changed configuration. */
#include <string.h>

#include "flow/run.h"
#include "flow/state.h"

static void set_place(struct flow *flow, struct run *run, enum store_phase phase, uint32_t index,
                      const char *instance)
{
    run->record->place = (struct store_place){
        .phase = phase, .index = index, .instance = instance, .step = "", .since_ms = flow_wall_ms(flow)
    };
    run->doubt_resolved = false;
    run->effects_began = false;
}

static void set_step(struct flow *flow, struct run *run, const char *step)
{
    struct store_place *place = &run->record->place;

    place->step = step;
    place->round = place->attempt = 0;
    place->since_ms = flow_wall_ms(flow);
    run->doubt_resolved = false;
}

static const struct sb_step *find_step(const struct sb_step *steps, const char *name)
{
    for (; steps && steps->name; steps++)
        if (strcmp(steps->name, name) == 0)
            return steps;
    return NULL;
}

static bool has_gate(struct flow *flow, const size_t *indices, size_t count, const char *name,
                     struct gate **ret_gate)
{
    for (size_t i = 0; i < count; i++) {
        struct gate *gate = flow_gate(flow, indices[i]);
        if (strcmp(gate->name, name) == 0 && !gate->off_reason) {
            *ret_gate = gate;
            return true;
        }
    }
    return false;
}

/* The first alternative that is on, one behind a closed breaker before the others. NULL: all are off. */
static struct gate *choose(struct flow *flow, const struct flow_stage *stage)
{
    struct gate *broken = NULL;

    for (size_t i = 0; i < stage->alternative_count; i++) {
        struct gate *gate = flow_gate(flow, stage->alternatives[i]);
        if (gate->off_reason)
            continue;
        if (!gate_is_broken(gate))
            return gate;
        if (!broken)
            broken = gate;
    }
    return broken;
}

static struct gate *gate_of_stage(struct flow *flow, struct run *run, const struct flow_stage *stage)
{
    struct store_place *place = &run->record->place;
    struct gate *gate = NULL;

    if (has_gate(flow, stage->alternatives, stage->alternative_count, place->instance, &gate))
        return gate;
    gate = choose(flow, stage);
    if (gate)
        set_place(flow, run, STORE_PHASE_STAGE, place->index, gate->name);
    else
        (void)itinerary_add_problem(run, "", "every alternative of this stage is switched off");
    return gate;
}

static struct gate *gate_of_place(struct flow *flow, struct run *run)
{
    const struct flow_pipeline *pipeline = run->pipeline;
    struct store_place *place = &run->record->place;
    struct gate *gate = NULL;

    switch (place->phase) {
    case STORE_PHASE_SOURCE:
        gate = flow_gate(flow, pipeline->source);
        return gate->off_reason || pipeline->is_notices ? NULL : gate;
    case STORE_PHASE_STAGE:
        return place->index < pipeline->stage_count
                   ? gate_of_stage(flow, run, &pipeline->stages[place->index])
                   : NULL;
    case STORE_PHASE_SINK:
        if (place->index >= pipeline->sink_count)
            return NULL;
        gate = flow_gate(flow, pipeline->sinks[place->index]);
        return gate->off_reason ? NULL : gate;
    case STORE_PHASE_COUNT:
        break;
    }
    return NULL;
}

static bool all_sinks_are_off(struct flow *flow, const struct flow_pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->sink_count; i++)
        if (!flow_gate(flow, pipeline->sinks[i])->off_reason)
            return false;
    return true;
}

enum spot itinerary_find(struct flow *flow, struct run *run, struct gate **ret_gate,
                         const struct sb_step **ret_step)
{
    struct store_place *place = &run->record->place;

    for (;;) {
        if (place->phase == STORE_PHASE_SINK && all_sinks_are_off(flow, run->pipeline))
            return SPOT_DISABLED;
        if (place->phase == STORE_PHASE_SINK && place->index >= run->pipeline->sink_count)
            return SPOT_END;
        struct gate *gate = gate_of_place(flow, run);
        const struct sb_step *steps = gate ? gate->instance->plugin->steps : NULL;
        if (!steps || !steps->name) {
            itinerary_leave(flow, run);
            continue;
        }
        const struct sb_step *step = find_step(steps, place->step);
        place->instance = gate->name;
        if (!step) {
            step = steps;
            set_step(flow, run, step->name);
        }
        place->step = step->name;
        *ret_gate = gate;
        *ret_step = step;
        return SPOT_STEP;
    }
}

void itinerary_leave(struct flow *flow, struct run *run)
{
    const struct store_place *place = &run->record->place;

    if (place->phase == STORE_PHASE_SOURCE)
        set_place(flow, run, STORE_PHASE_STAGE, 0, "");
    else if (place->phase == STORE_PHASE_STAGE && place->index + 1 < run->pipeline->stage_count)
        set_place(flow, run, STORE_PHASE_STAGE, place->index + 1, "");
    else if (place->phase == STORE_PHASE_STAGE)
        set_place(flow, run, STORE_PHASE_SINK, 0, "");
    else
        set_place(flow, run, STORE_PHASE_SINK, place->index + 1, "");
}

void itinerary_next(struct flow *flow, struct run *run)
{
    const struct sb_step *next = run->call.step + 1;

    if (next->name)
        set_step(flow, run, next->name);
    else
        itinerary_leave(flow, run);
}

bool itinerary_rewind(struct flow *flow, struct run *run, const struct gate *gate, const struct sb_step *step)
{
    const struct sb_step *first = step;

    while (step->key && first > gate->instance->plugin->steps && first[-1].key == step->key)
        first--;
    if (first == step)
        return false;
    set_step(flow, run, first->name);
    return true;
}

/* Alternatives end where effects begin. */
static bool effects_began(const struct run *run)
{
    const struct store_record *record = run->record;

    if (record->has_intent || run->effects_began)
        return true;
    for (size_t i = 0; i < record->settled_count; i++)
        if (strcmp(record->settled[i].instance, record->place.instance) == 0 &&
            record->settled[i].state != STORE_INTENT_REFUSED)
            return true;
    return false;
}

static struct gate *find_other(struct flow *flow, const struct run *run, bool only_later)
{
    const struct store_place *place = &run->record->place;

    if (place->phase != STORE_PHASE_STAGE || place->index >= run->pipeline->stage_count || effects_began(run))
        return NULL;
    const struct flow_stage *stage = &run->pipeline->stages[place->index];
    bool is_later = false;
    struct gate *broken = NULL;
    for (size_t i = 0; i < stage->alternative_count; i++) {
        struct gate *gate = flow_gate(flow, stage->alternatives[i]);
        if (strcmp(gate->name, place->instance) == 0) {
            is_later = true;
            continue;
        }
        if (gate->off_reason || (only_later && !is_later))
            continue;
        if (!gate_is_broken(gate))
            return gate;
        if (only_later && !broken)
            broken = gate;
    }
    return broken;
}

bool itinerary_switch(struct flow *flow, struct run *run, bool only_later)
{
    struct gate *gate = find_other(flow, run, only_later);

    if (!gate)
        return false;
    LOG_NOTICE(flow->log, "taking the alternative", LOG_INT("record", run->id),
               LOG_STR("instead_of", run->record->place.instance), LOG_STR("instance", gate->name));
    set_place(flow, run, STORE_PHASE_STAGE, run->record->place.index, gate->name);
    return true;
}

bool itinerary_add_problem(struct run *run, const char *instance, const char *reason)
{
    json_t *sections = run->record->sections;
    json_t *problems = json_object_get(sections, "problems");
    json_t *problem =
        json_pack("{s:s, s:i, s:s, s:s}", "phase", store_phase_word(run->record->place.phase), "index",
                  (int)run->record->place.index, "instance", instance, "reason", reason);

    /* A copy: exchanges share the section. */
    problems = problems ? json_copy(problems) : json_array();
    if (!problem || json_array_append_new(problems, problem) < 0 ||
        json_object_set_new(sections, "problems", problems) < 0) {
        json_decref(problems);
        return false;
    }
    run->record->problems++;
    run->adds_problem = true;
    return true;
}

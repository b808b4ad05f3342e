/* The scenario: what the program starts from, and goes back to at a reset. */
#include "sim.h"

#include <stdio.h>
#include <string.h>

int scenario_check(const json_t *scenario, struct sim *sim, struct sim_error *err)
{
    static const char *const known[] = { "seed", "clock", "knobs", "faults", "note" };
    const char *key;
    json_t *value;
    if (!json_is_object(scenario))
        return sim_fail(err, "a scenario is an object");
    json_object_foreach ((json_t *)(uintptr_t)scenario, key, value) {
        bool is_known = false;
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
            is_known = is_known || strcmp(key, known[i]) == 0;
        const struct sim_service *service = is_known ? NULL : sim_service_find(sim, key);
        if (!is_known && (!service || !service->def->load))
            return sim_fail(
                err,
                "unknown key '%s' of a scenario; there are seed, clock, knobs, faults and the names "
                "of services",
                key);
        if (strcmp(key, "seed") == 0 && !json_is_integer(value))
            return sim_fail(err, "'seed' must be a whole number");
    }
    return 0;
}

int scenario_load_file(struct sim *sim, const char *path, struct sim_error *err)
{
    json_error_t where;
    json_t *scenario = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
    if (!scenario)
        return sim_fail(err, "cannot read scenario '%s': line %d: %s", path, where.line, where.text);
    if (scenario_check(scenario, sim, err) < 0) {
        json_decref(scenario);
        return -1;
    }
    json_decref(sim->scenario);
    sim->scenario = scenario;
    return 0;
}

static void reset_services(struct sim *sim)
{
    for (size_t i = 0; i < sim->service_count; i++) {
        struct sim_service *service = &sim->services[i];
        server_accept_again(service);
        knobs_reset(service);
        service->in->random = chance_seed(sim->seed, service->def->name);
        if (service->def->reset)
            service->def->reset(service);
    }
}

static int load_services(struct sim *sim, struct sim_error *err)
{
    for (size_t i = 0; i < sim->service_count; i++) {
        struct sim_service *service = &sim->services[i];
        const json_t *section = json_object_get(sim->scenario, service->def->name);
        if (section && service->def->load && service->def->load(service, section, err) < 0)
            return -1;
    }
    return 0;
}

int scenario_apply(struct sim *sim, struct sim_error *err)
{
    const json_t *seed = json_object_get(sim->scenario, "seed");
    const json_t *clock = json_object_get(sim->scenario, "clock");
    const json_t *knobs = json_object_get(sim->scenario, "knobs");
    const json_t *faults = json_object_get(sim->scenario, "faults");
    if (json_is_integer(seed) && !sim->is_seed_given)
        sim->seed = (uint64_t)json_integer_value(seed);
    sim->is_driven = sim->is_driven_at_start;
    clock_reset(sim);
    if (clock && clock_set(sim, clock, err) < 0)
        return -1;
    sim->fault_random = chance_seed(sim->seed, "faults");
    faults_clear(sim);
    reset_services(sim);
    log_reset(sim);
    outbox_reset(sim);
    if (knobs && knobs_set(sim, knobs, err) < 0)
        return -1;
    if (load_services(sim, err) < 0)
        return -1;
    return faults ? faults_add(sim, faults, err) : 0;
}

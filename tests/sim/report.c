/* The report: what every service saw, in one JSON object. */
#include "sim.h"

json_t *report_make(struct sim *sim)
{
    json_t *services = json_object();
    json_t *report = json_object();
    for (size_t i = 0; i + 1 < sim->service_count; i++) {
        struct sim_service *service = &sim->services[i];
        json_t *seen = log_counts(service);
        json_t *own = service->def->report ? service->def->report(service) : NULL;
        if (own)
            (void)json_object_update(seen, own);
        json_decref(own);
        (void)json_object_set_new(services, service->def->name, seen);
    }
    (void)json_object_set_new(report, "services", services);
    (void)json_object_set_new(report, "clock", clock_show(sim));
    (void)json_object_set_new(report, "faults", faults_show(sim));
    (void)json_object_set_new(report, "violations_total", json_integer((json_int_t)sim->violation_count));
    (void)json_object_set(report, "violations", sim->violations);
    return report;
}

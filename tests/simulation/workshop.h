/* What a simulator process has once for all its seeds: a folder for engine.conf, and the plugins that are linked in. */
#ifndef TESTS_SIMULATION_WORKSHOP_H
#define TESTS_SIMULATION_WORKSHOP_H

#include <stdint.h>

#include "app/setup.h"
#include "simulation/scenario.h"

/* What is written into engine.conf: at the first start from the scenario, later changed by chance. */
struct sim_config {
    const char *pipeline;   /* the name of the pipeline of calls */
    const char *classifier; /* the second stage */
    int64_t settle_ms, poll_interval_ms;
    uint32_t note_size_max, concurrency, max_in_flight, page_size;
    bool has_openai;
    bool has_escalations, has_crm_field;
    bool signs_posts, has_mapping;
    uint32_t secrets; /* the generation of the agents' tokens and keys; the one before it counts, too */
    int64_t secrets_since_ms;
    const char *attach; /* attach_to_open */
    int64_t delayed_after_ms;
};
struct sim_config config_of(const struct scenario *scenario);

struct workshop;

struct workshop *workshop_new(void);
void workshop_free(struct workshop *workshop); /* NULL allowed */
/* What the mapping file says from now on. */
void workshop_write_mapping(const struct workshop *workshop, const char *text);
/* The engine's own assembly of `config`: what `switchboard run` does, with the linked plugins. */
struct setup *workshop_setup(struct workshop *workshop, const struct sim_config *config, struct log *log);

#endif

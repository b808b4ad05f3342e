/* The world's clock, its faults, and what services and oracle are told. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "simulation/memory.h"
#include "simulation/world_inner.h"

const struct scenario *world_scenario(const struct world *world)
{
    return &world->scenario;
}

int64_t world_now(const struct world *world)
{
    return world->now_ms;
}

/* ---- plans --------------------------------------------------------------------------------------------- */

struct plan {
    struct world *world;
    void (*fn)(void *ctx, struct world *world);
    void *ctx;
};

static void on_plan(void *ctx)
{
    struct plan plan = *(struct plan *)ctx;

    free(ctx);
    plan.fn(plan.ctx, plan.world);
}

void world_at(struct world *world, int64_t at_ms, void (*fn)(void *ctx, struct world *world), void *ctx)
{
    struct plan *plan = sim_new(sizeof(*plan));
    const struct sim_event event = {
        .at_ms = at_ms > world->now_ms ? at_ms : world->now_ms, .fn = on_plan, .ctx = plan, .drop = free
    };

    *plan = (struct plan){ .world = world, .fn = fn, .ctx = ctx };
    events_add(&world->events, &event);
}

void world_plan(struct world *world, int64_t at_ms, sim_event_fn fn, void *ctx, sim_event_fn drop)
{
    const struct sim_event event = { .at_ms = at_ms > world->now_ms ? at_ms : world->now_ms,
                                     .life = world->engine.life,
                                     .fn = fn,
                                     .ctx = ctx,
                                     .drop = drop };

    events_add(&world->events, &event);
}

/* ---- faults -------------------------------------------------------------------------------------------- */

bool world_fault(struct world *world, enum sim_fault fault)
{
    uint32_t rate = world->scenario.rates[fault];

    if (!rate || !chance_happens(&world->faults[fault], rate))
        return false;
    if (world->now_ms >= world->scenario.quiet_ms ||
        world->totals.fault_count >= world->scenario.faults_until)
        return false;
    world->totals.faults[fault]++;
    world->totals.fault_count++;
    world_trace(world, "fault %llu: %s", (unsigned long long)world->totals.fault_count,
                sim_fault_word(fault));
    return true;
}

int64_t world_fault_between(struct world *world, enum sim_fault fault, int64_t least, int64_t most)
{
    return chance_between(&world->faults[fault], least, most);
}

/* ---- words --------------------------------------------------------------------------------------------- */

bool world_is_traced(const struct world *world)
{
    return world->options->is_traced;
}

void world_trace(struct world *world, const char *fmt, ...)
{
    va_list args;

    if (!world->options->is_traced)
        return;
    int64_t ms = world->now_ms - world->scenario.start_ms;
    (void)printf("%3lld:%02lld:%02lld.%03lld  ", (long long)(ms / 3600000), (long long)(ms / 60000 % 60),
                 (long long)(ms / 1000 % 60), (long long)(ms % 1000));
    va_start(args, fmt);
    (void)vprintf(fmt, args);
    va_end(args);
    (void)putchar('\n');
}

void world_violation(struct world *world, const char *name, const char *fmt, ...)
{
    char text[sizeof(world->violation_text)];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    world_trace(world, "VIOLATION of '%s': %s", name, text);
    if (world->violations++)
        return;
    (void)snprintf(world->violation, sizeof(world->violation), "%s", name);
    memcpy(world->violation_text, text, sizeof(text));
}

size_t world_violation_count(const struct world *world)
{
    return world->violations;
}

void world_digest(struct world *world, const char *fmt, ...)
{
    char text[1024];
    va_list args;

    va_start(args, fmt);
    int size = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (size < 0)
        return;
    digest_add(world->digest, text, (size_t)size < sizeof(text) ? (size_t)size : sizeof(text) - 1);
    digest_add(world->digest, "\n", 1);
}

/* ---- what the oracle may ask --------------------------------------------------------------------------- */

const char *world_file_with(const struct world *world, const char *text)
{
    return disk_file_with(world->disk, text);
}

struct store *world_journal(struct world *world)
{
    return world->engine.store;
}

void world_each_asked(const struct world *world, void (*fn)(void *ctx, const struct sim_asked *asked),
                      void *ctx)
{
    for (size_t i = 0; i < world->ledger.count; i++) {
        const struct ledger_entry *entry = world->ledger.entries[i];
        for (size_t k = 0; k < entry->step_count; k++) {
            const struct sim_asked asked = { .external_id = entry->external_id,
                                             .host = entry->steps[k].host,
                                             .step = entry->steps[k].step,
                                             .requests = entry->steps[k].requests,
                                             .after_transcript = entry->steps[k].after_transcript };
            fn(ctx, &asked);
        }
    }
}

const struct sim_totals *world_totals(const struct world *world)
{
    return &world->totals;
}

void world_count(struct world *world, uint64_t records, uint64_t tickets)
{
    world->totals.records = records;
    world->totals.tickets = tickets;
}

uint32_t world_secrets(const struct world *world, int64_t *ret_since_ms)
{
    *ret_since_ms = world->engine.config.secrets_since_ms;
    return world->engine.config.secrets;
}

const struct sim_stretch *world_stretches(const struct world *world, size_t *ret_count)
{
    *ret_count = world->engine.stretch_count;
    return world->engine.stretches;
}

bool world_was_down(const struct world *world, const char *host)
{
    for (size_t i = 0; i < NET_HOSTS_MAX && world->net.outages[i].host; i++)
        if (strcmp(world->net.outages[i].host, host) == 0)
            return true;
    return false;
}

int64_t world_restored_ms(const struct world *world)
{
    return world->restored_ms;
}

bool world_was_dropped(const struct world *world, const char *external_id)
{
    const struct ledger_entry *entry = ledger_find(&world->ledger, external_id);
    return entry && entry->was_dropped;
}

int64_t world_dropped_ms(const struct world *world, const char *external_id)
{
    const struct ledger_entry *entry = ledger_find(&world->ledger, external_id);
    return entry ? entry->dropped_ms : 0;
}

bool world_was_misled(const struct world *world, const char *external_id)
{
    const struct ledger_entry *entry = ledger_find(&world->ledger, external_id);
    return entry && entry->was_misled;
}

bool world_was_retried(const struct world *world, const char *external_id)
{
    const struct ledger_entry *entry = ledger_find(&world->ledger, external_id);
    return entry && entry->was_retried;
}

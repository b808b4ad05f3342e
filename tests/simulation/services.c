/* The company as the world sees it: its hooks, and the facts for the oracle. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/scope.h"
#include "simulation/company.h"
#include "simulation/memory.h"
#include "simulation/oracle.h"
#include "simulation/truth_escalation.h"

#define MINUTE_MS INT64_C(60000)

/* After the last call has ended it settles, and the engine asks a few times more, at whatever interval. */
enum { RECORDS_MAX = 10000, OVER_MINUTES = 150, LOOK_MINUTES = 120, HIDING_ONE_IN = 10 };

size_t under_way_add(struct under_way *under_way, int64_t now_ms, int64_t until_ms)
{
    size_t kept = 0;

    for (size_t i = 0; i < under_way->count; i++)
        if (under_way->until_ms[i] > now_ms)
            under_way->until_ms[kept++] = under_way->until_ms[i];
    under_way->count = kept;
    if (kept < UNDER_WAY_MAX)
        under_way->until_ms[under_way->count++] = until_ms;
    return under_way->count;
}

bool company_fault(struct company *company, enum sim_fault fault)
{
    return company->world && world_fault(company->world, fault);
}

int64_t company_fault_between(struct company *company, enum sim_fault fault, int64_t least, int64_t most)
{
    return company->world ? world_fault_between(company->world, fault, least, most) : least;
}

struct company *company_new(const struct scenario *scenario)
{
    struct company *company = sim_new(sizeof(*company));
    const struct sim_service services[] = {
        { SIM_HOST_EXOTEL, company, exotel_handle },   { SIM_HOST_RECORDINGS, company, recordings_handle },
        { SIM_HOST_STORAGE, company, storage_handle }, { SIM_HOST_DEEPGRAM, company, deepgram_handle },
        { SIM_HOST_OPENAI, company, openai_handle },   { SIM_HOST_ACCOUNTS, company, accounts_handle },
        { SIM_HOST_DESK, company, desk_handle },       { SIM_HOST_FILES, company, files_handle },
        { SIM_HOST_AGENT, company, receiver_handle },
    };

    company->scenario = scenario;
    company->chance = chance_stream(scenario->seed, "services");
    struct chance rare = chance_stream(scenario->seed, "tickets that hide");
    company->hides_tickets = chance_below(&rare, HIDING_ONE_IN) == 0;
    _Static_assert(COUNT_OF(services) <= COMPANY_SERVICES_MAX, "room for every service");
    memcpy(company->services, services, sizeof(services));
    company->service_count = COUNT_OF(services);
    return company;
}

void company_free(struct company *company)
{
    if (!company)
        return;
    truth_done(&company->truth);
    free(company);
}

/* ---- hooks --------------------------------------------------------------------------------------------- */

/* Some people are in the helpdesk since long, their numbers written as people do. */
static void add_old_contacts(struct company *company)
{
    static const char *const phones[] = { "+91 55501 00001", NULL, "0555-0100003" };
    static const char *const mobiles[] = { NULL, "05550100002", NULL };
    struct chance chance = chance_stream(company->scenario->seed, "old contacts");

    for (size_t i = 0; i < COUNT_OF(phones); i++) {
        if (chance_below(&chance, 3) > 0)
            continue;
        struct truth_contact *contact = truth_add_contact(&company->truth, 0);
        contact->last_name = sim_copy("Old friend");
        contact->phone = sim_copy(phones[i]);
        contact->mobile = sim_copy(mobiles[i]);
    }
}

static void start(void *ctx, struct world *world)
{
    struct company *company = ctx;

    company->world = world;
    add_old_contacts(company);
    traffic_plan(company);
    mapping_plan(company);
    escalations_plan(company);
}

static bool is_over(void *ctx)
{
    const struct company *company = ctx;
    const struct truth *truth = &company->truth;
    int64_t now_ms = world_now(company->world);

    /* Time for a second look at the last ticket. */
    if ((company->hides_tickets || world_totals(company->world)->misled > 0) && truth->ticket_count > 0 &&
        now_ms < truth->tickets[truth->ticket_count - 1]->created_ms + LOOK_MINUTES * MINUTE_MS)
        return false;
    return escalations_are_over(company) && traffic_is_over(company, now_ms - OVER_MINUTES * MINUTE_MS);
}

struct asking {
    struct oracle_end *ends;
    size_t count;
};

static void add_asked(void *ctx, const struct sim_asked *asked)
{
    const struct asking *asking = ctx;

    for (size_t i = 0; i < asking->count; i++) {
        if (strcmp(asking->ends[i].external_id, asked->external_id) != 0)
            continue;
        asking->ends[i].requests += asked->requests;
        asking->ends[i].after_transcript += asked->after_transcript;
    }
}

static void on_violation(void *ctx, const char *name, const char *text)
{
    world_violation(ctx, name, "%s", text);
}

/* Whether the engine has said that something of the record is there twice. */
static bool tells_of_two(struct world *world, const json_t *record)
{
    AUTO_JSON timeline = NULL;
    struct sb_error err = SB_ERROR_INIT;
    size_t i;
    const json_t *line;

    if (store_timeline(world_journal(world), json_int(record, "id", 0), &timeline, &err) < 0)
        sim_die("cannot read the journal: %s", err.text);
    json_array_foreach (timeline, i, line) {
        const char *verdict = json_str(line, "verdict");
        if (verdict && strcmp(verdict, "doubled") == 0)
            return true;
    }
    return false;
}

static struct oracle_end *ends_of(const struct company *company, struct world *world, const json_t *records)
{
    struct oracle_end *ends = sim_new((json_array_size(records) + 1) * sizeof(*ends));
    size_t i;
    const json_t *record;

    json_array_foreach (records, i, record) {
        const char *id = json_str(record, "external_id");
        ends[i] =
            (struct oracle_end){ .external_id = id,
                                 .account = json_str(record, "account"),
                                 .state = json_str(record, "state"),
                                 .reason = json_str(record, "reason"),
                                 .is_doubled = (company->hides_tickets || world_was_misled(world, id)) &&
                                               tells_of_two(world, record),
                                 .was_misled = world_was_misled(world, id),
                                 .was_dropped = world_was_dropped(world, id),
                                 .dropped_ms = world_dropped_ms(world, id),
                                 .was_retried = world_was_retried(world, id) };
    }
    return ends;
}

static void check(void *ctx, struct world *world)
{
    struct company *company = ctx;
    const struct store_query query = { .limit = RECORDS_MAX };
    const struct sim_totals *totals = world_totals(world);
    AUTO_JSON records = NULL;
    struct sb_error err = SB_ERROR_INIT;

    if (store_list(world_journal(world), &query, &records, &err) < 0)
        sim_die("cannot read the journal: %s", err.text);
    struct oracle_end *ends = ends_of(company, world, records);
    struct asking asking = { .ends = ends, .count = json_array_size(records) };
    world_each_asked(world, add_asked, &asking);
    struct oracle_facts facts = { .truth = &company->truth,
                                  .ends = ends,
                                  .end_count = asking.count,
                                  .hides_tickets = company->hides_tickets,
                                  .delayed_after_ms = company->scenario->delayed_after_ms,
                                  .fault_count = totals->fault_count,
                                  .starts = totals->starts,
                                  .restores = totals->restores,
                                  .virtual_ms =
                                      (uint64_t)(world_now(world) - world_scenario(world)->start_ms),
                                  .violation = on_violation,
                                  .ctx = world };
    watch_files(company, world_file_with, world);
    facts.now_ms = world_now(world);
    facts.up = world_stretches(world, &facts.up_count);
    facts.agent_was_down = world_was_down(world, SIM_HOST_AGENT);
    memcpy(facts.faults, totals->faults, sizeof(facts.faults));
    oracle_check(&facts);
    world_count(world, asking.count, company->truth.ticket_count);
    free(ends);
}

static void digest(void *ctx, struct world *world)
{
    const struct truth *truth = &((const struct company *)ctx)->truth;

    for (size_t i = 0; i < truth->call_count; i++)
        world_digest(world, "call %s %lld %u %u", truth->calls[i]->sid, (long long)truth->calls[i]->listed_ms,
                     truth->calls[i]->transcribed, truth->calls[i]->classified);
    for (size_t i = 0; i < truth->contact_count; i++)
        world_digest(world, "contact %s %s %lld", truth->contacts[i]->id, truth->contacts[i]->last_name,
                     (long long)truth->contacts[i]->created_ms);
    for (size_t i = 0; i < truth->ticket_count; i++)
        world_digest(world, "ticket %s %s %s %lld", truth->tickets[i]->id, truth->tickets[i]->contact->id,
                     oracle_field(truth->tickets[i], "subject"), (long long)truth->tickets[i]->created_ms);
    for (size_t i = 0; i < truth->comment_count; i++)
        world_digest(world, "comment %s %s %lld %s", truth->comments[i]->id, truth->comments[i]->ticket->id,
                     (long long)truth->comments[i]->created_ms, truth->comments[i]->content);
    for (size_t i = 0; i < truth->escalation_count; i++)
        world_digest(world, "escalation %s %s %u %lld %s", truth->escalations[i]->agent,
                     truth->escalations[i]->id, truth->escalations[i]->posts,
                     (long long)truth->escalations[i]->taken_ms, truth->escalations[i]->number);
    for (size_t i = 0; i < truth->file_count; i++)
        world_digest(world, "file %s %s %lld", truth->files[i]->id, truth->files[i]->name,
                     (long long)truth->files[i]->created_ms);
    for (size_t i = 0; i < truth->event_count; i++)
        world_digest(world, "event %s %u %lld", truth->events[i]->key, truth->events[i]->arrivals,
                     (long long)truth->events[i]->accepted_ms);
}

static void free_company(void *ctx)
{
    company_free(ctx);
}

void sim_hooks_new(const struct scenario *scenario, struct sim_hooks *ret_hooks)
{
    struct company *company = company_new(scenario);

    *ret_hooks = (struct sim_hooks){ .ctx = company,
                                     .services = company->services,
                                     .service_count = company->service_count,
                                     .start = start,
                                     .is_over = is_over,
                                     .check = check,
                                     .mapping_read = mapping_was_read,
                                     .look = helpdesk_look,
                                     .look_beside = helpdesk_look_beside,
                                     .digest = digest,
                                     .free = free_company };
}

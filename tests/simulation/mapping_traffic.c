/* Who keeps the mapping file, and what is in it: contacts that are there, that go while the world runs, that never were; ids
 * of the CRM that a contact has in its field, or none. The file changes, and now and then it is broken for a while. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/scope.h"
#include "simulation/company.h"
#include "simulation/memory.h"
#include "simulation/truth_escalation.h"

enum { USERS = 5, CHANGES = 3, TEXT_MAX_SIZE = 16 * 1024, MINUTE_MS = 60 * 1000 };

/* What a row may say of a user. */
enum said { SAID_NOTHING, SAID_OLD, SAID_NEW, SAID_FIELD, SAID_NOBODY, SAID_KINDS };

static const char header[] = "canonical_id,crm_id,contact_id\n";
static const char *const broken[] = { "user,who\nuser-1,7000001\n",
                                      "canonical_id,crm_id,contact_id\nuser-0,7001000,\nuser-0,,\n",
                                      "canonical_id,crm_id,contact_id\n\"user-1,70010" };

struct change {
    struct company *company;
    size_t index;     /* in truth->mappings */
    const char *text; /* constant; NULL: the rows */
};

/* ---- contacts ------------------------------------------------------------------------------------------ */

static struct truth_contact *add_contact(struct company *company, const char *name, size_t user)
{
    struct truth_contact *contact = truth_add_contact(&company->truth, 0);
    const struct scenario *scenario = company->scenario;

    contact->last_name = sim_copy(name);
    contact->more = json_pack("{s:o}", "firstName", json_sprintf("User %zu", user));
    if (!company_fault(company, FAULT_MAPPED_GONE))
        return contact;
    contact->will_be_merged = company_fault_between(company, FAULT_MAPPED_GONE, 0, 1) == 0;
    contact->gone_ms =
        company_fault_between(company, FAULT_MAPPED_GONE, scenario->start_ms, scenario->quiet_ms);
    return contact;
}

/* The CRM's id of a user is in the file, and nowhere else. */
static void fill_row(struct truth_mapped *row, size_t user, enum said said,
                     struct truth_contact *const contacts[SAID_KINDS])
{
    (void)snprintf(row->user_id, sizeof(row->user_id), "user-%zu", user);
    if (said == SAID_FIELD || said == SAID_NOBODY)
        (void)snprintf(row->crm_id, sizeof(row->crm_id), "70010%02zu", user);
    if (said == SAID_NOBODY)
        (void)snprintf(row->contact_id, sizeof(row->contact_id), "5000001000009999999");
    if (contacts[said] && said != SAID_FIELD)
        (void)snprintf(row->contact_id, sizeof(row->contact_id), "%s", contacts[said]->id);
}

static void add_user(struct company *company, struct chance *chance, size_t user)
{
    struct truth *truth = &company->truth;
    struct truth_contact *contacts[SAID_KINDS] = { NULL };

    contacts[SAID_OLD] = add_contact(company, "In the file", user);
    contacts[SAID_NEW] = add_contact(company, "In the newer file", user);
    if (company->scenario->has_crm_field) {
        contacts[SAID_FIELD] = add_contact(company, "By the field", user);
        json_object_set_new(contacts[SAID_FIELD]->more, "cf",
                            json_pack("{s:o}", SIM_CRM_FIELD, json_sprintf("70010%02zu", user)));
    }
    for (size_t i = 0; i < truth->mapping_count; i++) {
        enum said said = (enum said)chance_below(chance, SAID_KINDS);
        if (said != SAID_NOTHING)
            fill_row(&truth->mappings[i]->rows[truth->mappings[i]->row_count++], user, said, contacts);
    }
}

/* ---- the file ------------------------------------------------------------------------------------------ */

static void write_file(struct company *company, const struct truth_mapping *mapping, const char *text)
{
    AUTO_BUF rows;

    buf_init(&rows, TEXT_MAX_SIZE);
    buf_str(&rows, header);
    for (size_t i = 0; i < mapping->row_count; i++)
        buf_printf(&rows, "%s,%s,%s\n", mapping->rows[i].user_id, mapping->rows[i].crm_id,
                   mapping->rows[i].contact_id);
    world_write_mapping(company->world, text ? text : rows.data);
}

static void do_change(void *ctx, struct world *world)
{
    struct change *change = ctx;

    (void)world;
    write_file(change->company, change->company->truth.mappings[change->index], change->text);
    free(change);
}

/* In the order of their times, as they will be written. */
static size_t add_changes(struct company *company, struct change *ret_changes[CHANGES])
{
    const struct scenario *scenario = company->scenario;
    int64_t span_ms = (scenario->quiet_ms - scenario->start_ms) / CHANGES;
    size_t count = 0;

    for (int i = 0; i < CHANGES; i++) {
        if (!company_fault(company, FAULT_MAPPING_CHANGED))
            continue;
        int64_t at_ms = scenario->start_ms + i * span_ms +
                        company_fault_between(company, FAULT_MAPPING_CHANGED, MINUTE_MS, span_ms);
        struct truth_mapping *mapping = truth_add_mapping(&company->truth, at_ms);
        struct change *change = sim_new(sizeof(*change));
        mapping->is_broken = company_fault_between(company, FAULT_MAPPING_CHANGED, 0, 2) == 0;
        *change =
            (struct change){ .company = company,
                             .index = company->truth.mapping_count - 1,
                             .text = mapping->is_broken
                                         ? broken[company_fault_between(company, FAULT_MAPPING_CHANGED, 0, 2)]
                                         : NULL };
        ret_changes[count++] = change;
    }
    return count;
}

void mapping_plan(struct company *company)
{
    struct chance chance = chance_stream(company->scenario->seed, "mapping");
    struct truth *truth = &company->truth;
    struct change *changes[CHANGES];

    if (!company->scenario->has_escalations || !company->scenario->has_mapping || !company->world)
        return;
    struct truth_mapping *first = truth_add_mapping(truth, 0);
    size_t count = add_changes(company, changes);
    for (size_t user = 0; user < USERS; user++)
        if (chance_below(&chance, 2))
            add_user(company, &chance, user);
    write_file(company, first, NULL);
    for (size_t i = 0; i < count; i++)
        world_at(company->world, truth->mappings[changes[i]->index]->written_ms, do_change, changes[i]);
}

void mapping_was_read(void *ctx, size_t version)
{
    struct company *company = ctx;
    struct truth_mapping *mapping = company->truth.mappings[version];

    if (mapping->read_ms == TRUTH_NEVER)
        mapping->read_ms = world_now(company->world);
}

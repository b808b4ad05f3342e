/* What the mapping file says of a user, as far as it binds: the contact that every version says which may have counted. */
#include <string.h>

#include "simulation/oracle_escalation.h"
#include "simulation/world.h"

/* Whether a later file that can be read was certainly read before `at_ms`. */
static bool is_over(const struct truth *truth, size_t index, int64_t at_ms)
{
    for (size_t i = index + 1; i < truth->mapping_count; i++)
        if (!truth->mappings[i]->is_broken && truth->mappings[i]->read_ms <= at_ms)
            return true;
    return false;
}

/* The contact of a row that stays: by its id, else by the CRM's id in its field. NULL: none, or one that goes. */
static const struct truth_contact *target_of(const struct truth *truth, const struct truth_mapped *row)
{
    const struct truth_contact *contact =
        row && *row->contact_id ? truth_contact_by_id(truth, row->contact_id) : NULL;

    for (size_t i = 0; row && !contact && *row->crm_id && i < truth->contact_count; i++) {
        const struct truth_contact *other = truth->contacts[i];
        const char *custom =
            json_string_value(json_object_get(json_object_get(other->more, "cf"), SIM_CRM_FIELD));
        if (!other->by_engine && custom && strcmp(custom, row->crm_id) == 0)
            contact = other;
    }
    return contact && contact->gone_ms == TRUTH_NEVER ? contact : NULL;
}

const struct truth_contact *oracle_mapped_contact(const struct truth *truth, const char *user_id,
                                                  int64_t from_ms, int64_t until_ms)
{
    const struct truth_contact *found = NULL;
    bool is_first_read = truth->mapping_count > 0 && truth->mappings[0]->read_ms <= from_ms;

    for (size_t i = 0; is_first_read && i < truth->mapping_count; i++) {
        const struct truth_mapping *mapping = truth->mappings[i];
        if (mapping->is_broken || mapping->written_ms > until_ms || is_over(truth, i, from_ms))
            continue;
        const struct truth_contact *target = target_of(truth, truth_mapped(mapping, user_id));
        if (!target || (found && found != target))
            return NULL;
        found = target;
    }
    return found;
}

bool oracle_is_mapped(const struct truth *truth, const struct truth_contact *contact, const char *user_id)
{
    const char *custom =
        json_string_value(json_object_get(json_object_get(contact->more, "cf"), SIM_CRM_FIELD));

    for (size_t i = 0; i < truth->mapping_count; i++) {
        const struct truth_mapped *row = truth_mapped(truth->mappings[i], user_id);
        if (row && !truth->mappings[i]->is_broken &&
            (strcmp(row->contact_id, contact->id) == 0 || (custom && strcmp(custom, row->crm_id) == 0)))
            return true;
    }
    return false;
}

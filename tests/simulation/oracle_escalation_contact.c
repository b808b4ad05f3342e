/* Whether an escalation is on its user's contact, and each user has one. */
#include <string.h>
#include <strings.h>

#include "simulation/oracle_escalation.h"
#include "simulation/world.h"

static const char *text_of(const struct truth_contact *contact, const char *key)
{
    const char *text = json_string_value(json_object_get(contact->more, key));

    return text ? text : "";
}

static const char *crm_id_of(const struct truth_contact *contact)
{
    const char *id = json_string_value(json_object_get(json_object_get(contact->more, "cf"), SIM_CRM_FIELD));

    return id ? id : "";
}

/* Made by the engine for this user: its description says so. */
static bool is_made_for(const struct truth_contact *contact, const char *user_id)
{
    static const char label[] = "User id: ";
    const char *text = text_of(contact, "description");
    size_t size = strlen(user_id);

    return strncmp(text, label, sizeof(label) - 1) == 0 &&
           strncmp(text + sizeof(label) - 1, user_id, size) == 0 &&
           (text[sizeof(label) - 1 + size] == '\0' || text[sizeof(label) - 1 + size] == '\n');
}

static bool has_digits(const char *number, const char *digits)
{
    char own[TRUTH_DIGITS + 1] = "";

    if (number)
        truth_last_digits(number, own);
    return *digits && strcmp(own, digits) == 0;
}

/* By whatever this escalation says of its user. */
static bool fits_by(const struct truth_contact *contact, const struct truth_escalation *escalation)
{
    const char *email = text_of(contact, "email"), *custom = crm_id_of(contact);

    return contact == escalation->named || is_made_for(contact, escalation->user_id) ||
           (*escalation->email && strcasecmp(email, escalation->email) == 0) ||
           has_digits(contact->phone, escalation->digits) ||
           has_digits(contact->mobile, escalation->digits) ||
           (*custom && (strcmp(custom, escalation->crm_id) == 0 || strcmp(custom, escalation->user_id) == 0));
}

/* A contact that was gone when the ticket was to be made: the helpdesk made another of the user's name, in the same request,
 * which carries no ids. */
static bool is_stopgap(const struct truth *truth, const struct truth_contact *contact)
{
    size_t gone = 0;

    for (size_t i = 0; i < truth->contact_count; i++)
        gone += truth->contacts[i]->gone_ms != TRUTH_NEVER;
    return gone > 0 && contact->by_engine && strcmp(contact->last_name, "sons") == 0 &&
           !*text_of(contact, "description");
}

/* What is known of a user from one escalation holds for the others. */
static bool fits(const struct truth *truth, const struct truth_contact *contact, const char *user_id)
{
    if (oracle_is_mapped(truth, contact, user_id))
        return true;
    for (size_t i = 0; i < truth->escalation_count; i++)
        if (strcmp(truth->escalations[i]->user_id, user_id) == 0 && fits_by(contact, truth->escalations[i]))
            return true;
    /* Somebody merged the user's contact into another. */
    for (size_t i = 0; i < truth->contact_count; i++)
        if (truth->contacts[i]->merged_into == contact && fits(truth, truth->contacts[i], user_id))
            return true;
    return false;
}

/* Whether what this escalation's agent gave as the CRM's id is that of another contact, one that was there before or that the
 * engine made for an earlier escalation. */
static bool leads_elsewhere(const struct truth *truth, const struct truth_escalation *escalation,
                            const struct truth_contact *mapped)
{
    if (escalation->named && escalation->named != mapped)
        return true;
    for (size_t i = 0; *escalation->crm_id && i < truth->contact_count; i++)
        if (truth->contacts[i] != mapped && strcmp(crm_id_of(truth->contacts[i]), escalation->crm_id) == 0)
            return true;
    return false;
}

/* The one that the mapping file says, unless an agent has named another one for the user: what that led to goes first, while
 * nothing new is said. */
static const struct truth_contact *mapped_to(const struct oracle_facts *facts,
                                             const struct truth_escalation *escalation,
                                             const struct oracle_place *place)
{
    const struct truth *truth = facts->truth;
    int64_t until_ms = place->own ? place->ticket->created_ms : facts->now_ms;
    const struct truth_contact *mapped =
        oracle_mapped_contact(truth, escalation->user_id, escalation->planned_ms, until_ms);

    for (size_t i = 0; i < truth->escalation_count; i++) {
        const struct truth_escalation *other = truth->escalations[i];
        if (strcmp(other->user_id, escalation->user_id) == 0 && leads_elsewhere(truth, other, mapped))
            return NULL;
    }
    return mapped;
}

void oracle_check_user(const struct oracle_facts *facts, const struct truth_escalation *escalation,
                       const struct oracle_place *place)
{
    const struct truth_contact *contact = place->own ? place->ticket->contact_then : place->ticket->contact;
    const struct truth_contact *named = escalation->named, *mapped = mapped_to(facts, escalation, place);

    if (is_stopgap(facts->truth, contact))
        return;
    if (!fits(facts->truth, contact, escalation->user_id))
        oracle_say(facts, "right-contact", "escalation %s of %s: ticket #%s is on contact %s ('%s')",
                   escalation->id, escalation->user_id, place->ticket->number, contact->id,
                   contact->last_name);
    else if (named && named->gone_ms == TRUTH_NEVER && contact != named)
        oracle_say(facts, "right-contact",
                   "escalation %s of %s names contact %s, and ticket #%s is on contact %s ('%s')",
                   escalation->id, escalation->user_id, named->id, place->ticket->number, contact->id,
                   contact->last_name);
    else if (mapped && contact != mapped)
        oracle_say(facts, "right-contact",
                   "escalation %s of %s: the mapping file says contact %s, and ticket #%s is on contact %s "
                   "('%s')",
                   escalation->id, escalation->user_id, mapped->id, place->ticket->number, contact->id,
                   contact->last_name);
}

static void check_count(const struct oracle_facts *facts, const char *user_id)
{
    const struct truth *truth = facts->truth;
    size_t made = 0, gone = 0;

    for (size_t i = 0; i < truth->contact_count; i++) {
        made += truth->contacts[i]->by_engine && is_made_for(truth->contacts[i], user_id);
        gone += truth->contacts[i]->gone_ms != TRUTH_NEVER && fits(truth, truth->contacts[i], user_id);
    }
    /* After a restore, or with its record dropped, nobody remembers a contact that searches do not show yet. */
    size_t allowed = 1 + gone + (size_t)facts->restores + oracle_drops(facts);
    if (made > allowed)
        oracle_say(facts, "one-contact", "%zu contacts were made for %s, at most %zu expected", made, user_id,
                   allowed);
}

/* Each user once: at the first escalation. */
void oracle_check_users(const struct oracle_facts *facts)
{
    const struct truth *truth = facts->truth;

    for (size_t i = 0; i < truth->escalation_count; i++) {
        size_t first = 0;
        while (strcmp(truth->escalations[first]->user_id, truth->escalations[i]->user_id) != 0)
            first++;
        if (first == i)
            check_count(facts, truth->escalations[i]->user_id);
    }
}

/* Users of escalations with this number: each may have a contact of its own. */
size_t oracle_users_with(const struct truth *truth, const char *digits)
{
    size_t count = 0;

    for (size_t i = 0; *digits && i < truth->escalation_count; i++) {
        size_t first = 0;
        if (strcmp(truth->escalations[i]->digits, digits) != 0)
            continue;
        while (strcmp(truth->escalations[first]->user_id, truth->escalations[i]->user_id) != 0 ||
               strcmp(truth->escalations[first]->digits, digits) != 0)
            first++;
        count += first == i;
    }
    return count;
}

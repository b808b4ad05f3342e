/* Between the files of the oracle that judge escalations. */
#ifndef TESTS_SIMULATION_ORACLE_ESCALATION_H
#define TESTS_SIMULATION_ORACLE_ESCALATION_H

#include "base/digest.h"
#include "simulation/oracle.h"
#include "simulation/truth_escalation.h"

/* Where an escalation is at the helpdesk. */
struct oracle_place {
    char reference[REFERENCE_SIZE];
    const struct truth_ticket *ticket; /* its own, or the one that it was added to; NULL: none */
    size_t own, hosts;                 /* tickets of its own, and tickets of others that hold notes of it */
};

void oracle_find_place(const struct oracle_facts *facts, const struct truth_escalation *escalation,
                       struct oracle_place *ret_place);
/* The whole conversation, each file or a note why not (oracle_escalation_text.c). */
void oracle_check_words(const struct oracle_facts *facts, const struct truth_escalation *escalation,
                        const struct oracle_place *place);
void oracle_check_files(const struct oracle_facts *facts, const struct truth_escalation *escalation,
                        const struct oracle_place *place);
/* The right contact, and one for each user (oracle_escalation_contact.c). */
void oracle_check_user(const struct oracle_facts *facts, const struct truth_escalation *escalation,
                       const struct oracle_place *place);
void oracle_check_users(const struct oracle_facts *facts);
/* The contact that the mapping file says for the user, when it was looked for between two moments, and whatever version
 * counted; NULL: none, or it depends (oracle_escalation_mapping.c). */
const struct truth_contact *oracle_mapped_contact(const struct truth *truth, const char *user_id,
                                                  int64_t from_ms, int64_t until_ms);
/* Whether the file ever said that the contact is the user's. */
bool oracle_is_mapped(const struct truth *truth, const struct truth_contact *contact, const char *user_id);
/* What the receiver heard (oracle_escalation_told.c). */
void oracle_check_told(const struct oracle_facts *facts, const struct truth_escalation *escalation,
                       const struct oracle_place *place, const struct oracle_end *end);

#endif

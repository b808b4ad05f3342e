/* The oracle can fail: whether an escalation is on the right contact of its user, by what agents say and by the mapping file. */
#include "simulation/oracle_escalation_kit.h"

static void a_strangers_contact_is_wrong(void **state)
{
    struct handed_over *all = *state;

    all->ticket->contact_then = all->world->contact;
    assert_said(all->world, "right-contact", "is on contact");
}

static void the_contact_that_the_agent_names_is_right(void **state)
{
    struct handed_over *all = *state;
    struct truth_contact *named = truth_add_contact(&all->world->truth, 0);

    named->last_name = sim_copy("Named");
    all->escalation->named = named;
    assert_said(all->world, "right-contact", "names contact");
}

/* A version of the mapping file that says this contact for the user; read a second after it was written. */
static struct truth_mapping *map(struct handed_over *all, int64_t at_ms, const struct truth_contact *contact)
{
    struct truth_mapping *mapping = truth_add_mapping(&all->world->truth, at_ms);

    mapping->read_ms = at_ms + 1000;
    mapping->row_count = 1;
    (void)snprintf(mapping->rows[0].user_id, sizeof(mapping->rows[0].user_id), "user-1");
    (void)snprintf(mapping->rows[0].contact_id, sizeof(mapping->rows[0].contact_id), "%s", contact->id);
    return mapping;
}

static struct truth_contact *add_in_file(struct handed_over *all)
{
    struct truth_contact *contact = truth_add_contact(&all->world->truth, 0);

    contact->last_name = sim_copy("In the file");
    return contact;
}

static void the_contact_that_the_mapping_file_says_is_right(void **state)
{
    struct handed_over *all = *state;

    (void)map(all, 0, add_in_file(all));
    assert_said(all->world, "right-contact", "the mapping file says contact");
}

/* The CRM's id leads to the contact that has it in its field. */
static void the_field_of_a_contact_is_found_by_the_mapping_files_id(void **state)
{
    struct handed_over *all = *state;
    struct truth_contact *contact = add_in_file(all);
    struct truth_mapping *mapping = map(all, 0, contact);

    mapping->rows[0].contact_id[0] = '\0';
    (void)snprintf(mapping->rows[0].crm_id, sizeof(mapping->rows[0].crm_id), "7001001");
    contact->more = json_pack("{s:{s:s}}", "cf", SIM_CRM_FIELD, "7001001");
    assert_said(all->world, "right-contact", "the mapping file says contact");
}

/* What an agent gives goes before the file: the contact with its CRM id, which the engine made for an earlier escalation. */
static void the_crm_id_that_an_agent_gives_goes_before_the_mapping_file(void **state)
{
    struct handed_over *all = *state;

    (void)map(all, 0, add_in_file(all));
    (void)snprintf(all->escalation->crm_id, sizeof(all->escalation->crm_id), "7000001");
    json_object_set_new(all->contact->more, "cf", json_pack("{s:s}", SIM_CRM_FIELD, "7000001"));
    oracle_check(&all->world->facts);
    assert_int_equal(all->world->said.count, 0);
    json_object_del(all->contact->more, "cf");
    assert_said(all->world, "right-contact", "the mapping file says contact");
}

static void a_strangers_contact_is_right_when_the_mapping_file_says_so(void **state)
{
    struct handed_over *all = *state;
    struct truth_contact *contact = add_in_file(all);

    (void)map(all, 0, contact);
    all->ticket->contact_then = contact;
    oracle_check(&all->world->facts);
    assert_int_equal(all->world->said.count, 0);
}

/* What binds nobody: each row makes of a file that binds one that does not. */
static void a_mapping_file_binds_only_where_it_counts(void **state)
{
    enum { GOES, BROKEN, READ_LATER, OF_ANOTHER, CHANGED, NAMED, CASES };
    struct handed_over *all = *state;

    for (int i = 0; i < CASES; i++) {
        struct truth_contact *contact = add_in_file(all), *other = add_in_file(all);
        struct truth_mapping *mapping = map(all, 0, contact);
        if (i == GOES)
            contact->gone_ms = START_MS + 60000;
        mapping->is_broken = i == BROKEN;
        mapping->read_ms = i == READ_LATER ? START_MS + 1 : 0;
        if (i == OF_ANOTHER)
            mapping->rows[0].user_id[0] = 'x';
        if (i == CHANGED)
            (void)map(all, START_MS + 1000, other);
        all->escalation->named = i == NAMED ? all->contact : NULL;
        all->world->said.count = 0;
        oracle_check(&all->world->facts);
        if (all->world->said.count)
            fail_msg("case %d: %s", i, all->world->said.texts[0]);
        while (all->world->truth.mapping_count)
            free(all->world->truth.mappings[--all->world->truth.mapping_count]);
    }
}

static void a_file_that_cannot_be_read_leaves_the_one_before_it_in_force(void **state)
{
    struct handed_over *all = *state;
    struct truth_contact *contact = add_in_file(all);

    (void)map(all, 0, contact);
    map(all, START_MS - 60000, all->contact)->is_broken = true;
    assert_said(all->world, "right-contact", "the mapping file says contact");
}

static void two_contacts_for_one_user_are_one_too_many(void **state)
{
    struct handed_over *all = *state;
    struct truth_contact *second = truth_add_contact(&all->world->truth, START_MS + 9000);

    second->last_name = sim_copy("Asha");
    second->by_engine = true;
    second->more = json_deep_copy(all->contact->more);
    assert_said(all->world, "one-contact", "2 contacts were made for user-1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_strangers_contact_is_wrong),
        CASE(the_contact_that_the_agent_names_is_right),
        CASE(the_contact_that_the_mapping_file_says_is_right),
        CASE(the_field_of_a_contact_is_found_by_the_mapping_files_id),
        CASE(the_crm_id_that_an_agent_gives_goes_before_the_mapping_file),
        CASE(a_strangers_contact_is_right_when_the_mapping_file_says_so),
        CASE(a_mapping_file_binds_only_where_it_counts),
        CASE(a_file_that_cannot_be_read_leaves_the_one_before_it_in_force),
        CASE(two_contacts_for_one_user_are_one_too_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

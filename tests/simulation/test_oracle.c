/* The oracle can fail: in a small world in which all is well, one thing after the other is made wrong. Each must be
 * reported under the name of its invariant, and nothing else. Here: calls, tickets and contacts. */
#include "simulation/oracle_kit.h"

static void a_good_world_is_not_blamed(void **state)
{
    struct small_world *world = *state;

    add_whole_note(world);
    oracle_check(&world->facts);
    assert_int_equal(world->said.count, 0);
}

static void a_note_in_parts_is_as_good_as_one(void **state)
{
    struct small_world *world = *state;

    (void)add_part(world, 2, 2, 2, LINES); /* in whatever order they came */
    (void)add_part(world, 1, 2, 0, 2);
    oracle_check(&world->facts);
    assert_int_equal(world->said.count, 0);
}

/* ---- calls and tickets --------------------------------------------------------------------------------- */

static void a_call_without_record_is_missed(void **state)
{
    struct small_world *world = *state;

    add_whole_note(world);
    (void)add_call(&world->truth, "examplecallzqbbbbbb0000000000002", "zqbbbbbb");
    assert_said(world, "nothing-is-missed", "examplecallzqbbbbbb0000000000002");
}

static void a_source_that_was_never_asked_is_missed(void **state)
{
    struct small_world *world = *state;

    add_whole_note(world);
    world->truth.has_floor = false;
    world->truth.call_count = 0;
    world->truth.ticket_count = 0;
    world->truth.comment_count = 0;
    oracle_check(&world->facts);
    world->truth.call_count = world->truth.ticket_count = world->truth.comment_count = 1;
    assert_int_equal(world->said.count, 1);
    assert_string_equal(world->said.names[0], "nothing-is-missed");
}

static void a_record_that_is_done_without_a_ticket_is_lost(void **state)
{
    struct small_world *world = *state;

    json_object_set_new(world->ticket->fields, "subject", json_string("Call"));
    oracle_check(&world->facts);
    assert_int_equal(world->said.count, 2); /* the call has no ticket, and the ticket no call */
    assert_string_equal(world->said.names[0], "one-ticket");
    assert_string_equal(world->said.names[1], "no-unwanted-ticket");
}

static void a_dead_letter_without_a_reason_is_lost(void **state)
{
    struct small_world *world = *state;
    struct oracle_end ends[2] = { world->end, { .state = "dead", .reason = "" } };

    add_whole_note(world);
    ends[1].external_id = add_call(&world->truth, "examplecallzqbbbbbb0000000000002", "zqbbbbbb")->sid;
    world->facts.ends = ends;
    world->facts.end_count = 2;
    world->facts.fault_count = 5;
    assert_said(world, "one-ticket", "'dead' (no reason)");
}

static void a_dead_letter_where_nothing_went_wrong_is_lost(void **state)
{
    struct small_world *world = *state;
    struct oracle_end ends[2] = { world->end, { .state = "dead", .reason = "cannot" } };

    add_whole_note(world);
    ends[1].external_id = add_call(&world->truth, "examplecallzqbbbbbb0000000000002", "zqbbbbbb")->sid;
    world->facts.ends = ends;
    world->facts.end_count = 2;
    assert_said(world, "one-ticket", "'dead' (cannot)");
}

static void a_dead_letter_with_a_reason_is_visible(void **state)
{
    struct small_world *world = *state;
    struct oracle_end ends[2] = { world->end, { .state = "dead", .reason = "the contact is gone" } };

    add_whole_note(world);
    ends[1].external_id = add_call(&world->truth, "examplecallzqbbbbbb0000000000002", "zqbbbbbb")->sid;
    world->facts.ends = ends;
    world->facts.end_count = 2;
    world->facts.fault_count = 5;
    oracle_check(&world->facts);
    assert_int_equal(world->said.count, 0);
}

/* One contact that goes is no reason; the one that takes its place may go as well. */
static void a_call_is_not_left_behind_a_refused_contact(void **state)
{
    struct small_world *world = *state;
    struct oracle_end ends[2] = { world->end,
                                  { .state = "dead", .reason = "Zoho Desk refuses contact 1, as ..." } };

    add_whole_note(world);
    ends[1].external_id = add_call(&world->truth, "examplecallzqbbbbbb0000000000002", "zqbbbbbb")->sid;
    world->facts.ends = ends;
    world->facts.end_count = 2;
    world->facts.fault_count = 5;
    world->contact->gone_ms = START_MS + 400000;
    assert_said(world, "one-ticket", "'dead' (Zoho Desk refuses contact 1");

    struct truth_contact *second = truth_add_contact(&world->truth, START_MS + 410000);
    second->last_name = sim_copy("Caller +915550100001");
    second->phone = sim_copy("+915550100001");
    second->gone_ms = START_MS + 420000;
    world->said.count = 0;
    oracle_check(&world->facts);
    assert_int_equal(world->said.count, 0);
}

static void a_wanted_call_that_the_engine_drops_is_lost(void **state)
{
    struct small_world *world = *state;
    struct oracle_end ends[2] = { world->end, { .state = "dropped", .reason = "missed call" } };

    add_whole_note(world);
    ends[1].external_id = add_call(&world->truth, "examplecallzqbbbbbb0000000000002", "zqbbbbbb")->sid;
    world->facts.ends = ends;
    world->facts.end_count = 2;
    world->facts.fault_count = 5;
    assert_said(world, "one-ticket", "'dropped' (missed call)");
}

static void two_tickets_are_told(void **state)
{
    struct small_world *world = *state;

    add_whole_note(world);
    (void)add_ticket(world, world->call);
    assert_said(world, "one-ticket", "one ticket was expected, there are 2");
}

static void two_tickets_that_nobody_was_told_of_are_told(void **state)
{
    struct small_world *world = *state;

    add_whole_note(world);
    world->facts.hides_tickets = true;
    (void)add_ticket(world, world->call);
    assert_said(world, "one-ticket", "there are 2, and nobody was told");
}

static void two_tickets_of_a_helpdesk_that_hides_are_good_when_reported(void **state)
{
    struct small_world *world = *state;

    add_whole_note(world);
    world->facts.hides_tickets = true;
    world->end.is_doubled = true;
    (void)add_ticket(world, world->call);
    oracle_check(&world->facts);
    assert_int_equal(world->said.count, 0);
}

static void a_report_does_not_excuse_two_tickets_of_a_good_helpdesk(void **state)
{
    struct small_world *world = *state;

    add_whole_note(world);
    world->end.is_doubled = true;
    (void)add_ticket(world, world->call);
    assert_said(world, "one-ticket", "there are 2");
}

static void a_stuck_record_is_told(void **state)
{
    struct small_world *world = *state;

    add_whole_note(world);
    world->end.state = "active";
    assert_said(world, "everything-ends", world->call->sid);
}

static void a_ticket_for_a_missed_call_is_not_wanted(void **state)
{
    struct small_world *world = *state;

    world->call->kind = TRUTH_MISSED;
    assert_said(world, "no-unwanted-ticket", world->call->sid);
}

static void a_ticket_for_a_call_from_before_the_first_start_is_not_wanted(void **state)
{
    struct small_world *world = *state;

    world->call->created_ms = START_MS - 1000;
    world->facts.faults[FAULT_WALL_JUMP] = 1; /* no excuse for this */
    assert_said(world, "no-unwanted-ticket", world->call->sid);
}

/* ---- right tickets ------------------------------------------------------------------------------------- */

static void a_ticket_on_another_contact_is_wrong(void **state)
{
    struct small_world *world = *state;
    struct truth_contact *other = truth_add_contact(&world->truth, START_MS);

    add_whole_note(world);
    other->last_name = sim_copy("Somebody else");
    other->phone = sim_copy("+915550100002");
    world->ticket->contact_then = other;
    assert_said(world, "right-ticket", "Somebody else");
}

static void a_withheld_number_is_not_anybodys(void **state)
{
    struct small_world *world = *state;

    add_whole_note(world);
    world->call->digits[0] = '\0';
    assert_said(world, "right-ticket", "a withheld number");
}

static void a_ticket_of_another_department_is_wrong(void **state)
{
    struct small_world *world = *state;

    add_whole_note(world);
    json_object_set_new(world->ticket->fields, "departmentId", json_string("17"));
    assert_said(world, "right-ticket", "department '17'");
}

static void a_priority_that_was_not_said_is_wrong(void **state)
{
    struct small_world *world = *state;

    add_whole_note(world);
    json_object_set_new(world->ticket->fields, "priority", json_string("High"));
    assert_said(world, "right-ticket", "priority 'High', expected 'Medium'");
}

static void an_urgent_call_has_high_priority(void **state)
{
    struct small_world *world = *state;

    add_whole_note(world);
    world->call->is_urgent = true;
    assert_said(world, "right-ticket", "priority 'Medium', expected 'High'");
}

static void a_ticket_that_names_another_call_is_wrong(void **state)
{
    struct small_world *world = *state;

    add_whole_note(world);
    json_object_set_new(world->ticket->fields, "description", json_string("Call id: somebodyelses"));
    assert_said(world, "right-ticket", "does not name the call");
}

static void two_contacts_for_one_number_are_told(void **state)
{
    struct small_world *world = *state;
    struct truth_contact *twin = truth_add_contact(&world->truth, START_MS);

    add_whole_note(world);
    twin->last_name = sim_copy("Caller again");
    twin->phone = sim_copy("05550100001"); /* the same number, written otherwise */
    twin->by_engine = true;
    assert_said(world, "one-contact", "2 contacts were made for 5550100001");
}

static void a_second_contact_is_excused_by_a_dropped_record_that_a_restart_forgot(void **state)
{
    static const struct sim_stretch up[] = { { START_MS, START_MS + 200000 },
                                             { START_MS + 201000, INT64_MAX } };
    struct small_world *world = *state;
    struct truth_contact *twin = truth_add_contact(&world->truth, START_MS);

    add_whole_note(world);
    twin->last_name = sim_copy("Caller again");
    twin->phone = sim_copy("+915550100001");
    twin->by_engine = true;
    world->end.was_dropped = true;
    world->end.dropped_ms = START_MS + 100000;
    world->facts.up = up;
    world->facts.up_count = 2;
    oracle_check(&world->facts);
    assert_int_equal(world->said.count, 0);
    world->facts.up_count = 1; /* without a restart its lock rests until the contact can be seen */
    assert_said(world, "one-contact", "2 contacts were made for 5550100001");
}

static void a_contact_in_the_place_of_one_that_others_deleted_is_no_twin(void **state)
{
    struct small_world *world = *state;
    struct truth_contact *second = truth_add_contact(&world->truth, START_MS);

    add_whole_note(world);
    second->last_name = sim_copy("Caller again");
    second->phone = sim_copy("+915550100001");
    second->by_engine = true;
    world->contact->gone_ms = START_MS + 400000;
    oracle_check(&world->facts);
    assert_int_equal(world->said.count, 0);
}

/* A second ticket, as an operator makes it who has the first one sent again. */
static void add_second_ticket(struct small_world *world)
{
    struct truth_ticket *second = add_ticket(world, world->call);

    second->contact = second->contact_then = world->contact;
    world->end.was_misled = true;
}

static void two_tickets_of_an_operator_who_is_wrong_are_told_of(void **state)
{
    struct small_world *world = *state;

    add_whole_note(world);
    add_second_ticket(world);
    assert_said(world, "one-ticket", "there are 2");
}

static void two_tickets_of_an_operator_who_is_wrong_are_good_when_reported(void **state)
{
    struct small_world *world = *state;

    add_whole_note(world);
    add_second_ticket(world);
    world->end.is_doubled = true;
    oracle_check(&world->facts);
    assert_int_equal(world->said.count, 0);
}

static void a_report_of_two_excuses_nobody_who_was_not_misled(void **state)
{
    struct small_world *world = *state;

    add_whole_note(world);
    add_second_ticket(world);
    world->end.was_misled = false;
    world->end.is_doubled = true;
    assert_said(world, "one-ticket", "there are 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(a_good_world_is_not_blamed),
        ROW(a_note_in_parts_is_as_good_as_one),
        ROW(a_call_without_record_is_missed),
        ROW(a_source_that_was_never_asked_is_missed),
        ROW(a_record_that_is_done_without_a_ticket_is_lost),
        ROW(a_dead_letter_without_a_reason_is_lost),
        ROW(a_dead_letter_where_nothing_went_wrong_is_lost),
        ROW(a_dead_letter_with_a_reason_is_visible),
        ROW(a_call_is_not_left_behind_a_refused_contact),
        ROW(a_wanted_call_that_the_engine_drops_is_lost),
        ROW(two_tickets_are_told),
        ROW(two_tickets_that_nobody_was_told_of_are_told),
        ROW(two_tickets_of_a_helpdesk_that_hides_are_good_when_reported),
        ROW(two_tickets_of_an_operator_who_is_wrong_are_told_of),
        ROW(two_tickets_of_an_operator_who_is_wrong_are_good_when_reported),
        ROW(a_report_of_two_excuses_nobody_who_was_not_misled),
        ROW(a_report_does_not_excuse_two_tickets_of_a_good_helpdesk),
        ROW(a_stuck_record_is_told),
        ROW(a_ticket_for_a_missed_call_is_not_wanted),
        ROW(a_ticket_for_a_call_from_before_the_first_start_is_not_wanted),
        ROW(a_ticket_on_another_contact_is_wrong),
        ROW(a_withheld_number_is_not_anybodys),
        ROW(a_ticket_of_another_department_is_wrong),
        ROW(a_priority_that_was_not_said_is_wrong),
        ROW(an_urgent_call_has_high_priority),
        ROW(a_ticket_that_names_another_call_is_wrong),
        ROW(two_contacts_for_one_number_are_told),
        ROW(a_second_contact_is_excused_by_a_dropped_record_that_a_restart_forgot),
        ROW(a_contact_in_the_place_of_one_that_others_deleted_is_no_twin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

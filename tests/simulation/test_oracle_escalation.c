/* The oracle can fail: one escalation in a small world in which all is well, then one thing after the other is made wrong.
 * Each must be reported under the name of its invariant, and nothing else. */
#include "simulation/oracle_escalation_kit.h"

#include "simulation/credentials.h"

static void all_is_well(void **state)
{
    struct handed_over *all = *state;

    oracle_check(&all->world->facts);
    for (size_t i = 0; i < all->world->said.count; i++)
        print_message("%s: %s\n", all->world->said.names[i], all->world->said.texts[i]);
    assert_int_equal(all->world->said.count, 0);
}

/* ---- taken, answered, a ticket ------------------------------------------------------------------------- */

static void what_was_never_taken_was_not_served(void **state)
{
    struct handed_over *all = *state;

    all->escalation->taken_ms = 0;
    assert_said(all->world, "agents-are-served", "never taken");
}

static void what_was_taken_and_forgotten_is_found_out(void **state)
{
    struct handed_over *all = *state;

    without_ticket(all);
    all->world->facts.end_count = 1;
    assert_said(all->world, "taken-is-kept", "no record of it");
    again_with_ticket(all);
}

static void done_without_a_ticket_is_lost(void **state)
{
    struct handed_over *all = *state;

    without_ticket(all);
    assert_said(all->world, "one-ticket", "no ticket, and the record is 'done'");
    again_with_ticket(all);
}

static void a_record_under_way_has_not_ended(void **state)
{
    struct handed_over *all = *state;

    all->ends[1].state = "active";
    assert_said(all->world, "everything-ends", "esc-1");
}

static void two_tickets_are_one_too_many(void **state)
{
    struct handed_over *all = *state;
    struct truth_ticket *second = truth_add_ticket(&all->world->truth, START_MS + 9000);

    second->contact = second->contact_then = all->contact;
    second->fields = json_deep_copy(all->ticket->fields);
    assert_said(all->world, "one-ticket", "has 2 tickets");
}

static struct truth_comment *attach_to_the_call(struct handed_over *all)
{
    struct truth_comment *note = truth_add_comment(&all->world->truth, START_MS + 9000);
    char content[200];

    (void)snprintf(content, sizeof(content), "Another escalation\n[SB-%s/A1]\nwords", all->reference);
    note->ticket = all->world->ticket;
    note->content = sim_copy(content);
    return note;
}

static void a_ticket_and_a_note_on_another_are_two(void **state)
{
    struct handed_over *all = *state;

    (void)attach_to_the_call(all);
    assert_said(all->world, "one-ticket", "has 1 tickets, and notes on 1 of others");
}

static void an_agent_is_told_the_ticket_that_there_is(void **state)
{
    struct handed_over *all = *state;

    (void)snprintf(all->escalation->number, sizeof(all->escalation->number), "101");
    assert_said(all->world, "same-answer", "was told of ticket #101, and is on #102");
}

/* ---- who may call -------------------------------------------------------------------------------------- */

static void a_record_that_no_agent_sent_is_seen(void **state)
{
    struct handed_over *all = *state;
    struct oracle_end ends[3];

    memcpy(ends, all->ends, sizeof(all->ends));
    ends[2] = (struct oracle_end){ .external_id = "stranger-zeaaaaaa", .account = "web", .state = "dead" };
    all->world->facts.ends = ends;
    all->world->facts.end_count = 3;
    assert_said(all->world, "strangers-are-refused", "'stranger-zeaaaaaa' of web");
}

static void the_word_of_a_late_ticket_is_no_stranger(void **state)
{
    struct handed_over *all = *state;
    struct oracle_end ends[3];

    memcpy(ends, all->ends, sizeof(all->ends));
    ends[2] = (struct oracle_end){ .external_id = "esc-1#delayed", .account = "web", .state = "done" };
    all->world->facts.ends = ends;
    all->world->facts.end_count = 3;
    oracle_check(&all->world->facts);
    assert_int_equal(all->world->said.count, 0);
}

/* The digest is of another program. */
static void a_call_is_signed_as_the_documentation_says(void **state)
{
    struct credentials credentials;

    (void)state;
    credentials_make("app", 3, START_MS + 999, /* is_signed= */ true, "{\"id\":\"esc-1\"}", &credentials);
    assert_string_equal(credentials.authorization, "Bearer sim-app-token-0003");
    assert_string_equal(credentials.timestamp, "1773014400");
    assert_string_equal(credentials.signature,
                        "sha256="
                        "f962a2bfd8059f94d7d75a573e1907550f63254dab56e761ca43256ce3c12c70");
    credentials_make("web", 0, START_MS, /* is_signed= */ false, "{}", &credentials);
    assert_string_equal(credentials.authorization, "Bearer sim-web-token-0000");
    assert_string_equal(credentials.signature, "");
}

/* ---- the words and files ------------------------------------------------------------------------------- */

static void a_message_that_is_missing_is_missed(void **state)
{
    struct handed_over *all = *state;

    json_object_set_new(all->ticket->fields, "description", description(all->escalation, LINES - 1));
    assert_said(all->world, "whole-escalation", "is 0 times");
}

static void markup_in_a_description_is_seen(void **state)
{
    struct handed_over *all = *state;
    const char *text = json_string_value(json_object_get(all->ticket->fields, "description"));

    json_object_set_new(all->ticket->fields, "description", json_sprintf("%s<b>", text));
    assert_said(all->world, "whole-escalation", "is not escaped");
}

static void a_message_that_is_there_twice_is_seen(void **state)
{
    struct handed_over *all = *state;
    struct truth_comment *note = truth_add_comment(&all->world->truth, START_MS + 9000);
    char content[400];

    (void)snprintf(content, sizeof(content), "Escalation, continued\n[SB-%s/1]\n%s", all->reference,
                   all->escalation->said.lines[0].text);
    note->ticket = all->ticket;
    note->content = sim_copy(content);
    assert_said(all->world, "whole-escalation", "is 2 times");
}

static void a_note_for_everybody_is_seen(void **state)
{
    struct handed_over *all = *state;
    struct truth_comment *note = truth_add_comment(&all->world->truth, START_MS + 9000);
    char content[200];

    (void)snprintf(content, sizeof(content), "Escalation, continued\n[SB-%s/1]\n", all->reference);
    note->ticket = all->ticket;
    note->content = sim_copy(content);
    note->is_public = true;
    assert_said(all->world, "whole-escalation", "is not private");
}

static void a_file_without_a_word_is_missed(void **state)
{
    struct handed_over *all = *state;

    all->file->name[0] = '-';
    all->world->facts.fault_count = 1;
    assert_said(all->world, "each-file", "no note says why");
}

static void a_file_that_is_there_twice_is_seen(void **state)
{
    struct handed_over *all = *state;
    struct truth_file *second = truth_add_file(&all->world->truth, START_MS + 9000);

    second->ticket = all->ticket;
    second->name = sim_copy(all->file->name);
    second->content = sim_copy(all->file->content);
    second->size = all->file->size;
    assert_said(all->world, "each-file", "is 2 times");
}

static void a_file_with_other_content_is_seen(void **state)
{
    struct handed_over *all = *state;

    all->file->content[0] = 'X';
    assert_said(all->world, "each-file", "not what was given");
}

/* ---- telling ------------------------------------------------------------------------------------------- */

static void an_agent_that_never_heard_was_not_told(void **state)
{
    struct handed_over *all = *state;

    all->event->accepted_ms = 0;
    assert_said(all->world, "told-once", "never accepted it");
}

static void two_keys_are_two_events(void **state)
{
    struct handed_over *all = *state;
    struct truth_event *second = truth_add_event(&all->world->truth, START_MS + 9000);

    *second = *all->event;
    second->key[0] = '-';
    assert_said(all->world, "told-once", "under two keys");
}

static void another_tickets_number_is_wrong(void **state)
{
    struct handed_over *all = *state;

    (void)snprintf(all->event->number, sizeof(all->event->number), "101");
    assert_said(all->world, "told-once", "was told of ticket '101', and it is #102");
}

static void a_delay_ranks_below_the_ticket(void **state)
{
    struct handed_over *all = *state;
    struct truth_event *delay = truth_add_event(&all->world->truth, START_MS + 90000);

    delay->escalation = all->escalation;
    delay->is_delay = true;
    delay->sequence = 2;
    assert_said(all->world, "told-once", "the delay has sequence 2, the ticket 2");
}

static void a_delay_that_is_none_is_not_told(void **state)
{
    struct handed_over *all = *state;
    struct truth_event *delay = truth_add_event(&all->world->truth, START_MS + 5000);

    delay->escalation = all->escalation;
    delay->is_delay = true;
    delay->sequence = 1;
    assert_said(all->world, "told-once", "5 s after it came");
}

/* The ticket is there two hours after the escalation came in, and the delay is told after a minute. */
static void make_late(struct handed_over *all, const struct sim_stretch *up, size_t count)
{
    all->ticket->created_ms = START_MS + INT64_C(2) * 3600000;
    all->world->facts.now_ms = START_MS + INT64_C(3) * 3600000;
    all->world->facts.up = up;
    all->world->facts.up_count = count;
}

static void a_delay_that_nobody_was_told_of_is_missed(void **state)
{
    static const struct sim_stretch up[] = { { START_MS, START_MS + 60000 },
                                             { START_MS + 90000, INT64_MAX } };
    struct handed_over *all = *state;

    make_late(all, up, 2);
    assert_said(all->world, "delay-is-told", "was never told that it is late");
}

static void a_dead_letter_that_nobody_was_told_of_is_missed(void **state)
{
    static const struct sim_stretch up[] = { { START_MS, INT64_MAX } };
    struct handed_over *all = *state;

    make_late(all, up, 1);
    without_ticket(all);
    all->escalation->number[0] = '\0';
    all->ends[1].state = "dead";
    all->ends[1].reason = "no way";
    all->world->facts.fault_count = 1;
    assert_said(all->world, "delay-is-told", "was never told that it is late");
    again_with_ticket(all);
}

static void who_was_never_up_for_long_need_not_have_told(void **state)
{
    struct handed_over *all = *state;
    struct sim_stretch up[20];

    for (size_t i = 0; i < 20; i++) /* each too short to notice it, and to tell it against all odds */
        up[i] =
            (struct sim_stretch){ START_MS + (int64_t)i * 400000, START_MS + (int64_t)i * 400000 + 390000 };
    make_late(all, up, 20);
    oracle_check(&all->world->facts);
    assert_int_equal(all->world->said.count, 0);
}

static void a_delay_that_was_told_is_told(void **state)
{
    static const struct sim_stretch up[] = { { START_MS, INT64_MAX } };
    struct handed_over *all = *state;
    struct truth_event *delay = truth_add_event(&all->world->truth, START_MS + 90000);

    make_late(all, up, 1);
    delay->escalation = all->escalation;
    delay->is_delay = true;
    delay->sequence = 1;
    oracle_check(&all->world->facts);
    assert_int_equal(all->world->said.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(all_is_well),
        CASE(what_was_never_taken_was_not_served),
        CASE(what_was_taken_and_forgotten_is_found_out),
        CASE(done_without_a_ticket_is_lost),
        CASE(a_record_under_way_has_not_ended),
        CASE(two_tickets_are_one_too_many),
        CASE(a_ticket_and_a_note_on_another_are_two),
        CASE(an_agent_is_told_the_ticket_that_there_is),
        CASE(a_record_that_no_agent_sent_is_seen),
        CASE(the_word_of_a_late_ticket_is_no_stranger),
        cmocka_unit_test(a_call_is_signed_as_the_documentation_says),
        CASE(a_message_that_is_missing_is_missed),
        CASE(markup_in_a_description_is_seen),
        CASE(a_message_that_is_there_twice_is_seen),
        CASE(a_note_for_everybody_is_seen),
        CASE(a_file_without_a_word_is_missed),
        CASE(a_file_that_is_there_twice_is_seen),
        CASE(a_file_with_other_content_is_seen),
        CASE(an_agent_that_never_heard_was_not_told),
        CASE(two_keys_are_two_events),
        CASE(another_tickets_number_is_wrong),
        CASE(a_delay_ranks_below_the_ticket),
        CASE(a_delay_that_is_none_is_not_told),
        CASE(a_delay_that_nobody_was_told_of_is_missed),
        CASE(a_dead_letter_that_nobody_was_told_of_is_missed),
        CASE(who_was_never_up_for_long_need_not_have_told),
        CASE(a_delay_that_was_told_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

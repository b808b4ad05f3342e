/* An escalation by hand beside the call of oracle_kit.h, in a world in which all is well. */
#ifndef TESTS_SIMULATION_ORACLE_ESCALATION_KIT_H
#define TESTS_SIMULATION_ORACLE_ESCALATION_KIT_H

#include "simulation/oracle_kit.h"
#include "simulation/truth_escalation.h"

/* An escalation of agent "web" beside the call, with its ticket, its file, and what its agent was told. */
struct handed_over {
    struct small_world *world;
    struct truth_escalation *escalation;
    struct truth_contact *contact;
    struct truth_ticket *ticket;
    struct truth_file *file;
    struct truth_event *event;
    struct oracle_end ends[2];
    char reference[REFERENCE_SIZE];
};

static inline struct truth_escalation *add_escalation(struct truth *truth)
{
    struct chance chance = chance_stream(1, "an escalation by hand");
    struct truth_escalation *escalation = truth_add_escalation(truth);

    escalation->agent = "web";
    (void)snprintf(escalation->id, sizeof(escalation->id), "esc-1");
    (void)snprintf(escalation->user_id, sizeof(escalation->user_id), "user-1");
    (void)snprintf(escalation->number, sizeof(escalation->number), "102");
    (void)snprintf(escalation->said.code, sizeof(escalation->said.code), "zeaaaaaa");
    (void)snprintf(escalation->files[0].name, sizeof(escalation->files[0].name), "a.png");
    (void)snprintf(escalation->files[0].content, sizeof(escalation->files[0].content), "sound of a");
    escalation->file_count = 1;
    escalation->has_callback = true;
    escalation->posts = 1;
    escalation->planned_ms = START_MS;
    escalation->taken_ms = START_MS + 1000;
    speech_write(&escalation->said, &chance, LINES);
    return escalation;
}

static inline json_t *description(const struct truth_escalation *escalation, size_t lines)
{
    struct buf text;

    buf_init(&text, 64 * 1024);
    buf_str(&text, "Summary: a &amp; b<br>");
    for (size_t i = 0; i < lines; i++)
        buf_printf(&text, "User: %s<br>", escalation->said.lines[i].text);
    json_t *json = json_string(text.data);
    buf_done(&text);
    return json;
}

static inline void add_its_ticket(struct handed_over *all)
{
    struct truth *truth = &all->world->truth;

    all->contact = truth_add_contact(truth, START_MS);
    all->contact->last_name = sim_copy("Asha");
    all->contact->by_engine = true;
    all->contact->more = json_pack("{s:s}", "description", "User id: user-1");
    all->ticket = truth_add_ticket(truth, START_MS + 2000);
    all->ticket->contact = all->ticket->contact_then = all->contact;
    all->ticket->fields = json_pack("{s:o, s:o}", "subject", json_sprintf("Help [SB-%s]", all->reference),
                                    "description", description(all->escalation, LINES));
    all->file = truth_add_file(truth, START_MS + 3000);
    all->file->ticket = all->ticket;
    all->file->content = sim_copy("sound of a");
    all->file->size = strlen(all->file->content);
    char name[64];
    (void)snprintf(name, sizeof(name), "%s-1-a.png", all->reference);
    all->file->name = sim_copy(name);
    all->event = truth_add_event(truth, START_MS + 4000);
    all->event->escalation = all->escalation;
    all->event->sequence = 2;
    all->event->accepted_ms = START_MS + 4000;
    (void)snprintf(all->event->number, sizeof(all->event->number), "102");
    (void)snprintf(all->event->key, sizeof(all->event->key), "%s.ticket.created", all->reference);
}

static inline int make_handed_over(void **state)
{
    struct handed_over *all = sim_new(sizeof(*all));
    void *world = NULL;

    (void)make_world(&world);
    all->world = world;
    add_whole_note(all->world);
    all->escalation = add_escalation(&all->world->truth);
    digest_reference("web", "esc-1", all->reference);
    add_its_ticket(all);
    all->ends[0] = all->world->end;
    all->ends[1] =
        (struct oracle_end){ .external_id = "esc-1", .account = "web", .state = "done", .requests = 9 };
    all->world->facts.ends = all->ends;
    all->world->facts.end_count = 2;
    all->world->facts.delayed_after_ms = 60000;
    *state = all;
    return 0;
}

static inline int free_handed_over(void **state)
{
    struct handed_over *all = *state;
    void *world = all->world;

    (void)free_world(&world);
    free(all);
    return 0;
}

static inline void without_ticket(struct handed_over *all)
{
    json_object_set_new(all->ticket->fields, "subject", json_sprintf("x [SB-%s]", "0000000000000"));
    all->world->truth.ticket_count = 1;
    all->world->truth.file_count = all->world->truth.event_count = 0;
}

static inline void again_with_ticket(struct handed_over *all)
{
    all->world->truth.ticket_count = 2;
    all->world->truth.file_count = all->world->truth.event_count = 1;
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, make_handed_over, free_handed_over)

#endif

/* A small world by hand in which all is well: one call, one ticket, and a note that a test adds as it likes. */
#ifndef TESTS_SIMULATION_ORACLE_KIT_H
#define TESTS_SIMULATION_ORACLE_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/digest.h"
#include "simulation/company.h"
#include "simulation/memory.h"
#include "simulation/oracle.h"

#define START_MS INT64_C(1773014400000)

enum { SAID_MAX = 16, LINES = 4 };

/* What the oracle said. */
struct said {
    const char *names[SAID_MAX];
    char texts[SAID_MAX][400];
    size_t count;
};

struct small_world {
    struct truth truth;
    struct truth_call *call;
    struct truth_contact *contact;
    struct truth_ticket *ticket;
    struct oracle_end end;
    struct oracle_facts facts;
    struct said said;
};

static inline void on_violation(void *ctx, const char *name, const char *text)
{
    struct said *said = ctx;

    if (said->count == SAID_MAX)
        return;
    said->names[said->count] = name;
    (void)snprintf(said->texts[said->count++], sizeof(said->texts[0]), "%s", text);
}

/* ---- a world in which all is well ---------------------------------------------------------------------- */

static inline struct truth_call *add_call(struct truth *truth, const char *sid, const char *code)
{
    struct chance chance = chance_stream(1, "a call by hand");
    struct truth_call *call = truth_add_call(truth);

    (void)snprintf(call->sid, sizeof(call->sid), "%s", sid);
    (void)snprintf(call->code, sizeof(call->code), "%s", code);
    (void)snprintf(call->customer, sizeof(call->customer), "05550100001");
    (void)snprintf(call->digits, sizeof(call->digits), "5550100001");
    call->kind = TRUTH_ANSWERED;
    call->is_inbound = true;
    call->created_ms = START_MS + 60000;
    call->ended_ms = START_MS + 120000;
    call->recording = TRUTH_RECORDING_THERE;
    call->recording_ms = START_MS + 180000;
    call->listed_ms = START_MS + 200000;
    speech_write(call, &chance, LINES);
    return call;
}

static inline struct truth_ticket *add_ticket(struct small_world *world, const struct truth_call *call)
{
    struct truth_ticket *ticket = truth_add_ticket(&world->truth, START_MS + 300000);
    char reference[REFERENCE_SIZE];

    digest_reference(SIM_ACCOUNT, call->sid, reference);
    ticket->contact = ticket->contact_then = world->contact;
    ticket->fields = json_pack("{s:o, s:s, s:s, s:s, s:o}", "subject",
                               json_sprintf("Call from 05550100001 - help [SB-%s]", reference),
                               "departmentId", SIM_DESK_DEPARTMENT, "priority", "Medium", "phone",
                               "+915550100001", "description", json_sprintf("Call id: %s", call->sid));
    assert_non_null(ticket->fields);
    return ticket;
}

/* Lines [from, to) of the call as part `number` of `count`. */
static inline struct truth_comment *add_part(struct small_world *world, size_t number, size_t count,
                                             size_t from, size_t to)
{
    struct truth_comment *comment = truth_add_comment(&world->truth, START_MS + 310000);
    char reference[REFERENCE_SIZE];
    struct buf text;

    digest_reference(SIM_ACCOUNT, world->call->sid, reference);
    buf_init(&text, 100000);
    buf_printf(&text, "Transcription of call %s\n", world->call->sid);
    if (count > 1)
        buf_printf(&text, "Part %zu of %zu ", number, count);
    buf_printf(&text, "[SB-%s/%zu]\n", reference, number);
    for (size_t i = from; i < to; i++)
        buf_printf(&text, "[00:%02zu] Speaker 1: %s\n", i * 4, world->call->lines[i].text);
    comment->ticket = world->ticket;
    comment->content = buf_take(&text, NULL);
    return comment;
}

static inline int make_world(void **state)
{
    struct small_world *world = sim_new(sizeof(*world));

    world->truth.has_floor = true;
    world->truth.floor_ms = START_MS;
    world->call = add_call(&world->truth, "examplecallzqaaaaaa0000000000001", "zqaaaaaa");
    world->contact = truth_add_contact(&world->truth, START_MS + 290000);
    world->contact->last_name = sim_copy("Caller +915550100001");
    world->contact->phone = sim_copy("+915550100001");
    world->contact->by_engine = true;
    world->ticket = add_ticket(world, world->call);
    world->end = (struct oracle_end){ .external_id = world->call->sid, .state = "done", .requests = 12 };
    world->facts = (struct oracle_facts){ .truth = &world->truth,
                                          .ends = &world->end,
                                          .end_count = 1,
                                          .starts = 1,
                                          .virtual_ms = 3600000,
                                          .violation = on_violation,
                                          .ctx = &world->said };
    *state = world;
    return 0;
}

static inline int free_world(void **state)
{
    struct small_world *world = *state;

    truth_done(&world->truth);
    free(world);
    return 0;
}

static inline void add_whole_note(struct small_world *world)
{
    (void)add_part(world, 1, 1, 0, LINES);
}

static inline void assert_said(struct small_world *world, const char *name, const char *words)
{
    oracle_check(&world->facts);
    if (world->said.count != 1)
        for (size_t i = 0; i < world->said.count; i++)
            print_message("%s: %s\n", world->said.names[i], world->said.texts[i]);
    assert_int_equal(world->said.count, 1);
    assert_string_equal(world->said.names[0], name);
    if (!strstr(world->said.texts[0], words))
        fail_msg("'%s' does not say '%s'", world->said.texts[0], words);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, make_world, free_world)

#endif

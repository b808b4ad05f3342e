/* The oracle: what must hold at the end of a seed, judged by the truth of the services. Of the engine it knows nothing but
 * how each record visibly ended, which is what a person sees who asks. Pure: the same facts give the same verdicts.
 *
 * The invariants, by name:
 *   nothing-is-missed    a call that the source lists and that the configuration wants has a record
 *   everything-ends      no record is unfinished once everything has come to rest
 *   one-ticket           a wanted call has exactly one ticket, or ended visibly without one, with a reason; where the
 *                        helpdesk hides tickets for longer than is promised, or an operator was wrong, a second one
                        was reported
 *   no-unwanted-ticket   a call that is not wanted has none; no ticket belongs to no call
 *   right-ticket         contact, department, priority, number and call id of a ticket are those of its call
 *   one-contact          this engine makes one contact for a number, unless others did away with it
 *   whole-note           the note is there once, private, whole, and says what was said; or the ticket says why not
 *   taken-is-kept        an escalation that was answered 2xx has a record
 *   agents-are-served    every escalation is taken in the end, and none is refused
 *   strangers-are-refused  what is not signed as it must be, or too old, or has no token, is answered 401 and not kept
 *   same-answer          the answers to one escalation name one ticket, which is the one it is on
 *   right-contact        an escalation is on a contact that is its user's, and on the one that its agent names, or
 *                        else the mapping file
 *   whole-escalation     all that was said is on its ticket, once and in order, escaped and private
 *   each-file            each file is at the ticket once and as it was given, or a note says why not
 *   told-once            the agent is told of the ticket under one key, until it has accepted it; of a delay at most once,
 *                        with a lower sequence
 *   delay-is-told        the agent of an escalation that had no ticket for long, while the engine was up, heard of that
 *   frugal               nothing is transcribed twice once its transcript is committed; requests are bounded
 * and what services noticed by themselves: no-secret-leaks, recordings-stay-home, transcripts-stay-home, whole-recording,
 * words-of-a-call, single-flight, in-flight, callbacks-are-right. */
#ifndef TESTS_SIMULATION_ORACLE_H
#define TESTS_SIMULATION_ORACLE_H

#include "simulation/scenario.h"
#include "simulation/truth.h"
#include "simulation/world.h"

/* How one record visibly ended. Texts are borrowed. */
struct oracle_end {
    const char *external_id;
    const char *account; /* NULL: not known */
    const char *state;   /* "done", "dropped", "disabled", "dead", or "active" */
    const char *reason;
    bool was_dropped, was_retried; /* by an operator */
    int64_t dropped_ms;            /* when an operator first asked for it */
    bool was_misled;               /* an operator had something sent again that was there */
    uint64_t requests;             /* on its behalf */
    uint64_t after_transcript;     /* to a transcriber, although the transcript was committed */
    bool is_doubled;               /* the engine itself has found a second ticket, and says so */
};

struct oracle_facts {
    const struct truth *truth;
    const struct oracle_end *ends;
    size_t end_count;
    int64_t delayed_after_ms;     /* from when on a delay is told; 0: never */
    int64_t now_ms;               /* of the world, at its end */
    const struct sim_stretch *up; /* when the engine was up, in order */
    size_t up_count;
    bool agent_was_down; /* where callbacks go, ever */
    bool hides_tickets;  /* the helpdesk may have hidden tickets for longer than `settle` */
    uint64_t faults[SIM_FAULT_COUNT], fault_count, starts, restores, virtual_ms;

    void (*violation)(void *ctx, const char *name, const char *text);
    void *ctx;
};

void oracle_check(const struct oracle_facts *facts);

/* ---- between the files of the oracle ---------------------------------------------------------------------- */

void oracle_say(const struct oracle_facts *facts, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* How many records an operator dropped before a start of the engine, which forgets what each was creating. */
size_t oracle_drops(const struct oracle_facts *facts);
const struct oracle_end *oracle_end_of(const struct oracle_facts *facts, const struct truth_call *call);
/* The ticket that is about the call, or NULL. */
const struct truth_ticket *oracle_ticket_of(const struct oracle_facts *facts, const struct truth_call *call);
/* Whether the subject ends with the call's reference. */
bool oracle_is_about(const struct truth_ticket *ticket, const struct truth_call *call);
/* Whether somebody has heard of a second ticket, where there may be one. */
bool oracle_was_told(const struct oracle_facts *facts, const struct oracle_end *end);
const char *oracle_field(const struct truth_ticket *ticket, const char *key);
/* Whether a comment of the ticket is a part of its transcription note. */
bool oracle_has_note(const struct oracle_facts *facts, const struct truth_ticket *ticket);

void oracle_check_ticket(const struct oracle_facts *facts, const struct truth_call *call,
                         const struct truth_ticket *ticket);
void oracle_check_contacts(const struct oracle_facts *facts);
/* How many contacts of the caller were deleted or merged. */
size_t oracle_gone_contacts(const struct truth *truth, const struct truth_call *call);
void oracle_check_note(const struct oracle_facts *facts, const struct truth_call *call,
                       const struct truth_ticket *ticket);

/* Escalations (oracle_escalation.c): all of them; whether a ticket is one's own, or a comment speaks of one; how many users
 * with a number escalated. */
void oracle_check_escalations(const struct oracle_facts *facts);
bool oracle_is_about_escalation(const struct oracle_facts *facts, const struct truth_ticket *ticket);
bool oracle_is_of_escalation(const struct oracle_facts *facts, const struct truth_comment *comment);
size_t oracle_users_with(const struct truth *truth, const char *digits);

#endif

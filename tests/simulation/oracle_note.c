/* Whether the note is there once, private and whole: its parts are put together again and compared with what was said. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "simulation/oracle.h"
#include "simulation/world.h"

#define MINUTE_MS INT64_C(60000)

enum { PARTS_MAX = 64, NOTE_SIZE_MAX = 1024 * 1024, IN_TIME_MINUTES = 110 };

/* The parts of one note, by their numbers. */
struct note {
    const char *texts[PARTS_MAX]; /* behind their headings */
    size_t copies[PARTS_MAX];
    size_t count; /* how many there should be; 0: no part was found */
    bool is_public, is_odd;
};

static void marker_of(const struct truth_call *call, char ret_marker[REFERENCE_SIZE + 8])
{
    char reference[REFERENCE_SIZE];

    digest_reference(SIM_ACCOUNT, call->sid, reference);
    (void)snprintf(ret_marker, REFERENCE_SIZE + 8, "[SB-%s/", reference);
}

/* "Part 2 of 3 [SB-...": the number behind "of"; 1 where there is no such line. */
static size_t parts_told(const char *content, const char *marker)
{
    const char *line = marker;

    while (line > content && line[-1] != '\n')
        line--;
    if (strncmp(line, "Part ", 5) != 0)
        return 1;
    const char *of = strstr(line, " of ");
    return of && of < marker ? strtoul(of + 4, NULL, 10) : 0;
}

static void take_part(struct note *note, const struct truth_comment *comment, const char *marker)
{
    const char *at = strstr(comment->content, marker);
    size_t number = at ? strtoul(at + strlen(marker), NULL, 10) : 0;
    const char *text = at ? strchr(at, '\n') : NULL;
    size_t count = at ? parts_told(comment->content, at) : 0;

    note->is_public = note->is_public || comment->is_public;
    if (!text || number < 1 || number > PARTS_MAX || count < number || count > PARTS_MAX ||
        (note->count && note->count != count)) {
        note->is_odd = true;
        return;
    }
    note->count = count;
    note->copies[number - 1]++;
    note->texts[number - 1] = text + 1;
}

bool oracle_has_note(const struct oracle_facts *facts, const struct truth_ticket *ticket)
{
    for (size_t i = 0; i < facts->truth->comment_count; i++)
        if (facts->truth->comments[i]->ticket == ticket &&
            !oracle_is_of_escalation(facts, facts->truth->comments[i]))
            return true;
    return false;
}

/* ---- whole --------------------------------------------------------------------------------------------- */

static size_t count_of(const char *text, const char *words)
{
    size_t count = 0;

    for (const char *at = text; (at = strstr(at, words)) != NULL; at++)
        count++;
    return count;
}

/* Lines begin with their time: "[00:04] Speaker 1: ". */
static size_t count_lines(const char *text)
{
    size_t count = 0;

    for (const char *line = text; line; line = strchr(line, '\n'), line = line ? line + 1 : NULL)
        count += line[0] == '[' && line[1] >= '0' && line[1] <= '9';
    return count;
}

static void compare_text(const struct oracle_facts *facts, const struct truth_call *call,
                         const struct truth_ticket *ticket, const char *text)
{
    const char *at = text;

    for (size_t i = 0; i < call->line_count; i++) {
        const char *said = call->lines[i].text;
        size_t count = count_of(text, said);
        const char *found = strstr(at, said);
        if (count != 1 || !found) {
            oracle_say(facts, "whole-note",
                       "call %s: line %zu of %zu ('%s') is %zu times in the note of ticket #%s%s", call->sid,
                       i + 1, call->line_count, said, count, ticket->number,
                       count == 1 ? ", in the wrong place" : "");
            return;
        }
        at = found;
    }
    if (count_lines(text) != call->line_count)
        oracle_say(facts, "whole-note", "call %s: the note of ticket #%s has %zu lines, %zu were said",
                   call->sid, ticket->number, count_lines(text), call->line_count);
}

static void check_parts(const struct oracle_facts *facts, const struct truth_call *call,
                        const struct truth_ticket *ticket, const struct note *note)
{
    struct buf text;
    bool is_whole = note->count > 0;

    buf_init(&text, NOTE_SIZE_MAX);
    for (size_t i = 0; i < note->count; i++) {
        if (note->copies[i] > 1)
            oracle_say(facts, "whole-note", "call %s: part %zu of %zu of the note is %zu times at ticket #%s",
                       call->sid, i + 1, note->count, note->copies[i], ticket->number);
        if (note->copies[i] == 0) {
            const struct oracle_end *end = oracle_end_of(facts, call);
            bool is_visible = end && strcmp(end->state, "done") != 0;
            if (!is_visible)
                oracle_say(facts, "whole-note", "call %s: part %zu of %zu of the note is not at ticket #%s",
                           call->sid, i + 1, note->count, ticket->number);
            is_whole = false;
        }
        buf_str(&text, note->texts[i] ? note->texts[i] : "");
    }
    if (is_whole)
        compare_text(facts, call, ticket, text.data);
    buf_done(&text);
}

/* ---- none ---------------------------------------------------------------------------------------------- */

/* Whether nothing kept the engine from fetching and transcribing the recording. */
static bool must_be_there(const struct oracle_facts *facts, const struct truth_call *call)
{
    static const enum sim_fault excuses[] = { FAULT_WALL_JUMP, FAULT_DOWN, FAULT_SERVICE_REFUSES,
                                              FAULT_DISK_FULL, FAULT_CONFIG };

    if (call->recording != TRUTH_RECORDING_THERE ||
        call->recording_ms > call->ended_ms + IN_TIME_MINUTES * MINUTE_MS)
        return false;
    for (size_t i = 0; i < sizeof(excuses) / sizeof(excuses[0]); i++)
        if (facts->faults[excuses[i]] > 0)
            return false;
    return true;
}

static void check_none(const struct oracle_facts *facts, const struct truth_call *call,
                       const struct truth_ticket *ticket)
{
    const struct oracle_end *end = oracle_end_of(facts, call);
    bool says_so = strstr(oracle_field(ticket, "description"), "No transcription: ") != NULL;

    if (end && strcmp(end->state, "done") != 0)
        return; /* a person sees that it is not finished */
    if (!says_so)
        oracle_say(facts, "whole-note", "call %s: ticket #%s has no note, and does not say why", call->sid,
                   ticket->number);
    else if (must_be_there(facts, call))
        oracle_say(facts, "whole-note",
                   "call %s: ticket #%s has no note, but its recording was there at %" PRId64, call->sid,
                   ticket->number, call->recording_ms);
}

void oracle_check_note(const struct oracle_facts *facts, const struct truth_call *call,
                       const struct truth_ticket *ticket)
{
    /* A journal that was taken back does not know how a note was cut that it has begun, and a changed size cuts it anew. An
     * operator may have had it sent twice. */
    const struct oracle_end *end = oracle_end_of(facts, call);
    if ((facts->restores > 0 && facts->faults[FAULT_CONFIG] > 0) || (end && end->was_misled))
        return;

    struct note note = { .count = 0 };
    char marker[REFERENCE_SIZE + 8];

    marker_of(call, marker);
    for (size_t i = 0; i < facts->truth->comment_count; i++)
        if (facts->truth->comments[i]->ticket == ticket &&
            !oracle_is_of_escalation(facts, facts->truth->comments[i]))
            take_part(&note, facts->truth->comments[i], marker);
    if (note.is_public)
        oracle_say(facts, "whole-note", "call %s: the note of ticket #%s is not private", call->sid,
                   ticket->number);
    if (note.is_odd)
        oracle_say(facts, "whole-note", "call %s: a comment of ticket #%s is no part of its note", call->sid,
                   ticket->number);
    if (note.count == 0 && !note.is_odd)
        check_none(facts, call, ticket);
    else
        check_parts(facts, call, ticket, &note);
}

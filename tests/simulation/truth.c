/* The lists of the truth, and small questions about them. */
#include "simulation/truth.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulation/memory.h"
#include "simulation/truth_escalation.h"

enum { BREACHES_MAX = 100, BREACH_TEXT_MAX = 400 };

static void call_free(struct truth_call *call)
{
    for (size_t i = 0; i < call->line_count; i++)
        free(call->lines[i].text);
    free(call->lines);
    free(call);
}

static void contact_free(struct truth_contact *contact)
{
    free(contact->last_name);
    free(contact->phone);
    free(contact->mobile);
    json_decref(contact->more);
    free(contact);
}

void truth_done(struct truth *truth)
{
    for (size_t i = 0; i < truth->call_count; i++)
        call_free(truth->calls[i]);
    for (size_t i = 0; i < truth->contact_count; i++)
        contact_free(truth->contacts[i]);
    for (size_t i = 0; i < truth->ticket_count; i++) {
        json_decref(truth->tickets[i]->fields);
        json_decref(truth->tickets[i]->changed);
        free(truth->tickets[i]);
    }
    for (size_t i = 0; i < truth->comment_count; i++) {
        free(truth->comments[i]->content);
        free(truth->comments[i]);
    }
    for (size_t i = 0; i < truth->breach_count; i++)
        free(truth->breaches[i].text);
    truth_done_escalations(truth);
    free(truth->calls);
    free(truth->contacts);
    free(truth->tickets);
    free(truth->comments);
    free(truth->breaches);
    *truth = (struct truth){ .calls = NULL };
}

/* ---- adding -------------------------------------------------------------------------------------------- */

/* Room for one more pointer at the end of a list. */
#define ADD(list, count, item)                                                                               \
    do {                                                                                                     \
        (list) = sim_grow((list), (count) + 1, sizeof(*(list)));                                             \
        (list)[(count)++] = (item);                                                                          \
    } while (0)

void truth_make_id(struct truth *truth, char ret_id[TRUTH_ID_SIZE])
{
    (void)snprintf(ret_id, TRUTH_ID_SIZE, "50000010000003%05llu", (unsigned long long)++truth->last_id);
}

struct truth_call *truth_add_call(struct truth *truth)
{
    struct truth_call *call = sim_new(sizeof(*call));

    ADD(truth->calls, truth->call_count, call);
    return call;
}

struct truth_contact *truth_add_contact(struct truth *truth, int64_t now_ms)
{
    struct truth_contact *contact = sim_new(sizeof(*contact));

    truth_make_id(truth, contact->id);
    contact->created_ms = contact->shown_ms = now_ms;
    contact->gone_ms = TRUTH_NEVER;
    ADD(truth->contacts, truth->contact_count, contact);
    return contact;
}

struct truth_ticket *truth_add_ticket(struct truth *truth, int64_t now_ms)
{
    struct truth_ticket *ticket = sim_new(sizeof(*ticket));

    truth_make_id(truth, ticket->id);
    (void)snprintf(ticket->number, sizeof(ticket->number), "%zu", 101 + truth->ticket_count);
    ticket->created_ms = ticket->shown_ms = ticket->listed_ms = now_ms;
    ADD(truth->tickets, truth->ticket_count, ticket);
    return ticket;
}

struct truth_comment *truth_add_comment(struct truth *truth, int64_t now_ms)
{
    struct truth_comment *comment = sim_new(sizeof(*comment));

    truth_make_id(truth, comment->id);
    comment->created_ms = comment->listed_ms = now_ms;
    ADD(truth->comments, truth->comment_count, comment);
    return comment;
}

void truth_breach(struct truth *truth, const char *name, const char *fmt, ...)
{
    char text[BREACH_TEXT_MAX];
    va_list args;

    if (truth->breach_count == BREACHES_MAX)
        return;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    const struct truth_breach breach = { .name = name, .text = sim_copy(text) };
    ADD(truth->breaches, truth->breach_count, breach);
}

/* ---- asking -------------------------------------------------------------------------------------------- */

struct truth_call *truth_call_by_sid(const struct truth *truth, const char *sid)
{
    for (size_t i = 0; i < truth->call_count; i++)
        if (strcmp(truth->calls[i]->sid, sid) == 0)
            return truth->calls[i];
    return NULL;
}

struct truth_contact *truth_contact_by_id(const struct truth *truth, const char *id)
{
    for (size_t i = 0; i < truth->contact_count; i++)
        if (strcmp(truth->contacts[i]->id, id) == 0)
            return truth->contacts[i];
    return NULL;
}

struct truth_ticket *truth_ticket_by_id(const struct truth *truth, const char *id)
{
    for (size_t i = 0; i < truth->ticket_count; i++)
        if (strcmp(truth->tickets[i]->id, id) == 0)
            return truth->tickets[i];
    return NULL;
}

bool truth_is_wanted(const struct truth *truth, const struct truth_call *call)
{
    bool is_in_time = truth->has_floor && call->created_ms >= truth->floor_ms;

    return is_in_time && call->kind != TRUTH_MISSED && !call->agent_is_inactive;
}

void truth_last_digits(const char *text, char ret_digits[TRUTH_DIGITS + 1])
{
    size_t count = 0;

    for (const char *at = text + strlen(text); at > text && count < TRUTH_DIGITS; at--)
        if (at[-1] >= '0' && at[-1] <= '9')
            ret_digits[TRUTH_DIGITS - ++count] = at[-1];
    if (count < TRUTH_DIGITS)
        count = 0;
    ret_digits[count] = '\0';
}

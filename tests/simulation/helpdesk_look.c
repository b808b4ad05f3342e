/* What a person finds who looks into the helpdesk for what a lost request may have made. People look at the thing itself: no
 * index hides it from them. */
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "simulation/company.h"
#include "simulation/oracle.h"
#include "simulation/truth_escalation.h"

/* What is looked for: a comment by its marker, a file by its name, a ticket by its reference; of one ticket, or of all. */
struct wanted {
    const char *marker, *name, *reference, *ticket_id;
};

static const char *text_of(const json_t *kept, const char *key)
{
    const char *text = json_string_value(json_object_get(kept, key));

    return text && *text ? text : NULL;
}

static struct wanted wanted_of(const json_t *kept)
{
    return (struct wanted){ .marker = text_of(kept, "marker"),
                            .name = text_of(kept, "name"),
                            .reference = text_of(kept, "reference"),
                            .ticket_id = text_of(kept, "ticket_id") };
}

static bool is_at(const struct wanted *wanted, const struct truth_ticket *ticket)
{
    return wanted->ticket_id && strcmp(ticket->id, wanted->ticket_id) == 0;
}

static bool carries(const struct truth_ticket *ticket, const char *reference)
{
    char tail[REFERENCE_SIZE + 8];
    const char *subject = oracle_field(ticket, "subject");
    size_t size = (size_t)snprintf(tail, sizeof(tail), "[SB-%.*s]", REFERENCE_SIZE - 1, reference);
    size_t subject_size = strlen(subject);

    return subject_size >= size && strcmp(subject + subject_size - size, tail) == 0;
}

static size_t note(const char *id, size_t count, char ret_id[SIM_ID_SIZE])
{
    (void)snprintf(ret_id, SIM_ID_SIZE, "%s", id);
    return count + 1;
}

static size_t count_comments(const struct truth *truth, const struct wanted *wanted, char ret_id[SIM_ID_SIZE])
{
    size_t count = 0;

    for (size_t i = 0; i < truth->comment_count; i++) {
        const struct truth_comment *comment = truth->comments[i];
        if (is_at(wanted, comment->ticket) && strstr(comment->content, wanted->marker))
            count = note(comment->id, count, ret_id);
    }
    return count;
}

static size_t count_files(const struct truth *truth, const struct wanted *wanted, char ret_id[SIM_ID_SIZE])
{
    size_t count = 0;

    for (size_t i = 0; i < truth->file_count; i++) {
        const struct truth_file *file = truth->files[i];
        if (is_at(wanted, file->ticket) && strcmp(file->name, wanted->name) == 0)
            count = note(file->id, count, ret_id);
    }
    return count;
}

size_t helpdesk_look(void *ctx, const json_t *kept, char ret_id[SIM_ID_SIZE])
{
    const struct truth *truth = &((const struct company *)ctx)->truth;
    const struct wanted wanted = wanted_of(kept);
    size_t count = 0;

    if (wanted.marker)
        return count_comments(truth, &wanted, ret_id);
    if (wanted.name)
        return count_files(truth, &wanted, ret_id);
    if (!wanted.reference)
        return SIZE_MAX; /* a contact: who it is, nobody can tell for sure */
    for (size_t i = 0; i < truth->ticket_count; i++)
        if (carries(truth->tickets[i], wanted.reference))
            count = note(truth->tickets[i]->id, count, ret_id);
    return count;
}

bool helpdesk_look_beside(void *ctx, const json_t *kept, char ret_id[SIM_ID_SIZE])
{
    const struct truth *truth = &((const struct company *)ctx)->truth;
    const struct wanted wanted = wanted_of(kept);

    for (size_t i = 0; wanted.marker && i < truth->comment_count; i++)
        if (!is_at(&wanted, truth->comments[i]->ticket) ||
            !strstr(truth->comments[i]->content, wanted.marker))
            return note(truth->comments[i]->id, 0, ret_id) > 0;
    for (size_t i = 0; wanted.reference && i < truth->ticket_count; i++)
        if (!carries(truth->tickets[i], wanted.reference))
            return note(truth->tickets[i]->id, 0, ret_id) > 0;
    return false;
}

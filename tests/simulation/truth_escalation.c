/* The lists of escalations, files and events. */
#include "simulation/truth_escalation.h"

#include <stdlib.h>
#include <string.h>

#include "simulation/memory.h"

/* Room for one more pointer at the end of a list. */
#define ADD(list, count, item)                                                                               \
    do {                                                                                                     \
        (list) = sim_grow((list), (count) + 1, sizeof(*(list)));                                             \
        (list)[(count)++] = (item);                                                                          \
    } while (0)

void truth_done_escalations(struct truth *truth)
{
    for (size_t i = 0; i < truth->escalation_count; i++) {
        struct truth_escalation *escalation = truth->escalations[i];
        for (size_t k = 0; k < escalation->said.line_count; k++)
            free(escalation->said.lines[k].text);
        free(escalation->said.lines);
        free(escalation->body);
        free(escalation);
    }
    for (size_t i = 0; i < truth->file_count; i++) {
        free(truth->files[i]->name);
        free(truth->files[i]->content);
        free(truth->files[i]);
    }
    for (size_t i = 0; i < truth->event_count; i++)
        free(truth->events[i]);
    for (size_t i = 0; i < truth->mapping_count; i++)
        free(truth->mappings[i]);
    free(truth->mappings);
    free(truth->escalations);
    free(truth->files);
    free(truth->events);
}

struct truth_escalation *truth_add_escalation(struct truth *truth)
{
    struct truth_escalation *escalation = sim_new(sizeof(*escalation));

    ADD(truth->escalations, truth->escalation_count, escalation);
    return escalation;
}

struct truth_file *truth_add_file(struct truth *truth, int64_t now_ms)
{
    struct truth_file *file = sim_new(sizeof(*file));

    truth_make_id(truth, file->id);
    file->created_ms = file->listed_ms = now_ms;
    ADD(truth->files, truth->file_count, file);
    return file;
}

struct truth_event *truth_add_event(struct truth *truth, int64_t now_ms)
{
    struct truth_event *event = sim_new(sizeof(*event));

    event->first_ms = now_ms;
    ADD(truth->events, truth->event_count, event);
    return event;
}

struct truth_mapping *truth_add_mapping(struct truth *truth, int64_t now_ms)
{
    struct truth_mapping *mapping = sim_new(sizeof(*mapping));

    mapping->written_ms = now_ms;
    mapping->read_ms = TRUTH_NEVER;
    ADD(truth->mappings, truth->mapping_count, mapping);
    return mapping;
}

const struct truth_mapped *truth_mapped(const struct truth_mapping *mapping, const char *user_id)
{
    for (size_t i = 0; i < mapping->row_count; i++)
        if (strcmp(mapping->rows[i].user_id, user_id) == 0)
            return &mapping->rows[i];
    return NULL;
}

struct truth_escalation *truth_escalation_by_id(const struct truth *truth, const char *agent, const char *id)
{
    for (size_t i = 0; i < truth->escalation_count; i++)
        if (strcmp(truth->escalations[i]->id, id) == 0 &&
            (!agent || strcmp(truth->escalations[i]->agent, agent) == 0))
            return truth->escalations[i];
    return NULL;
}

struct truth_event *truth_event_by_key(const struct truth *truth, const char *key)
{
    for (size_t i = 0; i < truth->event_count; i++)
        if (strcmp(truth->events[i]->key, key) == 0)
            return truth->events[i];
    return NULL;
}

/* Knobs: what may be set while the program runs, each with a type and a range, unknown names refused. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct sim_knob common[SIM_COMMON_KNOBS] = {
    [SIM_LATENCY_MS] = { "latency_ms", SIM_INT, "0", NULL, 0, 3600000,
                         "how long each answer is held back, after its effect" },
    [SIM_LATENCY_JITTER_MS] = { "latency_jitter_ms", SIM_INT, "0", NULL, 0, 3600000,
                                "up to so much more, by chance" },
    [SIM_UPLOAD_MAX_BYTES] = { "upload_max_bytes", SIM_INT, "134217728", NULL, 0, 2147483648,
                               "a request body beyond it is thrown away and answered 413" },
};

static size_t knob_count(const struct sim_service *service)
{
    return service->def->knob_count + SIM_COMMON_KNOBS;
}

static const struct sim_knob *knob_at(const struct sim_service *service, size_t index)
{
    size_t own = service->def->knob_count;
    return index < own ? &service->def->knobs[index] : &common[index - own];
}

static bool is_word(const char *words, const char *wanted)
{
    size_t length = strlen(wanted);
    for (const char *at = words; at && *at; at = strchr(at, '|')) {
        at += *at == '|';
        if (strncmp(at, wanted, length) == 0 && (at[length] == '|' || at[length] == '\0'))
            return true;
    }
    return false;
}

static void put(struct sim_knob_value *value, int64_t number, double real, const char *text)
{
    char *copy = sim_strdup(text);
    free(value->text);
    *value = (struct sim_knob_value){ .number = number, .real = real, .text = copy };
}

static void put_initial(struct sim_knob_value *value, const struct sim_knob *knob)
{
    int64_t number = strcmp(knob->initial, "true") == 0 ? 1 : strtoll(knob->initial, NULL, 10);
    put(value, number, strtod(knob->initial, NULL), knob->initial);
}

void knobs_open(struct sim_service *service)
{
    service->in->knobs = sim_calloc(knob_count(service), sizeof(*service->in->knobs));
    knobs_reset(service);
}

void knobs_reset(struct sim_service *service)
{
    for (size_t i = 0; i < knob_count(service); i++)
        put_initial(&service->in->knobs[i], knob_at(service, i));
}

void knobs_close(struct sim_service *service)
{
    for (size_t i = 0; service->in->knobs && i < knob_count(service); i++)
        free(service->in->knobs[i].text);
    free(service->in->knobs);
}

bool sim_knob_bool(const struct sim_service *service, size_t knob)
{
    return service->in->knobs[knob].number != 0;
}

int64_t sim_knob_int(const struct sim_service *service, size_t knob)
{
    return service->in->knobs[knob].number;
}

double sim_knob_real(const struct sim_service *service, size_t knob)
{
    return service->in->knobs[knob].real;
}

const char *sim_knob_text(const struct sim_service *service, size_t knob)
{
    return service->in->knobs[knob].text;
}

bool sim_knob_is(const struct sim_service *service, size_t knob, const char *word)
{
    return strcmp(service->in->knobs[knob].text, word) == 0;
}

int64_t knobs_common(const struct sim_service *service, enum sim_common_knob knob)
{
    return service->in->knobs[service->def->knob_count + knob].number;
}

static int check_integer(const struct sim_knob *knob, const json_t *value, const char *where,
                         struct sim_error *err)
{
    bool has_range = knob->min != 0 || knob->max != 0;
    int64_t min = has_range ? knob->min : 0;
    int64_t max = has_range ? knob->max : (int64_t)1 << 53;
    if (!json_is_integer(value) || json_integer_value(value) < min || json_integer_value(value) > max)
        return sim_fail(err, "knob '%s.%s' must be a whole number from %lld to %lld", where, knob->name,
                        (long long)min, (long long)max);
    return 0;
}

static int check(const struct sim_knob *knob, const json_t *value, const char *where, struct sim_error *err)
{
    const char *text = json_string_value(value);
    switch (knob->type) {
    case SIM_BOOL:
        return json_is_boolean(value)
                   ? 0
                   : sim_fail(err, "knob '%s.%s' must be true or false", where, knob->name);
    case SIM_INT:
        return check_integer(knob, value, where, err);
    case SIM_REAL:
        return json_is_number(value) ? 0 : sim_fail(err, "knob '%s.%s' must be a number", where, knob->name);
    case SIM_TEXT:
        return text ? 0 : sim_fail(err, "knob '%s.%s' must be a text", where, knob->name);
    case SIM_WORD:
        return text && is_word(knob->words, text)
                   ? 0
                   : sim_fail(err, "knob '%s.%s' must be one of %s", where, knob->name, knob->words);
    }
    return -1;
}

static void take_value(struct sim_knob_value *value, const json_t *wanted)
{
    char text[64];
    if (json_is_string(wanted)) {
        put(value, 0, 0, json_string_value(wanted));
        return;
    }
    double real = json_is_boolean(wanted) ? (double)json_is_true(wanted) : json_number_value(wanted);
    int64_t number = json_is_integer(wanted) ? json_integer_value(wanted) : (int64_t)real;
    if (json_is_integer(wanted))
        (void)snprintf(text, sizeof(text), "%lld", (long long)number);
    else if (json_is_boolean(wanted))
        (void)snprintf(text, sizeof(text), "%s", number ? "true" : "false");
    else
        (void)snprintf(text, sizeof(text), "%g", real);
    put(value, number, real, text);
}

/* Words the refusal of an unknown name, with the names that there are. */
static int refuse_name(const struct sim_service *service, const char *name, struct sim_error *err)
{
    (void)sim_fail(err, "unknown knob '%s.%s'; there are:", service->def->name, name);
    for (size_t i = 0; i < knob_count(service); i++) {
        size_t used = strlen(err->text);
        (void)snprintf(err->text + used, sizeof(err->text) - used, " %s", knob_at(service, i)->name);
    }
    return -1;
}

static int go_through(struct sim_service *service, const json_t *section, bool is_setting,
                      struct sim_error *err)
{
    const char *name;
    json_t *value;
    if (!json_is_object(section))
        return sim_fail(err, "the knobs of '%s' must be an object", service->def->name);
    json_object_foreach ((json_t *)(uintptr_t)section, name, value) {
        size_t index = 0;
        while (index < knob_count(service) && strcmp(knob_at(service, index)->name, name) != 0)
            index++;
        if (index == knob_count(service))
            return refuse_name(service, name, err);
        if (check(knob_at(service, index), value, service->def->name, err) < 0)
            return -1;
        if (is_setting)
            take_value(&service->in->knobs[index], value);
    }
    return 0;
}

int knobs_set(struct sim *sim, const json_t *wanted, struct sim_error *err)
{
    if (!json_is_object(wanted))
        return sim_fail(err, "knobs are set with an object such as {\"desk\":{\"index_lag_ms\":60000}}");
    for (int is_setting = 0; is_setting < 2; is_setting++) {
        const char *name;
        json_t *section;
        json_object_foreach ((json_t *)(uintptr_t)wanted, name, section) {
            struct sim_service *service = sim_service_find(sim, name);
            if (!service)
                return sim_fail(err, "unknown service '%s'", name);
            if (go_through(service, section, is_setting != 0, err) < 0)
                return -1;
        }
    }
    return 0;
}

static json_t *value_json(const struct sim_knob *knob, const struct sim_knob_value *value)
{
    switch (knob->type) {
    case SIM_BOOL:
        return json_boolean(value->number);
    case SIM_INT:
        return json_integer(value->number);
    case SIM_REAL:
        return json_real(value->real);
    default:
        return json_string(value->text);
    }
}

static json_t *show_service(struct sim_service *service)
{
    static const char *const types[] = { "bool", "int", "real", "text", "word" };
    json_t *shown = json_object();
    for (size_t i = 0; i < knob_count(service); i++) {
        const struct sim_knob *knob = knob_at(service, i);
        json_t *row = json_pack("{s:o, s:s, s:s, s:s}", "value", value_json(knob, &service->in->knobs[i]),
                                "type", types[knob->type], "initial", knob->initial, "help", knob->help);
        if (knob->words)
            (void)json_object_set_new(row, "words", json_string(knob->words));
        (void)json_object_set_new(shown, knob->name, row);
    }
    return shown;
}

json_t *knobs_show(struct sim *sim)
{
    json_t *shown = json_object();
    for (size_t i = 0; i < sim->service_count; i++)
        (void)json_object_set_new(shown, sim->services[i].def->name, show_service(&sim->services[i]));
    return shown;
}

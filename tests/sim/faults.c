/* Faults: rules that a test sets, each saying which requests it hits, how often, and what goes wrong with
 * them. */
#include "sim.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum action {
    LATENCY,
    STATUS,
    RESET_BEFORE,
    READ_THEN_RESET,
    COMMIT_THEN_RESET,
    COMMIT_THEN_STATUS,
    COMMIT_THEN_CUT,
    DELAY_THEN_COMMIT,
    SLOW_DRIP,
    BAD_JSON,
    HTML_WITH_200,
    TRUNCATE,
    WRONG_LENGTH,
    REFUSE,
    ACTIONS
};

static const char *const action_words[ACTIONS] = {
    [LATENCY] = "latency",
    [STATUS] = "status",
    [RESET_BEFORE] = "reset_before",
    [READ_THEN_RESET] = "read_then_reset",
    [COMMIT_THEN_RESET] = "commit_then_reset",
    [COMMIT_THEN_STATUS] = "commit_then_status",
    [COMMIT_THEN_CUT] = "commit_then_cut",
    [DELAY_THEN_COMMIT] = "delay_then_commit",
    [SLOW_DRIP] = "slow_drip",
    [BAD_JSON] = "bad_json",
    [HTML_WITH_200] = "html_with_200",
    [TRUNCATE] = "truncate",
    [WRONG_LENGTH] = "wrong_length",
    [REFUSE] = "refuse",
};

static const char html_page[] = "<!doctype html><html><head><title>Error</title></head>"
                                "<body><h1>The service is busy</h1><p>Please try again.</p></body></html>";

struct sim_fault {
    struct sim_fault *next;
    unsigned refs;
    int64_t id;
    json_t *rule; /* as it was added */
    enum action action;
    /* Borrowed from the rule; NULL fits all. */
    const char *service, *method, *path, *query, *match_header, *match_body;
    int64_t nth, every, count, after, latency_ms, status, bytes, every_ms, for_ms, by;
    double probability;
    bool commit, drop;
    int64_t seen, hits;
};

enum field_type { WHOLE, FRACTION, FLAG, WORDS, ANYTHING };

/* The keys of a rule. `at` is where the value goes; ANYTHING is read from the kept rule later. */
static const struct {
    const char *name;
    enum field_type type;
    size_t at;
    int64_t min;
} fields[] = {
    { "service", WORDS, offsetof(struct sim_fault, service), 0 },
    { "method", WORDS, offsetof(struct sim_fault, method), 0 },
    { "path", WORDS, offsetof(struct sim_fault, path), 0 },
    { "query", WORDS, offsetof(struct sim_fault, query), 0 },
    { "match_header", WORDS, offsetof(struct sim_fault, match_header), 0 },
    { "match_body", WORDS, offsetof(struct sim_fault, match_body), 0 },
    { "nth", WHOLE, offsetof(struct sim_fault, nth), 1 },
    { "every", WHOLE, offsetof(struct sim_fault, every), 1 },
    { "probability", FRACTION, offsetof(struct sim_fault, probability), 0 },
    { "count", WHOLE, offsetof(struct sim_fault, count), 1 },
    { "after", WHOLE, offsetof(struct sim_fault, after), 0 },
    { "latency_ms", WHOLE, offsetof(struct sim_fault, latency_ms), 0 },
    { "status", WHOLE, offsetof(struct sim_fault, status), 200 },
    { "bytes", WHOLE, offsetof(struct sim_fault, bytes), 0 },
    { "every_ms", WHOLE, offsetof(struct sim_fault, every_ms), 1 },
    { "for_ms", WHOLE, offsetof(struct sim_fault, for_ms), 1 },
    { "by", WHOLE, offsetof(struct sim_fault, by), -(1LL << 40) },
    { "commit", FLAG, offsetof(struct sim_fault, commit), 0 },
    { "drop", FLAG, offsetof(struct sim_fault, drop), 0 },
    { "headers", ANYTHING, 0, 0 },
    { "body", ANYTHING, 0, 0 },
    { "action", ANYTHING, 0, 0 },
    { "note", ANYTHING, 0, 0 },
};

static int take_field(struct sim_fault *fault, size_t row, const json_t *value, struct sim_error *err)
{
    char *at = (char *)fault + fields[row].at;
    const char *name = fields[row].name;
    switch (fields[row].type) {
    case WHOLE:
        if (!json_is_integer(value) || json_integer_value(value) < fields[row].min)
            return sim_fail(err, "'%s' of a fault must be a whole number from %lld on", name,
                            (long long)fields[row].min);
        *(int64_t *)(void *)at = json_integer_value(value);
        return 0;
    case FRACTION:
        if (!json_is_number(value) || json_number_value(value) <= 0 || json_number_value(value) > 1)
            return sim_fail(err, "'%s' of a fault must be above 0 and at most 1", name);
        *(double *)(void *)at = json_number_value(value);
        return 0;
    case FLAG:
        if (!json_is_boolean(value))
            return sim_fail(err, "'%s' of a fault must be true or false", name);
        *(bool *)at = json_is_true(value);
        return 0;
    case WORDS:
        if (!json_is_string(value))
            return sim_fail(err, "'%s' of a fault must be a text", name);
        *(const char **)(void *)at = json_string_value(value);
        return 0;
    case ANYTHING:
        break;
    }
    return 0;
}

static int take_fields(struct sim_fault *fault, struct sim_error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach (fault->rule, key, value) {
        size_t row = 0;
        while (row < sizeof(fields) / sizeof(fields[0]) && strcmp(fields[row].name, key) != 0)
            row++;
        if (row == sizeof(fields) / sizeof(fields[0]))
            return sim_fail(err, "unknown key '%s' of a fault", key);
        if (take_field(fault, row, value, err) < 0)
            return -1;
    }
    return 0;
}

static int take_action(struct sim_fault *fault, struct sim_error *err)
{
    const char *word = json_string_value(json_object_get(fault->rule, "action"));
    if (!word)
        return sim_fail(err, "a fault needs an 'action'");
    for (int i = 0; i < ACTIONS; i++) {
        if (strcmp(word, action_words[i]) != 0)
            continue;
        fault->action = (enum action)i;
        return 0;
    }
    (void)sim_fail(err, "unknown action '%s'; there are:", word);
    for (int i = 0; i < ACTIONS; i++) {
        size_t used = strlen(err->text);
        (void)snprintf(err->text + used, sizeof(err->text) - used, " %s", action_words[i]);
    }
    return -1;
}

static void fault_unref(struct sim_fault *fault)
{
    if (!fault || --fault->refs > 0)
        return;
    json_decref(fault->rule);
    free(fault);
}

static int check_needs(const struct sim *sim, const struct sim_fault *fault, struct sim_error *err)
{
    if (!fault->service)
        return sim_fail(err, "a fault needs a 'service'");
    if (!sim_service_find((struct sim *)(uintptr_t)sim, fault->service) ||
        strcmp(fault->service, "control") == 0)
        return sim_fail(err, "unknown service '%s' of a fault", fault->service);
    if (fault->status > 599)
        return sim_fail(err, "'status' of a fault must be from 200 to 599");
    if (fault->action == LATENCY || fault->action == DELAY_THEN_COMMIT)
        return fault->latency_ms > 0
                   ? 0
                   : sim_fail(err, "action '%s' needs 'latency_ms'", action_words[fault->action]);
    if (fault->action == STATUS && !fault->status)
        return sim_fail(err, "action 'status' needs 'status'");
    if (fault->action == REFUSE && !fault->for_ms)
        return sim_fail(err, "action 'refuse' needs 'for_ms'");
    if (fault->action == WRONG_LENGTH && !fault->by)
        return sim_fail(err,
                        "action 'wrong_length' needs 'by', the bytes said too many or (negative) too few");
    return 0;
}

static struct sim_fault *fault_new(struct sim *sim, const json_t *rule, struct sim_error *err)
{
    if (!json_is_object(rule)) {
        (void)sim_fail(err, "a fault must be an object");
        return NULL;
    }
    struct sim_fault *fault = sim_calloc(1, sizeof(*fault));
    fault->refs = 1;
    fault->rule = json_deep_copy(rule);
    fault->drop = true;
    if (take_action(fault, err) < 0) {
        fault_unref(fault);
        return NULL;
    }
    fault->commit = fault->action == BAD_JSON;
    if (take_fields(fault, err) < 0 || check_needs(sim, fault, err) < 0) {
        fault_unref(fault);
        return NULL;
    }
    return fault;
}

/* Adds at the end: the first rule that fires wins, in the order in which they came. */
static void append(struct sim *sim, struct sim_fault *fault)
{
    struct sim_fault **end = &sim->faults;
    while (*end)
        end = &(*end)->next;
    *end = fault;
    fault->id = (int64_t)++sim->fault_id;
    sim->fault_count++;
}

int faults_add(struct sim *sim, const json_t *rules, struct sim_error *err)
{
    size_t count = json_is_array(rules) ? json_array_size(rules) : 1;
    if (sim->fault_count + count > SIM_FAULTS_MAX)
        return sim_fail(err, "more than %d faults", SIM_FAULTS_MAX);
    struct sim_fault **made = sim_calloc(count, sizeof(struct sim_fault *));
    size_t done = 0;
    while (done < count) {
        const json_t *rule = json_is_array(rules) ? json_array_get(rules, done) : rules;
        made[done] = fault_new(sim, rule, err);
        if (!made[done])
            break;
        done++;
    }
    for (size_t i = 0; i < done; i++) {
        if (done == count)
            append(sim, made[i]);
        else
            fault_unref(made[i]);
    }
    free(made);
    return done == count ? 0 : -1;
}

bool faults_remove(struct sim *sim, int64_t id)
{
    for (struct sim_fault **at = &sim->faults; *at; at = &(*at)->next) {
        if ((*at)->id != id)
            continue;
        struct sim_fault *gone = *at;
        *at = gone->next;
        sim->fault_count--;
        fault_unref(gone);
        return true;
    }
    return false;
}

void faults_clear(struct sim *sim)
{
    while (sim->faults)
        (void)faults_remove(sim, sim->faults->id);
}

json_t *faults_show(struct sim *sim)
{
    json_t *shown = json_array();
    for (const struct sim_fault *fault = sim->faults; fault; fault = fault->next) {
        json_t *row = json_deep_copy(fault->rule);
        (void)json_object_set_new(row, "id", json_integer(fault->id));
        (void)json_object_set_new(row, "seen", json_integer(fault->seen));
        (void)json_object_set_new(row, "hits", json_integer(fault->hits));
        (void)json_array_append_new(shown, row);
    }
    return shown;
}

/* Whether a header line of the request is like "Authorization: Token demo-*". */
static bool fits_header(const char *wanted, const struct sim_request *req)
{
    size_t name = strcspn(wanted, ":"), value = name + (wanted[name] == ':');
    value += strspn(wanted + value, " ");
    for (size_t i = 0; i < req->header_count; i++) {
        const struct sim_field *header = &req->headers[i];
        if (strlen(header->name) == name && strncasecmp(header->name, wanted, name) == 0 &&
            fnmatch(wanted + value, header->value, 0) == 0)
            return true;
    }
    return false;
}

static bool fits(const struct sim_fault *fault, const struct sim_request *req)
{
    if (strcmp(fault->service, req->service->def->name) != 0)
        return false;
    if (fault->method && fnmatch(fault->method, req->method, 0) != 0)
        return false;
    if (fault->path && fnmatch(fault->path, req->path, 0) != 0)
        return false;
    if (fault->query && fnmatch(fault->query, req->query_text, 0) != 0)
        return false;
    if (fault->match_header && !fits_header(fault->match_header, req))
        return false;
    return !fault->match_body ||
           memmem(req->body, req->body_size, fault->match_body, strlen(fault->match_body));
}

static bool fires(struct sim *sim, struct sim_fault *fault)
{
    fault->seen++;
    if (fault->seen <= fault->after || (fault->count && fault->hits >= fault->count))
        return false;
    int64_t turn = fault->seen - fault->after;
    if (fault->nth && turn != fault->nth)
        return false;
    if (fault->every && turn % fault->every != 0)
        return false;
    if (fault->probability > 0)
        return (double)(chance_next(&sim->fault_random) >> 11) < fault->probability * 9007199254740992.0;
    return true;
}

void faults_choose(struct sim_exchange *ex, bool is_before_body)
{
    if (ex->fault || ex->is_control)
        return;
    for (struct sim_fault *fault = ex->sim->faults; fault; fault = fault->next) {
        bool is_early = (fault->action == RESET_BEFORE || fault->action == REFUSE) && !fault->match_body;
        if (is_early != is_before_body || !fits(fault, &ex->req) || !fires(ex->sim, fault) || ex->fault)
            continue;
        fault->hits++;
        fault->refs++;
        ex->fault = fault;
        ex->fault_word = action_words[fault->action];
    }
}

void faults_let_go(struct sim_exchange *ex)
{
    fault_unref(ex->fault);
    ex->fault = NULL;
}

bool faults_ends_early(struct sim_exchange *ex)
{
    const struct sim_fault *fault = ex->fault;
    if (!fault || (fault->action != RESET_BEFORE && fault->action != REFUSE))
        return false;
    /* The port closes first: who hears of the reset and comes back at once is refused. */
    if (fault->action == REFUSE)
        server_refuse(ex->req.service, fault->for_ms, fault->drop);
    server_reset_socket(
        MHD_get_connection_info(ex->connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
    return true;
}

int64_t faults_wait_before(const struct sim_exchange *ex)
{
    return ex->fault && ex->fault->action == DELAY_THEN_COMMIT ? ex->fault->latency_ms : 0;
}

bool faults_skip_handler(const struct sim_exchange *ex)
{
    const struct sim_fault *fault = ex->fault;
    if (!fault || fault->commit)
        return false;
    return fault->action == STATUS || fault->action == READ_THEN_RESET || fault->action == HTML_WITH_200 ||
           fault->action == BAD_JSON;
}

static void answer_with(struct sim_exchange *ex, const struct sim_fault *fault, unsigned status)
{
    struct sim_response *res = &ex->res;
    const json_t *body = json_object_get(fault->rule, "body");
    const char *name;
    json_t *value;
    res->header_count = 0;
    res->is_chunked = false;
    if (json_is_string(body))
        sim_respond_text(res, status, NULL, json_string_value(body));
    else if (body)
        sim_respond_json(res, status, json_deep_copy(body));
    else
        sim_respond_text(res, status, "text/html", html_page);
    json_object_foreach (json_object_get(fault->rule, "headers"), name, value) {
        if (!json_is_string(value))
            continue;
        if (strcasecmp(name, "Content-Type") == 0)
            sim_respond_type(res, json_string_value(value));
        else
            sim_respond_header(res, name, "%s", json_string_value(value));
    }
}

static void break_json(struct sim_exchange *ex)
{
    struct sim_response *res = &ex->res;
    if (!res->body)
        sim_respond_text(res, 200, "application/json", "{\"data\":[{\"id\":");
    else
        res->size /= 2;
}

void faults_change_answer(struct sim_exchange *ex)
{
    const struct sim_fault *fault = ex->fault;
    if (!fault)
        return;
    struct sim_response *res = &ex->res;
    if (fault->action != DELAY_THEN_COMMIT)
        sim_respond_delay(res, fault->latency_ms);
    switch (fault->action) {
    case STATUS:
        answer_with(ex, fault, (unsigned)fault->status);
        break;
    case COMMIT_THEN_STATUS:
        answer_with(ex, fault, fault->status ? (unsigned)fault->status : 502);
        break;
    case HTML_WITH_200:
        answer_with(ex, fault, 200);
        break;
    case BAD_JSON:
        res->status = res->body ? res->status : 200;
        break_json(ex);
        break;
    case SLOW_DRIP:
        ex->drip_size = fault->bytes ? (size_t)fault->bytes : 1;
        ex->drip_ms = fault->every_ms ? fault->every_ms : 100;
        break;
    case TRUNCATE:
        sim_respond_cut(res, fault->bytes ? (size_t)fault->bytes : res->size / 2);
        break;
    default:
        break;
    }
}

bool faults_send(struct sim_exchange *ex)
{
    const struct sim_fault *fault = ex->fault;
    if (!fault)
        return false;
    struct sim_response *res = &ex->res;
    switch (fault->action) {
    case RESET_BEFORE:
    case REFUSE:
        return faults_ends_early(ex);
    case READ_THEN_RESET:
    case COMMIT_THEN_RESET:
        server_reset_socket(
            MHD_get_connection_info(ex->connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
        return true;
    case COMMIT_THEN_CUT:
        answer_write_raw(ex, json_object_get(fault->rule, "bytes") ? (size_t)fault->bytes : res->size / 2,
                         res->size);
        return true;
    case WRONG_LENGTH: {
        int64_t said = (int64_t)res->size + fault->by;
        answer_write_raw(ex, res->size, said > 0 ? (size_t)said : 0);
        return true;
    }
    default:
        return false;
    }
}

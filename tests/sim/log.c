/* What was asked: a ring of rows, one per request, and counts per service and route. */
#include "sim.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sim_log_row {
    uint64_t serial;
    struct sim_service *service;
    char *method, *path, *query; /* owned; one allocation, at method */
    const char *fault;
    char sha256[65];
    size_t size;
    unsigned status, in_flight;
    int64_t at_ms, begun_ms, took_ms;
    bool is_handled;
};

void log_open(struct sim *sim)
{
    sim->log = sim_calloc(SIM_LOG_ROWS_MAX, sizeof(*sim->log));
    sim->violations = json_array();
}

static void forget_rows(struct sim *sim)
{
    for (size_t i = 0; i < SIM_LOG_ROWS_MAX; i++) {
        free(sim->log[i].method);
        sim->log[i] = (struct sim_log_row){ 0 };
    }
}

static void forget_counts(struct sim_internal *in)
{
    for (size_t i = 0; i < in->counter_count; i++)
        free(in->counters[i].key);
    in->counter_count = 0;
    in->requests = 0;
    in->in_flight_max = in->in_flight;
    memset(in->answers, 0, sizeof(in->answers));
}

void log_reset(struct sim *sim)
{
    forget_rows(sim);
    for (size_t i = 0; i < sim->service_count; i++)
        forget_counts(sim->services[i].in);
    (void)json_array_clear(sim->violations);
    sim->violation_count = 0;
}

void log_close(struct sim *sim)
{
    if (!sim->log)
        return;
    log_reset(sim);
    free(sim->log);
    json_decref(sim->violations);
}

/* Keeps method, path and query in one piece of memory. */
static void keep_texts(struct sim_log_row *row, const struct sim_request *req)
{
    size_t method_size = strlen(req->method) + 1, path_size = strlen(req->path) + 1;
    size_t query_size = strlen(req->query_text) + 1;
    row->method = sim_malloc(method_size + path_size + query_size);
    row->path = row->method + method_size;
    row->query = row->path + path_size;
    memcpy(row->method, req->method, method_size);
    memcpy(row->path, req->path, path_size);
    memcpy(row->query, req->query_text, query_size);
}

static void count(struct sim_internal *in, const char *method, const char *path)
{
    char key[300];
    (void)snprintf(key, sizeof(key), "%s %s", method, path);
    size_t i = 0;
    while (i < in->counter_count && strcmp(in->counters[i].key, key) != 0)
        i++;
    if (i == SIM_COUNTERS_MAX)
        return;
    if (i == in->counter_count) {
        in->counters[i] = (struct sim_counter){ .key = sim_strdup(key) };
        in->counter_count++;
    }
    in->counters[i].count++;
}

void log_begin(struct sim_exchange *ex)
{
    struct sim *sim = ex->sim;
    struct sim_request *req = &ex->req;
    if (ex->is_control)
        return;
    ex->log_row = sim->log_count++;
    struct sim_log_row *row = &sim->log[ex->log_row % SIM_LOG_ROWS_MAX];
    free(row->method);
    *row = (struct sim_log_row){ .serial = req->serial,
                                 .service = req->service,
                                 .fault = ex->fault_word,
                                 .size = req->body_size + ex->discarded,
                                 .in_flight = req->in_flight,
                                 .at_ms = sim_now_ms(sim),
                                 .begun_ms = ex->begun_ms };
    keep_texts(row, req);
    memcpy(row->sha256, sim_body_sha256(req), sizeof(row->sha256));
    req->service->in->requests++;
}

void log_end(struct sim_exchange *ex, unsigned status)
{
    struct sim *sim = ex->sim;
    struct sim_internal *in = ex->req.service->in;
    if (ex->is_control || ex->is_logged)
        return;
    ex->is_logged = true;
    in->answers[status < 600 ? status : 0]++;
    count(in, ex->req.method, ex->req.route ? ex->req.route : ex->req.path);
    struct sim_log_row *row = &sim->log[ex->log_row % SIM_LOG_ROWS_MAX];
    if (row->serial != ex->req.serial)
        return;
    row->status = status;
    row->is_handled = ex->has_run;
    row->took_ms = sim_real_ms() - row->begun_ms;
}

static json_t *row_json(const struct sim_log_row *row)
{
    json_t *shown =
        json_pack("{s:I, s:s, s:s, s:s, s:s, s:i, s:b, s:s, s:I, s:i, s:I, s:I, s:s?}", "serial",
                  (json_int_t)row->serial, "service", row->service->def->name, "method", row->method, "path",
                  row->path, "query", row->query, "status", (int)row->status, "handled", row->is_handled,
                  "sha256", row->sha256, "size", (json_int_t)row->size, "in_flight", (int)row->in_flight,
                  "at_ms", (json_int_t)row->at_ms, "took_ms", (json_int_t)row->took_ms, "fault", row->fault);
    return shown ? shown : json_pack("{s:I, s:s}", "serial", (json_int_t)row->serial, "path", "(not UTF-8)");
}

json_t *log_show(struct sim *sim, const char *service, const char *path, const char *method, int64_t limit)
{
    json_t *shown = json_array();
    uint64_t first = sim->log_count > SIM_LOG_ROWS_MAX ? sim->log_count - SIM_LOG_ROWS_MAX : 0;
    for (uint64_t n = first; n < sim->log_count; n++) {
        const struct sim_log_row *row = &sim->log[n % SIM_LOG_ROWS_MAX];
        if (!row->method || (service && strcmp(service, row->service->def->name) != 0))
            continue;
        if ((path && fnmatch(path, row->path, 0) != 0) || (method && strcmp(method, row->method) != 0))
            continue;
        (void)json_array_append_new(shown, row_json(row));
        if (limit > 0 && (int64_t)json_array_size(shown) > limit)
            (void)json_array_remove(shown, 0);
    }
    return shown;
}

json_t *log_counts(struct sim_service *service)
{
    struct sim_internal *in = service->in;
    json_t *paths = json_object(), *statuses = json_object();
    for (size_t i = 0; i < in->counter_count; i++)
        (void)json_object_set_new(paths, in->counters[i].key,
                                  json_integer((json_int_t)in->counters[i].count));
    for (unsigned status = 0; status < 600; status++) {
        char word[16];
        (void)snprintf(word, sizeof(word), "%u", status);
        if (in->answers[status] > 0)
            (void)json_object_set_new(statuses, status ? word : "none",
                                      json_integer((json_int_t)in->answers[status]));
    }
    return json_pack("{s:I, s:I, s:I, s:o, s:o}", "requests", (json_int_t)in->requests, "in_flight",
                     (json_int_t)in->in_flight, "in_flight_max", (json_int_t)in->in_flight_max, "statuses",
                     statuses, "paths", paths);
}

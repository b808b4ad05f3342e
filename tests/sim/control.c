/* The control service: clock, knobs, faults, log, report and reset, as JSON over HTTP. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

static void refuse(struct sim_response *res, unsigned status, const struct sim_error *err)
{
    sim_respond_json(res, status, json_pack("{s:s}", "error", err->text));
}

/* Gives the body as JSON, or NULL after it has answered 400. An empty body is an empty object. */
static json_t *read_json(struct sim_request *req, struct sim_response *res)
{
    json_error_t where;
    if (req->body_size == 0)
        return json_object();
    json_t *body = json_loadb(req->body, req->body_size, JSON_REJECT_DUPLICATES, &where);
    if (body)
        return body;
    struct sim_error err;
    (void)sim_fail(&err, "the body is not JSON: line %d: %s", where.line, where.text);
    refuse(res, 400, &err);
    return NULL;
}

static struct sim *sim_of(const struct sim_request *req)
{
    return req->service->sim;
}

static void health(struct sim_request *req, struct sim_response *res)
{
    json_t *urls = json_object();
    struct sim *sim = sim_of(req);
    for (size_t i = 0; i < sim->service_count; i++)
        (void)json_object_set_new(urls, sim->services[i].def->name, json_string(sim->services[i].base_url));
    sim_respond_json(res, 200,
                     json_pack("{s:b, s:I, s:o}", "ok", 1, "seed", (json_int_t)sim->seed, "urls", urls));
}

static void get_clock(struct sim_request *req, struct sim_response *res)
{
    sim_respond_json(res, 200, clock_show(sim_of(req)));
}

static void set_clock(struct sim_request *req, struct sim_response *res)
{
    struct sim_error err;
    json_t *body = read_json(req, res);
    if (body && clock_set(sim_of(req), body, &err) < 0)
        refuse(res, 400, &err);
    else if (body)
        get_clock(req, res);
    json_decref(body);
}

static void get_knobs(struct sim_request *req, struct sim_response *res)
{
    sim_respond_json(res, 200, knobs_show(sim_of(req)));
}

static void set_knobs(struct sim_request *req, struct sim_response *res)
{
    struct sim_error err;
    json_t *body = read_json(req, res);
    if (body && knobs_set(sim_of(req), body, &err) < 0)
        refuse(res, 400, &err);
    else if (body)
        get_knobs(req, res);
    json_decref(body);
}

static void get_faults(struct sim_request *req, struct sim_response *res)
{
    sim_respond_json(res, 200, faults_show(sim_of(req)));
}

static void add_faults(struct sim_request *req, struct sim_response *res)
{
    struct sim_error err;
    json_t *body = read_json(req, res);
    if (body && faults_add(sim_of(req), body, &err) < 0)
        refuse(res, 400, &err);
    else if (body)
        get_faults(req, res);
    json_decref(body);
}

static void remove_faults(struct sim_request *req, struct sim_response *res)
{
    const char *id = sim_query(req, "id");
    struct sim_error err;
    (void)sim_fail(&err, "no fault with id '%s'", id ? id : "");
    if (!id)
        faults_clear(sim_of(req));
    else if (!faults_remove(sim_of(req), strtoll(id, NULL, 10))) {
        refuse(res, 404, &err);
        return;
    }
    get_faults(req, res);
}

/* POST {"service":"desk","for_ms":2000,"drop":true}: stops listening now, without waiting for a request. */
static void refuse_now(struct sim_request *req, struct sim_response *res)
{
    const char *name = NULL;
    json_int_t for_ms = 0;
    int drop = 1;
    struct sim_error err;
    json_t *body = read_json(req, res);
    if (!body)
        return;
    int rc = json_unpack(body, "{s:s, s:I, s?b !}", "service", &name, "for_ms", &for_ms, "drop", &drop);
    struct sim_service *service = rc == 0 ? sim_service_find(sim_of(req), name) : NULL;
    if (!service || service == req->service || for_ms < 1) {
        (void)sim_fail(&err,
                       "wanted {\"service\":\"desk\",\"for_ms\":2000} with a service other than control");
        refuse(res, 400, &err);
    } else {
        server_refuse(service, for_ms, drop != 0);
        sim_respond_empty(res, 204);
    }
    json_decref(body);
}

static void get_log(struct sim_request *req, struct sim_response *res)
{
    const char *limit = sim_query(req, "limit");
    sim_respond_json(res, 200,
                     log_show(sim_of(req), sim_query(req, "service"), sim_query(req, "path"),
                              sim_query(req, "method"), limit ? strtoll(limit, NULL, 10) : 0));
}

static void get_sent(struct sim_request *req, struct sim_response *res)
{
    sim_respond_json(res, 200, outbox_show(sim_of(req), sim_query(req, "service")));
}

static void clear_log(struct sim_request *req, struct sim_response *res)
{
    log_reset(sim_of(req));
    sim_respond_empty(res, 204);
}

static void get_report(struct sim_request *req, struct sim_response *res)
{
    sim_respond_json(res, 200, report_make(sim_of(req)));
}

static void apply(struct sim_request *req, struct sim_response *res)
{
    struct sim_error err;
    if (scenario_apply(sim_of(req), &err) < 0)
        refuse(res, 400, &err);
    else
        sim_respond_json(res, 200, json_pack("{s:b}", "ok", 1));
}

static void reset(struct sim_request *req, struct sim_response *res)
{
    apply(req, res);
}

static void set_scenario(struct sim_request *req, struct sim_response *res)
{
    struct sim_error err;
    struct sim *sim = sim_of(req);
    json_t *body = read_json(req, res);
    if (!body)
        return;
    if (scenario_check(body, sim, &err) < 0) {
        refuse(res, 400, &err);
        json_decref(body);
        return;
    }
    json_decref(sim->scenario);
    sim->scenario = body;
    apply(req, res);
}

/* Adds to what is there, without a reset: {"exotel":{...}} goes to that service's load. */
static void load_more(struct sim_request *req, struct sim_response *res)
{
    struct sim_error err;
    struct sim *sim = sim_of(req);
    json_t *body = read_json(req, res);
    const char *name;
    json_t *section;
    int rc = body ? 0 : -1;
    json_object_foreach (body, name, section) {
        struct sim_service *service = sim_service_find(sim, name);
        if (rc < 0)
            break;
        if (service && service->def->load)
            rc = service->def->load(service, section, &err);
        else
            rc = sim_fail(&err, "service '%s' takes no scenario", name);
    }
    if (body && rc < 0)
        refuse(res, 400, &err);
    else if (body)
        sim_respond_json(res, 200, json_pack("{s:b}", "ok", 1));
    json_decref(body);
}

static void stop(struct sim_request *req, struct sim_response *res)
{
    sim_of(req)->is_ending = true;
    sim_respond_empty(res, 204);
}

static const struct sim_route routes[] = {
    { "GET", "/control/health", health },
    { "GET", "/control/clock", get_clock },
    { "POST", "/control/clock", set_clock },
    { "GET", "/control/knobs", get_knobs },
    { "POST", "/control/knobs", set_knobs },
    { "GET", "/control/faults", get_faults },
    { "POST", "/control/faults", add_faults },
    { "DELETE", "/control/faults", remove_faults },
    { "POST", "/control/refuse", refuse_now },
    { "GET", "/control/log", get_log },
    { "DELETE", "/control/log", clear_log },
    { "GET", "/control/sent", get_sent },
    { "GET", "/control/report", get_report },
    { "POST", "/control/reset", reset },
    { "POST", "/control/scenario", set_scenario },
    { "POST", "/control/load", load_more },
    { "POST", "/control/stop", stop },
    { NULL, NULL, NULL },
};

/* Tries the control routes of the services: /control/<service>/... */
static bool pass_on(struct sim_request *req, struct sim_response *res)
{
    struct sim *sim = sim_of(req);
    const char *all = strcmp(req->path, "/control/tickets") == 0 ? "/control/desk/tickets" : req->path;
    struct sim_service *own = req->service;
    bool is_done = false;
    if (strncmp(all, "/control/", 9) != 0)
        return false;
    for (size_t i = 0; !is_done && i + 1 < sim->service_count; i++) {
        struct sim_service *service = &sim->services[i];
        size_t length = strlen(service->def->name);
        if (!service->def->control || strncmp(all + 9, service->def->name, length) != 0 ||
            all[9 + length] != '/')
            continue;
        req->path = all + 9 + length;
        const struct sim_route *route = sim_route(req, service->def->control, NULL);
        if (route) {
            /* The handler finds its own service in the request; the framework counted it under control. */
            req->service = service;
            route->handle(req, res);
            req->service = own;
            is_done = true;
        }
        req->path = all;
    }
    return is_done;
}

static void handle(struct sim_request *req, struct sim_response *res)
{
    const struct sim_route *route = sim_route(req, routes, NULL);
    if (route) {
        route->handle(req, res);
        return;
    }
    if (pass_on(req, res))
        return;
    struct sim_error err;
    (void)sim_fail(&err, "no such control call: %s %.150s", req->method, req->path);
    refuse(res, 404, &err);
}

const struct sim_service_def sim_control = { .name = "control", .handle = handle };

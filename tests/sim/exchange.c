/* The life of one request: its header, its body, the handler. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

struct sim_exchange *exchange_new(struct sim *sim, struct sim_service *service, const char *target)
{
    struct sim_exchange *ex = sim_calloc(1, sizeof(*ex));
    struct sim_request *req = &ex->req;
    ex->sim = sim;
    ex->is_control = service->def == &sim_control;
    ex->begun_ms = sim_real_ms();
    ex->res.req = req;
    ex->next = sim->exchanges;
    if (ex->next)
        ex->next->previous = ex;
    sim->exchanges = ex;

    req->service = service;
    req->body = "";
    req->target = sim_text(req, "%s", target);
    const char *question = strchr(req->target, '?');
    size_t path_size = question ? (size_t)(question - req->target) : strlen(req->target);
    req->path = request_decode_path(req, req->target, path_size);
    req->query_text = question ? question + 1 : "";
    req->query_count = sim_form(req, req->query_text, strlen(req->query_text), &req->query);
    return ex;
}

static void count_out(struct sim_exchange *ex)
{
    if (ex->is_counted)
        ex->req.service->in->in_flight--;
    ex->is_counted = false;
}

void exchange_free(struct sim_exchange *ex)
{
    sim_timer_stop(ex->sim, &ex->timer);
    if (ex->is_counted && ex->phase != SIM_SENT)
        log_end(ex, 0);
    count_out(ex);
    if (ex->next)
        ex->next->previous = ex->previous;
    if (ex->previous)
        ex->previous->next = ex->next;
    else
        ex->sim->exchanges = ex->next;
    faults_let_go(ex);
    answer_clear(&ex->res);
    request_free_arena(ex);
    free(ex->body);
    free(ex);
}

static enum MHD_Result add_field(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct sim_exchange *ex = context;
    (void)kind;
    if (ex->req.header_count == SIM_FIELDS_MAX)
        return MHD_NO;
    /* Copied, because MHD may reuse its memory while the body comes in. */
    value = sim_text(&ex->req, "%s", value ? value : "");
    ex->fields[ex->req.header_count++] =
        (struct sim_field){ sim_text(&ex->req, "%s", name), value, strlen(value) };
    return MHD_YES;
}

void exchange_read_header(struct sim_exchange *ex, const char *method)
{
    struct sim_request *req = &ex->req;
    struct sim_internal *in = req->service->in;
    req->method = sim_text(req, "%s", method);
    int count = MHD_get_connection_values(ex->connection, MHD_HEADER_KIND, NULL, NULL);
    if (count > 0) {
        ex->fields = sim_alloc(req, (size_t)count * sizeof(*ex->fields));
        (void)MHD_get_connection_values(ex->connection, MHD_HEADER_KIND, add_field, ex);
        req->headers = ex->fields;
    }
    req->serial = ex->is_control ? 0 : ++ex->sim->serial;
    req->in_flight = ++in->in_flight;
    ex->is_counted = true;
    if (in->in_flight > in->in_flight_max)
        in->in_flight_max = in->in_flight;
    ex->phase = SIM_RECEIVING;
}

void exchange_add_body(struct sim_exchange *ex, const char *data, size_t size)
{
    struct sim_request *req = &ex->req;
    size_t limit = (size_t)knobs_common(req->service, SIM_UPLOAD_MAX_BYTES);
    if (req->body_size + size > limit || ex->discarded > 0) {
        ex->discarded += size;
        return;
    }
    if (req->body_size + size + 1 > ex->body_room) {
        size_t wanted = req->body_size + size + 1;
        ex->body_room = wanted < 65536 ? wanted * 2 : wanted + wanted / 2;
        ex->body = sim_realloc(ex->body, ex->body_room);
    }
    memcpy(ex->body + req->body_size, data, size);
    req->body_size += size;
    ex->body[req->body_size] = '\0';
    req->body = ex->body;
}

static void call_handler(struct sim_exchange *ex)
{
    struct sim_service *service = ex->req.service;
    if (ex->discarded > 0) {
        sim_violation(&ex->req, "request body larger than the knob upload_max_bytes");
        sim_respond_empty(&ex->res, 413);
        return;
    }
    if (service->def->handle) {
        service->def->handle(&ex->req, &ex->res);
        return;
    }
    const struct sim_route *route =
        service->def->routes ? sim_route(&ex->req, service->def->routes, NULL) : NULL;
    if (route)
        route->handle(&ex->req, &ex->res);
    else
        sim_respond_empty(&ex->res, 404);
}

void exchange_handle(struct sim_exchange *ex)
{
    if (ex->has_run)
        return;
    ex->has_run = true;
    ex->res.status = 500;
    ex->req.now_ms = sim_now_ms(ex->sim);
    call_handler(ex);
}

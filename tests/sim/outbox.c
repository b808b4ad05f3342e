/* The outbox: what services send by themselves, each message with its delay and its retries on the simulated clock, and
 * the list of what became of them. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

/* A message that waits, or is on its way:
 *
 *   waiting -> sending -> delivered
 *      ^          |
 *      +- retry --+-----> given up
 */
struct sim_delivery {
    struct sim_service *service;
    struct sim_message message; /* its texts and body are owned */
    struct sim_alarm alarm;
    struct sim_transfer *transfer;
    json_t *row; /* owned reference */
    size_t tries;
    struct sim_delivery *next, *previous;
};

static void set_state(struct sim_delivery *delivery, const char *state)
{
    (void)json_object_set_new(delivery->row, "state", json_string(state));
}

static void free_delivery(struct sim_delivery *delivery)
{
    struct sim *sim = delivery->service->sim;
    struct sim_message *message = &delivery->message;
    sim_alarm_clear(sim, &delivery->alarm);
    if (delivery->transfer)
        sender_cancel(delivery->transfer);
    if (delivery->next)
        delivery->next->previous = delivery->previous;
    if (delivery->previous)
        delivery->previous->next = delivery->next;
    else
        sim->deliveries = delivery->next;
    free((void *)(uintptr_t)message->what);
    free((void *)(uintptr_t)message->tag);
    free((void *)(uintptr_t)message->method);
    free((void *)(uintptr_t)message->url);
    free((void *)(uintptr_t)message->body);
    for (size_t i = 0; i < SIM_MESSAGE_HEADERS_MAX; i++)
        free((void *)(uintptr_t)message->headers[i]);
    json_decref(delivery->row);
    free(delivery);
}

/* ---- tries --------------------------------------------------------------------------------------------- */

static void try_now(struct sim_alarm *alarm);

static void wait_for_next(struct sim_delivery *delivery, int64_t after_ms)
{
    struct sim *sim = delivery->service->sim;
    int64_t due_ms = sim_now_ms(sim) + after_ms;
    set_state(delivery, "waiting");
    (void)json_object_set_new(delivery->row, "due_ms", json_integer((json_int_t)due_ms));
    sim_alarm_set(sim, &delivery->alarm, due_ms, try_now);
}

static void note_try(struct sim_delivery *delivery, unsigned status, const char *fault)
{
    json_t *tries = json_object_get(delivery->row, "tries");
    (void)json_array_append_new(tries, json_pack("{s:I, s:i, s:s?}", "at_ms",
                                                 (json_int_t)sim_now_ms(delivery->service->sim), "status",
                                                 (int)status, "fault", fault));
}

static void on_done(void *context, unsigned status, const char *fault)
{
    struct sim_delivery *delivery = context;
    const struct sim_message *message = &delivery->message;
    bool is_good = status >= 200 && status < 300;
    delivery->transfer = NULL;
    note_try(delivery, status, fault);
    bool is_last = message->heard ? message->heard(delivery->service, message->tag, status) : is_good;
    int64_t retry_ms = delivery->tries < SIM_TRIES_MAX ? message->retry_ms[delivery->tries] : 0;
    delivery->tries++;
    if (!is_last && retry_ms > 0) {
        wait_for_next(delivery, retry_ms);
        return;
    }
    set_state(delivery, is_good ? "delivered" : "given up");
    free_delivery(delivery);
}

static void try_now(struct sim_alarm *alarm)
{
    struct sim_delivery *delivery =
        (struct sim_delivery *)((char *)alarm - offsetof(struct sim_delivery, alarm));
    set_state(delivery, "sending");
    delivery->transfer = sender_begin(delivery->service->sim, &delivery->message, on_done, delivery);
    if (!delivery->transfer)
        on_done(delivery, 0, "the request cannot be made");
}

/* ---- what services call -------------------------------------------------------------------------------- */

static json_t *make_row(struct sim_service *service, const struct sim_message *message)
{
    struct sim *sim = service->sim;
    json_t *row = json_pack("{s:I, s:s, s:s, s:s?, s:s, s:s, s:s, s:[]}", "id", (json_int_t)++sim->sent_count,
                            "service", service->def->name, "what", message->what, "tag", message->tag,
                            "method", message->method, "url", message->url, "state", "lost", "tries");
    if (json_array_size(sim->sent) >= SIM_SENT_MAX)
        (void)json_array_remove(sim->sent, 0);
    (void)json_array_append(sim->sent, row);
    return row;
}

static void copy_message(struct sim_message *copy, const struct sim_message *message)
{
    *copy = *message;
    copy->what = sim_strdup(message->what);
    copy->tag = message->tag ? sim_strdup(message->tag) : NULL;
    copy->method = sim_strdup(message->method);
    copy->url = sim_strdup(message->url);
    for (size_t i = 0; i < SIM_MESSAGE_HEADERS_MAX; i++)
        copy->headers[i] = message->headers[i] ? sim_strdup(message->headers[i]) : NULL;
    if (!message->body)
        return;
    void *body = sim_malloc(message->body_size + 1);
    memcpy(body, message->body, message->body_size);
    copy->body = body;
}

void sim_send(struct sim_service *service, const struct sim_message *message)
{
    struct sim *sim = service->sim;
    json_t *row = make_row(service, message);
    if (message->is_lost) {
        json_decref(row);
        return;
    }
    struct sim_delivery *delivery = sim_calloc(1, sizeof(*delivery));
    delivery->service = service;
    delivery->row = row;
    copy_message(&delivery->message, message);
    delivery->next = sim->deliveries;
    if (delivery->next)
        delivery->next->previous = delivery;
    sim->deliveries = delivery;
    wait_for_next(delivery, message->delay_ms);
}

/* ---- what the framework calls -------------------------------------------------------------------------- */

void outbox_close(struct sim *sim)
{
    while (sim->deliveries)
        free_delivery(sim->deliveries);
    json_decref(sim->sent);
    sim->sent = NULL;
}

void outbox_reset(struct sim *sim)
{
    outbox_close(sim);
    sim->sent = json_array();
    sim->sent_count = 0;
}

json_t *outbox_show(const struct sim *sim, const char *service)
{
    json_t *list = json_array();
    size_t index;
    json_t *row;
    json_array_foreach (sim->sent, index, row) {
        const char *name = json_string_value(json_object_get(row, "service"));
        if (!service || strcmp(name, service) == 0)
            (void)json_array_append(list, row);
    }
    return list;
}

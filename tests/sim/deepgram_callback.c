/* DG.10: the answer that comes later, by itself, to a URL of the client's. */
#include "deepgram.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

enum { TRIES = 10, BETWEEN_MS = 30000 };
static_assert((int)TRIES <= (int)SIM_TRIES_MAX, "a message remembers every wait");

/* What identifies the key of the request without being it: the scenario's "id", or one that follows from the key. */
static const char *key_id(struct sim_request *req)
{
    const struct deepgram *deepgram = req->service->state;
    const char *header = sim_header(req, "Authorization");
    const char *key = header && strncasecmp(header, "Token ", 6) == 0 ? header + 6 : "";
    const char *id = json_string_value(json_object_get(json_object_get(deepgram->keys, key), "id"));
    if (id)
        return id;
    char *text = sim_alloc(req, 37);
    uint64_t state = 29;
    for (const char *at = key; *at; at++)
        state = state * 31 + (unsigned char)*at;
    dg_write_uuid(&state, text);
    return text;
}

void dg_send_callback(struct sim_request *req, const char *text, size_t size)
{
    const char *method = sim_query(req, "callback_method");
    struct sim_message message = {
        .what = "callback",
        .method = method && strcasecmp(method, "PUT") == 0 ? "PUT" : "POST",
        .url = sim_query(req, "callback"),
        .headers = { "Content-Type: application/json", sim_text(req, "dg-token: %s", key_id(req)) },
        .body = text,
        .body_size = size,
        .delay_ms = sim_knob_int(req->service, DG_CALLBACK_DELAY_MS),
        .timeout_ms = sim_knob_int(req->service, DG_CALLBACK_TIMEOUT_MS),
        .connect_port = (int)sim_knob_int(req->service, DG_CALLBACK_PORT),
    };
    for (size_t i = 0; i + 1 < TRIES; i++)
        message.retry_ms[i] = BETWEEN_MS;
    sim_send(req->service, &message);
}

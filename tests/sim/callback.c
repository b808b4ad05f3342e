/* The service "callback": the AI agent's own end, which is told about tickets. It believes only what is signed, and knows
 * repetitions by their key, as the manual asks of receivers. */
#include "service.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define SECRET_DEFAULT "demo-callback-secret-000000000001"

enum knob { CB_STATUS, CB_SECRET, CB_WINDOW_S, CB_LOCATION, CB_KNOBS };

static const struct sim_knob knobs[] = {
    [CB_STATUS] = { "status", SIM_INT, "200", NULL, 200, 599,
                    "what a good call is answered; it counts as accepted when this is 2xx" },
    [CB_SECRET] = { "secret", SIM_TEXT, SECRET_DEFAULT, NULL, 0, 0, "key of the signature" },
    [CB_WINDOW_S] = { "window_s", SIM_INT, "300", NULL, 0, 1000000,
                      "how far the time stamp may be from now, in real time; 0 does not look" },
    [CB_LOCATION] = { "location", SIM_TEXT, "", NULL, 0, 0, "a Location header for redirects" },
};
static_assert(sizeof(knobs) / sizeof(knobs[0]) == CB_KNOBS, "every knob has its row");

struct callback {
    json_t *events;  /* owned; idempotency key -> what was seen of it */
    json_t *order;   /* owned; keys in the order in which they were accepted */
    int64_t refused; /* calls that were not believed */
};

/* ---- what is believed ---------------------------------------------------------------------------------- */

static void refuse(struct sim_request *req, struct sim_response *res, unsigned status, const char *why)
{
    struct callback *callback = req->service->state;

    callback->refused++;
    sim_violation(req, "%s", why);
    sim_respond_json(res, status, json_pack("{s:s}", "error", why));
}

static void sign(struct sim_request *req, const char *seconds, char ret_text[80])
{
    const char *secret = sim_knob_text(req->service, CB_SECRET);
    size_t time_size = strlen(seconds), size = time_size + 1 + req->body_size;
    unsigned char *text = sim_alloc(req, size), digest[EVP_MAX_MD_SIZE];
    unsigned digest_size = 0;

    memcpy(text, seconds, time_size);
    text[time_size] = '.';
    memcpy(text + time_size + 1, req->body, req->body_size);
    (void)HMAC(EVP_sha256(), secret, (int)strlen(secret), text, size, digest, &digest_size);
    memcpy(ret_text, "sha256=", 8);
    for (unsigned i = 0; i < digest_size; i++)
        (void)snprintf(ret_text + 7 + 2 * (size_t)i, 3, "%02x", digest[i]);
}

static bool is_signed(struct sim_request *req)
{
    const char *seconds = sim_header(req, "X-Switchboard-Timestamp");
    const char *signature = sim_header(req, "X-Switchboard-Signature");
    int64_t window_s = sim_knob_int(req->service, CB_WINDOW_S);
    char want[80];
    char *end = NULL;

    if (!seconds || !signature)
        return false;
    sign(req, seconds, want);
    if (strlen(signature) != strlen(want) || CRYPTO_memcmp(signature, want, strlen(want)) != 0)
        return false;
    long long at_s = strtoll(seconds, &end, 10), now_s = (long long)time(NULL);
    return end != seconds && !*end && (window_s == 0 || llabs(now_s - at_s) <= window_s);
}

/* The document of a good call: gives a reference. NULL: it was answered. */
static json_t *read_event(struct sim_request *req, struct sim_response *res)
{
    const char *type = sim_header(req, "Content-Type"), *key = sim_header(req, "Idempotency-Key");
    json_t *body = json_loadb(req->body, req->body_size, JSON_REJECT_DUPLICATES, NULL);
    const char *id = json_string_value(json_object_get(body, "id"));

    if (!is_signed(req))
        refuse(req, res, 401, "the signature or its time is missing or wrong");
    else if (!type || strcasecmp(type, "application/json") != 0 || !json_is_object(body))
        refuse(req, res, 400, "the body is no JSON object");
    else if (!key || !id || strcmp(key, id) != 0)
        refuse(req, res, 400, "the Idempotency-Key is missing, or not the event's id");
    else if (!json_is_string(json_object_get(body, "event")) ||
             !json_is_string(json_object_get(body, "message")))
        refuse(req, res, 400, "the event or the message is missing");
    else
        return body;
    json_decref(body);
    return NULL;
}

/* ---- what is kept -------------------------------------------------------------------------------------- */

static void add(json_t *seen, const char *name, json_int_t more)
{
    json_object_set_new(seen, name, json_integer(json_integer_value(json_object_get(seen, name)) + more));
}

static json_t *seen_of(struct sim_request *req, const json_t *body)
{
    struct callback *callback = req->service->state;
    const char *id = json_string_value(json_object_get(body, "id"));
    json_t *seen = json_object_get(callback->events, id);

    if (seen)
        return seen;
    seen = json_pack("{s:i, s:i, s:i, s:I, s:s, s:s, s:O}", "attempts", 0, "accepted", 0, "repeats", 0,
                     "first_ms", (json_int_t)req->now_ms, "path", req->path, "body_sha256",
                     sim_body_sha256(req), "body", body);
    json_object_set_new(callback->events, id, seen);
    return seen;
}

static void handle_event(struct sim_request *req, struct sim_response *res)
{
    struct callback *callback = req->service->state;
    unsigned status = (unsigned)sim_knob_int(req->service, CB_STATUS);
    json_t *body = read_event(req, res);

    if (!body)
        return;
    json_t *seen = seen_of(req, body);
    add(seen, "attempts", 1);
    if (strcmp(json_string_value(json_object_get(seen, "body_sha256")), sim_body_sha256(req)) != 0)
        sim_violation(req, "an event was told again with another body");
    if (status < 300 && json_integer_value(json_object_get(seen, "accepted")) > 0) {
        add(seen, "repeats", 1);
    } else if (status < 300) {
        add(seen, "accepted", 1);
        json_object_set_new(seen, "accepted_ms", json_integer((json_int_t)req->now_ms));
        json_array_append_new(callback->order, json_string(json_string_value(json_object_get(body, "id"))));
    }
    sim_respond_json(res, status, json_pack("{s:b}", "received", status < 300));
    if (*sim_knob_text(req->service, CB_LOCATION))
        sim_respond_header(res, "Location", "%s", sim_knob_text(req->service, CB_LOCATION));
    json_decref(body);
}

static void handle_other(struct sim_request *req, struct sim_response *res)
{
    sim_violation(req, "%s %s", req->method, req->path);
    sim_respond_empty(res, 405);
}

static const struct sim_route routes[] = {
    { "POST", "/{path...}", handle_event },
    { "*", "/{path...}", handle_other },
    { NULL, NULL, NULL },
};

/* ---- the service --------------------------------------------------------------------------------------- */

static void set_defaults(struct callback *callback)
{
    json_decref(callback->events);
    json_decref(callback->order);
    *callback = (struct callback){ .events = json_object(), .order = json_array() };
}

static int start_callback(struct sim_service *service, struct sim_error *err)
{
    (void)err; /* Nothing here can fail. */
    service->state = sim_calloc(1, sizeof(struct callback));
    set_defaults(service->state);
    return 0;
}

static void stop_callback(struct sim_service *service)
{
    struct callback *callback = service->state;

    if (!callback)
        return;
    json_decref(callback->events);
    json_decref(callback->order);
    free(callback);
    service->state = NULL;
}

static void reset_callback(struct sim_service *service)
{
    set_defaults(service->state);
}

static json_t *report_callback(struct sim_service *service)
{
    const struct callback *callback = service->state;

    return json_pack("{s:O, s:O, s:I}", "events", callback->events, "accepted", callback->order, "refused",
                     (json_int_t)callback->refused);
}

/* The engine tells it at loopback, which has to be allowed. */
static void write_env(struct sim_service *service, struct sim_env *env)
{
    sim_env_put(env, "CALLBACK_SECRET", SECRET_DEFAULT);
    sim_env_put(env, "CALLBACK_HOSTS", strstr(service->base_url, "://") + strlen("://"));
    sim_env_put(env, "CALLBACK_ALLOW_PRIVATE", "true");
}

const struct sim_service_def sim_callback = {
    .name = "callback",
    .url_env = "CALLBACK_URL",
    .url_suffix = "/tickets",
    .knobs = knobs,
    .knob_count = CB_KNOBS,
    .routes = routes,
    .start = start_callback,
    .stop = stop_callback,
    .reset = reset_callback,
    .report = report_callback,
    .env = write_env,
};

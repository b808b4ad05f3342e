/* What /v1/listen checks before it listens (DG.1 to DG.7). */
#include "deepgram.h"

#include <inttypes.h>
#include <string.h>

const char *dg_request_id(struct sim_request *req)
{
    char *id = sim_alloc(req, 37);
    uint64_t state = req->serial * 0x9e3779b97f4a7c15u + sim_random(req->service);
    dg_write_uuid(&state, id);
    return id;
}

void dg_respond_fault(struct sim_request *req, struct sim_response *res, unsigned status, const char *code,
                      const char *text)
{
    sim_respond_json(
        res, status,
        json_pack("{s:s, s:s, s:s}", "err_code", code, "err_msg", text, "request_id", dg_request_id(req)));
}

/* DG.7: what the service was told to answer to everything. False when it was told nothing. */
bool dg_respond_scripted(struct sim_request *req, struct sim_response *res)
{
    const char *answer = sim_knob_text(req->service, DG_ANSWER);
    if (strcmp(answer, "normal") == 0)
        return false;
    if (strcmp(answer, "overloaded") == 0)
        dg_respond_fault(req, res, 503, "Service Unavailable", "Please try again later.");
    else if (strcmp(answer, "overloaded_error_code") == 0)
        sim_respond_json(res, 503,
                         json_pack("{s:s, s:s, s:s}", "error_code", "Service Unavailable", "err_msg",
                                   "Please try again later.", "request_id", dg_request_id(req)));
    else if (strcmp(answer, "timed_out") == 0)
        sim_respond_empty(res, 504);
    else if (strcmp(answer, "timed_out_html") == 0)
        sim_respond_text(res, 504, "text/html", "<html><body><h1>504 Gateway Time-out</h1></body></html>");
    else if (strcmp(answer, "cut_upload") == 0)
        dg_respond_fault(req, res, 422, "ASR_UNPROCESSABLE_ENTITY",
                         "Unable to read the entire client request.");
    else
        dg_respond_fault(req, res, 408, "SLOW_UPLOAD", "Request upload timeout.");
    return true;
}

/* ---- DG.1, DG.2, DG.4: the key and what it may ---- */

bool dg_check_key(struct sim_request *req, struct sim_response *res, const json_t **ret_key)
{
    const struct deepgram *deepgram = req->service->state;
    const char *header = sim_header(req, "Authorization");
    *ret_key = NULL;
    if (sim_knob_bool(req->service, DG_SELF_HOSTED))
        return true;
    if (header && strncasecmp(header, "Token ", 6) == 0)
        *ret_key = json_object_get(deepgram->keys, header + 6);
    if (!*ret_key) {
        dg_respond_fault(req, res, 401, "INVALID_AUTH", "Invalid credentials.");
        return false;
    }
    if (json_is_false(json_object_get(*ret_key, "scope"))) {
        dg_respond_fault(req, res, 401, "INSUFFICIENT_PERMISSIONS",
                         "User does not have sufficient permissions.");
        return false;
    }
    if (json_is_false(json_object_get(*ret_key, "credit"))) {
        dg_respond_fault(
            req, res, 402, "ASR_PAYMENT_REQUIRED",
            "Project does not have enough credits for an ASR request and does not have an overage "
            "agreement.");
        return false;
    }
    return true;
}

static bool is_forbidden(const json_t *key, const char *model)
{
    size_t index;
    json_t *name;
    json_array_foreach (json_object_get(key, "forbidden_models"), index, name) {
        if (json_is_string(name) && strcmp(json_string_value(name), model) == 0)
            return true;
    }
    return false;
}

bool dg_check_model(struct sim_request *req, struct sim_response *res, const struct dg_settings *settings,
                    const json_t *key)
{
    bool has_model = dg_has_model(settings->model);
    if (is_forbidden(key, settings->model) ||
        (!has_model && sim_knob_is(req->service, DG_UNKNOWN_MODEL, "403"))) {
        dg_respond_fault(req, res, 403, "INSUFFICIENT_PERMISSIONS",
                         "Project does not have access to the requested model.");
        return false;
    }
    if (has_model && (settings->detect_language || dg_speaks(settings->model, settings->language)))
        return true;
    dg_respond_fault(req, res, 400, "Bad Request",
                     "Bad Request: No such model/language/tier combination found.");
    return false;
}

/* ---- DG.5 ---- */

bool dg_check_concurrency(struct sim_request *req, struct sim_response *res,
                          const struct dg_settings *settings)
{
    struct deepgram *deepgram = req->service->state;
    bool is_intelligent = settings->summarize || settings->sentiment || settings->topics || settings->intents;
    int64_t limit = sim_knob_int(req->service, DG_CONCURRENCY_MAX);
    int64_t intelligence_max = sim_knob_int(req->service, DG_CONCURRENCY_INTELLIGENCE_MAX);
    int64_t entities_max = sim_knob_int(req->service, DG_CONCURRENCY_ENTITIES_MAX);
    if (is_intelligent && intelligence_max > 0 && (limit == 0 || intelligence_max < limit))
        limit = intelligence_max;
    if (settings->detect_entities && entities_max > 0 && (limit == 0 || entities_max < limit))
        limit = entities_max;
    if (req->in_flight > deepgram->in_flight_max)
        deepgram->in_flight_max = req->in_flight;
    if (limit == 0 || req->in_flight <= limit)
        return true;
    deepgram->too_many++;
    dg_respond_fault(req, res, 429, "TOO_MANY_REQUESTS", "Too many requests. Please try again later");
    int64_t after_s = sim_knob_int(req->service, DG_RETRY_AFTER_S);
    if (after_s > 0)
        sim_respond_header(res, "Retry-After", "%" PRId64, after_s);
    return false;
}

/* ---- DG.6, DG.7: the body ---- */

static void respond_bad_json(struct sim_request *req, struct sim_response *res, const char *details)
{
    if (sim_knob_is(req->service, DG_JSON_ERRORS, "modern"))
        sim_respond_json(res, 400,
                         json_pack("{s:s, s:s, s:s, s:s}", "category", "INVALID_JSON", "message",
                                   "Invalid JSON submitted.", "details", details, "request_id",
                                   dg_request_id(req)));
    else
        dg_respond_fault(req, res, 400, "Bad Request",
                         "Content-type was application/json, but we could not process the JSON payload.");
}

/* A JSON body names an address. Everything that this program could fetch is private, which the service
 * refuses. */
static void handle_json_body(struct sim_request *req, struct sim_response *res)
{
    json_error_t error;
    json_t *body = json_loadb(req->body, req->body_size, 0, &error);
    if (!body)
        respond_bad_json(req, res,
                         sim_text(req, "Json deserialize error: %s at line %d column %d", error.text,
                                  error.line, error.column));
    else if (!json_is_string(json_object_get(body, "url")))
        respond_bad_json(req, res, "Json deserialize error: missing field `url` at line 1 column 1");
    else
        dg_respond_fault(req, res, 400, "REMOTE_CONTENT_ERROR",
                         "The remote server hosting the media returned a client error: 404 Not Found.");
    json_decref(body);
}

/* Raw samples have no header: their length follows from what the query says. */
static int read_raw(const struct sim_request *req, const struct dg_settings *settings,
                    struct dg_audio *ret_audio)
{
    struct dg_audio sniffed;
    /* A container that is announced as raw samples ends in noise. */
    if (dg_audio_read((const uint8_t *)req->body, req->body_size, &sniffed) == 0)
        return -1;
    double bytes_per_sample = strcmp(settings->encoding, "linear16") == 0 ? 2 : 1;
    if (settings->sample_rate <= 0 || req->body_size == 0)
        return -1;
    *ret_audio = (struct dg_audio){ .format = settings->encoding, .channels = 1 };
    ret_audio->seconds = (double)req->body_size / bytes_per_sample / (double)settings->sample_rate;
    return 0;
}

bool dg_read_body(struct sim_request *req, struct sim_response *res, const struct dg_settings *settings,
                  struct dg_audio *ret_audio)
{
    const char *type = sim_header(req, "Content-Type");
    int64_t limit_ms = sim_knob_int(req->service, DG_SLOW_UPLOAD_MS);
    if (limit_ms > 0 && req->upload_ms > limit_ms) {
        dg_respond_fault(req, res, 408, "SLOW_UPLOAD", "Request upload timeout.");
        return false;
    }
    if (type && strncasecmp(type, "application/json", 16) == 0) {
        handle_json_body(req, res);
        return false;
    }
    int rc = settings->encoding ? read_raw(req, settings, ret_audio)
                                : dg_audio_read((const uint8_t *)req->body, req->body_size, ret_audio);
    if (rc < 0)
        dg_respond_fault(req, res, 400, "Bad Request",
                         "Bad Request: failed to process audio: corrupt or unsupported data");
    return rc == 0;
}

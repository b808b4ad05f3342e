/* The recordings host: files of calls behind four kinds of door. */
#include "recordings.h"
#include "recordings_mp3.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum knob { MODE, NOT_READY, REDIRECT, CLIENT_IP_ALLOWED, KNOBS };

static const struct sim_knob knobs[] = {
    [MODE] = { "mode", SIM_WORD, "basic", "basic|open|ip|presigned", 0, 0,
               "E5.1: who may fetch, for accounts that do not say it themselves" },
    [NOT_READY] = { "not_ready", SIM_WORD, "404", "404|403|empty", 0, 0,
                    "E5.2: answer for a file that is not there yet" },
    [REDIRECT] = { "redirect", SIM_BOOL, "false", NULL, 0, 0,
                   "E5.3: 302 to a presigned address instead of the file" },
    [CLIENT_IP_ALLOWED] = { "client_ip_allowed", SIM_BOOL, "false", NULL, 0, 0,
                            "E5.1: in the mode ip, whether this client is on the list" },
};
static_assert(sizeof(knobs) / sizeof(knobs[0]) == KNOBS, "every knob has its row");

static void respond_s3_error(struct sim_request *req, struct sim_response *res, unsigned status,
                             const char *code, const char *message)
{
    sim_respond_text(
        res, status, "application/xml",
        sim_text(req,
                 "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>%s</Message>"
                 "<RequestId>DEMO%012" PRIX64 "</RequestId></Error>",
                 code, message, req->serial));
}

/* ---- ranges ---- */

/* Reads one range of bytes: 206, 416, or 200 when there is none or it is of a form that servers ignore. */
static unsigned read_range(const char *text, size_t size, size_t *ret_first, size_t *ret_count)
{
    char *end;
    *ret_first = 0;
    *ret_count = size;
    if (!text || strncmp(text, "bytes=", 6) != 0 || strchr(text, ','))
        return 200;
    text += 6;
    if (*text == '-' && isdigit((unsigned char)text[1])) {
        unsigned long long count = strtoull(text + 1, &end, 10);
        if (*end)
            return 200;
        *ret_count = count < size ? (size_t)count : size;
        *ret_first = size - *ret_count;
        return *ret_count > 0 ? 206 : 416;
    }
    if (!isdigit((unsigned char)*text))
        return 200;
    unsigned long long first = strtoull(text, &end, 10), last = ULLONG_MAX;
    if (*end != '-')
        return 200;
    if (isdigit((unsigned char)end[1]))
        last = strtoull(end + 1, &end, 10);
    else
        end++;
    if (*end || last < first)
        return 200;
    if (first >= size)
        return 416;
    *ret_first = (size_t)first;
    *ret_count = (size_t)(last < size - 1 ? last : size - 1) - *ret_first + 1;
    return 206;
}

static void send_recording(struct sim_request *req, struct sim_response *res, struct exo_call *call)
{
    struct recordings *recordings = req->service->state;
    struct sim_blob *file = recordings_read_file(call);
    size_t size = file ? sim_blob_size(file) : 0, first, count;
    if (call->recording.file && !file) {
        respond_s3_error(req, res, 404, "NoSuchKey", "The file of this recording cannot be read");
        return;
    }
    uint8_t *bytes = file ? NULL : recordings_make(recordings, call, &size);
    unsigned status = read_range(sim_header(req, "Range"), size, &first, &count);
    if (status == 416) {
        free(bytes);
        sim_respond_empty(res, 416);
        sim_respond_header(res, "Content-Range", "bytes */%zu", size);
        return;
    }
    if (file) {
        sim_respond_blob(res, status, "audio/mpeg", file, first, count);
    } else {
        memmove(bytes, bytes + first, count);
        sim_respond_buffer(res, status, "audio/mpeg", bytes, count);
    }
    sim_respond_header(res, "Accept-Ranges", "bytes");
    if (status == 206)
        sim_respond_header(res, "Content-Range", "bytes %zu-%zu/%zu", first, first + count - 1, size);
    call->recording.served++;
    recordings->served++;
    recordings->bytes_served += count;
}

/* ---- doors ---- */

static bool has_basic(struct sim_request *req, const struct exo_call *call)
{
    const char *user, *password;
    return sim_basic_auth(req, &user, &password) && strcmp(user, call->account->api_key) == 0 &&
           strcmp(password, call->account->api_token) == 0;
}

static void respond_unauthorized(struct sim_request *req, struct sim_response *res, struct exo_call *call)
{
    struct recordings *recordings = req->service->state;
    recordings->unauthorized++;
    if (call)
        call->recording.refused++;
    sim_respond_text(res, 401, "text/html", "<html><body><h1>401 Authorization Required</h1></body></html>");
    sim_respond_header(res, "WWW-Authenticate", "Basic realm=\"Restricted\"");
}

/* True when the caller may have the file; otherwise the answer is in `res`. */
static bool pass_presigned(struct sim_request *req, struct sim_response *res, struct exo_call *call)
{
    struct recordings *recordings = req->service->state;
    if (sim_header(req, "Authorization")) {
        recordings->both_auths++;
        sim_violation(req, "credentials sent to the presigned address of '%s'", call->recording.key);
        respond_s3_error(
            req, res, 400, "InvalidArgument",
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query "
            "string parameter or the Authorization header should be specified");
        return false;
    }
    const char *fault = recordings_check_signature(req, call);
    if (!fault)
        return true;
    recordings->expired++;
    call->recording.refused++;
    respond_s3_error(req, res, 403, strstr(fault, "signature we") ? "SignatureDoesNotMatch" : "AccessDenied",
                     fault);
    return false;
}

static bool pass_door(struct sim_request *req, struct sim_response *res, struct exo_call *call)
{
    const char *mode =
        call->account->recordings ? call->account->recordings : sim_knob_text(req->service, MODE);
    if (strcmp(mode, "open") == 0)
        return true;
    if (strcmp(mode, "ip") == 0) {
        if (sim_knob_bool(req->service, CLIENT_IP_ALLOWED))
            return true;
        call->recording.refused++;
        sim_respond_text(res, 403, "text/html", "<html><body>Invalid IP</body></html>");
        return false;
    }
    if (strcmp(mode, "presigned") == 0) {
        call->recording.refused++;
        respond_s3_error(req, res, 403, "AccessDenied", "Access Denied");
        return false;
    }
    if (has_basic(req, call))
        return true;
    respond_unauthorized(req, res, call);
    return false;
}

static bool is_there(const struct exo_call *call, int64_t now_ms)
{
    const struct exo_recording *recording = &call->recording;
    return recording->delay_ms >= 0 && now_ms >= call->end_ms + recording->delay_ms;
}

static void respond_not_ready(struct sim_request *req, struct sim_response *res, struct exo_call *call)
{
    struct recordings *recordings = req->service->state;
    recordings->not_ready++;
    call->recording.not_ready++;
    if (sim_knob_is(req->service, NOT_READY, "empty"))
        sim_respond_bytes(res, 200, "audio/mpeg", "", 0);
    else if (sim_knob_is(req->service, NOT_READY, "403"))
        respond_s3_error(req, res, 403, "AccessDenied", "Access Denied");
    else
        respond_s3_error(req, res, 404, "NoSuchKey", "The specified key does not exist.");
}

/* A name that nobody has is told only to those who may ask for names at all. */
static void handle_unknown(struct sim_request *req, struct sim_response *res)
{
    struct exotel *exotel = exotel_of(req->service->sim);
    const struct exo_account *account = exo_find_account(exotel, sim_param(req, "account"));
    const char *user, *password;
    bool is_known = account && sim_basic_auth(req, &user, &password) && strcmp(user, account->api_key) == 0 &&
                    strcmp(password, account->api_token) == 0;
    if (is_known || !sim_knob_is(req->service, MODE, "basic"))
        respond_s3_error(req, res, 404, "NoSuchKey", "The specified key does not exist.");
    else
        respond_unauthorized(req, res, NULL);
}

static void handle_get(struct sim_request *req, struct sim_response *res)
{
    struct exo_call *call =
        exo_find_recording(exotel_of(req->service->sim), sim_param(req, "account"), sim_param(req, "name"));
    if (!call) {
        handle_unknown(req, res);
        return;
    }
    bool is_presigned = strstr(req->query_text, "X-Amz-") != NULL;
    if (!(is_presigned ? pass_presigned(req, res, call) : pass_door(req, res, call)))
        return;
    if (call->recording.is_deleted) {
        respond_s3_error(req, res, 404, "NoSuchKey", "The specified key does not exist.");
        return;
    }
    if (!is_there(call, req->now_ms)) {
        respond_not_ready(req, res, call);
        return;
    }
    if (!is_presigned && sim_knob_bool(req->service, REDIRECT)) {
        char *query = recordings_sign(call, req->now_ms, 5);
        sim_respond_empty(res, 302);
        sim_respond_header(res, "Location", "%s%s?%s", req->service->base_url, req->path, query);
        free(query);
        return;
    }
    send_recording(req, res, call);
}

static const struct sim_route routes[] = {
    { "GET", "/exotelrecordings/{account}/{name}.mp3", handle_get },
    { "HEAD", "/exotelrecordings/{account}/{name}.mp3", handle_get },
    { "GET", "/exotel-mum1-recordings/{account}/{name}.mp3", handle_get },
    { "HEAD", "/exotel-mum1-recordings/{account}/{name}.mp3", handle_get },
    { NULL, NULL, NULL },
};

/* ---- the service ---- */

static int start_recordings(struct sim_service *service, struct sim_error *err)
{
    (void)err; /* Nothing here can fail. */
    struct recordings *recordings = sim_calloc(1, sizeof(*recordings));
    for (unsigned i = 0; i < 4; i++)
        recordings->streams[i].shape = (struct mp3_shape){ .channels = i / 2 + 1, .is_silent = i % 2 != 0 };
    service->state = recordings;
    return 0;
}

static void stop_recordings(struct sim_service *service)
{
    struct recordings *recordings = service->state;
    for (unsigned i = 0; recordings && i < 4; i++)
        free(recordings->streams[i].bytes);
    free(recordings);
    service->state = NULL;
}

static void reset_recordings(struct sim_service *service)
{
    struct recordings *recordings = service->state;
    recordings->served = recordings->bytes_served = recordings->unauthorized = 0;
    recordings->not_ready = recordings->expired = recordings->both_auths = 0;
}

static json_t *report_recordings(struct sim_service *service)
{
    const struct recordings *recordings = service->state;
    const struct exotel *exotel = exotel_of(service->sim);
    json_t *served = json_object();
    for (size_t i = 0; i < exotel->call_count; i++)
        if (exotel->calls[i]->recording.served > 0)
            json_object_set_new(served, exotel->calls[i]->sid,
                                json_integer((json_int_t)exotel->calls[i]->recording.served));
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "served", (json_int_t)recordings->served, "bytes",
                     (json_int_t)recordings->bytes_served, "unauthorized",
                     (json_int_t)recordings->unauthorized, "not_ready", (json_int_t)recordings->not_ready,
                     "expired", (json_int_t)recordings->expired, "credentials_with_presigned",
                     (json_int_t)recordings->both_auths, "served_by_call", served);
}

const struct sim_service_def sim_recordings = {
    .name = "recordings",
    .url_env = "EXOTEL_RECORDINGS_URL",
    .knobs = knobs,
    .knob_count = KNOBS,
    .routes = routes,
    .start = start_recordings,
    .stop = stop_recordings,
    .reset = reset_recordings,
    .report = report_recordings,
};

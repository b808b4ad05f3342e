/* Two hosts of the agents: where their files are, and where they are told of tickets. The receiver believes only what is
 * signed, and takes an event that it knows for a repetition. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/scope.h"
#include "simulation/company.h"
#include "simulation/memory.h"
#include "simulation/truth_escalation.h"

enum { FRESH_S = 300, SIGNED_MAX = 64 * 1024 };

/* ---- files --------------------------------------------------------------------------------------------- */

void files_handle(void *ctx, const struct sim_request *request, struct sim_reply *reply)
{
    struct company *company = ctx;
    const struct truth *truth = &company->truth;

    watch_request(company, request);
    reply->think_ms = chance_between(&company->chance, 20, 3000);
    reply->status = 404;
    for (size_t i = 0; i < truth->escalation_count; i++) {
        const struct truth_escalation *escalation = truth->escalations[i];
        size_t size = strlen(escalation->said.code);
        if (request->path[0] != '/' || strncmp(request->path + 1, escalation->said.code, size) != 0 ||
            request->path[1 + size] != '/')
            continue;
        size_t index = strtoul(request->path + size + 2, NULL, 10);
        if (index >= escalation->file_count || escalation->files[index].is_missing)
            return;
        reply->status = 200;
        reply->body = sim_copy(escalation->files[index].content);
        reply->body_size = strlen(reply->body);
        reply->content_type = "image/png";
        return;
    }
}

/* ---- callbacks ----------------------------------------------------------------------------------------- */

static void blame(struct company *company, const struct sim_request *request, const char *what)
{
    truth_breach(&company->truth, "callbacks-are-right", "%s: a callback %s: %.200s", request->path, what,
                 request->body ? request->body : "");
}

/* A clock that jumps signs with the time that it has. */
static bool is_signed(const struct company *company, const struct sim_request *request)
{
    const char *stamp = sim_request_header(request, "X-Switchboard-Timestamp");
    const char *given = sim_request_header(request, "X-Switchboard-Signature");
    char hex[DIGEST_HEX_SIZE];
    AUTO_BUF text;

    buf_init(&text, SIGNED_MAX);
    if (!stamp || !given || strncmp(given, "sha256=", 7) != 0)
        return false;
    buf_printf(&text, "%s.", stamp);
    buf_add(&text, request->body, request->body_size);
    digest_hmac_hex(SIM_CALLBACK_SECRET, strlen(SIM_CALLBACK_SECRET), text.data, text.len, hex);
    int64_t age_s = request->now_ms / 1000 - strtoll(stamp, NULL, 10);
    bool has_clock = !company->world || world_totals(company->world)->faults[FAULT_WALL_JUMP] == 0;
    bool is_fresh = request->is_stray || !has_clock || (age_s > -FRESH_S && age_s < FRESH_S);
    return is_fresh && strcmp(hex, given + 7) == 0;
}

/* "/web/esc-zeabcdef" */
static struct truth_escalation *escalation_of(const struct truth *truth, const char *path)
{
    const char *slash = path[0] == '/' ? strchr(path + 1, '/') : NULL;
    char agent[16] = "";

    if (!slash || (size_t)(slash - path) > sizeof(agent))
        return NULL;
    (void)snprintf(agent, sizeof(agent), "%.*s", (int)(slash - path - 1), path + 1);
    return truth_escalation_by_id(truth, agent, slash + 1);
}

static struct truth_event *event_of(struct company *company, const struct sim_request *request,
                                    const struct truth_escalation *escalation, const json_t *body)
{
    const char *key = sim_request_header(request, "Idempotency-Key");
    const char *id = json_string_value(json_object_get(body, "id"));
    const char *word = json_string_value(json_object_get(body, "event"));
    const char *number = json_string_value(json_object_get(body, "ticket_number"));
    int64_t sequence = json_integer_value(json_object_get(body, "sequence"));

    if (!key || !id || !word || strcmp(key, id) != 0 || strlen(key) >= TRUTH_KEY_SIZE)
        return NULL;
    struct truth_event *event = truth_event_by_key(&company->truth, key);
    if (event && (event->escalation != escalation || event->sequence != sequence ||
                  event->is_delay != (strcmp(word, "ticket.delayed") == 0)))
        return NULL;
    if (!event) {
        event = truth_add_event(&company->truth, request->now_ms);
        (void)snprintf(event->key, sizeof(event->key), "%s", key);
        event->escalation = escalation;
        event->is_delay = strcmp(word, "ticket.delayed") == 0;
        event->sequence = sequence;
    }
    (void)snprintf(event->number, sizeof(event->number), "%s", number ? number : "");
    return event;
}

static void receive(struct company *company, struct truth_event *event, const struct sim_request *request,
                    struct sim_reply *reply)
{
    event->arrivals++;
    if (event->is_refused_for_good && request->now_ms < company->scenario->quiet_ms) {
        reply->status = 410;
    } else if (company_fault(company, FAULT_RECEIVER_GONE)) {
        event->is_refused_for_good = true;
        reply->status = 410;
    } else if (company_fault(company, FAULT_RECEIVER_FAILS)) {
        static const int statuses[] = { 500, 503, 429, 408 };
        reply->status = statuses[company_fault_between(company, FAULT_RECEIVER_FAILS, 0, 3)];
    } else {
        event->accepted_ms = event->accepted_ms ? event->accepted_ms : request->now_ms;
        reply->status = 204;
        reply->had_effect = true;
    }
}

void receiver_handle(void *ctx, const struct sim_request *request, struct sim_reply *reply)
{
    struct company *company = ctx;
    const struct truth_escalation *escalation = escalation_of(&company->truth, request->path);
    AUTO_JSON body = json_loadb(request->body ? request->body : "", request->body_size, 0, NULL);
    const char *id = json_string_value(json_object_get(body, "escalation_id"));

    watch_request(company, request);
    reply->think_ms = chance_between(&company->chance, 20, 2000);
    reply->status = 400;
    if (strcmp(request->method, "POST") != 0 || !escalation || !escalation->has_callback || !id ||
        strcmp(id, escalation->id) != 0) {
        blame(company, request, "is for nobody");
        return;
    }
    if (!is_signed(company, request)) {
        blame(company, request, "is not signed as it must be");
        return;
    }
    if (strstr(request->body, escalation->said.lines[0].text)) {
        blame(company, request, "tells what was said");
        return;
    }
    struct truth_event *event = event_of(company, request, escalation, body);
    if (!event)
        blame(company, request, "has no key of its own");
    else
        receive(company, event, request, reply);
}

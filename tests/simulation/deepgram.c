/* Deepgram, recordings in one request: the transcript is what was said in the call whose recording came, word for word. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/scope.h"
#include "simulation/company.h"
#include "simulation/memory.h"

enum { TEXT_MAX = 1024 * 1024 };

static void refuse(struct sim_reply *reply, int status, const char *code, const char *message)
{
    sim_reply_json(reply, status,
                   json_pack("{s:s, s:s, s:s}", "err_code", code, "err_msg", message, "request_id",
                             "5f0c7a0e-3d1b-4c52-9a55-0d6f6a1b2c3d"));
}

static bool is_on(const struct sim_request *request, const char *name)
{
    AUTO_STR value = sim_form_value(request->query, name);

    return value && strcmp(value, "true") == 0;
}

/* Each channel has its speaker; one channel has both. */
static bool is_heard(const struct truth_line *line, bool is_multichannel, unsigned channel)
{
    return !is_multichannel || line->speaker == channel;
}

/* The word without its signs. */
static json_t *bare_word(const char *text, size_t size)
{
    while (size > 0 && (text[size - 1] == '.' || text[size - 1] == ','))
        size--;
    return json_stringn(text, size);
}

/* Words take the same time each, one after the other without a breath. */
static void add_words(json_t *words, const struct truth_line *line, bool has_speakers)
{
    size_t count = 1;

    for (const char *at = line->text; (at = strchr(at, ' ')) != NULL; at++)
        count++;
    double each = (double)(line->end_ms - line->start_ms) / 1000 / (double)count;
    double start = (double)line->start_ms / 1000;
    for (const char *at = line->text; *at; at += strspn(at, " "), start += each) {
        size_t size = strcspn(at, " ");
        json_t *word = json_object();
        json_object_set_new(word, "word", bare_word(at, size));
        json_object_set_new(word, "start", json_real(start));
        json_object_set_new(word, "end", json_real(start + each));
        json_object_set_new(word, "confidence", json_real(0.98));
        json_object_set_new(word, "punctuated_word", json_stringn(at, size));
        if (has_speakers)
            json_object_set_new(word, "speaker", json_integer(line->speaker));
        json_array_append_new(words, word);
        at += size;
    }
}

static json_t *channel_json(const struct truth_call *call, bool is_multichannel, unsigned channel)
{
    json_t *words = json_array();
    struct buf text;

    buf_init(&text, TEXT_MAX);
    for (size_t i = 0; i < call->line_count; i++) {
        if (!is_heard(&call->lines[i], is_multichannel, channel))
            continue;
        buf_str(&text, text.len ? " " : "");
        buf_str(&text, call->lines[i].text);
        add_words(words, &call->lines[i], !is_multichannel);
    }
    AUTO_STR taken = buf_take(&text, NULL);
    return json_pack("{s:[{s:s, s:f, s:o}]}", "alternatives", "transcript", taken, "confidence",
                     taken[0] ? 0.987654 : 0.0, "words", words);
}

/* With several channels, those of one come after those of the other. */
static json_t *utterances_json(const struct truth_call *call, bool is_multichannel)
{
    json_t *list = json_array();

    for (unsigned channel = 0; channel < (is_multichannel ? 2U : 1U); channel++) {
        for (size_t i = 0; i < call->line_count; i++) {
            const struct truth_line *line = &call->lines[i];
            if (!is_heard(line, is_multichannel, channel))
                continue;
            json_t *item =
                json_pack("{s:f, s:f, s:f, s:i, s:s, s:[]}", "start", (double)line->start_ms / 1000, "end",
                          (double)line->end_ms / 1000, "confidence", 0.98, "channel", (int)channel,
                          "transcript", line->text, "words");
            if (!is_multichannel)
                json_object_set_new(item, "speaker", json_integer(line->speaker));
            json_array_append_new(list, item);
        }
    }
    return list;
}

static void transcribe(const struct sim_request *request, struct truth_call *call, struct sim_reply *reply)
{
    bool is_multichannel = is_on(request, "multichannel") && call->channels == 2;
    json_t *channels = json_array();

    for (unsigned channel = 0; channel < (is_multichannel ? 2U : 1U); channel++)
        json_array_append_new(channels, channel_json(call, is_multichannel, channel));
    json_t *results = json_pack("{s:o}", "channels", channels);
    if (is_on(request, "utterances"))
        json_object_set_new(results, "utterances", utterances_json(call, is_multichannel));
    call->transcribed++;
    reply->had_effect = true; /* it costs money */
    sim_reply_json(reply, 200,
                   json_pack("{s:{s:s, s:s, s:f, s:i, s:[s], s:{s:{s:s}}}, s:o}", "metadata", "request_id",
                             "5f0c7a0e-3d1b-4c52-9a55-0d6f6a1b2c3d", "created", "2026-03-09T10:15:30.123Z",
                             "duration", (double)call->talk_s, "channels", is_multichannel ? 2 : 1, "models",
                             "9d8f7e6c-1111-4222-8333-444455556666", "model_info",
                             "9d8f7e6c-1111-4222-8333-444455556666", "name", "general-nova-3", "results",
                             results));
}

static void refuse_by_chance(struct company *company, struct truth_call *call, struct sim_reply *reply)
{
    call->refused++;
    switch (company_fault_between(company, FAULT_SERVICE_REFUSES, 0, 5)) {
    case 0:
        refuse(reply, 400, "Bad Request",
               "Bad Request: failed to process audio: corrupt or unsupported data");
        break;
    case 1:
        refuse(reply, 402, "ASR_PAYMENT_REQUIRED",
               "Project does not have enough credits for an ASR request and does not have an overage "
               "agreement.");
        break;
    case 2:
        refuse(reply, 408, "SLOW_UPLOAD", "Request upload timeout.");
        break;
    case 3:
        refuse(reply, 422, "ASR_UNPROCESSABLE_ENTITY", "Unable to read the entire client request.");
        break;
    case 4:
        refuse(reply, 503, "Service Unavailable", "Please try again later.");
        break;
    default:
        refuse(reply, 429, "TOO_MANY_REQUESTS", "Too many requests. Please try again later");
        break;
    }
}

void deepgram_handle(void *ctx, const struct sim_request *request, struct sim_reply *reply)
{
    struct company *company = ctx;
    const char *authorization = sim_request_header(request, "Authorization");
    const char *type = sim_request_header(request, "Content-Type");
    AUTO_STR model = sim_form_value(request->query, "model");

    watch_request(company, request);
    reply->think_ms = chance_between(&company->chance, 500, 20000);
    if (!authorization || strcmp(authorization, "Token " SIM_DEEPGRAM_KEY) != 0) {
        refuse(reply, 401, "INVALID_AUTH", "Invalid credentials.");
        return;
    }
    if (strcmp(request->method, "POST") != 0 || strcmp(request->path, "/v1/listen") != 0) {
        refuse(reply, 404, "Not Found", "Not Found");
        return;
    }
    if (!model || strcmp(model, "nova-3") != 0) {
        refuse(reply, 403, "INSUFFICIENT_PERMISSIONS",
               "Project does not have access to the requested model.");
        return;
    }
    struct truth_call *call = recording_call(&company->truth, request->body, request->body_size);
    if (!call || !type || strncmp(type, "audio/", 6) != 0) {
        truth_breach(&company->truth, "whole-recording",
                     "a transcriber got %zu bytes that are not the whole recording of a call",
                     request->body_size);
        refuse(reply, 400, "Bad Request",
               "Bad Request: failed to process audio: corrupt or unsupported data");
        return;
    }
    if (company_fault(company, FAULT_SERVICE_REFUSES))
        refuse_by_chance(company, call, reply);
    else
        transcribe(request, call, reply);
}

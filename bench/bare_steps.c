/* The steps of the bare program: what each sends, and what is kept of its answer. */
#include "bare.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void add_header(struct call *call, const char *name, const char *value)
{
    char line[URL_SIZE];

    (void)snprintf(line, sizeof(line), "%s: %s", name, value);
    call->headers = curl_slist_append(call->headers, line);
}

static void put_body(struct call *call, json_t *doc)
{
    call->body = json_dumps(doc, JSON_COMPACT);
    json_decref(doc);
    if (!call->body)
        bare_die("out of memory");
    add_header(call, "Content-Type", "application/json");
    curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE, (long)strlen(call->body));
    curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, call->body);
}

static json_t *text_type(void)
{
    return json_pack("{s:s}", "type", "string");
}

/* As many members as the engine asks for. */
static json_t *answer_format(void)
{
    static const char *const names[] = { "language",   "summary",         "concern",    "category",
                                         "mood",       "priority_reason", "priority",   "resolved",
                                         "escalation", "callback",        "confidence", "is_support",
                                         "injection",  "enough",          NULL };
    json_t *properties = json_object(), *required = json_array();

    for (size_t i = 0; names[i]; i++) {
        (void)json_object_set_new(properties, names[i], text_type());
        (void)json_array_append_new(required, json_string(names[i]));
    }
    return json_pack("{s:s, s:{s:s, s:b, s:{s:s, s:o, s:o, s:b}}}", "type", "json_schema", "json_schema",
                     "name", "call", "strict", 1, "schema", "type", "object", "properties", properties,
                     "required", required, "additionalProperties", 0);
}

static json_t *classify_body(const struct call *call)
{
    return json_pack("{s:s, s:[{s:s, s:s}, {s:s, s:s}], s:o}", "model", "gpt-6-luna", "messages", "role",
                     "system", "content", bare.system, "role", "user", "content", call->transcript,
                     "response_format", answer_format());
}

static json_t *ticket_body(const struct call *call)
{
    char subject[URL_SIZE], description[1024];

    (void)snprintf(subject, sizeof(subject), "Call from %s - %.150s [%s]", call->from, call->concern,
                   call->sid);
    (void)snprintf(description, sizeof(description), "Concern: %.200s<br>Recording: %s<br>Call id: %s",
                   call->concern, call->recording, call->sid);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "subject", subject, "departmentId",
                     bare.department, "contactId", call->contact, "description", description, "channel",
                     "Phone", "status", "Open", "priority", "Medium");
}

static void desk_request(struct call *call, char *url, const char *path)
{
    (void)snprintf(url, URL_SIZE, "%s/api/v1%s", bare.desk, path);
    add_header(call, "orgId", bare.org);
    add_header(call, "Authorization", bare.desk_token);
}

static void find_request(struct call *call, char *url, const char *field, size_t digits)
{
    char path[128];
    size_t length = strlen(call->from);

    (void)snprintf(path, sizeof(path), "/contacts/search?%s=%%2A%s&sortBy=createdTime&limit=100&from=0",
                   field, call->from + (length > digits ? length - digits : 0));
    desk_request(call, url, path);
}

static void listen_request(struct call *call, char *url)
{
    (void)snprintf(
        url, URL_SIZE,
        "%s/v1/"
        "listen?model=nova-3&language=en-IN&smart_format=true&diarize_model=latest&mip_opt_out=true",
        bare.deepgram);
    char key[128];
    (void)snprintf(key, sizeof(key), "Token %s", bare.deepgram_key);
    add_header(call, "Authorization", key);
    add_header(call, "Content-Type", "audio/mpeg");
    add_header(call, "Expect", "");
    call->in = fopen(call->file, "rbe");
    if (!call->in || fseek(call->in, 0, SEEK_END) != 0)
        bare_die("cannot read the recording");
    long size = ftell(call->in);
    rewind(call->in);
    curl_easy_setopt(call->easy, CURLOPT_POST, 1L);
    curl_easy_setopt(call->easy, CURLOPT_READDATA, call->in);
    curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE, size);
}

static void recording_request(struct call *call, char *url)
{
    (void)snprintf(url, URL_SIZE, "%s", call->recording);
    (void)snprintf(call->file, sizeof(call->file), "%s/%s.mp3", bare.folder, call->sid);
    call->out = fopen(call->file, "wbe");
    if (!call->out)
        bare_die("cannot write the recording");
    curl_easy_setopt(call->easy, CURLOPT_USERNAME, bare.key);
    curl_easy_setopt(call->easy, CURLOPT_PASSWORD, bare.token);
    curl_easy_setopt(call->easy, CURLOPT_WRITEFUNCTION, NULL);
    curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call->out);
}

static void note_request(struct call *call, char *url)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "/tickets/%s/comments", call->ticket);
    desk_request(call, url, path);
    put_body(call, json_pack("{s:s, s:b, s:s}", "content", call->transcript, "isPublic", 0, "contentType",
                             "plainText"));
}

void bare_build(struct call *call, char *url)
{
    char key[256];

    switch (call->step) {
    case STEP_RECORDING:
        recording_request(call, url);
        break;
    case STEP_LISTEN:
        listen_request(call, url);
        break;
    case STEP_CLASSIFY:
        (void)snprintf(url, URL_SIZE, "%s/chat/completions", bare.openai);
        (void)snprintf(key, sizeof(key), "Bearer %s", bare.openai_key);
        add_header(call, "Authorization", key);
        put_body(call, classify_body(call));
        break;
    case STEP_FIND_1:
    case STEP_FIND_3:
        find_request(call, url, "phone", call->step == STEP_FIND_1 ? 10 : 4);
        break;
    case STEP_FIND_2:
    case STEP_FIND_4:
        find_request(call, url, "mobile", call->step == STEP_FIND_2 ? 10 : 4);
        break;
    case STEP_CONTACT:
        desk_request(call, url, "/contacts");
        put_body(call, json_pack("{s:s, s:s}", "lastName", "Caller", "phone", call->from));
        break;
    case STEP_TICKET:
        desk_request(call, url, "/tickets");
        put_body(call, ticket_body(call));
        break;
    case STEP_NOTE:
        note_request(call, url);
        break;
    case STEP_COUNT:
        break;
    }
}

/* ---- answers ------------------------------------------------------------------------------------------- */

void bare_copy_member(const json_t *doc, const char *name, char *to, size_t size)
{
    const char *text = json_string_value(json_object_get(doc, name));
    if (!text)
        bare_die("an answer without an id");
    (void)snprintf(to, size, "%s", text);
}

static const json_t *first_of(const json_t *doc, const char *name)
{
    return json_array_get(json_object_get(doc, name), 0);
}

static void take_transcript(struct call *call, const json_t *doc)
{
    const json_t *channel = first_of(json_object_get(doc, "results"), "channels");
    const char *text = json_string_value(json_object_get(first_of(channel, "alternatives"), "transcript"));

    call->transcript = strdup(text && *text ? text : "(silence)");
}

static void take_classification(struct call *call, const json_t *doc)
{
    const json_t *message = json_object_get(first_of(doc, "choices"), "message");
    const char *text = json_string_value(json_object_get(message, "content"));
    json_t *answer = text ? json_loads(text, 0, NULL) : NULL;
    const char *concern = json_string_value(json_object_get(answer, "concern"));

    call->concern = strdup(concern ? concern : "?");
    json_decref(answer);
}

void bare_take_answer(struct call *call)
{
    json_t *doc = NULL;

    if (call->step == STEP_RECORDING) {
        if (fflush(call->out) != 0 || fsync(fileno(call->out)) != 0)
            bare_die("cannot sync the recording");
        return;
    }
    if (call->answer_size)
        doc = json_loadb(call->answer, call->answer_size, 0, NULL);
    if (call->step == STEP_LISTEN)
        take_transcript(call, doc);
    else if (call->step == STEP_CLASSIFY)
        take_classification(call, doc);
    else if (call->step == STEP_CONTACT)
        bare_copy_member(doc, "id", call->contact, sizeof(call->contact));
    else if (call->step == STEP_TICKET)
        bare_copy_member(doc, "id", call->ticket, sizeof(call->ticket));
    json_decref(doc);
}

/* fold of every step of a plugin on any answer. Input: step, status, header, then the body. The harness calls each twice
 * and ends the run when they differ, or when the plugin misbehaves. */
#include "fuzz/fuzz.h"
#include "plugins/harness.h"

extern const struct sb_plugin FUZZ_PLUGIN;

/* Every required option of the four plugins; what a plugin does not have is left out. */
static const char *const names[] = { "account_sid",   "api_key",   "api_token",     "org_id",
                                     "department_id", "client_id", "client_secret", "refresh_token" };

#define CALL                                                                                                 \
    "\"call\": {\"id\": \"examplecall000000000000000000001\", \"account\": \"acmedemo1\", \"customer\": "    \
    "\"05550100001\", "                                                                                      \
    "\"from\": \"05550100001\", \"to\": \"05550100002\", \"status\": \"answered\", \"direction\": "          \
    "\"inbound\", "                                                                                          \
    "\"started_at\": \"2026-03-10T09:00:00Z\", \"duration_s\": 60}"
#define HEARD                                                                                                \
    "\"transcript\": {\"text\": \"hello\", \"by\": \"deepgram\", \"segments\": [{\"speaker\": "              \
    "\"customer\", "                                                                                         \
    "\"start_s\": 0, \"end_s\": 1, \"text\": \"hello\"}]}, \"analysis\": {\"mood\": \"Neutral\", "           \
    "\"concern\": \"x\"}"
#define TICKET                                                                                               \
    "\"subject\": \"x [SB-0123456789ABC]\", \"description\": \"y\", \"reference\": \"0123456789ABC\", "      \
    "\"phone\": \"+915550100001\", \"departmentId\": \"5000001000000006001\""

#define SAVED "\"recording\": {\"state\": \"saved\", \"file\": \"1/recording.mp3\", \"size\": 3}"

/* As the record looks before each part of the pipeline. */
static const char *const records[] = {
    "{" CALL ", \"recording\": {\"state\": \"pending\", \"url\": \"https://recordings.exotel.com/1.mp3\"}}",
    "{" CALL ", " SAVED "}",
    "{" CALL ", " SAVED ", " HEARD ", \"ticket\": {" TICKET "}}",
    "{" CALL ", " SAVED ", " HEARD ", \"contact\": {\"id\": \"5000001000000001001\"}, \"ticket\": {" TICKET
    "}}",
    "{" CALL ", " SAVED ", " HEARD ", \"contact\": {\"id\": \"5000001000000001001\"}, \"ticket\": {" TICKET
    ", \"id\": \"5000001000000002001\", \"number\": \"101\"}}",
};
enum { RECORDS = sizeof(records) / sizeof(records[0]) };

static const int statuses[] = {
    200, 201, 204, 206, 301, 400, 401, 402, 403, 404, 409, 413, 422, 429, 500, 503
};
static const char *const headers[] = { NULL, "{\"Retry-After\": \"5\"}", "{\"Content-Type\": \"text/html\"}",
                                       "{\"X-Rate-Limit-Request-Weight-v3\": \"x\"}" };

static struct harness *make(void)
{
    json_t *options = json_object();

    for (const struct sb_option *option = FUZZ_PLUGIN.options; option->name; option++)
        for (size_t i = 0; option->required && i < sizeof(names) / sizeof(names[0]); i++)
            if (strcmp(option->name, names[i]) == 0)
                json_object_set_new(options, names[i], json_string("1000001"));
    char *text = json_dumps(options, 0);
    struct harness *h = harness_new(&FUZZ_PLUGIN, text);
    free(text);
    json_decref(options);
    return h;
}

/* A step that build refuses for this record has nothing to fold. */
static void fold(struct harness *h, const struct sb_step *step, bool is_poll, int status, const char *header,
                 const char *body)
{
    const struct harness_result *r =
        is_poll ? harness_poll_build(h, step->name) : harness_build(h, step->name);

    if (r->is_defect)
        (void)fprintf(stderr, "%s: %s\n", step->name, r->reason);
    FUZZ_CHECK(!r->is_defect);
    if (r->verdict != SB_OK)
        return;
    r = is_poll ? harness_poll_fold(h, step->name, status, header, body)
                : harness_fold(h, step->name, status, header, body);
    if (r->is_defect)
        (void)fprintf(stderr, "%s: %s\n", step->name, r->reason);
    FUZZ_CHECK(!r->is_defect);
    FUZZ_CHECK(r->verdict != SB_REJECT || r->reason[0]);
}

/* Every step hears the same answer: what one of them makes of it is what the next one finds. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    struct harness *h = make();
    char *body = fuzz_text(data + 3, size - 3);
    int status = statuses[data[1] % 16];
    const char *header = headers[data[2] % 4];
    harness_set_record(h, records[data[0] % RECORDS]);
    (void)harness_put_file(h, "recording.mp3", "ID3", 3);
    for (int round = 0; round < 2; round++)
        for (const struct sb_step *step = FUZZ_PLUGIN.poll; step && step->name; step++)
            if (step->build)
                fold(h, step, true, status, header, body);
    for (const struct sb_step *step = FUZZ_PLUGIN.steps; step && step->name; step++) {
        if (step->build)
            fold(h, step, false, status, header, body);
        else
            FUZZ_CHECK(!harness_work(h, step->name)->is_defect);
    }
    free(body);
    harness_free(h);
    return 0;
}

/* fold of every step of a plugin on any answer: polls, steps, and what reconcile makes of it. Input: record, status, header,
 * then the body; a header beyond the table takes its value from the first line of the body. The harness calls each twice and
 * ends the run when they differ, or when the plugin misbehaves. */
#include "fuzz/fuzz.h"
#include "plugins/harness.h"

extern const struct sb_plugin FUZZ_PLUGIN;

/* Every required option of the plugins; what a plugin does not have is left out. */
static const char *const names[] = { "account_sid",   "api_key",       "api_token",
                                     "org_id",        "department_id", "client_id",
                                     "client_secret", "refresh_token", "secret" };

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

#define ESCALATION                                                                                           \
    "\"call\": {\"id\": \"case-17\", \"account\": \"demo\", \"customer\": \"+915550100001\"}, "              \
    "\"escalation\": {\"id\": \"case-17\", \"agent\": \"demo\", \"summary\": \"x\", \"received_at\": "       \
    "\"2026-03-10T09:00:00Z\", \"digest\": \"00\"}"
#define SAVED "\"recording\": {\"state\": \"saved\", \"file\": \"0k/1-recording.mp3\", \"size\": 3}"

/* As the record looks before each part of the pipeline; the last one did not come from a source of calls. */
static const char *const records[] = {
    "{" CALL ", \"recording\": {\"state\": \"pending\", \"url\": \"https://recordings.exotel.com/1.mp3\"}}",
    "{" CALL ", " SAVED "}",
    "{" CALL ", " SAVED ", " HEARD ", \"ticket\": {" TICKET "}}",
    "{" CALL ", " SAVED ", " HEARD ", \"contact\": {\"id\": \"5000001000000001001\"}, \"ticket\": {" TICKET
    "}}",
    "{" CALL ", " SAVED ", " HEARD ", \"contact\": {\"id\": \"5000001000000001001\"}, \"ticket\": {" TICKET
    ", \"id\": \"5000001000000002001\", \"number\": \"101\"}}",
    "{" ESCALATION ", " HEARD ", \"contact\": {\"id\": \"5000001000000001001\"}, \"ticket\": {" TICKET
    ", \"id\": \"5000001000000002001\", \"number\": \"101\"}}",
};
enum { RECORDS = sizeof(records) / sizeof(records[0]) };

/* What a source that is told emitted: files that are to be fetched, of a known kind or not. */
#define FILES                                                                                                \
    "\"attachments\": {\"items\": [{\"name\": \"a.png\", \"url\": \"https://files.example.com/a.png\"}, "    \
    "{\"name\": \"b\", \"url\": \"https://files.example.com/b\", \"content_type\": \"application/pdf\"}, "   \
    "{\"name\": \"c\", \"base64\": \"AAAA\", \"size\": 3}]}"
static const char *const told_records[] = {
    "{" ESCALATION ", " FILES "}",
    "{" ESCALATION ", \"user\": {\"id\": \"u\", \"phone\": \"0555 0100 001\"}, " FILES "}",
    "{" ESCALATION ", \"user\": {\"id\": \"u\"}}",
};
enum { TOLD_RECORDS = sizeof(told_records) / sizeof(told_records[0]), TOLD_ROUNDS = 4 };

/* The last one is no answer at all, for steps that read that themselves. */
static const int statuses[] = { 200, 201, 204, 206, 301, 400, 401, 402, 403,
                                404, 409, 413, 422, 429, 500, 503, 0 };
static const char *const headers[] = { NULL, "{\"Retry-After\": \"5\"}", "{\"Content-Type\": \"text/html\"}",
                                       "{\"X-Rate-Limit-Request-Weight-v3\": \"x\"}" };
/* Those that plugins read, or the core for them. */
static const char *const header_names[] = { "Retry-After",
                                            "retry-after-ms",
                                            "Content-Type",
                                            "Date",
                                            "ETag",
                                            "Location",
                                            "X-Rate-Limit-Remaining-v3",
                                            "x-ratelimit-reset-requests" };

/* A source that never asks: others hand conversations over. */
static bool is_told(void)
{
    return FUZZ_PLUGIN.kind == SB_SOURCE && !FUZZ_PLUGIN.poll;
}

static struct harness *make(void)
{
    json_t *options = json_object();

    for (const struct sb_option *option = FUZZ_PLUGIN.options; option->name; option++)
        for (size_t i = 0; option->required && i < sizeof(names) / sizeof(names[0]); i++)
            if (strcmp(option->name, names[i]) == 0)
                json_object_set_new(options, names[i], json_string("1000001"));
    if (is_told()) {
        json_object_set_new(options, "tokens", json_pack("[s]", "demo-agent-token-0001"));
        json_object_set_new(options, "attachment_hosts", json_pack("[s]", "files.example.com"));
    }
    if (strcmp(FUZZ_PLUGIN.name, "callback") == 0)
        json_object_set_new(options, "url", json_string("https://agent.example.com/hook"));
    char *text = json_dumps(options, 0);
    struct harness *h = harness_new(&FUZZ_PLUGIN, text);
    free(text);
    json_decref(options);
    return h;
}

typedef const struct harness_result *(*build_fn)(struct harness *, const char *);
typedef const struct harness_result *(*fold_fn)(struct harness *, const char *, int, const char *,
                                                const char *);

/* One answer, as every step hears it. */
struct answer {
    int status;
    const char *header, *body;
};

static void check(const struct harness_result *r, const char *name)
{
    if (r->is_defect)
        (void)fprintf(stderr, "%s: %s\n", name, r->reason);
    FUZZ_CHECK(!r->is_defect);
    FUZZ_CHECK(r->verdict != SB_REJECT || r->reason[0]);
}

/* A step that build refuses for this record has nothing to fold. */
static bool fold(struct harness *h, const char *name, build_fn build, fold_fn fold_it,
                 const struct answer *answer)
{
    const struct harness_result *r = build(h, name);

    check(r, name);
    if (r->verdict != SB_OK)
        return false;
    check(fold_it(h, name, answer->status, answer->header, answer->body), name);
    return true;
}

/* What was kept in the intent is what build kept; after a restart it is all that is left of the step. */
static void reconcile(struct harness *h, const char *name, const struct answer *answer)
{
    if (harness_build(h, name)->verdict == SB_OK)
        (void)fold(h, name, harness_reconcile_build, harness_reconcile_fold, answer);
}

static void play_steps(struct harness *h, const struct answer *answer)
{
    for (const struct sb_step *step = FUZZ_PLUGIN.steps; step && step->name; step++) {
        if (!step->build) {
            check(harness_work(h, step->name), step->name);
            continue;
        }
        if (step->reconcile)
            reconcile(h, step->name, answer);
        (void)fold(h, step->name, harness_build, harness_fold, answer);
    }
}

static const char *record_of(uint8_t choice)
{
    if (is_told())
        return told_records[choice % TOLD_RECORDS];
    return records[choice % (FUZZ_PLUGIN.kind == SB_SOURCE ? RECORDS - 1 : RECORDS)];
}

/* {name: value} with a value from the body, or a header of the table. */
static char *make_header(uint8_t choice, const char **body)
{
    const char *text = headers[choice % 4];
    size_t length = strcspn(*body, "\n");

    if (choice < 128)
        return text ? strdup(text) : NULL;
    json_t *value = json_stringn(*body, length);
    json_t *header =
        json_pack("{s:o}", header_names[choice % 8], value ? value : json_string("\xef\xbf\xbd"));
    char *made = json_dumps(header, 0);
    json_decref(header);
    *body += length + ((*body)[length] == '\n');
    return made;
}

/* Every step hears the same answer: what one of them makes of it is what the next one finds. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    struct harness *h = make();
    char *text = fuzz_text(data + 3, size - 3);
    const char *body = text;
    char *header = make_header(data[2], &body);
    const struct answer answer = { .status = statuses[data[1] % (is_told() ? 17 : 16)],
                                   .header = header,
                                   .body = body };
    harness_set_record(h, record_of(data[0]));
    (void)harness_put_file(h, "recording.mp3", "ID3", 3);
    for (int round = 0; round < 2; round++)
        for (const struct sb_step *step = FUZZ_PLUGIN.poll; step && step->name; step++)
            if (step->build)
                (void)fold(h, step->name, harness_poll_build, harness_poll_fold, &answer);
    for (int round = 0; round < (is_told() ? TOLD_ROUNDS : 1); round++)
        play_steps(h, &answer);
    free(header);
    free(text);
    harness_free(h);
    return 0;
}

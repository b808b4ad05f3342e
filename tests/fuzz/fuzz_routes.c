/* Every route of a source that is told, with any body, headers and query, by the whole handler: it answers with a status, emits
 * what fits the record schema or nothing, and breaks no rule. Input: the route, the journal's answer, then lines for the
 * path's last segment, the query and a header, then the body. */
#include "fuzz/fuzz.h"
#include "plugins/harness.h"

extern const struct sb_plugin FUZZ_PLUGIN;

enum { USES_MAX = 200 };

static const char *const options[] = {
    "{\"tokens\": [\"demo-agent-token-0001\"], \"adapter\": \"" TEST_SOURCE_DIR "/scripts/escalation.lua\"}",
    "{\"tokens\": [\"demo-agent-token-0001\"], \"unknown_keys\": \"refuse\", \"depth_max\": 8, "
    "\"messages_max\": 2,"
    " \"attachments_max\": 1, \"attachment_hosts\": [\"files.example.com\"],"
    " \"adapter\": \"" TEST_SOURCE_DIR "/scripts/escalation.lua\"}",
};

/* What the journal may know of what is asked for. */
static const struct {
    struct sb_known known;
    const char *record;
} memories[] = {
    { { .is_new = true, .state = "active" }, NULL },
    { { .state = NULL }, NULL },
    { { .state = "expired" }, NULL },
    { { .state = "dead", .reason = "why" }, "{\"escalation\": {\"digest\": \"00\"}}" },
    { { .state = "done", .received_ms = 1773133200000, .ended_ms = 1773133201000 },
      "{\"escalation\": {\"digest\": \"00\", \"id\": \"case-17\"}, \"ticket\": {\"id\": \"1\", \"number\": "
      "\"101\","
      " \"url\": \"https://desk.example.com/1\", \"user_message\": \"soon\"}}" },
};

/* A harness keeps what it has seen; a new one costs the loading of the script. */
static struct harness *harness_of(uint8_t choice)
{
    static struct {
        struct harness *harness;
        unsigned uses;
    } made[sizeof(options) / sizeof(options[0])];
    size_t i = choice % (sizeof(options) / sizeof(options[0]));
    struct sb_error err = SB_ERROR_INIT;

    if (made[i].harness && ++made[i].uses % USES_MAX == 0) {
        harness_free(made[i].harness);
        made[i].harness = NULL;
    }
    if (!made[i].harness)
        made[i].harness = harness_try(&FUZZ_PLUGIN, options[i], &err);
    if (!made[i].harness)
        (void)fprintf(stderr, "%s\n", err.text);
    FUZZ_CHECK(made[i].harness);
    return made[i].harness;
}

/* Takes the next line off *rest. */
static char *next_line(char **rest)
{
    char *line = *rest, *end = strchr(line, '\n');

    *rest = end ? end + 1 : line + strlen(line);
    if (end)
        *end = '\0';
    return line;
}

/* The route's path with the given text in the place of {name}; what a server would decode is valid or never gets here. */
static void write_path(const char *pattern, const char *segment, char ret_path[300])
{
    const char *open = strchr(pattern, '{');

    if (open)
        (void)snprintf(ret_path, 300, "%.*s%.200s", (int)(open - pattern), pattern, *segment ? segment : "x");
    else
        (void)snprintf(ret_path, 300, "%s", pattern);
}

/* {name: text}, or {} when the text is no UTF-8. */
static char *one_member(const char *name, const char *text)
{
    json_t *object = json_pack("{s:s}", name, text);
    if (!object)
        object = json_object();
    char *made = json_dumps(object, 0);

    json_decref(object);
    FUZZ_CHECK(made);
    return made;
}

static void check(const struct harness_reply *reply, const char *path)
{
    if (reply->is_defect)
        (void)fprintf(stderr, "%s: %s\n", path, reply->reason);
    FUZZ_CHECK(!reply->is_defect);
    FUZZ_CHECK(reply->status >= 200 && reply->status <= 599);
    FUZZ_CHECK(reply->verdict == SB_OK || json_array_size(reply->emits) == 0 || reply->rounds > 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const headers[] = { "Content-Type", "Idempotency-Key", "Prefer",
                                           "Accept",       "Origin",          "MCP-Protocol-Version" };
    static const char *const queries[] = { "wait", "cursor", "x" };
    char path[300];
    size_t count = 0;

    if (size < 4)
        return 0;
    while (FUZZ_PLUGIN.routes[count].method)
        count++;
    const struct sb_route *route = &FUZZ_PLUGIN.routes[data[0] % count];
    size_t memory = data[1] % (sizeof(memories) / sizeof(memories[0]));
    struct harness *h = harness_of(data[2]);
    char *text = fuzz_text(data + 4, size - 4), *rest = text;
    write_path(route->path, next_line(&rest), path);
    char *query = one_member(queries[data[3] % 3], next_line(&rest));
    char *header = one_member(headers[data[3] / 3 % 6], next_line(&rest));
    harness_set_known(h, &memories[memory].known, memories[memory].record);
    check(harness_route(h, route->method, path, header, query, rest), path);
    free(header);
    free(query);
    free(text);
    return 0;
}

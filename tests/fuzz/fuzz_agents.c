/* The agents file of the Exotel plugin: any JSON is refused when the plugin opens, or serves every step that looks into it.
 * Input: the file. */
#include "base/json.h"
#include "fuzz/fuzz.h"
#include "plugins/harness.h"

extern const struct sb_plugin exotel_plugin;

/* Calls of an agent who is listed in the corpus by number, by SIP id, and not at all. */
static const char *const records[] = {
    "{\"call\": {\"sid\": \"examplecall000000000000000000001\", \"customer\": \"05550100001\", \"from\": "
    "\"05550100001\","
    " \"to\": \"05550109001\", \"status\": \"answered\", \"direction\": \"inbound\", \"agent\": {\"number\": "
    "\"05550100777\"},"
    " \"legs\": [{\"number\": \"05550100777\", \"status\": \"answered\"}], \"started_at\": "
    "\"2026-03-10T09:00:00Z\"},"
    " \"recording\": {\"state\": \"none\"}}",
    "{\"call\": {\"sid\": \"examplecall000000000000000000002\", \"customer\": \"05550100001\", \"from\": "
    "\"sip:agent1\","
    " \"to\": \"05550100001\", \"status\": \"answered\", \"direction\": \"outbound\", \"agent\": "
    "{\"number\": \"sip:agent1\"},"
    " \"started_at\": \"2026-03-10T09:00:00Z\"}, \"recording\": {\"state\": \"none\"}}",
};

static void play(struct harness *h, const char *record)
{
    harness_set_record(h, record);
    for (const struct sb_step *step = exotel_plugin.steps; step && step->name; step++) {
        const struct harness_result *r =
            step->build ? harness_build(h, step->name) : harness_work(h, step->name);
        if (r->is_defect)
            (void)fprintf(stderr, "%s: %s\n", step->name, r->reason);
        FUZZ_CHECK(!r->is_defect);
        FUZZ_CHECK(r->verdict != SB_DROP || r->reason[0]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sb_error err = SB_ERROR_INIT;
    json_t *agents = json_parse((const char *)data, size, &err);

    if (!json_is_object(agents) && !json_is_array(agents)) { /* the core hands over nothing else */
        json_decref(agents);
        return 0;
    }
    json_t *options = json_pack("{s:s, s:s, s:s, s:o}", "account_sid", "acmedemo1", "api_key",
                                "not-a-real-key", "api_token", "not-a-real-token", "agents", agents);
    char *text = json_dumps(options, 0);
    struct harness *h = text ? harness_try(&exotel_plugin, text, &err) : NULL;
    FUZZ_CHECK(h || err.text[0]);
    for (size_t i = 0; h && i < sizeof(records) / sizeof(records[0]); i++)
        play(h, records[i]);
    if (h)
        harness_free(h);
    free(text);
    json_decref(options);
    return 0;
}

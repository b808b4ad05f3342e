/* Record JSON: any document is a record, or refused with the member that is wrong; what was accepted stays accepted when it
 * has been through the journal's text. */
#include "base/json.h"
#include "fuzz/fuzz.h"
#include "plugin/record_schema.h"

/* Paths of the document itself, and some that are in no document. */
static void look_around(json_t *record)
{
    static const char *const paths[] = {
        "call.from", "call.legs.0.from", "transcript.segments.0.text", "a..b", ".", "", "ticket.id.x"
    };

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        (void)json_at(record, paths[i]);
    for (const struct record_field *field = record_schema(); field->path; field++) {
        const json_t *found = json_at(record, field->path);
        FUZZ_CHECK(!found || json_typeof(found) <= JSON_NULL);
    }
}

static int check(const json_t *record)
{
    struct sb_error err = SB_ERROR_INIT;
    int rc = record_check(record, &err);

    FUZZ_CHECK(rc == 0 || (rc == SB_EINPUT && err.text[0]));
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sb_error err = SB_ERROR_INIT;
    json_t *record = json_parse((const char *)data, size, &err);

    if (!record) {
        FUZZ_CHECK(err.text[0]);
        return 0;
    }
    look_around(record);
    int rc = check(record);
    char *text = json_text(record);
    FUZZ_CHECK(text);
    json_t *again = json_parse(text, strlen(text), &err);
    FUZZ_CHECK(again && check(again) == rc);
    FUZZ_CHECK(json_put(again, "call.customer", json_string("+915550100001")) == 0 ||
               !json_is_object(json_at(again, "call")));
    json_decref(again);
    json_decref(record);
    free(text);
    return 0;
}

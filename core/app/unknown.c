/* Reading the evidence from the journal's timelines, and the timers from the running engine. */
#include "app/unknown.h"

#include <string.h>

#include "app/control.h"
#include "base/json.h"
#include "base/scope.h"

void unknown_request_digest(const json_t *intent, char ret_hex[DIGEST_HEX_SIZE])
{
    const json_t *request = json_object_get(intent, "request");
    AUTO_STR text = request ? json_text(request) : NULL;

    if (text)
        digest_sha256_hex(text, strlen(text), ret_hex);
    else
        ret_hex[0] = '\0';
}

static bool is_look(const char *verdict)
{
    static const char *const words[] = { "not found", "not sure", "not adopted", NULL };

    for (size_t i = 0; verdict && words[i]; i++)
        if (strcmp(words[i], verdict) == 0)
            return true;
    return false;
}

static bool is_open_intent(const json_t *row)
{
    const char *kind = json_str(row, "kind"), *state = json_str(row, "state");

    return kind && state && strcmp(kind, "intent") == 0 && strcmp(state, "open") == 0;
}

static void put_intent(json_t *evidence, const json_t *intent)
{
    char digest[DIGEST_HEX_SIZE];

    unknown_request_digest(intent, digest);
    (void)json_object_set(evidence, "instance", json_object_get(intent, "instance"));
    (void)json_object_set(evidence, "step", json_object_get(intent, "step"));
    (void)json_object_set(evidence, "sent_ms", json_object_get(intent, "at_ms"));
    (void)json_object_set_new(evidence, "attempt", json_integer(json_int(intent, "attempt", 0) + 1));
    (void)json_object_set_new(evidence, "request_digest", json_string(digest));
}

/* What was looked at since the request was sent. */
static void put_looks(json_t *evidence, const json_t *timeline, const json_t *intent)
{
    size_t index;
    json_int_t looks = 0;
    json_t *row;

    json_array_foreach (timeline, index, row) {
        if (!is_look(json_str(row, "verdict")))
            continue;
        /* A look stands under the name of its own step; what it was for follows from the time. */
        if (json_int(row, "at_ms", 0) < json_int(intent, "at_ms", 0))
            continue;
        looks++;
        (void)json_object_set(evidence, "last_look", json_object_get(row, "verdict"));
        (void)json_object_set(evidence, "last_look_ms", json_object_get(row, "at_ms"));
        (void)json_object_set(evidence, "last_look_text", json_object_get(row, "text"));
    }
    (void)json_object_set_new(evidence, "looks", json_integer(looks));
}

static json_t *evidence_of(const json_t *record, const json_t *timeline)
{
    json_t *evidence = json_object();
    const json_t *intent = NULL;
    size_t index;
    json_t *row;

    (void)json_object_set(evidence, "record_id", json_object_get(record, "id"));
    (void)json_object_set(evidence, "external_id", json_object_get(record, "external_id"));
    (void)json_object_set(evidence, "reference", json_object_get(record, "reference"));
    (void)json_object_set(evidence, "state", json_object_get(record, "state"));
    json_array_foreach (timeline, index, row)
        if (is_open_intent(row))
            intent = row;
    if (intent) {
        put_intent(evidence, intent);
        put_looks(evidence, timeline, intent);
    }
    return evidence;
}

/* The timers are the engine's; without one nothing is asked. */
static void put_timers(const struct conf *conf, json_t *list)
{
    struct sb_error ignored = SB_ERROR_INIT;
    AUTO_JSON answer = NULL;
    size_t i, k;
    json_t *timer, *evidence;

    if (json_array_size(list) == 0 ||
        control_ask(conf->settings.data_dir, "unknown", /* body= */ NULL, &answer, &ignored) < 0)
        return;
    json_array_foreach (json_object_get(answer, "unknown"), i, timer)
        json_array_foreach (list, k, evidence)
            if (json_int(timer, "record_id", 0) == json_int(evidence, "record_id", -1)) {
                (void)json_object_set(evidence, "next_ms", json_object_get(timer, "next_ms"));
                (void)json_object_set(evidence, "certain_ms", json_object_get(timer, "certain_ms"));
            }
}

int unknown_read(const struct conf *conf, struct store *store, size_t limit, json_t **ret_array,
                 struct sb_error *err)
{
    const struct store_query query = { .state = "unknown", .limit = limit };
    AUTO_JSON records = NULL;
    AUTO_JSON list = json_array();
    size_t index;
    json_t *record;
    int rc = store_list(store, &query, &records, err);

    json_array_foreach (records, index, record) {
        AUTO_JSON timeline = NULL;
        rc = store_timeline(store, json_int(record, "id", 0), &timeline, err);
        if (rc < 0)
            break;
        (void)json_array_append_new(list, evidence_of(record, timeline));
    }
    if (rc < 0)
        return rc;
    put_timers(conf, list);
    *ret_array = TAKE(list);
    return 0;
}

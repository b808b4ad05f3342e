/* switchboard prove: that each conversation was delivered once, and what is not certain. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "app/journal.h"
#include "app/progress.h"
#include "app/prove.h"
#include "app/reconcile.h"
#include "app/unknown.h"
#include "base/json.h"
#include "base/scope.h"

enum { UNKNOWN_MAX = 1000, TEXT_BYTES_MAX = 64 * 1024 };

/* What was read; freed together. */
struct reading {
    struct store_record *record;
    json_t *timeline, *found, *chain, *totals, *unknown, *report;
    int64_t report_ms;
};

static void free_reading(struct reading *reading)
{
    store_record_free(reading->record);
    json_decref(reading->timeline);
    json_decref(reading->found);
    json_decref(reading->chain);
    json_decref(reading->totals);
    json_decref(reading->unknown);
    json_decref(reading->report);
}

/* Of the one record that is proven; the list may be long. */
static json_t *only(json_t *list, int64_t id)
{
    json_t *rest = json_array();
    size_t index;
    json_t *row;

    json_array_foreach (list, index, row)
        if (json_int(row, "record_id", 0) == id)
            (void)json_array_append(rest, row);
    json_decref(list);
    return rest;
}

static int read_record(struct store *store, const char *text, struct reading *reading, struct sb_error *err)
{
    int64_t id = 0;
    int rc = journal_find(store, text, &id, err);

    if (rc == 0)
        rc = store_load(store, id, &reading->record, err);
    if (rc == 0 && !reading->record) /* retention was quicker */
        rc = sb_fail(err, SB_EINPUT, "there is no record '%.100s' any more", text);
    return rc == 0 ? store_timeline(store, id, &reading->timeline, err) : rc;
}

/* Goes through the whole journal, also for one record. */
static int read_chain(struct store *store, bool is_shown, json_t **ret_chain, struct sb_error *err)
{
    const struct store_progress progress = { .fn = is_shown ? progress_of_store : NULL };

    store_tell(store, &progress);
    int rc = store_check_chain(store, ret_chain, err);
    if (progress.fn)
        progress_clear();
    return rc;
}

static int read_all(const struct conf *conf, struct store *store, const char *text, bool is_shown,
                    struct reading *reading, struct sb_error *err)
{
    int rc = text ? read_record(store, text, reading, err) : 0;

    if (rc == 0)
        rc = store_proof(store, reading->record ? reading->record->id : 0, &reading->found, err);
    if (rc == 0)
        rc = read_chain(store, is_shown, &reading->chain, err);
    if (rc == 0)
        rc = unknown_read(conf, store, UNKNOWN_MAX, &reading->unknown, err);
    if (rc == 0)
        rc = store_totals(store, &reading->totals, err);
    if (rc == 0)
        rc = store_report(store, RECONCILE_REPORT, &reading->report_ms, &reading->report, err);
    if (rc == 0 && reading->record)
        reading->unknown = only(reading->unknown, reading->record->id);
    return rc;
}

/* ---- for scripts --------------------------------------------------------------------------------------- */

static json_t *with_request_digests(json_t *timeline)
{
    size_t index;
    json_t *row;

    json_array_foreach (timeline, index, row) {
        char digest[DIGEST_HEX_SIZE];
        unknown_request_digest(row, digest);
        if (*digest)
            (void)json_object_set_new(row, "request_digest", json_string(digest));
    }
    return json_incref(timeline);
}

static json_t *record_json(const struct reading *reading)
{
    const struct store_record *record = reading->record;
    const json_t *sections = record->sections;
    json_t *doc =
        json_pack("{s:I, s:s, s:s, s:s, s:s, s:I}", "id", (json_int_t)record->id, "reference",
                  record->reference, "account", record->account, "external_id", record->external_id, "state",
                  store_state_word(record->state), "received_ms", (json_int_t)record->received_ms);

    (void)json_object_set_new(doc, "is_unknown", json_boolean(json_array_size(reading->unknown) > 0));
    (void)json_object_set(doc, "contact", json_object_get(sections, "contact"));
    (void)json_object_set(doc, "notes", json_object_get(json_object_get(sections, "notes"), "ids"));
    const json_t *ticket = json_object_get(sections, "ticket");
    if (json_str(ticket, "id"))
        (void)json_object_set_new(doc, "ticket",
                                  json_pack("{s:s, s:s?, s:s?}", "id", json_str(ticket, "id"), "number",
                                            json_str(ticket, "number"), "url", json_str(ticket, "url")));
    (void)json_object_set_new(doc, "timeline", with_request_digests(reading->timeline));
    return doc;
}

static int write_json(const struct reading *reading, const struct proof *proof)
{
    AUTO_BUF verdict;
    json_t *doc = json_object();

    buf_init(&verdict, TEXT_BYTES_MAX);
    bool is_proven = prove_verdict(proof, &verdict);
    (void)json_object_set_new(doc, "proven", json_boolean(is_proven));
    (void)json_object_set_new(doc, "verdict", json_string(verdict.data));
    if (reading->record)
        (void)json_object_set_new(doc, "record", record_json(reading));
    else
        (void)json_object_set(doc, "totals", reading->totals);
    (void)json_object_update(doc, reading->found);
    (void)json_object_set(doc, "unknown", reading->unknown);
    (void)json_object_set(doc, "chain", reading->chain);
    if (reading->report && !reading->record)
        (void)json_object_set_new(
            doc, "compared",
            json_pack("{s:I, s:O}", "at_ms", (json_int_t)reading->report_ms, "report", reading->report));
    int code = command_json(doc);
    return code == EXIT_OK && !is_proven ? EXIT_FAILED : code;
}

/* ---- for people ---------------------------------------------------------------------------------------- */

static int write_text(const struct proof *proof)
{
    const struct screen screen = screen_of(stdout);
    AUTO_BUF ignored;

    buf_init(&ignored, TEXT_BYTES_MAX);
    int rc = proof->record ? prove_show_record(proof, &screen) : prove_show_all(proof, &screen);
    if (rc < 0) {
        (void)fputs("switchboard: out of memory\n", stderr);
        return EXIT_FAILED;
    }
    bool is_proven = prove_verdict(proof, &ignored);
    int code = command_written();
    return code == EXIT_OK && !is_proven ? EXIT_FAILED : code;
}

static int prove(const struct conf *conf, const struct command_options *options, const char *record)
{
    struct sb_error err = SB_ERROR_INIT;
    struct reading reading = { .record = NULL };
    struct store *store = NULL;
    int code = EXIT_FAILED;
    int rc = journal_read(conf, &store, &err);

    if (rc == 0)
        rc = read_all(conf, store, record, !options->json, &reading, &err);
    store_close(store);
    const struct proof proof = { .record = reading.record,
                                 .timeline = reading.timeline,
                                 .found = reading.found,
                                 .chain = reading.chain,
                                 .totals = reading.totals,
                                 .unknown = reading.unknown,
                                 .report = reading.report,
                                 .report_ms = reading.report_ms,
                                 .zone_minutes = conf->settings.timezone_minutes };
    if (rc < 0)
        code = command_fail(&err);
    else
        code = options->json ? write_json(&reading, &proof) : write_text(&proof);
    free_reading(&reading);
    return code;
}

static int run(const struct command *command, int argc, char **argv)
{
    struct command_options options = COMMAND_OPTIONS_INIT;
    struct conf *conf = NULL;
    int code = command_plain(command, &options, argc, argv);

    if (code >= 0)
        return code;
    if (optind + 1 < argc)
        return command_usage(command, "unexpected argument '%s': one record, or all", argv[optind + 1]);
    code = command_conf(options.conf_path, &conf);
    if (code == EXIT_OK)
        code = prove(conf, &options, argv[optind]);
    conf_free(conf);
    return code;
}

const struct command command_prove = {
    .name = "prove",
    .summary = "prove that each conversation was delivered once",
    .usage =
        "prove [-c FILE] [ID] [--json]\n\n"
        "With ID: the chain of one record, from what its source said to the ids at the helpdesk, each step "
        "with "
        "its\n"
        "digest. Without: the figures, everything that is not known yet with its evidence, whatever was "
        "created\n"
        "twice, and whether the journal is as it was written: every outcome is a link of a hash chain. Reads "
        "beside a\n"
        "running engine. Exit code 1: a row was changed, removed or inserted, or something was created "
        "twice.\n\n"
        "  ID                  a record's id, its call's id, or its reference (SB-...)\n"
        "  -c, --config FILE   the configuration (default: engine.conf)\n"
        "      --json          everything as one JSON object, times in milliseconds since 1970\n\n"
        "Example:\n"
        "  switchboard prove 12",
    .run = run,
};

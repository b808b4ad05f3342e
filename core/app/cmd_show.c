/* switchboard show: one record, with everything that is known of it. */
#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "app/journal.h"
#include "app/show.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/utf8.h"

enum { TEXT_BYTES_MAX = 64 * 1024 };

struct show_options {
    struct command_options common;
    const char *record;
    bool requests;
};

/* ---- for scripts ---- */

/* A reason that was cut within a character must not hide the whole record. */
static json_t *mended(const char *text)
{
    if (!text)
        return json_null();
    AUTO_BUF whole;
    buf_init(&whole, TEXT_BYTES_MAX);
    utf8_mend(&whole, text, strlen(text));
    return json_string(whole.data);
}

static json_t *place_json(const struct store_record *record)
{
    const struct store_place *place = &record->place;

    return json_pack("{s:s, s:I, s:s, s:s, s:I, s:I, s:I}", "phase", store_phase_word(place->phase), "index",
                     (json_int_t)place->index, "instance", place->instance, "step", place->step, "round",
                     (json_int_t)place->round, "attempt", (json_int_t)place->attempt, "since_ms",
                     (json_int_t)place->since_ms);
}

static json_t *record_json(const struct store_record *record, json_t *timeline)
{
    return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:o, s:b, s:b, s:I, s:I, s:I, s:I, s:o, s:O, s:O}", "id",
                     (json_int_t)record->id, "state", store_state_word(record->state), "pipeline",
                     record->pipeline, "account", record->account, "external_id", record->external_id,
                     "reference", record->reference, "reason", mended(record->reason), "has_open_intent",
                     record->has_intent, "is_doubtful", record->is_doubtful, "problems",
                     (json_int_t)record->problems, "received_ms", (json_int_t)record->received_ms,
                     "updated_ms", (json_int_t)record->updated_ms, "ended_ms", (json_int_t)record->ended_ms,
                     "place", place_json(record), "record", record->sections, "timeline", timeline);
}

/* ---- for people ---- */

static int write_all(const struct show_options *options, const struct conf *conf,
                     const struct store_record *record, const json_t *timeline)
{
    const struct shown shown = { .record = record,
                                 .timeline = timeline,
                                 .screen = screen_of(stdout),
                                 .zone_minutes = conf->settings.timezone_minutes };

    show_record(&shown);
    if (show_timeline(&shown) < 0) {
        (void)fputs("switchboard: out of memory\n", stderr);
        return EXIT_FAILED;
    }
    if (options->requests)
        show_requests(&shown);
    show_transcript(&shown);
    return command_written();
}

/* ---- the verb ---- */

static int load(const struct conf *conf, const char *text, struct store_record **ret_record,
                json_t **ret_timeline, struct sb_error *err)
{
    struct store *store = NULL;
    int64_t id = 0;
    int rc = journal_read(conf, &store, err);

    if (rc == 0)
        rc = journal_find(store, text, &id, err);
    if (rc == 0)
        rc = store_load(store, id, ret_record, err);
    if (rc == 0 && !*ret_record) /* retention was quicker */
        rc = sb_fail(err, SB_EINPUT, "there is no record '%.100s' any more", text);
    if (rc == 0)
        rc = store_timeline(store, id, ret_timeline, err);
    store_close(store);
    return rc;
}

static int show(const struct conf *conf, const struct show_options *options)
{
    struct sb_error err = SB_ERROR_INIT;
    struct store_record *record = NULL;
    AUTO_JSON timeline = NULL;
    int code;

    if (load(conf, options->record, &record, &timeline, &err) < 0) {
        store_record_free(record);
        return command_fail(&err);
    }
    assert(record);
    if (options->common.json)
        code = command_json(record_json(record, timeline));
    else
        code = write_all(options, conf, record, timeline);
    store_record_free(record);
    return code;
}

static int run(const struct command *command, int argc, char **argv)
{
    static const struct option longs[] = { COMMAND_LONG,
                                           { "requests", no_argument, NULL, 'r' },
                                           { NULL, 0, NULL, 0 } };
    struct show_options options = { .common = COMMAND_OPTIONS_INIT };
    struct conf *conf = NULL;

    for (int c; (c = getopt_long(argc, argv, COMMAND_SHORT "r", longs, NULL)) != -1;) {
        int code = -1;
        if (c == 'r')
            options.requests = true;
        else
            code = command_common(command, &options.common, c, argv);
        if (code >= 0)
            return code;
    }
    if (optind >= argc)
        return command_usage(command, "which record? 'switchboard records' lists them");
    if (optind + 1 < argc)
        return command_usage(command, "unexpected argument '%s'", argv[optind + 1]);
    options.record = argv[optind];
    int code = command_conf(options.common.conf_path, &conf);
    if (code == EXIT_OK)
        code = show(conf, &options);
    conf_free(conf);
    return code;
}

const struct command command_show = {
    .name = "show",
    .summary = "show one record: timeline, transcript, ticket",
    .usage = "show [-c FILE] ID [--requests] [--json]\n\n"
             "Shows where a record stands, what happened to it and why, what was said, and its ticket. This "
             "is the\n"
             "one place where names, numbers and transcripts are printed.\n\n"
             "  ID                  a record's id, its call's id, or its reference (SB-...)\n"
             "  -r, --requests      also the requests that created something; secrets are masked\n"
             "  -c, --config FILE   the configuration (default: engine.conf)\n"
             "      --json          everything as one JSON object, requests included\n\n"
             "Example:\n"
             "  switchboard show 12",
    .run = run,
};

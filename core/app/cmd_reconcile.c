/* switchboard reconcile: compares the sources, the journal and the helpdesk, through the running engine or in its place. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "app/command.h"
#include "app/control.h"
#include "app/engine.h"
#include "app/progress.h"
#include "app/reconcile.h"
#include "app/table.h"
#include "base/json.h"
#include "base/parse.h"
#include "base/scope.h"
#include "base/timefmt.h"

enum { ASK_EVERY_MS = 250, DIAGNOSTICS_MAX = 4 * 1024 * 1024 };

#define SINCE_MS_DEFAULT (INT64_C(24) * 3600 * 1000)
#define SINCE_MS_MAX     (INT64_C(180) * 24 * 3600 * 1000) /* as long as calls are listed */

struct compare_options {
    struct command_options common;
    struct reconcile_options what;
};

/* Until everything is listed nobody knows how much there is. */
static void show_status(const json_t *status)
{
    const char *doing = json_str(status, "doing");
    int64_t done = json_int(status, "done", 0), whole = json_int(status, "whole", 0);

    if (doing)
        progress_show(doing, (size_t)done, (size_t)whole);
}

/* ---- through the running engine ------------------------------------------------------------------------ */

static int wait_for_report(const char *data_dir, bool is_shown, json_t **ret_report, struct sb_error *err)
{
    const struct timespec pause = { .tv_nsec = ASK_EVERY_MS * 1000000L };

    for (;;) {
        AUTO_JSON status = NULL;
        int rc = control_ask(data_dir, "compared", /* body= */ NULL, &status, err);
        if (rc < 0)
            return rc;
        if (!json_is_true(json_object_get(status, "is_running"))) {
            const char *error = json_str(status, "error");
            if (error)
                return sb_fail(err, SB_EREMOTE, "%.200s", error);
            *ret_report = json_incref(json_object_get(status, "report"));
            return *ret_report
                       ? 0
                       : sb_fail(err, SB_EREMOTE, "the engine was started anew in between: try again");
        }
        if (is_shown)
            show_status(status);
        (void)nanosleep(&pause, NULL); /* a signal only makes it shorter */
    }
}

static int ask_engine(const char *data_dir, const struct compare_options *options, json_t **ret_report,
                      struct sb_error *err)
{
    AUTO_JSON answer = NULL;
    AUTO_JSON body = json_pack("{s:I, s:b}", "since_ms", (json_int_t)options->what.since_ms, "back_fill",
                               options->what.back_fills);
    int rc = body ? control_ask(data_dir, "reconcile", body, &answer, err)
                  : sb_fail(err, SB_ENOMEM, "out of memory");

    if (rc == 0)
        rc = wait_for_report(data_dir, !options->common.json, ret_report, err);
    return rc;
}

/* ---- in its place -------------------------------------------------------------------------------------- */

struct alone {
    const struct reconcile_options *what;
    bool is_shown;
    struct engine *engine;
    json_t *status; /* owned */
};

static void on_end(void *ctx)
{
    struct alone *alone = ctx;

    alone->status = reconcile_status(alone->engine->reconcile);
    engine_stop(alone->engine);
}

static void on_step(void *ctx)
{
    const struct alone *alone = ctx;
    AUTO_JSON status = reconcile_status(alone->engine->reconcile);

    show_status(status);
}

static void begin(void *ctx, struct engine *engine)
{
    struct alone *alone = ctx;
    struct sb_error err = SB_ERROR_INIT;

    alone->engine = engine;
    reconcile_watch(engine->reconcile, alone->is_shown ? on_step : NULL, on_end, alone);
    if (reconcile_begin(engine->reconcile, alone->what, &err) < 0)
        engine_stop(engine);
}

static int run_engine(struct setup *setup, struct log *log, struct alone *alone, struct sb_error *err)
{
    const struct engine_options options = { .no_servers = true, .errand = begin, .errand_ctx = alone };
    struct engine *engine = NULL;
    size_t dead = 0;

    int rc = setup_plan(setup, err);
    if (rc == 0)
        rc = engine_new(setup, &options, log, &engine, err);
    if (rc == 0)
        rc = engine_run(engine, &dead, err);
    engine_free(engine);
    return rc;
}

static void tell_diagnostics(const struct setup *setup)
{
    AUTO_BUF text;

    buf_init(&text, DIAGNOSTICS_MAX);
    conf_write_diagnostics(setup->conf, &text);
    (void)fputs(text.data, stderr);
}

static int run_alone(const struct compare_options *options, json_t **ret_report, struct sb_error *err)
{
    struct setup *setup = NULL;
    struct log *log = command_log();
    const char *path = options->common.conf_path;
    struct alone alone = { .what = &options->what, .is_shown = !options->common.json };
    int rc = setup_load(path, log, &setup, err);

    if (rc == 0 && setup_has_errors(setup)) {
        tell_diagnostics(setup);
        rc = sb_fail(err, SB_ECONFIG, "cannot use '%s': mend the lines above", path);
    }
    for (size_t i = 0; rc == 0 && log && i < setup->conf->block_count; i++)
        if (setup->instances[i])
            instance_hide_secrets(setup->instances[i], log);
    if (rc == 0)
        rc = http_client_global_init(err);
    if (rc == 0) {
        rc = run_engine(setup, log, &alone, err);
        http_client_global_done();
    }
    setup_free(setup);
    log_free(log);
    if (rc == 0 && json_str(alone.status, "error"))
        rc = sb_fail(err, SB_EREMOTE, "%.200s", json_str(alone.status, "error"));
    if (rc == 0) {
        *ret_report = json_incref(json_object_get(alone.status, "report"));
        if (!*ret_report)
            rc = sb_fail(err, SB_EREMOTE, "the comparison was stopped before its end");
    }
    json_decref(alone.status);
    return rc;
}

/* ---- telling ------------------------------------------------------------------------------------------- */

static const struct table_column columns[] = {
    { .title = "WHAT" },
    { .title = "RECORD", .is_right = true },
    { .title = "CONVERSATION", .can_shrink = true },
    { .title = "WHY", .wraps = true },
};

static enum screen_style style_of(const char *what)
{
    if (strcmp(what, "missing") == 0 || strcmp(what, "doubled") == 0)
        return SCREEN_RED;
    return strcmp(what, "uncertain") == 0 ? SCREEN_YELLOW : SCREEN_PLAIN;
}

static int write_rows(const struct screen *screen, const json_t *report)
{
    AUTO_TABLE table = table_new(columns, COUNT_OF(columns));
    size_t index;
    json_t *row;

    if (!table)
        return -1;
    json_array_foreach (json_object_get(report, "rows"), index, row) {
        const char *what = json_str(row, "what");
        int64_t id = json_int(row, "record_id", 0);
        table_cell_styled(table, what ? what : "", style_of(what ? what : ""));
        if (id > 0)
            table_cellf(table, "%" PRId64, id);
        else
            table_cell(table, NULL);
        table_cell(table, json_str(row, "external_id"));
        table_cell(table, json_str(row, "why"));
    }
    return table_rows(table) == 0 || table_write(table, screen, 0) == 0 ? 0 : -1;
}

static void write_sums(const struct screen *screen, const json_t *report, int zone_minutes)
{
    char since[TIME_TEXT_MAX];
    size_t index;
    json_t *fault;

    time_format_wall(json_int(report, "since_ms", 0), zone_minutes, since);
    (void)fprintf(
        screen->out,
        "%ssince %s: %" PRId64 " listed, %" PRId64 " told; %" PRId64 " delivered once, %" PRId64
        " explained, %" PRId64 " missing, %" PRId64 " doubled, %" PRId64 " uncertain\n",
        json_array_size(json_object_get(report, "rows")) ? "\n" : "", since, json_int(report, "listed", 0),
        json_int(report, "told", 0), json_int(report, "delivered", 0), json_int(report, "explained", 0),
        json_int(report, "missing", 0), json_int(report, "doubled", 0), json_int(report, "uncertain", 0));
    if (json_int(report, "back_filled", 0) > 0)
        (void)fprintf(screen->out, "%" PRId64 " filled in; they are looked for before anything is created\n",
                      json_int(report, "back_filled", 0));
    json_array_foreach (json_object_get(report, "faults"), index, fault)
        (void)fprintf(screen->out, "%s\n", json_string_value(fault));
}

static int tell(const struct compare_options *options, const json_t *report, int zone_minutes)
{
    const struct screen screen = screen_of(stdout);
    bool is_good = json_int(report, "missing", 0) == 0 && json_int(report, "doubled", 0) == 0;
    int code;

    if (options->common.json) {
        code = command_json(json_incref((json_t *)(uintptr_t)report));
    } else if (write_rows(&screen, report) < 0) {
        (void)fputs("switchboard: out of memory\n", stderr);
        code = EXIT_FAILED;
    } else {
        write_sums(&screen, report, zone_minutes);
        code = command_written();
    }
    return code == EXIT_OK && !is_good ? EXIT_FAILED : code;
}

static int compare(const struct conf *conf, const struct compare_options *options)
{
    struct sb_error err = SB_ERROR_INIT;
    AUTO_JSON report = NULL;
    int rc = ask_engine(conf->settings.data_dir, options, &report, &err);

    if (rc == SB_EBUSY) { /* no engine runs */
        err = (struct sb_error)SB_ERROR_INIT;
        rc = run_alone(options, &report, &err);
    }
    if (!options->common.json)
        progress_clear();
    return rc < 0 ? command_fail(&err) : tell(options, report, conf->settings.timezone_minutes);
}

static int read_since(const struct command *command, struct reconcile_options *what)
{
    struct sb_error err = SB_ERROR_INIT;
    int64_t ms = 0;

    if (parse_duration(optarg, &ms, &err) < 0)
        return command_usage(command, "%s", err.text);
    if (ms <= 0 || ms > SINCE_MS_MAX)
        return command_usage(command, "'%s' is not a time to look back: at most 180d", optarg);
    what->since_ms = clock_wall_ms() - ms;
    return -1;
}

static int run(const struct command *command, int argc, char **argv)
{
    static const struct option longs[] = { COMMAND_LONG,
                                           { "since", required_argument, NULL, 's' },
                                           { "back-fill", no_argument, NULL, 'b' },
                                           { NULL, 0, NULL, 0 } };
    struct compare_options options = { .common = COMMAND_OPTIONS_INIT,
                                       .what.since_ms = clock_wall_ms() - SINCE_MS_DEFAULT };
    struct conf *conf = NULL;

    for (int c; (c = getopt_long(argc, argv, COMMAND_SHORT "s:", longs, NULL)) != -1;) {
        int code = -1;
        if (c == 's')
            code = read_since(command, &options.what);
        else if (c == 'b')
            options.what.back_fills = true;
        else
            code = command_common(command, &options.common, c, argv);
        if (code >= 0)
            return code;
    }
    if (optind < argc)
        return command_usage(command, "unexpected argument '%s'", argv[optind]);
    int code = command_conf(options.common.conf_path, &conf);
    if (code == EXIT_OK)
        code = compare(conf, &options);
    conf_free(conf);
    return code;
}

const struct command command_reconcile = {
    .name = "reconcile",
    .summary = "compare sources, journal and helpdesk",
    .usage =
        "reconcile [-c FILE] [--since TIME] [--back-fill] [--json]\n\n"
        "Lists the sources again, and names what is missing in the journal, what is at the helpdesk twice, "
        "and "
        "why\n"
        "others have no ticket. A running engine does it; without one it is done here. Some requests to the "
        "sources,\n"
        "and a few to the helpdesk for each conversation. Exit code 1: something is missing or doubled.\n\n"
        "  -s, --since TIME    look back so far, such as 36h or 7d (default: 24h, at most 180d)\n"
        "      --back-fill     take what is missing; each is looked for at the helpdesk before it is "
        "created\n"
        "  -c, --config FILE   the configuration (default: engine.conf)\n"
        "      --json          the report as one JSON object\n\n"
        "Example:\n"
        "  switchboard reconcile --since 7d",
    .run = run,
};

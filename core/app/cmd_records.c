/* switchboard records: what is in the journal. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "app/journal.h"
#include "app/table.h"
#include "app/unknown.h"
#include "base/json.h"
#include "base/parse.h"
#include "base/scope.h"
#include "base/timefmt.h"

enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 10000, WHERE_TEXT_MAX = 1024 };

struct records_options {
    struct command_options common;
    struct store_query query;
};

static const struct table_column columns[] = {
    { .title = "ID", .is_right = true },
    { .title = "STATE" },
    { .title = "RECEIVED" },
    { .title = "PIPELINE", .can_shrink = true },
    { .title = "CONVERSATION", .can_shrink = true },
    { .title = "WHERE, OR WHY", .wraps = true },
};

/* ---- one row ---- */

/* The word that says most to a person. */
static const char *shown_state(const json_t *row)
{
    const char *state = json_str(row, "state");
    bool is_open = json_is_true(json_object_get(row, "has_open_intent"));

    if (!state)
        return "invalid";
    if (is_open && (strcmp(state, "active") == 0 || strcmp(state, "dead") == 0))
        return "unknown";
    if (strcmp(state, "done") == 0 && json_int(row, "problems", 0) > 0)
        return "incomplete";
    return state;
}

static void write_where(struct buf *out, const json_t *row)
{
    const char *state = json_str(row, "state"), *reason = json_str(row, "reason");
    const char *instance = json_str(row, "instance"), *step = json_str(row, "step");
    int64_t attempt = json_int(row, "attempt", 0);
    bool is_under_way = state && (strcmp(state, "active") == 0 || strcmp(state, "dead") == 0);

    if (is_under_way) {
        buf_str(out, instance && *instance ? instance : json_str(row, "phase"));
        if (step && *step)
            buf_printf(out, ".%s", step);
        if (attempt > 0)
            buf_printf(out, ", %" PRId64 " failed", attempt);
    }
    if (reason && *reason)
        buf_printf(out, "%s%s", out->len ? ": " : "", reason);
    if (json_is_true(json_object_get(row, "is_doubtful")) && is_under_way)
        buf_printf(out, "%sdoubtful: looks before it creates", out->len ? "; " : "");
}

static void add_row(struct table *table, const json_t *row, int zone_minutes)
{
    char received[TIME_TEXT_MAX];
    const char *state = shown_state(row);
    AUTO_BUF where;

    buf_init(&where, WHERE_TEXT_MAX);
    write_where(&where, row);
    time_format_wall(json_int(row, "received_ms", 0), zone_minutes, received);
    table_cellf(table, "%" PRId64, json_int(row, "id", 0));
    table_cell_styled(table, state, screen_style_of_state(state));
    table_cell(table, received);
    table_cell(table, json_str(row, "pipeline"));
    table_cell(table, json_str(row, "external_id"));
    table_cell(table, where.data);
}

/* ---- unknown: the evidence ---- */

static const struct table_column unknown_columns[] = {
    { .title = "ID", .is_right = true },
    { .title = "CONVERSATION", .can_shrink = true },
    { .title = "WHAT" },
    { .title = "SENT" },
    { .title = "TRY", .is_right = true },
    { .title = "NEXT LOOK" },
    { .title = "SURE FROM" },
    { .title = "LOOKED", .wraps = true },
};

static void add_time(struct table *table, int64_t ms, int zone_minutes)
{
    char text[TIME_TEXT_MAX];

    if (ms > 0)
        time_format_wall(ms, zone_minutes, text);
    table_cell(table, ms > 0 ? text : "-");
}

static void add_evidence(struct table *table, const json_t *row, int zone_minutes)
{
    const char *instance = json_str(row, "instance"), *step = json_str(row, "step");
    const char *look = json_str(row, "last_look"), *text = json_str(row, "last_look_text");

    table_cellf(table, "%" PRId64, json_int(row, "record_id", 0));
    table_cell(table, json_str(row, "external_id"));
    table_cellf(table, "%s.%s", instance ? instance : "?", step ? step : "?");
    add_time(table, json_int(row, "sent_ms", 0), zone_minutes);
    table_cellf(table, "%" PRId64, json_int(row, "attempt", 0));
    add_time(table, json_int(row, "next_ms", 0), zone_minutes);
    add_time(table, json_int(row, "certain_ms", 0), zone_minutes);
    table_cellf(table, "%" PRId64 " times%s%s%s%s", json_int(row, "looks", 0), look ? ", last: " : "",
                look ? look : "", text ? ": " : "", text ? text : "");
}

static int write_unknown(const struct screen *screen, const json_t *evidence, int zone_minutes)
{
    AUTO_TABLE table = table_new(unknown_columns, COUNT_OF(unknown_columns));
    size_t index;
    json_t *row;

    if (!table)
        return -1;
    json_array_foreach (evidence, index, row)
        add_evidence(table, row, zone_minutes);
    if (table_rows(table) == 0)
        return 0;
    int rc = table_write(table, screen, 0);
    (void)fputs(
        "\nNothing of these is sent again before it was looked for and is not there. Where you know better: "
        "'switchboard retry ID --adopt TICKET' or '--send-again'.\n",
        screen->out);
    return rc;
}

/* ---- the whole ---- */

static void write_totals(const struct screen *screen, const json_t *totals, size_t shown)
{
    const char *state, *last = NULL;
    json_t *count;

    (void)fprintf(screen->out, "\n%zu shown; in all: ", shown);
    json_object_foreach (json_object_get(totals, "records"), state, count) {
        if (json_integer_value(count) == 0)
            continue;
        enum screen_style style = screen_style_of_state(state);
        (void)fprintf(screen->out, "%s%s%lld %s%s", screen_before_count(state, last),
                      screen_begin(screen, style), (long long)json_integer_value(count), state,
                      screen_end(screen, style));
        last = state;
    }
    (void)fprintf(screen->out, "%s\n", last ? "" : "none");
}

static int write_table(const json_t *rows, const json_t *evidence, const json_t *totals, int zone_minutes)
{
    struct screen screen = screen_of(stdout);
    AUTO_TABLE table = table_new(columns, COUNT_OF(columns));
    size_t index;
    json_t *row;

    if (table && !evidence)
        json_array_foreach (rows, index, row)
            add_row(table, row, zone_minutes);
    bool is_good = table && (table_rows(table) == 0 || table_write(table, &screen, 0) == 0);
    if (is_good && evidence)
        is_good = write_unknown(&screen, evidence, zone_minutes) == 0;
    if (!is_good) {
        (void)fputs("switchboard: out of memory\n", stderr);
        return EXIT_FAILED;
    }
    write_totals(&screen, totals, json_array_size(rows));
    return command_written();
}

/* A pipeline that is not there any more may still have records. */
static void warn_unknown_pipeline(const struct conf *conf, const char *name)
{
    const char *names[CONF_PIPELINES_MAX + 1] = { NULL };

    for (size_t i = 0; i < conf->pipeline_count; i++) {
        if (strcmp(conf->pipelines[i].name, name) == 0)
            return;
        names[i] = conf->pipelines[i].name;
    }
    const char *nearest = parse_nearest(name, names);
    (void)fprintf(stderr, "switchboard: '%s' has no pipeline '%s'%s%s%s\n", conf->path, name,
                  nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

/* Each row of `rows` (changed) with what `evidence` says of the same record. */
static json_t *with_evidence(json_t *rows, const json_t *evidence)
{
    size_t i, k;
    json_t *row, *known;

    json_array_foreach (rows, i, row)
        json_array_foreach (evidence, k, known)
            if (json_int(row, "id", 0) == json_int(known, "record_id", -1))
                (void)json_object_set(row, "evidence", known);
    return rows;
}

static int list(const struct conf *conf, const struct records_options *options)
{
    struct sb_error err = SB_ERROR_INIT;
    struct store *store = NULL;
    AUTO_JSON rows = NULL;
    AUTO_JSON totals = NULL;
    AUTO_JSON evidence = NULL;
    bool is_unknown = options->query.state && strcmp(options->query.state, "unknown") == 0;

    int rc = journal_read(conf, &store, &err);
    if (rc == 0)
        rc = store_list(store, &options->query, &rows, &err);
    if (rc == 0)
        rc = store_totals(store, &totals, &err);
    if (rc == 0 && is_unknown)
        rc = unknown_read(conf, store, options->query.limit, &evidence, &err);
    store_close(store);
    if (rc < 0)
        return command_fail(&err);
    if (options->query.pipeline && json_array_size(rows) == 0)
        warn_unknown_pipeline(conf, options->query.pipeline);
    if (options->common.json)
        return command_json(json_incref(is_unknown ? with_evidence(rows, evidence) : rows));
    return write_table(rows, evidence, totals, conf->settings.timezone_minutes);
}

/* ---- options ---- */

static int read_limit(const struct command *command, struct store_query *query)
{
    int64_t limit = 0;

    if (parse_int(optarg, &limit, NULL) < 0 || limit < 1 || limit > LIMIT_MAX)
        return command_usage(command, "'%s' is not a limit: 1 to %d", optarg, LIMIT_MAX);
    query->limit = (size_t)limit;
    return -1;
}

static int read_state(const struct command *command, struct store_query *query)
{
    static const char *const words[] = { "active", "done",    "dropped",    "disabled",
                                         "dead",   "unknown", "incomplete", NULL };

    for (size_t i = 0; words[i]; i++)
        if (strcmp(words[i], optarg) == 0) {
            query->state = words[i];
            return -1;
        }
    const char *nearest = parse_nearest(optarg, words);
    return command_usage(
        command,
        "there is no state '%s'%s%s%s; known are active, done, dropped, disabled, dead, unknown and "
        "incomplete",
        optarg, nearest ? " (did you mean '" : "", nearest ? nearest : "", nearest ? "'?)" : "");
}

static int read_option(const struct command *command, struct records_options *options, int letter,
                       char **argv)
{
    switch (letter) {
    case 's':
        return read_state(command, &options->query);
    case 'p':
        options->query.pipeline = optarg;
        return -1;
    case 'n':
        return read_limit(command, &options->query);
    default:
        return command_common(command, &options->common, letter, argv);
    }
}

static int run(const struct command *command, int argc, char **argv)
{
    static const struct option longs[] = { COMMAND_LONG,
                                           { "state", required_argument, NULL, 's' },
                                           { "pipeline", required_argument, NULL, 'p' },
                                           { "limit", required_argument, NULL, 'n' },
                                           { NULL, 0, NULL, 0 } };
    struct records_options options = { .common = COMMAND_OPTIONS_INIT, .query.limit = LIMIT_DEFAULT };
    struct conf *conf = NULL;

    for (int c; (c = getopt_long(argc, argv, COMMAND_SHORT "s:p:n:", longs, NULL)) != -1;) {
        int code = read_option(command, &options, c, argv);
        if (code >= 0)
            return code;
    }
    if (optind < argc)
        return command_usage(command, "unexpected argument '%s'; 'switchboard show %s' shows one record",
                             argv[optind], argv[optind]);
    int code = command_conf(options.common.conf_path, &conf);
    if (code == EXIT_OK)
        code = list(conf, &options);
    conf_free(conf);
    return code;
}

const struct command command_records = {
    .name = "records",
    .summary = "list conversations and where they stand",
    .usage =
        "records [-c FILE] [--state STATE] [--pipeline NAME] [--limit N] [--json]\n\n"
        "Lists the newest records first, also while the engine runs. Times are those of 'timezone'.\n\n"
        "  -c, --config FILE     the configuration (default: engine.conf)\n"
        "  -s, --state STATE     only these:\n"
        "                          active      on their way\n"
        "                          done        every sink has them\n"
        "                          dropped     finished without a ticket: a rule, a missed call\n"
        "                          disabled    finished, but their sink is switched off\n"
        "                          dead        dead letters: a person must look; 'retry' or 'drop' them\n"
        "                          unknown     it is being found out whether something was created; with the "
        "evidence\n"
        "                          incomplete  done, but something (a transcript) could not be had\n"
        "  -p, --pipeline NAME   only of this pipeline\n"
        "  -n, --limit N         at most so many (default: 50, at most 10000)\n"
        "      --json            a JSON array, times in milliseconds since 1970\n\n"
        "Example:\n"
        "  switchboard records --state dead",
    .run = run,
};

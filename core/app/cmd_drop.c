/* switchboard drop: a record that nobody wants is ended without a ticket. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "app/journal.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/timefmt.h"

enum { REASON_BYTES_MAX = 500 };

struct drop_options {
    struct command_options common;
    const char *record, *reason;
};

struct drop_alone {
    int64_t id;
    const char *reason;
};

static int drop_alone(void *ctx, struct store *store, json_t **ret_answer, struct sb_error *err)
{
    const struct drop_alone *what = ctx;
    int rc = store_drop(store, what->id, what->reason, clock_wall_ms(), err);

    if (rc < 0)
        return rc;
    *ret_answer = json_pack("{s:I}", "dropped", (json_int_t)what->id);
    return *ret_answer ? 0 : sb_fail(err, SB_ENOMEM, "out of memory");
}

static int do_drop(const struct conf *conf, struct drop_alone *what, json_t **ret_answer,
                   struct sb_error *err)
{
    AUTO_JSON body = json_pack("{s:I, s:s}", "id", (json_int_t)what->id, "reason", what->reason);
    const struct journal_change change = { "drop", body, drop_alone, what };

    if (!body)
        return sb_fail(err, SB_EINPUT, "the reason is not UTF-8 text");
    return journal_change_once(conf, &change, NULL, ret_answer, err);
}

static int drop(const struct conf *conf, const struct drop_options *options)
{
    struct sb_error err = SB_ERROR_INIT;
    struct drop_alone what = { .reason = options->reason };
    AUTO_JSON answer = NULL;
    int rc = journal_look_up(conf, options->record, &what.id, &err);

    if (rc == 0)
        rc = do_drop(conf, &what, &answer, &err);
    if (rc < 0)
        return command_fail(&err);
    if (options->common.json)
        return command_json(json_incref(answer));
    const char *when = json_str(answer, "when"); /* it is under way: not in the middle of a step */
    (void)printf("record %lld is dropped%s%s\n", (long long)what.id, when ? " " : "", when ? when : "");
    return command_written();
}

static int run(const struct command *command, int argc, char **argv)
{
    static const struct option longs[] = { COMMAND_LONG,
                                           { "reason", required_argument, NULL, 'r' },
                                           { NULL, 0, NULL, 0 } };
    struct drop_options options = { .common = COMMAND_OPTIONS_INIT, .reason = "dropped by an operator" };
    struct conf *conf = NULL;

    for (int c; (c = getopt_long(argc, argv, COMMAND_SHORT "r:", longs, NULL)) != -1;) {
        int code = -1;
        if (c == 'r')
            options.reason = optarg;
        else
            code = command_common(command, &options.common, c, argv);
        if (code >= 0)
            return code;
    }
    if (optind >= argc)
        return command_usage(command, "which record?");
    if (optind + 1 < argc)
        return command_usage(command, "unexpected argument '%s'; put a reason of several words in quotes",
                             argv[optind + 1]);
    if (!*options.reason || strlen(options.reason) > REASON_BYTES_MAX)
        return command_usage(command, "a reason has 1 to %d bytes", REASON_BYTES_MAX);
    options.record = argv[optind];
    int code = command_conf(options.common.conf_path, &conf);
    if (code == EXIT_OK)
        code = drop(conf, &options);
    conf_free(conf);
    return code;
}

const struct command command_drop = {
    .name = "drop",
    .summary = "end a record without a ticket",
    .usage =
        "drop [-c FILE] ID [--reason TEXT] [--json]\n\n"
        "Ends a record that is active, dead or disabled. One that is under way ends at its next safe point:\n"
        "what is being created is finished or found first. 'retry' does not bring it back.\n\n"
        "  ID                  a record's id, its call's id, or its reference\n"
        "  -r, --reason TEXT   what to remember (default: \"dropped by an operator\")\n"
        "  -c, --config FILE   the configuration (default: engine.conf)\n"
        "      --json          {\"dropped\": id}\n\n"
        "Example:\n"
        "  switchboard drop 12 --reason \"a test call of our own\"",
    .run = run,
};

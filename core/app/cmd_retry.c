/* switchboard retry: records that ended without success go on. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "app/decision.h"
#include "app/journal.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/timefmt.h"

struct retry_options {
    struct command_options common;
    const char *record;     /* an id, or NULL */
    enum store_state state; /* of all, when there is no id; STORE_STATE_INVALID: not given */
    const char *adopt;      /* --adopt; NULL: not given */
    bool sends_again, is_forced;
};

enum { ADOPT_BYTES_MAX = 200 };

struct retry_alone {
    int64_t id;
    enum store_state state;
};

static int retry_alone(void *ctx, struct store *store, json_t **ret_answer, struct sb_error *err)
{
    const struct retry_alone *what = ctx;
    size_t count = 0;
    int rc = store_retry(store, what->id, what->state, clock_wall_ms(), &count, err);

    if (rc < 0)
        return rc;
    *ret_answer = json_pack("{s:I}", "retried", (json_int_t)count);
    return *ret_answer ? 0 : sb_fail(err, SB_ENOMEM, "out of memory");
}

static int do_retry(const struct conf *conf, const struct retry_alone *what, bool *ret_alone,
                    json_t **ret_answer, struct sb_error *err)
{
    struct retry_alone copy = *what;
    AUTO_JSON body = what->id > 0 ? json_pack("{s:I}", "id", (json_int_t)what->id)
                                  : json_pack("{s:s}", "state", store_state_word(what->state));
    const struct journal_change change = { "retry", body, retry_alone, &copy };

    if (!body)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    return journal_change_once(conf, &change, ret_alone, ret_answer, err);
}

static int tell(const struct retry_options *options, int64_t id, bool was_alone, const json_t *answer)
{
    int64_t count = json_int(answer, "retried", 0);

    if (options->common.json)
        return command_json(json_pack("{s:I, s:b}", "retried", (json_int_t)count, "engine_runs", !was_alone));
    if (id > 0)
        (void)printf("record %lld goes on%s\n", (long long)id,
                     was_alone ? " when 'switchboard run' is started" : "");
    else
        (void)printf("%lld record%s %s%s\n", (long long)count, count == 1 ? "" : "s",
                     count == 1 ? "goes on" : "go on",
                     was_alone && count > 0 ? " when 'switchboard run' is started" : "");
    return command_written();
}

static int retry(const struct conf *conf, const struct retry_options *options)
{
    struct sb_error err = SB_ERROR_INIT;
    struct retry_alone what = { .state = options->record ? STORE_DEAD : options->state };
    bool was_alone = false;
    AUTO_JSON answer = NULL;
    int rc = options->record ? journal_look_up(conf, options->record, &what.id, &err) : 0;

    if (rc == 0)
        rc = do_retry(conf, &what, &was_alone, &answer, &err);
    return rc < 0 ? command_fail(&err) : tell(options, what.id, was_alone, answer);
}

static int check_choice(const struct command *command, const struct retry_options *options, int argc,
                        char **argv)
{
    if (optind + 1 < argc)
        return command_usage(command, "unexpected argument '%s': one record at a time, or --all",
                             argv[optind + 1]);
    if (options->record && options->state != STORE_STATE_INVALID)
        return command_usage(command, "one record, or all of a kind, but not both");
    if (!options->record && options->state == STORE_STATE_INVALID)
        return command_usage(command, "which record? Give its id, --all, --disabled or --incomplete");
    if ((options->adopt || options->sends_again) && !options->record)
        return command_usage(command, "--adopt and --send-again are for one record: give its id");
    if (options->adopt && options->sends_again)
        return command_usage(command, "--adopt and --send-again exclude each other");
    if (options->is_forced && !options->adopt)
        return command_usage(command, "--force goes with --adopt");
    if (options->adopt && (!*options->adopt || strlen(options->adopt) > ADOPT_BYTES_MAX))
        return command_usage(command, "an id has 1 to %d bytes", ADOPT_BYTES_MAX);
    return -1;
}

static int retry_or_decide(const struct conf *conf, const struct retry_options *options)
{
    const struct decision decision = { .record = options->record,
                                       .adopt = options->adopt,
                                       .is_forced = options->is_forced,
                                       .json = options->common.json };

    return options->adopt || options->sends_again ? decision_run(conf, &decision) : retry(conf, options);
}

/* -1: go on. */
static int read_option(const struct command *command, struct retry_options *options, int letter, char **argv)
{
    enum store_state state = letter == 'a'   ? STORE_DEAD
                             : letter == 'd' ? STORE_DISABLED
                             : letter == 'i' ? STORE_DONE
                                             : STORE_STATE_INVALID;
    switch (letter) {
    case 't':
        options->adopt = optarg;
        return -1;
    case 's':
        options->sends_again = true;
        return -1;
    case 'f':
        options->is_forced = true;
        return -1;
    default:
        break;
    }
    if (state == STORE_STATE_INVALID)
        return command_common(command, &options->common, letter, argv);
    if (options->state != STORE_STATE_INVALID && options->state != state)
        return command_usage(command, "--all, --disabled and --incomplete exclude each other");
    options->state = state;
    return -1;
}

static int run(const struct command *command, int argc, char **argv)
{
    static const struct option longs[] = { COMMAND_LONG,
                                           { "all", no_argument, NULL, 'a' },
                                           { "disabled", no_argument, NULL, 'd' },
                                           { "incomplete", no_argument, NULL, 'i' },
                                           { "adopt", required_argument, NULL, 't' },
                                           { "send-again", no_argument, NULL, 's' },
                                           { "force", no_argument, NULL, 'f' },
                                           { NULL, 0, NULL, 0 } };
    struct retry_options options = { .common = COMMAND_OPTIONS_INIT, .state = STORE_STATE_INVALID };
    struct conf *conf = NULL;
    int code = -1;

    for (int c; (c = getopt_long(argc, argv, COMMAND_SHORT, longs, NULL)) != -1;) {
        code = read_option(command, &options, c, argv);
        if (code >= 0)
            return code;
    }
    options.record = optind < argc ? argv[optind] : NULL;
    code = check_choice(command, &options, argc, argv);
    if (code < 0)
        code = command_conf(options.common.conf_path, &conf);
    if (code == EXIT_OK && conf)
        code = retry_or_decide(conf, &options);
    conf_free(conf);
    return code;
}

const struct command command_retry = {
    .name = "retry",
    .summary = "let dead letters, or disabled records, go on",
    .usage =
        "retry [-c FILE] ID | --all | --disabled | --incomplete [--json]\n"
        "       switchboard retry [-c FILE] ID --adopt TICKET [--force] | --send-again [--json]\n\n"
        "Takes records up where they stopped. What was created is not created again. A running engine\n"
        "begins at once; otherwise the next 'switchboard run' does.\n\n"
        "  ID                  a record's id, its call's id, or its reference\n"
        "      --all           every dead letter\n"
        "      --disabled      every record that ended because its sink was switched off\n"
        "      --incomplete    every record that is done but lacks something: what was missing is tried "
        "again\n"
        "      --adopt TICKET  of an UNKNOWN record: it made this ticket (the long id, not #123). The ticket "
        "is "
        "read,\n"
        "                      and must carry the record's reference; then the record goes on with it\n"
        "      --force         take the ticket even without the reference, or when it cannot be read\n"
        "      --send-again    of an UNKNOWN record: it made nothing, as you have seen yourself; it is sent "
        "again\n"
        "                      at once, and looked for twins later\n"
        "  -c, --config FILE   the configuration (default: engine.conf)\n"
        "      --json          {\"retried\": n, \"engine_runs\": true or false}\n\n"
        "Example:\n"
        "  switchboard retry --all",
    .run = run,
};

/* switchboard check: what is wrong in engine.conf, or what will run. */
#include <getopt.h>
#include <stdio.h>

#include "app/command.h"
#include "app/contacts_file.h"
#include "app/setup.h"
#include "base/scope.h"

enum { TEXT_MAX = 4 * 1024 * 1024 };

static int check(const char *path)
{
    struct sb_error err = SB_ERROR_INIT;
    struct setup *setup = NULL;
    struct log *log = command_log();
    AUTO_BUF problems;
    AUTO_BUF summary;

    buf_init(&problems, TEXT_MAX);
    buf_init(&summary, TEXT_MAX);
    if (setup_load(path, log, &setup, &err) < 0) {
        log_free(log);
        return command_fail(&err);
    }
    bool is_wrong = setup_has_errors(setup);
    conf_write_diagnostics(setup->conf, &problems);
    if (contacts_file_check(setup->conf, &problems) > 0)
        is_wrong = true;
    if (!is_wrong)
        conf_write_summary(setup->conf, &summary);
    (void)fputs(problems.data, is_wrong ? stderr : stdout);
    (void)fputs(summary.data, stdout);
    setup_free(setup);
    log_free(log);
    return is_wrong ? EXIT_FAILED : EXIT_OK;
}

static int run(const struct command *command, int argc, char **argv)
{
    static const struct option longs[] = { { "config", required_argument, NULL, 'c' },
                                           { "help", no_argument, NULL, 'h' },
                                           { NULL, 0, NULL, 0 } };
    const char *path = "engine.conf";

    for (int c; (c = getopt_long(argc, argv, ":c:h", longs, NULL)) != -1;) {
        if (c == 'c')
            path = optarg;
        else if (c == 'h')
            return command_help(command);
        else
            return command_bad_option(command, c, argv);
    }
    if (optind < argc)
        return command_usage(command, "unexpected argument '%s'", argv[optind]);
    return check(path);
}

const struct command command_check = {
    .name = "check",
    .summary = "say what is wrong in engine.conf, or what will run",
    .usage =
        "check [-c FILE]\n\n"
        "Reads engine.conf, the files it includes, .env, plugins, scripts and mapping files, and names every "
        "mistake\n"
        "with its line. Without a mistake it shows the pipelines as they will run. Nothing is sent "
        "anywhere.\n\n"
        "  -c, --config FILE   the configuration (default: engine.conf)\n\n"
        "Example:\n"
        "  switchboard check -c /etc/switchboard/engine.conf",
    .run = run,
};

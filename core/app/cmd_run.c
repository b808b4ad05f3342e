/* switchboard run: the engine. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/command.h"
#include "app/engine.h"
#include "base/scope.h"

enum { TEXT_MAX = 4 * 1024 * 1024 };

/* Errors go to stderr and end it; notices and warnings are said once, as log lines would be. */
static bool tell_diagnostics(const struct setup *setup)
{
    AUTO_BUF text;

    buf_init(&text, TEXT_MAX);
    conf_write_diagnostics(setup->conf, &text);
    (void)fputs(text.data, stderr);
    if (setup_has_errors(setup))
        (void)fputs("switchboard: not started: mend the lines above, then try 'switchboard check'\n", stderr);
    return !setup_has_errors(setup);
}

static int run_engine(struct setup *setup, const struct engine_options *options, struct log *log)
{
    struct sb_error err = SB_ERROR_INIT;
    struct engine *engine = NULL;
    size_t dead = 0;

    int rc = setup_plan(setup, &err);
    if (rc == 0)
        rc = engine_new(setup, options, log, &engine, &err);
    if (rc == 0)
        rc = engine_run(engine, &dead, &err);
    engine_free(engine);
    if (rc < 0)
        return command_fail(&err);
    if (options->once && dead > 0) {
        (void)fprintf(
            stderr,
            "switchboard: %zu records ended in the dead letters: see 'switchboard records --state dead'\n",
            dead);
        return EXIT_FAILED;
    }
    return EXIT_OK;
}

static int load_and_run(const char *path, const struct engine_options *options)
{
    struct sb_error err = SB_ERROR_INIT;
    struct setup *setup = NULL;
    struct log *log = NULL;
    int code = EXIT_FAILED;

    /* The log's level and format stand in the file that is about to be read: it is made twice. */
    struct log *early = command_log();
    int rc = setup_load(path, early, &setup, &err);
    if (rc == 0 && tell_diagnostics(setup)) {
        log = log_new(setup->conf->settings.log_level, setup->conf->settings.log_format, NULL, NULL);
        for (size_t i = 0; log && i < setup->conf->block_count; i++)
            if (setup->instances[i])
                instance_hide_secrets(setup->instances[i], log);
        rc = log ? http_client_global_init(&err) : sb_fail(&err, SB_ENOMEM, "out of memory");
        if (rc == 0) {
            code = run_engine(setup, options, log);
            http_client_global_done();
        }
    }
    if (rc < 0)
        code = command_fail(&err);
    setup_free(setup);
    log_free(log);
    log_free(early);
    return code;
}

static int run(const struct command *command, int argc, char **argv)
{
    static const struct option longs[] = { { "config", required_argument, NULL, 'c' },
                                           { "once", no_argument, NULL, 'o' },
                                           { "help", no_argument, NULL, 'h' },
                                           { NULL, 0, NULL, 0 } };
    struct engine_options options = { .once = false };
    const char *path = "engine.conf";

    for (int c; (c = getopt_long(argc, argv, ":c:h", longs, NULL)) != -1;) {
        if (c == 'c')
            path = optarg;
        else if (c == 'o')
            options.once = true;
        else if (c == 'h')
            return command_help(command);
        else
            return command_bad_option(command, c, argv);
    }
    if (optind < argc)
        return command_usage(command, "unexpected argument '%s'", argv[optind]);
    return load_and_run(path, &options);
}

const struct command command_run = {
    .name = "run",
    .summary = "run the pipelines",
    .usage = "run [-c FILE] [--once]\n\n"
             "Runs until SIGTERM or SIGINT: then nothing new is begun, and what is under way is finished or "
             "left so\n"
             "that the next start takes it up, within shutdown_timeout.\n\n"
             "  -c, --config FILE   the configuration (default: engine.conf)\n"
             "      --once          end when the sources have nothing new and every record has ended; exit "
             "code 1 if\n"
             "                      any of them ended in the dead letters\n\n"
             "Example:\n"
             "  switchboard run -c /etc/switchboard/engine.conf",
    .run = run,
};

/* switchboard run: the engine. */
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/command.h"
#include "app/engine.h"
#include "base/scope.h"

enum { TEXT_MAX = 4 * 1024 * 1024 };

/* ---- one reading of the configuration ------------------------------------------------------------------ */

struct reading {
    struct log *early; /* the log's level and format stand in the file: it is made twice */
    struct log *log;
    struct setup *setup;
};

static void reading_free(struct reading *reading)
{
    setup_free(reading->setup);
    log_free(reading->log);
    log_free(reading->early);
    *reading = (struct reading){ .setup = NULL };
}

/* Each with its place, as `switchboard check` says it; notices and warnings, too. */
static void tell_diagnostics(const struct setup *setup)
{
    AUTO_BUF text;

    buf_init(&text, TEXT_MAX);
    conf_write_diagnostics(setup->conf, &text);
    (void)fputs(text.data, stderr);
}

/* Fails with SB_ECONFIG after the mistakes were told. What is in `ret_reading` is to be freed in any case. */
static int reading_load(const char *path, struct reading *ret_reading, struct sb_error *err)
{
    ret_reading->early = command_log();
    int rc = setup_load(path, ret_reading->early, &ret_reading->setup, err);
    if (rc < 0)
        return rc;
    const struct setup *setup = ret_reading->setup;
    tell_diagnostics(setup);
    if (setup_has_errors(setup))
        return sb_fail(err, SB_ECONFIG, "%zu mistakes in the configuration", conf_error_count(setup->conf));
    ret_reading->log = log_new(setup->conf->settings.log_level, setup->conf->settings.log_format, NULL, NULL);
    if (!ret_reading->log)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    for (size_t i = 0; i < setup->conf->block_count; i++)
        if (setup->instances[i])
            instance_hide_secrets(setup->instances[i], ret_reading->log);
    return setup_plan(ret_reading->setup, err);
}

/* ---- one engine after the other ------------------------------------------------------------------------ */

/* The process: at SIGHUP the configuration is read again, and the next engine runs with it. */
struct life {
    const char *path;
    struct engine_options options;
    struct reading before, now, next; /* before: until an engine has begun with what is now */
    bool had_terminal;
    size_t dead;
};

/* Whether the engine is to end. Mistakes change nothing; what was read before, and nobody runs with yet, gives way. */
static bool reload(void *ctx)
{
    struct life *life = ctx;
    struct reading next = { .setup = NULL };
    struct sb_error err = SB_ERROR_INIT;

    if (life->had_terminal && !isatty(STDERR_FILENO)) {
        LOG_NOTICE(life->now.log, "the terminal is gone: stopping", LOG_STR("signal", "SIGHUP"));
        return true;
    }
    if (reading_load(life->path, &next, &err) < 0) {
        LOG_ERROR(life->now.log,
                  "the configuration was read again and is not taken over: the one before stays",
                  LOG_STR("error", err.text));
        reading_free(&next);
        return false;
    }
    LOG_NOTICE(life->now.log, "the configuration was read again and is taken over",
               LOG_STR("file", life->path));
    reading_free(&life->next);
    life->next = next;
    return true;
}

/* Between two engines nobody watches the signals: they wait. */
static void hold_signals(bool is_held)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGHUP);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)pthread_sigmask(is_held ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

/* What only shows when it is tried, such as an address that is taken, is no reason to end, either. */
static int begin(struct life *life, struct engine **ret_engine, struct sb_error *err)
{
    int rc = engine_new(life->now.setup, &life->options, life->now.log, ret_engine, err);

    if (rc < 0 && life->before.setup) {
        LOG_ERROR(life->before.log, "cannot start with the new configuration: going on with the one before",
                  LOG_STR("error", err->text));
        reading_free(&life->now);
        life->now = life->before;
        life->before = (struct reading){ .setup = NULL };
        *err = (struct sb_error)SB_ERROR_INIT;
        rc = engine_new(life->now.setup, &life->options, life->now.log, ret_engine, err);
    }
    reading_free(&life->before);
    return rc;
}

/* Gives whether another engine is to follow, with what is in `now` then. */
static int run_engine(struct life *life, bool *ret_goes_on, struct sb_error *err)
{
    struct engine *engine = NULL;
    size_t dead = 0;

    int rc = begin(life, &engine, err);
    hold_signals(false);
    if (rc == 0)
        rc = engine_run(engine, &dead, err);
    hold_signals(true);
    if (rc == 0)
        loop_turn(engine->loop); /* the last thing it hears may be a signal */
    life->dead += dead;
    *ret_goes_on = rc == 0 && life->next.setup && !engine->is_told_to_end;
    if (!*ret_goes_on)
        hold_signals(false);
    engine_free(engine);
    if (*ret_goes_on) {
        life->before = life->now;
        life->now = life->next;
        life->next = (struct reading){ .setup = NULL };
    }
    return rc;
}

static int run_engines(struct life *life)
{
    struct sb_error err = SB_ERROR_INIT;
    bool goes_on = true;
    int rc = http_client_global_init(&err);

    if (rc < 0)
        return command_fail(&err);
    while (rc == 0 && goes_on)
        rc = run_engine(life, &goes_on, &err);
    http_client_global_done();
    if (rc < 0)
        return command_fail(&err);
    if (life->options.once && life->dead > 0) {
        (void)fprintf(
            stderr,
            "switchboard: %zu records ended in the dead letters: see 'switchboard records --state dead'\n",
            life->dead);
        return EXIT_FAILED;
    }
    return EXIT_OK;
}

static int load_and_run(const char *path, bool is_once)
{
    struct sb_error err = SB_ERROR_INIT;
    struct life life = { .path = path,
                         .options = { .once = is_once, .reload = reload, .reload_ctx = &life },
                         .had_terminal = isatty(STDERR_FILENO) };
    int code = EXIT_FAILED;

    int rc = reading_load(path, &life.now, &err);
    if (rc == 0)
        code = run_engines(&life);
    else if (life.now.setup && setup_has_errors(life.now.setup))
        (void)fputs("switchboard: not started: mend the lines above, then try 'switchboard check'\n", stderr);
    else
        code = command_fail(&err);
    reading_free(&life.now);
    reading_free(&life.next);
    return code;
}

static int run(const struct command *command, int argc, char **argv)
{
    static const struct option longs[] = { { "config", required_argument, NULL, 'c' },
                                           { "once", no_argument, NULL, 'o' },
                                           { "help", no_argument, NULL, 'h' },
                                           { NULL, 0, NULL, 0 } };
    bool is_once = false;
    const char *path = "engine.conf";

    for (int c; (c = getopt_long(argc, argv, ":c:h", longs, NULL)) != -1;) {
        if (c == 'c')
            path = optarg;
        else if (c == 'o')
            is_once = true;
        else if (c == 'h')
            return command_help(command);
        else
            return command_bad_option(command, c, argv);
    }
    if (optind < argc)
        return command_usage(command, "unexpected argument '%s'", argv[optind]);
    return load_and_run(path, is_once);
}

const struct command command_run = {
    .name = "run",
    .summary = "run the pipelines",
    .usage =
        "run [-c FILE] [--once]\n\n"
        "Runs until SIGTERM or SIGINT: then nothing new is begun, and what is under way is finished or\n"
        "left so that the next start takes it up, within shutdown_timeout. SIGHUP reads the configuration\n"
        "again, with .env and scripts: it is taken over in the same way, and one with mistakes is "
        "refused.\n\n"
        "  -c, --config FILE   the configuration (default: engine.conf)\n"
        "      --once          end when the sources have nothing new and every record has ended; exit\n"
        "                      code 1 if any of them ended in the dead letters\n\n"
        "Example:\n"
        "  switchboard run -c /etc/switchboard/engine.conf",
    .run = run,
};

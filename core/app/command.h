/* The verbs of the command line. One file a verb: cmd_<verb>.c. */
#ifndef APP_COMMAND_H
#define APP_COMMAND_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/log.h"
#include "switchboard/error.h"

struct conf;

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct command {
    const char *name;
    const char *summary; /* one line of `switchboard --help` */
    const char
        *usage; /* what follows "switchboard " in its own help, then a blank line, options, an example */
    int (*run)(const struct command *command, int argc,
               char **argv); /* argv[0] is the verb; gives an exit code */
};

extern const struct command command_run, command_check, command_plugins, command_records, command_show,
    command_prove, command_reconcile, command_retry, command_drop, command_import, command_login,
    command_backup, command_restore, command_version;

/* ---- helpers for the verbs (command.c) ----------------------------------------------------------------- */

/* What most verbs share. */
struct command_options {
    const char *conf_path; /* -c FILE; default "engine.conf" */
    bool json;             /* --json */
};
#define COMMAND_OPTIONS_INIT                                                                                 \
    {                                                                                                        \
        .conf_path = "engine.conf"                                                                           \
    }
/* Rows for getopt_long and what goes with them: `short_options` begins with COMMAND_SHORT. */
#define COMMAND_SHORT ":c:h"
#define COMMAND_LONG                                                                                         \
    { "config", required_argument, NULL, 'c' }, { "json", no_argument, NULL, 'j' },                          \
    {                                                                                                        \
        "help", no_argument, NULL, 'h'                                                                       \
    }
/* Takes one of these options (`letter` as getopt_long gave it, with `optarg`). -1: go on; else the verb ends with this
 * exit code: help was asked for, or the option is unknown or lacks its argument. */
int command_common(const struct command *command, struct command_options *options, int letter, char **argv);
/* Reads the options of a verb that has no others; `optind` is at the first argument then. -1: go on; else an exit code. */
int command_plain(const struct command *command, struct command_options *options, int argc, char **argv);

/* Prints the help of a verb to stdout (exit 0), or to stderr with a complaint (exit 2). */
int command_help(const struct command *command);
int command_usage(const struct command *command, const char *fmt, ...) SB_PRINTF(2, 3);
/* Says "switchboard: text" on stderr and gives EXIT_FAILED. */
int command_fail(const struct sb_error *err);
/* The exit code for what getopt_long does not know, ':' or '?', after saying so; `short_options` must begin with ':'. */
int command_bad_option(const struct command *command, int letter, char **argv);
/* Reads and checks a file's settings, without plugins: enough to find the journal. Gives an exit code: EXIT_OK, or
 * EXIT_FAILED after saying what is wrong. */
int command_conf(const char *path, struct conf **ret_conf);
/* Writes one JSON document for scripts to stdout. Takes `value`; NULL: out of memory. Gives an exit code. */
int command_json(json_t *value);
/* Ends a verb that has written to stdout: EXIT_FAILED, said, when it could not be written. */
int command_written(void);
/* A log on stderr for verbs that do not run the engine: warnings only. */
struct log *command_log(void);

#endif

/* The verbs of the command line. One file a verb: cmd_<verb>.c. */
#ifndef APP_COMMAND_H
#define APP_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/log.h"
#include "switchboard/error.h"

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
    command_retry, command_drop, command_import, command_login, command_backup, command_restore,
    command_version;

/* ---- helpers for the verbs (command.c) -------------------------------------------------------------------------------- */

/* What most verbs share. */
struct command_options {
    const char *conf_path; /* -c FILE; default "engine.conf" */
    bool json;             /* --json */
};

/* Prints the help of a verb to stdout (exit 0), or to stderr with a complaint (exit 2). */
int command_help(const struct command *command);
int command_usage(const struct command *command, const char *fmt, ...) SB_PRINTF(2, 3);
/* Says "switchboard: text" on stderr and gives EXIT_FAILED. */
int command_fail(const struct sb_error *err);
/* A log on stderr for verbs that do not run the engine: warnings only. */
struct log *command_log(void);

#endif

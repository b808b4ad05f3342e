/* What the verbs of the command line share. */
#include "app/command.h"

#include <stdarg.h>
#include <stdio.h>

int command_help(const struct command *command)
{
    (void)printf("usage: switchboard %s\n", command->usage);
    return EXIT_OK;
}

int command_usage(const struct command *command, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)fputs("switchboard: ", stderr);
    (void)vfprintf(stderr, fmt, args);
    va_end(args);
    (void)fprintf(stderr, "\nusage: switchboard %s\n", command->usage);
    return EXIT_USAGE;
}

int command_fail(const struct sb_error *err)
{
    (void)fprintf(stderr, "switchboard: %s\n", err->text[0] ? err->text : "failed");
    return EXIT_FAILED;
}

struct log *command_log(void)
{
    return log_new(LOG_LEVEL_WARN, LOG_FORMAT_TEXT, NULL, NULL);
}

/* switchboard version */
#include <stdio.h>

#include "app/command.h"
#include "switchboard/plugin.h"

static int run(const struct command *command, int argc, char **argv)
{
    (void)command;
    (void)argc;
    (void)argv;
    (void)printf("switchboard %s (plugin contract %u.%u)\n", SB_VERSION, SB_ABI >> 16, SB_ABI & 0xffffu);
    return EXIT_OK;
}

const struct command command_version = { .name = "version",
                                         .summary = "print the version",
                                         .usage = "version\n\nExample:\n  switchboard version",
                                         .run = run };

/* switchboard version */
#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "switchboard/plugin.h"

static int run(const struct command *command, int argc, char **argv)
{
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return command_help(command);
    if (argc > 1)
        return command_usage(command, "unexpected argument '%s'", argv[1]);
    (void)printf("switchboard %s (plugin contract %u.%u)\n", SB_VERSION, SB_ABI >> 16, SB_ABI & 0xffffu);
    return EXIT_OK;
}

const struct command command_version = { .name = "version",
                                         .summary = "print the version",
                                         .usage = "version\n\nExample:\n  switchboard version",
                                         .run = run };

/* The program: finds the verb and runs it. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/command.h"
#include "base/json.h"
#include "base/parse.h"
#include "base/scope.h"
#include "switchboard/switchboard.h"

/* Read by jemalloc, where the program is linked with it. A thread that gets an arena of its own dies of SIGSEGV when there is
 * no memory for that, instead of being told; so all share the one that is made at the start. */
SB_API extern const char *const malloc_conf;
const char *const malloc_conf = "narenas:1";

static const struct command *const commands[] = { &command_run,       &command_check,  &command_plugins,
                                                  &command_records,   &command_show,   &command_prove,
                                                  &command_reconcile, &command_retry,  &command_drop,
                                                  &command_import,    &command_login,  &command_backup,
                                                  &command_restore,   &command_version };

static int print_help(FILE *to, int code)
{
    (void)fputs("switchboard: every conversation that needs a human becomes one good ticket\n\n"
                "usage: switchboard VERB [OPTIONS]\n\n",
                to);
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        (void)fprintf(to, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
    (void)fputs("\n'switchboard VERB --help' explains a verb. Exit codes: 0 done, 1 failed, 2 wrong usage.\n",
                to);
    return code;
}

static int complain(const char *verb)
{
    const char *names[COUNT_OF(commands) + 1] = { NULL };

    for (size_t i = 0; i < COUNT_OF(commands); i++)
        names[i] = commands[i]->name;
    const char *nearest = parse_nearest(verb, names);
    if (!nearest) {
        (void)fprintf(stderr, "switchboard: there is no verb '%s'\n\n", verb);
        return print_help(stderr, EXIT_USAGE);
    }
    (void)fprintf(stderr, "switchboard: there is no verb '%s'; did you mean '%s'?\n", verb, nearest);
    return EXIT_USAGE;
}

static const struct command *find(const char *verb)
{
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (strcmp(commands[i]->name, verb) == 0)
            return commands[i];
    return NULL;
}

static int help(const char *verb)
{
    const struct command *command = verb ? find(verb) : NULL;

    if (command)
        return command_help(command);
    return verb ? complain(verb) : print_help(stdout, EXIT_OK);
}

/* Libraries end the process without a word when the machine refuses them a thread or memory. The journal is made for that;
 * whoever reads the log is told. */
static void say_aborted(int signum)
{
    static const char text[] =
        "switchboard: aborted: the machine has no memory or no threads left, or a library found "
        "itself broken; what was committed is safe, and the next start goes on from there\n";

    (void)signum;
    (void)!write(STDERR_FILENO, text, sizeof(text) - 1); /* there is nobody else to tell */
}

/* The handler returns, and abort() ends the process as if there were none. */
static void watch_abort(void)
{
    struct sigaction action = { .sa_handler = say_aborted, .sa_flags = (int)SA_RESETHAND };

    (void)sigaction(SIGABRT, &action, NULL);
}

int main(int argc, char **argv)
{
    (void)signal(SIGPIPE, SIG_IGN);
    watch_abort();
    json_end_without_memory();
    if (argc < 2)
        return print_help(stderr, EXIT_USAGE);
    const char *verb = argv[1];
    if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0 || strcmp(verb, "help") == 0)
        return help(argv[2]); /* the list of arguments ends with NULL */
    if (strcmp(verb, "--version") == 0)
        verb = "version";
    const struct command *command = find(verb);
    return command ? command->run(command, argc - 1, argv + 1) : complain(verb);
}

/* What the verbs of the command line share. */
#include "app/command.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/paths.h"
#include "base/scope.h"
#include "conf/conf.h"

enum { DIAGNOSTICS_TEXT_MAX = 4 * 1024 * 1024 };

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
    (void)fprintf(stderr, "\nusage: switchboard %.*s\n'switchboard %s --help' says more.\n",
                  (int)strcspn(command->usage, "\n"), command->usage, command->name);
    return EXIT_USAGE;
}

int command_fail(const struct sb_error *err)
{
    (void)fprintf(stderr, "switchboard: %s\n", err->text[0] ? err->text : "failed");
    return EXIT_FAILED;
}

/* getopt_long leaves the letter in `optopt`, 0 for a long option that it does not know. */
static int complain_of_option(const struct command *command, const char *word)
{
    bool is_long = strncmp(word, "--", 2) == 0;

    if (is_long && optopt != 0)
        return command_usage(command, "option '%.*s' takes no argument", (int)strcspn(word, "="), word);
    if (is_long)
        return command_usage(command, "there is no option '%s', or it stands for several", word);
    return command_usage(command, "there is no option '-%c'", optopt);
}

int command_bad_option(const struct command *command, int letter, char **argv)
{
    if (letter == ':')
        return command_usage(command, "option '%s' needs an argument", argv[optind - 1]);
    return complain_of_option(command, argv[optind - 1]);
}

int command_common(const struct command *command, struct command_options *options, int letter, char **argv)
{
    switch (letter) {
    case 'c':
        options->conf_path = optarg;
        return -1;
    case 'j':
        options->json = true;
        return -1;
    case 'h':
        return command_help(command);
    default:
        return command_bad_option(command, letter, argv);
    }
}

int command_plain(const struct command *command, struct command_options *options, int argc, char **argv)
{
    static const struct option longs[] = { COMMAND_LONG, { NULL, 0, NULL, 0 } };

    for (int c; (c = getopt_long(argc, argv, COMMAND_SHORT, longs, NULL)) != -1;) {
        int code = command_common(command, options, c, argv);
        if (code >= 0)
            return code;
    }
    return -1;
}

int command_conf(const char *path, struct conf **ret_conf)
{
    struct sb_error err = SB_ERROR_INIT;
    AUTO_STR share = paths_share();
    const struct conf_source source = { .share_dir = share };
    struct conf *conf = NULL;

    if (access(path, F_OK) < 0 && errno == ENOENT) {
        (void)fprintf(stderr, "switchboard: there is no '%s' here; -c FILE names it\n", path);
        return EXIT_FAILED;
    }
    if (conf_load(path, &source, &conf, &err) < 0)
        return command_fail(&err);
    if (conf_error_count(conf) == 0 && conf->settings.data_dir) {
        *ret_conf = conf;
        return EXIT_OK;
    }
    AUTO_BUF text;

    buf_init(&text, DIAGNOSTICS_TEXT_MAX);
    conf_write_diagnostics(conf, &text);
    (void)fputs(text.data, stderr);
    (void)fprintf(stderr, "switchboard: cannot use '%s': mend the lines above\n", path);
    conf_free(conf);
    return EXIT_FAILED;
}

int command_json(json_t *value)
{
    int rc = value ? json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY) : -1;

    json_decref(value);
    if (rc < 0 && !ferror(stdout)) {
        (void)fputs("switchboard: out of memory\n", stderr);
        return EXIT_FAILED;
    }
    (void)fputc('\n', stdout);
    return command_written();
}

int command_written(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return EXIT_OK;
    if (errno != EPIPE) /* who closed the pipe has seen enough */
        (void)fprintf(stderr, "switchboard: cannot write the output: %s\n", strerror(errno));
    return EXIT_FAILED;
}

struct log *command_log(void)
{
    return log_new(LOG_LEVEL_WARN, LOG_FORMAT_TEXT, NULL, NULL);
}

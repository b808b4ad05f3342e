/* switchboard backup: a copy of the journal, also while the engine runs. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "app/command.h"
#include "app/journal.h"
#include "app/progress.h"
#include "base/parse.h"
#include "base/scope.h"

static int tell(const struct command_options *options, const char *path)
{
    struct stat st;
    char size[24];

    if (stat(path, &st) < 0)
        st.st_size = 0; /* it was there a moment ago; the copy itself succeeded */
    if (options->json)
        return command_json(json_pack("{s:s, s:I}", "file", path, "bytes", (json_int_t)st.st_size));
    format_size(st.st_size, size);
    (void)printf("the journal is copied to '%s' (%s); recordings are not in it\n", path, size);
    return command_written();
}

static int backup(const struct conf *conf, const struct command_options *options, const char *path)
{
    struct sb_error err = SB_ERROR_INIT;
    struct store *store = NULL;
    const struct store_progress progress = { .fn = options->json ? NULL : progress_of_store };
    int rc = journal_read(conf, &store, &err);

    if (rc == 0) {
        store_tell(store, &progress);
        rc = store_backup(store, path, &err);
        if (progress.fn)
            progress_clear();
    }
    store_close(store);
    return rc < 0 ? command_fail(&err) : tell(options, path);
}

static int run(const struct command *command, int argc, char **argv)
{
    struct command_options options = COMMAND_OPTIONS_INIT;
    struct conf *conf = NULL;
    int code = command_plain(command, &options, argc, argv);

    if (code >= 0)
        return code;
    if (optind >= argc)
        return command_usage(command, "which file shall the backup be?");
    if (optind + 1 < argc)
        return command_usage(command, "unexpected argument '%s'", argv[optind + 1]);
    code = command_conf(options.conf_path, &conf);
    if (code == EXIT_OK)
        code = backup(conf, &options, argv[optind]);
    conf_free(conf);
    return code;
}

const struct command command_backup = {
    .name = "backup",
    .summary = "copy the journal, also while the engine runs",
    .usage = "backup [-c FILE] COPY [--json]\n\n"
             "Writes a consistent copy of the journal to the new file COPY, which only its owner may read: "
             "it holds\n"
             "transcripts and tokens. Recordings are not in it: a finished record does not need them.\n\n"
             "  -c, --config FILE   the configuration (default: engine.conf)\n"
             "      --json          {\"file\": \"...\", \"bytes\": n}\n\n"
             "Example:\n"
             "  switchboard backup /backup/switchboard-monday.db",
    .run = run,
};

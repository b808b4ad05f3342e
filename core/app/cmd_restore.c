/* switchboard restore: a backup becomes the journal. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "app/journal.h"
#include "app/progress.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/timefmt.h"

/* What the restored journal holds, for the last word. */
static int count_records(const struct conf *conf, int64_t *ret_all, int64_t *ret_active, struct sb_error *err)
{
    struct store *store = NULL;
    AUTO_JSON totals = NULL;
    int rc = journal_read(conf, &store, err);

    if (rc == 0)
        rc = store_totals(store, &totals, err);
    store_close(store);
    if (rc < 0)
        return rc;
    const json_t *records = json_object_get(totals, "records");
    *ret_active = json_int(records, "active", 0);
    *ret_all = 0;
    for (int state = 0; state < STORE_STATE_COUNT; state++)
        *ret_all += json_int(records, store_state_word((enum store_state)state), 0);
    return 0;
}

static int restore(const struct conf *conf, const struct command_options *options, const char *path)
{
    struct sb_error err = SB_ERROR_INIT;
    const struct store_progress progress = { .fn = options->json ? NULL : progress_of_store };
    int64_t all = 0, active = 0;
    int rc = store_restore(conf->settings.data_dir, path, clock_wall_ms(), &progress, &err);

    if (progress.fn)
        progress_clear();
    if (rc == 0)
        rc = count_records(conf, &all, &active, &err);
    if (rc < 0)
        return command_fail(&err);
    if (options->json)
        return command_json(json_pack("{s:s, s:I, s:I}", "restored", path, "records", (json_int_t)all,
                                      "active", (json_int_t)active));
    (void)printf(
        "'%s' is the journal in '%s' now: %lld records, %lld of them on their way\n"
        "The one before is kept beside it as journal.db.replaced-TIME.\n"
        "Records on their way, and conversations from before now that are found again, are doubtful: before\n"
        "anything is created for them, it is looked for, so that nothing is created twice.\n",
        path, conf->settings.data_dir, (long long)all, (long long)active);
    return command_written();
}

static int run(const struct command *command, int argc, char **argv)
{
    struct command_options options = COMMAND_OPTIONS_INIT;
    struct conf *conf = NULL;
    int code = command_plain(command, &options, argc, argv);

    if (code >= 0)
        return code;
    if (optind >= argc)
        return command_usage(command, "which backup?");
    if (optind + 1 < argc)
        return command_usage(command, "unexpected argument '%s'", argv[optind + 1]);
    code = command_conf(options.conf_path, &conf);
    if (code == EXIT_OK)
        code = restore(conf, &options, argv[optind]);
    conf_free(conf);
    return code;
}

const struct command command_restore = {
    .name = "restore",
    .summary = "put a backup in the journal's place",
    .usage =
        "restore [-c FILE] COPY [--json]\n\n"
        "Makes the backup COPY the journal. Refused while an engine runs. The journal of before is kept "
        "beside\n"
        "the new one. What was delivered after the backup was made is not known any more; so every record "
        "that\n"
        "is on its way, and every conversation from before now that a source finds again, is doubtful: the\n"
        "engine looks for its ticket before it creates one.\n\n"
        "  -c, --config FILE   the configuration (default: engine.conf)\n"
        "      --json          {\"restored\": \"...\", \"records\": n, \"active\": n}\n\n"
        "Example:\n"
        "  switchboard restore /backup/switchboard-monday.db",
    .run = run,
};

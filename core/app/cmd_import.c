/* switchboard import: calls that have their ticket from before, so that they get no second one; or the mapping file of
 * contacts (cmd_import_contacts.c), which its header tells from a list of calls. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cmd_import_contacts.h"
#include "app/command.h"
#include "app/contacts_csv.h"
#include "app/journal.h"
#include "app/progress.h"
#include "app/setup.h"
#include "base/file.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/timefmt.h"

enum {
    FILE_BYTES_MAX = 256 * 1024 * 1024,
    BATCH_IDS_MAX = 5000,
    BATCH_BYTES_MAX = 256 * 1024,
    ID_BYTES_MAX = 200
};

struct import_options {
    struct command_options common;
    const char *path, *account, *instance;
    const char *text; /* of the file, while it is imported */
    size_t size;
};

/* ---- the file ---- */

static int check_items(const char *path, const json_t *list, struct sb_error *err)
{
    size_t index;
    json_t *item;

    json_array_foreach (list, index, item) {
        size_t size = json_string_length(item);
        if (!json_is_string(item))
            return sb_fail(err, SB_EINPUT,
                           "%s: item %zu of the list is %s, but must be a call's id in quotes", path,
                           index + 1, json_kind(item));
        if (size == 0 || size > ID_BYTES_MAX || strlen(json_string_value(item)) != size)
            return sb_fail(err, SB_EINPUT,
                           "%s: item %zu of the list is no call's id: it must have 1 to %d characters", path,
                           index + 1, ID_BYTES_MAX);
    }
    return 0;
}

static int read_list(const struct import_options *options, json_t **ret_list, struct sb_error *err)
{
    struct sb_error why = SB_ERROR_INIT;
    const char *path = options->path;

    AUTO_JSON list = json_parse(options->text, options->size, &why);
    if (!list && why.status == SB_ENOMEM)
        return sb_fail(err, SB_ENOMEM, "cannot read '%s': out of memory", path);
    if (!list)
        return sb_fail(err, SB_EINPUT,
                       "%s:%s; the file must be a JSON list such as [\"callid1\", \"callid2\"], or a CSV of "
                       "contacts with the columns canonical_id, crm_id and contact_id",
                       path, why.text);
    if (!json_is_array(list))
        return sb_fail(err, SB_EINPUT,
                       "%s: the file is %s, but must be a JSON list such as [\"callid1\", \"callid2\"]", path,
                       json_kind(list));
    int rc = check_items(path, list, err);
    if (rc == 0)
        *ret_list = TAKE(list);
    return rc;
}

/* ---- the account ---- */

/* The account of one block, checked against its plugin's table. NULL: it has none. */
static const char *account_of(struct conf *conf, struct conf_block *block, const struct sb_plugin *plugin)
{
    conf_check_instance(conf, block, plugin->kind, plugin->options, /* has_http= */ true);
    const struct conf_value *value = conf_find_value(block, "account_sid");

    return value && value->is_set && value->text && *value->text ? value->text : NULL;
}

/* The account that all exotel blocks agree upon. The list is the Python script's, and that knew only Exotel. */
static int find_account(struct conf *conf, struct loader *loader, const char **ret_account,
                        struct sb_error *err)
{
    const struct sb_plugin *plugin = NULL;
    const char *found = NULL;
    int rc = loader_get(loader, "exotel", &plugin, err);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < conf->block_count; i++) {
        struct conf_block *block = conf->blocks[i];
        if (strcmp(block->plugin, "exotel") != 0)
            continue;
        const char *account = account_of(conf, block, plugin);
        if (account && found && strcmp(account, found) != 0)
            return sb_fail(err, SB_EINPUT,
                           "'%s' has several Exotel accounts, '%s' and '%s': say which with --account",
                           conf->path, found, account);
        if (account)
            found = account;
    }
    if (!found)
        return sb_fail(
            err, SB_EINPUT,
            "cannot tell whose calls these are: no exotel block of '%s' has an account_sid (EXOTEL_SID); set "
            "it, or say --account SID",
            conf->path);
    *ret_account = found;
    return 0;
}

/* ---- the journal ---- */

struct batch {
    const char *account;
    const json_t *ids; /* borrowed */
};

static int import_alone(void *ctx, struct store *store, json_t **ret_answer, struct sb_error *err)
{
    const struct batch *batch = ctx;
    size_t count = json_array_size(batch->ids), new_count = 0;
    const char **list = calloc(count + 1, sizeof(*list));

    if (!list)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    for (size_t i = 0; i < count; i++)
        list[i] = json_string_value(json_array_get(batch->ids, i));
    int rc = store_import(store, batch->account, list, count, clock_wall_ms(), &new_count, err);
    free(list);
    if (rc < 0)
        return rc;
    *ret_answer =
        json_pack("{s:I, s:I}", "new", (json_int_t)new_count, "known", (json_int_t)(count - new_count));
    return *ret_answer ? 0 : sb_fail(err, SB_ENOMEM, "out of memory");
}

/* The next ids that fit into one request. */
static json_t *next_batch(const json_t *list, size_t first)
{
    AUTO_JSON ids = json_array();
    size_t bytes = 0;

    for (size_t i = first; i < json_array_size(list) && json_array_size(ids) < BATCH_IDS_MAX; i++) {
        json_t *id = json_array_get(list, i);
        bytes += json_string_length(id) + 3;
        if (bytes > BATCH_BYTES_MAX && i > first)
            break;
        if (json_array_append(ids, id) < 0)
            return NULL;
    }
    return TAKE(ids);
}

static int import_batch(struct journal_changer *changer, const char *account, const json_t *ids,
                        int64_t *ret_new, struct sb_error *err)
{
    struct batch batch = { account, ids };
    AUTO_JSON answer = NULL;
    AUTO_JSON body = json_pack("{s:s, s:O}", "account", account, "ids", ids);
    const struct journal_change change = { "import", body, import_alone, &batch };

    if (!body)
        return sb_fail(err, SB_EINPUT, "the account is not UTF-8 text");
    int rc = journal_do(changer, &change, &answer, err);
    if (rc == 0)
        *ret_new = json_int(answer, "new", 0);
    return rc;
}

/* A list that was taken in part can be given again as a whole. */
static int import_list(const struct conf *conf, const char *account, const json_t *list, bool is_shown,
                       int64_t *ret_new, struct sb_error *err)
{
    struct journal_changer *changer = NULL;
    size_t whole = json_array_size(list), done = 0;
    int64_t sum = 0;
    int rc = journal_changer_new(conf, &changer, err);

    while (rc == 0 && done < whole) {
        int64_t new_count = 0;
        AUTO_JSON ids = next_batch(list, done);
        rc = ids ? import_batch(changer, account, ids, &new_count, err)
                 : sb_fail(err, SB_ENOMEM, "out of memory");
        done += json_array_size(ids);
        sum += new_count;
        if (is_shown)
            progress_show("importing", done, whole);
    }
    if (is_shown)
        progress_clear();
    journal_changer_free(changer);
    if (rc == 0)
        *ret_new = sum;
    return rc;
}

/* ---- the verb ---- */

static int tell(const struct import_options *options, const char *account, size_t whole, int64_t new_count)
{
    int64_t known = (int64_t)whole - new_count;

    if (options->common.json)
        return command_json(json_pack("{s:s, s:I, s:I}", "account", account, "new", (json_int_t)new_count,
                                      "known", (json_int_t)known));
    (void)printf("%zu calls of account '%s': %lld new, %lld known already; none of them will get a ticket\n",
                 whole, account, (long long)new_count, (long long)known);
    return command_written();
}

static int import(struct conf *conf, struct loader *loader, const struct import_options *options)
{
    struct sb_error err = SB_ERROR_INIT;
    const char *account = options->account;
    int64_t new_count = 0;
    AUTO_JSON list = NULL;
    int rc = read_list(options, &list, &err);

    if (rc == 0 && !account)
        rc = find_account(conf, loader, &account, &err);
    if (rc == 0)
        rc = import_list(conf, account, list, !options->common.json, &new_count, &err);
    return rc < 0 ? command_fail(&err) : tell(options, account, json_array_size(list), new_count);
}

static int import_contacts_file(const struct conf *conf, const struct import_options *options)
{
    const struct import_contacts contacts = { .path = options->path,
                                              .instance = options->instance,
                                              .json = options->common.json };
    struct sb_error err = SB_ERROR_INIT;

    if (options->account) {
        (void)sb_fail(&err, SB_EINPUT, "--account is for lists of calls, but '%s' is a CSV", options->path);
        return command_fail(&err);
    }
    return import_contacts(conf, &contacts, options->text, options->size);
}

static int import_calls(struct conf *conf, const struct import_options *options)
{
    struct sb_error err = SB_ERROR_INIT;
    struct log *log = command_log();
    struct loader *loader = setup_loader(conf, log, &err);
    int code = loader ? import(conf, loader, options) : command_fail(&err);

    conf_free(conf); /* before the plugins, whose tables it points into */
    loader_free(loader);
    log_free(log);
    return code;
}

static int load_and_import(struct import_options *options)
{
    struct sb_error err = SB_ERROR_INIT;
    struct conf *conf = NULL;
    AUTO_STR text = NULL;
    int code = command_conf(options->common.conf_path, &conf);

    if (code != EXIT_OK)
        return code;
    if (file_read(options->path, FILE_BYTES_MAX, &text, &options->size, &err) < 0) {
        conf_free(conf);
        return command_fail(&err);
    }
    options->text = text;
    if (!contacts_csv_is(text, options->size))
        return import_calls(conf, options);
    code = import_contacts_file(conf, options);
    conf_free(conf);
    return code;
}

static int run(const struct command *command, int argc, char **argv)
{
    static const struct option longs[] = { COMMAND_LONG,
                                           { "account", required_argument, NULL, 'a' },
                                           { "instance", required_argument, NULL, 'i' },
                                           { NULL, 0, NULL, 0 } };
    struct import_options options = { .common = COMMAND_OPTIONS_INIT };

    for (int c; (c = getopt_long(argc, argv, COMMAND_SHORT "a:i:", longs, NULL)) != -1;) {
        int code = -1;
        if (c == 'a')
            options.account = optarg;
        else if (c == 'i')
            options.instance = optarg;
        else
            code = command_common(command, &options.common, c, argv);
        if (code >= 0)
            return code;
    }
    if (optind >= argc)
        return command_usage(command, "which file?");
    if (optind + 1 < argc)
        return command_usage(command, "unexpected argument '%s'", argv[optind + 1]);
    if (options.account && !*options.account)
        return command_usage(command, "the account is empty");
    options.path = argv[optind];
    return load_and_import(&options);
}

const struct command command_import = {
    .name = "import",
    .summary = "mark calls that have a ticket already, or say who is which contact",
    .usage =
        "import [-c FILE] LIST [--account SID] [--json]\n"
        "       switchboard import [-c FILE] CONTACTS.csv [--instance NAME] [--json]\n\n"
        "Reads processed_calls.json of the Python script, a JSON list of call SIDs, and remembers every "
        "call in\n"
        "it as delivered: it will never get a ticket. Or reads a CSV that says which contact the users of\n"
        "escalations are, with a header row and the columns canonical_id, crm_id and contact_id (of the "
        "last\n"
        "two one may be empty). Giving a file twice does no harm. Works while the engine runs.\n\n"
        "  LIST                the file: [\"callsid1\", \"callsid2\"]\n"
        "  -a, --account SID   whose calls they are (default: account_sid of the exotel block)\n"
        "  -i, --instance NAME the zoho_desk block that gets the contacts (default: all of them)\n"
        "  -c, --config FILE   the configuration (default: engine.conf)\n"
        "      --json          {\"account\": \"...\", \"new\": n, \"known\": n}, or {\"contacts\": n, "
        "\"instances\": [...]}\n\n"
        "Example:\n"
        "  switchboard import processed_calls.json\n"
        "  switchboard import contacts.csv",
    .run = run,
};

/* switchboard plugins: what can be loaded, and the options of one plugin. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/command.h"
#include "app/reference.h"
#include "app/setup.h"
#include "app/table.h"
#include "base/json.h"
#include "base/parse.h"
#include "base/scope.h"

enum { NAMES_MAX = 256, TEXT_MAX = 4096 };

static const char *const kind_words[] = {
    [SB_SOURCE] = "source", [SB_PROCESSOR] = "processor", [SB_SINK] = "sink"
};

static const char *kind_word(enum sb_kind kind)
{
    return (unsigned)kind < COUNT_OF(kind_words) && kind_words[kind] ? kind_words[kind] : "invalid";
}

/* ---- the list ---- */

static json_t *describe(const struct sb_plugin *plugin, const char *path)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", plugin->name, "kind", kind_word(plugin->kind),
                     "version", plugin->version, "summary", plugin->summary, "file", path);
}

/* One object for each plugin; what cannot be loaded has an "error" instead of a kind. */
static json_t *load_all(struct loader *loader)
{
    AUTO_JSON found = loader_names(loader);
    AUTO_JSON list = json_array();
    size_t index;
    json_t *item;

    json_array_foreach (found, index, item) {
        struct sb_error err = SB_ERROR_INIT;
        const struct sb_plugin *plugin = NULL;
        const char *name = json_str(item, "name"), *path = json_str(item, "path");
        int rc = loader_get(loader, name, &plugin, &err);
        json_t *row = rc < 0 ? json_pack("{s:s, s:s, s:s}", "name", name, "error", err.text, "file", path)
                             : describe(plugin, path);
        if (json_array_append_new(list, row) < 0)
            return NULL;
    }
    return found ? TAKE(list) : NULL;
}

static int write_list(const json_t *list)
{
    static const struct table_column columns[] = { { .title = "NAME" },
                                                   { .title = "KIND" },
                                                   { .title = "VERSION" },
                                                   { .title = "WHAT IT DOES", .wraps = true } };
    struct screen screen = screen_of(stdout);
    AUTO_TABLE table = table_new(columns, COUNT_OF(columns));
    size_t index;
    json_t *item;

    if (!table)
        return -1;
    json_array_foreach (list, index, item) {
        const char *error = json_str(item, "error");
        table_cell(table, json_str(item, "name"));
        table_cell_styled(table, error ? "cannot be loaded" : json_str(item, "kind"),
                          error ? SCREEN_RED : SCREEN_PLAIN);
        table_cell(table, error ? "" : json_str(item, "version"));
        table_cell(table, error ? error : json_str(item, "summary"));
    }
    return table_write(table, &screen, 0);
}

static int list_plugins(struct loader *loader, const struct command_options *options)
{
    AUTO_JSON list = load_all(loader);

    if (options->json)
        return command_json(list ? json_incref(list) : NULL);
    if (!list || write_list(list) < 0) {
        (void)fputs("switchboard: out of memory\n", stderr);
        return EXIT_FAILED;
    }
    (void)puts("\n'switchboard plugins NAME' shows the options of one.");
    return command_written();
}

/* ---- one plugin ---- */

static int write_options(const struct sb_option *rows, const struct sb_option *replaced)
{
    static const struct table_column columns[] = { { .title = "OPTION" },
                                                   { .title = "TYPE", .can_shrink = true },
                                                   { .title = "DEFAULT", .can_shrink = true },
                                                   { .title = "WHAT IT IS", .wraps = true } };
    struct screen screen = screen_of(stdout);
    AUTO_TABLE table = table_new(columns, COUNT_OF(columns));

    for (const struct sb_option *row = rows; table && row && row->name; row++) {
        bool is_replaced = false;
        for (const struct sb_option *other = replaced; other && other->name; other++)
            is_replaced = is_replaced || strcmp(other->name, row->name) == 0;
        if (is_replaced)
            continue;
        AUTO_BUF type;
        buf_init(&type, TEXT_MAX);
        reference_type(&type, row);
        table_cell_styled(table, row->name, SCREEN_BOLD);
        table_cell(table, type.data);
        if (row->required && !row->default_text)
            table_cell_styled(table, "required", SCREEN_YELLOW);
        else
            table_cell(table, row->default_text ? row->default_text : "-");
        table_cell(table, row->help);
    }
    return table ? table_write(table, &screen, 2) : -1;
}

static int write_plugin(const struct sb_plugin *plugin)
{
    const struct sb_option *common = conf_common_options(setup_has_http(plugin));

    (void)printf("%s %s, a %s: %s\n\nOptions of its block in engine.conf:\n\n", plugin->name, plugin->version,
                 kind_word(plugin->kind), plugin->summary);
    if (plugin->options && plugin->options->name && write_options(plugin->options, NULL) < 0)
        return -1;
    if (!plugin->options || !plugin->options->name)
        (void)puts("  none of its own");
    (void)puts("\nOptions that every such block has:\n");
    return write_options(common, plugin->options);
}

static void add_json_options(json_t *list, const struct sb_option *rows, const struct sb_option *replaced,
                             bool is_common)
{
    for (const struct sb_option *row = rows; row && row->name; row++) {
        bool is_replaced = false;
        for (const struct sb_option *other = replaced; other && other->name; other++)
            is_replaced = is_replaced || strcmp(other->name, row->name) == 0;
        if (is_replaced)
            continue;
        json_t *option =
            json_pack("{s:s, s:s, s:s?, s:b, s:b, s:s?}", "name", row->name, "type",
                      conf_type_word(row->type), "default", row->default_text, "required",
                      row->required && !row->default_text, "common", is_common, "help", row->help);
        if (option && row->min != row->max) {
            (void)json_object_set_new(option, "min",
                                      json_integer(row->min)); /* a failure shows as a missing bound */
            (void)json_object_set_new(option, "max", json_integer(row->max));
        }
        for (size_t i = 0; option && row->choices && row->choices[i]; i++) {
            if (i == 0)
                (void)json_object_set_new(option, "choices", json_array());
            (void)json_array_append_new(json_object_get(option, "choices"), json_string(row->choices[i]));
        }
        (void)json_array_append_new(list, option);
    }
}

static json_t *plugin_json(const struct sb_plugin *plugin)
{
    json_t *options = json_array();

    add_json_options(options, plugin->options, NULL, /* is_common= */ false);
    add_json_options(options, conf_common_options(setup_has_http(plugin)), plugin->options,
                     /* is_common= */ true);
    return json_pack("{s:s, s:s, s:s, s:s, s:o}", "name", plugin->name, "kind", kind_word(plugin->kind),
                     "version", plugin->version, "summary", plugin->summary, "options", options);
}

/* The loader says what is wrong with a file; that there is none, we can say better. */
static int fail_unknown(struct loader *loader, const char *name, const struct sb_error *err)
{
    const char *names[NAMES_MAX + 1] = { NULL };
    AUTO_JSON found = loader_names(loader);
    size_t index, count = 0;
    json_t *item;

    json_array_foreach (found, index, item) {
        const char *known = json_str(item, "name");
        if (strcmp(known, name) == 0)
            return command_fail(err);
        if (count < NAMES_MAX)
            names[count++] = known;
    }
    const char *nearest = parse_nearest(name, names);
    (void)fprintf(stderr, "switchboard: there is no plugin '%s'%s%s%s\n", name,
                  nearest ? "; did you mean '" : "", nearest ? nearest : ": 'switchboard plugins' lists them",
                  nearest ? "'?" : "");
    return EXIT_FAILED;
}

static int show_plugin(struct loader *loader, const struct command_options *options, const char *name)
{
    struct sb_error err = SB_ERROR_INIT;
    const struct sb_plugin *plugin = NULL;

    if (loader_get(loader, name, &plugin, &err) < 0)
        return fail_unknown(loader, name, &err);
    if (options->json)
        return command_json(plugin_json(plugin));
    if (write_plugin(plugin) < 0) {
        (void)fputs("switchboard: out of memory\n", stderr);
        return EXIT_FAILED;
    }
    return command_written();
}

static int write_reference(struct loader *loader)
{
    struct sb_error err = SB_ERROR_INIT;

    return reference_write(loader, stdout, &err) < 0 ? command_fail(&err) : command_written();
}

/* ---- the verb ---- */

/* What is to be shown. */
struct wish {
    struct command_options common;
    const char *name; /* NULL: the list */
    bool is_markdown, has_conf;
};

/* Without engine.conf the installed plugins can be looked at all the same. */
static int load_conf(const struct wish *wish, struct conf **ret_conf)
{
    if (!wish->has_conf && access(wish->common.conf_path, F_OK) < 0 && errno == ENOENT)
        return EXIT_OK;
    return command_conf(wish->common.conf_path, ret_conf);
}

static int look(const struct wish *wish, const struct conf *conf)
{
    struct sb_error err = SB_ERROR_INIT;
    struct log *log = command_log();
    struct loader *loader = setup_loader(conf, log, &err);
    int code = EXIT_FAILED;

    if (!loader)
        code = command_fail(&err);
    else if (wish->is_markdown)
        code = write_reference(loader);
    else
        code =
            wish->name ? show_plugin(loader, &wish->common, wish->name) : list_plugins(loader, &wish->common);
    loader_free(loader);
    log_free(log);
    return code;
}

static int run(const struct command *command, int argc, char **argv)
{
    static const struct option longs[] = { { "markdown", no_argument, NULL, 'm' },
                                           COMMAND_LONG,
                                           { NULL, 0, NULL, 0 } };
    struct wish wish = { .common = COMMAND_OPTIONS_INIT };
    struct conf *conf = NULL;

    for (int c; (c = getopt_long(argc, argv, COMMAND_SHORT, longs, NULL)) != -1;) {
        wish.has_conf = wish.has_conf || c == 'c';
        if (c == 'm') {
            wish.is_markdown = true;
            continue;
        }
        int code = command_common(command, &wish.common, c, argv);
        if (code >= 0)
            return code;
    }
    wish.name = optind < argc ? argv[optind] : NULL;
    if (optind + 1 < argc)
        return command_usage(command, "unexpected argument '%s'", argv[optind + 1]);
    if (wish.is_markdown && (wish.name || wish.common.json))
        return command_usage(command, "--markdown writes the whole reference: leave the rest out");
    int code = load_conf(&wish, &conf);
    if (code == EXIT_OK)
        code = look(&wish, conf);
    conf_free(conf);
    return code;
}

const struct command command_plugins = {
    .name = "plugins",
    .summary = "list plugins, or show the options of one",
    .usage = "plugins [-c FILE] [NAME] [--json | --markdown]\n\n"
             "Lists every plugin that can be loaded from plugin_dir and the installed folder, or the options "
             "of one\n"
             "with their types, defaults and ranges.\n\n"
             "  -c, --config FILE   for its plugin_dir (default: engine.conf, if it is there)\n"
             "      --json          the same for scripts; ranges in milliseconds and bytes\n"
             "      --markdown      all settings, plugins and options as one page\n\n"
             "Example:\n"
             "  switchboard plugins deepgram",
    .run = run,
};

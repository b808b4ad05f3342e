/* docs/OPTIONS.md: one table for the settings, one for what every block has, one for each plugin. */
#include "app/reference.h"

#include <inttypes.h>
#include <string.h>

#include "app/setup.h"
#include "base/json.h"
#include "base/parse.h"
#include "base/scope.h"
#include "conf/conf.h"

enum { PAGE_MAX = 1024 * 1024 };

static const char *const kind_headings[] = {
    [SB_SOURCE] = "A source", [SB_PROCESSOR] = "A processor", [SB_SINK] = "A sink"
};

/* ---- types ---- */

static void add_bound(struct buf *out, enum sb_option_type type, int64_t value)
{
    char text[24];

    if (type == SB_OPT_DURATION)
        format_duration(value, text);
    else if (type == SB_OPT_SIZE)
        format_size(value, text);
    else
        (void)snprintf(text, sizeof(text), "%" PRId64, value);
    buf_str(out, text);
}

void reference_type(struct buf *out, const struct sb_option *row)
{
    buf_str(out, conf_type_word(row->type));
    if (row->type == SB_OPT_ENUM) {
        for (size_t i = 0; row->choices && row->choices[i]; i++)
            buf_printf(out, "%s%s", i > 0 ? ", " : ": ", row->choices[i]);
        return;
    }
    if (row->min == row->max)
        return;
    buf_char(out, ' ');
    add_bound(out, row->type, row->min);
    if (row->max == INT64_MAX) {
        buf_str(out, " or more");
        return;
    }
    buf_str(out, " to ");
    add_bound(out, row->type, row->max);
}

/* ---- tables ---- */

/* A bar would end the cell. */
static void add_cell(struct buf *out, const char *text)
{
    for (; *text; text++)
        buf_printf(out, "%s%c", *text == '|' ? "\\" : "", *text);
}

static void add_row(struct buf *out, const struct sb_option *row)
{
    bool must_be_set = row->required && !row->default_text;

    buf_printf(out, "| `%s` | ", row->name);
    reference_type(out, row);
    buf_str(out, " | ");
    if (row->default_text && *row->default_text) {
        buf_char(out, '`');
        add_cell(out, row->default_text);
        buf_char(out, '`');
    } else {
        buf_str(out, must_be_set ? "required" : "");
    }
    buf_str(out, " | ");
    add_cell(out, row->help ? row->help : "");
    buf_str(out, " |\n");
}

static bool has_row(const struct sb_option *rows, const char *name)
{
    for (; rows && rows->name; rows++)
        if (strcmp(rows->name, name) == 0)
            return true;
    return false;
}

static void add_table(struct buf *out, const char *first, const struct sb_option *rows,
                      const struct sb_option *known)
{
    buf_printf(out, "\n| %s | type | default | what it is |\n|---|---|---|---|\n", first);
    for (; rows->name; rows++)
        if (!has_row(known, rows->name))
            add_row(out, rows);
}

/* ---- the page ---- */

static void add_common(struct buf *out)
{
    buf_str(
        out,
        "# Every option\n\n"
        "Made by `switchboard plugins --markdown` from the tables that check engine.conf; a test compares "
        "the "
        "two. `switchboard\nplugins NAME` shows the same for one plugin, as it is installed.\n\n"
        "A duration is written \"250ms\", \"30s\", \"15m\", \"2h\" or \"7d\"; a size \"512\", \"64k\", "
        "\"25m\" or \"2g\"; a rate \"200/min\",\n\"5/s\" or \"unlimited\"; a list [ \"a\", \"b\" ], or one "
        "text with commas. A secret is never printed.\n\n"
        "## Settings\n\n"
        "At the top of engine.conf. `alerts.url` is `url` in the group `alerts = { }`.\n");
    add_table(out, "setting", conf_setting_options(), NULL);
    buf_str(out,
            "\n## Pipelines\n\n"
            "`pipelines = { NAME = { source = \"a\"  stages = [ \"b\", \"c | d\" ]  sinks = [ \"e\" ] } }`: "
            "d works when c cannot. With\n`optional = true` a pipeline whose keys are not set is switched "
            "off with "
            "a notice; with `enabled = false` it always is.\n\n"
            "## Every block\n\n"
            "A block has the name of its plugin, or any other name and `plugin = \"NAME\"`.\n");
    add_table(out, "option", conf_common_options(/* has_http= */ false), NULL);
    buf_str(out, "\nBlocks whose plugin speaks HTTP also have:\n");
    add_table(out, "option", conf_common_options(/* has_http= */ true),
              conf_common_options(/* has_http= */ false));
}

static void add_plugin(struct buf *out, const struct sb_plugin *plugin)
{
    buf_printf(out, "\n## %s\n\n%s: %s.\n", plugin->name, kind_headings[plugin->kind], plugin->summary);
    if (plugin->options && plugin->options->name)
        add_table(out, "option", plugin->options, NULL);
}

static int add_plugins(struct buf *out, struct loader *loader, struct sb_error *err)
{
    AUTO_JSON found = loader_names(loader);
    size_t index;
    json_t *item;

    json_array_foreach (found, index, item) {
        const struct sb_plugin *plugin = NULL;
        int rc = loader_get(loader, json_str(item, "name"), &plugin, err);
        if (rc < 0)
            return rc;
        add_plugin(out, plugin);
    }
    return found ? 0 : sb_fail(err, SB_ENOMEM, "out of memory");
}

int reference_write(struct loader *loader, FILE *to, struct sb_error *err)
{
    AUTO_BUF page;

    buf_init(&page, PAGE_MAX);
    add_common(&page);
    int rc = add_plugins(&page, loader, err);
    if (rc < 0)
        return rc;
    if (page.failed)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    (void)fputs(page.data, to); /* the caller looks whether it could be written */
    return 0;
}

/* Blocks: which instances there are, of which plugin, and their options once the plugin's table is known. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/scope.h"
#include "conf/inner.h"

enum { ROWS_MAX = 160 };

static const struct sb_option common_table[] = {
    { .name = "base_url", .type = SB_OPT_URL, .help = "Address of the service." },
    { .name = "timeout",
      .type = SB_OPT_DURATION,
      .default_text = "30s",
      .min = 100,
      .max = 1800000,
      .help = "How long one request may take." },
    { .name = "rate",
      .type = SB_OPT_RATE,
      .default_text = "unlimited",
      .help = "How many requests may be sent in a period." },
    /* From here on: also for plugins that send nothing. */
    { .name = "retries",
      .type = SB_OPT_INT,
      .default_text = "8",
      .max = 100,
      .help = "How often a step that failed for a passing reason is tried again." },
    { .name = "concurrency",
      .type = SB_OPT_INT,
      .default_text = "16",
      .min = 1,
      .max = 10000,
      .help = "How many conversations this instance works on at once." },
    { .name = "enabled",
      .type = SB_OPT_BOOL,
      .default_text = "true",
      .help = "false switches this instance off." },
    { .name = "optional",
      .type = SB_OPT_BOOL,
      .default_text = "false",
      .help = "true: without its required options this instance is off instead of wrong." },
    { .name = NULL },
};

enum { COMMON_HTTP_ROWS = 3 };

const struct sb_option *conf_common_options(bool has_http)
{
    return has_http ? common_table : common_table + COMMON_HTTP_ROWS;
}

bool conf_is_name(const char *name)
{
    size_t length = strlen(name);

    return length >= 1 && length <= CONF_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == length;
}

struct conf_block *conf_find_block(const struct conf *conf, const char *name)
{
    for (size_t i = 0; i < conf->block_count; i++)
        if (strcmp(conf->blocks[i]->name, name) == 0)
            return conf->blocks[i];
    return NULL;
}

static struct conf_block *add_block(struct conf *conf, const char *name, const config_setting_t *where)
{
    if (conf->block_count == CONF_BLOCKS_MAX) {
        CONF_SAY(conf, CONF_ERROR, where, "there are too many blocks; %d is the limit", CONF_BLOCKS_MAX);
        return NULL;
    }
    struct conf_block *block = conf_alloc(conf, sizeof(*block));
    struct conf_block_inner *inner = conf_alloc(conf, sizeof(*inner));
    if (!block || !inner)
        return NULL;
    block->name = conf_strdup(conf, name);
    block->plugin = block->name;
    block->file = conf_file_of(conf, where);
    block->line = conf_line_of(conf, where);
    block->inner = inner;
    conf->blocks[conf->block_count++] = block;
    return block;
}

struct conf_block *conf_use_block(struct conf *conf, const char *name, const config_setting_t *where)
{
    struct conf_block *block = conf_find_block(conf, name);
    if (block)
        return block;
    block = add_block(conf, name, where);
    if (block)
        block->is_implicit = true;
    return block;
}

/* The text of a member that must be one; NULL when it is absent, empty or wrong. */
static const char *text_member(struct conf *conf, const config_setting_t *group, const char *name,
                               const char *form)
{
    const config_setting_t *setting = config_setting_get_member(group, name);

    if (!setting)
        return NULL;
    if (config_setting_type(setting) != CONFIG_TYPE_STRING) {
        CONF_SAY(conf, CONF_ERROR, setting, "'%s' must be %s, not %s", name, form, conf_kind_of(setting));
        return NULL;
    }
    struct conf_text text = conf_text_of(conf, setting);
    if (!text.is_bad && !*text.text)
        CONF_SAY(conf, CONF_ERROR, setting, "'%s' is empty%s", name, text.because);
    return text.is_bad || !*text.text ? NULL : text.text;
}

static void read_block(struct conf *conf, const config_setting_t *setting)
{
    const char *name = config_setting_name(setting);
    if (!conf_is_name(name)) {
        CONF_SAY(conf, CONF_ERROR, setting,
                 "'%s' cannot be a block's name: letters, digits, '_' and '-', at most %d of them", name,
                 CONF_NAME_MAX);
        return;
    }
    struct conf_block *block = add_block(conf, name, setting);
    if (!block)
        return;
    ((struct conf_block_inner *)(uintptr_t)block->inner)->setting = setting;
    if (!config_setting_get_member(setting, "plugin"))
        return;
    const char *plugin = text_member(conf, setting, "plugin", "a plugin's name in quotes");
    block->plugin = plugin ? plugin : block->name;
    if (!plugin) {
        block->off = CONF_OFF_WRONG;
        block->off_reason = "its plugin is not known";
    }
}

void conf_read_blocks(struct conf *conf)
{
    const config_setting_t *root = config_root_setting(&conf->inner->tree);

    for (int i = 0; i < config_setting_length(root); i++) {
        const config_setting_t *setting = config_setting_get_elem(root, (unsigned)i);
        if (config_setting_is_group(setting) && !conf_is_setting(config_setting_name(setting)))
            read_block(conf, setting);
    }
}

/* ---- options ---- */

static bool has_row(const struct sb_option *rows, const char *name)
{
    for (; rows && rows->name; rows++)
        if (strcmp(rows->name, name) == 0)
            return true;
    return false;
}

/* The plugin's rows, then the common ones that it does not replace. */
static size_t collect_rows(const struct sb_option *options, bool has_http,
                           const struct sb_option *rows[ROWS_MAX])
{
    size_t count = 0;

    for (const struct sb_option *row = options; row && row->name && count < ROWS_MAX - 8; row++)
        rows[count++] = row;
    for (const struct sb_option *row = conf_common_options(has_http); row->name; row++)
        if (!has_row(options, row->name))
            rows[count++] = row;
    return count;
}

const struct conf_value *conf_find_value(const struct conf_block *block, const char *name)
{
    for (size_t i = 0; i < block->value_count; i++)
        if (strcmp(block->values[i].option->name, name) == 0)
            return &block->values[i];
    return NULL;
}

static bool is_true(const struct conf_block *block, const char *name, bool otherwise)
{
    const struct conf_value *value = conf_find_value(block, name);

    return value && value->is_set ? value->number != 0 : otherwise;
}

/* What the values say about whether the instance runs. What is missing counts only for one that is enabled. */
static void judge_block(struct conf *conf, struct conf_block *block, bool is_good)
{
    const struct conf_block_inner *inner = block->inner;

    block->is_optional = is_true(block, "optional", false);
    if (!is_good || block->off == CONF_OFF_WRONG) {
        block->off = CONF_OFF_WRONG;
        block->off_reason = "it has mistakes";
    } else if (!is_true(block, "enabled", true)) {
        block->off = CONF_OFF_DISABLED;
        block->off_reason = "disabled";
    } else if (inner->missing_count > 0) {
        block->off = CONF_OFF_MISSING;
        block->off_reason = inner->missing[0].text;
        if (inner->missing_count > 1)
            block->off_reason =
                conf_printf(conf, "%s (and %zu more)", inner->missing[0].text, inner->missing_count - 1);
    }
}

void conf_check_instance(struct conf *conf, struct conf_block *block, enum sb_kind kind,
                         const struct sb_option *options, bool has_http)
{
    const struct conf_block_inner *inner = block->inner;
    const struct sb_option *rows[ROWS_MAX];
    const char *names[ROWS_MAX + 2];
    size_t count = collect_rows(options, has_http, rows);

    assert(!block->is_checked);
    block->is_checked = true;
    block->kind = kind;
    for (size_t i = 0; i < count; i++)
        names[i] = rows[i]->name;
    names[count] = "plugin";
    names[count + 1] = NULL;
    block->values = conf_alloc(conf, count * sizeof(*block->values));
    if (!block->values)
        return;
    block->value_count = count;
    bool is_known = conf_check_members(conf, inner->setting, names, "option", block->name);
    bool is_good = conf_read_values(conf, inner->setting, rows, count, block->values, block);
    judge_block(conf, block, is_known && is_good);
}

/* Options of a harness: small rules of its own, so that tests of plugins need no engine.conf. */
#include "plugins/harness_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/parse.h"
#include "base/scope.h"
#include "plugins/harness.h"

static const struct sb_option common[] = {
    { .name = "timeout", .type = SB_OPT_DURATION, .default_text = "30s" },
    { .name = "retries", .type = SB_OPT_INT, .default_text = "8" },
    { .name = "rate", .type = SB_OPT_RATE, .default_text = "unlimited" },
    { .name = "concurrency", .type = SB_OPT_INT, .default_text = "16" },
    { .name = "enabled", .type = SB_OPT_BOOL, .default_text = "true" },
    { .name = "base_url", .type = SB_OPT_URL },
    { .name = NULL },
};

static const struct sb_option *find_row(const struct sb_option *table, const char *name)
{
    for (; table && table->name; table++)
        if (strcmp(table->name, name) == 0)
            return table;
    return NULL;
}

static int set_number(struct instance_value *value, int64_t number, struct sb_error *err)
{
    const struct sb_option *option = value->option;

    if (option->min != option->max && (number < option->min || number > option->max))
        return sb_fail(err, SB_ECONFIG, "option '%s' is out of range", option->name);
    value->number = number;
    return 0;
}

static int set_list(struct instance_value *value, const char *text)
{
    value->json = json_array();
    while (*text) {
        size_t size = strcspn(text, ",");
        size_t skip = strspn(text, " ");
        size_t end = size;
        while (end > skip && text[end - 1] == ' ')
            end--;
        if (end > skip)
            (void)json_array_append_new(value->json, json_stringn(text + skip, end - skip));
        text += size + (text[size] == ',');
    }
    return 0;
}

static char *in_source_tree(struct arena *arena, const char *path)
{
    return *path == '/' ? arena_strdup(arena, path) : arena_printf(arena, "%s/%s", TEST_SOURCE_DIR, path);
}

static int set_document(struct instance_value *value, struct arena *arena, const char *path,
                        struct sb_error *err)
{
    value->text = in_source_tree(arena, path);
    value->json = json_load_file(value->text, JSON_DECODE_ANY, NULL);
    value->is_set = value->json != NULL;
    if (!value->json && value->option->required)
        return sb_fail(err, SB_ECONFIG, "option '%s': '%s' is no JSON file", value->option->name, path);
    return 0;
}

static int set_choice(const struct instance_value *value, const char *text, struct sb_error *err)
{
    for (const char *const *choice = value->option->choices; choice && *choice; choice++)
        if (strcmp(*choice, text) == 0)
            return 0;
    return sb_fail(err, SB_ECONFIG, "option '%s' cannot be '%s'", value->option->name, text);
}

static int set_text(struct instance_value *value, struct arena *arena, const char *text, struct sb_error *err)
{
    int64_t number = 0;
    bool flag = false;
    int rc = 0;

    value->is_set = true;
    value->text = arena_strdup(arena, text);
    switch (value->option->type) {
    case SB_OPT_STRING:
    case SB_OPT_SECRET:
    case SB_OPT_URL:
        return 0;
    case SB_OPT_PATH:
    case SB_OPT_SCRIPT:
        value->text = in_source_tree(arena, text);
        return 0;
    case SB_OPT_ENUM:
        return set_choice(value, text, err);
    case SB_OPT_BOOL:
        rc = parse_bool(text, &flag, err);
        value->number = flag;
        return rc;
    case SB_OPT_INT:
        rc = parse_int(text, &number, err);
        break;
    case SB_OPT_DURATION:
        rc = parse_duration(text, &number, err);
        break;
    case SB_OPT_SIZE:
        rc = parse_size(text, &number, err);
        break;
    case SB_OPT_RATE:
        return parse_rate(text, &value->number, &value->period_ms, err);
    case SB_OPT_LIST:
    case SB_OPT_SECRETS:
        return set_list(value, text);
    case SB_OPT_JSON_FILE:
        return set_document(value, arena, text, err);
    }
    return rc < 0 ? rc : set_number(value, number, err);
}

/* A value as JSON: what a text cannot say, and else the text of it. */
static int set_json(struct instance_value *value, struct arena *arena, json_t *given, struct sb_error *err)
{
    enum sb_option_type type = value->option->type;
    bool is_document = json_is_object(given) || json_is_array(given);

    if (is_document && (type == SB_OPT_LIST || type == SB_OPT_SECRETS || type == SB_OPT_JSON_FILE)) {
        value->is_set = true;
        value->json = json_incref(given);
        return 0;
    }
    if (json_is_string(given))
        return set_text(value, arena, json_string_value(given), err);
    if (json_is_boolean(given))
        return set_text(value, arena, json_is_true(given) ? "true" : "false", err);
    if (json_is_integer(given))
        return set_text(value, arena, arena_printf(arena, "%lld", (long long)json_integer_value(given)), err);
    return sb_fail(err, SB_ECONFIG, "option '%s' has a value of the wrong type", value->option->name);
}

static int set_value(struct instance_value *value, struct arena *arena, const json_t *options,
                     struct sb_error *err)
{
    const struct sb_option *option = value->option;
    json_t *given = json_object_get(options, option->name);
    bool is_empty = json_is_string(given) && json_string_length(given) == 0;

    if (given && !json_is_null(given) && !is_empty)
        return set_json(value, arena, given, err);
    if (option->default_text)
        return set_text(value, arena, option->default_text, err);
    if (option->required)
        return sb_fail(err, SB_ECONFIG, "required option '%s' has no value", option->name);
    return 0;
}

static size_t count_rows(const struct sb_option *table)
{
    size_t count = 0;

    while (table && table[count].name)
        count++;
    return count;
}

int harness_values(const struct sb_plugin *plugin, const json_t *options, struct arena *arena,
                   struct instance_value **ret_values, size_t *ret_count, struct sb_error *err)
{
    size_t count = 0;
    struct instance_value *values =
        arena_alloc(arena, (count_rows(plugin->options) + count_rows(common)) * sizeof(*values));
    const char *name;
    json_t *ignored;

    assert_non_null(values);
    for (const struct sb_option *row = plugin->options; row && row->name; row++)
        values[count++].option = row;
    for (const struct sb_option *row = common; row->name; row++)
        if (!find_row(plugin->options, row->name))
            values[count++].option = row;
    json_object_foreach ((json_t *)(uintptr_t)options, name, ignored) {
        if (!find_row(plugin->options, name) && !find_row(common, name))
            fail_msg("plugin '%s' has no option '%s'", plugin->name, name);
    }
    *ret_values = values;
    *ret_count = count;
    for (size_t i = 0; i < count; i++) {
        int rc = set_value(&values[i], arena, options, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

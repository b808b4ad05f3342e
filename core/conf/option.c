/* Typed values by an option table. The same code reads the settings outside of blocks, whose table is ours. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/parse.h"
#include "base/scope.h"
#include "conf/inner.h"

/* One value on its way from text or setting to its row. */
struct reading {
    struct conf *conf;
    const struct sb_option *option;
    const config_setting_t *setting; /* NULL: the default is read */
    struct conf_value *value;
    const char *variable; /* where the text came from, or NULL */
};

static const char *const type_words[] = {
    [SB_OPT_STRING] = "text",   [SB_OPT_SECRET] = "secret",     [SB_OPT_BOOL] = "bool",
    [SB_OPT_INT] = "int",       [SB_OPT_DURATION] = "duration", [SB_OPT_SIZE] = "size",
    [SB_OPT_RATE] = "rate",     [SB_OPT_LIST] = "list",         [SB_OPT_PATH] = "path",
    [SB_OPT_URL] = "url",       [SB_OPT_ENUM] = "word",         [SB_OPT_JSON_FILE] = "json file",
    [SB_OPT_SCRIPT] = "script", [SB_OPT_SECRETS] = "secrets",
};

/* What should have been written, for a value of the wrong kind. */
static const char *const type_forms[] = {
    [SB_OPT_STRING] = "a text in quotes",
    [SB_OPT_SECRET] = "a text in quotes, best \"${NAME}\" with the secret in the environment",
    [SB_OPT_BOOL] = "true or false",
    [SB_OPT_INT] = "a whole number",
    [SB_OPT_DURATION] = "a duration in quotes, such as \"30s\"",
    [SB_OPT_SIZE] = "a size, such as \"25m\"",
    [SB_OPT_RATE] = "a rate in quotes, such as \"200/min\"",
    [SB_OPT_LIST] = "a list of texts, such as [ \"a\", \"b\" ]",
    [SB_OPT_PATH] = "a path in quotes",
    [SB_OPT_URL] = "an address in quotes, such as \"https://api.example.com\"",
    [SB_OPT_ENUM] = "a word in quotes",
    [SB_OPT_JSON_FILE] = "the path of a JSON file in quotes",
    [SB_OPT_SCRIPT] = "the path of a Lua script in quotes",
    [SB_OPT_SECRETS] =
        "a text in quotes or a list of them, best \"${NAME}\" with the secrets in the environment",
};

_Static_assert(COUNT_OF(type_words) == COUNT_OF(type_forms), "every type has both");

const char *conf_type_word(enum sb_option_type type)
{
    return (size_t)type < COUNT_OF(type_words) ? type_words[type] : NULL;
}

const char *conf_kind_of(const config_setting_t *setting)
{
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_GROUP:
        return "a group { }";
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        return "a number";
    case CONFIG_TYPE_FLOAT:
        return "a number with a fraction";
    case CONFIG_TYPE_STRING:
        return "a text";
    case CONFIG_TYPE_BOOL:
        return "true or false";
    default:
        return "a list";
    }
}

/* Reports that the value is wrong. A default that is wrong is the plugin's defect; the text says so. */
static bool refuse(const struct reading *r, const char *why)
{
    const char *name = r->option->name;

    if (!r->setting)
        conf_say(r->conf, CONF_ERROR, r->value->file, r->value->line, "the default of '%s' is wrong: %s",
                 name, why);
    else if (r->variable)
        CONF_SAY(r->conf, CONF_ERROR, r->setting, "'%s': %s (from %s)", name, why, r->variable);
    else
        CONF_SAY(r->conf, CONF_ERROR, r->setting, "'%s': %s", name, why);
    return false;
}

static bool refuse_kind(const struct reading *r)
{
    CONF_SAY(r->conf, CONF_ERROR, r->setting, "'%s' must be %s, not %s", r->option->name,
             type_forms[r->option->type], conf_kind_of(r->setting));
    return false;
}

static bool refuse_range(const struct reading *r, const char *range)
{
    const char *from = r->variable ? conf_printf(r->conf, " (from %s)", r->variable) : "";

    conf_say(r->conf, CONF_ERROR, r->value->file, r->value->line, "%s'%s' must be %s%s",
             r->setting ? "" : "the default of ", r->option->name, range, from);
    return false;
}

static void format_in(enum sb_option_type type, int64_t number, char ret_text[24])
{
    if (type == SB_OPT_DURATION)
        format_duration(number, ret_text);
    else if (type == SB_OPT_SIZE)
        format_size(number, ret_text);
    else
        (void)snprintf(ret_text, 24, "%" PRId64, number);
}

static bool check_range(const struct reading *r)
{
    const struct sb_option *option = r->option;
    int64_t number = r->value->number;
    char least[24], most[24], got[24];

    if (option->min == option->max || (number >= option->min && number <= option->max))
        return true;
    format_in(option->type, option->min, least);
    format_in(option->type, option->max, most);
    format_in(option->type, number, got);
    if (option->max == INT64_MAX)
        return refuse_range(r, conf_printf(r->conf, "at least %s, not %s", least, got));
    return refuse_range(r, conf_printf(r->conf, "from %s to %s, not %s", least, most, got));
}

static bool read_choice(const struct reading *r, const char *text)
{
    AUTO_BUF words;
    buf_init(&words, 1000);

    for (const char *const *choice = r->option->choices; *choice; choice++) {
        if (strcmp(*choice, text) == 0)
            return true;
        buf_printf(&words, "%s%s", choice == r->option->choices ? "" : choice[1] ? ", " : " or ", *choice);
    }
    const char *near = parse_nearest(text, r->option->choices);
    if (near)
        return refuse(
            r, conf_printf(r->conf, "'%s' is not one of %s; did you mean '%s'?", text, words.data, near));
    return refuse(r, conf_printf(r->conf, "'%s' is not one of %s", text, words.data));
}

/* ---- files ---- */

static bool is_file(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static const char *absolute_path(struct conf *conf, const char *dir, const char *text)
{
    AUTO_STR joined = file_join(dir, text);

    if (!joined)
        conf->inner->is_out_of_memory = true;
    return joined ? conf_strdup(conf, joined) : "";
}

/* A script is looked for beside engine.conf, then where the program was installed. */
static bool find_script(struct reading *r, const char *text)
{
    struct conf *conf = r->conf;

    r->value->text = absolute_path(conf, conf->dir, text);
    if (is_file(r->value->text))
        return access(r->value->text, R_OK) == 0 ||
               refuse(r, conf_printf(conf, "cannot read '%s': %s", text, strerror(errno)));
    if (conf->inner->share_dir && *text != '/') {
        const char *installed = absolute_path(conf, conf->inner->share_dir, text);
        if (is_file(installed)) {
            r->value->text = installed;
            return true;
        }
    }
    return refuse(r, conf_printf(conf, "there is no script '%s' beside '%s'", text, conf->path));
}

/* The default of a path may name something that comes with the program; what stands in the file never does. */
static const char *find_path(struct reading *r, const char *text)
{
    struct conf *conf = r->conf;
    const char *beside = absolute_path(conf, conf->dir, text);

    if (r->setting || !conf->inner->share_dir || *text == '/' || access(beside, F_OK) == 0)
        return beside;
    const char *installed = absolute_path(conf, conf->inner->share_dir, text);
    return access(installed, F_OK) == 0 ? installed : beside;
}

static void keep_document(struct conf *conf, struct conf_value *value, json_t *document)
{
    if (!document || json_array_append_new(conf->inner->documents, document) < 0) {
        conf->inner->is_out_of_memory = true;
        return;
    }
    value->json = document; /* borrowed from the array */
}

static bool read_document(struct reading *r, const char *text)
{
    struct conf *conf = r->conf;
    struct sb_error err = SB_ERROR_INIT;
    AUTO_STR content = NULL;
    size_t size = 0;

    r->value->text = absolute_path(conf, conf->dir, text);
    if (access(r->value->text, F_OK) < 0 && errno == ENOENT) {
        if (r->option->required)
            return refuse(r, conf_printf(conf, "there is no file '%s' beside '%s'", text, conf->path));
        conf_say(conf, CONF_NOTICE, r->value->file, r->value->line, "'%s': %s not found: going on without it",
                 r->option->name, text);
        return true;
    }
    if (file_read(r->value->text, CONF_JSON_BYTES_MAX, &content, &size, &err) < 0)
        return refuse(r, err.text);
    json_t *document = json_parse(content, size, &err);
    if (!document)
        return refuse(r, conf_printf(conf, "%s:%s", text, err.text));
    keep_document(conf, r->value, document);
    return true;
}

/* ---- lists ---- */

static bool holds_list(enum sb_option_type type)
{
    return type == SB_OPT_LIST || type == SB_OPT_SECRETS;
}

static void add_item(const struct reading *r, const char *item, size_t size)
{
    json_t *text = json_stringn(item, size);

    if (!text || json_array_append_new(r->value->json, text) < 0)
        r->conf->inner->is_out_of_memory = true;
}

static void read_commas(const struct reading *r, const char *text)
{
    while (*text) {
        size_t size = strcspn(text, ",");
        const char *start = text;
        const char *end = text + size;
        while (start < end && (*start == ' ' || *start == '\t'))
            start++;
        while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
            end--;
        if (end > start)
            add_item(r, start, (size_t)(end - start));
        text += size + (text[size] == ',');
    }
}

static bool read_elements(const struct reading *r)
{
    int count = config_setting_length(r->setting);
    bool is_good = true;

    for (int i = 0; i < count; i++) {
        const config_setting_t *element = config_setting_get_elem(r->setting, (unsigned)i);
        if (config_setting_type(element) != CONFIG_TYPE_STRING) {
            CONF_SAY(r->conf, CONF_ERROR, element, "'%s' must be %s; there is %s in it", r->option->name,
                     type_forms[r->option->type], conf_kind_of(element));
            return false;
        }
        struct conf_text text = conf_text_of(r->conf, element);
        is_good = is_good && !text.is_bad;
        if (*text.text)
            add_item(r, text.text, strlen(text.text));
        else if (text.has_gap)
            CONF_SAY(r->conf, CONF_WARNING, element, "a value of '%s' is empty%s", r->option->name,
                     text.because);
    }
    return is_good;
}

/* ---- one value ---- */

static bool parsed(const struct reading *r, int rc, const struct sb_error *err)
{
    return rc == 0 || refuse(r, err->text);
}

/* Reads a text that is not empty. */
static bool read_text(struct reading *r, const char *text)
{
    struct conf_value *value = r->value;
    struct sb_error err = SB_ERROR_INIT;
    bool truth = false;

    value->is_set = true;
    value->text = text;
    switch (r->option->type) {
    case SB_OPT_STRING:
    case SB_OPT_SECRET:
        return true;
    case SB_OPT_BOOL:
        if (!parsed(r, parse_bool(text, &truth, &err), &err))
            return false;
        value->number = truth;
        return true;
    case SB_OPT_INT:
        return parsed(r, parse_int(text, &value->number, &err), &err) && check_range(r);
    case SB_OPT_DURATION:
        return parsed(r, parse_duration(text, &value->number, &err), &err) && check_range(r);
    case SB_OPT_SIZE:
        return parsed(r, parse_size(text, &value->number, &err), &err) && check_range(r);
    case SB_OPT_RATE:
        return parsed(r, parse_rate(text, &value->number, &value->period_ms, &err), &err);
    case SB_OPT_LIST:
    case SB_OPT_SECRETS:
        read_commas(r, text);
        return true;
    case SB_OPT_PATH:
        value->text = find_path(r, text);
        return true;
    case SB_OPT_URL:
        return parsed(r, conf_check_url(text, &err), &err);
    case SB_OPT_ENUM:
        return read_choice(r, text);
    case SB_OPT_JSON_FILE:
        return read_document(r, text);
    case SB_OPT_SCRIPT:
        return find_script(r, text);
    }
    return refuse(r, "it has a type that this version does not know");
}

static bool read_number(struct reading *r)
{
    enum sb_option_type type = r->option->type;

    if (type == SB_OPT_DURATION)
        return refuse(r, conf_printf(r->conf, "%lld needs a unit, and quotes: \"%llds\"",
                                     config_setting_get_int64(r->setting),
                                     config_setting_get_int64(r->setting)));
    if (type != SB_OPT_INT && type != SB_OPT_SIZE)
        return refuse_kind(r);
    r->value->is_set = true;
    r->value->number = config_setting_get_int64(r->setting);
    if (type == SB_OPT_SIZE && r->value->number < 0)
        return refuse(r, "a size cannot be negative");
    return check_range(r);
}

/* Whether "" was written to take a default away, and did not come out of a variable without a value. */
static bool is_meant_empty(const struct reading *r, const struct conf_text *text)
{
    return r->option->type == SB_OPT_STRING && r->option->default_text && !*text->because && !text->variable;
}

/* What a setting says; an empty text says nothing. `*ret_because` is why it is empty, if a variable is. */
static bool read_setting(struct reading *r, const char **ret_because)
{
    const config_setting_t *setting = r->setting;
    bool is_list = config_setting_is_array(setting) || config_setting_is_list(setting);

    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_STRING: {
        struct conf_text text = conf_text_of(r->conf, setting);
        r->variable = text.variable;
        if (text.is_bad)
            return false;
        if (!*text.text && !is_meant_empty(r, &text)) {
            *ret_because = text.because;
            return true;
        }
        r->value->is_given = true;
        return read_text(r, text.text);
    }
    case CONFIG_TYPE_BOOL:
        if (r->option->type != SB_OPT_BOOL)
            return refuse_kind(r);
        r->value->is_set = r->value->is_given = true;
        r->value->number = config_setting_get_bool(setting);
        return true;
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        r->value->is_given = true;
        return read_number(r);
    default:
        if (!is_list || !holds_list(r->option->type))
            return refuse_kind(r);
        r->value->is_set = r->value->is_given = true;
        if (!read_elements(r))
            return false;
        /* No secret that has a value is as good as none: it can be required, and switch an instance off. */
        if (r->option->type == SB_OPT_SECRETS && json_array_size(r->value->json) == 0)
            r->value->is_set = r->value->is_given = false;
        return true;
    }
}

/* ---- what is missing ---- */

static void note_missing(struct reading *r, struct conf_block *block, const char *because)
{
    struct conf *conf = r->conf;
    const char *state = r->setting ? "empty" : "missing";
    const char *text =
        block && block->is_implicit
            ? conf_printf(conf, "required option '%s' is missing: there is no block '%s'", r->option->name,
                          block->name)
            : conf_printf(conf, "required option '%s' is %s%s", r->option->name, state, because);
    struct conf_block_inner *inner = block ? (struct conf_block_inner *)(uintptr_t)block->inner : NULL;

    if (!inner || inner->missing_count == CONF_MISSING_MAX) {
        conf_say(conf, CONF_ERROR, r->value->file, r->value->line, "%s", text);
        return;
    }
    inner->missing[inner->missing_count++] = (struct conf_missing){
        .option = r->option->name,
        .file = r->value->file,
        .line = r->value->line,
        .text = text,
        .may_be_off = *because || r->option->type == SB_OPT_SECRET || r->option->type == SB_OPT_SECRETS,
    };
}

static bool read_one(struct conf *conf, const config_setting_t *group, const struct sb_option *option,
                     struct conf_value *value, struct conf_block *block)
{
    const config_setting_t *setting = group ? config_setting_get_member(group, option->name) : NULL;
    const config_setting_t *place = setting ? setting : group;
    struct reading r = { .conf = conf, .option = option, .setting = setting, .value = value };
    const char *because = "";

    *value = (struct conf_value){ .option = option };
    value->file = place || !block ? conf_file_of(conf, place) : block->file;
    value->line = place || !block ? conf_line_of(conf, place) : block->line;
    if (holds_list(option->type))
        keep_document(conf, value, json_array());
    if (setting && !read_setting(&r, &because))
        return false;
    if (value->is_given)
        return true;
    if (option->default_text && *option->default_text) {
        r.setting = NULL;
        r.variable = NULL;
        return read_text(&r, option->default_text);
    }
    if (option->required)
        note_missing(&r, block, because);
    return true;
}

bool conf_read_values(struct conf *conf, const config_setting_t *group, const struct sb_option *const *rows,
                      size_t row_count, struct conf_value *values, struct conf_block *block)
{
    bool is_good = true;

    for (size_t i = 0; i < row_count; i++)
        if (!read_one(conf, group, rows[i], &values[i], block))
            is_good = false;
    return is_good;
}

bool conf_check_members(struct conf *conf, const config_setting_t *group, const char *const *names,
                        const char *what, const char *where)
{
    bool is_good = true;

    for (int i = 0; group && i < config_setting_length(group); i++) {
        const config_setting_t *member = config_setting_get_elem(group, (unsigned)i);
        const char *name = config_setting_name(member);
        bool is_known = false;
        for (const char *const *known = names; *known && !is_known; known++)
            is_known = strcmp(*known, name) == 0;
        if (is_known)
            continue;
        is_good = false;
        const char *near = parse_nearest(name, names);
        if (near)
            CONF_SAY(conf, CONF_ERROR, member, "unknown %s '%s' in '%s'; did you mean '%s'?", what, name,
                     where, near);
        else
            CONF_SAY(conf, CONF_ERROR, member, "unknown %s '%s' in '%s'", what, name, where);
    }
    return is_good;
}

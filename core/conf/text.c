/* Puts variables into texts: "${NAME}", "${NAME:-default}". Ours, not libconfig's. */
#include <ctype.h>
#include <string.h>

#include "base/parse.h"
#include "conf/inner.h"

enum { TEXT_MAX = 64 * 1024, VARIABLE_MAX = 64 };

struct expansion {
    struct conf *conf;
    const config_setting_t *setting;
    struct buf out;
    const char *missing; /* the first variable that is empty or not set, unless it has a default */
    struct conf_text result;
};

static const char *look_up(const struct conf *conf, const char *name)
{
    const struct conf_source *source = conf->inner->source;
    const char *value = source->lookup(source->ctx, name);

    return value ? value : env_find(&conf->inner->env, name);
}

/* The length of the name at `p`: letters, digits and '_', no digit first. */
static size_t name_length(const char *p)
{
    size_t length = 0;

    while (isalpha((unsigned char)p[length]) || p[length] == '_' ||
           (length > 0 && isdigit((unsigned char)p[length])))
        length++;
    return length < VARIABLE_MAX ? length : 0;
}

/* `inside` is what stands between "${" and "}". */
static void expand_variable(struct expansion *x, const char *inside, size_t size)
{
    size_t length = name_length(inside);
    bool has_default = length + 2 <= size && inside[length] == ':' && inside[length + 1] == '-';

    if (length == 0 || (length != size && !has_default)) {
        CONF_SAY(x->conf, CONF_ERROR, x->setting,
                 "'${%.*s}' is not a variable; write ${NAME} or ${NAME:-default}",
                 (int)(size < 40 ? size : 40), inside);
        x->result.is_bad = true;
        return;
    }
    const char *name = conf_strndup(x->conf, inside, length);
    const char *value = look_up(x->conf, name);
    if (value && *value) {
        buf_str(&x->out, value);
        if (!x->result.variable)
            x->result.variable = name;
    } else if (has_default) {
        buf_add(&x->out, inside + length + 2, size - length - 2);
        /* A default of nothing leaves the value as empty as no default at all; then the variable is the reason. */
        if (size == length + 2 && !x->missing)
            x->missing = name;
    } else {
        x->result.has_gap = true;
        if (!x->missing)
            x->missing = name;
    }
}

/* The name in env_file that was probably meant, or NULL. */
static const char *near_miss(const struct conf *conf, const char *name)
{
    const struct env *env = &conf->inner->env;
    const char *names[ENV_ENTRIES_MAX + 1];

    for (size_t i = 0; i < env->count; i++)
        names[i] = env->entries[i].name;
    names[env->count] = NULL;
    return parse_nearest(name, names);
}

static const char *reason_for(struct conf *conf, const char *missing)
{
    if (!missing)
        return "";
    const char *state = look_up(conf, missing) ? "empty" : "not set";
    const char *near = near_miss(conf, missing);
    if (near && strcmp(near, missing) != 0)
        return conf_printf(conf, " because %s is %s; '%s' has %s", missing, state, conf->inner->env_file,
                           near);
    return conf_printf(conf, " because %s is %s", missing, state);
}

static void expand_text(struct expansion *x)
{
    for (const char *p = config_setting_get_string(x->setting); p && *p;) {
        const char *end = strchr(p, '}');
        if (p[0] == '$' && p[1] == '$' && p[2] == '{') {
            buf_str(&x->out, "${"); /* "$${" is the way to write it as it is */
            p += 3;
        } else if (p[0] != '$' || p[1] != '{') {
            buf_char(&x->out, *p++);
        } else if (end) {
            expand_variable(x, p + 2, (size_t)(end - p - 2));
            p = end + 1;
        } else {
            CONF_SAY(x->conf, CONF_ERROR, x->setting, "there is a '${' without its '}'");
            x->result.is_bad = true;
            return;
        }
    }
}

struct conf_text conf_expand_early(struct conf *conf, const config_setting_t *setting)
{
    struct expansion x = { .conf = conf, .setting = setting };

    buf_init(&x.out, TEXT_MAX);
    expand_text(&x);
    if (x.out.failed) {
        CONF_SAY(conf, CONF_ERROR, setting, "this text is longer than %d bytes", TEXT_MAX);
        x.result.is_bad = true;
    }
    x.result.text = conf_strdup(conf, x.out.failed ? "" : x.out.data);
    x.result.because = reason_for(conf, x.missing);
    if (x.out.cap > 0)
        explicit_bzero(x.out.data, x.out.cap); /* it may be a secret */
    buf_done(&x.out);
    return x.result;
}

static void expand_below(struct conf *conf, config_setting_t *setting)
{
    if (config_setting_type(setting) == CONFIG_TYPE_STRING) {
        struct conf_text *text = conf_alloc(conf, sizeof(*text));
        if (text) {
            *text = conf_expand_early(conf, setting);
            config_setting_set_hook(setting, text);
        }
        return;
    }
    for (int i = 0; config_setting_is_aggregate(setting) && i < config_setting_length(setting); i++)
        expand_below(conf,
                     config_setting_get_elem(setting, (unsigned)i)); /* nesting is bounded by the scanner */
}

void conf_expand_all(struct conf *conf)
{
    expand_below(conf, config_root_setting(&conf->inner->tree));
}

struct conf_text conf_text_of(struct conf *conf, const config_setting_t *setting)
{
    static const struct conf_text nothing = { .text = "", .because = "" };
    const struct conf_text *text = config_setting_get_hook(setting);
    struct conf_text result = text ? *text : nothing;

    if (result.has_gap && *result.text) {
        const char *name = config_setting_name(setting);
        if (!name && config_setting_parent(setting))
            name = config_setting_name(config_setting_parent(setting)); /* an element of a list */
        CONF_SAY(conf, CONF_ERROR, setting, "'%s' is incomplete%s", name ? name : "", result.because);
        result.is_bad = true;
    }
    return result;
}

/* The typed getters of options: the public ones for `open`, `close` and steps. A name or type that the
 * plugin's table does not have is the plugin's defect, never a crash. */
#include "plugin/instance.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "io/url.h"
#include "plugin/exchange_inner.h"

enum { NOTICES_MAX = 64 };

_Static_assert(SB_OPT_SECRETS < 31, "a set of option types fits an int");

#define TYPES_TEXT                                                                                           \
    (1u << SB_OPT_STRING | 1u << SB_OPT_SECRET | 1u << SB_OPT_PATH | 1u << SB_OPT_URL | 1u << SB_OPT_ENUM |  \
     1u << SB_OPT_SCRIPT)
#define TYPES_NUMBER (1u << SB_OPT_INT | 1u << SB_OPT_DURATION | 1u << SB_OPT_SIZE)
#define TYPES_BOOL   (1u << SB_OPT_BOOL)
#define TYPES_LIST   (1u << SB_OPT_LIST)
#define TYPES_JSON   (1u << SB_OPT_JSON_FILE)
#define TYPES_ANY    (~0u)

/* The value, or NULL with the reason in `why` when the table has no such option or it is of another type. */
static const struct instance_value *find_value(const struct sb_instance *instance, const char *name,
                                               unsigned types, struct sb_error *why)
{
    const struct instance_value *value = name ? instance_value(instance, name) : NULL;

    if (!value) {
        (void)sb_fail(why, SB_EINTERNAL,
                      "plugin '%s' asked for the option '%s', which its table does not have",
                      instance->plugin->name, name ? name : "");
        return NULL;
    }
    if (!(types & (1u << value->option->type))) {
        (void)sb_fail(why, SB_EINTERNAL, "plugin '%s' asked for the option '%s' by the wrong type",
                      instance->plugin->name, name);
        return NULL;
    }
    return value;
}

/* The instance outside of a step. The complaint is looked at when `open` has returned; the struct is never
 * really constant, only the plugin's view of it is. */
static const struct instance_value *instance_find(const struct sb_instance *instance, const char *name,
                                                  unsigned types)
{
    struct sb_error why = SB_ERROR_INIT;
    const struct instance_value *value = find_value(instance, name, types, &why);
    struct sb_instance *writable = (struct sb_instance *)(uintptr_t)instance;

    if (!value && !writable->complaint[0])
        memcpy(writable->complaint, why.text, sizeof(writable->complaint));
    return value;
}

static const struct instance_value *exchange_find(const struct sb_exchange *x, const char *name,
                                                  unsigned types)
{
    struct sb_error why = SB_ERROR_INIT;
    const struct instance_value *value = find_value(x->in.instance, name, types, &why);

    if (!value)
        exchange_defect(x, "%s", why.text);
    return value;
}

static const char *text_of(const struct instance_value *value)
{
    if (!value || !value->is_set)
        return NULL;
    return value->option->type == SB_OPT_SECRET ? value->placeholder : value->text;
}

static int64_t number_of(const struct instance_value *value)
{
    return value && value->is_set ? value->number : 0;
}

static const json_t *list_of(const struct sb_instance *instance, const struct instance_value *value)
{
    return value && value->json ? value->json : instance->empty_list;
}

const char *sb_option_str(const struct sb_exchange *x, const char *name)
{
    return text_of(exchange_find(x, name, TYPES_TEXT));
}

bool sb_option_bool(const struct sb_exchange *x, const char *name)
{
    return number_of(exchange_find(x, name, TYPES_BOOL)) != 0;
}

int64_t sb_option_int(const struct sb_exchange *x, const char *name)
{
    return number_of(exchange_find(x, name, TYPES_NUMBER));
}

const json_t *sb_option_list(const struct sb_exchange *x, const char *name)
{
    return list_of(x->in.instance, exchange_find(x, name, TYPES_LIST));
}

const json_t *sb_option_json(const struct sb_exchange *x, const char *name)
{
    const struct instance_value *value = exchange_find(x, name, TYPES_JSON);

    return value ? value->json : NULL;
}

bool sb_option_is_set(const struct sb_exchange *x, const char *name)
{
    const struct instance_value *value = exchange_find(x, name, TYPES_ANY);

    return value && value->is_set;
}

const char *sb_instance_str(const struct sb_instance *instance, const char *name)
{
    return text_of(instance_find(instance, name, TYPES_TEXT));
}

bool sb_instance_bool(const struct sb_instance *instance, const char *name)
{
    return number_of(instance_find(instance, name, TYPES_BOOL)) != 0;
}

int64_t sb_instance_int(const struct sb_instance *instance, const char *name)
{
    return number_of(instance_find(instance, name, TYPES_NUMBER));
}

const json_t *sb_instance_list(const struct sb_instance *instance, const char *name)
{
    return list_of(instance, instance_find(instance, name, TYPES_LIST));
}

const json_t *sb_instance_json(const struct sb_instance *instance, const char *name)
{
    const struct instance_value *value = instance_find(instance, name, TYPES_JSON);

    return value ? value->json : NULL;
}

bool sb_instance_is_set(const struct sb_instance *instance, const char *name)
{
    const struct instance_value *value = instance_find(instance, name, TYPES_ANY);

    return value && value->is_set;
}

void sb_instance_default(struct sb_instance *instance, const char *name, const char *text)
{
    const unsigned types = 1u << SB_OPT_STRING | 1u << SB_OPT_URL;
    struct instance_value *value = (struct instance_value *)(uintptr_t)instance_find(instance, name, types);

    if (!instance->is_opening) {
        if (!instance->complaint[0])
            (void)snprintf(instance->complaint, sizeof(instance->complaint),
                           "plugin '%s' set a default outside of open", instance->plugin->name);
        return;
    }
    if (!value || value->is_set || !text)
        return;
    value->text = arena_strdup(instance->arena, text);
    value->is_set = value->text != NULL;
}

void sb_instance_notice(struct sb_instance *instance, const char *fmt, ...)
{
    char text[SB_ERROR_TEXT_MAX];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args); /* a notice that long is cut */
    va_end(args);
    if (json_array_size(instance->notices) < NOTICES_MAX)
        (void)json_array_append_new(instance->notices, json_string(text)); /* a lost notice harms nobody */
}

int sb_instance_mistake(struct sb_instance *instance, struct sb_error *err, const char *fmt, ...)
{
    char text[SB_ERROR_TEXT_MAX];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args); /* one that long is cut */
    va_end(args);
    if (json_array_size(instance->mistakes) < NOTICES_MAX)
        (void)json_array_append_new(instance->mistakes, json_string(text)); /* `err` has the first one */
    return sb_fail(err, SB_ECONFIG, "%s", text);
}

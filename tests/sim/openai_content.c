/* Walks a schema and writes a value for every place in it. */
#include "openai_content.h"
#include "openai_lint.h"
#include "openai_words.h"
#include "service.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the writer is: the property it fills, and which member of a list it is in. */
struct place {
    const char *name; /* folded; "" at the top */
    size_t index;
    unsigned depth;
};

struct writer {
    const struct oa_author *author;
    const json_t *root;
};

static json_t *write_value(const struct writer *writer, const json_t *schema, struct place place);

/* Properties about which a short talk says nothing, if nothing may be said of them. */
static bool is_unknowable(const char *name)
{
    static const char *const names[] = { "due",   "deadline",  "date",     "subcategory",
                                         "email", "reference", "order id", NULL };
    return oa_names_any(name, names);
}

static bool allows_null(const json_t *schema)
{
    size_t index;
    json_t *member;
    if (oa_schema_has_type(schema, "null"))
        return true;
    json_array_foreach (json_object_get(schema, "enum"), index, member) {
        if (json_is_null(member))
            return true;
    }
    json_array_foreach (json_object_get(schema, "anyOf"), index, member) {
        if (oa_schema_has_type(member, "null"))
            return true;
    }
    return false;
}

/* ---- texts ---- */

static size_t count_characters(const char *text, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += ((unsigned char)text[i] & 0xc0u) != 0x80u;
    return count;
}

/* Bytes of the first `max` characters. */
static size_t cut_characters(const char *text, size_t max)
{
    size_t length = 0;
    for (size_t characters = 0; text[length]; length++) {
        characters += ((unsigned char)text[length] & 0xc0u) != 0x80u;
        if (characters > max)
            break;
    }
    return length;
}

/* No schema that means something asks for a longer text than this. */
enum { PADDING_MAX = 1000000 };

/* Cuts or pads to the lengths of the schema, which count characters. Gives a new reference. */
static json_t *fit_text(const json_t *schema, const char *text)
{
    const json_t *min = json_object_get(schema, "minLength"), *max = json_object_get(schema, "maxLength");
    size_t length =
        json_is_integer(max) ? cut_characters(text, (size_t)json_integer_value(max)) : strlen(text);
    size_t characters = count_characters(text, length), missing = 0;
    if (json_is_integer(min) && json_integer_value(min) > 0 && json_integer_value(min) <= PADDING_MAX &&
        characters < (size_t)json_integer_value(min))
        missing = (size_t)json_integer_value(min) - characters;
    char *fitted = sim_calloc(length + missing + 1, 1);
    for (size_t i = 0; i < length + missing; i++)
        fitted[i] = i < length ? text[i] : '.';
    json_t *json = json_stringn(fitted, length + missing);
    free(fitted);
    return json;
}

static bool is_hindi(const struct oa_text *text)
{
    return strstr(text->full, "\xe0\xa4") != NULL;
}

static const char *format_text(const json_t *schema)
{
    static const char *const formats[][2] = { { "date-time", "2026-11-21T10:00:00Z" },
                                              { "date", "2026-11-21" },
                                              { "time", "10:00:00Z" },
                                              { "duration", "PT1H" },
                                              { "email", "caller@example.com" },
                                              { "hostname", "example.com" },
                                              { "ipv4", "192.0.2.1" },
                                              { "ipv6", "2001:db8::1" },
                                              { "uuid", "5f0c7a0e-3d1b-4c52-9a55-0d6f6a1b2c3d" } };
    const char *format = json_string_value(json_object_get(schema, "format"));
    for (size_t i = 0; format && i < sizeof(formats) / sizeof(formats[0]); i++)
        if (strcmp(format, formats[i][0]) == 0)
            return formats[i][1];
    return NULL;
}

/* A summary that says what the call was about and how it ended. Gives memory for free(). */
static char *write_summary(const struct oa_text *text)
{
    const char *concern = oa_concern(text);
    const char *last = text->sentence_count > 1 ? text->sentences[text->sentence_count - 1] : "";
    char *summary = NULL;
    int length = asprintf(&summary, "The caller says: %s%s%s",
                          concern[0] ? concern : "nothing that can be understood.",
                          last[0] && strcmp(last, concern) != 0 ? " The call ends with: " : "",
                          strcmp(last, concern) != 0 ? last : "");
    return length < 0 ? NULL : summary;
}

static json_t *write_text(const struct writer *writer, const json_t *schema, struct place place)
{
    static const char *const languages[] = { "lang", NULL };
    static const char *const versions[] = { "version", NULL };
    static const char *const summaries[] = { "summary", "overview", "abstract", NULL };
    static const char *const actions[] = { "action", "task", "step", NULL };
    static const char *const owners[] = { "owner", "assignee", NULL };
    const struct oa_text *text = writer->author->text;
    const char *format = format_text(schema), *action = oa_action(text, place.index);
    if (format)
        return fit_text(schema, format);
    if (oa_names_any(place.name, languages))
        return fit_text(schema, is_hindi(text) ? "hi" : "en");
    if (oa_names_any(place.name, versions))
        return fit_text(schema, "1");
    if (oa_names_any(place.name, owners))
        return fit_text(schema, "agent");
    if (writer->author->obeys_callers && text->injection)
        return fit_text(schema, text->injection);
    if (oa_names_any(place.name, actions) || strcmp(place.name, "text") == 0)
        return fit_text(schema, action ? action : oa_concern(text));
    if (!oa_names_any(place.name, summaries))
        return fit_text(schema, oa_concern(text));
    char *summary = write_summary(text);
    json_t *json = fit_text(schema, summary ? summary : "");
    free(summary);
    return json;
}

/* ---- numbers, booleans, lists ---- */

static double limit_of(const json_t *schema, const char *name, double otherwise)
{
    const json_t *value = json_object_get(schema, name);
    return json_is_number(value) ? json_number_value(value) : otherwise;
}

static json_t *write_number(const json_t *schema, struct place place, bool is_whole)
{
    static const char *const shares[] = { "confidence", "score", "probability", NULL };
    static const char *const positions[] = { "segment", "index", "position", "line", NULL };
    double value = 0, step = is_whole ? 1 : 0.001;
    if (oa_names_any(place.name, shares))
        value = is_whole ? 87 : 0.87;
    else if (oa_names_any(place.name, positions))
        value = (double)place.index;
    double multiple = limit_of(schema, "multipleOf", 0);
    double min =
        fmax(limit_of(schema, "minimum", -DBL_MAX), limit_of(schema, "exclusiveMinimum", -DBL_MAX) + step);
    double max =
        fmin(limit_of(schema, "maximum", DBL_MAX), limit_of(schema, "exclusiveMaximum", DBL_MAX) - step);
    value = value < min ? min : value > max ? max : value;
    if (is_whole)
        value = ceil(value);
    if (multiple > 0)
        value = ceil(value / multiple) * multiple;
    return is_whole ? json_integer((json_int_t)value) : json_real(value);
}

static json_t *write_boolean(const struct writer *writer, struct place place)
{
    static const char *const injections[] = { "injection", "attack", "manipulat", NULL };
    static const char *const escalations[] = { "escalat", NULL };
    static const char *const callbacks[] = { "callback", "call back", NULL };
    static const char *const resolutions[] = { "resolved", "solved", NULL };
    static const char *const emptiness[] = { "not enough", "insufficient", "empty", NULL };
    static const char *const supports[] = { "support call", "is support", "relevant", NULL };
    const struct oa_text *text = writer->author->text;
    const struct {
        const char *const *names;
        bool value;
    } rules[] = { { injections, text->has_injection && !writer->author->obeys_callers },
                  { escalations, text->is_escalation },
                  { callbacks, text->is_callback },
                  { resolutions, text->is_resolved },
                  { emptiness, strlen(text->full) < 20 },
                  { supports, true } };
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (oa_names_any(place.name, rules[i].names))
            return json_boolean(rules[i].value);
    return json_false();
}

/* How many members a list gets before the schema has its say. */
static size_t wish_count(const struct writer *writer, struct place place)
{
    static const char *const actions[] = { "action", "task", "next step", NULL };
    static const char *const proofs[] = { "evidence", "quote", NULL };
    static const char *const feelings[] = { "emotion", "mood", NULL };
    enum { ACTIONS_MAX = 3 };
    const struct oa_text *text = writer->author->text;
    size_t count = 0;
    if (oa_names_any(place.name, proofs))
        return text->sentence_count > 0;
    if (oa_names_any(place.name, feelings))
        return text->mood != OA_MOOD_NEUTRAL;
    while (oa_names_any(place.name, actions) && count < ACTIONS_MAX && oa_action(text, count))
        count++;
    return count;
}

static json_t *write_list(const struct writer *writer, const json_t *schema, struct place place)
{
    enum { MEMBERS_MAX = 1000 };
    double min = limit_of(schema, "minItems", 0), max = limit_of(schema, "maxItems", MEMBERS_MAX);
    double wish = (double)wish_count(writer, place);
    size_t count = (size_t)(wish < min ? min : wish > max ? max : wish);
    const json_t *items = json_object_get(schema, "items");
    json_t *list = json_array();
    for (size_t i = 0; i < count && i < MEMBERS_MAX && items; i++) {
        struct place inside = { .name = place.name, .index = i, .depth = place.depth + 1 };
        json_array_append_new(list, write_value(writer, items, inside));
    }
    return list;
}

/* ---- objects, choices ---- */

static json_t *write_object(const struct writer *writer, const json_t *schema, struct place place)
{
    json_t *object = json_object();
    const char *name;
    json_t *property;
    json_object_foreach (json_object_get(schema, "properties"), name, property) {
        char *folded = oa_fold(name);
        struct place inside = { .name = folded, .index = place.index, .depth = place.depth + 1 };
        json_object_set_new(object, name, write_value(writer, property, inside));
        free(folded);
    }
    return object;
}

static json_t *write_choice(const struct writer *writer, const json_t *list, struct place place)
{
    const struct oa_author *author = writer->author;
    if (author->breaks_enums)
        return json_string("none of the allowed words");
    const json_t *chosen = author->obeys_callers ? oa_choose_obediently(author->text, list) : NULL;
    if (!chosen)
        chosen = oa_choose_word(author->text, place.name, list);
    if (!chosen)
        chosen = json_array_get(list, 0);
    return json_deep_copy(chosen);
}

static json_t *write_alternative(const struct writer *writer, const json_t *alternatives, struct place place)
{
    size_t index;
    json_t *alternative;
    json_array_foreach (alternatives, index, alternative) {
        if (!oa_schema_has_type(alternative, "null"))
            return write_value(writer, alternative, place);
    }
    return json_null();
}

static json_t *write_value(const struct writer *writer, const json_t *schema, struct place place)
{
    schema = oa_resolve_schema(writer->root, schema);
    if (!schema || place.depth > OA_SCHEMA_DEPTH_MAX)
        return json_null();
    /* A schema that contains itself has to end somewhere; where null is allowed is the place. */
    if (allows_null(schema) && (is_unknowable(place.name) || place.depth > OA_SCHEMA_DEPTH_MAX / 2))
        return json_null();
    if (json_object_get(schema, "const"))
        return json_deep_copy(json_object_get(schema, "const"));
    if (json_object_get(schema, "enum"))
        return write_choice(writer, json_object_get(schema, "enum"), place);
    if (json_object_get(schema, "anyOf"))
        return write_alternative(writer, json_object_get(schema, "anyOf"), place);
    if (oa_schema_has_type(schema, "object"))
        return write_object(writer, schema, place);
    if (oa_schema_has_type(schema, "array"))
        return write_list(writer, schema, place);
    if (oa_schema_has_type(schema, "string"))
        return write_text(writer, schema, place);
    if (oa_schema_has_type(schema, "integer"))
        return write_number(schema, place, true);
    if (oa_schema_has_type(schema, "number"))
        return write_number(schema, place, false);
    return oa_schema_has_type(schema, "boolean") ? write_boolean(writer, place) : json_null();
}

json_t *oa_write_content(const struct oa_author *author, const json_t *schema)
{
    const struct writer writer = { .author = author, .root = schema };
    return write_value(&writer, schema, (struct place){ .name = "" });
}

json_t *oa_write_prose(const struct oa_author *author)
{
    char *summary = write_summary(author->text);
    json_t *json = json_string(summary ? summary : "");
    free(summary);
    return json;
}

/* Dotted paths into jansson documents, and readers that forgive what services send in place of numbers. */
#include "base/json.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"

enum { PATH_PART_MAX = 256 };

/* Copies the next member name of a dotted path. Returns the rest ("" at the end), or NULL when a part is
 * empty or too long. */
static const char *next_part(const char *path, char ret_part[PATH_PART_MAX])
{
    size_t length = strcspn(path, ".");

    if (length == 0 || length >= PATH_PART_MAX || (path[length] == '.' && path[length + 1] == '\0'))
        return NULL;
    memcpy(ret_part, path, length);
    ret_part[length] = '\0';
    return path[length] == '.' ? path + length + 1 : path + length;
}

static json_t *child_at(const json_t *value, const char *part)
{
    if (json_is_object(value))
        return json_object_get(value, part);

    int64_t index = 0;
    if (!json_is_array(value) || parse_int(part, &index, NULL) < 0 || index < 0)
        return NULL;
    return json_array_get(value, (size_t)index);
}

json_t *json_at(const json_t *value, const char *path)
{
    char part[PATH_PART_MAX];
    const json_t *at = value;

    do {
        path = next_part(path, part);
        at = path ? child_at(at, part) : NULL;
    } while (at && *path);
    return (json_t *)at; /* as jansson does: constness of the root is the caller's promise */
}

/* The object under `name`, made when it is absent. NULL when something else is there, or out of memory. */
static json_t *enter_object(json_t *object, const char *name)
{
    json_t *child = json_object_get(object, name);

    if (child)
        return json_is_object(child) ? child : NULL;
    child = json_object();
    return child && json_object_set_new(object, name, child) == 0 ? child : NULL;
}

static int remove_at(json_t *root, const char *path)
{
    char part[PATH_PART_MAX];

    for (json_t *at = root; (path = next_part(path, part)) != NULL;) {
        if (!json_is_object(at))
            return -1;
        if (*path == '\0') {
            (void)json_object_del(at, part); /* absent already is as good */
            return 0;
        }
        at = json_object_get(at, part);
        if (!at)
            return 0;
    }
    return -1;
}

int json_put(json_t *root, const char *path, json_t *value)
{
    char part[PATH_PART_MAX];

    if (!value)
        return remove_at(root, path);
    for (json_t *at = root; json_is_object(at) && (path = next_part(path, part)) != NULL;) {
        if (*path == '\0')
            return json_object_set_new(at, part, value);
        at = enter_object(at, part);
    }
    json_decref(value);
    return -1;
}

const char *json_str(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

int64_t json_int(const json_t *object, const char *name, int64_t otherwise)
{
    const json_t *value = json_object_get(object, name);

    if (json_is_integer(value))
        return json_integer_value(value);
    if (json_is_real(value)) {
        double real = json_real_value(value);
        bool is_whole = real >= -9007199254740992.0 && real <= 9007199254740992.0 && floor(real) >= real;
        return is_whole ? (int64_t)real : otherwise;
    }
    int64_t number = 0;
    if (json_is_string(value) && parse_int(json_string_value(value), &number, NULL) == 0)
        return number;
    return otherwise;
}

double json_num(const json_t *object, const char *name, double otherwise)
{
    const json_t *value = json_object_get(object, name);
    if (json_is_number(value))
        return json_number_value(value);

    const char *text = json_string_value(value);
    if (!text || !*text || strspn(text, "0123456789+-.eE") != strlen(text))
        return otherwise; /* strtod alone would take blanks, "inf" and hexadecimal numbers too */
    char *end = NULL;
    double number = strtod(text, &end);
    return *end == '\0' && isfinite(number) ? number : otherwise;
}

const char *json_kind(const json_t *value)
{
    if (!value)
        return "nothing";
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return "a text";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    case JSON_NULL:
        break;
    }
    return "null";
}

json_t *json_parse(const char *text, size_t size, struct sb_error *err)
{
    json_error_t why;
    json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (value)
        return value;

    /* jansson leaves the text empty where it finds no memory, and does not always set the code. */
    if (json_error_code(&why) == json_error_out_of_memory || why.text[0] == '\0') {
        (void)sb_fail(err, SB_ENOMEM, "out of memory");
        return NULL;
    }
    /* What is "near" the fault is the document's content, which may be personal or secret. */
    const char *near = strstr(why.text, " near ");
    int length = (int)(near ? (size_t)(near - why.text) : strlen(why.text));
    (void)sb_fail(err, SB_EINPUT, "%d:%d: %.*s", why.line, why.column, length, why.text);
    return NULL;
}

static void *allocate_or_end(size_t size)
{
    void *block = malloc(size);

    if (!block) {
        (void)fputs("switchboard: out of memory for a document\n", stderr);
        abort();
    }
    return block;
}

void json_end_without_memory(void)
{
    json_set_alloc_funcs(allocate_or_end, free);
}

/* In one piece: jansson would hand the text over in hundreds, and json_dumps overlooks some failed writes and then gives a
 * text with holes. */
char *json_text(const json_t *value)
{
    enum { FLAGS = JSON_COMPACT | JSON_ENCODE_ANY, ROOM = 4096 };
    char room[ROOM];
    size_t size = json_dumpb(value, room, sizeof(room), FLAGS);
    char *text = size > 0 ? malloc(size + 1) : NULL;

    if (!text)
        return NULL;
    if (size <= sizeof(room)) {
        memcpy(text, room, size);
    } else if (json_dumpb(value, text, size, FLAGS) != size) {
        free(text);
        return NULL;
    }
    text[size] = '\0';
    return text;
}

/* What the desk accepts: bodies with known members of the right size, queries with known parameters, pages in range. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "simulation/desk.h"

enum { PAGE_MAX = 100, FROM_MAX = 4999, MESSAGE_MAX = 200 };

void desk_blame(struct desk *desk, const char *field, const char *type)
{
    sim_reply_json(desk->reply, 422,
                   json_pack("{s:s, s:s, s:[{s:s, s:s, s:s}]}", "errorCode", "INVALID_DATA", "message",
                             "The data is invalid due to validation restrictions", "errors", "fieldName",
                             field, "errorType", type, "errorMessage", ""));
}

static void blame_key(struct desk *desk, const char *key, const char *type)
{
    char field[64];

    (void)snprintf(field, sizeof(field), "/%s", key);
    desk_blame(desk, field, type);
}

/* ---- bodies -------------------------------------------------------------------------------------------- */

static const struct desk_field *find_field(const struct desk_field *fields, const char *key)
{
    while (fields->key && strcmp(fields->key, key) != 0)
        fields++;
    return fields->key ? fields : NULL;
}

/* Characters outside of the basic plane count as two, as everywhere in that world. */
static size_t units_of(const char *text)
{
    size_t units = 0;

    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        units += ((*c & 0xC0) != 0x80 ? 1U : 0U) + (*c >= 0xF0 ? 1U : 0U);
    return units;
}

static bool is_id(const char *text)
{
    return text && *text && text[strspn(text, "0123456789")] == '\0';
}

static bool is_good(const struct desk_field *field, const json_t *value)
{
    const char *text = json_string_value(value);

    switch (field->type) {
    case DESK_TEXT:
        return text && *text && (!field->max || units_of(text) <= field->max);
    case DESK_ID:
        return is_id(text);
    case DESK_BOOL:
        return json_is_boolean(value);
    case DESK_OBJECT:
        return json_is_object(value);
    case DESK_ARRAY:
        return json_is_array(value) && (!field->max || json_array_size(value) <= field->max);
    }
    return false;
}

bool desk_check_body(struct desk *desk, const struct desk_field *fields)
{
    const char *type = sim_request_header(desk->request, "Content-Type");
    const char *key;
    json_t *value;
    char message[MESSAGE_MAX];

    if (!type || strncmp(type, "application/json", 16) != 0) {
        desk_refuse(desk, 415, "UNSUPPORTED_MEDIA_TYPE", "The media type is not supported.");
        return false;
    }
    if (!json_is_object(desk->body)) {
        desk_refuse(desk, 422, "EMPTY_PAYLOAD", "The body is empty.");
        return false;
    }
    json_object_foreach (desk->body, key, value) {
        const struct desk_field *field = find_field(fields, key);
        if (!field) {
            (void)snprintf(message, sizeof(message), "An extra parameter '%.100s' is found", key);
            desk_refuse(desk, 422, "UNPROCESSABLE_ENTITY", message);
            return false;
        }
        if (!is_good(field, value)) {
            blame_key(desk, key, "invalid");
            return false;
        }
    }
    for (; fields->key; fields++) {
        if (fields->is_required && !json_object_get(desk->body, fields->key)) {
            blame_key(desk, fields->key, "missing");
            return false;
        }
    }
    return true;
}

/* ---- queries ------------------------------------------------------------------------------------------- */

static bool is_allowed(const char *const *allowed, const char *name, size_t size)
{
    for (; *allowed; allowed++)
        if (strlen(*allowed) == size && memcmp(*allowed, name, size) == 0)
            return true;
    return false;
}

/* A number in the query, or `otherwise`; -1 when it is none. */
static long number_of(const struct desk *desk, const char *name, long otherwise)
{
    AUTO_STR text = sim_form_value(desk->request->query, name);

    if (!text)
        return otherwise;
    return *text && text[strspn(text, "0123456789")] == '\0' && strlen(text) < 9 ? strtol(text, NULL, 10)
                                                                                 : -1;
}

bool desk_check_query(struct desk *desk, const char *const *allowed)
{
    char message[MESSAGE_MAX];
    long limit = number_of(desk, "limit", 1), from = number_of(desk, "from", 0);

    for (const char *pair = desk->request->query; *pair;) {
        size_t size = strcspn(pair, "&");
        size_t name_size = strcspn(pair, "=&");
        if (!is_allowed(allowed, pair, name_size)) {
            (void)snprintf(message, sizeof(message), "Extra query parameter '%.*s' is present in the input.",
                           (int)name_size, pair);
            desk_refuse(desk, 422, "UNPROCESSABLE_ENTITY", message);
            return false;
        }
        pair += size + (pair[size] == '&');
    }
    if (limit < 1 || limit > PAGE_MAX) {
        desk_refuse(desk, 422, "UNPROCESSABLE_ENTITY",
                    "The value passed for field 'limit' exceeds the range of '1-100'.");
        return false;
    }
    if (from < 0 || from > FROM_MAX) {
        desk_refuse(desk, 422, "UNPROCESSABLE_ENTITY",
                    "The value passed for field 'from' exceeds the range of '0-4999'.");
        return false;
    }
    return true;
}

void desk_answer_page(struct desk *desk, json_t *items, size_t limit_default, json_int_t count)
{
    size_t limit = (size_t)number_of(desk, "limit", (long)limit_default);
    size_t from = (size_t)number_of(desk, "from", 0);
    json_t *page = json_array();

    for (size_t i = from; i < json_array_size(items) && i < from + limit; i++)
        json_array_append(page, json_array_get(items, i));
    json_decref(items);
    if (json_array_size(page) == 0) {
        json_decref(page);
        desk->reply->status = 204;
        return;
    }
    json_t *answer = json_pack("{s:o}", "data", page);
    if (count >= 0)
        json_object_set_new(answer, "count", json_integer(count));
    sim_reply_json(desk->reply, 200, answer);
}

/* Strict checks of request bodies: known keys only, types, lengths, character sets and patterns. */
#include "zoho.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

bool zoho_is_id(const char *text)
{
    size_t length = strspn(text, "0123456789");
    return length > 0 && length <= 19 && text[length] == '\0';
}

size_t zoho_characters(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

bool zoho_word_in(const char *words, const char *wanted, size_t size)
{
    while (size > 0 && words && *words) {
        size_t length = strcspn(words, "|");
        if (length == size && memcmp(words, wanted, size) == 0)
            return true;
        words += length + (words[length] == '|');
    }
    return false;
}

/* Reads one to `most` digits. */
static const char *digits(const char *at, int most)
{
    int count = 0;
    while (count < most && isdigit((unsigned char)at[count]))
        count++;
    return count > 0 ? at + count : NULL;
}

/* yyyy-MM-ddTHH:mm:ss.SSSZ with the freedoms of the description: 19xx and 20xx, other separators, 1-digit
 * parts, no fraction. */
bool zoho_is_time(const char *text)
{
    static const char between[] = "--T::";
    if (strlen(text) > 100 || (strncmp(text, "19", 2) != 0 && strncmp(text, "20", 2) != 0))
        return false;
    const char *at = digits(text, 4);
    if (!at || at != text + 4)
        return false;
    for (size_t i = 0; i < sizeof(between) - 1; i++) {
        bool fits = between[i] == '-' ? strchr("-/.", *at) && *at : *at == between[i];
        at = fits ? digits(at + 1, 2) : NULL;
        if (!at)
            return false;
    }
    if (*at == '.')
        at = digits(at + 1, 3);
    return at && strcmp(at, "Z") == 0;
}

static bool is_domain(const char *text, size_t size)
{
    size_t last = 0;
    if (size < 4 || size > 256)
        return false;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        bool is_inner = i > 0 && i + 1 < size && text[i - 1] != '.' && text[i + 1] != '.';
        if (c == '.' && i > last)
            last = i + 1;
        else if (!isalnum((unsigned char)c) && !((c == '-' || c == '_') && is_inner))
            return false;
    }
    if (last == 0 || size - last < 2 || size - last > 22)
        return false;
    for (size_t i = last; i < size; i++)
        if (!isalpha((unsigned char)text[i]))
            return false;
    return true;
}

bool zoho_is_email(const char *text)
{
    const char *at = strchr(text, '@');
    if (!at || at == text || (!isalnum((unsigned char)text[0]) && text[0] != '_'))
        return false;
    for (const char *c = text; c < at; c++)
        if (!isalnum((unsigned char)*c) && !strchr("_+-.'&~", *c))
            return false;
    return is_domain(at + 1, strlen(at + 1));
}

static bool is_phone(const char *text)
{
    for (const char *c = text; *c; c++) {
        bool is_basic = (unsigned char)*c < 0x80;
        if (is_basic && !isalnum((unsigned char)*c) && !strchr("_+-.$@?,;:'/! ", *c))
            return false;
    }
    return true;
}

/* Turns an id that came as a number into the text that Desk keeps. */
static bool fix_id(json_t *body, const char *name, const json_t *value)
{
    if (json_is_string(value))
        return zoho_is_id(json_string_value(value));
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    char text[24];
    (void)snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(value));
    (void)json_object_set_new(body, name, json_string(text));
    return true;
}

static bool is_text(const json_t *value, size_t max)
{
    return json_is_string(value) && zoho_characters(json_string_value(value)) <= max;
}

static bool are_ids(json_t *value, size_t max)
{
    size_t index;
    json_t *item;
    if (!json_is_array(value) || json_array_size(value) > max)
        return false;
    json_array_foreach (value, index, item) {
        char text[24];
        if (json_is_integer(item) && json_integer_value(item) >= 0) {
            (void)snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(item));
            (void)json_array_set_new(value, index, json_string(text));
        } else if (!json_is_string(item) || !zoho_is_id(json_string_value(item))) {
            return false;
        }
    }
    return true;
}

static bool is_reference(const json_t *value)
{
    const json_t *id = json_object_get(value, "id");
    return json_object_size(value) == 1 && json_is_string(id) && zoho_is_id(json_string_value(id));
}

static bool are_shares(const json_t *value, size_t max)
{
    size_t index;
    json_t *item;
    if (!json_is_array(value) || json_array_size(value) > max)
        return false;
    json_array_foreach (value, index, item) {
        const json_t *type = json_object_get(item, "type");
        const char *word = json_is_string(type) ? json_string_value(type) : "";
        const json_t *id = json_object_get(item, "id");
        if (is_text(item, 500))
            continue;
        if (json_object_size(item) != 2 || !json_is_string(id) || !zoho_is_id(json_string_value(id)) ||
            !zoho_word_in("READ_ONLY|READ_WRITE|RESTRICTED_ACCESS", word, strlen(word)))
            return false;
    }
    return true;
}

static bool is_value(struct sim_request *req, json_t *body, const struct zoho_field *field, json_t *value)
{
    const char *text = json_string_value(value);
    if (text && !*text)
        return field->may_be_empty && field->type != ZOHO_ID;
    switch (field->type) {
    case ZOHO_TEXT:
        return is_text(value, field->max);
    case ZOHO_ID:
        return fix_id(body, field->name, value);
    case ZOHO_PHONE:
        return text && is_text(value, field->max) && is_phone(text);
    case ZOHO_EMAIL:
        return text && is_text(value, field->max) && zoho_is_email(text);
    case ZOHO_TIME:
        return text && zoho_is_time(text);
    case ZOHO_FLAG:
        return json_is_boolean(value);
    case ZOHO_CF:
    case ZOHO_OBJECT:
        return json_is_object(value);
    case ZOHO_IDS:
        return are_ids(value, field->max);
    case ZOHO_TEAM:
        return text && (zoho_is_id(text) || strcmp(text, "null") == 0 || strcmp(text, "undefined") == 0);
    case ZOHO_NULL_TEXT:
        return text && strcmp(text, "null") == 0;
    case ZOHO_REFERENCE:
        return is_reference(value);
    case ZOHO_SHARED:
        return are_shares(value, field->max);
    case ZOHO_WORDS:
        return text && zoho_word_in(field->words, text, strlen(text));
    case ZOHO_PICKLIST:
        return text && is_text(value, 120) &&
               (sim_knob_is(req->service, DESK_PICKLISTS, "open") ||
                zoho_word_in(field->words, text, strlen(text)));
    }
    return false;
}

/* Custom fields: cf_ names, texts of at most 255 characters or null. */
static void check_custom(const json_t *custom, const char *prefix, json_t *errors)
{
    const char *name;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)custom, name, value) {
        bool is_name = strncmp(name, "cf_", 3) == 0 && name[3] && strlen(name) <= 100;
        if (is_name && (json_is_null(value) || is_text(value, 255)))
            continue;
        char field[300];
        (void)snprintf(field, sizeof(field), "%s/cf/%.100s", prefix, name);
        zoho_add_error(errors, field, "invalid");
    }
}

const char *zoho_extra_key(const json_t *body, const struct zoho_field *fields, size_t count)
{
    const char *name;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)body, name, value) {
        size_t row = 0;
        while (row < count && strcmp(fields[row].name, name) != 0)
            row++;
        if (row == count)
            return name;
    }
    return NULL;
}

void zoho_check_fields(struct sim_request *req, json_t *body, const char *prefix,
                       const struct zoho_field *fields, size_t count, json_t *errors)
{
    for (size_t row = 0; row < count; row++) {
        json_t *value = json_object_get(body, fields[row].name);
        if (!value || (json_is_null(value) && fields[row].may_be_null))
            continue;
        if (is_value(req, body, &fields[row], value)) {
            if (fields[row].type == ZOHO_CF)
                check_custom(value, prefix, errors);
            continue;
        }
        char name[300];
        (void)snprintf(name, sizeof(name), "%s/%s", prefix, fields[row].name);
        zoho_add_error(errors, name, "invalid");
    }
}

static bool is_json_type(const struct sim_request *req)
{
    const char *type = sim_header(req, "Content-Type");
    size_t length = type ? strcspn(type, "; ") : 0;
    return length == 16 && strncasecmp(type, "application/json", 16) == 0;
}

int zoho_read_body(struct sim_request *req, struct sim_response *res, const struct zoho_field *fields,
                   size_t count, json_t **ret_body, json_t **ret_errors)
{
    if (req->body_size > 0 && !is_json_type(req)) {
        zoho_refuse(req, res, ZOHO_MEDIA_TYPE);
        return -1;
    }
    if (req->body_size == 0) {
        zoho_refuse(req, res, ZOHO_EMPTY_PAYLOAD);
        return -1;
    }
    json_t *body = json_loadb(req->body, req->body_size, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(body)) {
        json_decref(body);
        zoho_refuse_text(req, res, "The payload is not a valid JSON object.");
        return -1;
    }
    const char *extra = zoho_extra_key(body, fields, count);
    if (extra) {
        zoho_refuse_text(req, res, "An extra parameter '%.200s' is found", extra);
        json_decref(body);
        return -1;
    }
    *ret_errors = json_array();
    zoho_check_fields(req, body, "", fields, count, *ret_errors);
    *ret_body = body;
    return 0;
}

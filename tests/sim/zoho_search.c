/* What the two searches share: lists of values, wildcards, ranges of time, custom fields. */
#include "zoho.h"

#include <string.h>
#include <time.h>

static bool fits_one(const char *wanted, size_t size, const char *value, bool may_lead)
{
    if (size == 8 && strncmp(wanted, "${empty}", 8) == 0)
        return !value || !*value;
    if (size == 11 && strncmp(wanted, "${notempty}", 11) == 0)
        return value && *value;
    if (!value)
        return false;
    size_t length = strlen(value);
    bool leads = may_lead && size > 1 && wanted[0] == '*';
    bool trails = size > 0 && wanted[size - 1] == '*';
    wanted += leads;
    size -= (size_t)leads + (size_t)trails;
    if (leads && trails) {
        for (size_t i = 0; i + size <= length; i++)
            if (strncasecmp(value + i, wanted, size) == 0)
                return true;
        return false;
    }
    if (leads)
        return length >= size && strncasecmp(value + length - size, wanted, size) == 0;
    return (trails ? length >= size : length == size) && strncasecmp(value, wanted, size) == 0;
}

bool zoho_fits_list(const char *wanted, const char *value, bool may_lead, bool is_exact)
{
    while (*wanted) {
        size_t size = strcspn(wanted, ",");
        if (is_exact ? value && strlen(value) == size && strncmp(wanted, value, size) == 0
                     : fits_one(wanted, size, value, may_lead))
            return true;
        wanted += size + (wanted[size] == ',');
    }
    return false;
}

bool zoho_fits_text(const char *wanted, const char *value)
{
    return fits_one(wanted, strlen(wanted), value, false);
}

static bool read_time(const char *text, size_t size, int64_t *ret_ms)
{
    struct tm parts = { 0 };
    char copy[64];
    if (size >= sizeof(copy))
        return false;
    memcpy(copy, text, size);
    copy[size] = '\0';
    if (!zoho_is_time(copy))
        return false;
    for (char *at = copy; *at && *at != 'T'; at++)
        if (*at == '/' || *at == '.')
            *at = '-';
    const char *end = strptime(copy, "%Y-%m-%dT%H:%M:%S", &parts);
    *ret_ms = (int64_t)timegm(&parts) * 1000;
    return end != NULL;
}

/* Reads "A,B"; "null" is an open end. */
static bool read_range(const char *text, int64_t *ret_from_ms, int64_t *ret_to_ms)
{
    size_t first = strcspn(text, ",");
    *ret_from_ms = INT64_MIN;
    *ret_to_ms = INT64_MAX;
    if (text[first] != ',')
        return false;
    const char *second = text + first + 1;
    if (strncmp(text, "null,", 5) != 0 && !read_time(text, first, ret_from_ms))
        return false;
    return strcmp(second, "null") == 0 || read_time(second, strlen(second), ret_to_ms);
}

bool zoho_fits_range(const char *wanted, int64_t value_ms)
{
    int64_t from_ms, to_ms;
    return read_range(wanted, &from_ms, &to_ms) && value_ms >= from_ms && value_ms <= to_ms;
}

bool zoho_check_list(struct sim_request *req, struct sim_response *res, const char *name, size_t values_max)
{
    const char *text = sim_query(req, name);
    size_t count = 1;
    for (const char *at = text; at && *at; at++)
        count += *at == ',';
    return !text || count <= values_max || zoho_query_invalid(req, res, name);
}

bool zoho_check_range(struct sim_request *req, struct sim_response *res, const char *name)
{
    int64_t from_ms, to_ms;
    const char *text = sim_query(req, name);
    return !text || (strlen(text) <= 100 && read_range(text, &from_ms, &to_ms)) ||
           zoho_query_invalid(req, res, name);
}

bool zoho_check_length(struct sim_request *req, struct sim_response *res, const char *name, size_t min,
                       size_t max)
{
    const char *text = sim_query(req, name);
    size_t length = text ? zoho_characters(text) : min;
    return (length >= min && length <= max) || zoho_query_invalid(req, res, name);
}

static bool is_custom(const char *name)
{
    return strncmp(name, "customField", 11) == 0;
}

/* customField1 ... customField10, each "cf_name:value" of at most 1000 characters. */
bool zoho_check_custom(struct sim_request *req, struct sim_response *res)
{
    for (size_t i = 0; i < req->query_count; i++) {
        const char *name = req->query[i].name, *value = req->query[i].value;
        if (!is_custom(name))
            continue;
        const char *colon = strchr(value, ':');
        bool is_name = colon && strncmp(value, "cf_", 3) == 0 && colon - value > 3;
        if (!is_name || !colon[1] || zoho_characters(value) > 1000)
            return zoho_query_invalid(req, res, name);
    }
    return true;
}

bool zoho_fits_custom(const struct sim_request *req, const json_t *fields)
{
    const json_t *custom = json_object_get(fields, "cf");
    for (size_t i = 0; i < req->query_count; i++) {
        const char *wanted = req->query[i].value;
        if (!is_custom(req->query[i].name))
            continue;
        const char *colon = strchr(wanted, ':');
        const char *value = json_string_value(json_object_getn(custom, wanted, (size_t)(colon - wanted)));
        if (!zoho_fits_text(colon + 1, value))
            return false;
    }
    return true;
}

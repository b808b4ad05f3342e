/* Strict checks of query parameters: known names only, numbers in range, words from a list. */
#include "zoho.h"

#include <stdlib.h>
#include <string.h>

bool zoho_query_invalid(struct sim_request *req, struct sim_response *res, const char *name)
{
    zoho_refuse_text(req, res, "The value passed for the '%s' query parameter is invalid.", name);
    return false;
}

bool zoho_query_known(struct sim_request *req, struct sim_response *res, const char *allowed)
{
    for (size_t i = 0; i < req->query_count; i++) {
        const char *name = req->query[i].name;
        bool is_known = strcmp(name, "orgId") == 0 || zoho_word_in(allowed, name, strlen(name));
        if (!is_known) {
            zoho_refuse_text(req, res, "Extra query parameter '%.150s' is present in the input.", name);
            return false;
        }
        if (req->query[i].value[0] == '\0')
            return zoho_query_invalid(req, res, name);
    }
    return true;
}

bool zoho_query_number(struct sim_request *req, struct sim_response *res, const char *name, int64_t min,
                       int64_t max, int64_t initial, int64_t *ret_value)
{
    const char *text = sim_query(req, name);
    *ret_value = initial;
    if (!text)
        return true;
    char *end;
    long long value = strtoll(text, &end, 10);
    if (*end || strspn(text, "-0123456789") != strlen(text))
        return zoho_query_invalid(req, res, name);
    if (value < min || value > max) {
        zoho_refuse_text(req, res, "The value passed for field '%s' exceeds the range of '%lld-%lld'.", name,
                         (long long)min, (long long)max);
        return false;
    }
    *ret_value = value;
    return true;
}

bool zoho_query_sort(struct sim_request *req, struct sim_response *res, const char *words,
                     const char *initial, const char **ret_word, bool *ret_is_down)
{
    const char *text = sim_query(req, "sortBy");
    if (!text)
        text = initial;
    *ret_is_down = text[0] == '-';
    *ret_word = text + *ret_is_down;
    if (!zoho_word_in(words, *ret_word, strlen(*ret_word)))
        return zoho_query_invalid(req, res, "sortBy");
    return true;
}

bool zoho_query_flag(struct sim_request *req, struct sim_response *res, const char *name, int *ret_value)
{
    const char *text = sim_query(req, name);
    *ret_value = -1;
    if (!text)
        return true;
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return zoho_query_invalid(req, res, name);
    *ret_value = text[0] == 't';
    return true;
}

bool zoho_query_words(struct sim_request *req, struct sim_response *res, const char *name, const char *words)
{
    const char *text = sim_query(req, name);
    while (text && *text) {
        size_t length = strcspn(text, ",");
        if (!zoho_word_in(words, text, length))
            return zoho_query_invalid(req, res, name);
        text += length + (text[length] == ',');
    }
    return true;
}

const char *zoho_text_of(const json_t *fields, const char *key)
{
    return json_string_value(json_object_get(fields, key));
}

/* How webhooks travel: the same members as a query, as a form, and as multipart. */
#include "exotel.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 128 };

/* What is done with each member once it is flat. */
typedef void take_pair(void *context, const char *name, const char *value);

static void flatten(const char *name, const json_t *value, take_pair *take, void *context)
{
    char longer[NAME_MAX_BYTES], number[32];
    const char *key;
    json_t *member;
    size_t index;
    if (json_is_object(value)) {
        json_object_foreach ((json_t *)(uintptr_t)value, key, member) {
            (void)snprintf(longer, sizeof(longer), *name ? "%s[%s]" : "%s%s", name, key);
            flatten(longer, member, take, context);
        }
    } else if (json_is_array(value)) {
        json_array_foreach (value, index, member) {
            (void)snprintf(longer, sizeof(longer), "%s[%zu]", name, index);
            flatten(longer, member, take, context);
        }
    } else if (json_is_integer(value)) {
        (void)snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
        take(context, name, number);
    } else {
        take(context, name, json_is_string(value) ? json_string_value(value) : "");
    }
}

/* ---- query --------------------------------------------------------------------------------------------- */

static void add_to_url(void *context, const char *name, const char *value)
{
    char *pair = NULL;
    if (asprintf(&pair, "%s=%s", name, value) < 0)
        abort();
    (void)curl_url_set(context, CURLUPART_QUERY, pair, CURLU_APPENDQUERY | CURLU_URLENCODE);
    free(pair);
}

/* Gives the whole URL in memory for free(), and ends the handle. */
static char *end_url(CURLU *url)
{
    char *text = NULL, *copy = NULL;
    if (curl_url_get(url, CURLUPART_URL, &text, 0) == CURLUE_OK)
        copy = sim_strdup(text);
    curl_free(text);
    curl_url_cleanup(url);
    return copy;
}

static CURLU *begin_url(const char *text)
{
    CURLU *url = curl_url();
    if (url && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK)
        return url;
    curl_url_cleanup(url);
    return NULL;
}

char *exo_as_query(const char *text, const json_t *fields)
{
    CURLU *url = begin_url(text);
    if (!url)
        return NULL;
    if (fields)
        flatten("", fields, add_to_url, url);
    return end_url(url);
}

/* ---- bodies -------------------------------------------------------------------------------------------- */

static void add_escaped(FILE *out, const char *text)
{
    char *escaped = curl_easy_escape(NULL, text, (int)strlen(text));
    (void)fputs(escaped ? escaped : "", out);
    curl_free(escaped);
}

static void add_to_form(void *context, const char *name, const char *value)
{
    FILE *out = context;
    if (ftell(out) > 0)
        (void)fputc('&', out);
    add_escaped(out, name);
    (void)fputc('=', out);
    add_escaped(out, value);
}

char *exo_as_form(const json_t *fields)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    flatten("", fields, add_to_form, out);
    (void)fclose(out);
    return text;
}

struct parts {
    FILE *out;
    const char *boundary;
};

static void add_part(void *context, const char *name, const char *value)
{
    const struct parts *parts = context;
    (void)fprintf(parts->out, "--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n",
                  parts->boundary, name, value);
}

char *exo_as_multipart(const json_t *fields, const char *boundary)
{
    char *text = NULL;
    size_t size;
    struct parts parts = { .out = open_memstream(&text, &size), .boundary = boundary };
    if (!parts.out)
        abort();
    flatten("", fields, add_part, &parts);
    (void)fprintf(parts.out, "--%s--\r\n", boundary);
    (void)fclose(parts.out);
    return text;
}

/* ---- secrets ------------------------------------------------------------------------------------------- */

/* Where the value of "key" begins in a query, or NULL. */
static char *find_key(char *query)
{
    for (char *at = query; at; at = strchr(at, '&')) {
        at += *at == '&';
        if (strncmp(at, "key=", 4) == 0)
            return at + 4;
    }
    return NULL;
}

char *exo_spoil_secret(const char *text)
{
    static const char wrong[] = "not-the-secret";
    CURLU *url = begin_url(text);
    char *part = NULL, *changed = NULL;
    if (!url)
        return NULL;
    bool has_query = curl_url_get(url, CURLUPART_QUERY, &part, 0) == CURLUE_OK;
    char *at = has_query ? find_key(part) : NULL;
    CURLUPart which = at ? CURLUPART_QUERY : CURLUPART_PATH;
    if (!at) {
        curl_free(part);
        part = NULL;
        if (curl_url_get(url, CURLUPART_PATH, &part, 0) != CURLUE_OK || !part)
            abort();
        at = strrchr(part, '/') ? strrchr(part, '/') + 1 : part;
    }
    size_t tail = which == CURLUPART_QUERY ? strcspn(at, "&") : strlen(at);
    if (asprintf(&changed, "%.*s%s%s", (int)(at - part), part, wrong, at + tail) < 0)
        abort();
    (void)curl_url_set(url, which, changed, 0);
    free(changed);
    curl_free(part);
    return end_url(url);
}

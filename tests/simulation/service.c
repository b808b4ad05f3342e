/* What every service of the world needs to read requests and write answers. */
#include "simulation/service.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "simulation/memory.h"

const char *sim_request_header(const struct sim_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (strcasecmp(request->headers[i].name, name) == 0)
            return request->headers[i].value;
    return NULL;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* A broken escape stays as it is, as lenient servers have it. */
static char *decode(const char *text, size_t size)
{
    char *decoded = sim_new(size + 1), *to = decoded;

    for (size_t i = 0; i < size; i++) {
        int high = i + 2 < size ? hex_digit(text[i + 1]) : -1;
        int low = i + 2 < size ? hex_digit(text[i + 2]) : -1;
        if (text[i] == '%' && high >= 0 && low >= 0) {
            *to++ = (char)(high * 16 + low);
            i += 2;
        } else {
            *to++ = text[i] == '+' ? ' ' : text[i];
        }
    }
    return decoded;
}

char *sim_form_value(const char *form, const char *name)
{
    for (const char *pair = form; pair && *pair;) {
        size_t size = strcspn(pair, "&");
        size_t name_size = strcspn(pair, "=&");
        char *found = decode(pair, name_size);
        bool is_it = strcmp(found, name) == 0;
        free(found);
        if (is_it) {
            size_t skip = name_size < size ? name_size + 1 : size;
            return decode(pair + skip, size - skip);
        }
        pair += size + (pair[size] == '&');
    }
    return NULL;
}

void sim_reply_json(struct sim_reply *reply, int status, json_t *json)
{
    reply->status = status;
    reply->body = json ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    if (json && !reply->body)
        sim_die("a service answers with something that is no JSON");
    reply->body_size = reply->body ? strlen(reply->body) : 0;
    json_decref(json);
}

void sim_reply_header(struct sim_reply *reply, const char *name, const char *value)
{
    if (reply->header_count == SIM_REPLY_HEADERS_MAX)
        sim_die("a service answers with more than %d headers", SIM_REPLY_HEADERS_MAX);
    reply->headers[reply->header_count++] = (struct sim_header){ .name = name, .value = value };
}

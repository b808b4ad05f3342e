/* What a handler may ask of a request: headers, query, parameters of the route, forms, multipart, Basic
 * credentials. */
#include "sim.h"

#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sim_chunk {
    struct sim_chunk *next;
    size_t used, room;
    _Alignas(16) char bytes[];
};

static struct sim_exchange *exchange_of(struct sim_request *req)
{
    return (struct sim_exchange *)req;
}

void *sim_alloc(struct sim_request *req, size_t size)
{
    enum { CHUNK = 4000 };
    struct sim_exchange *ex = exchange_of(req);
    size = (size + 15) & ~(size_t)15;
    if (!ex->arena || ex->arena->room - ex->arena->used < size) {
        size_t room = size > CHUNK ? size : CHUNK;
        struct sim_chunk *chunk = sim_malloc(sizeof(*chunk) + room);
        chunk->next = ex->arena;
        chunk->used = 0;
        chunk->room = room;
        ex->arena = chunk;
    }
    void *data = ex->arena->bytes + ex->arena->used;
    ex->arena->used += size;
    return data;
}

void request_free_arena(struct sim_exchange *ex)
{
    while (ex->arena) {
        struct sim_chunk *next = ex->arena->next;
        free(ex->arena);
        ex->arena = next;
    }
}

char *sim_text(struct sim_request *req, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    size_t size = length < 0 ? 1 : (size_t)length + 1;
    char *text = sim_alloc(req, size);
    text[0] = '\0';
    (void)vsnprintf(text, size, format, again);
    va_end(again);
    va_end(args);
    return text;
}

const char *sim_header(const struct sim_request *req, const char *name)
{
    for (size_t i = 0; i < req->header_count; i++)
        if (strcasecmp(req->headers[i].name, name) == 0)
            return req->headers[i].value;
    return NULL;
}

const char *sim_query(const struct sim_request *req, const char *name)
{
    for (size_t i = 0; i < req->query_count; i++)
        if (strcmp(req->query[i].name, name) == 0)
            return req->query[i].value;
    return NULL;
}

const char *sim_param(const struct sim_request *req, const char *name)
{
    const struct sim_exchange *ex = (const struct sim_exchange *)req;
    for (size_t i = 0; i < ex->param_count; i++)
        if (strcmp(ex->params[i].name, name) == 0)
            return ex->params[i].value;
    return NULL;
}

const char *sim_body_sha256(struct sim_request *req)
{
    struct sim_exchange *ex = exchange_of(req);
    if (!ex->sha256[0])
        sim_sha256(req->body, req->body_size, ex->sha256);
    return ex->sha256;
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    char lower = (char)(digit | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Decodes into memory of the request; what is no escape stays as it is and marks the request as malformed. */
static struct sim_field decode(struct sim_request *req, const char *text, size_t size, bool is_query)
{
    char *out = sim_alloc(req, size + 1);
    size_t length = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '%' && i + 2 < size && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
            out[length++] = (char)(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
            i += 2;
            continue;
        }
        if (text[i] == '%')
            req->is_malformed = true;
        out[length++] = is_query && text[i] == '+' ? ' ' : text[i];
    }
    out[length] = '\0';
    return (struct sim_field){ .value = out, .size = length };
}

const char *request_decode_path(struct sim_request *req, const char *text, size_t size)
{
    return decode(req, text, size, false).value;
}

size_t sim_form(struct sim_request *req, const char *text, size_t size, const struct sim_field **ret_fields)
{
    struct sim_field *fields = NULL;
    size_t count = 0, room = 1;
    for (size_t at = 0; at < size; at++)
        room += text[at] == '&';
    room = room < SIM_FIELDS_MAX ? room : SIM_FIELDS_MAX;
    for (size_t at = 0; at < size && count < room;) {
        const char *end = memchr(text + at, '&', size - at);
        size_t length = end ? (size_t)(end - text) - at : size - at;
        if (length > 0) {
            if (!fields)
                fields = sim_alloc(req, room * sizeof(*fields));
            const char *equals = memchr(text + at, '=', length);
            size_t name_size = equals ? (size_t)(equals - text) - at : length;
            size_t value_at = equals ? name_size + 1 : length;
            fields[count] = decode(req, text + at + value_at, length - value_at, true);
            fields[count++].name = decode(req, text + at, name_size, true).value;
        }
        at += length + 1;
    }
    *ret_fields = fields;
    return count;
}

bool sim_basic_auth(struct sim_request *req, const char **ret_user, const char **ret_password)
{
    const char *header = sim_header(req, "Authorization");
    if (!header || strncasecmp(header, "Basic ", 6) != 0)
        return false;
    const char *coded = header + 6 + strspn(header + 6, " ");
    size_t length = strlen(coded);
    if (length == 0 || length % 4 != 0 || length > 4096)
        return false;
    unsigned char *plain = sim_alloc(req, length + 1);
    int size = EVP_DecodeBlock(plain, (const unsigned char *)coded, (int)length);
    if (size < 0)
        return false;
    for (size_t i = length; i > 0 && coded[i - 1] == '='; i--)
        size--;
    plain[size] = '\0';
    char *colon = strchr((char *)plain, ':');
    if (!colon)
        return false;
    *colon = '\0';
    *ret_user = (char *)plain;
    *ret_password = colon + 1;
    return true;
}

void sim_violation(struct sim_request *req, const char *format, ...)
{
    struct sim *sim = req->service->sim;
    char text[300];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    sim->violation_count++;
    if (json_array_size(sim->violations) >= SIM_VIOLATIONS_MAX)
        return;
    json_t *row = json_pack("{s:s, s:s, s:s, s:I}", "service", req->service->def->name, "method", req->method,
                            "path", req->path, "serial", (json_int_t)req->serial);
    json_t *what = json_string(text);
    (void)json_object_set_new(row, "what", what ? what : json_string("(text that is not UTF-8)"));
    (void)json_array_append_new(sim->violations, row);
}

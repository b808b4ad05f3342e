/* Responses as plain data: making, reading and freeing them. */
#include "io/http_message.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEADERS_FIRST = 16 };

void http_response_free(struct http_response *response)
{
    if (!response)
        return;
    for (size_t i = 0; i < response->header_count; i++)
        free((char *)response->headers[i].name); /* name and value are one block */
    free(response->headers);
    free(response->body);
    free(response);
}

const char *http_response_header(const struct http_response *response, const char *name)
{
    for (size_t i = 0; i < response->header_count; i++)
        if (strcasecmp(response->headers[i].name, name) == 0)
            return response->headers[i].value;
    return NULL;
}

struct http_response *http_response_new(int status, const char *body, size_t body_size)
{
    struct http_response *response = calloc(1, sizeof(*response));
    if (!response)
        return NULL;
    response->status = status;
    response->body = malloc(body_size + 1);
    if (!response->body) {
        free(response);
        return NULL;
    }
    if (body_size > 0)
        memcpy(response->body, body, body_size);
    response->body[body_size] = '\0';
    response->body_size = body_size;
    return response;
}

/* The array doubles whenever its count reaches a power of two: no field is needed to remember its size. */
static int make_room(struct http_response *response)
{
    size_t count = response->header_count;

    if (count != 0 && (count < HEADERS_FIRST || (count & (count - 1)) != 0))
        return 0;
    size_t room = count ? count * 2 : HEADERS_FIRST;
    struct http_header *grown = reallocarray(response->headers, room, sizeof(*grown));
    if (!grown)
        return -1;
    response->headers = grown;
    return 0;
}

int http_response_add_header_sized(struct http_response *response, const char *name, size_t name_size,
                                   const char *value, size_t value_size)
{
    if (make_room(response) < 0)
        return -1;
    char *block = malloc(name_size + value_size + 2);
    if (!block)
        return -1;
    memcpy(block, name, name_size);
    block[name_size] = '\0';
    memcpy(block + name_size + 1, value, value_size);
    block[name_size + 1 + value_size] = '\0';
    response->headers[response->header_count++] =
        (struct http_header){ .name = block, .value = block + name_size + 1 };
    return 0;
}

int http_response_add_header(struct http_response *response, const char *name, const char *value)
{
    return http_response_add_header_sized(response, name, strlen(name), value, strlen(value));
}

void http_response_clear_headers(struct http_response *response)
{
    for (size_t i = 0; i < response->header_count; i++)
        free((char *)response->headers[i].name);
    free(response->headers);
    response->headers = NULL;
    response->header_count = 0;
}

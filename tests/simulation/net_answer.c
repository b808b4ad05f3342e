/* Answers as they come out of core/io: whole and saved, garbled, or none. */
#include "simulation/net_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "simulation/memory.h"
#include "simulation/world_inner.h"

enum { BODY_DEFAULT_MAX = 16 * 1024 * 1024 };

static struct http_response *new_response(int status, const char *body, size_t size)
{
    struct http_response *response = http_response_new(status, body, size);

    if (!response)
        sim_die("out of memory");
    return response;
}

static struct http_response *no_answer(const char *fault)
{
    struct http_response *response = new_response(0, "", 0);

    response->sent = HTTP_MAYBE_SENT;
    (void)snprintf(response->fault, sizeof(response->fault), "%s", fault);
    return response;
}

static void add_header(struct http_response *response, const char *name, const char *value)
{
    if (http_response_add_header(response, name, value) < 0)
        sim_die("out of memory");
}

static struct http_response *page(int status)
{
    static const char html[] =
        "<html><head><title>Sorry</title></head><body>A gateway has a bad day.</body></html>";
    struct http_response *response = new_response(status, html, sizeof(html) - 1);

    add_header(response, "Content-Type", "text/html");
    return response;
}

static struct http_response *limited(struct world *world, enum sim_fault fault)
{
    static const char text[] = "{\"message\":\"too many requests\"}";
    struct http_response *response = new_response(429, text, sizeof(text) - 1);
    char seconds[24];

    add_header(response, "Content-Type", "application/json");
    if (fault == FAULT_429_AFTER) {
        (void)snprintf(seconds, sizeof(seconds), "%d", (int)world_fault_between(world, fault, 1, 120));
        add_header(response, "Retry-After", seconds);
    }
    return response;
}

/* What takes the place of the reply; NULL: the reply itself, perhaps damaged. */
static struct http_response *replaced(struct world *world, enum sim_fault fault)
{
    static const char text[] = "{\"message\":\"internal error\"}";

    switch (fault) {
    case FAULT_500_BEFORE:
    case FAULT_500_AFTER:
        return new_response(500, text, sizeof(text) - 1);
    case FAULT_429:
    case FAULT_429_AFTER:
        return limited(world, fault);
    case FAULT_HTML_200:
        return page(200);
    case FAULT_HTML_502:
        return page(502);
    case FAULT_HTML_503:
        return page(503);
    default:
        return NULL;
    }
}

static void damage(struct world *world, enum sim_fault fault, struct http_response *response)
{
    size_t size = response->body_size;

    if (size == 0 || (fault != FAULT_TRUNCATED && fault != FAULT_MALFORMED))
        return;
    size_t at = (size_t)world_fault_between(world, fault, 0, (int64_t)size - 1);
    if (fault == FAULT_TRUNCATED) {
        response->body_size = at;
        response->body[at] = '\0';
    } else {
        memcpy(response->body, "}{", size < 2 ? size : 2);
    }
}

static struct http_response *saved(struct net_request *request, struct http_response *response)
{
    uint64_t most = request->save_size_max ? request->save_size_max : UINT64_C(1) << 30;

    if (response->body_size > most) {
        http_response_free(response);
        response = no_answer("the answer was larger than its limit");
        response->is_too_large = true;
        return response;
    }
    /* Only the process that asked for it writes it. */
    if (request->world->engine.is_up && request->world->engine.life == request->life)
        disk_put(request->world->disk, request->save_path, response->body, response->body_size);
    response->is_saved = true;
    response->saved_size = response->body_size;
    digest_sha256_hex(response->body, response->body_size, response->saved_sha256);
    response->saved_head_size =
        response->body_size < HTTP_SAVED_HEAD_MAX ? response->body_size : HTTP_SAVED_HEAD_MAX;
    memcpy(response->saved_head, response->body, response->saved_head_size);
    response->body_size = 0;
    response->body[0] = '\0';
    return response;
}

struct http_response *net_answer(struct net_request *request, enum sim_fault fault,
                                 const struct sim_reply *reply)
{
    struct world *world = request->world;
    struct http_response *response = replaced(world, fault);
    bool is_damaged = fault == FAULT_TRUNCATED || fault == FAULT_MALFORMED;

    if (request->save_path && is_damaged) /* its length is announced: it is noticed */
        return no_answer("connection lost in the middle of the answer");
    if (!response) {
        response = new_response(reply->status, reply->body ? reply->body : "", reply->body_size);
        for (size_t i = 0; i < reply->header_count; i++)
            add_header(response, reply->headers[i].name, reply->headers[i].value);
        if (reply->body)
            add_header(response, "Content-Type",
                       reply->content_type ? reply->content_type : "application/json");
        damage(world, fault, response);
    }
    if (request->save_path && response->status >= 200 && response->status <= 299)
        return saved(request, response);
    if (response->body_size > (request->response_size_max ? request->response_size_max : BODY_DEFAULT_MAX)) {
        http_response_free(response);
        response = no_answer("the answer was larger than its limit");
        response->is_too_large = true;
    }
    return response;
}

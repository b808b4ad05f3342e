/* From the engine's request to the one that arrives: placeholders resolved as core/io does while it writes to the socket,
 * files read from the simulated disk. */
#include "simulation/net_request.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "simulation/memory.h"

enum { TIMEOUT_DEFAULT_MS = 60 * 1000, SECRET_TEXT_MAX = 64 * 1024, BODY_MAX = 64 * 1024 * 1024 };

static char *copy_part(const char *text, size_t size)
{
    return sim_copy_bytes(text, size);
}

bool net_request_aim(struct net_request *request, const char *url)
{
    const char *scheme_end = strstr(url, "://");

    if (!scheme_end)
        return false;
    const char *host = scheme_end + 3;
    size_t host_size = strcspn(host, ":/?#");
    const char *path = host + strcspn(host, "/?#");
    size_t path_size = strcspn(path, "?#");
    const char *query = path[path_size] == '?' ? path + path_size + 1 : "";
    free(request->url);
    free(request->host);
    free(request->path);
    free(request->query);
    request->url = sim_copy(url);
    request->host = copy_part(host, host_size);
    request->path = path_size ? copy_part(path, path_size) : sim_copy("/");
    request->query = copy_part(query, strcspn(query, "#"));
    for (char *c = request->host; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return host_size > 0;
}

/* "host:port", as instance_resolve() knows hosts. */
static void full_host(const char *url, const struct net_request *request, char ret_host[300])
{
    const char *after = strstr(url, "://") + 3;
    const char *port = after + strcspn(after, ":/?#");
    size_t port_size = *port == ':' ? strcspn(port, "/?#") : 0;

    if (port_size)
        (void)snprintf(ret_host, 300, "%s%.*s", request->host, (int)port_size, port);
    else
        (void)snprintf(ret_host, 300, "%s:%s", request->host, strncmp(url, "https", 5) == 0 ? "443" : "80");
}

static char *resolve(struct sb_instance *instance, const char *text, const char *host, char ret_fault[200])
{
    struct buf out;
    struct sb_error err = SB_ERROR_INIT;

    buf_init(&out, strlen(text) + SECRET_TEXT_MAX);
    if (instance_resolve(instance, text, host, &out, &err) < 0 || out.failed) {
        (void)snprintf(ret_fault, 200, "%.190s", err.text);
        buf_done(&out);
        return NULL;
    }
    return buf_take(&out, NULL);
}

static bool copy_headers(struct net_request *request, const struct http_request *from,
                         struct sb_instance *instance, const char *host, char ret_fault[200])
{
    if (from->header_count > SIM_HEADERS_MAX)
        sim_die("a request with more than %d headers", SIM_HEADERS_MAX);
    for (size_t i = 0; i < from->header_count; i++) {
        char *value = resolve(instance, from->headers[i].value, host, ret_fault);
        if (!value)
            return false;
        request->headers[request->header_count++] =
            (struct sim_header){ .name = sim_copy(from->headers[i].name), .value = value };
    }
    return true;
}

/* ---- bodies -------------------------------------------------------------------------------------------- */

static bool add_file(struct disk *disk, const char *path, struct buf *body, char ret_fault[200])
{
    size_t size = 0;
    const unsigned char *content = disk_content(disk, path, &size);

    if (!content) {
        (void)snprintf(ret_fault, 200, "cannot open '%.150s': No such file or directory", path);
        return false;
    }
    buf_add(body, (const char *)content, size);
    return true;
}

static bool add_parts(struct disk *disk, const struct http_request *from, struct buf *body,
                      char ret_fault[200])
{
    for (size_t i = 0; i < from->part_count; i++) {
        const struct http_part *part = &from->parts[i];
        buf_printf(body, "%s--sim\r\nContent-Disposition: form-data; name=\"%s\"", i ? "\r\n" : "",
                   part->name);
        if (part->filename)
            buf_printf(body, "; filename=\"%s\"", part->filename);
        if (part->content_type)
            buf_printf(body, "\r\nContent-Type: %s", part->content_type);
        buf_str(body, "\r\n\r\n");
        if (!part->path)
            buf_add(body, part->bytes, part->size);
        else if (!add_file(disk, part->path, body, ret_fault))
            return false;
    }
    buf_str(body, "\r\n--sim--\r\n");
    return true;
}

static bool copy_body(struct net_request *request, struct disk *disk, const struct http_request *from,
                      struct sb_instance *instance, const char *host, char ret_fault[200])
{
    struct buf body;
    bool is_good = true;

    if (from->body_kind == HTTP_BODY_BYTES && from->body_size <= SECRET_TEXT_MAX) {
        char *text = copy_part(from->body, from->body_size);
        request->body = resolve(instance, text, host, ret_fault);
        request->body_size = request->body ? strlen(request->body) : 0;
        free(text);
        return request->body != NULL;
    }
    buf_init(&body, BODY_MAX);
    if (from->body_kind == HTTP_BODY_BYTES)
        buf_add(&body, from->body, from->body_size);
    else if (from->body_kind == HTTP_BODY_FILE)
        is_good = add_file(disk, from->body_path, &body, ret_fault);
    else if (from->body_kind == HTTP_BODY_MULTIPART)
        is_good = add_parts(disk, from, &body, ret_fault);
    request->body = buf_take(&body, &request->body_size);
    if (!request->body)
        sim_die("a body of more than %d bytes", BODY_MAX);
    return is_good;
}

/* ---- the request --------------------------------------------------------------------------------------- */

struct net_request *net_request_new(struct world *world, struct disk *disk, const struct http_request *from,
                                    struct sb_instance *instance, char ret_fault[200])
{
    struct net_request *request = sim_new(sizeof(*request));
    char host[300];

    request->world = world;
    request->refs = 1;
    request->method = sim_copy(from->method);
    request->save_path = sim_copy(from->save_path);
    request->save_size_max = from->save_size_max;
    request->response_size_max = from->response_size_max;
    request->redirect_hosts = from->redirect_hosts;
    request->timeout_ms = from->timeout_ms ? from->timeout_ms : TIMEOUT_DEFAULT_MS;
    (void)snprintf(ret_fault, 200, "not a valid address");
    if (net_request_aim(request, from->url)) {
        full_host(from->url, request, host);
        if (copy_headers(request, from, instance, host, ret_fault) &&
            copy_body(request, disk, from, instance, host, ret_fault))
            return request;
    }
    net_request_unref(request);
    return NULL;
}

void net_request_unref(struct net_request *request)
{
    if (--request->refs > 0)
        return;
    for (size_t i = 0; i < request->header_count; i++) {
        free((char *)(uintptr_t)request->headers[i].name);
        free((char *)(uintptr_t)request->headers[i].value);
    }
    free(request->external_id);
    free(request->step);
    free(request->method);
    free(request->url);
    free(request->host);
    free(request->path);
    free(request->query);
    free(request->body);
    free(request->save_path);
    free(request);
}

void net_request_show(const struct net_request *request, int64_t now_ms, struct sim_request *ret_request)
{
    *ret_request = (struct sim_request){ .now_ms = now_ms,
                                         .method = request->method,
                                         .host = request->host,
                                         .path = request->path,
                                         .query = request->query,
                                         .header_count = request->header_count,
                                         .body = request->body,
                                         .body_size = request->body_size };
    memcpy(ret_request->headers, request->headers, sizeof(ret_request->headers));
}

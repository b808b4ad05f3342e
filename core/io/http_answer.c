/* Answers, gathered line by line and piece by piece. Everything here was written by the other side: nothing
 * in it is believed, and nothing in it is unlimited. */
#include "io/http_answer.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"

enum {
    BODY_DEFAULT_MAX = 16 * 1024 * 1024,
    BODY_FIRST_MAX = 64 * 1024, /* what an announced length is worth before a byte has come */
    BODY_FIRST_MIN = 1024,
    HEADER_OVERHEAD = 48 /* what a stored header costs beyond its text */
};

static const uint64_t save_default_max = UINT64_C(1) << 30;

static bool stop(struct http_answer *answer, const char *why)
{
    http_fault_set(answer->fault, "%s", why);
    return false;
}

static bool stop_too_large(struct http_answer *answer, uint64_t size_max)
{
    static const uint64_t mib = UINT64_C(1024) * 1024;

    answer->response->is_too_large = true;
    if (size_max >= mib && size_max % mib == 0)
        http_fault_set(answer->fault, "the answer was larger than %" PRIu64 " MiB", size_max / mib);
    else if (size_max >= 1024 && size_max % 1024 == 0)
        http_fault_set(answer->fault, "the answer was larger than %" PRIu64 " KiB", size_max / 1024);
    else
        http_fault_set(answer->fault, "the answer was larger than %" PRIu64 " bytes", size_max);
    return false;
}

int http_answer_init(struct http_answer *answer, const struct http_request *request)
{
    *answer = (struct http_answer){
        .request = request,
        .response = calloc(1, sizeof(*answer->response)),
        .body_max = request->response_size_max ? request->response_size_max : BODY_DEFAULT_MAX,
    };
    return answer->response ? 0 : -1;
}

void http_answer_done(struct http_answer *answer)
{
    http_save_drop(answer->save);
    answer->save = NULL;
    http_response_free(answer->response);
    answer->response = NULL;
}

void http_answer_restart(struct http_answer *answer)
{
    http_save_drop(answer->save);
    answer->save = NULL;
    http_response_clear_headers(answer->response);
    free(answer->response->body);
    answer->response->body = NULL;
    answer->response->body_size = 0;
    answer->body_room = 0;
    answer->body_size = 0;
    answer->status = 0;
    answer->has_head = false;
}

/* ---- the head ---- */

/* "HTTP/1.1 200 OK", "HTTP/2 204" */
static int read_status(const char *line, size_t size)
{
    const char *space = memchr(line, ' ', size);
    size_t left = space ? size - (size_t)(space - line) : 0;

    if (left < 4 || !isdigit((unsigned char)space[1]) || !isdigit((unsigned char)space[2]) ||
        !isdigit((unsigned char)space[3]))
        return 0;
    return (space[1] - '0') * 100 + (space[2] - '0') * 10 + (space[3] - '0');
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A line without a name, such as the folded continuation that HTTP dropped in 2014, is left out. */
static bool store_header(struct http_answer *answer, const char *line, size_t size)
{
    const char *colon = memchr(line, ':', size);

    if (!colon || colon == line || is_blank(line[0]) || memchr(line, '\0', size))
        return true;
    const char *name_end = colon;
    while (name_end > line && is_blank(name_end[-1]))
        name_end--;
    const char *value = colon + 1;
    const char *end = line + size;
    while (value < end && is_blank(*value))
        value++;
    while (end > value && is_blank(end[-1]))
        end--;
    if (http_response_add_header_sized(answer->response, line, (size_t)(name_end - line), value,
                                       (size_t)(end - value)) < 0)
        return stop(answer, "out of memory while reading the answer");
    return true;
}

bool http_answer_line(struct http_answer *answer, const char *line, size_t size)
{
    size_t cost = size + HEADER_OVERHEAD;

    if (cost > HTTP_RESPONSE_HEADERS_SIZE_MAX - answer->head_size)
        return stop(answer, "the headers of the answer were larger than 64 KiB");
    answer->head_size += cost;
    if (answer->has_head)
        return true; /* a trailer */
    if (size >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        http_response_clear_headers(answer->response); /* those of a 1xx before it */
        answer->status = read_status(line, size);
        return true;
    }
    if (size <= 2 && (size == 0 || line[0] == '\r' || line[0] == '\n')) {
        answer->has_head = answer->status >= 200;
        return true;
    }
    return store_header(answer, line, size);
}

_Static_assert(HTTP_RESPONSE_HEADERS_SIZE_MAX == 64 * 1024, "the fault text of http_answer_line says 64 KiB");

/* ---- the body ---- */

static bool is_saving(const struct http_answer *answer)
{
    return answer->request->save_path && answer->status >= 200 && answer->status < 300;
}

static uint64_t save_max(const struct http_answer *answer)
{
    return answer->request->save_size_max ? answer->request->save_size_max : save_default_max;
}

/* The announced length of a body that is not compressed, or 0. */
static uint64_t announced_size(const struct http_answer *answer)
{
    int64_t size = 0;
    const char *text = http_response_header(answer->response, "Content-Length");

    if (!text || http_response_header(answer->response, "Content-Encoding"))
        return 0;
    return parse_int(text, &size, NULL) == 0 && size > 0 ? (uint64_t)size : 0;
}

static bool open_save(struct http_answer *answer)
{
    struct sb_error err = SB_ERROR_INIT;

    answer->save = http_save_new(answer->request->save_path, save_max(answer), &err);
    return answer->save ? true : stop(answer, err.text);
}

static bool save_body(struct http_answer *answer, const char *data, size_t size)
{
    struct sb_error err = SB_ERROR_INIT;

    if (!answer->save && !open_save(answer))
        return false;
    int rc = http_save_add(answer->save, data, size, &err);
    if (rc == SB_EINPUT)
        return stop_too_large(answer, save_max(answer));
    return rc == 0 ? true : stop(answer, err.text);
}

/* Makes room for `size` more bytes and the NUL; doubles, so that a long body is copied seldom. */
static bool grow_body(struct http_answer *answer, size_t size)
{
    struct http_response *response = answer->response;
    size_t need = response->body_size + size + 1;

    if (need <= answer->body_room)
        return true;
    size_t room = answer->body_room * 2;
    if (room == 0) {
        uint64_t announced = announced_size(answer) + 1;
        room = announced < BODY_FIRST_MAX ? (size_t)announced : BODY_FIRST_MAX;
    }
    if (room < BODY_FIRST_MIN)
        room = BODY_FIRST_MIN;
    if (room < need)
        room = need;
    char *grown = realloc(response->body, room);
    if (!grown)
        return stop(answer, "out of memory while reading the answer");
    response->body = grown;
    answer->body_room = room;
    return true;
}

static bool keep_body(struct http_answer *answer, const char *data, size_t size)
{
    struct http_response *response = answer->response;

    if (size > answer->body_max - response->body_size)
        return stop_too_large(answer, answer->body_max);
    if (!grow_body(answer, size))
        return false;
    memcpy(response->body + response->body_size, data, size);
    response->body_size += size;
    response->body[response->body_size] = '\0';
    return true;
}

bool http_answer_body(struct http_answer *answer, const char *data, size_t size)
{
    uint64_t size_max = is_saving(answer) ? save_max(answer) : answer->body_max;

    /* Refused as soon as the length is known: reading on would only cost time. */
    if (answer->body_size == 0 && announced_size(answer) > size_max)
        return stop_too_large(answer, size_max);
    answer->body_size += size;
    return is_saving(answer) ? save_body(answer, data, size) : keep_body(answer, data, size);
}

bool http_answer_complete(struct http_answer *answer)
{
    struct http_response *response = answer->response;

    if (is_saving(answer) && !answer->save && !open_save(answer))
        return false;
    if (!response->body) {
        response->body = calloc(1, 1);
        if (!response->body)
            return stop(answer, "out of memory while reading the answer");
    } else if (response->body_size + 1 < answer->body_room / 2) {
        char *shrunk = realloc(response->body, response->body_size + 1);
        response->body = shrunk ? shrunk : response->body;
    }
    response->status = answer->status;
    return true;
}

/* Gathers the answer to one request: head, and the body to memory or to a file, each within its limit. */
#ifndef IO_HTTP_ANSWER_H
#define IO_HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/http_fault.h"
#include "io/http_message.h"
#include "io/http_save.h"

_Static_assert(HTTP_FAULT_MAX == sizeof(((struct http_response *)0)->fault), "one limit for all fault texts");

struct http_answer {
    const struct http_request *request; /* borrowed */
    struct http_response *response;     /* owned until taken */
    struct http_save *save;             /* owned; NULL unless the body goes to a file */
    int status;                         /* of the head that is being read, or was read last */
    bool has_head;                      /* the final head (not a 1xx) is complete */
    size_t head_size;                   /* of all heads and trailers so far */
    size_t body_room, body_max;
    uint64_t body_size;         /* decoded, as far as it came */
    char fault[HTTP_FAULT_MAX]; /* why it was stopped from our side; "" when it was not */
};

/* -1 when out of memory. */
int http_answer_init(struct http_answer *answer, const struct http_request *request);
void http_answer_done(struct http_answer *answer);
/* Forgets what came so far, before a redirect is followed; the limits go on counting. */
void http_answer_restart(struct http_answer *answer);

/* One line of a head, with its line end; a piece of the body. Return false, with `fault`, to stop the
 * transfer. */
bool http_answer_line(struct http_answer *answer, const char *line, size_t size);
bool http_answer_body(struct http_answer *answer, const char *data, size_t size);

/* After the whole answer has come: makes an empty file for an empty body that is to be saved, and an empty
 * body where there is none. False with `fault` when that fails. */
bool http_answer_complete(struct http_answer *answer);

#endif

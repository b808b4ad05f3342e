/* The body of a request as a stream of pieces: bytes, files, and multipart made of both. Nothing is held in
 * memory that the request does not hold itself. */
#ifndef IO_HTTP_BODY_H
#define IO_HTTP_BODY_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "io/http_message.h"

enum {
    HTTP_PIECES_MAX = HTTP_PARTS_MAX * 2 + 1, /* head and content of each part, and the end */
    HTTP_BOUNDARY_SIZE = 48
};

struct http_piece {
    const char *bytes; /* borrowed; NULL: the next piece of `text`, or a file */
    int fd;            /* owned; -1 unless a file */
    uint64_t size;
    size_t text_at; /* offset in `text` when `bytes` is NULL and `fd` is -1 */
    const char *path;
};

struct http_body {
    struct http_piece *pieces; /* owned */
    size_t piece_count;
    struct buf text; /* heads of multipart parts */
    uint64_t size;   /* of all pieces */
    char boundary[HTTP_BOUNDARY_SIZE];

    size_t at_piece;
    uint64_t at_byte; /* within that piece */
    struct sb_error fault;
};

/* Opens the files and lays out the stream. Borrows `request` and `bytes` (what is sent for HTTP_BODY_BYTES)
 * until http_body_done, which must be called after a failure too. */
int http_body_open(struct http_body *body, const struct http_request *request, const char *bytes, size_t size,
                   struct sb_error *err) SB_MUST_CHECK;
void http_body_done(struct http_body *body); /* a zeroed body is allowed */

/* Gives up to `room` bytes; 0 at the end; -1 with body->fault when a file cannot be read or has become
 * shorter. */
int64_t http_body_read(struct http_body *body, char *room, size_t size);
/* Goes to `offset` bytes from the start. -1 when that lies outside. */
int http_body_seek(struct http_body *body, uint64_t offset);

#endif

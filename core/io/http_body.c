/* Request bodies: pieces of memory and files, read one after the other. */
#include "io/http_body.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_MAX = 64 * 1024 };

static struct http_piece *add_piece(struct http_body *body)
{
    struct http_piece *piece = &body->pieces[body->piece_count++];

    *piece = (struct http_piece){ .fd = -1 };
    return piece;
}

static void add_bytes(struct http_body *body, const char *bytes, size_t size)
{
    if (size == 0)
        return;
    struct http_piece *piece = add_piece(body);
    piece->bytes = bytes;
    piece->size = size;
}

/* What was added to `text` since `from` becomes a piece. */
static void add_text(struct http_body *body, size_t from)
{
    struct http_piece *piece = add_piece(body);

    piece->text_at = from;
    piece->size = body->text.len - from;
}

static int add_file(struct http_body *body, const char *path, struct sb_error *err)
{
    struct stat about;
    struct http_piece *piece = add_piece(body);

    piece->path = path;
    piece->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a fifo must not hold up the loop */
    if (piece->fd < 0)
        return sb_fail(err, SB_EINPUT, "cannot open '%s': %s", path, strerror(errno));
    if (fstat(piece->fd, &about) < 0 || !S_ISREG(about.st_mode))
        return sb_fail(err, SB_EINPUT, "cannot send '%s': it is not a regular file", path);
    piece->size = (uint64_t)about.st_size;
    return 0;
}

/* ---- multipart ---- */

/* Names are quoted the way browsers do it: a quote or line break within becomes a percent escape. */
static void add_quoted(struct buf *text, const char *name)
{
    buf_char(text, '"');
    for (const char *p = name; *p; p++) {
        if (*p == '"' || *p == '\r' || *p == '\n')
            buf_printf(text, "%%%02X", (unsigned)*p);
        else
            buf_char(text, *p);
    }
    buf_char(text, '"');
}

static void write_part_head(struct http_body *body, const struct http_part *part, bool is_first)
{
    struct buf *text = &body->text;

    buf_printf(text, "%s--%s\r\nContent-Disposition: form-data; name=", is_first ? "" : "\r\n",
               body->boundary);
    add_quoted(text, part->name ? part->name : "");
    if (part->filename) {
        buf_str(text, "; filename=");
        add_quoted(text, part->filename);
    }
    buf_str(text, "\r\n");
    if (part->content_type)
        buf_printf(text, "Content-Type: %s\r\n", part->content_type);
    buf_str(text, "\r\n");
}

/* Random, so that no content can hold it by chance or by intent. */
static int make_boundary(struct http_body *body, struct sb_error *err)
{
    uint64_t random[2];

    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return sb_fail(err, SB_EBUSY, "cannot make a multipart boundary: no random bytes");
    int size = snprintf(body->boundary, sizeof(body->boundary), "part-%016" PRIx64 "%016" PRIx64, random[0],
                        random[1]);
    return size > 0 && (size_t)size < sizeof(body->boundary) ? 0 : -1;
}

static int add_part(struct http_body *body, const struct http_part *part, bool is_first, struct sb_error *err)
{
    size_t from = body->text.len;

    if (part->content_type && strpbrk(part->content_type, "\r\n"))
        return sb_fail(err, SB_EINPUT, "the type of part '%s' holds a line break", part->name);
    write_part_head(body, part, is_first);
    add_text(body, from);
    if (part->path)
        return add_file(body, part->path, err);
    add_bytes(body, part->bytes, part->size);
    return 0;
}

static int add_multipart(struct http_body *body, const struct http_request *request, struct sb_error *err)
{
    int rc = make_boundary(body, err);

    if (rc == 0 && request->part_count > HTTP_PARTS_MAX)
        rc = sb_fail(err, SB_EINPUT, "the request has more than %d parts", HTTP_PARTS_MAX);
    for (size_t i = 0; rc == 0 && i < request->part_count; i++)
        rc = add_part(body, &request->parts[i], i == 0, err);
    if (rc < 0)
        return rc;

    size_t from = body->text.len;
    buf_printf(&body->text, "%s--%s--\r\n", request->part_count ? "\r\n" : "", body->boundary);
    add_text(body, from);
    if (body->text.failed)
        return sb_fail(err, SB_EINPUT, "the names of the parts are longer than %d bytes", TEXT_MAX);
    return 0;
}

/* ---- the stream ---- */

static size_t count_pieces(const struct http_request *request)
{
    return request->body_kind == HTTP_BODY_MULTIPART ? HTTP_PIECES_MAX : 1;
}

int http_body_open(struct http_body *body, const struct http_request *request, const char *bytes, size_t size,
                   struct sb_error *err)
{
    int rc = 0;

    *body = (struct http_body){ .fault = SB_ERROR_INIT };
    buf_init(&body->text, TEXT_MAX);
    if (request->body_kind == HTTP_BODY_NONE)
        return 0;
    body->pieces = calloc(count_pieces(request), sizeof(*body->pieces));
    if (!body->pieces)
        return sb_fail(err, SB_ENOMEM, "cannot send a body: out of memory");

    if (request->body_kind == HTTP_BODY_BYTES)
        add_bytes(body, bytes, size);
    else if (request->body_kind == HTTP_BODY_FILE)
        rc = add_file(body, request->body_path, err);
    else
        rc = add_multipart(body, request, err);
    for (size_t i = 0; i < body->piece_count; i++)
        body->size += body->pieces[i].size;
    return rc;
}

void http_body_done(struct http_body *body)
{
    for (size_t i = 0; i < body->piece_count; i++)
        if (body->pieces[i].fd >= 0)
            (void)close(body->pieces[i].fd); /* only read */
    free(body->pieces);
    if (body->text.data)
        buf_done(&body->text);
    *body = (struct http_body){ 0 };
}

static int64_t read_file_piece(struct http_body *body, const struct http_piece *piece, char *room,
                               size_t size)
{
    ssize_t got = pread(piece->fd, room, size, (off_t)body->at_byte);

    if (got > 0)
        return got;
    if (got < 0)
        sb_fail(&body->fault, SB_EREMOTE, "cannot read '%s': %s", piece->path, strerror(errno));
    else
        sb_fail(&body->fault, SB_EINPUT, "'%s' became shorter while it was sent", piece->path);
    return -1;
}

static int64_t read_piece(struct http_body *body, const struct http_piece *piece, char *room, size_t size)
{
    uint64_t left = piece->size - body->at_byte;
    size_t amount = left < size ? (size_t)left : size;

    if (piece->fd >= 0)
        return read_file_piece(body, piece, room, amount);
    const char *bytes = piece->bytes ? piece->bytes : body->text.data + piece->text_at;
    memcpy(room, bytes + body->at_byte, amount);
    return (int64_t)amount;
}

int64_t http_body_read(struct http_body *body, char *room, size_t size)
{
    size_t filled = 0;

    while (filled < size && body->at_piece < body->piece_count) {
        const struct http_piece *piece = &body->pieces[body->at_piece];
        if (body->at_byte == piece->size) {
            body->at_piece++;
            body->at_byte = 0;
            continue;
        }
        int64_t got = read_piece(body, piece, room + filled, size - filled);
        if (got < 0)
            return -1;
        filled += (size_t)got;
        body->at_byte += (uint64_t)got;
    }
    return (int64_t)filled;
}

int http_body_seek(struct http_body *body, uint64_t offset)
{
    if (offset > body->size)
        return -1;
    body->at_piece = 0;
    while (body->at_piece < body->piece_count && offset >= body->pieces[body->at_piece].size) {
        offset -= body->pieces[body->at_piece].size;
        body->at_piece++;
    }
    body->at_byte = offset;
    return 0;
}

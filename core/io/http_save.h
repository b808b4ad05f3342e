/* The body of an answer on its way to a file: written to a temporary file beside it ("<path>.part-XXXXXX",
 * mode 0600) and hashed while it comes, then synced, renamed and its folder synced on a background thread.
 * Either the whole body is at `path`, or nothing of it. A process that dies may leave "*.part-*" files;
 * nobody reads those. */
#ifndef IO_HTTP_SAVE_H
#define IO_HTTP_SAVE_H

#include <stddef.h>
#include <stdint.h>

#include "io/http_message.h"
#include "io/loop.h"

struct http_save; /* one body */

/* Makes the temporary file. NULL with `err` when it cannot. */
struct http_save *http_save_new(const char *path, uint64_t size_max, struct sb_error *err);
/* SB_EINPUT when the body passes its limit. A failed save may only be freed. */
int http_save_add(struct http_save *save, const void *data, size_t size, struct sb_error *err) SB_MUST_CHECK;
uint64_t http_save_size(const struct http_save *save);
/* Ends the hash and tells `response` size, hash and first bytes. Once. */
void http_save_describe(struct http_save *save, struct http_response *response);
/* Removes the temporary file, and the finished file too if there is one. NULL allowed. */
void http_save_drop(struct http_save *save);

struct http_saver; /* finishes saves off the loop, many in one go */

struct http_saver *http_saver_new(struct loop *loop);
/* Drops what is not finished, without calling back. NULL allowed. */
void http_saver_free(struct http_saver *saver);
/* Takes `save`. `done` is called on the loop, later (at once only when memory is out): with NULL when all of
 * it is on the disk and in its place, and else with the reason, when nothing is left of it. It gets the save
 * back and must drop or keep it by http_save_drop or http_save_keep. */
typedef void (*http_saved_fn)(void *ctx, struct http_save *save, const char *fault);
void http_saver_finish(struct http_saver *saver, struct http_save *save, http_saved_fn done, void *ctx);
/* Frees the save and leaves its finished file alone. */
void http_save_keep(struct http_save *save);

#endif

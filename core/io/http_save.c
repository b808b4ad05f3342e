/* Saved bodies: the part on the loop (write, hash) and the part that waits for the disk (sync, rename). */
#include "io/http_save.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

/* Bodies that are ready together are finished together: a folder is synced once for all of them. Few threads,
 * because the disk serves them one after the other anyway. */
enum { BATCH_MAX = 32, BATCHES_MAX = 3 };

struct http_save {
    struct http_save *next;
    char *path, *temp_path, *dir; /* owned */
    int fd;                       /* -1 once closed */
    bool is_in_place;             /* renamed to `path` */
    struct digest *digest;
    uint64_t size, size_max;
    unsigned char head[HTTP_SAVED_HEAD_MAX];
    size_t head_size;

    http_saved_fn done;
    void *done_ctx;
    struct sb_error fault; /* written by the background thread, read after it */
};

struct batch {
    struct http_saver *saver;
    struct http_save *saves;
    bool is_running;
};

struct http_saver {
    struct loop *loop;
    struct http_save *head, **tail; /* waiting */
    struct batch batches[BATCHES_MAX];
    unsigned running;
    bool is_closed; /* its owner is gone; the last batch frees it */
};

/* ---- one body ---- */

static void save_free(struct http_save *save)
{
    if (save->fd >= 0)
        (void)close(save->fd); /* what is in it is not wanted any more, or was synced before */
    digest_free(save->digest);
    free(save->path);
    free(save->temp_path);
    free(save->dir);
    free(save);
}

void http_save_keep(struct http_save *save)
{
    assert(save->is_in_place);
    save_free(save);
}

void http_save_drop(struct http_save *save)
{
    if (!save)
        return;
    /* A file that cannot be removed is a leftover, not a wrong result: nobody was told of it. */
    if (save->is_in_place)
        (void)unlink(save->path);
    else if (save->temp_path)
        (void)unlink(save->temp_path);
    save_free(save);
}

static char *name_temporary(const char *path)
{
    char *name = NULL;

    return asprintf(&name, "%s.part-XXXXXX", path) < 0 ? NULL : name;
}

struct http_save *http_save_new(const char *path, uint64_t size_max, struct sb_error *err)
{
    struct http_save *save = calloc(1, sizeof(*save));
    if (!save) {
        sb_fail(err, SB_ENOMEM, "cannot save the answer: out of memory");
        return NULL;
    }
    char *temp_path = name_temporary(path);
    save->fd = -1;
    save->size_max = size_max;
    save->path = strdup(path);
    save->dir = file_dir(path);
    save->digest = digest_new();
    if (!temp_path || !save->path || !save->dir || !save->digest)
        sb_fail(err, SB_ENOMEM, "cannot save the answer: out of memory");
    else if ((save->fd = mkostemp(temp_path, O_CLOEXEC)) < 0)
        sb_fail(err, SB_EREMOTE, "cannot make a file beside '%s': %s", path, strerror(errno));
    if (save->fd < 0) {
        free(temp_path);
        http_save_drop(save);
        return NULL;
    }
    save->temp_path = temp_path;
    return save;
}

static int write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t wrote = write(fd, data, size);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return -1;
        data += wrote;
        size -= (size_t)wrote;
    }
    return 0;
}

int http_save_add(struct http_save *save, const void *data, size_t size, struct sb_error *err)
{
    if (size > save->size_max - save->size)
        return sb_fail(err, SB_EINPUT, "too large");
    if (write_all(save->fd, data, size) < 0)
        return sb_fail(err, SB_EREMOTE, "cannot write '%s': %s", save->path, strerror(errno));
    digest_add(save->digest, data, size);
    if (save->head_size < sizeof(save->head)) {
        size_t room = sizeof(save->head) - save->head_size;
        size_t part = size < room ? size : room;
        memcpy(save->head + save->head_size, data, part);
        save->head_size += part;
    }
    save->size += size;
    return 0;
}

uint64_t http_save_size(const struct http_save *save)
{
    return save->size;
}

void http_save_describe(struct http_save *save, struct http_response *response)
{
    response->is_saved = true;
    response->saved_size = save->size;
    digest_hex(save->digest, response->saved_sha256);
    memcpy(response->saved_head, save->head, save->head_size);
    response->saved_head_size = save->head_size;
}

/* ---- on a background thread ---- */

/* A sync that fails is an end for this file only: it is removed and fetched again, nothing that was promised
 * before depends on it. */
static void put_in_place(struct http_save *save)
{
    if (fsync(save->fd) < 0) {
        sb_fail(&save->fault, SB_EREMOTE, "cannot sync '%s': %s", save->path, strerror(errno));
        return;
    }
    int rc = close(save->fd);
    save->fd = -1;
    if (rc < 0)
        sb_fail(&save->fault, SB_EREMOTE, "cannot close '%s': %s", save->path, strerror(errno));
    else if (rename(save->temp_path, save->path) < 0)
        sb_fail(&save->fault, SB_EREMOTE, "cannot rename to '%s': %s", save->path, strerror(errno));
    else
        save->is_in_place = true;
}

static void sync_batch(void *ctx)
{
    const struct batch *batch = ctx;
    const struct http_save *synced = NULL; /* the last one whose folder was synced */

    /* All writes are started before the first is waited for, so that the disk sees them together. Only a hint: fsync
     * is what counts. */
    for (struct http_save *save = batch->saves; save; save = save->next)
        (void)sync_file_range(save->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    for (struct http_save *save = batch->saves; save; save = save->next)
        put_in_place(save);
    for (struct http_save *save = batch->saves; save; save = save->next) {
        if (!save->is_in_place || (synced && strcmp(synced->dir, save->dir) == 0))
            continue;
        if (file_sync_dir(save->dir, &save->fault) == 0)
            synced = save;
    }
}

/* ---- on the loop ---- */

static void start_batches(struct http_saver *saver);

static void end_save(const struct http_saver *saver, struct http_save *save)
{
    if (saver->is_closed)
        http_save_drop(save);
    else
        save->done(save->done_ctx, save, save->fault.status < 0 ? save->fault.text : NULL);
}

static void end_batch(void *ctx)
{
    struct batch *batch = ctx;
    struct http_saver *saver = batch->saver;
    struct http_save *next;

    for (struct http_save *save = batch->saves; save; save = next) {
        next = save->next;
        end_save(saver, save);
    }
    batch->is_running = false;
    saver->running--;
    if (!saver->is_closed)
        start_batches(saver);
    else if (saver->running == 0)
        free(saver);
}

/* Moves up to BATCH_MAX saves from the queue into `batch`. */
static void fill_batch(struct http_saver *saver, struct batch *batch)
{
    struct http_save *last = saver->head;

    batch->saves = saver->head;
    for (unsigned i = 1; i < BATCH_MAX && last->next; i++)
        last = last->next;
    saver->head = last->next;
    last->next = NULL;
    if (!saver->head)
        saver->tail = &saver->head;
}

static void start_batch(struct http_saver *saver, struct batch *batch)
{
    fill_batch(saver, batch);
    batch->is_running = true;
    saver->running++;
    if (loop_offload(saver->loop, sync_batch, end_batch, batch, NULL) < 0) {
        /* No memory for a background job: holding up the loop is better than losing the file. */
        sync_batch(batch);
        end_batch(batch);
    }
}

static void start_batches(struct http_saver *saver)
{
    for (size_t i = 0; i < BATCHES_MAX && saver->head; i++)
        if (!saver->batches[i].is_running)
            start_batch(saver, &saver->batches[i]);
}

struct http_saver *http_saver_new(struct loop *loop)
{
    struct http_saver *saver = calloc(1, sizeof(*saver));
    if (!saver)
        return NULL;
    saver->loop = loop;
    saver->tail = &saver->head;
    for (size_t i = 0; i < BATCHES_MAX; i++)
        saver->batches[i].saver = saver;
    return saver;
}

void http_saver_free(struct http_saver *saver)
{
    struct http_save *next;

    if (!saver)
        return;
    for (struct http_save *save = saver->head; save; save = next) {
        next = save->next;
        http_save_drop(save);
    }
    saver->is_closed = true;
    if (saver->running == 0)
        free(saver);
}

void http_saver_finish(struct http_saver *saver, struct http_save *save, http_saved_fn done, void *ctx)
{
    save->done = done;
    save->done_ctx = ctx;
    save->next = NULL;
    *saver->tail = save;
    saver->tail = &save->next;
    start_batches(saver);
}

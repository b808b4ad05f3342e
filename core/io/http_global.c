/* libcurl for the whole process: initialised once, with an allocator that wipes what it frees. Libcurl copies
 * header lines and small bodies into buffers of its own and frees them as they are; there a secret would stay
 * readable until the memory is used again. (What TLS and HTTP/2 libraries and the kernel hold in between is
 * beyond our reach.)
 *
 * Without memory the process ends: libcurl goes on without what it could not copy in some places, and so sends a request
 * without its query. The journal goes on from there at the next start. */
#include <curl/curl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/http_client.h"

enum { STEP = 4096 };

/* Wipes what is not zero already. Libcurl's buffers are large and mostly never written: writing zeros to all of them
 * would make their memory resident, which reading does not. */
static void wipe(char *block, size_t size)
{
    for (size_t at = 0; at < size; at += STEP) {
        size_t part = size - at < STEP ? size - at : STEP;
        if (block[at] != 0 || memcmp(block + at, block + at + 1, part - 1) != 0)
            explicit_bzero(block + at, part);
    }
}

static void wiping_free(void *block)
{
    if (!block)
        return;
    wipe(block, malloc_usable_size(block));
    free(block);
}

static void *or_end(void *block)
{
    if (!block) {
        (void)fputs("switchboard: out of memory for a request\n", stderr);
        abort();
    }
    return block;
}

static void *malloc_or_end(size_t size)
{
    return or_end(malloc(size));
}

static void *calloc_or_end(size_t count, size_t size)
{
    return or_end(calloc(count, size));
}

static char *strdup_or_end(const char *text)
{
    return or_end(strdup(text));
}

/* realloc() would leave the old place as it was. */
static void *wiping_realloc(void *block, size_t size)
{
    size_t had = block ? malloc_usable_size(block) : 0;

    if (block && size <= had && size > had / 2)
        return block;
    void *moved = malloc_or_end(size);
    if (block)
        memcpy(moved, block, had < size ? had : size);
    wiping_free(block);
    return moved;
}

int http_client_global_init(struct sb_error *err)
{
    /* A peer that closes while we write is an error of one transfer, not the end of the process. */
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return sb_fail(err, SB_EINTERNAL, "cannot ignore SIGPIPE");
    CURLcode code = curl_global_init_mem(CURL_GLOBAL_ALL, malloc_or_end, wiping_free, wiping_realloc,
                                         strdup_or_end, calloc_or_end);
    if (code != CURLE_OK)
        return sb_fail(err, SB_EINTERNAL, "cannot initialise libcurl: %s", curl_easy_strerror(code));
    return 0;
}

void http_client_global_done(void)
{
    curl_global_cleanup();
}

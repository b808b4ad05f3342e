/* libcurl for the whole process: initialised once, with an allocator that wipes what it frees. Libcurl copies
 * header lines and small bodies into buffers of its own and frees them as they are; there a secret would stay
 * readable until the memory is used again. (What TLS and HTTP/2 libraries and the kernel hold in between is
 * beyond our reach.) */
#include <curl/curl.h>
#include <malloc.h>
#include <signal.h>
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

static void *plain_malloc(size_t size)
{
    return malloc(size);
}

static void *plain_calloc(size_t count, size_t size)
{
    return calloc(count, size);
}

static char *plain_strdup(const char *text)
{
    return strdup(text);
}

/* realloc() would leave the old place as it was. */
static void *wiping_realloc(void *block, size_t size)
{
    size_t had = block ? malloc_usable_size(block) : 0;

    if (block && size <= had && size > had / 2)
        return block;
    void *moved = malloc(size);
    if (!moved)
        return NULL;
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
    CURLcode code = curl_global_init_mem(CURL_GLOBAL_ALL, plain_malloc, wiping_free, wiping_realloc,
                                         plain_strdup, plain_calloc);
    if (code != CURLE_OK)
        return sb_fail(err, SB_EINTERNAL, "cannot initialise libcurl: %s", curl_easy_strerror(code));
    return 0;
}

void http_client_global_done(void)
{
    curl_global_cleanup();
}

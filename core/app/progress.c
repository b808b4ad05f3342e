/* Progress on stderr, which keeps stdout for the result. */
#include "app/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/parse.h"

void progress_show(const char *what, size_t done, size_t whole)
{
    if (!isatty(STDERR_FILENO))
        return;
    if (whole == 0)
        (void)fprintf(stderr, "\r\x1b[K%s", what);
    else
        (void)fprintf(stderr, "\r\x1b[K%s: %zu of %zu", what, done, whole);
}

void progress_bytes(const char *what, int64_t done, int64_t whole)
{
    char size[24];

    if (!isatty(STDERR_FILENO))
        return;
    format_size(whole, size);
    (void)fprintf(stderr, "\r\x1b[K%s: %d %% of %s", what,
                  whole > 0 ? (int)((double)done / (double)whole * 100) : 0, size);
}

void progress_of_store(void *ctx, enum store_work work, int64_t done, int64_t whole)
{
    char size[24];

    (void)ctx;
    switch (work) {
    case STORE_COPYING:
        progress_bytes("copying", done, whole);
        break;
    case STORE_PROVING:
        progress_show("proving, links", (size_t)done, (size_t)whole);
        break;
    case STORE_CHECKING:
        if (!isatty(STDERR_FILENO))
            break;
        format_size(whole, size);
        (void)fprintf(stderr, "\r\x1b[Kchecking %s", size);
        break;
    }
}

void progress_clear(void)
{
    if (isatty(STDERR_FILENO))
        (void)fputs("\r\x1b[K", stderr);
}

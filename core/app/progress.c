/* Progress on stderr, which keeps stdout for the result. */
#include "app/progress.h"

#include <stdio.h>
#include <unistd.h>

void progress_show(const char *what, size_t done, size_t whole)
{
    if (isatty(STDERR_FILENO))
        (void)fprintf(stderr, "\r%s: %zu of %zu", what, done, whole);
}

void progress_clear(void)
{
    if (isatty(STDERR_FILENO))
        (void)fputs("\r\x1b[K", stderr);
}

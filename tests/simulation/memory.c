/* Memory that is there, or the program is not. */
#include "simulation/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sim_die(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)fputs("switchboard-sim: ", stderr);
    (void)vfprintf(stderr, fmt, args);
    (void)fputc('\n', stderr);
    va_end(args);
    abort();
}

static void *checked(void *block)
{
    if (!block)
        sim_die("out of memory");
    return block;
}

void *sim_new(size_t size)
{
    return checked(calloc(1, size ? size : 1));
}

void *sim_grow(void *block, size_t count, size_t size)
{
    return checked(reallocarray(block, count ? count : 1, size));
}

char *sim_copy(const char *text)
{
    return text ? checked(strdup(text)) : NULL;
}

void *sim_copy_bytes(const void *bytes, size_t size)
{
    char *copy = sim_new(size + 1);

    if (size)
        memcpy(copy, bytes, size);
    return copy;
}

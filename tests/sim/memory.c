/* Allocation that ends the program when there is none, blobs with a count, and the one way to word an error.
 */
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sim_blob {
    size_t refs, size;
    void *data;
};

static void *insist(void *data)
{
    if (data)
        return data;
    (void)fputs("switchboard-localservices: out of memory\n", stderr);
    exit(1);
}

void *sim_malloc(size_t size)
{
    return insist(malloc(size ? size : 1));
}

void *sim_calloc(size_t count, size_t size)
{
    return insist(calloc(count ? count : 1, size ? size : 1));
}

void *sim_realloc(void *data, size_t size)
{
    return insist(realloc(data, size ? size : 1));
}

char *sim_strdup(const char *text)
{
    return insist(strdup(text));
}

int sim_fail(struct sim_error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    return -1;
}

struct sim_blob *sim_blob_new(void *data, size_t size)
{
    struct sim_blob *blob = sim_malloc(sizeof(*blob));
    *blob = (struct sim_blob){ .refs = 1, .size = size, .data = data };
    return blob;
}

struct sim_blob *sim_blob_ref(struct sim_blob *blob)
{
    blob->refs++;
    return blob;
}

void sim_blob_unref(struct sim_blob *blob)
{
    if (!blob || --blob->refs > 0)
        return;
    free(blob->data);
    free(blob);
}

const void *sim_blob_data(const struct sim_blob *blob)
{
    return blob->data;
}

size_t sim_blob_size(const struct sim_blob *blob)
{
    return blob->size;
}

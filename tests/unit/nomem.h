/* Chosen allocations fail. For programs linked with --wrap for the allocating functions (tests/CMakeLists.txt does that
 * for test_*_nomem). */
#ifndef TESTS_UNIT_NOMEM_H
#define TESTS_UNIT_NOMEM_H

#include <stdbool.h>
#include <stdlib.h>

enum { NOMEM_NEVER = -1 };

static int nomem_countdown = NOMEM_NEVER; /* how many allocations still succeed */
static bool nomem_stays; /* after the first failure everything fails until nomem_countdown is set */

static bool nomem_is_due(void)
{
    if (nomem_countdown == NOMEM_NEVER)
        return false;
    if (nomem_countdown == 0) {
        if (!nomem_stays)
            nomem_countdown = NOMEM_NEVER; /* one failure a run: what comes after it must cope */
        return true;
    }
    nomem_countdown--;
    return false;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);

void *__wrap_malloc(size_t size)
{
    return nomem_is_due() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return nomem_is_due() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return nomem_is_due() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
    return nomem_is_due() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t size)
{
    return nomem_is_due() ? NULL : __real_strndup(text, size);
}

/* For json_set_alloc_funcs: jansson is a shared library, so the linker cannot wrap its calls. */
static inline void *nomem_json_malloc(size_t size)
{
    return nomem_is_due() ? NULL : __real_malloc(size);
}

#endif

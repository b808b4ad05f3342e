/* Release on leaving the scope. A variable that lives in one function is an AUTO_ variable; it leaves by
 * TAKE. */
#ifndef BASE_SCOPE_H
#define BASE_SCOPE_H

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SB_CLEANUP(function) __attribute__((cleanup(function)))

static inline void scope_free_str(char **p)
{
    free(*p);
}

static inline void scope_decref(json_t **p)
{
    json_decref(*p);
}

static inline void scope_close_file(FILE **p)
{
    if (*p)
        (void)fclose(*p); /* only read streams: a writer checks fclose itself */
}

static inline void scope_close_fd(int *p)
{
    if (*p >= 0)
        (void)close(*p); /* only for reading: a writer checks close itself */
}

#define AUTO_STR  SB_CLEANUP(scope_free_str) char *
#define AUTO_JSON SB_CLEANUP(scope_decref) json_t *
#define AUTO_FILE SB_CLEANUP(scope_close_file) FILE *
#define AUTO_FD   SB_CLEANUP(scope_close_fd) int

/* Reads `p`, leaves NULL in it. Evaluates `p` twice: pass a plain variable. */
#define TAKE(p)                                                                                              \
    __extension__({                                                                                          \
        __typeof__(p) took_ = (p);                                                                           \
        (p) = NULL;                                                                                          \
        took_;                                                                                               \
    })

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif

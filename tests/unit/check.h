/* What the unit tests of base and conf include: cmocka, and checks that name the row of a table that failed.
 */
#ifndef TESTS_UNIT_CHECK_H
#define TESTS_UNIT_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static inline void check_int_at(const char *file, int line, const char *row, int64_t want, int64_t got)
{
    if (want != got) {
        (void)fprintf(stderr, "[%s] want %" PRId64 ", got %" PRId64 "\n", row, want, got);
        _fail(file, line);
    }
}

static inline void check_str_at(const char *file, int line, const char *row, const char *want,
                                const char *got)
{
    bool is_same = want && got ? strcmp(want, got) == 0 : want == got;

    if (!is_same) {
        (void)fprintf(stderr, "[%s] want \"%s\"\n got \"%s\"\n", row, want ? want : "(null)",
                      got ? got : "(null)");
        _fail(file, line);
    }
}

/* `row` says which case it is; the wanted value comes first. */
#define CHECK_INT(row, want, got) check_int_at(__FILE__, __LINE__, (row), (int64_t)(want), (int64_t)(got))
#define CHECK_STR(row, want, got) check_str_at(__FILE__, __LINE__, (row), (want), (got))

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

#endif

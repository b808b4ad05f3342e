/* Which call is to fail: what fail_plan.c has read from the environment, and fail_preload.c asks before each call. */
#ifndef TESTS_INTEGRATION_FAIL_PLAN_H
#define TESTS_INTEGRATION_FAIL_PLAN_H

#include <stdbool.h>

enum family {
    FAMILY_ALLOC,
    FAMILY_WRITE,
    FAMILY_SYNC,
    FAMILY_OPEN,
    FAMILY_FILE,
    FAMILY_NET,
    FAMILY_SYSTEM,
    FAMILY_COUNT
};

enum { SHORT = -1 };

/* Counts a call of `family` that comes from the place `caller` in the code. Gives 0 when it is to happen, else the errno that
 * it fails with, or SHORT. Any thread; calls that this causes itself do not count. */
int fails(enum family family, const void *caller);
/* Whether `fd` is a file, so that a write to it needs room on the disk. */
bool is_file(int fd);

#endif

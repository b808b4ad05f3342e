/* The plan of fail_preload.c: which call fails, whose calls count, and where the first failure came from. */
#include "fail_plan.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const family_words[] = { "alloc", "write", "sync", "open", "file", "net", "system" };

enum { SKIPS_MAX = 8, CALLERS_MAX = 1 << 14, FRAMES_MAX = 16 };

static struct {
    atomic_ulong counts[FAMILY_COUNT];
    enum family family; /* what fails */
    unsigned long number;
    int error;
    bool is_armed, is_onward, has_started;
    const char *report;
    enum family reported;
    const char *count_file;
    char skips[256];
    const char *skip_words[SKIPS_MAX];
    size_t skip_count;
    /* Return addresses that have been looked at, shifted, and below what was seen there. */
    _Atomic(uintptr_t) callers[CALLERS_MAX];
} plan;

static _Thread_local bool is_inside
    __attribute__((tls_model("initial-exec"))); /* what this library itself calls does not count */

/* ---- the plan ---- */

static enum family family_of(const char *word, size_t length)
{
    for (int i = 0; i < FAMILY_COUNT; i++)
        if (strlen(family_words[i]) == length && memcmp(family_words[i], word, length) == 0)
            return (enum family)i;
    return FAMILY_COUNT;
}

static int error_of(const char *word, size_t length)
{
    static const struct {
        const char *word;
        int error;
    } errors[] = { { "ENOMEM", ENOMEM }, { "ENOSPC", ENOSPC }, { "EIO", EIO },
                   { "EMFILE", EMFILE }, { "EAGAIN", EAGAIN }, { "SHORT", SHORT } };

    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        if (strlen(errors[i].word) == length && memcmp(errors[i].word, word, length) == 0)
            return errors[i].error;
    return 0;
}

/* A plan that is misspelt must not pass as a run in which nothing failed. */
static void read_failure(const char *at)
{
    char *end = NULL;
    size_t length = strcspn(at, ":");

    plan.family = family_of(at, length);
    if (plan.family == FAMILY_COUNT || !at[length])
        abort();
    plan.number = strtoul(at + length + 1, &end, 10);
    if (*end != ':' || plan.number == 0)
        abort();
    length = strcspn(end + 1, ":");
    plan.error = error_of(end + 1, length);
    const char *how = end + 1 + length;
    plan.is_onward = strcmp(how, ":onward") == 0;
    if (plan.error == 0 || (!plan.is_onward && strcmp(how, ":once") != 0))
        abort();
    plan.is_armed = true;
}

static void read_skips(const char *words)
{
    char *rest = NULL;

    (void)snprintf(plan.skips, sizeof(plan.skips), "%s", words ? words : "");
    for (char *word = strtok_r(plan.skips, ",", &rest); word && plan.skip_count < SKIPS_MAX;
         word = strtok_r(NULL, ",", &rest))
        plan.skip_words[plan.skip_count++] = word;
}

__attribute__((constructor)) static void start(void)
{
    const char *at = getenv("FAIL_AT");
    const char *family = getenv("FAIL_FAMILY");
    void *frames[2];

    is_inside = true;
    (void)backtrace(frames, 2); /* its first call loads what it needs */
    read_skips(getenv("FAIL_SKIP"));
    if (at)
        read_failure(at);
    plan.report = getenv("FAIL_REPORT");
    plan.count_file = getenv("FAIL_COUNT_FILE");
    plan.reported = family ? family_of(family, strlen(family)) : FAMILY_ALLOC;
    if (plan.reported == FAMILY_COUNT)
        abort();
    is_inside = false;
    plan.has_started = true;
}

__attribute__((destructor)) static void finish(void)
{
    is_inside = true;
    if (!plan.count_file)
        return;
    FILE *out = fopen(plan.count_file, "we");
    if (!out)
        abort();
    (void)fprintf(out, "%lu\n", atomic_load(&plan.counts[plan.reported]));
    (void)fclose(out);
}

/* ---- who calls ---- */

/* What is known of a place in the code. */
enum { PLACE_COUNTS, PLACE_IS_SKIPPED, PLACE_IS_LIBC, PLACE_BITS = 2 };

static unsigned look_at(const void *caller)
{
    Dl_info info;

    if (!dladdr(caller, &info) || !info.dli_fname)
        return PLACE_COUNTS;
    for (size_t i = 0; i < plan.skip_count; i++)
        if (strstr(info.dli_fname, plan.skip_words[i]))
            return PLACE_IS_SKIPPED;
    return strstr(info.dli_fname, "/libc.so") ? PLACE_IS_LIBC : PLACE_COUNTS;
}

/* The loader is asked once for each place. A full table asks again, which is only slower. */
static unsigned place_of(const void *caller)
{
    uintptr_t address = (uintptr_t)caller;

    for (size_t i = 0; i < 16; i++) {
        _Atomic(uintptr_t) *slot = &plan.callers[(address * 2654435761u / 64 + i) % CALLERS_MAX];
        uintptr_t seen = atomic_load_explicit(slot, memory_order_relaxed);
        if (seen >> PLACE_BITS == address)
            return seen & ((1 << PLACE_BITS) - 1);
        if (seen != 0)
            continue;
        unsigned place = look_at(caller);
        atomic_store_explicit(slot, address << PLACE_BITS | place, memory_order_relaxed);
        return place;
    }
    return look_at(caller);
}

/* What the C library allocates for somebody (strdup, fopen) counts as his. */
static bool is_skipped(const void *caller)
{
    void *frames[FRAMES_MAX];

    if (plan.skip_count == 0)
        return false;
    unsigned place = place_of(caller);
    if (place != PLACE_IS_LIBC)
        return place == PLACE_IS_SKIPPED;
    int count = backtrace(frames, FRAMES_MAX), i = 0;
    while (i < count && frames[i] != caller)
        i++;
    while (i < count && place_of(frames[i]) == PLACE_IS_LIBC)
        i++;
    return i < count && place_of(frames[i]) == PLACE_IS_SKIPPED;
}

static void report(unsigned long number)
{
    void *frames[FRAMES_MAX];

    if (!plan.report || number != plan.number)
        return;
    int count = backtrace(frames, FRAMES_MAX);
    int fd = open(plan.report, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    backtrace_symbols_fd(frames + 2, count - 2, fd);
    (void)close(fd);
}

/* Whether this call of `family` fails: 0, or the errno (SHORT). */
int fails(enum family family, const void *caller)
{
    if (is_inside || !plan.has_started)
        return 0;
    is_inside = true;
    int error = 0;
    if (!is_skipped(caller)) {
        unsigned long number = atomic_fetch_add(&plan.counts[family], 1) + 1;
        if (plan.is_armed && plan.family == family &&
            (number == plan.number || (plan.is_onward && number > plan.number))) {
            error = plan.error;
            report(number);
        }
    }
    is_inside = false;
    return error;
}

bool is_file(int fd)
{
    struct stat info;
    bool was_inside = is_inside;

    is_inside = true;
    bool is = fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
    is_inside = was_inside;
    return is;
}

/* What the fuzzers share. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the run as a finding. */
#define FUZZ_CHECK(is_right)                                                                                 \
    do {                                                                                                     \
        if (!(is_right)) {                                                                                   \
            (void)fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #is_right);                   \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

/* The input as a text of its own: zeros end it. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    FUZZ_CHECK(text);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

static char fuzz_path[64];

static inline void fuzz_remove_file(void)
{
    (void)unlink(fuzz_path);
}

/* Puts the input into a file, the same one each time; it is gone at the end. */
static inline const char *fuzz_file(const char *suffix, const uint8_t *data, size_t size)
{
    if (!fuzz_path[0]) {
        (void)snprintf(fuzz_path, sizeof(fuzz_path), "/dev/shm/switchboard-fuzz-%d%s", (int)getpid(), suffix);
        (void)atexit(fuzz_remove_file);
    }
    FILE *file = fopen(fuzz_path, "w");
    FUZZ_CHECK(file);
    FUZZ_CHECK(size == 0 || fwrite(data, 1, size, file) == size);
    FUZZ_CHECK(fclose(file) == 0);
    return fuzz_path;
}

#endif

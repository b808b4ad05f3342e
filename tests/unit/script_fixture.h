/* What the tests of core/script share: scripts written as text, loaded from a file that is gone a moment later. */
#ifndef TESTS_UNIT_SCRIPT_FIXTURE_H
#define TESTS_UNIT_SCRIPT_FIXTURE_H

#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "script/script.h"

enum { FIXTURE_PATH_MAX = 512 };

/* Writes `text` to a new file named like "<build>/rules-123-4.lua". */
static inline void fixture_write(const char *text, size_t size, char ret_path[FIXTURE_PATH_MAX])
{
    static int number;
    int length =
        snprintf(ret_path, FIXTURE_PATH_MAX, "%s/rules-%d-%d.lua", TEST_BINARY_DIR, (int)getpid(), ++number);

    assert_in_range(length, 1, FIXTURE_PATH_MAX - 1);
    FILE *file = fopen(ret_path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static inline int fixture_try(const char *text, const struct script_limits *limits,
                              struct script **ret_script, struct sb_error *err)
{
    char path[FIXTURE_PATH_MAX];

    fixture_write(text, strlen(text), path);
    int rc = script_load(path, TEST_SOURCE_DIR "/scripts/lib", limits, NULL, ret_script, err);
    assert_int_equal(unlink(path), 0);
    return rc;
}

static inline struct script *fixture_load(const char *text, const struct script_limits *limits)
{
    struct sb_error err = SB_ERROR_INIT;
    struct script *script = NULL;

    if (fixture_try(text, limits, &script, &err) < 0)
        fail_msg("cannot load: %s\n%s", err.text, text);
    return script;
}

/* The result as compact JSON with sorted keys, for the caller to free. NULL: it failed, with `err` set. */
static inline char *fixture_call(struct script *script, const char *function, const char *record,
                                 struct sb_error *err)
{
    json_t *document = record ? json_loads(record, JSON_DECODE_ANY, NULL) : NULL, *result = NULL;
    char *text = NULL;

    assert_true(!record || document);
    *err = (struct sb_error)SB_ERROR_INIT;
    if (script_call(script, function, document, NULL, 7, INT64_C(1773133200000), &result, err) == 0) {
        assert_non_null(result);
        text = json_dumps(result, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
        assert_non_null(text);
        json_decref(result);
    }
    json_decref(document);
    return text;
}

/* `body` is what function f(record) does. */
static inline struct script *fixture_function(const char *body, const struct script_limits *limits)
{
    char *text = malloc(strlen(body) + 64);

    assert_non_null(text);
    (void)snprintf(text, strlen(body) + 64, "function f(record, argument)\n%s\nend\n", body);
    struct script *script = fixture_load(text, limits);
    free(text);
    return script;
}

/* Checks that function f(record) with this body returns `want`. */
static inline void fixture_returns(const char *name, const char *body, const char *record, const char *want)
{
    struct sb_error err = SB_ERROR_INIT;
    struct script *script = fixture_function(body, NULL);
    char *got = fixture_call(script, "f", record, &err);

    if (!got)
        fail_msg("[%s] failed: %s", name, err.text);
    CHECK_STR(name, want, got);
    free(got);
    script_free(script);
}

/* Checks that it fails with a text that holds `want`, and with SB_EINPUT. */
static inline void fixture_fails(const char *name, const char *body, const char *record, const char *want)
{
    struct sb_error err = SB_ERROR_INIT;
    struct script *script = fixture_function(body, NULL);
    char *got = fixture_call(script, "f", record, &err);

    if (got)
        fail_msg("[%s] returned %s instead of failing", name, got);
    if (!strstr(err.text, want))
        fail_msg("[%s] want '%s' in: %s", name, want, err.text);
    CHECK_INT(name, SB_EINPUT, err.status);
    script_free(script);
}

#endif

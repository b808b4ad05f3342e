/* Every allocation of base fails once: each time the call must say so, leave its outputs alone, and leak
 * nothing (LeakSanitizer watches). Linked with --wrap for the allocating functions. */
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/scope.h"
#include "check.h"
#include "nomem.h"

enum { ALLOCATIONS_MAX = 200 };

/* Each returns whether it worked; checks by itself that a failure was told as it should be. */

static bool use_buf(void)
{
    AUTO_BUF buf;
    buf_init(&buf, 10000);
    buf_printf(&buf, "%0200d", 1);
    for (int i = 0; i < 300; i++)
        buf_str(&buf, "x");
    bool is_good = !buf.failed;
    if (!is_good)
        assert_true(buf.len < 500);
    char *text = buf_take(&buf, NULL);
    assert_true(is_good || !text);
    free(text);
    return is_good && text;
}

static bool use_arena(void)
{
    struct arena *arena = arena_new(100000);
    if (!arena)
        return false;
    bool is_good = arena_alloc(arena, 100) && arena_strdup(arena, "abc") && arena_alloc(arena, 20000) &&
                   arena_printf(arena, "%02000d", 1);
    arena_free(arena);
    return is_good;
}

static bool use_file(void)
{
    struct sb_error err = SB_ERROR_INIT;
    char *text = NULL;
    size_t size = 17;

    if (file_read(TEST_SOURCE_DIR "/core/base/buf.h", 100000, &text, &size, &err) == 0) {
        free(text);
        return true;
    }
    CHECK_INT("status", SB_ENOMEM, err.status);
    assert_null(text);
    CHECK_INT("size is untouched", 17, size);
    return false;
}

static bool use_write(void)
{
    struct sb_error err = SB_ERROR_INIT;

    if (file_write(TEST_BINARY_DIR "/nomem-file", "x", 1, 0600, &err) == 0)
        return unlink(TEST_BINARY_DIR "/nomem-file") == 0;
    CHECK_INT("status", SB_ENOMEM, err.status);
    CHECK_INT("nothing is written", -1, access(TEST_BINARY_DIR "/nomem-file", F_OK));
    return false;
}

static bool use_folder(void)
{
    struct sb_error err = SB_ERROR_INIT;

    if (file_make_dir(TEST_BINARY_DIR, 0700, &err) == 0)
        return true;
    CHECK_INT("status", SB_ENOMEM, err.status);
    return false;
}

static bool use_paths(void)
{
    AUTO_STR joined = file_join("a", "b");
    AUTO_STR folder = file_dir("a/b");

    return joined && folder;
}

static bool use_json(void)
{
    static const char text[] = "{\"a\":{\"b\":[1,2,\"three\"]}}";
    struct sb_error err = SB_ERROR_INIT;
    AUTO_JSON root = json_parse(text, sizeof(text) - 1, &err);

    if (!root) {
        assert_true(err.status <
                    0); /* which one is jansson's to know: some of its allocations fail as bad tokens */
        return false;
    }
    json_t *five = json_integer(5); /* looked at here: json_put would take NULL for a removal */
    if (!five || json_put(root, "a.c.d", five) < 0)
        return false;
    AUTO_STR dumped = json_text(root);
    if (dumped)
        CHECK_STR("text", "{\"a\":{\"b\":[1,2,\"three\"],\"c\":{\"d\":5}}}", dumped);
    return dumped != NULL;
}

static void count_line(void *ctx, enum log_level level, const char *line)
{
    (void)level;
    assert_null(strstr(line, "hunter2hunter2"));
    *(int *)ctx += 1;
}

static bool use_log(void)
{
    int lines = 0;
    struct log *log = log_new(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, count_line, &lines);
    if (!log)
        return false;
    int before = nomem_countdown;
    log_hide(log, "hunter2hunter2");
    bool is_hidden = before == NOMEM_NEVER || nomem_countdown != NOMEM_NEVER;
    if (is_hidden)
        LOG_INFO(log, "phrase", LOG_STR("v", "hunter2hunter2 and more"), LOG_INT("n", 1));
    log_free(log);
    return is_hidden && lines == 1 && nomem_countdown != NOMEM_NEVER;
}

static bool use_metrics(void)
{
    const char *const labels[] = { "a", "b", NULL };
    struct metrics *metrics = metrics_new();
    if (!metrics)
        return false;
    struct metric *metric = metrics_get(metrics, METRIC_COUNTER, "m_total", "Help.", labels);
    assert_non_null(metric);
    metric_add(metric, 1);
    AUTO_BUF out;
    buf_init(&out, 10000);
    metrics_write(metrics, &out);
    bool is_good = strstr(out.data, "m_total{a=\"b\"} 1\n") != NULL;
    metrics_free(metrics);
    return is_good;
}

static bool use_digest(void)
{
    struct digest *digest = digest_new();
    digest_free(digest);
    return digest != NULL;
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool (*use)(void);
        int allocations_min;
    } uses[] = {
        { "buf", use_buf, 2 },
        { "arena", use_arena, 3 },
        { "read a file", use_file, 1 },
        { "write a file", use_write, 2 },
        { "make a folder", use_folder, 1 },
        { "paths", use_paths, 2 },
        { "json", use_json, 5 },
        { "log", use_log, 3 },
        { "metrics", use_metrics, 6 },
        { "digest", use_digest, 1 },
    };

    json_set_alloc_funcs(nomem_json_malloc, free);
    for (size_t i = 0; i < ROWS(uses); i++) {
        int nth = 0;
        for (; nth < ALLOCATIONS_MAX; nth++) {
            nomem_countdown = nth;
            bool is_done = uses[i].use();
            bool was_spent = nomem_countdown == NOMEM_NEVER;
            nomem_countdown = NOMEM_NEVER;
            if (is_done && !was_spent)
                break;
            CHECK_INT(uses[i].name, false, is_done);
        }
        assert_true(nth >= uses[i].allocations_min); /* else nothing was tried */
        assert_true(nth < ALLOCATIONS_MAX);
    }
    json_set_alloc_funcs(malloc, free);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_allocation_may_fail) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Every file of tests/conf/wrong has exactly the messages of its .expected; every file of tests/conf/right is accepted,
 * with its notices and its summary. To add a case: write the .conf, run with SB_CORPUS_WRITE=1, and read what came out
 * before it is committed. */
#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/scope.h"
#include "check.h"
#include "conf_fixture.h"

enum { CASES_MAX = 1000, TEXT_MAX = 1 << 20, WRONG_MIN = 100, RIGHT_MIN = 10 };

/* Appends `text` with the absolute folder replaced by a word: the corpus may lie anywhere. */
static void add_portable(struct buf *out, const char *text, const char *dir)
{
    size_t length = strlen(dir);

    while (*text) {
        if (strncmp(text, dir, length) == 0) {
            buf_str(out, "FOLDER");
            text += length;
        } else {
            buf_char(out, *text++);
        }
    }
}

static void describe(const char *name, struct buf *out, size_t *ret_errors)
{
    const struct conf_source source = { .lookup = fixture_lookup };
    struct sb_error err = SB_ERROR_INIT;
    struct conf *conf = NULL;
    AUTO_BUF text;
    buf_init(&text, TEXT_MAX);

    if (conf_load(name, &source, &conf, &err) < 0) {
        buf_printf(out, "%s\n", err.text);
        *ret_errors = 1;
        return;
    }
    fixture_check(conf);
    *ret_errors = conf_error_count(conf);
    conf_write_diagnostics(conf, &text);
    if (*ret_errors == 0)
        conf_write_summary(conf, &text);
    add_portable(out, text.data, conf->dir);
    conf_free(conf);
}

static void check_case(const char *name, bool is_right)
{
    AUTO_BUF got, expected_path;
    AUTO_STR want = NULL;
    size_t size = 0, errors = 0;
    struct sb_error err = SB_ERROR_INIT;

    buf_init(&got, TEXT_MAX);
    buf_init(&expected_path, 300);
    describe(name, &got, &errors);
    buf_printf(&expected_path, "%.*s.expected", (int)(strlen(name) - 5), name);
    if (getenv("SB_CORPUS_WRITE"))
        assert_int_equal(file_write(expected_path.data, got.data, got.len, 0644, &err), 0);
    if (file_read(expected_path.data, TEXT_MAX, &want, &size, &err) < 0)
        CHECK_STR(name, "", err.text);
    CHECK_STR(name, want, got.data);
    CHECK_INT(name, is_right, errors == 0);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Runs every .conf of the folder but those that others include (part_*). */
static size_t check_folder(const char *folder, bool is_right)
{
    static char *names[CASES_MAX];
    size_t count = 0;

    assert_int_equal(chdir(folder), 0);
    DIR *dir = opendir(".");
    assert_non_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        size_t length = strlen(entry->d_name);
        if (length < 6 || strcmp(entry->d_name + length - 5, ".conf") != 0 ||
            strncmp(entry->d_name, "part_", 5) == 0)
            continue;
        assert_true(count < CASES_MAX);
        names[count++] = strdup(entry->d_name);
    }
    (void)closedir(dir);
    qsort(names, count, sizeof(names[0]), by_name);
    for (size_t i = 0; i < count; i++) {
        check_case(names[i], is_right);
        free(names[i]);
    }
    return count;
}

static void wrong_files_have_their_messages(void **state)
{
    (void)state;
    size_t count = check_folder(TEST_SOURCE_DIR "/tests/conf/wrong", false);
    assert_true(count >= WRONG_MIN);
}

static void right_files_are_accepted(void **state)
{
    (void)state;
    size_t count = check_folder(TEST_SOURCE_DIR "/tests/conf/right", true);
    assert_true(count >= RIGHT_MIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_files_have_their_messages),
        cmocka_unit_test(right_files_are_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

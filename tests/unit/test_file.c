/* Files are whole or absent, and failures are named. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/scope.h"
#include "check.h"

/* A folder of its own for each test: TEST/x is a path in it. */
static char folder[256];

static const char *in_folder(const char *name)
{
    static char path[512];

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "%s/file-XXXXXX", TEST_BINARY_DIR);
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    AUTO_BUF command;
    buf_init(&command, 1000);
    buf_printf(&command, "rm -rf '%s'", folder);
    return system(command.data);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    AUTO_STR text = NULL;
    size_t size = 0;
    struct stat st;

    assert_int_equal(file_write(in_folder("a"), "x\0y", 3, 0600, NULL), 0);
    assert_int_equal(file_read(in_folder("a"), 3, &text, &size, NULL), 0);
    CHECK_INT("size", 3, size);
    assert_memory_equal(text, "x\0y", 4);
    assert_int_equal(stat(in_folder("a"), &st), 0);
    CHECK_INT("mode", 0600, st.st_mode & 0777);

    assert_int_equal(file_write(in_folder("a"), "new", 3, 0640, NULL), 0);
    free(TAKE(text));
    assert_int_equal(file_read(in_folder("a"), 100, &text, &size, NULL), 0);
    CHECK_STR("replaced", "new", text);
    assert_int_equal(stat(in_folder("a"), &st), 0);
    CHECK_INT("mode of the new one", 0640, st.st_mode & 0777);
}

static void empty_file_is_read(void **state)
{
    (void)state;
    AUTO_STR text = NULL;
    size_t size = 99;

    assert_int_equal(file_write(in_folder("empty"), "", 0, 0600, NULL), 0);
    assert_int_equal(file_read(in_folder("empty"), 0, &text, &size, NULL), 0);
    CHECK_INT("size", 0, size);
    CHECK_STR("text", "", text);
}

static void reading_failures_are_named(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 17;
    struct sb_error err = SB_ERROR_INIT;

    assert_int_equal(file_read("/nowhere/at/all", 10, &text, &size, &err), SB_ECONFIG);
    CHECK_STR("absent", "cannot open '/nowhere/at/all': No such file or directory", err.text);

    err = (struct sb_error)SB_ERROR_INIT;
    assert_int_equal(file_read("/", 10, &text, &size, &err), SB_ECONFIG);
    CHECK_STR("folder", "cannot read '/': it is a folder", err.text);

    char want[600];
    err = (struct sb_error)SB_ERROR_INIT;
    assert_int_equal(file_write(in_folder("long"), "12345", 5, 0600, NULL), 0);
    assert_int_equal(file_read(in_folder("long"), 4, &text, &size, &err), SB_ECONFIG);
    (void)snprintf(want, sizeof(want), "'%s' is larger than 4 bytes", in_folder("long"));
    CHECK_STR("too large", want, err.text);
    assert_null(text);
    CHECK_INT("outputs are untouched", 17, size);
}

static void failed_write_leaves_the_old_file(void **state)
{
    (void)state;
    AUTO_STR text = NULL;
    size_t size = 0;
    struct sb_error err = SB_ERROR_INIT;

    assert_int_equal(file_write("/nowhere/at/all", "x", 1, 0600, &err), SB_ECONFIG);
    CHECK_STR("no folder", "cannot write '/nowhere/at/all': No such file or directory", err.text);

    /* A folder is in the way of the rename: what was there stays, and the temporary file does not. */
    assert_int_equal(mkdir(in_folder("d"), 0700), 0);
    assert_int_equal(mkdir(in_folder("d/full"), 0700), 0);
    assert_int_equal(file_write(in_folder("d/full/x"), "old", 3, 0600, NULL), 0);
    assert_int_equal(file_write(in_folder("d/full"), "x", 1, 0600, NULL), SB_ECONFIG);
    assert_int_equal(file_read(in_folder("d/full/x"), 10, &text, &size, NULL), 0);
    CHECK_STR("kept", "old", text);
    assert_int_equal(unlink(in_folder("d/full/x")), 0);
    assert_int_equal(rmdir(in_folder("d/full")), 0);
    CHECK_INT("nothing is left behind", 0, rmdir(in_folder("d")));
}

static void full_disk_is_reported(void **state)
{
    (void)state;
    struct sb_error err = SB_ERROR_INIT;

    /* No temporary file can be made in /proc, whoever asks. */
    assert_int_equal(file_write("/proc/switchboard-test", "x", 1, 0600, &err), SB_ECONFIG);
    assert_non_null(strstr(err.text, "cannot write '/proc/switchboard-test': "));
}

static void folders_are_made_with_their_parents(void **state)
{
    (void)state;
    struct stat st;
    struct sb_error err = SB_ERROR_INIT;

    assert_int_equal(file_make_dir(in_folder("p/q//r/"), 0700, &err), 0);
    assert_int_equal(stat(in_folder("p/q/r"), &st), 0);
    CHECK_INT("mode of the last", 0700, st.st_mode & 0777);
    assert_int_equal(file_make_dir(in_folder("p/q/r"), 0700, &err), 0);
    assert_int_equal(file_make_dir("/", 0700, &err), 0);

    char want[600];
    assert_int_equal(file_write(in_folder("p/file"), "x", 1, 0600, NULL), 0);
    assert_int_equal(file_make_dir(in_folder("p/file"), 0700, &err), SB_ECONFIG);
    (void)snprintf(want, sizeof(want), "cannot make folder '%s': a file of that name is in the way",
                   in_folder("p/file"));
    CHECK_STR("file in the way", want, err.text);
    assert_int_equal(file_make_dir(in_folder("p/file/x"), 0700, NULL), SB_ECONFIG);
    assert_int_equal(file_sync_dir(in_folder("p"), NULL), 0);
    assert_int_equal(file_sync_dir(in_folder("p/file"), NULL), SB_ECONFIG);
}

static void paths_are_joined_and_split(void **state)
{
    (void)state;
    static const struct {
        const char *dir, *name, *want;
    } joins[] = {
        { "a", "b", "a/b" }, { "a/", "b", "a/b" }, { "/", "b", "/b" }, { "a", "/b", "/b" }, { "a", "", "a/" },
    };
    static const struct {
        const char *path, *want;
    } splits[] = {
        { "a/b/c", "a/b" }, { "c", "." }, { "/c", "/" }, { "/", "/" }, { "", "." },
    };

    for (size_t i = 0; i < ROWS(joins); i++) {
        AUTO_STR path = file_join(joins[i].dir, joins[i].name);
        CHECK_STR(joins[i].want, joins[i].want, path);
    }
    for (size_t i = 0; i < ROWS(splits); i++) {
        AUTO_STR path = file_dir(splits[i].path);
        CHECK_STR(splits[i].path, splits[i].want, path);
    }
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(what_is_written_is_read),           IN_FOLDER(empty_file_is_read),
        IN_FOLDER(reading_failures_are_named),        IN_FOLDER(failed_write_leaves_the_old_file),
        cmocka_unit_test(full_disk_is_reported),      IN_FOLDER(folders_are_made_with_their_parents),
        cmocka_unit_test(paths_are_joined_and_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

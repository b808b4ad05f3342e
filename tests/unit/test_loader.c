/* Loading plugins: what is refused, and that the reason is the true one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/scope.h"
#include "plugin/loader.h"

#define BUILT TEST_BINARY_DIR "/tests/plugins"

enum { PLUGIN_SIZE_MAX = 64 << 20 };

struct fixture {
    char dir[64];
    struct loader *loader;
};

static void write_plugin(const char *dir, const char *name, const void *data, size_t size)
{
    char path[512];
    struct sb_error err = SB_ERROR_INIT;

    (void)snprintf(path, sizeof(path), "%s/%s.so", dir, name);
    if (file_write(path, data, size, 0700, &err) < 0)
        fail_msg("%s", err.text);
}

static char *read_plugin(const char *name, size_t *ret_size)
{
    char path[512];
    char *data = NULL;
    struct sb_error err = SB_ERROR_INIT;

    (void)snprintf(path, sizeof(path), "%s/%s.so", BUILT, name);
    if (file_read(path, PLUGIN_SIZE_MAX, &data, ret_size, &err) < 0)
        fail_msg("%s", err.text);
    return data;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct sb_error err = SB_ERROR_INIT;

    assert_non_null(f);
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/sb-loader-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    const char *dirs[] = { f->dir, BUILT, NULL };
    f->loader = loader_new(dirs, NULL, &err);
    assert_non_null(f->loader);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    AUTO_JSON names = loader_names(f->loader);
    size_t i;
    json_t *item;

    json_array_foreach (names, i, item) {
        const char *path = json_string_value(json_object_get(item, "path"));
        if (strncmp(path, f->dir, strlen(f->dir)) == 0)
            (void)unlink(path);
    }
    loader_free(f->loader);
    (void)rmdir(f->dir);
    free(f);
    return 0;
}

/* The reason without the part that names the temporary folder. */
static void refused(struct loader *loader, const char *name, const char *reason)
{
    const struct sb_plugin *plugin = NULL;
    struct sb_error err = SB_ERROR_INIT;

    int rc = loader_get(loader, name, &plugin, &err);
    if (rc >= 0)
        fail_msg("'%s' was loaded", name);
    assert_null(plugin);
    assert_int_equal(rc, err.status);
    if (!strstr(err.text, reason))
        fail_msg("'%s' was refused for another reason than '%s': %s", name, reason, err.text);
}

static void a_good_plugin_is_loaded_once(void **state)
{
    struct fixture *f = *state;
    const struct sb_plugin *plugin = NULL, *again = NULL;
    struct sb_error err = SB_ERROR_INIT;

    assert_int_equal(loader_get(f->loader, "good", &plugin, &err), 0);
    assert_string_equal(plugin->name, "good");
    assert_string_equal(plugin->version, "1.2.3");
    assert_string_equal(plugin->steps[0].name, "work");
    assert_int_equal(loader_get(f->loader, "good", &again, &err), 0);
    assert_ptr_equal(plugin, again);
}

static void two_loaders_may_hold_the_same_plugin(void **state)
{
    struct fixture *f = *state;
    const char *dirs[] = { BUILT, NULL };
    const struct sb_plugin *plugin = NULL, *again = NULL;
    struct sb_error err = SB_ERROR_INIT;

    struct loader *other = loader_new(dirs, NULL, &err);
    assert_int_equal(loader_get(other, "good", &again, &err), 0);
    assert_int_equal(loader_get(f->loader, "good", &plugin, &err), 0);
    loader_free(other);
    assert_string_equal(plugin->steps[0].name, "work");
}

static void what_an_older_plugin_lacks_is_absent(void **state)
{
    struct fixture *f = *state;
    const struct sb_plugin *plugin = NULL;
    struct sb_error err = SB_ERROR_INIT;

    if (loader_get(f->loader, "older_minor", &plugin, &err) < 0)
        fail_msg("%s", err.text);
    assert_string_equal(plugin->version, "0.9");
    assert_string_equal(plugin->steps[0].name, "work");
    assert_null(plugin->poll);
    assert_null(plugin->routes);
    assert_null(plugin->open);
    assert_null(plugin->close);
}

static const struct {
    const char *name, *reason;
} refusals[] = {
    { "wrong_major",
      "wrong_major.so': it was built for plugin interface 3.0; this program has 2.0: rebuild it" },
    { "newer_minor",
      "it was built for plugin interface 2.1; this program has 2.0: a newer program is needed" },
    { "too_large", "its descriptor says that it has " },
    { "too_small", "its 'switchboard_plugin' is not a descriptor" },
    { "unresolved", "unresolved.so': undefined symbol: sb_function_of_the_future" },
    { "no_symbol", "it is no plugin: it exports no 'switchboard_plugin'" },
    { "misnamed", "it calls itself 'somebody_else': its file must be 'somebody_else.so'" },
    { "careless",
      "plugin 'careless' is defective: the step 'create' creates something and has no reconcile step" },
    { "god", "; did you mean 'good'?" },
    { "../good", "'../good' is not a plugin's name: a-z, 0-9 and _, at most 40" },
    { "", "'' is not a plugin's name" },
    { "Good", "'Good' is not a plugin's name" },
};

static void each_refusal_says_why(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        refused(f->loader, refusals[i].name, refusals[i].reason);
    refused(f->loader, "wrong_major", "cannot load plugin 'wrong_major' from '" BUILT "/wrong_major.so': ");
    refused(f->loader, "absent_altogether", "no plugin 'absent_altogether' in '/tmp/sb-loader-");
}

static void files_that_are_no_shared_objects_are_refused(void **state)
{
    struct fixture *f = *state;
    static const char text[] = "#!/bin/sh\necho no plugin\n";
    char path[128];

    write_plugin(f->dir, "text", text, sizeof(text));
    refused(f->loader, "text", "it is not a shared object (no ELF file)");
    write_plugin(f->dir, "empty", "", 0);
    refused(f->loader, "empty", "it is empty");
    (void)snprintf(path, sizeof(path), "%s/folder.so", f->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    refused(f->loader, "folder", "it is not a file");
    assert_int_equal(rmdir(path), 0);
    (void)snprintf(path, sizeof(path), "%s/pipe.so", f->dir);
    assert_int_equal(mkfifo(path, 0700), 0);
    refused(f->loader, "pipe", "it is not a file");
}

static void a_file_cut_short_anywhere_is_refused(void **state)
{
    struct fixture *f = *state;
    size_t size = 0;
    AUTO_STR data = read_plugin("good", &size);
    enum { CUTS = 60 };

    for (size_t i = 1; i <= CUTS; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "cut_%zu", i);
        /* From a few bytes to all but one. */
        write_plugin(f->dir, name, data, i == CUTS ? size - 1 : 5 + (size - 5) * (i - 1) / CUTS);
        refused(f->loader, name, "it is cut short: ");
    }
}

static void objects_for_other_machines_are_refused(void **state)
{
    struct fixture *f = *state;
    size_t size = 0;
    AUTO_STR data = read_plugin("good", &size);
    Elf64_Ehdr *header = (Elf64_Ehdr *)(void *)data;
    const Elf64_Ehdr right = *header;

    header->e_ident[EI_CLASS] = ELFCLASS32;
    write_plugin(f->dir, "narrow", data, size);
    refused(f->loader, "narrow", "it is for another machine: not 64-bit");
    *header = right;
    header->e_ident[EI_DATA] = right.e_ident[EI_DATA] == ELFDATA2LSB ? ELFDATA2MSB : ELFDATA2LSB;
    write_plugin(f->dir, "swapped", data, size);
    refused(f->loader, "swapped", "it is for another machine: the other byte order");
    *header = right;
    header->e_machine = EM_S390;
    write_plugin(f->dir, "mainframe", data, size);
    refused(f->loader, "mainframe", "it is for another machine: ELF machine 22, not ");
    *header = right;
    header->e_type = ET_REL;
    write_plugin(f->dir, "object", data, size);
    refused(f->loader, "object", "it is not a shared object");
    *header = right;
    header->e_phnum = 0;
    write_plugin(f->dir, "headless", data, size);
    refused(f->loader, "headless", "its program headers are damaged");
    *header = right;
    header->e_phoff = UINT64_MAX - 8;
    write_plugin(f->dir, "far_away", data, size);
    refused(f->loader, "far_away", "it is cut short");
}

static void two_files_of_one_name_are_refused_with_both_paths(void **state)
{
    struct fixture *f = *state;
    size_t size = 0;
    AUTO_STR data = read_plugin("good", &size);
    char want[256];

    write_plugin(f->dir, "good", data, size);
    (void)snprintf(want, sizeof(want),
                   "two plugins are called 'good': '%s/good.so' and '%s/good.so'; remove one", f->dir, BUILT);
    refused(f->loader, "good", want);
}

static void one_file_by_two_ways_is_one_plugin(void **state)
{
    struct fixture *f = *state;
    char link[128];
    const struct sb_plugin *plugin = NULL;
    struct sb_error err = SB_ERROR_INIT;

    (void)snprintf(link, sizeof(link), "%s/good.so", f->dir);
    assert_int_equal(symlink(BUILT "/good.so", link), 0);
    if (loader_get(f->loader, "good", &plugin, &err) < 0)
        fail_msg("%s", err.text);
}

static void names_are_listed_sorted_and_nothing_is_loaded(void **state)
{
    struct fixture *f = *state;
    static const char text[] = "not loaded";

    write_plugin(f->dir, "a_first", text, sizeof(text));
    write_plugin(f->dir, "Not-A-Name", text, sizeof(text));
    AUTO_JSON names = loader_names(f->loader);
    char want[128];
    (void)snprintf(want, sizeof(want), "%s/a_first.so", f->dir);
    const json_t *first = json_array_get(names, 0);
    assert_string_equal(json_string_value(json_object_get(first, "name")), "a_first");
    assert_string_equal(json_string_value(json_object_get(first, "path")), want);
    for (size_t i = 1; i < json_array_size(names); i++)
        assert_true(strcmp(json_string_value(json_object_get(json_array_get(names, i - 1), "name")),
                           json_string_value(json_object_get(json_array_get(names, i), "name"))) < 0);
    assert_true(json_array_size(names) >= 10);
    (void)snprintf(want, sizeof(want), "%s/Not-A-Name.so", f->dir);
    assert_int_equal(unlink(want), 0);
}

static void a_loader_without_folders_says_so(void **state)
{
    (void)state;
    struct sb_error err = SB_ERROR_INIT;
    struct loader *loader = loader_new(NULL, NULL, &err);

    refused(loader, "good", "no plugin 'good' in no folder");
    loader_free(loader);
}

static enum sb_verdict nothing(struct sb_exchange *x)
{
    return sb_skip(x, "nothing");
}

static void a_linked_plugin_is_found_without_a_file(void **state)
{
    struct fixture *f = *state;
    static const struct sb_step steps[] = { { .name = "nothing", .work = nothing }, { .name = NULL } };
    static const struct sb_plugin linked = { .abi = SB_ABI,
                                             .size = sizeof(struct sb_plugin),
                                             .kind = SB_PROCESSOR,
                                             .name = "linked",
                                             .summary = "s",
                                             .version = "1",
                                             .steps = steps };
    const struct sb_plugin *plugin = NULL;
    struct sb_error err = SB_ERROR_INIT;

    assert_int_equal(loader_add(f->loader, &linked, &err), 0);
    assert_int_equal(loader_get(f->loader, "linked", &plugin, &err), 0);
    assert_ptr_equal(plugin->steps, steps);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        EACH(a_good_plugin_is_loaded_once),
        EACH(two_loaders_may_hold_the_same_plugin),
        EACH(what_an_older_plugin_lacks_is_absent),
        EACH(each_refusal_says_why),
        EACH(files_that_are_no_shared_objects_are_refused),
        EACH(a_file_cut_short_anywhere_is_refused),
        EACH(objects_for_other_machines_are_refused),
        EACH(two_files_of_one_name_are_refused_with_both_paths),
        EACH(one_file_by_two_ways_is_one_plugin),
        EACH(names_are_listed_sorted_and_nothing_is_loaded),
        EACH(a_loader_without_folders_says_so),
        EACH(a_linked_plugin_is_found_without_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

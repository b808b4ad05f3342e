/* The functions that nobody calls are compile errors. */
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#ifdef __clang__
static const char compiler[] = "clang";
#else
static const char compiler[] = "gcc";
#endif

/* Compiles one statement with the header forced in. Returns the compiler's exit status. */
static int compile(const char *statement)
{
    char path[300], program[600];
    pid_t pid = 0;
    int status = -1;
    extern char **environ;

    (void)snprintf(path, sizeof(path), "%s/banned-XXXXXX", TEST_BINARY_DIR);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    int size =
        snprintf(program, sizeof(program),
                 "#include <string.h>\n#include <stdlib.h>\n#include <stdio.h>\n#include <time.h>\n"
                 "int f(char *a, const char *b, time_t t);\n"
                 "int f(char *a, const char *b, time_t t) { (void)a; (void)b; (void)t; %s; return 0; }\n",
                 statement);
    assert_int_equal(write(fd, program, (size_t)size), size);
    close(fd);

    const char header[] = TEST_SOURCE_DIR "/core/base/banned.h";
    const char *argv[] = {
        compiler, "-std=c17", "-D_GNU_SOURCE", "-fsyntax-only", "-w", "-include", header, "-x", "c",
        path,     NULL
    };
    posix_spawn_file_actions_t actions;
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", 1, 0), 0);
    assert_int_equal(posix_spawnp(&pid, compiler, &actions, NULL, (char *const *)(uintptr_t)argv, environ),
                     0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)unlink(path);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void each_banned_call_is_an_error(void **state)
{
    (void)state;
    static const char *const statements[] = {
        "strcpy(a, b)",  "strcat(a, b)",  "strncpy(a, b, 1)",
        "sprintf(a, b)", "strtok(a, b)",  "return atoi(b)",
        "gmtime(&t)",    "localtime(&t)", "char *(*p)(char *, const char *) = strcpy; (void)p",
    };

    for (size_t i = 0; i < ROWS(statements); i++)
        CHECK_INT(statements[i], 1, compile(statements[i]) != 0);
}

static void everything_else_compiles(void **state)
{
    (void)state;
    CHECK_INT("allowed", 0,
              compile("struct tm tm; gmtime_r(&t, &tm); snprintf(a, 2, \"%s\", b); strtol(b, 0, 10)"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_banned_call_is_an_error),
        cmocka_unit_test(everything_else_compiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* `.env` lines as people and tools write them. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/scope.h"
#include "check.h"
#include "conf/env.h"

/* Collects what is complained about as "line: text\n", warnings with a '?'. */
static void hear(void *ctx, unsigned line, bool is_error, const char *text)
{
    buf_printf(ctx, "%u%s: %s\n", line, is_error ? "" : "?", text);
}

static const char not_a_line[] = "1: a line must be NAME=value, or a comment that starts with #\n";

static const struct {
    const char *text, *name, *want; /* want NULL: `name` is not set */
    const char *faults;             /* NULL: none */
} rows[] = {
    { "A=x", "A", "x", NULL },
    { "A=x\n", "A", "x", NULL },
    { "A=x\r\nB=y\r\n", "B", "y", NULL },
    { "export A=x", "A", "x", NULL },
    { "\texport\tA = x ", "A", "x", NULL },
    { "exported=x", "exported", "x", NULL },
    { "export=x", "export", "x", NULL },
    { "# A=x\nB=y", "A", NULL, NULL },
    { "\n\n  \nA=x", "A", "x", NULL },
    { "A=", "A", "", NULL },
    { "A=   ", "A", "", NULL },
    { "OPENAI_API_KEY=x  # Optional", "OPENAI_API_KEY", "x", NULL },
    { "A=x#y", "A", "x#y", NULL },
    { "A=#y", "A", "#y", NULL },
    { "A= # only a comment", "A", "", NULL },
    { "A=two words  ", "A", "two words", NULL },
    { "A=x=y==", "A", "x=y==", NULL },
    { "A=${B}", "A", "${B}", NULL },
    { "A=\"x\"", "A", "x", NULL },
    { "A=\" x # y \"  # comment", "A", " x # y ", NULL },
    { "A=\"a\\nb\\t\\\"c\\\\d\\$\"", "A", "a\nb\t\"c\\d$", NULL },
    { "A=''", "A", "", NULL },
    { "A='a\\nb\"#'# comment", "A", "a\\nb\"#", NULL },
    { "A=it's", "A", "it's", NULL },
    { "A=x\nA=y", "A", "y", "2?: A\n" },
    { "\xEF\xBB\xBF"
      "A=x",
      "A", "x", NULL },
    { "_A1=x", "_A1", "x", NULL },
    { "a=caf\xC3\xA9", "a", "caf\xC3\xA9", NULL },

    { "A", "A", NULL, not_a_line },
    { "=x", "", NULL, not_a_line },
    { "1A=x", "1A", NULL, not_a_line },
    { "A-B=x", "A-B", NULL, not_a_line },
    { "A B=x", "A", NULL, not_a_line },
    { "export", "export", NULL, not_a_line },
    { "A: x", "A", NULL, not_a_line },
    { "A=\"x", "A", NULL, "1: the value's \" is not closed on its line\n" },
    { "A='x\nB=y'", "A", NULL, "1: the value's ' is not closed on its line\n" },
    { "A=\"x\\\"", "A", NULL, "1: the value's \" is not closed on its line\n" },
    { "A=\"x\"y", "A", NULL,
      "1: there is something behind the value's closing quote; put a # before a comment\n" },
    { "A='x' y", "A", NULL,
      "1: there is something behind the value's closing quote; put a # before a comment\n" },
};

static void lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct env *env = calloc(1, sizeof(*env));
        AUTO_STR text = strdup(rows[i].text);
        AUTO_BUF faults;
        buf_init(&faults, 1000);
        env_parse(env, text, hear, &faults);
        CHECK_STR(rows[i].text, rows[i].want, env_find(env, rows[i].name));
        CHECK_STR(rows[i].text, rows[i].faults ? rows[i].faults : "", faults.data);
        free(env);
    }
}

static void a_bad_line_spoils_no_other(void **state)
{
    (void)state;
    struct env *env = calloc(1, sizeof(*env));
    char text[] = "A=1\nnonsense\nB=2\nC=\"3\nD=4\n";
    AUTO_BUF faults;

    buf_init(&faults, 1000);
    env_parse(env, text, hear, &faults);
    CHECK_STR("before", "1", env_find(env, "A"));
    CHECK_STR("between", "2", env_find(env, "B"));
    CHECK_STR("wrong", NULL, env_find(env, "C"));
    CHECK_STR("after", "4", env_find(env, "D"));
    CHECK_INT("line of the last", 5, env->entries[2].line);
    free(env);
}

static void too_many_names_are_refused(void **state)
{
    (void)state;
    struct env *env = calloc(1, sizeof(*env));
    AUTO_BUF text, faults;

    buf_init(&text, 1 << 20);
    buf_init(&faults, 10000);
    for (int i = 0; i <= ENV_ENTRIES_MAX; i++)
        buf_printf(&text, "N%d=x\n", i);
    env_parse(env, text.data, hear, &faults);
    CHECK_INT("kept", ENV_ENTRIES_MAX, env->count);
    CHECK_STR("told", "1001: there are too many lines; 1000 names is the limit\n", faults.data);
    free(env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(a_bad_line_spoils_no_other),
        cmocka_unit_test(too_many_names_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

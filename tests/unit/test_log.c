/* Lines are one line, fields are quoted where they must be, and nothing private passes. */
#include <jansson.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/log.h"
#include "check.h"

/* Keeps the last line that was written. */
struct catcher {
    struct buf line;
    int count;
    enum log_level level;
};

static void catch_line(void *ctx, enum log_level level, const char *line)
{
    struct catcher *catcher = ctx;

    buf_clear(&catcher->line);
    buf_str(&catcher->line, line);
    catcher->level = level;
    catcher->count++;
}

/* What follows "time=... " of the last text line. */
static const char *rest_of(const struct catcher *catcher)
{
    const char *space = strchr(catcher->line.data, ' ');

    return space ? space + 1 : "";
}

static struct catcher *new_catcher(void)
{
    struct catcher *catcher = calloc(1, sizeof(*catcher));

    assert_non_null(catcher);
    buf_init(&catcher->line, 1 << 20);
    return catcher;
}

static void free_catcher(struct catcher *catcher)
{
    buf_done(&catcher->line);
    free(catcher);
}

static void text_lines(void **state)
{
    (void)state;
    static const struct {
        const char *value, *want;
    } rows[] = {
        { "plain", "v=plain" },
        { NULL, "v=-" },
        { "", "v=\"\"" },
        { "two words", "v=\"two words\"" },
        { "a=b", "v=\"a=b\"" },
        { "quote\"d", "v=\"quote\\\"d\"" },
        { "back\\slash", "v=\"back\\\\slash\"" },
        { "line\nlevel=error msg=\"forged\"", "v=\"line\\nlevel=error msg=\\\"forged\\\"\"" },
        { "tab\there", "v=\"tab\\there\"" },
        { "bell\a", "v=bell\xEF\xBF\xBD" }, /* control characters do not survive */
        { "bad\xFF", "v=bad\xEF\xBF\xBD" },
        { "caf\xC3\xA9", "v=caf\xC3\xA9" },
        { "https://example.com/a?b=c", "v=https://example.com/a?[hidden]" },
        { "from +915550100001", "v=\"from ***01\"" },
        { "someone@example.com", "v=[email]" },
    };
    struct catcher *catcher = new_catcher();
    struct log *log = log_new(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, catch_line, catcher);
    assert_non_null(log);

    for (size_t i = 0; i < ROWS(rows); i++) {
        char want[200];
        (void)snprintf(want, sizeof(want), "level=warn msg=\"step failed\" %s n=-17", rows[i].want);
        LOG_WARN(log, "step failed", LOG_STR("v", rows[i].value), LOG_INT("n", -17));
        CHECK_STR(rows[i].want, want, rest_of(catcher));
        CHECK_INT(rows[i].want, LOG_LEVEL_WARN, catcher->level);
    }
    assert_int_equal(strncmp(catcher->line.data, "time=20", 7), 0);
    log_free(log);
    free_catcher(catcher);
}

static void json_lines_parse(void **state)
{
    (void)state;
    struct catcher *catcher = new_catcher();
    struct log *log = log_new(LOG_LEVEL_DEBUG, LOG_FORMAT_JSON, catch_line, catcher);
    static const char *const values[] = { "plain", "", "a \"b\" \\ \n\t", "caf\xC3\xA9", "{}" };

    for (size_t i = 0; i < ROWS(values); i++) {
        LOG_ERROR(log, "say \"it\"", LOG_STR("v", values[i]), LOG_STR("none", NULL),
                  LOG_INT("n", INT64_C(9007199254740993)));
        json_error_t why;
        json_t *line = json_loads(catcher->line.data, JSON_REJECT_DUPLICATES, &why);
        assert_non_null(line);
        CHECK_STR("msg", "say \"it\"", json_string_value(json_object_get(line, "msg")));
        CHECK_STR("level", "error", json_string_value(json_object_get(line, "level")));
        CHECK_STR("v", values[i], json_string_value(json_object_get(line, "v")));
        assert_true(json_is_null(json_object_get(line, "none")));
        CHECK_INT("n", INT64_C(9007199254740993), json_integer_value(json_object_get(line, "n")));
        assert_non_null(json_string_value(json_object_get(line, "time")));
        json_decref(line);
        assert_null(strchr(catcher->line.data, '\n'));
    }
    log_free(log);
    free_catcher(catcher);
}

static void levels_below_are_dropped(void **state)
{
    (void)state;
    static const char *const words[] = { "debug", "info", "notice", "warn", "error" };

    for (int least = LOG_LEVEL_DEBUG; least <= LOG_LEVEL_ERROR; least++) {
        struct catcher *catcher = new_catcher();
        struct log *log = log_new((enum log_level)least, LOG_FORMAT_TEXT, catch_line, catcher);
        for (int level = LOG_LEVEL_DEBUG; level <= LOG_LEVEL_ERROR; level++) {
            int before = catcher->count;
            char want[100];
            log_write(log, (enum log_level)level, "hello", NULL, 0);
            CHECK_INT(words[level], level >= least, catcher->count - before);
            (void)snprintf(want, sizeof(want), "level=%s msg=hello", words[level]);
            if (level >= least)
                CHECK_STR(words[level], want, rest_of(catcher));
        }
        log_free(log);
        free_catcher(catcher);
    }
    log_write(NULL, LOG_LEVEL_ERROR, "nothing happens", NULL, 0);
    log_free(NULL);
}

static void secrets_are_hidden(void **state)
{
    (void)state;
    struct catcher *catcher = new_catcher();
    struct log *log = log_new(LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT, catch_line, catcher);
    char hidden[] = "hunter2hunter";

    log_hide(log, "hunter2");
    log_hide(log, hidden);
    memset(hidden, 'x', sizeof(hidden) - 1); /* it was copied */
    log_hide(log, "short");                  /* under six characters: would hide words of sentences */
    log_hide(log, NULL);
    log_hide(NULL, "hunter2");
    LOG_INFO(log, "told", LOG_STR("a", "x/hunter2hunter/y"), LOG_STR("b", "hunter2hunter2"),
             LOG_STR("c", "short"));
    CHECK_STR("all of the longer one", "level=info msg=told a=x/[secret]/y b=[secret]2 c=short",
              rest_of(catcher));
    log_free(log);
    free_catcher(catcher);
}

static void long_values_are_cut(void **state)
{
    (void)state;
    struct catcher *catcher = new_catcher();
    struct log *log = log_new(LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT, catch_line, catcher);
    size_t size = 1 << 20;
    char *text = malloc(size);
    assert_non_null(text);

    memset(text, 'z', size - 1);
    text[size - 1] = '\0';
    LOG_INFO(log, "long", LOG_STR("v", text), LOG_INT("after", 1));
    assert_true(catcher->line.len < 70000);
    assert_non_null(strstr(catcher->line.data, "zzz... after=1"));

    /* So many fields that the line passes its ceiling: the message still gets through, alone. */
    struct log_field fields[40];
    for (size_t i = 0; i < ROWS(fields); i++)
        fields[i] = (struct log_field)LOG_STR("v", text);
    log_write(log, LOG_LEVEL_ERROR, "too much", fields, ROWS(fields));
    CHECK_STR("without fields", "level=error msg=\"too much\"", rest_of(catcher));
    free(text);
    log_free(log);
    free_catcher(catcher);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_lines),
        cmocka_unit_test(json_lines_parse),
        cmocka_unit_test(levels_below_are_dropped),
        cmocka_unit_test(secrets_are_hidden),
        cmocka_unit_test(long_values_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

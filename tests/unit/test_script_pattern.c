/* Patterns: find, match, gmatch and gsub answer as the real Lua does, and end when they take too long. */
#include "base/file.h"
#include "base/scope.h"
#include "script_fixture.h"

#define CASES    TEST_SOURCE_DIR "/tests/unit/patterns/cases.lua"
#define EXPECTED TEST_SOURCE_DIR "/tests/unit/patterns/expected.txt"

static void answers_as_lua_does(void **state)
{
    (void)state;
    struct sb_error err = SB_ERROR_INIT;
    struct script *script = NULL;
    AUTO_STR expected = NULL;
    AUTO_JSON lines = NULL;
    size_t size = 0, index;
    json_t *line;
    unsigned different = 0;

    assert_int_equal(file_read(EXPECTED, 4000000, &expected, &size, &err), 0);
    if (script_load(CASES, NULL, NULL, NULL, &script, &err) < 0 ||
        script_call(script, "run", NULL, NULL, 0, 0, &lines, &err) < 0)
        fail_msg("%s", err.text);
    char *rest = expected;
    json_array_foreach (lines, index, line) {
        const char *want = strsep(&rest, "\n");
        assert_non_null(want);
        if (strcmp(want, json_string_value(line)) != 0 && ++different < 20)
            print_error("want %s\n got %s\n", want, json_string_value(line));
    }
    assert_true(json_array_size(lines) > 3500);
    CHECK_STR("nothing is left", "", rest);
    CHECK_INT("answers that differ", 0, different);
    script_free(script);
}

/* Each would run for seconds to years. */
static const struct {
    const char *name, *body;
} slow[] = {
    { "find that backtracks", "return string.find(string.rep('a', 300), string.rep('a*', 30) .. 'b')" },
    { "match that backtracks", "return (string.rep('a', 300)):match('^' .. string.rep('(a-)', 20) .. 'b$')" },
    { "gsub that backtracks", "return (string.gsub(string.rep('a', 300), string.rep('.-', 20) .. 'b', ''))" },
    { "gmatch that backtracks",
      "for _ in string.gmatch(string.rep('a', 300), string.rep('.*', 20) .. 'b') do end" },
    { "optional items",
      "return string.find(string.rep('a', 100), string.rep('a?', 99) .. string.rep('a', 101))" },
    { "balanced over and over", "local s = string.rep('(', 1000000) return string.find(s, '%b()')" },
    { "back references to long texts", "return string.find(string.rep('a', 1000000), '(a*)%1b')" },
    { "long sets", "return string.find(string.rep('b', 100000), '[' .. string.rep('a', 100000) .. ']')" },
    { "many small searches", "local s = string.rep('a', 200) while true do local _ = s:find('b.') end" },
    { "many plain searches",
      "local s = string.rep('a', 1000000) while true do local _ = s:find('b', 1, true) end" },
    { "inside pcall",
      "while true do pcall(string.find, string.rep('a', 300), string.rep('a*', 30) .. 'b') end" },
    { "a callback that never ends", "return (string.gsub('aaa', 'a', function() while true do end end))" },
};

static void slow_patterns_end_in_an_error(void **state)
{
    (void)state;
    const struct script_limits limits = { .instructions_max = 4000000 };

    for (size_t i = 0; i < ROWS(slow); i++) {
        struct sb_error err = SB_ERROR_INIT;
        struct script *script = fixture_function(slow[i].body, &limits);
        char *got = fixture_call(script, "f", NULL, &err);
        if (got || !strstr(err.text, ".lua:2: the script took longer than it may"))
            fail_msg("[%s] %s", slow[i].name, got ? got : err.text);
        script_free(script);
    }
}

static void everyday_patterns_are_cheap(void **state)
{
    (void)state;
    /* 100 kB through the kind of pattern that rules use, with a small part of the budget. */
    const struct script_limits limits = { .instructions_max = 3000000 };
    struct sb_error err = SB_ERROR_INIT;
    struct script *script =
        fixture_function("local text, count = string.rep('please refund my order ', 5000), 0\n"
                         "for word in text:gmatch('%a+') do if word == 'refund' then\n"
                         "count = count + 1 end end return count",
                         &limits);
    char *got = fixture_call(script, "f", NULL, &err);

    CHECK_STR(err.text, "5000", got);
    free(got);
    script_free(script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_as_lua_does),
        cmocka_unit_test(slow_patterns_end_in_an_error),
        cmocka_unit_test(everyday_patterns_are_cheap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

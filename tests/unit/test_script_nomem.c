/* Every allocation of a script's life fails, once and then for good: each time the call says so or copes, leaks nothing,
 * and the next call works. */
#include "nomem.h"
#include "script_fixture.h"

enum { ALLOCATIONS_MAX = 20000 };

static const char rules[] =
    "local LIST = { a = 1, b = 2 }\n"
    "function f(record, options)\n"
    "  local words, out = sb.words(record.text), {}\n"
    "  for i, word in ipairs(words) do out[i] = string.gsub(word, '%a', string.upper) end\n"
    "  table.sort(out)\n"
    "  local ok = pcall(string.rep, 'x', 1000)\n"
    "  return { words = out, html = sb.html(record.text), cut = sb.cut(record.text, 5), ok = ok,\n"
    "    copy = record, opt = options.x, low = sb.lower('ABC'), text = table.concat(out, ' '),\n"
    "    sum = LIST.a + LIST.b }\n"
    "end";

static char path[FIXTURE_PATH_MAX];

static bool run_call(struct script *script, const json_t *record, const json_t *options)
{
    struct sb_error err = SB_ERROR_INIT;
    json_t *result = NULL;
    int rc = script_call(script, "f", record, options, 1, 2, &result, &err);

    nomem_countdown = NOMEM_NEVER;
    if (rc < 0) {
        assert_null(result);
        CHECK_INT(err.text, SB_ENOMEM, err.status);
        assert_non_null(strstr(err.text, "memory"));
        return false;
    }
    CHECK_STR("sort and gsub", "NOW PLEASE REFUND", json_string_value(json_object_get(result, "text")));
    CHECK_INT("sum", 3, json_integer_value(json_object_get(result, "sum")));
    assert_true(json_equal(record, json_object_get(result, "copy")));
    json_decref(result);
    return true;
}

/* The `nth` allocation fails while loading, or in the call. Returns whether the countdown was reached. */
static bool run_once(int nth, bool fails_in_load, const json_t *record, const json_t *options)
{
    struct sb_error err = SB_ERROR_INIT;
    struct script *script = NULL;

    nomem_countdown = fails_in_load ? nth : NOMEM_NEVER;
    int rc = script_load(path, NULL, NULL, NULL, &script, &err);
    bool was_reached = fails_in_load && (nomem_countdown == NOMEM_NEVER || nomem_countdown == 0);
    nomem_countdown = NOMEM_NEVER;
    if (rc < 0) {
        assert_null(script);
        CHECK_INT(err.text, SB_ENOMEM, err.status);
        return true;
    }
    if (!fails_in_load) {
        nomem_countdown = nth;
        was_reached = !run_call(script, record, options);
    }
    assert_true(run_call(script, record, options));
    script_free(script);
    return was_reached;
}

static void run_all(bool stays, bool fails_in_load)
{
    json_t *record = json_pack("{s:s}", "text", "refund now, please"), *options = json_pack("{s:i}", "x", 5);
    int quiet = 0, nth = 0, failures = 0;

    fixture_write(rules, strlen(rules), path);
    nomem_stays = stays;
    /* A failure that Lua coped with looks like none: only a long row of quiet runs is the end. */
    for (; quiet < 60; nth++) {
        bool failed = run_once(nth, fails_in_load, record, options);
        failures += failed;
        quiet = failed ? 0 : quiet + 1;
        assert_true(nth < ALLOCATIONS_MAX);
    }
    assert_true(failures > 0);
    assert_true(nth > 100);
    nomem_stays = false;
    json_decref(record);
    json_decref(options);
    assert_int_equal(unlink(path), 0);
}

static void one_failure_while_loading(void **state)
{
    (void)state;
    run_all(false, true);
}

static void no_memory_while_loading(void **state)
{
    (void)state;
    run_all(true, true);
}

static void one_failure_in_a_call(void **state)
{
    (void)state;
    run_all(false, false);
}

static void no_memory_in_a_call(void **state)
{
    (void)state;
    run_all(true, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_failure_while_loading),
        cmocka_unit_test(no_memory_while_loading),
        cmocka_unit_test(one_failure_in_a_call),
        cmocka_unit_test(no_memory_in_a_call),
    };

    json_set_alloc_funcs(nomem_json_malloc, free);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

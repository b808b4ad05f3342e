/* Scripts: records in, results out, errors with their place, and the same answer every time. */
#include "script_fixture.h"

/* ---- the record ---------------------------------------------------------------------------------------- */

static const char document[] =
    "{\"b\": {\"c\": [1, 2.5, \"x\", null, true, {\"d\": false}]}, \"a\": \"text\", \"n\": null,"
    " \"zero\": \"a\\u00e9\"}";

static const struct {
    const char *name, *body, *want;
} looks[] = {
    { "a field", "return record.a", "\"text\"" },
    { "a path", "return record.b.c[1] + record.b.c[2]", "3.5" },
    { "what is not there",
      "return { record.x == nil, record.n == nil, record[1] == nil, record.b.c[0] == nil, "
      "record.b.c[99] == nil, record.b.c.x == nil, record.b.c[-1] == nil }",
      "[true,true,true,true,true,true,true]" },
    { "false is false", "return record.b.c[6].d", "false" },
    { "length", "return { #record.b.c, #record }", "[6,4]" },
    { "pairs in order", "local s = '' for k in pairs(record) do s = s .. k .. ' ' end return s",
      "\"a b n zero \"" },
    { "pairs over a list", "local s = 0 for i in pairs(record.b.c) do s = s + i end return s", "21" },
    { "ipairs ends at null", "local s = 0 for _ in ipairs(record.b.c) do s = s + 1 end return s", "3" },
    { "the whole of it", "return record",
      "{\"a\":\"text\",\"b\":{\"c\":[1,2.5,\"x\",null,true,{\"d\":false}]},\"n\":null,"
      "\"zero\":\"a\xc3\xa9\"}" },
    { "a part of it", "return { part = record.b.c[6] }", "{\"part\":{\"d\":false}}" },
    { "two looks at one part are equal", "return { record.b == record.b, record.b == record }",
      "[true,false]" },
    { "table functions read it", "return table.concat({ table.unpack(record.b.c, 1, 3) }, ' ')",
      "\"1 2.5 x\"" },
    { "tostring tells no address", "return tostring(record) .. ', ' .. tostring(record.b.c)",
      "\"part of the record, list of the record\"" },
};

static const struct {
    const char *name, *body, *want;
} touches[] = {
    { "a new field", "record.x = 1", "the record is read only" },
    { "a field in it", "record.b.c = nil", "the record is read only" },
    { "a list in it", "table.insert(record.b.c, 1)", "the record is read only" },
    { "rawset", "rawset(record, 'a', 1)", "table expected" },
    { "its metatable", "getmetatable(record).__index = nil", "attempt to index a boolean value" },
    { "a text of it as a table", "return record.a.b.c", "attempt to index a nil value (field 'b')" },
};

static void records_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(looks); i++)
        fixture_returns(looks[i].name, looks[i].body, document, looks[i].want);
    for (size_t i = 0; i < ROWS(touches); i++)
        fixture_fails(touches[i].name, touches[i].body, document, touches[i].want);
}

static void parts_of_an_earlier_record_are_gone(void **state)
{
    (void)state;
    static const char *const uses[] = { "return kept.part.a",
                                        "return #kept.part",
                                        "return kept.part",
                                        "return { kept.part }",
                                        "for _ in pairs(kept.part) do end",
                                        "return tostring(kept.part)",
                                        "return kept.step(kept.part)",
                                        "return kept.part == record" };
    for (size_t i = 0; i < ROWS(uses); i++) {
        char text[512];
        struct sb_error err = SB_ERROR_INIT;
        (void)snprintf(
            text, sizeof(text),
            "kept = {} function keep(record) kept.part = record.b kept.step = pairs(record.b) return 1 end\n"
            "function use(record) %s end",
            uses[i]);
        struct script *script = fixture_load(text, NULL);
        char *got = fixture_call(script, "keep", document, &err);
        CHECK_STR(uses[i], "1", got);
        free(got);
        got = fixture_call(script, "use", document, &err);
        if (got || !strstr(err.text, "a part of an earlier record was kept"))
            fail_msg("[%s] %s", uses[i], got ? got : err.text);
        script_free(script);
    }
}

static void arguments_are_plain_tables(void **state)
{
    (void)state;
    struct sb_error err = SB_ERROR_INIT;
    struct script *script =
        fixture_load("function f(record, o) o.list[4] = 'new' o.x = #o.list return o end", NULL);
    json_t *argument = json_loads("{\"list\": [1, \"two\", 3.5], \"deep\": {\"b\": true}}", 0, NULL),
           *got = NULL;

    assert_int_equal(script_call(script, "f", NULL, argument, 0, 0, &got, &err), 0);
    json_t *want =
        json_loads("{\"list\": [1, \"two\", 3.5, \"new\"], \"deep\": {\"b\": true}, \"x\": 4}", 0, NULL);
    assert_true(json_equal(want, got));
    assert_int_equal(json_array_size(json_object_get(argument, "list")), 3);
    json_decref(want);
    json_decref(got);
    json_decref(argument);
    script_free(script);
}

/* ---- results ------------------------------------------------------------------------------------------- */

static const struct {
    const char *name, *body, *want;
} results[] = {
    { "nothing", "", "null" },
    { "nil", "return nil", "null" },
    { "texts with zeros", "return 'a\\0b'", "\"a\\u0000b\"" },
    { "whole numbers", "return { 1, -1, math.maxinteger, math.mininteger }",
      "[1,-1,9223372036854775807,-9223372036854775808]" },
    { "other numbers", "return { 1.5, -0.25, 2^70 }", "[1.5,-0.25,1.1805916207174113e21]" },
    { "a list", "return { 'a', { 'b' }, {} }", "[\"a\",[\"b\"],{}]" },
    { "nested tables", "return { a = { b = { c = { 1, { d = true } } } } }",
      "{\"a\":{\"b\":{\"c\":[1,{\"d\":true}]}}}" },
    { "one table twice", "local t = { 1 } return { t, t }", "[[1],[1]]" },
    { "only the first of several", "return 1, 2, 3", "1" },
    { "64 levels",
      "local t = {} local top = t for _ = 1, 62 do t[1] = {} t = t[1] end t[1] = 'x' return #top", "1" },
};

static const struct {
    const char *name, *body, *want;
} no_data[] = {
    { "a function", "return print", "the result has a function, which is no data" },
    { "a function in a field", "return { a = { cb = print } }",
      "the result has a function in field cb, which is no data" },
    { "a cycle", "local t = {} t.t = t return t", "nested deeper than 64, or contains itself" },
    { "a cycle of lists", "local t = {} t[1] = t return t", "nested deeper than 64, or contains itself" },
    { "too deep", "local t = 1 for _ = 1, 66 do t = { t } end return t", "nested deeper than 64" },
    { "not a number", "return 0/0", "a number that is not finite" },
    { "endless", "return { x = 1/0 }", "a number that is not finite" },
    { "no UTF-8", "return 'a\\255'", "text that is not UTF-8" },
    { "no UTF-8 in a field", "return { name = '\\xed\\xa0\\x80' }", "text that is not UTF-8 in field name" },
    { "a name that is no UTF-8", "return { ['\\255'] = 1 }", "a field name that is not UTF-8" },
    { "a name with a zero", "return { ['a\\0b'] = 1 }", "a field name that is not UTF-8" },
    { "a list with names", "return { 1, 2, x = 3 }", "both a list and names" },
    { "a list with a hole", "return { 1, nil, 3 }", "both a list and names" },
    { "a list from zero", "return { [0] = 1, [1] = 2 }", "both a list and names" },
    { "a key that is true", "return { [true] = 1 }", "both a list and names" },
    { "one table a billion times", "local t = { 1, 2 } for _ = 1, 40 do t = { t, t } end return t", "" },
    { "the record many times", "local t = {} for i = 1, 400000 do t[i] = record end return t",
      "larger than the memory" },
};

static void results_are_data(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(results); i++)
        fixture_returns(results[i].name, results[i].body, NULL, results[i].want);
    for (size_t i = 0; i < ROWS(no_data); i++)
        fixture_fails(no_data[i].name, no_data[i].body, document, no_data[i].want);
}

/* ---- errors -------------------------------------------------------------------------------------------- */

static const struct {
    const char *name, *text, *want; /* behind the path of the file */
} faults[] = {
    { "syntax", "function f()\n  return 1 +\nend", ":3: unexpected symbol near 'end'" },
    { "unfinished", "function f()", ":1: 'end' expected near <eof>" },
    { "an error of the main chunk", "local x\n\nx.y = 1", ":3: attempt to index a nil value (local 'x')" },
    { "an error text of the main chunk", "error('no rules')", ":1: no rules" },
    { "an error table of the main chunk", "\nerror({})", ":2: the script raised a table instead of a text" },
    { "byte code", "\033LuaT", ": attempt to load a binary chunk (mode is 't')" },
    { "a missing library", "\nlocal x = sb.lib('none')", ":2: cannot load library 'none': " },
    { "a library outside of its folder", "sb.lib('../secret')",
      ":1: bad argument #1 to 'lib' (a name of a-z, 0-9 and _)" },
};

static void faulty_files_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(faults); i++) {
        struct sb_error err = SB_ERROR_INIT;
        struct script *script = NULL;
        CHECK_INT(faults[i].name, SB_EINPUT, fixture_try(faults[i].text, NULL, &script, &err));
        assert_null(script);
        char *name = strstr(err.text, ".lua");
        if (!name || strncmp(name + 4, faults[i].want, strlen(faults[i].want)) != 0 ||
            strncmp(err.text, TEST_BINARY_DIR, strlen(TEST_BINARY_DIR)) != 0)
            fail_msg("[%s] says: %s", faults[i].name, err.text);
    }
    struct sb_error err = SB_ERROR_INIT;
    struct script *script = NULL;
    CHECK_INT("no file", SB_ECONFIG, script_load("/nowhere/rules.lua", NULL, NULL, NULL, &script, &err));
    assert_non_null(strstr(err.text, "/nowhere/rules.lua"));
}

static const struct {
    const char *name, *body, *want;
} errors[] = {
    { "a text", "error('wrong')", ".lua:2: wrong" },
    { "a text without a place", "error('wrong', 0)", ".lua:2: wrong" },
    { "a number", "error(42)", ".lua:2: 42" },
    { "nil", "error(nil)", ".lua:2: the script raised a nil instead of a text" },
    { "a table", "\nerror({ secret = 1 })", ".lua:3: the script raised a table instead of a text" },
    { "a table with __tostring", "error(setmetatable({}, { __tostring = function() return 'mine' end }))",
      ".lua:2: mine" },
    { "a fault", "local x = nil\nreturn x.y", ".lua:3: attempt to index a nil value (local 'x')" },
    { "a fault in another function", "local function g(x)\n return x + 1\n end\n return g({})",
      ".lua:3: attempt to perform arithmetic on a table value (local 'x')" },
    { "assert", "assert(false, 'must be')", ".lua:2: must be" },
    { "a fault of a library", "return ('x'):rep({})", ".lua:2: bad argument #1 to 'rep'" },
    { "a failing __tostring", "error(setmetatable({}, { __tostring = function() error('deep') end }))",
      "deep" },
};

static void errors_name_the_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(errors); i++)
        fixture_fails(errors[i].name, errors[i].body, NULL, errors[i].want);

    struct sb_error err = SB_ERROR_INIT;
    struct script *script = fixture_load("x = 5", NULL);
    assert_null(fixture_call(script, "f", NULL, &err));
    assert_non_null(strstr(err.text, ".lua: there is no function 'f'"));
    assert_null(fixture_call(script, "x", NULL, &err));
    assert_non_null(strstr(err.text, "there is no function 'x'"));
    assert_true(!script_has(script, "f"));
    assert_true(!script_has(script, "x"));
    assert_true(script_has(script, "pairs"));
    script_free(script);
}

/* An error leaves the state as it was; an abort makes a new one from the file as it was when it was loaded. */
static void scripts_go_on_after_an_error(void **state)
{
    (void)state;
    struct sb_error err = SB_ERROR_INIT;
    const struct script_limits limits = { .instructions_max = 200000 };
    struct script *script = fixture_load("n = { 0 } r = math.random(1000000)\n"
                                         "function f() n[1] = n[1] + 1 if n[1] == 2 then error('two') end\n"
                                         "if n[1] == 3 then while true do end end return n[1] end\n"
                                         "function chance() return { r, math.random(1000000), sb.now() } end",
                                         &limits);
    char *before = fixture_call(script, "chance", NULL, &err);
    static const char *const wants[] = { "1", NULL, NULL, "1" };
    for (size_t i = 0; i < ROWS(wants); i++) {
        char *got = fixture_call(script, "f", NULL, &err);
        CHECK_STR("call", wants[i], got);
        free(got);
    }
    free(fixture_call(script, "f", NULL, &err)); /* two: an error */
    free(fixture_call(script, "f", NULL, &err)); /* three: an abort */
    assert_true(script_has(script, "f"));
    free(fixture_call(script, "f", NULL, &err));
    char *after = fixture_call(script, "chance", NULL, &err);
    CHECK_STR("chance is the same in a new state", before, after);
    free(before);
    free(after);
    script_free(script);
}

/* ---- determinism --------------------------------------------------------------------------------------- */

static const char busy[] = "local LIST = {} for i = 1, 200 do LIST['key' .. i] = { i, name = nil } end\n"
                           "function f(record)\n"
                           "  local out = { order = {}, chance = {}, text = tostring(LIST) .. tostring(f) }\n"
                           "  for k, v in pairs(LIST) do out.order[#out.order + 1] = k .. tostring(v) end\n"
                           "  for i = 1, 20 do out.chance[i] = math.random() end\n"
                           "  local t = {} for k in pairs(record) do t[#t + 1] = k end\n"
                           "  table.sort(t, function(a, b) return #a < #b end) out.sorted = t\n"
                           "  local first = next(LIST) out.first = first\n"
                           "  out.bad = select(2, pcall(function() return {} .. 'x' end))\n"
                           "  return out\n"
                           "end";

static void two_states_answer_alike(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_MAX], *first = NULL;
    json_t *record = json_loads("{\"bb\": 1, \"a\": 2, \"cc\": 3, \"ddd\": 4, \"e\": 5}", 0, NULL);

    fixture_write(busy, strlen(busy), path);
    for (int i = 0; i < 6; i++) {
        struct sb_error err = SB_ERROR_INIT;
        struct script *script = NULL;
        json_t *result = NULL;
        free(malloc((size_t)1000 * (size_t)(i + 1))); /* other addresses */
        assert_int_equal(script_load(path, NULL, NULL, NULL, &script, &err), 0);
        for (int call = 0; call < 2; call++) {
            if (script_call(script, "f", record, NULL, 99, 5, &result, &err) < 0)
                fail_msg("%s", err.text);
            char *text = json_dumps(result, JSON_COMPACT); /* not sorted: the order of fields counts */
            json_decref(result);
            if (!first)
                first = strdup(text);
            CHECK_STR("answer", first, text);
            free(text);
        }
        assert_int_equal(script_call(script, "f", record, NULL, 100, 5, &result, &err), 0);
        char *other = json_dumps(result, JSON_COMPACT);
        assert_string_not_equal(first, other); /* another seed, another chance */
        free(other);
        json_decref(result);
        script_free(script);
    }
    assert_non_null(strstr(first, "\"sorted\":[\"a\",\"e\",\"bb\",\"cc\",\"ddd\"]"));
    free(first);
    json_decref(record);
    assert_int_equal(unlink(path), 0);
}

/* ---- libraries ----------------------------------------------------------------------------------------- */

static void libraries_are_loaded(void **state)
{
    (void)state;
    char dir[] = TEST_BINARY_DIR "/script-lib-XXXXXX", path[FIXTURE_PATH_MAX];
    struct sb_error err = SB_ERROR_INIT;
    struct script *script = NULL;

    assert_non_null(mkdtemp(dir));
    static const struct {
        const char *name, *text;
    } files[] = {
        { "good.lua", "local M = {} function M.twice(x) return x * 2 end return M" },
        { "bad.lua", "return 1 +" },
        { "top.lua", "return { twice = sb.lib('good').twice }" },
    };
    for (size_t i = 0; i < ROWS(files); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, files[i].name);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_true(fputs(files[i].text, file) >= 0);
        assert_int_equal(fclose(file), 0);
    }
    char rules[FIXTURE_PATH_MAX];
    static const char text[] = "local lib = sb.lib('top') function f() return lib.twice(21) end";
    fixture_write(text, strlen(text), rules);
    if (script_load(rules, dir, NULL, NULL, &script, &err) < 0)
        fail_msg("%s", err.text);
    char *got = fixture_call(script, "f", NULL, &err);
    CHECK_STR("through two libraries", "42", got);
    free(got);
    script_free(script);
    CHECK_INT("no folder", SB_EINPUT, script_load(rules, NULL, NULL, NULL, &script, &err));
    assert_non_null(strstr(err.text, "this script has no lib folder"));
    assert_int_equal(unlink(rules), 0);
    static const char broken[] = "local lib = sb.lib('bad')";
    fixture_write(broken, strlen(broken), rules);
    err = (struct sb_error)SB_ERROR_INIT;
    CHECK_INT("a broken library", SB_EINPUT, script_load(rules, dir, NULL, NULL, &script, &err));
    if (!strstr(err.text, "bad.lua:1: unexpected symbol near <eof>"))
        fail_msg("%s", err.text);
    assert_int_equal(unlink(rules), 0);
    for (size_t i = 0; i < ROWS(files); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, files[i].name);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_read),
        cmocka_unit_test(parts_of_an_earlier_record_are_gone),
        cmocka_unit_test(arguments_are_plain_tables),
        cmocka_unit_test(results_are_data),
        cmocka_unit_test(faulty_files_are_refused),
        cmocka_unit_test(errors_name_the_place),
        cmocka_unit_test(scripts_go_on_after_an_error),
        cmocka_unit_test(two_states_answer_alike),
        cmocka_unit_test(libraries_are_loaded),
    };

    script_free(NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

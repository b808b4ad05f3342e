/* Limits stick: no pcall, metamethod, handler, comparator or library function gets past them. */
#include "script_fixture.h"

static const struct {
    const char *name, *body;
} endless[] = {
    { "a loop", "while true do end" },
    { "a loop in a loop", "for _ = 1, 1e9 do for _ = 1, 1e9 do end end" },
    { "goto", "::again:: goto again" },
    { "recursion by tail calls", "local function g() return g() end return g()" },
    { "pcall around a loop", "return pcall(function() while true do end end)" },
    { "pcall again and again", "while true do pcall(function() while true do end end) end" },
    { "pcall in pcall", "return pcall(pcall, pcall, function() while true do pcall(function() while true do "
                        "end end) end end)" },
    { "pcall that goes on", "pcall(function() while true do end end) return 'got away'" },
    { "xpcall that goes on",
      "xpcall(function() while true do end end, function() return 1 end) return 'got away'" },
    { "a handler that loops", "xpcall(error, function() while true do end end) return 'got away'" },
    { "a handler that fails",
      "xpcall(function() while true do end end, function() error('x') end) return 1" },
    { "__index", "return setmetatable({}, { __index = function() while true do end end }).x" },
    { "__index of itself",
      "local t = setmetatable({}, { __index = function(t, k) return t[k .. 'x'] end }) pcall(function() "
      "return t.x end) while true do end" },
    { "__newindex", "setmetatable({}, { __newindex = function() while true do end end }).x = 1" },
    { "__call", "return setmetatable({}, { __call = function() while true do end end })()" },
    { "__eq", "local m = { __eq = function() while true do end end } return setmetatable({}, m) == "
              "setmetatable({}, m)" },
    { "__lt in sort",
      "local m = { __lt = function() while true do end end } table.sort({ setmetatable({}, m), "
      "setmetatable({}, m) })" },
    { "__len", "return #setmetatable({}, { __len = function() while true do end end })" },
    { "__tostring", "return tostring(setmetatable({}, { __tostring = function() while true do end end }))" },
    { "__concat", "return setmetatable({}, { __concat = function() while true do end end }) .. 'x'" },
    { "__close", "local x <close> = setmetatable({}, { __close = function() while true do end end })" },
    { "__close behind an abort", "pcall(function() local x <close> = setmetatable({}, { __close = function() "
                                 "error('other') end }) while true do end end)"
                                 " return 'got away'" },
    { "__pairs", "for _ in pairs(setmetatable({}, { __pairs = function() while true do end end })) do end" },
    { "an error object", "error(setmetatable({}, { __tostring = function() while true do end end }))" },
    { "an iterator", "for _ in function() return 1 end do end" },
    { "sort with a comparator that loops", "table.sort({ 3, 2, 1 }, function() while true do end end)" },
    { "sort with a comparator that lies for ever", "local t = {} for i = 1, 1000 do t[i] = i end while true "
                                                   "do table.sort(t, function() return true end) end" },
    { "sort of a made-up length",
      "table.sort(setmetatable({}, { __len = function() return 1 << 60 end, __index = "
      "function(_, i) return i end, __newindex = function() end }))" },
    { "gsub with a callback",
      "return (string.gsub(string.rep('a', 100), '.', function() while true do end end))" },
    { "string.rep in a loop", "while true do local _ = string.rep('x', 10000000) end" },
    { "concatenation in a loop", "local s = string.rep('x', 5000000) while true do local _ = s .. 'y' end" },
    { "upper in a loop", "local s = string.rep('x', 5000000) while true do local _ = s:upper() end" },
    { "table.move of a made-up span", "table.move({}, 1, 1 << 60, 2)" },
    { "table.insert of a made-up length",
      "table.insert(setmetatable({}, { __len = function() return 1 << 60 end }), 1, 'x')" },
    { "table.remove of a made-up length",
      "table.remove(setmetatable({}, { __len = function() return 1 << 60 end }), 1)" },
    { "table.concat of made-up items",
      "return table.concat(setmetatable({}, { __index = table.concat }), '', 1, 1 << 60)" },
    { "next in a loop", "local t = {} for i = 1, 10000 do t[i] = i end while true do next(t) end" },
    { "sb.words in a loop", "local s = string.rep('x ', 100000) while true do sb.words(s) end" },
    { "sb.html in a loop", "local s = string.rep('<', 100000) while true do sb.html(s) end" },
    { "sb.lower in a loop", "local s = string.rep('X', 100000) while true do sb.lower(s) end" },
    { "sb.cut in a loop", "local s = string.rep('X', 100000) while true do sb.cut(s, 10) end" },
    { "sb.digits in a loop", "local s = string.rep('1', 100000) while true do sb.digits(s) end" },
    { "walking the record", "while true do for _ in pairs(record) do end end" },
};

/* What a script must be able to do after another call was stopped. */
static void check_goes_on(const char *name, struct script *script)
{
    struct sb_error err = SB_ERROR_INIT;
    char *got = fixture_call(script, "fine", NULL, &err);

    if (!got)
        fail_msg("[%s] the next call fails: %s", name, err.text);
    CHECK_STR(name, "\"fine\"", got);
    free(got);
}

static struct script *load_with_fine(const char *body, const struct script_limits *limits)
{
    static char text[4096];

    assert_in_range(
        snprintf(text, sizeof(text), "function f(record)\n%s\nend\nfunction fine() return 'fine' end", body),
        1, sizeof(text) - 1);
    return fixture_load(text, limits);
}

static void endless_scripts_are_stopped(void **state)
{
    (void)state;
    const struct script_limits limits = { .instructions_max = 3000000 };

    for (size_t i = 0; i < ROWS(endless); i++) {
        struct sb_error err = SB_ERROR_INIT;
        struct script *script = load_with_fine(endless[i].body, &limits);
        char *got = fixture_call(script, "f", "{\"a\": 1}", &err);
        if (got)
            fail_msg("[%s] returned %s", endless[i].name, got);
        if (!strstr(err.text, "took longer than it may") || !strstr(err.text, ".lua:"))
            fail_msg("[%s] says: %s", endless[i].name, err.text);
        CHECK_INT(endless[i].name, SB_EINPUT, err.status);
        check_goes_on(endless[i].name, script);
        script_free(script);
    }
}

static const struct {
    const char *name, *body;
} greedy[] = {
    { "a table that grows", "local t = {} while true do t[#t + 1] = {} end" },
    { "a text that doubles", "local s = 'x' while true do s = s .. s end" },
    { "string.rep", "return #string.rep('x', 1 << 30)" },
    { "string.rep with a separator", "return #string.rep('', 1 << 29, 'xx')" },
    { "string.format", "local t = {} for i = 1, 1e7 do t[i] = string.format('%099d', i) end" },
    { "table.concat",
      "local t = {} for i = 1, 20 do t[i] = string.rep('x', 1 << 18) end return #table.concat(t)" },
    { "gsub", "return #string.gsub(string.rep('x', 100000), 'x', string.rep('y', 1000))" },
    { "pcall around", "pcall(string.rep, 'x', 1 << 30) return 'got away'" },
    { "pcall again and again",
      "while true do pcall(function() local t = {} while true do t[#t + 1] = {} end end) end" },
    { "__close behind it", "pcall(function() local x <close> = setmetatable({}, { __close = function() "
                           "error('other') end }) return "
                           "string.rep('x', 1 << 30) end) return 'got away'" },
    { "closures", "local t = {} for i = 1, 1e7 do t[i] = function() return i end end" },
    { "views of the record", "local t = {} for i = 1, 1e7 do t[i] = record.a end" },
};

static void greedy_scripts_are_stopped(void **state)
{
    (void)state;
    const struct script_limits limits = { .memory_max = (size_t)4 * 1024 * 1024,
                                          .instructions_max = 200000000 };

    for (size_t i = 0; i < ROWS(greedy); i++) {
        struct sb_error err = SB_ERROR_INIT;
        struct script *script = load_with_fine(greedy[i].body, &limits);
        char *got = fixture_call(script, "f", "{\"a\": {}}", &err);
        if (got)
            fail_msg("[%s] returned %s", greedy[i].name, got);
        if (!strstr(err.text, "used more memory than it may") || !strstr(err.text, ".lua:2: "))
            fail_msg("[%s] says: %s", greedy[i].name, err.text);
        CHECK_INT(greedy[i].name, SB_EINPUT, err.status);
        check_goes_on(greedy[i].name, script);
        script_free(script);
    }
}

/* What is garbage by then is not held against a script. */
static void garbage_does_not_count(void **state)
{
    (void)state;
    const struct script_limits limits = { .memory_max = (size_t)3 * 1024 * 1024 };
    struct sb_error err = SB_ERROR_INIT;
    struct script *script = load_with_fine(
        "local n = 0 for i = 1, 200 do n = n + #string.rep('x', 900000 + i) end return n", &limits);
    char *got = fixture_call(script, "f", NULL, &err);

    CHECK_STR(err.text, "180020100", got);
    free(got);
    script_free(script);
}

/* A script that gives an error and one that ends within the limits are told apart from one that was stopped. */
static void limits_leave_other_errors_alone(void **state)
{
    (void)state;
    fixture_returns("pcall catches errors", "local ok, text = pcall(error, 'mine', 0) return { ok, text }",
                    NULL, "[false,\"mine\"]");
    fixture_returns("pcall passes results on", "return { pcall(function(a, b) return b, a end, 1, 2) }", NULL,
                    "[true,2,1]");
    fixture_returns(
        "xpcall handles errors",
        "return { xpcall(function(a) error('x' .. a, 0) end, function(e) return e .. '!' end, 'y') }", NULL,
        "[false,\"xy!\"]");
    fixture_returns("xpcall passes results on",
                    "return { xpcall(function(...) return ... end, print, 1, 2) }", NULL, "[true,1,2]");
    fixture_fails("deep recursion ends", "local function g(n) return 1 + g(n) end return (pcall(g, 1))", NULL,
                  "used more memory than it may");
    fixture_returns("C recursion is an error",
                    "local function g() return (string.gsub('x', 'x', g)) end return (pcall(g))", NULL,
                    "false");
}

static void main_chunk_has_limits_too(void **state)
{
    (void)state;
    struct script *script = NULL;
    static const struct {
        const char *text, *want;
        size_t memory_max;
    } chunks[] = {
        { "x = 1\nwhile true do end", ".lua:2: the script took longer than it may", 0 },
        { "x = string.rep('x', 1 << 30)", ".lua:1: the script used more memory than it may", 1 << 20 },
        { "pcall(function()\nwhile true do end end)", ".lua:2: the script took longer than it may", 0 },
        { "x = 1", "the script used more memory than it may", 8000 },
    };
    for (size_t i = 0; i < ROWS(chunks); i++) {
        const struct script_limits limits = { .instructions_max = 1000000,
                                              .memory_max = chunks[i].memory_max };
        struct sb_error err = SB_ERROR_INIT;
        CHECK_INT(chunks[i].text, SB_EINPUT, fixture_try(chunks[i].text, &limits, &script, &err));
        if (!strstr(err.text, chunks[i].want))
            fail_msg("[%s] says: %s", chunks[i].text, err.text);
    }
    assert_null(script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endless_scripts_are_stopped), cmocka_unit_test(greedy_scripts_are_stopped),
        cmocka_unit_test(garbage_does_not_count),      cmocka_unit_test(limits_leave_other_errors_alone),
        cmocka_unit_test(main_chunk_has_limits_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

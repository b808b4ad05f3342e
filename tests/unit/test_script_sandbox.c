/* The sandbox: what scripts find, what they do not, and what the sb helpers answer. */
#include "script_fixture.h"

/* ---- the sandbox --------------------------------------------------------------------------------------- */

static const char *const forbidden[] = {
    "os",     "io",      "package", "debug",    "coroutine",      "load",   "loadstring",  "loadfile",
    "dofile", "require", "warn",    "_VERSION", "collectgarbage", "module", "string.dump", "string.execute",
};

static void forbidden_names_are_nil(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(forbidden); i++) {
        char body[128];
        (void)snprintf(body, sizeof(body), "return %s == nil", forbidden[i]);
        fixture_returns(forbidden[i], body, NULL, "true");
    }
}

static void only_known_names_are_there(void **state)
{
    (void)state;
    fixture_returns("globals",
                    "local names = {} for name in pairs(_G) do names[#names + 1] = name end return "
                    "table.concat(names, ' ')",
                    NULL,
                    "\"_G assert error f getmetatable ipairs math next pairs pcall print rawequal rawget "
                    "rawlen rawset sb "
                    "select setmetatable string table tonumber tostring type utf8 xpcall\"");
    fixture_returns(
        "sb", "local names = {} for name in pairs(sb) do names[#names + 1] = name end return names", NULL,
        "[\"cut\",\"digits\",\"html\",\"lib\",\"local_time\",\"log\",\"lower\",\"now\",\"words\"]");
}

static const struct {
    const char *name, *body, *want;
} refused[] = {
    { "a new global", "leak = 1", "assignment to global 'leak' inside a call: write 'local leak'" },
    { "an old global", "f = 1", "assignment to global 'f' inside a call" },
    { "a global made nil", "f = nil", "assignment to global 'f' inside a call" },
    { "a global by _G", "_G.leak = 1", "assignment to global 'leak'" },
    { "a global by rawset", "rawset(_G, 'leak', 1)", "cannot be changed by rawset" },
    { "a global by a number", "_G[1] = 1", "assignment to global '1'" },
    { "a library function", "string.upper = nil", "'upper' belongs to a library and cannot be changed" },
    { "a new library function", "table.last = function() end", "'last' belongs to a library" },
    { "a library function by rawset", "rawset(string, 'upper', nil)", "cannot be changed by rawset" },
    { "sb", "sb.now = nil", "'now' belongs to a library" },
    { "the metatable of the globals", "setmetatable(_G, nil)", "cannot change a protected metatable" },
    { "the metatable of a library", "setmetatable(string, {})", "cannot change a protected metatable" },
    { "the metatable of texts", "getmetatable('').__index = {}", "attempt to index a boolean value" },
    { "a finalizer", "setmetatable({}, { __gc = function() end })", "__gc is not available to scripts" },
    { "a weak table", "setmetatable({}, { __mode = 'k' })", "__mode is not available to scripts" },
    { "an address by %p", "return string.format('%p', {})", "'%p' is not available to scripts" },
    { "an address by %p behind a zero", "return string.format('\\0%p', 'x')",
      "'%p' is not available to scripts" },
    { "an address by %p with a width", "return ('%-20p'):format({})", "'%p' is not available to scripts" },
    { "binary code", "return string.dump(f)", "attempt to call a nil value (field 'dump')" },
    { "walking keys without an order", "for _ in pairs({ [{}] = 1 }) do end",
      "cannot be walked in a fixed order" },
    { "next without an order", "return next({ [print] = 1 })", "cannot be walked in a fixed order" },
    { "an iterator on another value", "local step = pairs({ 1 }) step(5)", "table expected, got number" },
    { "an iterator on nothing", "local step = pairs({ 1 }) step()", "table expected, got no value" },
    { "a library in a call", "return sb.lib('x')", "sb.lib('x') belongs at the top of the file" },
};

static void what_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(refused); i++)
        fixture_fails(refused[i].name, refused[i].body, NULL, refused[i].want);
}

static const struct {
    const char *name, *body, *want;
} sandbox_answers[] = {
    { "tostring tells no address", "return { tostring({}), tostring(print), tostring(f), ('%s'):format({}) }",
      "[\"table\",\"function\",\"function\",\"table\"]" },
    { "tostring uses __tostring",
      "return tostring(setmetatable({}, { __tostring = function() return 'me' end }))", "\"me\"" },
    { "tostring of plain values",
      "return { tostring(1), tostring(1.5), tostring('x'), tostring(nil), tostring(true) }",
      "[\"1\",\"1.5\",\"x\",\"nil\",\"true\"]" },
    { "format", "return ('%d %5.2f %s %q %x %%'):format(7, 1.5, 'x', 'y', 255)",
      "\"7  1.50 x \\\"y\\\" ff %\"" },
    { "pairs in the order of keys",
      "local s = '' for k in pairs({ b = 1, a = 1, [2] = 1, [1] = 1, [true] = 1, [1.5] = 1, [-1] = 1 }) do s "
      "= s .. "
      "tostring(k) .. ' ' end return s",
      "\"-1 1 1.5 2 a b true \"" },
    { "pairs skips what the loop removed",
      "local t, s = { a = 1, b = 2, c = 3 }, '' for k in pairs(t) do s = s .. k t.b = nil end return s",
      "\"ac\"" },
    { "pairs uses __pairs",
      "local s = '' for k in pairs(setmetatable({}, { __pairs = function() return ipairs({ 'x' }) end })) do "
      "s = s .. k end "
      "return s",
      "\"1\"" },
    { "next in the order of keys",
      "local t = { b = 1, a = 2 } return { next(t), (next(t, 'a')), next(t, 'b') == nil }",
      "[\"a\",\"b\",true]" },
    { "next of nothing", "return next({}) == nil", "true" },
    { "sort is stable",
      "local t = { 'b1', 'a1', 'b2', 'a2', 'c1', 'a3', 'b3' } table.sort(t, function(a, b) return a:sub(1, "
      "1) < b:sub(1, 1) "
      "end) return table.concat(t, ' ')",
      "\"a1 a2 a3 b1 b2 b3 c1\"" },
    { "sort without a function", "local t = { 3, 1, 2.5, -1 } table.sort(t) return t", "[-1,1,2.5,3]" },
    { "sort of long lists",
      "local t = {} for i = 1, 1000 do t[i] = i * 7919 % 1009 end table.sort(t) for i = 2, 1000 do if t[i] < "
      "t[i - 1] then "
      "return i end end return 'sorted'",
      "\"sorted\"" },
    { "random is seeded by the call",
      "math.randomseed(5) local a = math.random(100) math.randomseed(5) return a == "
      "math.random(100)",
      "true" },
    { "random stays in its range",
      "for _ = 1, 1000 do local r = math.random(3, 5) if r < 3 or r > 5 then return r end local x = "
      "math.random() if x < 0 "
      "or x >= 1 then return x end end return 'ok'",
      "\"ok\"" },
    { "random over all numbers",
      "return math.type(math.random(0)) .. math.type(math.random(math.mininteger, "
      "math.maxinteger))",
      "\"integerinteger\"" },
    { "random of nothing", "return pcall(math.random, 2, 1)", "false" },
    { "rawset of own tables", "local t = setmetatable({}, { __newindex = error }) rawset(t, 'a', 1) return t",
      "{\"a\":1}" },
    { "getmetatable of what is frozen", "return { getmetatable(_G), getmetatable(string), getmetatable('') }",
      "[false,false,false]" },
    { "methods of texts", "return ('Ab'):upper() .. ('x'):rep(3, '-') .. #('abc')", "\"ABx-x-x3\"" },
    { "table.concat",
      "return { table.concat({ 1, 2, 'x' }, ', '), table.concat({}), table.concat({ 1, 2, 3 }, '', 2, 3) }",
      "[\"1, 2, x\",\"\",\"23\"]" },
    { "table.concat of no text",
      "return select(2, pcall(table.concat, { {} })):match('invalid value %(at index 1%)')",
      "\"invalid value (at index 1)\"" },
    { "table.insert, remove and move",
      "local t = { 1, 2 } table.insert(t, 3) table.insert(t, 1, 0) table.remove(t) table.remove(t, 1) return "
      "table.move(t, 1, 2, 2)",
      "[1,1,2]" },
    { "table.unpack and pack", "return table.pack(table.unpack({ 1, 2 })).n", "2" },
    { "string.rep of nothing", "return ('').rep('', 1 << 60) .. ('x'):rep(-1) .. ('x'):rep(0)", "\"\"" },
    { "utf8", "return { utf8.char(0x20AC), utf8.len('h\xc3\xa9'), #utf8.char(0x1F600) }",
      "[\"\xe2\x82\xac\",2,4]" },
    { "print goes nowhere but to the log", "return print('x', {}, nil) == nil", "true" },
    { "now is the time of the call", "return sb.now()", "1773133200000" },
    { "the argument is nil without one", "return argument == nil", "true" },
    { "record is nil without one", "return record == nil", "true" },
};

static void what_the_sandbox_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(sandbox_answers); i++)
        fixture_returns(sandbox_answers[i].name, sandbox_answers[i].body, NULL, sandbox_answers[i].want);
}

/* ---- sb ------------------------------------------------------------------------------------------------ */

static const struct {
    const char *name, *body, *want;
} helpers[] = {
    { "html", "return sb.html('<a href=\"x\">\\'&\\n')", "\"&lt;a href=&quot;x&quot;&gt;&#39;&amp;<br>\"" },
    { "html of nil", "return sb.html(nil)", "\"\"" },
    { "cut leaves short texts", "return sb.cut('abc', 3)", "\"abc\"" },
    { "cut counts the mark", "return sb.cut('abcd', 3)", "\"ab\xe2\x80\xa6\"" },
    { "cut counts characters", "return sb.cut('h\xc3\xa9h\xc3\xa9h', 4)", "\"h\xc3\xa9h\xe2\x80\xa6\"" },
    { "cut leaves no space before the mark", "return sb.cut('ab cd', 4)", "\"ab\xe2\x80\xa6\"" },
    { "cut to one", "return sb.cut('abc', 1)", "\"\xe2\x80\xa6\"" },
    { "lower", "return sb.lower('ABC \xc3\x89\xce\xa9\xd0\x96')", "\"abc \xc3\xa9\xcf\x89\xd0\xb6\"" },
    { "lower mends", "return sb.lower('A\\255B')",
      "\"a\xef\xbf\xbd"
      "b\"" },
    { "words", "return sb.words('Don\\'t  panic, Jos\xc3\x89! 24x7')",
      "[\"don't\",\"panic\",\"jos\xc3\xa9\",\"24x7\"]" },
    { "words with a typographic apostrophe", "return sb.words('isn\xe2\x80\x99t')", "[\"isn't\"]" },
    { "words keep Hindi together",
      "return sb.words('\xe0\xa4\xae\xe0\xa5\x81\xe0\xa4\x9d\xe0\xa5\x87 "
      "\xe0\xa4\xb0\xe0\xa4\xbf\xe0\xa4\xab\xe0\xa4\x82\xe0"
      "\xa4\xa1\xe0\xa5\xa4')",
      "[\"\xe0\xa4\xae\xe0\xa5\x81\xe0\xa4\x9d\xe0\xa5\x87\","
      "\"\xe0\xa4\xb0\xe0\xa4\xbf\xe0\xa4\xab\xe0\xa4\x82\xe0\xa4\xa1\"]" },
    { "words of quotes", "return sb.words(\"'tis the dogs' 'x'\")", "[\"tis\",\"the\",\"dogs\",\"x\"]" },
    { "words of nothing", "return #sb.words('') + #sb.words(' ,.! ')", "0" },
    { "digits", "return sb.digits('+91 (555) 01-00 x')", "\"915550100\"" },
    { "local_time of a text", "return sb.local_time('2026-03-10T09:00:11Z', 330)", "\"2026-03-10 14:30\"" },
    { "local_time of a number", "return sb.local_time(0)", "\"1970-01-01 00:00\"" },
    { "local_time of nonsense",
      "return { sb.local_time('soon') == nil, sb.local_time() == nil, sb.local_time(-1) == nil }",
      "[true,true,true]" },
    { "local_time of the far future", "return sb.local_time(math.maxinteger, 60) == nil", "true" },
    { "local_time of an odd zone", "return pcall(sb.local_time, 0, math.maxinteger)", "false" },
    { "cut of nothing", "return pcall(sb.cut, 'abc', 0)", "false" },
};

static void helpers_help(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(helpers); i++)
        fixture_returns(helpers[i].name, helpers[i].body, NULL, helpers[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forbidden_names_are_nil),
        cmocka_unit_test(only_known_names_are_there),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(what_the_sandbox_answers),
        cmocka_unit_test(helpers_help),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

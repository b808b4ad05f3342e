-- Calls of find, match, gmatch and gsub, told one a line. The same file runs in the sandbox and in the real Lua:
-- make_expected.lua writes expected.txt with the latter, test_script_pattern.c compares.

local function quote(value)
  if type(value) ~= "string" then
    return tostring(value)
  end
  local out = {}
  for i = 1, #value do
    local byte = string.byte(value, i)
    if byte < 32 or byte > 126 or byte == 92 or byte == 34 then
      out[#out + 1] = string.format("\\%03d", byte)
    else
      out[#out + 1] = string.char(byte)
    end
  end
  return '"' .. table.concat(out) .. '"'
end

local function list(...)
  local out = {}
  for i = 1, select("#", ...) do
    out[i] = quote((select(i, ...)))
  end
  return table.concat(out, " ")
end

local function told(is_good, ...)
  if is_good then
    return list(...)
  end
  return "error: " .. string.gsub(tostring((...)), "^[^:]*:%d+: ", "")
end

local function each_gmatch(...)
  local out = {}
  for a, b, c in string.gmatch(...) do
    out[#out + 1] = "(" .. list(a, b, c) .. ")"
    if #out > 200 then
      error("gmatch does not end")
    end
  end
  return table.concat(out, " ")
end

local FUNCTIONS = { find = string.find, match = string.match, gsub = string.gsub, gmatch = each_gmatch }

local CASES = {
  -- plain and init
  { "find", "hello world", "o" }, { "find", "hello world", "o", 6 }, { "find", "hello world", "o", -4 },
  { "find", "hello", "" }, { "find", "hello", "", 6 }, { "find", "hello", "", 7 }, { "find", "hello", "", 100 },
  { "find", "hello", "", -100 }, { "find", "hello", "l", 0 }, { "find", "", "" }, { "find", "", "a" },
  { "find", "a.b", ".", 1, true }, { "find", "a.b", ".", 2, true }, { "find", "a+b", "+", 1, true },
  { "find", "a\0b", "\0" }, { "find", "a\0b", "b" }, { "find", "a%\0b", "%\0", 1, true },
  { "find", "x\0y\0z", "\0", 3 },
  { "find", "abc", "b", 1, false }, { "find", "a[b", "[", 1, true }, { "find", "abc", "abcd", 1, true },
  { "find", "aXb", "X", 3, true }, { "find", 12345, 34 }, { "find", "12.5", 2.5 }, { "find", "abc", "c", -1 },
  { "find", "hello", "l", math.mininteger }, { "find", "hello", "l", math.maxinteger },
  -- classes
  { "match", "abc123", "%a+" }, { "match", "abc123", "%d+" }, { "match", "abc123", "%D+" }, { "match", "  x", "%s*" },
  { "match", "abc!?", "%p+" }, { "match", "ABCdef", "%u+" }, { "match", "ABCdef", "%l+" },
  { "match", "ABCdef", "%U+" },
  { "match", "x_1-y", "%w+" }, { "match", "x_1-y", "%W+" }, { "match", "0xFFg", "%x+", 3 },
  { "match", "\1\2a", "%c+" },
  { "match", "a\0b", "%z" }, { "match", "a\0b", "%Z+" }, { "match", "héllo", "%a+" }, { "match", "a b", "%g+" },
  { "match", "%d", "%%d" }, { "match", "a.b", "%." }, { "match", "-", "%-" }, { "match", "\n", "%s" },
  { "match", "abc", "." }, { "match", "", "." }, { "match", "a\nb", "a.b" }, { "match", "\255", "[\200-\255]" },
  -- sets
  { "match", "abc", "[abc]+" }, { "match", "abc", "[^a]+" }, { "match", "a]b", "[]]" }, { "match", "a]b", "[^]]+" },
  { "match", "a-b", "[a-]+" }, { "match", "a-b", "[-a]+" }, { "match", "a-b", "[%-a]+" }, { "match", "b", "[a-c]" },
  { "match", "d", "[a-c]" }, { "match", "x9", "[%a%d]+" }, { "match", "x9", "[%a-z]+" }, { "match", "^", "[%^]" },
  { "match", "a^", "[a^]+" }, { "match", "]", "[%]]" }, { "match", "5", "[0-9]" }, { "match", "-", "[+--]" },
  { "match", "abc", "[a" }, { "match", "abc", "[" }, { "match", "abc", "[]" }, { "match", "abc", "[^" },
  { "match", "abc", "[a%" }, { "match", "abc", "[%" }, { "match", "a%", "[%%]" }, { "match", "abc", "[c-a]" },
  { "match", "a-", "[a-%%]+" }, { "match", "z-", "[a-]" }, { "match", "é", "[é]" }, { "match", "a\0", "[\0]" },
  -- repetitions
  { "match", "aaab", "a*b" }, { "match", "aaab", "a+b" }, { "match", "aaab", "a-b" }, { "match", "aaab", "a?b" },
  { "match", "b", "a*b" }, { "match", "b", "a+b" }, { "match", "b", "a-b" }, { "match", "b", "a?b" },
  { "match", "aaa", "a-" }, { "match", "aaa", "^a-$" }, { "match", "aaa", "^a*$" }, { "match", "<a><b>", "<.->" },
  { "match", "<a><b>", "<.*>" }, { "match", "xxyy", "x*y*" }, { "match", "aab", "a?a?a?b" }, { "match", "*", "*" },
  { "match", "a*", "a%*" }, { "match", "++", "+" }, { "match", "?", "?" }, { "match", "a**", "a**" },
  { "match", "key = value", "^(%w+)%s*=%s*(%w+)$" }, { "match", "key=", "^(%w+)%s*=%s*(%w+)$" },
  -- anchors
  { "find", "hello", "^h" }, { "find", "hello", "^e" }, { "find", "hello", "o$" }, { "find", "hello", "l$" },
  { "find", "a$b", "$b" }, { "find", "a$b", "a$b" }, { "find", "^a", "%^a" }, { "find", "a^", "a^" },
  { "find", "", "^$" }, { "find", "x", "^$" }, { "find", "abc", "^b", 2 }, { "find", "abc", "$" },
  { "find", "abc", "$", 2 }, { "find", "a", "^^a" }, { "find", "^a", "^^a" }, { "find", "abc", "^" },
  -- captures
  { "match", "key=val", "(%w+)=(%w+)" }, { "find", "key=val", "(%w+)=(%w+)" }, { "match", "abc", "()b()" },
  { "find", "abc", "()" }, { "match", "abc", "((a)(b))" }, { "match", "abc", "(a(b(c)))" }, { "match", "", "()" },
  { "match", "aa", "(a)%1" }, { "match", "ab", "(a)%1" }, { "match", "abab", "(ab)%1" }, { "match", "abc", "()%1" },
  { "match", '"x" \'y\'', "([\"'])(.-)%1" }, { "match", "abc", "%1" }, { "match", "abc", "(a)%2" },
  { "match", "a", "(a%1)" },
  { "match", "abc", "(" }, { "match", "abc", ")" }, { "match", "abc", "(a" }, { "match", "abc", "a)" },
  { "match", "abc", "(()" }, { "match", "abc", "(a)(b)(c)" }, { "match", "abc", "%0" }, { "find", "abc", "(b)" },
  { "match", "aXb", "(%u)" }, { "match", "  trim  ", "^%s*(.-)%s*$" }, { "match", "2026-03-10", "(%d+)-(%d+)-(%d+)" },
  { "match", string.rep("a", 40), string.rep("(a)", 32) }, { "match", string.rep("a", 40), string.rep("(a)", 33) },
  { "match", "x", "(x)()" }, { "match", "ab", "(a*(.)%w(%s*))" }, { "match", "alo xyzK", "(%w+)K" },
  { "match", "254 K", "(%d*)K" }, { "match", "alo ", "(%w*)$" }, { "find", "alo.um", "%f[%w]" },
  -- balanced and frontier
  { "match", "f(a(b)c)d", "%b()" }, { "match", "f(a(b c", "%b()" }, { "match", "((", "%b()" },
  { "match", "xx", "%bxx" },
  { "match", "xyx", "%bxy" }, { "match", "abc", "%b" }, { "match", "abc", "%b(" }, { "match", "[[x]]", "%b[]" },
  { "gsub", "THE (quick) fox", "%f[%a]%a+", "X" }, { "find", "THE (quick) fox", "%f[%a]%a+%f[%A]", 4 },
  { "match", "abc", "%f" }, { "match", "abc", "%fa" }, { "match", "abc", "%f[" },
  { "gsub", "aaa bbb", "%f[%w]", "|" },
  { "gsub", "aaa bbb", "%f[%W]", "|" }, { "find", "a", "%f[\0]" }, { "find", "a", "%f[^\0]" },
  { "find", "", "%f[%z]" },
  { "match", "x", "%" }, { "match", "x", "x%" },
  -- gmatch
  { "gmatch", "one two three", "%a+" }, { "gmatch", "k=v, a=b", "(%w+)=(%w+)" }, { "gmatch", "abc", "" },
  { "gmatch", "abc", "()" }, { "gmatch", "", "" }, { "gmatch", "abc", "x*" }, { "gmatch", "aXbX", "%u" },
  { "gmatch", "^a^a", "^a" }, { "gmatch", "abc", "b$" }, { "gmatch", "abab", "(a)(b)" },
  { "gmatch", "hello", "l", 4 },
  { "gmatch", "hello", "l", -2 }, { "gmatch", "hello", "", 6 }, { "gmatch", "hello", "", 7 },
  { "gmatch", "a,b,,c", "([^,]*)" },
  { "gmatch", "abc", "(" }, { "gmatch", 121, 1 }, { "gmatch", "xuxx uu ppar r", "()(.)%2" },
  -- gsub
  { "gsub", "hello", "l", "L" }, { "gsub", "hello", "l", "L", 1 }, { "gsub", "hello", "l", "L", 0 },
  { "gsub", "hello", "", "-" },
  { "gsub", "hello", ".", "%0%0" }, { "gsub", "hello", "(h)(e)", "%2%1" }, { "gsub", "hello", "l", "%%" },
  { "gsub", "hello", "l", "%1" }, { "gsub", "hello", "l", "%2" }, { "gsub", "hello", "l", "%" },
  { "gsub", "hello", "l", "%x" },
  { "gsub", "hello", "()l", "%1" }, { "gsub", "abc", "%w", { a = "1", b = true } },
  { "gsub", "abc", "%w", { a = 1, b = false } },
  { "gsub", "abc", "%w", { a = {} } }, { "gsub", "abc", "(%w)(%w)", { a = "first" } },
  { "gsub", "abc", "%w", function(c) return c == "b" and "B" or nil end },
  { "gsub", "abc", "(%w)()", function(c, at) return c .. at end },
  { "gsub", "abc", "%w", function() return false end },
  { "gsub", "abc", "%w", function() return {} end }, { "gsub", "abc", "%w", function() error("stop") end },
  { "gsub", "abc", "^a", "x" }, { "gsub", "aaa", "^a", "x" }, { "gsub", "abc", "c$", "x" }, { "gsub", "", "", "x" },
  { "gsub", "", "^", "x" }, { "gsub", "abc", "x*", "-" }, { "gsub", "  a b  ", "^%s+", "" },
  { "gsub", "a  b", "%s+", " " },
  { "gsub", "abc", "b", 5 }, { "gsub", "abc", "b", 1.5 }, { "gsub", "abc", "b", "x", -1 },
  { "gsub", "abc", ".", "x", 1e9 },
  { "gsub", 121, 1, "x" }, { "gsub", "abc", "b" }, { "gsub", "abc", "b", true }, { "gsub", "a\0b", "%z", "0" },
  { "gsub", "alo úlo  ", " +$", "" }, { "gsub", "abç d", "(.)", "%0%0", 2 },
  { "gsub", "um (dois) tres", "(%(%w+%))", string.upper },
  { "gsub", "a b cd", " *", "-" }, { "gsub", "first second word", "%w+", "%0 %0" },
  { "gsub", "x=1,y=2", "(%w)=(%w)", "%2=%1" },
  { "match", 5, "5" }, { "match", "abc", {} }, { "match", {}, "a" }, { "find", "abc" }, { "match", "abc", "b", "x" },
  { "match", string.rep("a", 300), string.rep("a?", 250) .. "b" }, { "find", string.rep("a", 100), "(a*)%1$" },
  { "match", string.rep("(", 50) .. string.rep(")", 50), "%b()" },
  { "match", "0123456789", "(%d)(%d)(%d)(%d)%4?(%d)" },
}

-- Patterns nobody would write, made from a fixed seed: the matcher must agree with Lua's on all of them.
local state = 20261121
local function pick(n)
  state = (state * 1103515245 + 12345) % 2147483648
  return state // 65536 % n + 1
end

local PIECES = {
  "a", "b", "c", ".", "%a", "%w", "%d", "%s", "[ab]", "[^a]", "[a-c]", "%b()", "%f[%w]", "(", ")", "()", "*", "+", "-", "?",
  "^", "$", "%1", "%2", "(a)", "(.-)", "[%w_]", "%%", "]", "[]a]", "%z", "[%a-]", "%",
}
local LETTERS = { "a", "b", "c", "a", "b", " ", "1", "(", ")", "-", "%", "]", "_", "\0" }

local function random_text(pieces, most)
  local out = {}
  for i = 1, pick(most) do
    out[i] = pieces[pick(#pieces)]
  end
  return table.concat(out)
end

for _ = 1, 1200 do
  local subject, pattern = random_text(LETTERS, 12), random_text(PIECES, 7)
  CASES[#CASES + 1] = { "find", subject, pattern, pick(4) - 2 }
  CASES[#CASES + 1] = { "gsub", subject, pattern, "<%0>" }
  CASES[#CASES + 1] = { "gmatch", subject, pattern }
end

function run() -- luacheck: globals run
  local lines = {}
  for i, case in ipairs(CASES) do
    local shown = {}
    for j = 2, #case do
      local kind = type(case[j])
      shown[#shown + 1] = (kind == "table" or kind == "function") and kind or quote(case[j])
    end
    lines[i] = case[1] .. " " .. table.concat(shown, " ") .. " -> " ..
      told(pcall(FUNCTIONS[case[1]], table.unpack(case, 2)))
  end
  return lines
end

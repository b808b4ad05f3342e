-- Writes what the real Lua 5.4 answers to cases.lua.
-- usage, from the top folder: lua5.4 tests/unit/patterns/make_expected.lua > tests/unit/patterns/expected.txt
dofile("tests/unit/patterns/cases.lua")
print(table.concat(run(), "\n")) -- luacheck: globals run

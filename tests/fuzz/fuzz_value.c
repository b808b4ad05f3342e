/* JSON through Lua: a record comes back as it was, and a plain argument, too, but for nulls. */
#include "base/json.h"
#include "fuzz/fuzz.h"
#include "script/script.h"

static const char rules[] =
    "function same(record) return record end\n"
    "function walk(record)\n"
    "  local n = 0\n"
    "  local function visit(v)\n"
    "    n = n + 1\n"
    "    if type(v) == 'userdata' then for k, w in pairs(v) do visit(k) visit(w) end end\n"
    "  end\n"
    "  visit(record)\n"
    "  return n\n"
    "end\n"
    "function copy(_, argument) return argument end\n"
    "function words(record)\n"
    "  local text = tostring(record.text)\n"
    "  return { sb.words(text), sb.lower(text), sb.html(text), sb.cut(text, 3), sb.digits(text) }\n"
    "end";

static json_t *call(struct script *script, const char *function, const json_t *record, const json_t *argument)
{
    struct sb_error err = SB_ERROR_INIT;
    json_t *result = NULL;

    if (script_call(script, function, record, argument, 1, 2, &result, &err) < 0) {
        FUZZ_CHECK(err.text[0] && err.status == SB_EINPUT);
        return NULL;
    }
    FUZZ_CHECK(result);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct script *script;
    struct sb_error err = SB_ERROR_INIT;
    static const char *const functions[] = { "same", "walk", "copy", "words" };

    if (!script)
        FUZZ_CHECK(script_load(fuzz_file(".lua", (const uint8_t *)rules, sizeof(rules) - 1), NULL, NULL, NULL,
                               &script, &err) == 0);
    json_t *record = json_parse((const char *)data, size, &err);
    if (!record)
        return 0;
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        json_t *result = call(script, functions[i], record, record);
        if (result && i == 0)
            FUZZ_CHECK(json_equal(record, result));
        json_decref(result);
    }
    json_decref(record);
    return 0;
}

/* The global table `sb`: what rules and mappings need beside plain Lua. */
#include <limits.h>
#include <string.h>

#include "base/file.h"
#include "base/scope.h"
#include "base/timefmt.h"
#include "base/utf8.h"
#include "script/inner.h"

enum { TEXT_MAX = 16 * 1024 * 1024, LIB_SIZE_MAX = 1024 * 1024, LIB_NAME_MAX = 64 };

enum { OFFSET_MAX = 24 * 60 };

/* Text that grows while Lua may raise: a box that Lua collects owns it. */
struct text_box {
    struct buf buf;
};

static int text_box_gc(lua_State *L)
{
    struct text_box *box = lua_touserdata(L, 1);

    buf_done(&box->buf);
    return 0;
}

static struct buf *new_text(lua_State *L)
{
    struct text_box *box = lua_newuserdatauv(L, sizeof(*box), 0);

    buf_init(&box->buf, TEXT_MAX);
    if (luaL_newmetatable(L, "switchboard.text")) {
        lua_pushcfunction(L, text_box_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return &box->buf;
}

static void check_text(lua_State *L, const struct buf *text)
{
    if (!text->failed)
        return;
    if (text->len < text->max / 2) /* it grows by characters: there was room, but no memory */
        script_out_of_memory(L);
    (void)luaL_error(L, "the text is too long");
}

static int push_text(lua_State *L, struct buf *text)
{
    check_text(L, text);
    lua_pushlstring(L, text->data, text->len);
    buf_done(text); /* now, not when the garbage is collected: Lua does not know how large it is */
    return 1;
}

/* sb.html(text) -> text with & < > " ' escaped and newlines as <br> */
static int lib_html(lua_State *L)
{
    size_t size = 0;
    const char *text = luaL_optlstring(L, 1, "", &size);
    struct buf *out = new_text(L);

    script_charge(L, (int64_t)size / 8);
    utf8_html(out, text);
    return push_text(L, out);
}

/* sb.cut(text, characters) -> at most so many characters, "…" marks the cut */
static int lib_cut(lua_State *L)
{
    const char *text = luaL_optstring(L, 1, "");
    lua_Integer most = luaL_checkinteger(L, 2);

    luaL_argcheck(L, most >= 1, 2, "a number of characters, at least 1");
    script_charge(L, (int64_t)strlen(text) / 8);
    if (utf8_characters(text) <= (size_t)most) {
        lua_pushstring(L, text);
        return 1;
    }
    size_t size = utf8_prefix(text, (size_t)most - 1);
    while (size > 0 && text[size - 1] == ' ')
        size--;
    lua_pushlstring(L, text, size);
    lua_pushliteral(L, "\xe2\x80\xa6");
    lua_concat(L, 2);
    return 1;
}

/* Appends `text` in valid UTF-8 with capital letters made small. */
static void fold(struct buf *out, const char *text, size_t size)
{
    size_t length = 0;

    for (size_t at = 0; at < size; at += length) {
        int32_t code = utf8_decode(text + at, size - at, &length);
        utf8_add(out, code < 0 ? 0xFFFD : utf8_fold(code));
    }
}

/* sb.lower(text) -> folded for comparison */
static int lib_lower(lua_State *L)
{
    size_t size = 0;
    const char *text = luaL_optlstring(L, 1, "", &size);
    struct buf *out = new_text(L);

    script_charge(L, (int64_t)size);
    fold(out, text, size);
    return push_text(L, out);
}

/* Letters, combining marks and digits. Beyond ASCII everything is one, but for the blocks of spaces and punctuation. */
static bool is_word_character(int32_t code)
{
    static const struct {
        int32_t first, last;
    } gaps[] = { { 0x80, 0xA9 },     { 0xAB, 0xB4 },     { 0xB6, 0xB9 },      { 0xBB, 0xBF },
                 { 0xD7, 0xD7 },     { 0xF7, 0xF7 },     { 0x0964, 0x0965 },  { 0x2000, 0x200B },
                 { 0x200E, 0x206F }, { 0x20A0, 0x20CF }, { 0x2190, 0x2BFF },  { 0x3000, 0x303F },
                 { 0xFF00, 0xFF0F }, { 0xFFFD, 0xFFFD }, { 0x1F000, 0x1FAFF } };

    if (code < 0x80)
        return (code >= '0' && code <= '9') || (code >= 'a' && code <= 'z');
    for (size_t i = 0; i < sizeof(gaps) / sizeof(gaps[0]); i++)
        if (code >= gaps[i].first && code <= gaps[i].last)
            return false;
    return true;
}

/* The length of the word at `at` of folded text: an apostrophe between letters belongs to it. */
static size_t word_length(const char *text, size_t size, size_t at)
{
    size_t end = at, length = 0;

    while (end < size) {
        int32_t code = utf8_decode(text + end, size - end, &length);
        if (is_word_character(code)) {
            end += length;
            continue;
        }
        bool is_apostrophe = code == '\'' || code == 0x2019;
        size_t next = end + length;
        if (!is_apostrophe || end == at || next >= size ||
            !is_word_character(utf8_decode(text + next, size - next, &length)))
            break;
        end = next;
    }
    return end - at;
}

static void push_word(lua_State *L, const char *text, size_t size)
{
    /* A typographic apostrophe is written as a plain one, so that rules need one spelling. */
    (void)luaL_gsub(L, lua_pushlstring(L, text, size), "\xe2\x80\x99", "'");
    lua_remove(L, -2);
}

/* sb.words(text) -> list of folded words: letters, marks and digits, with apostrophes inside */
static int lib_words(lua_State *L)
{
    size_t size = 0;
    const char *text = luaL_optlstring(L, 1, "", &size);
    struct buf *folded = new_text(L);
    lua_Integer count = 0;
    size_t skip = 0;

    script_charge(L, (int64_t)size * 2);
    fold(folded, text, size);
    check_text(L, folded);
    lua_newtable(L);
    for (size_t at = 0; at < folded->len;) {
        size_t length = word_length(folded->data, folded->len, at);
        if (length) {
            push_word(L, folded->data + at, length);
            lua_rawseti(L, -2, ++count);
            at += length;
        } else {
            (void)utf8_decode(folded->data + at, folded->len - at, &skip);
            at += skip;
        }
    }
    buf_done(folded);
    return 1;
}

/* sb.digits(text) -> its ASCII digits */
static int lib_digits(lua_State *L)
{
    size_t size = 0;
    const char *text = luaL_optlstring(L, 1, "", &size);
    luaL_Buffer out;

    script_charge(L, (int64_t)size / 4);
    luaL_buffinit(L, &out);
    for (size_t i = 0; i < size; i++)
        if (text[i] >= '0' && text[i] <= '9')
            luaL_addchar(&out, text[i]);
    luaL_pushresult(&out);
    return 1;
}

/* sb.local_time("2026-03-10T09:00:11Z" or ms, offset_minutes) -> "2026-03-10 14:30", or nil */
static int lib_local_time(lua_State *L)
{
    int64_t ms = lua_isinteger(L, 1) ? lua_tointeger(L, 1) : time_parse_rfc3339(luaL_optstring(L, 1, ""));
    lua_Integer offset = luaL_optinteger(L, 2, 0);
    char text[TIME_TEXT_MAX];

    luaL_argcheck(L, offset >= -OFFSET_MAX && offset <= OFFSET_MAX, 2, "minutes east of UTC, at most a day");
    if (ms < 0 || ms > INT64_MAX / 2) {
        lua_pushnil(L);
        return 1;
    }
    time_format_wall(ms, (int)offset, text);
    lua_pushlstring(L, text, strlen("YYYY-MM-DD HH:MM"));
    return 1;
}

/* sb.now() -> ms since 1970, the same for the whole call */
static int lib_now(lua_State *L)
{
    lua_pushinteger(L, script_of(L)->now_ms);
    return 1;
}

/* sb.log(text): to the engine's log, at debug level */
static int lib_log(lua_State *L)
{
    LOG_DEBUG(script_of(L)->log, "script says", LOG_STR("script", script_of(L)->path),
              LOG_STR("text", luaL_checkstring(L, 1)));
    return 0;
}

static bool is_lib_name(const char *name)
{
    size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return size > 0 && size <= LIB_NAME_MAX && !name[size];
}

/* Reads the file into a text box, so that nothing leaks when loading raises. */
static void read_lib(lua_State *L, const char *name)
{
    struct script *script = script_of(L);
    struct sb_error err = SB_ERROR_INIT;
    struct buf *text = new_text(L);
    char path[PATH_MAX];
    char *data = NULL;
    size_t size = 0;

    (void)snprintf(path, sizeof(path), "%s/%s.lua", script->lib_dir ? script->lib_dir : ".", name);
    if (!script->lib_dir || file_read(path, LIB_SIZE_MAX, &data, &size, &err) < 0) {
        if (err.status == SB_ENOMEM)
            script_out_of_memory(L);
        (void)luaL_error(L, "cannot load library '%s': %s", name,
                         script->lib_dir ? err.text : "this script has no lib folder");
    }
    buf_add(text, data, size);
    free(data);
    lua_pushfstring(L, "@%s", path);
    check_text(L, text);
    if (luaL_loadbufferx(L, text->data, text->len, lua_tostring(L, -1), "t") != LUA_OK)
        (void)lua_error(L);
}

/* sb.lib("name") -> what scripts/lib/name.lua returns; only while the script is loaded */
static int lib_lib(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);

    if (!script_of(L)->is_loading)
        return luaL_error(L, "sb.lib('%s') belongs at the top of the file, outside of functions", name);
    luaL_argcheck(L, is_lib_name(name), 1, "a name of a-z, 0-9 and _");
    read_lib(L, name);
    lua_call(L, 0, 1);
    return 1;
}

void sb_lib_open(lua_State *L)
{
    static const luaL_Reg functions[] = { { "html", lib_html },     { "cut", lib_cut },
                                          { "lower", lib_lower },   { "words", lib_words },
                                          { "digits", lib_digits }, { "local_time", lib_local_time },
                                          { "now", lib_now },       { "log", lib_log },
                                          { "lib", lib_lib },       { NULL, NULL } };

    luaL_newlib(L, functions);
    lua_setglobal(L, "sb");
}

/* JSON to Lua values and back. A json_t held across a Lua call lives in a box whose __gc drops it. */
#include <math.h>
#include <string.h>

#include "base/utf8.h"
#include "script/inner.h"

enum { DEPTH_MAX = 64 };
#define JSON_BOX "switchboard.json"

struct json_box {
    json_t *root; /* owned; NULL once taken */
};
enum { NODE_SIZE = 64 }; /* about what jansson takes for a value, beside its text */

void value_push(lua_State *L, const json_t *value)
{
    const char *key;
    json_t *member;
    size_t index;

    luaL_checkstack(L, 4, "JSON is nested too deeply");
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_OBJECT:
        lua_createtable(L, 0, (int)json_object_size(value));
        json_object_foreach ((json_t *)(uintptr_t)value, key, member) {
            value_push(L, member);
            lua_setfield(L, -2, key);
        }
        break;
    case JSON_ARRAY:
        lua_createtable(L, (int)json_array_size(value), 0);
        json_array_foreach (value, index, member) {
            value_push(L, member);
            lua_rawseti(L, -2, (lua_Integer)index + 1);
        }
        break;
    case JSON_STRING:
        lua_pushlstring(L, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        lua_pushinteger(L, json_integer_value(value));
        break;
    case JSON_REAL:
        lua_pushnumber(L, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        lua_pushboolean(L, json_is_true(value));
        break;
    case JSON_NULL:
        lua_pushnil(L);
        break;
    }
}

static int box_gc(lua_State *L)
{
    struct json_box *box = lua_touserdata(L, 1);

    json_decref(box->root);
    box->root = NULL;
    return 0;
}

/* The box is made, empty, before the value. */
static struct json_box *new_box(lua_State *L)
{
    struct json_box *box = lua_newuserdatauv(L, sizeof(*box), 0);

    box->root = NULL;
    if (luaL_newmetatable(L, JSON_BOX)) {
        lua_pushcfunction(L, box_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return box;
}

/* Ownership while Lua may raise: every container is put into its parent, or into the box, before it is filled. */
static void fill(lua_State *L, int index, json_t *parent, const char *key, int depth);

/* Takes what the next value of the result needs from the script's memory, as if it were Lua's: a table that is in the
 * result a thousand times is a thousand copies. */
static void reserve(lua_State *L, size_t text_size)
{
    struct script *script = script_of(L);
    size_t size = NODE_SIZE + text_size;

    script_charge(L, (int64_t)(1 + size / NODE_SIZE));
    if (size > script->limits.memory_max - script->result_size)
        (void)luaL_error(L, "the result is larger than the memory that the script may use");
    script->result_size += size;
}

static void put(lua_State *L, json_t *parent, const char *key, json_t *value)
{
    int rc = -1;

    if (value)
        rc = json_is_array(parent) ? json_array_append_new(parent, value)
                                   : json_object_set_new(parent, key, value);
    if (rc < 0)
        script_out_of_memory(L);
}

static void put_string(lua_State *L, int index, json_t *parent, const char *key)
{
    size_t size = 0;
    const char *text = lua_tolstring(L, index, &size);

    if (!utf8_is_valid(text, size))
        (void)luaL_error(L, "the result has text that is not UTF-8%s%s", key ? " in field " : "",
                         key ? key : "");
    reserve(L, size);
    put(L, parent, key, json_stringn(text, size));
}

static void put_number(lua_State *L, int index, json_t *parent, const char *key)
{
    reserve(L, 0);
    if (lua_isinteger(L, index)) {
        put(L, parent, key, json_integer(lua_tointeger(L, index)));
        return;
    }
    double number = lua_tonumber(L, index);
    if (!isfinite(number))
        (void)luaL_error(L, "the result has a number that is not finite");
    put(L, parent, key, json_real(number));
}

static void fill_array(lua_State *L, int index, json_t *parent, const char *key, size_t count, int depth)
{
    reserve(L, 0);
    json_t *array = json_array();
    put(L, parent, key, array);
    for (size_t i = 1; i <= count; i++) {
        lua_rawgeti(L, index, (lua_Integer)i);
        fill(L, lua_gettop(L), array, NULL, depth + 1);
        lua_pop(L, 1);
    }
}

static void fill_object(lua_State *L, int index, json_t *parent, const char *key, int depth)
{
    reserve(L, 0);
    json_t *object = json_object();
    put(L, parent, key, object);
    ordered_push_keys(L, index);
    int keys = lua_gettop(L);
    for (lua_Integer i = 1; lua_rawgeti(L, keys, i) != LUA_TNIL; i++) {
        size_t size = 0;
        if (lua_type(L, -1) != LUA_TSTRING)
            (void)luaL_error(L, "the result has a table with both a list and names, or with odd keys");
        const char *name = lua_tolstring(L, -1, &size);
        if (strlen(name) != size || !utf8_is_valid(name, size))
            (void)luaL_error(L, "the result has a field name that is not UTF-8 text");
        lua_pushvalue(L, -1);
        lua_rawget(L, index);
        fill(L, lua_gettop(L), object, name, depth + 1);
        lua_pop(L, 2);
    }
    lua_pop(L, 2);
}

static size_t count_fields(lua_State *L, int index)
{
    size_t count = 0;

    lua_pushnil(L);
    while (lua_next(L, index)) {
        count++;
        lua_pop(L, 1);
    }
    return count;
}

static void fill_table(lua_State *L, int index, json_t *parent, const char *key, int depth)
{
    size_t fields = count_fields(L, index);
    size_t length = (size_t)lua_rawlen(L, index);

    script_charge(L, (int64_t)fields);
    if (fields == length && length > 0)
        fill_array(L, index, parent, key, length, depth);
    else
        fill_object(L, index, parent, key, depth);
}

static void check_depth(lua_State *L, int depth)
{
    if (depth > DEPTH_MAX)
        (void)luaL_error(L, "the result is nested deeper than %d, or contains itself", DEPTH_MAX);
}

/* A part of the record that was returned is copied: the record stays its owner's. */
static void fill_copy(lua_State *L, const json_t *viewed, json_t *parent, const char *key, int depth)
{
    const char *name;
    json_t *member;
    size_t index;

    check_depth(L, depth);
    reserve(L, json_string_length(viewed));
    json_t *copy = json_is_object(viewed)  ? json_object()
                   : json_is_array(viewed) ? json_array()
                                           : json_copy((json_t *)(uintptr_t)viewed);
    put(L, parent, key, copy);
    if (json_is_object(viewed)) {
        json_object_foreach ((json_t *)(uintptr_t)viewed, name, member)
            fill_copy(L, member, copy, name, depth + 1);
    } else if (json_is_array(viewed)) {
        json_array_foreach (viewed, index, member)
            fill_copy(L, member, copy, NULL, depth + 1);
    }
}

static void fill(lua_State *L, int index, json_t *parent, const char *key, int depth)
{
    const json_t *viewed = record_view_to(L, index);

    luaL_checkstack(L, 8, "the result is nested too deeply");
    check_depth(L, depth);
    if (viewed) {
        fill_copy(L, viewed, parent, key, depth);
        return;
    }
    switch (lua_type(L, index)) {
    case LUA_TNIL:
        reserve(L, 0);
        put(L, parent, key, json_null());
        break;
    case LUA_TBOOLEAN:
        reserve(L, 0);
        put(L, parent, key, json_boolean(lua_toboolean(L, index)));
        break;
    case LUA_TNUMBER:
        put_number(L, index, parent, key);
        break;
    case LUA_TSTRING:
        put_string(L, index, parent, key);
        break;
    case LUA_TTABLE:
        fill_table(L, index, parent, key, depth);
        break;
    default:
        (void)luaL_error(L, "the result has a %s%s%s, which is no data", luaL_typename(L, index),
                         key ? " in field " : "", key ? key : "");
    }
}

json_t *value_to_json(lua_State *L, int index)
{
    int at = lua_absindex(L, index);
    struct json_box *box = new_box(L);

    box->root = json_array();
    if (!box->root)
        script_out_of_memory(L);
    script_of(L)->result_size = 0;
    fill(L, at, box->root, NULL, 0);
    json_t *value = json_incref(json_array_get(box->root, 0));
    json_decref(box->root); /* now, not when the garbage is collected: the result has one owner */
    box->root = NULL;
    lua_pop(L, 1);
    return value;
}

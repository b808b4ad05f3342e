/* The record as a step reads and changes it.
 *
 * The document that came in is never touched. The first sb_set() makes a copy of its top level, and every
 * object on the way of a path is copied when somebody else holds it too, so that a change costs its own path
 * and large sections that nobody changes are shared. A value that is replaced lives on until the exchange
 * ends, for the step may hold it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/scope.h"
#include "base/utf8.h"
#include "plugin/exchange_inner.h"

enum { PATH_DEPTH_MAX = 16, PATH_PART_MAX = 200 };

const json_t *sb_get(const struct sb_exchange *x, const char *path)
{
    return path ? json_at(x->document, path) : NULL;
}

const char *sb_get_str(const struct sb_exchange *x, const char *path)
{
    return json_string_value(sb_get(x, path));
}

int64_t sb_get_int(const struct sb_exchange *x, const char *path, int64_t otherwise)
{
    const json_t *value = sb_get(x, path);

    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

double sb_get_number(const struct sb_exchange *x, const char *path, double otherwise)
{
    const json_t *value = sb_get(x, path);

    return json_is_number(value) ? json_number_value(value) : otherwise;
}

bool sb_get_bool(const struct sb_exchange *x, const char *path, bool otherwise)
{
    const json_t *value = sb_get(x, path);

    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

/* ---- copy on write ------------------------------------------------------------------------------------- */

/* The count is read while pool threads may hold the same section: it is never seen too small, because whoever
 * looks holds a reference of its own. */
static bool is_shared(const json_t *value)
{
    return __atomic_load_n(&value->refcount, __ATOMIC_ACQUIRE) > 1;
}

/* Whether anything below is held elsewhere too: a value that the step hands over must become the record's
 * alone. */
static bool shares_anything(const json_t *value)
{
    const char *name;
    json_t *item;
    size_t i;

    if (json_is_object(value) || json_is_array(value)) {
        if (is_shared(value))
            return true;
    }
    json_object_foreach ((json_t *)(uintptr_t)value, name, item) {
        if (shares_anything(item))
            return true;
    }
    json_array_foreach (value, i, item) {
        if (shares_anything(item))
            return true;
    }
    return false;
}

/* Splits a path into its parts, in the exchange's memory. */
static size_t split_path(struct sb_exchange *x, const char *path, const char *ret_parts[PATH_DEPTH_MAX])
{
    size_t count = 0;

    for (;;) {
        size_t size = strcspn(path, ".");
        if (size == 0 || size > PATH_PART_MAX || count == PATH_DEPTH_MAX)
            return 0;
        ret_parts[count++] = sb_strndup(x, path, size);
        if (path[size] == '\0')
            return count;
        path += size + 1;
    }
}

static json_t *get_child(json_t *parent, const char *part)
{
    if (json_is_object(parent))
        return json_object_get(parent, part);
    return json_at(parent, part);
}

/* Takes `child`. */
static int set_child(json_t *parent, const char *part, json_t *child)
{
    if (json_is_object(parent))
        return json_object_set_new(parent, part, child);
    if (json_is_array(parent) && json_at(parent, part))
        return json_array_set_new(parent, (size_t)strtoul(part, NULL, 10), child);
    json_decref(child);
    return -1;
}

/* The container under `part`, made when absent, copied when shared. NULL when something else is in the way.
 */
static json_t *own_child(json_t *parent, const char *part)
{
    json_t *child = get_child(parent, part);

    if (child && !json_is_null(child) && !json_is_object(child) && !json_is_array(child))
        return NULL;
    if (child && !json_is_null(child) && !is_shared(child))
        return child;
    json_t *mine = child && !json_is_null(child) ? json_copy(child) : json_object();
    return mine && set_child(parent, part, mine) == 0 ? mine : NULL;
}

static void mark_dirty(struct sb_exchange *x, const char *section)
{
    for (size_t i = 0; i < x->dirty_count; i++)
        if (strcmp(x->dirty[i], section) == 0)
            return;
    if (x->dirty_count == EXCHANGE_SECTIONS_MAX)
        exchange_defect(x, "the step changed more than %d sections", EXCHANGE_SECTIONS_MAX);
    else
        x->dirty[x->dirty_count++] = section;
}

/* Puts `value` (kept by the caller) or removes what is there. False when the path cannot be taken. */
static bool put(struct sb_exchange *x, const char *const *parts, size_t count, json_t *value)
{
    json_t *at = x->document;

    for (size_t i = 0; i + 1 < count; i++) {
        if (!value && !get_child(at, parts[i]))
            return true; /* absent already */
        at = own_child(at, parts[i]);
        if (!at)
            return false;
    }
    json_t *old = get_child(at, parts[count - 1]);
    if (old)
        (void)sb_keep(x, json_incref(old));
    if (value)
        return set_child(at, parts[count - 1], json_incref(value)) == 0;
    if (json_is_object(at))
        (void)json_object_del(at, parts[count - 1]); /* absent already is as good */
    return json_is_object(at) || !old;
}

/* `value` as the record may have it: NULL stays NULL; anything that is shared is copied. Kept by the
 * exchange, so that a function that is left early loses nothing. */
static json_t *adopt(struct sb_exchange *x, json_t *value)
{
    if (!value || !shares_anything(value))
        return value ? sb_keep(x, value) : NULL;
    json_t *copy = json_deep_copy(value);
    json_decref(value);
    if (!copy)
        exchange_defect(x, "a value is nested too deeply to be copied");
    return copy ? sb_keep(x, copy) : NULL;
}

void sb_set(struct sb_exchange *x, const char *path, json_t *value)
{
    const char *parts[PATH_DEPTH_MAX] = { NULL };
    bool removes = !value;

    json_t *kept = adopt(x, value);
    exchange_only_in(x, PHASE_BUILD | PHASE_FOLD | PHASE_WORK, "sb_set");
    size_t count = path ? split_path(x, path, parts) : 0;
    if (count == 0) {
        exchange_defect(x, "'%s' is not a path of a record", path ? path : "");
        return;
    }
    if (x->document == x->in.document) {
        json_t *copy = json_copy(x->in.document);
        if (!copy)
            exchange_run_out(x);
        json_decref(x->document);
        x->document = copy;
    }
    mark_dirty(x, parts[0]);
    if ((!kept && !removes) || !put(x, parts, count, kept))
        exchange_defect(x, "'%s' cannot be set: something that is not an object is in the way", path);
}

void sb_set_str(struct sb_exchange *x, const char *path, const char *text)
{
    sb_set(x, path, text ? json_string(sb_utf8(x, text)) : json_null());
}

void sb_set_int(struct sb_exchange *x, const char *path, int64_t value)
{
    sb_set(x, path, json_integer(value));
}

void sb_set_number(struct sb_exchange *x, const char *path, double value)
{
    sb_set(x, path, isfinite(value) ? json_real(value) : json_null());
}

void sb_set_bool(struct sb_exchange *x, const char *path, bool value)
{
    sb_set(x, path, json_boolean(value));
}

/* ---- emitted records ----------------------------------------------------------------------------------- */

static bool make_emit_room(struct sb_exchange *x)
{
    if (x->emit_count < x->emit_room)
        return true;
    size_t room = x->emit_room ? x->emit_room * 2 : 16;
    struct exchange_emit *emits = reallocarray(x->emits, room, sizeof(*emits));
    if (!emits)
        return false;
    x->emits = emits;
    x->emit_room = room;
    return true;
}

void sb_emit(struct sb_exchange *x, const char *account, const char *external_id, json_t *record)
{
    /* Not copied, whoever else holds parts of it: it is only read from here on, and sb_set() copies what is shared. */
    json_t *kept = record ? sb_keep(x, record) : NULL;

    exchange_only_in(x, PHASE_FOLD | PHASE_BUILD | PHASE_ROUTE, "sb_emit");
    if (x->in.record_id != 0)
        exchange_defect(x, "sb_emit was called in the step of a record");
    else if (!account || !*account || !external_id || !*external_id || !json_is_object(kept))
        exchange_defect(x, "sb_emit needs an account, an external id and an object");
    else if (x->emit_count == EXCHANGE_EMITS_MAX)
        exchange_defect(x, "one call emitted more than %d records", EXCHANGE_EMITS_MAX);
    if (x->is_defect)
        return;
    const char *account_copy = sb_strdup(x, account);
    const char *id_copy = sb_strdup(x, external_id);
    if (!make_emit_room(x)) {
        exchange_run_out(x);
        return;
    }
    x->emits[x->emit_count++] = (struct exchange_emit){ .account = account_copy,
                                                        .external_id = id_copy,
                                                        .record = json_incref(kept) };
}

/* ---- keys and intents ---------------------------------------------------------------------------------- */

const json_t *sb_key_get(const struct sb_exchange *x, const char *name)
{
    return json_object_get(x->key_doc ? x->key_doc : x->in.key_doc, name);
}

void sb_key_set(struct sb_exchange *x, const char *name, json_t *value)
{
    json_t *kept = adopt(x, value);

    exchange_only_in(x, PHASE_BUILD | PHASE_FOLD | PHASE_WORK, "sb_key_set");
    if (!x->in.key_doc || !name || !*name) {
        exchange_defect(x, "sb_key_set was called in a step that holds no key, or without a name");
        return;
    }
    if (!x->key_doc)
        x->key_doc = json_copy(x->in.key_doc);
    json_t *old = json_object_get(x->key_doc, name);
    if (old)
        (void)sb_keep(x, json_incref(old));
    if (!kept)
        (void)json_object_del(x->key_doc, name); /* absent already is as good */
    else if (json_object_set(x->key_doc, name, kept) < 0)
        exchange_defect(x, "sb_key_set: '%s' cannot be a name", name);
    x->key_is_dirty = true;
}

void sb_intent_keep(struct sb_exchange *x, const char *name, json_t *value)
{
    json_t *kept = adopt(x, value);

    exchange_only_in(x, PHASE_BUILD, "sb_intent_keep");
    if (!x->in.step || x->in.step->effect != SB_CREATE || !name || !*name || !kept) {
        exchange_defect(x, "sb_intent_keep is for build of a creating step, with a name and a value");
        return;
    }
    if (!x->intent_kept)
        x->intent_kept = json_object();
    if (json_object_set(x->intent_kept, name, kept) < 0)
        exchange_defect(x, "sb_intent_keep: '%s' cannot be a name", name);
}

const json_t *sb_intent_get(const struct sb_exchange *x, const char *name)
{
    return json_object_get(x->in.intent_kept ? x->in.intent_kept : x->intent_kept, name);
}

const char *sb_intent_str(const struct sb_exchange *x, const char *name)
{
    return json_string_value(sb_intent_get(x, name));
}

int64_t sb_intent_time_ms(const struct sb_exchange *x)
{
    return x->in.intent_at_ms;
}

void sb_more(struct sb_exchange *x)
{
    exchange_only_in(x, PHASE_FOLD, "sb_more");
    x->has_more = true;
}

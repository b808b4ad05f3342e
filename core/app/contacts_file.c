/* Mapping files as the engine reads them: only what changed since the last time is written, so that what was imported by
 * hand stays until the file says something new about the same user. */
#include "app/contacts_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/contacts.h"
#include "app/contacts_csv.h"
#include "app/contacts_watch.h"
#include "app/engine.h"
#include "base/file.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/timefmt.h"

enum { LOOK_EVERY_MS = 2000, CURSOR_NAME_MAX = 128, LINES_LOGGED_MAX = 20 };

struct watched {
    const struct sb_instance *instance; /* borrowed */
    struct contacts_watch watch;
};

struct contacts_file {
    struct engine *engine;
    struct loop_timer *timer;
    struct watched *files;
    size_t count;
    size_t turn; /* whose file is looked at */
    struct sb_error err;
};

static const char *path_of(const struct sb_instance *instance)
{
    if (!instance || strcmp(instance->plugin->name, "zoho_desk") != 0)
        return NULL;
    const char *path = sb_instance_str(instance, "contacts");
    return path && *path ? path : NULL;
}

static struct contacts_sight look_at(const char *path)
{
    struct stat info;

    if (stat(path, &info) < 0)
        return (struct contacts_sight){ .is_there = false };
    return (struct contacts_sight){ .mtime_ns =
                                        (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec,
                                    .size = info.st_size,
                                    .inode = (int64_t)info.st_ino,
                                    .is_there = true };
}

/* ---- what the file said last time ---- */

static void cursor_name(const char *instance, char ret_name[CURSOR_NAME_MAX])
{
    (void)snprintf(ret_name, CURSOR_NAME_MAX, "contacts file of %.90s", instance);
}

/* Gives an object; empty when the file was never read. */
static int read_last(struct store *store, const char *instance, json_t **ret_rows, struct sb_error *err)
{
    char name[CURSOR_NAME_MAX];
    AUTO_STR text = NULL;

    cursor_name(instance, name);
    int rc = store_cursor(store, name, &text, err);
    if (rc < 0)
        return rc;
    json_t *rows = text ? json_parse(text, strlen(text), NULL) : NULL;
    if (!json_is_object(rows)) {
        json_decref(rows);
        rows = json_object();
    }
    *ret_rows = rows;
    return rows ? 0 : sb_fail(err, SB_ENOMEM, "out of memory");
}

static int write_last(struct store *store, const char *instance, const json_t *rows, struct sb_error *err)
{
    struct store_change *change = store_change_new();
    char name[CURSOR_NAME_MAX];
    AUTO_STR text = json_text(rows);

    cursor_name(instance, name);
    if (change) {
        change->cursor_name = arena_strdup(change->arena, name);
        change->cursor_doc = text ? arena_strdup(change->arena, text) : NULL;
        change->now_ms = clock_wall_ms();
    }
    int rc = change && change->cursor_name && change->cursor_doc ? store_apply(store, &change, 1, err)
                                                                 : sb_fail(err, SB_ENOMEM, "out of memory");
    store_change_free(change);
    return rc;
}

/* Rows that are new or different, and null for those that are no longer there. NULL when out of memory. */
static json_t *difference(const json_t *last, const json_t *now)
{
    AUTO_JSON changed = json_object();
    const char *id;
    json_t *pair;

    json_object_foreach ((json_t *)(uintptr_t)now, id, pair) {
        if (!json_equal(pair, json_object_get(last, id)) && json_object_set(changed, id, pair) < 0)
            return NULL;
    }
    json_object_foreach ((json_t *)(uintptr_t)last, id, pair) {
        if (!json_object_get(now, id) && json_object_set_new(changed, id, json_null()) < 0)
            return NULL;
    }
    return TAKE(changed);
}

/* ---- reading ---- */

static void log_mistakes(struct log *log, const char *instance, const struct sb_error *why,
                         const json_t *mistakes)
{
    size_t index;
    const json_t *line;

    LOG_ERROR(log, "the mapping file is refused; the mapping stays as it was", LOG_STR("instance", instance),
              LOG_STR("error", why->text));
    json_array_foreach (mistakes, index, line) {
        if (index < LINES_LOGGED_MAX)
            LOG_ERROR(log, "a mistake in the mapping file", LOG_STR("at", json_string_value(line)));
    }
}

/* Gives NULL in *ret_rows, after logging why, when the file cannot be taken over. */
static int read_file(const char *path, const char *instance, struct log *log, json_t **ret_rows,
                     struct sb_error *err)
{
    struct sb_error why = SB_ERROR_INIT;
    AUTO_STR text = NULL;
    AUTO_JSON mistakes = NULL;
    size_t size = 0;

    *ret_rows = NULL;
    int rc = file_read(path, CONTACTS_BYTES_MAX, &text, &size, &why);
    if (rc == 0)
        rc = contacts_csv_read(path, text, size, ret_rows, &mistakes, &why);
    if (rc == SB_ENOMEM)
        return sb_fail(err, SB_ENOMEM, "%s", why.text);
    if (rc < 0)
        log_mistakes(log, instance, &why, mistakes);
    return 0;
}

static int put_all(struct store *store, const char *instance, const json_t *rows, struct sb_error *err)
{
    size_t count = json_object_size(rows);
    int rc = 0;

    for (size_t first = 0; rc == 0 && first < count; first += CONTACTS_PART) {
        AUTO_JSON part = contacts_part(rows, first, CONTACTS_PART);
        rc = part ? contacts_put(store, instance, part, "file", clock_wall_ms(), err)
                  : sb_fail(err, SB_ENOMEM, "out of memory");
    }
    return rc;
}

/* A crash in the middle leaves some rows written and the last state as it was: the next reading writes them again. */
static int take_over(const struct sb_instance *instance, struct store *store, struct log *log,
                     struct sb_error *err)
{
    AUTO_JSON now = NULL;
    AUTO_JSON last = NULL;
    int rc = read_file(path_of(instance), instance->name, log, &now, err);

    if (rc < 0 || !now)
        return rc;
    rc = read_last(store, instance->name, &last, err);
    if (rc < 0)
        return rc;
    AUTO_JSON changed = difference(last, now);
    if (!changed)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    if (json_object_size(changed) == 0)
        return 0;
    rc = put_all(store, instance->name, changed, err);
    if (rc == 0)
        rc = write_last(store, instance->name, now, err);
    if (rc == 0)
        LOG_NOTICE(log, "read the mapping file", LOG_STR("instance", instance->name),
                   LOG_INT("rows", (int64_t)json_object_size(now)),
                   LOG_INT("changed", (int64_t)json_object_size(changed)));
    return rc;
}

int contacts_file_load(const struct setup *setup, struct store *store, struct log *log, struct sb_error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < setup->plan.instance_count; i++)
        if (path_of(setup->instances[i]))
            rc = take_over(setup->instances[i], store, log, err);
    return rc;
}

/* ---- for `check` ---- */

static bool is_sound(const char *path, struct buf *out)
{
    struct sb_error why = SB_ERROR_INIT;
    AUTO_STR text = NULL;
    AUTO_JSON rows = NULL;
    AUTO_JSON mistakes = NULL;
    size_t size = 0, index;
    json_t *line;
    int rc = file_read(path, CONTACTS_BYTES_MAX, &text, &size, &why);

    if (rc == 0)
        rc = contacts_csv_read(path, text, size, &rows, &mistakes, &why);
    if (rc < 0 && !mistakes)
        buf_printf(out, "%s\n", why.text);
    json_array_foreach (mistakes, index, line)
        buf_printf(out, "%s\n", json_string_value(line));
    return rc == 0;
}

size_t contacts_file_check(const struct conf *conf, struct buf *out)
{
    size_t refused = 0;

    for (size_t i = 0; i < conf->block_count; i++) {
        const struct conf_block *block = conf->blocks[i];
        bool is_read = strcmp(block->plugin, "zoho_desk") == 0 && block->is_checked;
        const struct conf_value *value = is_read ? conf_find_value(block, "contacts") : NULL;
        if (value && value->text && *value->text && !is_sound(value->text, out))
            refused++;
    }
    return refused;
}

/* ---- watching ---- */

static void arm(struct contacts_file *file)
{
    loop_timer_arm(file->timer, LOOK_EVERY_MS);
}

static void read_in_store(void *ctx, struct store *store)
{
    struct contacts_file *file = ctx;

    (void)take_over(file->files[file->turn].instance, store, file->engine->log, &file->err);
}

static void on_read(void *ctx)
{
    struct contacts_file *file = ctx;
    struct watched *one = &file->files[file->turn];
    bool has_failed = file->err.status < 0;
    bool is_new = contacts_watch_tell(&one->watch, !has_failed, clock_mono_ms());

    if (has_failed && store_thread_failure(file->engine->store))
        return; /* the engine ends; the next one reads the file before anything moves */
    if (has_failed)
        LOG_AT(file->engine->log, is_new ? LOG_LEVEL_WARN : LOG_LEVEL_DEBUG,
               "the mapping file could not be taken over: it is tried again until it is",
               LOG_STR("instance", one->instance->name), LOG_STR("error", file->err.text));
    arm(file);
}

static bool is_due(struct watched *one)
{
    struct contacts_sight now = look_at(path_of(one->instance));

    return contacts_watch_is_due(&one->watch, &now, clock_mono_ms());
}

static void on_timer(void *ctx)
{
    struct contacts_file *file = ctx;

    for (size_t i = 0; i < file->count; i++) {
        size_t turn = (file->turn + 1 + i) % file->count;
        if (!is_due(&file->files[turn]))
            continue;
        file->turn = turn;
        file->err = (struct sb_error)SB_ERROR_INIT;
        store_thread_run(file->engine->store, read_in_store, on_read, file);
        return;
    }
    arm(file);
}

struct contacts_file *contacts_file_new(struct engine *engine, struct sb_error *err)
{
    struct contacts_file *file = calloc(1, sizeof(*file));
    const struct setup *setup = engine->setup;

    if (file) {
        file->engine = engine;
        file->files = calloc(setup->plan.instance_count + 1, sizeof(*file->files));
        file->timer = loop_timer_new(engine->loop, on_timer, file);
    }
    if (!file || !file->files || !file->timer) {
        (void)sb_fail(err, SB_ENOMEM, "out of memory");
        contacts_file_free(file);
        return NULL;
    }
    for (size_t i = 0; i < setup->plan.instance_count; i++) {
        if (path_of(setup->instances[i]))
            file->files[file->count++] = (struct watched){ .instance = setup->instances[i] };
    }
    if (file->count)
        arm(file);
    return file;
}

void contacts_file_free(struct contacts_file *file)
{
    if (!file)
        return;
    loop_timer_free(file->timer);
    free(file->files);
    free(file);
}

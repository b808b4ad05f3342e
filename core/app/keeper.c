/* Retention. Runs on the store's thread, a little at a time, so that it never delays a commit for long. */
#include "app/keeper.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/engine.h"
#include "base/file.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/timefmt.h"

enum { KEEPER_FIRST_MS = 5 * 1000, KEEPER_EVERY_MS = 10 * 60 * 1000, KEEPER_BATCH = 200 };

/* How long files are kept when their instance does not say. */
#define KEEP_FILES_MS (INT64_C(7) * 24 * 3600 * 1000)

struct keeper {
    struct engine *engine;
    struct loop_timer *timer;
    bool is_working;
    size_t removed_files, removed_records;
    struct sb_error err;
};

static const struct sb_instance *find_instance(const struct engine *engine, const char *name)
{
    const struct flow_plan *plan = &engine->setup->plan;

    for (size_t i = 0; i < plan->instance_count; i++)
        if (strcmp(plan->instances[i].name, name) == 0)
            return plan->instances[i].instance;
    return NULL;
}

static int64_t keep_ms(const struct engine *engine, const char *instance_name)
{
    const struct sb_instance *instance = instance_name ? find_instance(engine, instance_name) : NULL;

    return instance ? instance_number(instance, "keep_recordings", KEEP_FILES_MS) : KEEP_FILES_MS;
}

/* The file, and the record's folder when it was the last one in it. */
static bool remove_file(const struct engine *engine, const char *name)
{
    AUTO_STR path = file_join(engine->setup->files_dir, name);
    AUTO_STR dir = path ? file_dir(path) : NULL;

    if (!path || (unlink(path) < 0 && errno != ENOENT))
        return false;
    if (dir)
        (void)rmdir(dir); /* not empty yet: the next file's turn will do it */
    return true;
}

static void expire_files(struct keeper *keeper, struct store *store, int64_t now_ms)
{
    AUTO_JSON files = NULL;
    size_t index;
    json_t *file;

    if (store_files(store, KEEPER_BATCH, &files, &keeper->err) < 0)
        return;
    json_array_foreach (files, index, file) {
        const char *name = json_str(file, "name");
        int64_t age_ms = now_ms - json_int(file, "created_ms", now_ms);
        if (age_ms < keep_ms(keeper->engine, json_str(file, "instance")) ||
            !remove_file(keeper->engine, name))
            continue;
        if (store_forget_file(store, name, &keeper->err) < 0)
            return;
        keeper->removed_files++;
    }
}

static void keep_house(void *ctx, struct store *store)
{
    struct keeper *keeper = ctx;
    int64_t now_ms = clock_wall_ms();

    expire_files(keeper, store, now_ms);
    if (store_expire(store, now_ms - keeper->engine->setup->conf->settings.keep_records_ms, KEEPER_BATCH,
                     &keeper->removed_records, &keeper->err) < 0)
        keeper->removed_records = 0;
}

static void on_kept(void *ctx)
{
    struct keeper *keeper = ctx;
    bool has_more = keeper->removed_files >= KEEPER_BATCH || keeper->removed_records >= KEEPER_BATCH;

    keeper->is_working = false;
    if (keeper->err.status)
        LOG_WARN(keeper->engine->log, "housekeeping failed", LOG_STR("error", keeper->err.text));
    else if (keeper->removed_files || keeper->removed_records)
        LOG_INFO(keeper->engine->log, "housekeeping",
                 LOG_INT("files_removed", (int64_t)keeper->removed_files),
                 LOG_INT("records_removed", (int64_t)keeper->removed_records));
    loop_timer_arm(keeper->timer, has_more ? KEEPER_FIRST_MS : KEEPER_EVERY_MS);
}

static void on_timer(void *ctx)
{
    struct keeper *keeper = ctx;

    keeper->is_working = true;
    keeper->removed_files = keeper->removed_records = 0;
    keeper->err = (struct sb_error)SB_ERROR_INIT;
    store_thread_run(keeper->engine->store, keep_house, on_kept, keeper);
}

struct keeper *keeper_new(struct engine *engine, struct sb_error *err)
{
    struct keeper *keeper = calloc(1, sizeof(*keeper));

    if (keeper) {
        keeper->engine = engine;
        keeper->timer = loop_timer_new(engine->loop, on_timer, keeper);
    }
    if (!keeper || !keeper->timer) {
        (void)sb_fail(err, SB_ENOMEM, "out of memory");
        free(keeper);
        return NULL;
    }
    loop_timer_arm(keeper->timer, KEEPER_FIRST_MS);
    return keeper;
}

void keeper_free(struct keeper *keeper)
{
    if (!keeper)
        return;
    loop_timer_free(keeper->timer);
    free(keeper);
}

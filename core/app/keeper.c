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

/* The file, and its folder when it was the last one in it. */
static bool remove_file(const struct engine *engine, const char *name)
{
    AUTO_STR path = file_join(engine->setup->files_dir, name);
    AUTO_STR dir = path ? file_dir(path) : NULL;

    if (!path || (unlink(path) < 0 && errno != ENOENT))
        return false;
    if (dir)
        (void)rmdir(dir); /* fails while other records have files in it; the last one's turn will do it */
    return true;
}

/* Removes the files of one list and forgets them together. */
static void remove_listed(struct keeper *keeper, struct store *store, const json_t *files)
{
    const char *removed[KEEPER_BATCH];
    size_t index, count = 0;
    const json_t *file;

    json_array_foreach (files, index, file) {
        const char *name = json_str(file, "name");
        if (count < KEEPER_BATCH && remove_file(keeper->engine, name))
            removed[count++] = name;
    }
    if (count && store_forget_files(store, removed, count, &keeper->err) == 0)
        keeper->removed_files += count;
}

static void expire_files(struct keeper *keeper, struct store *store, int64_t now_ms)
{
    const struct flow_plan *plan = &keeper->engine->setup->plan;

    for (size_t i = 0; i < plan->instance_count && !keeper->err.status; i++) {
        const struct flow_plan_instance *planned = &plan->instances[i];
        int64_t keep_ms = planned->instance
                              ? instance_number(planned->instance, "keep_recordings", KEEP_FILES_MS)
                              : KEEP_FILES_MS;
        AUTO_JSON files = NULL;
        if (store_files_of(store, planned->name, now_ms - keep_ms, KEEPER_BATCH, &files, &keeper->err) == 0)
            remove_listed(keeper, store, files);
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

/* Assembly of configuration, plugins, scripts and instances. */
#include "app/setup.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/paths.h"
#include "base/file.h"
#include "base/scope.h"
#include "script/script.h"

enum { INSTANCE_ARENA_MAX = 8 * 1024 * 1024, PLUGIN_DIRS_MAX = 16 };

/* ---- plugins ------------------------------------------------------------------------------------------- */

struct loader *setup_loader(const struct conf *conf, struct log *log, struct sb_error *err)
{
    const char *dirs[PLUGIN_DIRS_MAX + 2] = { NULL };
    size_t count = 0, index;
    json_t *item;
    AUTO_STR own = paths_plugins();

    if (conf) {
        json_array_foreach (conf->settings.plugin_dirs, index, item)
            if (count < PLUGIN_DIRS_MAX)
                dirs[count++] = json_string_value(item);
    }
    if (own)
        dirs[count++] = own;
    return loader_new(dirs, log, err);
}

static size_t count_linked(const struct sb_plugin *const *linked)
{
    size_t count = 0;

    while (linked && linked[count])
        count++;
    return count;
}

static int add_linked(struct setup *setup, const struct sb_plugin *const *linked, struct sb_error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < count_linked(linked); i++)
        rc = loader_add(setup->loader, linked[i], err);
    return rc;
}

static int check_names(struct setup *setup, const struct sb_plugin *const *linked)
{
    AUTO_JSON found = loader_names(setup->loader);
    const char **names = calloc(json_array_size(found) + count_linked(linked) + 1, sizeof(*names));
    size_t index, count = 0;
    json_t *item;

    if (!names)
        return -1;
    json_array_foreach (found, index, item)
        names[count++] = json_string_value(json_object_get(item, "name"));
    for (size_t i = 0; i < count_linked(linked); i++)
        names[count++] = linked[i]->name;
    conf_check_names(setup->conf, names);
    free(names);
    return 0;
}

bool setup_has_http(const struct sb_plugin *plugin)
{
    for (const struct sb_option *row = plugin->options; row && row->name; row++)
        if (strcmp(row->name, "base_url") == 0)
            return true;
    return plugin->auth != NULL || plugin->reaches != NULL;
}

/* ---- instances ----------------------------------------------------------------------------------------- */

static struct instance_value *copy_values(const struct conf_block *block, struct arena *arena)
{
    struct instance_value *values = arena_alloc(arena, (block->value_count + 1) * sizeof(*values));

    for (size_t i = 0; values && i < block->value_count; i++) {
        const struct conf_value *from = &block->values[i];
        values[i] = (struct instance_value){ .option = from->option,
                                             .is_set = from->is_set,
                                             .text = from->text ? arena_strdup(arena, from->text) : NULL,
                                             .number = from->number,
                                             .period_ms = from->period_ms,
                                             .json = json_incref(from->json) };
    }
    /* An option without its text would pass for one that is not set. */
    for (size_t i = 0; values && arena_ran_out(arena) && i < block->value_count; i++)
        json_decref(values[i].json);
    return arena_ran_out(arena) ? NULL : values;
}

static int load_script(struct setup *setup, struct sb_instance *instance, const struct instance_value *value,
                       struct sb_error *err)
{
    AUTO_STR dir = file_dir(value->text);
    AUTO_STR lib_dir = dir ? file_join(dir, "lib") : NULL;
    struct script *script = NULL;

    if (!lib_dir)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    if (instance->script_count == INSTANCE_SCRIPTS_MAX)
        return sb_fail(err, SB_EINTERNAL, "plugin '%s' has more than %d scripts", instance->plugin->name,
                       INSTANCE_SCRIPTS_MAX);
    int rc = script_load(value->text, lib_dir, NULL, setup->log, &script, err);
    if (rc < 0)
        return rc;
    struct script **scripts = reallocarray(setup->scripts, setup->script_count + 1, sizeof(struct script *));
    if (!scripts) {
        script_free(script);
        return sb_fail(err, SB_ENOMEM, "out of memory");
    }
    setup->scripts = scripts;
    setup->scripts[setup->script_count++] = script;
    instance->scripts[instance->script_count++] =
        (struct instance_script){ .option = value->option->name, .script = script };
    instance->script_host = &script_host;
    return 0;
}

static int open_instance(struct setup *setup, struct sb_instance *instance, struct sb_error *err)
{
    instance->files_dir = setup->files_dir;
    instance->region = setup->conf->settings.phone_region;
    for (size_t i = 0; i < instance->value_count; i++) {
        const struct instance_value *value = &instance->values[i];
        if (value->option->type == SB_OPT_SCRIPT && value->is_set) {
            int rc = load_script(setup, instance, value, err);
            if (rc < 0)
                return rc;
        }
    }
    instance_hide_secrets(instance, setup->log);
    return instance_open(instance, err);
}

static void tell_notices(struct setup *setup, struct conf_block *block, const struct sb_instance *instance)
{
    size_t index;
    json_t *notice;

    json_array_foreach (instance->notices, index, notice)
        conf_block_notice(setup->conf, block, "%s", json_string_value(notice));
}

/* All that `open` refused, or the one reason why there is no instance. */
static void tell_mistakes(struct setup *setup, struct conf_block *block, const struct sb_instance *instance,
                          const struct sb_error *err)
{
    const json_t *mistakes = instance ? instance->mistakes : NULL;
    size_t index;
    json_t *mistake;

    json_array_foreach (mistakes, index, mistake)
        conf_block_fail(setup->conf, block, "%s", json_string_value(mistake));
    if (json_array_size(mistakes) == 0)
        conf_block_fail(setup->conf, block, "%s", err->text);
}

static int make_instance(struct setup *setup, size_t index, const struct sb_plugin *plugin)
{
    struct conf_block *block = setup->conf->blocks[index];
    struct arena *arena = arena_new(INSTANCE_ARENA_MAX);
    struct instance_value *values = arena ? copy_values(block, arena) : NULL;
    struct sb_instance *instance = NULL;
    struct sb_error err = SB_ERROR_INIT;

    if (!values) {
        arena_free(arena);
        return -1;
    }
    int rc = instance_new(block->name, plugin, arena, values, block->value_count, &instance, &err);
    if (rc == 0)
        rc = open_instance(setup, instance, &err);
    if (rc < 0) {
        tell_mistakes(setup, block, instance, &err);
        instance_free(instance);
        return 0;
    }
    tell_notices(setup, block, instance);
    setup->instances[index] = instance;
    return 0;
}

static int make_instances(struct setup *setup)
{
    struct conf *conf = setup->conf;

    setup->instances = calloc(conf->block_count + 1, sizeof(struct sb_instance *));
    if (!setup->instances)
        return -1;
    for (size_t i = 0; i < conf->block_count; i++) {
        struct conf_block *block = conf->blocks[i];
        const struct sb_plugin *plugin = NULL;
        struct sb_error err = SB_ERROR_INIT;

        if (!block->is_used || block->off == CONF_OFF_WRONG)
            continue;
        if (loader_get(setup->loader, block->plugin, &plugin, &err) < 0) {
            conf_block_fail(conf, block, "%s", err.text);
            continue;
        }
        conf_check_instance(conf, block, plugin->kind, plugin->options, setup_has_http(plugin));
        if (block->off == CONF_ON && make_instance(setup, i, plugin) < 0)
            return -1;
    }
    return 0;
}

int setup_load(const char *path, struct log *log, struct setup **ret_setup, struct sb_error *err)
{
    return setup_load_linked(path, /* linked= */ NULL, log, ret_setup, err);
}

int setup_load_linked(const char *path, const struct sb_plugin *const *linked, struct log *log,
                      struct setup **ret_setup, struct sb_error *err)
{
    AUTO_STR share = paths_share();
    const struct conf_source source = { .share_dir = share };
    struct setup *setup = calloc(1, sizeof(*setup));

    if (!setup)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    setup->log = log;
    int rc = conf_load(path, &source, &setup->conf, err);
    if (rc < 0)
        goto fail;
    setup->files_dir =
        file_join(setup->conf->settings.data_dir ? setup->conf->settings.data_dir : "var", "files");
    setup->loader = setup_loader(setup->conf, log, err);
    if (!setup->loader || !setup->files_dir) {
        rc = sb_fail(err, SB_ENOMEM, "out of memory");
        goto fail;
    }
    rc = add_linked(setup, linked, err);
    if (rc < 0)
        goto fail;
    if (check_names(setup, linked) < 0 || make_instances(setup) < 0) {
        rc = sb_fail(err, SB_ENOMEM, "out of memory");
        goto fail;
    }
    conf_check_pipelines(setup->conf);
    *ret_setup = setup;
    return 0;
fail:
    setup_free(setup);
    return rc;
}

void setup_free(struct setup *setup)
{
    if (!setup)
        return;
    for (size_t i = 0; setup->instances && i < setup->conf->block_count; i++)
        instance_free(setup->instances[i]);
    for (size_t i = 0; i < setup->script_count; i++)
        script_free(setup->scripts[i]);
    loader_free(setup->loader);
    conf_free(setup->conf);
    free(setup->instances);
    free(setup->scripts);
    free(setup->planned);
    free(setup->pipelines);
    setup_free_notices(setup);
    free(setup->files_dir);
    free(setup);
}

bool setup_has_errors(const struct setup *setup)
{
    return conf_error_count(setup->conf) > 0;
}

/* ---- the plan ------------------------------------------------------------------------------------------ */

static size_t index_of(const struct conf *conf, const struct conf_block *block)
{
    for (size_t i = 0; i < conf->block_count; i++)
        if (conf->blocks[i] == block)
            return i;
    assert(false && "a place names a block of its own configuration");
    return 0;
}

static void plan_pipeline(const struct conf *conf, const struct conf_pipeline *from, struct flow_pipeline *to)
{
    *to = (struct flow_pipeline){ .name = from->name,
                                  .is_off = from->is_disabled || from->off_reason != NULL,
                                  .source = index_of(conf, from->source.alternatives[0]),
                                  .stage_count = from->stage_count,
                                  .sink_count = from->sink_count };
    for (size_t i = 0; i < from->stage_count; i++) {
        to->stages[i].alternative_count = from->stages[i].alternative_count;
        for (size_t j = 0; j < from->stages[i].alternative_count; j++)
            to->stages[i].alternatives[j] = index_of(conf, from->stages[i].alternatives[j]);
    }
    for (size_t i = 0; i < from->sink_count; i++)
        to->sinks[i] = index_of(conf, from->sinks[i].alternatives[0]);
}

int setup_plan(struct setup *setup, struct sb_error *err)
{
    const struct conf *conf = setup->conf;

    assert(!setup_has_errors(setup));
    setup->planned = calloc(conf->block_count + 1, sizeof(*setup->planned));
    setup->pipelines =
        calloc(2 * conf->pipeline_count + 1, sizeof(*setup->pipelines)); /* with notices of each */
    if (!setup->planned || !setup->pipelines)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    for (size_t i = 0; i < conf->block_count; i++) {
        const struct conf_block *block = conf->blocks[i];
        bool is_off = !setup->instances[i];
        setup->planned[i] = (struct flow_plan_instance){
            .instance = setup->instances[i],
            .name = block->name,
            .off_reason = is_off ? (block->off_reason ? block->off_reason : "no pipeline uses it") : NULL,
        };
    }
    for (size_t i = 0; i < conf->pipeline_count; i++)
        plan_pipeline(conf, &conf->pipelines[i], &setup->pipelines[i]);
    setup->plan = (struct flow_plan){ .instances = setup->planned,
                                      .instance_count = conf->block_count,
                                      .pipelines = setup->pipelines,
                                      .pipeline_count = conf->pipeline_count };
    return setup_plan_notices(setup, err);
}

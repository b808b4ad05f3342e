/* The way from a path to a conf: splice, check the syntax, parse, put the variables in, read the sections. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/scope.h"
#include "conf/inner.h"

static const char *look_in_environment(void *ctx, const char *name)
{
    (void)ctx;
    return getenv(name);
}

/* The folder of `path`, absolute, without links on the way to it: scripts are looked for there for as long as we run. */
static const char *absolute_dir(struct conf *conf, const char *path)
{
    AUTO_STR dir = file_dir(path);
    AUTO_STR whole = dir ? realpath(dir, NULL) : NULL;

    if (!dir || (!whole && errno == ENOMEM))
        conf->inner->is_out_of_memory = true;
    return conf_strdup(conf, whole ? whole : "."); /* a folder that is not there has no file to read either */
}

static struct conf *new_conf(void)
{
    struct conf *conf = calloc(1, sizeof(*conf));
    if (!conf)
        return NULL;

    conf->inner = calloc(1, sizeof(*conf->inner));
    if (!conf->inner) {
        free(conf);
        return NULL;
    }
    struct conf_inner *inner = conf->inner;
    buf_init(&inner->text, (size_t)CONF_FILES_MAX * CONF_FILE_BYTES_MAX);
    inner->arena = arena_new(CONF_ARENA_MAX);
    inner->documents = json_array();
    if (inner->arena) {
        inner->diagnostics = conf_alloc(conf, CONF_DIAGNOSTICS_MAX * sizeof(*inner->diagnostics));
        conf->pipelines = conf_alloc(conf, CONF_PIPELINES_MAX * sizeof(*conf->pipelines));
        conf->blocks = conf_alloc(conf, CONF_BLOCKS_MAX * sizeof(struct conf_block *));
    }
    conf->diagnostics = inner->diagnostics;
    if (!inner->arena || !inner->documents || !inner->diagnostics || !conf->pipelines || !conf->blocks) {
        conf_free(conf);
        return NULL;
    }
    return conf;
}

/* libconfig keeps its own copy of every text, secrets among them. */
static void wipe_tree(config_setting_t *setting)
{
    if (config_setting_type(setting) == CONFIG_TYPE_STRING) {
        const char *text = config_setting_get_string(setting);
        if (text)
            explicit_bzero((char *)(uintptr_t)text, strlen(text));
    }
    for (int i = 0; config_setting_is_aggregate(setting) && i < config_setting_length(setting); i++)
        wipe_tree(config_setting_get_elem(setting, (unsigned)i));
}

void conf_free(struct conf *conf)
{
    if (!conf)
        return;
    struct conf_inner *inner = conf->inner;
    if (inner->has_tree) {
        wipe_tree(config_root_setting(&inner->tree));
        config_destroy(&inner->tree);
    }
    if (inner->text.cap > 0)
        explicit_bzero(inner->text.data, inner->text.cap);
    buf_done(&inner->text);
    if (inner->env_text)
        explicit_bzero(inner->env_text, inner->env_size);
    free(inner->env_text);
    free(inner->origins);
    json_decref(inner->documents);
    arena_wipe(inner->arena);
    arena_free(inner->arena);
    free(inner);
    free(conf);
}

/* libconfig does not look whether it got memory for a text: a setting without one would pass for one that is not there. */
static bool has_all_texts(config_setting_t *setting)
{
    if (config_setting_type(setting) == CONFIG_TYPE_STRING && !config_setting_get_string(setting))
        return false;
    for (int i = 0; config_setting_is_aggregate(setting) && i < config_setting_length(setting); i++)
        if (!has_all_texts(config_setting_get_elem(setting, (unsigned)i)))
            return false;
    return true;
}

/* Parses the spliced text. The scanner has let it through, so a refusal here is a mistake that the scanner does not
 * know; libconfig's own words must do then. */
static bool parse_tree(struct conf *conf)
{
    struct conf_inner *inner = conf->inner;

    config_init(&inner->tree);
    inner->has_tree = true;
    if (config_read_string(&inner->tree, inner->text.data) == CONFIG_TRUE) {
        inner->is_out_of_memory = !has_all_texts(config_root_setting(&inner->tree));
        return !inner->is_out_of_memory;
    }
    int line = config_error_line(&inner->tree);
    const struct conf_origin *origin =
        line >= 1 && (size_t)line <= inner->line_count ? &inner->origins[line - 1] : NULL;
    conf_say(conf, CONF_ERROR, origin ? inner->files[origin->file] : conf->path, origin ? origin->line : 0,
             "%s", config_error_text(&inner->tree));
    return false;
}

static void read_all(struct conf *conf)
{
    /* A part that could not be included would make everything in it seem missing. */
    bool is_whole = conf_error_count(conf) == 0;

    if (!conf_scan(conf) || !is_whole || conf->inner->is_out_of_memory || !parse_tree(conf))
        return;
    conf_read_env_file(conf);
    conf_expand_all(conf);
    conf_read_settings(conf);
    conf_read_blocks(conf);
    conf_read_pipelines(conf);
}

int conf_load(const char *path, const struct conf_source *source, struct conf **ret_conf,
              struct sb_error *err)
{
    struct conf_source given = source ? *source : (struct conf_source){ 0 };
    struct conf *conf = new_conf();
    if (!conf)
        return sb_fail(err, SB_ENOMEM, "cannot read '%s': out of memory", path);

    if (!given.lookup)
        given.lookup = look_in_environment;
    conf->inner->source = &given;
    conf->path = conf_strdup(conf, path);
    conf->dir = absolute_dir(conf, path);
    if (given.share_dir)
        conf->inner->share_dir = conf_strdup(conf, given.share_dir);
    int rc = conf_splice(conf, path, err);
    if (rc == 0)
        read_all(conf);
    conf->inner->source = NULL;
    if (rc == 0 && conf->inner->is_out_of_memory)
        rc = sb_fail(err, SB_ENOMEM, "cannot read '%s': out of memory", path);
    if (rc < 0) {
        conf_free(conf);
        return rc;
    }
    *ret_conf = conf;
    return 0;
}

const char *conf_env_value(const struct conf *conf, const char *name)
{
    return env_find(&conf->inner->env, name);
}

/* What can be said only when every plugin is known: names, kinds at their places, and what is switched off. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "conf/inner.h"

enum { NAMES_MAX = 512 };

/* ---- names ---- */

static bool is_among(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

/* Settings, plugins and blocks together, for the nearest name. `with_settings`: for what stands at the top. */
static void collect_names(const struct conf *conf, const char *const *plugins, bool with_settings,
                          bool with_blocks, const char *names[NAMES_MAX])
{
    size_t count = 0;

    for (const char *const *name = conf_setting_names(); with_settings && *name; name++)
        names[count++] = *name;
    for (; *plugins && count < NAMES_MAX - 1; plugins++)
        names[count++] = *plugins;
    for (size_t i = 0; with_blocks && i < conf->block_count && count < NAMES_MAX - 1; i++)
        if (!conf->blocks[i]->is_implicit)
            names[count++] = conf->blocks[i]->name;
    names[count] = NULL;
}

static const char *meant(struct conf *conf, const char *name, const char *const *names)
{
    const char *near = parse_nearest(name, names);

    return near ? conf_printf(conf, "; did you mean '%s'?", near) : "";
}

static void check_block_name(struct conf *conf, struct conf_block *block, const char *const *plugins)
{
    const struct conf_block_inner *inner = block->inner;
    const char *names[NAMES_MAX];
    bool is_named = inner->setting && config_setting_get_member(inner->setting, "plugin");

    if (block->off == CONF_OFF_WRONG || is_among(block->plugin, plugins))
        return;
    block->off = CONF_OFF_WRONG;
    block->off_reason = "its plugin is not known";
    if (is_named) {
        CONF_SAY(conf, CONF_ERROR, config_setting_get_member(inner->setting, "plugin"),
                 "there is no plugin '%s'%s", block->plugin, meant(conf, block->plugin, plugins));
    } else if (block->is_implicit) {
        collect_names(conf, plugins, /* with_settings= */ false, /* with_blocks= */ true, names);
        conf_say(conf, CONF_ERROR, block->file, block->line, "'%s' is neither a plugin nor a block%s",
                 block->name, meant(conf, block->name, names));
    } else {
        collect_names(conf, plugins, /* with_settings= */ true, /* with_blocks= */ false, names);
        const char *near = meant(conf, block->name, names);
        conf_say(conf, CONF_ERROR, block->file, block->line, "'%s' is neither a setting nor a plugin%s",
                 block->name,
                 *near ? near : "; a second instance of a plugin needs a line: plugin = \"...\"");
    }
}

/* Values at the top that are no settings. A plugin's name without a group is the likeliest slip. */
static void check_top(struct conf *conf, const char *const *plugins)
{
    const config_setting_t *root = config_root_setting(&conf->inner->tree);
    const char *names[NAMES_MAX];

    collect_names(conf, plugins, /* with_settings= */ true, /* with_blocks= */ false, names);
    for (int i = 0; i < config_setting_length(root); i++) {
        const config_setting_t *setting = config_setting_get_elem(root, (unsigned)i);
        const char *name = config_setting_name(setting);
        if (config_setting_is_group(setting) || conf_is_setting(name))
            continue;
        if (is_among(name, plugins))
            CONF_SAY(conf, CONF_ERROR, setting, "'%s' is a plugin and must be a group { }, not %s", name,
                     conf_kind_of(setting));
        else
            CONF_SAY(conf, CONF_ERROR, setting, "unknown setting '%s'%s", name, meant(conf, name, names));
    }
}

static void put_in_place(struct conf_place *places, size_t count, const struct conf_block *wrong,
                         struct conf_block *meant)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < places[i].alternative_count; j++)
            if (places[i].alternatives[j] == wrong)
                places[i].alternatives[j] = meant;
}

/* The block that a misspelt name in a pipeline is likely to mean is checked in its place, so that one run tells its
 * mistakes, too. */
static void follow_misspelt(struct conf *conf, const struct conf_block *wrong)
{
    const char *names[NAMES_MAX], *const none[] = { NULL };

    collect_names(conf, none, /* with_settings= */ false, /* with_blocks= */ true, names);
    const char *near = parse_nearest(wrong->name, names);
    struct conf_block *meant = near ? conf_find_block(conf, near) : NULL;
    if (!meant || !wrong->is_used)
        return;
    meant->is_used = true;
    for (size_t i = 0; i < conf->pipeline_count; i++) {
        put_in_place(&conf->pipelines[i].source, 1, wrong, meant);
        put_in_place(conf->pipelines[i].stages, conf->pipelines[i].stage_count, wrong, meant);
        put_in_place(conf->pipelines[i].sinks, conf->pipelines[i].sink_count, wrong, meant);
    }
}

void conf_check_names(struct conf *conf, const char *const *plugins)
{
    if (!conf->inner->has_tree)
        return;
    check_top(conf, plugins);
    for (size_t i = 0; i < conf->block_count; i++) {
        struct conf_block *block = conf->blocks[i];
        check_block_name(conf, block, plugins);
        if (block->is_implicit && block->off == CONF_OFF_WRONG)
            follow_misspelt(conf, block);
    }
}

/* ---- places ---- */

static const char *const kind_words[] = {
    [SB_SOURCE] = "source", [SB_PROCESSOR] = "processor", [SB_SINK] = "sink"
};
static const char *const place_words[] = {
    [SB_SOURCE] = "source", [SB_PROCESSOR] = "stage", [SB_SINK] = "sink"
};

static void check_kind(struct conf *conf, const struct conf_place *place, enum sb_kind wanted)
{
    for (size_t i = 0; i < place->alternative_count; i++) {
        const struct conf_block *block = place->alternatives[i];
        if (!block->is_checked || block->kind == wanted)
            continue;
        conf_say(conf, CONF_ERROR, place->file, place->line, "'%s' is a %s and cannot be a %s", block->name,
                 kind_words[block->kind], place_words[wanted]);
    }
}

/* Whether it runs, or its mistakes were reported already, so that nothing more need be said. */
static bool is_settled(const struct conf_block *block)
{
    return block->off == CONF_ON || block->off == CONF_OFF_WRONG || !block->is_checked;
}

/* Whether an unknown name in the block is likely to mean `option`: then its slip was told already. */
static bool is_misspelt(const struct conf_block *block, const char *option)
{
    const struct conf_block_inner *inner = block->inner;
    const char *const meant[] = { option, NULL };
    int count = inner->setting ? config_setting_length(inner->setting) : 0;

    for (int i = 0; i < count; i++) {
        const char *name = config_setting_name(config_setting_get_elem(inner->setting, (unsigned)i));
        if (!conf_find_value(block, name) && parse_nearest(name, meant))
            return true;
    }
    return false;
}

static void report_missing(struct conf *conf, const struct conf_block *block)
{
    struct conf_block_inner *inner = (struct conf_block_inner *)(uintptr_t)block->inner;

    if (inner->is_reported)
        return;
    inner->is_reported = true;
    for (size_t i = 0; i < inner->missing_count; i++)
        if (!is_misspelt(block, inner->missing[i].option))
            conf_say(conf, CONF_ERROR, inner->missing[i].file, inner->missing[i].line, "%s",
                     inner->missing[i].text);
}

/* Whether what is missing is no mistake of the file: then another alternative may take over. */
static bool may_be_off(const struct conf_block *block)
{
    const struct conf_block_inner *inner = block->inner;

    if (block->is_optional || block->off == CONF_OFF_DISABLED)
        return true;
    for (size_t i = 0; i < inner->missing_count; i++)
        if (!inner->missing[i].may_be_off)
            return false;
    return true;
}

static void turn_off(struct conf *conf, struct conf_pipeline *pipeline, const char *what,
                     const struct conf_block *block)
{
    if (!pipeline->off_reason)
        pipeline->off_reason = conf_printf(conf, "%s '%s' is off: %s", what, block->name, block->off_reason);
}

/* A place whose only instance, or whose every alternative, is off. */
static void check_lost_place(struct conf *conf, struct conf_pipeline *pipeline,
                             const struct conf_place *place, enum sb_kind kind)
{
    const char *what = place_words[kind];
    bool is_allowed = pipeline->is_optional;
    bool is_disabled = true;

    for (size_t i = 0; i < place->alternative_count; i++) {
        is_allowed = is_allowed || place->alternatives[i]->is_optional;
        is_disabled = is_disabled && place->alternatives[i]->off == CONF_OFF_DISABLED;
    }
    if (is_allowed || (is_disabled && kind == SB_SOURCE)) {
        turn_off(conf, pipeline, what, place->alternatives[0]);
        return;
    }
    for (size_t i = 0; i < place->alternative_count; i++) {
        const struct conf_block *block = place->alternatives[i];
        if (block->off == CONF_OFF_MISSING)
            report_missing(conf, block);
        else
            conf_say(conf, CONF_ERROR, place->file, place->line,
                     "'%s' is disabled, and nothing else is left for this stage of '%s'", block->name,
                     pipeline->name);
    }
}

static void check_stage(struct conf *conf, struct conf_pipeline *pipeline, const struct conf_place *place)
{
    const struct conf_block *left = NULL;

    for (size_t i = place->alternative_count; i-- > 0;)
        if (is_settled(place->alternatives[i]))
            left = place->alternatives[i];
    if (!left) {
        check_lost_place(conf, pipeline, place, SB_PROCESSOR);
        return;
    }
    for (size_t i = 0; i < place->alternative_count; i++) {
        const struct conf_block *block = place->alternatives[i];
        if (is_settled(block))
            continue;
        if (!may_be_off(block))
            report_missing(conf, block);
        else if (!pipeline->off_reason)
            conf_say(conf, CONF_NOTICE, place->file, place->line, "'%s' is off: %s; '%s' does its work",
                     block->name, block->off_reason, left->name);
    }
}

static void check_sink(struct conf *conf, struct conf_pipeline *pipeline, const struct conf_place *place,
                       bool has_other)
{
    const struct conf_block *block = place->alternatives[0];

    if (is_settled(block))
        return;
    if (block->off == CONF_OFF_DISABLED)
        conf_say(conf, CONF_NOTICE, place->file, place->line,
                 "'%s' is disabled: conversations of '%s' end without it, and are not delivered later by "
                 "themselves",
                 block->name, pipeline->name);
    else if (has_other && block->is_optional && pipeline->off_reason)
        ; /* nothing runs here, which is told */
    else if (has_other && block->is_optional)
        conf_say(conf, CONF_NOTICE, place->file, place->line, "'%s' is off: %s", block->name,
                 block->off_reason);
    else
        check_lost_place(conf, pipeline, place, SB_SINK);
}

/* Whether a sink beside number `except` takes part, be it only by ending records as disabled. */
static bool has_other_sink(const struct conf_pipeline *pipeline, size_t except)
{
    for (size_t i = 0; i < pipeline->sink_count; i++)
        if (i != except && pipeline->sinks[i].alternatives[0]->off != CONF_OFF_MISSING)
            return true;
    return false;
}

/* What blocks lack beside their mistakes, where nothing may stand in for them: one run tells all. */
static void check_lack(struct conf *conf, const struct conf_pipeline *pipeline,
                       const struct conf_place *place)
{
    for (size_t i = 0; i < place->alternative_count && !pipeline->is_optional; i++) {
        const struct conf_block *block = place->alternatives[i];
        const struct conf_value *enabled = conf_find_value(block, "enabled");
        if (block->off != CONF_OFF_WRONG || block->is_optional || (enabled && !enabled->number))
            continue;
        if (place->alternative_count == 1 || !may_be_off(block))
            report_missing(conf, block);
    }
}

static void check_pipeline(struct conf *conf, struct conf_pipeline *pipeline)
{
    if (pipeline->source.alternative_count > 0) {
        check_kind(conf, &pipeline->source, SB_SOURCE);
        if (!is_settled(pipeline->source.alternatives[0]))
            check_lost_place(conf, pipeline, &pipeline->source, SB_SOURCE);
        check_lack(conf, pipeline, &pipeline->source);
    }
    for (size_t i = 0; i < pipeline->stage_count; i++) {
        check_kind(conf, &pipeline->stages[i], SB_PROCESSOR);
        check_stage(conf, pipeline, &pipeline->stages[i]);
        check_lack(conf, pipeline, &pipeline->stages[i]);
    }
    for (size_t i = 0; i < pipeline->sink_count; i++) {
        check_kind(conf, &pipeline->sinks[i], SB_SINK);
        check_sink(conf, pipeline, &pipeline->sinks[i], has_other_sink(pipeline, i));
        check_lack(conf, pipeline, &pipeline->sinks[i]);
    }
    if (pipeline->off_reason)
        conf_say(conf, CONF_NOTICE, pipeline->file, pipeline->line, "pipeline '%s' is off: %s",
                 pipeline->name, pipeline->off_reason);
}

/* Only when all is well otherwise: a misspelt stage leaves its block unused, and one mistake should be told once. */
static void tell_unused(struct conf *conf)
{
    for (size_t i = 0; i < conf->block_count; i++) {
        struct conf_block *block = conf->blocks[i];
        if (!block->is_used && !block->is_implicit)
            conf_block_notice(conf, block, "no pipeline that is enabled uses '%s': it is not loaded",
                              block->name);
    }
}

void conf_check_pipelines(struct conf *conf)
{
    size_t running = 0;

    for (size_t i = 0; i < conf->pipeline_count; i++) {
        struct conf_pipeline *pipeline = &conf->pipelines[i];
        if (pipeline->is_disabled)
            pipeline->off_reason = "disabled";
        else
            check_pipeline(conf, pipeline);
        running += pipeline->off_reason == NULL;
    }
    if (conf->pipeline_count > 0 && running == 0 && conf_error_count(conf) == 0)
        conf_say(conf, CONF_ERROR, conf->path, 0, "nothing would run: every pipeline is off");
    if (conf_error_count(conf) == 0)
        tell_unused(conf);
}

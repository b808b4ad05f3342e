/* The pipelines as they are written: source, stages with alternatives, sinks. */
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "conf/inner.h"

/* One name of a place, cut out of "a | b". */
static void add_name(struct conf *conf, struct conf_place *place, const config_setting_t *where,
                     const char *start, size_t size)
{
    const char *name = conf_strndup(conf, start, size);

    if (size == 0) {
        CONF_SAY(conf, CONF_ERROR, where, "a name is missing beside the '|'");
        return;
    }
    if (!conf_is_name(name)) {
        CONF_SAY(conf, CONF_ERROR, where, "'%s' cannot be the name of a plugin or block", name);
        return;
    }
    if (place->alternative_count == CONF_ALTERNATIVES_MAX) {
        CONF_SAY(conf, CONF_ERROR, where, "there are too many alternatives; %d is the limit",
                 CONF_ALTERNATIVES_MAX);
        return;
    }
    struct conf_block *block = conf_use_block(conf, name, where);
    if (!block)
        return;
    for (size_t i = 0; i < place->alternative_count; i++)
        if (place->alternatives[i] == block) {
            CONF_SAY(conf, CONF_ERROR, where,
                     "'%s' is there twice: the second can never run, for what has just failed cannot stand "
                     "in for itself",
                     name);
            return;
        }
    place->alternatives[place->alternative_count++] = block;
}

/* Reads "a | b" into `place`. False when the setting says nothing. */
static bool read_place(struct conf *conf, const config_setting_t *setting, const char *what,
                       struct conf_place *place)
{
    place->file = conf_file_of(conf, setting);
    place->line = conf_line_of(conf, setting);
    if (config_setting_type(setting) != CONFIG_TYPE_STRING) {
        CONF_SAY(conf, CONF_ERROR, setting, "a %s must be a name in quotes, not %s", what,
                 conf_kind_of(setting));
        return false;
    }
    struct conf_text text = conf_text_of(conf, setting);
    if (text.is_bad)
        return false;
    const char *p = text.text + strspn(text.text, " \t");
    if (!*p) {
        CONF_SAY(conf, CONF_ERROR, setting, "the name of a %s is empty%s", what, text.because);
        return false;
    }
    for (;;) {
        size_t size = strcspn(p, "|");
        const char *end = p + size;
        size_t blanks = strspn(p, " \t");
        const char *start = blanks < size ? p + blanks : end;
        const char *last = end;
        while (last > start && (last[-1] == ' ' || last[-1] == '\t'))
            last--;
        add_name(conf, place, setting, start, (size_t)(last - start));
        if (*end != '|')
            return place->alternative_count > 0;
        p = end + 1;
    }
}

static void refuse_alternatives(struct conf *conf, struct conf_place *place, const config_setting_t *where,
                                const char *what)
{
    if (place->alternative_count > 1) {
        CONF_SAY(conf, CONF_ERROR, where, "a %s has no alternatives; only stages may have '|'", what);
        place->alternative_count = 1;
    }
}

/* The elements of `stages` or `sinks`. Returns how many places there are. */
static size_t read_places(struct conf *conf, const config_setting_t *group, const char *name,
                          const char *what, struct conf_place *places, size_t max)
{
    const config_setting_t *list = config_setting_get_member(group, name);
    size_t count = 0;

    if (!list)
        return 0;
    if (!config_setting_is_array(list) && !config_setting_is_list(list)) {
        CONF_SAY(conf, CONF_ERROR, list, "'%s' must be a list: %s = [ \"a\", \"b\" ]", name, name);
        return 0;
    }
    for (int i = 0; i < config_setting_length(list); i++) {
        const config_setting_t *element = config_setting_get_elem(list, (unsigned)i);
        if (count == max) {
            CONF_SAY(conf, CONF_ERROR, element, "there are too many %s; %zu is the limit", name, max);
            break;
        }
        if (!read_place(conf, element, what, &places[count]))
            continue;
        if (strcmp(what, "sink") == 0)
            refuse_alternatives(conf, &places[count], element, what);
        count++;
    }
    return count;
}

static bool read_switch(struct conf *conf, const config_setting_t *group, const char *name, bool otherwise)
{
    static const struct sb_option table[] = {
        { .name = "optional", .type = SB_OPT_BOOL },
        { .name = "enabled", .type = SB_OPT_BOOL },
    };
    const struct sb_option *row = strcmp(name, "optional") == 0 ? &table[0] : &table[1];
    struct conf_value value;

    (void)conf_read_values(conf, group, &row, 1, &value, NULL); /* what is wrong was reported */
    return value.is_given ? value.number != 0 : otherwise;
}

/* Within one pipeline an instance has one place: steps are remembered under its name. */
static void check_repetition(struct conf *conf, const struct conf_pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->stage_count; i++)
        for (size_t a = 0; a < pipeline->stages[i].alternative_count; a++)
            for (size_t j = 0; j < i; j++)
                for (size_t b = 0; b < pipeline->stages[j].alternative_count; b++)
                    if (pipeline->stages[i].alternatives[a] == pipeline->stages[j].alternatives[b])
                        conf_say(conf, CONF_ERROR, pipeline->stages[i].file, pipeline->stages[i].line,
                                 "'%s' is in stage %zu already; a second run of it needs a block of its own",
                                 pipeline->stages[i].alternatives[a]->name, j + 1);
    for (size_t i = 0; i < pipeline->sink_count; i++)
        for (size_t j = 0; j < i; j++)
            if (pipeline->sinks[i].alternatives[0] == pipeline->sinks[j].alternatives[0])
                conf_say(conf, CONF_ERROR, pipeline->sinks[i].file, pipeline->sinks[i].line,
                         "sink '%s' is there twice; every conversation would be delivered twice",
                         pipeline->sinks[i].alternatives[0]->name);
}

static void read_source(struct conf *conf, const config_setting_t *group, struct conf_pipeline *pipeline)
{
    const config_setting_t *source = config_setting_get_member(group, "source");

    if (!source) {
        CONF_SAY(conf, CONF_ERROR, group, "pipeline '%s' has no source: source = \"exotel\"", pipeline->name);
        return;
    }
    if (read_place(conf, source, "source", &pipeline->source))
        refuse_alternatives(conf, &pipeline->source, source, "source");
}

static void read_pipeline(struct conf *conf, const config_setting_t *group)
{
    static const char *const names[] = { "source", "stages", "sinks", "optional", "enabled", NULL };
    struct conf_pipeline *pipeline = &conf->pipelines[conf->pipeline_count];
    const char *name = config_setting_name(group);

    if (!config_setting_is_group(group)) {
        CONF_SAY(conf, CONF_ERROR, group, "pipeline '%s' must be a group { }, not %s", name,
                 conf_kind_of(group));
        return;
    }
    if (!conf_is_name(name)) {
        CONF_SAY(conf, CONF_ERROR, group,
                 "'%s' cannot be a pipeline's name: letters, digits, '_' and '-', at most %d of them", name,
                 CONF_NAME_MAX);
        return;
    }
    conf->pipeline_count++;
    pipeline->name = conf_strdup(conf, name);
    pipeline->file = conf_file_of(conf, group);
    pipeline->line = conf_line_of(conf, group);
    (void)conf_check_members(conf, group, names, "setting", conf_printf(conf, "pipelines.%s", name));
    pipeline->is_optional = read_switch(conf, group, "optional", false);
    pipeline->is_disabled = !read_switch(conf, group, "enabled", true);
    read_source(conf, group, pipeline);
    pipeline->stage_count = read_places(conf, group, "stages", "stage", pipeline->stages, CONF_STAGES_MAX);
    pipeline->sink_count = read_places(conf, group, "sinks", "sink", pipeline->sinks, CONF_SINKS_MAX);
    const config_setting_t *sinks = config_setting_get_member(group, "sinks");
    if (!sinks || (config_setting_is_aggregate(sinks) && config_setting_length(sinks) == 0))
        CONF_SAY(conf, CONF_ERROR, sinks ? sinks : group,
                 "pipeline '%s' has no sink: sinks = [ \"zoho_desk\" ]", name);
    check_repetition(conf, pipeline);
}

/* A conversation is known by its source, so it can go one way only. */
static void check_sources(struct conf *conf)
{
    for (size_t i = 0; i < conf->pipeline_count; i++)
        for (size_t j = 0; j < i; j++) {
            const struct conf_pipeline *a = &conf->pipelines[j], *b = &conf->pipelines[i];
            if (a->is_disabled || b->is_disabled || a->source.alternative_count == 0 ||
                b->source.alternative_count == 0)
                continue;
            if (a->source.alternatives[0] == b->source.alternatives[0])
                conf_say(conf, CONF_ERROR, b->source.file, b->source.line,
                         "source '%s' feeds pipeline '%s' already; a conversation goes through one pipeline",
                         b->source.alternatives[0]->name, a->name);
        }
}

static void mark_used(struct conf_place *places, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < places[i].alternative_count; j++)
            places[i].alternatives[j]->is_used = true;
}

void conf_read_pipelines(struct conf *conf)
{
    const config_setting_t *root = config_root_setting(&conf->inner->tree);
    const config_setting_t *group = config_setting_get_member(root, "pipelines");

    if (group && !config_setting_is_group(group)) {
        CONF_SAY(conf, CONF_ERROR, group, "'pipelines' must be a group { }, not %s", conf_kind_of(group));
        return;
    }
    if (!group || config_setting_length(group) == 0) {
        CONF_SAY(conf, CONF_ERROR, group,
                 "there is no pipeline: pipelines = { calls = { source = ... stages = ... sinks = ... } }");
        return;
    }
    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *member = config_setting_get_elem(group, (unsigned)i);
        if (conf->pipeline_count == CONF_PIPELINES_MAX) {
            CONF_SAY(conf, CONF_ERROR, member, "there are too many pipelines; %d is the limit",
                     CONF_PIPELINES_MAX);
            break;
        }
        read_pipeline(conf, member);
    }
    check_sources(conf);
    for (size_t i = 0; i < conf->pipeline_count; i++) {
        struct conf_pipeline *pipeline = &conf->pipelines[i];
        if (pipeline->is_disabled)
            continue;
        mark_used(&pipeline->source, 1);
        mark_used(pipeline->stages, pipeline->stage_count);
        mark_used(pipeline->sinks, pipeline->sink_count);
    }
}

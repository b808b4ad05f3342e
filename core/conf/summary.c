/* The pipelines as they will run, on one screen. */
#include <string.h>

#include "base/parse.h"
#include "conf/inner.h"

static void write_block(struct buf *out, const struct conf_block *block)
{
    buf_str(out, block->name);
    if (strcmp(block->name, block->plugin) != 0)
        buf_printf(out, " (%s)", block->plugin);
    if (block->off != CONF_ON)
        buf_printf(out, " [off: %s]", block->off_reason);
}

static void write_place(struct buf *out, const char *word, size_t number, const struct conf_place *place)
{
    if (number > 0)
        buf_printf(out, "  %s %zu  ", word, number);
    else
        buf_printf(out, "  %-8s ", word);
    for (size_t i = 0; i < place->alternative_count; i++) {
        buf_str(out, i > 0 ? ", else " : "");
        write_block(out, place->alternatives[i]);
    }
    buf_char(out, '\n');
}

static void write_pipeline(struct buf *out, const struct conf_pipeline *pipeline)
{
    buf_str(out, pipeline->name);
    if (pipeline->off_reason) {
        buf_printf(out, ": off, %s\n", pipeline->off_reason);
        return;
    }
    buf_char(out, '\n');
    write_place(out, "source", 0, &pipeline->source);
    for (size_t i = 0; i < pipeline->stage_count; i++)
        write_place(out, "stage", i + 1, &pipeline->stages[i]);
    for (size_t i = 0; i < pipeline->sink_count; i++)
        write_place(out, "sink", 0, &pipeline->sinks[i]);
}

static void write_pair(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "  %-14s %s\n", name, value);
}

void conf_write_summary(const struct conf *conf, struct buf *out)
{
    const struct conf_settings *s = &conf->settings;
    char text[24];

    for (size_t i = 0; i < conf->pipeline_count; i++) {
        write_pipeline(out, &conf->pipelines[i]);
        buf_char(out, '\n');
    }
    buf_str(out, "settings\n");
    write_pair(out, "data_dir", s->data_dir ? s->data_dir : "-");
    write_pair(out, "listen", s->listen ? s->listen : "-");
    write_pair(out, "admin_listen", s->admin_listen ? s->admin_listen : "-");
    buf_printf(out, "  %-14s %lld conversations\n", "max_in_flight", (long long)s->max_in_flight);
    format_duration(s->keep_records_ms, text);
    write_pair(out, "retention", text);
    write_pair(out, "alerts", s->alert_url ? s->alert_url : "logged only");
}

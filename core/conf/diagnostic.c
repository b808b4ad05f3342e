/* The list of everything that is wrong or worth knowing, with its places, and the memory it lives in. */
#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "conf/inner.h"

void *conf_alloc(struct conf *conf, size_t size)
{
    void *memory = arena_alloc(conf->inner->arena, size);

    if (!memory)
        conf->inner->is_out_of_memory = true;
    return memory;
}

const char *conf_strndup(struct conf *conf, const char *text, size_t size)
{
    char *copy = conf_alloc(conf, size + 1);
    if (!copy)
        return "";
    memcpy(copy, text, size);
    return copy;
}

const char *conf_strdup(struct conf *conf, const char *text)
{
    return conf_strndup(conf, text, strlen(text));
}

static const char *vprintf_in(struct conf *conf, const char *fmt, va_list args) SB_PRINTF(2, 0);

static const char *vprintf_in(struct conf *conf, const char *fmt, va_list args)
{
    const char *text = arena_vprintf(conf->inner->arena, fmt, args);

    if (!text)
        conf->inner->is_out_of_memory = true;
    return text ? text : "";
}

const char *conf_printf(struct conf *conf, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    const char *text = vprintf_in(conf, fmt, args);
    va_end(args);
    return text;
}

static void add_diagnostic(struct conf *conf, struct conf_diagnostic diagnostic)
{
    struct conf_inner *inner = conf->inner;

    if (diagnostic.severity == CONF_ERROR)
        inner->error_count++;
    if (conf->diagnostic_count == CONF_DIAGNOSTICS_MAX) {
        inner->dropped_count++;
        return;
    }
    inner->diagnostics[conf->diagnostic_count++] = diagnostic;
}

void conf_say(struct conf *conf, enum conf_severity severity, const char *file, unsigned line,
              const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    const char *text = vprintf_in(conf, fmt, args);
    va_end(args);
    add_diagnostic(conf, (struct conf_diagnostic){ file, line, severity, text });
}

void conf_block_fail(struct conf *conf, struct conf_block *block, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    const char *text = vprintf_in(conf, fmt, args);
    va_end(args);
    add_diagnostic(conf, (struct conf_diagnostic){ block->file, block->line, CONF_ERROR, text });
    block->off = CONF_OFF_WRONG;
    block->off_reason = text;
}

void conf_block_notice(struct conf *conf, struct conf_block *block, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    const char *text = vprintf_in(conf, fmt, args);
    va_end(args);
    add_diagnostic(conf, (struct conf_diagnostic){ block->file, block->line, CONF_NOTICE, text });
}

/* ---- places ---- */

size_t conf_add_file(struct conf *conf, const char *name)
{
    struct conf_inner *inner = conf->inner;

    for (size_t i = 0; i < inner->file_count; i++)
        if (strcmp(inner->files[i], name) == 0)
            return i;
    if (inner->file_count == CONF_FILES_MAX)
        return CONF_FILES_MAX;
    inner->files[inner->file_count] = conf_strdup(conf, name);
    return inner->file_count++;
}

static const struct conf_origin *origin_of(const struct conf *conf, const config_setting_t *setting)
{
    const struct conf_inner *inner = conf->inner;
    size_t line = setting ? config_setting_source_line(setting) : 0;

    return line >= 1 && line <= inner->line_count ? &inner->origins[line - 1] : NULL;
}

const char *conf_file_of(const struct conf *conf, const config_setting_t *setting)
{
    const struct conf_origin *origin = origin_of(conf, setting);

    return origin ? conf->inner->files[origin->file] : conf->path;
}

unsigned conf_line_of(const struct conf *conf, const config_setting_t *setting)
{
    const struct conf_origin *origin = origin_of(conf, setting);

    return origin ? origin->line : 0;
}

/* ---- the list as people see it ---- */

size_t conf_error_count(const struct conf *conf)
{
    return conf->inner->error_count + (conf->inner->is_out_of_memory ? 1 : 0);
}

static size_t file_index(const struct conf *conf, const char *file)
{
    size_t i = 0;

    while (i < conf->inner->file_count && strcmp(conf->inner->files[i], file) != 0)
        i++;
    return i;
}

static bool comes_before(const struct conf *conf, const struct conf_diagnostic *a,
                         const struct conf_diagnostic *b)
{
    size_t a_file = file_index(conf, a->file), b_file = file_index(conf, b->file);

    if (a_file != b_file)
        return a_file < b_file;
    return a->line < b->line;
}

/* By insertion: stable, so that mistakes of one line stay in the order in which they were found; and short. */
void conf_sort_diagnostics(struct conf *conf)
{
    struct conf_diagnostic *list = conf->inner->diagnostics;

    for (size_t i = 1; i < conf->diagnostic_count; i++) {
        struct conf_diagnostic moved = list[i];
        size_t at = i;
        for (; at > 0 && comes_before(conf, &moved, &list[at - 1]); at--)
            list[at] = list[at - 1];
        list[at] = moved;
    }
}

void conf_write_diagnostics(struct conf *conf, struct buf *out)
{
    static const char *const words[] = {
        [CONF_ERROR] = "", [CONF_WARNING] = "warning: ", [CONF_NOTICE] = "notice: "
    };

    conf_sort_diagnostics(conf);
    for (size_t i = 0; i < conf->diagnostic_count; i++) {
        const struct conf_diagnostic *one = &conf->diagnostics[i];
        if (one->line > 0)
            buf_printf(out, "%s:%u: %s%s\n", one->file, one->line, words[one->severity], one->text);
        else
            buf_printf(out, "%s: %s%s\n", one->file, words[one->severity], one->text);
    }
    if (conf->inner->dropped_count > 0)
        buf_printf(out, "%s: and %zu more\n", conf->path, conf->inner->dropped_count);
    if (conf->inner->is_out_of_memory)
        buf_printf(out, "%s: out of memory while it was checked\n", conf->path);
}

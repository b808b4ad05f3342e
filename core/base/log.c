/* Log lines. Everything that varies is a typed field; values are masked, quoted where they need it, and never
 * end a line. */
#include "base/log.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mask.h"
#include "base/timefmt.h"
#include "base/utf8.h"

enum { LINE_MAX_BYTES = 64 * 1024, VALUE_MAX_BYTES = 16 * 1024, SECRETS_MAX = 512, SECRET_MIN = 6 };

static const char hidden_word[] = "[secret]";

struct log {
    pthread_mutex_t lock;
    enum log_level level;
    enum log_format format;
    log_sink_fn sink;
    void *ctx;
    char *secrets[SECRETS_MAX]; /* owned; the longest first, so that a secret inside another leaves no rest */
    size_t secret_count;
};

static void write_to_stderr(void *ctx, enum log_level level, const char *line)
{
    (void)ctx;
    (void)level;
    (void)fprintf(stderr, "%s\n", line); /* there is nowhere left to report a failure to */
}

struct log *log_new(enum log_level level, enum log_format format, log_sink_fn sink, void *ctx)
{
    struct log *log = calloc(1, sizeof(*log));
    if (!log)
        return NULL;

    if (pthread_mutex_init(&log->lock, NULL) != 0) {
        free(log);
        return NULL;
    }
    log->level = level;
    log->format = format;
    log->sink = sink ? sink : write_to_stderr;
    log->ctx = ctx;
    return log;
}

void log_free(struct log *log)
{
    if (!log)
        return;
    for (size_t i = 0; i < log->secret_count; i++) {
        explicit_bzero(log->secrets[i], strlen(log->secrets[i]));
        free(log->secrets[i]);
    }
    (void)pthread_mutex_destroy(&log->lock); /* nobody writes any more */
    free(log);
}

/* Puts `secret` where it belongs by length. Under the lock; false when it is known already or there is no
 * room. */
static bool add_secret(struct log *log, char *secret)
{
    size_t at = 0, length = strlen(secret);

    for (size_t i = 0; i < log->secret_count; i++)
        if (strcmp(log->secrets[i], secret) == 0)
            return false;
    if (log->secret_count == SECRETS_MAX)
        return false;
    while (at < log->secret_count && strlen(log->secrets[at]) >= length)
        at++;
    memmove(&log->secrets[at + 1], &log->secrets[at], (log->secret_count - at) * sizeof(log->secrets[0]));
    log->secrets[at] = secret;
    log->secret_count++;
    return true;
}

void log_hide(struct log *log, const char *secret)
{
    if (!log || !secret || strlen(secret) < SECRET_MIN)
        return;
    char *copy = strdup(secret);
    if (!copy)
        return;
    (void)pthread_mutex_lock(&log->lock);
    bool is_kept = add_secret(log, copy);
    (void)pthread_mutex_unlock(&log->lock);
    if (!is_kept)
        free(copy);
}

static void hide_secrets(const struct log *log, struct buf *out, const char *text)
{
    while (*text) {
        size_t hidden = 0;
        for (size_t i = 0; i < log->secret_count && hidden == 0; i++)
            if (strncmp(text, log->secrets[i], strlen(log->secrets[i])) == 0)
                hidden = strlen(log->secrets[i]);
        if (hidden > 0)
            buf_str(out, hidden_word);
        else
            buf_char(out, *text);
        text += hidden > 0 ? hidden : 1;
    }
}

/* Appends the value as people may see it: valid UTF-8, no secrets, no personal data. A value that is too long
 * is cut. */
static void clean_value(const struct log *log, struct buf *out, const char *text)
{
    AUTO_BUF mended, hidden;
    size_t size = strnlen(text, VALUE_MAX_BYTES + 1);
    bool is_cut = size > VALUE_MAX_BYTES;

    buf_init(&mended, (size_t)3 * VALUE_MAX_BYTES);
    buf_init(&hidden, (size_t)6 * VALUE_MAX_BYTES);
    utf8_mend(&mended, text, is_cut ? VALUE_MAX_BYTES : size);
    hide_secrets(log, &hidden, mended.data);
    if (hidden.failed || mended.failed) {
        buf_str(out, "[out of memory]"); /* half a value might show half a secret */
        return;
    }
    mask_text(out, hidden.data);
    if (is_cut)
        buf_str(out, "...");
}

static void add_escape(struct buf *out, unsigned char c)
{
    switch (c) {
    case '"':
        buf_str(out, "\\\"");
        break;
    case '\\':
        buf_str(out, "\\\\");
        break;
    case '\n':
        buf_str(out, "\\n");
        break;
    case '\t':
        buf_str(out, "\\t");
        break;
    default:
        if (c < 0x20 || c == 0x7F)
            buf_printf(out, "\\u%04x", c);
        else
            buf_char(out, (char)c);
    }
}

static void add_quoted(struct buf *out, const char *text)
{
    buf_char(out, '"');
    for (; *text; text++)
        add_escape(out, (unsigned char)*text);
    buf_char(out, '"');
}

static bool needs_quotes(const char *text)
{
    if (!*text)
        return true;
    for (; *text; text++)
        if ((unsigned char)*text <= ' ' || strchr("\"\\=", *text) || *text == 0x7F)
            return true;
    return false;
}

static void add_value(const struct log *log, struct buf *out, const struct log_field *field)
{
    bool is_json = log->format == LOG_FORMAT_JSON;

    if (field->kind == LOG_KIND_INT) {
        buf_printf(out, "%" PRId64, field->as.num);
        return;
    }
    if (!field->as.str) {
        buf_str(out, is_json ? "null" : "-");
        return;
    }
    AUTO_BUF clean;
    buf_init(&clean, LINE_MAX_BYTES);
    clean_value(log, &clean, field->as.str);
    if (is_json || needs_quotes(clean.data))
        add_quoted(out, clean.data);
    else
        buf_str(out, clean.data);
}

static void add_key(const struct log *log, struct buf *out, const char *key)
{
    if (log->format == LOG_FORMAT_JSON)
        buf_printf(out, "%s\"%s\":", out->len > 0 ? "," : "{", key);
    else
        buf_printf(out, "%s%s=", out->len > 0 ? " " : "", key);
}

static void add_word(const struct log *log, struct buf *out, const char *key, const char *word)
{
    add_key(log, out, key);
    if (log->format == LOG_FORMAT_JSON || needs_quotes(word))
        add_quoted(out, word);
    else
        buf_str(out, word);
}

static void build_line(const struct log *log, struct buf *out, enum log_level level, const char *message,
                       const struct log_field *fields, size_t field_count)
{
    static const char *const words[] = { "debug", "info", "notice", "warn", "error" };
    char now[TIME_TEXT_MAX];

    time_format_rfc3339_ms(clock_wall_ms(), now);
    add_word(log, out, "time", now);
    add_word(log, out, "level", words[level]);
    add_word(log, out, "msg", message);
    for (size_t i = 0; i < field_count; i++) {
        add_key(log, out, fields[i].key);
        add_value(log, out, &fields[i]);
    }
    if (log->format == LOG_FORMAT_JSON)
        buf_char(out, '}');
}

void log_write(struct log *log, enum log_level level, const char *message, const struct log_field *fields,
               size_t field_count)
{
    if (!log || level < log->level)
        return;

    AUTO_BUF line;
    buf_init(&line, (size_t)4 * LINE_MAX_BYTES);
    (void)pthread_mutex_lock(&log->lock);
    build_line(log, &line, level, message, fields, field_count);
    /* A line that could not be built whole is given without its fields: half of one may be no JSON. */
    if (line.failed) {
        buf_clear(&line);
        build_line(log, &line, level, message, NULL, 0);
    }
    log->sink(log->ctx, level, line.data);
    (void)pthread_mutex_unlock(&log->lock);
}

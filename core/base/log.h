/* Log lines: a constant phrase and typed key=value fields. A value can never start a new line. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "switchboard/error.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_NOTICE, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };
enum log_kind { LOG_KIND_STR, LOG_KIND_INT };

struct log_field {
    const char *key;
    enum log_kind kind;
    union {
        const char *str; /* NULL is written as "-" */
        int64_t num;
    } as;
};

/* Who gets the finished line (NUL-terminated, no newline). Called under the log's lock. */
typedef void (*log_sink_fn)(void *ctx, enum log_level level, const char *line);

struct log; /* thread-safe */

/* Lines below `level` are dropped. `sink` NULL: stderr. NULL when out of memory. */
struct log *log_new(enum log_level level, enum log_format format, log_sink_fn sink, void *ctx);
void log_free(struct log *log);
/* A word that must never appear in a line: written as [secret]. Copies. Words under 6 characters are ignored.
 */
void log_hide(struct log *log, const char *secret);

/* One line: time, level, msg, fields. Telephone numbers, e-mail addresses and hidden words in values are
 * masked (base/mask.h). `log` may be NULL: nothing is written. */
void log_write(struct log *log, enum log_level level, const char *message, const struct log_field *fields,
               size_t field_count);

#define LOG_STR(k, v)                                                                                        \
    {                                                                                                        \
        .key = (k), .kind = LOG_KIND_STR, .as.str = (v)                                                      \
    }
#define LOG_INT(k, v)                                                                                        \
    {                                                                                                        \
        .key = (k), .kind = LOG_KIND_INT, .as.num = (v)                                                      \
    }

/* sizeof does not evaluate its operand: each argument is computed once. */
#define LOG_AT(log, level, message, ...)                                                                     \
    log_write((log), (level), (message), (const struct log_field[]){ __VA_ARGS__ },                          \
              sizeof((const struct log_field[]){ __VA_ARGS__ }) / sizeof(struct log_field))
#define LOG_DEBUG(log, message, ...)  LOG_AT(log, LOG_LEVEL_DEBUG, message, __VA_ARGS__)
#define LOG_INFO(log, message, ...)   LOG_AT(log, LOG_LEVEL_INFO, message, __VA_ARGS__)
#define LOG_NOTICE(log, message, ...) LOG_AT(log, LOG_LEVEL_NOTICE, message, __VA_ARGS__)
#define LOG_WARN(log, message, ...)   LOG_AT(log, LOG_LEVEL_WARN, message, __VA_ARGS__)
#define LOG_ERROR(log, message, ...)  LOG_AT(log, LOG_LEVEL_ERROR, message, __VA_ARGS__)

#endif

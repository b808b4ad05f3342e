/* What the files of core/conf share, and nobody else sees. */
#ifndef CONF_INNER_H
#define CONF_INNER_H

#include <libconfig.h>

#include "base/arena.h"
#include "conf/conf.h"
#include "conf/env.h"

enum { CONF_ARENA_MAX = 64 << 20, CONF_FILES_MAX = 64, CONF_INCLUDE_DEPTH_MAX = 10, CONF_LINES_MAX = 100000 };

/* Where a line of the spliced text comes from. */
struct conf_origin {
    size_t file; /* index into conf_inner.files */
    unsigned line;
};

/* A required option without a value. */
struct conf_missing {
    const char *option;
    const char *file;
    unsigned line;
    const char *text; /* "required option 'api_key' is empty because DEEPGRAM_API_KEY is not set" */
    bool may_be_off;  /* a secret, or a variable that is not set: no mistake in the file itself */
};

enum { CONF_MISSING_MAX = 32 };

/* What conf knows of a block beside its public face. */
struct conf_block_inner {
    const config_setting_t *setting; /* NULL: implicit */
    struct conf_missing missing[CONF_MISSING_MAX];
    size_t missing_count;
    bool is_reported; /* `missing` is among the diagnostics already */
};

struct conf_inner {
    struct arena *arena;
    bool is_out_of_memory;

    struct conf_diagnostic *diagnostics; /* CONF_DIAGNOSTICS_MAX of them */
    size_t error_count, dropped_count;

    const char *files[CONF_FILES_MAX]; /* as people see them; the main one first, env_file last */
    size_t file_count;

    struct buf text;             /* engine.conf with its includes spliced in */
    struct conf_origin *origins; /* one for each line of `text`; owned, malloc'ed */
    size_t line_count;

    config_t tree;
    bool has_tree;

    struct env env;
    char *env_text; /* owned: the file that `env` points into */
    size_t env_size;
    const char *env_file; /* as people see it; NULL before it is known */

    const struct conf_source *source; /* NULL when conf_load has returned */

    json_t *documents;     /* owned: an array that keeps every json_t of the values alive */
    const char *share_dir; /* or NULL */
};

/* ---- memory and mistakes (diagnostic.c) ---- */

/* From the conf's arena. Out of memory is remembered, and the result is then NULL or "". */
void *conf_alloc(struct conf *conf, size_t size);
const char *conf_strdup(struct conf *conf, const char *text);
const char *conf_strndup(struct conf *conf, const char *text, size_t size);
const char *conf_printf(struct conf *conf, const char *fmt, ...) SB_PRINTF(2, 3);

void conf_say(struct conf *conf, enum conf_severity severity, const char *file, unsigned line,
              const char *fmt, ...) SB_PRINTF(5, 6);

/* File and line of a setting, through includes. */
const char *conf_file_of(const struct conf *conf, const config_setting_t *setting);
unsigned conf_line_of(const struct conf *conf, const config_setting_t *setting);
#define CONF_SAY(conf, severity, setting, ...)                                                               \
    conf_say((conf), (severity), conf_file_of((conf), (setting)), conf_line_of((conf), (setting)),           \
             __VA_ARGS__)
/* The index of a file, added when it is new. CONF_FILES_MAX when there are too many. */
size_t conf_add_file(struct conf *conf, const char *name);

/* ---- reading the file ---- */

/* Fills text and origins from `path` and what it includes (splice.c). Negative only when the main file cannot be read. */
int conf_splice(struct conf *conf, const char *path, struct sb_error *err) SB_MUST_CHECK;
/* Reports every mistake in the syntax of the spliced text, and blanks out settings that are there twice (scan.c). True
 * when libconfig may parse it. */
bool conf_scan(struct conf *conf);

/* ---- values (text.c, option.c) ---- */

/* A text of the file with its variables put in. */
struct conf_text {
    const char *text;     /* never NULL */
    const char *because;  /* " because NAME is not set", or "" when no variable lacks a value */
    const char *variable; /* the first variable that gave something; NULL: none */
    bool has_gap;         /* a variable had neither value nor default */
    bool is_bad;          /* "${" that is not closed, or no name: reported already */
};

/* Expands one string setting with the environment alone, before there is an env_file. */
struct conf_text conf_expand_early(struct conf *conf, const config_setting_t *setting);
/* Expands every string of the file. */
void conf_expand_all(struct conf *conf);
/* What a string setting became. A gap inside a longer text is reported here, for only now somebody wants it. */
struct conf_text conf_text_of(struct conf *conf, const config_setting_t *setting);

/* Reads the values of `rows` from `group` (NULL: all defaults) into values[row_count]. `block` gets what is missing;
 * NULL: it is an error. Returns whether everything given was right. */
bool conf_read_values(struct conf *conf, const config_setting_t *group, const struct sb_option *const *rows,
                      size_t row_count, struct conf_value *values, struct conf_block *block);
/* Reports members of `group` that are not among `names` (NULL-terminated). `what`: "option", "setting". Returns whether
 * all are known. */
bool conf_check_members(struct conf *conf, const config_setting_t *group, const char *const *names,
                        const char *what, const char *where);
/* What a setting is, for people: "a number", "a group". */
const char *conf_kind_of(const config_setting_t *setting);
/* Whether `text` is an address that a plugin may send to; else says in `err` what would be (url.c). */
int conf_check_url(const char *text, struct sb_error *err) SB_MUST_CHECK;

/* ---- sections ---- */

void conf_read_settings(struct conf *conf); /* settings.c */
void conf_read_env_file(
    struct conf *conf); /* settings.c: env_file itself comes first, the others may need it */
void conf_read_blocks(struct conf *conf);    /* blocks.c */
void conf_read_pipelines(struct conf *conf); /* pipelines.c; after the blocks */
/* The block of that name; an implicit one is made for a name without (blocks.c). NULL: too many. */
struct conf_block *conf_use_block(struct conf *conf, const char *name, const config_setting_t *where);
bool conf_is_name(const char *name);
/* Whether a top-level name is one of ours, and so not a block (settings.c). */
bool conf_is_setting(const char *name);
/* All names of settings, NULL-terminated, for the nearest one. */
const char *const *conf_setting_names(void);

#endif

/* engine.conf as structs, and everything that is wrong in it.
 *
 * Reading goes in steps, because what an option may be is known only once its plugin is loaded:
 *
 *     conf = conf_load(...)              syntax, settings, pipelines, blocks
 *     conf_check_names(conf, plugins)    every name is a block or a plugin; conf_block.is_used says what to
 * load conf_check_instance(...)           once for each used block whose plugin is known: its options, typed
 *     conf_block_fail(...)               for what the loader or the plugin's `open` has to say against a
 * block conf_check_pipelines(conf)         kinds, alternatives, what is switched off and why
 *     conf_error_count(conf) == 0        then it can run; either way conf_write_diagnostics() tells all of it
 *
 * Each step goes on after a mistake, so that one run names them all. Nothing here knows a plugin by name.
 *
 * Everything is owned by `struct conf` and lives as long as it; what is handed out is borrowed. Not
 * thread-safe while it is being checked, read-only afterwards. Files are read here, so: at start and at a
 * reload, not while serving. */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/log.h"
#include "switchboard/plugin.h"

enum {
    CONF_NAME_MAX = 40, /* characters of a pipeline's, block's or plugin's name */
    CONF_PIPELINES_MAX = 32,
    CONF_STAGES_MAX = 16,
    CONF_SINKS_MAX = 8,
    CONF_ALTERNATIVES_MAX = 8,
    CONF_BLOCKS_MAX = 128,
    CONF_DIAGNOSTICS_MAX = 500, /* what comes after is counted, not kept */
    CONF_FILE_BYTES_MAX = 1 << 20,
    CONF_JSON_BYTES_MAX = 16 << 20
};

/* ---- what is wrong ------------------------------------------------------------------------------------- */

enum conf_severity {
    CONF_ERROR,   /* it cannot run so */
    CONF_WARNING, /* it runs, and probably not as meant */
    CONF_NOTICE   /* it runs as written; people should know */
};

struct conf_diagnostic {
    const char *file; /* as the user wrote it */
    unsigned line;    /* 0: the file as a whole */
    enum conf_severity severity;
    const char *text; /* no secrets */
};

/* ---- the result ---------------------------------------------------------------------------------------- */

/* The settings outside of blocks, checked and with their defaults. Paths are absolute. */
struct conf_settings {
    const char *data_dir;
    const char *listen, *admin_listen;            /* as written */
    char listen_host[64], admin_host[64];         /* without brackets; "" means all addresses */
    const char *listen_tls_cert, *listen_tls_key; /* both, or both NULL: plain http */
    uint16_t listen_port, admin_port;             /* 0: the system chooses */
    const json_t *plugin_dirs;                    /* array of absolute paths; may be empty */
    const char *ca_file;                          /* NULL: the system's */
    enum log_level log_level;
    enum log_format log_format;
    int64_t shutdown_timeout_ms;
    int64_t max_in_flight;
    int64_t workers;            /* threads of the pool for CPU work; 0: as many as there are processors */
    int timezone_minutes;       /* east of UTC, for times that people read */
    const char *phone_region;   /* "IN" */
    int64_t keep_records_ms;    /* retention.records */
    int64_t reconcile_every_ms; /* 0: not by itself */

    const char *alert_url; /* NULL: alerts are only logged */
    int64_t alert_source_silent_ms;
    int64_t alert_dead_letters; /* so many new ones within an hour */
    int64_t alert_breaker_open_ms;
};

/* The value of one option. */
struct conf_value {
    const struct sb_option *option; /* its row: the plugin's, or a common one */
    bool is_set;                    /* given, or by default */
    bool is_given;                  /* written in the file and not empty */
    unsigned line;                  /* where it is given; else the block's line */
    const char *file;
    const char *text; /* STRING, SECRET, URL, ENUM; PATH, SCRIPT, JSON_FILE: absolute; else as written */
    int64_t number;   /* INT; BOOL 0 or 1; DURATION ms; SIZE bytes; RATE: events per period_ms, 0 unlimited */
    int64_t period_ms; /* RATE */
    json_t *json;      /* LIST, SECRETS: array of strings; JSON_FILE: the document, or NULL */
};

enum conf_off {
    CONF_ON,
    CONF_OFF_DISABLED, /* enabled = false */
    CONF_OFF_MISSING,  /* a required option has no value, and it is not the only hope of a pipeline, or
                          optional */
    CONF_OFF_WRONG     /* it has errors, which are among the diagnostics */
};

/* One instance: a block, or a name in a pipeline that is a plugin's and has no block (all defaults). */
struct conf_block {
    const char *name, *plugin;
    const char *file;
    unsigned line;
    bool is_implicit; /* has no block; `line` is where a pipeline names it first */
    bool is_used;     /* named by a pipeline that is not disabled */
    bool is_optional; /* optional = true */

    /* Since conf_check_instance. */
    bool is_checked;
    enum sb_kind kind;
    enum conf_off off;
    const char *off_reason; /* NULL when on: "required option 'api_key' is empty because DEEPGRAM_API_KEY is
                               not set" */
    struct conf_value
        *values; /* a row for each row of the plugin's table, then the common ones it does not replace */
    size_t value_count;

    const void *inner; /* conf's own */
};

/* One place in a pipeline, with what may stand in for each other there. */
struct conf_place {
    struct conf_block *alternatives[CONF_ALTERNATIVES_MAX];
    size_t alternative_count;
    unsigned line;
    const char *file;
};

struct conf_pipeline {
    const char *name;
    const char *file;
    unsigned line;
    bool is_optional, is_disabled;
    struct conf_place source; /* at most one alternative; none: a mistake was reported */
    struct conf_place stages[CONF_STAGES_MAX];
    size_t stage_count;
    struct conf_place sinks[CONF_SINKS_MAX]; /* one alternative each */
    size_t sink_count;

    const char *off_reason; /* since conf_check_pipelines: why nothing runs here, or NULL */
};

struct conf {
    const char *path; /* as given */
    const char *dir;  /* its folder, absolute */
    struct conf_settings settings;
    struct conf_pipeline *pipelines; /* in order of the file */
    size_t pipeline_count;
    struct conf_block **blocks; /* in order of the file, implicit ones last */
    size_t block_count;
    const struct conf_diagnostic *diagnostics; /* sorted by conf_sort_diagnostics */
    size_t diagnostic_count;

    struct conf_inner *inner; /* conf's own */
};

/* ---- reading ------------------------------------------------------------------------------------------- */

/* What the file is read against; all of it may be left zero. */
struct conf_source {
    const char *(*lookup)(void *ctx, const char *name); /* the environment; NULL: getenv */
    void *ctx;
    const char *share_dir; /* where scripts are looked for when they are not beside the file:
                              "/usr/share/switchboard" */
};

/* Reads `path`, the files that it includes, and its env_file. Gives a conf also when there are mistakes in
 * it: look at conf_error_count. Fails only when out of memory or when `path` cannot be read (SB_ECONFIG).
 * Borrows `source` until it returns. */
int conf_load(const char *path, const struct conf_source *source, struct conf **ret_conf,
              struct sb_error *err) SB_MUST_CHECK;
/* Wipes secrets. NULL allowed. */
void conf_free(struct conf *conf);

/* `plugins`: the names of all that can be loaded, NULL-terminated. Reports every name that is neither a block
 * nor one of them, and top-level groups that nobody knows, with the nearest known name. */
void conf_check_names(struct conf *conf, const char *const *plugins);

/* Checks the options of `block` against its plugin's table (may be NULL: none) and fills the block.
 * `has_http`: the plugin has steps that send requests, so base_url, timeout and rate are among its common
 * options. */
void conf_check_instance(struct conf *conf, struct conf_block *block, enum sb_kind kind,
                         const struct sb_option *options, bool has_http);

/* Reports an error at the block ("cannot load plugin ...", what `open` said) and switches it off as wrong. */
void conf_block_fail(struct conf *conf, struct conf_block *block, const char *fmt, ...) SB_PRINTF(3, 4);
/* Reports something at the block that is no error: a plugin's sb_instance_notice(). */
void conf_block_notice(struct conf *conf, struct conf_block *block, const char *fmt, ...) SB_PRINTF(3, 4);

/* To be called last. Kinds at the wrong place, alternatives that are off (a notice while another is left,
 * else an error, or for an optional pipeline a notice), pipelines that are off. */
void conf_check_pipelines(struct conf *conf);

/* ---- looking ------------------------------------------------------------------------------------------- */

/* The options that the core gives every instance; NULL-name terminated. A plugin's row of the same name
 * replaces one. */
const struct sb_option *conf_common_options(bool has_http);
/* The settings outside of blocks as a table, for the reference in docs/: "alerts.url" for one in a group. */
const struct sb_option *conf_setting_options(void);
/* The words of engine.conf for a type: "duration". */
const char *conf_type_word(enum sb_option_type type);

struct conf_block *conf_find_block(const struct conf *conf, const char *name); /* NULL when there is none */
/* A value of a checked block; NULL when its table has no such row. */
const struct conf_value *conf_find_value(const struct conf_block *block, const char *name);

/* The value that env_file gives the variable `name`, or NULL. The environment, which wins, is not looked at. */
const char *conf_env_value(const struct conf *conf, const char *name);

size_t conf_error_count(const struct conf *conf);
/* Orders the diagnostics by file (the main one first) and line. conf_write_diagnostics does it itself. */
void conf_sort_diagnostics(struct conf *conf);
/* Appends them as lines "engine.conf:12: text", "engine.conf:12: warning: text", "engine.conf:12: notice:
 * text". */
void conf_write_diagnostics(struct conf *conf, struct buf *out);
/* Appends the pipelines as they will run: one screen for `switchboard check`. */
void conf_write_summary(const struct conf *conf, struct buf *out);

#endif

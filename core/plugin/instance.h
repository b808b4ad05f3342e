/* An instance: one block of engine.conf, a plugin with the values of its options. Made at start and at a
 * reload; read-only afterwards but for its access token. Loop thread, except that `work` may read options on
 * a pool thread. */
#ifndef PLUGIN_INSTANCE_H
#define PLUGIN_INSTANCE_H

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "switchboard/plugin.h"

/* Calls `function` of a loaded script; core/script gives one to each instance that has a SCRIPT option.
 * Thread-safe. `record` is the record's document (read only), `argument` may be NULL. Gives *ret_result. */
struct script_host {
    int (*call)(void *script, const char *function, const json_t *record, const json_t *argument,
                uint64_t seed, int64_t now_ms, json_t **ret_result, struct sb_error *err);
    bool (*has)(void *script, const char *function); /* NULL: every function that is asked for */
};

enum { INSTANCE_SCRIPTS_MAX = 4 };

struct instance_script {
    const char *option; /* name of the SCRIPT option */
    void *script;       /* core/script's, borrowed */
};

/* One value as the configuration gives it. */
struct instance_value {
    const struct sb_option *option;
    bool is_set;       /* given, or by default */
    const char *text;  /* STRING, SECRET (in `arena`, wiped in the end), PATH, URL, ENUM, SCRIPT */
    int64_t number;    /* INT, DURATION ms, SIZE bytes, BOOL, RATE: events per `period_ms`, 0 unlimited */
    int64_t period_ms; /* RATE */
    json_t *json;      /* LIST, SECRETS: array; JSON_FILE: document or NULL; owned */
    const char *placeholder; /* SECRET: what the plugin sees; made by instance_new */
};

struct sb_instance {
    struct arena *arena; /* owned: everything below */
    const char *name;
    const struct sb_plugin *plugin;
    struct instance_value *values;
    size_t value_count;
    struct instance_script scripts[INSTANCE_SCRIPTS_MAX];
    size_t script_count;
    const struct script_host *script_host; /* NULL when there are no scripts */
    const char *files_dir;                 /* data_dir/files, absolute */
    /* The size of a file in files_dir, -1 when it is not there; NULL: the file system is asked (a simulation keeps its files
     * elsewhere). */
    int64_t (*file_size)(void *ctx, const char *path);
    void *file_ctx;
    const char *region; /* default phone region, "IN" */
    json_t *notices;    /* owned array of texts */
    json_t *mistakes;   /* the same: what `open` refused */
    json_t *empty_list; /* owned: the value of a LIST that has none */

    /* Made by instance_open from the URL options. Patterns for url_host_fits(), NULL-terminated. */
    const char **credential_hosts; /* may receive the declared credentials */
    const char **allowed_hosts;    /* those, and what the plugin reaches without */
    const char *token_url;         /* OAUTH2: whole address of the token endpoint, or NULL */
    const char *token_host;        /* its host, or NULL */

    bool is_opening; /* while the plugin's `open` runs: the only time for defaults and notices */
    bool is_open;    /* `open` succeeded, `close` is due */
    char complaint[SB_ERROR_TEXT_MAX]; /* what the plugin asked that its table does not have; "" none */

    /* OAuth: the token that is valid now, or NULL. Set by flow, on the loop. */
    char *access_token; /* owned, wiped */
};

/* Takes `arena`, `values` (an array in it, one for each row of the plugin's table and each common option) and
 * their documents, also when it fails. `name` is copied. Set scripts, folders and region next, then call
 * instance_open. */
int instance_new(const char *name, const struct sb_plugin *plugin, struct arena *arena,
                 struct instance_value *values, size_t value_count, struct sb_instance **ret_instance,
                 struct sb_error *err) SB_MUST_CHECK;
/* Calls the plugin's `close`. NULL and half-built objects allowed. */
void instance_free(struct sb_instance *instance);
/* The plugin's `open`, once scripts and folders are set; then the hosts that the URL options allow.
 * SB_ECONFIG for what is wrong in the configuration, SB_EINTERNAL for a defect of the plugin. */
int instance_open(struct sb_instance *instance, struct sb_error *err) SB_MUST_CHECK;

/* The value of an option, or NULL when the table has no such row. */
const struct instance_value *instance_value(const struct sb_instance *instance, const char *name);
/* Common numbers, with the defaults of the core when the plugin has no such option. */
int64_t instance_number(const struct sb_instance *instance, const char *name, int64_t otherwise);

/* ---- secrets ------------------------------------------------------------------------------------------- */

/* A secret option's placeholder: "\x02name\x03". The access token's is "\x02@token\x03"; base64 of
 * user:password for basic credentials "\x02@basic\x03". (The HMAC of sb_sign_body needs none: it is made
 * after `build` has returned, and shown as [hmac] in the journal.) */
enum { INSTANCE_SECRET_BEGIN = 0x02, INSTANCE_SECRET_END = 0x03 };

/* Appends `text` to `out` with placeholders replaced, for sending to `host` ("host:port"): refused
 * (SB_EINTERNAL) when that host may not have this instance's credentials. The client id, the client's secret
 * and the refresh token go to the token endpoint's host only, escaped for its form, and nothing else goes
 * there. Fits http_resolve_fn with ctx = the instance. */
int instance_resolve(void *instance, const char *text, const char *host, struct buf *out,
                     struct sb_error *err);
/* Whether `host` ("host:port") may receive the credentials; may be reached at all. */
bool instance_host_has_credentials(const struct sb_instance *instance, const char *host);
bool instance_host_is_allowed(const struct sb_instance *instance, const char *host);
/* Tells `log` every secret value, so that none can appear in a line. */
void instance_hide_secrets(const struct sb_instance *instance, struct log *log);
/* Appends `text` with placeholders shown as [api_key]: for timelines. */
void instance_mask(const char *text, struct buf *out);

/* Copies; NULL clears. -1 when out of memory: then it has none. */
int instance_set_token(struct sb_instance *instance, const char *token);

/* The name of a secret option whose placeholder is in `text`, or NULL: for the checks of requests. `text` may
 * be a JSON text, where the control characters are escaped. */
const char *instance_finds_secret(const struct sb_instance *instance, const char *text);

#endif

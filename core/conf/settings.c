/* The settings outside of blocks: tables like those of plugins, and the struct that the program reads. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/parse.h"
#include "base/scope.h"
#include "conf/inner.h"

static const char *const level_words[] = { "debug", "info", "notice", "warn", "error", NULL };
static const char *const format_words[] = { "text", "json", NULL };
static const char *const reconcile_words[] = { "off", "daily", "weekly", NULL };

enum {
    SET_DATA_DIR,
    SET_ENV_FILE,
    SET_LISTEN,
    SET_LISTEN_TLS_CERT,
    SET_LISTEN_TLS_KEY,
    SET_ADMIN_LISTEN,
    SET_PLUGIN_DIR,
    SET_CA_FILE,
    SET_LOG_LEVEL,
    SET_LOG_FORMAT,
    SET_SHUTDOWN_TIMEOUT,
    SET_MAX_IN_FLIGHT,
    SET_WORKERS,
    SET_TIMEZONE,
    SET_PHONE_REGION,
    SET_ALERTS_URL,
    SET_ALERTS_SOURCE_SILENT,
    SET_ALERTS_DEAD_LETTERS,
    SET_ALERTS_BREAKER_OPEN,
    SET_RETENTION_RECORDS,
    SET_RECONCILE,
    SET_COUNT
};

#define SECOND INT64_C(1000)
#define MINUTE INT64_C(60000)
#define DAY    (1440 * MINUTE)

/* "alerts.url" is `url` in the group `alerts`. */
static const struct sb_option settings_table[] = {
    [SET_DATA_DIR] = { .name = "data_dir",
                       .type = SB_OPT_PATH,
                       .default_text = "var",
                       .help = "Folder of the journal, recordings and tokens; made with mode 0700." },
    [SET_ENV_FILE] = { .name = "env_file",
                       .type = SB_OPT_PATH,
                       .help = "File of NAME=value lines for ${NAME}; may be absent; the environment wins." },
    [SET_LISTEN] = { .name = "listen",
                     .type = SB_OPT_STRING,
                     .default_text = "127.0.0.1:8080",
                     .help = "Address for webhooks." },
    [SET_LISTEN_TLS_CERT] = { .name = "listen_tls_cert",
                              .type = SB_OPT_PATH,
                              .help =
                                  "Certificate chain in PEM form: webhooks are then taken by https only." },
    [SET_LISTEN_TLS_KEY] = { .name = "listen_tls_key",
                             .type = SB_OPT_PATH,
                             .help = "Its private key in PEM form." },
    [SET_ADMIN_LISTEN] = { .name = "admin_listen",
                           .type = SB_OPT_STRING,
                           .default_text = "127.0.0.1:8081",
                           .help = "Address for /metrics, /healthz and /readyz." },
    [SET_PLUGIN_DIR] = { .name = "plugin_dir",
                         .type = SB_OPT_LIST,
                         .help = "Folders with plugins, looked at before the installed ones." },
    [SET_CA_FILE] = { .name = "ca_file",
                      .type = SB_OPT_PATH,
                      .help = "Certificates to trust for https, in PEM form; the system's when absent." },
    [SET_LOG_LEVEL] = { .name = "log_level",
                        .type = SB_OPT_ENUM,
                        .default_text = "info",
                        .choices = level_words,
                        .help = "The least important lines that are logged." },
    [SET_LOG_FORMAT] = { .name = "log_format",
                         .type = SB_OPT_ENUM,
                         .default_text = "text",
                         .choices = format_words,
                         .help = "key=value text, or one JSON object a line." },
    [SET_SHUTDOWN_TIMEOUT] = { .name = "shutdown_timeout",
                               .type = SB_OPT_DURATION,
                               .default_text = "30s",
                               .max = 10 * MINUTE,
                               .help = "How long a stop waits for what is under way." },
    [SET_MAX_IN_FLIGHT] = { .name = "max_in_flight",
                            .type = SB_OPT_INT,
                            .default_text = "500",
                            .min = 1,
                            .max = 100000,
                            .help = "Conversations that are worked on at once; pipelines share it." },
    [SET_WORKERS] = { .name = "workers",
                      .type = SB_OPT_INT,
                      .default_text = "0",
                      .max = 256,
                      .help = "Threads for work that needs the processor; 0: one for each processor." },
    [SET_TIMEZONE] = { .name = "timezone",
                       .type = SB_OPT_STRING,
                       .default_text = "+05:30",
                       .help = "Offset from UTC of times that people read." },
    [SET_PHONE_REGION] = { .name = "phone_region",
                           .type = SB_OPT_STRING,
                           .default_text = "IN",
                           .help = "Country of telephone numbers without a country code (two letters)." },
    [SET_ALERTS_URL] = { .name = "alerts.url",
                         .type = SB_OPT_URL,
                         .help = "Where alerts are posted as JSON; they are logged in any case." },
    [SET_ALERTS_SOURCE_SILENT] = { .name = "alerts.source_silent",
                                   .type = SB_OPT_DURATION,
                                   .default_text = "30m",
                                   .min = SECOND,
                                   .max = 30 * DAY,
                                   .help = "Alert when a source could not be read for so long." },
    [SET_ALERTS_DEAD_LETTERS] = { .name = "alerts.dead_letters",
                                  .type = SB_OPT_INT,
                                  .default_text = "10",
                                  .min = 1,
                                  .max = 1000000,
                                  .help = "Alert when so many conversations failed within an hour." },
    [SET_ALERTS_BREAKER_OPEN] = { .name = "alerts.breaker_open",
                                  .type = SB_OPT_DURATION,
                                  .default_text = "10m",
                                  .min = SECOND,
                                  .max = 30 * DAY,
                                  .help = "Alert when a service was given up for so long." },
    [SET_RETENTION_RECORDS] = { .name = "retention.records",
                                .type = SB_OPT_DURATION,
                                .default_text = "90d",
                                .min = DAY,
                                .max = INT64_MAX,
                                .help = "How long finished conversations are kept; who they were is "
                                        "remembered for ever." },
    [SET_RECONCILE] = { .name = "reconcile",
                        .type = SB_OPT_ENUM,
                        .default_text = "off",
                        .choices = reconcile_words,
                        .help =
                            "How often the sources, the journal and the helpdesk are compared: off, daily or "
                            "weekly." },
    [SET_COUNT] = { .name = NULL },
};

static const char *const group_names[] = { "alerts", "retention", NULL };

const struct sb_option *conf_setting_options(void)
{
    return settings_table;
}

static const char *const all_names[] = {
    "data_dir",         "env_file",      "listen",    "listen_tls_cert", "listen_tls_key",
    "admin_listen",     "plugin_dir",    "ca_file",   "log_level",       "log_format",
    "shutdown_timeout", "max_in_flight", "workers",   "timezone",        "phone_region",
    "alerts",           "retention",     "reconcile", "pipelines",       NULL,
};

const char *const *conf_setting_names(void)
{
    return all_names;
}

bool conf_is_setting(const char *name)
{
    for (const char *const *known = all_names; *known; known++)
        if (strcmp(*known, name) == 0)
            return true;
    return false;
}

/* ---- env_file ---- */

static void hear_fault(void *ctx, unsigned line, bool is_error, const char *text)
{
    struct conf *conf = ctx;

    if (is_error)
        conf_say(conf, CONF_ERROR, conf->inner->env_file, line, "%s", text);
    else
        conf_say(conf, CONF_WARNING, conf->inner->env_file, line, "'%s' is there already; this one counts",
                 text);
}

/* `name` as people see it: beside the path that they typed. */
static const char *shown_beside(struct conf *conf, const char *name)
{
    const char *slash = strrchr(conf->path, '/');

    if (!slash || *name == '/')
        return conf_strdup(conf, name);
    return conf_printf(conf, "%.*s%s", (int)(slash - conf->path + 1), conf->path, name);
}

void conf_read_env_file(struct conf *conf)
{
    struct conf_inner *inner = conf->inner;
    const config_setting_t *root = config_root_setting(&inner->tree);
    const config_setting_t *setting = config_setting_get_member(root, "env_file");
    struct sb_error err = SB_ERROR_INIT;

    if (!setting || config_setting_type(setting) != CONFIG_TYPE_STRING)
        return; /* a wrong kind is reported with the other settings */
    struct conf_text name = conf_expand_early(conf, setting);
    if (name.is_bad || !*name.text)
        return;
    inner->env_file = shown_beside(conf, name.text);
    (void)conf_add_file(conf, inner->env_file); /* only for the order of messages */
    AUTO_STR path = file_join(conf->dir, name.text);
    if (!path || access(path, F_OK) < 0)
        return; /* it may be absent */
    if (file_read(path, CONF_FILE_BYTES_MAX, &inner->env_text, &inner->env_size, &err) < 0)
        CONF_SAY(conf, CONF_ERROR, setting, "'env_file': %s", err.text);
    else if (strlen(inner->env_text) != inner->env_size)
        CONF_SAY(conf, CONF_ERROR, setting, "'env_file': '%s' is not a text file", name.text);
    else
        env_parse(&inner->env, inner->env_text, hear_fault, conf);
}

/* ---- checking what a table cannot ---- */

static void complain(struct conf *conf, const struct conf_value *value, const char *text)
{
    conf_say(conf, CONF_ERROR, value->file, value->line, "'%s': %s", value->option->name, text);
}

static void read_listen(struct conf *conf, const struct conf_value *value, char host[64], uint16_t *port)
{
    struct sb_error err = SB_ERROR_INIT;

    if (value->text && parse_listen(value->text, host, port, &err) < 0)
        complain(conf, value, err.text);
}

/* "+05:30" to minutes. */
static void read_timezone(struct conf *conf, const struct conf_value *value)
{
    const char *text = value->text ? value->text : "";
    const char *form = "sdd:dd";
    bool is_good = strlen(text) == strlen(form) && (text[0] == '+' || text[0] == '-') && text[3] == ':';

    for (size_t i = 1; is_good && form[i]; i++)
        is_good = form[i] != 'd' || (text[i] >= '0' && text[i] <= '9');
    int minutes =
        is_good ? ((text[1] - '0') * 10 + text[2] - '0') * 60 + (text[4] - '0') * 10 + text[5] - '0' : 0;
    if (!is_good || text[4] > '5' || minutes > 14 * 60) {
        complain(conf, value, conf_printf(conf, "'%s' is not an offset from UTC such as +05:30", text));
        return;
    }
    conf->settings.timezone_minutes = text[0] == '-' ? -minutes : minutes;
}

static void check_region(struct conf *conf, const struct conf_value *value)
{
    const char *text = value->text ? value->text : "";

    if (strlen(text) != 2 || strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 2)
        complain(conf, value,
                 conf_printf(conf, "'%s' is not a country's two capital letters, such as IN", text));
}

static void check_two_listeners(struct conf *conf, const struct conf_value *listen,
                                const struct conf_value *admin)
{
    const struct conf_settings *s = &conf->settings;

    if (listen->text && admin->text && s->listen_port != 0 && s->listen_port == s->admin_port &&
        strcmp(s->listen_host, s->admin_host) == 0)
        conf_say(conf, CONF_ERROR, admin->is_given ? admin->file : listen->file,
                 admin->is_given ? admin->line : listen->line,
                 "'listen' and 'admin_listen' must be two addresses");
}

/* One without the other would mean plain http, or nothing at all. */
static void check_tls(struct conf *conf, const struct conf_value *cert, const struct conf_value *key)
{
    if (!cert->text != !key->text)
        complain(conf, cert->text ? cert : key,
                 "'listen_tls_cert' and 'listen_tls_key' belong together; the other one is missing");
    else if (cert->text && access(cert->text, R_OK) < 0)
        complain(conf, cert, conf_printf(conf, "cannot read '%s': %s", cert->text, strerror(errno)));
    else if (key->text && access(key->text, R_OK) < 0)
        complain(conf, key, conf_printf(conf, "cannot read '%s': %s", key->text, strerror(errno)));
}

/* The folders of plugin_dir as absolute paths. */
static const json_t *absolute_dirs(struct conf *conf, const json_t *names)
{
    json_t *paths = json_array();
    size_t i = 0;
    const json_t *name = NULL;

    if (!paths || json_array_append_new(conf->inner->documents, paths) < 0) {
        conf->inner->is_out_of_memory = true;
        return names;
    }
    json_array_foreach (names, i, name) {
        AUTO_STR path = file_join(conf->dir, json_string_value(name));
        if (!path || json_array_append_new(paths, json_string(path)) < 0)
            conf->inner->is_out_of_memory = true;
    }
    return paths;
}

static size_t index_of_word(const char *word, const char *const *words)
{
    size_t i = 0;

    while (word && words[i] && strcmp(words[i], word) != 0)
        i++;
    return words[i] ? i : 0;
}

/* ---- reading ---- */

/* Reads the rows of one group, whose names start with its own; `prefix` is empty for the top. */
static void read_group(struct conf *conf, const char *prefix, struct conf_value *values)
{
    const config_setting_t *group = config_root_setting(&conf->inner->tree);
    struct sb_option rows[SET_COUNT];
    const struct sb_option *list[SET_COUNT];
    const char *names[SET_COUNT + 1];
    struct conf_value found[SET_COUNT];
    size_t at[SET_COUNT], count = 0, length = strlen(prefix);

    if (length > 0)
        group = config_setting_get_member(group, prefix);
    if (group && !config_setting_is_group(group)) {
        CONF_SAY(conf, CONF_ERROR, group, "'%s' must be a group { }, not %s", prefix, conf_kind_of(group));
        group = NULL;
    }
    for (size_t i = 0; i < SET_COUNT; i++) {
        const char *name = settings_table[i].name;
        const char *dot = strchr(name, '.');
        bool is_here =
            dot ? (size_t)(dot - name) == length && strncmp(name, prefix, length) == 0 : length == 0;
        if (!is_here)
            continue;
        rows[count] = settings_table[i];
        rows[count].name = dot ? dot + 1 : name;
        list[count] = &rows[count];
        names[count] = rows[count].name;
        at[count++] = i;
    }
    names[count] = NULL;
    (void)conf_read_values(conf, group, list, count, found, NULL);
    if (length > 0)
        (void)conf_check_members(conf, group, names, "setting", prefix);
    for (size_t i = 0; i < count; i++) {
        values[at[i]] = found[i];
        values[at[i]].option = &settings_table[at[i]]; /* `rows` ends here */
    }
}

static void fill_settings(struct conf *conf, const struct conf_value *values)
{
    struct conf_settings *s = &conf->settings;

    s->data_dir = values[SET_DATA_DIR].text;
    s->listen = values[SET_LISTEN].text;
    s->listen_tls_cert = values[SET_LISTEN_TLS_CERT].text;
    s->listen_tls_key = values[SET_LISTEN_TLS_KEY].text;
    s->admin_listen = values[SET_ADMIN_LISTEN].text;
    s->plugin_dirs = absolute_dirs(conf, values[SET_PLUGIN_DIR].json);
    s->ca_file = values[SET_CA_FILE].text;
    s->log_level = (enum log_level)index_of_word(values[SET_LOG_LEVEL].text, level_words);
    s->log_format = (enum log_format)index_of_word(values[SET_LOG_FORMAT].text, format_words);
    s->shutdown_timeout_ms = values[SET_SHUTDOWN_TIMEOUT].number;
    s->max_in_flight = values[SET_MAX_IN_FLIGHT].number;
    s->reconcile_every_ms =
        (int64_t[]){ 0, DAY, 7 * DAY }[index_of_word(values[SET_RECONCILE].text, reconcile_words)];
    s->workers = values[SET_WORKERS].number;
    s->phone_region = values[SET_PHONE_REGION].text;
    s->keep_records_ms = values[SET_RETENTION_RECORDS].number;
    s->alert_url = values[SET_ALERTS_URL].text;
    s->alert_source_silent_ms = values[SET_ALERTS_SOURCE_SILENT].number;
    s->alert_dead_letters = values[SET_ALERTS_DEAD_LETTERS].number;
    s->alert_breaker_open_ms = values[SET_ALERTS_BREAKER_OPEN].number;
}

void conf_read_settings(struct conf *conf)
{
    struct conf_value values[SET_COUNT] = { 0 };

    read_group(conf, "", values);
    for (const char *const *name = group_names; *name; name++)
        read_group(conf, *name, values);
    fill_settings(conf, values);
    read_listen(conf, &values[SET_LISTEN], conf->settings.listen_host, &conf->settings.listen_port);
    read_listen(conf, &values[SET_ADMIN_LISTEN], conf->settings.admin_host, &conf->settings.admin_port);
    check_two_listeners(conf, &values[SET_LISTEN], &values[SET_ADMIN_LISTEN]);
    check_tls(conf, &values[SET_LISTEN_TLS_CERT], &values[SET_LISTEN_TLS_KEY]);
    read_timezone(conf, &values[SET_TIMEZONE]);
    check_region(conf, &values[SET_PHONE_REGION]);
    if (values[SET_CA_FILE].text && access(values[SET_CA_FILE].text, R_OK) < 0)
        complain(conf, &values[SET_CA_FILE], conf_printf(conf, "cannot read '%s'", values[SET_CA_FILE].text));
}

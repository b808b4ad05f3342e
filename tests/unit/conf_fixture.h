/* Plugins that exist as option tables only: configurations are checked against them without shared objects. They mirror
 * the real ones where a message depends on it, and stay as they are when those grow. */
#ifndef TESTS_UNIT_CONF_FIXTURE_H
#define TESTS_UNIT_CONF_FIXTURE_H

#include <stdlib.h>

#include "conf/conf.h"

static const char *const fixture_missed[] = { "skip", "ticket", NULL };
static const char *const fixture_regions[] = { "global", "eu", "au", "in", NULL };

static const struct sb_option fixture_exotel[] = {
    { .name = "account_sid", .type = SB_OPT_STRING, .required = true },
    { .name = "api_key", .type = SB_OPT_SECRET, .required = true },
    { .name = "api_token", .type = SB_OPT_SECRET, .required = true },
    { .name = "base_url", .type = SB_OPT_URL, .default_text = "https://api.exotel.com" },
    { .name = "recordings_url", .type = SB_OPT_URL, .default_text = "https://recordings.exotel.com" },
    { .name = "recording_hosts", .type = SB_OPT_LIST, .default_text = "a.example.com, b.example.com" },
    { .name = "poll_interval", .type = SB_OPT_DURATION, .default_text = "60s", .min = 1000, .max = 3600000 },
    { .name = "since", .type = SB_OPT_STRING, .default_text = "now" },
    { .name = "rate", .type = SB_OPT_RATE, .default_text = "200/min" },
    { .name = "agents", .type = SB_OPT_JSON_FILE },
    { .name = "missed", .type = SB_OPT_ENUM, .default_text = "skip", .choices = fixture_missed },
    { .name = "page_size", .type = SB_OPT_INT, .default_text = "100", .min = 1, .max = 100 },
    { .name = "recording_size_max",
      .type = SB_OPT_SIZE,
      .default_text = "200m",
      .min = 1024,
      .max = INT64_C(1) << 31 },
    { .name = "keep_recordings", .type = SB_OPT_DURATION, .default_text = "7d" },
    { .name = NULL },
};

static const struct sb_option fixture_deepgram[] = {
    { .name = "api_key", .type = SB_OPT_SECRET, .required = true },
    { .name = "model", .type = SB_OPT_STRING, .default_text = "nova-3" },
    { .name = "language", .type = SB_OPT_STRING, .default_text = "en-IN" },
    { .name = "utterances", .type = SB_OPT_BOOL, .default_text = "true" },
    { .name = "keyterms", .type = SB_OPT_LIST },
    { .name = "region", .type = SB_OPT_ENUM, .default_text = "global", .choices = fixture_regions },
    { .name = "base_url", .type = SB_OPT_URL, .default_text = "https://api.deepgram.com" },
    { .name = "concurrency", .type = SB_OPT_INT, .default_text = "50", .min = 1, .max = 1000 },
    { .name = NULL },
};

static const struct sb_option fixture_openai[] = {
    { .name = "base_url", .type = SB_OPT_URL, .default_text = "https://api.openai.com" },
    { .name = "api_key", .type = SB_OPT_SECRET, .required = true },
    { .name = "model", .type = SB_OPT_STRING, .default_text = "gpt-6-luna" },
    { .name = "reasoning_effort", .type = SB_OPT_STRING, .default_text = "none" },
    { .name = "max_completion_tokens", .type = SB_OPT_INT, .default_text = "1500", .min = 200, .max = 32000 },
    { .name = NULL },
};

static const struct sb_option fixture_keyword[] = {
    { .name = "rules", .type = SB_OPT_SCRIPT, .default_text = "scripts/classify.lua" },
    { .name = NULL },
};

static const struct sb_option fixture_zoho_desk[] = {
    { .name = "base_url", .type = SB_OPT_URL, .default_text = "https://desk.zoho.com" },
    { .name = "accounts_url", .type = SB_OPT_URL },
    { .name = "org_id", .type = SB_OPT_STRING, .required = true },
    { .name = "department_id", .type = SB_OPT_STRING, .required = true },
    { .name = "client_id", .type = SB_OPT_SECRET, .required = true },
    { .name = "client_secret", .type = SB_OPT_SECRET, .required = true },
    { .name = "refresh_token", .type = SB_OPT_SECRET, .required = true },
    { .name = "access_token", .type = SB_OPT_SECRET },
    { .name = "mapping", .type = SB_OPT_SCRIPT, .default_text = "scripts/zoho_ticket.lua" },
    { .name = "default_priority", .type = SB_OPT_STRING, .default_text = "Medium" },
    { .name = "auto_create_contact", .type = SB_OPT_BOOL, .default_text = "true" },
    { .name = "settle", .type = SB_OPT_DURATION, .default_text = "15m", .min = 0, .max = 86400000 },
    { .name = "concurrency", .type = SB_OPT_INT, .default_text = "4", .min = 1, .max = 100 },
    { .name = "attach_to_open", .type = SB_OPT_STRING },
    { .name = "contacts", .type = SB_OPT_PATH },
    { .name = "crm_id_field", .type = SB_OPT_STRING },
    { .name = NULL },
};

static const struct sb_option fixture_callback[] = {
    { .name = "url", .type = SB_OPT_URL, .required = true },
    { .name = "table", .type = SB_OPT_JSON_FILE, .required = false },
    { .name = "secret", .type = SB_OPT_SECRET },
    { .name = "hosts", .type = SB_OPT_LIST },
    { .name = "allow_private", .type = SB_OPT_BOOL },
    { .name = "messages", .type = SB_OPT_SCRIPT },
    { .name = NULL },
};

static const struct sb_option fixture_ai_agent[] = {
    { .name = "tokens", .type = SB_OPT_SECRETS, .required = true },
    { .name = "hmac_secret", .type = SB_OPT_SECRETS },
    { .name = "attachment_hosts", .type = SB_OPT_LIST },
    { .name = "allow_private", .type = SB_OPT_BOOL, .default_text = "false" },
    { .name = "adapter", .type = SB_OPT_SCRIPT },
    { .name = NULL },
};

/* A table that is wrong by itself, as a third party's may be. */
static const struct sb_option fixture_broken[] = {
    { .name = "wait", .type = SB_OPT_DURATION, .default_text = "soon" },
    { .name = "table", .type = SB_OPT_JSON_FILE, .required = true },
    { .name = NULL },
};

struct fixture_plugin {
    const char *name;
    enum sb_kind kind;
    const struct sb_option *options;
    bool has_http;
};

static const struct fixture_plugin fixture_plugins[] = {
    { "exotel", SB_SOURCE, fixture_exotel, true },        { "ai_agent", SB_SOURCE, fixture_ai_agent, false },
    { "deepgram", SB_PROCESSOR, fixture_deepgram, true }, { "pocketsphinx", SB_PROCESSOR, NULL, false },
    { "openai", SB_PROCESSOR, fixture_openai, true },     { "keyword", SB_PROCESSOR, fixture_keyword, false },
    { "broken", SB_PROCESSOR, fixture_broken, false },    { "zoho_desk", SB_SINK, fixture_zoho_desk, true },
    { "callback", SB_SINK, fixture_callback, true },
};

enum { FIXTURE_PLUGINS = sizeof(fixture_plugins) / sizeof(fixture_plugins[0]) };

static inline const struct fixture_plugin *fixture_find(const char *name)
{
    for (size_t i = 0; i < FIXTURE_PLUGINS; i++)
        if (strcmp(fixture_plugins[i].name, name) == 0)
            return &fixture_plugins[i];
    return NULL;
}

/* All checks on a loaded conf, as the program does them. */
static inline void fixture_check(struct conf *conf)
{
    const char *names[FIXTURE_PLUGINS + 1] = { NULL };

    for (size_t i = 0; i < FIXTURE_PLUGINS; i++)
        names[i] = fixture_plugins[i].name;
    conf_check_names(conf, names);
    for (size_t i = 0; i < conf->block_count; i++) {
        struct conf_block *block = conf->blocks[i];
        const struct fixture_plugin *plugin = fixture_find(block->plugin);
        if (block->is_used && block->off != CONF_OFF_WRONG && plugin)
            conf_check_instance(conf, block, plugin->kind, plugin->options, plugin->has_http);
    }
    conf_check_pipelines(conf);
}

/* An environment that is a list of name, value pairs; `ctx` ends with NULL. */
static inline const char *fixture_lookup(void *ctx, const char *name)
{
    for (const char *const *pair = ctx; pair && *pair; pair += 2)
        if (strcmp(pair[0], name) == 0)
            return pair[1];
    return NULL;
}

#endif

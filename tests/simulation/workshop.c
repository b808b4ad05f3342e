/* engine.conf, written for each start of a simulated engine, and read by the engine's own setup. */
#include "simulation/workshop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/scope.h"
#include "simulation/memory.h"
#include "simulation/plugins.h"
#include "simulation/world.h"

#define SIM_MAPPING "contacts.csv"

enum { CONF_SIZE_MAX = 64 * 1024 };

struct workshop {
    char dir[64];
    char *conf_path, *agents_path, *mapping_path; /* owned */
    char *written;                                /* owned: what engine.conf holds */
};

struct sim_config config_of(const struct scenario *scenario)
{
    return (struct sim_config){ .pipeline = "calls",
                                .classifier = scenario->has_openai ? "openai | keyword" : "keyword",
                                .settle_ms = scenario->settle_ms,
                                .poll_interval_ms = scenario->poll_interval_ms,
                                .note_size_max = scenario->note_size_max,
                                .concurrency = scenario->concurrency,
                                .max_in_flight = scenario->max_in_flight,
                                .page_size = scenario->page_size,
                                .has_openai = scenario->has_openai,
                                .has_escalations = scenario->has_escalations,
                                .has_crm_field = scenario->has_crm_field,
                                .signs_posts = scenario->signs_posts,
                                .has_mapping = scenario->has_mapping,
                                .attach = scenario->attach,
                                .delayed_after_ms = scenario->delayed_after_ms };
}

static void write_whole(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    if (!file || fputs(text, file) < 0 || fclose(file) != 0)
        sim_die("cannot write '%s'", path);
}

static void write_agents(const struct workshop *workshop)
{
    static const char *const phones[] = SIM_AGENT_PHONES;
    AUTO_BUF text;

    buf_init(&text, CONF_SIZE_MAX);
    buf_str(&text, "{\"agents\": {");
    for (size_t i = 0; i < COUNT_OF(phones); i++)
        buf_printf(&text, "%s\"%s\": {\"name\": \"Agent %zu\", \"department\": \"Support\", \"active\": %s}",
                   i ? ", " : "", phones[i], i + 1, strcmp(phones[i], SIM_AGENT_INACTIVE) ? "true" : "false");
    buf_str(&text, "}}\n");
    write_whole(workshop->agents_path, text.data);
}

struct workshop *workshop_new(void)
{
    struct workshop *workshop = sim_new(sizeof(*workshop));

    (void)snprintf(workshop->dir, sizeof(workshop->dir), "/tmp/switchboard-sim-XXXXXX");
    if (!mkdtemp(workshop->dir))
        sim_die("cannot make a folder in /tmp");
    workshop->conf_path = file_join(workshop->dir, "engine.conf");
    workshop->agents_path = file_join(workshop->dir, "agents_config.json");
    workshop->mapping_path = file_join(workshop->dir, SIM_MAPPING);
    if (!workshop->conf_path || !workshop->agents_path || !workshop->mapping_path)
        sim_die("out of memory");
    write_agents(workshop);
    return workshop;
}

void workshop_write_mapping(const struct workshop *workshop, const char *text)
{
    write_whole(workshop->mapping_path, text);
}

void workshop_free(struct workshop *workshop)
{
    if (!workshop)
        return;
    (void)unlink(workshop->conf_path); /* what cannot be removed stays in /tmp */
    (void)unlink(workshop->agents_path);
    (void)unlink(workshop->mapping_path);
    (void)rmdir(workshop->dir);
    free(workshop->conf_path);
    free(workshop->agents_path);
    free(workshop->mapping_path);
    free(workshop->written);
    free(workshop);
}

/* ---- engine.conf --------------------------------------------------------------------------------------- */

static void write_source(const struct sim_config *config, struct buf *text)
{
    buf_printf(text,
               "exotel = {\n"
               "    account_sid = \"%s\"\n    api_key = \"%s\"\n    api_token = \"%s\"\n"
               "    poll_interval = \"%lldms\"\n    agents = \"agents_config.json\"\n"
               "    page_size = %u\n}\n",
               SIM_ACCOUNT, SIM_EXOTEL_KEY, SIM_EXOTEL_TOKEN, (long long)config->poll_interval_ms,
               config->page_size);
}

static void write_stages(const struct sim_config *config, struct buf *text)
{
    buf_printf(text,
               "deepgram = { api_key = \"%s\" }\n"
               "openai = { api_key = \"%s\"   model = \"gpt-6-luna\" }\n"
               "keyword = { rules = \"%s/scripts/classify.lua\" }\n",
               SIM_DEEPGRAM_KEY, config->has_openai ? SIM_OPENAI_KEY : "", SIM_SOURCE_DIR);
}

static void write_sink(const struct sim_config *config, struct buf *text)
{
    buf_printf(text,
               "zoho_desk = {\n"
               "    org_id = \"%s\"\n    department_id = \"%s\"\n"
               "    client_id = \"%s\"\n    client_secret = \"%s\"\n    refresh_token = \"%s\"\n"
               "    mapping = \"%s/scripts/zoho_ticket.lua\"\n"
               "    settle = \"%lldms\"\n    note_size_max = %u\n    concurrency = %u\n"
               "    attach_to_open = \"%s\"\n%s%s}\n",
               SIM_DESK_ORG, SIM_DESK_DEPARTMENT, SIM_CLIENT_ID, SIM_CLIENT_SECRET, SIM_REFRESH_TOKEN,
               SIM_SOURCE_DIR, (long long)config->settle_ms, config->note_size_max, config->concurrency,
               config->attach, config->has_crm_field ? "    crm_id_field = \"" SIM_CRM_FIELD "\"\n" : "",
               config->has_escalations && config->has_mapping ? "    contacts = \"" SIM_MAPPING "\"\n" : "");
}

/* A pipeline of its own, with the classifiers and the helpdesk of the calls. */
static void write_escalations(const struct sim_config *config, struct buf *text)
{
    if (config->has_escalations)
        buf_printf(text,
                   "    escalations = {\n"
                   "        source = \"ai_agent\"\n"
                   "        stages = [ \"%s\" ]\n"
                   "        sinks = [ \"zoho_desk\", \"callback\" ]\n"
                   "    }\n",
                   config->classifier);
}

/* The secrets of this generation and of the one before it, so that agents can change over. */
static void write_secrets(const struct sim_config *config, struct buf *text)
{
    const char *separator = "";

    buf_str(text, "    tokens = [ ");
    for (uint32_t i = config->secrets ? config->secrets - 1 : 0; i <= config->secrets; i++) {
        buf_printf(text, "%s\"web:" SIM_WEB_TOKEN "%04u\", \"app:" SIM_APP_TOKEN "%04u\"", separator, i, i);
        separator = ", ";
    }
    buf_str(text, " ]\n");
    if (!config->signs_posts)
        return;
    buf_str(text, "    hmac_secret = [ ");
    if (config->secrets)
        buf_printf(text, "\"before:" SIM_SIGNING_KEY "%04u\", ", config->secrets - 1);
    buf_printf(text, "\"now:" SIM_SIGNING_KEY "%04u\" ]\n    replay_window = \"%ds\"\n", config->secrets,
               SIM_REPLAY_WINDOW_S);
}

static void write_agents_doors(const struct sim_config *config, struct buf *text)
{
    if (!config->has_escalations)
        return;
    buf_str(text, "ai_agent = {\n");
    write_secrets(config, text);
    buf_printf(text,
               "    attachment_hosts = [ \"" SIM_HOST_FILES "\" ]\n}\n"
               "callback = {\n"
               "    secret = \"" SIM_CALLBACK_SECRET "\"\n    hosts = [ \"" SIM_HOST_AGENT "\" ]\n"
               "    messages = \"%s/scripts/zoho_ticket.lua\"\n    delayed_after = \"%lldms\"\n}\n",
               SIM_SOURCE_DIR, (long long)config->delayed_after_ms);
}

static char *conf_text(const struct sim_config *config)
{
    struct buf text;

    buf_init(&text, CONF_SIZE_MAX);
    buf_printf(&text,
               "data_dir = \"/sim\"\n"
               "max_in_flight = %u\n"
               "pipelines = {\n"
               "    %s = {\n"
               "        source = \"exotel\"\n"
               "        stages = [ \"deepgram\", \"%s\" ]\n"
               "        sinks = [ \"zoho_desk\" ]\n"
               "    }\n",
               config->max_in_flight, config->pipeline, config->classifier);
    write_escalations(config, &text);
    buf_str(&text, "}\n");
    write_agents_doors(config, &text);
    write_source(config, &text);
    write_stages(config, &text);
    write_sink(config, &text);
    char *taken = buf_take(&text, NULL);
    if (!taken)
        sim_die("engine.conf is too long");
    return taken;
}

static void write_conf(struct workshop *workshop, const struct sim_config *config)
{
    char *text = conf_text(config);

    if (!workshop->written || strcmp(workshop->written, text) != 0)
        write_whole(workshop->conf_path, text);
    free(workshop->written);
    workshop->written = text;
}

/* ---- setup --------------------------------------------------------------------------------------------- */

struct setup *workshop_setup(struct workshop *workshop, const struct sim_config *config, struct log *log)
{
    struct setup *setup = NULL;
    struct sb_error err = SB_ERROR_INIT;

    write_conf(workshop, config);
    if (setup_load_linked(workshop->conf_path, sim_plugins, log, &setup, &err) < 0)
        sim_die("engine.conf: %s", err.text);
    if (setup_has_errors(setup)) {
        AUTO_BUF said;
        buf_init(&said, CONF_SIZE_MAX);
        conf_write_diagnostics(setup->conf, &said);
        sim_die("engine.conf:\n%s", said.data);
    }
    if (setup_plan(setup, &err) < 0)
        sim_die("engine.conf: %s", err.text);
    return setup;
}

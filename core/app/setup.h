/* From engine.conf to a plan: configuration, plugins, scripts, instances. What `check` shows and `run` runs. */
#ifndef APP_SETUP_H
#define APP_SETUP_H

#include "base/log.h"
#include "conf/conf.h"
#include "flow/flow.h"
#include "plugin/loader.h"

struct script;

/* A pipeline for notices about late records of another one. */
struct setup_notices {
    char *name;          /* owned: "escalations/delayed" */
    size_t of, pipeline; /* indices into plan.pipelines */
    int64_t after_ms;    /* how long a record may take */
};

struct setup {
    struct conf *conf;     /* owned */
    struct loader *loader; /* owned */
    struct log *log;       /* borrowed */
    char *files_dir;       /* owned: data_dir/files */

    struct sb_instance **instances; /* owned, index as in plan.instances; NULL where off */
    struct script **scripts;        /* owned */
    size_t script_count;

    /* The plan for flow; made by setup_plan. */
    struct flow_plan_instance *planned;
    struct flow_pipeline *pipelines;
    struct flow_plan plan;
    struct setup_notices *notices; /* owned, with their names */
    size_t notice_count;
};

/* Reads and checks everything that can be checked without a network. Gives a setup also when there are mistakes:
 * setup_has_errors. Fails when the file cannot be read, or out of memory. */
int setup_load(const char *path, struct log *log, struct setup **ret_setup,
               struct sb_error *err) SB_MUST_CHECK;
/* The same with plugins that are linked into the program (simulations), which are found before any file: NULL-terminated. */
int setup_load_linked(const char *path, const struct sb_plugin *const *linked, struct log *log,
                      struct setup **ret_setup, struct sb_error *err) SB_MUST_CHECK;
void setup_free(struct setup *setup); /* NULL allowed */
bool setup_has_errors(const struct setup *setup);
/* Makes setup->plan. Only without errors. */
int setup_plan(struct setup *setup, struct sb_error *err) SB_MUST_CHECK;

/* Its second half (setup_notices.c): pipelines for notices, for which setup->pipelines has room. */
int setup_plan_notices(struct setup *setup, struct sb_error *err) SB_MUST_CHECK;
void setup_free_notices(struct setup *setup);

/* Where plugins are looked for when engine.conf does not say: beside the program, else the installed folder. */
struct loader *setup_loader(const struct conf *conf, struct log *log, struct sb_error *err);
/* Whether it sends requests, and so has the options that all such plugins share. */
bool setup_has_http(const struct sb_plugin *plugin);

#endif

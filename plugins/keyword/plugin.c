/* keyword: mood, concern, category and priority from rules in Lua. Needs no service and no key. */
#include <string.h>

#include "switchboard/switchboard.h"

enum { CONCERN_MAX = 200, CATEGORY_MAX = 100 };

static const struct sb_option options[] = {
    { .name = "rules",
      .type = SB_OPT_SCRIPT,
      .default_text = "scripts/classify.lua",
      .help = "the Lua file whose function classify(record) returns mood, concern, category and priority" },
    { .name = NULL },
};

static bool is_one_of(const char *word, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(word, *words) == 0)
            return true;
    return false;
}

/* Checks one field of what the script returned. NULL in *ret_text: it is nil, which `is_required` forbids. */
static bool read_field(const json_t *found, const char *name, const char *const *words, bool is_required,
                       const char **ret_text, struct sb_error *err)
{
    const json_t *value = json_object_get(found, name);

    *ret_text = NULL;
    if ((!value || json_is_null(value)) && !is_required)
        return true;
    if (!json_is_string(value) || !json_string_length(value)) {
        (void)sb_fail(err, SB_EINPUT, "classify() must return a text as '%s'", name);
        return false;
    }
    *ret_text = json_string_value(value);
    if (words && !is_one_of(*ret_text, words)) {
        (void)sb_fail(err, SB_EINPUT, "classify() returned the %s '%s': there are %s", name, *ret_text,
                      words[3] ? "Positive, Neutral, Negative and Urgent" : "High, Medium and Low");
        return false;
    }
    return true;
}

struct analysis {
    const char *mood, *concern, *category, *priority, *summary;
};

static bool read_analysis(const json_t *found, struct analysis *ret_analysis, struct sb_error *err)
{
    static const char *const moods[] = { "Positive", "Neutral", "Negative", "Urgent", NULL };
    static const char *const priorities[] = { "High", "Medium", "Low", NULL, NULL };

    if (!json_is_object(found)) {
        (void)sb_fail(err, SB_EINPUT, "classify() must return a table with mood and concern");
        return false;
    }
    return read_field(found, "mood", moods, true, &ret_analysis->mood, err) &&
           read_field(found, "concern", NULL, true, &ret_analysis->concern, err) &&
           read_field(found, "category", NULL, false, &ret_analysis->category, err) &&
           read_field(found, "priority", priorities, false, &ret_analysis->priority, err) &&
           read_field(found, "summary", NULL, false, &ret_analysis->summary, err);
}

static void write_analysis(struct sb_exchange *x, const struct analysis *analysis)
{
    const char *priority = analysis->priority;

    /* An urgent mood is a high priority, unless the rules say otherwise. */
    if (!priority && strcmp(analysis->mood, "Urgent") == 0)
        priority = "High";
    sb_set_str(x, "analysis.mood", analysis->mood);
    sb_set_str(x, "analysis.concern", sb_cut(x, analysis->concern, CONCERN_MAX));
    sb_set_str(x, "analysis.category",
               analysis->category ? sb_cut(x, analysis->category, CATEGORY_MAX) : NULL);
    sb_set_str(x, "analysis.priority", priority);
    sb_set_str(x, "analysis.summary", analysis->summary);
    sb_set_str(x, "analysis.by", "keyword");
}

/* A script may take as long as its limits allow: it runs on the pool, not on the loop. */
static enum sb_verdict work_classify(struct sb_exchange *x)
{
    struct sb_error err = SB_ERROR_INIT;
    struct analysis analysis = { .mood = NULL };
    json_t *found = NULL;

    if (sb_script_call(x, "rules", "classify", NULL, &found, &err) < 0)
        return sb_script_failed(x, &err);
    (void)sb_keep(x, found);
    if (!read_analysis(found, &analysis, &err))
        return sb_script_failed(x, &err);
    write_analysis(x, &analysis);
    return SB_OK;
}

static const struct sb_step steps[] = {
    { .name = "classify", .effect = SB_IDEMPOTENT, .work = work_classify },
    { .name = NULL },
};

SB_API const struct sb_plugin switchboard_plugin = {
    .abi = SB_ABI,
    .size = sizeof(struct sb_plugin),
    .kind = SB_PROCESSOR,
    .name = "keyword",
    .summary = "classifies conversations by word lists and rules in Lua",
    .version = "0.1.0",
    .options = options,
    .steps = steps,
};

/* The Exotel source: finished telephone calls, found by asking. Its options, steps and credentials. */
#include "exotel.h"

static const char *const direction_words[] = { "both", "inbound", "outbound", NULL };
static const char *const missed_words[] = { "skip", "ticket", NULL };
static const char *const channel_words[] = { "auto", "left", "right", NULL };

static const struct sb_option options[] = {
    { .name = "account_sid",
      .type = SB_OPT_STRING,
      .required = true,
      .help = "The account SID from Exotel's dashboard (API settings), such as acmedemo1." },
    { .name = "api_key", .type = SB_OPT_SECRET, .required = true, .help = "The API key from the same page." },
    { .name = "api_token",
      .type = SB_OPT_SECRET,
      .required = true,
      .help = "The API token from the same page." },
    { .name = "base_url",
      .type = SB_OPT_URL,
      .default_text = "https://api.exotel.com",
      .help =
          "The API of the account's region: https://api.exotel.com (Singapore) or https://api.in.exotel.com "
          "(Mumbai)." },
    { .name = "recordings_url",
      .type = SB_OPT_URL,
      .default_text = "https://recordings.exotel.com",
      .help = "The host of recordings; the credentials go to this host and to the API, and nowhere else." },
    { .name = "recording_hosts",
      .type = SB_OPT_LIST,
      .default_text = "s3-ap-southeast-1.amazonaws.com,s3-ap-south-1.amazonaws.com",
      .help = "Further hosts that recordings may be fetched from, always without credentials." },
    { .name = "poll_interval",
      .type = SB_OPT_DURATION,
      .default_text = "60s",
      .min = 1000,
      .max = EXO_HOUR_MS,
      .help = "How often Exotel is asked for new calls." },
    { .name = "since",
      .type = SB_OPT_STRING,
      .default_text = "now",
      .help = "How far the very first start looks back, by the start of a call: now, or a time such as 24h; "
              "calls from "
              "before are never taken." },
    { .name = "rate",
      .type = SB_OPT_RATE,
      .default_text = "200/min",
      .help = "Most requests a minute; Exotel allows 200 for the whole account, other programs included." },
    { .name = "agents",
      .type = SB_OPT_JSON_FILE,
      .help = "File with the agents by number or SIP id (agents_config.json): name, department, active." },
    { .name = "direction",
      .type = SB_OPT_ENUM,
      .default_text = "both",
      .choices = direction_words,
      .help = "Which calls are taken." },
    { .name = "missed",
      .type = SB_OPT_ENUM,
      .default_text = "skip",
      .choices = missed_words,
      .help = "What becomes of calls that nobody answered: no ticket (skip), or one that says so (ticket)." },
    { .name = "min_talk",
      .type = SB_OPT_DURATION,
      .default_text = "0s",
      .min = 0,
      .max = EXO_HOUR_MS,
      .help = "Answered calls with less talk than this get no ticket." },
    { .name = "recording_wait",
      .type = SB_OPT_DURATION,
      .default_text = "2h",
      .min = 0,
      .max = 2 * EXO_DAY_MS,
      .help = "How long after the end of a call its recording is waited for; then the ticket says that there "
              "is none." },
    { .name = "settle_wait",
      .type = SB_OPT_DURATION,
      .default_text = "20m",
      .min = 0,
      .max = EXO_DAY_MS,
      .help = "How long after its end a call whose data stay incomplete is waited for before it is taken as "
              "it is." },
    { .name = "overlap",
      .type = SB_OPT_DURATION,
      .default_text = "270m",
      .min = 260 * EXO_MINUTE_MS,
      .max = 7 * EXO_DAY_MS,
      .help = "How long after its start a call may first be listed; a call may last 4 hours, so never less "
              "than 4h20m." },
    { .name = "page_size",
      .type = SB_OPT_INT,
      .default_text = "100",
      .min = 1,
      .max = EXO_PAGE_MAX,
      .help = "Calls a page of the list." },
    { .name = "utc_offset",
      .type = SB_OPT_STRING,
      .default_text = "+05:30",
      .help = "The zone of the account's times, which Exotel writes without one." },
    { .name = "phone_region",
      .type = SB_OPT_STRING,
      .default_text = "IN",
      .help = "The country, in two letters, of numbers that are written without one." },
    { .name = "channels",
      .type = SB_OPT_ENUM,
      .default_text = "auto",
      .choices = channel_words,
      .help = "Which side of a stereo recording is the agent: left, right, or the side of the party that is "
              "called "
              "first (auto)." },
    { .name = "recording_size_max",
      .type = SB_OPT_SIZE,
      .default_text = "200m",
      .min = 1024,
      .max = INT64_C(2) * 1024 * 1024 * 1024,
      .help = "Larger recordings are not stored." },
    { .name = "keep_recordings",
      .type = SB_OPT_DURATION,
      .default_text = "7d",
      .min = 0,
      .max = 3650 * EXO_DAY_MS,
      .help = "How long recordings are kept after the record's end; then they are deleted." },
    { .name = NULL },
};

static const char *const credential_hosts[] = { "base_url", "recordings_url", NULL };
static const char *const reached_hosts[] = { "recording_hosts", NULL };

static const struct sb_auth auth = {
    .kind = SB_AUTH_BASIC,
    .hosts = credential_hosts,
    .user = "api_key",
    .password = "api_token",
};

static const struct sb_step poll_steps[] = {
    { .name = "plan_round", .effect = SB_READ, .build = exo_plan_round },
    { .name = "list_recent", .effect = SB_READ, .build = exo_build_recent, .fold = exo_fold_recent },
    { .name = "sweep_calls", .effect = SB_READ, .build = exo_build_sweep, .fold = exo_fold_sweep },
    { .name = "settle_calls", .effect = SB_READ, .build = exo_build_settle, .fold = exo_fold_settle },
    { .name = NULL },
};

static const struct sb_step record_steps[] = {
    { .name = "screen", .effect = SB_READ, .build = exo_screen },
    { .name = "refresh_call", .effect = SB_READ, .build = exo_build_refresh, .fold = exo_fold_refresh },
    { .name = "download_recording",
      .effect = SB_READ,
      .build = exo_build_recording,
      .fold = exo_fold_recording },
    { .name = NULL },
};

static void notice_inactive_agents(struct sb_instance *instance)
{
    const json_t *agents = json_object_get(sb_instance_json(instance, "agents"), "agents");
    const char *number;
    json_t *agent;
    bool has_active = json_object_size(agents) == 0;

    json_object_foreach ((json_t *)(uintptr_t)agents, number, agent) {
        if (!json_is_false(json_object_get(agent, "active")))
            has_active = true;
    }
    if (!has_active)
        sb_instance_notice(instance,
                           "every agent of the agents file is inactive: their calls get no tickets");
}

static int open_instance(struct sb_instance *instance, struct sb_error *err)
{
    const char *offset = sb_instance_str(instance, "utc_offset");
    const char *since = sb_instance_str(instance, "since");
    const json_t *agents = sb_instance_json(instance, "agents");
    int minutes, rc = 0;
    int64_t back_ms = 0;

    if (exo_parse_offset(offset, &minutes) < 0)
        rc = sb_instance_mistake(instance, err, "'utc_offset' is '%s': write it as +05:30", offset);
    if (exo_parse_since(since, &back_ms) < 0)
        rc = sb_instance_mistake(instance, err, "'since' is '%s': write now, or a time such as 24h", since);
    else if (back_ms > 180 * EXO_DAY_MS)
        rc = sb_instance_mistake(
            instance, err, "'since' is '%s': Exotel lists the calls of six months, so at most 180d", since);
    if (agents && !json_is_object(json_object_get(agents, "agents")))
        rc = sb_instance_mistake(instance, err,
                                 "the agents file must be an object with a member 'agents' by number");
    if (rc == 0)
        notice_inactive_agents(instance);
    return rc;
}

const struct sb_plugin switchboard_plugin = {
    .abi = SB_ABI,
    .size = sizeof(struct sb_plugin),
    .kind = SB_SOURCE,
    .name = "exotel",
    .summary = "Finished telephone calls of an Exotel account, with their recordings",
    .version = "1.0",
    .options = options,
    .auth = &auth,
    .reaches = reached_hosts,
    .steps = record_steps,
    .poll = poll_steps,
    .open = open_instance,
};

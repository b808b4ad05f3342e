/* Who the agent of a call is: the agents file of the Python script, by number or SIP id. */
#include <string.h>

#include "exotel.h"

/* "active" is true unless it is false. */
static bool is_active(const json_t *agent)
{
    return !json_is_false(json_object_get(agent, "active"));
}

static const json_t *find_agent(struct sb_exchange *x, const json_t *agents, const char *number)
{
    const char *listed;
    json_t *agent;

    json_object_foreach ((json_t *)(uintptr_t)agents, listed, agent) {
        if (exo_same_line(x, listed, number))
            return agent;
    }
    return NULL;
}

static void set_agent(struct sb_exchange *x, const json_t *agent, bool is_known)
{
    sb_set_str(x, "call.agent_name", exo_text(x, agent, "name"));
    sb_set_str(x, "call.agent_department", exo_text(x, agent, "department"));
    sb_set_bool(x, "call.agent_known", is_known);
}

/* The agent that stands in for those who are not listed, when the file says so. */
static const json_t *default_agent(const json_t *file)
{
    if (!json_is_true(sb_json_at(file, "settings.fallback_to_default")))
        return NULL;
    return json_object_get(file, "default_agent");
}

bool exo_name_agent(struct sb_exchange *x)
{
    const json_t *file = sb_option_json(x, "agents");
    const char *number = sb_get_str(x, "call.agent_number");
    const char *status = sb_get_str(x, "call.status");

    if (!file)
        return true;
    const json_t *agent = number ? find_agent(x, json_object_get(file, "agents"), number) : NULL;
    if (agent) {
        set_agent(x, agent, true);
        return is_active(agent);
    }
    /* Nobody took a missed call without an agent, and a flow has none: the stand-in would be a false
     * statement. */
    if (!number && ((status && strcmp(status, "missed") == 0) || sb_get_bool(x, "call.is_flow", false)))
        return true;
    const json_t *fallback = default_agent(file);
    if (fallback) {
        set_agent(x, fallback, false);
        return is_active(fallback);
    }
    if (number)
        sb_note(x, "the agent of this call is not in the agents file");
    return true;
}

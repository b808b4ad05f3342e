/* Organizations, departments and agents: what `login zoho` asks for. */
#include "zoho.h"

#include <stdio.h>
#include <string.h>

static const char agent_id[] = "5000001000000110001";

const char *zoho_agent_id(void)
{
    return agent_id;
}

json_t *zoho_agent_view(struct zoho *zoho)
{
    char url[200];
    (void)snprintf(url, sizeof(url), "https://desk.zoho.%s/api/v1/agents/%s/photo?orgId=%s", zoho->tld,
                   agent_id, zoho->org_id);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "photoURL", url, "firstName", "Agent", "lastName",
                     "One", "emailId", "agent.one@example.com", "id", agent_id, "zuid", "600000002");
}

static json_t *organization_view(const struct zoho *zoho)
{
    char url[120];
    (void)snprintf(url, sizeof(url), "https://desk.zoho.%s/support/%s", zoho->tld, zoho->portal);
    return json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:s, s:s, s:n}", "id", zoho->org_id, "companyName",
                     "Acme Desk", "portalName", zoho->portal, "portalURL", url, "isDefault", 1,
                     "isAdminInOrg", 1, "isSandboxPortal", 0, "edition", "ENTERPRISE", "currencyCode", "INR",
                     "logoURL");
}

void zoho_organization_list(struct sim_request *req, struct sim_response *res)
{
    int include;
    if (zoho_query_known(req, res, "includeCustomDomain") &&
        zoho_query_flag(req, res, "includeCustomDomain", &include))
        zoho_answer_list(req, res, json_pack("[o]", organization_view(zoho_of(req))), -1);
}

void zoho_organization_get(struct sim_request *req, struct sim_response *res)
{
    const struct zoho *zoho = zoho_of(req);
    if (strcmp(sim_param(req, "organization"), zoho->org_id) != 0)
        zoho_refuse(req, res, ZOHO_NOT_FOUND);
    else if (zoho_query_known(req, res, ""))
        zoho_answer(req, res, organization_view(zoho));
}

static json_t *department_view(const struct zoho *zoho, const struct zoho_department *department)
{
    bool is_first = zoho->departments.items[0] == department;
    return json_pack("{s:s, s:s, s:n, s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:b, s:b, s:s}", "id",
                     department->id, "name", department->name, "description", "createdTime",
                     "2026-01-05T06:00:00.000Z", "chatStatus", "NOT_CREATED", "nameInCustomerPortal",
                     department->name, "creatorId", agent_id, "isEnabled", 1, "isDefault", is_first,
                     "isAssignToTeamEnabled", 1, "isVisibleInCustomerPortal", 1, "hasLogo", 0,
                     "sanitizedName", zoho->portal);
}

void zoho_department_list(struct sim_request *req, struct sim_response *res)
{
    const struct zoho *zoho = zoho_of(req);
    int64_t limit, from;
    int is_enabled;
    if (!zoho_query_known(req, res, "isEnabled|chatStatus|from|limit|searchStr") ||
        !zoho_query_flag(req, res, "isEnabled", &is_enabled) ||
        !zoho_query_number(req, res, "limit", 1, 200, 10, &limit) ||
        !zoho_query_number(req, res, "from", 0, 1000000, 0, &from))
        return;
    json_t *rows = json_array();
    for (size_t i = (size_t)from;
         is_enabled != 0 && i < zoho->departments.count && i < (size_t)(from + limit); i++)
        (void)json_array_append_new(rows, department_view(zoho, zoho->departments.items[i]));
    zoho_answer_list(req, res, rows, -1);
}

void zoho_department_get(struct sim_request *req, struct sim_response *res)
{
    struct zoho *zoho = zoho_of(req);
    const struct zoho_department *department = zoho_department(zoho, sim_param(req, "department"));
    if (!department)
        zoho_refuse(req, res, ZOHO_NOT_FOUND);
    else if (zoho_query_known(req, res, ""))
        zoho_answer(req, res, department_view(zoho, department));
}

static json_t *agent_row(struct zoho *zoho)
{
    char url[200];
    json_t *departments = json_array();
    for (size_t i = 0; i < zoho->departments.count; i++)
        (void)json_array_append_new(departments,
                                    json_string(((struct zoho_department *)zoho->departments.items[i])->id));
    (void)snprintf(url, sizeof(url), "https://deskstatic.zoho.%s/api/v1/agents/%s/photo?orgId=%s", zoho->tld,
                   agent_id, zoho->org_id);
    json_t *row =
        json_pack("{s:s, s:s, s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "zuid", "600000002",
                  "emailId", "agent.one@example.com", "isConfirmed", 1, "status", "ACTIVE", "roleId",
                  "5000001000000100001", "firstName", "Agent", "lastName", "One", "phone", "", "mobile", "",
                  "aboutInfo", "", "extn", "", "countryCode", "en_IN", "photoURL", url);
    json_t *rest =
        json_pack("{s:s, s:o, s:s, s:s, s:s, s:s, s:[], s:s, s:{}, s:[], s:b}", "rolePermissionType",
                  "Custom", "associatedDepartmentIds", departments, "name", "Agent One", "timeZone",
                  "Asia/Kolkata", "id", agent_id, "profileId", "5000001000000101001", "channelExpert",
                  "langCode", "en_IN", "cf", "associatedChatDepartmentIds", "isZiaAgent", 0);
    (void)json_object_update(row, rest);
    json_decref(rest);
    return row;
}

void zoho_agent_list(struct sim_request *req, struct sim_response *res)
{
    int64_t limit, from;
    if (zoho_query_known(req, res, "limit|from|status|departmentIds|sortBy|include") &&
        zoho_query_number(req, res, "limit", 1, 200, 10, &limit) &&
        zoho_query_number(req, res, "from", 0, 1000000, 0, &from))
        zoho_answer_list(req, res, from > 1 ? json_array() : json_pack("[o]", agent_row(zoho_of(req))), -1);
}

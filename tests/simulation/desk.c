/* Zoho Desk: who may ask, how often, and where a request goes. */
#include "simulation/desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "base/timefmt.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)

enum { CREDITS = 5000, LAG_MS_MAX = 10 * 60 * 1000, LIMIT_SMALL = 10, LIMIT_LARGE = 15, SMALL = 4 };

static const char prefix[] = "/api/v1";

void desk_refuse(struct desk *desk, int status, const char *code, const char *message)
{
    sim_reply_json(desk->reply, status, json_pack("{s:s, s:s}", "errorCode", code, "message", message));
}

json_t *desk_time(int64_t ms)
{
    char text[TIME_TEXT_MAX];

    time_format_rfc3339_ms(ms - ms % 1000, text);
    return json_string(text);
}

int64_t desk_lag_ms(struct company *company, enum sim_fault lag)
{
    return company_fault(company, lag) ? company_fault_between(company, lag, 1000, LAG_MS_MAX) : 0;
}

/* ---- limits -------------------------------------------------------------------------------------------- */

static bool is_costly(const struct sim_request *request)
{
    return strcmp(request->method, "GET") == 0 &&
           (strstr(request->path, "/search") || strstr(request->path, "/tickets") ||
            strstr(request->path, "/comments"));
}

static void tell_credits(struct desk *desk, uint32_t weight)
{
    struct company *company = desk->company;

    (void)snprintf(company->credits_left, sizeof(company->credits_left), "%u",
                   CREDITS - company->credits_used);
    sim_reply_header(desk->reply, "X-Rate-Limit-Remaining-v3", company->credits_left);
    sim_reply_header(desk->reply, "X-Rate-Limit-Request-Weight-v3", weight == 1 ? "1" : "3");
}

/* The day's credits are shared by the whole portal. */
static bool spend_credits(struct desk *desk)
{
    struct company *company = desk->company;
    int64_t day = desk->request->now_ms / DAY_MS;
    uint32_t weight = is_costly(desk->request) ? 3 : 1;

    if (company->credit_day != day)
        company->credits_used = 0;
    company->credit_day = day;
    if (company->credits_used + weight > CREDITS) {
        (void)snprintf(company->retry_after, sizeof(company->retry_after), "%d",
                       (int)((DAY_MS - desk->request->now_ms % DAY_MS) / 1000));
        sim_reply_header(desk->reply, "Retry-After", company->retry_after);
        desk_refuse(desk, 429, "THRESHOLD_EXCEEDED", "The daily limit of API credits is reached.");
        return false;
    }
    company->credits_used += weight;
    tell_credits(desk, weight);
    return true;
}

/* The engine keeps to its own bound; strays are requests that are late, or whose sender is dead. */
static void watch_flights(struct desk *desk, size_t flights)
{
    const struct company *company = desk->company;
    const struct sim_totals *totals = company->world ? world_totals(company->world) : NULL;
    uint64_t strays = totals ? totals->faults[FAULT_LATE] +
                                   (totals->starts - 1) * company->scenario->concurrency +
                                   totals->faults[FAULT_CONFIG] * 100
                             : 0;

    if (flights > company->scenario->concurrency + strays)
        truth_breach(&desk->company->truth, "in-flight",
                     "%zu requests were under way at %s, and only %u may be", flights, desk->request->host,
                     company->scenario->concurrency);
}

static bool has_room(struct desk *desk)
{
    struct company *company = desk->company;
    int64_t until_ms = desk->request->now_ms + desk->reply->think_ms;
    size_t flights = under_way_add(&company->desk, desk->request->now_ms, until_ms);

    watch_flights(desk, flights);
    if (flights <= (company->scenario->concurrency > SMALL ? LIMIT_LARGE : LIMIT_SMALL))
        return true;
    desk_refuse(desk, 429, "TOO_MANY_REQUESTS",
                "The maximum number of Concurrent API Calls that can be made has been exceeded.");
    return false;
}

/* ---- who asks ------------------------------------------------------------------------------------------ */

static void end_tokens(struct company *company, int64_t now_ms, const char *only)
{
    for (size_t i = 0; i < company->token_count; i++)
        if (!only || strcmp(company->tokens[i].text, only) == 0)
            company->tokens[i].ends_ms = now_ms;
}

static const char *token_of(const struct sim_request *request)
{
    static const char scheme[] = "Zoho-oauthtoken ";
    const char *given = sim_request_header(request, "Authorization");

    return given && strncmp(given, scheme, sizeof(scheme) - 1) == 0 ? given + sizeof(scheme) - 1 : NULL;
}

static bool may_ask(struct desk *desk)
{
    struct company *company = desk->company;
    const char *token = token_of(desk->request);
    const char *org = sim_request_header(desk->request, "orgId");

    if (!token) {
        desk_refuse(desk, 401, "UNAUTHORIZED", "You are not authenticated to perform this operation.");
        return false;
    }
    if (company_fault(company, FAULT_TOKEN_EXPIRED))
        end_tokens(company, desk->request->now_ms, token);
    if (company_fault(company, FAULT_TOKEN_REVOKED))
        end_tokens(company, desk->request->now_ms, NULL);
    if (!accounts_token_is_valid(company, token, desk->request->now_ms)) {
        desk_refuse(desk, 401, "INVALID_OAUTH", "The OAuth Token you provided is invalid.");
        return false;
    }
    if (!org || strcmp(org, SIM_DESK_ORG) != 0) {
        desk_refuse(desk, 403, "OAUTH_ORG_MISMATCH",
                    "The OAuthToken is not valid for specified organization");
        return false;
    }
    return true;
}

/* ---- where it goes ------------------------------------------------------------------------------------- */

static void route(struct desk *desk)
{
    const char *path = desk->request->path;

    if (strncmp(path, prefix, sizeof(prefix) - 1) != 0)
        path = "";
    else
        path += sizeof(prefix) - 1;
    if (strncmp(path, "/contacts", 9) == 0 && (path[9] == '/' || path[9] == '\0'))
        desk_contacts(desk, path + 9);
    else if (strncmp(path, "/tickets", 8) == 0 && (path[8] == '/' || path[8] == '\0'))
        desk_tickets(desk, path + 8);
    else
        desk_refuse(desk, 404, "URL_NOT_FOUND", "The URL you requested could not be found.");
}

void desk_handle(void *ctx, const struct sim_request *request, struct sim_reply *reply)
{
    struct desk desk = { .company = ctx, .request = request, .reply = reply };

    watch_request(desk.company, request);
    desk.company->truth.desk_requests++;
    reply->think_ms = chance_between(&desk.company->chance, 80, 1500);
    desk_people_act(desk.company, request->now_ms);
    if (!may_ask(&desk) || !has_room(&desk) || !spend_credits(&desk))
        return;
    if (request->body_size > 0)
        desk.body = json_loadb(request->body, request->body_size, JSON_REJECT_DUPLICATES, NULL);
    route(&desk);
    json_decref(desk.body);
}

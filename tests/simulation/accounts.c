/* Zoho's accounts server: an access token for a refresh token, at most ten in ten minutes, at most ten alive. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "simulation/company.h"

enum {
    TOKEN_LIFE_MS = 3600 * 1000,
    WINDOW_MS = 10 * 60 * 1000,
    IN_WINDOW_MAX = 10,
    EARLY_MS = 6 * 60 * 1000
};

bool accounts_token_is_valid(const struct company *company, const char *token, int64_t now_ms)
{
    for (size_t i = 0; i < company->token_count; i++)
        if (strcmp(company->tokens[i].text, token) == 0)
            return now_ms < company->tokens[i].ends_ms;
    return false;
}

static bool is_form_value(const struct sim_request *request, const char *name, const char *want)
{
    AUTO_STR body = sim_form_value(request->body, name);

    return body && strcmp(body, want) == 0;
}

static const char *refusal_of(const struct sim_request *request)
{
    if (!is_form_value(request, "grant_type", "refresh_token"))
        return "invalid_code";
    if (!is_form_value(request, "client_id", SIM_CLIENT_ID))
        return "invalid_client";
    if (!is_form_value(request, "client_secret", SIM_CLIENT_SECRET))
        return "invalid_client_secret";
    return is_form_value(request, "refresh_token", SIM_REFRESH_TOKEN) ? NULL : "invalid_code";
}

/* The eleventh within ten minutes, blocked ones not counted. */
static bool is_too_many(struct company *company, int64_t now_ms)
{
    size_t in_window = 0;

    for (size_t i = 0; i < REFRESHES_MAX && i < company->refresh_count; i++)
        in_window += now_ms - company->refreshed_ms[i] < WINDOW_MS;
    if (in_window >= IN_WINDOW_MAX)
        return true;
    company->refreshed_ms[company->refresh_count++ % REFRESHES_MAX] = now_ms;
    return false;
}

/* The oldest one dies when there are too many. */
static const char *issue(struct company *company, int64_t now_ms)
{
    if (company->token_count == ACCESS_TOKENS_MAX) {
        memmove(company->tokens, company->tokens + 1, (ACCESS_TOKENS_MAX - 1) * sizeof(company->tokens[0]));
        company->token_count--;
    }
    struct access_token *token = &company->tokens[company->token_count++];
    (void)snprintf(token->text, sizeof(token->text), "1000.simaccess%llu.demo",
                   (unsigned long long)++company->token_serial);
    token->ends_ms = now_ms + TOKEN_LIFE_MS;
    return token->text;
}

static void throttle(struct sim_reply *reply)
{
    sim_reply_json(
        reply, 400,
        json_pack("{s:s, s:s, s:s}", "error_description",
                  "You have made too many requests continuously. Please try again after some time.", "error",
                  "Access Denied", "status", "failure"));
}

/* Two at once are a breach, but for those that are late or that a process sent which is dead by now. */
static void watch_flights(struct company *company, const struct sim_request *request, int64_t until_ms)
{
    uint64_t starts = company->world ? world_totals(company->world)->starts : 0;

    if (request->is_stray)
        return;
    if (starts != company->refresh_starts) /* a new process knows nothing of the old one's */
        company->refreshes.count = 0;
    company->refresh_starts = starts;
    size_t flights = under_way_add(&company->refreshes, request->now_ms, until_ms);
    if (flights > 1)
        truth_breach(&company->truth, "single-flight", "%zu token refreshes were under way at once", flights);
}

/* A token is good for an hour; whoever asks sooner has lost it, or wastes it. */
static void count_needless(struct company *company, int64_t now_ms)
{
    const struct access_token *newest =
        company->token_count ? &company->tokens[company->token_count - 1] : NULL;

    company->truth.refreshes++;
    if (newest && newest->ends_ms - now_ms > EARLY_MS)
        company->truth.needless_refreshes++;
}

void accounts_handle(void *ctx, const struct sim_request *request, struct sim_reply *reply)
{
    struct company *company = ctx;

    watch_request(company, request);
    reply->think_ms = chance_between(&company->chance, 50, 800);
    if (strcmp(request->method, "POST") != 0 || strcmp(request->path, "/oauth/v2/token") != 0) {
        sim_reply_json(reply, 404, json_pack("{s:s}", "error", "not_found"));
        return;
    }
    count_needless(company, request->now_ms);
    watch_flights(company, request, request->now_ms + reply->think_ms);
    const char *refusal = refusal_of(request);
    if (refusal) {
        sim_reply_json(reply, 200, json_pack("{s:s}", "error", refusal));
        return;
    }
    if (company_fault(company, FAULT_REFRESH_LIMIT) || is_too_many(company, request->now_ms)) {
        throttle(reply);
        return;
    }
    reply->had_effect = true;
    sim_reply_json(
        reply, 200,
        json_pack("{s:s, s:s, s:s, s:s, s:i}", "access_token", issue(company, request->now_ms), "scope",
                  "Desk.tickets.ALL Desk.contacts.READ Desk.contacts.CREATE Desk.search.READ", "api_domain",
                  "https://www.zohoapis.com", "token_type", "Bearer", "expires_in", 3600));
}

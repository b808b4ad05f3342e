/* The scenario's section "exotel": accounts, users of the ccm API, calls. */
#include "exotel.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- accounts and users ---- */

static void free_account(struct exo_account *account)
{
    free(account->sid);
    free(account->api_key);
    free(account->api_token);
    free(account->recordings);
    free(account->recent_ms);
    free(account->recent_legs_ms);
}

void exo_drop_accounts(struct exotel *exotel)
{
    for (size_t i = 0; i < exotel->account_count; i++)
        free_account(&exotel->accounts[i]);
    free(exotel->accounts);
    exotel->accounts = NULL;
    exotel->account_count = 0;
}

static json_t *default_users(void)
{
    json_t *users = json_array();
    static const char *const names[] = { "One", "Two", "Three" };
    for (size_t i = 0; i < 3; i++) {
        char *number = exo_agent_number(i);
        json_array_append_new(
            users,
            json_pack(
                "{s:o, s:s, s:s, s:o, s:b, s:s, s:n, s:n, s:s, s:s, s:[{s:i, s:s, s:o, s:s, s:b, s:b, s:s}]}",
                "id", json_sprintf("user-demo-%zu", i + 1), "first_name", "Agent", "last_name", names[i],
                "email", json_sprintf("agent.%zu@example.com", i + 1), "email_verified", 1, "role", "user",
                "active_call", "last_login", "date_created", "2026-01-01T00:00:00Z", "date_updated",
                "2026-03-10T05:00:00Z", "devices", "id", (int)i + 1, "name", "Desk phone", "contact_uri",
                json_sprintf("+91%s", number + 1), "type", "tel", "available", 1, "verified", 1, "status",
                "free"));
        free(number);
    }
    return users;
}

void exo_set_defaults(struct exotel *exotel)
{
    exo_hooks_reset(exotel);
    exo_drop_calls(exotel);
    exo_drop_accounts(exotel);
    exotel->accounts = sim_calloc(1, sizeof(*exotel->accounts));
    exotel->account_count = 1;
    exotel->accounts[0] = (struct exo_account){ .sid = sim_strdup("acmedemo1"),
                                                .api_key = sim_strdup("demo-exotel-key"),
                                                .api_token = sim_strdup("demo-exotel-token") };
    json_decref(exotel->users);
    exotel->users = default_users();
    exotel->next_id = 0;
    exotel->lists = exotel->reads = exotel->rate_limited = exotel->unauthorized = 0;
}

static int load_account(struct exo_account *account, json_t *plan, struct sim_error *err)
{
    const char *sid = NULL, *key = NULL, *token = NULL, *recordings = NULL;
    int has_presigned = 0;
    json_error_t error;
    if (json_unpack_ex(plan, &error, JSON_STRICT, "{s:s, s:s, s:s, s?s, s?b}", "sid", &sid, "api_key", &key,
                       "api_token", &token, "recordings", &recordings, "presigned", &has_presigned) < 0)
        return sim_fail(err, "exotel account: %s", error.text);
    if (recordings && strcmp(recordings, "basic") != 0 && strcmp(recordings, "open") != 0 &&
        strcmp(recordings, "ip") != 0 && strcmp(recordings, "presigned") != 0)
        return sim_fail(err, "exotel account '%s': recordings is '%s', not basic, open, ip or presigned", sid,
                        recordings);
    *account = (struct exo_account){ .sid = sim_strdup(sid),
                                     .api_key = sim_strdup(key),
                                     .api_token = sim_strdup(token),
                                     .recordings = recordings ? sim_strdup(recordings) : NULL,
                                     .has_presigned = has_presigned != 0 };
    return 0;
}

static int load_accounts(struct exotel *exotel, const json_t *plans, struct sim_error *err)
{
    size_t count = json_array_size(plans);
    if (count == 0)
        return sim_fail(err, "exotel: 'accounts' is not a list with an account in it");
    struct exo_account *accounts = sim_calloc(count, sizeof(*accounts));
    for (size_t i = 0; i < count; i++) {
        if (load_account(&accounts[i], json_array_get(plans, i), err) == 0)
            continue;
        while (i > 0)
            free_account(&accounts[--i]);
        free(accounts);
        return -1;
    }
    exo_drop_calls(exotel);
    exo_drop_accounts(exotel);
    exotel->accounts = accounts;
    exotel->account_count = count;
    return 0;
}

int exo_load(struct sim_service *service, const json_t *section, struct sim_error *err)
{
    struct exotel *exotel = service->state;
    const char *name;
    json_t *value;
    json_object_foreach ((json_t *)section, name, value) {
        if (strcmp(name, "accounts") != 0 && strcmp(name, "users") != 0 && strcmp(name, "calls") != 0 &&
            strcmp(name, "webhooks") != 0)
            return sim_fail(err, "exotel: unknown member '%s'; it takes accounts, users, calls and webhooks",
                            name);
    }
    const json_t *accounts = json_object_get(section, "accounts");
    if (accounts && load_accounts(exotel, accounts, err) < 0)
        return -1;
    json_t *users = json_object_get(section, "users");
    if (users) {
        if (!json_is_array(users))
            return sim_fail(err, "exotel: 'users' is not a list");
        json_decref(exotel->users);
        exotel->users = json_deep_copy(users);
    }
    json_t *webhooks = json_object_get(section, "webhooks");
    if (webhooks && exo_hooks_load(exotel, webhooks, err) < 0)
        return -1;
    size_t count;
    json_t *calls = json_object_get(section, "calls");
    return calls ? exo_plan_calls(exotel, calls, &count, err) : 0;
}

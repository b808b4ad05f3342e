/* Tokens, time stamps and signatures of agents, made from what the documentation says. */
#include "simulation/credentials.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/scope.h"

enum { MINUTE_MS = 60 * 1000, SIGNED_MAX = 2 * 1024 * 1024, WEB_MINUTES = 10, APP_MINUTES = 40 };

void credentials_make(const char *agent, uint32_t generation, int64_t at_ms, bool is_signed, const char *body,
                      struct credentials *ret_credentials)
{
    bool is_web = strcmp(agent, "web") == 0;
    char key[CREDENTIAL_SIZE], hex[DIGEST_HEX_SIZE];
    AUTO_BUF text;

    buf_init(&text, SIGNED_MAX);
    *ret_credentials = (struct credentials){ .authorization = "" };
    (void)snprintf(ret_credentials->authorization, CREDENTIAL_SIZE, "Bearer %s%04u",
                   is_web ? SIM_WEB_TOKEN : SIM_APP_TOKEN, generation);
    if (!is_signed)
        return;
    (void)snprintf(ret_credentials->timestamp, TIMESTAMP_SIZE, "%lld", (long long)at_ms / 1000);
    (void)snprintf(key, sizeof(key), SIM_SIGNING_KEY "%04u", generation);
    buf_printf(&text, "%s.%s", ret_credentials->timestamp, body);
    digest_hmac_hex(key, strlen(key), text.data, text.len, hex);
    (void)snprintf(ret_credentials->signature, SIGNATURE_SIZE, "sha256=%s", hex);
}

void credentials_of(const struct company *company, const char *agent, const char *body,
                    struct credentials *ret_credentials)
{
    int64_t minutes = strcmp(agent, "web") == 0 ? WEB_MINUTES : APP_MINUTES;
    int64_t now_ms = world_now(company->world), since_ms;
    uint32_t generation = world_secrets(company->world, &since_ms);

    if (generation > 0 && now_ms < since_ms + minutes * MINUTE_MS)
        generation--;
    credentials_make(agent, generation, now_ms, company->scenario->signs_posts, body, ret_credentials);
}

void credentials_post(struct world *world, const struct credentials *credentials, bool waits,
                      const char *body, world_answer_fn done, void *ctx)
{
    struct sim_header headers[5] = { { "Content-Type", "application/json" } };
    size_t count = 1;

    if (credentials->authorization[0])
        headers[count++] = (struct sim_header){ "Authorization", credentials->authorization };
    if (credentials->timestamp[0])
        headers[count++] = (struct sim_header){ "X-Switchboard-Timestamp", credentials->timestamp };
    if (credentials->signature[0])
        headers[count++] = (struct sim_header){ "X-Switchboard-Signature", credentials->signature };
    if (waits)
        headers[count++] = (struct sim_header){ "Prefer", "wait=20" };
    world_webhook(world, "POST", "/v1/escalations", headers, count, body, done, ctx);
}

bool credentials_may_be_off(const struct world *world)
{
    return world_scenario(world)->signs_posts && world_totals(world)->faults[FAULT_WALL_JUMP] > 0 &&
           world_now(world) < world_scenario(world)->quiet_ms + MINUTE_MS;
}

/* Budgets per minute (LF.1), and the headers that every answer carries (section 8). */
#include "openai.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Lets the bucket fill up until now. */
static void refill(struct oa_bucket *bucket, double limit, int64_t now_ms)
{
    double back = limit * (double)(now_ms - bucket->at_ms) / 60000.0;
    bucket->used = back >= bucket->used ? 0 : bucket->used - back;
    bucket->at_ms = now_ms;
}

/* "6ms", "51.189s", "1m30s": a duration as the service writes it. */
static const char *write_duration(double seconds, char text[32])
{
    if (seconds <= 0)
        (void)snprintf(text, 32, "0s");
    else if (seconds < 1)
        (void)snprintf(text, 32, "%.0fms", ceil(seconds * 1000));
    else if (seconds < 60)
        (void)snprintf(text, 32, "%.5gs", seconds);
    else
        (void)snprintf(text, 32, "%.0fm%.0fs", floor(seconds / 60), fmod(seconds, 60));
    return text;
}

void oa_add_headers(struct sim_request *req, struct sim_response *res)
{
    char hex[33];
    sim_random_text(req->service, "0123456789abcdef", hex, sizeof(hex));
    sim_respond_header(res, "x-request-id", "req_%s", hex);
    sim_respond_header(res, "openai-organization", "org-demo");
    sim_respond_header(res, "openai-project", "proj_demo");
    sim_respond_header(res, "openai-version", "2020-10-01");
    sim_respond_header(res, "openai-processing-ms", "%d", 815);
    sim_respond_header(res, "server", "cloudflare");
    sim_respond_header(res, "cf-ray", "%.16s-BOM", hex);
    sim_respond_header(res, "strict-transport-security", "max-age=31536000; includeSubDomains; preload");
}

static void add_bucket_headers(struct sim_response *res, const char *what, const struct oa_bucket *bucket,
                               double limit, bool is_reset_hidden)
{
    char name[48], text[32];
    double left = limit - bucket->used;
    (void)snprintf(name, sizeof(name), "x-ratelimit-limit-%s", what);
    sim_respond_header(res, name, "%.0f", limit);
    (void)snprintf(name, sizeof(name), "x-ratelimit-remaining-%s", what);
    sim_respond_header(res, name, "%.0f", left > 0 ? floor(left) : 0);
    (void)snprintf(name, sizeof(name), "x-ratelimit-reset-%s", what);
    sim_respond_header(res, name, "%s",
                       write_duration(is_reset_hidden ? 0 : bucket->used / limit * 60, text));
}

/* `spent` names the budget that ran out: the reset of the other one then reads "0s", whatever is true of it.
 */
static void add_both(struct sim_request *req, struct sim_response *res, const char *spent)
{
    const struct openai *openai = req->service->state;
    double requests = (double)sim_knob_int(req->service, OA_REQUESTS_PER_MINUTE);
    double tokens = (double)sim_knob_int(req->service, OA_TOKENS_PER_MINUTE);
    if (requests > 0)
        add_bucket_headers(res, "requests", &openai->requests, requests,
                           spent && strcmp(spent, "tokens") == 0);
    if (tokens > 0)
        add_bucket_headers(res, "tokens", &openai->tokens, tokens, spent && strcmp(spent, "requests") == 0);
}

void oa_add_budget_headers(struct sim_request *req, struct sim_response *res)
{
    if (sim_knob_is(req->service, OA_PROFILE, "openai"))
        add_both(req, res, NULL);
}

static void add_retry_after(struct sim_request *req, struct sim_response *res, double wait_s)
{
    if (sim_knob_is(req->service, OA_RETRY_AFTER, "none"))
        return;
    if (sim_knob_is(req->service, OA_RETRY_AFTER, "date")) {
        char date[64];
        int64_t at_ms = req->now_ms + (int64_t)(ceil(wait_s) * 1000);
        sim_respond_header(res, "retry-after", "%s",
                           sim_time_text(at_ms, 0, "%a, %d %b %Y %H:%M:%S GMT", date, sizeof(date)));
        return;
    }
    sim_respond_header(res, "retry-after", "%.0f", ceil(wait_s));
    if (sim_knob_is(req->service, OA_RETRY_AFTER, "seconds_and_ms"))
        sim_respond_header(res, "retry-after-ms", "%.0f", ceil(wait_s * 1000));
}

static void respond_spent(struct sim_request *req, struct sim_response *res, const char *model,
                          const char *what, double limit, double used, double wanted)
{
    struct openai *openai = req->service->state;
    bool is_tokens = strcmp(what, "tokens") == 0;
    int64_t forced_s = sim_knob_int(req->service, OA_RETRY_AFTER_S);
    double wait_s = forced_s > 0 ? (double)forced_s : (used + wanted - limit) / limit * 60;
    openai->rate_limited++;
    oa_respond_error(
        req, res, 429, what, NULL, "rate_limit_exceeded",
        sim_text(req,
                 "Rate limit reached for %s in organization org-demo on %s per min (%s): Limit %.0f, "
                 "Used %.0f, Requested %.0f. Please try again in %.3fs. Visit "
                 "https://platform.openai.com/account/rate-limits to learn more.",
                 model, what, is_tokens ? "TPM" : "RPM", limit, used, wanted, wait_s));
    add_retry_after(req, res, wait_s);
    add_both(req, res, what);
}

bool oa_take_budget(struct sim_request *req, struct sim_response *res, const char *model, double tokens)
{
    struct openai *openai = req->service->state;
    double requests_max = (double)sim_knob_int(req->service, OA_REQUESTS_PER_MINUTE);
    double tokens_max = (double)sim_knob_int(req->service, OA_TOKENS_PER_MINUTE);
    refill(&openai->requests, requests_max, req->now_ms);
    refill(&openai->tokens, tokens_max, req->now_ms);
    if (requests_max > 0 && openai->requests.used + 1 > requests_max) {
        respond_spent(req, res, model, "requests", requests_max, openai->requests.used, 1);
        return false;
    }
    if (tokens_max > 0 && openai->tokens.used + tokens > tokens_max) {
        respond_spent(req, res, model, "tokens", tokens_max, openai->tokens.used, tokens);
        return false;
    }
    openai->requests.used += 1;
    openai->tokens.used += tokens;
    return true;
}

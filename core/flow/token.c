/* OAuth 2 refresh, single flight. */
#include "flow/token.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/scope.h"
#include "flow/backoff.h"
#include "flow/state.h"

enum { TOKEN_ARENA_MAX = 64 * 1024, TOKEN_TIMEOUT_MS = 30 * 1000, TOKEN_REVOKED_MS = 3600 * 1000 };

static const struct sb_auth *auth_of(const struct token *token)
{
    return token->gate->instance->plugin->auth;
}

static const char *option_text(const struct sb_instance *instance, const char *name)
{
    const struct instance_value *value = name ? instance_value(instance, name) : NULL;
    return value && value->is_set && value->text ? value->text : "";
}

/* Two instances share a token when they have the same client and refresh token. The name tells neither. */
static void make_name(const struct sb_instance *instance, char ret_name[TOKEN_NAME_MAX])
{
    const struct sb_auth *auth = instance->plugin->auth;
    char hex[DIGEST_HEX_SIZE];
    AUTO_BUF text;

    buf_init(&text, TOKEN_ARENA_MAX);
    buf_printf(&text, "%s\n%s\n%s", auth->token_base(instance), option_text(instance, auth->client_id),
               option_text(instance, auth->refresh_token));
    digest_sha256_hex(text.data, text.len, hex);
    explicit_bzero(text.data, text.len);
    (void)snprintf(ret_name, TOKEN_NAME_MAX, "oauth:%.32s", hex);
}

static void give_to_instances(struct flow *flow, const struct token *token, const char *value)
{
    for (size_t i = 0; i < flow->plan->instance_count; i++)
        if (flow->gates[i].token == token && instance_set_token(flow->gates[i].instance, value) < 0)
            flow_fail(flow, "out of memory");
}

static void tell_waiting(struct flow *flow, struct token *token)
{
    for (struct actor *actor; (actor = queue_take(&token->waiting)) != NULL;)
        flow_ready(flow, actor);
}

int token_join(struct flow *flow, struct gate *gate)
{
    char name[TOKEN_NAME_MAX];
    const char *const labels[] = { "instance", gate->name, NULL };

    make_name(gate->instance, name);
    for (size_t i = 0; i < flow->token_count; i++) {
        if (strcmp(flow->tokens[i]->name, name) == 0) {
            gate->token = flow->tokens[i];
            return 0;
        }
    }
    struct token **tokens = reallocarray(flow->tokens, flow->token_count + 1, sizeof(struct token *));
    if (!tokens)
        return -1;
    flow->tokens = tokens;
    struct token *token = calloc(1, sizeof(*token));
    if (!token || actor_add(&flow->actors, &token->actor, &token_class) < 0) {
        free(token);
        return -1;
    }
    (void)snprintf(token->name, sizeof(token->name), "%s", name);
    token->gate = gate;
    token->refresh_metric = metrics_get(flow->metrics, METRIC_COUNTER, "switchboard_token_refreshes_total",
                                        "access tokens asked for", labels);
    flow->tokens[flow->token_count++] = token;
    gate->token = token;
    return 0;
}

static void wipe_pending(struct token *token)
{
    if (token->pending)
        explicit_bzero(token->pending, strlen(token->pending));
    free(token->pending);
    token->pending = NULL;
}

void token_free(struct flow *flow, struct token *token)
{
    if (!token)
        return;
    actor_remove(&flow->actors, &token->actor);
    wipe_pending(token);
    arena_free(token->arena);
    free(token);
}

/* ---- getting one --------------------------------------------------------------------------------------- */

static void fail_for(struct flow *flow, struct token *token, int64_t ms)
{
    token->state = TOKEN_FAILED;
    token->retry_ms = flow_mono_ms(flow) + ms;
    tell_waiting(flow, token);
}

/* Every instance of the token stops; the one that speaks for all raises the alert. */
static void suspend_instances(struct flow *flow, struct token *token, int64_t ms, enum flow_alert alert,
                              const char *reason)
{
    for (size_t i = 0; i < flow->plan->instance_count; i++)
        if (flow->gates[i].token == token)
            gate_suspend(flow, &flow->gates[i], ms, alert, reason);
}

static struct http_request *new_request(struct token *token)
{
    struct sb_instance *instance = token->gate->instance;
    const struct sb_auth *auth = auth_of(token);

    arena_free(token->arena);
    token->arena = arena_new(TOKEN_ARENA_MAX);
    struct http_request *request = token->arena ? arena_alloc(token->arena, sizeof(*request)) : NULL;
    if (!request)
        return NULL;
    request->method = "POST";
    request->url = arena_printf(token->arena, "%s%s", auth->token_base(instance), auth->token_path);
    request->headers[0] = (struct http_header){ "Content-Type", "application/x-www-form-urlencoded" };
    request->header_count = 1;
    request->body_kind = HTTP_BODY_BYTES;
    /* Placeholders: the network layer puts the secrets in, and escapes them for a form. */
    request->body = arena_printf(
        token->arena, "grant_type=refresh_token&client_id=%c%s%c&client_secret=%c%s%c&refresh_token=%c%s%c",
        INSTANCE_SECRET_BEGIN, auth->client_id, INSTANCE_SECRET_END, INSTANCE_SECRET_BEGIN,
        auth->client_secret, INSTANCE_SECRET_END, INSTANCE_SECRET_BEGIN, auth->refresh_token,
        INSTANCE_SECRET_END);
    request->body_size = request->body ? strlen(request->body) : 0;
    request->timeout_ms = TOKEN_TIMEOUT_MS;
    return request->url && request->body ? request : NULL;
}

static void refresh(struct flow *flow, struct token *token)
{
    token->request = new_request(token);
    if (!token->request) {
        flow_fail(flow, "out of memory");
        return;
    }
    token->state = TOKEN_REFRESHING;
    metric_add(token->refresh_metric, 1);
    LOG_INFO(flow->log, "refreshing access token", LOG_STR("instance", token->gate->name));
    flow->world.send(flow->world.ctx, token->request, token->gate->instance, actor_ticket(&token->actor));
}

static void use(struct flow *flow, struct token *token, const char *value, int64_t life_ms)
{
    token->state = TOKEN_VALID;
    token->serial++;
    token->failures = 0;
    token->expires_ms = flow_mono_ms(flow) + life_ms;
    give_to_instances(flow, token, value);
    tell_waiting(flow, token);
}

/* The first token of the options is used until it is refused, as the Python script did; it is never stored.
 */
static bool use_first(struct flow *flow, struct token *token)
{
    const char *first = option_text(token->gate->instance, auth_of(token)->access_token);

    if (token->first_tried || !*first)
        return false;
    token->first_tried = true;
    use(flow, token, first, TOKEN_LIFE_MS);
    return true;
}

static void begin(struct flow *flow, struct token *token)
{
    int64_t now_ms = flow_mono_ms(flow);

    switch (token->state) {
    case TOKEN_UNREAD:
        token->state = TOKEN_READING;
        flow->world.read_token(flow->world.ctx, token->name, actor_ticket(&token->actor));
        break;
    case TOKEN_NONE:
        refresh(flow, token);
        break;
    case TOKEN_FAILED:
        if (now_ms >= token->retry_ms)
            refresh(flow, token);
        else
            actor_arm(&flow->actors, &token->actor, token->retry_ms);
        break;
    case TOKEN_READING:
    case TOKEN_REFRESHING:
    case TOKEN_SAVING:
    case TOKEN_VALID:
        break;
    }
}

bool token_ready(struct flow *flow, struct token *token, struct actor *actor)
{
    if (token->state == TOKEN_VALID && flow_mono_ms(flow) >= token->expires_ms) {
        token->state = TOKEN_NONE;
        give_to_instances(flow, token, NULL);
    }
    if (token->state == TOKEN_VALID)
        return true;
    if (token->state == TOKEN_NONE && use_first(flow, token))
        return true;
    queue_add(&token->waiting, actor);
    begin(flow, token);
    return false;
}

void token_refused(struct flow *flow, struct token *token, uint32_t serial)
{
    if (token->state != TOKEN_VALID || token->serial != serial)
        return; /* somebody else has got a newer one, or is about to */
    token->state = TOKEN_NONE;
    give_to_instances(flow, token, NULL);
}

/* ---- answers ------------------------------------------------------------------------------------------- */

void token_on_document(struct flow *flow, struct token *token, const char *doc)
{
    AUTO_JSON stored = doc ? json_parse(doc, strlen(doc), NULL) : NULL;
    const char *value = stored ? json_str(stored, "access_token") : NULL;
    int64_t left_ms = stored ? json_int(stored, "expires_at_ms", 0) - flow_wall_ms(flow) : 0;

    token->state = TOKEN_NONE;
    if (value && left_ms > 0) {
        token->first_tried = true;
        use(flow, token, value, left_ms > TOKEN_LIFE_MS ? TOKEN_LIFE_MS : left_ms);
        return;
    }
    if (use_first(flow, token))
        return;
    begin(flow, token);
}

static bool is_revoked(const struct sb_auth *auth, const char *error)
{
    for (size_t i = 0; auth->revoked && auth->revoked[i]; i++)
        if (error && strcmp(auth->revoked[i], error) == 0)
            return true;
    return false;
}

static void on_refusal(struct flow *flow, struct token *token, const json_t *answer, int status)
{
    const struct sb_auth *auth = auth_of(token);
    const char *error = answer ? json_str(answer, "error") : NULL;
    char reason[EXCHANGE_REASON_MAX];

    token->failures++;
    if (is_revoked(auth, error)) {
        (void)snprintf(reason, sizeof(reason),
                       "the refresh token is not accepted ('%s'): check client id, client secret and data "
                       "centre, or sign in "
                       "again with 'switchboard login'",
                       error);
        suspend_instances(flow, token, TOKEN_REVOKED_MS, FLOW_ALERT_REVOKED, reason);
        fail_for(flow, token, TOKEN_REVOKED_MS);
    } else if (answer && auth->throttled_ms && (status < 500) &&
               (!error || strcmp(error, "general_error") != 0)) {
        (void)snprintf(reason, sizeof(reason), "the token server refuses more requests for a while");
        suspend_instances(flow, token, auth->throttled_ms, FLOW_ALERT_SUSPENDED, reason);
        fail_for(flow, token, auth->throttled_ms);
    } else {
        int64_t wait_ms = backoff_ceiling_ms(token->failures);
        wait_ms = wait_ms / 2 + flow_random_up_to(flow, wait_ms / 2);
        LOG_WARN(flow->log, "access token refresh failed", LOG_STR("instance", token->gate->name),
                 LOG_INT("status", status), LOG_INT("again_in_ms", wait_ms));
        token->state = TOKEN_FAILED;
        token->retry_ms = flow_mono_ms(flow) + wait_ms;
        actor_arm(&flow->actors, &token->actor, token->retry_ms);
    }
}

static void save(struct flow *flow, struct token *token, const char *value, int64_t life_ms)
{
    struct store_change *change = store_change_new();
    json_t *doc = json_pack("{s:s, s:I}", "access_token", value, "expires_at_ms",
                            (json_int_t)flow_wall_ms(flow) + life_ms);
    AUTO_STR text = doc ? json_text(doc) : NULL;

    json_decref(doc);
    wipe_pending(token);
    token->pending = strdup(value);
    if (change && text) {
        change->token_name = arena_strdup(change->arena, token->name);
        change->token_doc = arena_strdup(change->arena, text);
        change->now_ms = flow_wall_ms(flow);
    }
    if (!change || !text || !token->pending || !change->token_name || !change->token_doc) {
        store_change_free(change);
        flow_fail(flow, "out of memory");
        return;
    }
    explicit_bzero(text, strlen(text));
    token->state = TOKEN_SAVING;
    token->expires_ms = flow_mono_ms(flow) + life_ms;
    flow->world.commit(flow->world.ctx, change, actor_ticket(&token->actor));
}

void token_on_answered(struct flow *flow, struct token *token, struct http_response *response)
{
    AUTO_JSON answer =
        response->status && response->body ? json_parse(response->body, response->body_size, NULL) : NULL;
    const char *value = answer ? json_str(answer, "access_token") : NULL;
    int status = response->status;

    if (value && *value) {
        int64_t life_s =
            json_int(answer, "expires_in_sec", json_int(answer, "expires_in", TOKEN_LIFE_MS / 1000));
        int64_t life_ms = life_s > 2 * TOKEN_EARLY_MS / 1000 ? life_s * 1000 - TOKEN_EARLY_MS : life_s * 500;
        save(flow, token, value, life_ms);
    } else {
        on_refusal(flow, token, answer, status);
    }
    if (response->body)
        explicit_bzero(response->body, response->body_size);
    http_response_free(response);
}

void token_on_committed(struct flow *flow, struct token *token)
{
    int64_t life_ms = token->expires_ms - flow_mono_ms(flow);

    assert(token->state == TOKEN_SAVING);
    use(flow, token, token->pending, life_ms);
    wipe_pending(token);
}

static void on_timer(struct flow *flow, struct actor *actor)
{
    struct token *token = (struct token *)actor;

    if (token->state == TOKEN_FAILED && !flow->is_stopping)
        refresh(flow, token);
}

static void on_turn(struct flow *flow, struct actor *actor)
{
    (void)flow;
    (void)actor;
    assert(false && "a token waits in no queue");
}

const struct actor_class token_class = { .name = "token", .on_timer = on_timer, .on_turn = on_turn };

/* The accounts service: authorize, token, revoke, the register of data centres. Token errors come with HTTP
 * 200. */
#include "zoho.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct sim_knob knobs[ACCOUNTS_KNOBS] = {
    [ACCOUNTS_DENIED_STATUS] = { "denied_status", SIM_WORD, "400", "400|200", 0, 0,
                                 "ZA.3: HTTP status of \"Access Denied\"" },
    [ACCOUNTS_REQUESTS_MAX] = { "token_requests_max", SIM_INT, "10", NULL, 0, 1000000,
                                "ZA.3: token requests per window and refresh token; 0: no limit" },
    [ACCOUNTS_WINDOW_MS] = { "token_window_ms", SIM_INT, "600000", NULL, 1, 86400000,
                             "ZA.3: length of the window" },
    [ACCOUNTS_LIVE_MAX] = { "live_tokens_max", SIM_INT, "10", NULL, 1, 1000,
                            "ZA.4: access tokens per refresh token; one more kills the oldest" },
    [ACCOUNTS_REFRESH_MAX] = { "refresh_tokens_max", SIM_INT, "20", NULL, 1, 1000,
                               "5.4: refresh tokens per client; one more deletes the oldest" },
    [ACCOUNTS_CODES_MAX] = { "codes_max", SIM_INT, "10", NULL, 0, 1000000,
                             "5.4: authorization codes per window; 0: no limit" },
    [ACCOUNTS_EXPIRES_IN_S] = { "expires_in_s", SIM_INT, "3600", NULL, 1, 86400,
                                "ZA.1: life of an access token" },
    [ACCOUNTS_EXPIRES_KEY] = { "expires_key", SIM_WORD, "expires_in", "expires_in|expires_in_sec|absent", 0,
                               0, "5.2: how the answer says it" },
    [ACCOUNTS_CODE_LIFE_MS] = { "code_life_ms", SIM_INT, "120000", NULL, 1, 86400000,
                                "5.1: life of an authorization code" },
    [ACCOUNTS_CONTACTS_ALL] = { "contacts_all_exists", SIM_BOOL, "true", NULL, 0, 0,
                                "5.5: whether Desk.contacts.ALL is a scope" },
};

static void answer_error(struct sim_request *req, struct sim_response *res, const char *word)
{
    zoho_of(req)->token_errors++;
    sim_respond_json(res, 200, json_pack("{s:s}", "error", word));
    sim_respond_type(res, "application/json;charset=UTF-8");
}

static void answer_denied(struct sim_request *req, struct sim_response *res)
{
    zoho_of(req)->denied++;
    sim_respond_json(
        res, sim_knob_is(req->service, ACCOUNTS_DENIED_STATUS, "400") ? 400 : 200,
        json_pack("{s:s, s:s, s:s}", "error_description",
                  "You have made too many requests continuously. Please try again after some time.", "error",
                  "Access Denied", "status", "failure"));
    sim_respond_type(res, "application/json;charset=UTF-8");
}

static void answer_token(struct sim_request *req, struct sim_response *res, const struct zoho_token *access,
                         const struct zoho_token *refresh)
{
    struct zoho *zoho = zoho_of(req);
    const char *key = sim_knob_text(req->service, ACCOUNTS_EXPIRES_KEY);
    json_t *body = json_pack("{s:s}", "access_token", access->text);
    if (refresh)
        (void)json_object_set_new(body, "refresh_token", json_string(refresh->text));
    (void)json_object_set_new(body, "scope", json_string(access->scope));
    (void)json_object_set_new(body, "api_domain",
                              json_string(sim_text(req, "https://www.zohoapis.%s", zoho->tld)));
    (void)json_object_set_new(body, "token_type", json_string("Bearer"));
    if (strcmp(key, "absent") != 0)
        (void)json_object_set_new(body, key, json_integer(sim_knob_int(req->service, ACCOUNTS_EXPIRES_IN_S)));
    sim_respond_json(res, 200, body);
    sim_respond_type(res, "application/json;charset=UTF-8");
}

/* The parameters of a token request, from the form and the query. */
struct form {
    const struct sim_field *fields;
    size_t count;
    const struct sim_request *req;
};

static const char *value_of(const struct form *form, const char *name)
{
    for (size_t i = 0; i < form->count; i++)
        if (strcmp(form->fields[i].name, name) == 0)
            return form->fields[i].value;
    return sim_query(form->req, name);
}

static struct form read_form(struct sim_request *req)
{
    static const char known[] = "grant_type|client_id|client_secret|redirect_uri|code|refresh_token|scope|"
                                "soid|access_type|prompt|state|token";
    struct form form = { .req = req };
    const char *type = sim_header(req, "Content-Type");
    if (type && strncasecmp(type, "application/x-www-form-urlencoded", 33) == 0)
        form.count = sim_form(req, req->body, req->body_size, &form.fields);
    else if (req->body_size > 0)
        sim_violation(req, "token request with a body that is no form");
    for (size_t i = 0; i < form.count; i++)
        if (!zoho_word_in(known, form.fields[i].name, strlen(form.fields[i].name)))
            sim_violation(req, "unknown token parameter '%.60s'", form.fields[i].name);
    return form;
}

static struct zoho_client *find_client(const struct zoho *zoho, const char *id)
{
    for (size_t i = 0; id && i < zoho->clients.count; i++) {
        struct zoho_client *client = zoho->clients.items[i];
        if (strcmp(client->id, id) == 0 && !client->is_elsewhere)
            return client;
    }
    return NULL;
}

/* Gives the client, or NULL after answering. A client of another data centre is unknown here. */
static struct zoho_client *check_client(struct sim_request *req, struct sim_response *res,
                                        const struct form *form)
{
    struct zoho_client *client = find_client(zoho_of(req), value_of(form, "client_id"));
    const char *secret = value_of(form, "client_secret");
    if (!client) {
        answer_error(req, res, "invalid_client");
        return NULL;
    }
    if (!secret || strcmp(secret, client->secret) != 0) {
        answer_error(req, res, "invalid_client_secret");
        return NULL;
    }
    return client;
}

/* Counts requests of one refresh token in a window that begins with the first; false when it is full. */
static bool count_request(const struct sim_request *req, struct zoho_token *refresh)
{
    int64_t max = sim_knob_int(req->service, ACCOUNTS_REQUESTS_MAX);
    if (refresh->requests == 0 ||
        req->now_ms >= refresh->window_ms + sim_knob_int(req->service, ACCOUNTS_WINDOW_MS)) {
        refresh->window_ms = req->now_ms;
        refresh->requests = 0;
    }
    refresh->requests++;
    return max == 0 || refresh->requests <= max;
}

static void grant_refresh(struct sim_request *req, struct sim_response *res, const struct form *form,
                          const struct zoho_client *client)
{
    struct zoho *zoho = zoho_of(req);
    struct zoho_token *refresh = zoho_token_find(&zoho->refresh, value_of(form, "refresh_token"));
    if (!refresh || refresh->is_dead || strcmp(refresh->client_id, client->id) != 0) {
        answer_error(req, res, "invalid_code");
        return;
    }
    if (!count_request(req, refresh)) {
        answer_denied(req, res);
        return;
    }
    zoho->refreshes++;
    answer_token(req, res,
                 zoho_token_issue(zoho, refresh, refresh->scope, client->id, refresh->org_id, req->now_ms),
                 NULL);
}

/* A new refresh token; the oldest of the client is deleted without a word when there are too many. */
static struct zoho_token *new_refresh(struct zoho *zoho, const struct zoho_token *code)
{
    int64_t live = 0;
    struct zoho_token *oldest = NULL;
    for (size_t i = zoho->refresh.count; i-- > 0;) {
        struct zoho_token *token = zoho->refresh.items[i];
        if (token->is_dead || strcmp(token->client_id, code->client_id) != 0)
            continue;
        live++;
        oldest = token;
    }
    if (oldest && live >= sim_knob_int(zoho->accounts, ACCOUNTS_REFRESH_MAX))
        oldest->is_dead = true;
    return zoho_token_new(zoho, &zoho->refresh, code->scope, code->client_id, code->org_id);
}

static void grant_code(struct sim_request *req, struct sim_response *res, const struct form *form,
                       const struct zoho_client *client)
{
    struct zoho *zoho = zoho_of(req);
    struct zoho_token *code = zoho_token_find(&zoho->codes, value_of(form, "code"));
    const char *uri = value_of(form, "redirect_uri");
    bool is_good = code && !code->is_dead && code->expires_ms > req->now_ms &&
                   strcmp(code->client_id, client->id) == 0 && uri && strcmp(uri, code->redirect_uri) == 0;
    if (!is_good) {
        answer_error(req, res, "invalid_code");
        return;
    }
    code->is_dead = true;
    zoho->grants++;
    struct zoho_token *refresh = code->is_offline ? new_refresh(zoho, code) : NULL;
    if (refresh)
        (void)count_request(req, refresh);
    answer_token(req, res,
                 zoho_token_issue(zoho, refresh, code->scope, client->id, code->org_id, req->now_ms),
                 refresh);
}

/* Turns commas into spaces; NULL when a scope is unknown, which fails the whole request. */
static const char *read_scopes(struct sim_request *req, const char *text)
{
    char *scopes = sim_text(req, "%s", text ? text : "");
    for (char *at = scopes; *at; at++)
        if (*at == ',')
            *at = ' ';
    for (const char *at = scopes; *at;) {
        size_t size = strcspn(at, " ");
        if (!zoho_scope_known(zoho_of(req), at, size))
            return NULL;
        at += size + (at[size] == ' ');
    }
    return *scopes ? scopes : NULL;
}

static void grant_client(struct sim_request *req, struct sim_response *res, const struct form *form,
                         const struct zoho_client *client)
{
    struct zoho *zoho = zoho_of(req);
    const char *scopes = read_scopes(req, value_of(form, "scope"));
    const char *soid = value_of(form, "soid");
    if (!scopes) {
        answer_error(req, res, "invalid_scope");
        return;
    }
    if (!soid || strcmp(soid, sim_text(req, "ZohoDesk.%s", zoho->org_id)) != 0) {
        answer_error(req, res, soid ? "invalid_soid" : "missing_org_info");
        return;
    }
    zoho->grants++;
    answer_token(req, res, zoho_token_issue(zoho, NULL, scopes, client->id, zoho->org_id, req->now_ms), NULL);
}

static void token(struct sim_request *req, struct sim_response *res)
{
    struct form form = read_form(req);
    const char *grant = value_of(&form, "grant_type");
    if (!grant) {
        sim_violation(req, "token request without grant_type");
        answer_error(req, res, "general_error");
        return;
    }
    struct zoho_client *client = check_client(req, res, &form);
    if (!client)
        return;
    if (strcmp(grant, "refresh_token") == 0) {
        grant_refresh(req, res, &form, client);
    } else if (strcmp(grant, "authorization_code") == 0) {
        grant_code(req, res, &form, client);
    } else if (strcmp(grant, "client_credentials") == 0) {
        grant_client(req, res, &form, client);
    } else {
        sim_violation(req, "unknown grant_type '%.40s'", grant);
        answer_error(req, res, "general_error");
    }
}

static void revoke(struct sim_request *req, struct sim_response *res)
{
    struct zoho *zoho = zoho_of(req);
    struct form form = read_form(req);
    const char *text = value_of(&form, "token");
    struct zoho_token *gone = zoho_token_find(&zoho->refresh, text);
    if (!gone)
        gone = zoho_token_find(&zoho->access, text);
    if (!gone) {
        answer_error(req, res, "invalid_code");
        return;
    }
    gone->is_dead = true;
    for (size_t i = 0; i < zoho->access.count; i++) {
        struct zoho_token *access = zoho->access.items[i];
        access->is_dead = access->is_dead || access->refresh == gone;
    }
    sim_respond_json(res, 200, json_pack("{s:s}", "status", "success"));
    sim_respond_type(res, "application/json;charset=UTF-8");
}

static void page(struct sim_request *req, struct sim_response *res, const char *what)
{
    sim_violation(req, "authorize: %s", what);
    sim_respond_text(
        res, 400, "text/html;charset=UTF-8",
        sim_text(req, "<!doctype html><html><body><h1>Invalid OAuth request</h1><p>%s</p></body></html>",
                 what));
}

static bool is_loopback(const char *uri)
{
    static const char *const bases[] = { "http://127.0.0.1", "http://localhost", "http://[::1]" };
    for (size_t i = 0; uri && i < sizeof(bases) / sizeof(bases[0]); i++) {
        size_t size = strlen(bases[i]);
        if (strncmp(uri, bases[i], size) == 0 && (uri[size] == ':' || uri[size] == '/' || uri[size] == '\0'))
            return true;
    }
    return false;
}

/* Percent-encodes all that is not unreserved. */
static const char *encode(struct sim_request *req, const char *text)
{
    static const char kept[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    char *out = sim_alloc(req, strlen(text) * 3 + 1), *at = out;
    for (; *text; text++) {
        if (strchr(kept, *text))
            *at++ = *text;
        else
            at += snprintf(at, 4, "%%%02X", (unsigned)(unsigned char)*text);
    }
    *at = '\0';
    return out;
}

static bool count_code(const struct sim_request *req)
{
    struct zoho *zoho = zoho_of(req);
    int64_t max = sim_knob_int(req->service, ACCOUNTS_CODES_MAX);
    if (req->now_ms >= zoho->codes_window_ms + sim_knob_int(req->service, ACCOUNTS_WINDOW_MS)) {
        zoho->codes_window_ms = req->now_ms;
        zoho->codes_in_window = 0;
    }
    return ++zoho->codes_in_window <= max || max == 0;
}

static const char *wrong_with_request(struct sim_request *req, const struct zoho_client *client)
{
    static const char known[] = "response_type|client_id|scope|redirect_uri|access_type|prompt|state|soid";
    const char *uri = sim_query(req, "redirect_uri"), *type = sim_query(req, "response_type");
    const char *access = sim_query(req, "access_type");
    if (!client)
        return "invalid_client";
    if (!uri || !(client->redirect_uri ? strcmp(uri, client->redirect_uri) == 0 : is_loopback(uri)))
        return "invalid_redirect_uri";
    if (!type || strcmp(type, "code") != 0)
        return "invalid_response_type";
    if (access && strcmp(access, "offline") != 0 && strcmp(access, "online") != 0)
        return "invalid_access_type";
    if (!read_scopes(req, sim_query(req, "scope")))
        return "invalid_oauthscope";
    for (size_t i = 0; i < req->query_count; i++)
        if (!zoho_word_in(known, req->query[i].name, strlen(req->query[i].name)))
            sim_violation(req, "unknown authorize parameter '%.60s'", req->query[i].name);
    return NULL;
}

/* The consent page, with a person who always agrees at once. */
static void authorize(struct sim_request *req, struct sim_response *res)
{
    struct zoho *zoho = zoho_of(req);
    const struct zoho_client *client = find_client(zoho, sim_query(req, "client_id"));
    const char *wrong = wrong_with_request(req, client);
    if (wrong) {
        page(req, res, wrong);
        return;
    }
    if (!count_code(req)) {
        answer_denied(req, res);
        return;
    }
    const char *uri = sim_query(req, "redirect_uri"), *state = sim_query(req, "state");
    const char *access = sim_query(req, "access_type");
    struct zoho_token *code = zoho_token_new(zoho, &zoho->codes, read_scopes(req, sim_query(req, "scope")),
                                             client->id, zoho->org_id);
    code->redirect_uri = sim_strdup(uri);
    code->is_offline = access && strcmp(access, "offline") == 0;
    code->expires_ms = req->now_ms + sim_knob_int(req->service, ACCOUNTS_CODE_LIFE_MS);
    const char *target =
        sim_text(req, "%s%c%scode=%s&location=%s&accounts-server=%s", uri, strchr(uri, '?') ? '&' : '?',
                 state ? sim_text(req, "state=%s&", encode(req, state)) : "", code->text, zoho->location,
                 encode(req, req->service->base_url));
    sim_respond_empty(res, 302);
    sim_respond_header(res, "Location", "%s", target);
}

static void server_info(struct sim_request *req, struct sim_response *res)
{
    const struct zoho *zoho = zoho_of(req);
    static const struct {
        const char *location, *url;
    } places[] = {
        { "us", "https://accounts.zoho.com" },    { "eu", "https://accounts.zoho.eu" },
        { "in", "https://accounts.zoho.in" },     { "au", "https://accounts.zoho.com.au" },
        { "jp", "https://accounts.zoho.jp" },     { "ca", "https://accounts.zohocloud.ca" },
        { "cn", "https://accounts.zoho.com.cn" }, { "sa", "https://accounts.zoho.sa" },
    };
    json_t *locations = json_object();
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        bool is_here = strcmp(places[i].location, zoho->location) == 0;
        (void)json_object_set_new(locations, places[i].location,
                                  json_string(is_here ? req->service->base_url : places[i].url));
    }
    sim_respond_json(res, 200, json_pack("{s:s, s:o}", "result", "success", "locations", locations));
}

static const struct sim_route routes[] = {
    { "GET", "/oauth/v2/auth", authorize },
    { "POST", "/oauth/v2/token", token },
    { "POST", "/oauth/v2/token/revoke", revoke },
    { "GET", "/oauth/serverinfo", server_info },
    { NULL, NULL, NULL },
};

static void handle(struct sim_request *req, struct sim_response *res)
{
    bool is_path_known;
    const struct sim_route *route = sim_route(req, routes, &is_path_known);
    if (route) {
        route->handle(req, res);
        return;
    }
    sim_violation(req, is_path_known ? "405 wrong method" : "404 unknown path");
    sim_respond_text(res, is_path_known ? 405 : 404, "text/html;charset=UTF-8",
                     "<!doctype html><html><body><h1>The page does not exist</h1></body></html>");
}

static int start(struct sim_service *service, struct sim_error *err)
{
    struct sim_service *desk = sim_service_find(service->sim, "desk");
    if (!desk || !desk->state)
        return sim_fail(err, "the accounts service needs the desk service");
    service->state = desk->state;
    ((struct zoho *)desk->state)->accounts = service;
    return 0;
}

static void stop(struct sim_service *service)
{
    service->state = NULL; /* the desk service frees it */
}

/* POST {}: every access token ends now. POST {"refresh_tokens":true}: a person revoked the consent. */
static void revoke_all(struct sim_request *req, struct sim_response *res)
{
    struct zoho *zoho = zoho_of(req);
    json_t *body = json_loadb(req->body, req->body_size, 0, NULL);
    bool with_refresh = json_is_true(json_object_get(body, "refresh_tokens"));
    for (size_t i = 0; i < zoho->access.count; i++)
        ((struct zoho_token *)zoho->access.items[i])->is_dead = true;
    for (size_t i = 0; with_refresh && i < zoho->refresh.count; i++)
        ((struct zoho_token *)zoho->refresh.items[i])->is_dead = true;
    json_decref(body);
    sim_respond_empty(res, 204);
}

static const struct sim_route control[] = {
    { "POST", "/revoke", revoke_all },
    { NULL, NULL, NULL },
};

static void env(struct sim_service *service, struct sim_env *out)
{
    const struct zoho *zoho = service->state;
    const struct zoho_client *client = zoho->clients.items[0];
    sim_env_put(out, "ZOHO_DESK_CLIENT_ID", client->id);
    sim_env_put(out, "ZOHO_DESK_CLIENT_SECRET", client->secret);
    for (size_t i = 0; i < zoho->refresh.count; i++) {
        const struct zoho_token *refresh = zoho->refresh.items[i];
        if (strcmp(refresh->client_id, client->id) != 0 || strcmp(refresh->org_id, zoho->org_id) != 0)
            continue;
        sim_env_put(out, "ZOHO_DESK_REFRESH_TOKEN", refresh->text);
        break;
    }
}

static void reset(struct sim_service *service)
{
    zoho_tokens_reset(service->state);
    zoho_default_client(service->state);
}

const struct sim_service_def sim_accounts = {
    .name = "accounts",
    .url_env = "ZOHO_ACCOUNTS_URL",
    .knobs = knobs,
    .knob_count = ACCOUNTS_KNOBS,
    .handle = handle,
    .control = control,
    .start = start,
    .stop = stop,
    .reset = reset,
    .load = zoho_load_accounts,
    .report = zoho_report_accounts,
    .env = env,
};

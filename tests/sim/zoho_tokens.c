/* Tokens and codes: made, found, counted, killed; and what a scope allows. */
#include "zoho.h"

#include <stdlib.h>
#include <string.h>

static void free_token(struct zoho_token *token)
{
    free(token->text);
    free(token->scope);
    free(token->client_id);
    free(token->redirect_uri);
    free(token->org_id);
    free(token);
}

static void free_tokens(struct zoho_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free_token(list->items[i]);
    list->count = 0;
}

static void free_clients(struct zoho *zoho)
{
    for (size_t i = 0; i < zoho->clients.count; i++) {
        struct zoho_client *client = zoho->clients.items[i];
        free(client->id);
        free(client->secret);
        free(client->redirect_uri);
        free(client);
    }
    zoho->clients.count = 0;
}

void zoho_tokens_reset(struct zoho *zoho)
{
    free_tokens(&zoho->access);
    free_tokens(&zoho->refresh);
    free_tokens(&zoho->codes);
    free_clients(zoho);
    zoho->refreshes = zoho->grants = zoho->denied = zoho->token_errors = 0;
    zoho->codes_in_window = 0;
    zoho->codes_window_ms = 0;
}

void zoho_tokens_free(struct zoho *zoho)
{
    zoho_tokens_reset(zoho);
    free(zoho->access.items);
    free(zoho->refresh.items);
    free(zoho->codes.items);
    free(zoho->clients.items);
}

struct zoho_token *zoho_token_find(const struct zoho_list *list, const char *text)
{
    /* From the end: the newest tokens are the ones in use. */
    for (size_t i = list->count; text && i-- > 0;)
        if (strcmp(((struct zoho_token *)list->items[i])->text, text) == 0)
            return list->items[i];
    return NULL;
}

struct zoho_token *zoho_token_new(struct zoho *zoho, struct zoho_list *list, const char *scope,
                                  const char *client_id, const char *org_id)
{
    char text[5 + 32 + 1 + 32 + 1] = "1000.";
    struct zoho_token *token = sim_calloc(1, sizeof(*token));
    sim_random_text(zoho->accounts, "0123456789abcdef", text + 5, 33);
    text[37] = '.';
    sim_random_text(zoho->accounts, "0123456789abcdef", text + 38, 33);
    token->text = sim_strdup(text);
    token->scope = sim_strdup(scope);
    token->client_id = sim_strdup(client_id);
    token->org_id = sim_strdup(org_id);
    token->expires_ms = INT64_MAX;
    zoho_list_add(list, token);
    return token;
}

/* Kills the oldest live access token of `refresh` while there are `limit` or more. */
static void make_room(struct zoho *zoho, const struct zoho_token *refresh, int64_t now_ms, int64_t limit)
{
    int64_t live = 0;
    struct zoho_token *oldest = NULL;
    for (size_t i = zoho->access.count; i-- > 0;) {
        struct zoho_token *token = zoho->access.items[i];
        if (token->refresh != refresh || token->is_dead || token->expires_ms <= now_ms)
            continue;
        live++;
        oldest = token;
    }
    if (oldest && live >= limit) {
        oldest->is_dead = true;
        make_room(zoho, refresh, now_ms, limit);
    }
}

struct zoho_token *zoho_token_issue(struct zoho *zoho, struct zoho_token *refresh, const char *scope,
                                    const char *client_id, const char *org_id, int64_t now_ms)
{
    if (refresh)
        make_room(zoho, refresh, now_ms, sim_knob_int(zoho->accounts, ACCOUNTS_LIVE_MAX));
    struct zoho_token *token = zoho_token_new(zoho, &zoho->access, scope, client_id, org_id);
    token->refresh = refresh;
    token->expires_ms = now_ms + sim_knob_int(zoho->accounts, ACCOUNTS_EXPIRES_IN_S) * 1000;
    return token;
}

static bool has_word(const char *scopes, const char *wanted, size_t size)
{
    while (*scopes) {
        size_t length = strcspn(scopes, " ");
        if (length == size && strncasecmp(scopes, wanted, size) == 0)
            return true;
        scopes += length + (scopes[length] == ' ');
    }
    return false;
}

/* "Desk.tickets.READ" is allowed by itself and by "Desk.tickets.ALL". */
bool zoho_token_allows(const struct zoho_token *token, const char *scope)
{
    char all[64];
    const char *dot = strrchr(scope, '.');
    size_t size = (size_t)(dot - scope);
    if (has_word(token->scope, scope, strlen(scope)))
        return true;
    if (size + 5 > sizeof(all))
        return false;
    memcpy(all, scope, size);
    memcpy(all + size, ".ALL", 5);
    return has_word(token->scope, all, size + 4);
}

bool zoho_scope_known(const struct zoho *zoho, const char *scope, size_t size)
{
    static const char *const modules[] = { "tickets", "contacts", "search",      "basic", "settings",
                                           "events",  "webhooks", "phonebridge", "calls" };
    if (size < 6 || strncasecmp(scope, "Desk.", 5) != 0)
        return false;
    const char *dot = memchr(scope + 5, '.', size - 5);
    if (!dot)
        return false;
    size_t name_size = (size_t)(dot - scope) - 5, verb_size = size - name_size - 6;
    bool is_module = false;
    for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++)
        is_module = is_module ||
                    (strlen(modules[i]) == name_size && strncasecmp(modules[i], scope + 5, name_size) == 0);
    bool is_contacts_all =
        name_size == 8 && verb_size == 3 && strncasecmp(scope + 5, "contacts.ALL", 12) == 0;
    if (is_contacts_all && !sim_knob_bool(zoho->accounts, ACCOUNTS_CONTACTS_ALL))
        return false;
    return is_module && zoho_word_in("READ|CREATE|UPDATE|DELETE|ALL", dot + 1, verb_size);
}

/* Routes: the handler of a source that is told, its view of the call, and its reply. */
#include "plugin/route_run.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "plugin/exchange_inner.h"
#include "plugin/instance_secret.h"

/* ---- paths --------------------------------------------------------------------------------------------- */

/* One segment of both texts. Moves them behind it. False when they do not fit. */
static bool fit_segment(const char **pattern, const char **path)
{
    size_t pattern_size = strcspn(*pattern, "/"), path_size = strcspn(*path, "/");
    bool is_any = pattern_size > 2 && **pattern == '{' && (*pattern)[pattern_size - 1] == '}';

    bool fits = is_any ? path_size > 0 && path_size < ROUTE_SEGMENT_MAX
                       : pattern_size == path_size && strncmp(*pattern, *path, path_size) == 0;
    *pattern += pattern_size;
    *path += path_size;
    return fits;
}

bool route_fits(const char *pattern, const char *path)
{
    while (*pattern == '/' && *path == '/') {
        pattern++;
        path++;
        if (!fit_segment(&pattern, &path))
            return false;
    }
    return *pattern == '\0' && *path == '\0';
}

const struct sb_route *route_find(const struct sb_plugin *plugin, const char *method, const char *path,
                                  bool *ret_known)
{
    *ret_known = false;
    for (const struct sb_route *route = plugin->routes; route && route->method; route++) {
        if (!route_fits(route->path, path))
            continue;
        if (strcmp(route->method, method) == 0)
            return route;
        *ret_known = true;
    }
    return NULL;
}

/* ---- running ------------------------------------------------------------------------------------------- */

struct sb_exchange *route_exchange(const struct route_input *in)
{
    json_t *document = json_object();
    const struct exchange_input input = { .instance = in->instance,
                                          .document = document,
                                          .now_ms = in->now_ms };

    if (!document)
        return NULL;
    struct sb_exchange *x = exchange_new(&input);
    if (x) {
        struct exchange_private *own = x->private_;
        own->route = in;
        (void)sb_keep(x, document); /* the input borrows it for the life of the exchange */
        return x;
    }
    json_decref(document);
    return NULL;
}

static json_t *error_body(const char *code, const char *text)
{
    return json_pack("{s:{s:s, s:s}}", "error", "code", code, "message", text);
}

/* Another round needs something to wait for, and there is an end to them. */
static enum sb_verdict check_again(struct sb_exchange *x, enum sb_verdict verdict)
{
    const struct exchange_private *own = x->private_;

    if (verdict != SB_AGAIN)
        return verdict;
    if (!own->await.account)
        exchange_defect(x, "a handler said SB_AGAIN without sb_await");
    else if (x->in.round + 1 >= SB_ROUNDS_MAX)
        exchange_defect(x, "a handler asked for more than %d rounds", SB_ROUNDS_MAX);
    return x->is_defect ? SB_REJECT : verdict;
}

enum sb_verdict route_run(struct sb_exchange *x, struct route_reply *ret_reply)
{
    struct exchange_private *own = x->private_;

    assert(own->route);
    *ret_reply = (struct route_reply){ .status = 0 };
    own->reply = ret_reply;
    enum sb_verdict verdict = exchange_call(x, PHASE_ROUTE, own->route->route->handle);
    own->reply = NULL;
    verdict = check_again(x, exchange_settle(x, verdict));
    if (verdict == SB_AGAIN) {
        route_reply_done(ret_reply); /* the last round's counts */
        return verdict;
    }

    if (verdict != SB_OK)
        exchange_roll_back(x);
    if (x->is_defect || verdict == SB_RETRY) {
        /* What the handler wrote before it failed says nothing about what happened. */
        route_reply_done(ret_reply);
        ret_reply->status = x->is_defect ? 500 : 503;
        ret_reply->json =
            error_body(x->is_defect ? "internal_error" : "try_again", "the call could not be handled");
    } else if (ret_reply->status == 0) {
        ret_reply->status = verdict == SB_OK ? 200 : 400;
        ret_reply->json = verdict == SB_OK ? NULL : error_body("bad_request", x->reason);
    }
    return verdict;
}

struct route_wanted route_wanted(const struct sb_exchange *x)
{
    const struct route_await *await = &((const struct exchange_private *)x->private_)->await;

    return (struct route_wanted){ .account = await->account,
                                  .external_id = await->external_id,
                                  .wait_ms = await->wait_ms };
}

bool route_next(struct sb_exchange *x, const struct sb_known *known, const char *reference, json_t *sections)
{
    struct exchange_private *own = x->private_;
    json_t *document = sections ? json_incref(sections) : json_object();

    if (!document)
        return false;
    exchange_forget_emits(x);
    json_decref(x->document);
    x->document = json_incref(document);
    x->in.document = sb_keep(x, document); /* for the life of the exchange */
    x->in.reference = reference;
    x->in.round++;
    x->dirty_count = 0;
    json_decref(own->round_kept);
    own->round_kept = own->await.kept;
    own->await = (struct route_await){ .account = NULL };
    own->known = *known;
    own->known.kept = own->round_kept;
    own->has_known = true;
    return true;
}

void route_reply_done(struct route_reply *reply)
{
    json_decref(reply->json);
    *reply = (struct route_reply){ .status = 0 };
}

/* ---- what the handler sees ----------------------------------------------------------------------------- */

static const struct route_input *route_of(const struct sb_exchange *x, const char *what)
{
    const struct exchange_private *own = x->private_;

    if (!own->route)
        exchange_defect(x, "%s was called outside of a route", what);
    return own->route;
}

const char *sb_in_header(const struct sb_exchange *x, const char *name)
{
    const struct route_input *in = route_of(x, "sb_in_header");

    return in && in->header ? in->header(in->ctx, name) : NULL;
}

const char *sb_in_query(const struct sb_exchange *x, const char *name)
{
    const struct route_input *in = route_of(x, "sb_in_query");

    return in && in->query ? in->query(in->ctx, name) : NULL;
}

/* Credentials that headers carry; nobody but the core needs them. */
static bool is_credential(const char *name)
{
    static const char *const names[] = { "authorization",           "proxy-authorization", "cookie",
                                         "x-switchboard-signature", "x-api-key",           NULL };

    for (const char *const *known = names; *known; known++)
        if (strcmp(*known, name) == 0)
            return true;
    return false;
}

enum { HEADER_NAME_MAX = 128 };

static void add_header(void *to, const char *name, const char *value)
{
    char lower[HEADER_NAME_MAX];
    size_t size = strlen(name);

    if (size >= sizeof(lower))
        return; /* no header that anybody means */
    for (size_t i = 0; i <= size; i++)
        lower[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + ('a' - 'A') : name[i]);
    if (!is_credential(lower) && !json_object_get(to, lower))
        (void)json_object_set_new(to, lower, json_string(value)); /* a value that is not UTF-8 is left out */
}

const json_t *sb_in_headers(struct sb_exchange *x)
{
    const struct route_input *in = route_of(x, "sb_in_headers");
    struct exchange_private *own = x->private_;

    if (!own->in_headers) {
        own->in_headers = json_object();
        if (own->in_headers && in && in->each_header)
            in->each_header(in->ctx, add_header, own->in_headers);
    }
    if (!own->in_headers)
        exchange_run_out(x);
    return own->in_headers;
}

const char *sb_in_caller(const struct sb_exchange *x)
{
    const struct route_input *in = route_of(x, "sb_in_caller");

    return in ? in->caller : NULL;
}

const struct sb_known *sb_known(const struct sb_exchange *x)
{
    const struct exchange_private *own = x->private_;

    return own->has_known ? &own->known : NULL;
}

void sb_await(struct sb_exchange *x, const char *account, const char *external_id, int64_t wait_ms,
              json_t *kept)
{
    struct exchange_private *own = x->private_;

    (void)sb_keep(x, kept);
    exchange_only_in(x, PHASE_ROUTE, "sb_await");
    if (!account || !*account || !external_id || !*external_id) {
        exchange_defect(x, "sb_await needs an account and an external id");
        return;
    }
    const char *account_copy = sb_strdup(x, account);
    json_decref(own->await.kept);
    own->await = (struct route_await){ .account = account_copy, .kept = kept ? json_incref(kept) : NULL };
    own->await.external_id = sb_strdup(x, external_id);
    own->await.wait_ms = wait_ms < 0 ? 0 : wait_ms < SB_AWAIT_MAX_MS ? wait_ms : SB_AWAIT_MAX_MS;
}

const char *sb_in_path(const struct sb_exchange *x, const char *name)
{
    const struct route_input *in = route_of(x, "sb_in_path");
    struct sb_exchange *writable =
        (struct sb_exchange *)(uintptr_t)x; /* memory for the copy; nothing else changes */
    const char *pattern = in ? in->route->path : "", *path = in ? in->path : "";
    size_t name_size = strlen(name);

    while (*pattern == '/' && *path == '/') {
        pattern++;
        path++;
        size_t size = strcspn(pattern, "/");
        if (size == name_size + 2 && *pattern == '{' && strncmp(pattern + 1, name, name_size) == 0)
            return sb_strndup(writable, path, strcspn(path, "/"));
        pattern += size;
        path += strcspn(path, "/");
    }
    exchange_defect(x, "the route has no part '%s'", name);
    return NULL;
}

const json_t *sb_in_json(const struct sb_exchange *x, struct sb_error *err)
{
    const struct route_input *in = route_of(x, "sb_in_json");
    struct exchange_private *own = x->private_;

    if (!in)
        return NULL;
    if (!own->in_json)
        own->in_json = json_parse(in->body ? in->body : "", in->body_size, err);
    return own->in_json;
}

const char *sb_in_body(const struct sb_exchange *x, size_t *ret_size)
{
    const struct route_input *in = route_of(x, "sb_in_body");

    if (ret_size)
        *ret_size = in && in->body ? in->body_size : 0;
    return in && in->body ? in->body : "";
}

static void check_secret(const struct sb_exchange *x, const char *option)
{
    const struct instance_value *value = option ? instance_value(x->in.instance, option) : NULL;

    if (!value || value->option->type != SB_OPT_SECRET)
        exchange_defect(x, "'%s' is not a secret option of the plugin", option ? option : "");
}

bool sb_in_bearer_is(const struct sb_exchange *x, const char *secret_option)
{
    static const char scheme[] = "Bearer ";
    const char *header = sb_in_header(x, "Authorization");

    check_secret(x, secret_option);
    if (!header || strncasecmp(header, scheme, sizeof(scheme) - 1) != 0)
        return false;
    header += sizeof(scheme) - 1;
    return instance_secret_is(x->in.instance, secret_option, header + strspn(header, " "));
}

bool sb_in_hmac_is(const struct sb_exchange *x, const char *secret_option, const char *header)
{
    char expected[DIGEST_HEX_SIZE], given_hex[DIGEST_HEX_SIZE];
    const char *given = sb_in_header(x, header);
    size_t size = 0;

    check_secret(x, secret_option);
    const char *body = sb_in_body(x, &size);
    if (!given || !instance_hmac_hex(x->in.instance, secret_option, body, size, expected))
        return false;
    if (strncasecmp(given, "sha256=", 7) == 0)
        given += 7;
    if (strlen(given) != DIGEST_HEX_SIZE - 1)
        return false;
    for (size_t i = 0; i < DIGEST_HEX_SIZE; i++)
        given_hex[i] = (char)(given[i] >= 'A' && given[i] <= 'F' ? given[i] + ('a' - 'A') : given[i]);
    return digest_equal(expected, given_hex);
}

/* ---- the reply ----------------------------------------------------------------------------------------- */

static struct route_reply *reply_of(struct sb_exchange *x, const char *what)
{
    struct exchange_private *own = x->private_;

    if (!own->reply)
        exchange_defect(x, "%s was called outside of a route", what);
    return own->reply;
}

void sb_reply_json(struct sb_exchange *x, int status, json_t *value)
{
    (void)sb_keep(x, value);
    struct route_reply *reply = reply_of(x, "sb_reply_json");
    if (status < 200 || status > 599)
        exchange_defect(x, "%d is not the status of a reply", status);
    if (!reply)
        return;
    json_decref(reply->json);
    reply->json = json_incref(value);
    reply->status = status;
}

void sb_reply_header(struct sb_exchange *x, const char *name, const char *value)
{
    struct route_reply *reply = reply_of(x, "sb_reply_header");

    if (!name || !*name || strpbrk(name, "\r\n: ") || !value || strpbrk(value, "\r\n") ||
        strchr(value, INSTANCE_SECRET_BEGIN)) {
        exchange_defect(x, "'%s' is not a header of a reply", name ? name : "");
        return;
    }
    if (!reply || reply->header_count == ROUTE_HEADERS_MAX) {
        exchange_defect(x, "a reply may have at most %d headers", ROUTE_HEADERS_MAX);
        return;
    }
    const char *name_copy = sb_strdup(x, name);
    reply->headers[reply->header_count++] =
        (struct http_header){ .name = name_copy, .value = sb_strdup(x, value) };
}

/* Secrets: placeholders replaced at the last moment, for the right host, and shown by name everywhere else.
 */
#include "plugin/instance.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/scope.h"
#include "io/http_message.h"
#include "io/url.h"
#include "plugin/callers.h"
#include "plugin/instance_secret.h"

enum { NAME_MAX_SIZE = 64 };

_Static_assert((int)INSTANCE_SECRET_BEGIN == (int)HTTP_PLACEHOLDER_BEGIN,
               "the client asks about no body without this byte");

/* One placeholder in a text. */
struct mark {
    const char *begin, *end;  /* end: behind the closing byte */
    char name[NAME_MAX_SIZE]; /* "" when damaged */
};

/* Finds the next placeholder from `text` on. False when there is none; a damaged one has an empty name. */
static bool next_mark(const char *text, struct mark *ret_mark)
{
    const char *begin = strchr(text, INSTANCE_SECRET_BEGIN);
    struct mark mark = { .begin = begin };

    if (!begin)
        return false;
    const char *name = begin + 1;
    const char *close = strchr(name, INSTANCE_SECRET_END);
    mark.end = close ? close + 1 : name;
    if (close && (size_t)(close - name) < sizeof(mark.name)) {
        memcpy(mark.name, name, (size_t)(close - name));
        mark.name[close - name] = '\0';
    }
    *ret_mark = mark;
    return true;
}

static void wiped_buf_done(struct buf *buf)
{
    if (buf->cap > 0)
        explicit_bzero(buf->data, buf->cap);
    buf_done(buf);
}

static bool is_same(const char *name, const char *other)
{
    return other && strcmp(name, other) == 0;
}

/* Whether the option takes part in getting a token, which only the token endpoint may see. */
static bool is_for_token(const struct sb_auth *auth, const char *name)
{
    return auth && auth->kind == SB_AUTH_OAUTH2 &&
           (is_same(name, auth->client_id) || is_same(name, auth->client_secret) ||
            is_same(name, auth->refresh_token));
}

static bool host_may_have(const struct sb_instance *instance, const char *name, const char *host)
{
    if (is_for_token(instance->plugin->auth, name))
        return instance->token_host && strcmp(host, instance->token_host) == 0;
    return instance_host_has_credentials(instance, host);
}

static int add_basic(const struct sb_instance *instance, struct buf *out)
{
    const struct sb_auth *auth = instance->plugin->auth;
    const struct instance_value *user = auth && auth->user ? instance_value(instance, auth->user) : NULL;
    const struct instance_value *password =
        auth && auth->password ? instance_value(instance, auth->password) : NULL;
    SB_CLEANUP(wiped_buf_done) struct buf pair;

    buf_init(&pair, (size_t)64 * 1024);
    if (!user || !user->text || !password)
        return -1;
    buf_str(&pair, user->text);
    buf_char(&pair, ':');
    buf_str(&pair, password->text ? password->text : "");
    if (pair.failed)
        return -1;
    digest_base64(pair.data, pair.len, out);
    return 0;
}

/* Appends the value behind one placeholder. */
static int add_value(const struct sb_instance *instance, const struct mark *mark, struct buf *out)
{
    const char *value = NULL;

    if (strcmp(mark->name, "@basic") == 0)
        return add_basic(instance, out);
    if (strcmp(mark->name, "@token") == 0) {
        value = instance->access_token;
    } else {
        const struct instance_value *option = instance_value(instance, mark->name);
        value = option && option->is_set ? option->text : NULL;
    }
    if (!value)
        return -1;
    if (is_for_token(instance->plugin->auth, mark->name)) /* which is a form */
        url_add_escaped(out, value, strlen(value));
    else
        buf_str(out, value);
    return 0;
}

int instance_resolve(void *ctx, const char *text, const char *host, struct buf *out, struct sb_error *err)
{
    const struct sb_instance *instance = ctx;
    struct mark mark;

    while (next_mark(text, &mark)) {
        buf_add(out, text, (size_t)(mark.begin - text));
        text = mark.end;
        if (!mark.name[0])
            return sb_fail(err, SB_EINTERNAL, "a damaged secret of '%s' was to be sent", instance->name);
        if (!host_may_have(instance, mark.name, host))
            return sb_fail(err, SB_EINTERNAL, "the secret '%s' of '%s' may not go to '%s'", mark.name,
                           instance->name, host);
        if (add_value(instance, &mark, out) < 0)
            return sb_fail(err, SB_ECONFIG, "the secret '%s' of '%s' has no value", mark.name,
                           instance->name);
    }
    buf_str(out, text);
    return out->failed ? sb_fail(err, SB_EINTERNAL, "a text with secrets of '%s' is too long", instance->name)
                       : 0;
}

void instance_mask(const char *text, struct buf *out)
{
    struct mark mark;

    while (next_mark(text, &mark)) {
        buf_add(out, text, (size_t)(mark.begin - text));
        const char *name = mark.name[0] == '@' ? mark.name + 1 : mark.name;
        buf_printf(out, "[%s]", name[0] ? name : "secret");
        text = mark.end;
    }
    buf_str(out, text);
}

void instance_hide_secrets(const struct sb_instance *instance, struct log *log)
{
    AUTO_BUF basic;

    buf_init(&basic, (size_t)128 * 1024);
    for (size_t i = 0; i < instance->value_count; i++)
        if (instance->values[i].option->type == SB_OPT_SECRET && instance->values[i].text)
            log_hide(log, instance->values[i].text);
    callers_hide(instance, log);
    const struct sb_auth *auth = instance->plugin->auth;
    if (auth && auth->kind == SB_AUTH_BASIC && add_basic(instance, &basic) == 0 && !basic.failed)
        log_hide(log, basic.data);
    if (instance->access_token)
        log_hide(log, instance->access_token);
}

const char *instance_finds_secret(const struct sb_instance *instance, const char *text)
{
    if (!strchr(text, INSTANCE_SECRET_BEGIN) && !strstr(text, "\\u0002"))
        return NULL;
    for (size_t i = 0; i < instance->value_count; i++) {
        const struct instance_value *value = &instance->values[i];
        char escaped[NAME_MAX_SIZE + 16];
        if (!value->placeholder)
            continue;
        (void)snprintf(escaped, sizeof(escaped), "\\u0002%s\\u0003",
                       value->option->name); /* names are short */
        if (strstr(text, value->placeholder) || strstr(text, escaped))
            return value->option->name;
    }
    return NULL;
}

bool instance_hmac_hex(const struct sb_instance *instance, const char *option, const void *data, size_t size,
                       char ret_hex[DIGEST_HEX_SIZE])
{
    const struct instance_value *value = instance_value(instance, option);

    if (!value || value->option->type != SB_OPT_SECRET || !value->text || !value->text[0])
        return false;
    digest_hmac_hex(value->text, strlen(value->text), data, size, ret_hex);
    return true;
}

bool instance_secret_is(const struct sb_instance *instance, const char *option, const char *text)
{
    const struct instance_value *value = instance_value(instance, option);

    return value && value->option->type == SB_OPT_SECRET && value->text && value->text[0] && text &&
           digest_equal(value->text, text);
}

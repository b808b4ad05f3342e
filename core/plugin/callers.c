/* Bearer tokens by name, signatures over time and body, and a rate for each caller. */
#include "plugin/callers.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/parse.h"
#include "base/scope.h"

enum { REPLAY_DEFAULT_MS = 5 * 60 * 1000, TIMESTAMP_DIGITS_MAX = 12 };

static const char only_name[] = "agent";

struct caller {
    char name[CALLER_NAME_MAX + 1];
    int64_t full_at_ms; /* monotonic: when the caller has all of its rate again */
};

/* One text of a list: "web:secret", or a secret alone. */
struct credential {
    const char *name;
    size_t name_size;
    const char *secret;
};

struct callers {
    const struct sb_instance *instance;
    const json_t *tokens, *keys; /* borrowed; NULL: none */
    int64_t replay_ms;
    int64_t rate, period_ms; /* rate 0: unlimited */
    struct caller list[CALLERS_MAX];
    size_t count;
};

/* ---- reading ------------------------------------------------------------------------------------------- */

static struct credential read_credential(const char *text)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t size = strspn(text, letters);

    if (size == 0 || size > CALLER_NAME_MAX || text[size] != ':')
        return (struct credential){ .name = only_name, .name_size = strlen(only_name), .secret = text };
    return (struct credential){ .name = text, .name_size = size, .secret = text + size + 1 };
}

static const json_t *list_of(const struct sb_instance *instance, const char *option)
{
    const struct instance_value *value = option ? instance_value(instance, option) : NULL;
    return value && value->option->type == SB_OPT_SECRETS ? value->json : NULL;
}

static bool has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return true;
    return false;
}

static int check_one(const struct sb_instance *instance, const char *option, const json_t *list, size_t index,
                     struct sb_error *err)
{
    struct credential one = read_credential(json_string_value(json_array_get(list, index)));

    if (has_control(one.secret))
        return sb_fail(err, SB_ECONFIG, "option '%s' of '%s' holds a line break or another control character",
                       option, instance->name);
    if (strlen(one.secret) < CALLER_SECRET_MIN)
        return sb_fail(
            err, SB_ECONFIG,
            "option '%s' of '%s': the secret of '%.*s' is too short; at least %d characters are needed, "
            "such as those of 'openssl rand -hex 32'",
            option, instance->name, (int)one.name_size, one.name, CALLER_SECRET_MIN);
    for (size_t i = 0; i < index; i++) {
        struct credential other = read_credential(json_string_value(json_array_get(list, i)));
        if (digest_equal(one.secret, other.secret))
            return sb_fail(err, SB_ECONFIG, "option '%s' of '%s': '%.*s' and '%.*s' have the same secret",
                           option, instance->name, (int)other.name_size, other.name, (int)one.name_size,
                           one.name);
    }
    return 0;
}

static int check_list(const struct sb_instance *instance, const char *option, struct sb_error *err)
{
    const json_t *list = list_of(instance, option);

    if (json_array_size(list) > CALLERS_MAX)
        return sb_fail(err, SB_ECONFIG, "option '%s' of '%s' has more than %d secrets", option,
                       instance->name, CALLERS_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        int rc = check_one(instance, option, list, i, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int callers_check(const struct sb_instance *instance, struct sb_error *err)
{
    const struct sb_callers *declared = instance->plugin->callers;

    if (!declared)
        return 0;
    int rc = check_list(instance, declared->tokens, err);
    return rc < 0 || !declared->signing_keys ? rc : check_list(instance, declared->signing_keys, err);
}

void callers_hide(const struct sb_instance *instance, struct log *log)
{
    for (size_t i = 0; i < instance->value_count; i++) {
        const struct instance_value *value = &instance->values[i];
        size_t index;
        json_t *item;
        if (value->option->type != SB_OPT_SECRETS)
            continue;
        json_array_foreach (value->json, index, item)
            log_hide(log, read_credential(json_string_value(item)).secret);
    }
}

/* ---- life ---------------------------------------------------------------------------------------------- */

static struct caller *find(struct callers *callers, const char *name, size_t size)
{
    for (size_t i = 0; i < callers->count; i++)
        if (strlen(callers->list[i].name) == size && memcmp(callers->list[i].name, name, size) == 0)
            return &callers->list[i];
    return NULL;
}

/* Two tokens of one name are one caller: that is how a token is replaced without a gap. */
static void add_names(struct callers *callers)
{
    size_t i;
    json_t *item;

    json_array_foreach (callers->tokens, i, item) {
        struct credential one = read_credential(json_string_value(item));
        if (find(callers, one.name, one.name_size) || callers->count == CALLERS_MAX)
            continue;
        memcpy(callers->list[callers->count++].name, one.name, one.name_size);
    }
}

struct callers *callers_new(const struct sb_instance *instance)
{
    const struct sb_callers *declared = instance->plugin->callers;
    struct callers *callers = calloc(1, sizeof(*callers));

    if (!callers || !declared)
        return callers;
    callers->instance = instance;
    callers->tokens = list_of(instance, declared->tokens);
    callers->keys = list_of(instance, declared->signing_keys);
    callers->replay_ms = declared->replay_window
                             ? instance_number(instance, declared->replay_window, REPLAY_DEFAULT_MS)
                             : REPLAY_DEFAULT_MS;
    const struct instance_value *rate = declared->rate ? instance_value(instance, declared->rate) : NULL;
    if (rate && rate->is_set) {
        callers->rate = rate->number;
        callers->period_ms = rate->period_ms;
    }
    add_names(callers);
    return callers;
}

void callers_free(struct callers *callers)
{
    free(callers);
}

/* ---- proofs -------------------------------------------------------------------------------------------- */

const char *callers_name(const struct callers *callers, const char *authorization)
{
    static const char scheme[] = "Bearer ";
    const char *found = NULL;
    size_t i;
    json_t *item;

    if (!authorization || strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0)
        return NULL;
    const char *token = authorization + sizeof(scheme) - 1;
    token += strspn(token, " ");
    /* All are compared, so that the time does not tell which one was nearly right. */
    json_array_foreach (callers->tokens, i, item) {
        struct credential one = read_credential(json_string_value(item));
        const struct caller *caller = find((struct callers *)(uintptr_t)callers, one.name, one.name_size);
        if (caller && digest_equal(one.secret, token))
            found = caller->name;
    }
    return found;
}

/* Seconds since 1970, near enough to now. */
static bool is_recent(const struct callers *callers, const char *timestamp, int64_t now_ms)
{
    int64_t seconds = 0;

    if (!timestamp || strlen(timestamp) > TIMESTAMP_DIGITS_MAX || parse_int(timestamp, &seconds, NULL) < 0)
        return false;
    int64_t apart_ms = now_ms - seconds * 1000;
    return apart_ms >= -callers->replay_ms && apart_ms <= callers->replay_ms;
}

/* "sha256=" and 64 hexadecimal digits of any case, as 64 of lower case. */
static bool read_signature(const char *signature, char ret_hex[DIGEST_HEX_SIZE])
{
    static const char scheme[] = "sha256=";

    if (!signature || strncasecmp(signature, scheme, sizeof(scheme) - 1) != 0)
        return false;
    signature += sizeof(scheme) - 1;
    if (strlen(signature) != DIGEST_HEX_SIZE - 1)
        return false;
    for (size_t i = 0; i < DIGEST_HEX_SIZE; i++)
        ret_hex[i] =
            (char)(signature[i] >= 'A' && signature[i] <= 'F' ? signature[i] + ('a' - 'A') : signature[i]);
    return true;
}

bool callers_is_signed(const struct callers *callers, const struct caller_proof *proof, int64_t now_ms)
{
    char given[DIGEST_HEX_SIZE], expected[DIGEST_HEX_SIZE];
    bool is_good = false;
    AUTO_BUF signed_text;
    size_t i;
    json_t *item;

    buf_init(&signed_text, TIMESTAMP_DIGITS_MAX + 2 + proof->body_size);
    if (json_array_size(callers->keys) == 0)
        return true;
    if (!is_recent(callers, proof->timestamp, now_ms) || !read_signature(proof->signature, given))
        return false;
    buf_str(&signed_text, proof->timestamp);
    buf_char(&signed_text, '.');
    buf_add(&signed_text, proof->body ? proof->body : "", proof->body ? proof->body_size : 0);
    if (signed_text.failed)
        return false;
    json_array_foreach (callers->keys, i, item) {
        const char *key = read_credential(json_string_value(item)).secret;
        digest_hmac_hex(key, strlen(key), signed_text.data, signed_text.len, expected);
        is_good = digest_equal(expected, given) || is_good;
    }
    return is_good;
}

/* ---- rate ---------------------------------------------------------------------------------------------- */

int64_t callers_take(struct callers *callers, const char *name, int64_t mono_ms)
{
    struct caller *caller = callers->rate > 0 ? find(callers, name, strlen(name)) : NULL;

    if (!caller)
        return 0;
    /* As a bucket: a period's calls may come at once, then each has to wait for its share of the period. */
    int64_t share_ms = callers->period_ms / callers->rate > 0 ? callers->period_ms / callers->rate : 1;
    int64_t from_ms = caller->full_at_ms > mono_ms ? caller->full_at_ms : mono_ms;
    int64_t ahead_ms = from_ms + share_ms - mono_ms;
    if (ahead_ms > share_ms * callers->rate)
        return ahead_ms - share_ms * callers->rate;
    caller->full_at_ms = from_ms + share_ms;
    return 0;
}

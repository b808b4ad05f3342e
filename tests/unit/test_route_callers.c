/* Who may call: tokens by name, signatures over time and body, rates; and secrets whose form is wrong. */
#include "base/digest.h"
#include "plugin/callers.h"
#include "unit/check.h"
#include "unit/exchange_kit.h"

#define WEB     "web-token-00000001"
#define WEB_NEW "web-token-00000002"
#define APP     "app-token-00000001"
#define KEY     "signing-key-000001"
#define KEY_NEW "signing-key-000002"

static const struct sb_option options[] = {
    { .name = "tokens", .type = SB_OPT_SECRETS, .help = "h" },
    { .name = "keys", .type = SB_OPT_SECRETS, .help = "h" },
    { .name = "window", .type = SB_OPT_DURATION, .help = "h" },
    { .name = "rate", .type = SB_OPT_RATE, .help = "h" },
    { .name = NULL },
};
static const struct sb_callers declared = {
    .tokens = "tokens", .signing_keys = "keys", .replay_window = "window", .rate = "rate"
};
static const struct sb_plugin plugin = { .abi = SB_ABI,
                                         .size = sizeof(struct sb_plugin),
                                         .kind = SB_SOURCE,
                                         .name = "told",
                                         .summary = "s",
                                         .version = "1",
                                         .options = options,
                                         .callers = &declared };

/* An instance that was not opened. `keys` NULL: none. */
static struct sb_instance *instance_of(const char *tokens, const char *keys, int64_t rate)
{
    struct arena *arena = arena_new(1 << 20);
    struct instance_value *values = arena_alloc(arena, 4 * sizeof(*values));
    struct sb_instance *instance = NULL;
    struct sb_error err = SB_ERROR_INIT;

    for (size_t i = 0; i < 4; i++)
        values[i] = (struct instance_value){ .option = &options[i], .is_set = true };
    values[0].json = json_loads(tokens, 0, NULL);
    values[1].json = json_loads(keys ? keys : "[]", 0, NULL);
    values[2].number = 60 * 1000;
    values[3].number = rate;
    values[3].period_ms = 60 * 1000;
    assert_non_null(values[0].json);
    if (instance_new("told", &plugin, arena, values, 4, &instance, &err) < 0)
        fail_msg("%s", err.text);
    return instance;
}

static const struct {
    const char *name, *tokens, *keys, *want; /* want NULL: right */
} forms[] = {
    { "named and alone", "[\"web:" WEB "\", \"" APP "\"]", NULL, NULL },
    { "two of one name", "[\"web:" WEB "\", \"web:" WEB_NEW "\"]", NULL, NULL },
    { "a colon that names nobody", "[\"a b:0123456789abcdef\"]", NULL, NULL },
    { "short", "[\"web:0123456789abcde\"]", NULL,
      "option 'tokens' of 'told': the secret of 'web' is too short; at least 16 characters are needed, such "
      "as those of "
      "'openssl rand -hex 32'" },
    { "none behind the name", "[\"web:\"]", NULL,
      "option 'tokens' of 'told': the secret of 'web' is too short; at least 16 characters are needed, such "
      "as those of "
      "'openssl rand -hex 32'" },
    { "one secret, two names", "[\"web:" WEB "\", \"app:" WEB "\"]", NULL,
      "option 'tokens' of 'told': 'web' and 'app' have the same secret" },
    { "a line break", "[\"web:" WEB "\\n\"]", NULL,
      "option 'tokens' of 'told' holds a line break or another control character" },
    { "a short key", "[\"" WEB "\"]", "[\"x\"]",
      "option 'keys' of 'told': the secret of 'agent' is too short; at least 16 characters are needed, such "
      "as those of "
      "'openssl rand -hex 32'" },
};

static void secrets_of_a_wrong_form_are_refused_without_showing_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(forms); i++) {
        struct sb_instance *instance = instance_of(forms[i].tokens, forms[i].keys, 0);
        struct sb_error err = SB_ERROR_INIT;
        int rc = instance_open(instance, &err);
        CHECK_INT(forms[i].name, forms[i].want ? SB_ECONFIG : 0, rc);
        CHECK_STR(forms[i].name, forms[i].want ? forms[i].want : "", err.text);
        instance_free(instance);
    }
}

static const struct {
    const char *authorization, *want;
} tokens[] = {
    { "Bearer " WEB, "web" },
    { "bearer  " WEB, "web" },
    { "Bearer " WEB_NEW, "web" },
    { "Bearer " APP, "agent" },
    { NULL, NULL },
    { "", NULL },
    { "Bearer", NULL },
    { "Bearer ", NULL },
    { "Bearer web:" WEB, NULL },
    { "Bearer " WEB " ", NULL },
    { "Bearer web-token-0000000", NULL },
    { "Basic " WEB, NULL },
    { WEB, NULL },
};

static void a_token_tells_who_calls(void **state)
{
    (void)state;
    struct sb_instance *instance =
        instance_of("[\"web:" WEB "\", \"web:" WEB_NEW "\", \"" APP "\"]", NULL, 0);
    struct callers *callers = callers_new(instance);

    for (size_t i = 0; i < ROWS(tokens); i++)
        CHECK_STR(tokens[i].authorization ? tokens[i].authorization : "(none)", tokens[i].want,
                  callers_name(callers, tokens[i].authorization));
    callers_free(callers);
    instance_free(instance);
}

/* "sha256=" and the signature of "<stamp>.<body>". */
static const char *sign(const char *key, const char *stamp, const char *body)
{
    static char signature[80], text[200], hex[DIGEST_HEX_SIZE];

    (void)snprintf(text, sizeof(text), "%s.%s", stamp, body);
    digest_hmac_hex(key, strlen(key), text, strlen(text), hex);
    (void)snprintf(signature, sizeof(signature), "sha256=%s", hex);
    return signature;
}

static const struct {
    const char *name, *key, *signed_stamp, *sent_stamp, *signed_body;
    bool is_good;
} signatures[] = {
    { "now", KEY, "1773133200", "1773133200", "body", true },
    { "the other key", KEY_NEW, "1773133200", "1773133200", "body", true },
    { "at the edge of the past", KEY, "1773133140", "1773133140", "body", true },
    { "at the edge of the future", KEY, "1773133260", "1773133260", "body", true },
    { "too old", KEY, "1773133139", "1773133139", "body", false },
    { "too new", KEY, "1773133261", "1773133261", "body", false },
    { "another time than was signed", KEY, "1773133199", "1773133200", "body", false },
    { "another body", KEY, "1773133200", "1773133200", "body ", false },
    { "a key of nobody", "signing-key-000003", "1773133200", "1773133200", "body", false },
    { "no number", KEY, "now", "now", "body", false },
    { "an overflow", KEY, "9999999999999999999", "9999999999999999999", "body", false },
    { "no time", KEY, "1773133200", NULL, "body", false },
};

static void a_signature_fits_key_time_and_body(void **state)
{
    (void)state;
    struct sb_instance *instance = instance_of("[\"" WEB "\"]", "[\"" KEY "\", \"next:" KEY_NEW "\"]", 0);
    struct callers *callers = callers_new(instance);
    const int64_t now_ms = INT64_C(1773133200000);

    for (size_t i = 0; i < ROWS(signatures); i++) {
        const struct caller_proof proof = { .timestamp = signatures[i].sent_stamp,
                                            .signature = sign(signatures[i].key, signatures[i].signed_stamp,
                                                              signatures[i].signed_body),
                                            .body = "body",
                                            .body_size = 4 };
        CHECK_INT(signatures[i].name, signatures[i].is_good, callers_is_signed(callers, &proof, now_ms));
    }
    struct caller_proof bare = { .timestamp = "1773133200", .body = "body", .body_size = 4 };
    assert_false(callers_is_signed(callers, &bare, now_ms));
    bare.signature = "sha256=00";
    assert_false(callers_is_signed(callers, &bare, now_ms));
    const struct caller_proof empty = { .timestamp = "1773133200", .signature = sign(KEY, "1773133200", "") };
    assert_true(callers_is_signed(callers, &empty, now_ms));
    callers_free(callers);
    instance_free(instance);
}

static void without_keys_nothing_needs_a_signature(void **state)
{
    (void)state;
    struct sb_instance *instance = instance_of("[\"" WEB "\"]", NULL, 0);
    struct callers *callers = callers_new(instance);

    assert_true(callers_is_signed(callers, &(struct caller_proof){ .body = "x", .body_size = 1 }, 0));
    callers_free(callers);
    instance_free(instance);
}

/* Six a minute: all at once, then one every ten seconds; and each caller by himself. */
static void a_rate_is_a_period_at_once_and_then_its_share(void **state)
{
    (void)state;
    struct sb_instance *instance = instance_of("[\"web:" WEB "\", \"" APP "\"]", NULL, 6);
    struct callers *callers = callers_new(instance);
    int64_t now_ms = 5;

    for (int i = 0; i < 6; i++)
        assert_int_equal(callers_take(callers, "web", now_ms), 0);
    assert_int_equal(callers_take(callers, "web", now_ms), 10000);
    assert_int_equal(callers_take(callers, "web", now_ms + 4000), 6000);
    assert_int_equal(callers_take(callers, "agent", now_ms), 0);
    assert_int_equal(callers_take(callers, "web", now_ms + 10000), 0);
    assert_true(callers_take(callers, "web", now_ms + 10000) > 0);
    for (int i = 0; i < 6; i++)
        assert_int_equal(callers_take(callers, "web", now_ms + 1000000), 0);
    assert_true(callers_take(callers, "web", now_ms + 1000000) > 0);
    callers_free(callers);
    instance_free(instance);
}

static void no_rate_is_no_limit(void **state)
{
    (void)state;
    struct sb_instance *instance = instance_of("[\"" WEB "\"]", NULL, 0);
    struct callers *callers = callers_new(instance);

    for (int i = 0; i < 1000; i++)
        assert_int_equal(callers_take(callers, "agent", 1), 0);
    callers_free(callers);
    instance_free(instance);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_of_a_wrong_form_are_refused_without_showing_them),
        cmocka_unit_test(a_token_tells_who_calls),
        cmocka_unit_test(a_signature_fits_key_time_and_body),
        cmocka_unit_test(without_keys_nothing_needs_a_signature),
        cmocka_unit_test(a_rate_is_a_period_at_once_and_then_its_share),
        cmocka_unit_test(no_rate_is_no_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The shipped engine.conf: what it asks for, and what it runs with it. */
#include "base/file.h"
#include "base/scope.h"
#include "conf_load.h"

static const char shipped[] = TEST_SOURCE_DIR "/engine.conf";

/* Everything that engine.conf asks for. */
static const char *const full_environment[] = {
    "EXOTEL_SID",
    "acmedemo1",
    "EXOTEL_API_KEY",
    "exotelkey",
    "EXOTEL_API_TOKEN",
    "exoteltoken",
    "DEEPGRAM_API_KEY",
    "deepgramkey",
    "OPENAI_API_KEY",
    "openaikey",
    "ZOHO_DESK_ORG_ID",
    "60001234",
    "ZOHO_DESK_DEPARTMENT_ID",
    "77",
    "ZOHO_DESK_CLIENT_ID",
    "zohoclient",
    "ZOHO_DESK_CLIENT_SECRET",
    "zohosecret",
    "ZOHO_DESK_REFRESH_TOKEN",
    "zohorefresh",
    NULL,
};

static void shipped_file_runs_with_its_environment(void **state)
{
    (void)state;
    struct conf *conf = load(shipped, full_environment);
    AUTO_STR text = told(conf);

    if (conf_error_count(conf) > 0)
        CHECK_STR("diagnostics", "", text);
    CHECK_STR("account", "acmedemo1", value_of(conf, "exotel", "account_sid")->text);
    CHECK_STR("key", "exotelkey", value_of(conf, "exotel", "api_key")->text);
    CHECK_INT("interval", 60000, value_of(conf, "exotel", "poll_interval")->number);
    CHECK_INT("rate", 200, value_of(conf, "exotel", "rate")->number);
    CHECK_INT("per", 60000, value_of(conf, "exotel", "rate")->period_ms);
    CHECK_INT("settle", 900000, value_of(conf, "zoho_desk", "settle")->number);
    CHECK_INT("enabled", 1, value_of(conf, "zoho_desk", "enabled")->number);
    CHECK_INT("no access token", 0, value_of(conf, "zoho_desk", "access_token")->is_set);
    CHECK_STR("script", TEST_SOURCE_DIR "/scripts/zoho_ticket.lua",
              value_of(conf, "zoho_desk", "mapping")->text);
    CHECK_INT("pipelines", 2, conf->pipeline_count);
    CHECK_STR("runs", NULL, conf->pipelines[0].off_reason);
    CHECK_STR("without agents",
              "source 'ai_agent' is off: required option 'tokens' is empty because AI_AGENT_TOKEN is not set",
              conf->pipelines[1].off_reason);
    CHECK_STR("data", TEST_SOURCE_DIR "/var", conf->settings.data_dir);
    conf_free(conf);
}

static void shipped_file_uses_every_name_of_the_python_script(void **state)
{
    (void)state;
    static const char *const names[] = {
        "EXOTEL_SID",
        "EXOTEL_API_KEY",
        "EXOTEL_API_TOKEN",
        "DEEPGRAM_API_KEY",
        "OPENAI_API_KEY",
        "ZOHO_DESK_ENABLED",
        "ZOHO_DESK_ORG_ID",
        "ZOHO_DESK_DEPARTMENT_ID",
        "ZOHO_DESK_REFRESH_TOKEN",
        "ZOHO_DESK_CLIENT_ID",
        "ZOHO_DESK_CLIENT_SECRET",
        "ZOHO_DESK_ACCESS_TOKEN",
        "ZOHO_DESK_API_DOMAIN",
        "ZOHO_DESK_DEFAULT_PRIORITY",
        "ZOHO_DESK_AUTO_CREATE_CONTACT",
        "EXOTEL_API_URL",
        "EXOTEL_RECORDINGS_URL",
        "DEEPGRAM_API_URL",
        "OPENAI_API_URL",
        "ZOHO_ACCOUNTS_URL",
        "EXOTEL_POLL_INTERVAL",
        "EXOTEL_SINCE",
        "EXOTEL_RATE",
        "DEEPGRAM_CONCURRENCY",
        "OPENAI_CONCURRENCY",
        "ZOHO_DESK_CONCURRENCY",
        "TRANSCRIBER",
        "ZOHO_DESK_SETTLE",
        "SWITCHBOARD_DATA",
        "SWITCHBOARD_LISTEN",
        "SWITCHBOARD_ADMIN",
    };
    AUTO_STR text = NULL;
    size_t size = 0;

    assert_int_equal(file_read(shipped, 100000, &text, &size, NULL), 0);
    for (size_t i = 0; i < ROWS(names); i++) {
        char plain[80], with_default[80];
        (void)snprintf(plain, sizeof(plain), "${%s}", names[i]);
        (void)snprintf(with_default, sizeof(with_default), "${%s:-", names[i]);
        CHECK_INT(names[i], true, strstr(text, plain) || strstr(text, with_default));
    }
}

static void shipped_file_without_keys_names_each_of_them(void **state)
{
    (void)state;
    static const char *const names[] = {
        "EXOTEL_SID",          "EXOTEL_API_KEY",          "EXOTEL_API_TOKEN",
        "DEEPGRAM_API_KEY",    "ZOHO_DESK_ORG_ID",        "ZOHO_DESK_DEPARTMENT_ID",
        "ZOHO_DESK_CLIENT_ID", "ZOHO_DESK_CLIENT_SECRET", "ZOHO_DESK_REFRESH_TOKEN"
    };
    static const char *const nothing[] = { NULL };
    struct conf *conf = load(shipped, nothing);
    AUTO_STR text = told(conf);

    CHECK_INT("each once", ROWS(names), conf_error_count(conf));
    for (size_t i = 0; i < ROWS(names); i++) {
        char want[100];
        (void)snprintf(want, sizeof(want), "is empty because %s is not set\n", names[i]);
        CHECK_INT(names[i], true, strstr(text, want) != NULL);
    }
    assert_non_null(strstr(text, "'openai' is off"));
    conf_free(conf);
}

static void shipped_file_takes_escalations_with_a_token(void **state)
{
    (void)state;
    const char *environment[ROWS(full_environment) + 2] = { "AI_AGENT_TOKEN",
                                                            "web:one-token, app:another-token" };
    memcpy(environment + 2, full_environment, sizeof(full_environment));
    struct conf *conf = load(shipped, environment);

    CHECK_INT("errors", 0, conf_error_count(conf));
    CHECK_STR("pipeline", "escalations", conf->pipelines[1].name);
    CHECK_STR("runs", NULL, conf->pipelines[1].off_reason);
    const json_t *tokens = value_of(conf, "ai_agent", "tokens")->json;
    CHECK_INT("tokens", 2, json_array_size(tokens));
    CHECK_STR("first", "web:one-token", json_string_value(json_array_get(tokens, 0)));
    CHECK_STR("second", "app:another-token", json_string_value(json_array_get(tokens, 1)));
    conf_free(conf);
}

static void shipped_file_takes_another_transcriber(void **state)
{
    (void)state;
    const char *environment[ROWS(full_environment) + 4] = { "TRANSCRIBER", "pocketsphinx", "DEEPGRAM_API_KEY",
                                                            "" };
    memcpy(environment + 4, full_environment, sizeof(full_environment));
    struct conf *conf = load(shipped, environment);

    CHECK_INT("errors", 0, conf_error_count(conf));
    CHECK_STR("stage", "pocketsphinx", conf->pipelines[0].stages[0].alternatives[0]->name);
    CHECK_INT("implicit", true, conf->pipelines[0].stages[0].alternatives[0]->is_implicit);
    CHECK_INT("not loaded", false, conf_find_block(conf, "deepgram")->is_used);
    conf_free(conf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shipped_file_runs_with_its_environment),
        cmocka_unit_test(shipped_file_uses_every_name_of_the_python_script),
        cmocka_unit_test(shipped_file_without_keys_names_each_of_them),
        cmocka_unit_test(shipped_file_takes_another_transcriber),
        cmocka_unit_test(shipped_file_takes_escalations_with_a_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

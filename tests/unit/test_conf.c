/* The values that a program reads from a conf, and that no secret leaves it. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/scope.h"
#include "conf_load.h"

static void every_type_has_its_value(void **state)
{
    (void)state;
    static const char *const nothing[] = { NULL };
    struct conf *conf = load(TEST_SOURCE_DIR "/tests/conf/right/every_type.conf", nothing);

    CHECK_STR("url", "http://localhost:9001/exotel", value_of(conf, "exotel", "base_url")->text);
    const struct conf_value *hosts = value_of(conf, "exotel", "recording_hosts");
    CHECK_INT("list", 2, json_array_size(hosts->json));
    CHECK_STR("list", "b.example.com", json_string_value(json_array_get(hosts->json, 1)));
    CHECK_INT("duration", 3600000, value_of(conf, "exotel", "poll_interval")->number);
    CHECK_INT("unlimited", 0, value_of(conf, "exotel", "rate")->number);
    CHECK_INT("a number in quotes", 7, value_of(conf, "exotel", "page_size")->number);
    CHECK_INT("a size without quotes", 4096, value_of(conf, "exotel", "recording_size_max")->number);
    CHECK_STR("word", "ticket", value_of(conf, "exotel", "missed")->text);
    CHECK_INT("common", 5000, value_of(conf, "exotel", "timeout")->number);
    CHECK_INT("zero is a value", 1, value_of(conf, "exotel", "retries")->is_given);
    CHECK_INT("yes in capitals", 1, value_of(conf, "exotel", "enabled")->number);
    CHECK_STR("two dollars", "${not a variable}", value_of(conf, "deepgram", "api_key")->text);
    CHECK_INT("bare false", 0, value_of(conf, "deepgram", "utterances")->number);
    CHECK_INT("bare false is given", 1, value_of(conf, "deepgram", "utterances")->is_given);
    const struct conf_value *terms = value_of(conf, "deepgram", "keyterms");
    CHECK_INT("commas", 2, json_array_size(terms->json));
    CHECK_STR("trimmed", "foo bar", json_string_value(json_array_get(terms->json, 1)));
    CHECK_STR("two pieces are one text", "two pieces", value_of(conf, "deepgram", "model")->text);
    CHECK_STR("default", "en-IN", value_of(conf, "deepgram", "language")->text);
    CHECK_INT("default is set", 1, value_of(conf, "deepgram", "language")->is_set);
    CHECK_INT("default is not given", 0, value_of(conf, "deepgram", "language")->is_given);
    assert_null(conf_find_value(conf_find_block(conf, "deepgram"), "nonsense"));
    CHECK_INT("a list of nothing", 0, json_array_size(value_of(conf, "exotel", "recording_hosts")->json) - 2);
    conf_free(conf);
}

static void settings_are_read(void **state)
{
    (void)state;
    static const char *const nothing[] = { NULL };
    struct conf *conf = load(TEST_SOURCE_DIR "/tests/conf/right/all_settings.conf", nothing);
    const struct conf_settings *s = &conf->settings;

    CHECK_STR("data_dir", "/srv/switchboard", s->data_dir);
    CHECK_STR("host", "", s->listen_host);
    CHECK_INT("port", 8080, s->listen_port);
    CHECK_STR("admin host", "::1", s->admin_host);
    CHECK_INT("admin port", 0, s->admin_port);
    CHECK_INT("plugin dirs", 2, json_array_size(s->plugin_dirs));
    CHECK_STR("relative", TEST_SOURCE_DIR "/tests/conf/right/more",
              json_string_value(json_array_get(s->plugin_dirs, 0)));
    CHECK_STR("absolute", "/opt/plugins", json_string_value(json_array_get(s->plugin_dirs, 1)));
    CHECK_INT("log level", LOG_LEVEL_WARN, s->log_level);
    CHECK_INT("log format", LOG_FORMAT_JSON, s->log_format);
    CHECK_INT("shutdown", 0, s->shutdown_timeout_ms);
    CHECK_INT("in flight", 1000, s->max_in_flight);
    CHECK_INT("workers", 2, s->workers);
    CHECK_INT("timezone", -210, s->timezone_minutes);
    CHECK_STR("region", "US", s->phone_region);
    CHECK_STR("alerts", "https://alerts.example.com/hook", s->alert_url);
    CHECK_INT("silent", 3600000, s->alert_source_silent_ms);
    CHECK_INT("dead letters", 3, s->alert_dead_letters);
    CHECK_INT("breaker", 300000, s->alert_breaker_open_ms);
    CHECK_INT("retention", INT64_C(365) * 86400000, s->keep_records_ms);
    conf_free(conf);
}

static void settings_have_defaults(void **state)
{
    (void)state;
    static const char *const nothing[] = { NULL };
    struct conf *conf = load(TEST_SOURCE_DIR "/tests/conf/right/smallest.conf", nothing);
    const struct conf_settings *s = &conf->settings;

    CHECK_STR("host", "127.0.0.1", s->listen_host);
    CHECK_INT("port", 8080, s->listen_port);
    CHECK_INT("admin port", 8081, s->admin_port);
    CHECK_INT("plugin dirs", 0, json_array_size(s->plugin_dirs));
    CHECK_STR("ca file", NULL, s->ca_file);
    CHECK_INT("log level", LOG_LEVEL_INFO, s->log_level);
    CHECK_INT("shutdown", 30000, s->shutdown_timeout_ms);
    CHECK_INT("in flight", 500, s->max_in_flight);
    CHECK_INT("timezone", 330, s->timezone_minutes);
    CHECK_STR("region", "IN", s->phone_region);
    CHECK_STR("alerts", NULL, s->alert_url);
    CHECK_INT("retention", INT64_C(90) * 86400000, s->keep_records_ms);
    conf_free(conf);
}

/* A folder with files of its own; `path` gives one of them. */
static char folder[300];

static const char *path(const char *name)
{
    static char whole[400];

    (void)snprintf(whole, sizeof(whole), "%s/%s", folder, name);
    return whole;
}

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "%s/conf-XXXXXX", TEST_BINARY_DIR);
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[400];

    (void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return system(command);
}

static void put(const char *name, const char *text)
{
    assert_int_equal(file_write(path(name), text, strlen(text), 0600, NULL), 0);
}

static const char smallest[] = "pipelines = { calls = { source = \"ai_agent\" sinks = [ \"callback\" ] } }\n"
                               "callback = { url = \"https://example.com\" }\n";

static void environment_wins_over_the_file(void **state)
{
    (void)state;
    static const char *const environment[] = { "FROM_BOTH", "environment", "EMPTY_IN_BOTH", "", NULL };
    AUTO_BUF text;
    buf_init(&text, 10000);
    buf_printf(
        &text,
        "env_file = \"${WHERE:-keys.env}\"\ndata_dir = \"/${FROM_FILE}\"\nlisten = \"${FROM_BOTH}:1\"\n"
        "phone_region = \"${EMPTY_IN_BOTH:-DE}\"\n%sai_agent = { tokens = \"t\" }\n",
        smallest);
    put("engine.conf", text.data);
    put("keys.env", "FROM_FILE=file\nFROM_BOTH=file\nEMPTY_IN_BOTH=file\n");

    struct conf *conf = load(path("engine.conf"), environment);
    CHECK_INT("errors", 0, conf_error_count(conf));
    CHECK_STR("file", "/file", conf->settings.data_dir);
    CHECK_STR("both", "environment", conf->settings.listen_host);
    CHECK_STR("empty in the environment counts as empty", "DE", conf->settings.phone_region);
    AUTO_STR kept = NULL;
    size_t size = 0;
    assert_int_equal(file_read(path("keys.env"), 1000, &kept, &size, NULL), 0);
    CHECK_STR("never written", "FROM_FILE=file\nFROM_BOTH=file\nEMPTY_IN_BOTH=file\n", kept);
    conf_free(conf);
}

static void json_file_is_the_document(void **state)
{
    (void)state;
    static const char *const nothing[] = { NULL };
    put("engine.conf",
        "pipelines = { calls = { source = \"ai_agent\" sinks = [ \"callback\" ] } }\n"
        "callback = { url = \"https://example.com\" table = \"t.json\" }\nai_agent = { tokens = \"t\" }\n");
    put("t.json", "{ \"a\": [ 1, 2 ] }");

    struct conf *conf = load(path("engine.conf"), nothing);
    CHECK_INT("errors", 0, conf_error_count(conf));
    const struct conf_value *table = value_of(conf, "callback", "table");
    CHECK_STR("path", path("t.json"), table->text);
    CHECK_INT("document", 2, json_array_size(json_object_get(table->json, "a")));
    conf_free(conf);

    assert_int_equal(unlink(path("t.json")), 0);
    conf = load(path("engine.conf"), nothing);
    CHECK_INT("absent is no error", 0, conf_error_count(conf));
    assert_null(value_of(conf, "callback", "table")->json);
    conf_free(conf);
}

static void script_is_found_where_it_was_installed(void **state)
{
    (void)state;
    struct conf_source source = { .lookup = fixture_lookup };
    struct conf *conf = NULL;
    put("engine.conf", "pipelines = { calls = { source = \"ai_agent\" stages = [ \"keyword\" ] sinks = [ "
                       "\"callback\" ] } }\n"
                       "callback = { url = \"https://example.com\" }\nai_agent = { tokens = \"t\" }\n");

    assert_int_equal(conf_load(path("engine.conf"), &source, &conf, NULL), 0);
    fixture_check(conf);
    CHECK_INT("nowhere", 1, conf_error_count(conf));
    conf_free(conf);

    source.share_dir = TEST_SOURCE_DIR "/tests/conf/right";
    assert_int_equal(conf_load(path("engine.conf"), &source, &conf, NULL), 0);
    fixture_check(conf);
    CHECK_INT("installed", 0, conf_error_count(conf));
    CHECK_STR("path", TEST_SOURCE_DIR "/tests/conf/right/scripts/classify.lua",
              value_of(conf, "keyword", "rules")->text);
    conf_free(conf);
}

static void a_text_may_be_emptied(void **state)
{
    (void)state;
    static const char *const nothing[] = { NULL };
    put("engine.conf",
        "pipelines = { calls = { source = \"ai_agent\" stages = [ \"openai\" ] sinks = [ \"callback\" ] } }\n"
        "callback = { url = \"https://example.com\" }\nai_agent = { tokens = \"t\" }\n"
        "openai = { api_key = \"k\"  reasoning_effort = \"\"  model = \"${NO_MODEL}\" }\n");
    struct conf *conf = load(path("engine.conf"), nothing);

    CHECK_INT("errors", 0, conf_error_count(conf));
    CHECK_STR("taken away", "", value_of(conf, "openai", "reasoning_effort")->text);
    CHECK_INT("and given", 1, value_of(conf, "openai", "reasoning_effort")->is_given);
    CHECK_STR("a variable that is not set leaves the default", "gpt-6-luna",
              value_of(conf, "openai", "model")->text);
    conf_free(conf);
}

static void the_program_adds_what_it_finds(void **state)
{
    (void)state;
    static const char *const nothing[] = { NULL };
    struct conf *conf = load(TEST_SOURCE_DIR "/tests/conf/right/smallest.conf", nothing);
    struct conf_block *block = conf_find_block(conf, "deepgram");

    conf_block_notice(conf, block, "%s", "every key term is ignored");
    CHECK_INT("a notice is no error", 0, conf_error_count(conf));
    conf_block_fail(conf, block, "cannot load plugin '%s'", "deepgram");
    CHECK_INT("a failure is one", 1, conf_error_count(conf));
    CHECK_INT("off", CONF_OFF_WRONG, block->off);
    AUTO_STR text = told(conf);
    CHECK_STR("text",
              TEST_SOURCE_DIR
              "/tests/conf/right/smallest.conf:9: notice: every key term is ignored\n" TEST_SOURCE_DIR
              "/tests/conf/right/smallest.conf:9: cannot load plugin 'deepgram'\n",
              text);
    conf_free(conf);
}

static void a_file_that_cannot_be_read_is_an_error(void **state)
{
    (void)state;
    struct sb_error err = SB_ERROR_INIT;
    struct conf *conf = (struct conf *)&err; /* must survive */

    assert_int_equal(conf_load("/nowhere/engine.conf", NULL, &conf, &err), SB_ECONFIG);
    CHECK_STR("text", "cannot open '/nowhere/engine.conf': No such file or directory", err.text);
    assert_ptr_equal(conf, &err);
    err = (struct sb_error)SB_ERROR_INIT;
    assert_int_equal(conf_load("/", NULL, &conf, &err), SB_ECONFIG);
    CHECK_STR("folder", "cannot read '/': it is a folder", err.text);
    conf_free(NULL);
}

static void the_real_environment_is_asked_without_a_lookup(void **state)
{
    (void)state;
    AUTO_BUF text;
    struct conf *conf = NULL;
    buf_init(&text, 1000);
    buf_printf(&text, "data_dir = \"${SWITCHBOARD_TEST_CONF}\"\n%sai_agent = { tokens = \"t\" }\n", smallest);
    put("engine.conf", text.data);
    assert_int_equal(setenv("SWITCHBOARD_TEST_CONF", "/from/here", 1), 0);

    assert_int_equal(conf_load(path("engine.conf"), NULL, &conf, NULL), 0);
    CHECK_STR("data_dir", "/from/here", conf->settings.data_dir);
    conf_free(conf);
}

/* Takes every single character out of the shipped file, in turn, with secrets written into it: nothing may crash, leak, or
 * show a secret. */
static void no_slip_shows_a_secret(void **state)
{
    (void)state;
    static const char secret[] = "hunter2hunter2";
    static const char *const environment[] = {
        "EXOTEL_SID",
        "acmedemo1",
        "EXOTEL_API_TOKEN",
        secret,
        "DEEPGRAM_API_KEY",
        secret,
        "ZOHO_DESK_ORG_ID",
        "1",
        "ZOHO_DESK_DEPARTMENT_ID",
        "2",
        "ZOHO_DESK_CLIENT_ID",
        secret,
        "ZOHO_DESK_REFRESH_TOKEN",
        secret,
        NULL,
    };
    AUTO_STR text = NULL;
    size_t size = 0, wrong = 0;
    AUTO_BUF whole;
    buf_init(&whole, 100000);
    assert_int_equal(file_read(TEST_SOURCE_DIR "/engine.conf", 100000, &text, &size, NULL), 0);
    const char *key = strstr(text, "${EXOTEL_API_KEY}"), *client = strstr(text, "${ZOHO_DESK_CLIENT_SECRET}");
    assert_true(key && client && key < client);
    buf_printf(&whole, "%.*s%s%.*s%s%s", (int)(key - text), text, secret, (int)(client - key) - 17, key + 17,
               secret, client + 26);
    assert_int_equal(mkdir(path("scripts"), 0700), 0);
    put("scripts/classify.lua", "");
    put("scripts/zoho_ticket.lua", "");

    for (size_t i = 0; i < whole.len; i++) {
        AUTO_BUF slipped;
        buf_init(&slipped, 100000);
        buf_add(&slipped, whole.data, i);
        buf_str(&slipped, whole.data + i + 1);
        put("engine.conf", slipped.data);
        struct conf *conf = load(path("engine.conf"), environment);
        AUTO_STR diagnostics = told(conf);
        if (strstr(diagnostics, "hunter2"))
            CHECK_STR("a secret shows", "", diagnostics);
        wrong += conf_error_count(conf) > 0;
        conf_free(conf);
    }
    assert_true(wrong > whole.len / 10); /* else the slips were not noticed at all */
}

/* A list of which every secret is empty has no value, and is not an error of an optional pipeline. */
static void secrets_that_are_all_empty_are_missing(void **state)
{
    (void)state;
    put("engine.conf",
        "pipelines = { chats = { source = \"ai_agent\" sinks = [ \"callback\" ] } }\n"
        "callback = { url = \"https://example.com\" }\nai_agent = { tokens = [ \"${NO_TOKEN}\" ] }\n");
    static const char *const nothing[] = { NULL };
    struct conf *conf = load(path("engine.conf"), nothing);
    AUTO_STR text = told(conf);

    CHECK_INT("errors", 1, conf_error_count(conf));
    CHECK_INT(text, true, strstr(text, "required option 'tokens' is empty") != NULL);
    conf_free(conf);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(secrets_that_are_all_empty_are_missing),
        cmocka_unit_test(every_type_has_its_value),
        cmocka_unit_test(settings_are_read),
        cmocka_unit_test(settings_have_defaults),
        IN_FOLDER(environment_wins_over_the_file),
        IN_FOLDER(json_file_is_the_document),
        IN_FOLDER(script_is_found_where_it_was_installed),
        IN_FOLDER(a_text_may_be_emptied),
        cmocka_unit_test(the_program_adds_what_it_finds),
        cmocka_unit_test(a_file_that_cannot_be_read_is_an_error),
        IN_FOLDER(the_real_environment_is_asked_without_a_lookup),
        IN_FOLDER(no_slip_shows_a_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The service "exotel": its knobs, its paths, its state. */
#include "exotel.h"

#include <assert.h>
#include <stdlib.h>

static const struct sim_knob knobs[] = {
    [EXO_ACCESS] = { "access", SIM_WORD, "normal", "normal|wrong_region|ip_blocked|not_in_plan", 0, 0,
                     "E1.3: what the account may do at all: calls answer 404, everything 403, everything "
                     "402" },
    [EXO_UNKNOWN_ACCOUNT] = { "unknown_account", SIM_WORD, "401", "401|404", 0, 0,
                              "E1.3: status for an account that does not exist" },
    [EXO_AUTH_BODY] = { "auth_body", SIM_WORD, "short", "short|documented|empty", 0, 0,
                        "E1.2: body of the 401" },
    [EXO_KYC] = { "kyc", SIM_BOOL, "true", NULL, 0, 0, "E1.3: false refuses connect with 403" },
    [EXO_RATE_PER_MINUTE] = { "rate_per_minute", SIM_INT, "200", NULL, 0, 100000000,
                              "E2.10: requests of an account in any minute of the simulated clock; 0 is no "
                              "limit" },
    [EXO_LEGS_PER_MINUTE] = { "legs_per_minute", SIM_INT, "100", NULL, 0, 100000000,
                              "5.3: the same for the legs API" },
    [EXO_LEGS_RATE_BODY] = { "legs_rate_body", SIM_WORD, "numbered", "numbered|worded", 0, 0,
                             "E7.2: 429 of the legs API: error_data with 10724, or the words of 5.4" },
    [EXO_RATE_BODY] = { "rate_body", SIM_WORD, "short", "short|documented|empty|html", 0, 0,
                        "E2.10: body of the 429" },
    [EXO_RATE_RETRY_AFTER_S] = { "rate_retry_after_s", SIM_INT, "0", NULL, 0, 86400,
                                 "E2.10: Retry-After of the 429; 0 sends none" },
    [EXO_FUTURE_TOLERANCE] = { "future_tolerance", SIM_WORD, "end_of_day", "end_of_day|strict|unlimited", 0,
                               0, "E2.2: how far into the future DateCreated may reach" },
    [EXO_PAGE_SIZE_OVER] = { "page_size_over", SIM_WORD, "capped", "capped|rejected", 0, 0,
                             "E2.4: what a PageSize over 100 does" },
    [EXO_UNKNOWN_PARAMETERS] = { "unknown_parameters", SIM_WORD, "rejected", "rejected|ignored", 0, 0,
                                 "11: what a parameter that is not documented does; StartTime is always "
                                 "rejected" },
    [EXO_PAGE_URI] = { "page_uri", SIM_WORD, "relative", "relative|absolute|without_json", 0, 0,
                       "E2.6: form of the page addresses" },
    [EXO_LAST_PAGE_URI] = { "last_page_uri", SIM_WORD, "null", "null|empty|absent", 0, 0,
                            "E2.6: what stands for a page that is not there" },
    [EXO_EXTRA_EMPTY_PAGE] = { "extra_empty_page", SIM_BOOL, "false", NULL, 0, 0,
                               "E2.6: a full last page names one more, which is empty" },
    [EXO_LIST_ONGOING] = { "list_ongoing", SIM_BOOL, "false", NULL, 0, 0, "E2.7: running calls are listed" },
    [EXO_PHONE_NUMBER] = { "phone_number", SIM_BOOL, "false", NULL, 0, 0,
                           "E2.9: calls have PhoneNumber beside PhoneNumberSid" },
    [EXO_NUMBERS_AS_TEXT] = { "numbers_as_text", SIM_BOOL, "false", NULL, 0, 0,
                              "E2.9: Duration and Price are texts" },
    [EXO_NO_RECORDING_URL] = { "no_recording_url", SIM_WORD, "empty", "empty|null|absent", 0, 0,
                               "4.3: RecordingUrl of a settled call without a recording" },
    [EXO_RECORDING_URL_AT] = { "recording_url_at", SIM_WORD, "settle", "settle|end", 0, 0,
                               "E4.4: when RecordingUrl appears" },
    [EXO_RECORDING_PATH] = { "recording_path", SIM_WORD, "exotelrecordings",
                             "exotelrecordings|exotel-mum1-recordings", 0, 0,
                             "6: first segment of RecordingUrl" },
    [EXO_PRESIGNED] = { "presigned", SIM_BOOL, "false", NULL, 0, 0,
                        "E2.9: every account has PreSignedRecordingUrl" },
    [EXO_PRESIGNED_MINUTES] = { "presigned_minutes", SIM_INT, "5", NULL, 5, 60,
                                "6: how long it is good unless RecordingUrlValidity says so" },
    [EXO_SETTLE_S] = { "settle_s", SIM_INT, "120", NULL, 0, 86400,
                       "E4.3: seconds from the end of a call to its settled record, for calls added from now "
                       "on" },
    [EXO_RECORDING_DELAY_S] = { "recording_delay_s", SIM_INT, "180", NULL, 0, 86400,
                                "E4.4: seconds from the end of a call to its recording, for calls added from "
                                "now on" },
    [EXO_CONNECT_S] = { "connect_s", SIM_INT, "60", NULL, 0, 14400, "5.2: how long a connected call lasts" },
    [EXO_STATUS_CALLBACK_FORM] = { "status_callback_form", SIM_WORD, "multipart", "multipart|json|form", 0, 0,
                                   "E6.1: how StatusCallback travels, unless connect says it" },
    [EXO_STATUS_CALLBACK_FIELDS] = { "status_callback_fields", SIM_WORD, "all", "all|four", 0, 0,
                                     "E6.1: all members and every event, or the four of a terminal one" },
    [EXO_STATUS_CALLBACK_INBOUND] = { "status_callback_inbound", SIM_BOOL, "false", NULL, 0, 0,
                                      "E6.1: also for inbound calls" },
    [EXO_PASSTHRU_METHOD] = { "passthru_method", SIM_WORD, "GET", "GET|POST", 0, 0,
                              "E6.2: how Passthru travels" },
    [EXO_PASSTHRU_AGENT] = { "passthru_agent", SIM_BOOL, "true", NULL, 0, 0,
                             "E6.2: false leaves DialWhomNumber out" },
    [EXO_WEBHOOK_TIMEOUT_MS] = { "webhook_timeout_ms", SIM_INT, "15000", NULL, 1, 600000,
                                 "E6.4: how long (real time) one try may take" },
    [EXO_WEBHOOK_RETRIES] = { "webhook_retries", SIM_BOOL, "true", NULL, 0, 0,
                              "E6.4: tried again after 5 and 15 simulated minutes" },
    [EXO_WEBHOOK_COPIES] = { "webhook_copies", SIM_INT, "1", NULL, 1, 100, "E6.4: how often each is sent" },
    [EXO_WEBHOOK_DELAY_S] = { "webhook_delay_s", SIM_INT, "0", NULL, 0, 864000,
                              "E6.4: simulated seconds until it is sent" },
    [EXO_WEBHOOK_JITTER_S] = { "webhook_jitter_s", SIM_INT, "0", NULL, 0, 864000,
                               "E6.4: up to so many more by chance, which changes the order" },
    [EXO_WEBHOOK_LOST_PERCENT] = { "webhook_lost_percent", SIM_INT, "0", NULL, 0, 100,
                                   "E6.4: how many of a hundred are never sent" },
    [EXO_WEBHOOK_EARLY_S] = { "webhook_early_s", SIM_INT, "0", NULL, 0, 86400,
                              "E6.4: so long before the call's end, and so before it is listed, its last one "
                              "comes" },
    [EXO_WEBHOOK_EXTRA_FIELDS] = { "webhook_extra_fields", SIM_BOOL, "false", NULL, 0, 0,
                                   "E6.4: members nobody knows" },
    [EXO_WEBHOOK_WRONG_SECRET] = { "webhook_wrong_secret", SIM_BOOL, "false", NULL, 0, 0,
                                   "E6.4: the URL's 'key', or else its last segment, is another one" },
    [EXO_WEBHOOK_PAD_BYTES] = { "webhook_pad_bytes", SIM_INT, "0", NULL, 0, 16777216,
                                "E6.4: a member of so many bytes in bodies" },
    [EXO_WEBHOOK_CONTENT_TYPE] = { "webhook_content_type", SIM_TEXT, "", NULL, 0, 0,
                                   "E6.4: Content-Type of bodies; empty: the right one" },
};
static_assert(sizeof(knobs) / sizeof(knobs[0]) == EXO_KNOBS, "every knob has its row");

/* ".json" calls first: a name in braces would swallow it. */
static const struct sim_route routes[] = {
    { "GET", "/v1/Accounts/{account}/Calls.json", exo_handle_list },
    { "GET", "/v1/Accounts/{account}/Calls", exo_handle_list },
    { "POST", "/v1/Accounts/{account}/Calls/connect.json", exo_handle_connect },
    { "POST", "/v1/Accounts/{account}/Calls/connect", exo_handle_connect },
    { "GET", "/v1/Accounts/{account}/Calls/{call}", exo_handle_call },
    { "GET", "/v2/accounts/{account}/users", exo_handle_users },
    { "GET", "/v2/accounts/{account}/calls/{call}", exo_handle_call_v2 },
    { "GET", "/v3/accounts/{account}/calls/{call}", exo_handle_call_v3 },
    { "GET", "/v3/accounts/{account}/calls/{call}/legs", exo_handle_legs },
    { "GET", "/v1/Accounts/{account}.json", exo_handle_account },
    { "GET", "/v1/Accounts/{account}", exo_handle_account },
    { "*", "/v1/Accounts/{account}/{rest...}", exo_handle_nothing },
    { NULL, NULL, NULL },
};

struct exotel *exotel_of(struct sim *sim)
{
    return sim_service_find(sim, "exotel")->state;
}

static int start_exotel(struct sim_service *service, struct sim_error *err)
{
    (void)err; /* Nothing here can fail. */
    struct exotel *exotel = sim_calloc(1, sizeof(*exotel));
    exotel->service = service;
    service->state = exotel;
    exo_set_defaults(exotel);
    return 0;
}

static void stop_exotel(struct sim_service *service)
{
    struct exotel *exotel = service->state;
    if (!exotel)
        return;
    exo_hooks_reset(exotel);
    exo_drop_calls(exotel);
    exo_drop_accounts(exotel);
    json_decref(exotel->users);
    free(exotel);
    service->state = NULL;
}

static void reset_exotel(struct sim_service *service)
{
    exo_set_defaults(service->state);
}

/* The first account's credentials; the poll is made quick, because the calls here are seconds old. */
static void write_env(struct sim_service *service, struct sim_env *env)
{
    const struct exotel *exotel = service->state;
    sim_env_put(env, "EXOTEL_SID", exotel->accounts[0].sid);
    sim_env_put(env, "EXOTEL_API_KEY", exotel->accounts[0].api_key);
    sim_env_put(env, "EXOTEL_API_TOKEN", exotel->accounts[0].api_token);
}

const struct sim_service_def sim_exotel = {
    .name = "exotel",
    .url_env = "EXOTEL_API_URL",
    .knobs = knobs,
    .knob_count = EXO_KNOBS,
    .routes = routes,
    .control = exo_control,
    .start = start_exotel,
    .stop = stop_exotel,
    .reset = reset_exotel,
    .load = exo_load,
    .report = exo_report,
    .env = write_env,
};

/* A plugin under test without a network: its steps are called through the engine's own exchange, on records
 * and answers that the test writes, and every call is made twice on copies and compared, so that an impure
 * plugin fails its test.
 *
 * A test program compiles in the plugin's sources; its descriptor is then called <name>_plugin:
 *
 *     extern const struct sb_plugin deepgram_plugin;
 *
 *     struct harness *h = harness_new(&deepgram_plugin, "{\"api_key\": \"not-a-real-key\"}");
 *     harness_set_record(h, "{\"call\": {\"from\": \"+915550100001\"}}");
 *     const struct harness_result *r = harness_build(h, "transcribe");
 *     assert_int_equal(r->verdict, SB_OK);
 *     assert_string_equal(harness_text(r->request, "url"),
 * "https://api.deepgram.com/v1/listen?model=nova-3"); r = harness_fold(h, "transcribe", 200, NULL,
 * "{\"results\": ...}"); assert_string_equal(harness_text(r->record, "transcript.text"), "hello");
 *     harness_free(h);
 *
 * Misuse (an unknown step, options that the table does not have, JSON that is none) fails the test at once.
 * Results are borrowed until the next call on the same harness. */
#ifndef HARNESS_H
#define HARNESS_H

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugin/exchange_run.h"
#include "plugin/route_run.h"

struct harness;

/* ---- making one ---------------------------------------------------------------------------------------- */

/* An instance of `plugin`. `options` is an object: values as in engine.conf (texts, numbers, true, lists); a
 * JSON_FILE option takes its document, or the path of one; the rest gets the defaults of the table. Required
 * options must be there. Scripts are loaded from the source tree. NULL: {}. */
struct harness *harness_new(const struct sb_plugin *plugin, const char *options);
/* The same for options that the plugin's `open` should refuse: NULL, and why in `err`. */
struct harness *harness_try(const struct sb_plugin *plugin, const char *options, struct sb_error *err);
/* Removes the files, too. */
void harness_free(struct harness *h);

struct sb_instance *harness_instance(struct harness *h);
/* Whether a notice of `open` holds `text`. */
bool harness_has_notice(struct harness *h, const char *text);
/* Puts a file beside the record, as if an earlier step had saved it. Its name for records: "1/recording.mp3".
 */
const char *harness_put_file(struct harness *h, const char *name, const void *data, size_t size);
/* Copies a file from the disk there. */
const char *harness_copy_file(struct harness *h, const char *name, const char *from);
/* Another script host than Lua: for the failures of scripts. */
void harness_set_script_host(struct harness *h, const struct script_host *host, void *script);

/* ---- the world of the next call ------------------------------------------------------------------------ */

void harness_set_record(struct harness *h, const char *json);
void harness_set_cursor(struct harness *h, const char *json);
/* The document of the key that is held; without one, keyed steps get {}. NULL: {}. */
void harness_set_key_doc(struct harness *h, const char *json);
void harness_set_now(struct harness *h, int64_t ms);       /* else 2026-03-10T09:00:00Z; rises only by this */
void harness_set_round(struct harness *h, uint32_t round); /* else 0 */
void harness_set_doubtful(struct harness *h, bool is_doubtful);
void harness_set_age(struct harness *h, int64_t age_ms);              /* sb_step_age_ms(); else 0 */
void harness_set_reference(struct harness *h, const char *reference); /* else "0123456789ABC" */

/* ---- calls --------------------------------------------------------------------------------------------- */

struct harness_result {
    enum sb_verdict verdict;
    const char *reason; /* "" none */
    int64_t delay_ms;   /* of sb_again and sb_retry_in */
    int64_t suspend_ms; /* of sb_suspend */
    bool is_defect;
    bool has_more;   /* of sb_more */
    json_t *found;   /* array of ids of sb_found */
    json_t *listed;  /* array of {account, external_id, reason} of sb_listed */
    json_t *request; /* build said SB_OK: {method, url, headers, body, timeout_ms, save?, public_only?}, else
                        NULL; secrets as [name] */
    json_t *record;  /* the record or cursor afterwards; unchanged after SB_RETRY and SB_REJECT */
    json_t *notes;   /* array of texts */
    json_t *meters;  /* {name: amount} */
    json_t *emits;   /* array of {account, external_id, record} */
    json_t *key_doc; /* the key's document afterwards */
    json_t *intent;  /* what sb_intent_keep() kept, or NULL */
};

/* Calls build of a step of `steps`. A change of the record counts for the calls that follow, as in the
 * engine. */
const struct harness_result *harness_build(struct harness *h, const char *step);
/* Calls fold with an answer to the request of the last build; builds first when that was of another step.
 * `headers` is an object or NULL. A 2xx body goes to the file that build asked for with sb_save_body(). */
const struct harness_result *harness_fold(struct harness *h, const char *step, int status,
                                          const char *headers, const char *body);
const struct harness_result *harness_work(struct harness *h, const char *step);
/* The lock's name, or NULL. */
const char *harness_key(struct harness *h, const char *step);
/* The same for a step of `poll`; the record is the cursor. */
const struct harness_result *harness_poll_build(struct harness *h, const char *step);
const struct harness_result *harness_poll_fold(struct harness *h, const char *step, int status,
                                               const char *headers, const char *body);
/* The same for the reconcile step of `step`, with what the last build of `step` kept in its intent. */
const struct harness_result *harness_reconcile_build(struct harness *h, const char *step);
const struct harness_result *harness_reconcile_fold(struct harness *h, const char *step, int status,
                                                    const char *headers, const char *body);
/* What was kept, when it is not from the last build of this harness: as after a restart. */
void harness_set_intent(struct harness *h, const char *json, int64_t at_ms);

/* Reconcile steps: sb_look_all(), and sb_look_id() with sb_look_is_forced(); NULL: an ordinary look. */
void harness_set_look(struct harness *h, bool looks_for_all, const char *id, bool is_forced);
/* Poll steps: sb_list_since_ms(); 0: an ordinary round. */
void harness_set_list_since(struct harness *h, int64_t since_ms);

/* ---- canned answers ------------------------------------------------------------------------------------ */

/* An answer to requests whose method is `method` (NULL: any) and whose URL holds `url_part`. `times` 0:
 * always. */
struct harness_answer {
    const char *method, *url_part;
    int status;
    const char *headers, *body;
    unsigned times;
};
enum { HARNESS_ANSWERS_MAX = 32, HARNESS_CALLS_MAX = 500 };

/* The table (ends with a row without status) that harness_exchange() and harness_run() answer from; the first
 * row that fits counts. Borrowed. */
void harness_answers(struct harness *h, const struct harness_answer *table);
/* build, and if it says SB_OK fold with the answer of the table; a request that no row fits fails the test.
 */
const struct harness_result *harness_exchange(struct harness *h, const char *step);
/* The steps from the first to the last, repeating those that say SB_AGAIN (the clock moves on by the delay),
 * until one says SB_RETRY, SB_REJECT or SB_DROP. Gives the last result. */
const struct harness_result *harness_run(struct harness *h);
/* One round of `poll` in the same way; emits of all calls are together in the result. */
const struct harness_result *harness_poll(struct harness *h);
/* Requests so far, as in harness_result.request, in order. */
const json_t *harness_requests(struct harness *h);

/* ---- routes -------------------------------------------------------------------------------------------- */

/* What the journal knows of whatever a handler asks for with sb_await(); `record` is a JSON object or NULL. Without it,
 * what the handler has emitted itself is new, and nobody knows anything else. Borrows `known` and its texts. */
void harness_set_known(struct harness *h, const struct sb_known *known, const char *record);
/* The same once a handler has waited; without it, what it was before. */
void harness_set_known_later(struct harness *h, const struct sb_known *known, const char *record);
/* Who calls; else "agent" where the plugin has callers. NULL: as nobody. */
void harness_set_caller(struct harness *h, const char *name);

struct harness_reply {
    enum sb_verdict verdict;
    const char *reason;
    bool is_defect;
    int status; /* 404 and 405 when no route fits */
    json_t *json;
    json_t *headers;
    json_t *emits;   /* of all rounds */
    int rounds;      /* how often the handler was called */
    int64_t wait_ms; /* how long it would have waited at most */
};
const struct harness_reply *harness_route(struct harness *h, const char *method, const char *path,
                                          const char *headers, const char *query, const char *body);

/* ---- looking ------------------------------------------------------------------------------------------- */

/* The value, text or number at a dotted path of a document; a missing one fails the test (text: NULL is
 * allowed). */
const json_t *harness_at(const json_t *value, const char *path);
const char *harness_text(const json_t *value, const char *path);
int64_t harness_int(const json_t *value, const char *path);
/* Fails the test unless the documents are equal, and shows both. `want` is JSON. */
void harness_same(const json_t *got, const char *want);

#endif

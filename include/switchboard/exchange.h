/* What the core offers a plugin while one of its functions runs.
 *
 * Everything returned is borrowed and lives as long as the exchange, unless said otherwise. Paths are dotted member
 * names ("call.from"); the first member names a section of the record, and a section is stored as one piece: keep large
 * texts in a section of their own. All functions are called from the thread that runs the plugin's function. */
#ifndef SWITCHBOARD_EXCHANGE_H
#define SWITCHBOARD_EXCHANGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "switchboard/error.h"

struct sb_exchange;
struct sb_instance;

enum sb_verdict {
    SB_OK = 0, /* done; next step */
    SB_SKIP,   /* nothing to do here; next step */
    SB_AGAIN,  /* this step again, after the delay of sb_again(): next page, not ready yet */
    SB_RETRY,  /* a passing fault: the core backs off and tries again */
    SB_REJECT, /* this plugin cannot do it for this record: next alternative, else dead letter */
    SB_DROP    /* nobody wants this record: finish it without a ticket, with the reason */
};

/* ---- options ------------------------------------------------------------------------------------------- */

/* The value of an option of this instance; NULL, 0 or false when it has none. Asking for an option that the table does
 * not have, or by the wrong type, is a reported defect of the plugin. A secret's value is a placeholder. */
SB_API const char *sb_option_str(const struct sb_exchange *x, const char *name);
SB_API bool sb_option_bool(const struct sb_exchange *x, const char *name);
SB_API int64_t sb_option_int(const struct sb_exchange *x,
                             const char *name); /* INT, DURATION in ms, SIZE in bytes */
SB_API const json_t *sb_option_list(const struct sb_exchange *x,
                                    const char *name); /* array of strings, never NULL */
SB_API const json_t *sb_option_json(const struct sb_exchange *x,
                                    const char *name);                       /* JSON_FILE: document or NULL */
SB_API bool sb_option_is_set(const struct sb_exchange *x, const char *name); /* also for secrets */

/* The same for `open`, `close` and `token_base`. */
SB_API const char *sb_instance_str(const struct sb_instance *instance, const char *name);
SB_API bool sb_instance_bool(const struct sb_instance *instance, const char *name);
SB_API int64_t sb_instance_int(const struct sb_instance *instance, const char *name);
SB_API const json_t *sb_instance_list(const struct sb_instance *instance, const char *name);
SB_API const json_t *sb_instance_json(const struct sb_instance *instance, const char *name);
SB_API bool sb_instance_is_set(const struct sb_instance *instance, const char *name);

/* Gives a STRING or URL option that has no value one that follows from other options (a region's base URL); for `open`.
 * Copies `text`. An option with a value keeps it. */
SB_API void sb_instance_default(struct sb_instance *instance, const char *name, const char *text);
/* Says something that the operator should know at start-up ("every agent is inactive"); for `open`. */
SB_API void sb_instance_notice(struct sb_instance *instance, const char *fmt, ...) SB_PRINTF(2, 3);
/* Says a mistake of the options; for `open`, which looks at everything and then returns err->status, so that the operator
 * is told all mistakes at once. Always fails with SB_ECONFIG; `err` keeps the first one. */
SB_API int sb_instance_mistake(struct sb_instance *instance, struct sb_error *err, const char *fmt, ...)
    SB_PRINTF(3, 4);

/* ---- the record ---------------------------------------------------------------------------------------- */

/* The value at `path`, or NULL. Read only. In a poll step the "record" is the source's cursor document. */
SB_API const json_t *sb_get(const struct sb_exchange *x, const char *path);
/* The text at `path`, or NULL when it is absent, null or not a string. */
SB_API const char *sb_get_str(const struct sb_exchange *x, const char *path);
SB_API int64_t sb_get_int(const struct sb_exchange *x, const char *path, int64_t otherwise);
SB_API double sb_get_number(const struct sb_exchange *x, const char *path, double otherwise);
SB_API bool sb_get_bool(const struct sb_exchange *x, const char *path, bool otherwise);

/* Puts a value at `path`, making objects on the way. sb_set takes `value` (NULL removes the member). Only in fold and
 * work, and in build of a step that says SB_SKIP or SB_AGAIN. */
SB_API void sb_set(struct sb_exchange *x, const char *path, json_t *value);
SB_API void sb_set_str(struct sb_exchange *x, const char *path, const char *text); /* NULL text: JSON null */
SB_API void sb_set_int(struct sb_exchange *x, const char *path, int64_t value);
SB_API void sb_set_number(struct sb_exchange *x, const char *path, double value);
SB_API void sb_set_bool(struct sb_exchange *x, const char *path, bool value);

/* The record's reference: 13 characters of 0-9 A-Z, unique in the journal, the same for ever. NULL in a poll step. */
SB_API const char *sb_reference(const struct sb_exchange *x);

/* Poll steps and routes: a new conversation. `account` and `external_id` are its identity; one that is already known
 * is a no-op. Takes `record`, an object of sections. Committed together with the cursor. */
SB_API void sb_emit(struct sb_exchange *x, const char *account, const char *external_id, json_t *record);

/* ---- time, chance and memory --------------------------------------------------------------------------- */

/* Wall clock in milliseconds since 1970 UTC, frozen for the call. */
SB_API int64_t sb_now_ms(const struct sb_exchange *x);
/* How often this step has said SB_AGAIN for this record (0 at first); the number of the page or of the part. */
SB_API uint32_t sb_round(const struct sb_exchange *x);
/* Whether the record may have done more than the journal knows of it: the journal was restored from a backup. Creations are
 * looked for before they are sent then, by themselves; steps that choose where to create have to look as well. */
SB_API bool sb_is_doubtful(const struct sb_exchange *x);
/* Milliseconds since this step was first reached by this record (survives restarts). */
SB_API int64_t sb_step_age_ms(const struct sb_exchange *x);

/* Memory that lives as long as the exchange. Never NULL: a size over the limit, or no memory, ends the call as
 * a retry of the step. */
SB_API void *sb_alloc(struct sb_exchange *x, size_t size);
SB_API char *sb_strdup(struct sb_exchange *x, const char *text);
SB_API char *sb_strndup(struct sb_exchange *x, const char *text, size_t size);
SB_API char *sb_printf(struct sb_exchange *x, const char *fmt, ...) SB_PRINTF(2, 3);
/* Keeps a reference to `value` until the exchange ends (takes it), and returns it. */
SB_API json_t *sb_keep(struct sb_exchange *x, json_t *value);

/* ---- verdicts ------------------------------------------------------------------------------------------ */

/* Each records a reason for people (no secrets, no personal data) and returns its verdict: `return sb_reject(x, ...)`. */
SB_API enum sb_verdict sb_skip(struct sb_exchange *x, const char *fmt, ...) SB_PRINTF(2, 3);
SB_API enum sb_verdict sb_retry(struct sb_exchange *x, const char *fmt, ...) SB_PRINTF(2, 3);
SB_API enum sb_verdict sb_reject(struct sb_exchange *x, const char *fmt, ...) SB_PRINTF(2, 3);
SB_API enum sb_verdict sb_drop(struct sb_exchange *x, const char *fmt, ...) SB_PRINTF(2, 3);
/* This step again, `delay_ms` from now (0: at once). */
SB_API enum sb_verdict sb_again(struct sb_exchange *x, int64_t delay_ms);
/* SB_RETRY, not before `delay_ms` from now; for services that say how long in their body. Retry-After is read by the
 * core itself. */
SB_API enum sb_verdict sb_retry_in(struct sb_exchange *x, int64_t delay_ms, const char *fmt, ...)
    SB_PRINTF(3, 4);
/* The instance as a whole cannot work (no credit, key refused, wrong organization): opens its breaker for `pause_ms`,
 * raises one alert, and returns SB_RETRY: the record waits behind the breaker, or takes an alternative. */
SB_API enum sb_verdict sb_suspend(struct sb_exchange *x, int64_t pause_ms, const char *fmt, ...)
    SB_PRINTF(3, 4);
/* What the status alone says: 2xx SB_OK; 408, 425, 429 and 5xx SB_RETRY; anything else SB_REJECT; with a reason. */
SB_API enum sb_verdict sb_default_verdict(struct sb_exchange *x);

/* Something that people should see on the record (a warning on its timeline); no secrets, no personal data. */
SB_API void sb_note(struct sb_exchange *x, const char *fmt, ...) SB_PRINTF(2, 3);

/* Adds to a named meter of the instance ("audio_seconds", "tokens_in"), exported as a metric. Counted on commit. */
SB_API void sb_meter(struct sb_exchange *x, const char *name, double amount);

/* ---- keys ---------------------------------------------------------------------------------------------- */

/* The document of the key that is held: read under the lock, its changes commit with the outcome. */
SB_API const json_t *sb_key_get(const struct sb_exchange *x, const char *name);
SB_API void sb_key_set(struct sb_exchange *x, const char *name,
                       json_t *value); /* takes value; NULL removes */

/* ---- creating ------------------------------------------------------------------------------------------ */

/* In build of an SB_CREATE step: keeps a value in the intent, for `reconcile` to ask with the values of then. */
SB_API void sb_intent_keep(struct sb_exchange *x, const char *name, json_t *value); /* takes value */
/* In build and fold of a reconcile step: what was kept, or NULL. */
SB_API const json_t *sb_intent_get(const struct sb_exchange *x, const char *name);
SB_API const char *sb_intent_str(const struct sb_exchange *x, const char *name);
/* In fold of a reconcile step that says SB_OK: what was found is one part of several, and the step goes on with its next
 * round, as SB_AGAIN from its own fold would have said. */
SB_API void sb_more(struct sb_exchange *x);
/* Wall clock of the intent's first commit. */
SB_API int64_t sb_intent_time_ms(const struct sb_exchange *x);

/* ---- the request --------------------------------------------------------------------------------------- */

/* Starts the request: `base` is the value of a URL option (its path is kept). Then append path segments (escaped) and
 * query parameters (escaped). */
SB_API void sb_request(struct sb_exchange *x, const char *method, const char *base);
SB_API void sb_path(struct sb_exchange *x, const char *segment); /* one segment: '/' in it is escaped */
SB_API void sb_paths(struct sb_exchange *x,
                     const char *constant); /* a constant like "/api/v1/tickets", not escaped */
SB_API void sb_query(struct sb_exchange *x, const char *name, const char *value);
SB_API void sb_query_int(struct sb_exchange *x, const char *name, int64_t value);
/* Starts the request with a URL that the other side gave. Its host must be one of `hosts` or `reaches`, https or
 * loopback; credentials go along only if the host is one of `hosts` and sb_anonymous() was not called. Returns false,
 * and leaves no request, when the URL is not allowed. */
SB_API bool sb_request_url(struct sb_exchange *x, const char *method, const char *url) SB_MUST_CHECK;
SB_API void sb_anonymous(struct sb_exchange *x); /* send without the declared credentials */
/* The request goes only to addresses of the public internet: not to loopback, private, link-local or other special ones,
 * whatever the name resolves to. A host without such an address ends the step as SB_REJECT, with nothing sent (SB_RETRY
 * in an SB_CREATE step). For addresses that others may choose. */
SB_API void sb_public_only(struct sb_exchange *x);

SB_API void sb_header(struct sb_exchange *x, const char *name, const char *value);
SB_API void sb_body_json(struct sb_exchange *x, json_t *value); /* takes value; sets Content-Type */
SB_API void sb_body_text(struct sb_exchange *x, const char *content_type, const char *text,
                         size_t size);                                                       /* copies */
SB_API void sb_body_file(struct sb_exchange *x, const char *content_type, const char *file); /* streamed */
SB_API void sb_form(struct sb_exchange *x, const char *name, const char *value); /* urlencoded form field */
SB_API void sb_multipart(struct sb_exchange *x, const char *name, const char *value);
SB_API void sb_multipart_file(struct sb_exchange *x, const char *name, const char *filename,
                              const char *content_type, const char *file);
/* The same for a file that the record holds as base64 (RFC 4648, padded). False, and no part, when `base64` is none. */
SB_API bool sb_multipart_base64(struct sb_exchange *x, const char *name, const char *filename,
                                const char *content_type, const char *base64) SB_MUST_CHECK;
/* The body of a 2xx answer goes to the record's file `name` ("recording.mp3"), at most `size_max` bytes, hashed and
 * synced before the outcome. Other answers are kept in memory as usual. */
SB_API void sb_save_body(struct sb_exchange *x, const char *name, uint64_t size_max);
SB_API void sb_timeout_ms(struct sb_exchange *x,
                          int64_t timeout_ms); /* this request only; at most 30 minutes */

/* ---- the answer ---------------------------------------------------------------------------------------- */

SB_API int sb_http_status(const struct sb_exchange *x);
/* In fold of a step with SB_STEP_READS_FAULTS: why there was no answer, or NULL when there is one. `ret_is_lasting` (NULL
 * allowed): asking again would end the same way. */
SB_API const char *sb_http_fault(const struct sb_exchange *x, bool *ret_is_lasting);
SB_API const char *sb_http_header(const struct sb_exchange *x,
                                  const char *name);            /* first of that name, or NULL */
SB_API const json_t *sb_http_json(const struct sb_exchange *x); /* parsed once; NULL when it is not JSON */
SB_API const char *sb_http_text(const struct sb_exchange *x,
                                size_t *ret_size); /* never NULL, NUL-terminated */

/* The saved file: its name for sb_body_file and sb_audio_open ("<record>/recording.mp3"), size, SHA-256 in hex, and
 * its first bytes (at most 64). NULL or 0 when nothing was saved. */
SB_API const char *sb_saved_file(const struct sb_exchange *x);
SB_API uint64_t sb_saved_size(const struct sb_exchange *x);
SB_API const char *sb_saved_sha256(const struct sb_exchange *x);
SB_API const unsigned char *sb_saved_head(const struct sb_exchange *x, size_t *ret_size);
/* Size in bytes of a file of the record, or -1 when it is not there (any more). */
SB_API int64_t sb_file_size(const struct sb_exchange *x, const char *file);

/* ---- what purity takes away ---------------------------------------------------------------------------- */

/* Decodes a file of the record (mp3, wav, ogg, flac) to 16-bit samples at `rate`; for `work`. Channels apart. */
struct sb_audio {
    uint32_t rate;
    uint32_t channels;
    size_t frames;           /* samples a channel */
    int16_t *const *samples; /* samples[channel][frame] */
};
SB_API int sb_audio_decode(struct sb_exchange *x, const char *file, uint32_t rate,
                           const struct sb_audio **ret_audio, struct sb_error *err) SB_MUST_CHECK;

/* Calls `function` of the script behind the SCRIPT option `option` with the record (read only; in a route the body that
 * sb_in_json() gave) and `argument` (borrowed, may be NULL). Gives its first result, to be put into the record or
 * released. A failure is a defect of the script: return sb_script_failed(). */
SB_API int sb_script_call(struct sb_exchange *x, const char *option, const char *function,
                          const json_t *argument, json_t **ret_result, struct sb_error *err) SB_MUST_CHECK;
/* Whether that script defines `function`: for what a script may leave to the plugin. */
SB_API bool sb_script_has(const struct sb_exchange *x, const char *option, const char *function);
/* Sends the record to the dead letters with the script's error, whatever alternatives there are. */
SB_API enum sb_verdict sb_script_failed(struct sb_exchange *x, const struct sb_error *err);

/* A phone number in E.164 ("+915550100001") for `region` ("IN"), or NULL when it cannot be one; and whether the
 * numbering plan calls it valid. A number called invalid is still to be matched by its digits. */
SB_API const char *sb_phone_e164(struct sb_exchange *x, const char *text, const char *region,
                                 bool *ret_is_valid);
/* Only its ASCII digits; and its last `count` digits, or NULL when it has fewer than `count`. */
SB_API const char *sb_digits(struct sb_exchange *x, const char *text);
SB_API const char *sb_last_digits(struct sb_exchange *x, const char *text, size_t count);

/* `text` with & < > " ' escaped and newlines as <br>, for HTML fields. */
SB_API const char *sb_html(struct sb_exchange *x, const char *text);
/* `text` cut to at most `characters_max` Unicode characters, at a character; "…" marks the cut. */
SB_API const char *sb_cut(struct sb_exchange *x, const char *text, size_t characters_max);
/* Unicode characters in valid UTF-8; invalid bytes count one each. */
SB_API size_t sb_characters(const char *text);
/* `text` as valid UTF-8: invalid bytes and control characters other than newline and tab become U+FFFD. */
SB_API const char *sb_utf8(struct sb_exchange *x, const char *text);

/* "2026-03-10 14:30:00" (wall clock of the zone `offset_minutes` east of UTC) to ms since 1970, or -1 when malformed. */
SB_API int64_t sb_parse_wall_time(const char *text, int offset_minutes);
/* RFC 3339 ("2026-03-10T09:00:11.000Z", offsets too) to ms since 1970, or -1 when malformed. */
SB_API int64_t sb_parse_rfc3339(const char *text);
/* The reverse of the first: "2026-03-10 14:30:00". */
SB_API const char *sb_wall_time(struct sb_exchange *x, int64_t ms, int offset_minutes);
/* "2026-03-10T09:00:11Z". */
SB_API const char *sb_rfc3339(struct sb_exchange *x, int64_t ms);

/* SHA-256 in hex of what `value` says: the same whatever white space and order of members it came with. */
SB_API const char *sb_json_sha256(struct sb_exchange *x, const json_t *value);
/* "host:port" of an absolute address that begins with https:// (http:// for loopback only), has no user name in it, and
 * could be asked; NULL for any other text. `ret_is_allowed` (NULL allowed): whether sb_request_url() would take it. */
SB_API const char *sb_url_host(struct sb_exchange *x, const char *url, bool *ret_is_allowed);

/* A list or object member by name as text or number, tolerant of numbers written as strings; for answers. */
SB_API const char *sb_json_str(const json_t *object, const char *name); /* NULL when not a string */
SB_API int64_t sb_json_int(const json_t *object, const char *name,
                           int64_t otherwise); /* also "17" and 17.0 */
SB_API double sb_json_number(const json_t *object, const char *name, double otherwise); /* also "12.5" */
SB_API const json_t *sb_json_at(const json_t *value, const char *path); /* "a.b.0.c"; NULL: absent */
/* What it is, for sentences: "an object", "a list", "a text", "a number", "true or false", "null"; "nothing"
 * for NULL. */
SB_API const char *sb_json_kind(const json_t *value);

/* ---- routes -------------------------------------------------------------------------------------------- */

SB_API const char *sb_in_header(const struct sb_exchange *x, const char *name);
SB_API const char *sb_in_query(const struct sb_exchange *x, const char *name);
SB_API const char *sb_in_path(const struct sb_exchange *x, const char *name);       /* "{id}" of the route */
SB_API const json_t *sb_in_json(const struct sb_exchange *x, struct sb_error *err); /* NULL with the reason */
SB_API const char *sb_in_body(const struct sb_exchange *x, size_t *ret_size);
/* All headers by name in lower case, without those that hold credentials. */
SB_API const json_t *sb_in_headers(struct sb_exchange *x);
/* The name of the token that the call showed; NULL on an open route, and in a plugin without `callers`. */
SB_API const char *sb_in_caller(const struct sb_exchange *x);
/* Verifies inbound credentials in constant time against the secret option: a bearer token, or HMAC-SHA-256 in
 * `header` over the body. */
SB_API bool sb_in_bearer_is(const struct sb_exchange *x, const char *secret_option);
SB_API bool sb_in_hmac_is(const struct sb_exchange *x, const char *secret_option, const char *header);
SB_API void sb_reply_json(struct sb_exchange *x, int status, json_t *value); /* takes value */
SB_API void sb_reply_header(struct sb_exchange *x, const char *name, const char *value);

/* Asks for the conversation of an identity: `return SB_AGAIN` next, and the handler is called again once what it has
 * emitted is committed and the record was looked up. With `wait_ms` > 0 not before the record has `ticket.user_message`
 * or has ended, the time is over, or the caller has gone; at most SB_AWAIT_MAX_MS, and at once when too many calls wait already. Takes
 * `kept`, what the handler wants to remember until then (NULL: nothing). */
enum { SB_AWAIT_MAX_MS = 60 * 1000, SB_ROUNDS_MAX = 8 };
SB_API void sb_await(struct sb_exchange *x, const char *account, const char *external_id, int64_t wait_ms,
                     json_t *kept);

/* How the conversation that sb_await() asked for stands. Its record is read with sb_get(), its reference with
 * sb_reference(). */
struct sb_known {
    /* NULL: nobody knows it. "active", "done", "dropped", "disabled" or "dead"; or "expired": it was known once, and its
     * record is gone. */
    const char *state;
    const char *reason;                        /* why it ended so, for people; NULL: none */
    bool is_new;                               /* this call has brought it */
    int64_t received_ms, updated_ms, ended_ms; /* since 1970; 0: not yet, or not known */
    const json_t *kept;                        /* of sb_await() */
};
/* NULL in the first round. */
SB_API const struct sb_known *sb_known(const struct sb_exchange *x);

/* Outbound: adds `header` with "sha256=" and the HMAC-SHA-256 of the body, made by the core while it sends. */
SB_API void sb_sign_body(struct sb_exchange *x, const char *header, const char *secret_option);
/* The same with a time stamp, so that the other side can refuse what is replayed: adds `time_header` with the seconds
 * since 1970, and signs "<seconds>.<body>". */
SB_API void sb_sign_timed(struct sb_exchange *x, const char *time_header, const char *header,
                          const char *secret_option);

#endif

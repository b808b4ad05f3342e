/* Downloads the recording of a call. It may come minutes after the call, and nobody knows what a download
 * that is too early answers: whatever is no audio is "not yet", until `recording_wait` is over.
 *
 * Where it is fetched from, in this order:
 *   presigned   an address that carries its own signature: without credentials, always
 *   url         RecordingUrl: with credentials on our own hosts, without on the old storage hosts
 *   mirror      the same path on `recordings_url`, with credentials, when a storage host refuses
 * After a refusal the call is read again (`call`), since addresses change and signatures expire. Which one is
 * next stands in the record, so that the answer is folded as what was asked for. */
#include <string.h>

#include "exotel.h"

enum {
    RECORDING_TRIES_QUIET = 4
}; /* early refusals of RecordingUrl that do not cost a reading of the call */

#define WAIT_MS_FIRST (5 * EXO_SECOND_MS)
#define WAIT_MS_MAX   (10 * EXO_MINUTE_MS)

/* Downloads that fail half-way are repeated by the core. After the deadline they have this long, and then the
 * ticket says so: a conversation always gets its ticket. */
#define GIVE_UP_MS (6 * EXO_HOUR_MS)

enum target { TARGET_URL = 0, TARGET_PRESIGNED, TARGET_MIRROR, TARGET_CALL };

static enum target next_target(const struct sb_exchange *x)
{
    const char *next = sb_get_str(x, "recording.next");

    if (next && strcmp(next, "call") == 0)
        return TARGET_CALL;
    if (next && strcmp(next, "mirror") == 0)
        return TARGET_MIRROR;
    return sb_get_str(x, "recording.presigned_url") ? TARGET_PRESIGNED : TARGET_URL;
}

/* ---- asking -------------------------------------------------------------------------------------------- */

/* The path of RecordingUrl on the recordings host. */
static void request_mirror(struct sb_exchange *x)
{
    const char *url = exo_without_query(x, sb_get_str(x, "recording.url"));
    const char *host = strstr(url, "://");
    const char *at = host ? strchr(host + 3, '/') : NULL;

    sb_request(x, "GET", sb_option_str(x, "recordings_url"));
    while (at && *at) {
        at += strspn(at, "/");
        size_t size = strcspn(at, "/");
        if (size > 0)
            sb_path(x, sb_strndup(x, at, size));
        at += size;
    }
}

static bool request_file(struct sb_exchange *x, enum target target)
{
    if (target == TARGET_MIRROR) {
        request_mirror(x);
    } else {
        const char *url =
            sb_get_str(x, target == TARGET_PRESIGNED ? "recording.presigned_url" : "recording.url");
        if (!url || !sb_request_url(x, "GET", url))
            return false;
        if (target == TARGET_PRESIGNED || exo_is_signed(url))
            sb_anonymous(x);
    }
    sb_save_body(x, "recording.mp3", (uint64_t)sb_option_int(x, "recording_size_max"));
    return true;
}

/* ---- waiting ------------------------------------------------------------------------------------------- */

/* How long to wait before the next try: doubling from five seconds, and the last one at the deadline. */
static int64_t next_wait(const struct sb_exchange *x, int64_t tries)
{
    enum { DOUBLINGS_MAX = 10 };
    int64_t wait = WAIT_MS_FIRST << (tries < DOUBLINGS_MAX ? tries : DOUBLINGS_MAX);
    int64_t left = exo_recording_deadline(x) - sb_now_ms(x);

    if (wait > WAIT_MS_MAX)
        wait = WAIT_MS_MAX;
    return left > 0 && left < wait ? left : wait;
}

/* Not there yet: another try later, after the call was read again where that may help. At the deadline there is one more,
 * at an address that is fresh: what was stored may have expired while the engine stood still. */
static enum sb_verdict not_yet(struct sb_exchange *x, const char *why, bool read_call_first)
{
    int64_t tries = sb_get_int(x, "recording.tries", 0);
    int64_t wait = 0;

    if (sb_now_ms(x) < exo_recording_deadline(x)) {
        wait = next_wait(x, tries);
    } else if (!sb_get_bool(x, "recording.is_last_try", false)) {
        sb_set_bool(x, "recording.is_last_try", true);
        read_call_first = true;
    } else {
        return exo_recording_missing(x, why);
    }
    sb_set_int(x, "recording.tries", tries + 1);
    sb_set_str(x, "recording.why", why);
    if (read_call_first)
        sb_set_str(x, "recording.next", "call");
    else
        sb_set(x, "recording.next", NULL);
    return sb_again(x, wait);
}

static bool is_pending(const struct sb_exchange *x)
{
    const char *state = sb_get_str(x, "recording.state");

    return !state || strcmp(state, "pending") == 0;
}

/* The address leads to a host that the configuration does not name. There is time to name it. */
static enum sb_verdict refuse_host(struct sb_exchange *x, enum target target)
{
    const char *url = sb_get_str(x, target == TARGET_PRESIGNED ? "recording.presigned_url" : "recording.url");
    const char *why =
        sb_printf(x, "it is on '%s', which 'recording_hosts' does not name", exo_host(x, url ? url : ""));

    if (sb_get_int(x, "recording.tries", 0) == 0)
        sb_note(x, "the recording is not fetched: %s", why);
    return not_yet(x, why, false);
}

enum sb_verdict exo_build_recording(struct sb_exchange *x)
{
    enum target target = next_target(x);

    if (!is_pending(x))
        return SB_SKIP;
    if (sb_step_age_ms(x) >= GIVE_UP_MS && sb_now_ms(x) >= exo_recording_deadline(x))
        return exo_recording_missing(x, "it could not be downloaded for hours");
    if (target == TARGET_CALL) {
        exo_request_call(x);
        return SB_OK;
    }
    return request_file(x, target) ? SB_OK : refuse_host(x, target);
}

/* ---- folding ------------------------------------------------------------------------------------------- */

/* The kind of audio that the first bytes speak of, or NULL. */
static const char *audio_type(const unsigned char *head, size_t size)
{
    if (size >= 3 && memcmp(head, "ID3", 3) == 0)
        return "audio/mpeg";
    if (size >= 2 && head[0] == 0xff && (head[1] & 0xe0) == 0xe0)
        return "audio/mpeg";
    if (size >= 12 && memcmp(head, "RIFF", 4) == 0 && memcmp(head + 8, "WAVE", 4) == 0)
        return "audio/wav";
    if (size >= 4 && memcmp(head, "OggS", 4) == 0)
        return "audio/ogg";
    return size >= 4 && memcmp(head, "fLaC", 4) == 0 ? "audio/flac" : NULL;
}

/* The channels of an MPEG audio frame that begins at `frame`; 0 when none does. */
static int64_t mpeg_channels(const unsigned char *frame, size_t size)
{
    enum { MODE_MONO = 3 };

    if (size < 4 || frame[0] != 0xff || (frame[1] & 0xe0) != 0xe0)
        return 0;
    return frame[3] >> 6 == MODE_MONO ? 1 : 2;
}

/* How many channels the first bytes speak of; 0 when they do not say, as behind a long tag. */
static int64_t channels_of(const unsigned char *head, size_t size)
{
    enum { TAG_HEADER_SIZE = 10, WAVE_CHANNELS_AT = 22 };

    if (size >= WAVE_CHANNELS_AT + 2 && memcmp(head, "RIFF", 4) == 0 && memcmp(head + 12, "fmt ", 4) == 0)
        return head[WAVE_CHANNELS_AT] | head[WAVE_CHANNELS_AT + 1] << 8;
    size_t begin = 0;
    if (size >= TAG_HEADER_SIZE && memcmp(head, "ID3", 3) == 0)
        begin = TAG_HEADER_SIZE + ((size_t)(head[6] & 0x7f) << 21 | (size_t)(head[7] & 0x7f) << 14 |
                                   (size_t)(head[8] & 0x7f) << 7 | (size_t)(head[9] & 0x7f));
    return begin < size ? mpeg_channels(head + begin, size - begin) : 0;
}

/* Which channel of a stereo recording the agent is on. The first party called is on the left, it is said: the
 * agent of an outbound call. For inbound calls nobody says it reliably, so that only the option can tell. */
static void set_agent_channel(struct sb_exchange *x)
{
    const char *channels = sb_option_str(x, "channels");
    const char *direction = sb_get_str(x, "call.direction");
    bool is_outbound = direction && strcmp(direction, "outbound") == 0;

    if (strcmp(channels, "auto") != 0)
        sb_set_int(x, "recording.agent_channel", strcmp(channels, "left") == 0 ? 0 : 1);
    else if (is_outbound && !sb_get_bool(x, "call.is_flow", false))
        sb_set_int(x, "recording.agent_channel", 0);
    else
        sb_set(x, "recording.agent_channel", json_null());
}

static enum sb_verdict fold_audio(struct sb_exchange *x)
{
    size_t head_size = 0;
    const unsigned char *head = sb_saved_head(x, &head_size);
    uint64_t size = sb_saved_size(x);

    if (!sb_saved_file(x) || size == 0)
        return not_yet(x, "the recording is empty so far", false);
    const char *type = audio_type(head, head_size);
    if (!type)
        return not_yet(x, "something that is no audio came instead of the recording", true);
    sb_set_str(x, "recording.state", "saved");
    sb_set_str(x, "recording.file", sb_saved_file(x));
    sb_set_int(x, "recording.size", (int64_t)size);
    sb_set_str(x, "recording.sha256", sb_saved_sha256(x));
    sb_set_str(x, "recording.content_type", type);
    int64_t channels = channels_of(head, head_size);
    sb_set(x, "recording.channels", channels > 0 ? json_integer(channels) : json_null());
    set_agent_channel(x);
    exo_recording_forget_tries(x);
    sb_set(x, "recording.why", NULL);
    sb_meter(x, "recording_bytes", (double)size);
    return SB_OK;
}

/* Whether the address is on another host than ours, whose refusal the recordings host may know better about.
 */
static bool has_mirror(struct sb_exchange *x)
{
    const char *url = sb_get_str(x, "recording.url");

    return url && strcmp(exo_host(x, url), exo_host(x, sb_option_str(x, "recordings_url"))) != 0;
}

static enum sb_verdict fold_refused(struct sb_exchange *x, enum target target, int status)
{
    size_t size;

    if (target == TARGET_URL && (status == 401 || status == 403) && has_mirror(x)) {
        sb_set_str(x, "recording.next", "mirror");
        return sb_again(x, 0);
    }
    bool is_early = target == TARGET_URL && sb_get_int(x, "recording.tries", 0) < RECORDING_TRIES_QUIET;
    bool read_call_first = !is_early && (status == 400 || status == 401 || status == 403 || status == 404);
    if (strstr(sb_http_text(x, &size), "Invalid IP")) {
        if (sb_get_int(x, "recording.tries", 0) == 0)
            sb_note(x, "Exotel gives recordings of this account to listed addresses only: put this machine's "
                       "address on "
                       "the list, or have credentials allowed");
        return not_yet(x, "this machine's address is not on the account's list for recordings",
                       read_call_first);
    }
    if (status == 401 && target != TARGET_PRESIGNED)
        return not_yet(x, "the recordings host refuses the credentials (401)", read_call_first);
    return not_yet(x, sb_printf(x, "the recordings host answered %d", status), read_call_first);
}

static enum sb_verdict fold_file(struct sb_exchange *x, enum target target)
{
    int status = sb_http_status(x);

    if (status >= 200 && status <= 299)
        return fold_audio(x);
    if (status == 429 && !sb_http_header(x, "Retry-After"))
        return sb_retry_in(x, EXO_THROTTLED_MS, "the recordings host wants fewer requests (429)");
    if (status == 408 || status == 425 || status == 429 || status >= 500)
        return sb_retry(x, "the recordings host fails for the moment (%d)", status);
    return fold_refused(x, target, status);
}

/* The call was read again: on with the file, at whatever address it has now. */
static enum sb_verdict fold_call(struct sb_exchange *x)
{
    int status = exo_status(x);
    struct exo_call call;

    if (status != 400 && status != 404) {
        enum sb_verdict verdict = SB_RETRY;
        const json_t *answer = exo_api_answer(x, &verdict);
        if (!answer)
            return verdict;
        exo_read_call(x, json_array_get(exo_calls_of(x, answer), 0), &call);
        if (call.sid)
            exo_update_record(x, &call, true);
        if (call.sid)
            (void)exo_name_agent(x); /* an inactive one would have been found when the call was screened */
    }
    sb_set(x, "recording.next", NULL);
    return sb_again(x, 0);
}

enum sb_verdict exo_fold_recording(struct sb_exchange *x)
{
    enum target target = next_target(x);

    return target == TARGET_CALL ? fold_call(x) : fold_file(x, target);
}

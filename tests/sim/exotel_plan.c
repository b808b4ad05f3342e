/* From the description of a call (a plan) to a call: the kind says what is usual, the plan what is different.
 */
#include "exotel.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char default_exophone[] = "05550100900";

/* A call that is being described: what the plan has said so far decides the rest. */
struct draft {
    struct exotel *exotel;
    struct exo_call *call;
    const struct exo_kind *kind;
    const json_t *plan, *extra;
    int64_t now_ms;
    struct sim_error *err;
};

static json_t *plan_member(const struct draft *draft, const char *name)
{
    json_t *value = json_object_get(draft->plan, name);
    return value ? value : json_object_get(draft->extra, name);
}

/* Sets a text from the plan; null clears it. */
static int set_text(const struct draft *draft, const char *name, char **text)
{
    const json_t *value = plan_member(draft, name);
    if (!value)
        return 0;
    if (!json_is_string(value) && !json_is_null(value))
        return sim_fail(draft->err, "call '%s': %s is not a text", draft->call->sid, name);
    exo_set_text(text, json_string_value(value));
    return 0;
}

static int set_number(const struct draft *draft, const char *name, int64_t *number)
{
    const json_t *value = plan_member(draft, name);
    if (!value)
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return sim_fail(draft->err, "call '%s': %s is not a count", draft->call->sid, name);
    *number = json_integer_value(value);
    return 0;
}

static int set_time(const struct draft *draft, const char *name, int64_t *time_ms)
{
    const json_t *value = plan_member(draft, name);
    if (value && exo_read_time(value, draft->now_ms, time_ms) < 0)
        return sim_fail(draft->err,
                        "call '%s': %s is not a time; write '2026-03-10 14:30:00' (IST) or '-10m'",
                        draft->call->sid, name);
    return 0;
}

static int set_direction(const struct draft *draft)
{
    const char *word = json_string_value(plan_member(draft, "direction"));
    if (!plan_member(draft, "direction"))
        return 0;
    for (unsigned i = 0; i < EXO_DIRECTIONS; i++) {
        if (word && strcmp(word, exo_direction_word((enum exo_direction)i)) == 0) {
            draft->call->direction = (enum exo_direction)i;
            return 0;
        }
    }
    return sim_fail(draft->err, "call '%s': direction is not inbound, outbound-dial or outbound-api",
                    draft->call->sid);
}

/* Who talked to whom. Callers and agents are taken in turn when the plan names none. */
static int set_parties(const struct draft *draft)
{
    struct exo_call *call = draft->call;
    uint64_t turn = draft->exotel->next_id;
    exo_set_text(&call->exophone, default_exophone);
    if (set_text(draft, "exophone", &call->exophone) < 0)
        return -1;
    char *caller = exo_caller_number(turn), *agent = exo_agent_number(turn % 3);
    if (draft->kind->has_sip_agent)
        exo_set_text(&agent, "sip:demoagent01");
    bool is_inbound = call->direction == EXO_INBOUND;
    bool meets_nobody = draft->kind->reaches_nobody || draft->kind->is_flow;
    exo_set_text(&call->from, is_inbound || draft->kind->is_flow ? caller : agent);
    exo_set_text(&call->to, meets_nobody ? call->exophone : is_inbound ? agent : caller);
    free(caller);
    free(agent);
    if (set_text(draft, "from", &call->from) < 0 || set_text(draft, "to", &call->to) < 0)
        return -1;
    if (!call->from || !call->to || !call->exophone)
        return sim_fail(draft->err, "call '%s': from, to and exophone may not be null", call->sid);
    return 0;
}

static int set_outcome(const struct draft *draft)
{
    struct exo_call *call = draft->call;
    const struct exo_kind *kind = draft->kind;
    exo_set_text(&call->status, kind->status);
    exo_set_text(&call->leg1_status, kind->leg1_status);
    exo_set_text(&call->leg2_status, kind->leg2_status);
    exo_set_text(&call->custom_field, kind->custom_field);
    exo_set_text(&call->answered_by, kind->direction == EXO_INBOUND && !kind->never_settles ? "human" : NULL);
    call->never_settles = kind->never_settles;
    if (set_text(draft, "status", &call->status) < 0 ||
        set_text(draft, "leg1_status", &call->leg1_status) < 0 ||
        set_text(draft, "leg2_status", &call->leg2_status) < 0 ||
        set_text(draft, "custom_field", &call->custom_field) < 0 ||
        set_text(draft, "answered_by", &call->answered_by) < 0 ||
        set_text(draft, "forwarded_from", &call->forwarded_from) < 0 ||
        set_text(draft, "caller_name", &call->caller_name) < 0)
        return -1;
    const json_t *settles = plan_member(draft, "settles");
    if (settles && !json_is_boolean(settles))
        return sim_fail(draft->err, "call '%s': settles is not true or false", call->sid);
    if (settles)
        call->never_settles = json_is_false(settles);
    const json_t *omit = plan_member(draft, "omit");
    if (omit && !json_is_array(omit))
        return sim_fail(draft->err, "call '%s': omit is not a list of members", call->sid);
    call->omit = omit ? json_deep_copy(omit) : kind->omit ? json_array() : NULL;
    for (size_t i = 0; !omit && kind->omit && kind->omit[i]; i++)
        json_array_append_new(call->omit, json_string(kind->omit[i]));
    return 0;
}

/* The last second before midnight IST that is long enough ago for the call to be over. */
static int64_t last_evening(int64_t before_ms)
{
    return (exo_day_start(before_ms / EXO_SECOND_MS) - 1) * EXO_SECOND_MS;
}

/* Start, end, duration and talk: what is missing follows from what is there. */
static int set_times(const struct draft *draft)
{
    enum { ENDED_AGO_MS = 600000, RING_S = 17, MENU_S = 15 };
    struct exo_call *call = draft->call;
    int64_t unset = INT64_MIN, start_ms = unset, end_ms = unset, duration_s = unset, talk_s = unset,
            leg2_s = unset;
    if (set_time(draft, "start", &start_ms) < 0 || set_time(draft, "end", &end_ms) < 0 ||
        set_number(draft, "duration_s", &duration_s) < 0 || set_number(draft, "talk_s", &talk_s) < 0 ||
        set_number(draft, "leg2_s", &leg2_s) < 0)
        return -1;
    if (duration_s == unset && start_ms != unset && end_ms != unset)
        duration_s = (end_ms - start_ms) / EXO_SECOND_MS;
    if (duration_s == unset)
        duration_s = talk_s == unset ? draft->kind->duration_s : talk_s + RING_S + MENU_S;
    if (talk_s == unset)
        talk_s = draft->kind->talk_s < duration_s ? draft->kind->talk_s : duration_s;
    if (start_ms == unset && end_ms != unset)
        start_ms = end_ms - duration_s * EXO_SECOND_MS;
    if (start_ms == unset)
        start_ms = draft->now_ms - ENDED_AGO_MS - duration_s * EXO_SECOND_MS;
    if (draft->kind->is_late_evening && !plan_member(draft, "start"))
        start_ms = last_evening(start_ms);
    if (end_ms == unset)
        end_ms = start_ms + duration_s * EXO_SECOND_MS;
    if (end_ms < start_ms)
        return sim_fail(draft->err, "call '%s': it ends before it starts", call->sid);
    call->start_ms = start_ms;
    call->end_ms = end_ms;
    call->duration_s = duration_s;
    call->talk_s = talk_s;
    call->leg1_s = duration_s > MENU_S ? duration_s - MENU_S : duration_s;
    call->leg2_s = leg2_s != unset ? leg2_s : talk_s > 0 ? talk_s : draft->kind->leg2_s;
    return 0;
}

static int set_settling(const struct draft *draft)
{
    struct exo_call *call = draft->call;
    int64_t settle_s = sim_knob_int(draft->exotel->service, EXO_SETTLE_S);
    if (set_number(draft, "settle_s", &settle_s) < 0)
        return -1;
    call->settle_ms = settle_s * EXO_SECOND_MS;
    int64_t pulses = call->duration_s / 30;
    call->price = draft->kind->has_no_price ? -1 : 0.05 + 0.25 * (double)pulses;
    const json_t *price = plan_member(draft, "price");
    if (price && !json_is_number(price) && !json_is_null(price))
        return sim_fail(draft->err, "call '%s': price is not a number", call->sid);
    if (price)
        call->price = json_is_null(price) ? -1 : json_number_value(price);
    return 0;
}

/* ---- its recording ---- */

/* The name differs from the call's id as it does on old clusters: one letter further at the end. */
static char *choose_recording_name(const struct draft *draft)
{
    char *name = sim_strdup(draft->call->sid);
    size_t length = strlen(name);
    if (draft->kind->is_renamed && length > 0)
        name[length - 1] = name[length - 1] == '9' ? 'a' : (char)(name[length - 1] + 1);
    return name;
}

static int read_recording(const struct draft *draft, json_t *plan)
{
    struct exo_recording *recording = &draft->call->recording;
    const char *name = NULL, *file = NULL;
    json_int_t bytes = -1;
    int channels = (int)recording->channels, is_silent = recording->is_silent;
    json_t *delay = NULL;
    json_error_t error;
    if (json_unpack_ex(plan, &error, JSON_STRICT, "{s?s, s?s, s?I, s?i, s?b, s?o}", "name", &name, "file",
                       &file, "bytes", &bytes, "channels", &channels, "silent", &is_silent, "delay_s",
                       &delay) < 0)
        return sim_fail(draft->err, "call '%s': recording: %s", draft->call->sid, error.text);
    if (channels < 1 || channels > 2 || (delay && !json_is_number(delay) && !json_is_null(delay)))
        return sim_fail(draft->err,
                        "call '%s': recording: channels is 1 or 2, delay_s a number or null (never)",
                        draft->call->sid);
    if (name)
        exo_set_text(&recording->name, name);
    if (file)
        exo_set_text(&recording->file, file);
    if (bytes >= 0)
        recording->bytes = (size_t)bytes;
    recording->channels = (unsigned)channels;
    recording->is_silent = is_silent != 0;
    if (delay)
        recording->delay_ms = json_is_null(delay) ? -1 : (int64_t)(json_number_value(delay) * EXO_SECOND_MS);
    return 0;
}

/* "recording" is an object, a path (a file on disk), true, false or null (none). */
static int set_recording(const struct draft *draft)
{
    struct exo_call *call = draft->call;
    struct exo_recording *recording = &call->recording;
    json_t *plan = plan_member(draft, "recording");
    int64_t delay_s = draft->kind->recording_delay_s
                          ? draft->kind->recording_delay_s
                          : sim_knob_int(draft->exotel->service, EXO_RECORDING_DELAY_S);
    recording->exists = plan ? !json_is_false(plan) && !json_is_null(plan) : draft->kind->has_recording;
    recording->channels = draft->kind->channels ? draft->kind->channels : 1;
    recording->is_silent = draft->kind->is_silent;
    recording->delay_ms = delay_s < 0 ? -1 : delay_s * EXO_SECOND_MS;
    recording->name = choose_recording_name(draft);
    int64_t bytes = 0;
    if (set_number(draft, "recording_bytes", &bytes) < 0)
        return -1;
    recording->bytes = (size_t)bytes;
    if (json_is_string(plan))
        exo_set_text(&recording->file, json_string_value(plan));
    else if (json_is_object(plan) && read_recording(draft, plan) < 0)
        return -1;
    else if (plan && !json_is_object(plan) && !json_is_boolean(plan) && !json_is_null(plan))
        return sim_fail(draft->err, "call '%s': recording is not an object, a path, true, false or null",
                        call->sid);
    if (asprintf(&recording->key, "%s/%s", call->account->sid, recording->name) < 0)
        abort();
    return 0;
}

/* ---- the whole ---- */

static int check_members(const json_t *plan, struct sim_error *err)
{
    static const char *const known[] = {
        "sid",          "account",        "kind",        "direction",   "from",        "to",
        "exophone",     "start",          "end",         "duration_s",  "talk_s",      "leg2_s",
        "status",       "leg1_status",    "leg2_status", "answered_by", "caller_name", "forwarded_from",
        "custom_field", "price",          "settle_s",    "settles",     "omit",        "recording",
        "transcript",   "recording_bytes"
    };
    const char *name;
    json_t *value;
    json_object_foreach ((json_t *)plan, name, value) {
        size_t i = 0;
        while (i < sizeof(known) / sizeof(known[0]) && strcmp(known[i], name) != 0)
            i++;
        if (i == sizeof(known) / sizeof(known[0]))
            return sim_fail(err, "call: unknown member '%s'", name);
    }
    return 0;
}

static int choose_kind(struct draft *draft)
{
    const json_t *value = plan_member(draft, "kind");
    const char *name = value ? json_string_value(value) : "answered_inbound";
    draft->kind = name ? exo_find_kind(name) : NULL;
    if (!draft->kind)
        return sim_fail(draft->err, "call: unknown kind '%s'", name ? name : "?");
    draft->call->kind = sim_strdup(name);
    draft->call->direction = draft->kind->direction;
    return 0;
}

static int set_identity(const struct draft *draft)
{
    struct exotel *exotel = draft->exotel;
    assert(draft->kind);
    const char *account = json_string_value(plan_member(draft, "account"));
    draft->call->account = account ? exo_find_account(exotel, account) : &exotel->accounts[0];
    if (!draft->call->account)
        return sim_fail(draft->err, "call: no account '%s'", account);
    draft->call->sid = exo_new_sid(exotel, draft->kind->is_wide_sid);
    if (set_text(draft, "sid", &draft->call->sid) < 0)
        return -1;
    if (!draft->call->sid || !draft->call->sid[0])
        return sim_fail(draft->err, "call: an empty sid");
    return 0;
}

static int set_script(const struct draft *draft)
{
    json_t *script = plan_member(draft, "transcript");
    if (script && !json_is_array(script) && !json_is_string(script))
        return sim_fail(draft->err, "call '%s': transcript is neither a text nor a list of turns",
                        draft->call->sid);
    draft->call->script = script ? json_deep_copy(script) : NULL;
    return 0;
}

int exo_plan_call(struct exotel *exotel, const json_t *plan, const json_t *extra, struct sim_error *err)
{
    if (!json_is_object(plan))
        return sim_fail(err, "a call is described by an object");
    if (check_members(plan, err) < 0 || check_members(extra, err) < 0)
        return -1;
    struct draft draft = { .exotel = exotel,
                           .call = sim_calloc(1, sizeof(*draft.call)),
                           .plan = plan,
                           .extra = extra,
                           .now_ms = sim_now_ms(exotel->service->sim),
                           .err = err };
    if (choose_kind(&draft) < 0 || set_identity(&draft) < 0 || set_direction(&draft) < 0 ||
        set_parties(&draft) < 0 || set_outcome(&draft) < 0 || set_times(&draft) < 0 ||
        set_settling(&draft) < 0 || set_recording(&draft) < 0 || set_script(&draft) < 0) {
        exo_free_call(draft.call);
        return -1;
    }
    return exo_add_call(exotel, draft.call, err);
}

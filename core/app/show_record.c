/* The head of a record, and its sections as sentences. */
#include <inttypes.h>
#include <string.h>

#include "app/show.h"
#include "base/json.h"
#include "base/parse.h"
#include "base/timefmt.h"

enum { LABEL_COLUMNS = 16, VALUE_MAX = 64 * 1024 };

void show_title(const struct shown *shown, const char *title)
{
    const struct screen *screen = &shown->screen;

    (void)fprintf(screen->out, "\n%s%s%s\n", screen_begin(screen, SCREEN_BOLD), title,
                  screen_end(screen, SCREEN_BOLD));
}

void show_pair(const struct shown *shown, const char *label, const char *value)
{
    const struct screen *screen = &shown->screen;
    size_t room = screen->width > LABEL_COLUMNS + 16 ? screen->width - LABEL_COLUMNS : SIZE_MAX / 2;

    if (!value || !*value)
        return;
    AUTO_BUF clean;

    buf_init(&clean, VALUE_MAX);
    screen_clean(&clean, value);
    (void)fprintf(screen->out, "  %-*s", LABEL_COLUMNS - 2, label);
    for (const char *text = clean.data; *text;) {
        size_t next = 0, size = screen_break(text, room, &next);
        (void)fprintf(screen->out, "%.*s\n", (int)size, text);
        text += next;
        if (*text)
            (void)fprintf(screen->out, "%*s", LABEL_COLUMNS, "");
    }
}

void show_pairf(const struct shown *shown, const char *label, const char *fmt, ...)
{
    AUTO_BUF text;
    va_list args;

    buf_init(&text, VALUE_MAX);
    va_start(args, fmt);
    buf_vprintf(&text, fmt, args);
    va_end(args);
    show_pair(shown, label, text.data);
}

static void show_time(const struct shown *shown, const char *label, int64_t ms)
{
    char text[TIME_TEXT_MAX];

    if (ms <= 0)
        return;
    time_format_wall(ms, shown->zone_minutes, text);
    show_pair(shown, label, text);
}

/* A time of a section, on the team's clock. */
static void show_time_text(const struct shown *shown, const char *label, const char *text)
{
    int64_t ms = text ? time_parse_rfc3339(text) : -1;

    if (ms >= 0)
        show_time(shown, label, ms);
    else
        show_pair(shown, label, text);
}

/* ---- the head ---- */

static const char *shown_state(const struct store_record *record)
{
    if (record->has_intent && (record->state == STORE_ACTIVE || record->state == STORE_DEAD))
        return "unknown";
    if (record->state == STORE_DONE && record->problems > 0)
        return "incomplete";
    return store_state_word(record->state);
}

static void show_unknown(const struct shown *shown)
{
    const struct store_record *record = shown->record;

    if (!record->has_intent)
        return;
    if (record->intent_state == STORE_INTENT_ANSWERED)
        show_pairf(shown, "unknown",
                   "%s.%s happened, but its answer could not be read; it is read again after a restart",
                   record->intent.instance, record->intent.step);
    else
        show_pairf(
            shown, "unknown",
            "%s.%s was sent or about to be; whether it happened is being found out before it is sent again",
            record->intent.instance, record->intent.step);
}

static void show_place(const struct shown *shown)
{
    const struct store_place *place = &shown->record->place;
    char since[TIME_TEXT_MAX];

    if (shown->record->state != STORE_ACTIVE && shown->record->state != STORE_DEAD)
        return;
    time_format_wall(place->since_ms, shown->zone_minutes, since);
    show_pairf(shown, "where", "%s %s%s%s, since %s", store_phase_word(place->phase), place->instance,
               *place->step ? "." : "", place->step, since);
    if (place->attempt > 0)
        show_pairf(shown, "failed", "%" PRIu32 " time%s at this step", place->attempt,
                   place->attempt == 1 ? "" : "s");
}

static void show_problems(const struct shown *shown)
{
    const json_t *problems = json_object_get(shown->record->sections, "problems");
    size_t index;
    json_t *problem;

    json_array_foreach (problems, index, problem) {
        const char *instance = json_str(problem, "instance"), *reason = json_str(problem, "reason");
        show_pairf(shown, "problem", "%s%s%s", instance ? instance : "", instance && *instance ? ": " : "",
                   reason ? reason : "no reason is known");
    }
}

static void show_head(const struct shown *shown)
{
    const struct store_record *record = shown->record;
    const struct screen *screen = &shown->screen;
    enum screen_style style = screen_style_of_state(shown_state(record));

    (void)fprintf(screen->out, "%srecord %" PRId64 "%s  %s%s%s\n", screen_begin(screen, SCREEN_BOLD),
                  record->id, screen_end(screen, SCREEN_BOLD), screen_begin(screen, style),
                  shown_state(record), screen_end(screen, style));
    show_pair(shown, "conversation", record->external_id);
    show_pair(shown, "account", record->account);
    show_pairf(shown, "reference", "SB-%s", record->reference);
    show_pair(shown, "pipeline", record->pipeline);
    show_pair(shown, "reason", record->reason);
    show_place(shown);
    show_unknown(shown);
    if (record->is_doubtful)
        show_pair(shown, "doubtful",
                  "it may have been delivered before: looked for before anything is created");
    show_problems(shown);
    show_time(shown, "received", record->received_ms);
    show_time(shown, "changed", record->updated_ms);
    show_time(shown, "ended", record->ended_ms);
}

/* ---- sections ---- */

static void show_call(const struct shown *shown, const json_t *call)
{
    int64_t seconds = json_int(call, "duration_s", -1);
    const char *agent = json_str(call, "agent_name"), *number = json_str(call, "agent_number");
    const char *department = json_str(call, "agent_department");

    show_title(shown, "Call");
    show_pair(shown, "direction", json_str(call, "direction"));
    show_pair(shown, "customer", json_str(call, "customer"));
    if (agent || number)
        show_pairf(shown, "agent", "%s%s%s%s%s%s", agent ? agent : "", agent && number ? ", " : "",
                   number ? number : "", department ? " (" : "", department ? department : "",
                   department ? ")" : "");
    show_time_text(shown, "started", json_str(call, "started_at"));
    if (seconds >= 60)
        show_pairf(shown, "duration", "%" PRId64 " min %" PRId64 " s", seconds / 60, seconds % 60);
    else if (seconds >= 0)
        show_pairf(shown, "duration", "%" PRId64 " s", seconds);
    show_pair(shown, "outcome", json_str(call, "status"));
    show_pair(shown, "missed because", json_str(call, "missed_reason"));
}

static void show_user(const struct shown *shown, const json_t *user)
{
    show_title(shown, "User");
    show_pair(shown, "name", json_str(user, "name"));
    show_pair(shown, "id", json_str(user, "id"));
    show_pair(shown, "CRM id", json_str(user, "crm_contact_id"));
    show_pair(shown, "e-mail", json_str(user, "email"));
    show_pair(shown, "phone", json_str(user, "phone"));
    show_pair(shown, "locale", json_str(user, "locale"));
}

static void show_steps(const struct shown *shown, const json_t *steps)
{
    size_t index;
    json_t *step;

    json_array_foreach (steps, index, step) {
        const char *what = json_str(step, "what"), *result = json_str(step, "result");
        show_pairf(shown, "tried", "%s%s%s", what ? what : "", result ? ": " : "", result ? result : "");
    }
}

static void show_attachments(const struct shown *shown, const json_t *items)
{
    size_t index;
    json_t *item;

    json_array_foreach (items, index, item) {
        const char *name = json_str(item, "name"), *why = json_str(item, "why"),
                   *file = json_str(item, "file");
        show_pairf(shown, "attachment", "%s%s%s%s%s", name ? name : "", why ? ": " : "", why ? why : "",
                   file ? ", files/" : "", file ? file : "");
    }
}

static void show_escalation(const struct shown *shown, const json_t *escalation)
{
    const char *code = json_str(escalation, "reason_code"), *reason = json_str(escalation, "reason");

    show_title(shown, "Escalation");
    show_pair(shown, "agent", json_str(escalation, "agent"));
    show_pair(shown, "summary", json_str(escalation, "summary"));
    if (code || reason)
        show_pairf(shown, "because", "%s%s%s", code ? code : "", code && reason ? ": " : "",
                   reason ? reason : "");
    show_steps(shown, json_object_get(escalation, "steps_tried"));
    show_pair(shown, "category", json_str(escalation, "category"));
    show_pair(shown, "priority", json_str(escalation, "priority"));
    show_pair(shown, "language", json_str(escalation, "language"));
    show_pair(shown, "channel", json_str(escalation, "channel"));
    show_pair(shown, "callback", json_str(escalation, "callback_url"));
    show_attachments(shown, json_at(shown->record->sections, "attachments.items"));
}

static void show_recording(const struct shown *shown, const json_t *recording)
{
    char size[24];

    show_pair(shown, "recording", json_str(recording, "state"));
    show_pair(shown, "because", json_str(recording, "why"));
    if (json_str(recording, "file")) {
        format_size(json_int(recording, "size", 0), size);
        show_pairf(shown, "file", "files/%s, %s", json_str(recording, "file"), size);
    }
}

static void show_actions(const struct shown *shown, const json_t *items)
{
    size_t index;
    json_t *item;

    json_array_foreach (items, index, item) {
        const char *owner = json_str(item, "owner"), *due = json_str(item, "due"),
                   *text = json_str(item, "text");
        show_pairf(shown, "to do", "%s%s%s%s%s%s", owner ? owner : "", owner ? ": " : "", text ? text : "",
                   due ? " (" : "", due ? due : "", due ? ")" : "");
    }
}

static void show_analysis(const struct shown *shown, const json_t *analysis)
{
    show_title(shown, "Analysis");
    show_pair(shown, "mood", json_str(analysis, "mood"));
    show_pair(shown, "concern", json_str(analysis, "concern"));
    show_pair(shown, "category", json_str(analysis, "category"));
    show_pair(shown, "priority", json_str(analysis, "priority"));
    show_pair(shown, "summary", json_str(analysis, "summary"));
    show_actions(shown, json_object_get(analysis, "action_items"));
    show_pair(shown, "language", json_str(analysis, "language"));
    show_pair(shown, "by", json_str(analysis, "by"));
    if (json_is_true(json_object_get(analysis, "needs_review")))
        show_pair(shown, "please check", "the classification is uncertain");
}

static void show_ticket(const struct shown *shown, const json_t *ticket)
{
    const json_t *sections = shown->record->sections;
    const char *number = json_str(ticket, "number");

    show_title(shown, "Ticket");
    if (number)
        show_pairf(shown, "number", "#%s", number);
    else
        show_pair(shown, "number", "not created yet");
    show_pair(shown, "link", json_str(ticket, "url"));
    show_pair(shown, "subject", json_str(ticket, "subject"));
    show_pair(shown, "priority", json_str(ticket, "priority"));
    show_pair(shown, "department", json_str(ticket, "departmentId"));
    show_time_text(shown, "created", json_str(ticket, "created_at"));
    const json_t *contact = json_object_get(sections, "contact");
    const char *url = json_str(contact, "url"), *id = json_str(contact, "id");
    if (id)
        show_pairf(shown, "contact", "%s%s%s%s", id,
                   json_is_true(json_object_get(contact, "created")) ? ", new" : "", url ? ", " : "",
                   url ? url : "");
    int64_t parts = json_int(json_object_get(sections, "notes"), "parts", 0);
    if (parts > 0)
        show_pairf(shown, "private notes", "%" PRId64, parts);
}

/* Sections of other plugins are at least named. */
static void show_others(const struct shown *shown)
{
    static const char *const known[] = { "source", "call",         "recording",  "transcript", "analysis",
                                         "ticket", "notes",        "contact",    "problems",   "escalation",
                                         "user",   "conversation", "attachments" };
    AUTO_BUF names;
    const char *name;
    json_t *section;

    buf_init(&names, VALUE_MAX);
    json_object_foreach (shown->record->sections, name, section) {
        bool is_known = false;
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
            is_known = is_known || strcmp(known[i], name) == 0;
        if (!is_known)
            buf_printf(&names, "%s%s", names.len ? ", " : "", name);
    }
    if (!names.len)
        return;
    show_title(shown, "More");
    show_pairf(shown, "sections", "%s (with --json)", names.data);
}

void show_record(const struct shown *shown)
{
    const json_t *sections = shown->record->sections;
    const json_t *call = json_object_get(sections, "call");
    const json_t *recording = json_object_get(sections, "recording");
    const json_t *escalation = json_object_get(sections, "escalation");
    const json_t *user = json_object_get(sections, "user");
    const json_t *analysis = json_object_get(sections, "analysis");
    const json_t *ticket = json_object_get(sections, "ticket");

    show_head(shown);
    if (call)
        show_call(shown, call);
    if (recording)
        show_recording(shown, recording);
    if (escalation)
        show_escalation(shown, escalation);
    if (user)
        show_user(shown, user);
    if (analysis)
        show_analysis(shown, analysis);
    if (ticket)
        show_ticket(shown, ticket);
    show_others(shown);
}

/* The record schema as a table, and its checks. */
#include "plugin/record_schema.h"

#include <assert.h>
#include <string.h>

static const char *const directions[] = { "inbound", "outbound", NULL };
static const char *const call_states[] = { "answered", "missed", "unknown", NULL };
static const char *const recording_states[] = { "pending", "saved", "missing", NULL };
static const char *const qualities[] = { "normal", "low", NULL };
static const char *const moods[] = { "Positive", "Neutral", "Negative", "Urgent", NULL };
static const char *const priorities[] = { "High", "Medium", "Low", NULL };
static const char *const phases[] = { "source", "stage", "sink", NULL };
static const char *const roles[] = { "user", "agent", "system", "tool", NULL };

static const struct record_field schema[] = {
    { "source.plugin", RECORD_TEXT, true, NULL },
    { "source.account", RECORD_TEXT, false, NULL },
    { "source.external_id", RECORD_TEXT, false, NULL },
    { "source.at_ms", RECORD_WHOLE, false, NULL },

    { "call.sid", RECORD_TEXT, true, NULL },
    { "call.direction", RECORD_WORD, false, directions },
    { "call.customer", RECORD_TEXT, false, NULL },
    { "call.customer_e164", RECORD_TEXT, false, NULL },
    { "call.agent_number", RECORD_TEXT, false, NULL },
    { "call.agent_name", RECORD_TEXT, false, NULL },
    { "call.agent_department", RECORD_TEXT, false, NULL },
    { "call.agent_known", RECORD_BOOL, false, NULL },
    { "call.our_number", RECORD_TEXT, false, NULL },
    { "call.started_at", RECORD_TEXT, false, NULL },
    { "call.ended_at", RECORD_TEXT, false, NULL },
    { "call.duration_s", RECORD_WHOLE, false, NULL },
    { "call.talk_s", RECORD_WHOLE, false, NULL },
    { "call.status", RECORD_WORD, false, call_states },
    { "call.missed_reason", RECORD_TEXT, false, NULL },
    { "call.raw_status", RECORD_TEXT, false, NULL },
    { "call.raw_direction", RECORD_TEXT, false, NULL },
    { "call.leg1_status", RECORD_TEXT, false, NULL },
    { "call.leg2_status", RECORD_TEXT, false, NULL },
    { "call.is_flow", RECORD_BOOL, false, NULL },
    { "call.is_final", RECORD_BOOL, false, NULL },
    { "call.custom_field", RECORD_TEXT, false, NULL },
    { "call.utc_offset_minutes", RECORD_WHOLE, false, NULL },

    { "recording.url", RECORD_TEXT, false, NULL },
    { "recording.presigned_url", RECORD_TEXT, false, NULL },
    { "recording.state", RECORD_WORD, true, recording_states },
    { "recording.file", RECORD_TEXT, false, NULL },
    { "recording.size", RECORD_WHOLE, false, NULL },
    { "recording.sha256", RECORD_TEXT, false, NULL },
    { "recording.content_type", RECORD_TEXT, false, NULL },
    { "recording.channels", RECORD_WHOLE, false, NULL },
    { "recording.agent_channel", RECORD_WHOLE, false, NULL },
    { "recording.why", RECORD_TEXT, false, NULL },

    { "transcript.text", RECORD_TEXT, false, NULL },
    { "transcript.language", RECORD_TEXT, false, NULL },
    { "transcript.confidence", RECORD_NUMBER, false, NULL },
    { "transcript.segments", RECORD_LIST, false, NULL },
    { "transcript.provider", RECORD_TEXT, false, NULL },
    { "transcript.model", RECORD_TEXT, false, NULL },
    { "transcript.request_id", RECORD_TEXT, false, NULL },
    { "transcript.duration_ms", RECORD_WHOLE, false, NULL },
    { "transcript.quality", RECORD_WORD, false, qualities },
    { "transcript.is_empty", RECORD_BOOL, false, NULL },
    { "transcript.warnings", RECORD_LIST, false, NULL },
    { "transcript.why", RECORD_TEXT, false, NULL },

    { "analysis.mood", RECORD_WORD, true, moods },
    { "analysis.concern", RECORD_TEXT, true, NULL },
    { "analysis.category", RECORD_TEXT, false, NULL },
    { "analysis.priority", RECORD_WORD, false, priorities },
    { "analysis.summary", RECORD_TEXT, false, NULL },
    { "analysis.action_items", RECORD_LIST, false, NULL },
    { "analysis.language", RECORD_TEXT, false, NULL },
    { "analysis.by", RECORD_TEXT, true, NULL },
    { "analysis.model", RECORD_TEXT, false, NULL },
    { "analysis.priority_reason", RECORD_TEXT, false, NULL },
    { "analysis.evidence", RECORD_LIST, false, NULL },
    { "analysis.confidence", RECORD_TEXT, false, NULL },
    { "analysis.resolved", RECORD_TEXT, false, NULL },
    { "analysis.escalation_requested", RECORD_BOOL, false, NULL },
    { "analysis.callback_requested", RECORD_BOOL, false, NULL },
    { "analysis.is_support_call", RECORD_BOOL, false, NULL },
    { "analysis.injection_suspected", RECORD_BOOL, false, NULL },
    { "analysis.not_enough_content", RECORD_BOOL, false, NULL },
    { "analysis.needs_review", RECORD_BOOL, false, NULL },

    { "escalation.id", RECORD_TEXT, true, NULL },
    { "escalation.agent", RECORD_TEXT, true, NULL },
    { "escalation.reason_code", RECORD_TEXT, false, NULL },
    { "escalation.reason", RECORD_TEXT, false, NULL },
    { "escalation.summary", RECORD_TEXT, true, NULL },
    { "escalation.steps_tried", RECORD_LIST, false, NULL },
    { "escalation.steps_tried.*.what", RECORD_TEXT, true, NULL },
    { "escalation.steps_tried.*.result", RECORD_TEXT, false, NULL },
    { "escalation.category", RECORD_TEXT, false, NULL },
    { "escalation.priority", RECORD_WORD, false, priorities },
    { "escalation.language", RECORD_TEXT, false, NULL },
    { "escalation.channel", RECORD_TEXT, false, NULL },
    { "escalation.metadata", RECORD_OBJECT, false, NULL },
    { "escalation.callback_url", RECORD_TEXT, false, NULL },
    { "escalation.received_at", RECORD_TEXT, true, NULL },
    { "escalation.digest", RECORD_TEXT, true, NULL },

    { "user.id", RECORD_TEXT, true, NULL },
    { "user.crm_contact_id", RECORD_TEXT, false, NULL },
    { "user.name", RECORD_TEXT, false, NULL },
    { "user.email", RECORD_TEXT, false, NULL },
    { "user.phone", RECORD_TEXT, false, NULL },
    { "user.phone_e164", RECORD_TEXT, false, NULL },
    { "user.locale", RECORD_TEXT, false, NULL },

    { "conversation.messages", RECORD_LIST, true, NULL },
    { "conversation.messages.*.role", RECORD_WORD, true, roles },
    { "conversation.messages.*.content", RECORD_TEXT, true, NULL },
    { "conversation.messages.*.at", RECORD_TEXT, false, NULL },
    { "conversation.messages.*.attachments", RECORD_LIST, false, NULL },

    { "attachments.items", RECORD_LIST, true, NULL },
    { "attachments.items.*.name", RECORD_TEXT, true, NULL },
    { "attachments.items.*.content_type", RECORD_TEXT, false, NULL },
    { "attachments.items.*.size", RECORD_WHOLE, false, NULL },
    { "attachments.items.*.file", RECORD_TEXT, false, NULL },
    { "attachments.items.*.base64", RECORD_TEXT, false, NULL },
    { "attachments.items.*.url", RECORD_TEXT, false, NULL },
    { "attachments.items.*.why", RECORD_TEXT, false, NULL },

    { "contact.id", RECORD_TEXT, false, NULL },
    { "contact.url", RECORD_TEXT, false, NULL },
    { "contact.created", RECORD_BOOL, false, NULL },

    { "ticket.id", RECORD_TEXT, false, NULL },
    { "ticket.number", RECORD_TEXT, false, NULL },
    { "ticket.url", RECORD_TEXT, false, NULL },
    { "ticket.reference", RECORD_TEXT, false, NULL },
    { "ticket.org_id", RECORD_TEXT, false, NULL },
    { "ticket.created_at", RECORD_TEXT, false, NULL },
    { "ticket.user_message", RECORD_TEXT, false, NULL },
    { "ticket.attached", RECORD_BOOL, false, NULL },

    { "matching.by", RECORD_TEXT, false, NULL },
    { "matching.mapped_crm_id", RECORD_TEXT, false, NULL },
    { "matching.mapped_contact_id", RECORD_TEXT, false, NULL },
    { "matching.gone", RECORD_LIST, false, NULL },
    { "matching.candidates", RECORD_LIST, false, NULL },
    { "matching.ambiguous", RECORD_TEXT, false, NULL },
    { "matching.lock", RECORD_TEXT, false, NULL },
    { "matching.number", RECORD_TEXT, false, NULL },
    { "matching.refused", RECORD_TEXT, false, NULL },
    { "matching.refused_by", RECORD_TEXT, false, NULL },

    { "escalation_text.text", RECORD_TEXT, true, NULL },
    { "escalation_text.described", RECORD_WHOLE, true, NULL },

    { "open_ticket.is_public", RECORD_BOOL, false, NULL },
    { "open_ticket.priority", RECORD_TEXT, false, NULL },
    { "open_ticket.size_max", RECORD_WHOLE, false, NULL },
    { "open_ticket.ids", RECORD_LIST, false, NULL },

    { "uploads.ids", RECORD_LIST, false, NULL },
    { "uploads.failed", RECORD_LIST, false, NULL },
    { "uploads.failed.*.index", RECORD_WHOLE, true, NULL },
    { "uploads.failed.*.why", RECORD_TEXT, true, NULL },

    { "remark.id", RECORD_TEXT, false, NULL },

    { "notes.parts", RECORD_WHOLE, false, NULL },
    { "notes.ids", RECORD_LIST, false, NULL },
    { "notes.size_max", RECORD_WHOLE, false, NULL },

    { "callback.event", RECORD_TEXT, true, NULL },
    { "callback.told_at", RECORD_TEXT, true, NULL },

    { "notice.event", RECORD_TEXT, true, NULL },
    { "notice.of", RECORD_WHOLE, true, NULL },
    { "notice.reference", RECORD_TEXT, true, NULL },
    { "notice.at", RECORD_TEXT, true, NULL },

    { "problems.*.phase", RECORD_WORD, true, phases },
    { "problems.*.index", RECORD_WHOLE, true, NULL },
    { "problems.*.instance", RECORD_TEXT, true, NULL },
    { "problems.*.reason", RECORD_TEXT, true, NULL },

    { NULL, RECORD_TEXT, false, NULL },
};

const struct record_field *record_schema(void)
{
    return schema;
}

static bool is_word(const char *text, const char *const *words)
{
    for (; text && *words; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

static bool fits(const struct record_field *field, const json_t *value)
{
    switch (field->type) {
    case RECORD_TEXT:
        return json_is_string(value);
    case RECORD_WHOLE:
        return json_is_integer(value);
    case RECORD_NUMBER:
        return json_is_number(value);
    case RECORD_BOOL:
        return json_is_boolean(value);
    case RECORD_LIST:
        return json_is_array(value);
    case RECORD_OBJECT:
        return json_is_object(value);
    case RECORD_WORD:
        return is_word(json_string_value(value), field->words);
    }
    return false;
}

static const char *type_word(enum record_type type)
{
    static const char *const words[] = {
        [RECORD_TEXT] = "a text",
        [RECORD_WHOLE] = "a whole number",
        [RECORD_NUMBER] = "a number",
        [RECORD_BOOL] = "true or false",
        [RECORD_LIST] = "a list",
        [RECORD_OBJECT] = "an object",
        [RECORD_WORD] = "one of the words in docs/RECORD.md",
    };
    return words[type];
}

static int check_value(const struct record_field *field, const json_t *value, struct sb_error *err)
{
    bool is_absent = !value || json_is_null(value);

    if (is_absent && !field->is_required)
        return 0;
    if (!is_absent && fits(field, value))
        return 0;
    return sb_fail(err, SB_EINPUT, "record member '%s' must be %s", field->path, type_word(field->type));
}

enum { LIST_NAME_MAX = 40 };

/* "*.phase" of a section that is a list, "messages.*.role" of a list in a section: the member of every item. */
static int check_items(const struct record_field *field, const json_t *section, const char *member,
                       const char *star, struct sb_error *err)
{
    char name[LIST_NAME_MAX] = "";
    const json_t *list = section;
    size_t index;
    json_t *item;

    if (star > member) {
        size_t size = (size_t)(star - member) - 1;
        assert(size < sizeof(name));
        memcpy(name, member, size);
        list = json_object_get(section, name);
    }
    json_array_foreach (list, index, item) {
        int rc = check_value(field, json_object_get(item, star + 2), err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* The rows of one section, which stand together: checks `value` (NULL: it is not there), and gives the row behind them. */
static int check_rows(const struct record_field *first, size_t length, const json_t *value,
                      const struct record_field **ret_behind, struct sb_error *err)
{
    const struct record_field *field = first;
    int rc = 0;

    for (; field->path && strncmp(field->path, first->path, length + 1) == 0; field++) {
        if (!value || rc < 0)
            continue;
        const char *member = field->path + length + 1;
        const char *star = strchr(member, '*');
        rc = star ? check_items(field, value, member, star, err)
                  : check_value(field, json_object_get(value, member), err);
    }
    *ret_behind = field;
    return rc;
}

/* Once through the schema, and not for each section that is there: `section` NULL is all of them. */
static int check_sections(const json_t *record, const char *section, struct sb_error *err)
{
    for (const struct record_field *field = schema; field->path;) {
        size_t length = strcspn(field->path, ".");
        bool is_meant = !section || (strncmp(field->path, section, length) == 0 && section[length] == '\0');
        const json_t *value = is_meant ? json_object_getn(record, field->path, length) : NULL;
        int rc = check_rows(field, length, value, &field, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int record_check_section(const json_t *record, const char *section, struct sb_error *err)
{
    return check_sections(record, section, err);
}

int record_check(const json_t *record, struct sb_error *err)
{
    return check_sections(record, /* section= */ NULL, err);
}

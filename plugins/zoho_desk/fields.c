/* The fields of a new ticket: which the mapping script may set, and how their values are made to fit. */
#include "desk.h"

#include <string.h>

enum field_kind {
    FIELD_LINE,  /* text on one line */
    FIELD_TEXT,  /* plain text with newlines */
    FIELD_HTML,  /* plain text that the service shows as HTML: escaped here, and only here */
    FIELD_ID,    /* digits */
    FIELD_IDS,   /* a list of them */
    FIELD_PHONE, /* a line of the characters that the service accepts there */
    FIELD_EMAIL, /* left out when it is none */
    FIELD_TIME,  /* RFC 3339 in, UTC with milliseconds out */
    FIELD_CUSTOM /* an object of cf_<name> */
};

struct field {
    const char *key;
    enum field_kind kind;
    size_t max; /* units; items of FIELD_IDS */
};

/* What POST /tickets accepts, less what belongs to Switchboard. 120 is the documented length of a status; the
 * other pick lists have none, and share it. */
static const struct field fields[] = {
    { "subject", FIELD_LINE, DESK_SUBJECT_MAX },
    { "departmentId", FIELD_ID, 0 },
    { "description", FIELD_HTML, DESK_DESCRIPTION_MAX },
    { "status", FIELD_LINE, 120 },
    { "priority", FIELD_LINE, 120 },
    { "channel", FIELD_LINE, 120 },
    { "classification", FIELD_LINE, 120 },
    { "language", FIELD_LINE, 120 },
    { "category", FIELD_LINE, 300 },
    { "subCategory", FIELD_LINE, 300 },
    { "phone", FIELD_PHONE, 120 },
    { "email", FIELD_EMAIL, 150 },
    { "assigneeId", FIELD_ID, 0 },
    { "teamId", FIELD_ID, 0 },
    { "accountId", FIELD_ID, 0 },
    { "productId", FIELD_ID, 0 },
    { "layoutId", FIELD_ID, 0 },
    { "dueDate", FIELD_TIME, 0 },
    { "resolution", FIELD_TEXT, 65535 },
    { "webUrl", FIELD_LINE, 5000 },
    { "secondaryContacts", FIELD_IDS, 20 },
    { "entitySkills", FIELD_IDS, 10 },
    { "cf", FIELD_CUSTOM, 0 },
};

enum { FIELD_COUNT = sizeof(fields) / sizeof(fields[0]), NAME_MAX_COMPARED = 31 };

/* Names that people expect to work, and why they do not. */
static const struct {
    const char *key, *why;
} refused[] = {
    { "contactId", "the contact is found or made by the caller's number" },
    { "contact", "the contact is found or made by the caller's number" },
    { "tags", "Zoho Desk takes no tags when a ticket is created; use a custom field in 'cf'" },
    { "customFields", "give custom fields by their API names in 'cf'" },
    { "uploads", "files cannot be attached here" },
    { "ticketCreationType", "every ticket is a new one" },
    { "clonedTicketId", "every ticket is a new one" },
    { "parentTicket", "every ticket is a new one" },
    { "sourceTicket", "every ticket is a new one" },
    { "responseDueDate", "Zoho Desk sets it" },
    { "blueprint", "Zoho Desk starts blueprints by its own rules" },
    { "sharedDepartments", "share the ticket with a rule in Zoho Desk" },
};

static const struct field *find_field(const char *key)
{
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (strcmp(fields[i].key, key) == 0)
            return &fields[i];
    return NULL;
}

/* How many edits lead from `a` to `b`, letter case aside. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NAME_MAX_COMPARED + 1];
    size_t b_size = strlen(b);
    if (b_size > NAME_MAX_COMPARED || strlen(a) > NAME_MAX_COMPARED)
        return NAME_MAX_COMPARED;
    for (size_t j = 0; j <= b_size; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b_size; j++) {
            size_t change = diagonal + ((a[i] | 0x20) != (b[j] | 0x20));
            size_t keep = (row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;
            diagonal = row[j + 1];
            row[j + 1] = change < keep ? change : keep;
        }
    }
    return row[b_size];
}

static int unknown_field(const char *key, struct sb_error *err)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (strcmp(refused[i].key, key) == 0)
            return sb_fail(err, SB_ECONFIG, "mapping script sets '%s', which it may not: %s", key,
                           refused[i].why);

    const char *nearest = NULL;
    size_t nearest_edits = 3;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        size_t edits = distance(key, fields[i].key);
        if (edits < nearest_edits) {
            nearest_edits = edits;
            nearest = fields[i].key;
        }
    }
    if (nearest)
        return sb_fail(err, SB_ECONFIG, "mapping script sets unknown field '%s'; did you mean '%s'?", key,
                       nearest);
    return sb_fail(
        err, SB_ECONFIG,
        "mapping script sets unknown field '%s'; a ticket has subject, description, priority, status, "
        "category, channel, cf and others (docs/RECORD.md)",
        key);
}

static int wrong_type(const char *key, const char *want, struct sb_error *err)
{
    return sb_fail(err, SB_ECONFIG, "mapping script sets field '%s' to something that is not %s", key, want);
}

/* Text of a string or number; NULL for anything else. */
static const char *text_of(struct sb_exchange *x, const json_t *value)
{
    if (json_is_string(value))
        return sb_utf8(x, json_string_value(value));
    if (json_is_integer(value))
        return sb_printf(x, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    if (json_is_real(value))
        return sb_printf(x, "%.15g", json_real_value(value));
    return NULL;
}

/* Letters, digits, these signs and everything beyond ASCII; brackets, as people write them, are refused
 * there. */
static const char *phone_of(struct sb_exchange *x, const char *text)
{
    char *kept = sb_strdup(x, text);
    size_t size = 0;
    for (const char *p = text; *p; p++) {
        unsigned char c = (unsigned char)*p;
        bool is_letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        if (c >= 0x80 || is_letter || (c >= '0' && c <= '9') || strchr("_+-.$@?,;:'/! ", c))
            kept[size++] = *p;
    }
    kept[size] = '\0';
    return desk_one_line(x, kept);
}

/* The documented form, loosely: something before the @, a name with a dot behind it, and no foreign signs. */
static bool is_email(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    const char *at = strchr(text, '@');
    if (!at || at == text || !(strchr(letters, text[0]) || text[0] == '_'))
        return false;
    for (const char *p = text; p < at; p++)
        if (!strchr(letters, *p) && !strchr("_+-.'&~", *p))
            return false;

    const char *host = at + 1;
    const char *dot = strrchr(host, '.');
    size_t last = dot ? strlen(dot + 1) : 0;
    size_t size = strlen(host);
    return dot && dot != host && size >= 4 && size <= 256 && last >= 2 && last <= 22 &&
           strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789.-_") == size;
}

static int take_ids(struct sb_exchange *x, const struct field *field, const json_t *value, json_t *into,
                    struct sb_error *err)
{
    json_t *list = sb_keep(x, json_array());
    if (!json_is_array(value))
        return wrong_type(field->key, "a list of ids", err);
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *id = text_of(x, json_array_get(value, i));
        if (!desk_is_id(id))
            return wrong_type(field->key, "a list of ids (digits)", err);
        if (json_array_size(list) < field->max)
            json_array_append_new(list, json_string(id));
    }
    if (json_array_size(list))
        json_object_set(into, field->key, list);
    return 0;
}

static bool is_custom_name(const char *name)
{
    return strncmp(name, "cf_", 3) == 0 && name[3] != '\0' &&
           name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] == '\0';
}

static int take_custom(struct sb_exchange *x, const json_t *value, json_t *into, struct sb_error *err)
{
    json_t *custom = sb_keep(x, json_object());
    const char *name = NULL;
    json_t *item = NULL;
    if (!json_is_object(value))
        return wrong_type("cf", "a table of cf_<name> = text", err);
    json_object_foreach ((json_t *)(uintptr_t)value, name, item) {
        if (!is_custom_name(name))
            return sb_fail(
                err, SB_ECONFIG,
                "mapping script sets custom field '%s' by another name than its API name, which begins with "
                "'cf_'",
                name);
        if (json_is_null(item))
            continue;
        const char *text = json_is_boolean(item) ? (json_is_true(item) ? "true" : "false") : text_of(x, item);
        if (!text)
            return wrong_type(name, "text, a number or a yes or no", err);
        if (*text)
            json_object_set_new(custom, name, json_string(desk_cut(x, text, DESK_CF_MAX)));
    }
    if (json_object_size(custom))
        json_object_set(into, "cf", custom);
    return 0;
}

static int take_time(struct sb_exchange *x, const struct field *field, const char *text,
                     const char **ret_text, struct sb_error *err)
{
    int64_t at_ms = sb_parse_rfc3339(text);
    if (at_ms < 0)
        return wrong_type(field->key, "a time such as 2026-03-10T09:00:00Z", err);
    *ret_text = sb_printf(x, "%.19s.000Z", sb_rfc3339(x, at_ms));
    return 0;
}

/* The text that is sent for one field; "" leaves it out. */
static int fit_text(struct sb_exchange *x, const struct field *field, const char *text, const char **ret_text,
                    struct sb_error *err)
{
    switch (field->kind) {
    case FIELD_TEXT:
        *ret_text = desk_cut(x, text, field->max);
        return 0;
    case FIELD_HTML:
        *ret_text = desk_html(x, text, field->max);
        return 0;
    case FIELD_ID:
        if (!desk_is_id(text))
            return wrong_type(field->key, "an id (digits)", err);
        *ret_text = text;
        return 0;
    case FIELD_PHONE:
        *ret_text = desk_cut(x, phone_of(x, text), field->max);
        return 0;
    case FIELD_EMAIL:
        *ret_text = is_email(text) && desk_units(text) <= field->max ? text : "";
        if (!**ret_text)
            sb_note(x, "the e-mail address of the ticket was left out: Zoho Desk would refuse its form");
        return 0;
    case FIELD_TIME:
        return take_time(x, field, text, ret_text, err);
    case FIELD_LINE:
    case FIELD_IDS:
    case FIELD_CUSTOM:
        break;
    }
    *ret_text = desk_cut(x, desk_one_line(x, text), field->max);
    return 0;
}

static int take_field(struct sb_exchange *x, const char *key, const json_t *value, json_t *into,
                      struct sb_error *err)
{
    const struct field *field = find_field(key);
    if (!field)
        return unknown_field(key, err);
    /* The service refuses empty text; an empty table of the script is an empty list or object here. */
    if (json_is_null(value) || (json_is_array(value) && json_array_size(value) == 0) ||
        (json_is_object(value) && json_object_size(value) == 0))
        return 0;
    if (field->kind == FIELD_IDS)
        return take_ids(x, field, value, into, err);
    if (field->kind == FIELD_CUSTOM)
        return take_custom(x, value, into, err);

    const char *text = text_of(x, value);
    if (!text)
        return wrong_type(key, "text", err);
    if (!*text)
        return 0;
    const char *fitted = "";
    int rc = fit_text(x, field, text, &fitted, err);
    if (rc == 0 && *fitted)
        json_object_set_new(into, key, json_string(fitted));
    return rc;
}

int desk_fields_take(struct sb_exchange *x, const json_t *from, json_t **ret_fields, struct sb_error *err)
{
    if (!json_is_object(from))
        return sb_fail(err, SB_ECONFIG, "mapping script returns no table of fields from function 'ticket'");

    json_t *into = sb_keep(x, json_object());
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach ((json_t *)(uintptr_t)from, key, value) {
        int rc = take_field(x, key, value, into, err);
        if (rc < 0)
            return rc;
    }
    *ret_fields = json_incref(into);
    return 0;
}

void desk_fields_copy(const json_t *section, json_t *body)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        json_t *value = json_object_get(section, fields[i].key);
        if (value)
            json_object_set(body, fields[i].key, value);
    }
}

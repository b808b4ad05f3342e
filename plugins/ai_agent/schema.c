/* What an escalation looks like: the one table, and the forms of texts. */
#include "ai_agent.h"

#include <string.h>

/* ---- forms --------------------------------------------------------------------------------------------- */

#define DIGITS  "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

static bool is_id(struct sb_exchange *x, const char *text)
{
    size_t size = strspn(text, LETTERS DIGITS "._~:@-");

    (void)x;
    return size > 0 && size <= AGENT_ID_MAX && text[size] == '\0' && strcmp(text, ".") != 0 &&
           strcmp(text, "..") != 0;
}

/* "en", "en-IN", "zh-Hant-TW". */
static bool is_language(struct sb_exchange *x, const char *text)
{
    size_t size = strspn(text, LETTERS);

    (void)x;
    if (size < 2 || size > 3)
        return false;
    for (text += size; *text == '-'; text += size) {
        text++;
        size = strspn(text, LETTERS DIGITS);
        if (size == 0 || size > 8)
            return false;
    }
    return *text == '\0';
}

/* Not all that a mail server would take: what helpdesks take. */
static bool is_email(struct sb_exchange *x, const char *text)
{
    const char *at = strchr(text, '@');
    const char *dot = at ? strrchr(at, '.') : NULL;

    (void)x;
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7f || strchr("\"(),:;<>[\\]", *c))
            return false;
    return at && at != text && !strchr(at + 1, '@') && dot && dot > at + 1 && dot[1] != '\0' && at[1] != '.';
}

static bool is_phone(struct sb_exchange *x, const char *text)
{
    const char *rest = text + (*text == '+');
    size_t digits = strlen(sb_digits(x, text));

    return rest[strspn(rest, DIGITS " ().-")] == '\0' && digits >= 5 && digits <= 20;
}

static bool is_time(struct sb_exchange *x, const char *text)
{
    (void)x;
    return sb_parse_rfc3339(text) >= 0;
}

static bool is_url(struct sb_exchange *x, const char *text)
{
    return sb_url_host(x, text, NULL) != NULL;
}

static bool is_file_name(struct sb_exchange *x, const char *text)
{
    (void)x;
    if (!*text || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
        return false;
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == '/' || *c == '\\' || *c == 0x7f)
            return false;
    return true;
}

/* "image/png", without parameters. */
static bool is_media(struct sb_exchange *x, const char *text)
{
    static const char letters[] = LETTERS DIGITS "!#$&^_.+-";
    size_t type = strspn(text, letters);

    (void)x;
    if (type == 0 || text[type] != '/')
        return false;
    text += type + 1;
    return *text && text[strspn(text, letters)] == '\0';
}

static bool is_base64(struct sb_exchange *x, const char *text)
{
    size_t size = strspn(text, LETTERS DIGITS "+/");
    size_t padding = strspn(text + size, "=");

    (void)x;
    return size > 0 && padding <= 2 && (size + padding) % 4 == 0 && text[size + padding] == '\0';
}

static const struct agent_form_rule rules[] = {
    [AGENT_FORM_ID] = { NULL, "^[A-Za-z0-9._~:@-]{1,128}$",
                        "1 to 128 letters, digits and . _ ~ : @ -, unique for each escalation", is_id },
    [AGENT_FORM_LANGUAGE] = { NULL, "^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$", "a BCP 47 tag such as en-IN",
                              is_language },
    [AGENT_FORM_EMAIL] = { "email", NULL, "an e-mail address such as asha@example.com", is_email },
    [AGENT_FORM_PHONE] = { NULL, "^[+]?[0-9 ().-]{5,40}$",
                           "a number with 5 to 20 digits such as +91 555 010 0001", is_phone },
    [AGENT_FORM_TIME] = { "date-time", NULL, "RFC 3339 with a zone, such as 2026-03-10T14:30:00+05:30",
                          is_time },
    [AGENT_FORM_URL] = { "uri", "^https?://", "an absolute https address without a user name", is_url },
    [AGENT_FORM_FILE] = { NULL, "^[^/\\\\]+$", "a file name without a folder", is_file_name },
    [AGENT_FORM_MEDIA] = { NULL, "^[^/;]+/[^/;]+$", "a media type such as image/png", is_media },
    [AGENT_FORM_BASE64] = { NULL, "^[A-Za-z0-9+/]+={0,2}$", "base64 with padding and without line breaks",
                            is_base64 },
};

const struct agent_form_rule *agent_form_rule(enum agent_form form)
{
    return form == AGENT_FORM_NONE ? NULL : &rules[form];
}

/* ---- the table ----------------------------------------------------------------------------------------- */

static const struct agent_word roles[] = {
    { "user", "user" },     { "agent", "agent" }, { "assistant", "agent" },
    { "system", "system" }, { "tool", "tool" },   { NULL, NULL },
};

static const struct agent_word priorities[] = {
    { "low", "Low" }, { "medium", "Medium" }, { "high", "High" }, { "urgent", "High" }, { NULL, NULL },
};

static const struct agent_field attachment_fields[] = {
    { .name = "name",
      .type = AGENT_TEXT,
      .is_required = true,
      .form = AGENT_FORM_FILE,
      .max = 255,
      .help = "Its file name.",
      .example = "\"invoice.pdf\"" },
    { .name = "content_type",
      .type = AGENT_TEXT,
      .form = AGENT_FORM_MEDIA,
      .max = 127,
      .help = "Its media type.",
      .example = "\"application/pdf\"" },
    { .name = "url",
      .type = AGENT_TEXT,
      .form = AGENT_FORM_URL,
      .max = 2000,
      .help = "Where it is fetched from, at a host that attachment_hosts allows. Either this or base64." },
    { .name = "base64",
      .type = AGENT_TEXT,
      .form = AGENT_FORM_BASE64,
      .max_option = "inline_max",
      .help = "Its content. Either this or url." },
    { .name = NULL },
};

static const struct agent_field message_fields[] = {
    { .name = "role",
      .type = AGENT_WORD,
      .is_required = true,
      .words = roles,
      .help = "Who wrote it.",
      .example = "\"user\"" },
    { .name = "content",
      .type = AGENT_TEXT,
      .max = 65536,
      .help = "What was written.",
      .example = "\"I was charged twice for order 8842.\"" },
    { .name = "at",
      .type = AGENT_TEXT,
      .form = AGENT_FORM_TIME,
      .max = 40,
      .help = "When.",
      .example = "\"2026-03-10T14:28:11+05:30\"" },
    { .name = "attachments",
      .type = AGENT_LIST,
      .max_option = "attachments_max",
      .members = attachment_fields,
      .help = "What was attached to it." },
    { .name = NULL },
};

static const struct agent_field step_fields[] = {
    { .name = "what",
      .type = AGENT_TEXT,
      .is_required = true,
      .max = 2000,
      .help = "What the agent did.",
      .example = "\"Looked up the payments of order 8842\"" },
    { .name = "result",
      .type = AGENT_TEXT,
      .max = 2000,
      .help = "What came of it.",
      .example = "\"Two payments, one refund is not allowed to me\"" },
    { .name = NULL },
};

static const struct agent_field user_fields[] = {
    { .name = "id",
      .type = AGENT_TEXT,
      .is_required = true,
      .max = 200,
      .help = "The canonical id of the user, the same in every system of the company.",
      .example = "\"user-20418\"" },
    { .name = "crm_contact_id",
      .type = AGENT_TEXT,
      .max = 100,
      .help = "The id of the contact in the CRM, when the agent knows it.",
      .example = "\"4150000000112001\"" },
    { .name = "name", .type = AGENT_TEXT, .max = 200, .help = "Full name.", .example = "\"Asha Rao\"" },
    { .name = "email",
      .type = AGENT_TEXT,
      .form = AGENT_FORM_EMAIL,
      .max = 254,
      .help = "E-mail address.",
      .example = "\"asha@example.com\"" },
    { .name = "phone",
      .type = AGENT_TEXT,
      .form = AGENT_FORM_PHONE,
      .max = 40,
      .help = "Phone number, best with the country code.",
      .example = "\"+91 555 010 0001\"" },
    { .name = "locale",
      .type = AGENT_TEXT,
      .form = AGENT_FORM_LANGUAGE,
      .max = 40,
      .help = "The language that the user is told things in.",
      .example = "\"en-IN\"" },
    { .name = NULL },
};

static const struct agent_field reason_fields[] = {
    { .name = "code",
      .type = AGENT_TEXT,
      .max = 64,
      .help = "Why a human is needed, as a word of the agent's own.",
      .example = "\"billing_dispute\"" },
    { .name = "text",
      .type = AGENT_TEXT,
      .max = 2000,
      .help = "The same in a sentence.",
      .example = "\"The user disputes a charge that I may not refund.\"" },
    { .name = NULL },
};

static const struct agent_field fields[] = {
    { .name = "id",
      .type = AGENT_TEXT,
      .is_required = true,
      .form = AGENT_FORM_ID,
      .max = AGENT_ID_MAX,
      .help = "The agent's own id of this escalation. The same id again is the same escalation, never a "
              "second ticket.",
      .example = "\"esc-2026-03-10-0001\"" },
    { .name = "user",
      .type = AGENT_OBJECT,
      .is_required = true,
      .members = user_fields,
      .help = "Whom the conversation is with." },
    { .name = "reason",
      .type = AGENT_OBJECT,
      .members = reason_fields,
      .help = "Why it is handed to a human." },
    { .name = "summary",
      .type = AGENT_TEXT,
      .is_required = true,
      .max = 4000,
      .help = "What it is about, for a human who has not read the conversation.",
      .example = "\"Charged twice for order 8842 and wants one payment back.\"" },
    { .name = "conversation",
      .type = AGENT_LIST,
      .max_option = "messages_max",
      .members = message_fields,
      .help = "The whole conversation in order, so that the human never has to ask again." },
    { .name = "steps_tried",
      .type = AGENT_LIST,
      .max = 100,
      .members = step_fields,
      .help = "What the agent tried, in order." },
    { .name = "category",
      .type = AGENT_TEXT,
      .max = 100,
      .help = "The agent's classification.",
      .example = "\"Billing\"" },
    { .name = "priority",
      .type = AGENT_WORD,
      .words = priorities,
      .help = "How urgent it is; urgent counts as high.",
      .example = "\"high\"" },
    { .name = "language",
      .type = AGENT_TEXT,
      .form = AGENT_FORM_LANGUAGE,
      .max = 40,
      .help = "The language of the conversation.",
      .example = "\"en-IN\"" },
    { .name = "channel",
      .type = AGENT_TEXT,
      .max = 50,
      .help = "Where the conversation took place.",
      .example = "\"web\"" },
    { .name = "metadata",
      .type = AGENT_FREE,
      .help = "Anything else, kept with the ticket.",
      .example = "{\"order\": \"8842\"}" },
    { .name = "callback_url",
      .type = AGENT_TEXT,
      .form = AGENT_FORM_URL,
      .max = 2000,
      .help = "Where to post that the ticket was created. Its host must be one that the operator allows." },
    { .name = NULL },
};

const struct agent_field *agent_fields(void)
{
    return fields;
}

int64_t agent_limit(const struct sb_exchange *x, const struct agent_field *field)
{
    return field->max_option ? sb_option_int(x, field->max_option) : (int64_t)field->max;
}

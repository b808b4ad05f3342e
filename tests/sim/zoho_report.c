/* What Zoho saw: tickets by reference, call and subject, contacts by number, notes by ticket, tokens. */
#include "zoho.h"

#include <ctype.h>
#include <string.h>

/* Adds one to a counter. */
static void count(json_t *counters, const char *key)
{
    json_t *value = json_object_get(counters, key);
    if (value)
        (void)json_integer_set(value, json_integer_value(value) + 1);
    else
        (void)json_object_set_new(counters, key, json_integer(1));
}

/* The reference is what stands in the last brackets at the end of the subject. */
static void find_reference(const char *subject, char *text, size_t size)
{
    size_t length = subject ? strlen(subject) : 0;
    const char *open = length > 0 && subject[length - 1] == ']' ? strrchr(subject, '[') : NULL;
    text[0] = '\0';
    if (open && (size_t)(subject + length - open) < size) {
        memcpy(text, open + 1, (size_t)(subject + length - open) - 2);
        text[(size_t)(subject + length - open) - 2] = '\0';
    }
}

/* A call's id is the first word of exactly 32 lower-case letters and digits. */
static void find_call(const char *text, char call[33])
{
    size_t length = 0;
    call[0] = '\0';
    for (; text && *text; text++) {
        bool is_inside = islower((unsigned char)*text) || isdigit((unsigned char)*text);
        length = is_inside ? length + 1 : 0;
        if (length != 32 || islower((unsigned char)text[1]) || isdigit((unsigned char)text[1]))
            continue;
        memcpy(call, text - 31, 32);
        call[32] = '\0';
        return;
    }
}

/* The last ten digits, which is how this project knows a number again. */
static void find_digits(const char *number, char text[11])
{
    char digits[64];
    size_t length = 0;
    for (; number && *number && length < sizeof(digits) - 1; number++)
        if (isdigit((unsigned char)*number))
            digits[length++] = *number;
    size_t kept = length < 10 ? length : 10;
    memcpy(text, digits + length - kept, kept);
    text[kept] = '\0';
}

static json_t *note_row(const struct zoho_comment *comment)
{
    const json_t *fields = zoho_fields(&comment->object);
    const char *content = zoho_text_of(fields, "content");
    char sum[65], call[33];
    sim_sha256(content, strlen(content), sum);
    find_call(content, call);
    return json_pack("{s:s, s:I, s:b, s:s, s:s, s:s}", "id", comment->object.id, "length",
                     (json_int_t)comment->characters, "is_public",
                     json_is_true(json_object_get(fields, "isPublic")), "sha256", sum, "call", call, "ticket",
                     comment->ticket->object.id);
}

static json_t *notes_by_ticket(const struct zoho *zoho)
{
    json_t *notes = json_object();
    for (size_t i = 0; i < zoho->comments.count; i++) {
        const struct zoho_comment *comment = zoho->comments.items[i];
        const char *ticket = comment->ticket->object.id;
        if (!json_object_get(notes, ticket))
            (void)json_object_set_new(notes, ticket, json_array());
        (void)json_array_append_new(json_object_get(notes, ticket), note_row(comment));
    }
    return notes;
}

static json_t *contacts_by_phone(const struct zoho *zoho)
{
    json_t *phones = json_object();
    for (size_t i = 0; i < zoho->contacts.count; i++) {
        const struct zoho_contact *contact = zoho->contacts.items[i];
        const json_t *fields = zoho_fields(&contact->object);
        char phone[11], mobile[11];
        find_digits(zoho_text_of(fields, "phone"), phone);
        find_digits(zoho_text_of(fields, "mobile"), mobile);
        if (contact->is_trashed || !zoho_contact_stands(contact))
            continue;
        if (phone[0])
            count(phones, phone);
        if (mobile[0] && strcmp(phone, mobile) != 0)
            count(phones, mobile);
    }
    return phones;
}

json_t *zoho_report_desk(struct sim_service *service)
{
    const struct zoho *zoho = service->state;
    json_t *references = json_object(), *calls = json_object(), *subjects = json_object();
    int64_t trashed = 0;
    for (size_t i = 0; i < zoho->tickets.count; i++) {
        const struct zoho_ticket *ticket = zoho->tickets.items[i];
        const json_t *fields = zoho_fields(&ticket->object);
        const char *subject = zoho_text_of(fields, "subject");
        char reference[128], call[33];
        if (ticket->is_trashed) {
            trashed++;
            continue;
        }
        find_reference(subject, reference, sizeof(reference));
        find_call(zoho_text_of(fields, "description"), call);
        count(subjects, subject ? subject : "");
        count(references, reference);
        count(calls, call);
    }
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "tickets_total",
                     (json_int_t)zoho->tickets.count, "tickets_trashed", (json_int_t)trashed,
                     "contacts_total", (json_int_t)zoho->contacts.count, "notes_total",
                     (json_int_t)zoho->comments.count, "credits", (json_int_t)zoho->credits_total,
                     "tickets_per_reference", references, "tickets_per_call", calls, "tickets_per_subject",
                     subjects, "contacts_per_phone", contacts_by_phone(zoho), "notes", notes_by_ticket(zoho));
}

json_t *zoho_report_accounts(struct sim_service *service)
{
    const struct zoho *zoho = service->state;
    int64_t now_ms = sim_now_ms(service->sim);
    json_int_t live = 0;
    for (size_t i = 0; i < zoho->access.count; i++) {
        const struct zoho_token *token = zoho->access.items[i];
        live += !token->is_dead && token->expires_ms > now_ms;
    }
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "token_refreshes", (json_int_t)zoho->refreshes,
                     "token_grants", (json_int_t)zoho->grants, "token_denied", (json_int_t)zoho->denied,
                     "token_errors", (json_int_t)zoho->token_errors, "access_tokens_live", live,
                     "access_tokens", (json_int_t)zoho->access.count);
}

json_t *zoho_report_contacts(struct zoho *zoho)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < zoho->contacts.count; i++) {
        const struct zoho_contact *contact = zoho->contacts.items[i];
        json_t *row = zoho_contact_view(zoho, contact, zoho_fields(&contact->object), VIEW_CREATE);
        const char *survivor = contact->merged_into ? contact->merged_into->object.id : NULL;
        (void)json_object_set_new(row, "merged_into", survivor ? json_string(survivor) : json_null());
        (void)json_object_set_new(row, "tickets", json_integer((json_int_t)contact->tickets.count));
        (void)json_array_append_new(rows, row);
    }
    return rows;
}

json_t *zoho_report_tickets(struct zoho *zoho)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < zoho->tickets.count; i++) {
        const struct zoho_ticket *ticket = zoho->tickets.items[i];
        const struct zoho_contact *contact = ticket->contact;
        json_t *comments = json_array(), *attachments = json_array();
        for (size_t k = 0; k < ticket->comments.count; k++)
            (void)json_array_append_new(comments, zoho_comment_view(zoho, ticket->comments.items[k]));
        for (size_t k = 0; k < ticket->attachments.count; k++)
            (void)json_array_append_new(attachments, zoho_file_view(zoho, ticket->attachments.items[k]));
        json_t *row = zoho_ticket_view(zoho, ticket, zoho_fields(&ticket->object), VIEW_GET);
        (void)json_object_set_new(
            row, "contact", zoho_contact_view(zoho, contact, zoho_fields(&contact->object), VIEW_CREATE));
        (void)json_object_set_new(row, "comments", comments);
        (void)json_object_set_new(row, "attachments", attachments);
        (void)json_array_append_new(rows, row);
    }
    return rows;
}

/* Comments of a ticket: create, get, list. */
#include "zoho.h"

#include <stdlib.h>
#include <string.h>

enum { CONTENT_MAX = 32000 };

static const struct zoho_field comment_fields[] = {
    { .name = "content", .type = ZOHO_TEXT, .max = CONTENT_MAX },
    { .name = "isPublic", .type = ZOHO_FLAG },
    { .name = "contentType", .type = ZOHO_WORDS, .words = "html|plainText" },
    { .name = "attachmentIds", .type = ZOHO_IDS, .max = 100 },
};

json_t *zoho_comment_view(struct zoho *zoho, const struct zoho_comment *comment)
{
    char commented[40], modified[40];
    const struct zoho_object *object = &comment->object;
    const json_t *fields = zoho_fields(object);
    json_t *attachments = json_array();
    for (size_t i = 0; i < comment->attachments.count; i++)
        (void)json_array_append_new(attachments, zoho_file_view(zoho, comment->attachments.items[i]));
    bool is_changed = object->version_count > 1;
    const char *type = zoho_text_of(fields, "contentType");
    json_t *commenter = json_pack("{s:s, s:s, s:s, s:n, s:s, s:s, s:s, s:s}", "id", zoho_agent_id(), "name",
                                  "Agent One", "email", "agent.one@example.com", "photoURL", "type", "AGENT",
                                  "firstName", "Agent", "lastName", "One", "roleName", "CEO");
    return json_pack("{s:s, s:O, s:s, s:s, s:s?, s:s, s:o, s:n, s:b, s:O, s:o}", "id", object->id, "content",
                     json_object_get(fields, "content"), "commenterId", zoho_agent_id(), "commentedTime",
                     zoho_time(object->created_ms, commented), "modifiedTime",
                     is_changed ? zoho_time(object->modified_ms, modified) : NULL, "contentType",
                     type ? type : "html", "commenter", commenter, "impersonatedUser", "isPublic",
                     json_is_true(json_object_get(fields, "isPublic")), "encodedContent",
                     json_object_get(fields, "content"), "attachments", attachments);
}

static struct zoho_ticket *find_ticket(struct sim_request *req, struct sim_response *res)
{
    struct zoho_ticket *ticket =
        (struct zoho_ticket *)zoho_find(zoho_of(req), ZOHO_TICKET, sim_param(req, "ticket"));
    if (ticket && !ticket->is_trashed)
        return ticket;
    zoho_refuse(req, res, ZOHO_NOT_FOUND);
    return NULL;
}

void zoho_comment_create(struct sim_request *req, struct sim_response *res)
{
    struct zoho *zoho = zoho_of(req);
    json_t *body, *errors;
    struct zoho_ticket *ticket = find_ticket(req, res);
    if (!ticket || !zoho_query_known(req, res, "") ||
        zoho_read_body(req, res, comment_fields, sizeof(comment_fields) / sizeof(comment_fields[0]), &body,
                       &errors) < 0)
        return;
    if (!json_object_get(body, "content"))
        zoho_add_error(errors, "/content", "missing");
    if (!zoho_uploads_exist(zoho, json_object_get(body, "attachmentIds")))
        zoho_add_error(errors, "/attachmentIds", "invalid");
    if (json_array_size(errors) > 0) {
        zoho_refuse_data(req, res, errors, false);
        json_decref(body);
        return;
    }
    json_decref(errors);
    struct zoho_comment *comment = sim_calloc(1, sizeof(*comment));
    zoho_object_open(zoho, &comment->object, ZOHO_COMMENT, req->now_ms, body);
    comment->ticket = ticket;
    comment->characters = zoho_characters(zoho_text_of(body, "content"));
    zoho_uploads_use(zoho, json_object_get(body, "attachmentIds"), ticket, &comment->attachments);
    zoho_list_add(&zoho->comments, comment);
    zoho_list_add(&ticket->comments, comment);
    zoho_tell_part(req, "Ticket_Comment_Add", ticket, zoho_comment_view(zoho, comment));
    zoho_answer(req, res, zoho_comment_view(zoho, comment));
}

void zoho_comment_get(struct sim_request *req, struct sim_response *res)
{
    struct zoho_ticket *ticket = find_ticket(req, res);
    if (!ticket)
        return;
    struct zoho_comment *comment =
        (struct zoho_comment *)zoho_find(zoho_of(req), ZOHO_COMMENT, sim_param(req, "comment"));
    if (!comment || comment->ticket != ticket)
        zoho_refuse(req, res, ZOHO_NOT_FOUND);
    else if (zoho_query_known(req, res, ""))
        zoho_answer(req, res, zoho_comment_view(zoho_of(req), comment));
}

void zoho_comment_list(struct sim_request *req, struct sim_response *res)
{
    int64_t limit, from;
    const char *word;
    bool is_down;
    struct zoho_ticket *ticket = find_ticket(req, res);
    if (!ticket || !zoho_query_known(req, res, "limit|from|sortBy") ||
        !zoho_query_number(req, res, "limit", 1, 100, 50, &limit) ||
        !zoho_query_number(req, res, "from", 0, 1000000, 0, &from) ||
        !zoho_query_sort(req, res, "commentedTime", "-commentedTime", &word, &is_down))
        return;
    json_t *rows = json_array();
    size_t count = ticket->comments.count;
    for (size_t i = (size_t)from; i < count && i < (size_t)(from + limit); i++) {
        const struct zoho_comment *comment = ticket->comments.items[is_down ? count - 1 - i : i];
        (void)json_array_append_new(rows, zoho_comment_view(zoho_of(req), comment));
    }
    zoho_answer_list(req, res, rows, -1);
}

/* Attachments of tickets, and uploads that a later ticket or comment uses. */
#include "zoho.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *zoho_file_view(struct zoho *zoho, const struct zoho_file *file)
{
    char created[40], size[24], url[256];
    (void)snprintf(size, sizeof(size), "%zu", sim_blob_size(file->data));
    if (file->ticket)
        (void)snprintf(url, sizeof(url), "https://desk.zoho.%s/api/v1/tickets/%s/attachments/%s/content",
                       zoho->tld, file->ticket->object.id, file->object.id);
    else
        (void)snprintf(url, sizeof(url), "https://desk.zoho.%s/api/v1/uploads/%s/contents", zoho->tld,
                       file->object.id);
    return json_pack("{s:s, s:s, s:s, s:s, s:b, s:s, s:n, s:s}", "id", file->object.id, "creatorId",
                     zoho_agent_id(), "name", file->name, "size", size, "isPublic", file->is_public,
                     "createdTime", zoho_time(file->object.created_ms, created), "previewurl", "href", url);
}

/* The other of the two documented shapes of an upload. */
static json_t *short_view(const struct zoho_file *file)
{
    char created[40], size[24];
    (void)snprintf(size, sizeof(size), "%zu", sim_blob_size(file->data));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "id", file->object.id, "fileName", file->name, "size",
                     size, "createdTime", zoho_time(file->object.created_ms, created), "storeId", "store1",
                     "ownerId", zoho_agent_id());
}

/* Reads the one multipart field "file". Gives a file that belongs to no ticket, or NULL after answering. */
static struct zoho_file *read_file(struct sim_request *req, struct sim_response *res)
{
    const struct sim_part *parts;
    const char *type = sim_header(req, "Content-Type");
    int64_t max = sim_knob_int(req->service, DESK_ATTACHMENT_MAX_BYTES);
    if (!type || strncasecmp(type, "multipart/form-data", 19) != 0) {
        zoho_refuse(req, res, ZOHO_MEDIA_TYPE);
        return NULL;
    }
    int count = sim_multipart(req, &parts);
    if (count != 1 || strcmp(parts[0].name, "file") != 0) {
        if (count > 0)
            zoho_refuse_text(req, res, "An extra parameter '%.100s' is found",
                             strcmp(parts[0].name, "file") == 0 ? parts[1].name : parts[0].name);
        else
            zoho_refuse_text(req, res, "The payload is not a valid multipart body.");
        return NULL;
    }
    if (!parts[0].file_name || !*parts[0].file_name || zoho_characters(parts[0].file_name) > 100) {
        json_t *errors = json_array();
        zoho_add_error(errors, "/file", "invalid");
        zoho_refuse_data(req, res, errors, false);
        return NULL;
    }
    if (max > 0 && (int64_t)parts[0].size > max) {
        zoho_refuse(req, res, ZOHO_TOO_LARGE);
        return NULL;
    }
    struct zoho_file *file = sim_calloc(1, sizeof(*file));
    char *copy = sim_malloc(parts[0].size);
    memcpy(copy, parts[0].data, parts[0].size);
    file->data = sim_blob_new(copy, parts[0].size);
    file->name = sim_strdup(parts[0].file_name);
    file->type = sim_strdup(parts[0].type ? parts[0].type : "application/octet-stream");
    return file;
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

static struct zoho_file *find_file(struct sim_request *req, struct sim_response *res)
{
    struct zoho_ticket *ticket = find_ticket(req, res);
    if (!ticket)
        return NULL;
    struct zoho_file *file =
        (struct zoho_file *)zoho_find(zoho_of(req), ZOHO_UPLOAD, sim_param(req, "attachment"));
    if (file && file->ticket == ticket && !file->is_deleted)
        return file;
    zoho_refuse(req, res, ZOHO_NOT_FOUND);
    return NULL;
}

void zoho_attachment_create(struct sim_request *req, struct sim_response *res)
{
    struct zoho *zoho = zoho_of(req);
    int is_public;
    struct zoho_ticket *ticket = find_ticket(req, res);
    if (!ticket || !zoho_query_known(req, res, "isPublic") ||
        !zoho_query_flag(req, res, "isPublic", &is_public))
        return;
    struct zoho_file *file = read_file(req, res);
    if (!file)
        return;
    zoho_object_open(zoho, &file->object, ZOHO_UPLOAD, req->now_ms, json_object());
    file->ticket = ticket;
    file->is_public = is_public == 1;
    zoho_list_add(&zoho->files, file);
    zoho_list_add(&ticket->attachments, file);
    zoho_tell_part(req, "Ticket_Attachment_Add", ticket, zoho_file_view(zoho, file));
    zoho_answer(req, res, zoho_file_view(zoho, file));
}

void zoho_attachment_list(struct sim_request *req, struct sim_response *res)
{
    int64_t limit, from;
    const char *word;
    bool is_down;
    int is_public;
    struct zoho_ticket *ticket = find_ticket(req, res);
    if (!ticket || !zoho_query_known(req, res, "include|limit|isPublic|from|sortBy") ||
        !zoho_query_words(req, res, "include", "creator") ||
        !zoho_query_flag(req, res, "isPublic", &is_public) ||
        !zoho_query_number(req, res, "limit", 1, 100, 50, &limit) ||
        !zoho_query_number(req, res, "from", 0, 1000000, 0, &from) ||
        !zoho_query_sort(req, res, "createdTime", "-createdTime", &word, &is_down))
        return;
    json_t *rows = json_array();
    size_t count = ticket->attachments.count;
    for (size_t i = 0; i < count && (int64_t)json_array_size(rows) < limit; i++) {
        const struct zoho_file *file = ticket->attachments.items[is_down ? count - 1 - i : i];
        if ((is_public >= 0 && is_public != file->is_public) || from-- > 0)
            continue;
        (void)json_array_append_new(rows, zoho_file_view(zoho_of(req), file));
    }
    zoho_answer_list(req, res, rows, -1);
}

void zoho_attachment_patch(struct sim_request *req, struct sim_response *res)
{
    static const struct zoho_field fields[] = { { .name = "isPublic", .type = ZOHO_FLAG } };
    json_t *body, *errors;
    struct zoho_file *file = find_file(req, res);
    if (!file || !zoho_query_known(req, res, "") || zoho_read_body(req, res, fields, 1, &body, &errors) < 0)
        return;
    if (!json_object_get(body, "isPublic"))
        zoho_add_error(errors, "/isPublic", "missing");
    if (json_array_size(errors) > 0) {
        zoho_refuse_data(req, res, json_incref(errors), false);
    } else {
        file->is_public = json_is_true(json_object_get(body, "isPublic"));
        zoho_answer_empty(req, res, 200);
    }
    json_decref(errors);
    json_decref(body);
}

void zoho_attachment_delete(struct sim_request *req, struct sim_response *res)
{
    struct zoho_file *file = find_file(req, res);
    if (!file || !zoho_query_known(req, res, ""))
        return;
    struct zoho_list *list = &file->ticket->attachments;
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i] != file)
            continue;
        memmove(list->items + i, list->items + i + 1, (list->count - i - 1) * sizeof(*list->items));
        list->count--;
        break;
    }
    file->is_deleted = true;
    zoho_answer_empty(req, res, 200);
}

void zoho_attachment_content(struct sim_request *req, struct sim_response *res)
{
    const struct zoho_file *file = find_file(req, res);
    if (file && zoho_query_known(req, res, ""))
        sim_respond_blob(res, 200, file->type, file->data, 0, sim_blob_size(file->data));
}

void zoho_upload_create(struct sim_request *req, struct sim_response *res)
{
    struct zoho *zoho = zoho_of(req);
    struct zoho_file *file = zoho_query_known(req, res, "") ? read_file(req, res) : NULL;
    if (!file)
        return;
    zoho_object_open(zoho, &file->object, ZOHO_UPLOAD, req->now_ms, json_object());
    zoho_list_add(&zoho->files, file);
    zoho_answer(req, res,
                sim_knob_is(req->service, DESK_UPLOAD_SHAPE, "short") ? short_view(file)
                                                                      : zoho_file_view(zoho, file));
}

bool zoho_uploads_exist(struct zoho *zoho, const json_t *ids)
{
    for (size_t i = 0; i < json_array_size(ids); i++) {
        struct zoho_file *file =
            (struct zoho_file *)zoho_find(zoho, ZOHO_UPLOAD, json_string_value(json_array_get(ids, i)));
        if (!file || file->ticket)
            return false;
    }
    return true;
}

void zoho_uploads_use(struct zoho *zoho, const json_t *ids, struct zoho_ticket *ticket,
                      struct zoho_list *list)
{
    for (size_t i = 0; i < json_array_size(ids); i++) {
        struct zoho_file *file =
            (struct zoho_file *)zoho_find(zoho, ZOHO_UPLOAD, json_string_value(json_array_get(ids, i)));
        if (!file || file->ticket)
            continue;
        file->ticket = ticket;
        zoho_list_add(list, file);
    }
}

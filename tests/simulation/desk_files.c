/* Files of tickets at the simulated Zoho Desk: whoever attaches twice has two. */
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "simulation/desk.h"
#include "simulation/memory.h"
#include "simulation/truth_escalation.h"

enum { LIST_DEFAULT = 50, NAME_MAX_UNITS = 100 };

static json_t *file_json(const struct truth_file *file)
{
    return json_pack("{s:s, s:s, s:s, s:o, s:b, s:o, s:n, s:s}", "id", file->id, "creatorId",
                     "5000001000000110001", "name", file->name, "size", json_sprintf("%zu", file->size),
                     "isPublic", file->is_public, "createdTime", desk_time(file->created_ms), "previewurl",
                     "href", "https://" SIM_HOST_DESK "/api/v1/tickets/attachments/content");
}

/* The one part of the form: its file name, and where its content begins and ends. False: it is not as it must be. */
static bool read_form(const struct sim_request *request, char **ret_name, const char **ret_content,
                      size_t *ret_size)
{
    static const char lead[] = "form-data; name=\"file\"; filename=\"";
    const char *end = request->body + request->body_size;
    const char *head = memmem(request->body, request->body_size, lead, sizeof(lead) - 1);
    const char *name = head ? head + sizeof(lead) - 1 : NULL;
    const char *quote = name ? memchr(name, '"', (size_t)(end - name)) : NULL;
    const char *content = quote ? memmem(quote, (size_t)(end - quote), "\r\n\r\n", 4) : NULL;
    const char *tail = content ? memmem(content, (size_t)(end - content), "\r\n--sim", 7) : NULL;

    if (!tail || tail < content + 4 || memmem(tail + 2, (size_t)(end - tail) - 2, lead, sizeof(lead) - 1))
        return false;
    *ret_name = sim_copy_bytes(name, (size_t)(quote - name));
    *ret_content = content + 4;
    *ret_size = (size_t)(tail - content) - 4;
    return true;
}

static void attach(struct desk *desk, const struct truth_ticket *ticket)
{
    AUTO_STR name = NULL;
    AUTO_STR is_public = sim_form_value(desk->request->query, "isPublic");
    const char *content = NULL;
    size_t size = 0;

    if (!read_form(desk->request, &name, &content, &size)) {
        desk_blame(desk, "/file", "missing");
        return;
    }
    if (strlen(name) > NAME_MAX_UNITS) {
        desk_blame(desk, "/name", "invalid");
        return;
    }
    struct truth_file *file = truth_add_file(&desk->company->truth, desk->request->now_ms);
    file->ticket = ticket;
    file->name = sim_copy(name);
    file->content = sim_copy_bytes(content, size);
    file->size = size;
    file->is_public = !is_public || strcmp(is_public, "false") != 0;
    file->listed_ms += desk_lag_ms(desk->company, FAULT_LIST_LAG);
    desk->reply->had_effect = true;
    sim_reply_json(desk->reply, 200, file_json(file));
}

static void list(struct desk *desk, const struct truth_ticket *ticket)
{
    static const char *const allowed[] = { "limit", "from", "sortBy", "isPublic", "include", NULL };
    const struct truth *truth = &desk->company->truth;
    AUTO_STR sort = sim_form_value(desk->request->query, "sortBy");
    bool is_newest_first = sort && strcmp(sort, "-createdTime") == 0;

    if (!desk_check_query(desk, allowed))
        return;
    json_t *items = json_array();
    for (size_t i = 0; i < truth->file_count; i++) {
        const struct truth_file *file = truth->files[is_newest_first ? truth->file_count - 1 - i : i];
        if (file->ticket == ticket && desk->request->now_ms >= file->listed_ms)
            json_array_append_new(items, file_json(file));
    }
    desk_answer_page(desk, items, LIST_DEFAULT, -1);
}

void desk_files(struct desk *desk, const struct truth_ticket *ticket, bool is_get)
{
    if (is_get)
        list(desk, ticket);
    else
        attach(desk, ticket);
}

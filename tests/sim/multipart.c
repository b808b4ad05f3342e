/* Reads multipart/form-data: parts between boundary lines, each with a small header. */
#include "sim.h"

#include <string.h>

/* The value of a parameter such as name="x" in a header's text, in memory of the request; NULL when it is not
 * there. */
static const char *parameter(struct sim_request *req, const char *header, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = strchr(header, ';'); at; at = strchr(at, ';')) {
        at += 1 + strspn(at + 1, " \t");
        if (strncasecmp(at, name, length) != 0 || at[length] != '=')
            continue;
        at += length + 1;
        size_t size = *at == '"' ? strcspn(at + 1, "\"") : strcspn(at, "; \t\r\n");
        return sim_text(req, "%.*s", (int)size, at + (*at == '"'));
    }
    return NULL;
}

static const char *find(const char *data, size_t size, const char *wanted, size_t wanted_size)
{
    return memmem(data, size, wanted, wanted_size);
}

/* Reads the lines of a part's header into `part`. False when it has no Content-Disposition: form-data. */
static bool read_header(struct sim_request *req, const char *text, size_t size, struct sim_part *part)
{
    bool is_form_data = false;
    while (size > 0) {
        const char *end = find(text, size, "\r\n", 2);
        size_t length = end ? (size_t)(end - text) : size;
        const char *line = sim_text(req, "%.*s", (int)length, text);
        if (strncasecmp(line, "Content-Disposition:", 20) == 0) {
            const char *value = line + 20 + strspn(line + 20, " \t");
            is_form_data = strncasecmp(value, "form-data", 9) == 0;
            const char *name = parameter(req, value, "name");
            part->name = name ? name : "";
            part->file_name = parameter(req, value, "filename");
        } else if (strncasecmp(line, "Content-Type:", 13) == 0) {
            part->type = line + 13 + strspn(line + 13, " \t");
        }
        size_t step = end ? length + 2 : length;
        text += step;
        size -= step;
    }
    return is_form_data;
}

/* Reads parts from behind the first boundary. Returns how many, or -1. */
static int read_parts(struct sim_request *req, const char *at, const char *boundary, struct sim_part *parts)
{
    const char *end = req->body + req->body_size;
    size_t boundary_size = strlen(boundary);
    for (int count = 0; count < SIM_PARTS_MAX; count++) {
        if (end - at >= 2 && memcmp(at, "--", 2) == 0)
            return count;
        if (end - at < 2 || memcmp(at, "\r\n", 2) != 0)
            return -1;
        at += 2;
        const char *body = find(at, (size_t)(end - at), "\r\n\r\n", 4);
        const char *close = body ? find(body + 2, (size_t)(end - body - 2), boundary, boundary_size) : NULL;
        if (!body || !close)
            return -1;
        parts[count] = (struct sim_part){ .name = "" };
        if (!read_header(req, at, (size_t)(body - at), &parts[count]))
            return -1;
        /* An empty part shares its CR LF with the boundary that follows. */
        parts[count].data = body + 4;
        parts[count].size = close > body + 4 ? (size_t)(close - body - 4) : 0;
        at = close + boundary_size;
    }
    return -1;
}

int sim_multipart(struct sim_request *req, const struct sim_part **ret_parts)
{
    const char *type = sim_header(req, "Content-Type");
    if (!type || strncasecmp(type, "multipart/form-data", 19) != 0)
        return -1;
    const char *word = parameter(req, type, "boundary");
    if (!word || !*word || strlen(word) > 70)
        return -1;
    const char *boundary = sim_text(req, "\r\n--%s", word);
    size_t first_size = strlen(boundary) - 2;
    const char *at = NULL;
    if (req->body_size >= first_size && memcmp(req->body, boundary + 2, first_size) == 0)
        at = req->body + first_size;
    if (!at)
        return -1;
    struct sim_part *parts = sim_alloc(req, SIM_PARTS_MAX * sizeof(*parts));
    int count = read_parts(req, at, boundary, parts);
    if (count >= 0)
        *ret_parts = parts;
    return count;
}

/* The files of an escalation on its ticket: each once, under a name that tells it from every other, and none of them
 * worth a dead letter: what cannot be attached is said in a note. */
#include "escalation.h"

#include <string.h>

enum { UPLOAD_TIMEOUT_MS = 5 * 60 * 1000, EXTENSION_MAX = 12, WHY_MAX = 200 };

static size_t item_count(const struct sb_exchange *x)
{
    return json_array_size(sb_get(x, "attachments.items"));
}

static const json_t *item_at(const struct sb_exchange *x, size_t index)
{
    return json_array_get(sb_get(x, "attachments.items"), index);
}

/* "0123456789ABC-2-photo.jpg": two files may have one name. Signs that a header or a path could stumble over are made
 * plain, and the extension survives the cut. */
static const char *upload_name(struct sb_exchange *x, size_t index)
{
    const char *given = sb_json_str(item_at(x, index), "name");
    char *name = sb_strdup(x, desk_one_line(x, given && *given ? given : "file"));
    for (char *p = name; *p; p++)
        if (strchr("\"\\/:*?<>|;,", *p) || (unsigned char)*p < ' ')
            *p = '_';
    const char *prefix = sb_printf(x, "%s-%zu-", sb_reference(x), index + 1);
    size_t room = DESK_FILE_NAME_MAX - desk_units(prefix);
    const char *dot = strrchr(name, '.');
    const char *extension = dot && dot != name && strlen(dot) <= EXTENSION_MAX ? dot : "";
    if (desk_units(name) <= room)
        return sb_printf(x, "%s%s", prefix, name);
    const char *stem = sb_strndup(x, name, desk_prefix(name, room - desk_units(extension)));
    return sb_printf(x, "%s%s%s", prefix, stem, extension);
}

/* ---- what becomes of each ---- */

static void add_to_list(struct sb_exchange *x, const char *path, json_t *value)
{
    const json_t *before = sb_get(x, path);
    json_t *list = before ? json_copy((json_t *)(uintptr_t)before) : json_array();
    json_array_append_new(list, value);
    sb_set(x, path, list);
}

static void fail(struct sb_exchange *x, size_t index, const char *why)
{
    add_to_list(x, "uploads.failed",
                json_pack("{s:I, s:s}", "index", (json_int_t)index, "why", desk_cut(x, why, WHY_MAX)));
}

static enum sb_verdict go_on(struct sb_exchange *x, size_t index)
{
    return index + 1 < item_count(x) ? sb_again(x, 0) : sb_skip(x, "all files were looked at");
}

/* Why this file cannot be attached, or NULL. */
static const char *obstacle(struct sb_exchange *x, const json_t *item)
{
    const char *file = sb_json_str(item, "file");
    const char *inside = sb_json_str(item, "base64");
    const char *why = sb_json_str(item, "why");
    int64_t max = sb_option_int(x, "attachment_max");
    int64_t size = file ? sb_file_size(x, file) : inside ? (int64_t)(strlen(inside) / 4 * 3) : -1;
    if (!file && !inside)
        return why && *why ? why : "it was not fetched";
    if (size < 0)
        return "the file is not there any more";
    if (size == 0)
        return "it is empty";
    return size > max ? sb_printf(x, "it is larger than %lld bytes", (long long)max) : NULL;
}

/* ---- sending ---- */

enum sb_verdict desk_upload_build(struct sb_exchange *x)
{
    size_t index = sb_round(x);
    const char *ticket_id = sb_get_str(x, "ticket.id");
    const json_t *item = item_at(x, index);
    if (!desk_has_user(x) || !item || !desk_is_id(ticket_id))
        return SB_SKIP;
    /* The rounds count the files: those before this one are done when the record passes the step once more. */
    if (index < json_array_size(sb_get(x, "uploads.ids")) + json_array_size(sb_get(x, "uploads.failed")))
        return go_on(x, index);
    const char *why = obstacle(x, item);
    if (why) {
        fail(x, index, why);
        return go_on(x, index);
    }

    const char *name = upload_name(x, index);
    const char *type = sb_json_str(item, "content_type");
    const char *file = sb_json_str(item, "file");
    desk_request(x, "POST", "/tickets", sb_option_str(x, "org_id"));
    sb_path(x, ticket_id);
    sb_paths(x, "/attachments");
    sb_query(x, "isPublic", "false");
    sb_timeout_ms(x, UPLOAD_TIMEOUT_MS);
    if (file) {
        sb_multipart_file(x, "file", name, type, file);
    } else if (!sb_multipart_base64(x, "file", name, type, sb_json_str(item, "base64"))) {
        fail(x, index, "it is no valid base64");
        return go_on(x, index);
    }
    sb_intent_keep(x, "org_id", json_string(sb_option_str(x, "org_id")));
    sb_intent_keep(x, "ticket_id", json_string(ticket_id));
    sb_intent_keep(x, "name", json_string(name));
    return SB_OK;
}

static bool take_file(struct sb_exchange *x, const json_t *file)
{
    const char *id = sb_json_str(file, "id");
    if (!desk_is_id(id))
        return false;
    add_to_list(x, "uploads.ids", json_string(id));
    sb_found(x, id);
    return true;
}

enum sb_verdict desk_upload_fold(struct sb_exchange *x)
{
    int status = sb_http_status(x);
    size_t index = sb_round(x);
    bool has_more = index + 1 < item_count(x);
    if (desk_is_good(x) && take_file(x, sb_http_json(x)))
        return has_more ? sb_again(x, 0) : SB_OK;
    if (status == 413)
        fail(x, index, "Zoho Desk calls it too large");
    else if (status == 404)
        fail(x, index, "the ticket was deleted or merged");
    else if (status == 400 || status == 415 || status == 422)
        fail(x, index, sb_printf(x, "Zoho Desk refused it (%d)", status));
    else
        return desk_refused(x, "attach a file to the ticket", "Desk.tickets.UPDATE");
    return has_more ? sb_again(x, 0) : SB_OK;
}

/* ---- reconcile ---- */

enum sb_verdict desk_reconcile_upload_build(struct sb_exchange *x)
{
    desk_request(x, "GET", "/tickets", sb_intent_str(x, "org_id"));
    sb_path(x, sb_intent_str(x, "ticket_id"));
    sb_paths(x, "/attachments");
    sb_query(x, "sortBy", "-createdTime");
    sb_query_int(x, "limit", DESK_SEARCH_PAGE);
    sb_query_int(x, "from", (int64_t)sb_round(x) * DESK_SEARCH_PAGE);
    return SB_OK;
}

/* The reference and the number in the name make it this file's alone. */
static const json_t *find_file(const json_t *items, size_t *at, const char *wanted)
{
    for (; *at < json_array_size(items); (*at)++) {
        const json_t *file = json_array_get(items, *at);
        const char *name = sb_json_str(file, "name");
        if (name && strcmp(name, wanted) == 0 && desk_is_id(sb_json_str(file, "id")))
            return file;
    }
    return NULL;
}

/* Each of this page; the look goes on until the last page. */
static enum sb_verdict find_all(struct sb_exchange *x, const json_t *items)
{
    for (size_t at = 0; find_file(items, &at, sb_intent_str(x, "name")); at++)
        sb_found(x, sb_json_str(json_array_get(items, at), "id"));
    bool is_last = json_array_size(items) < DESK_SEARCH_PAGE || sb_round(x) + 1 >= DESK_LIST_PAGES_MAX;
    return is_last ? sb_skip(x, "all files were compared") : sb_again(x, 0);
}

enum sb_verdict desk_reconcile_upload_fold(struct sb_exchange *x)
{
    const json_t *items = NULL;
    const char *named = sb_look_id(x);
    size_t at = 0;
    if (sb_http_status(x) == 404)
        return sb_skip(x, "the ticket is gone");
    if (!desk_items(x, &items))
        return desk_refused(x, "look for the file that may have been attached", "Desk.tickets.READ");
    if (sb_look_all(x))
        return find_all(x, items);
    const json_t *file = find_file(items, &at, sb_intent_str(x, "name"));
    if (file && named && strcmp(named, sb_json_str(file, "id")) != 0)
        return sb_reject(x, "the file '%s' is %s, not %s", sb_intent_str(x, "name"), sb_json_str(file, "id"),
                         named);
    if (file) {
        (void)take_file(x, file);
        size_t done =
            json_array_size(sb_get(x, "uploads.ids")) + json_array_size(sb_get(x, "uploads.failed"));
        if (done < item_count(x))
            sb_more(x);
        return SB_OK;
    }
    if (json_array_size(items) < DESK_SEARCH_PAGE)
        return sb_skip(x, "no file of the ticket has this name");
    if (sb_round(x) + 1 >= DESK_LIST_PAGES_MAX)
        return sb_retry(x, "the ticket has more than %d files: not all were compared",
                        DESK_LIST_PAGES_MAX * DESK_SEARCH_PAGE);
    return sb_again(x, 0);
}

/* The private note with the transcription: one comment, or several when it is long, each with a marker of its
 * own. */
#include "desk.h"

#include <string.h>

enum { CALL_ID_UNITS_MAX = 100 };

/* The part that this round is about; rounds and parts are the same numbers, so that the intent of a part is
 * its own. */
struct part {
    size_t index, count;
    const char
        *marker; /* "[SB-0123456789ABC/1]": unlike any other part's, and unlike anything that was said */
    const char *text;
};

static size_t parts_done(const struct sb_exchange *x)
{
    return json_array_size(sb_get(x, "notes.ids"));
}

static const char *part_content(struct sb_exchange *x, const struct part *part)
{
    const char *sid = sb_get_str(x, "call.sid");
    if (!sid)
        sid = sb_get_str(x, "source.external_id");
    sid = desk_cut(x, desk_one_line(x, sid ? sid : "?"), CALL_ID_UNITS_MAX);
    const char *title = part->index == 0 ? "Transcription" : "Transcription, continued";
    if (part->count == 1)
        return sb_printf(x, "%s of call %s\n%s\n%s", title, sid, part->marker, part->text);
    return sb_printf(x, "%s of call %s\nPart %zu of %zu %s\n%s", title, sid, part->index + 1, part->count,
                     part->marker, part->text);
}

enum sb_verdict desk_add_note_build(struct sb_exchange *x)
{
    const char *ticket_id = sb_get_str(x, "ticket.id");
    const char *text = desk_note_text(x);
    if (!text)
        return sb_skip(x, "there is no transcription to write down");
    if (!desk_is_id(ticket_id))
        return sb_reject(x, "cannot add the note: the record has no ticket");

    size_t units_max = (size_t)sb_option_int(x, "note_size_max");
    struct part part = { .index = sb_round(x), .count = desk_note_parts(text, units_max) };
    if (parts_done(x) >= part.count)
        return sb_skip(x, "the note is complete");
    if (part.index < parts_done(x))
        return sb_again(x, 0);
    part.marker = sb_printf(x, "[SB-%s/%zu]", sb_reference(x), part.index + 1);
    part.text = desk_note_part(x, text, units_max, part.index);

    sb_intent_keep(x, "org_id", json_string(sb_option_str(x, "org_id")));
    sb_intent_keep(x, "ticket_id", json_string(ticket_id));
    sb_intent_keep(x, "marker", json_string(part.marker));
    sb_intent_keep(x, "parts", json_integer((json_int_t)part.count));

    json_t *body = sb_keep(x, json_object());
    json_object_set_new(body, "content", json_string(part_content(x, &part)));
    json_object_set_new(body, "isPublic", json_false());
    json_object_set_new(body, "contentType", json_string("plainText"));
    desk_request(x, "POST", "/tickets", sb_option_str(x, "org_id"));
    sb_path(x, ticket_id);
    sb_paths(x, "/comments");
    sb_body_json(x, json_incref(body));
    return SB_OK;
}

/* Writes the part's comment down; returns how many there are now. */
static size_t take_comment(struct sb_exchange *x, const json_t *comment, size_t count)
{
    json_t *ids = sb_keep(x, json_array());
    const json_t *before = sb_get(x, "notes.ids");
    for (size_t i = 0; i < json_array_size(before); i++)
        json_array_append(ids, json_array_get(before, i));
    json_array_append_new(ids, json_string(sb_json_str(comment, "id")));

    size_t done = json_array_size(ids);
    sb_set_int(x, "notes.parts", (int64_t)count);
    sb_set(x, "notes.ids", json_incref(ids));
    if (done >= count) {
        const char *number = sb_get_str(x, "ticket.number");
        sb_note(x, "added transcription note to ticket #%s", number ? number : "?");
    }
    return done;
}

enum sb_verdict desk_add_note_fold(struct sb_exchange *x)
{
    const json_t *comment = sb_http_json(x);
    if (desk_is_good(x) && desk_is_id(sb_json_str(comment, "id"))) {
        const char *text = desk_note_text(x);
        size_t count = desk_note_parts(text ? text : "", (size_t)sb_option_int(x, "note_size_max"));
        return take_comment(x, comment, count) < count ? sb_again(x, 0) : SB_OK;
    }
    if (sb_http_status(x) == 404)
        return sb_reject(x, "cannot add the note: ticket #%s was deleted or merged in Zoho Desk",
                         sb_get_str(x, "ticket.number") ? sb_get_str(x, "ticket.number") : "?");
    return desk_refused(x, "add the note", "Desk.tickets.UPDATE");
}

/* ---- reconcile ----------------------------------------------------------------------------------------- */

enum sb_verdict desk_reconcile_note_build(struct sb_exchange *x)
{
    desk_request(x, "GET", "/tickets", sb_intent_str(x, "org_id"));
    sb_path(x, sb_intent_str(x, "ticket_id"));
    sb_paths(x, "/comments");
    sb_query(x, "sortBy", "-commentedTime");
    sb_query_int(x, "limit", DESK_SEARCH_PAGE);
    sb_query_int(x, "from", (int64_t)sb_round(x) * DESK_SEARCH_PAGE);
    return SB_OK;
}

static bool has_marker(const json_t *comment, const char *marker)
{
    const char *content = sb_json_str(comment, "content");
    return content && strstr(content, marker) && desk_is_id(sb_json_str(comment, "id"));
}

enum sb_verdict desk_reconcile_note_fold(struct sb_exchange *x)
{
    const json_t *items = NULL;
    if (!desk_items(x, &items))
        return desk_refused(x, "look for the note that may have been added", "Desk.tickets.READ");

    const char *marker = sb_intent_str(x, "marker");
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *comment = json_array_get(items, i);
        if (has_marker(comment, marker)) {
            size_t count = (size_t)json_integer_value(sb_intent_get(x, "parts"));
            if (take_comment(x, comment, count) < count)
                sb_more(x);
            return SB_OK;
        }
    }
    if (json_array_size(items) < DESK_SEARCH_PAGE)
        return sb_skip(x, "no comment has this marker");
    if (sb_round(x) + 1 >= DESK_LIST_PAGES_MAX)
        return sb_retry(x, "the ticket has more than %d comments: not all were compared",
                        DESK_LIST_PAGES_MAX * DESK_SEARCH_PAGE);
    return sb_again(x, 0);
}

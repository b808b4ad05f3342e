/* Notes: the transcription of a call, or what of an escalation found no room in the description. One comment, or several
 * when it is long, each with a marker of its own. */
#include "escalation.h"

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

/* The size that cuts the text: that of the part that was added first, for another one now would cut it elsewhere. */
static size_t size_max_of(const struct sb_exchange *x)
{
    return (size_t)sb_get_int(x, "notes.size_max", sb_option_int(x, "note_size_max"));
}

/* What the notes are to hold, and what they are called; NULL for nothing. */
static const char *notes_text(struct sb_exchange *x, const char **ret_title)
{
    *ret_title = desk_has_user(x) ? "Escalation" : "Transcription";
    return desk_has_user(x) ? desk_text_rest(x) : desk_note_text(x);
}

static const char *part_content(struct sb_exchange *x, const struct part *part, const char *what)
{
    const char *sid = sb_get_str(x, "call.sid");
    const char *kind = desk_has_user(x) ? "escalation" : "call";
    if (!sid)
        sid = sb_get_str(x, "source.external_id");
    sid = desk_cut(x, desk_one_line(x, sid ? sid : "?"), CALL_ID_UNITS_MAX);
    const char *title = sb_printf(x, part->index == 0 && !desk_has_user(x) ? "%s" : "%s, continued", what);
    if (part->count == 1)
        return sb_printf(x, "%s of %s %s\n%s\n%s", title, kind, sid, part->marker, part->text);
    return sb_printf(x, "%s of %s %s\nPart %zu of %zu %s\n%s", title, kind, sid, part->index + 1, part->count,
                     part->marker, part->text);
}

void desk_note_request(struct sb_exchange *x, const struct desk_note *note)
{
    sb_intent_keep(x, "org_id", json_string(sb_option_str(x, "org_id")));
    sb_intent_keep(x, "ticket_id", json_string(note->ticket_id));
    sb_intent_keep(x, "marker", json_string(note->marker));

    json_t *body = sb_keep(x, json_object());
    json_object_set_new(body, "content", json_string(note->content));
    json_object_set_new(body, "isPublic", json_boolean(note->is_public));
    json_object_set_new(body, "contentType", json_string("plainText"));
    desk_request(x, "POST", "/tickets", sb_option_str(x, "org_id"));
    sb_path(x, note->ticket_id);
    sb_paths(x, "/comments");
    sb_body_json(x, json_incref(body));
}

enum sb_verdict desk_add_note_build(struct sb_exchange *x)
{
    const char *ticket_id = sb_get_str(x, "ticket.id");
    const char *title = NULL;
    const char *text = notes_text(x, &title);
    if (!text)
        return desk_has_user(x) ? SB_SKIP : sb_skip(x, "there is no transcription to write down");
    if (!desk_is_id(ticket_id))
        return sb_reject(x, "cannot add the note: the record has no ticket");

    /* A record that passes its steps once more may cut its text in another way: the note that is there stays as it is. */
    size_t units_max = size_max_of(x), done = parts_done(x);
    struct part part = { .index = sb_round(x), .count = desk_note_parts(text, units_max) };
    if (done >= part.count || (done > 0 && done >= (size_t)sb_get_int(x, "notes.parts", 0)))
        return sb_skip(x, "the note is complete");
    if (part.index < done)
        return sb_again(x, 0);
    part.marker = sb_printf(x, "[SB-%s/%zu]", sb_reference(x), part.index + 1);
    part.text = desk_note_part(x, text, units_max, part.index);
    sb_intent_keep(x, "parts", json_integer((json_int_t)part.count));
    sb_intent_keep(x, "size_max", json_integer((json_int_t)units_max));
    const struct desk_note note = { .ticket_id = ticket_id,
                                    .marker = part.marker,
                                    .content = part_content(x, &part, title) };
    desk_note_request(x, &note);
    return SB_OK;
}

/* Writes the part's comment down; returns how many there are now. */
static size_t take_comment(struct sb_exchange *x, const json_t *comment, size_t count, size_t units_max)
{
    json_t *ids = sb_keep(x, json_array());
    const json_t *before = sb_get(x, "notes.ids");
    for (size_t i = 0; i < json_array_size(before); i++)
        json_array_append(ids, json_array_get(before, i));
    json_array_append_new(ids, json_string(sb_json_str(comment, "id")));

    size_t done = json_array_size(ids);
    sb_set_int(x, "notes.parts", (int64_t)count);
    sb_set(x, "notes.ids", json_incref(ids));
    if (done < count)
        sb_set_int(x, "notes.size_max", (int64_t)units_max);
    if (done >= count) {
        const char *number = sb_get_str(x, "ticket.number");
        sb_note(x, "added %s note to ticket #%s", desk_has_user(x) ? "escalation" : "transcription",
                number ? number : "?");
    }
    return done;
}

enum sb_verdict desk_add_note_fold(struct sb_exchange *x)
{
    const json_t *comment = sb_http_json(x);
    if (desk_is_good(x) && desk_is_id(sb_json_str(comment, "id"))) {
        const char *title = NULL;
        const char *text = notes_text(x, &title);
        size_t units_max = size_max_of(x);
        size_t count = desk_note_parts(text ? text : "", units_max);
        sb_found(x, sb_json_str(comment, "id"));
        return take_comment(x, comment, count, units_max) < count ? sb_again(x, 0) : SB_OK;
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

/* Each comment of this page with the marker; the look goes on until the last page. */
static enum sb_verdict find_all(struct sb_exchange *x)
{
    const json_t *items = NULL;
    if (!desk_items(x, &items))
        return desk_refused(x, "look for the note", "Desk.tickets.READ");
    for (size_t i = 0; i < json_array_size(items); i++)
        if (has_marker(json_array_get(items, i), sb_intent_str(x, "marker")))
            sb_found(x, sb_json_str(json_array_get(items, i), "id"));
    bool is_last = json_array_size(items) < DESK_SEARCH_PAGE || sb_round(x) + 1 >= DESK_LIST_PAGES_MAX;
    return is_last ? sb_skip(x, "all comments were compared") : sb_again(x, 0);
}

/* The comment that was found is the one, unless an operator has named another. */
static const json_t *take_found(struct sb_exchange *x, const json_t *comment, enum sb_verdict *ret_verdict)
{
    const char *id = sb_json_str(comment, "id");
    const char *named = sb_look_id(x);
    if (named && strcmp(named, id) != 0) {
        *ret_verdict = sb_reject(x, "the comment with the marker %s is %s, not %s",
                                 sb_intent_str(x, "marker"), id, named);
        return NULL;
    }
    sb_found(x, id);
    return comment;
}

const json_t *desk_note_look(struct sb_exchange *x, enum sb_verdict *ret_verdict)
{
    const json_t *items = NULL;
    if (sb_look_all(x)) {
        *ret_verdict = find_all(x);
        return NULL;
    }
    if (!desk_items(x, &items)) {
        *ret_verdict = desk_refused(x, "look for the note that may have been added", "Desk.tickets.READ");
        return NULL;
    }
    for (size_t i = 0; i < json_array_size(items); i++)
        if (has_marker(json_array_get(items, i), sb_intent_str(x, "marker")))
            return take_found(x, json_array_get(items, i), ret_verdict);
    if (json_array_size(items) < DESK_SEARCH_PAGE)
        *ret_verdict = sb_skip(x, "no comment has this marker");
    else if (sb_round(x) + 1 >= DESK_LIST_PAGES_MAX)
        *ret_verdict = sb_retry(x, "the ticket has more than %d comments: not all were compared",
                                DESK_LIST_PAGES_MAX * DESK_SEARCH_PAGE);
    else
        *ret_verdict = sb_again(x, 0);
    return NULL;
}

enum sb_verdict desk_reconcile_note_fold(struct sb_exchange *x)
{
    enum sb_verdict verdict = SB_OK;
    const json_t *comment = desk_note_look(x, &verdict);
    if (!comment)
        return verdict;
    size_t count = (size_t)json_integer_value(sb_intent_get(x, "parts"));
    const json_t *size_max = sb_intent_get(x, "size_max"); /* as it was when the part was cut */
    if (take_comment(x, comment, count, size_max ? (size_t)json_integer_value(size_max) : size_max_of(x)) <
        count)
        sb_more(x);
    return SB_OK;
}

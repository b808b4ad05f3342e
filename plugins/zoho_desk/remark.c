/* One private note on the ticket with what a person should know about how it came to be: an ambiguous contact, files that
 * could not be attached, a contact that was refused. */
#include "escalation.h"

#include <string.h>

enum { REMARK_UNITS_MAX = 20000, NAME_UNITS_MAX = 100 };

static void add_contacts(struct sb_exchange *x, struct desk_text *text)
{
    const json_t *ids = sb_get(x, "matching.candidates");
    const char *why = sb_get_str(x, "matching.ambiguous");
    const char *refused = sb_get_str(x, "matching.refused");
    if (json_array_size(ids) > 0) {
        desk_add(x, text,
                 sb_printf(x,
                           "The contact is not certain: %zu contacts %s. The ticket is on contact %s; "
                           "please check. The contacts are:\n",
                           json_array_size(ids), why ? why : "fit", sb_get_str(x, "contact.id")));
        for (size_t i = 0; i < json_array_size(ids); i++)
            desk_add(x, text, sb_printf(x, "- %s\n", json_string_value(json_array_get(ids, i))));
    }
    if (refused)
        desk_add(x, text,
                 sb_printf(x,
                           "Contact %s, who is the user by %s, could not be given this ticket: Zoho Desk "
                           "refused it (deleted, or of another department). The ticket is on "
                           "contact %s.\n",
                           refused, sb_get_str(x, "matching.refused_by"), sb_get_str(x, "contact.id")));
}

static void add_files(struct sb_exchange *x, struct desk_text *text)
{
    const json_t *failed = sb_get(x, "uploads.failed");
    const json_t *items = sb_get(x, "attachments.items");
    if (json_array_size(failed))
        desk_add(x, text, "Files that are not attached:\n");
    for (size_t i = 0; i < json_array_size(failed); i++) {
        const json_t *one = json_array_get(failed, i);
        const json_t *item = json_array_get(items, (size_t)sb_json_int(one, "index", 0));
        const char *name = sb_json_str(item, "name");
        const char *url = sb_json_str(item, "url");
        desk_add(x, text,
                 sb_printf(x, "- %s: %s%s%s\n",
                           desk_cut(x, desk_one_line(x, name && *name ? name : "a file"), NAME_UNITS_MAX),
                           sb_json_str(one, "why"), url ? " " : "",
                           url ? desk_cut(x, desk_one_line(x, url), (size_t)NAME_UNITS_MAX * 4) : ""));
    }
}

enum sb_verdict desk_remark_build(struct sb_exchange *x)
{
    const char *ticket_id = sb_get_str(x, "ticket.id");
    if (!desk_has_user(x) || !desk_is_id(ticket_id) || sb_get_str(x, "remark.id"))
        return SB_SKIP;
    struct desk_text text = { 0 };
    add_contacts(x, &text);
    add_files(x, &text);
    if (!text.at)
        return SB_SKIP;

    const char *marker = sb_printf(x, "[SB-%s/R]", sb_reference(x));
    const struct desk_note note = {
        .ticket_id = ticket_id,
        .marker = marker,
        .content =
            sb_printf(x, "Switchboard: please note %s\n%s", marker, desk_cut(x, text.at, REMARK_UNITS_MAX)),
    };
    desk_note_request(x, &note);
    return SB_OK;
}

enum sb_verdict desk_remark_fold(struct sb_exchange *x)
{
    const json_t *comment = sb_http_json(x);
    if (desk_is_good(x) && desk_is_id(sb_json_str(comment, "id"))) {
        sb_set_str(x, "remark.id", sb_json_str(comment, "id"));
        sb_found(x, sb_json_str(comment, "id"));
        return SB_OK;
    }
    if (sb_http_status(x) == 404)
        return sb_skip(x, "the ticket was deleted or merged in Zoho Desk");
    return desk_refused(x, "add the remark", "Desk.tickets.UPDATE");
}

enum sb_verdict desk_reconcile_remark_fold(struct sb_exchange *x)
{
    enum sb_verdict verdict = SB_OK;
    if (sb_http_status(x) == 404)
        return sb_skip(x, "the ticket is gone");
    const json_t *comment = desk_note_look(x, &verdict);
    if (!comment)
        return verdict;
    sb_set_str(x, "remark.id", sb_json_str(comment, "id"));
    return SB_OK;
}

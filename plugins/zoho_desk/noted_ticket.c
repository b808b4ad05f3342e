/* An escalation out of a backup may have been added to a ticket already, or have one of its own, which the journal has
 * forgotten. The note tells which one it was added to: the contact's tickets are looked through for it. Its own ticket may be
 * on a contact that the user has no more: it is searched for. Only then another one is chosen. */
#include "escalation.h"

#include <string.h>

/* The ticket whose comments this round looks at: round 0 lists the tickets. */
static const json_t *candidate(const struct sb_exchange *x)
{
    return json_array_get(sb_get(x, "open_ticket.candidates"), sb_round(x) - 1);
}

static bool may_be_forgotten(struct sb_exchange *x)
{
    return sb_is_doubtful(x) && desk_may_attach(x) && !sb_get_str(x, "ticket.id");
}

/* ---- the note ---- */

enum sb_verdict desk_find_noted_build(struct sb_exchange *x)
{
    if (!may_be_forgotten(x))
        return SB_SKIP;
    if (sb_round(x) == 0) {
        desk_list_request(x);
        return SB_OK;
    }
    if (!candidate(x)) {
        sb_set(x, "open_ticket", NULL);
        return sb_skip(x, "it was added to no ticket before");
    }
    desk_request(x, "GET", "/tickets", sb_option_str(x, "org_id"));
    sb_path(x, sb_json_str(candidate(x), "id"));
    sb_paths(x, "/comments");
    sb_query(x, "sortBy", "-commentedTime");
    sb_query_int(x, "limit", DESK_SEARCH_PAGE);
    return SB_OK;
}

/* What is needed of a ticket once it is the one. */
static json_t *summary_of(const json_t *ticket)
{
    static const char *const names[] = { "id", "ticketNumber", "webUrl", "createdTime" };
    json_t *summary = json_object();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (sb_json_str(ticket, names[i]))
            json_object_set_new(summary, names[i], json_string(sb_json_str(ticket, names[i])));
    return summary;
}

static enum sb_verdict take_list(struct sb_exchange *x)
{
    const json_t *items = NULL;
    enum sb_verdict verdict = SB_OK;
    if (!desk_list_take(x, &items, &verdict))
        return verdict;
    json_t *candidates = json_array();
    for (size_t i = 0; i < json_array_size(items); i++)
        if (desk_is_id(sb_json_str(json_array_get(items, i), "id")))
            json_array_append_new(candidates, summary_of(json_array_get(items, i)));
    bool is_empty = json_array_size(candidates) == 0;
    sb_set(x, "open_ticket.candidates", candidates);
    return is_empty ? SB_OK : sb_again(x, 0);
}

/* Any part of the note: reconcile finds the others. */
static bool has_note(struct sb_exchange *x, const json_t *comments)
{
    const char *marker = sb_printf(x, "[SB-%s/A", sb_reference(x));
    for (size_t i = 0; i < json_array_size(comments); i++) {
        const char *content = sb_json_str(json_array_get(comments, i), "content");
        if (content && strstr(content, marker))
            return true;
    }
    return false;
}

enum sb_verdict desk_find_noted_fold(struct sb_exchange *x)
{
    const json_t *comments = NULL;
    if (sb_round(x) == 0)
        return take_list(x);
    bool is_gone = sb_http_status(x) == 404;
    if (!is_gone && !desk_items(x, &comments))
        return desk_refused(x, "look for the note that may have been added", "Desk.tickets.READ");
    if (!is_gone && has_note(x, comments)) {
        desk_attach_to(x, candidate(x), NULL);
        sb_set(x, "open_ticket.candidates", NULL);
        return SB_OK;
    }
    return sb_again(x, 0); /* behind the last one there is nothing to build */
}

/* ---- its own ---- */

enum sb_verdict desk_find_own_build(struct sb_exchange *x)
{
    if (!may_be_forgotten(x))
        return SB_SKIP;
    desk_ticket_search(x, sb_option_str(x, "org_id"), sb_option_str(x, "reference_field"), sb_reference(x));
    return SB_OK;
}

/* A request that was under way when the backup was put back may arrive until its time is up. */
enum sb_verdict desk_find_own_fold(struct sb_exchange *x)
{
    const json_t *items = NULL;
    int64_t left_ms = sb_option_int(x, "timeout") + sb_option_int(x, "settle") - sb_step_age_ms(x);
    if (!desk_items(x, &items))
        return desk_refused(x, "search for the ticket that may have been created", "Desk.search.READ");
    const json_t *own = desk_own_ticket(x, items);
    if (own) {
        desk_ticket_take(x, own);
        return SB_OK;
    }
    if (left_ms <= 0)
        return sb_skip(x, "it has no ticket of its own");
    return sb_again(x, left_ms); /* the search may not see it yet */
}

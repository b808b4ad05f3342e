/* The newest tickets of an escalation's contact, for the steps that choose one of them. */
#include "escalation.h"

static const char scopes[] = "Desk.contacts.READ,Desk.tickets.READ,Desk.search.READ";

void desk_list_request(struct sb_exchange *x)
{
    desk_request(x, "GET", "/contacts", sb_option_str(x, "org_id"));
    sb_path(x, sb_get_str(x, "contact.id"));
    sb_paths(x, "/tickets");
    sb_query(x, "departmentId", sb_get_str(x, "ticket.departmentId"));
    sb_query(x, "sortBy", "-createdTime");
    sb_query_int(x, "limit", DESK_PAGE);
}

bool desk_list_take(struct sb_exchange *x, const json_t **ret_items, enum sb_verdict *ret_verdict)
{
    const json_t *items = NULL;
    *ret_verdict = SB_OK;
    if (sb_http_status(x) == 404)
        return false; /* the contact is gone: creating the ticket will say so */
    if (!desk_items(x, &items)) {
        *ret_verdict = desk_refused(x, "list the contact's tickets", scopes);
        return false;
    }
    const json_t *own = desk_own_ticket(x, items);
    if (own) {
        desk_ticket_take(x, own);
        return false;
    }
    *ret_items = items;
    return true;
}

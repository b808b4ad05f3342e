/* Step "write_message": what the user is told about the ticket, by the mapping script. */
#include "escalation.h"

enum { MESSAGE_UNITS_MAX = 2000 };

/* What a script without the function leaves unsaid. */
static const char *plain_message(struct sb_exchange *x)
{
    const char *number = sb_get_str(x, "ticket.number");
    return sb_printf(
        x, "Your request has reached our support team as ticket #%s. A person will get back to you.",
        number ? number : "?");
}

/* What the script says, or NULL when it says nothing or fails: the ticket is there, and the user has to be told. */
static const char *script_message(struct sb_exchange *x)
{
    struct sb_error err = SB_ERROR_INIT;
    json_t *said = NULL;
    if (!sb_script_has(x, "mapping", "message"))
        return NULL;
    json_t *options = desk_script_options(x);
    json_object_set(options, "ticket", (json_t *)(uintptr_t)sb_get(x, "ticket"));
    if (sb_script_call(x, "mapping", "message", options, &said, &err) < 0) {
        sb_note(x, "the user is told in plain words, for the mapping script failed: %s", err.text);
        return NULL;
    }
    (void)sb_keep(x, said);
    const char *text = json_string_value(said);
    if (!text && !json_is_null(said))
        sb_note(
            x, "the user is told in plain words: the mapping script returns no text from function 'message'");
    return text && *text ? desk_cut(x, sb_utf8(x, text), MESSAGE_UNITS_MAX) : NULL;
}

/* message(record, options): the record holds the ticket by now, and the options hold it too, under `ticket`. Not on the
 * pool: calls, which have nobody to tell, would wait their turn there. */
enum sb_verdict desk_message_build(struct sb_exchange *x)
{
    if (!desk_has_user(x) || !sb_get_str(x, "ticket.id") || sb_get_str(x, "ticket.user_message"))
        return SB_SKIP;
    const char *text = script_message(x);
    sb_set_str(x, "ticket.user_message", text ? text : plain_message(x));
    return SB_SKIP;
}

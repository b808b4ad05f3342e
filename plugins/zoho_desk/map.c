/* Step "map": the record becomes the fields of a ticket, by the mapping script. */
#include "escalation.h"

#include <string.h>

json_t *desk_script_options(struct sb_exchange *x)
{
    json_t *options = sb_keep(x, json_object());
    int minutes = 0;
    (void)desk_parse_offset(sb_option_str(x, "utc_offset"),
                            &minutes); /* `open` has refused a malformed one */
    json_object_set_new(options, "utc_offset_minutes", json_integer(minutes));
    json_object_set_new(options, "department_id", json_string(sb_option_str(x, "department_id")));
    json_object_set_new(options, "default_priority", json_string(sb_option_str(x, "default_priority")));
    json_object_set_new(options, "reference", json_string(sb_reference(x)));
    return options;
}

static void set_default(json_t *fields, const char *key, const char *text)
{
    if (text && *text && !json_object_get(fields, key))
        json_object_set_new(fields, key, json_string(text));
}

/* The reference ends the subject, where lists show it and nobody's cut can take it away. */
static void add_reference(struct sb_exchange *x, json_t *fields)
{
    const char *reference = sb_reference(x);
    const char *tail = sb_printf(x, " [SB-%s]", reference);
    const char *subject = sb_json_str(fields, "subject");
    const char *cut = desk_cut(x,
                               subject                   ? subject
                               : sb_get(x, "escalation") ? "Escalation"
                                                         : "Call",
                               DESK_SUBJECT_MAX - desk_units(tail));
    json_object_set_new(fields, "subject", json_string(sb_printf(x, "%s%s", cut, tail)));

    const char *custom = sb_option_str(x, "reference_field");
    if (!custom || !*custom)
        return;
    json_t *cf = json_object_get(fields, "cf");
    if (!cf) {
        cf = json_object();
        json_object_set_new(fields, "cf", cf);
    }
    json_object_set_new(cf, custom, json_string(reference));
}

/* A record that comes again (its transcript is late) keeps the ticket that it has. */
static enum sb_verdict map_again(struct sb_exchange *x)
{
    const char *org_id = sb_get_str(x, "ticket.org_id");
    if (org_id && strcmp(org_id, sb_option_str(x, "org_id")) != 0)
        return sb_reject(
            x, "the record has a ticket in organization '%s' already: a pipeline can have one zoho_desk sink",
            org_id);
    return sb_skip(x, "the ticket exists");
}

enum sb_verdict desk_map(struct sb_exchange *x)
{
    if (sb_get_str(x, "ticket.id"))
        return map_again(x);

    struct sb_error err = SB_ERROR_INIT;
    json_t *returned = NULL;
    if (sb_script_call(x, "mapping", "ticket", desk_script_options(x), &returned, &err) < 0)
        return sb_script_failed(x, &err);
    const json_t *from = sb_keep(x, returned);

    json_t *fields = NULL;
    if (desk_fields_take(x, from, &fields, &err) < 0)
        return sb_script_failed(x, &err);
    (void)sb_keep(x, fields);
    /* Calls have their words in the transcription's note; an escalation's are all in the description. */
    const char *text = sb_json_str(from, "description");
    if (desk_has_user(x) && text && *text)
        desk_text_take(x, text, fields);

    add_reference(x, fields);
    set_default(fields, "departmentId", sb_option_str(x, "department_id"));
    set_default(fields, "priority", sb_option_str(x, "default_priority"));
    set_default(fields, "channel", desk_has_user(x) ? "Chat" : "Phone");
    set_default(fields, "status", "Open");
    json_object_set_new(fields, "reference", json_string(sb_reference(x)));
    json_object_set_new(fields, "org_id", json_string(sb_option_str(x, "org_id")));
    sb_set(x, "ticket", json_incref(fields));
    return SB_OK;
}

/* The text about an escalation, divided between the ticket's description and its notes without losing a word. */
#include "escalation.h"

#include <string.h>

static const char more[] = "\n(goes on in the notes)";

/* At a line where there is one in the second half. */
static size_t at_line(const char *text, size_t size)
{
    for (size_t i = size; i > size / 2; i--)
        if (text[i - 1] == '\n')
            return i;
    return size;
}

void desk_text_take(struct sb_exchange *x, const char *text, json_t *fields)
{
    const char *valid = sb_utf8(x, text);
    size_t size = strlen(valid);
    const char *shown = valid;
    if (desk_units(sb_html(x, valid)) > DESK_TEXT_DESCRIPTION_MAX) {
        size = at_line(valid, desk_html_prefix(valid, DESK_TEXT_DESCRIPTION_MAX - sizeof(more) * 2));
        shown = sb_printf(x, "%s%s", sb_strndup(x, valid, size), more);
    }
    if (*shown)
        json_object_set_new(fields, "description", json_string(sb_html(x, shown)));
    sb_set_str(x, "escalation_text.text", valid);
    sb_set_int(x, "escalation_text.described", (int64_t)size);
}

const char *desk_text_whole(struct sb_exchange *x)
{
    const char *text = sb_get_str(x, "escalation_text.text");
    return text && *text ? text : NULL;
}

const char *desk_text_rest(struct sb_exchange *x)
{
    const char *text = desk_text_whole(x);
    int64_t described = sb_get_int(x, "escalation_text.described", 0);
    if (!text || sb_get_bool(x, "ticket.attached", false))
        return NULL;
    size_t at = described > 0 && (size_t)described < strlen(text) ? (size_t)described : 0;
    return at ? text + at : NULL;
}

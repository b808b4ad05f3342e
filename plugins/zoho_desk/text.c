/* Text that fits: lengths as the service counts them, cuts that split nothing, escaping. */
#include "desk.h"

#include <string.h>

/* Bytes of the character that starts with `lead`, in valid UTF-8. */
static size_t character_size(unsigned char lead)
{
    if (lead < 0x80)
        return 1;
    if (lead < 0xE0)
        return 2;
    return lead < 0xF0 ? 3 : 4;
}

/* A character outside the basic plane takes two units of UTF-16. */
static size_t character_units(unsigned char lead)
{
    return lead < 0xF0 ? 1 : 2;
}

size_t desk_units(const char *text)
{
    size_t units = 0;
    for (const char *p = text; *p; p += character_size((unsigned char)*p))
        units += character_units((unsigned char)*p);
    return units;
}

size_t desk_prefix(const char *text, size_t units_max)
{
    size_t at = 0;
    size_t units = 0;
    while (text[at]) {
        unsigned char lead = (unsigned char)text[at];
        units += character_units(lead);
        if (units > units_max)
            break;
        at += character_size(lead);
    }
    return at;
}

const char *desk_cut(struct sb_exchange *x, const char *text, size_t units_max)
{
    if (desk_units(text) <= units_max)
        return text;
    return sb_printf(x, "%s…", sb_strndup(x, text, desk_prefix(text, units_max - 1)));
}

static bool is_white(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

const char *desk_one_line(struct sb_exchange *x, const char *text)
{
    char *line = sb_strdup(x, sb_utf8(x, text));
    size_t size = 0;
    for (const char *p = line; *p; p++) {
        if (!is_white(*p))
            line[size++] = *p;
        else if (size && line[size - 1] != ' ')
            line[size++] = ' ';
    }
    if (size && line[size - 1] == ' ')
        size--;
    line[size] = '\0';
    return line;
}

/* The most units that a character can take once it is escaped: "&quot;" is the longest. */
static size_t escaped_units(unsigned char lead)
{
    return strchr("&<>\"'\n", lead) ? 6 : character_units(lead);
}

size_t desk_html_prefix(const char *text, size_t units_max)
{
    size_t at = 0;
    for (size_t units = 0; text[at]; at += character_size((unsigned char)text[at])) {
        units += escaped_units((unsigned char)text[at]);
        if (units > units_max)
            break;
    }
    return at;
}

const char *desk_html(struct sb_exchange *x, const char *text, size_t units_max)
{
    const char *valid = sb_utf8(x, text);
    const char *html = sb_html(x, valid);
    if (desk_units(html) <= units_max)
        return html;

    return sb_html(x, sb_printf(x, "%s…", sb_strndup(x, valid, desk_html_prefix(valid, units_max - 1))));
}

bool desk_is_id(const char *text)
{
    if (!text)
        return false;
    size_t size = strspn(text, "0123456789");
    return size >= 1 && size <= 30 && text[size] == '\0';
}

void desk_add(struct sb_exchange *x, struct desk_text *text, const char *more)
{
    size_t size = strlen(more);
    if (text->size + size + 1 > text->room) {
        size_t room = text->room ? text->room * 2 : 1024;
        while (room < text->size + size + 1)
            room *= 2;
        char *at = sb_alloc(x, room);
        if (text->size)
            memcpy(at, text->at, text->size);
        text->at = at;
        text->room = room;
    }
    memcpy(text->at + text->size, more, size + 1);
    text->size += size;
}

static int two_digits(const char *text)
{
    bool is_number = text[0] >= '0' && text[0] <= '9' && text[1] >= '0' && text[1] <= '9';
    return is_number ? (text[0] - '0') * 10 + (text[1] - '0') : -1;
}

bool desk_parse_offset(const char *text, int *ret_minutes)
{
    enum { HOURS_MAX = 18 };
    if (!text || strlen(text) != strlen("+05:30") || (text[0] != '+' && text[0] != '-') || text[3] != ':')
        return false;
    int hours = two_digits(text + 1);
    int minutes = two_digits(text + 4);
    if (hours < 0 || hours > HOURS_MAX || minutes < 0 || minutes > 59)
        return false;
    *ret_minutes = (text[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
    return true;
}

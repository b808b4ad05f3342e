/* UTF-8 by the rules of RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
#include "base/utf8.h"

#include <string.h>

static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */

/* How a first byte goes on: its length, its own bits, and the least code point that may be written so. */
struct lead {
    unsigned char mask, bits, length, payload;
    int32_t least;
};

static const struct lead leads[] = {
    { 0x80, 0x00, 1, 0x7F, 0 },
    { 0xE0, 0xC0, 2, 0x1F, 0x80 },
    { 0xF0, 0xE0, 3, 0x0F, 0x800 },
    { 0xF8, 0xF0, 4, 0x07, 0x10000 },
};

static const struct lead *find_lead(unsigned char byte)
{
    for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++)
        if ((byte & leads[i].mask) == leads[i].bits)
            return &leads[i];
    return NULL;
}

int32_t utf8_decode(const char *text, size_t size, size_t *ret_length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    const struct lead *lead = find_lead(bytes[0]);

    *ret_length = 1;
    if (!lead || lead->length > size)
        return -1;
    int32_t code = bytes[0] & lead->payload;
    for (size_t i = 1; i < lead->length; i++) {
        if ((bytes[i] & 0xC0U) != 0x80U)
            return -1;
        code = code << 6 | (bytes[i] & 0x3F);
    }
    if (code < lead->least || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
        return -1;
    *ret_length = lead->length;
    return code;
}

bool utf8_is_valid(const char *text, size_t size)
{
    size_t length = 0;

    for (size_t at = 0; at < size; at += length)
        if (utf8_decode(text + at, size - at, &length) < 0)
            return false;
    return true;
}

size_t utf8_characters(const char *text)
{
    size_t size = strlen(text), length = 0, count = 0;

    for (size_t at = 0; at < size; at += length, count++)
        (void)utf8_decode(text + at, size - at, &length); /* an invalid byte counts as one */
    return count;
}

size_t utf8_prefix(const char *text, size_t characters)
{
    size_t size = strlen(text), length = 0, at = 0;

    for (; at < size && characters > 0; at += length, characters--)
        (void)utf8_decode(text + at, size - at, &length); /* as above */
    return at;
}

static bool is_unwanted(int32_t code)
{
    return code < 0 || (code < 0x20 && code != '\n' && code != '\t') || (code >= 0x7F && code < 0xA0);
}

/* How many printable ASCII characters `text` begins with: most texts are nothing else. */
static size_t plain_run(const char *text, size_t size)
{
    size_t length = 0;

    while (length < size && text[length] >= 0x20 && text[length] < 0x7F)
        length++;
    return length;
}

void utf8_mend(struct buf *out, const char *text, size_t size)
{
    size_t length = 0;

    for (size_t at = 0; at < size; at += length) {
        length = plain_run(text + at, size - at);
        bool is_mended = length == 0 && is_unwanted(utf8_decode(text + at, size - at, &length));
        if (is_mended)
            buf_str(out, replacement);
        else
            buf_add(out, text + at, length);
    }
}

void utf8_html(struct buf *out, const char *text)
{
    for (const char *p = text; *p; p++) {
        switch (*p) {
        case '&':
            buf_str(out, "&amp;");
            break;
        case '<':
            buf_str(out, "&lt;");
            break;
        case '>':
            buf_str(out, "&gt;");
            break;
        case '"':
            buf_str(out, "&quot;");
            break;
        case '\'':
            buf_str(out, "&#39;");
            break;
        case '\r':
            if (p[1] != '\n') /* the pair is one line break, made by its second half */
                buf_str(out, "<br>");
            break;
        case '\n':
            buf_str(out, "<br>");
            break;
        default:
            buf_char(out, *p);
        }
    }
}

/* Runs of capital letters whose small ones lie at a fixed distance. */
static const struct {
    int32_t first, last, distance;
} plain_runs[] = {
    { 'A', 'Z', 32 },       { 0xC0, 0xD6, 32 },     { 0xD8, 0xDE, 32 },   { 0x391, 0x3A1, 32 },
    { 0x3A3, 0x3AB, 32 },   { 0x388, 0x38A, 37 },   { 0x410, 0x42F, 32 }, { 0x400, 0x40F, 80 },
    { 0x531, 0x556, 48 },   { 0x386, 0x386, 38 },   { 0x38C, 0x38C, 64 }, { 0x38E, 0x38F, 63 },
    { 0x178, 0x178, -121 }, { 0xFF21, 0xFF3A, 32 }, { 0x3C2, 0x3C2, 1 },
};

/* Runs in which capital and small letters alternate; `odd` is 1 where the capitals have odd numbers. */
static const struct {
    int32_t first, last, odd;
} paired_runs[] = {
    { 0x100, 0x12F, 0 }, { 0x132, 0x137, 0 }, { 0x139, 0x148, 1 },   { 0x14A, 0x177, 0 },
    { 0x179, 0x17E, 1 }, { 0x460, 0x481, 0 }, { 0x48A, 0x4BF, 0 },   { 0x4C1, 0x4CE, 1 },
    { 0x4D0, 0x52F, 0 }, { 0x218, 0x21B, 0 }, { 0x1E00, 0x1E95, 0 }, { 0x1EA0, 0x1EFF, 0 },
};

int32_t utf8_fold(int32_t code)
{
    for (size_t i = 0; i < sizeof(plain_runs) / sizeof(plain_runs[0]); i++)
        if (code >= plain_runs[i].first && code <= plain_runs[i].last)
            return code + plain_runs[i].distance;
    for (size_t i = 0; i < sizeof(paired_runs) / sizeof(paired_runs[0]); i++)
        if (code >= paired_runs[i].first && code <= paired_runs[i].last)
            return code % 2 == paired_runs[i].odd ? code + 1 : code;
    return code;
}

void utf8_add(struct buf *out, int32_t code)
{
    for (size_t i = sizeof(leads) / sizeof(leads[0]); i-- > 0;) {
        if (code < leads[i].least)
            continue;
        size_t tail = leads[i].length - 1U;
        buf_char(out, (char)(leads[i].bits | (unsigned)code >> (6 * tail)));
        while (tail-- > 0)
            buf_char(out, (char)(0x80U | ((unsigned)code >> (6 * tail) & 0x3FU)));
        return;
    }
}

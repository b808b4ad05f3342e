/* Telephone numbers: by the numbering plan where its library is there, by their digits where it is not. */
#include <string.h>

#include "base/scope.h"
#include "base/utf8.h"
#include "plugin/exchange_inner.h"

enum { PHONE_TEXT_MAX = 256, E164_DIGITS_MIN = 8, E164_DIGITS_MAX = 15 };

/* The zero of every decimal digit block of Unicode 14; nine more digits follow each. */
static const int32_t zeros[] = {
    0x00030, 0x00660, 0x006f0, 0x007c0, 0x00966, 0x009e6, 0x00a66, 0x00ae6, 0x00b66, 0x00be6, 0x00c66,
    0x00ce6, 0x00d66, 0x00de6, 0x00e50, 0x00ed0, 0x00f20, 0x01040, 0x01090, 0x017e0, 0x01810, 0x01946,
    0x019d0, 0x01a80, 0x01a90, 0x01b50, 0x01bb0, 0x01c40, 0x01c50, 0x0a620, 0x0a8d0, 0x0a900, 0x0a9d0,
    0x0a9f0, 0x0aa50, 0x0abf0, 0x0ff10, 0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0,
    0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60,
    0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
};

/* The value of a decimal digit of any script, or -1. */
static int digit_value(int32_t character)
{
    size_t low = 0, high = COUNT_OF(zeros);

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zeros[middle] <= character)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || character - zeros[low - 1] > 9)
        return -1;
    return character - zeros[low - 1];
}

const char *sb_digits(struct sb_exchange *x, const char *text)
{
    size_t size = text ? strlen(text) : 0, length = 0;
    char *digits = exchange_alloc(x, size + 1);

    for (size_t i = 0; i < size;) {
        size_t step = 1;
        int digit = digit_value(utf8_decode(text + i, size - i, &step));
        if (digit >= 0)
            digits[length++] = (char)('0' + digit);
        i += step;
    }
    digits[length] = '\0';
    return digits;
}

const char *sb_last_digits(struct sb_exchange *x, const char *text, size_t count)
{
    const char *digits = sb_digits(x, text);
    size_t length = strlen(digits);

    return count > 0 && length >= count ? digits + length - count : NULL;
}

/* "+", or "00", and a number of a length that can be dialled; or ten digits and more of an Indian number. */
static const char *guess_e164(struct sb_exchange *x, const char *text, const char *region)
{
    const char *digits = sb_digits(x, text);
    size_t length = strlen(digits);
    const char *start = text + strspn(text, " \t(");

    if (*start == '+' && length >= E164_DIGITS_MIN && length <= E164_DIGITS_MAX)
        return sb_printf(x, "+%s", digits);
    if (strncmp(digits, "00", 2) == 0 && length - 2 >= E164_DIGITS_MIN && length - 2 <= E164_DIGITS_MAX)
        return sb_printf(x, "+%s", digits + 2);
    if (strcmp(region, "IN") == 0 && length >= 10 && length <= E164_DIGITS_MAX)
        return sb_printf(x, "+91%s", digits + length - 10);
    return NULL;
}

const char *sb_phone_e164(struct sb_exchange *x, const char *text, const char *region, bool *ret_is_valid)
{
    struct exchange_private *own = x->private_;
    struct sb_error err = SB_ERROR_INIT;
    char e164[24] = "";
    bool is_valid = false;

    if (ret_is_valid)
        *ret_is_valid = false;
    if (!text || !*text || strlen(text) > PHONE_TEXT_MAX)
        return NULL;
    if (!region || !*region)
        region = x->in.instance->region;
    int rc = helper_phone(text, region, e164, &is_valid, &err);
    if (rc == 0) {
        if (ret_is_valid)
            *ret_is_valid = is_valid;
        return sb_strdup(x, e164);
    }
    if (rc == SB_EINPUT)
        return NULL;
    if (rc == SB_ENOMEM)
        exchange_run_out(x); /* a guess would be kept where the number itself belongs */
    if (!own->has_phone_note)
        sb_note(x, "phone numbers are matched by their digits only: %s", err.text);
    own->has_phone_note = true;
    return guess_e164(x, text, region);
}

/* What a person pastes: the address that the browser ended at, or only the code. */
#include <ctype.h>
#include <string.h>

#include "app/login.h"
#include "base/buf.h"

enum { PASTED_BYTES_MAX = 4096 };

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "a%2Eb+c" to "a.b c". */
static const char *decode(const char *text, size_t size, struct arena *arena)
{
    char *out = arena_strndup(arena, text, size), *to = out;

    for (size_t i = 0; out && i < size; i++) {
        int high = text[i] == '%' && i + 2 < size ? hex_digit(text[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
        if (low >= 0) {
            *to++ = (char)(high * 16 + low);
            i += 2;
        } else {
            *to++ = (char)(text[i] == '+' ? ' ' : text[i]);
        }
    }
    if (out)
        *to = '\0';
    return out;
}

/* The value of `name` in "a=1&b=2", or NULL; an empty one is none. */
static const char *value_of(const char *query, const char *name, struct arena *arena)
{
    size_t name_size = strlen(name);

    while (*query) {
        size_t size = strcspn(query, "&#");
        if (size > name_size + 1 && query[name_size] == '=' && strncmp(query, name, name_size) == 0)
            return decode(query + name_size + 1, size - name_size - 1, arena);
        query += size;
        if (*query == '#')
            return NULL;
        query += *query == '&';
    }
    return NULL;
}

static bool is_code(const char *text)
{
    return *text &&
           strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-") == strlen(text);
}

int login_read_pasted(const char *text, struct arena *arena, struct login_answer *ret_answer,
                      struct sb_error *err)
{
    size_t begin = strspn(text, " \t\r\n'\""), size = strlen(text);

    while (size > begin && strchr(" \t\r\n'\"", text[size - 1]))
        size--;
    if (size - begin > PASTED_BYTES_MAX)
        return sb_fail(err, SB_EINPUT, "what was pasted is too long for an address with a code");
    const char *whole = arena_strndup(arena, text + begin, size - begin);
    if (!whole)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    const char *mark = strchr(whole, '?');
    const char *query = mark ? mark + 1 : whole;
    struct login_answer answer = { .code = value_of(query, "code", arena),
                                   .error = value_of(query, "error", arena),
                                   .state = value_of(query, "state", arena),
                                   .location = value_of(query, "location", arena),
                                   .accounts_server = value_of(query, "accounts-server", arena) };
    if (!answer.code && !answer.error && is_code(whole))
        answer.code = whole;
    if (!answer.code && !answer.error)
        return sb_fail(
            err, SB_EINPUT,
            "there is no code in what was pasted: it must be the address that the browser ended at "
            "(...?code=...), or the code");
    *ret_answer = answer;
    return 0;
}

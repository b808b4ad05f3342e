/* Whether a URL option is an address that requests may go to. Requests themselves are built by curl, in core/io. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/parse.h"
#include "conf/inner.h"

enum { HOST_MAX = 253 };

static bool is_loopback(const char *host, size_t size)
{
    if (size == 9 && strncasecmp(host, "localhost", 9) == 0)
        return true;
    if (size == 5 && strncmp(host, "[::1]", 5) == 0)
        return true;
    /* 127.x.x.x by its form: a name such as 127.example.com is none */
    return size >= 9 && strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") >= size;
}

static bool is_host(const char *host, size_t size)
{
    if (size == 0 || size > HOST_MAX)
        return false;
    if (host[0] == '[')
        return size > 4 && host[size - 1] == ']' && strspn(host + 1, "0123456789abcdefABCDEF:.") == size - 2;
    for (size_t i = 0; i < size; i++)
        if (!isalnum((unsigned char)host[i]) && host[i] != '-' && host[i] != '.' && host[i] != '_')
            return false;
    return host[0] != '.' && host[0] != '-' && host[size - 1] != '-';
}

/* Splits "host:port" and looks at the port. False when there is no good one. */
static bool split_port(const char *authority, size_t size, size_t *ret_host_size)
{
    size_t host_size = size;
    const char *bracket = size > 0 && *authority == '[' ? memchr(authority, ']', size) : NULL;
    const char *from = bracket ? bracket : authority;
    const char *colon = memchr(from, ':', size - (size_t)(from - authority));

    if (colon) {
        char digits[8] = "";
        size_t length = size - (size_t)(colon + 1 - authority);
        int64_t port = 0;
        if (length >= sizeof(digits))
            return false;
        memcpy(digits, colon + 1, length);
        if (parse_int(digits, &port, NULL) < 0 || port < 1 || port > 65535)
            return false;
        host_size = (size_t)(colon - authority);
    }
    *ret_host_size = host_size;
    return true;
}

int conf_check_url(const char *text, struct sb_error *err)
{
    bool is_https = strncasecmp(text, "https://", 8) == 0;
    bool is_http = strncasecmp(text, "http://", 7) == 0;
    if (!is_https && !is_http)
        return sb_fail(err, SB_ECONFIG, "'%s' must be an address that starts with https://", text);

    const char *authority = text + (is_https ? 8 : 7);
    size_t size = strcspn(authority, "/?#");
    size_t host_size = 0;
    if (memchr(authority, '@', size))
        return sb_fail(err, SB_ECONFIG,
                       "an address must not hold a user name or password; there are options for them");
    if (!split_port(authority, size, &host_size))
        return sb_fail(err, SB_ECONFIG, "'%s' has a port that is not a number from 1 to 65535", text);
    if (!is_host(authority, host_size))
        return sb_fail(err, SB_ECONFIG, "'%s' has no host name, such as in https://api.example.com", text);
    if (strpbrk(authority + size, "?#"))
        return sb_fail(err, SB_ECONFIG,
                       "'%s' must end before the '?' or '#': it is the start of many addresses", text);
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7F || strchr("\"<>\\^`{|}", *p))
            return sb_fail(err, SB_ECONFIG, "'%s' has a character that must be written as %%XX in an address",
                           text);
    if (is_http && !is_loopback(authority, host_size))
        return sb_fail(err, SB_ECONFIG,
                       "'%s' must be https: plain http is for addresses of this machine only", text);
    return 0;
}

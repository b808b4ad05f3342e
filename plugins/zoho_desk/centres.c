/* Zoho's data centres: which accounts server signs tokens for which Desk host. */
#include "desk.h"

#include <string.h>

struct centre {
    const char *desk;     /* host */
    const char *accounts; /* base URL */
    const char *apis;     /* host of the other Zoho APIs, which does not serve Desk */
};

/* The token answer's `api_domain` cannot be used for this: it names the host of the other APIs, and for
 * Canada not even by the same pattern. */
static const struct centre centres[] = {
    { "desk.zoho.com", "https://accounts.zoho.com", "www.zohoapis.com" },
    { "desk.zoho.eu", "https://accounts.zoho.eu", "www.zohoapis.eu" },
    { "desk.zoho.in", "https://accounts.zoho.in", "www.zohoapis.in" },
    { "desk.zoho.com.au", "https://accounts.zoho.com.au", "www.zohoapis.com.au" },
    { "desk.zoho.jp", "https://accounts.zoho.jp", "www.zohoapis.jp" },
    { "desk.zohocloud.ca", "https://accounts.zohocloud.ca", "www.zohoapis.ca" },
    { "desk.zoho.com.cn", "https://accounts.zoho.com.cn", "www.zohoapis.com.cn" },
    { "desk.zoho.sa", "https://accounts.zoho.sa", "www.zohoapis.sa" },
    { "desk.zoho.sg", "https://accounts.zoho.sg", "www.zohoapis.sg" },
    { "desk.zoho.ae", "https://accounts.zoho.ae", "www.zohoapis.ae" },
};

enum { CENTRE_COUNT = sizeof(centres) / sizeof(centres[0]) };

/* "https://desk.zoho.in" by the position in the table: `open` has no memory to build text in. */
static const char *const desk_urls[] = {
    "https://desk.zoho.com",    "https://desk.zoho.eu", "https://desk.zoho.in",
    "https://desk.zoho.com.au", "https://desk.zoho.jp", "https://desk.zohocloud.ca",
    "https://desk.zoho.com.cn", "https://desk.zoho.sa", "https://desk.zoho.sg",
    "https://desk.zoho.ae",
};
_Static_assert(sizeof(desk_urls) / sizeof(desk_urls[0]) == CENTRE_COUNT,
               "every data centre has its Desk URL");

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Whether the host of `url` is `host`, whatever port and path follow. */
static bool has_host(const char *url, const char *host)
{
    const char *at = strstr(url, "://");
    at = at ? at + 3 : url;
    size_t size = strlen(host);
    for (size_t i = 0; i < size; i++)
        if (lower(at[i]) != host[i])
            return false;
    return at[size] == '\0' || at[size] == '/' || at[size] == ':';
}

const char *desk_accounts_url(const char *base_url)
{
    for (size_t i = 0; i < CENTRE_COUNT; i++)
        if (has_host(base_url, centres[i].desk))
            return centres[i].accounts;
    return NULL;
}

const char *desk_meant_url(const char *base_url)
{
    for (size_t i = 0; i < CENTRE_COUNT; i++) {
        const char *accounts_host = centres[i].accounts + strlen("https://");
        if (has_host(base_url, centres[i].apis) || has_host(base_url, accounts_host))
            return desk_urls[i];
    }
    return NULL;
}

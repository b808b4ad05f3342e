/* Zoho's data centres: who signs people in, and where Desk is. */
#include <string.h>
#include <strings.h>

#include "app/login.h"
#include "base/scope.h"

static const struct login_centre centres[] = {
    { "us", "https://accounts.zoho.com", "https://desk.zoho.com" },
    { "eu", "https://accounts.zoho.eu", "https://desk.zoho.eu" },
    { "in", "https://accounts.zoho.in", "https://desk.zoho.in" },
    { "au", "https://accounts.zoho.com.au", "https://desk.zoho.com.au" },
    { "jp", "https://accounts.zoho.jp", "https://desk.zoho.jp" },
    { "ca", "https://accounts.zohocloud.ca", "https://desk.zohocloud.ca" },
    { "cn", "https://accounts.zoho.com.cn", "https://desk.zoho.com.cn" },
    { "sa", "https://accounts.zoho.sa", "https://desk.zoho.sa" },
    { "sg", "https://accounts.zoho.sg", "https://desk.zoho.sg" },
    { "ae", "https://accounts.zoho.ae", "https://desk.zoho.ae" },
};

/* The same address, but for case and a slash at the end. */
static bool is_same(const char *url, const char *known)
{
    size_t size = strlen(url);

    while (size > 0 && url[size - 1] == '/')
        size--;
    return size == strlen(known) && strncasecmp(url, known, size) == 0;
}

const struct login_centre *login_centre_named(const char *location)
{
    for (size_t i = 0; i < COUNT_OF(centres); i++)
        if (strcasecmp(centres[i].location, location) == 0)
            return &centres[i];
    return NULL;
}

const struct login_centre *login_centre_of_accounts(const char *url)
{
    for (size_t i = 0; i < COUNT_OF(centres); i++)
        if (is_same(url, centres[i].accounts))
            return &centres[i];
    return NULL;
}

const struct login_centre *login_centre_of_desk(const char *url)
{
    for (size_t i = 0; i < COUNT_OF(centres); i++)
        if (is_same(url, centres[i].desk))
            return &centres[i];
    return NULL;
}

void login_centre_names(struct buf *out)
{
    for (size_t i = 0; i < COUNT_OF(centres); i++)
        buf_printf(out, "%s%s", i > 0 ? ", " : "", centres[i].location);
}

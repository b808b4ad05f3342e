/* The rules for URLs that the client may go to. */
#include "io/http_url.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

int http_url_check(const char *url, struct url_place *ret_place, struct sb_error *err)
{
    struct url_place place;

    if (!url)
        return sb_fail(err, SB_EINPUT, "the request has no URL");
    int rc = url_place(url, &place, err);
    if (rc < 0)
        return rc;
    if (place.has_user)
        return sb_fail(err, SB_EINPUT, "the URL to '%s' holds a user name, which belongs into a header",
                       place.host);
    if (!place.is_https && !place.is_loopback)
        return sb_fail(err, SB_EINPUT, "plain http to '%s' is refused: only https, or http to this machine",
                       place.host);
    *ret_place = place;
    return 0;
}

char *http_url_follow(const char *base, const char *location)
{
    char *text = NULL;
    char *copy = NULL;

    if (!location[0] || strlen(location) > URL_SIZE_MAX)
        return NULL;
    CURLU *handle = curl_url();
    if (handle && curl_url_set(handle, CURLUPART_URL, base, 0) == CURLUE_OK &&
        curl_url_set(handle, CURLUPART_URL, location, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
        curl_url_set(handle, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK &&
        curl_url_get(handle, CURLUPART_URL, &text, 0) == CURLUE_OK)
        copy = strdup(text); /* ours, so that free() fits whatever allocator libcurl has */
    curl_free(text);
    curl_url_cleanup(handle);
    return copy;
}

bool http_host_is_one_of(const char *host, const char *const *patterns)
{
    for (; patterns && *patterns; patterns++)
        if (url_host_fits(host, *patterns))
            return true;
    return false;
}

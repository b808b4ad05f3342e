/* Easy handles and what they share. */
#include "io/http_easies.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SPARES_MAX = 128, /* handles kept for later; 6 KiB each */
    BUFFER_SIZE = 16 * 1024,
    CA_CACHE_S = 24 * 3600
};

struct http_easies {
    char *ca_file, *user_agent, *proxy; /* owned; the last two may be NULL */
    CURLSH *share;
    CURL *spares[SPARES_MAX];
    size_t spare_count;
};

/* Names and TLS sessions are shared, connections are not: one pool for all would be the long walk again. */
static CURLSH *make_share(void)
{
    CURLSH *share = curl_share_init();

    if (share && (curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) != CURLSHE_OK ||
                  curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) != CURLSHE_OK)) {
        (void)curl_share_cleanup(share);
        return NULL;
    }
    return share;
}

static CURLcode set_safety(CURL *easy, const struct http_easies *easies)
{
    CURLcode code = CURLE_OK;

#define SET(option, value) (code = code != CURLE_OK ? code : curl_easy_setopt(easy, option, value))
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L); /* the client follows by itself, and knows whom it may follow */
    SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_CAINFO, easies->ca_file);
    SET(CURLOPT_CAPATH, NULL); /* with a path, libcurl parses the CA file for every connection */
    SET(CURLOPT_CA_CACHE_TIMEOUT, (long)CA_CACHE_S);
    SET(CURLOPT_PROXY, easies->proxy ? easies->proxy : ""); /* "" also hides the environment's */
    SET(CURLOPT_NOPROXY, "localhost,127.0.0.0/8,::1");
    return code;
}

static CURLcode set_plumbing(CURL *easy, const struct http_easies *easies)
{
    CURLcode code = CURLE_OK;

    SET(CURLOPT_SHARE, easies->share);
    SET(CURLOPT_NOSIGNAL, 1L);
    /* Else ending a transfer waits, and the whole loop with it, for a resolver that hangs. */
    SET(CURLOPT_QUICK_EXIT, 1L);
    SET(CURLOPT_NOPROGRESS, 1L);
    SET(CURLOPT_BUFFERSIZE, (long)BUFFER_SIZE);
    SET(CURLOPT_UPLOAD_BUFFERSIZE, (long)BUFFER_SIZE);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_USERAGENT, easies->user_agent);
#undef SET
    return code;
}

void *http_easies_take(struct http_easies *easies)
{
    if (easies->spare_count > 0)
        return easies->spares[--easies->spare_count];
    CURL *easy = curl_easy_init();
    if (!easy)
        return NULL;
    if (set_safety(easy, easies) != CURLE_OK || set_plumbing(easy, easies) != CURLE_OK) {
        curl_easy_cleanup(easy);
        return NULL;
    }
    return easy;
}

void http_easies_put(struct http_easies *easies, void *easy)
{
    if (easies->spare_count < SPARES_MAX)
        easies->spares[easies->spare_count++] = easy;
    else
        curl_easy_cleanup(easy);
}

/* ---- life ---- */

static char *copy_text(const char *text)
{
    return text ? strdup(text) : NULL;
}

static int copy_options(struct http_easies *easies, const struct http_client_options *options,
                        struct sb_error *err)
{
    const curl_version_info_data *libcurl = curl_version_info(CURLVERSION_NOW);
    const char *ca_file = options->ca_file ? options->ca_file : libcurl->cainfo;

    if (!ca_file || access(ca_file, R_OK) < 0)
        return sb_fail(err, SB_ECONFIG,
                       "cannot read the CA file '%s': install ca-certificates, or name another file",
                       ca_file ? ca_file : "(none)");
    easies->ca_file = copy_text(ca_file);
    easies->user_agent = copy_text(options->user_agent);
    easies->proxy = copy_text(options->proxy);
    if (!easies->ca_file || (options->user_agent && !easies->user_agent) ||
        (options->proxy && !easies->proxy))
        return sb_fail(err, SB_ENOMEM, "cannot make the HTTP client: out of memory");
    return 0;
}

struct http_easies *http_easies_new(const struct http_client_options *options, struct sb_error *err)
{
    struct http_easies *easies = calloc(1, sizeof(*easies));
    if (!easies) {
        sb_fail(err, SB_ENOMEM, "cannot make the HTTP client: out of memory");
        return NULL;
    }
    easies->share = make_share();
    int rc = easies->share ? copy_options(easies, options, err)
                           : sb_fail(err, SB_ENOMEM, "cannot make the HTTP client: out of memory");
    if (rc < 0) {
        http_easies_free(easies);
        return NULL;
    }
    return easies;
}

void http_easies_free(struct http_easies *easies)
{
    if (!easies)
        return;
    for (size_t i = 0; i < easies->spare_count; i++)
        curl_easy_cleanup(easies->spares[i]);
    if (easies->share)
        (void)curl_share_cleanup(easies->share);
    free(easies->ca_file);
    free(easies->user_agent);
    free(easies->proxy);
    free(easies);
}

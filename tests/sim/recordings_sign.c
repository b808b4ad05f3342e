/* Presigned addresses: anybody may fetch for a while what somebody who may has signed. */
#include "recordings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIGNATURE_BYTES = 65 };

/* Whoever holds the account's token can sign; nobody else can. */
static void write_signature(const struct exo_call *call, const char *date, int64_t expires_s,
                            char signature[SIGNATURE_BYTES])
{
    char *text = NULL;
    if (asprintf(&text, "%s\n%s\n%s\n%" PRId64, call->account->api_token, call->recording.key, date,
                 expires_s) < 0)
        abort();
    sim_sha256(text, strlen(text), signature);
    free(text);
}

char *recordings_sign(const struct exo_call *call, int64_t now_ms, int64_t minutes)
{
    char date[32], signature[SIGNATURE_BYTES], *query = NULL;
    sim_time_text(now_ms, 0, "%Y%m%dT%H%M%SZ", date, sizeof(date));
    write_signature(call, date, minutes * 60, signature);
    if (asprintf(&query,
                 "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=demo%%2F%.8s%%2Fap-southeast-1%%2Fs3%%"
                 "2Faws4_request"
                 "&X-Amz-Date=%s&X-Amz-Expires=%" PRId64 "&X-Amz-SignedHeaders=host&X-Amz-Signature=%s",
                 date, date, minutes * 60, signature) < 0)
        abort();
    return query;
}

/* "20260310T090000Z" in seconds since 1970. */
static bool read_amz_date(const char *text, int64_t *ret_seconds)
{
    char iso[32];
    int64_t ms;
    if (strlen(text) != 16)
        return false;
    (void)snprintf(iso, sizeof(iso), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", text, text + 4, text + 6, text + 9,
                   text + 11, text + 13);
    json_t *value = json_string(iso);
    bool is_good = value && exo_read_time(value, 0, &ms) == 0;
    json_decref(value);
    if (is_good)
        *ret_seconds = ms / EXO_SECOND_MS;
    return is_good;
}

const char *recordings_check_signature(const struct sim_request *req, const struct exo_call *call)
{
    const char *date = sim_query(req, "X-Amz-Date"), *expires = sim_query(req, "X-Amz-Expires");
    const char *signature = sim_query(req, "X-Amz-Signature");
    char expected[SIGNATURE_BYTES];
    int64_t signed_s;
    if (!date || !expires || !signature || !read_amz_date(date, &signed_s) ||
        strspn(expires, "0123456789") > 6)
        return "Query-string authentication requires the Signature, Expires and Date parameters";
    int64_t expires_s = strtol(expires, NULL, 10);
    write_signature(call, date, expires_s, expected);
    if (strcmp(expected, signature) != 0)
        return "The request signature we calculated does not match the signature you provided";
    return req->now_ms / EXO_SECOND_MS > signed_s + expires_s ? "Request has expired" : NULL;
}

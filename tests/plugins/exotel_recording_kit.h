/* What the tests of recordings share: their addresses, a record that waits for one, and whether a request has credentials. */
#ifndef EXOTEL_RECORDING_KIT_H
#define EXOTEL_RECORDING_KIT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/exotel/exotel.h"
#include "base/scope.h"
#include "exotel_kit.h"

#define END_MS    INT64_C(1773133296000)
#define FETCH     "download_recording"
#define NAME      "examplecall000000000000000000001.mp3"
#define URL       "https://recordings.exotel.com/exotelrecordings/acmedemo1/" NAME
#define S3_URL    "https://s3-ap-southeast-1.amazonaws.com/exotelrecordings/acmedemo1/" NAME
#define PRESIGNED URL "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=300&X-Amz-Signature=0123abcd"
#define ID3       "ID3\x04 and then sound"
#define CALL_PART "/v1/Accounts/acmedemo1/Calls/examplecall000000000000000000001.json"

static inline struct harness *with_recording(const char *options, const char *recording)
{
    char text[2048], all[512];

    (void)snprintf(all, sizeof(all), "{" KIT_KEYS "%s%s}", options[0] ? ", " : "", options);
    struct harness *h = harness_new(&exotel_plugin, all);
    (void)snprintf(text, sizeof(text),
                   "{\"source\": {\"plugin\": \"exotel\", \"at_ms\": %lld}, \"call\": {\"sid\": "
                   "\"examplecall000000000000000000001\","
                   " \"direction\": \"inbound\", \"status\": \"answered\", \"is_final\": true},"
                   " \"recording\": {\"state\": \"pending\", %s}}",
                   (long long)END_MS, recording);
    harness_set_record(h, text);
    harness_set_now(h, END_MS + 3 * EXO_MINUTE_MS);
    return h;
}

static inline bool has_credentials(const json_t *request)
{
    AUTO_STR text = json_dumps(request, 0);

    assert_non_null(text);
    return strstr(text, "[basic]") != NULL;
}

#endif

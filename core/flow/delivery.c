/* From an answer, or the lack of one, to what is known about the other side. */
#include "flow/delivery.h"

#include "base/parse.h"
#include "base/timefmt.h"

enum { RETRY_AFTER_MAX_MS = 24 * 3600 * 1000 };

enum delivery delivery_of(const struct http_response *response)
{
    int status = response->status;

    if (status == 0)
        return response->sent == HTTP_NOT_SENT ? DELIVERY_NOT_SENT : DELIVERY_UNKNOWN;
    if (status >= 200 && status <= 299)
        return DELIVERY_APPLIED;
    /* 408 may come from a gateway whose backend went on; every other 3xx and 4xx was decided before anything
     * was made. */
    if (status >= 300 && status <= 499 && status != 408)
        return DELIVERY_REFUSED;
    return DELIVERY_UNKNOWN;
}

enum delivery delivery_after_fold(enum delivery delivery, enum sb_verdict verdict)
{
    return delivery == DELIVERY_APPLIED && verdict == SB_RETRY ? DELIVERY_UNKNOWN : delivery;
}

bool delivery_is_service_fault(const struct http_response *response)
{
    int status = response->status;

    return status == 0 || status == 408 || status >= 500;
}

int64_t delivery_retry_after_ms(const struct http_response *response, int64_t wall_ms)
{
    const char *text = http_response_header(response, "retry-after-ms");
    int64_t ms = 0;

    if (text && parse_int(text, &ms, NULL) == 0) {
        /* milliseconds as they are */
    } else if ((text = http_response_header(response, "Retry-After")) != NULL) {
        int64_t seconds = 0;
        int64_t date_ms = time_parse_http(text);
        if (parse_int(text, &seconds, NULL) == 0)
            ms = seconds < 0 ? 0 : seconds > RETRY_AFTER_MAX_MS / 1000 ? RETRY_AFTER_MAX_MS : seconds * 1000;
        else if (date_ms > 0)
            ms = date_ms - wall_ms;
    }
    if (ms < 0)
        return 0;
    return ms > RETRY_AFTER_MAX_MS ? RETRY_AFTER_MAX_MS : ms;
}

/* The parsers of base, and Retry-After: whatever text comes, values stay in their range and texts stay whole. The first
 * byte chooses. */
#include "base/json.h"
#include "base/mask.h"
#include "base/parse.h"
#include "base/timefmt.h"
#include "base/utf8.h"
#include "flow/delivery.h"
#include "fuzz/fuzz.h"

static void read_numbers(const char *text)
{
    struct sb_error err = SB_ERROR_INIT;
    int64_t a = 0, b = 0;
    bool is_true = false;
    char shown[24];

    if (parse_duration(text, &a, &err) == 0) {
        FUZZ_CHECK(a >= 0);
        format_duration(a, shown);
    }
    if (parse_size(text, &a, &err) == 0) {
        FUZZ_CHECK(a >= 0);
        format_size(a, shown);
    }
    if (parse_rate(text, &a, &b, &err) == 0)
        FUZZ_CHECK(a >= 0 && b > 0);
    (void)!parse_int(text, &a, &err);
    (void)!parse_bool(text, &is_true, &err);
}

static void read_places(const char *text)
{
    static const char *const words[] = { "deepgram", "exotel", "keyword", NULL };
    struct sb_error err = SB_ERROR_INIT;
    char host[64], phone[24];
    uint16_t port = 0;

    if (parse_listen(text, host, &port, &err) == 0)
        FUZZ_CHECK(strlen(host) < sizeof(host));
    (void)parse_nearest(text, words);
    mask_phone(text, phone);
    FUZZ_CHECK(memchr(phone, '\0', sizeof(phone)));
}

static void read_times(const char *text)
{
    char shown[TIME_TEXT_MAX];
    int64_t times[] = { time_parse_wall(text, 330), time_parse_rfc3339(text), time_parse_http(text) };

    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        FUZZ_CHECK(times[i] >= -1);
        time_format_rfc3339_ms(times[i], shown);
        if (times[i] >= 0)
            FUZZ_CHECK(time_parse_rfc3339(shown) == times[i]);
    }
}

static void read_retry_after(const char *text)
{
    static const char *const names[] = { "Retry-After", "retry-after-ms" };

    for (size_t i = 0; i < 2; i++) {
        struct http_header header = { .name = (char *)(uintptr_t)names[i], .value = (char *)(uintptr_t)text };
        struct http_response response = { .status = 429, .headers = &header, .header_count = 1 };
        int64_t ms = delivery_retry_after_ms(&response, INT64_C(1773133200000));
        FUZZ_CHECK(ms >= 0 && ms <= INT64_C(86400000));
    }
}

static void read_text(const char *text, size_t size)
{
    struct buf out;

    buf_init(&out, 16 * (size + 100));
    mask_text(&out, text);
    FUZZ_CHECK(!out.failed);
    buf_clear(&out);
    utf8_mend(&out, text, size);
    FUZZ_CHECK(!out.failed && utf8_is_valid(out.data, out.len));
    size_t characters = utf8_characters(out.data);
    for (size_t i = 0; i <= characters && i < 20; i++)
        FUZZ_CHECK(utf8_is_valid(out.data, utf8_prefix(out.data, i)));
    buf_clear(&out);
    utf8_html(&out, text);
    FUZZ_CHECK(!out.failed && !strpbrk(out.data, "\"'\n"));
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sb_error err = SB_ERROR_INIT;

    if (size == 0)
        return 0;
    char *text = fuzz_text(data + 1, size - 1);
    switch (data[0] % 6) {
    case 0:
        read_numbers(text);
        break;
    case 1:
        read_places(text);
        break;
    case 2:
        read_times(text);
        break;
    case 3:
        read_retry_after(text);
        break;
    case 4:
        json_decref(json_parse(text, size - 1, &err));
        break;
    default:
        read_text(text, strlen(text));
    }
    free(text);
    return 0;
}

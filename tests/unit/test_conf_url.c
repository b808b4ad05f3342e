/* Which addresses a plugin may be told to talk to. */
#include "check.h"
#include "conf/inner.h"

static void addresses(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool is_right;
    } rows[] = {
        { "https://api.example.com", true },
        { "HTTPS://API.EXAMPLE.COM", true },
        { "https://api.example.com/", true },
        { "https://api.example.com:8443/v1/x%20y", true },
        { "https://192.0.2.1", true },
        { "https://[2001:db8::1]:443/x", true },
        { "http://localhost", true },
        { "http://LOCALHOST:1", true },
        { "http://127.0.0.1:65535/x", true },
        { "http://127.9.9.9", true },
        { "http://[::1]:8080", true },

        { "", false },
        { "https://", false },
        { "https:///x", false },
        { "https:/api.example.com", false },
        { "//api.example.com", false },
        { "file:///etc/passwd", false },
        { "http://localhost.example.com", false },
        { "http://127.0.0.1.example.com", false },
        { "http://127.1", false }, /* not a form that everybody reads alike */
        { "http://[::1", false },
        { "http://[::2]", false },
        { "http://0.0.0.0", false },
        { "https://api.example.com:", false },
        { "https://api.example.com:0", false },
        { "https://api.example.com:65536", false },
        { "https://api.example.com:http", false },
        { "https://user@api.example.com", false },
        { "https://api.example.com?x", false },
        { "https://api.example.com/x#y", false },
        { "https://-api.example.com", false },
        { "https://.example.com", false },
        { "https://exa mple.com", false },
        { "https://example.com/\"x", false },
        { "https://example.com/caf\xC3\xA9", false },
        { "https://example.com\n", false },
        { " https://example.com", false },
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        struct sb_error err = SB_ERROR_INIT;
        CHECK_INT(rows[i].url, rows[i].is_right ? 0 : SB_ECONFIG, conf_check_url(rows[i].url, &err));
        CHECK_INT(rows[i].url, rows[i].is_right, err.text[0] == '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(addresses) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

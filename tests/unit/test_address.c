/* Which addresses are public: the borders of every special range, and IPv4 addresses inside of IPv6 ones. */
#include "unit/check.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/un.h>

#include "io/address.h"

static const struct {
    const char *text;
    bool is_public;
} rows[] = {
    { "0.0.0.0", false },
    { "0.255.255.255", false },
    { "1.0.0.0", true },
    { "8.8.8.8", true },
    { "9.255.255.255", true },
    { "10.0.0.0", false },
    { "10.255.255.255", false },
    { "11.0.0.0", true },
    { "100.63.255.255", true },
    { "100.64.0.0", false },
    { "100.127.255.255", false },
    { "100.128.0.0", true },
    { "126.255.255.255", true },
    { "127.0.0.1", false },
    { "127.255.255.255", false },
    { "128.0.0.0", true },
    { "169.253.255.255", true },
    { "169.254.169.254", false },
    { "169.255.0.0", true },
    { "172.15.255.255", true },
    { "172.16.0.0", false },
    { "172.31.255.255", false },
    { "172.32.0.0", true },
    { "192.0.0.1", false },
    { "192.0.1.0", true },
    { "192.0.2.1", false },
    { "192.88.99.1", false },
    { "192.167.255.255", true },
    { "192.168.0.1", false },
    { "192.169.0.0", true },
    { "198.17.255.255", true },
    { "198.18.0.0", false },
    { "198.19.255.255", false },
    { "198.20.0.0", true },
    { "198.51.100.7", false },
    { "203.0.113.7", false },
    { "223.255.255.255", true },
    { "224.0.0.1", false },
    { "240.0.0.1", false },
    { "255.255.255.255", false },
    { "::", false },
    { "::1", false },
    { "::ffff:127.0.0.1", false },
    { "::ffff:10.1.2.3", false },
    { "::ffff:8.8.8.8", true },
    { "::8.8.8.8", false }, /* a form that is no more */
    { "64:ff9b::10.0.0.1", false },
    { "64:ff9b::8.8.8.8", true },
    { "64:ff9b:1::8.8.8.8", false }, /* NAT64 of one network */
    { "100::1", false },
    { "1fff:ffff::", false },
    { "2001::1", false },
    { "2001:1ff:ffff::", false },
    { "2001:200::", true },
    { "2001:db8::1", false },
    { "2001:db9::1", true },
    { "2002:7f00:1::", false }, /* 6to4 of 127.0.0.1 */
    { "2002:808:808::", true },
    { "2606:2800:220:1::1", true },
    { "3fff:fff::1", false },
    { "3fff:1000::1", true },
    { "4000::", false },
    { "fc00::1", false },
    { "fd12:3456::1", false },
    { "fe80::1", false },
    { "fec0::1", false },
    { "ff02::1", false },
};

static bool through_socket_address(const char *text)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return address_is_public((const struct sockaddr *)&v4);
    assert_int_equal(1, inet_pton(AF_INET6, text, &v6.sin6_addr));
    return address_is_public((const struct sockaddr *)&v6);
}

static void every_border_of_a_special_range_is_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool got = through_socket_address(rows[i].text);
        if (got != rows[i].is_public || address_text_is_public(rows[i].text) != got)
            fail_msg("%s is %spublic", rows[i].text, rows[i].is_public ? "" : "not ");
    }
}

static void what_is_no_internet_address_is_not_public(void **state)
{
    static const char *const texts[] = { "",           "localhost", "8.8.8",    "8.8.8.8.",
                                         "8.8.8.8:80", "[::1]",     "0x8.8.8.8" };
    const struct sockaddr_un local = { .sun_family = AF_UNIX };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_false(address_text_is_public(texts[i]));
    assert_false(address_is_public((const struct sockaddr *)&local));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_border_of_a_special_range_is_known),
        cmocka_unit_test(what_is_no_internet_address_is_not_public),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

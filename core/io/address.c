/* Which network addresses belong to the public internet: the registries of special addresses of the IANA, as tables. */
#include "io/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct range4 {
    uint32_t first;
    unsigned bits;
};

/* All that is not to be met on the public internet. */
static const struct range4 special4[] = {
    { 0x00000000, 8 },  /* 0.0.0.0: this host */
    { 0x0a000000, 8 },  /* 10.0.0.0: private */
    { 0x64400000, 10 }, /* 100.64.0.0: shared by a provider's customers */
    { 0x7f000000, 8 },  /* 127.0.0.0: loopback */
    { 0xa9fe0000, 16 }, /* 169.254.0.0: link-local, where clouds serve their machines' credentials */
    { 0xac100000, 12 }, /* 172.16.0.0: private */
    { 0xc0000000, 24 }, /* 192.0.0.0: protocols */
    { 0xc0000200, 24 }, /* 192.0.2.0: documentation */
    { 0xc0586300, 24 }, /* 192.88.99.0: relays that are no more */
    { 0xc0a80000, 16 }, /* 192.168.0.0: private */
    { 0xc6120000, 15 }, /* 198.18.0.0: benchmarks */
    { 0xc6336400, 24 }, /* 198.51.100.0: documentation */
    { 0xcb007100, 24 }, /* 203.0.113.0: documentation */
    { 0xe0000000, 3 },  /* 224.0.0.0 and above: multicast, reserved, broadcast */
};

struct range6 {
    uint8_t first[4];
    unsigned bits; /* <= 32 */
};

/* What is special within 2000::/3; everything outside of that is special but for NAT64. */
static const struct range6 special6[] = {
    { { 0x20, 0x01, 0x00, 0x00 }, 23 }, /* 2001::/23: protocols, Teredo among them */
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation */
    { { 0x3f, 0xff, 0x00, 0x00 }, 20 }, /* documentation */
};

static bool is_public4(uint32_t address)
{
    for (size_t i = 0; i < sizeof(special4) / sizeof(special4[0]); i++)
        if ((address ^ special4[i].first) >> (32 - special4[i].bits) == 0)
            return false;
    return true;
}

static uint32_t read32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool is_public6(const uint8_t bytes[16])
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };

    if (memcmp(bytes, mapped, sizeof(mapped)) == 0 || memcmp(bytes, nat64, sizeof(nat64)) == 0)
        return is_public4(read32(bytes + 12));
    if (bytes[0] >> 5 != 1)
        return false;
    if (bytes[0] == 0x20 && bytes[1] == 0x02) /* 6to4 */
        return is_public4(read32(bytes + 2));
    for (size_t i = 0; i < sizeof(special6) / sizeof(special6[0]); i++)
        if ((read32(bytes) ^ read32(special6[i].first)) >> (32 - special6[i].bits) == 0)
            return false;
    return true;
}

bool address_is_public(const struct sockaddr *address)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    switch (address->sa_family) {
    case AF_INET:
        memcpy(&v4, address, sizeof(v4));
        return is_public4(ntohl(v4.sin_addr.s_addr));
    case AF_INET6:
        memcpy(&v6, address, sizeof(v6));
        return is_public6(v6.sin6_addr.s6_addr);
    default:
        return false;
    }
}

bool address_text_is_public(const char *text)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (inet_pton(AF_INET, text, &v4) == 1)
        return is_public4(ntohl(v4.s_addr));
    return inet_pton(AF_INET6, text, &v6) == 1 && is_public6(v6.s6_addr);
}

/* Which network addresses belong to the public internet. Pure; any thread. */
#ifndef IO_ADDRESS_H
#define IO_ADDRESS_H

#include <stdbool.h>

struct sockaddr;

/* Whether packets to this address may leave for the public internet: not loopback, private, link-local, shared, reserved,
 * documentation or multicast; and for an IPv6 address that carries an IPv4 one (mapped, NAT64, 6to4), whether that one
 * is. False for every family but IPv4 and IPv6. */
bool address_is_public(const struct sockaddr *address);
/* The same for a numeric text ("192.0.2.1", "::1"); false when it is none. */
bool address_text_is_public(const char *text);

#endif

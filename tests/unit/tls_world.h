/* What the tests over TLS share: two authorities, of which the client trusts one, and a client that does. */
#ifndef TESTS_UNIT_TLS_WORLD_H
#define TESTS_UNIT_TLS_WORLD_H

#include "unit/hostile_server.h"
#include "unit/hostile_tls.h"
#include "unit/http_world.h"

enum { TLS_GIVE_UP_S = 60 };

static char dir[64], ca_path[96], other_ca_path[96];
static struct hostile_ca *ca, *other_ca;

static inline void open_world(struct world *world, const char *ca_file)
{
    const struct http_client_options options = { .user_agent = "switchboard/test", .ca_file = ca_file };

    world_open_with(world, &options);
}

static inline int make_cas(void **state)
{
    (void)state;
    temp_dir(dir);
    (void)snprintf(ca_path, sizeof(ca_path), "%s/ca.pem", dir);
    (void)snprintf(other_ca_path, sizeof(other_ca_path), "%s/other.pem", dir);
    ca = hostile_ca_new(ca_path);
    other_ca = hostile_ca_new(other_ca_path);
    return 0;
}

static inline int remove_cas(void **state)
{
    (void)state;
    hostile_ca_free(ca);
    hostile_ca_free(other_ca);
    return unlink(ca_path) == 0 && unlink(other_ca_path) == 0 && rmdir(dir) == 0 ? 0 : -1;
}

#endif

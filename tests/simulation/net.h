/* The network between the engine and the services: takes the place of core/io's client. A request travels in virtual time,
 * arrives or not, and its answer comes back or not; what arrives is carried out even when the engine is dead by then. */
#ifndef TESTS_SIMULATION_NET_H
#define TESTS_SIMULATION_NET_H

#include "io/http_message.h"
#include "plugin/instance.h"
#include "simulation/chance.h"

struct world;

enum { NET_HOSTS_MAX = 16 };

struct net {
    struct chance latency;
    struct {
        const char *host; /* a service's, or NULL */
        int64_t until_ms; /* down until then */
        bool is_refusing; /* else nobody answers the connection */
    } outages[NET_HOSTS_MAX];
};

/* On whose behalf a request is sent. */
struct net_sender {
    uint64_t ticket;
    const char *external_id; /* "" for polls and tokens */
    const char *step;
};

void net_init(struct net *net, uint64_t seed);
/* Copies what it needs. flow_on_answered() comes later, in the engine's present life only. */
void net_send(struct world *world, const struct http_request *request, struct sb_instance *instance,
              const struct net_sender *sender);

#endif

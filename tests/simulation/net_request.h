/* A request on its way: what was sent, copied, with the secrets in place. */
#ifndef TESTS_SIMULATION_NET_REQUEST_H
#define TESTS_SIMULATION_NET_REQUEST_H

#include "simulation/disk.h"
#include "simulation/net.h"
#include "simulation/service.h"

struct net_request {
    struct world *world;
    uint32_t life; /* of the engine that sent it */
    uint64_t ticket;
    int64_t sent_ms, deadline_ms;
    char *external_id, *step; /* owned */

    char *method, *url, *host, *path, *query;   /* owned */
    struct sim_header headers[SIM_HEADERS_MAX]; /* owned texts */
    size_t header_count;
    char *body; /* owned */
    size_t body_size;

    char *save_path; /* owned; NULL: memory */
    uint64_t save_size_max;
    size_t response_size_max;
    const char *const *redirect_hosts; /* borrowed of the sending engine's instance: only while it lives */
    uint32_t timeout_ms;

    int refs; /* events that know it */
};

/* NULL with `fault` when it cannot even be sent. */
struct net_request *net_request_new(struct world *world, struct disk *disk,
                                    const struct http_request *request, struct sb_instance *instance,
                                    char ret_fault[200]);
void net_request_unref(struct net_request *request);
/* Where it goes; the parts of `url` become host, path and query. False: no address. */
bool net_request_aim(struct net_request *request, const char *url);
/* As the service sees it; borrows. */
void net_request_show(const struct net_request *request, int64_t now_ms, struct sim_request *ret_request);

#endif

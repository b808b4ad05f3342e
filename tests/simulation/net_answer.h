/* From a service's reply to the response that core/io would hand over. */
#ifndef TESTS_SIMULATION_NET_ANSWER_H
#define TESTS_SIMULATION_NET_ANSWER_H

#include "simulation/net_request.h"
#include "simulation/scenario.h"

/* The answer to `request`: the reply, or what `fault` makes of it. Saves the body where that was asked for. */
struct http_response *net_answer(struct net_request *request, enum sim_fault fault,
                                 const struct sim_reply *reply);

#endif

/* How agents show who they are: a bearer token each, and a signature over time and body where the engine wants one. Strangers
 * show something else. */
#ifndef TESTS_SIMULATION_CREDENTIALS_H
#define TESTS_SIMULATION_CREDENTIALS_H

#include "base/digest.h"
#include "simulation/company.h"

enum { CREDENTIAL_SIZE = 64, TIMESTAMP_SIZE = 24, SIGNATURE_SIZE = DIGEST_HEX_SIZE + 8 };

/* "": not shown. */
struct credentials {
    char authorization[CREDENTIAL_SIZE], timestamp[TIMESTAMP_SIZE], signature[SIGNATURE_SIZE];
};

/* What shows that it is `agent`, with secrets of that generation, now or at another time. */
void credentials_make(const char *agent, uint32_t generation, int64_t at_ms, bool is_signed, const char *body,
                      struct credentials *ret_credentials);
/* Those that the agent has now: it takes over new secrets some time after they count. */
void credentials_of(const struct company *company, const char *agent, const char *body,
                    struct credentials *ret_credentials);
void credentials_post(struct world *world, const struct credentials *credentials, bool waits,
                      const char *body, world_answer_fn done, void *ctx);
/* Whether who is in the right may be refused: the engine's clock may be wrong. */
bool credentials_may_be_off(const struct world *world);

/* ---- strangers (strangers.c) --------------------------------------------------------------------------- */

/* Now and then somebody who may not call posts something like it. */
void strangers_plan(struct company *company, const struct truth_escalation *escalation);
/* Now and then somebody posts again what he has overheard, in time or too late. */
void strangers_overhear(struct company *company, struct truth_escalation *escalation,
                        const struct credentials *credentials);

#endif

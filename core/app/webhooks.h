/* The server on `listen`: runs the routes of sources that are told. A reply leaves after what was emitted is committed. */
#ifndef APP_WEBHOOKS_H
#define APP_WEBHOOKS_H

#include <stdint.h>

#include "switchboard/error.h"

struct engine;
struct webhooks;

/* Listens only when a running pipeline has a source with routes. */
int webhooks_new(struct engine *engine, struct webhooks **ret_webhooks, struct sb_error *err) SB_MUST_CHECK;
void webhooks_free(struct webhooks *webhooks);           /* NULL allowed */
uint16_t webhooks_port(const struct webhooks *webhooks); /* 0: it does not listen */

#endif

/* What machines and people may look at on admin_listen: /healthz, /readyz, /metrics. */
#ifndef APP_ADMIN_H
#define APP_ADMIN_H

#include <stdint.h>

#include "switchboard/error.h"

struct admin;
struct engine;

struct admin *admin_new(struct engine *engine, struct sb_error *err);
void admin_free(struct admin *admin); /* NULL allowed */
uint16_t admin_port(const struct admin *admin);

#endif

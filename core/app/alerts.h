/* Tells people: every alert is logged (by flow) and posted to alerts.url as JSON, a few times when it fails. */
#ifndef APP_ALERTS_H
#define APP_ALERTS_H

#include "flow/world.h"

struct alerts;
struct engine;

struct alerts *alerts_new(struct engine *engine, struct sb_error *err);
void alerts_free(struct alerts *alerts); /* NULL allowed */
/* Borrows the texts. Dead letters are told once alerts.dead_letters of them came within an hour. */
void alerts_raise(struct alerts *alerts, enum flow_alert kind, const char *subject, const char *text);

#endif

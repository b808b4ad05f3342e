/* Keeps house while the engine runs: removes recordings that were kept long enough, and old records. */
#ifndef APP_KEEPER_H
#define APP_KEEPER_H

#include "switchboard/error.h"

struct engine;
struct keeper;

struct keeper *keeper_new(struct engine *engine, struct sb_error *err);
void keeper_free(struct keeper *keeper); /* NULL allowed */

#endif

/* An operator's decision about a record whose outcome is unknown: `retry ID --adopt TICKET` and `--send-again`. */
#ifndef APP_DECISION_H
#define APP_DECISION_H

#include <stdbool.h>

#include "conf/conf.h"

struct decision {
    const char *record; /* as the operator wrote it */
    const char *adopt;  /* the id of what was made; NULL: nothing was, send again */
    bool is_forced;
    bool json;
};

/* Carries it out, waits for what comes of it where an engine runs, and tells. Gives an exit code. */
int decision_run(const struct conf *conf, const struct decision *decision);

#endif

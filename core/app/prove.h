/* What `switchboard prove` knows of the journal, and how it says so. */
#ifndef APP_PROVE_H
#define APP_PROVE_H

#include <jansson.h>

#include "app/screen.h"
#include "base/timefmt.h"
#include "store/store.h"

/* Everything about one record, or (record NULL) about all. Borrowed. */
struct proof {
    const struct store_record *record;
    const json_t *timeline; /* of the record */
    const json_t *found;    /* as store_proof gives it */
    const json_t *chain;    /* as store_check_chain gives it */
    const json_t *totals;   /* as store_totals gives it; of all */
    const json_t *unknown;  /* as unknown_read gives it */
    const json_t *report;   /* of the last comparison, or NULL */
    int64_t report_ms;
    int zone_minutes;
};

/* The sentence that says it all, and whether everything is as it should be. */
bool prove_verdict(const struct proof *proof, struct buf *out);
/* For people. -1: out of memory. */
int prove_show_record(const struct proof *proof, const struct screen *screen);
int prove_show_all(const struct proof *proof, const struct screen *screen);

/* The time of `ms`, or "-" for 0. */
const char *prove_time(const struct proof *proof, int64_t ms, char ret_text[TIME_TEXT_MAX]);

#endif

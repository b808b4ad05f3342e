/* One record on the screen, in parts. */
#ifndef APP_SHOW_H
#define APP_SHOW_H

#include "app/screen.h"
#include "store/store.h"

struct shown {
    const struct store_record *record;
    const json_t *timeline; /* as store_timeline gives it */
    struct screen screen;
    int zone_minutes;
};

/* A title over a part. */
void show_title(const struct shown *shown, const char *title);
/* "  label          value", the value wrapped on a terminal. Nothing when `value` is NULL or empty. */
void show_pair(const struct shown *shown, const char *label, const char *value);
void show_pairf(const struct shown *shown, const char *label, const char *fmt, ...) SB_PRINTF(3, 4);

/* Who and where; the conversation, the analysis, the ticket, as far as they are there. */
void show_record(const struct shown *shown);
/* Every attempt and intent. -1: out of memory. */
int show_timeline(const struct shown *shown);
/* What was sent to create something: method, address, headers, body. */
void show_requests(const struct shown *shown);
/* What was said, by whom. */
void show_transcript(const struct shown *shown);

#endif

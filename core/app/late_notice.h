/* From a late record to a notice about it. Store's thread. */
#ifndef APP_LATE_NOTICE_H
#define APP_LATE_NOTICE_H

#include "app/setup.h"
#include "store/store.h"

#define LATE_NOTICE_SUFFIX "#delayed"

/* Adds the notice about `record` (borrowed) to `change`; adds none when there is nobody to tell, or when the ticket is
 * being told of already. */
int late_notice_add(const struct setup *setup, const struct setup_notices *notices,
                    const struct store_record *record, struct store_change *change,
                    struct sb_error *err) SB_MUST_CHECK;

#endif

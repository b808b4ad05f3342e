/* What the tests of asking share: an instance whose round is planned, its sweep, and one page of it. */
#ifndef EXOTEL_POLL_KIT_H
#define EXOTEL_POLL_KIT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/exotel/exotel.h"
#include "base/scope.h"
#include "exotel_kit.h"

#define SWEEP "sweep_calls"
#define EMPTY "{\"Metadata\": {\"NextPageUri\": null}, \"Calls\": []}"

/* An instance at KIT_NOW_MS whose round is planned. */
static inline struct harness *planned(const char *more_options)
{
    char options[512];

    (void)snprintf(options, sizeof(options), "{" KIT_KEYS "%s%s}", more_options[0] ? ", " : "", more_options);
    struct harness *h = harness_new(&exotel_plugin, options);
    harness_set_now(h, KIT_NOW_MS);
    assert_int_equal(harness_poll_build(h, "plan_round")->verdict, SB_SKIP);
    return h;
}

static inline const char *sweep_url(struct harness *h)
{
    const struct harness_result *result = harness_poll_build(h, SWEEP);

    assert_int_equal(result->verdict, SB_OK);
    return harness_text(result->request, "url");
}

static inline void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in '%s'", part, text);
}

static inline const struct harness_result *fold_page(struct harness *h, const char *sid, const char *created,
                                                     const char *next_uri)
{
    char changes[256];

    (void)snprintf(changes, sizeof(changes), "{\"Sid\": \"%s\", \"DateCreated\": \"%s\"}", sid, created);
    json_t *page =
        json_pack("{s:{s:s?}, s:[o]}", "Metadata", "NextPageUri", next_uri, "Calls", kit_call(changes));
    AUTO_STR text = json_dumps(page, 0);
    json_decref(page);
    (void)sweep_url(h);
    return harness_poll_fold(h, SWEEP, 200, NULL, text);
}

#endif

/* Counts its calls, reads a document from the disk, and exports more than its descriptor: impure three times over. */
#include "bad.h"

SB_API unsigned keeps_state_calls(void);

static unsigned calls;

unsigned keeps_state_calls(void)
{
    return ++calls;
}

static enum sb_verdict count(struct sb_exchange *x)
{
    sb_set(x, "loaded", json_load_file("/etc/hostname", JSON_DECODE_ANY, NULL));
    sb_set_int(x, "calls", keeps_state_calls());
    return SB_OK;
}

static const struct sb_step counting_steps[] = {
    { .name = "count", .effect = SB_READ, .work = count },
    { .name = NULL },
};

const struct sb_plugin switchboard_plugin = { .abi = SB_ABI,
                                              .size = sizeof(struct sb_plugin),
                                              .kind = SB_PROCESSOR,
                                              .name = "keeps_state",
                                              .summary = "for the import check's test",
                                              .version = "1",
                                              .steps = counting_steps };

/* Creates something and cannot tell afterwards whether it did. */
#include <switchboard/switchboard.h>

static enum sb_verdict build(struct sb_exchange *x)
{
    sb_request(x, "POST", sb_option_str(x, "base_url"));
    return SB_OK;
}

static const struct sb_step steps[] = {
    { .name = "create", .build = build },
    { .name = NULL },
};

const struct sb_plugin switchboard_plugin = { .abi = SB_ABI,
                                              .size = sizeof(struct sb_plugin),
                                              .kind = SB_SINK,
                                              .name = "careless",
                                              .summary = "for the loader's test",
                                              .version = "1",
                                              .steps = steps };

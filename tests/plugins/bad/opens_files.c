/* Does what no plugin may: it reads a file. The import check must see it. */
#include <fcntl.h>
#include <stdlib.h>

#include "bad.h"

static enum sb_verdict read_file(struct sb_exchange *x)
{
    int fd = open(getenv("HOME"), O_RDONLY | O_CLOEXEC);

    return fd < 0 ? work(x) : SB_OK;
}

static const struct sb_step file_steps[] = {
    { .name = "read", .effect = SB_READ, .work = read_file },
    { .name = "work", .effect = SB_READ, .work = work },
    { .name = NULL },
};

const struct sb_plugin switchboard_plugin = { .abi = SB_ABI,
                                              .size = sizeof(struct sb_plugin),
                                              .kind = SB_PROCESSOR,
                                              .name = "opens_files",
                                              .summary = "for the import check's test",
                                              .version = "1",
                                              .steps = file_steps };

/* The table of services, in the order in which they start. */
#include "sim.h"

#include <string.h>

const struct sim_service_def *const sim_services[] = {
#ifdef SIM_HAVE_EXOTEL
    &sim_exotel,
#endif
#ifdef SIM_HAVE_RECORDINGS
    &sim_recordings,
#endif
#ifdef SIM_HAVE_DEEPGRAM
    &sim_deepgram,
#endif
#ifdef SIM_HAVE_OPENAI
    &sim_openai,
#endif
    &sim_desk,       &sim_accounts,
#ifdef SIM_HAVE_CALLBACK
    &sim_callback,
#endif
    &sim_control,    NULL,
};

struct sim_service *sim_service_find(struct sim *sim, const char *name)
{
    for (size_t i = 0; i < sim->service_count; i++)
        if (strcmp(sim->services[i].def->name, name) == 0)
            return &sim->services[i];
    return NULL;
}

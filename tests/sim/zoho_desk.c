#include "service.h"
const struct sim_service_def sim_desk = { .name = "desk", .url_env = "ZOHO_DESK_API_DOMAIN" };

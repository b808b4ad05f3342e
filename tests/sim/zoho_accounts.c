#include "service.h"
const struct sim_service_def sim_accounts = { .name = "accounts", .url_env = "ZOHO_ACCOUNTS_URL" };

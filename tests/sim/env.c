/* The .env fragment that points an engine at this program. */
#include "sim.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct sim_env {
    FILE *out;
};

void sim_env_put(struct sim_env *env, const char *name, const char *value)
{
    (void)fprintf(env->out, "%s=%s\n", name, value);
}

static void write_service(struct sim_env *env, struct sim_service *service)
{
    const struct sim_service_def *def = service->def;
    if (def->url_env)
        (void)fprintf(env->out, "%s=%s%s\n", def->url_env, service->base_url,
                      def->url_suffix ? def->url_suffix : "");
    if (def->env)
        def->env(service, env);
}

int env_write(struct sim *sim, const char *path, struct sim_error *err)
{
    struct sim_env env = { .out = fopen(path, "we") };
    if (!env.out)
        return sim_fail(err, "cannot write '%s': %s", path, strerror(errno));
    (void)fputs("# Points Switchboard at the local services. Every credential in here is invented.\n",
                env.out);
    if (sim->tls)
        sim_env_put(&env, "SWITCHBOARD_CA_FILE", sim->tls_ca_path);
    for (size_t i = 0; i < sim->service_count; i++)
        write_service(&env, &sim->services[i]);
    if (fclose(env.out) != 0)
        return sim_fail(err, "cannot write '%s': %s", path, strerror(errno));
    return 0;
}

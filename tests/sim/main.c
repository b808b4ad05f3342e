/* The program: options, start, the line that says it is ready, and the ways in which it ends. */
#include "sim.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char help[] =
    "usage: switchboard-localservices [OPTION...]\n"
    "\n"
    "Plays Exotel, its recordings host, Deepgram, OpenAI, Zoho accounts and Zoho Desk on 127.0.0.1, and "
    "prints one\n"
    "line of JSON with their URLs when it is ready.\n"
    "\n"
    "  --scenario FILE     start state: seed, clock, knobs, faults, and a section per service (JSON)\n"
    "  --env-file FILE     write a .env fragment that points Switchboard here\n"
    "  --ports-file FILE   write the line of JSON there, too\n"
    "  --port NAME=PORT    fixed port of one service; without it a free one (may be repeated)\n"
    "  --tls FILE          serve HTTPS, too, and write the certificate to trust to FILE (PEM)\n"
    "  --tls-name NAME     the host or address that the servers' certificate is for; 127.0.0.1 without it\n"
    "  --seed N            seed of all chance; wins over the scenario's\n"
    "  --clock real|driven driven: the time moves only by POST /control/clock\n"
    "  --exit-with-stdin   end when standard input is closed\n"
    "  --exit-with-parent  end when the parent process ends\n"
    "  --help              this text\n"
    "\n"
    "example: switchboard-localservices --env-file .env --seed 7 --port control=9900\n";

enum option_code {
    SCENARIO = 1,
    ENV_FILE,
    PORTS_FILE,
    PORT,
    TLS,
    TLS_NAME,
    SEED,
    CLOCK,
    WITH_STDIN,
    WITH_PARENT,
    HELP
};

static const struct option options[] = {
    { "scenario", required_argument, NULL, SCENARIO },
    { "env-file", required_argument, NULL, ENV_FILE },
    { "ports-file", required_argument, NULL, PORTS_FILE },
    { "port", required_argument, NULL, PORT },
    { "tls", required_argument, NULL, TLS },
    { "tls-name", required_argument, NULL, TLS_NAME },
    { "seed", required_argument, NULL, SEED },
    { "clock", required_argument, NULL, CLOCK },
    { "exit-with-stdin", no_argument, NULL, WITH_STDIN },
    { "exit-with-parent", no_argument, NULL, WITH_PARENT },
    { "help", no_argument, NULL, HELP },
    { NULL, 0, NULL, 0 },
};

struct start {
    const char *scenario;
    bool with_stdin, with_parent;
};

static int read_port(struct sim *sim, const char *text, struct sim_error *err)
{
    char name[32];
    int port = 0;
    const char *equals = strchr(text, '=');
    if (!equals || (size_t)(equals - text) >= sizeof(name))
        return sim_fail(err, "--port wants NAME=PORT, such as control=9900");
    (void)snprintf(name, sizeof(name), "%.*s", (int)(equals - text), text);
    struct sim_service *service = sim_service_find(sim, name);
    if (!service)
        return sim_fail(err, "unknown service '%s' in --port", name);
    char *end;
    long number = strtol(equals + 1, &end, 10);
    if (*end || number < 1 || number > 65535)
        return sim_fail(err, "'%s' is not a port", equals + 1);
    port = (int)number;
    service->in->ports[SIM_HTTP] = port;
    return 0;
}

static int read_option(struct sim *sim, struct start *start, int code, struct sim_error *err)
{
    char *end;
    switch (code) {
    case SCENARIO:
        start->scenario = optarg;
        return 0;
    case ENV_FILE:
        sim->env_path = optarg;
        return 0;
    case PORTS_FILE:
        sim->ports_path = optarg;
        return 0;
    case PORT:
        return read_port(sim, optarg, err);
    case TLS:
        sim->tls_ca_path = optarg;
        return 0;
    case TLS_NAME:
        sim->tls_name = optarg;
        return 0;
    case SEED:
        sim->seed = strtoull(optarg, &end, 10);
        sim->is_seed_given = true;
        return *optarg && !*end ? 0 : sim_fail(err, "'%s' is not a seed", optarg);
    case CLOCK:
        sim->is_driven_at_start = strcmp(optarg, "driven") == 0;
        return sim->is_driven_at_start || strcmp(optarg, "real") == 0
                   ? 0
                   : sim_fail(err, "--clock must be 'real' or 'driven'");
    case WITH_STDIN:
        start->with_stdin = true;
        return 0;
    case WITH_PARENT:
        start->with_parent = true;
        return 0;
    default:
        return -1;
    }
}

static void end_now(struct sim_watch *watch)
{
    watch->sim->is_ending = true;
}

static void read_stdin(struct sim_watch *watch)
{
    char buffer[512];
    if (read(watch->fd, buffer, sizeof(buffer)) <= 0)
        watch->sim->is_ending = true;
}

/* Signals and, when asked for, the parent and standard input. */
static int watch_ends(struct sim *sim, const struct start *start, struct sim_error *err)
{
    sigset_t wanted;
    (void)sigemptyset(&wanted);
    (void)sigaddset(&wanted, SIGTERM);
    (void)sigaddset(&wanted, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &wanted, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    int fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0 || server_watch(sim, fd, end_now) < 0)
        return sim_fail(err, "cannot watch signals: %s", strerror(errno));
    if (start->with_stdin && server_watch(sim, STDIN_FILENO, read_stdin) < 0)
        return sim_fail(err, "cannot watch standard input");
    if (!start->with_parent)
        return 0;
    /* A process descriptor, not PR_SET_PDEATHSIG: that one fires when the parent's thread ends. */
    fd = (int)syscall(SYS_pidfd_open, getppid(), 0);
    if (fd < 0 || server_watch(sim, fd, end_now) < 0)
        return sim_fail(err, "cannot watch the parent process: %s", strerror(errno));
    return 0;
}

static json_t *list_urls(const struct sim *sim, enum sim_door door)
{
    json_t *urls = json_object();
    for (size_t i = 0; i < sim->service_count; i++)
        (void)json_object_set_new(urls, sim->services[i].def->name,
                                  json_string(sim->services[i].in->urls[door]));
    return urls;
}

static int print_ready(struct sim *sim, struct sim_error *err)
{
    json_t *line = list_urls(sim, SIM_HTTP);
    if (sim->tls) {
        (void)json_object_set_new(line, "https", list_urls(sim, SIM_HTTPS));
        (void)json_object_set_new(line, "ca_file", json_string(sim->tls_ca_path));
    }
    (void)json_object_set_new(line, "pid", json_integer(getpid()));
    int rc = json_dumpf(line, stdout, JSON_COMPACT) == 0 && fputs("\n", stdout) >= 0 && fflush(stdout) == 0
                 ? 0
                 : -1;
    if (rc < 0)
        (void)sim_fail(err, "cannot write to standard output");
    if (rc == 0 && sim->ports_path && json_dump_file(line, sim->ports_path, JSON_COMPACT) < 0)
        rc = sim_fail(err, "cannot write '%s'", sim->ports_path);
    json_decref(line);
    return rc;
}

static void add_services(struct sim *sim)
{
    for (size_t i = 0; sim_services[i] && i < SIM_SERVICES_MAX; i++) {
        struct sim_service *service = &sim->services[sim->service_count++];
        service->def = sim_services[i];
        service->sim = sim;
        service->in = sim_calloc(1, sizeof(*service->in));
        knobs_open(service);
        service->in->random = chance_seed(sim->seed, service->def->name);
    }
}

static int start_services(struct sim *sim, const struct start *start, struct sim_error *err)
{
    if (start->scenario && scenario_load_file(sim, start->scenario, err) < 0)
        return -1;
    if (sim->tls_name && !sim->tls_ca_path)
        return sim_fail(err, "--tls-name wants --tls FILE beside it");
    if (sim->tls_ca_path) {
        sim->tls = tls_new(sim->tls_ca_path, sim->tls_name ? sim->tls_name : "127.0.0.1", err);
        if (!sim->tls)
            return -1;
    }
    if (server_open(sim, err) < 0)
        return -1;
    for (size_t i = 0; i < sim->service_count; i++) {
        struct sim_service *service = &sim->services[i];
        if (service->def->start && service->def->start(service, err) < 0)
            return -1;
    }
    if (scenario_apply(sim, err) < 0)
        return -1;
    if (sim->env_path && env_write(sim, sim->env_path, err) < 0)
        return -1;
    return watch_ends(sim, start, err) < 0 ? -1 : print_ready(sim, err);
}

static void stop_services(struct sim *sim)
{
    outbox_close(sim);
    sender_close(sim);
    server_close(sim);
    faults_clear(sim);
    log_close(sim);
    for (size_t i = sim->service_count; i-- > 0;) {
        struct sim_service *service = &sim->services[i];
        if (service->def->stop)
            service->def->stop(service);
        knobs_close(service);
        free(service->in);
    }
    json_decref(sim->scenario);
    tls_free(sim->tls);
    free(sim->timers);
}

int main(int argc, char **argv)
{
    struct sim *sim = sim_calloc(1, sizeof(*sim));
    struct start start = { 0 };
    struct sim_error err = { "" };
    int rc = 0;
    sim->seed = 1;
    add_services(sim);
    log_open(sim);
    for (int code; rc == 0 && (code = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (code == HELP) {
            (void)fputs(help, stdout);
            sim->is_ending = true;
        } else {
            rc = read_option(sim, &start, code, &err) < 0 ? 2 : 0;
        }
    }
    if (rc == 0 && optind < argc)
        rc = (sim_fail(&err, "unexpected argument '%s'", argv[optind]), 2);
    if (rc == 0 && !sim->is_ending)
        rc = start_services(sim, &start, &err) < 0 || server_run(sim) < 0 ? 1 : 0;
    if (rc != 0 && err.text[0])
        (void)fprintf(stderr, "switchboard-localservices: %s\n", err.text);
    stop_services(sim);
    free(sim);
    return rc;
}

/* Workers: each runs every n-th seed and tells its results through a pipe. A worker that dies was on a seed that it had
 * told before, so that its death is that seed's failure; another one goes on behind it. */
#include "simulation/sweep.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "simulation/memory.h"

enum { JOBS_MAX = 64 };

struct message {
    uint64_t seed;
    bool is_begin;
    struct run_result result; /* unless it begins */
};

struct worker {
    pid_t pid;
    int fd;             /* reading end; -1: over */
    uint64_t next_seed; /* where another worker would go on */
    uint64_t at_seed;
    bool is_busy;
    char partial[sizeof(struct message)];
    size_t partial_size;
};

struct crew {
    const struct sweep *sweep;
    struct sweep_sum *sum;
    struct worker workers[JOBS_MAX];
    double until; /* seconds on the monotonic clock */
};

static double seconds_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct scenario shaped(uint64_t seed, const struct shaping *shaping)
{
    struct scenario scenario = scenario_of(seed);

    scenario.faults_until = shaping->faults_until;
    for (int i = 0; i < SIM_FAULT_COUNT; i++)
        if (shaping->without[i])
            scenario.rates[i] = 0;
    if (shaping->records)
        scenario.records = shaping->records;
    return scenario;
}

bool sweep_has_failed(const struct run_result *result)
{
    return result->violations > 0;
}

/* ---- in the worker ------------------------------------------------------------------------------------- */

static void tell(int fd, const struct message *message)
{
    const char *at = (const char *)message;

    for (size_t left = sizeof(*message); left > 0;) {
        ssize_t wrote = write(fd, at, left);
        if (wrote < 0 && errno != EINTR)
            _exit(3); /* nobody listens any more */
        if (wrote > 0) {
            at += wrote;
            left -= (size_t)wrote;
        }
    }
}

static void run_twice(const struct scenario *scenario, const struct run_options *options,
                      struct run_result *result)
{
    struct run_result again;

    run_seed(scenario, options, &again);
    if (strcmp(again.digest, result->digest) == 0 || result->violations++)
        return;
    (void)snprintf(result->violation, sizeof(result->violation), "the same seed gives the same run");
    (void)snprintf(result->violation_text, sizeof(result->violation_text), "%s, then %s", result->digest,
                   again.digest);
}

static _Noreturn void work(const struct crew *crew, int fd, uint64_t first)
{
    const struct sweep *sweep = crew->sweep;
    const struct run_options options = { .workshop = workshop_new(),
                                         .is_digested = sweep->is_digested || sweep->is_twice };

    for (uint64_t seed = first; seed < sweep->first + sweep->count; seed += sweep->jobs) {
        struct message message = { .seed = seed, .is_begin = true };
        const struct scenario scenario = shaped(seed, &sweep->shaping);
        if (crew->until > 0 && seconds_now() > crew->until)
            break;
        tell(fd, &message);
        message.is_begin = false;
        run_seed(&scenario, &options, &message.result);
        if (sweep->is_twice)
            run_twice(&scenario, &options, &message.result);
        tell(fd, &message);
    }
    workshop_free(options.workshop);
    exit(0); /* not _exit: leaks are looked for under sanitizers */
}

static void hire(struct crew *crew, struct worker *worker, uint64_t first)
{
    int ends[2];

    if (pipe(ends) < 0)
        sim_die("cannot make a pipe: %s", strerror(errno));
    (void)fflush(NULL); /* what is buffered is not to be written twice */
    pid_t pid = fork();
    if (pid < 0)
        sim_die("cannot start a process: %s", strerror(errno));
    if (pid == 0) {
        (void)close(ends[0]);
        for (int i = 0; i < JOBS_MAX; i++)
            if (crew->workers[i].pid > 0 && crew->workers[i].fd >= 0)
                (void)close(crew->workers[i].fd);
        work(crew, ends[1], first);
    }
    (void)close(ends[1]);
    *worker = (struct worker){ .pid = pid, .fd = ends[0], .next_seed = first };
}

/* ---- in the parent ------------------------------------------------------------------------------------- */

static void add_totals(struct sweep_sum *sum, const struct run_result *result)
{
    struct sim_totals *to = &sum->totals;
    const struct sim_totals *from = &result->totals;

    for (int i = 0; i < SIM_FAULT_COUNT; i++)
        to->faults[i] += from->faults[i];
    to->fault_count += from->fault_count;
    to->requests += from->requests;
    to->commits += from->commits;
    to->starts += from->starts;
    to->crashes += from->crashes;
    to->restores += from->restores;
    to->reconciliations += from->reconciliations;
    to->adopted += from->adopted;
    to->sent_again += from->sent_again;
    to->misled += from->misled;
    to->records += from->records;
    to->tickets += from->tickets;
    if (from->requests > sum->requests_most)
        sum->requests_most = from->requests;
    if (from->virtual_ms > to->virtual_ms) {
        to->virtual_ms = from->virtual_ms;
        sum->virtual_seed = result->seed;
    }
}

static void take_result(struct crew *crew, const struct run_result *result)
{
    struct sweep_sum *sum = crew->sum;

    sum->seeds++;
    add_totals(sum, result);
    if (crew->sweep->is_digested)
        (void)printf("%llu %s\n", (unsigned long long)result->seed, result->digest);
    if (!sweep_has_failed(result))
        return;
    sum->failed++;
    if (sum->failure_count < SWEEP_FAILURES_MAX)
        sum->failures[sum->failure_count++] = *result;
}

static void take_messages(struct crew *crew, struct worker *worker)
{
    struct message message;
    ssize_t got = read(worker->fd, worker->partial + worker->partial_size,
                       sizeof(worker->partial) - worker->partial_size);

    if (got <= 0) {
        if (got < 0 && errno == EINTR)
            return;
        (void)close(worker->fd);
        worker->fd = -1;
        return;
    }
    worker->partial_size += (size_t)got;
    if (worker->partial_size < sizeof(message))
        return;
    memcpy(&message, worker->partial, sizeof(message));
    worker->partial_size = 0;
    worker->is_busy = message.is_begin;
    worker->at_seed = message.seed;
    worker->next_seed = message.seed + crew->sweep->jobs;
    if (!message.is_begin)
        take_result(crew, &message.result);
}

static void write_death(int status, struct run_result *result)
{
    result->violations = 1;
    (void)snprintf(result->violation, sizeof(result->violation), "the engine does not crash");
    if (WIFSIGNALED(status))
        (void)snprintf(result->violation_text, sizeof(result->violation_text), "signal %d (%s)",
                       WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        (void)snprintf(result->violation_text, sizeof(result->violation_text), "exit status %d",
                       WEXITSTATUS(status));
}

/* Its pipe is closed. */
static void bury(struct crew *crew, struct worker *worker)
{
    struct run_result result = { .seed = worker->at_seed };
    int status = 0;

    (void)waitpid(worker->pid, &status, 0);
    worker->pid = 0;
    if (!worker->is_busy && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return;
    write_death(status, &result);
    take_result(crew, &result);
    if (worker->is_busy && worker->next_seed < crew->sweep->first + crew->sweep->count)
        hire(crew, worker, worker->next_seed);
}

static void dismiss(struct crew *crew)
{
    for (unsigned i = 0; i < crew->sweep->jobs; i++) {
        struct worker *worker = &crew->workers[i];
        if (worker->pid <= 0)
            continue;
        if (worker->fd >= 0)
            (void)close(worker->fd); /* it ends at its next word */
        (void)waitpid(worker->pid, NULL, 0);
    }
}

static bool listen_to_all(struct crew *crew)
{
    struct pollfd polled[JOBS_MAX];
    struct worker *who[JOBS_MAX];
    nfds_t count = 0;

    for (unsigned i = 0; i < crew->sweep->jobs; i++)
        if (crew->workers[i].pid > 0) {
            polled[count] = (struct pollfd){ .fd = crew->workers[i].fd, .events = POLLIN };
            who[count++] = &crew->workers[i];
        }
    if (count == 0)
        return false;
    if (poll(polled, count, -1) < 0 && errno != EINTR)
        sim_die("poll: %s", strerror(errno));
    for (nfds_t i = 0; i < count; i++) {
        if (polled[i].revents)
            take_messages(crew, who[i]);
        if (who[i]->fd < 0)
            bury(crew, who[i]);
    }
    return true;
}

void sweep_run(const struct sweep *sweep, struct sweep_sum *ret_sum)
{
    struct crew *crew = sim_new(sizeof(*crew));
    double began = seconds_now();

    *ret_sum = (struct sweep_sum){ .seeds = 0 };
    crew->sweep = sweep;
    crew->sum = ret_sum;
    if (sweep->jobs == 0 || sweep->jobs > JOBS_MAX)
        sim_die("jobs must be 1 to %d", JOBS_MAX);
    if (sweep->minutes > 0)
        crew->until = began + (double)sweep->minutes * 60;
    for (unsigned i = 0; i < sweep->jobs && i < sweep->count; i++)
        hire(crew, &crew->workers[i], sweep->first + i);
    while (listen_to_all(crew))
        if (sweep->stops_at_failure && ret_sum->failed)
            break;
    dismiss(crew);
    ret_sum->seconds = seconds_now() - began;
    free(crew);
}

void sweep_one(const struct scenario *scenario, const struct run_options *options,
               struct run_result *ret_result)
{
    int ends[2], status = 0;
    ssize_t got = -1;

    if (pipe(ends) < 0)
        sim_die("cannot make a pipe: %s", strerror(errno));
    (void)fflush(NULL); /* what is buffered is not to be written twice */
    pid_t pid = fork();
    if (pid < 0)
        sim_die("cannot start a process: %s", strerror(errno));
    if (pid == 0) {
        (void)close(ends[0]);
        run_seed(scenario, options, ret_result);
        (void)fflush(NULL);
        if (write(ends[1], ret_result, sizeof(*ret_result)) != (ssize_t)sizeof(*ret_result))
            _exit(3);
        _exit(0);
    }
    (void)close(ends[1]);
    for (size_t size = 0; size < sizeof(*ret_result); size += (size_t)got) {
        got = read(ends[0], (char *)ret_result + size, sizeof(*ret_result) - size);
        if (got <= 0)
            break;
    }
    (void)close(ends[0]);
    (void)waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return;
    *ret_result = (struct run_result){ .seed = scenario->seed };
    write_death(status, ret_result);
}

/* switchboard-sim: the engine in a simulated world, seed after seed. */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "simulation/memory.h"
#include "simulation/mutant.h"
#include "simulation/shrink.h"
#include "simulation/table.h"
#include "simulation/vfs.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, SHOWN_MAX = 3, KEPT_BYTES = 256 * 1024 * 1024 };

struct command {
    const char *program, *mutant;
    struct sweep sweep;
    bool is_one, is_traced, is_logged, is_listing;
};

static const char help[] =
    "usage: switchboard-sim [--seeds N] [--start N] [--minutes M] [--jobs N] [--mutant NAME|all]\n"
    "       switchboard-sim --seed N [--faults-until K] [--without FAULT,...] [--records N] [--trace] "
    "[--log]\n"
    "\n"
    "Runs the real engine in a simulated world, once for each seed, and judges by that world's truth.\n"
    "\n"
    "  --seeds N         how many seeds (100)\n"
    "  --start N         the first one (1)\n"
    "  --minutes M       end after that time, with the seeds that are through by then\n"
    "  --jobs N          processes (as many as there are processors)\n"
    "  --twice           each seed two times: both runs must be the same\n"
    "  --digest          prints a digest of journal and truth for each seed\n"
    "  --mutant NAME     with one seeded bug (mutant build); 'all', or several with commas: each until it is "
    "caught\n"
    "  --mutants         the seeded bugs of this build\n"
    "  --seed N          this seed only\n"
    "  --faults-until K  no fault after the K-th\n"
    "  --without LIST    without these kinds of faults\n"
    "  --records N       so many conversations\n"
    "  --trace           tells what happens, in virtual time\n"
    "  --log             the engine's own log on standard error\n"
    "\n"
    "Exit: 0 all is well, 1 an invariant failed (or a mutant was not caught), 2 wrong usage.\n";

/* ---- the command line ---------------------------------------------------------------------------------- */

static _Noreturn void usage(const char *fmt, const char *what)
{
    (void)fprintf(stderr, "switchboard-sim: %s '%s'; see --help\n", fmt, what);
    exit(EXIT_USAGE);
}

static uint64_t number_of(const char *text)
{
    char *end = NULL;

    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || end == text || *end || text[0] == '-')
        usage("not a number:", text);
    return value;
}

static void leave_out(struct shaping *shaping, char *list)
{
    char *rest = NULL;

    for (char *word = strtok_r(list, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
        enum sim_fault fault = sim_fault_from_word(word);
        if (fault == SIM_FAULT_COUNT)
            usage("no such fault:", word);
        shaping->without[fault] = true;
    }
}

enum {
    OPT_SEEDS = 256,
    OPT_START,
    OPT_MINUTES,
    OPT_JOBS,
    OPT_TWICE,
    OPT_DIGEST,
    OPT_MUTANT,
    OPT_MUTANTS,
    OPT_SEED,
    OPT_UNTIL,
    OPT_WITHOUT,
    OPT_RECORDS,
    OPT_TRACE,
    OPT_LOG,
    OPT_HELP
};

static const struct option long_options[] = { { "seeds", required_argument, NULL, OPT_SEEDS },
                                              { "start", required_argument, NULL, OPT_START },
                                              { "minutes", required_argument, NULL, OPT_MINUTES },
                                              { "jobs", required_argument, NULL, OPT_JOBS },
                                              { "twice", no_argument, NULL, OPT_TWICE },
                                              { "digest", no_argument, NULL, OPT_DIGEST },
                                              { "mutant", required_argument, NULL, OPT_MUTANT },
                                              { "mutants", no_argument, NULL, OPT_MUTANTS },
                                              { "seed", required_argument, NULL, OPT_SEED },
                                              { "faults-until", required_argument, NULL, OPT_UNTIL },
                                              { "without", required_argument, NULL, OPT_WITHOUT },
                                              { "records", required_argument, NULL, OPT_RECORDS },
                                              { "trace", no_argument, NULL, OPT_TRACE },
                                              { "log", no_argument, NULL, OPT_LOG },
                                              { "help", no_argument, NULL, OPT_HELP },
                                              { NULL, 0, NULL, 0 } };

static void take_number(struct command *command, int option, const char *text)
{
    uint64_t value = number_of(text);

    if (option == OPT_SEEDS)
        command->sweep.count = value;
    else if (option == OPT_START || option == OPT_SEED)
        command->sweep.first = value;
    else if (option == OPT_MINUTES)
        command->sweep.minutes = (int64_t)value;
    else if (option == OPT_JOBS)
        command->sweep.jobs = (unsigned)value;
    else if (option == OPT_UNTIL)
        command->sweep.shaping.faults_until = value;
    else
        command->sweep.shaping.records = (uint32_t)value;
    command->is_one = command->is_one || option == OPT_SEED;
}

static void take_option(struct command *command, int option, char *text)
{
    switch (option) {
    case OPT_TWICE:
        command->sweep.is_twice = true;
        break;
    case OPT_DIGEST:
        command->sweep.is_digested = true;
        break;
    case OPT_MUTANT:
        command->mutant = text;
        break;
    case OPT_MUTANTS:
        command->is_listing = true;
        break;
    case OPT_WITHOUT:
        leave_out(&command->sweep.shaping, text);
        break;
    case OPT_TRACE:
        command->is_traced = true;
        break;
    case OPT_LOG:
        command->is_logged = true;
        break;
    case OPT_HELP:
        (void)fputs(help, stdout);
        exit(EXIT_OK);
    case '?':
        exit(EXIT_USAGE);
    default:
        take_number(command, option, text);
    }
}

static void read_command(int argc, char **argv, struct command *command)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int option;

    *command = (struct command){ .program = argv[0],
                                 .sweep = { .first = 1,
                                            .count = 100,
                                            .jobs = processors > 0 ? (unsigned)processors : 1,
                                            .shaping = { .faults_until = UINT64_MAX } } };
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
        take_option(command, option, optarg);
    if (optind < argc)
        usage("not understood:", argv[optind]);
    if (command->sweep.jobs > 64)
        command->sweep.jobs = 64;
}

/* ---- one seed ------------------------------------------------------------------------------------------ */

static int run_one(const struct command *command)
{
    const struct scenario scenario = shaped(command->sweep.first, &command->sweep.shaping);
    const struct run_options options = { .workshop = workshop_new(),
                                         .is_traced = command->is_traced,
                                         .is_logged = command->is_logged,
                                         .is_digested = command->sweep.is_digested };
    struct run_result result;

    sweep_one(&scenario, &options, &result);
    workshop_free(options.workshop);
    if (command->sweep.is_digested)
        (void)printf("%llu %s\n", (unsigned long long)result.seed, result.digest);
    if (!sweep_has_failed(&result)) {
        (void)printf("seed %llu: all is well (%llu faults, %llu crashes, %llu requests, %llu tickets)\n",
                     (unsigned long long)result.seed, (unsigned long long)result.totals.fault_count,
                     (unsigned long long)result.totals.crashes, (unsigned long long)result.totals.requests,
                     (unsigned long long)result.totals.tickets);
        return EXIT_OK;
    }
    (void)printf("seed %llu FAILED: %s: %s\n", (unsigned long long)result.seed, result.violation,
                 result.violation_text);
    return EXIT_FAILED;
}

/* ---- many ---------------------------------------------------------------------------------------------- */

static void show_failure(const struct command *command, const struct run_result *failure)
{
    const struct run_options options = { .workshop = workshop_new() };
    struct run_result least = *failure;
    struct shaping shaping = command->sweep.shaping;

    (void)printf("\nseed %llu FAILED: %s: %s\n", (unsigned long long)failure->seed, failure->violation,
                 failure->violation_text);
    (void)fflush(stdout);
    shrink(failure->seed, &options, &shaping, &least);
    workshop_free(options.workshop);
    (void)printf("  shortest found: %llu faults, %s\n  replay: ",
                 (unsigned long long)least.totals.fault_count, least.violation_text);
    table_print_command(command->program, command->mutant, failure->seed, &shaping);
}

static int run_many(const struct command *command)
{
    struct sweep_sum *sum = sim_new(sizeof(*sum));

    sweep_run(&command->sweep, sum);
    if (!command->sweep.is_digested)
        table_print(sum);
    for (size_t i = 0; i < sum->failure_count && i < SHOWN_MAX; i++)
        show_failure(command, &sum->failures[i]);
    for (size_t i = SHOWN_MAX; i < sum->failure_count; i++)
        (void)printf("seed %llu FAILED: %s: %s\n", (unsigned long long)sum->failures[i].seed,
                     sum->failures[i].violation, sum->failures[i].violation_text);
    int code = sum->failed ? EXIT_FAILED : EXIT_OK;
    free(sum);
    return code;
}

/* ---- seeded bugs --------------------------------------------------------------------------------------- */

/* "all", or the names between commas. */
static bool is_meant(const char *list, const char *name)
{
    size_t size = strlen(name);

    if (strcmp(list, "all") == 0)
        return true;
    for (const char *at = list; (at = strstr(at, name)) != NULL; at += size)
        if ((at == list || at[-1] == ',') && (at[size] == ',' || at[size] == '\0'))
            return true;
    return false;
}

/* Whether the seed fails without the bug, too: then it proves nothing. */
static bool fails_anyway(uint64_t seed, const struct shaping *shaping)
{
    const struct run_options options = { .workshop = workshop_new() };
    const struct scenario scenario = shaped(seed, shaping);
    struct run_result result;

    (void)sim_mutant_choose(NULL);
    sweep_one(&scenario, &options, &result);
    workshop_free(options.workshop);
    return sweep_has_failed(&result);
}

static bool catch_mutant(const struct sweep *all, size_t index)
{
    struct sweep_sum *sum = sim_new(sizeof(*sum));
    struct sweep sweep = *all;
    const char *name = sim_mutant_name(index);
    const struct run_result *failure = NULL;

    while (!failure && sweep.count > 0) {
        (void)sim_mutant_choose(name);
        sweep_run(&sweep, sum);
        if (!sum->failed)
            break;
        uint64_t done = sum->failures[0].seed - sweep.first + 1;
        if (!fails_anyway(sum->failures[0].seed, &sweep.shaping))
            failure = &sum->failures[0];
        sweep.first += done;
        sweep.count -= done;
    }
    if (failure)
        (void)printf("%-28s %10llu   %s\n", name, (unsigned long long)failure->seed, failure->violation);
    else
        (void)printf("%-28s %10s   not in %llu seeds\n", name, "-", (unsigned long long)all->count);
    (void)fflush(stdout);
    bool is_caught = failure != NULL;
    free(sum);
    return is_caught;
}

static int run_mutants(struct command *command)
{
    size_t meant = 0, caught = 0;

    command->sweep.stops_at_failure = true;
    (void)printf("%-28s %10s   %s\n", "mutant", "caught at", "by");
    for (size_t i = 0; i < sim_mutant_count(); i++)
        if (is_meant(command->mutant, sim_mutant_name(i))) {
            meant++;
            caught += catch_mutant(&command->sweep, i);
        }
    (void)printf("%zu of %zu caught\n", caught, meant);
    return caught == meant && meant > 0 ? EXIT_OK : EXIT_FAILED;
}

int main(int argc, char **argv)
{
    struct command command;

    /* Each seed makes and frees the same few megabytes: kept, they need not be asked of the system again. */
    (void)mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
    (void)mallopt(M_MXFAST, 0); /* what is freed is merged at once, not all of it at every large block */
    vfs_prepare();
    read_command(argc, argv, &command);
    for (size_t i = 0; command.is_listing && i < sim_mutant_count(); i++)
        (void)printf("%-32s %s\n", sim_mutant_name(i), sim_mutant_about(i));
    if (command.is_listing)
        return EXIT_OK;
    if (command.mutant && (strcmp(command.mutant, "all") == 0 || strchr(command.mutant, ',')))
        return run_mutants(&command);
    if (command.mutant && !sim_mutant_choose(command.mutant))
        usage(sim_mutant_count() ? "no such mutant:" : "this build has no mutants, so not", command.mutant);
    return command.is_one ? run_one(&command) : run_many(&command);
}

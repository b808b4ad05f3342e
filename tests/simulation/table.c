/* The table at the end of a sweep. */
#include "simulation/table.h"

#include <stdio.h>

typedef unsigned long long number;

static void print_faults(const struct sim_totals *totals)
{
    int column = 0;

    for (int i = 0; i < SIM_FAULT_COUNT; i++) {
        if (!totals->faults[i])
            continue;
        (void)printf("%s    %-20s %9llu", column % 3 == 0 ? "\n" : "", sim_fault_word((enum sim_fault)i),
                     (number)totals->faults[i]);
        column++;
    }
    (void)printf("\n");
}

void table_print(const struct sweep_sum *sum)
{
    const struct sim_totals *totals = &sum->totals;

    (void)printf("seeds               %12llu   (%.1f a second)\n", (number)sum->seeds,
                 sum->seconds > 0 ? (double)sum->seeds / sum->seconds : 0.0);
    (void)printf("conversations       %12llu\n", (number)totals->records);
    (void)printf("tickets             %12llu\n", (number)totals->tickets);
    (void)printf("requests            %12llu   (at most %llu in one seed)\n", (number)totals->requests,
                 (number)sum->requests_most);
    (void)printf("commits             %12llu\n", (number)totals->commits);
    (void)printf("starts              %12llu\n", (number)totals->starts);
    (void)printf("crashes             %12llu\n", (number)totals->crashes);
    (void)printf("restored backups    %12llu\n", (number)totals->restores);
    (void)printf("reconciliations     %12llu\n", (number)totals->reconciliations);
    (void)printf("decisions           %12llu   (%llu adopted, %llu sent again, %llu wrong)\n",
                 (number)(totals->adopted + totals->sent_again + totals->misled), (number)totals->adopted,
                 (number)totals->sent_again, (number)totals->misled);
    (void)printf("worst virtual time  %9llu h     (seed %llu)\n", (number)totals->virtual_ms / 3600000,
                 (number)sum->virtual_seed);
    (void)printf("faults              %12llu", (number)totals->fault_count);
    print_faults(totals);
    (void)printf("failed seeds        %12llu\n", (number)sum->failed);
}

void table_print_command(const char *program, const char *mutant, uint64_t seed,
                         const struct shaping *shaping)
{
    const char *separator = " --without ";

    (void)printf("%s --seed %llu", program, (number)seed);
    if (mutant)
        (void)printf(" --mutant %s", mutant);
    if (shaping->faults_until != UINT64_MAX)
        (void)printf(" --faults-until %llu", (number)shaping->faults_until);
    for (int i = 0; i < SIM_FAULT_COUNT; i++)
        if (shaping->without[i]) {
            (void)printf("%s%s", separator, sim_fault_word((enum sim_fault)i));
            separator = ",";
        }
    if (shaping->records)
        (void)printf(" --records %u", shaping->records);
    (void)printf(" --trace\n");
}

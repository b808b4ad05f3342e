/* What the journal costs: calls as the engine commits them, in groups of 1, 10 and 100 changes.
 *
 *     bench_store [calls] [folder]
 *
 * Each call is one conversation from emit to end: 12 commit points with the documents of a real one (6 kB of
 * transcript). CPU is that of the whole process, building the changes included. Without `folder` everything is made
 * in /tmp and removed. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/scope.h"
#include "store/store.h"

enum { POINTS = 12, IN_FLIGHT = 500, GROUP_MAX = 100, CALLS_DEFAULT = 5000, COMMITS_MAX = 1 << 17 };

static const int64_t NOW_MS = INT64_C(1773133211000);

/* What one commit point writes, beside the record's place and one outcome. */
struct point {
    const char *section; /* NULL: none */
    size_t section_size;
    bool has_file, opens_intent, settles_intent, has_key, is_end;
    const char *meter; /* NULL: none */
};

static const struct point points[POINTS] = {
    { .section = "call", .section_size = 1500 }, /* emitted: the record itself, its identity (two trees) */
    { .section = "call", .section_size = 1700 }, /* details */
    { .section = NULL },                         /* recording is there */
    { .section = "recording", .section_size = 200, .has_file = true },
    { .section = "transcript", .section_size = 6000, .meter = "audio_seconds" },
    { .section = "analysis", .section_size = 700, .meter = "tokens_in" },
    { .section = NULL },      /* contact looked for */
    { .opens_intent = true }, /* contact */
    { .settles_intent = true, .has_key = true },
    { .opens_intent = true }, /* ticket */
    { .section = "ticket", .section_size = 400, .settles_intent = true, .opens_intent = true },
    { .settles_intent = true, .is_end = true },
};

struct totals {
    double wall_s, cpu_s;
    double p50_ms, p99_ms;
    uint64_t rows, commits;
};

struct bench {
    struct store *store;
    char filler[8192]; /* a JSON text is cut from it */
    uint64_t rows;
    int64_t ids[IN_FLIGHT];
    double commit_ms[COMMITS_MAX];
    size_t commits;
};

static void stop(const char *what)
{
    (void)fprintf(stderr, "bench_store: %s\n", what);
    exit(1);
}

static double seconds(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now); /* cannot fail for these clocks */
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void fill(struct bench *bench)
{
    static const char words[] =
        "the customer asks about the refund of an order that came late and wants a call back ";

    for (size_t i = 0; i < sizeof(bench->filler); i++)
        bench->filler[i] = words[i % (sizeof(words) - 1)];
}

static const char *document(struct bench *bench, struct arena *arena, size_t size)
{
    return arena_printf(arena, "{\"text\":\"%.*s\"}", (int)size, bench->filler);
}

static struct store_change *emit_call(struct bench *bench, size_t number)
{
    struct store_change *change = store_change_new();
    if (!change)
        stop("out of memory");
    struct store_emit *emit = arena_alloc(change->arena, sizeof(*emit));
    struct store_text *section = arena_alloc(change->arena, sizeof(*section));
    *section = (struct store_text){ "call", document(bench, change->arena, points[0].section_size) };
    *emit = (struct store_emit){
        .pipeline = "calls",
        .account = "acmedemo1",
        .external_id = arena_printf(change->arena, "examplecall%021zu", number),
        .sections = section,
        .section_count = 1,
        .conversation_at_ms = NOW_MS,
    };
    change->emits = emit;
    change->emit_count = 1;
    change->cursor_name = "exotel";
    change->cursor_doc = document(bench, change->arena, 300);
    change->now_ms = NOW_MS;
    bench->rows += 5; /* record, two trees of identity, section, cursor */
    return change;
}

static void add_intent(struct bench *bench, struct store_change *change, size_t step)
{
    struct store_intent *intent = arena_alloc(change->arena, sizeof(*intent));

    *intent = (struct store_intent){
        .instance = "zoho_desk",
        .step = step < 9    ? "create_contact"
                : step == 9 ? "create_ticket"
                            : "add_note",
        .attempt = 1,
        .key = "phone:5550100001",
        .request = document(bench, change->arena, step == 10 ? 6000 : 1200),
        .kept = "{\"contact\":\"1\"}",
        .at_ms = NOW_MS,
    };
    change->intent = intent;
    bench->rows++;
}

static void add_parts(struct bench *bench, struct store_change *change, size_t step, size_t number)
{
    const struct point *point = &points[step];

    if (point->section) {
        struct store_text *section = arena_alloc(change->arena, sizeof(*section));
        *section = (struct store_text){ point->section, document(bench, change->arena, point->section_size) };
        change->sections = section;
        change->section_count = 1;
        bench->rows++;
    }
    if (point->has_file) {
        struct store_file *file = arena_alloc(change->arena, sizeof(*file));
        *file = (struct store_file){ .name = arena_printf(change->arena, "%zu/recording.mp3", number),
                                     .instance = "exotel",
                                     .size = 120000,
                                     .created_ms = NOW_MS };
        change->file = file;
        bench->rows++;
    }
    if (point->has_key) {
        change->key_instance = "zoho_desk";
        change->key_name = arena_printf(change->arena, "phone:%zu", number);
        change->key_doc = "{\"contact\":\"120000000000001\"}";
        bench->rows++;
    }
    if (point->meter) {
        struct store_meter *meter = arena_alloc(change->arena, sizeof(*meter));
        *meter = (struct store_meter){ "deepgram", point->meter, 42.5 };
        change->meters = meter;
        change->meter_count = 1;
        bench->rows++;
    }
}

static struct store_change *move_call(struct bench *bench, size_t slot, size_t step, size_t number)
{
    const struct point *point = &points[step];
    struct store_change *change = store_change_new();
    if (!change)
        stop("out of memory");
    struct store_outcome *outcome = arena_alloc(change->arena, sizeof(*outcome));

    *outcome = (struct store_outcome){ .at_ms = NOW_MS,
                                       .instance = "zoho_desk",
                                       .step = "some_step",
                                       .attempt = 1,
                                       .verdict = "ok",
                                       .http_status = 200,
                                       .duration_ms = 250 };
    change->record_id = bench->ids[slot];
    change->sets_place = true;
    change->state = point->is_end ? STORE_DONE : STORE_ACTIVE;
    change->place = (struct store_place){
        .phase = STORE_PHASE_SINK, .instance = "zoho_desk", .step = "some_step", .since_ms = NOW_MS
    };
    change->outcome = point->opens_intent && !point->settles_intent ? NULL : outcome;
    change->settles_intent = point->settles_intent;
    change->intent_state = STORE_INTENT_DONE;
    change->now_ms = NOW_MS;
    bench->rows += 1u + (change->outcome != NULL) + point->settles_intent;
    if (point->opens_intent)
        add_intent(bench, change, step);
    add_parts(bench, change, step, number);
    return change;
}

static void commit(struct bench *bench, struct store_change **changes, size_t count)
{
    struct sb_error err = SB_ERROR_INIT;
    double began = seconds(CLOCK_MONOTONIC);

    if (store_apply(bench->store, changes, count, &err) < 0)
        stop(err.text);
    if (bench->commits < COMMITS_MAX)
        bench->commit_ms[bench->commits++] = (seconds(CLOCK_MONOTONIC) - began) * 1e3;
}

/* One step of all calls in flight, `group` changes to a commit. */
static void take_step(struct bench *bench, size_t first, size_t in_flight, size_t step, size_t group)
{
    for (size_t slot = 0; slot < in_flight; slot += group) {
        struct store_change *changes[GROUP_MAX];
        size_t count = in_flight - slot < group ? in_flight - slot : group;
        for (size_t i = 0; i < count; i++)
            changes[i] = step == 0 ? emit_call(bench, first + slot + i)
                                   : move_call(bench, slot + i, step, first + slot + i);
        commit(bench, changes, count);
        for (size_t i = 0; i < count; i++) {
            if (step == 0)
                bench->ids[slot + i] = changes[i]->emits[0].ret_id;
            store_change_free(changes[i]);
        }
    }
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static struct totals run(struct bench *bench, size_t calls, size_t group)
{
    struct totals totals = { .wall_s = seconds(CLOCK_MONOTONIC), .cpu_s = seconds(CLOCK_PROCESS_CPUTIME_ID) };

    for (size_t first = 0; first < calls; first += IN_FLIGHT) {
        size_t in_flight = calls - first < IN_FLIGHT ? calls - first : IN_FLIGHT;
        for (size_t step = 0; step < POINTS; step++)
            take_step(bench, first, in_flight, step, group);
    }
    totals.wall_s = seconds(CLOCK_MONOTONIC) - totals.wall_s;
    totals.cpu_s = seconds(CLOCK_PROCESS_CPUTIME_ID) - totals.cpu_s;
    qsort(bench->commit_ms, bench->commits, sizeof(bench->commit_ms[0]), compare_doubles);
    totals.p50_ms = bench->commit_ms[bench->commits / 2];
    totals.p99_ms = bench->commit_ms[bench->commits * 99 / 100];
    totals.rows = bench->rows;
    totals.commits = bench->commits;
    return totals;
}

static void bench_group(const char *folder, size_t calls, size_t group)
{
    struct sb_error err = SB_ERROR_INIT;
    struct stat st = { .st_size = 0 };
    char dir[4096];
    char path[4200];
    struct bench *bench = calloc(1, sizeof(*bench));

    if (!bench || snprintf(dir, sizeof(dir), "%s/group-%zu", folder, group) >= (int)sizeof(dir))
        stop("out of memory");
    fill(bench);
    if (store_open(&(struct store_options){ .data_dir = dir }, &bench->store, &err) < 0)
        stop(err.text);
    struct totals totals = run(bench, calls, group);
    store_close(bench->store);
    (void)snprintf(path, sizeof(path), "%s/journal.db", dir);
    (void)stat(path, &st);
    (void)printf("%8zu %8zu %10.0f %10.1f %10.1f %10.2f %10.2f %10.3f %10.3f %8.1f\n", group, calls,
                 (double)totals.rows / totals.wall_s, (double)totals.rows / (double)calls,
                 totals.cpu_s * 1e6 / (double)calls, totals.cpu_s * 1e6 / (double)totals.rows,
                 totals.wall_s * 1e3 / (double)calls, totals.p50_ms, totals.p99_ms,
                 (double)st.st_size / 1024.0 / (double)calls);
    (void)fflush(stdout);
    free(bench);
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)where;
    return kind == FTW_DP ? rmdir(path) : unlink(path);
}

int main(int argc, char **argv)
{
    static const size_t groups[] = { 1, 10, 100 };
    int64_t calls = CALLS_DEFAULT;
    char temporary[] = "/tmp/bench_store.XXXXXX";
    struct sb_error err = SB_ERROR_INIT;

    if (argc > 1 && (parse_int(argv[1], &calls, &err) < 0 || calls < 1))
        stop("usage: bench_store [calls] [folder]");
    const char *folder = argc > 2 ? argv[2] : mkdtemp(temporary);
    if (!folder)
        stop("cannot make a temporary folder");

    (void)printf("journal: %d commit points a call, %d calls in flight, in %s\n", POINTS, IN_FLIGHT, folder);
    (void)printf("%8s %8s %10s %10s %10s %10s %10s %10s %10s %8s\n", "group", "calls", "rows/s", "rows/call",
                 "cpu us/call", "cpu us/row", "ms/call", "p50 ms", "p99 ms", "KiB/call");
    for (size_t i = 0; i < COUNT_OF(groups); i++)
        bench_group(folder, (size_t)calls, groups[i]);
    if (argc <= 2 && nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0)
        stop("cannot remove the temporary folder");
    return 0;
}

/* The simulated clock: real time with an offset and a speed, or one that only moves when it is told to. */
#include "sim.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t sim_real_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t wall_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t sim_now_ms(const struct sim *sim)
{
    if (sim->is_driven)
        return sim->clock_base_ms;
    return sim->clock_base_ms + (int64_t)((double)(sim_real_ms() - sim->clock_real_ms) * sim->clock_speed);
}

/* The callers' formats are literals, which the header lets the compiler check; here it cannot see that. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
char *sim_time_text(int64_t now_ms, int offset_minutes, const char *format, char *text, size_t size)
{
    time_t seconds = (time_t)(now_ms / 1000 + (int64_t)offset_minutes * 60);
    struct tm parts;
    if (!gmtime_r(&seconds, &parts) || strftime(text, size, format, &parts) == 0)
        text[0] = '\0';
    return text;
}
#pragma GCC diagnostic pop

void clock_reset(struct sim *sim)
{
    sim->clock_base_ms = wall_ms();
    sim->clock_real_ms = sim_real_ms();
    sim->clock_speed = 1;
    alarms_clock_moved(sim);
}

/* Makes the present moment the one from which speed counts, so that a change of speed does not move the time.
 */
static void rebase(struct sim *sim)
{
    sim->clock_base_ms = sim_now_ms(sim);
    sim->clock_real_ms = sim_real_ms();
}

static int set_now(struct sim *sim, const json_t *value, struct sim_error *err)
{
    if (json_is_integer(value)) {
        sim->clock_base_ms = json_integer_value(value);
        return 0;
    }
    struct tm parts = { 0 };
    const char *text = json_string_value(value);
    const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &parts) : NULL;
    if (!end || strcmp(end, "Z") != 0)
        return sim_fail(err,
                        "'now' is neither milliseconds since 1970 nor a time such as 2026-03-10T09:00:00Z");
    sim->clock_base_ms = (int64_t)timegm(&parts) * 1000;
    return 0;
}

static int set_one(struct sim *sim, const char *key, const json_t *value, struct sim_error *err)
{
    if (strcmp(key, "mode") == 0) {
        const char *mode = json_is_string(value) ? json_string_value(value) : "";
        if (strcmp(mode, "real") != 0 && strcmp(mode, "driven") != 0)
            return sim_fail(err, "'mode' of the clock must be 'real' or 'driven'");
        sim->is_driven = strcmp(mode, "driven") == 0;
        return 0;
    }
    if (strcmp(key, "now") == 0)
        return set_now(sim, value, err);
    if (strcmp(key, "advance_ms") == 0 || strcmp(key, "offset_ms") == 0) {
        if (!json_is_integer(value))
            return sim_fail(err, "'%s' must be a whole number of milliseconds", key);
        int64_t step_ms = json_integer_value(value);
        if (key[0] == 'o')
            step_ms += wall_ms() - sim->clock_base_ms;
        sim->clock_base_ms += step_ms;
        return 0;
    }
    if (strcmp(key, "speed") == 0) {
        if (!json_is_number(value) || json_number_value(value) < 0 || json_number_value(value) > 1e6)
            return sim_fail(err, "'speed' must be a number from 0 to 1000000");
        sim->clock_speed = json_number_value(value);
        return 0;
    }
    return sim_fail(
        err, "unknown key '%s' of the clock; there are mode, now, advance_ms, offset_ms and speed", key);
}

int clock_set(struct sim *sim, const json_t *wanted, struct sim_error *err)
{
    if (!json_is_object(wanted))
        return sim_fail(err, "the clock is set with an object such as {\"advance_ms\":60000}");
    bool was_driven = sim->is_driven;
    double speed = sim->clock_speed;
    rebase(sim);
    int64_t base_ms = sim->clock_base_ms;
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)wanted, key, value) {
        if (set_one(sim, key, value, err) == 0)
            continue;
        sim->is_driven = was_driven;
        sim->clock_speed = speed;
        sim->clock_base_ms = base_ms;
        return -1;
    }
    alarms_clock_moved(sim);
    return 0;
}

json_t *clock_show(struct sim *sim)
{
    char text[40];
    int64_t now_ms = sim_now_ms(sim);
    return json_pack(
        "{s:s, s:I, s:s, s:f}", "mode", sim->is_driven ? "driven" : "real", "now_ms", (json_int_t)now_ms,
        "now", sim_time_text(now_ms, 0, "%Y-%m-%dT%H:%M:%SZ", text, sizeof(text)), "speed", sim->clock_speed);
}

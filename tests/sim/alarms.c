/* Alarms: timers on the simulated clock. One real timer waits for the first of them while that clock runs; a clock that
 * is set looks at once. */
#include "sim.h"

static struct sim *sim_of_timer(struct sim_timer *timer)
{
    return (struct sim *)((char *)timer - offsetof(struct sim, alarms) - offsetof(struct sim_alarms, timer));
}

static void ring(struct sim_timer *timer)
{
    struct sim *sim = sim_of_timer(timer);
    while (sim->alarms.first && sim->alarms.first->due_ms <= sim_now_ms(sim)) {
        struct sim_alarm *alarm = sim->alarms.first;
        sim_alarm_clear(sim, alarm);
        alarm->fire(alarm);
    }
    alarms_clock_moved(sim);
}

void alarms_clock_moved(struct sim *sim)
{
    const struct sim_alarm *first = sim->alarms.first;
    sim_timer_stop(sim, &sim->alarms.timer);
    if (!first)
        return;
    int64_t left_ms = first->due_ms - sim_now_ms(sim);
    bool is_running = !sim->is_driven && sim->clock_speed > 0;
    if (left_ms <= 0)
        sim_timer_start(sim, &sim->alarms.timer, 0, ring);
    else if (is_running)
        sim_timer_start(sim, &sim->alarms.timer, (int64_t)((double)left_ms / sim->clock_speed) + 1, ring);
}

void sim_alarm_set(struct sim *sim, struct sim_alarm *alarm, int64_t due_ms, void (*fire)(struct sim_alarm *))
{
    struct sim_alarm **at = &sim->alarms.first;
    sim_alarm_clear(sim, alarm);
    while (*at && (*at)->due_ms <= due_ms)
        at = &(*at)->next;
    *alarm = (struct sim_alarm){ .fire = fire, .due_ms = due_ms, .is_set = true, .next = *at };
    *at = alarm;
    if (sim->alarms.first == alarm)
        alarms_clock_moved(sim);
}

void sim_alarm_clear(struct sim *sim, struct sim_alarm *alarm)
{
    if (!alarm->is_set)
        return;
    struct sim_alarm **at = &sim->alarms.first;
    while (*at != alarm)
        at = &(*at)->next;
    *at = alarm->next;
    alarm->is_set = false;
}

/* Timers in real time: a heap ordered by due time, whose slots are written into the timers, so that stopping
 * is cheap. */
#include "sim.h"

#include <stdlib.h>

static void place(struct sim *sim, size_t slot, struct sim_timer *timer)
{
    sim->timers[slot] = timer;
    timer->slot = slot;
}

static void move_up(struct sim *sim, size_t slot, struct sim_timer *timer)
{
    while (slot > 1 && sim->timers[slot / 2]->due_ms > timer->due_ms) {
        place(sim, slot, sim->timers[slot / 2]);
        slot /= 2;
    }
    place(sim, slot, timer);
}

static void move_down(struct sim *sim, size_t slot, struct sim_timer *timer)
{
    for (;;) {
        size_t child = slot * 2;
        if (child > sim->timer_count)
            break;
        if (child < sim->timer_count && sim->timers[child + 1]->due_ms < sim->timers[child]->due_ms)
            child++;
        if (sim->timers[child]->due_ms >= timer->due_ms)
            break;
        place(sim, slot, sim->timers[child]);
        slot = child;
    }
    place(sim, slot, timer);
}

void sim_timer_start(struct sim *sim, struct sim_timer *timer, int64_t after_ms,
                     void (*fire)(struct sim_timer *))
{
    sim_timer_stop(sim, timer);
    if (sim->timer_count + 2 > sim->timer_room) {
        sim->timer_room = sim->timer_room ? sim->timer_room * 2 : 64;
        sim->timers = sim_realloc(sim->timers, sim->timer_room * sizeof(struct sim_timer *));
    }
    timer->fire = fire;
    timer->due_ms = sim_real_ms() + after_ms;
    move_up(sim, ++sim->timer_count, timer);
}

void sim_timer_stop(struct sim *sim, struct sim_timer *timer)
{
    size_t slot = timer->slot;
    if (slot == 0)
        return;
    timer->slot = 0;
    struct sim_timer *last = sim->timers[sim->timer_count--];
    if (last == timer)
        return;
    if (slot > 1 && sim->timers[slot / 2]->due_ms > last->due_ms)
        move_up(sim, slot, last);
    else
        move_down(sim, slot, last);
}

int timers_wait_ms(const struct sim *sim)
{
    if (sim->timer_count == 0)
        return -1;
    int64_t wait_ms = sim->timers[1]->due_ms - sim_real_ms();
    return wait_ms < 0 ? 0 : wait_ms > 3600000 ? 3600000 : (int)wait_ms;
}

void timers_fire(struct sim *sim)
{
    int64_t now_ms = sim_real_ms();
    while (sim->timer_count > 0 && sim->timers[1]->due_ms <= now_ms) {
        struct sim_timer *timer = sim->timers[1];
        sim_timer_stop(sim, timer);
        timer->fire(timer);
    }
}

/* What goes wrong, as the seed says. See sim.h.
 *
 * Each history draws which kinds of faults it has, and how often; so some are
 * calm but for one, and in some everything happens at once. */
#include <string.h>

#include "sim.h"
#include "test_random.h"

#define DAY_MS INT64_C(86400000)

uint64_t sim_random(struct sim *sim, uint64_t below)
{
    return random_below(&sim->random, below);
}

bool sim_happens(struct sim *sim, unsigned per_mille)
{
    return per_mille > 0 && sim_random(sim, 1000) < per_mille;
}

/* 0, or one of two severities. */
static unsigned draw(struct sim *sim, unsigned share, unsigned low, unsigned high)
{
    if (sim_random(sim, 1000) >= share)
        return 0;
    return sim_random(sim, 3) ? low : high;
}

static void draw_processes(struct sim *sim, struct sim_faults *f, unsigned share)
{
    f->crash = draw(sim, share, 6, 25);
    f->freeze = draw(sim, share / 2, 25, 80);
    f->leave = draw(sim, share / 2, 20, 70);
    f->rebalance = draw(sim, share, 40, 150);
    f->too_large = draw(sim, share / 8, 1, 4);
    f->break_sink = draw(sim, share / 8, 1, 3);
    f->break_source = draw(sim, share / 8, 1, 3);
}

static void draw_broker(struct sim *sim, struct sim_faults *f, unsigned share)
{
    static const int64_t delays_ms[] = {5, 40, 80, 300};
    f->cut = draw(sim, share / 2, 25, 80);
    f->truncate = draw(sim, share / 4, 30, 100);
    f->grow = draw(sim, share, 40, 40);
    f->lose_commit = draw(sim, share, 100, 400);
    f->refuse_commit = draw(sim, share, 100, 400);
    f->stale_commit = draw(sim, share, 300, 900);
    f->retry = draw(sim, share, 100, 400);
    f->lose_ack = draw(sim, share, 100, 300);
    f->fail_record = draw(sim, share, 200, 600);
    f->full = draw(sim, share / 2, 100, 800);
    f->remake = draw(sim, share / 4, 5, 20);
    f->sink_down = draw(sim, share / 4, 5, 20);
    f->large_rejects = draw(sim, share / 4, 50, 300);
    f->settings = draw(sim, share / 8, 60, 200);
    f->reset = draw(sim, share / 4, 40, 120);
    f->delay_ms = delays_ms[sim_random(sim, 4)];
}

static void draw_frames(struct sim *sim, struct sim_faults *f, unsigned share)
{
    f->damage = draw(sim, share, 30, 100);
    f->burst = draw(sim, share / 4, 10, 30);
    f->invalid = draw(sim, share, 60, 300);
    f->transactions = draw(sim, share / 2, 300, 900);
    f->clock = draw(sim, share / 2, 30, 200);
    f->wall = draw(sim, share / 2, 60, 60);
}

void sim_faults_draw(struct sim *sim)
{
    static const unsigned shares[] = {0, 200, 200, 400, 400, 400, 700, 1000};
    unsigned share = shares[sim_random(sim, 8)];
    memset(&sim->faults, 0, sizeof sim->faults);
    draw_processes(sim, &sim->faults, share);
    draw_broker(sim, &sim->faults, share);
    draw_frames(sim, &sim->faults, share);
    if (sim->faults.reset && sim_random(sim, 2))
        sim->faults.invalid = 970; /* so that it matters what is known of the settings */
}

static struct sim_member *anybody(struct sim *sim)
{
    return &sim->members[sim_random(sim, sim->members_count)];
}

/* Retention takes the beginning of a partition. Positions that nobody has
 * committed yet may never be read. */
static void truncate(struct sim *sim)
{
    uint64_t at = sim_random(sim, sim->partitions_count);
    struct sim_partition *p = &sim->partitions[at];
    int64_t low = p->low + (int64_t)sim_random(sim, 16);
    if (low > p->stable)
        low = p->stable;
    for (int64_t i = p->low; i < low; i++)
        if (i >= p->committed && !(p->told >> i & 1))
            p->exempt |= UINT64_C(1) << i;
    p->low = low;
    sim->counts.truncated++;
    SIM_NOTE(sim, -1, "deleted of %d: all below %lld", (int)at, (long long)low);
}

/* An operator commits the same position anew, with a tool that adds no metadata. */
static void reset(struct sim *sim)
{
    uint64_t at = sim_random(sim, sim->partitions_count);
    sim->partitions[at].metadata = sim_random(sim, 2) ? "" : NULL;
    sim->counts.resets_of_group++;
    SIM_NOTE(sim, -1, "an operator commits %d", (int)at);
}

static void step_clocks(struct sim *sim)
{
    static const int64_t steps_ms[] = {200, 1000, 5000, 60000, 700000};
    if (sim_happens(sim, sim->faults.clock)) {
        sim_wait(sim, steps_ms[sim_random(sim, 5)]);
        sim->counts.clock_steps++;
        SIM_NOTE(sim, -1, "the clock is stepped");
    }
    if (sim_happens(sim, sim->faults.wall)) {
        sim->wall_ms += sim_random(sim, 2) ? DAY_MS : -DAY_MS;
        SIM_NOTE(sim, -1, "the wall clock is a day off");
    }
}

static void stop_somebody(struct sim *sim)
{
    struct sim_member *member = anybody(sim);
    if (sim_happens(sim, sim->faults.freeze)) {
        member->frozen_until_ms = sim->now_ms + (int64_t)sim_random(sim, 1500);
        sim->counts.freezes++;
        SIM_NOTE(sim, member->index, "frozen");
    }
    if (sim_happens(sim, sim->faults.cut)) {
        member->cut_until_ms = sim->now_ms + (int64_t)sim_random(sim, 1500);
        sim->counts.cuts++;
        SIM_NOTE(sim, member->index, "cut off");
    }
    if (sim_happens(sim, sim->faults.leave) && member->alive) {
        member->stopping = true;
        sim->counts.stops++;
        SIM_NOTE(sim, member->index, "is asked to stop");
    }
}

void sim_event(struct sim *sim)
{
    struct sim_faults *f = &sim->faults;
    if (sim_random(sim, 2) == 0)
        sim_log_grow(&sim->partitions[sim_random(sim, sim->partitions_count)],
                     (int64_t)sim_random(sim, 10));
    if (sim_happens(sim, f->truncate))
        truncate(sim);
    if (sim_happens(sim, f->reset))
        reset(sim);
    if (sim_happens(sim, f->rebalance))
        sim_group_rebalance(sim);
    if (sim_happens(sim, f->grow) && sim->partitions_count < sim->partitions_max) {
        sim->partitions_count++;
        sim->counts.grown++;
        SIM_NOTE(sim, -1, "%zu partitions", sim->partitions_count);
        sim_group_rebalance(sim);
    }
    stop_somebody(sim);
    step_clocks(sim);
}

/* From now on nothing goes wrong; and what was on its way is there. */
void sim_calm(struct sim *sim)
{
    int64_t frames = sim->rests ? SIM_FRAMES - (int64_t)sim_random(sim, 5) : SIM_FRAMES;
    SIM_NOTE(sim, -1, "calm");
    sim->calm = true;
    sim->faults = (struct sim_faults){.delay_ms = 20};
    sim_source_pass(sim, true);
    for (size_t i = 0; i < sim->members_count; i++)
        sim->members[i].frozen_until_ms = sim->members[i].cut_until_ms =
            sim->members[i].rejects.down_until_ms = 0;
    for (size_t i = 0; i < sim->partitions_count; i++) {
        struct sim_partition *p = &sim->partitions[i];
        sim_log_grow(p, frames - p->high);
        if (p->stable < SIM_FRAMES - 6) /* or nothing good may be there, see sim_log.c */
            sim_log_grow(p, SIM_FRAMES);
    }
    sim_group_rebalance(sim);
}

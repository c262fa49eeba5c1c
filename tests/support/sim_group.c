/* The group's coordinator. See sim.h.
 *
 * As brokers do it for eager assignors: who joins makes all others join again;
 * when they have, or the time is over, the next generation begins and the
 * partitions are dealt out anew. Who is not heard of for a while, or comes too
 * late, is expelled and learns of it when it is heard again; until then it acts
 * on. A commit counts when it comes from a member of the present generation; in
 * some histories others are taken too, which the invariant has to bear. */
#include "sim.h"

#define SESSION_MS 400
#define REJOIN_MS 600

static void rebalance_end(struct sim *sim)
{
    struct sim_group *g = &sim->group;
    size_t count = 0, members[SIM_MEMBERS];
    for (size_t m = 0; m < SIM_MEMBERS; m++) {
        if (g->members[m].known && !g->members[m].joined) {
            g->members[m].known = false;
            sim->counts.expelled++;
            SIM_NOTE(sim, (int)m, "expelled: did not join again");
        }
        g->members[m].partitions = 0;
        g->members[m].assigned = g->members[m].known;
        if (g->members[m].known)
            members[count++] = m;
        g->members[m].joined = false;
    }
    g->rebalancing = false;
    g->generation++;
    if (count == 0)
        return;
    for (unsigned p = 0; p < sim->partitions_count; p++)
        g->members[members[sim_random(sim, count)]].partitions |= 1u << p;
    SIM_NOTE(sim, -1, "generation %llu: %zu members", (unsigned long long)g->generation, count);
}

static bool all_joined(const struct sim_group *g)
{
    for (size_t m = 0; m < SIM_MEMBERS; m++)
        if (g->members[m].known && !g->members[m].joined)
            return false;
    return true;
}

void sim_group_rebalance(struct sim *sim)
{
    struct sim_group *g = &sim->group;
    if (g->rebalancing)
        return;
    g->rebalancing = true;
    g->deadline_ms = sim->now_ms + REJOIN_MS;
    for (size_t m = 0; m < SIM_MEMBERS; m++)
        g->members[m].joined = g->members[m].assigned = false;
    SIM_NOTE(sim, -1, "rebalance");
}

void sim_group_join(struct sim_member *member)
{
    struct sim *sim = member->sim;
    struct sim_group *g = &sim->group;
    int m = member->index;
    if (g->members[m].known && g->members[m].start == member->start &&
        (g->members[m].joined || g->members[m].assigned))
        return;
    sim_group_rebalance(sim);
    g->members[m].known = g->members[m].joined = true;
    g->members[m].start = member->start;
    g->members[m].heard_ms = sim->now_ms;
    SIM_NOTE(sim, m, "joins");
    if (all_joined(g))
        rebalance_end(sim);
}

void sim_group_leave(struct sim *sim, int member)
{
    if (!sim->group.members[member].known)
        return;
    sim->group.members[member].known = false;
    sim_group_rebalance(sim);
}

void sim_group_heard(struct sim_member *member)
{
    struct sim_group *g = &member->sim->group;
    if (g->members[member->index].start == member->start)
        g->members[member->index].heard_ms = member->sim->now_ms;
}

void sim_group_pass(struct sim *sim)
{
    struct sim_group *g = &sim->group;
    bool known = false;
    for (size_t m = 0; m < SIM_MEMBERS; m++) {
        if (g->members[m].known && sim->now_ms - g->members[m].heard_ms > SESSION_MS) {
            sim->counts.expelled++;
            SIM_NOTE(sim, (int)m, "expelled: not heard of");
            sim_group_leave(sim, (int)m);
        }
        known = known || g->members[m].known;
    }
    if (g->rebalancing && known && (all_joined(g) || sim->now_ms >= g->deadline_ms))
        rebalance_end(sim);
}

bool sim_group_knows(const struct sim_member *member)
{
    const struct sim_group *g = &member->sim->group;
    return g->members[member->index].known &&
           g->members[member->index].start == member->start &&
           g->generation == member->source.generation;
}

void sim_group_commit(struct sim *sim, struct sim_commit *commit)
{
    const struct sim_group *g = &sim->group;
    int m = commit->member;
    bool current = g->members[m].known && g->members[m].start == commit->start &&
                   g->generation == commit->generation;
    bool taken = current || sim_happens(sim, sim->faults.stale_commit);
    commit->travels = false;
    commit->refused = !current;
    if (current && (sim->refuse_next > 0 || sim_happens(sim, sim->faults.refuse_commit))) {
        sim->refuse_next -= sim->refuse_next > 0;
        commit->refused = true;
        taken = false;
    } else if (!current && taken && sim_random(sim, 2)) {
        commit->refused = false;
    }
    sim->counts.refused += commit->refused;
    sim->counts.stale += taken && !current;
    SIM_NOTE(sim, m, "commit of generation %llu arrives: %s, %s",
             (unsigned long long)commit->generation, taken ? "taken" : "not taken",
             commit->refused ? "refused" : "accepted");
    for (size_t i = 0; taken && i < commit->count; i++)
        sim_committed(sim, commit->partition[i], commit->position[i], commit->metadata);
}

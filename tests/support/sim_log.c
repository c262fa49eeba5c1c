/* What the partitions hold. See sim.h.
 *
 * A partition's log is written as a whole before the history begins, and grows
 * into sight. Its frames' times go on by some seconds each, with some disorder;
 * damaged ones lie hours to years away, alone or in bursts. */
#include <stdio.h>
#include <string.h>

#include "sim.h"

#define START_S INT64_C(1468244340)
#define M(n) (START_S + 60 * (n))
#define HOUR_S 3600
#define DAY_S 86400
#define PRECISION_MIN 4
#define PRECISIONS 3

const int64_t sim_minute_s[SIM_MINUTES] = {
    M(0), M(1), M(2), M(3), M(4), M(5), M(6), M(7),
    M(0) - DAY_S, M(70), M(24 * 60), M(400 * 24 * 60)};

int sim_minute_of(int64_t minute_s)
{
    for (int m = 0; m < SIM_MINUTES; m++)
        if (sim_minute_s[m] == minute_s)
            return m;
    return -1;
}

static const uint8_t key[HC_KEY_SIZE] = {7, 1, 4};
const struct hc_sketch_options sim_profiles[SIM_PROFILES] = {
    {.profile = HC_PROFILE_REDIS}, {.profile = HC_PROFILE_POSTGRES},
    {.profile = HC_PROFILE_KEYED, .key = key}};

static struct sim_rank ranks[SIM_PROFILES][PRECISIONS][SIM_USERS];

static struct sim_rank rank_of(const struct hc_sketch_options *options, unsigned user)
{
    struct hc_sketch *sketch = NULL;
    uint8_t registers[SIM_REGISTERS];
    struct sim_rank found = {0, 0};
    char name[16];
    int size = snprintf(name, sizeof name, "u%u", user);
    if (hc_sketch_create(options, &sketch) == HC_OK &&
        hc_sketch_add(sketch, name, (size_t)size, NULL) == HC_OK &&
        hc_sketch_registers(sketch, registers, sizeof registers) == HC_OK) {
        for (unsigned i = 0; i < 1u << options->precision; i++)
            if (registers[i])
                found = (struct sim_rank){(uint8_t)i, registers[i]};
    }
    hc_sketch_destroy(&sketch);
    return found;
}

void sim_log_prepare(void)
{
    for (size_t profile = 0; profile < SIM_PROFILES; profile++)
        for (unsigned p = 0; p < PRECISIONS; p++)
            for (unsigned user = 0; user < SIM_USERS; user++) {
                struct hc_sketch_options options = sim_profiles[profile];
                options.precision = PRECISION_MIN + p;
                ranks[profile][p][user] = rank_of(&options, user);
            }
}

struct sim_rank sim_rank(const struct sim *sim, size_t profile, unsigned user)
{
    return ranks[profile][sim->precision - PRECISION_MIN][user];
}

static int64_t honest_minute(struct sim *sim, int64_t at)
{
    int64_t minute = at * SIM_MINUTES_HONEST / SIM_FRAMES;
    if (sim_random(sim, 8) == 0)
        minute += (int64_t)sim_random(sim, 3) - 1;
    return minute < 0 ? 0 : minute >= SIM_MINUTES_HONEST ? SIM_MINUTES_HONEST - 1 : minute;
}

static enum reject judged(const struct sim *sim, const struct sim_frame *frame)
{
    int64_t ahead_ms = frame->time_s * 1000 - frame->timestamp_ms;
    if (sim->ahead_ms >= 0 && ahead_ms > sim->ahead_ms)
        return REJECT_TIME_AHEAD;
    if (sim->late_ms >= 0 && -ahead_ms > sim->late_ms)
        return REJECT_TIME_LATE;
    return REJECT_NONE;
}

static void write_frame(struct sim *sim, struct sim_frame *frame, int64_t at, bool damaged)
{
    static const enum reject reasons[] = {REJECT_NOT_JSON, REJECT_NO_USER, REJECT_EMPTY};
    static const char *const wrong[] = {"{\"uid\":", "{\"ts\":1468244340}", ""};
    int64_t minute = honest_minute(sim, at);
    int64_t second = (int64_t)sim_random(sim, 60);
    frame->timestamp_ms = (sim_minute_s[minute] + second) * 1000;
    frame->user = (unsigned)sim_random(sim, SIM_USERS);
    if (damaged)
        minute = SIM_MINUTES_HONEST +
                 (int64_t)sim_random(sim, SIM_MINUTES - SIM_MINUTES_HONEST);
    frame->minute = (int)minute;
    frame->time_s = sim_minute_s[minute] + second;
    frame->reason = judged(sim, frame);
    frame->size = (size_t)snprintf(frame->bytes, sizeof frame->bytes,
                                   "{\"uid\":\"u%u\",\"ts\":%lld}", frame->user,
                                   (long long)frame->time_s);
    if (at % 3 == 0)
        snprintf(frame->key, sizeof frame->key, "key%d", (int)at);
    /* The last of them are good, or a member may doubt its settings for ever. */
    if (at < SIM_FRAMES - 8 && sim_happens(sim, sim->faults.invalid)) {
        uint64_t kind = sim_random(sim, 3);
        frame->reason = reasons[kind];
        frame->size = strlen(wrong[kind]);
        memcpy(frame->bytes, wrong[kind], frame->size);
    }
}

/* Makes a transaction of [from, to): its last record says how it ended. */
static void write_transaction(struct sim *sim, struct sim_partition *partition, int64_t from,
                              int64_t to)
{
    bool aborted = sim_random(sim, 4) == 0 && to < SIM_FRAMES - 8;
    for (int64_t i = from; i < to; i++) {
        partition->log[i].stable = i == to - 1;
        partition->log[i].hidden = aborted || i == to - 1;
    }
}

static void write_partition(struct sim *sim, struct sim_partition *partition)
{
    uint64_t burst = 0;
    memset(partition->log, 0, sizeof partition->log);
    for (int64_t i = 0; i < SIM_FRAMES; i++) {
        if (burst > 0)
            burst--;
        else if (sim_happens(sim, sim->faults.burst))
            burst = sim_random(sim, 30);
        bool honest = i >= SIM_FRAMES - 8;
        write_frame(sim, &partition->log[i], i,
                    !honest && (burst > 0 || sim_happens(sim, sim->faults.damage)));
        partition->log[i].stable = true;
    }
    for (int64_t i = 0; sim->faults.transactions && i < SIM_FRAMES;) {
        int64_t to = i + 1 + (int64_t)sim_random(sim, 10);
        if (to <= SIM_FRAMES && to > i + 1 && sim_happens(sim, sim->faults.transactions))
            write_transaction(sim, partition, i, to);
        i = to;
    }
}

void sim_log_write(struct sim *sim)
{
    for (size_t i = 0; i < SIM_PARTITIONS; i++) {
        struct sim_partition *p = &sim->partitions[i];
        write_partition(sim, p);
        p->low = p->high = p->stable = 0;
        p->committed = -1;
        p->metadata = NULL;
        p->told = p->set_aside = p->too_large = p->covered = p->missing = p->exempt = 0;
    }
}

void sim_log_grow(struct sim_partition *partition, int64_t frames)
{
    for (; frames > 0 && partition->high < SIM_FRAMES; frames--)
        if (partition->log[partition->high++].stable)
            partition->stable = partition->high;
}

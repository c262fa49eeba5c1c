/* Goal: whatever order records, rejects, checkpoints and commits are answered
 * in, whatever fails, is revoked or crashes: no position is committed that is
 * not safe, no checkpoint claims what it does not cover, and once faults cease
 * everything drains.
 *
 * A history is a random sequence of steps of an instance that treats windows
 * as the pipeline does; support/sim_checkpoint.h has its world and the oracle.
 * HEADCOUNT_SEED lives one history again, HEADCOUNT_HISTORIES sets how many there
 * are. Every LARGE_EVERY-th has more windows than records may be under way. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check_main.h"
#include "sim_checkpoint.h"
#include "sim_memory.h"

#define HISTORIES 100000
#define LARGE_EVERY 10000
#define STEPS 500
#define DRAIN_ROUNDS 64

static struct world w;

static unsigned below(size_t bound)
{
    return world_below(&w, bound);
}

static bool happens(unsigned in_256)
{
    return world_happens(&w, in_256);
}

static void expect_right(const char *wrong)
{
    if (wrong)
        world_broken(&w, wrong, 0);
}

static void mark_changed(struct sim_window *window)
{
    if (!window->changed)
        window->round = w.round;
    window->changed = true;
}

/* A window's records; false when the output is full, perhaps in the middle. */
static bool publish(struct sim_window *window)
{
    for (unsigned i = 0; i < w.profiles; i++) {
        uint64_t sequence;

        if (!checkpoints_record_room(w.checkpoints) || w.records_count == RECORDS_MAX)
            return false;
        sequence = checkpoints_record_produced(w.checkpoints, window->sequence[i], window);
        expect(sequence == w.records_count - w.run_first + 1);
        if (happens(w.odds.full)) {
            checkpoints_record_withdrawn(w.checkpoints, sequence);
            return false;
        }
        w.in_flight[w.in_flight_count++] = (uint32_t)w.records_count;
        w.records[w.records_count++] = (struct sim_record){
            (uint32_t)(window - w.windows), window->users, (uint8_t)i, IN_FLIGHT};
        window->sequence[i] = sequence;
        window->in_flight++;
    }
    window->changed = window->failed = false;
    return true;
}

static bool is_gathered(const struct sim_window *window)
{
    return window->changed && window->round < w.round;
}

static bool is_failed(const struct sim_window *window)
{
    return window->failed;
}

/* The next window from the cursor on that is due, or NULL. */
static struct sim_window *find(bool (*is_due)(const struct sim_window *))
{
    for (size_t i = 0; i < w.windows_count; i++) {
        w.cursor = w.cursor + 1 < w.windows_count ? w.cursor + 1 : 0;
        if (is_due(&w.windows[w.cursor]))
            return &w.windows[w.cursor];
    }
    return NULL;
}

static void gather(void)
{
    for (size_t i = 0; i < w.burst && w.gathering; i++) {
        struct sim_window *window = find(is_gathered);

        if (window && !publish(window))
            return;
        if (!window) {
            struct sim_begun *begun = &w.begun[w.begun_count - 1];

            checkpoints_gathered(w.checkpoints);
            begun->sequence_last = w.records_count - w.run_first;
            begun->reject_last = w.reject_last;
            begun->gathered = true;
            w.gathering = false;
        }
    }
}

static void publish_failed(void)
{
    struct sim_window *window = find(is_failed);

    for (size_t i = 0; i < w.burst && window && publish(window); i++)
        window = find(is_failed);
}

/* Memory is short: a window goes out early, and is let go when it is clean. */
static void press(void)
{
    struct sim_window *window = &w.windows[below(w.windows_count)];

    if (window->changed)
        publish(window);
    if (!window->changed && window->in_flight == 0)
        *window = (struct sim_window){0};
}

static void answer_record(bool delivered)
{
    size_t at = below(w.in_flight_count), index = w.in_flight[at];
    struct sim_window *window = &w.windows[w.records[index].window];
    uint64_t sequence = index - w.run_first + 1;

    w.in_flight[at] = w.in_flight[--w.in_flight_count];
    w.records[index].fate = delivered ? DELIVERED : FAILED;
    expect(checkpoints_record_answered(w.checkpoints, sequence, delivered) == window);
    window->in_flight--;
    if (!delivered) {
        window->failed = true;
        mark_changed(window);
    }
}

static void answer_records(void)
{
    for (size_t i = 1 + below(w.burst); i > 0 && w.in_flight_count > 0; i--)
        answer_record(!happens(w.odds.fail));
}

static void answer_reject(void)
{
    size_t at = below(w.rejects_count);

    if (w.rejects_count == 0)
        return;
    w.set_aside[w.rejects[at].partition] |= UINT64_C(1) << w.rejects[at].offset;
    checkpoints_reject_acknowledged(w.checkpoints, w.rejects[at].number);
    w.rejects[at] = w.rejects[--w.rejects_count];
}

/* False when the sink has no room. */
static bool set_aside(unsigned partition, int64_t offset)
{
    uint64_t number;

    if (w.sinkless)
        return true;
    if (w.rejects_count == REJECTS_MAX || !checkpoints_reject_room(w.checkpoints))
        return false;
    number = checkpoints_reject_produced(w.checkpoints);
    if (happens(w.odds.full)) {
        checkpoints_reject_withdrawn(w.checkpoints, number);
        return false;
    }
    w.rejects[w.rejects_count++] = (struct sim_reject){number, partition, offset};
    w.reject_last = number;
    return true;
}

static void read_missing(unsigned at)
{
    struct sim_slot *slot = &w.slots[at];
    const struct log_frame *log = w.log[slot->partition];
    int64_t next = slot->next + 1;

    while (next < FRAMES && log[next].kind == MISSING && below(4))
        next++;
    if (checkpoints_missing(w.checkpoints, at, slot->next, next))
        slot->next = next;
    else
        expect(memory_failed());
}

static void read_frame(unsigned at)
{
    struct sim_slot *slot = &w.slots[at];
    const struct log_frame *frame = &w.log[slot->partition][slot->next];
    struct sim_window *window = &w.windows[frame->window];

    if (slot->next == FRAMES)
        return;
    if (frame->kind == MISSING) {
        read_missing(at);
        return;
    }
    if (frame->kind == VALID) {
        if (!(window->users >> frame->user & 1))
            mark_changed(window);
        window->users |= UINT32_C(1) << frame->user;
        w.counters.frames++;
    } else {
        if (!set_aside(slot->partition, slot->next))
            return;
        w.counters.rejected[frame->kind]++;
    }
    slot->next++;
    checkpoints_read(w.checkpoints, at, slot->next);
    checkpoints_read(w.checkpoints, at, slot->next - below(3)); /* it never goes back */
}

static void read_frames(void)
{
    for (size_t i = 1 + below(2); i > 0 && w.slots_count > 0; i--)
        read_frame(below(w.slots_count));
}

static void begin(void)
{
    struct sim_begun *begun = &w.begun[w.begun_count];

    if (!checkpoints_can_begin(w.checkpoints))
        return;
    memset(begun, 0, sizeof *begun);
    for (size_t i = 0; i < w.slots_count; i++) {
        begun->to[i] = w.slots[i].next;
        begun->marks[i].watermark_s = (int64_t)below(1000);
        begun->marks[i].idle = below(2);
        begun->marks[i].end = below(2);
    }
    if (!checkpoints_begin(w.checkpoints, begun->marks, &w.counters)) {
        expect(memory_failed());
        return;
    }
    w.begun_count++;
    w.gathering = true;
    w.round++;
}

static void write_checkpoint(void)
{
    struct checkpoint_view view;
    bool ready = checkpoints_ready(w.checkpoints, &view);

    expect(ready == oracle_ready(&w) || memory_failed());
    if (!ready)
        return;
    expect_right(oracle_view(&w, &view));
    if (happens(w.odds.full) || w.pending_count == PENDING_MAX)
        return;
    checkpoints_written(w.checkpoints, view.number);
    w.begun[0].number = view.number;
    w.pending[w.pending_count++] = view.number;
}

static void answer_checkpoint(void)
{
    size_t at = below(w.pending_count);
    bool delivered = !happens(w.odds.fail_checkpoint), present;
    uint64_t number = w.pending[at];

    if (w.pending_count == 0)
        return;
    present = w.begun_count > 0 && w.begun[0].number == number;
    w.pending[at] = w.pending[--w.pending_count];
    expect(checkpoints_answered(w.checkpoints, number, delivered) == (present && delivered));
    if (!present)
        return;
    for (size_t i = 0; i < w.slots_count && delivered; i++)
        w.slots[i].told = w.begun[0].to[i];
    if (delivered)
        w.sequence_told = w.begun[0].sequence_last;
    w.begun[0] = w.begun[1];
    w.begun_count--;
}

static void commit_begin(void)
{
    struct source_position positions[PARTITIONS];
    size_t count = checkpoints_commit_begin(w.checkpoints, positions, w.slots_count);

    if (count == 0)
        return;
    expect(!w.committing && !w.forbidden && count <= w.slots_count);
    for (size_t i = 0; i < count; i++) {
        const struct sim_slot *slot = &w.slots[positions[i].slot];

        expect(i == 0 || positions[i].slot > positions[i - 1].slot);
        expect(positions[i].position == slot->told && slot->told > slot->committed);
        expect(oracle_contained(&w, slot->partition, 0, slot->told));
        w.commit.partition[i] = slot->partition;
        w.commit.position[i] = slot->told;
    }
    w.commit.count = count;
    w.committing = true;
}

/* A commit that failed may have been done all the same. */
static void commit_end(void)
{
    bool done = !happens(w.odds.fail_commit);

    if (!w.committing)
        return;
    for (size_t i = 0; i < w.commit.count && done && !w.commit_stale; i++)
        for (size_t j = 0; j < w.slots_count; j++)
            if (w.slots[j].partition == w.commit.partition[i])
                w.slots[j].committed = w.commit.position[i];
    if (done || below(2))
        world_commit(&w, &w.commit);
    w.commit.count = 0;
    w.committing = w.commit_stale = false;
    checkpoints_commit_ended(w.checkpoints, done);
}

static void unassign(void)
{
    checkpoints_unassign(w.checkpoints);
    w.assigned = w.forbidden = w.gathering = false;
    w.commit_stale = w.committing;
    w.slots_count = w.begun_count = 0;
}

static void assign(size_t count)
{
    int64_t starts[PARTITIONS];
    unsigned first = below(PARTITIONS);

    unassign();
    for (size_t i = 0; i < count; i++) {
        unsigned partition = (unsigned)(first + i) % PARTITIONS;

        starts[i] = w.committed[partition];
        w.slots[i] = (struct sim_slot){partition, starts[i], starts[i], starts[i], starts[i]};
    }
    w.assigned = checkpoints_assign(w.checkpoints, starts, count, &w.counters);
    expect(w.assigned || memory_failed());
    w.slots_count = w.assigned ? count : 0;
}

static void start(void)
{
    do
        w.checkpoints = checkpoints_create();
    while (!w.checkpoints && memory_failed());
    expect(w.checkpoints);
    memset(w.windows, 0, w.windows_count * sizeof w.windows[0]);
    for (size_t i = LOG_WINDOWS; i < w.windows_count; i++)
        w.windows[i] = (struct sim_window){.users = 1, .changed = true};
    memset(&w.counters, 0, sizeof w.counters);
    w.run_first = w.records_count;
    w.round = 1;
    w.in_flight_count = w.rejects_count = w.pending_count = 0;
    w.sequence_told = w.reject_last = 0;
    w.committing = false;
    unassign();
}

static void crash(void)
{
    checkpoints_destroy(&w.checkpoints);
    expect(w.checkpoints == NULL);
    world_commit(&w, &w.ghost);
    w.ghost = w.commit;
    w.commit.count = 0;
    start();
}

static void act_rarely(void)
{
    if (happens(w.odds.crash))
        crash();
    if (happens(w.odds.assign))
        unassign();
    if (happens(w.odds.assign))
        world_other_member(&w);
    if (!w.assigned ? happens(100) : happens(w.odds.assign))
        assign(below(PARTITIONS + 1));
    if (happens(w.odds.assign) && below(8) == 0) {
        checkpoints_forbid_commits(w.checkpoints);
        w.forbidden = w.assigned;
    }
    if (w.ghost.count > 0 && happens(20))
        world_commit(&w, &w.ghost);
}

static void act(void)
{
    static void (*const acts[])(void) = {
        read_frames,       read_frames,  answer_records, answer_records, answer_reject,
        answer_reject,     begin,        gather,         gather,         write_checkpoint,
        answer_checkpoint, commit_begin, commit_end,     press,          publish_failed};

    memory_fail_at(happens(w.odds.memory) ? 1 + below(3) : 0);
    acts[below(sizeof acts / sizeof *acts)]();
    act_rarely();
    memory_fail_at(0);
    if (happens(32))
        expect_right(oracle_answers(&w));
}

/* Faults have ceased: everything that was read becomes safe and committed. */
static void drain(void)
{
    int rounds = 0;

    w.odds = (struct sim_odds){0};
    for (; rounds < DRAIN_ROUNDS; rounds++) {
        for (unsigned i = 0; i < w.slots_count; i++)
            while (w.slots[i].next < FRAMES)
                read_frame(i);
        begin();
        w.gathering ? gather() : publish_failed();
        while (w.in_flight_count > 0)
            answer_record(true);
        while (w.rejects_count > 0)
            answer_reject();
        write_checkpoint();
        while (w.pending_count > 0)
            answer_checkpoint();
        commit_end();
        commit_begin();
        commit_end();
        expect_right(oracle_answers(&w));
        if (checkpoints_all_safe(w.checkpoints) && checkpoints_unsettled(w.checkpoints) == 0 &&
            (w.forbidden || checkpoints_all_committed(w.checkpoints)))
            break;
    }
    expect(rounds < DRAIN_ROUNDS);
}

static void live(uint64_t seed, bool large)
{
    world_make(&w, seed, large);
    start();
    for (w.step = 0; w.step < STEPS; w.step++)
        act();
    drain();
    world_commit(&w, &w.ghost);
    assign(PARTITIONS);
    drain();
    for (unsigned i = 0; i < PARTITIONS; i++)
        expect(w.committed[i] == FRAMES && oracle_contained(&w, i, 0, FRAMES));
    checkpoints_destroy(&w.checkpoints);
}

/* An assert or a crash of the code under test should tell its seed, too. */
static void aborted(int number)
{
    char line[80];
    int size = snprintf(line, sizeof line, "HEADCOUNT_SEED=%llu, step %d\n",
                        (unsigned long long)w.seed, w.step);

    if (write(STDERR_FILENO, line, (size_t)size) == size)
        signal(number, SIG_DFL);
    raise(number);
}

START_TEST(nothing_unsafe_is_committed_and_everything_drains)
{
    const char *one = getenv("HEADCOUNT_SEED"), *many = getenv("HEADCOUNT_HISTORIES");
    uint64_t first = one ? strtoull(one, NULL, 10) : 1;
    uint64_t count = one ? 1 : many ? strtoull(many, NULL, 10) : HISTORIES;

    signal(SIGABRT, aborted);
    signal(SIGSEGV, aborted);
    for (uint64_t seed = first; seed < first + count; seed++)
        live(seed, seed % LARGE_EVERY == 0);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 0);
    tcase_add_test(tcase, nothing_unsafe_is_committed_and_everything_drains);
}

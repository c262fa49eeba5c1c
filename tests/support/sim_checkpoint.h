/* A world around one `struct checkpoints`, and the oracle that judges it.
 *
 * The world: logs of frames, a topic, the offsets a group has committed, and
 * one instance whose windows are sets of users. The oracle knows nothing of
 * settling. It looks for each frame's user in the records that were
 * acknowledged, always from scratch. */
#ifndef SUPPORT_SIM_CHECKPOINT_H
#define SUPPORT_SIM_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "checkpoint.h"
#include "limits.h"

#define PARTITIONS 3
#define FRAMES 60     /* of a partition: a set of them is a word */
#define LOG_WINDOWS 4 /* those that frames fall into */
#define USERS 32
#define PROFILES 2
#define WINDOWS_MAX (LIMIT_RECORDS_IN_FLIGHT + 3000)
#define RECORDS_MAX (1 << 20)
#define REJECTS_MAX 1024
#define PENDING_MAX 64

enum kind { VALID, REJECT_A, REJECT_B, MISSING, KINDS };

struct log_frame {
    uint8_t kind, window, user;
};

enum fate { IN_FLIGHT, DELIVERED, FAILED };

struct sim_record {
    uint32_t window, users;
    uint8_t profile, fate;
};

struct sim_window {
    uint32_t users;
    uint32_t in_flight;
    uint64_t sequence[PROFILES];
    uint64_t round;
    bool changed, failed;
};

struct sim_slot {
    unsigned partition;
    int64_t start, next, told, committed;
};

/* A checkpoint that began. */
struct sim_begun {
    uint64_t number; /* 0 until it is written */
    uint64_t sequence_last, reject_last; /* once it is gathered */
    bool gathered;
    int64_t to[PARTITIONS];
    struct checkpoint_mark marks[PARTITIONS];
};

struct sim_commit {
    size_t count;
    unsigned partition[PARTITIONS];
    int64_t position[PARTITIONS];
};

struct sim_reject {
    uint64_t number;
    unsigned partition;
    int64_t offset;
};

/* In 1/256 of the occasions. */
struct sim_odds {
    unsigned fail, fail_checkpoint, fail_commit, full, crash, assign, memory;
};

struct world {
    uint64_t seed, random;
    int step;
    struct sim_odds odds;
    bool sinkless; /* rejects are only counted */
    size_t windows_count, profiles, burst;

    /* What outlives a crash. */
    struct log_frame log[PARTITIONS][FRAMES];
    int64_t committed[PARTITIONS];
    uint64_t set_aside[PARTITIONS]; /* acknowledged rejects, a bit each */
    uint32_t others[LOG_WINDOWS];   /* users acknowledged for other members */
    struct sim_commit ghost;        /* of a crashed instance, still on its way */
    struct sim_record records[RECORDS_MAX];
    size_t records_count;

    /* The instance. Its record of sequence s is records[run_first + s - 1]. */
    struct checkpoints *checkpoints;
    size_t run_first;
    struct sim_window windows[WINDOWS_MAX];
    size_t cursor;
    uint64_t round;
    struct counters counters;
    uint32_t in_flight[RECORDS_MAX]; /* indexes of records */
    size_t in_flight_count;
    struct sim_reject rejects[REJECTS_MAX]; /* not acknowledged */
    size_t rejects_count;
    uint64_t reject_last; /* number of the newest */

    bool assigned, forbidden;
    struct sim_slot slots[PARTITIONS];
    size_t slots_count;
    struct sim_begun begun[LIMIT_CHECKPOINTS]; /* oldest first */
    size_t begun_count;
    bool gathering;
    uint64_t sequence_told;
    uint64_t pending[PENDING_MAX]; /* written checkpoints, of former assignments too */
    size_t pending_count;
    bool committing, commit_stale; /* stale: of a former assignment */
    struct sim_commit commit;

    uint32_t later[WINDOWS_MAX][PROFILES]; /* the oracle's scratch */
};

/* A fresh world of this seed: logs, odds, nothing assigned. Large ones have
 * more windows that need publishing than records may be under way. */
void world_make(struct world *world, uint64_t seed, bool large);

/* The broker does a commit, which is empty then. */
void world_commit(struct world *world, struct sim_commit *commit);
/* Another member reads on from what is committed, and commits. */
void world_other_member(struct world *world);

uint64_t world_random(struct world *world);
unsigned world_below(struct world *world, size_t bound);
bool world_happens(struct world *world, unsigned in_256);

/* Fails the test with the seed. ck_assert writes a file each time. */
void world_broken(const struct world *world, const char *what, int line)
    __attribute__((noreturn));
#define expect(condition) ((condition) ? (void)0 : world_broken(&w, #condition, __LINE__))

/* Whether a checkpoint's record must be on offer now. */
bool oracle_ready(struct world *world);
/* What is wrong with it; NULL: nothing. */
const char *oracle_view(struct world *world, const struct checkpoint_view *view);
/* Whether [from, to) of a partition is in acknowledged records and rejects. */
bool oracle_contained(const struct world *world, unsigned partition, int64_t from, int64_t to);
/* Compares what the bookkeeping says of itself; NULL: it is right. */
const char *oracle_answers(struct world *world);

#endif

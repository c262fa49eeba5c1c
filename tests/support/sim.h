/* A pipeline in a world of its own: simulated broker, group, output and clock.
 *
 * One seed is one history. The world holds a log of frames for each partition,
 * the offsets that the group committed, and the output topic; it hands frames
 * over in random runs, rebalances, delays and fails acknowledgements and
 * commits, fills up, and crashes the pipeline, which is then started anew from
 * what was committed. After every commit it checks the invariant: each frame
 * below a committed offset is in an acknowledged record, or among the rejects. */
#ifndef SUPPORT_SIM_H
#define SUPPORT_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "coverage.h"
#include "emit.h"
#include "headcount/sketch.h"
#include "pipeline.h"
#include "record.h"
#include "source.h"

#define SIM_PARTITIONS 3
#define SIM_FRAMES 120
#define SIM_MINUTES 6
#define SIM_IN_FLIGHT 512
#define SIM_BYTES 4096
#define SIM_PRECISION 10
#define SIM_PROFILES 3

struct sim_frame {
    char bytes[96];
    int minute; /* 0..SIM_MINUTES-1; -1: not valid */
    uint64_t user;
};

struct sim_sent { /* handed to the output, not answered yet */
    uint64_t token;
    int64_t at_ms;
    size_t size;
    char value[SIM_BYTES];
};

struct sim_output {
    struct emit emit;
    struct sim *sim;
    bool rejects;
    size_t count;
    struct sim_sent sent[SIM_IN_FLIGHT];
};

struct sim_source {
    struct source source;
    struct sim *sim;
    enum { SIM_APART, SIM_ASSIGNED, SIM_LEAVING, SIM_DONE } state;
    struct source_assignment assignment;
    struct source_partition partitions[SIM_PARTITIONS];
    int64_t position[SIM_PARTITIONS]; /* by slot */
    bool told_end[SIM_PARTITIONS];
    struct message messages[SIM_FRAMES];
    bool held, closing;
    bool committing, commit_refused;
    int64_t commit_at_ms;
    size_t commit_count;
    struct source_position commit[SIM_PARTITIONS];
    int32_t commit_partition[SIM_PARTITIONS];
};

/* What goes wrong, in 1/1000 of the occasions. */
struct sim_faults {
    unsigned revoke, lose, refuse_commit, fail_record, full, crash;
};

struct sim {
    uint64_t random;
    int64_t now_ms;
    struct sim_faults faults;
    struct sim_frame log[SIM_PARTITIONS][SIM_FRAMES];
    int64_t committed[SIM_PARTITIONS];
    char metadata[256];
    size_t profiles;          /* that the pipeline counts in, by the seed */
    struct hc_sketch *topic[SIM_MINUTES][SIM_PROFILES]; /* unions of acknowledged records */
    bool set_aside[SIM_PARTITIONS][SIM_FRAMES]; /* acknowledged rejects */
    struct coverage *coverage;
    struct record_reader *reader;
    struct sim_source source;
    struct sim_output output, rejects;
    uint64_t epoch;
    uint64_t crashes, rebalances, commits, failures, evicted, held;
};

/* A fresh world of this seed. */
void sim_start(struct sim *sim, uint64_t seed, const struct sim_faults *faults);
void sim_end(struct sim *sim);
uint64_t sim_random(struct sim *sim, uint64_t below);
/* Lives the history: faults first, then none until all is drained. */
void sim_live(struct sim *sim);

/* sim_ends.c: the two ends of the pipeline. */
void sim_source_reset(struct sim *sim);
void sim_output_reset(struct sim *sim, struct sim_output *output, bool rejects);
/* A crash: each record under way was delivered, or was not. */
void sim_output_crash(struct sim_output *output);
/* Called by the ends: a record was delivered; positions were committed. */
void sim_delivered(struct sim *sim, const struct sim_output *output, const struct sim_sent *sent);
void sim_committed(struct sim *sim, int32_t partition, int64_t position);

#endif

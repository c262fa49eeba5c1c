/* Pipelines in a world of their own: broker, group, network, output and clocks
 * are simulated, everything in between is the product's own code.
 *
 * One seed is one history. The world holds a log for each partition (frames,
 * damaged ones, control records, aborted transactions, deleted beginnings), a
 * group with several members, and the topics that they write to. A scheduler
 * gives turns to the members; at every yield point, which is every call that a
 * pipeline makes to its surroundings, the world may go on: messages arrive, or
 * are lost, or are answered; members are expelled while they act on; clocks
 * jump; or the process dies on the spot. After the faults comes a calm time, in
 * which all must be counted.
 *
 *   sim.c            the life of a history: scheduler, members, end
 *   sim_log.c        what the partitions hold, and which registers it makes
 *   sim_events.c     what goes wrong, as the seed says
 *   sim_group.c      the group's coordinator: joins, generations, commits
 *   sim_source.c     a member's consumer
 *   sim_output.c     a member's producers, and the way of their records
 *   sim_reject.c     whether a reject is the frame that was rejected
 *   sim_truth.c      the topics, and what must hold after each event
 *   sim_cover.c      which positions are covered, reckoned from scratch
 *   sim_watermark.c  what time it is in the stream, reckoned from scratch
 *   sim_labels.c     what records say of their minutes, the same way
 *   sim_trace.c      the history for people */
#ifndef SUPPORT_SIM_H
#define SUPPORT_SIM_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include "emit.h"
#include "headcount/sketch.h"
#include "limits.h"
#include "pipeline.h"
#include "record.h"
#include "rollup.h"
#include "source.h"
#include "text.h"

#define SIM_MEMBERS 3
#define SIM_PARTITIONS 4
#define SIM_FRAMES 64 /* of a partition: a set of them is a word */
#define SIM_MINUTES_HONEST 8
#define SIM_MINUTES 12 /* the others are what damage makes of timestamps */
#define SIM_USERS 64
#define SIM_PROFILES 3
#define SIM_REGISTERS 64
#define SIM_FLIGHTS 1024
#define SIM_RUN 64
#define SIM_LATE 8
#define SIM_STARTS 96       /* of processes in one history */
#define SIM_SEQUENCES 16384 /* of one process */
#define SIM_FOLDED 4096     /* by one process */
#define SIM_MARKS 256
#define SIM_LABELS 256      /* of records in one turn */

struct sim;

struct sim_frame {
    char key[8]; /* of the Kafka record; "": none */
    char bytes[80];
    size_t size;
    int64_t timestamp_ms; /* of the Kafka record */
    int64_t time_s;
    int minute; /* index into sim_minute_s */
    unsigned user;
    enum reject reason; /* what the decoder has to say */
    bool hidden; /* a control record, or of a transaction that was aborted */
    bool stable; /* readers may go beyond it: no transaction is open */
};

struct sim_partition {
    struct sim_frame log[SIM_FRAMES];
    int64_t low, high; /* what the broker has */
    int64_t stable;    /* what it hands over: below the first open transaction */
    int64_t committed; /* or -1 */
    const char *metadata; /* of that commit; NULL or "": an operator's */
    /* Sets of positions, a bit each. */
    uint64_t told;      /* known to be in the topic, or settled otherwise */
    uint64_t set_aside; /* acknowledged by the sink for rejects */
    uint64_t too_large; /* refused by that sink for its size */
    uint64_t covered;   /* by a checkpoint in the topic */
    uint64_t missing;   /* lost, as a checkpoint in the topic says */
    uint64_t exempt;    /* deleted before they were committed: nobody may know them */
};

/* A stretch of a partition as one member reads it. */
struct sim_slot {
    int32_t partition;
    int64_t start, next;
    int64_t eof;          /* where the end was told, while it stands there; or -1 */
    int64_t high, asked_ms; /* the broker's last answer about its end */
    int64_t asked_commit, confirmed; /* highest positions */
    int64_t consumed;     /* everything below is folded */
    /* Its clock, see sim_watermark.c. */
    struct {
        int64_t time_s, read_ms;
    } samples[LIMIT_CLOCK_SAMPLES];
    size_t samples_count;
    bool noted, idle, at_end;
    int64_t at_end_ms, value_s, slept_s;
    int64_t lone_s; /* the only sample before it slept; or WATERMARK_NONE */
};

/* A commit on its way, or its answer. */
struct sim_commit {
    int member;
    uint64_t start, generation;
    bool waits;                   /* the member does, for the answer */
    bool travels;                 /* the request does */
    bool refused, answer_lost;
    int64_t arrives_ms, answered_ms, deadline_ms;
    const char *metadata;
    size_t count;
    int32_t partition[SIM_PARTITIONS];
    int64_t position[SIM_PARTITIONS];
    bool same_assignment; /* the member still has the one that it began in */
};

struct sim_emit {
    struct emit emit; /* first */
    struct sim_member *member;
    bool rejects, broken;
    int64_t down_until_ms;
    size_t in_flight;
};

struct sim_source {
    struct source source; /* first */
    struct sim_member *member;
    enum { SIM_APART, SIM_ASSIGNED, SIM_LEAVING, SIM_DONE } state;
    uint64_t generation;
    struct source_assignment assignment;
    struct source_partition partitions[SIM_PARTITIONS];
    struct sim_slot slots[SIM_PARTITIONS];
    size_t slots_count;
    uint64_t number; /* of the assignment */
    struct message messages[SIM_RUN];
    size_t run_count, run_next; /* run_next: as far as it is folded */
    bool held, closing, remade, lost, broken;
    int64_t leave_by_ms; /* revoked: when it has to be released; INT64_MAX: no matter */
    bool calm; /* the assignment was taken when nothing went wrong any more */
    bool foreign; /* it has positions that were committed under other settings */
    struct sim_commit commit;
};

/* What a process did, by its number. */
struct sim_start {
    uint64_t sequences[SIM_SEQUENCES / 64]; /* in the topic */
    uint64_t sequence_max;
    uint16_t folded[SIM_FOLDED]; /* partition * SIM_FRAMES + position, in order */
    size_t folded_count;
    uint64_t covered[SIM_PARTITIONS]; /* by its checkpoints */
    uint64_t lost;                    /* rejects that they call lost */
    bool assigned, resumed;           /* it had partitions; and committed ones at first */
    bool proven;                      /* some were committed under its settings */
    struct sim_mark {
        int64_t consumed, watermark_s;
        bool idle;
    } marks[SIM_PARTITIONS][SIM_MARKS]; /* where the clocks stood, the last of them */
    size_t marks_count[SIM_PARTITIONS];
    uint64_t marked_turn; /* the last one that they were noted in */
};

/* See sim_labels.c. Sets of minutes are a bit each. */
struct sim_labels {
    struct {
        int minute;
        enum record_state state;
    } noted[SIM_LABELS]; /* in the present turn */
    size_t count;
    unsigned late_must, late_may, late_must_before, late_may_before;
    int64_t open_ms[SIM_MINUTES], closed_ms[SIM_MINUTES]; /* since when; or -1 */
};

struct sim_member {
    struct sim *sim;
    int index;
    bool alive, stopping;
    uint64_t start;          /* number of this process; its epoch */
    int64_t frozen_until_ms; /* SIGSTOP */
    int64_t cut_until_ms;    /* no network */
    unsigned crash_in;       /* so many yield points from now; 0: not */
    jmp_buf crash;
    struct pipeline *pipeline;
    struct pipeline_options options;
    struct sim_source source;
    struct sim_emit output, rejects;
    /* What the present turn did, for sim_watermark.c. */
    enum source_kind step;
    uint32_t step_slot;
    int64_t step_position;
    unsigned clocks_read;
    bool had_slots;
    int64_t first_ms, turn_ms, next_all_ms;
    uint64_t consumed;
    int64_t watermark_s, stood_ms;
    struct counters seen;  /* what its counters have to say */
    uint64_t lost_told;    /* of rejects: by acknowledged checkpoints */
    int64_t began_ms;      /* the process */
    size_t told_count;     /* when the turn began */
    unsigned new_counts; /* how often it called its count a new one */
    struct sim_labels labels;
};

struct sim_group {
    uint64_t generation;
    bool rebalancing;
    int64_t deadline_ms;
    struct {
        bool known, joined, assigned; /* assigned: and has not taken it yet */
        uint64_t start;
        int64_t heard_ms;
        unsigned partitions; /* a bit each */
    } members[SIM_MEMBERS];
};

/* A record on its way to a topic, or its answer on its way back. */
struct sim_flight {
    struct sim_emit *from; /* NULL: nobody waits for the answer any more */
    bool rejects, answered, failed, too_large;
    int member;
    uint64_t start, token;
    size_t folded_count; /* of the process when it was produced */
    uint64_t turn;       /* that it was produced in */
    int32_t partitions_total; /* in the assignment of that turn */
    uint64_t assignment;      /* its number */
    uint64_t lost;            /* rejects, as the process counted by then */
    uint64_t lost_untold;     /* of them: since the last acknowledged checkpoint */
    unsigned attempts;
    int64_t at_ms;
    int32_t partition;
    int64_t position; /* of a reject in its own form; -1: a line */
    char *value;
    size_t size;
};

/* A checkpoint in the topic. */
struct sim_told {
    uint64_t start, turn, number, first, last;
    size_t replaced_count, partitions_count;
    uint64_t *replaced;
    struct record_partition partitions[SIM_PARTITIONS];
    struct record_range missing[SIM_FRAMES];
    uint64_t frames, rejected[REJECT_COUNT], rejects_lost;
    int64_t time_ms;
    int32_t partitions_total;
};

struct sim_sketch {
    uint64_t start, sequence;
    int64_t minute_s;
    size_t profile;
    enum record_state state;
};

/* What goes wrong, in 1/1000 of the occasions if not said otherwise. */
struct sim_faults {
    unsigned crash, freeze, cut, leave, rebalance, truncate, grow, clock, wall;
    unsigned lose_commit, refuse_commit, stale_commit; /* stale: a replaced member's is taken */
    unsigned retry, lose_ack, fail_record, full, too_large;
    unsigned break_sink, break_source, remake, sink_down;
    unsigned large_rejects;
    unsigned settings, reset; /* of processes that have others; of commits without any */
    unsigned damage, burst, invalid, transactions; /* of frames */
    int64_t delay_ms; /* of messages, at most */
};

struct sim_counts {
    uint64_t histories, turns, crashes, assignments, expelled, commits, stale, refused, records,
        checkpoints, failed, twice, evicted, held, truncated, grown, late, resets, rejected,
        rejects_lost, exempt, freezes, cuts, clock_steps, stops, failures, ends,
        foreign, resets_of_group, rests;
};

struct sim {
    uint64_t seed, random;
    bool tracing, calm;
    int64_t now_ms, wall_ms;
    struct sim_faults faults;
    bool rests;                       /* the calm is lived on, and more comes */
    unsigned refuse_next, fail_next;  /* so many commits and records then */
    unsigned precision;
    size_t profiles;
    bool sink, sink_lines, sink_drops; /* for rejects */
    int64_t ahead_ms, late_ms;
    size_t members_count, partitions_count, partitions_max;
    struct sim_partition partitions[SIM_PARTITIONS];
    struct sim_group group;
    struct sim_commit late[SIM_LATE]; /* commits whose senders do not wait any more */
    struct sim_member members[SIM_MEMBERS];
    struct decoder *decoder;
    size_t table_bytes; /* of an empty table of windows */

    struct sim_flight flights[SIM_FLIGHTS];
    size_t flights_count;
    int64_t flights_due_ms;

    /* The topic. */
    uint8_t topic[SIM_MINUTES][SIM_PROFILES][SIM_REGISTERS];
    struct record_reader *reader;
    struct json *json;
    struct text reject_key, reject_frame;
    struct rollup *rollup;
    size_t rollup_profile; /* that it is asked for */
    struct sim_sketch *sketches;
    size_t sketches_count, sketches_room;
    struct sim_told *told;
    size_t told_count, told_room;
    struct sim_start *starts; /* [SIM_STARTS] */
    uint64_t starts_count;
    struct sim_counts counts;
};

/* Memory that histories share. */
void sim_create(struct sim *sim);
void sim_destroy(struct sim *sim);
/* Lives one history to its end. A violation does not return. */
void sim_live(struct sim *sim, uint64_t seed);
uint64_t sim_random(struct sim *sim, uint64_t below);
bool sim_happens(struct sim *sim, unsigned per_mille);

/* sim.c: a yield point of a member: the world goes on, or the process ends. */
void sim_yield(struct sim_member *member);
/* Time goes by. */
void sim_wait(struct sim *sim, int64_t ms);
bool sim_is_cut(const struct sim_member *member);
void sim_kill(struct sim_member *member);

/* sim_log.c */
extern const int64_t sim_minute_s[SIM_MINUTES];
extern const struct hc_sketch_options sim_profiles[SIM_PROFILES];
void sim_log_prepare(void);
void sim_log_write(struct sim *sim);
int sim_minute_of(int64_t minute_s);
/* More of a partition is there to be read. */
void sim_log_grow(struct sim_partition *partition, int64_t frames);
/* The register that a user falls into, and its rank. */
struct sim_rank {
    uint8_t index, rank;
} sim_rank(const struct sim *sim, size_t profile, unsigned user);

/* sim_events.c */
void sim_faults_draw(struct sim *sim);
void sim_event(struct sim *sim);
void sim_calm(struct sim *sim);

/* sim_group.c */
void sim_group_heard(struct sim_member *member);
void sim_group_join(struct sim_member *member);
void sim_group_leave(struct sim *sim, int member);
void sim_group_rebalance(struct sim *sim);
void sim_group_pass(struct sim *sim);
/* Whether it is a member, and of the present generation. */
bool sim_group_knows(const struct sim_member *member);
/* A commit arrives. */
void sim_group_commit(struct sim *sim, struct sim_commit *commit);

/* sim_source.c, sim_output.c */
void sim_source_init(struct sim_member *member);
/* Nobody waits for its commit any more; it may arrive nevertheless. */
void sim_source_forget(struct sim_member *member);
/* Commits that are due arrive; with `all`, those that nobody waits for, too. */
void sim_source_pass(struct sim *sim, bool all);
/* The rejects that the process calls lost so far. */
uint64_t sim_lost(const struct sim_member *member);
void sim_output_init(struct sim_member *member);
void sim_output_crash(struct sim_member *member);
void sim_output_pass(struct sim *sim);
void sim_output_clear(struct sim *sim);

/* sim_reject.c: which frame it is, which it has to be. */
void sim_reject_judge(struct sim *sim, const struct emit_record *record, int32_t *partition,
                      int64_t *position);

/* sim_truth.c: called when it happens. */
void sim_truth_init(struct sim *sim);
void sim_delivered(struct sim *sim, const struct sim_flight *flight);
void sim_committed(struct sim *sim, int32_t partition, int64_t position, const char *metadata);
/* The first of these positions that is neither in the topic nor settled; or -1. */
int64_t sim_untold(struct sim *sim, int32_t partition, int64_t from, int64_t to);
void sim_truth_judge(struct sim *sim);

/* sim_cover.c */
void sim_cover_told(struct sim *sim, const struct sim_told *told);
/* Its watermarks, when it is known where the clocks stood. */
void sim_cover_marks(struct sim *sim, const struct sim_told *told);
void sim_cover_judge(struct sim *sim);

/* sim_watermark.c: before and after a turn. */
void sim_turn_begin(struct sim_member *member);
void sim_turn_end(struct sim_member *member, bool goes_on);
/* It ended in the middle of one. */
void sim_turn_crash(struct sim_member *member);
/* It left, and calls all that it read committed. */
void sim_turn_left(struct sim_member *member);

/* sim_labels.c: a process starts; a turn begins; a record is produced, a frame
 * folded in it; the turn ends, before which the watermark stood at `before_s`. */
void sim_labels_start(struct sim_member *member);
void sim_labels_begin(struct sim_member *member);
void sim_labels_note(struct sim_member *member, const char *value);
void sim_labels_folded(struct sim_member *member, int minute);
void sim_labels_end(struct sim_member *member, int64_t before_s);
/* After a while of calm weather. */
void sim_labels_judge(struct sim_member *member);

/* sim_trace.c */
/* `program` is run anew to tell a history. */
void sim_trace_setup(struct sim *sim, char *program, bool tracing, bool all);
__attribute__((format(printf, 3, 4))) void sim_trace(struct sim *sim, int member,
                                                     const char *format, ...);
__attribute__((noreturn, format(printf, 2, 3))) void sim_violation(struct sim *sim,
                                                                   const char *format, ...);

/* What a pipeline logs. */
struct log_field;
void sim_trace_log(const char *event, const struct log_field *fields);

#define SIM_NOTE(sim, member, ...) \
    do { \
        if ((sim)->tracing) \
            sim_trace((sim), (member), __VA_ARGS__); \
    } while (0)
#define SIM_CHECK(sim, condition, ...) \
    do { \
        if (!(condition)) \
            sim_violation((sim), __VA_ARGS__); \
    } while (0)

#endif

/* What the files of the Kafka source share.
 *
 *   source_kafka.c            configuration, the steps, closing
 *   source_kafka_rebalance.c  assignments: taken, given up, where they start
 *   source_kafka_flow.c       batches into steps: gaps, ends, hold and seek
 *   source_kafka_commit.c     one commit at a time, with a deadline
 *   source_kafka_watch.c      the thread that asks brokers for the ends
 *   source_kafka_stall.c      says when nothing comes though it should
 *
 * Everything but the watch belongs to the pipeline's thread: librdkafka calls
 * the rebalance and commit callbacks from within our own reads of its queues. */
#ifndef SOURCE_KAFKA_H
#define SOURCE_KAFKA_H

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client.h"
#include "limits.h"
#include "source.h"

#define KAFKA_DROPPED_BATCH 64
#define KAFKA_METADATA_MAX 4096

/* How the present assignment ends. */
enum kafka_ending { KAFKA_GOES_ON, KAFKA_REVOKED, KAFKA_LOST };

/* One assigned partition. */
struct kafka_slot {
    int32_t partition;
    int64_t next;      /* the offset that comes next; nothing below it is handed over again */
    int64_t eof;       /* the end of the partition, while we stand there; else -1 */
    int64_t end;       /* exit_at_end: where reading stops; -1 when not known */
    int64_t committed; /* the highest position that a commit was asked for */
    bool kept;         /* the group has a committed position of it */
    int64_t stall_ms;  /* since when nothing came though there is more; 0: not so */
    int64_t stall_next;
    int64_t damaged_ms; /* when a damaged batch came; 0: never */
    bool seek;         /* what the client reads is not at `next`: drop it and seek */
    bool done;         /* exit_at_end: `end` was reached and told */
};

/* What is remembered of a partition from one assignment to the next. */
struct kafka_known {
    int64_t start;    /* where this process first began with it; -1 */
    int64_t end;      /* exit_at_end: taken once; -1 when not yet */
    bool anew;        /* the topic was made again: nothing of it is old */
    bool remade;      /* its offsets went back: what is committed belongs to a former topic */
    int64_t doubtful; /* a commit of this position may have hit the new topic; or -1 */
};

struct kafka_commit {
    bool busy, done;
    rd_kafka_topic_partition_list_t *waiting; /* until it is known that the topic is the old one */
    uint64_t number; /* of the commit under way; answers to others are late */
    int64_t deadline_ms;
    char error[KAFKA_TEXT_MAX]; /* "" when it was done */
};

/* The watch: what the brokers say about the ends. Everything under `lock`. */
struct kafka_watch {
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;
    uint64_t generation;  /* of the assignment; answers for others are dropped */
    int32_t *partitions;  /* [count] */
    int64_t *highs;       /* [count], -1 when unknown */
    int64_t *asked_ms;    /* [count], when `highs` was asked for */
    size_t count, cursor;
    int64_t hot_until_ms; /* until then the broker threads are kept awake */
    rd_kafka_topic_partition_list_t *asked; /* whose committed positions are wanted, or NULL */
    bool replied;         /* the answer is there, or `code` says why not */
    bool vanished;        /* one of them has no committed position any more */
    rd_kafka_resp_err_t code;
};

struct source_kafka {
    struct source source; /* first */
    struct kafka_notes notes;
    rd_kafka_t *client;
    rd_kafka_queue_t *queue;   /* the consumer's: messages, rebalances, errors */
    rd_kafka_queue_t *replies; /* of commits */
    int wake;                  /* eventfd: either queue has something */

    char *topic;
    bool start_committed, exit_at_end;
    struct source_kafka_together *together; /* or NULL */
    bool through;        /* counted there as such, as a reader if `read` */
    bool read;
    struct source_kafka_positions positions; /* next NULL: the group's */
    enum source_start start;
    int64_t start_time_ms;

    /* The assignment that the pipeline has, or is about to be told of. */
    bool live, told;
    struct source_assignment assignment;
    struct source_partition *partitions;
    struct kafka_slot *slots;
    size_t count;
    int32_t *slot_of; /* [known_count]: partition -> slot, or -1 */
    char cluster[128];
    struct kafka_known *known; /* [known_count] */
    size_t known_count;
    int32_t first_total; /* partitions of the topic at the first assignment; 0: none yet */

    /* How it ends. */
    enum kafka_ending ending;
    bool ending_told;
    bool revoke_owed;    /* the group waits for our answer */
    bool suspect;        /* `suspect_slot`'s topic seems to have been made again */
    uint32_t suspect_slot;
    bool remade;         /* told; nothing of this assignment is committed any more */
    size_t unreached;    /* exit_at_end: slots below this index were looked at already */
    int64_t group_check_ms;

    /* An assignment that is not taken yet. */
    rd_kafka_topic_partition_list_t *waiting;
    int64_t waiting_retry_ms;
    int64_t settled_ms; /* before that committed offsets are not believed */
    int64_t join_again_ms; /* when to join again for want of partitions of a remade topic, or 0 */
    unsigned joins_again;

    int64_t away_ms;      /* since when there is no assignment; 0: there is one */
    bool unknown;         /* the brokers did not know the topic, since it was last assigned */
    int64_t unknown_ms;   /* since when no end is known; 0: some are */
    int64_t stall_look_ms;

    bool held, finishing, finished, leaving;
    size_t seeks; /* slots with `seek` */
    int64_t seek_retry_ms;
    char failed[KAFKA_TEXT_MAX]; /* "" while it can go on */

    struct kafka_commit commit;
    struct kafka_watch watch;
    int64_t hot_marked_ms;

    rd_kafka_message_t *batch[LIMIT_BATCH_MESSAGES];
    size_t batch_count, batch_next;
    size_t batch_bytes; /* of its messages that were handed over */
    struct message messages[LIMIT_BATCH_MESSAGES];
};

/* rebalance */
void kafka_on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code,
                        rd_kafka_topic_partition_list_t *partitions, void *opaque);
/* Takes the assignment that waits, if its time has come. */
void kafka_assignment_retry(struct source_kafka *k, int64_t now_ms);
void kafka_assignment_release(struct source_kafka *k);
void kafka_assignment_free(struct source_kafka *k);
bool kafka_subscribe(struct source_kafka *k, char *error, size_t error_size);

/* where an assignment starts */
/* Fills *k with the assignment of `partitions`: committed positions, starts,
 * ends; writes the starts into `partitions`. False when brokers could not be
 * asked; then nothing is changed. */
bool kafka_assignment_build(struct source_kafka *k, rd_kafka_topic_partition_list_t *partitions);
/* exit_at_end without partitions: whether the group has committed every end. */
bool kafka_group_is_done(struct source_kafka *k);
/* Asks the brokers: each partition's offset field is a time in ms, or
 * RD_KAFKA_OFFSET_BEGINNING or _END, and becomes an offset. Bounded. */
bool kafka_offsets_query(struct source_kafka *k, rd_kafka_topic_partition_list_t *partitions,
                         int timeout_ms);

/* flow */
/* Reads what the queues have; callbacks run here. */
void kafka_gather(struct source_kafka *k);
/* Serves a queue without keeping a message: callbacks and errors only. */
void kafka_serve_and_drop(struct source_kafka *k, rd_kafka_queue_t *queue, int timeout_ms);
/* The next run of messages, or fact about a partition, of the batch in hand. */
bool kafka_batch_step(struct source_kafka *k, struct source_step *step);
/* exit_at_end: a slot that stands at its end without having been read. */
bool kafka_unread_end_step(struct source_kafka *k, struct source_step *step);
void kafka_batch_free(struct source_kafka *k);
void kafka_hold(struct source_kafka *k, bool held);
/* Stops the flow of the present assignment, as kafka_hold does. */
void kafka_pause(struct source_kafka *k);

/* stall */
/* Notices what librdkafka tries over and over without a word, and says so. */
void kafka_look_for_stalls(struct source_kafka *k, int64_t now_ms);
/* Counts and logs an error of ours; `text` NULL: the code's own. */
void kafka_source_error(struct source_kafka *k, const char *event, const char *request,
                        rd_kafka_resp_err_t code, const char *text);

/* commit */
/* Forgets the one that is not sent yet: its assignment is over. */
void kafka_commit_drop(struct source_kafka *k);
bool kafka_commit_start(struct source_kafka *k, const struct source_position *positions,
                        size_t count, const char *metadata);
/* Serves the answers and the deadline; true when the commit under way ended. */
bool kafka_commit_ended(struct source_kafka *k, struct source_step *step);

/* watch */
bool kafka_watch_start(struct source_kafka *k);
void kafka_watch_stop(struct source_kafka *k);
/* Watches the present assignment, or nothing. */
void kafka_watch_assignment(struct source_kafka *k);
/* Batches come back full: keep the broker threads awake. */
void kafka_watch_hot(struct source_kafka *k);
/* Asks for the committed positions of `partitions`; takes them. */
void kafka_watch_committed_ask(struct source_kafka *k,
                               rd_kafka_topic_partition_list_t *partitions);
/* The answer, once it is there: true with *code and whether one of them `vanished`. */
bool kafka_watch_committed(struct source_kafka *k, rd_kafka_resp_err_t *code, bool *vanished);
/* The end that was last answered for a slot, or -1; when it was asked for. */
int64_t kafka_watch_high(struct source_kafka *k, uint32_t slot, int64_t *asked_ms);

#endif

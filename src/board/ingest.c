/* A run of messages that the store could not take to its end is kept where it is:
 * the source is held, so the run stays valid, and `at` says where to go on.
 *
 * Positions go with the records they stand behind. A file has none: read again
 * from its beginning it changes nothing.
 *
 * Who names the wrong topic, that of the frames, reads millions of lines of which none
 * is a record. So nothing is noted of a topic, and no end is reached, before the
 * first record. */
#include "ingest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limits.h"
#include "log.h"
#include "record.h"

#define RETRY_MS 1000
/* Refusals that are logged; the others are counted. */
#define REFUSALS_LOGGED 3
/* Lines without a record among them that are enough to give up. */
#define STRANGERS_MAX 1000
#define NEVER INT64_MAX

struct ingest {
    struct ingest_options options;
    struct record_reader *reader;
    const struct source_assignment *assignment; /* borrowed from the source, or NULL */
    int64_t next[LIMIT_PARTITIONS]; /* of each of its partitions */
    struct source_step step; /* MESSAGES under way */
    size_t at;               /* the next of them */
    int64_t flush_at_ms;     /* NEVER: nothing is to be written */
    int64_t retry_at_ms;     /* NEVER: the store can be written */
    bool held;               /* the source, until the store takes what waits for it */
    bool release;            /* REVOKED: to be answered after a flush */
    bool finished;
    bool untidy;             /* the store may have work left from what was written */
    bool untidy_told;        /* why it can't do it */
    bool proven;             /* there are records in what is read */
    uint64_t strangers;      /* lines before that */
    char stranger[256];      /* what was wrong with the first */
    struct ingest_counts counts;
    char error[1200];
};

struct ingest *ingest_create(const struct ingest_options *options)
{
    struct ingest *ingest = calloc(1, sizeof *ingest);

    if (!ingest)
        return NULL;
    ingest->options = *options;
    ingest->flush_at_ms = ingest->retry_at_ms = NEVER;
    ingest->reader = record_reader_create();
    if (!ingest->reader)
        ingest_destroy(&ingest);
    return ingest;
}

void ingest_destroy(struct ingest **ingest)
{
    if (!*ingest)
        return;
    record_reader_destroy(&(*ingest)->reader);
    free(*ingest);
    *ingest = NULL;
}

const struct ingest_counts *ingest_counts(const struct ingest *ingest)
{
    return &ingest->counts;
}

const struct source_assignment *ingest_assignment(const struct ingest *ingest)
{
    return ingest->assignment;
}

const char *ingest_error(const struct ingest *ingest)
{
    return ingest->error;
}

int64_t ingest_position(const struct ingest *ingest, uint32_t slot)
{
    return ingest->next[slot];
}

static void tell_taken(const struct ingest *ingest, const struct record *record)
{
    const struct ingest_follower *follower = ingest->options.followers;

    for (; follower && follower->taken; follower++)
        follower->taken(follower->context, record);
}

static void tell_written(const struct ingest *ingest)
{
    const struct ingest_follower *follower = ingest->options.followers;

    for (; follower && follower->taken; follower++)
        follower->written(follower->context);
}

/* The store fails: hold the source until it no longer does. */
static void hold(struct ingest *ingest, int64_t now_ms)
{
    ingest->counts.failures++;
    if (!ingest->held) {
        log_event(LOG_ERROR, "store_down", LOG_S("why", store_error(ingest->options.store)));
        source_hold(ingest->options.source, true);
    }
    ingest->held = true;
    ingest->retry_at_ms = now_ms + RETRY_MS;
}

/* It wrote, and took what waited: a store may do the one and not the other, where a sketch
 * in it is damaged. */
static void go_on(struct ingest *ingest)
{
    if (!ingest->held || ingest->retry_at_ms != NEVER || ingest->at < ingest->step.count)
        return;
    log_event(LOG_WARN, "store_up", LOG_I("failures", (int64_t)ingest->counts.failures));
    source_hold(ingest->options.source, false);
    ingest->held = false;
}

static bool flush(struct ingest *ingest, int64_t now_ms)
{
    if (!store_flush(ingest->options.store)) {
        hold(ingest, now_ms);
        return false;
    }
    ingest->counts.flushes++;
    ingest->flush_at_ms = NEVER;
    ingest->retry_at_ms = NEVER;
    ingest->untidy = true;
    go_on(ingest);
    tell_written(ingest);
    return true;
}

/* Some of the store's own work. What hinders it is told once: if it hinders writing too,
 * that is told by hold. */
static void tidy(struct ingest *ingest)
{
    int more = ingest->untidy ? store_tidy(ingest->options.store) : 0;

    ingest->untidy = more == 1;
    if (more >= 0 || ingest->untidy_told)
        return;
    ingest->untidy_told = true;
    log_event(LOG_ERROR, "store_untidy", LOG_S("why", store_error(ingest->options.store)));
}

static void refuse(struct ingest *ingest, const struct message *message, const char *why)
{
    ingest->counts.refused++;
    if (ingest->counts.refused > REFUSALS_LOGGED)
        return;
    log_event(LOG_WARN, "record_refused", LOG_S("topic", ingest->assignment->topic),
              LOG_I("partition", ingest->assignment->partitions[message->slot].partition),
              LOG_I("position", message->position), LOG_S("why", why));
    if (ingest->counts.refused == REFUSALS_LOGGED)
        log_event(LOG_WARN, "refusals_only_counted");
}

static bool is_blank(const struct message *message)
{
    for (size_t i = 0; i < message->size; i++) {
        char c = message->bytes ? message->bytes[i] : 'x';

        if (c != ' ' && c != '\t' && c != '\r')
            return false;
    }
    return true;
}

/* False: the store could not take it. */
static bool take(struct ingest *ingest, const struct message *message)
{
    struct record record;
    const char *why = "its bytes were not kept: it is too large, or has no value";

    if (is_blank(message))
        return true;
    if (!message->bytes || record_read(ingest->reader, message->bytes, message->size, &record,
                                       &why) == RECORD_NONE) {
        if (ingest->strangers++ == 0)
            snprintf(ingest->stranger, sizeof ingest->stranger, "%s", why);
        refuse(ingest, message, why);
        return true;
    }
    ingest->proven = true;
    switch (store_add(ingest->options.store, &record)) {
    case STORE_FAILED:
        return false;
    case STORE_REFUSED:
        refuse(ingest, message, store_error(ingest->options.store));
        return true;
    case STORE_TAKEN:
        ingest->counts.records++;
        tell_taken(ingest, &record);
    }
    return true;
}

/* How far the run's partitions were read: the last message of each says it, and
 * runs are long and of few. False: no memory. */
static bool note_positions(struct ingest *ingest, size_t from, size_t to)
{
    const struct source_assignment *assignment = ingest->assignment;
    bool is_file = strcmp(assignment->cluster, "file") == 0;

    for (size_t i = from; i < to; i++) {
        const struct message *message = &ingest->step.messages[i];
        const struct store_position position = {
            assignment->cluster, assignment->topic,
            assignment->partitions[message->slot].partition, message->next};

        if (i + 1 < to && message[1].slot == message->slot)
            continue;
        ingest->next[message->slot] = message->next;
        if (is_file || !ingest->proven)
            continue;
        if (store_read_up_to(ingest->options.store, &position) != HC_OK)
            return false;
    }
    return true;
}

/* Goes on with the run of messages. */
static void take_run(struct ingest *ingest, int64_t now_ms)
{
    size_t from = ingest->at;
    bool taken = true;

    while (taken && ingest->at < ingest->step.count) {
        taken = take(ingest, &ingest->step.messages[ingest->at]);
        ingest->at += taken;
    }
    if (!note_positions(ingest, from, ingest->at))
        taken = false;
    if (ingest->flush_at_ms == NEVER)
        ingest->flush_at_ms = now_ms + ingest->options.flush_ms;
    if (!taken)
        hold(ingest, now_ms);
    else
        go_on(ingest);
}

/* The topic lets records go. Which minutes lack them, their checkpoints say. */
static void miss(struct ingest *ingest, const struct source_step *step)
{
    ingest->counts.missing += (uint64_t)(step->to - step->from);
    log_event(LOG_WARN, "records_missing", LOG_S("topic", ingest->assignment->topic),
              LOG_I("partition", ingest->assignment->partitions[step->slot].partition),
              LOG_I("from", step->from), LOG_I("to", step->to));
}

static void start(struct ingest *ingest, uint32_t slot, const struct source_partition *partition)
{
    ingest->next[slot] = partition->start;
    if (partition->resumed)
        ingest->proven = true;
}

static enum ingest_state take_step(struct ingest *ingest, const struct source_step *step,
                                   int64_t now_ms)
{
    switch (step->kind) {
    case SOURCE_MESSAGES:
        ingest->step = *step;
        ingest->at = 0;
        take_run(ingest, now_ms);
        break;
    case SOURCE_ASSIGNED:
        ingest->assignment = step->assignment;
        for (size_t i = 0; i < step->assignment->count; i++)
            start(ingest, (uint32_t)i, &step->assignment->partitions[i]);
        break;
    case SOURCE_REVOKED:
    case SOURCE_LOST:
        ingest->release = true;
        break;
    case SOURCE_MISSING:
        miss(ingest, step);
        break;
    case SOURCE_FINISHED:
        ingest->finished = true;
        break;
    case SOURCE_FAILED:
        snprintf(ingest->error, sizeof ingest->error, "%s", step->error);
        return INGEST_FAILED;
    default:
        break;
    }
    return INGEST_GOING;
}

/* There are lines, and no record among them. */
static bool is_disproved(struct ingest *ingest)
{
    if (ingest->proven || ingest->strangers == 0 ||
        (ingest->strangers < STRANGERS_MAX && !ingest->finished))
        return false;
    snprintf(ingest->error, sizeof ingest->error,
             "none of the first %" PRIu64 " lines is a record (%s): name the topic that headcountd "
             "-o writes, or files of what it wrote to stdout", ingest->strangers,
             ingest->stranger);
    return true;
}

/* What waited for the store, when it is time to try; whether it still waits. */
static bool is_waiting(struct ingest *ingest, int64_t now_ms)
{
    if (ingest->retry_at_ms != NEVER) {
        if (now_ms < ingest->retry_at_ms || !flush(ingest, now_ms))
            return true;
    }
    if (ingest->at < ingest->step.count)
        take_run(ingest, now_ms);
    if (now_ms >= ingest->flush_at_ms) {
        if (flush(ingest, now_ms))
            tidy(ingest);
    } else if (ingest->finished || (ingest->release && ingest->at == ingest->step.count)) {
        flush(ingest, now_ms);
    }
    return ingest->retry_at_ms != NEVER;
}

enum ingest_state ingest_turn(struct ingest *ingest, int timeout_ms, int64_t now_ms)
{
    struct source_step step;
    enum ingest_state state;

    if (is_disproved(ingest))
        return INGEST_FAILED;
    bool waiting = is_waiting(ingest, now_ms);

    if (store_is_spoiled(ingest->options.store)) {
        snprintf(ingest->error, sizeof ingest->error, "%s", store_error(ingest->options.store));
        return INGEST_FAILED;
    }
    if (waiting) {
        source_poll(ingest->options.source, timeout_ms, &step);
        state = take_step(ingest, &step, now_ms);
        return state == INGEST_GOING ? INGEST_HELD : state;
    }
    if (ingest->release) {
        ingest->release = false;
        ingest->assignment = NULL;
        ingest->step.count = ingest->at = 0;
        source_release(ingest->options.source);
    }
    if (ingest->finished) {
        tidy(ingest);
        return ingest->untidy ? INGEST_GOING : INGEST_END;
    }
    if (ingest->flush_at_ms - now_ms < timeout_ms)
        timeout_ms = (int)(ingest->flush_at_ms - now_ms);
    source_poll(ingest->options.source, ingest->untidy ? 0 : timeout_ms, &step);
    if (step.kind == SOURCE_NOTHING)
        tidy(ingest);
    state = take_step(ingest, &step, now_ms);
    return state == INGEST_GOING && ingest->retry_at_ms != NEVER ? INGEST_HELD : state;
}

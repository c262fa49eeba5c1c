/* Drives a Kafka source as a pipeline would, and says what it sees.
 *
 *   source_kafka_driver BROKERS TOPIC GROUP [OPTION]... [-X K=V]...
 *
 *   --earliest            take no committed positions
 *   --latest, --time MS   start there where nothing is committed
 *   --exit-at-end
 *   --commit-every MS     0: never (default 100)
 *   --slow US             for every message
 *   --hold MS             hold for that long after every 100 messages
 *   --values              print every value
 *
 * One line a fact on stdout. Messages are told as runs: partition, first
 * position, next position, number. On SIGTERM, or "close" on stdin, it leaves in
 * order; other commands: hold, release, lag, quit (without closing). */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "number.h"
#include "properties.h"
#include "source.h"

#define PAIRS_MAX 32
#define LEAVE_MS 10000
#define LIMIT_DRIVER_SLOTS 64

static volatile sig_atomic_t stopped;

struct driver {
    struct source_kafka_options options;
    const char *pairs[PAIRS_MAX];
    size_t pairs_count;
    int64_t commit_every_ms, slow_us, hold_ms;
    bool values;

    struct source *source;
    const struct source_assignment *assignment;
    int64_t *positions; /* next of every slot, or -1 */
    int64_t commit_due_ms, hold_until_ms, since_hold;
    bool committing, closing, remade;
    char command[256];
    size_t command_size;
};

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

static int64_t number(const char *text)
{
    int64_t value = 0;

    if (!number_int64(text, 0, INT64_MAX / 2, &value))
        (void)fprintf(stderr, "not a number: %s\n", text);
    return value;
}

static bool words_read(struct driver *d, int argc, char **argv)
{
    d->commit_every_ms = 100;
    d->options.start_committed = true;
    for (int i = 4; i < argc; i++) {
        const char *word = argv[i], *next = i + 1 < argc ? argv[i + 1] : "";

        if (strcmp(word, "--earliest") == 0)
            d->options.start_committed = false;
        else if (strcmp(word, "--latest") == 0)
            d->options.start = SOURCE_START_LATEST;
        else if (strcmp(word, "--exit-at-end") == 0)
            d->options.exit_at_end = true;
        else if (strcmp(word, "--values") == 0)
            d->values = true;
        else if (strcmp(word, "--time") == 0)
            d->options.start = SOURCE_START_TIME, d->options.start_time_ms = number(next), i++;
        else if (strcmp(word, "--commit-every") == 0)
            d->commit_every_ms = number(next), i++;
        else if (strcmp(word, "--slow") == 0)
            d->slow_us = number(next), i++;
        else if (strcmp(word, "--hold") == 0)
            d->hold_ms = number(next), i++;
        else if (strcmp(word, "-X") == 0 && d->pairs_count < PAIRS_MAX)
            d->pairs[d->pairs_count++] = next, i++;
        else
            return false;
    }
    return true;
}

static int32_t partition(const struct driver *d, uint32_t slot)
{
    return d->assignment->partitions[slot].partition;
}

static void take_assignment(struct driver *d, const struct source_assignment *assignment)
{
    d->assignment = assignment;
    d->remade = false;
    d->positions = calloc(assignment->count + 1, sizeof(*d->positions));
    printf("ASSIGNED count=%zu total=%" PRId32 " cluster=%s topic=%s\n", assignment->count,
           assignment->partitions_total, assignment->cluster, assignment->topic);
    for (size_t i = 0; i < assignment->count; i++) {
        const struct source_partition *p = &assignment->partitions[i];

        d->positions[i] = p->start;
        printf("START %" PRId32 " %" PRId64 " resumed=%d metadata=%s\n", p->partition, p->start,
               p->resumed, p->metadata ? p->metadata : "-");
    }
}

static bool commit(struct driver *d)
{
    struct source_position positions[LIMIT_DRIVER_SLOTS];
    char metadata[64];
    size_t count = 0;

    if (!d->assignment || d->committing || d->remade)
        return false;
    for (size_t i = 0; i < d->assignment->count && i < LIMIT_DRIVER_SLOTS; i++)
        positions[count++] =
            (struct source_position){.slot = (uint32_t)i, .position = d->positions[i]};
    (void)snprintf(metadata, sizeof(metadata), "pid=%ld", (long)getpid());
    d->committing = count > 0 && source_commit(d->source, positions, count, metadata);
    for (size_t i = 0; d->committing && i < count; i++)
        printf("COMMIT %" PRId32 " %" PRId64 "\n", partition(d, positions[i].slot),
               positions[i].position);
    return d->committing;
}

static void pause_us(int64_t us)
{
    struct timespec time = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};

    (void)nanosleep(&time, NULL);
}

/* Runs of messages without a gap. */
static void take_messages(struct driver *d, const struct message *messages, size_t count)
{
    size_t start = 0;

    for (size_t i = 0; i < count; i++) {
        const struct message *m = &messages[i];

        if (d->values)
            printf("VALUE %" PRId32 " %" PRId64 " %" PRId64 " %.*s %.*s\n", partition(d, m->slot),
                   m->position, m->timestamp_ms, (int)m->key_size, m->key ? m->key : "",
                   (int)m->size, m->bytes ? m->bytes : "");
        d->positions[m->slot] = m->next;
        if (i + 1 == count || m[1].slot != m->slot || m[1].position != m->next) {
            printf("RUN %" PRId32 " %" PRId64 " %" PRId64 " %zu\n", partition(d, m->slot),
                   messages[start].position, m->next, i + 1 - start);
            start = i + 1;
        }
    }
    d->since_hold += (int64_t)count;
    if (d->slow_us > 0)
        pause_us(d->slow_us * (int64_t)count);
}

/* Waits for the commit under way; true when it came to an end. */
static bool await_commit(struct driver *d)
{
    int64_t deadline_ms = clock_monotonic_ms() + LEAVE_MS;
    struct source_step step = {0};

    while (step.kind != SOURCE_COMMITTED) {
        if (clock_monotonic_ms() > deadline_ms || step.kind == SOURCE_FAILED)
            return false;
        source_poll(d->source, 50, &step);
    }
    printf("COMMITTED %s\n", step.error ? step.error : "ok");
    d->committing = false;
    return true;
}

/* REVOKED: commits what was read, then lets go. */
static void give_up(struct driver *d, bool lost)
{
    if (!lost && d->commit_every_ms > 0 && (!d->committing || await_commit(d)) && commit(d))
        (void)await_commit(d);
    source_release(d->source);
    printf("RELEASED\n");
    free(d->positions);
    d->positions = NULL;
    d->assignment = NULL;
}

/* False when it is over. */
static bool take_step(struct driver *d, const struct source_step *step)
{
    switch (step->kind) {
    case SOURCE_NOTHING:
        break;
    case SOURCE_MESSAGES:
        take_messages(d, step->messages, step->count);
        break;
    case SOURCE_ASSIGNED:
        take_assignment(d, step->assignment);
        break;
    case SOURCE_REVOKED:
    case SOURCE_LOST:
        printf("%s\n", step->kind == SOURCE_LOST ? "LOST" : "REVOKED");
        give_up(d, step->kind == SOURCE_LOST);
        break;
    case SOURCE_AT_END:
        printf("AT_END %" PRId32 " %" PRId64 "\n", partition(d, step->slot), step->position);
        d->positions[step->slot] = step->position;
        break;
    case SOURCE_MISSING:
        printf("MISSING %" PRId32 " %" PRId64 " %" PRId64 "\n", partition(d, step->slot),
               step->from, step->to);
        d->positions[step->slot] = step->to;
        break;
    case SOURCE_REMADE:
        printf("REMADE %" PRId32 "\n", partition(d, step->slot));
        d->remade = true;
        break;
    case SOURCE_COMMITTED:
        printf("COMMITTED %s\n", step->error ? step->error : "ok");
        d->committing = false;
        break;
    case SOURCE_FINISHED:
        printf("FINISHED\n");
        return false;
    case SOURCE_FAILED:
        printf("FAILED %s\n", step->error);
        return false;
    }
    return true;
}

static void tell_ends(struct driver *d)
{
    for (uint32_t i = 0; d->assignment && i < d->assignment->count; i++) {
        int64_t confirmed_ms = source_end_confirmed_ms(d->source, i);

        printf("LAG %" PRId32 " %" PRId64 " %" PRId64 "\n", partition(d, i),
               source_lag(d->source, i),
               confirmed_ms < 0 ? -1 : clock_monotonic_ms() - confirmed_ms);
    }
    printf("LAGS\n");
}

/* False for "quit". */
static bool obey(struct driver *d, const char *command)
{
    if (strcmp(command, "hold") == 0)
        source_hold(d->source, true);
    else if (strcmp(command, "release") == 0)
        source_hold(d->source, false);
    else if (strcmp(command, "lag") == 0)
        tell_ends(d);
    else if (strcmp(command, "close") == 0)
        stopped = 1;
    else
        return false;
    printf("OBEYED %s\n", command);
    return true;
}

/* Reads what is on stdin; false for "quit". */
static bool commands(struct driver *d)
{
    ssize_t got = read(0, d->command + d->command_size, sizeof(d->command) - d->command_size - 1);
    char *end;

    if (got > 0)
        d->command_size += (size_t)got;
    d->command[d->command_size] = '\0';
    while ((end = strchr(d->command, '\n'))) {
        *end = '\0';
        if (!obey(d, d->command))
            return false;
        d->command_size -= (size_t)(end + 1 - d->command);
        memmove(d->command, end + 1, d->command_size + 1);
    }
    return true;
}

static void turn(struct driver *d)
{
    int64_t now = clock_monotonic_ms();

    if (stopped && !d->closing) {
        source_close(d->source);
        d->closing = true;
    }
    if (d->commit_every_ms > 0 && now >= d->commit_due_ms && commit(d))
        d->commit_due_ms = now + d->commit_every_ms;
    if (d->hold_ms > 0 && d->hold_until_ms > 0 && now >= d->hold_until_ms) {
        source_hold(d->source, false);
        d->hold_until_ms = d->since_hold = 0;
    } else if (d->hold_ms > 0 && d->hold_until_ms == 0 && d->since_hold >= 100) {
        source_hold(d->source, true);
        d->hold_until_ms = now + d->hold_ms;
    }
}

static int drive(struct driver *d)
{
    struct source_step step;

    do {
        if (!commands(d))
            return 0;
        turn(d);
        source_poll(d->source, 50, &step);
    } while (take_step(d, &step));
    return step.kind == SOURCE_FAILED;
}

int main(int argc, char **argv)
{
    struct driver *d = calloc(1, sizeof(*d));
    struct kafka_properties *properties;
    struct sigaction action = {.sa_handler = on_signal};
    char error[512];
    int code = 1;

    if (!d || argc < 4 || !words_read(d, argc, argv))
        return 2;
    (void)sigaction(SIGTERM, &action, NULL);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    (void)fcntl(0, F_SETFL, O_NONBLOCK);
    properties = kafka_properties_create(argv[1], d->pairs, d->pairs_count, error, sizeof(error));
    if (properties) {
        d->options.properties = properties;
        d->options.topic = argv[2];
        d->options.group = argv[3];
        d->source = source_kafka_create(&d->options, error, sizeof(error));
    }
    if (d->source)
        code = drive(d);
    else
        printf("ERROR %s\n", error);
    kafka_properties_destroy(&properties);
    source_destroy(&d->source);
    printf("DESTROYED\n");
    free(d->positions);
    free(d);
    return code;
}

/* A round: what is due is listed, put together, produced, and waited for. When all of it
 * was acknowledged it is handed to the store's thread, and the next round begins no
 * sooner than that is done. If anything failed nothing is struck off.
 *
 * What was delivered before it was final (a running hour, a day with a hole) is kept
 * by the store, since its state may change without users. Of these a few are looked at
 * in each round, and sent when they read differently: that is what the digest is for.
 *
 * A day comes with its week, month and year. Days of one round mostly share these, so
 * the last of each is remembered. */
#include "totals.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api_rows.h"
#include "clock.h"
#include "limits.h"
#include "log.h"
#include "rollup.h"

#define ROUND_MS 5000
/* Of one round: changed ones, and kept ones that are looked at again. */
#define ROUND_DUES 256
#define ROUND_KEPT 64
#define POLL_MS 50
#define ACKS 64
#define GRAINS 5

struct total_due {
    struct store_due due; /* `stream` is ours */
    bool final;
    bool settled;
};

/* The last bucket of a grain in this round. */
struct total_bucket {
    struct calendar *calendar;
    const char *stream;  /* of a due; NULL: none yet */
    struct calendar_bucket times;
    uint64_t digest;
    bool complete;
    bool dry;            /* it was not produced */
};

struct totals {
    struct totals_options options;
    struct store_reader *reader;
    struct emit *emit;
    pthread_t thread;
    atomic_int stop;
    pthread_mutex_t lock;          /* what follows */
    pthread_cond_t wake;
    struct total_due settled[ROUND_DUES + ROUND_KEPT];
    size_t settled_count;
    struct totals_counts counts;   /* and what follows is the thread's */
    struct total_due dues[ROUND_DUES + ROUND_KEPT];
    size_t dues_count, changed, kept, kept_from, kept_seen;
    struct total_bucket buckets[GRAINS];
    struct text json, row, key;
    size_t waiting;
    bool failed, no_memory;
};

static const enum calendar_grain grains[GRAINS] = {
    CALENDAR_HOUR, CALENDAR_DAY, CALENDAR_WEEK, CALENDAR_MONTH, CALENDAR_YEAR};

static void free_dues(struct total_due *dues, size_t *count)
{
    for (size_t i = 0; i < *count; i++)
        free((char *)dues[i].due.stream);
    *count = 0;
}

static void collect(void *context, const struct store_due *due)
{
    struct totals *totals = context;
    struct total_due *copy = &totals->dues[totals->dues_count];

    if (due->version == 0) {
        size_t number = totals->kept_seen++;

        if (number < totals->kept_from || totals->kept == ROUND_KEPT)
            return;
        totals->kept++;
    } else if (totals->changed++ >= ROUND_DUES) {
        return;
    }
    *copy = (struct total_due){.due = *due};
    copy->due.stream = strdup(due->stream);
    if (copy->due.stream)
        totals->dues_count++;
    else
        totals->no_memory = true;
}

/* What is due, as much as one round takes. */
static bool list_dues(struct totals *totals)
{
    free_dues(totals->dues, &totals->dues_count);
    totals->changed = totals->kept = totals->kept_seen = 0;
    if (!store_dues(totals->reader, collect, totals))
        return false;
    totals->kept_from += totals->kept;
    if (totals->kept_from >= totals->kept_seen)
        totals->kept_from = 0;
    return true;
}

static void take_acks(struct totals *totals, int timeout_ms)
{
    struct emit_ack acks[ACKS];
    size_t count = emit_poll(totals->emit, timeout_ms, acks, ACKS);

    for (size_t i = 0; i < count; i++) {
        totals->waiting--;
        totals->failed = totals->failed || acks[i].error;
        pthread_mutex_lock(&totals->lock);
        totals->counts.failed += acks[i].error != NULL;
        totals->counts.sent += acks[i].error == NULL;
        pthread_mutex_unlock(&totals->lock);
    }
}

static bool produce(struct totals *totals)
{
    const struct emit_record record = {.key = totals->key.bytes, .key_size = totals->key.size,
                                       .value = totals->json.bytes,
                                       .value_size = totals->json.size};

    while (!totals->json.failed && !totals->key.failed && !atomic_load(&totals->stop)) {
        switch (emit_produce(totals->emit, &record)) {
        case EMIT_OK:
            totals->waiting++;
            return true;
        case EMIT_TOO_LARGE:
            return false;
        case EMIT_FULL:
            take_acks(totals, POLL_MS);
        }
    }
    return false;
}

static uint64_t digest_of(const struct text *text, uint64_t digest)
{
    /* FNV-1a */
    for (size_t i = 0; i < text->size; i++)
        digest = (digest ^ (unsigned char)text->bytes[i]) * UINT64_C(1099511628211);
    return digest;
}

static void write_total(struct totals *totals, const char *stream, enum hc_profile profile,
                        const struct rollup_row *row, enum calendar_grain by)
{
    struct text *json = &totals->json, *key = &totals->key;

    text_clear(json);
    text_string(json, "{\"type\":\"total\",\"version\":1,\"stream\":");
    text_json_string(json, stream, strlen(stream));
    text_format(json, ",\"profile\":\"%s\",\"tz\":\"UTC\",", hc_profile_name(profile));
    text_clear(&totals->row);
    api_row_json(&totals->row, row, by);
    if (totals->row.failed)
        json->failed = true;
    else
        text_bytes(json, totals->row.bytes + 1, totals->row.size - 1);
    text_clear(key);
    text_format(key, "%s\t%s\tUTC\t", stream, calendar_grain_names[by]);
    calendar_text_utc(row->start_s, key);
    text_format(key, "\t%s", row->group);
}

/* Puts the bucket together, and produces it. */
static bool send_bucket(struct totals *totals, struct total_bucket *bucket, const char *stream,
                        enum calendar_grain by, bool dry)
{
    const struct rollup_options options = {
        .calendar = bucket->calendar, .stream = stream, .from_s = bucket->times.start_s,
        .to_s = bucket->times.end_s, .from_given = true, .to_given = true, .numbers = true};
    struct rollup *rollup = store_roll_up(totals->reader, &options);
    struct rollup_row row;
    bool done = rollup != NULL;
    int more = 0;

    bucket->digest = UINT64_C(14695981039346656037);
    bucket->complete = true;
    while (done && (more = rollup_next(rollup, &row)) == 1) {
        write_total(totals, stream, rollup_profile(rollup), &row, by);
        bucket->digest = digest_of(&totals->json, bucket->digest);
        bucket->complete = bucket->complete && row.state == ROLLUP_COMPLETE;
        done = dry || produce(totals);
    }
    rollup_destroy(&rollup);
    return done && more == 0;
}

static bool is_same(const struct total_bucket *bucket, const char *stream, int64_t time_s)
{
    return bucket->stream && strcmp(bucket->stream, stream) == 0 &&
           bucket->times.start_s <= time_s && time_s < bucket->times.end_s;
}

/* All grains that the hour or day stands for; what is unlike `sent` is produced. */
static bool send_due(struct totals *totals, struct total_due *due, bool dry, uint64_t *digest)
{
    size_t from = due->due.grain == STORE_DUE_HOUR ? 0 : 1;
    size_t to = due->due.grain == STORE_DUE_HOUR ? 1 : GRAINS;

    *digest = 0;
    for (size_t i = from; i < to; i++) {
        struct total_bucket *bucket = &totals->buckets[i];

        if (dry || bucket->dry || !is_same(bucket, due->due.stream, due->due.start_s)) {
            if (!calendar_find(bucket->calendar, due->due.start_s, &bucket->times))
                return false;
            bucket->stream = due->due.stream;
            bucket->dry = dry;
            if (!send_bucket(totals, bucket, due->due.stream, grains[i], dry)) {
                bucket->stream = NULL;
                return false;
            }
        }
        *digest = *digest * 31 + bucket->digest;
        if (i == from)
            due->final = bucket->complete;
    }
    return true;
}

static bool send_dues(struct totals *totals)
{
    for (size_t i = 0; i < totals->dues_count && !atomic_load(&totals->stop); i++) {
        struct total_due *due = &totals->dues[i];
        uint64_t digest;

        if (due->due.version == 0) {
            if (!send_due(totals, due, true, &digest))
                return false;
            if (digest == due->due.sent)
                continue;
        }
        if (!send_due(totals, due, false, &digest))
            return false;
        due->due.sent = digest;
        due->settled = true;
    }
    return true;
}

/* To the store's thread; waits until it has taken them. */
static void hand_over(struct totals *totals)
{
    pthread_mutex_lock(&totals->lock);
    for (size_t i = 0; i < totals->dues_count; i++)
        if (totals->dues[i].settled)
            totals->settled[totals->settled_count++] = totals->dues[i];
        else
            free((char *)totals->dues[i].due.stream);
    totals->dues_count = 0;
    while (totals->settled_count > 0 && !atomic_load(&totals->stop))
        pthread_cond_wait(&totals->wake, &totals->lock);
    pthread_mutex_unlock(&totals->lock);
}

/* True: there is more to do at once. */
static bool go_round(struct totals *totals)
{
    bool done, more;

    totals->failed = totals->no_memory = false;
    for (size_t i = 0; i < GRAINS; i++)
        totals->buckets[i].stream = NULL;
    done = list_dues(totals) && !totals->no_memory && send_dues(totals);
    if (!done && !atomic_load(&totals->stop))
        log_event(LOG_WARN, "totals_not_sent",
                  LOG_S("why", store_reader_error(totals->reader)));
    while (totals->waiting > 0 && !atomic_load(&totals->stop))
        take_acks(totals, POLL_MS);
    more = totals->changed > ROUND_DUES;
    if (!done || totals->failed || totals->waiting > 0)
        return false;
    hand_over(totals);
    return more;
}

static void rest(struct totals *totals)
{
    int64_t until_ms = clock_monotonic_ms() + ROUND_MS;
    const struct timespec until = {until_ms / 1000, until_ms % 1000 * 1000000L};
    int waited = 0;

    pthread_mutex_lock(&totals->lock);
    while (!atomic_load(&totals->stop) && waited == 0)
        waited = pthread_cond_timedwait(&totals->wake, &totals->lock, &until);
    pthread_mutex_unlock(&totals->lock);
}

/* Brokers that are away are waited for; a topic that can't take totals is told. */
static void *totals_thread(void *context)
{
    struct totals *totals = context;
    char error[1024] = "";

    if (emit_kafka_create(totals->options.emit, 0, &totals->stop, &totals->emit, error,
                          sizeof error) != EMIT_KAFKA_OK) {
        if (!atomic_load(&totals->stop))
            log_event(LOG_ERROR, "no_totals", LOG_S("why", error));
        return NULL;
    }
    while (!atomic_load(&totals->stop))
        if (!go_round(totals))
            rest(totals);
    emit_destroy(&totals->emit);
    return NULL;
}

static void totals_free(struct totals *totals)
{
    for (size_t i = 0; i < GRAINS; i++)
        calendar_destroy(&totals->buckets[i].calendar);
    free_dues(totals->dues, &totals->dues_count);
    free_dues(totals->settled, &totals->settled_count);
    text_free(&totals->json);
    text_free(&totals->row);
    text_free(&totals->key);
    store_reader_close(&totals->reader);
    pthread_cond_destroy(&totals->wake);
    pthread_mutex_destroy(&totals->lock);
    free(totals);
}

static bool make(struct totals *totals, char *error, size_t error_size)
{
    totals->reader = store_reader_open(totals->options.db, error, error_size);
    if (!totals->reader)
        return false;
    for (size_t i = 0; i < GRAINS; i++) {
        const struct calendar_options by = {.grain = grains[i]};

        totals->buckets[i].calendar = calendar_create(&by, error, error_size);
        if (!totals->buckets[i].calendar)
            return false;
    }
    if (pthread_create(&totals->thread, NULL, totals_thread, totals) == 0)
        return true;
    snprintf(error, error_size, "no thread");
    return false;
}

struct totals *totals_start(const struct totals_options *options, char *error, size_t error_size)
{
    struct totals *totals = calloc(1, sizeof *totals);
    pthread_condattr_t monotonic;

    if (!totals) {
        snprintf(error, error_size, "out of memory");
        return NULL;
    }
    totals->options = *options;
    pthread_mutex_init(&totals->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&totals->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (make(totals, error, error_size))
        return totals;
    totals_free(totals);
    return NULL;
}

void totals_stop(struct totals **totals)
{
    struct totals *old = *totals;

    if (!old)
        return;
    pthread_mutex_lock(&old->lock);
    atomic_store(&old->stop, 1);
    pthread_cond_broadcast(&old->wake);
    pthread_mutex_unlock(&old->lock);
    pthread_join(old->thread, NULL);
    totals_free(old);
    *totals = NULL;
}

size_t totals_settle(struct totals *totals, struct store *store)
{
    size_t settled = 0;

    pthread_mutex_lock(&totals->lock);
    for (size_t i = 0; i < totals->settled_count; i++)
        settled += store_settle(store, &totals->settled[i].due, totals->settled[i].final) == HC_OK;
    free_dues(totals->settled, &totals->settled_count);
    pthread_cond_broadcast(&totals->wake);
    pthread_mutex_unlock(&totals->lock);
    return settled;
}

struct totals_counts totals_counts(struct totals *totals)
{
    struct totals_counts counts;

    pthread_mutex_lock(&totals->lock);
    counts = totals->counts;
    pthread_mutex_unlock(&totals->lock);
    return counts;
}

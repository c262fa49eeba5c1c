/* What a client complained about: kept, counted by code, and told to people.
 *
 * Whatever goes wrong goes wrong again at every attempt. So each kind is logged
 * at once, then at most every half minute with how often it was; the counts are
 * complete, and are told when the client ends. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "clock.h"
#include "log.h"

#define QUIET_MS 30000
/* librdkafka says the same failure of a broker once in half a minute. */
#define LATELY_MS 40000

void kafka_notes_init(struct kafka_notes *notes, void *owner)
{
    memset(notes, 0, sizeof(*notes));
    notes->owner = owner;
    (void)pthread_mutex_init(&notes->lock, NULL);
}

void kafka_notes_destroy(struct kafka_notes *notes)
{
    kafka_tally_release(&notes->tally);
    (void)pthread_mutex_destroy(&notes->lock);
}

static bool text_take(struct kafka_notes *notes, const char *from, char *text, size_t size)
{
    assert(size > 0);
    (void)pthread_mutex_lock(&notes->lock);
    (void)snprintf(text, size, "%s", from);
    (void)pthread_mutex_unlock(&notes->lock);
    return text[0] != '\0';
}

bool kafka_notes_last(struct kafka_notes *notes, char *text, size_t size)
{
    return text_take(notes, notes->last, text, size);
}

bool kafka_notes_cut_off(struct kafka_notes *notes)
{
    bool lately;

    (void)pthread_mutex_lock(&notes->lock);
    lately = notes->cut_off_ms > 0 && clock_monotonic_ms() - notes->cut_off_ms < LATELY_MS;
    (void)pthread_mutex_unlock(&notes->lock);
    return lately;
}

bool kafka_notes_fatal(struct kafka_notes *notes, char *text, size_t size)
{
    return text_take(notes, notes->fatal, text, size);
}

bool kafka_notes_loud(struct kafka_notes *notes, const char *facility, int64_t *swallowed)
{
    int64_t now = clock_monotonic_ms();
    bool loud;
    size_t i, oldest = 0;

    (void)pthread_mutex_lock(&notes->lock);
    for (i = 0; i < KAFKA_QUIETED_MAX; i++) {
        if (strncmp(notes->quieted[i].facility, facility, sizeof(notes->quieted[i].facility) - 1) ==
            0)
            break;
        if (notes->quieted[i].logged_ms < notes->quieted[oldest].logged_ms)
            oldest = i;
    }
    if (i == KAFKA_QUIETED_MAX) {
        i = oldest;
        (void)snprintf(notes->quieted[i].facility, sizeof(notes->quieted[i].facility), "%s",
                       facility);
        notes->quieted[i].logged_ms = now - QUIET_MS;
        notes->quieted[i].swallowed = 0;
    }
    loud = now - notes->quieted[i].logged_ms >= QUIET_MS;
    if (loud) {
        *swallowed = notes->quieted[i].swallowed;
        notes->quieted[i].logged_ms = now;
        notes->quieted[i].swallowed = 0;
    } else {
        notes->quieted[i].swallowed++;
    }
    (void)pthread_mutex_unlock(&notes->lock);
    return loud;
}

/* The place of a code, made if need be; the last one takes what has no room.
 * Locked. */
static struct kafka_count *count_of(struct kafka_notes *notes, int code)
{
    size_t i = 0;

    while (i < notes->counts_used && notes->counts[i].code != code)
        i++;
    if (i == notes->counts_used && notes->counts_used < KAFKA_COUNTS_MAX)
        notes->counts[notes->counts_used++].code = code;
    return &notes->counts[i < KAFKA_COUNTS_MAX ? i : KAFKA_COUNTS_MAX - 1];
}

void kafka_notes_count(struct kafka_notes *notes, int code)
{
    (void)pthread_mutex_lock(&notes->lock);
    count_of(notes, code)->times++;
    (void)pthread_mutex_unlock(&notes->lock);
    if (notes->tally)
        kafka_tally_count(notes->tally, notes->producer, code);
}

void kafka_notes_tell(struct kafka_notes *notes, const struct kafka_complaint *complaint)
{
    const char *name = rd_kafka_err2name(complaint->code);
    int64_t swallowed = 0;
    uint64_t times;
    char kind[64];

    (void)snprintf(kind, sizeof(kind), "%s %s", complaint->request, name);
    if (!kafka_notes_loud(notes, kind, &swallowed))
        return;
    (void)pthread_mutex_lock(&notes->lock);
    times = count_of(notes, complaint->code)->times;
    (void)pthread_mutex_unlock(&notes->lock);
    log_event(LOG_WARN, complaint->event, LOG_S("topic", complaint->topic),
              LOG_S("request", complaint->request), LOG_S("code", name),
              LOG_S("error", complaint->text ? complaint->text
                                             : rd_kafka_err2str(complaint->code)),
              LOG_I("times", (int64_t)times), LOG_S("hint", kafka_advice(complaint->code)));
}

void kafka_notes_sum(struct kafka_notes *notes, const char *topic)
{
    char text[KAFKA_TEXT_MAX] = "";
    uint64_t total = 0;
    size_t used = 0;

    (void)pthread_mutex_lock(&notes->lock);
    for (size_t i = 0; i < notes->counts_used; i++) {
        total += notes->counts[i].times;
        if (used < sizeof(text))
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %" PRIu64,
                                     i ? ", " : "", rd_kafka_err2name(notes->counts[i].code),
                                     notes->counts[i].times);
    }
    (void)pthread_mutex_unlock(&notes->lock);
    if (total > 0)
        log_event(LOG_INFO, "kafka_errors", LOG_S("topic", topic), LOG_I("times", (int64_t)total),
                  LOG_S("codes", text));
}

#include "error_tally.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct kafka_tally {
    pthread_mutex_t lock; /* of all below */
    size_t holders;
    struct kafka_tally_entry entries[KAFKA_TALLY_MAX];
    size_t used;
};

struct kafka_tally *kafka_tally_create(void)
{
    struct kafka_tally *tally = calloc(1, sizeof *tally);

    if (!tally)
        return NULL;
    (void)pthread_mutex_init(&tally->lock, NULL);
    tally->holders = 1;
    return tally;
}

struct kafka_tally *kafka_tally_hold(struct kafka_tally *tally)
{
    if (!tally)
        return NULL;
    (void)pthread_mutex_lock(&tally->lock);
    tally->holders++;
    (void)pthread_mutex_unlock(&tally->lock);
    return tally;
}

void kafka_tally_release(struct kafka_tally **tally)
{
    struct kafka_tally *gone = *tally;
    bool last;

    if (!gone)
        return;
    *tally = NULL;
    (void)pthread_mutex_lock(&gone->lock);
    last = --gone->holders == 0;
    (void)pthread_mutex_unlock(&gone->lock);
    if (!last)
        return;
    (void)pthread_mutex_destroy(&gone->lock);
    free(gone);
}

void kafka_tally_count(struct kafka_tally *tally, bool producer, int code)
{
    size_t i = 0;

    (void)pthread_mutex_lock(&tally->lock);
    while (i < tally->used &&
           (tally->entries[i].code != code || tally->entries[i].producer != producer))
        i++;
    if (i == tally->used && tally->used < KAFKA_TALLY_MAX)
        tally->entries[tally->used++] = (struct kafka_tally_entry){
            .producer = producer, .code = code, .name = rd_kafka_err2name(code)};
    tally->entries[i < KAFKA_TALLY_MAX ? i : KAFKA_TALLY_MAX - 1].times++;
    (void)pthread_mutex_unlock(&tally->lock);
}

size_t kafka_tally_read(struct kafka_tally *tally, struct kafka_tally_entry *entries)
{
    size_t used;

    (void)pthread_mutex_lock(&tally->lock);
    used = tally->used;
    memcpy(entries, tally->entries, used * sizeof *entries);
    (void)pthread_mutex_unlock(&tally->lock);
    return used;
}

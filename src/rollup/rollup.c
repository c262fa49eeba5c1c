/* Records go straight into the bucket of the grain that was asked for. Beside
 * the sketches there is one set of minutes for all buckets, of those that have
 * users; the coverage tells the minutes that have none. */
#include "rollup.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "headcount/hash.h"
#include "limits.h"
#include "rollup_inside.h"

bool rollup_fail(struct rollup *rollup, const char *what)
{
    snprintf(rollup->error, sizeof rollup->error, "%s", what);
    return false;
}

const char *rollup_error(const struct rollup *rollup)
{
    return rollup->error;
}

static struct rollup_table *table_create(const struct rollup_options *options)
{
    return rollup_table_create(
        options->sketch_bytes_max ? options->sketch_bytes_max : LIMIT_ROLLUP_BYTES,
        options->folder);
}

static struct coverage *coverage_create_for(const struct rollup_options *options)
{
    struct coverage *coverage = coverage_create();

    if (coverage)
        coverage_hold(coverage,
                      options->waiting_bytes_max ? options->waiting_bytes_max : LIMIT_WAITING_BYTES,
                      options->folder);
    return coverage;
}

struct rollup *rollup_create(const struct rollup_options *options)
{
    struct rollup *rollup = calloc(1, sizeof *rollup);

    if (!rollup)
        return NULL;
    assert(options->calendar && options->from_s >= 0 && options->to_s <= LIMIT_TIME_S + 1);
    rollup->options = *options;
    rollup->profile = options->profile;
    rollup->table = table_create(options);
    rollup->minutes = rollup_minutes_create();
    rollup->named = rollup_minutes_create();
    rollup->profiles = rollup_profiles_create();
    rollup->coverage = coverage_create_for(options);
    if (!rollup->table || !rollup->minutes || !rollup->named || !rollup->profiles ||
        !rollup->coverage)
        rollup_destroy(&rollup);
    return rollup;
}

void rollup_destroy(struct rollup **rollup)
{
    if (!*rollup)
        return;
    for (size_t i = 0; i < (*rollup)->streams_count; i++)
        free((*rollup)->streams[i]);
    free((*rollup)->fields);
    coverage_destroy(&(*rollup)->coverage);
    rollup_profiles_destroy(&(*rollup)->profiles);
    rollup_minutes_destroy(&(*rollup)->late);
    rollup_minutes_destroy(&(*rollup)->named);
    rollup_minutes_destroy(&(*rollup)->minutes);
    rollup_table_destroy(&(*rollup)->table);
    free(*rollup);
    *rollup = NULL;
}

const char *rollup_stream(const struct rollup *rollup)
{
    if (rollup->options.stream)
        return rollup->options.stream;
    return rollup->streams_count ? rollup->streams[0] : NULL;
}

size_t rollup_streams(const struct rollup *rollup, const char *const **names)
{
    *names = (const char *const *)rollup->streams;
    return rollup->streams_count;
}

enum hc_profile rollup_profile(const struct rollup *rollup)
{
    return rollup->profile;
}

unsigned rollup_profiles(const struct rollup *rollup)
{
    return rollup_profiles_seen(rollup->profiles);
}

size_t rollup_lacking(const struct rollup *rollup)
{
    return rollup->profile ? rollup_profiles_lacking(rollup->profiles, rollup->profile) : 0;
}

bool rollup_takes_all(const struct rollup *rollup)
{
    return rollup->options.archive && !rollup->options.profile;
}

bool rollup_note_stream(struct rollup *rollup, const char *stream)
{
    for (size_t i = 0; i < rollup->streams_count; i++) {
        if (strcmp(rollup->streams[i], stream) == 0)
            return true;
    }
    if (rollup->streams_count == ROLLUP_STREAMS_MAX)
        return true;
    rollup->streams[rollup->streams_count] = strdup(stream);
    if (!rollup->streams[rollup->streams_count])
        return false;
    rollup->streams_count++;
    return true;
}

/* What defines the count is what the first record says that says it: those
 * that came from elsewhere don't know. */
static enum rollup_result check_fields(struct rollup *rollup, const char *fields)
{
    if (!*fields)
        return ROLLUP_TAKEN;
    if (!rollup->fields && !(rollup->fields = strdup(fields))) {
        rollup_fail(rollup, hc_status_text(HC_ENOMEM));
        return ROLLUP_FAILED;
    }
    if (strcmp(rollup->fields, fields) == 0)
        return ROLLUP_TAKEN;
    snprintf(rollup->error, sizeof rollup->error,
             "it counts other fields (%.80s) than the stream's first record (%.80s)", fields,
             rollup->fields);
    return ROLLUP_REFUSED;
}

/* Sketches of different keys do not meet, whatever else they have in common. */
static enum rollup_result check_key(struct rollup *rollup, const struct hc_sketch *sketch)
{
    uint64_t key_id = hc_sketch_key_id(sketch);

    if (key_id == 0)
        return ROLLUP_TAKEN;
    if (rollup->key_id == 0)
        rollup->key_id = key_id;
    if (rollup->key_taken == 0)
        rollup->key_taken = key_id;
    if (rollup->key_id == key_id)
        return ROLLUP_TAKEN;
    snprintf(rollup->error, sizeof rollup->error,
             "its %s sketch has another key (id %016" PRIx64 ") than the stream's first "
             "(id %016" PRIx64 ")", hc_profile_name(hc_sketch_profile(sketch)), key_id,
             rollup->key_id);
    return ROLLUP_REFUSED;
}

bool rollup_begin_profile(struct rollup *rollup, enum hc_profile profile)
{
    bool anew = rollup->profile != 0;

    rollup->profile = profile;
    if (!anew)
        return true;
    rollup_table_destroy(&rollup->table);
    rollup_minutes_destroy(&rollup->minutes);
    rollup->table = table_create(&rollup->options);
    rollup->minutes = rollup_minutes_create();
    rollup->key_id = 0;
    return rollup->table && rollup->minutes;
}

/* Whether a record of `profile` goes into the rows. Where no profile was asked
 * for the first of them all is the best: when one comes that is better than
 * what is there, none of its records was left out yet. */
static enum rollup_result check_profile(struct rollup *rollup, enum hc_profile profile)
{
    if (rollup_takes_all(rollup) || profile == rollup->profile)
        return ROLLUP_TAKEN;
    if (rollup->options.profile || (rollup->profile && rollup->profile < profile))
        return ROLLUP_OTHER_PROFILE;
    if (rollup_begin_profile(rollup, profile))
        return ROLLUP_TAKEN;
    rollup_fail(rollup, hc_status_text(HC_ENOMEM));
    return ROLLUP_FAILED;
}

static uint64_t claim_owner(const struct record_sketch *record)
{
    uint64_t name = hc_hash_bytes(HC_PROFILE_REDIS, record->instance,
                                  strlen(record->instance)).first;
    uint64_t parts[] = {name, (uint64_t)record->epoch_ms, record->whole};

    return hc_hash_bytes(HC_PROFILE_REDIS, parts, sizeof parts).first;
}

static bool in_bucket(const struct calendar_bucket *bucket, int64_t minute_s)
{
    return bucket->start_s <= minute_s && minute_s < bucket->end_s;
}

static enum hc_status unite(struct rollup *rollup, const struct record_sketch *record)
{
    struct rollup_bucket *bucket;
    enum hc_status status;

    if (!in_bucket(&rollup->last, record->minute_s) &&
        !calendar_find(rollup->options.calendar, record->minute_s, &rollup->last))
        return HC_ENOMEM;
    bucket = rollup_table_get(rollup->table, rollup->last.start_s, rollup->last.end_s,
                              record->group, hc_sketch_profile(record->sketch));
    if (!bucket)
        return HC_ENOMEM;
    status = rollup_bucket_union(rollup->table, bucket, record->sketch);
    if (status != HC_OK)
        return status;
    if (!rollup_minutes_add(rollup->minutes, record->minute_s))
        return HC_ENOMEM;
    if (!rollup->options.archive)
        return HC_OK;
    rollup_bucket_label(bucket, record->state);
    return rollup_bucket_claim(bucket, claim_owner(record), record->frames) ? HC_OK : HC_ENOMEM;
}

/* What is noted of a record in whatever profile. */
static enum hc_status note_sketch(struct rollup *rollup, const struct record_sketch *record)
{
    enum hc_status status = coverage_add_sketch(rollup->coverage, record);

    if (status != HC_OK || !rollup_profiles_add(rollup->profiles, record))
        return HC_ENOMEM;
    if (rollup->epoch_ms < record->epoch_ms)
        rollup->epoch_ms = record->epoch_ms;
    return HC_OK;
}

static enum rollup_result add_sketch(struct rollup *rollup, const struct record_sketch *record)
{
    enum rollup_result result = check_fields(rollup, record->fields);
    bool asked = record->minute_s >= rollup->options.from_s &&
                 record->minute_s < rollup->options.to_s;
    enum hc_status status = HC_OK;

    if (result == ROLLUP_TAKEN)
        result = check_profile(rollup, hc_sketch_profile(record->sketch));
    if (result == ROLLUP_TAKEN)
        result = check_key(rollup, record->sketch);
    if (result != ROLLUP_TAKEN && result != ROLLUP_OTHER_PROFILE)
        return result;
    if (asked && !rollup_minutes_add(rollup->named, record->minute_s))
        status = HC_ENOMEM;
    if (status == HC_OK && asked && result == ROLLUP_TAKEN)
        status = unite(rollup, record);
    if (status == HC_OK)
        status = note_sketch(rollup, record);
    if (status == HC_OK)
        return result;
    rollup_fail(rollup, status == HC_EROOM ? rollup_table_error(rollup->table)
                                           : hc_status_text(status));
    return status == HC_EPROFILE ? ROLLUP_REFUSED : ROLLUP_FAILED;
}

static enum rollup_result add_checkpoint(struct rollup *rollup,
                                         const struct record_checkpoint *record)
{
    enum hc_status status = coverage_add_checkpoint(rollup->coverage, record);

    if (status != HC_OK) {
        rollup_fail(rollup, hc_status_text(status));
        return ROLLUP_FAILED;
    }
    if (rollup->epoch_ms < record->epoch_ms)
        rollup->epoch_ms = record->epoch_ms;
    if (rollup->time_ms < record->time_ms)
        rollup->time_ms = record->time_ms;
    return ROLLUP_TAKEN;
}

static enum rollup_result add_record(struct rollup *rollup, const struct record *record)
{
    bool is_sketch = record->kind == RECORD_SKETCH;
    const char *stream = is_sketch ? record->sketch.stream : record->checkpoint.stream;

    assert(record->kind != RECORD_NONE);
    if (!rollup_note_stream(rollup, stream)) {
        rollup_fail(rollup, hc_status_text(HC_ENOMEM));
        return ROLLUP_FAILED;
    }
    if (strcmp(stream, rollup_stream(rollup)) != 0)
        return ROLLUP_OTHER_STREAM;
    return is_sketch ? add_sketch(rollup, &record->sketch)
                     : add_checkpoint(rollup, &record->checkpoint);
}

enum rollup_result rollup_add(struct rollup *rollup, const struct record *record)
{
    enum rollup_result result = add_record(rollup, record);

    rollup->refused = rollup->refused || result == ROLLUP_REFUSED;
    return result;
}

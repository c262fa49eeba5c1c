/* The archive form: what the records of a topic amount to, as records again.
 *
 * Each minute and group becomes one record of an instance of its own,
 * "merge/DIGEST/0", and the coverage is folded into checkpoints that name all
 * of these records: a line lost from an archive is noticed as it would be in
 * the topic. A partition covered without a hole is one range in the first
 * checkpoint; the ranges between holes go one to a checkpoint, with the
 * watermark at their end, and so do the ranges that the broker lost; then come
 * empty ranges with the watermarks that were first seen behind the holes. What
 * was seen but is not covered at the ends of a partition is named by a
 * checkpoint that can't count: the record that it asks for does not exist.
 *
 * The digest is over everything that is written. So equal content has equal
 * bytes, an archive of an archive is the archive, and two different ones never
 * pass for one instance. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "headcount/codec.h"
#include "headcount/hash.h"
#include "limits.h"
#include "rollup_inside.h"

#define INSTANCE_ROOM 32

struct archive {
    struct rollup *rollup;
    bool (*line)(void *context, const char *bytes, size_t size);
    void *context;
    char instance[INSTANCE_ROOM];
    uint64_t digest;
    uint64_t sequence;   /* of the last record */
    uint64_t checkpoint; /* number of the last one */
    struct text text;
    struct hc_codec *codec;
    struct record_partition *partitions; /* [LIMIT_PARTITIONS] */
};

static void digest_add(struct archive *archive, const void *bytes, size_t size)
{
    uint64_t parts[] = {archive->digest, hc_hash_bytes(HC_PROFILE_REDIS, bytes, size).first};

    archive->digest = hc_hash_bytes(HC_PROFILE_REDIS, parts, sizeof parts).first;
}

static bool no_memory(struct archive *archive)
{
    return rollup_fail(archive->rollup, hc_status_text(HC_ENOMEM));
}

/* Hands the text over as a line and empties it; in the first pass, which has
 * no name yet, it only goes into the digest. */
static bool hand_over(struct archive *archive)
{
    bool going_on = true;

    if (archive->text.failed)
        return no_memory(archive);
    if (archive->instance[0] == '\0')
        digest_add(archive, archive->text.bytes, archive->text.size);
    else
        going_on = archive->line(archive->context, archive->text.bytes, archive->text.size);
    text_clear(&archive->text);
    return going_on || rollup_fail(archive->rollup, "stopped");
}

/* The row's content without the cost of encoding it. */
static void digest_row(struct archive *archive, const struct rollup_row *row)
{
    uint64_t numbers[] = {(uint64_t)row->start_s, hc_digest(row->sketch), row->frames,
                          (uint64_t)row->record_state,
                          (uint64_t)hc_sketch_profile(row->sketch),
                          hc_sketch_key_id(row->sketch)};

    digest_add(archive, numbers, sizeof numbers);
    digest_add(archive, row->group, strlen(row->group));
}

static bool write_row(struct archive *archive, const struct rollup_row *row)
{
    const struct rollup *rollup = archive->rollup;
    struct record_sketch record = {
        .stream = rollup_stream(rollup),
        .minute_s = row->start_s,
        .group = row->group,
        .state = row->record_state,
        .whole = true,
        .frames = row->frames,
        .instance = archive->instance,
        .epoch_ms = rollup->epoch_ms,
        .sequence = archive->sequence,
        .fields = rollup->fields ? rollup->fields : "",
        .estimate = row->estimate,
        .sketch = row->sketch,
        .codec = archive->codec,
    };

    if (record_write_sketch(&record, &archive->text) != HC_OK)
        return no_memory(archive);
    return hand_over(archive);
}

static bool write_rows(struct archive *archive)
{
    bool first_pass = archive->instance[0] == '\0';
    struct rollup_row row;
    int more;

    rollup_rewind(archive->rollup);
    archive->sequence = 0;
    while ((more = rollup_next(archive->rollup, &row)) > 0) {
        if (!row.sketch)
            continue; /* zeros are what the coverage says and no record names */
        archive->sequence++;
        if (first_pass)
            digest_row(archive, &row);
        else if (!write_row(archive, &row))
            return false;
    }
    return more == 0;
}

static bool write_checkpoint(struct archive *archive, const struct coverage_source *source,
                             struct record_checkpoint *record)
{
    record->stream = source->stream;
    record->instance = archive->instance;
    record->epoch_ms = archive->rollup->epoch_ms;
    record->time_ms = archive->rollup->time_ms;
    record->number = ++archive->checkpoint;
    record->cluster = source->cluster;
    record->topic = source->topic;
    record->input_group = source->input_group;
    record->partitions_total = (int32_t)source->partitions_count;
    record->partitions = archive->partitions;
    if (record_write_checkpoint(record, &archive->text) != HC_OK)
        return no_memory(archive);
    return hand_over(archive);
}

/* What a record's form can hold. */
static uint64_t count_max(uint64_t count)
{
    return count < INT64_MAX - 1 ? count : INT64_MAX - 1;
}

static void entry_of_span(const struct coverage_partition *partition, size_t index,
                          struct record_partition *entry)
{
    const struct coverage_span *span = &partition->spans[index];

    entry->from = span->from;
    entry->to = span->to;
    entry->watermark_s = span->watermark_s;
    entry->end = partition->end && index + 1 == partition->spans_count;
}

static void entry_of_lost(const struct coverage_partition *partition, size_t index,
                          struct record_partition *entry)
{
    entry->from = partition->lost[index].from;
    entry->to = partition->lost[index].to;
    entry->missing = &partition->lost[index];
    entry->missing_count = 1;
}

/* Nothing was read, but this is where the clock stood behind the gap. The
 * first span's is worth a word only if there is a gap before it; a span that
 * has no watermark at its end can't be given one at its beginning alone. */
static bool entry_of_head(const struct coverage_partition *partition, size_t index,
                          struct record_partition *entry)
{
    const struct coverage_span *span = &partition->spans[index];

    entry->from = entry->to = span->from;
    entry->watermark_s = span->first_s;
    return span->from > partition->first && span->watermark_s != INT64_MIN &&
           span->first_s != span->watermark_s;
}

/* How many entries a partition has room for: its spans, its lost ranges, the
 * heads of its spans. */
static size_t entries_count(const struct coverage_partition *partition)
{
    return partition->spans_count * 2 + partition->lost_count;
}

/* The entry `index` of a partition. False: it says nothing. */
static bool partition_entry(const struct coverage_partition *partition, size_t index,
                            struct record_partition *entry)
{
    size_t spans = partition->spans_count;

    *entry = (struct record_partition){.partition = partition->partition,
                                       .watermark_s = INT64_MIN};
    if (index >= entries_count(partition))
        return false;
    if (index < spans)
        entry_of_span(partition, index, entry);
    else if (index - spans < partition->lost_count)
        entry_of_lost(partition, index - spans, entry);
    else
        return entry_of_head(partition, index - spans - partition->lost_count, entry);
    return true;
}

/* A checkpoint of what has gathered. */
static bool write_gathered(struct archive *archive, const struct coverage_source *source,
                           struct record_checkpoint *record)
{
    bool done = write_checkpoint(archive, source, record);

    record->partitions_count = 0;
    record->frames = 0;
    memset(record->rejected, 0, sizeof record->rejected);
    record->rejects_lost = 0;
    return done;
}

/* What partitions have as their entry `index`, in checkpoints of at most
 * LIMIT_PARTITIONS of them. The very first one also holds the source's sums. */
static bool write_entries(struct archive *archive, const struct coverage_source *source,
                          size_t index)
{
    struct record_checkpoint record = {.sequence_first = 1, .sequence_last = archive->sequence};

    for (int reason = 0; index == 0 && reason < REJECT_COUNT; reason++)
        record.rejected[reason] = count_max(source->rejected[reason]);
    record.frames = index == 0 ? count_max(source->frames) : 0;
    record.rejects_lost = index == 0 ? count_max(source->rejects_lost) : 0;
    for (size_t i = 0; i < source->partitions_count; i++) {
        if (!partition_entry(&source->partitions[i], index,
                             &archive->partitions[record.partitions_count]))
            continue;
        record.partitions_count++;
        if (record.partitions_count == LIMIT_PARTITIONS &&
            !write_gathered(archive, source, &record))
            return false;
    }
    return record.partitions_count == 0 || write_gathered(archive, source, &record);
}

/* Whether positions were seen before or after all that the entries name. */
static bool has_loose_ends(const struct coverage_partition *partition)
{
    int64_t from = INT64_MAX, to = INT64_MIN;
    struct record_partition entry;

    for (size_t i = 0; i < entries_count(partition); i++) {
        if (!partition_entry(partition, i, &entry))
            continue;
        from = entry.from < from ? entry.from : from;
        to = entry.to > to ? entry.to : to;
    }
    return partition->seen && (from > partition->first || to < partition->last);
}

/* The checkpoint that does not count. */
static bool write_loose_ends(struct archive *archive, const struct coverage_source *source)
{
    struct record_checkpoint record = {.sequence_first = archive->sequence + 1,
                                       .sequence_last = archive->sequence + 1};

    for (size_t i = 0; i < source->partitions_count; i++) {
        const struct coverage_partition *partition = &source->partitions[i];

        if (!has_loose_ends(partition))
            continue;
        archive->partitions[record.partitions_count++] =
            (struct record_partition){.partition = partition->partition,
                                      .from = partition->first,
                                      .to = partition->last,
                                      .watermark_s = INT64_MIN,
                                      .end = partition->end};
        if (record.partitions_count == LIMIT_PARTITIONS &&
            !write_gathered(archive, source, &record))
            return false;
    }
    return record.partitions_count == 0 || write_gathered(archive, source, &record);
}

/* What another reader of the archive can't know any more: that a minute is not
 * empty, or that somebody counted more of it. */
bool rollup_archive_covers(const struct rollup *rollup)
{
    int64_t named_s = 0;

    if (rollup->options.from_s > 0 || rollup->options.to_s <= LIMIT_TIME_S)
        return false;
    for (size_t i = 0; i < rollup_table_count(rollup->table); i++) {
        const struct rollup_bucket *bucket = rollup_table_bucket(rollup->table, i);

        if (rollup_profiles_lack(rollup->profiles, bucket->profile, bucket->start_s))
            return false;
    }
    while (named_s <= LIMIT_TIME_S) {
        named_s = rollup_minutes_next(rollup->named, named_s);
        if (named_s != INT64_MAX && !rollup_minutes_has(rollup->minutes, named_s))
            return false;
        named_s = named_s == INT64_MAX ? named_s : named_s + ROLLUP_MINUTE_S;
    }
    return true;
}

static size_t entries_max(const struct coverage_source *source)
{
    size_t most = 0;

    for (size_t i = 0; i < source->partitions_count; i++) {
        size_t entries = entries_count(&source->partitions[i]);

        most = most > entries ? most : entries;
    }
    return most;
}

static bool write_coverage(struct archive *archive)
{
    const struct coverage *coverage = archive->rollup->coverage;

    archive->checkpoint = 0;
    if (!rollup_archive_covers(archive->rollup))
        return true;
    for (size_t i = 0; i < coverage_sources_count(coverage); i++) {
        const struct coverage_source *source = coverage_source(coverage, i);
        size_t entries = entries_max(source);

        for (size_t index = 0; index < entries; index++) {
            if (!write_entries(archive, source, index))
                return false;
        }
        if (!write_loose_ends(archive, source))
            return false;
    }
    return true;
}

bool rollup_archive(struct rollup *rollup,
                    bool (*line)(void *context, const char *bytes, size_t size), void *context)
{
    struct archive archive = {.rollup = rollup, .line = line, .context = context};
    bool done = false;

    assert(rollup->options.archive);
    archive.partitions = calloc(LIMIT_PARTITIONS, sizeof(*archive.partitions));
    if (!archive.partitions || hc_codec_create(NULL, &archive.codec) != HC_OK) {
        no_memory(&archive);
        goto out;
    }
    if (rollup->fields)
        digest_add(&archive, rollup->fields, strlen(rollup->fields));
    if (!write_rows(&archive) || !write_coverage(&archive))
        goto out;
    snprintf(archive.instance, sizeof archive.instance, "merge/%016" PRIx64 "/0", archive.digest);
    done = write_rows(&archive) && write_coverage(&archive);
out:
    hc_codec_destroy(&archive.codec);
    free(archive.partitions);
    text_free(&archive.text);
    return done;
}

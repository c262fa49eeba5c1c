/* The archive form: what the records of a topic amount to, as records again.
 *
 * Each minute and group becomes one record of an instance of its own,
 * "merge/DIGEST/0", and the coverage is folded into checkpoints that name all
 * of these records: a line lost from an archive is noticed as it would be in
 * the topic. A partition covered without a hole is one range in the first
 * checkpoint; the ranges between holes go one to a checkpoint, each with its
 * own watermark, and so do the ranges that the broker lost. What was seen but
 * is not covered at the ends of a partition is named by a checkpoint that can't
 * count, because the record that it asks for does not exist.
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
                          (uint64_t)row->record_state};

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
        .fields = rollup->fields,
        .estimate = row->estimate,
        .sketch = row->sketch,
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

/* What partition says in the checkpoint `index`: one of its spans, then one of
 * its lost ranges. False: nothing. */
static bool partition_entry(const struct coverage_partition *partition, size_t index,
                            struct record_partition *entry)
{
    *entry = (struct record_partition){.partition = partition->partition,
                                       .watermark_s = INT64_MIN};
    if (index < partition->spans_count) {
        const struct coverage_span *span = &partition->spans[index];

        entry->from = span->from;
        entry->to = span->to;
        entry->watermark_s = span->watermark_s;
        entry->end = partition->end && index + 1 == partition->spans_count;
        return true;
    }
    index -= partition->spans_count;
    if (index >= partition->lost_count)
        return false;
    entry->from = partition->lost[index].from;
    entry->to = partition->lost[index].to;
    entry->missing = &partition->lost[index];
    entry->missing_count = 1;
    return true;
}

/* The checkpoint `index` of a source; the first one also holds its sums. */
static bool write_entries(struct archive *archive, const struct coverage_source *source,
                          size_t index)
{
    struct record_checkpoint record = {.sequence_first = 1, .sequence_last = archive->sequence};

    for (size_t i = 0; i < source->partitions_count; i++) {
        if (partition_entry(&source->partitions[i], index,
                            &archive->partitions[record.partitions_count]))
            record.partitions_count++;
    }
    if (index == 0) {
        record.frames = source->frames;
        memcpy(record.rejected, source->rejected, sizeof record.rejected);
    }
    return write_checkpoint(archive, source, &record);
}

/* Whether positions were seen before or after all that the entries name. */
static bool has_loose_ends(const struct coverage_partition *partition)
{
    int64_t from = INT64_MAX, to = INT64_MIN;
    struct record_partition entry;

    for (size_t i = 0; partition_entry(partition, i, &entry); i++) {
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
    }
    return record.partitions_count == 0 || write_checkpoint(archive, source, &record);
}

static size_t entries_max(const struct coverage_source *source)
{
    size_t most = 0;

    for (size_t i = 0; i < source->partitions_count; i++) {
        size_t entries = source->partitions[i].spans_count + source->partitions[i].lost_count;

        most = most > entries ? most : entries;
    }
    return most;
}

static bool write_coverage(struct archive *archive)
{
    const struct coverage *coverage = archive->rollup->coverage;
    const struct rollup_options *options = &archive->rollup->options;

    archive->checkpoint = 0;
    if (options->from_s > 0 || options->to_s <= LIMIT_TIME_S)
        return true;
    for (size_t i = 0; i < coverage_sources_count(coverage); i++) {
        const struct coverage_source *source = coverage_source(coverage, i);
        size_t entries = entries_max(source);

        assert(source->partitions_count <= LIMIT_PARTITIONS);
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
    if (!archive.partitions)
        return no_memory(&archive);
    if (rollup->fields)
        digest_add(&archive, rollup->fields, strlen(rollup->fields));
    if (!write_rows(&archive) || !write_coverage(&archive))
        goto out;
    snprintf(archive.instance, sizeof archive.instance, "merge/%016" PRIx64 "/0", archive.digest);
    done = write_rows(&archive) && write_coverage(&archive);
out:
    free(archive.partitions);
    text_free(&archive.text);
    return done;
}

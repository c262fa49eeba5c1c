/* A sketch changes its minute. A checkpoint changes what is known of minutes, which
 * may become complete: those that the clock of one of its partitions passes, from
 * where that stood to where it stands now; and all before, where it is the first of
 * its partition, or does not follow the one before.
 *
 * A checkpoint counts when all its sketches were read, which may be a while after
 * itself, since they lie in other partitions. So its minutes are told again with the
 * next few versions of the stream. */
#include "live_log.h"

#include <stdlib.h>
#include <string.h>

#include "limits.h"

/* Ranges of one version; the streams have room for one each. */
#define VERSION_RANGES_MAX 1440
_Static_assert(LIMIT_LIVE_STREAMS <= VERSION_RANGES_MAX, "every stream has a range");
/* Versions with which the minutes of a checkpoint are told again, when they are few. */
#define COVER_AGAIN 8
#define COVER_MINUTES_MAX 60
/* Partitions whose clocks are remembered. A power of 2. */
#define CLOCKS 8192

struct live_change {
    uint32_t stream;
    struct live_range range;
};

/* Sorted by stream and time, without overlap. */
struct live_version {
    struct live_change *changes;
    size_t count;
    bool lost; /* no memory: anything may have changed */
};

struct live_stream {
    char *name;
    int64_t newest_s;
    struct live_range cover; /* of the last checkpoints */
    unsigned cover_again;
};

struct live_clock {
    uint64_t key; /* 0: free */
    int64_t watermark_s;
    int64_t next; /* the offset behind the checkpoint */
};

struct live_log {
    struct live_stream streams[LIMIT_LIVE_STREAMS];
    size_t streams_count;
    size_t last_stream;
    struct live_change pending[VERSION_RANGES_MAX + 1];
    size_t pending_count;
    struct live_version versions[LIVE_VERSIONS]; /* version v at v % LIVE_VERSIONS */
    uint64_t version;
    struct live_clock clocks[CLOCKS];
};

struct live_log *live_log_create(void)
{
    return calloc(1, sizeof(struct live_log));
}

void live_log_destroy(struct live_log **log)
{
    if (!*log)
        return;
    for (size_t i = 0; i < (*log)->streams_count; i++)
        free((*log)->streams[i].name);
    for (size_t i = 0; i < LIVE_VERSIONS; i++)
        free((*log)->versions[i].changes);
    free(*log);
    *log = NULL;
}

uint64_t live_log_version(const struct live_log *log)
{
    return log->version;
}

size_t live_log_streams(const struct live_log *log)
{
    return log->streams_count;
}

const char *live_log_stream(const struct live_log *log, size_t stream)
{
    return log->streams[stream].name;
}

int64_t live_log_newest_s(const struct live_log *log, size_t stream)
{
    return log->streams[stream].newest_s;
}

/* Its number, or LIMIT_LIVE_STREAMS: there is no room for it. */
static size_t stream_of(struct live_log *log, const char *name)
{
    struct live_stream *stream;

    if (log->last_stream < log->streams_count &&
        strcmp(log->streams[log->last_stream].name, name) == 0)
        return log->last_stream;
    for (size_t i = 0; i < log->streams_count; i++)
        if (strcmp(log->streams[i].name, name) == 0)
            return log->last_stream = i;
    if (log->streams_count == LIMIT_LIVE_STREAMS)
        return LIMIT_LIVE_STREAMS;
    stream = &log->streams[log->streams_count];
    *stream = (struct live_stream){.name = strdup(name), .newest_s = -1};
    if (!stream->name)
        return LIMIT_LIVE_STREAMS;
    return log->last_stream = log->streams_count++;
}

static bool is_before(const struct live_change *change, uint32_t stream, int64_t from_s)
{
    return change->stream < stream ||
           (change->stream == stream && change->range.to_s < from_s);
}

/* Each stream's ranges become one: there are too many. */
static void collapse(struct live_log *log)
{
    size_t count = 0;

    for (size_t i = 1; i < log->pending_count; i++) {
        if (log->pending[i].stream == log->pending[count].stream)
            log->pending[count].range.to_s = log->pending[i].range.to_s;
        else
            log->pending[++count] = log->pending[i];
    }
    log->pending_count = count + 1;
}

/* Joins the range with those that it touches. */
static void note_range(struct live_log *log, size_t stream, struct live_range range)
{
    size_t low = 0, high = log->pending_count, end;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (is_before(&log->pending[middle], (uint32_t)stream, range.from_s))
            low = middle + 1;
        else
            high = middle;
    }
    for (end = low; end < log->pending_count && log->pending[end].stream == stream &&
                    log->pending[end].range.from_s <= range.to_s; end++) {
        if (log->pending[end].range.from_s < range.from_s)
            range.from_s = log->pending[end].range.from_s;
        if (log->pending[end].range.to_s > range.to_s)
            range.to_s = log->pending[end].range.to_s;
    }
    memmove(&log->pending[low + 1], &log->pending[end],
            (log->pending_count - end) * sizeof log->pending[0]);
    log->pending[low] = (struct live_change){(uint32_t)stream, range};
    log->pending_count += low + 1 - end;
    if (log->pending_count > VERSION_RANGES_MAX)
        collapse(log);
}

static uint64_t mix(uint64_t hash, const char *bytes)
{
    /* FNV-1a */
    for (const char *c = bytes; *c; c++)
        hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
    return (hash ^ 0xff) * UINT64_C(1099511628211);
}

/* NULL: they are too many, and this one is not among them. */
static struct live_clock *clock_of(struct live_log *log, size_t stream,
                                   const struct record_checkpoint *record, int32_t partition)
{
    uint64_t key = mix(mix(mix(UINT64_C(14695981039346656037), record->cluster), record->topic),
                       record->input_group);

    key = (key ^ stream << 32 ^ (uint32_t)partition) * UINT64_C(0x9e3779b97f4a7c15);
    key |= key == 0;
    for (size_t i = 0; i < 16; i++) {
        struct live_clock *clock = &log->clocks[((key >> 40) + i) % CLOCKS];

        if (clock->key == 0)
            *clock = (struct live_clock){.key = key, .watermark_s = INT64_MIN, .next = -1};
        if (clock->key == key)
            return clock;
    }
    return NULL;
}

static int64_t to_minute(int64_t time_s)
{
    if (time_s < 0)
        return 0;
    return time_s < LIMIT_TIME_S ? time_s / 60 * 60 : LIMIT_TIME_S + 1;
}

static void note_partition(struct live_log *log, size_t stream,
                           const struct record_checkpoint *record,
                           const struct record_partition *partition)
{
    struct live_clock *clock = clock_of(log, stream, record, partition->partition);
    struct live_range *cover = &log->streams[stream].cover, range;
    int64_t now_s = partition->end ? LIMIT_TIME_S : partition->watermark_s, was_s = INT64_MIN;

    if (clock) {
        if (clock->next == partition->from)
            was_s = clock->watermark_s;
        clock->watermark_s = now_s;
        clock->next = partition->to;
    }
    if (now_s == INT64_MIN)
        return;
    range = (struct live_range){to_minute(was_s < now_s ? was_s : now_s),
                                to_minute(was_s < now_s ? now_s : was_s)};
    /* The minute that it stands in is told, too: its row may be the first there. */
    if (range.to_s <= LIMIT_TIME_S)
        range.to_s += 60;
    if (was_s == INT64_MIN)
        range.from_s = 0;
    note_range(log, stream, range);
    if (range.to_s - range.from_s > COVER_MINUTES_MAX * 60)
        return;
    if (log->streams[stream].cover_again == 0 || range.from_s < cover->from_s)
        cover->from_s = range.from_s;
    if (log->streams[stream].cover_again == 0 || range.to_s > cover->to_s)
        cover->to_s = range.to_s;
    if (cover->to_s - cover->from_s > COVER_MINUTES_MAX * 60)
        cover->from_s = cover->to_s - COVER_MINUTES_MAX * 60;
    log->streams[stream].cover_again = COVER_AGAIN;
}

void live_log_note(struct live_log *log, const struct record *record)
{
    bool is_sketch = record->kind == RECORD_SKETCH;
    size_t stream = stream_of(log, is_sketch ? record->sketch.stream : record->checkpoint.stream);

    if (stream == LIMIT_LIVE_STREAMS)
        return;
    if (!is_sketch) {
        for (size_t i = 0; i < record->checkpoint.partitions_count; i++)
            note_partition(log, stream, &record->checkpoint, &record->checkpoint.partitions[i]);
        return;
    }
    if (record->sketch.minute_s > log->streams[stream].newest_s)
        log->streams[stream].newest_s = record->sketch.minute_s;
    note_range(log, stream,
               (struct live_range){record->sketch.minute_s, record->sketch.minute_s + 60});
    if (log->streams[stream].cover_again > 0)
        note_range(log, stream, log->streams[stream].cover);
}

void live_log_know(struct live_log *log, const char *name, int64_t newest_s)
{
    size_t stream = stream_of(log, name);

    if (stream < LIMIT_LIVE_STREAMS && newest_s > log->streams[stream].newest_s)
        log->streams[stream].newest_s = newest_s;
}

bool live_log_publish(struct live_log *log)
{
    struct live_version *version;
    size_t size = log->pending_count * sizeof log->pending[0];
    uint32_t before = UINT32_MAX;

    if (log->pending_count == 0)
        return false;
    log->version++;
    version = &log->versions[log->version % LIVE_VERSIONS];
    free(version->changes);
    *version = (struct live_version){.changes = malloc(size), .count = log->pending_count};
    version->lost = !version->changes;
    if (version->changes)
        memcpy(version->changes, log->pending, size);
    for (size_t i = 0; i < log->pending_count; i++) {
        struct live_stream *stream = &log->streams[log->pending[i].stream];

        if (log->pending[i].stream != before && stream->cover_again > 0)
            stream->cover_again--;
        before = log->pending[i].stream;
    }
    log->pending_count = 0;
    return true;
}

static void make_wide(struct live_answer *answer, int64_t from_s, int64_t to_s)
{
    *answer = (struct live_answer){LIVE_WIDE, {{from_s, to_s}}, 1};
}

/* One more range of the answer, which is not in order. */
static void answer_range(struct live_answer *answer, struct live_range range)
{
    size_t kept = 0;

    for (size_t i = 0; i < answer->count; i++) {
        const struct live_range *other = &answer->ranges[i];

        if (other->to_s < range.from_s || other->from_s > range.to_s) {
            answer->ranges[kept++] = *other;
            continue;
        }
        if (other->from_s < range.from_s)
            range.from_s = other->from_s;
        if (other->to_s > range.to_s)
            range.to_s = other->to_s;
    }
    answer->count = kept;
    if (answer->count == LIVE_RANGES_MAX) {
        for (size_t i = 0; i < kept; i++) {
            if (answer->ranges[i].from_s < range.from_s)
                range.from_s = answer->ranges[i].from_s;
            if (answer->ranges[i].to_s > range.to_s)
                range.to_s = answer->ranges[i].to_s;
        }
        make_wide(answer, range.from_s, range.to_s);
        return;
    }
    answer->ranges[answer->count++] = range;
    if (answer->news == LIVE_NOTHING)
        answer->news = LIVE_ROWS;
}

static int compare_ranges(const void *a, const void *b)
{
    const struct live_range *left = a, *right = b;

    return left->from_s < right->from_s ? -1 : left->from_s > right->from_s;
}

static void answer_finish(struct live_answer *answer)
{
    int64_t seconds = 0;

    if (answer->count == 0)
        return;
    qsort(answer->ranges, answer->count, sizeof answer->ranges[0], compare_ranges);
    for (size_t i = 0; i < answer->count; i++)
        seconds += answer->ranges[i].to_s - answer->ranges[i].from_s;
    if (seconds > LIVE_MINUTES_MAX * 60 || answer->news == LIVE_WIDE)
        make_wide(answer, answer->ranges[0].from_s, answer->ranges[answer->count - 1].to_s);
}

static size_t first_of(const struct live_version *version, size_t stream)
{
    size_t low = 0, high = version->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (version->changes[middle].stream < stream)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void live_log_ask(const struct live_log *log, size_t stream, uint64_t since,
                  struct live_answer *answer)
{
    *answer = (struct live_answer){.news = LIVE_NOTHING};
    if (since > log->version || log->version - since > LIVE_VERSIONS) {
        make_wide(answer, 0, LIMIT_TIME_S + 1);
        return;
    }
    for (uint64_t v = since + 1; v <= log->version; v++) {
        const struct live_version *version = &log->versions[v % LIVE_VERSIONS];

        if (version->lost) {
            make_wide(answer, 0, LIMIT_TIME_S + 1);
            return;
        }
        for (size_t i = first_of(version, stream);
             i < version->count && version->changes[i].stream == stream; i++)
            answer_range(answer, version->changes[i].range);
    }
    answer_finish(answer);
}

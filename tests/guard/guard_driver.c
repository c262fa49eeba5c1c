/* guard_driver FRAMES [--planted CASE]: what guard.py counts the instructions of.
 *
 * Each case does the same work every time, on one thread, with nothing of the
 * machine in it but what the first line of output names; what it takes to get
 * there is not counted. Callgrind writes one dump a case, named after it.
 * --planted does every twentieth piece of one case's work twice: 5 % more, which
 * the guard has to see. */
#include <gnu/libc-version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/callgrind.h>
#include <zstd.h>

#include "calendar.h"
#include "decode_fast.h"
#include "limits.h"
#include "pipeline.h"
#include "rollup.h"

#define FRAMES 1000
#define FRAME_ROOM 16384
#define IDS 21000
#define ID_SIZE 19
#define DENSE_USERS 20000
#define SPARSE_USERS 1000
#define RECORDS 40
#define UNIONS 100
/* A planted slowdown does each of these twice. */
#define PLANTED_EVERY 20
#define MINUTE_S INT64_C(1468244340)

struct world {
    const char *path;           /* of FRAMES lines */
    char *bytes;                /* what is in it */
    struct message messages[FRAMES];
    char (*ids)[ID_SIZE];       /* IDS of them */
    struct decoder *decoder, *strict;
    struct json_pointer *pointers[FIELDS];
    struct search_path paths[FIELDS];
    struct hc_sketch *sparse, *dense, *other;
    struct hc_codec *codec;
    struct text records[RECORDS];
    struct record_reader *reader;
    bool planted;
};

#define MUST(condition)                                                       \
    do {                                                                      \
        if (!(condition)) {                                                   \
            fprintf(stderr, "guard_driver: %s, line %d\n", #condition, __LINE__); \
            exit(1);                                                          \
        }                                                                     \
    } while (0)

/* How often piece `i` of a case's work is done. */
static int times(const struct world *world, size_t i)
{
    return world->planted && i % PLANTED_EVERY == 0 ? 2 : 1;
}

static struct hc_sketch *new_sketch(void)
{
    const struct hc_sketch_options options = {.profile = HC_PROFILE_REDIS, .precision = 14};
    struct hc_sketch *sketch;

    MUST(hc_sketch_create(&options, &sketch) == HC_OK);
    return sketch;
}

static void add_users(const struct world *world, struct hc_sketch *sketch, size_t first,
                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (int n = times(world, i); n > 0; n--)
            MUST(hc_sketch_add(sketch, world->ids[first + i], ID_SIZE, NULL) == HC_OK);
    }
}

static void decode_all(struct world *world, struct decoder *decoder)
{
    struct frame frame;

    for (size_t i = 0; i < FRAMES; i++) {
        for (int n = times(world, i); n > 0; n--)
            MUST(decoder_decode(decoder, &world->messages[i], &frame) == REJECT_NONE);
    }
}

/* Both fields in the fastest way that there is. */
static void run_decode(struct world *world)
{
    decode_all(world, world->decoder);
}

static void run_decode_strict(struct world *world)
{
    decode_all(world, world->strict);
}

/* The way of processors that have none of their own: finding the fields. */
static void run_decode_plain(struct world *world)
{
    struct field fields[FIELDS];
    size_t stop;

    for (size_t i = 0; i < FRAMES; i++) {
        const struct message *message = &world->messages[i];

        for (int n = times(world, i); n > 0; n--)
            MUST(fast_way_plain.read(world->paths, message->bytes, message->size, false, fields,
                                     &stop));
    }
}

static void run_add_sparse(struct world *world)
{
    struct hc_sketch *sketch = new_sketch();

    add_users(world, sketch, 0, SPARSE_USERS);
    hc_sketch_destroy(&sketch);
}

static void run_add_dense(struct world *world)
{
    add_users(world, world->other, 0, DENSE_USERS);
}

static struct record_sketch record_of(const struct world *world, size_t i)
{
    const struct hc_sketch *sketch = i % 2 == 0 ? world->dense : world->sparse;

    return (struct record_sketch){.stream = "users",
                                  .minute_s = MINUTE_S + 60 * (int64_t)i,
                                  .group = "{}",
                                  .state = RECORD_CLOSED,
                                  .whole = true,
                                  .frames = DENSE_USERS,
                                  .instance = "host/0123456789abcdef/0",
                                  .epoch_ms = 1468244380123,
                                  .sequence = i + 1,
                                  .fields = "feef97608e0ddc06",
                                  .estimate = hc_sketch_estimate(sketch),
                                  .sketch = sketch,
                                  .codec = world->codec};
}

/* The estimate, the native form and the record around it. */
static void run_encode(struct world *world)
{
    for (size_t i = 0; i < RECORDS; i++) {
        for (int n = times(world, i); n > 0; n--) {
            struct record_sketch record = record_of(world, i);

            text_clear(&world->records[i]);
            MUST(record_write_sketch(&record, &world->records[i]) == HC_OK);
        }
    }
}

static void run_read(struct world *world)
{
    struct record record;
    const char *error;

    for (size_t i = 0; i < RECORDS; i++) {
        const struct text *line = &world->records[i];

        for (int n = times(world, i); n > 0; n--)
            MUST(record_read(world->reader, line->bytes, line->size, &record, &error) ==
                 RECORD_SKETCH);
    }
}

static void run_union(struct world *world)
{
    for (size_t i = 0; i < UNIONS; i++) {
        for (int n = times(world, i); n > 0; n--)
            MUST(hc_sketch_union(world->other, world->dense, NULL) == HC_OK);
    }
}

/* Records into hours, and the rows of these. */
static void run_merge(struct world *world)
{
    const struct calendar_options zone = {.grain = CALENDAR_HOUR, .zone = "UTC"};
    struct calendar *calendar = NULL;
    char error[200];
    struct record record;
    struct rollup_row row;
    const char *reason;

    calendar = calendar_create(&zone, error, sizeof error);
    MUST(calendar);
    struct rollup_options options = {.calendar = calendar, .to_s = LIMIT_TIME_S + 1};
    struct rollup *rollup = rollup_create(&options);
    MUST(rollup);
    for (size_t i = 0; i < RECORDS; i++) {
        const struct text *line = &world->records[i];

        for (int n = times(world, i); n > 0; n--) {
            MUST(record_read(world->reader, line->bytes, line->size, &record, &reason) ==
                 RECORD_SKETCH);
            MUST(rollup_add(rollup, &record) == ROLLUP_TAKEN);
        }
    }
    MUST(rollup_finish(rollup));
    while (rollup_next(rollup, &row) > 0)
        MUST(row.minutes <= 60);
    rollup_destroy(&rollup);
    calendar_destroy(&calendar);
}

/* An output that has what it is given at once. */
struct sink {
    struct emit emit; /* first */
    uint64_t tokens[64];
    size_t count;
};

static enum emit_result sink_produce(struct emit *emit, const struct emit_record *record)
{
    struct sink *sink = (struct sink *)emit;

    if (sink->count == sizeof sink->tokens / sizeof sink->tokens[0])
        return EMIT_FULL;
    sink->tokens[sink->count++] = record->token;
    return EMIT_OK;
}

static size_t sink_poll(struct emit *emit, int timeout_ms, struct emit_ack *acks, size_t room)
{
    struct sink *sink = (struct sink *)emit;
    size_t count = 0;

    (void)timeout_ms;
    while (sink->count > 0 && count < room)
        acks[count++] = (struct emit_ack){.token = sink->tokens[--sink->count]};
    return count;
}

static const char *sink_failed(struct emit *emit)
{
    (void)emit;
    return NULL;
}

static void sink_destroy(struct emit *emit)
{
    (void)emit;
}

/* A clock that goes on by itself, so that the loop's waits end. */
static int64_t tick(void *context)
{
    int64_t *now_ms = context;

    return (*now_ms)++ / 1000;
}

static void run_loop_once(struct world *world)
{
    static const struct emit_ops ops = {.produce = sink_produce,
                                        .poll = sink_poll,
                                        .failed = sink_failed,
                                        .destroy = sink_destroy};
    static const struct hc_sketch_options sketch = {.profile = HC_PROFILE_REDIS, .precision = 14};
    const struct source_file_options file = {.paths = &world->path,
                                             .count = 1,
                                             .frame_max = LIMIT_FRAME_MAX};
    struct sink sink = {.emit = {&ops}};
    int64_t now_ms = 0;
    char error[200];
    atomic_int stop = 0;
    struct source *source = source_file_create(&file, error, sizeof error);
    const struct pipeline_options options = {.source = source,
                                             .decoder = world->decoder,
                                             .output = &sink.emit,
                                             .stream = "users",
                                             .instance = "host/0123456789abcdef/0",
                                             .fields = "feef97608e0ddc06",
                                             .input_group = "",
                                             .windows = {&sketch, 1, 64 << 20},
                                             .emit_every_ms = 5000,
                                             .max_lag_ms = 5000,
                                             .idle_after_ms = 10000,
                                             .release_wait_ms = 5000,
                                             .stop_wait_ms = 8000,
                                             .fingerprint = "",
                                             .clock = {tick, tick, &now_ms}};
    struct pipeline *pipeline = source ? pipeline_create(&options) : NULL;

    MUST(pipeline);
    MUST(pipeline_run(pipeline, &stop) == PIPELINE_DONE);
    pipeline_destroy(&pipeline);
    source_destroy(&source);
}

/* A file of a thousand frames, from its opening to the last checkpoint. What is
 * planted here is planted in its decoder. */
static void run_loop(struct world *world)
{
    struct frame frame;

    run_loop_once(world);
    for (size_t i = 0; i < FRAMES; i++) {
        for (int n = times(world, i); n > 1; n--)
            MUST(decoder_decode(world->decoder, &world->messages[i], &frame) == REJECT_NONE);
    }
}

/* In this order: `read` and `merge` take what `encode` has written. */
static const struct {
    const char *name;
    void (*run)(struct world *world);
} cases[] = {
    {"decode", run_decode},
    {"decode_strict", run_decode_strict},
    {"decode_plain", run_decode_plain},
    {"add_sparse", run_add_sparse},
    {"add_dense", run_add_dense},
    {"union", run_union},
    {"encode", run_encode},
    {"read", run_read},
    {"merge", run_merge},
    {"loop", run_loop},
};

static void read_frames(struct world *world)
{
    FILE *file = fopen(world->path, "rb");
    size_t size, at = 0;

    MUST(file);
    world->bytes = calloc(FRAMES, FRAME_ROOM);
    MUST(world->bytes);
    size = fread(world->bytes, 1, FRAMES * FRAME_ROOM, file);
    fclose(file);
    for (size_t i = 0; i < FRAMES; i++) {
        const char *end = memchr(world->bytes + at, '\n', size - at);

        MUST(end);
        world->messages[i] = (struct message){.bytes = world->bytes + at,
                                              .size = (size_t)(end - world->bytes) - at,
                                              .timestamp_ms = MESSAGE_NO_TIMESTAMP};
        at += world->messages[i].size + 1;
    }
    MUST(at == size);
}

/* Ids as they are in frames: 19 hex digits. */
static void make_ids(struct world *world)
{
    char id[ID_SIZE + 1];

    world->ids = calloc(IDS, ID_SIZE);
    MUST(world->ids);
    for (uint64_t i = 0; i < IDS; i++) {
        snprintf(id, sizeof id, "3f1%016llx",
                 (unsigned long long)(i * UINT64_C(0x9e3779b97f4a7c15)));
        memcpy(world->ids[i], id, ID_SIZE);
    }
}

static void make_paths(struct world *world)
{
    const char *const names[FIELDS] = {[FIELD_USER] = "uid", [FIELD_TIME] = "ts"};
    const char *error;

    for (int i = 0; i < FIELDS; i++) {
        world->pointers[i] = json_pointer_create(names[i], &error);
        MUST(world->pointers[i]);
        MUST(search_path_create(&world->paths[i], world->pointers[i]));
    }
}

static void prepare(struct world *world)
{
    struct decode_options fields = {.user_field = "uid",
                                          .time_field = "ts",
                                          .frame_max = LIMIT_FRAME_MAX,
                                          .ahead_max_ms = DECODE_UNLIMITED,
                                          .late_max_ms = DECODE_UNLIMITED};
    char error[200];

    read_frames(world);
    make_ids(world);
    make_paths(world);
    world->decoder = decoder_create(&fields, error, sizeof error);
    MUST(world->decoder);
    fields.strict = true;
    world->strict = decoder_create(&fields, error, sizeof error);
    MUST(world->strict);
    world->sparse = new_sketch();
    add_users(world, world->sparse, 0, SPARSE_USERS);
    world->dense = new_sketch();
    add_users(world, world->dense, IDS - DENSE_USERS, DENSE_USERS);
    MUST(hc_sketch_copy(world->dense, &world->other) == HC_OK);
    MUST(hc_codec_create(NULL, &world->codec) == HC_OK);
    world->reader = record_reader_create();
    MUST(world->reader);
}

static void finish(struct world *world)
{
    for (size_t i = 0; i < RECORDS; i++)
        text_free(&world->records[i]);
    record_reader_destroy(&world->reader);
    hc_codec_destroy(&world->codec);
    hc_sketch_destroy(&world->other);
    hc_sketch_destroy(&world->dense);
    hc_sketch_destroy(&world->sparse);
    for (int i = 0; i < FIELDS; i++) {
        search_path_destroy(&world->paths[i]);
        json_pointer_destroy(&world->pointers[i]);
    }
    decoder_destroy(&world->strict);
    decoder_destroy(&world->decoder);
    free(world->ids);
    free(world->bytes);
}

/* What the number of instructions depends on, beside our own code. */
static void print_with(void)
{
    const char *processor = "unknown";

#if defined __x86_64__
    processor = __builtin_cpu_supports("avx2") ? "x86-64 with AVX2" : "x86-64 without AVX2";
#elif defined __aarch64__
    processor = "aarch64";
#endif
    printf("compiler %s, glibc %s, libzstd %s, %s\n", __VERSION__, gnu_get_libc_version(),
           ZSTD_versionString(), processor);
}

int main(int argc, char **argv)
{
    struct world world = {0};
    const char *planted = argc == 4 && strcmp(argv[2], "--planted") == 0 ? argv[3] : NULL;

    if (argc != 2 && !planted) {
        fputs("usage: guard_driver FRAMES [--planted CASE]\n", stderr);
        return 2;
    }
    world.path = argv[1];
    print_with();
    prepare(&world);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        world.planted = planted && strcmp(planted, cases[i].name) == 0;
        CALLGRIND_ZERO_STATS;
        cases[i].run(&world);
        CALLGRIND_DUMP_STATS_AT(cases[i].name);
    }
    finish(&world);
    return 0;
}

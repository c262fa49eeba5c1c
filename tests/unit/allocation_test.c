/* Goal: in steady state not one allocation a frame, nor any at all, from the
 * bytes of a file to the registers. The linker sends every call of ours to the
 * allocator through the counters below. */
#include <stdio.h>

#include "check_main.h"
#include "clock.h"
#include "log.h"
#include "pipeline.h"
#include "test_folder.h"

#define USERS 3000
#define WARM_FRAMES 40000
#define STEADY_FRAMES 100000

static unsigned long allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *pointer, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *pointer, size_t size);

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    allocations++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *pointer, size_t size)
{
    allocations++;
    return __real_realloc(pointer, size);
}

/* Users of four minutes that go round and round, among frames of many shapes. */
static void write_frames(FILE *file)
{
    for (int i = 0; i < WARM_FRAMES + STEADY_FRAMES; i++) {
        int user = i % USERS, minute = user % 4;
        switch (i % 3) {
        case 0:
            fprintf(file, "{\"a\":{\"uid\":\"decoy\"},\"uid\":\"u%d\",\"ts\":%d}\n", user,
                    60 * minute);
            break;
        case 1:
            fprintf(file, "{\"ts\":\"%d\",\"text\":\"\\u0416\\n\",\"uid\":\"u%d\"}\n", 60 * minute,
                    user);
            break;
        default:
            fprintf(file, "{\"list\":[1,2,{\"ts\":3}],\"ts\":%d.5,\"uid\":\"\\u0075%d\"} \r\n",
                    60 * minute, user);
        }
    }
}

static int64_t still(void *context)
{
    (void)context;
    return 1000;
}

static enum emit_result no_room(struct emit *emit, const struct emit_record *record)
{
    (void)emit;
    (void)record;
    return EMIT_FULL;
}

static size_t no_acks(struct emit *emit, int timeout_ms, struct emit_ack *acks, size_t room)
{
    (void)emit;
    (void)timeout_ms;
    (void)acks;
    (void)room;
    return 0;
}

static const char *no_failure(struct emit *emit)
{
    (void)emit;
    return NULL;
}

/* No assertion within: Check allocates for each. */
static uint64_t run_until(struct pipeline *pipeline, uint64_t frames)
{
    struct pipeline_status status = {.lag = 0};
    while (status.counters.frames < frames && pipeline_turn(pipeline, false))
        pipeline_status(pipeline, &status);
    return status.counters.frames;
}

START_TEST(test_steady_state_allocates_nothing)
{
    char folder[TEST_FOLDER_ROOM], path[TEST_PATH_ROOM], error[200];
    const char *paths[] = {path};
    FILE *file;

    test_folder_make(folder);
    snprintf(path, sizeof path, "%s/frames", folder);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    write_frames(file);
    fclose(file);

    const struct source_file_options files = {.paths = paths, .count = 1, .frame_max = 4096};
    const struct decode_options fields = {.user_field = "uid",
                                          .time_field = "ts",
                                          .frame_max = 4096,
                                          .ahead_max_ms = DECODE_UNLIMITED,
                                          .late_max_ms = DECODE_UNLIMITED};
    const struct hc_sketch_options sketch = {.profile = HC_PROFILE_REDIS, .precision = 14};
    static const struct emit_ops ops = {.produce = no_room, .poll = no_acks, .failed = no_failure};
    struct emit output = {&ops};
    struct source *source = source_file_create(&files, error, sizeof error);
    struct decoder *decoder = decoder_create(&fields, error, sizeof error);
    ck_assert(source && decoder);
    const struct pipeline_options options = {.source = source,
                                             .decoder = decoder,
                                             .output = &output,
                                             .stream = "users",
                                             .instance = "test/0000000000000000/0",
                                             .fields = "0123456789abcdef",
                                             .input_group = "",
                                             .windows = {&sketch, 1, 64 << 20},
                                             .emit_every_ms = 1000000,
                                             .idle_after_ms = 10000,
                                             .fingerprint = "",
                                             .clock = {still, still, NULL}};
    struct pipeline *pipeline = pipeline_create(&options);
    ck_assert_ptr_nonnull(pipeline);

    ck_assert(pipeline_turn(pipeline, false));
    test_folder_remove(folder); /* the file is open by now */
    uint64_t warm = run_until(pipeline, WARM_FRAMES);
    unsigned long warming = allocations;
    uint64_t steady = run_until(pipeline, WARM_FRAMES + STEADY_FRAMES - 5000);
    unsigned long after = allocations;
    ck_assert_uint_gt(warming, 0);
    ck_assert_uint_gt(steady, warm + STEADY_FRAMES / 2);
    ck_assert_uint_eq(after, warming);

    pipeline_destroy(&pipeline);
    decoder_destroy(&decoder);
    source_destroy(&source);
}
END_TEST

void add_cases(TCase *tcase)
{
    log_configure(LOG_ERROR, LOG_LOGFMT);
    tcase_add_test(tcase, test_steady_state_allocates_nothing);
}

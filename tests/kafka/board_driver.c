/* What a board does with a topic of records, without its face.
 *
 *   board_driver read DB BROKERS TOPIC GROUP FLUSH_MS [DIE_AFTER] [-X K=V]...
 *   board_driver rows DB STREAM GRAIN ZONE
 *
 * "read" ends when the ends that it found have been reached, or is killed by itself
 * after so many records, some written and some not; it says where it began, and what
 * it took. "rows" prints start,uniques,low,high,minutes,complete. */
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "ingest.h"
#include "limits.h"
#include "number.h"
#include "properties.h"

static char error[1200];

static int fail(const char *why)
{
    fprintf(stderr, "%s\n", why);
    return 1;
}

static int64_t go_on(void *context, const char *cluster, const char *topic, int32_t partition)
{
    struct store_position position = {cluster, topic, partition, -1};

    if (store_go_on(context, &position) != 1)
        position.next = -1;
    printf("START %" PRId32 " %" PRId64 "\n", partition, position.next);
    return position.next;
}

static int ingest(struct store *store, struct source *source, int64_t flush_ms, int64_t die_after)
{
    struct ingest *ingest = ingest_create(&(struct ingest_options){.store = store, .source = source,
                                                                   .flush_ms = flush_ms});
    enum ingest_state state = INGEST_GOING;

    while (ingest && (state == INGEST_GOING || state == INGEST_HELD)) {
        state = ingest_turn(ingest, 50, clock_monotonic_ms());
        if (die_after && ingest_counts(ingest)->flushes > 0 &&
            ingest_counts(ingest)->records >= (uint64_t)die_after)
            kill(getpid(), SIGKILL);
    }
    if (ingest)
        printf("TOOK %" PRIu64 " %" PRIu64 "\n", ingest_counts(ingest)->records,
               ingest_counts(ingest)->refused);
    ingest_destroy(&ingest);
    return state == INGEST_END ? 0 : fail("it did not end");
}

static int read_topic(int argc, char **argv)
{
    struct store *store = store_open(&(struct store_options){.path = argv[2]}, error,
                                     sizeof error);
    const struct source_kafka_positions positions = {go_on, store};
    struct source_kafka_options options = {.topic = argv[4], .group = argv[5],
                                           .start_committed = true, .positions = &positions,
                                           .exit_at_end = true};
    const char *pairs[16];
    size_t count = 0;
    int64_t flush_ms = 0, die_after = 0;
    struct kafka_properties *properties;
    struct source *source = NULL;
    int code;

    if (!store || !number_int64(argv[6], 0, 1000000, &flush_ms))
        return fail(error);
    for (int i = 7; i < argc; i++) {
        if (strcmp(argv[i], "-X") == 0 && i + 1 < argc && count < 16)
            pairs[count++] = argv[++i];
        else if (!number_int64(argv[i], 1, 1000000, &die_after))
            return fail("usage");
    }
    properties = kafka_properties_create(argv[3], pairs, count, error, sizeof error);
    options.properties = properties;
    if (properties)
        source = source_kafka_create(&options, error, sizeof error);
    code = source ? ingest(store, source, flush_ms, die_after) : fail(error);
    kafka_properties_destroy(&properties);
    source_destroy(&source);
    store_close(&store);
    return code;
}

static int print_rows(char **argv)
{
    struct calendar_options by = {.zone = argv[5]};
    struct rollup_options options = {.stream = argv[3], .to_s = LIMIT_TIME_S + 1};
    struct store_reader *reader = store_reader_open(argv[2], error, sizeof error);
    struct rollup_row row;
    struct rollup *rollup;

    while (by.grain < CALENDAR_ALL && strcmp(calendar_grain_names[by.grain], argv[4]) != 0)
        by.grain++;
    options.calendar = calendar_create(&by, error, sizeof error);
    if (!reader || !options.calendar)
        return fail(error);
    rollup = store_roll_up(reader, &options);
    if (!rollup)
        return fail(store_reader_error(reader));
    while (rollup_next(rollup, &row) == 1)
        printf("%" PRId64 ",%.0f,%.0f,%.0f,%" PRIu64 ",%s\n", row.start_s,
               round(row.estimate.value), floor(row.estimate.low), ceil(row.estimate.high),
               row.minutes, row.state == ROLLUP_COMPLETE ? "true" : "false");
    rollup_destroy(&rollup);
    calendar_destroy(&options.calendar);
    store_reader_close(&reader);
    return 0;
}

int main(int argc, char **argv)
{
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc >= 7 && strcmp(argv[1], "read") == 0)
        return read_topic(argc, argv);
    if (argc == 6 && strcmp(argv[1], "rows") == 0)
        return print_rows(argv);
    return fail("usage");
}

/* store_bench FOLDER [DAYS [USERS]]: what a store costs, beside what can't be saved.
 *
 * Makes a store of DAYS days (730) in FOLDER, of one dense record of USERS users
 * (8000) a minute, the last 90 days with minutes. Then prints, as the median of ROUNDS
 * rounds in turn: what reading a record line costs, and reading it into a store, in
 * order, in random order, and as a topic has it, where 26 of a minute come one after
 * the other (the mean, since a checkpoint falls into some rounds), and what tidying after
 * it takes for each; what opening the two years takes, and questions to them, beside the
 * time that decoding their sketches alone takes, and over HTTP. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "calendar.h"
#include "limits.h"
#include "store.h"
#include "store_bench.h"

#define KINDS 64
#define RECORDS 4000
#define BEGIN_S INT64_C(1577836800)
#define DAY_S INT64_C(86400)

struct bench {
    char path[512];
    struct hc_sketch *sketches[KINDS];
    uint64_t sequence, named; /* the last, and the last that a checkpoint names */
    struct store *store;
    struct store_reader *reader;
    int64_t end_s;
};

static void make_sketches(struct bench *bench, long users)
{
    const struct hc_sketch_options options = {.profile = HC_PROFILE_REDIS, .precision = 14};

    for (int kind = 0; kind < KINDS; kind++) {
        check(hc_sketch_create(&options, &bench->sketches[kind]) == HC_OK, "no memory");
        for (long user = 0; user < users; user++) {
            long id = user % 5 ? user : kind * users + user;

            hc_sketch_add(bench->sketches[kind], &id, sizeof id, NULL);
        }
    }
}

static struct record_sketch record_of(struct bench *bench, int64_t minute_s)
{
    return (struct record_sketch){.stream = "users", .minute_s = minute_s, .group = "{}",
                                  .state = RECORD_CLOSED, .whole = true, .instance = "h/1/0",
                                  .epoch_ms = 1, .sequence = ++bench->sequence, .fields = "f",
                                  .sketch = bench->sketches[minute_s / 60 % KINDS]};
}

static const char *const ends[] = {"", "-wal", "-shm"};

static void open_store(struct bench *bench, const char *folder, const char *name)
{
    char error[1200], path[600];

    snprintf(bench->path, sizeof bench->path, "%.400s/%s", folder, name);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        snprintf(path, sizeof path, "%s%s", bench->path, ends[i]);
        unlink(path);
    }
    bench->store = store_open(&(struct store_options){.path = bench->path}, error, sizeof error);
    check(bench->store, error);
}

static void add(struct bench *bench, const struct record *record)
{
    check(store_add(bench->store, record) == STORE_TAKEN, store_error(bench->store));
}

/* A topic's clock at `watermark_s`. */
static void add_checkpoint(struct bench *bench, uint64_t number, int64_t watermark_s)
{
    const struct record_partition partition = {
        .from = (int64_t)number - 1, .to = (int64_t)number, .watermark_s = watermark_s};
    const struct record record = {
        .kind = RECORD_CHECKPOINT,
        .checkpoint = {.stream = "users", .instance = "h/1/0", .epoch_ms = 1, .number = number,
                       .cluster = "c", .topic = "t", .partitions_total = 1, .input_group = "g",
                       .sequence_first = bench->named + 1, .sequence_last = bench->sequence,
                       .partitions = &partition, .partitions_count = 1}};

    add(bench, &record);
    bench->named = bench->sequence;
}

static void fill(struct bench *bench, long days)
{
    double begin = now();
    uint64_t number = 0;

    bench->end_s = BEGIN_S + days * DAY_S;
    bench->named = bench->sequence;
    check(store_keep_minutes(bench->store, bench->end_s - 90 * DAY_S) >= 0, "minutes");
    for (int64_t minute_s = BEGIN_S; minute_s < bench->end_s; minute_s += 60) {
        const struct record record = {.kind = RECORD_SKETCH, .sketch = record_of(bench, minute_s)};

        add(bench, &record);
        if (minute_s % 3600 == 0)
            add_checkpoint(bench, ++number, minute_s);
    }
    add_checkpoint(bench, ++number, bench->end_s);
    check(store_flush(bench->store), store_error(bench->store));
    printf("%ld days in %.1f s\n", days, now() - begin);
}

enum order { IN_ORDER, AT_RANDOM, AS_PUBLISHED, ORDERS };
static const char *const orders[] = {"in order", "at random", "as published"};

/* Lines of records into a store that is empty but for the rounds before: seconds a record,
 * and of reading alone. */
static double time_adding(struct bench *bench, enum order order, int round, double *reading)
{
    struct record_reader *reader = record_reader_create();
    struct text *lines = calloc(RECORDS, sizeof *lines);
    struct record record;
    const char *error;
    double begin, adding;

    for (int i = 0; i < RECORDS; i++) {
        int64_t minute = order == AT_RANDOM ? rand() % 1051200
                         : (int64_t)(round * RECORDS + i) / (order == IN_ORDER ? 1 : 26);
        struct record_sketch sketch = record_of(bench, BEGIN_S + minute * 60);

        sketch.estimate = hc_sketch_estimate(sketch.sketch);
        check(record_write_sketch(&sketch, &lines[i]) == HC_OK, "no memory");
    }
    begin = now();
    for (int i = 0; i < RECORDS; i++)
        record_read(reader, lines[i].bytes, lines[i].size, &record, &error);
    *reading = (now() - begin) / RECORDS;
    begin = now();
    for (int i = 0; i < RECORDS; i++) {
        check(record_read(reader, lines[i].bytes, lines[i].size, &record, &error), error);
        add(bench, &record);
    }
    check(store_flush(bench->store), store_error(bench->store));
    adding = (now() - begin) / RECORDS;
    for (int i = 0; i < RECORDS; i++)
        text_free(&lines[i]);
    free(lines);
    record_reader_destroy(&reader);
    return adding;
}

/* Seconds of all that was left to do. */
static double time_tidying(struct bench *bench)
{
    double begin = now();
    int more;

    while ((more = store_tidy(bench->store)) == 1)
        continue;
    check(more == 0, store_error(bench->store));
    return now() - begin;
}

static void bench_adding(struct bench *bench, const char *folder)
{
    for (int order = 0; order < ORDERS; order++) {
        double reading[ROUNDS], adding = 0, tidying;

        open_store(bench, folder, "adding.db");
        for (int round = 0; round < ROUNDS; round++)
            adding += time_adding(bench, (enum order)order, round, &reading[round]) / ROUNDS;
        tidying = time_tidying(bench) / (ROUNDS * RECORDS);
        store_close(&bench->store);
        unlink(bench->path);
        printf("%-14s read %5.1f us, read and add %6.1f us: %.0f records/s; tidy %.1f us\n",
               orders[order], median(reading) * 1e6, adding * 1e6, 1 / adding,
               tidying * 1e6);
    }
}

struct question {
    const char *name, *zone;
    enum calendar_grain grain;
    int64_t days;
    bool numbers;
    int sketches; /* that it takes */
};

static const struct question questions[] = {
    {"a year by day", "UTC", CALENDAR_DAY, 365, true, 0},
    {"with sketches", "UTC", CALENDAR_DAY, 365, false, 365},
    {"a year by day", "Europe/Zurich", CALENDAR_DAY, 365, true, 365 * 9},
    {"a year by day", "Asia/Kathmandu", CALENDAR_DAY, 365, true, 365 * 12},
    {"24 h by minute", "UTC", CALENDAR_MINUTE, 1, true, 0},
    {"with sketches", "UTC", CALENDAR_MINUTE, 1, false, 1440}};

static double time_question(struct bench *bench, const struct question *question)
{
    double begin = now();
    char error[256];
    const struct calendar_options by = {.grain = question->grain, .zone = question->zone};
    struct calendar *calendar = calendar_create(&by, error, sizeof error);
    const struct rollup_options options = {
        .calendar = calendar, .stream = "users", .from_s = bench->end_s - question->days * DAY_S,
        .to_s = bench->end_s, .from_given = true, .to_given = true,
        .numbers = question->numbers};
    struct rollup *rollup;
    struct rollup_row row;

    check(calendar, error);
    rollup = store_roll_up(bench->reader, &options);
    check(rollup, store_reader_error(bench->reader));
    while (rollup_next(rollup, &row) == 1)
        continue;
    rollup_destroy(&rollup);
    calendar_destroy(&calendar);
    return now() - begin;
}

static double time_decoding(struct bench *bench, int count)
{
    unsigned char bytes[1 << 16];
    struct hc_codec *codec;
    double begin;
    size_t size;

    check(hc_codec_create(NULL, &codec) == HC_OK &&
              hc_codec_encode(codec, bench->sketches[0], bytes, sizeof bytes, &size) == HC_OK,
          "no memory");
    begin = now();
    for (int i = 0; i < count; i++) {
        struct hc_sketch *sketch;

        check(hc_codec_decode(codec, bytes, size, &sketch) == HC_OK, "no memory");
        hc_sketch_destroy(&sketch);
    }
    hc_codec_destroy(&codec);
    return now() - begin;
}

static void bench_questions(struct bench *bench)
{
    char error[1200];
    double begin = now();

    bench->store = store_open(&(struct store_options){.path = bench->path}, error, sizeof error);
    check(bench->store, error);
    bench->reader = store_reader_open(bench->path, error, sizeof error);
    check(bench->reader, error);
    printf("opened in %.1f ms\n", (now() - begin) * 1e3);
    for (size_t q = 0; q < sizeof(questions) / sizeof(questions[0]); q++) {
        double asking[ROUNDS], decoding[ROUNDS], first = 0;

        for (int round = 0; round < ROUNDS; round++) {
            asking[round] = time_question(bench, &questions[q]);
            decoding[round] = time_decoding(bench, questions[q].sketches);
            first = round ? first : asking[0];
        }
        printf("%-14s %-14s %6.1f ms (the first %.1f), decoding alone %.1f\n",
               questions[q].name, questions[q].zone, median(asking) * 1e3, first * 1e3,
               median(decoding) * 1e3);
    }
    store_reader_close(&bench->reader);
    store_close(&bench->store);
}

int main(int argc, char **argv)
{
    struct bench *bench = calloc(1, sizeof *bench);
    long days = argc > 2 ? strtol(argv[2], NULL, 10) : 730;

    check(bench && argc > 1 && days > 0, "usage: store_bench FOLDER [DAYS [USERS]]");
    make_sketches(bench, argc > 3 ? strtol(argv[3], NULL, 10) : 8000);
    bench_adding(bench, argv[1]);
    open_store(bench, argv[1], "bench.db");
    fill(bench, days);
    store_close(&bench->store);
    bench_questions(bench);
    bench_http(bench->path, bench->end_s);
    unlink(bench->path);
    for (int kind = 0; kind < KINDS; kind++)
        hc_sketch_destroy(&bench->sketches[kind]);
    free(bench);
    return 0;
}

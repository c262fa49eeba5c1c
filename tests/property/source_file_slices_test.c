/* Goal: however a file is cut into slices, and whoever takes them in whatever turn,
 * each line is handed over once, as a plain walk over the file finds it; what the
 * assignments cover follows each other from the first byte to the last without a gap
 * or an overlap, and one of them tells of the file's end. */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check_main.h"
#include "source.h"
#include "test_folder.h"
#include "test_random.h"

#define FRAME_MAX 300
#define SHARERS_MAX 7
#define CROWD 40 /* so many that every slice is as small as it may be */
#define ROUNDS 400
#define FILES_MAX 4
#define LINES_MAX 20000

static char folder[TEST_FOLDER_ROOM];
static uint64_t state;

static uint64_t number_below(uint64_t bound)
{
    return random_below(&state, bound);
}

static void make(void)
{
    test_folder_make(folder);
}

static void unmake(void)
{
    test_folder_remove(folder);
}

struct line {
    int64_t position, next;
    size_t size;
    uint64_t sum; /* of the bytes, when they are there */
    unsigned file;
};

struct lines {
    struct line at[LINES_MAX];
    size_t count;
};

/* What one assignment covered. */
struct cover {
    unsigned file;
    int64_t from, to;
    bool slice;
};

/* What one source has handed over. */
struct seen {
    struct source *source;
    struct lines lines;
    struct cover covers[LINES_MAX];
    size_t covers_count;
    unsigned file; /* of the present assignment */
    bool finished;
};

struct content {
    char *bytes;
    size_t size;
};

static struct content contents[FILES_MAX];
static char paths[FILES_MAX][TEST_PATH_ROOM];
static struct seen seen[CROWD];
static struct lines truth, all;

static uint64_t sum_of(const char *bytes, size_t size)
{
    uint64_t sum = size;

    for (size_t i = 0; bytes && i < size; i++)
        sum = (sum ^ (unsigned char)bytes[i]) * 0x100000001b3;
    return sum;
}

static void add_line(struct lines *lines, struct line line)
{
    ck_assert_uint_lt(lines->count, LINES_MAX);
    lines->at[lines->count++] = line;
}

/* Byte by byte. */
static void walk(unsigned file)
{
    const struct content *content = &contents[file];
    size_t start = 0;

    while (start < content->size) {
        size_t end = start, next, size;

        while (end < content->size && content->bytes[end] != '\n')
            end++;
        next = end < content->size ? end + 1 : end;
        size = end - start;
        if (size > 0 && content->bytes[end - 1] == '\r')
            size -= next > end;
        add_line(&truth, (struct line){(int64_t)start, (int64_t)next, size,
                                       size <= FRAME_MAX ? sum_of(content->bytes + start, size)
                                                         : sum_of(NULL, size), file});
        start = next;
    }
}

static void write_file(unsigned file)
{
    const struct content *content = &contents[file];
    FILE *stream;

    snprintf(paths[file], sizeof paths[file], "%s/%u", folder, file);
    stream = fopen(paths[file], "w");
    ck_assert(stream != NULL);
    ck_assert_uint_eq(fwrite(content->bytes, 1, content->size, stream), content->size);
    ck_assert_int_eq(fclose(stream), 0);
}

/* Text with lines of all kinds; a few of them longer than many slices. */
static void make_file(unsigned file, size_t size)
{
    struct content *content = &contents[file];
    uint64_t every = 1 + number_below(number_below(4) == 0 ? 3000 : 60);

    free(content->bytes);
    content->bytes = malloc(size + 1);
    content->size = size;
    for (size_t i = 0; i < size; i++)
        content->bytes[i] = number_below(every) == 0   ? '\n'
                            : number_below(every) == 0 ? '\r'
                                                       : (char)('a' + number_below(26));
    write_file(file);
}

/* One step of a source, into what it has seen. */
static void step_on(struct seen *one)
{
    struct source_step step;
    struct cover *cover = &one->covers[one->covers_count];

    source_poll(one->source, 0, &step);
    ck_assert_msg(step.kind != SOURCE_FAILED, "%s", step.kind == SOURCE_FAILED ? step.error : "");
    if (step.kind == SOURCE_ASSIGNED) {
        const char *name = strrchr(step.assignment->topic, '/');

        ck_assert(name != NULL && one->covers_count < LINES_MAX);
        one->file = (unsigned)(name[1] - '0');
        *cover = (struct cover){one->file, step.assignment->partitions[0].start, -1, false};
    }
    for (size_t i = 0; step.kind == SOURCE_MESSAGES && i < step.count; i++) {
        const struct message *m = &step.messages[i];

        ck_assert(m->bytes != NULL || m->size == 0 || m->size > FRAME_MAX);
        add_line(&one->lines, (struct line){m->position, m->next, m->size,
                                            sum_of(m->bytes, m->size),
                                            one->file});
    }
    if (step.kind == SOURCE_AT_END) {
        cover->to = step.position;
        cover->slice = step.slice;
        ck_assert(step.final);
    }
    if (step.kind == SOURCE_REVOKED) {
        ck_assert_int_ge(cover->to, 0);
        one->covers_count++;
        source_release(one->source);
    }
    one->finished = step.kind == SOURCE_FINISHED;
}

static int compare_lines(const void *one, const void *other)
{
    const struct line *a = one, *b = other;

    if (a->file != b->file)
        return a->file < b->file ? -1 : 1;
    return (a->position > b->position) - (a->position < b->position);
}

static int compare_covers(const void *one, const void *other)
{
    const struct cover *a = one, *b = other;

    if (a->file != b->file)
        return a->file < b->file ? -1 : 1;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    /* An empty file's end, or an empty last slice, stands behind its neighbour. */
    return a->slice == b->slice ? 0 : a->slice ? -1 : 1;
}

static void expect_truth(unsigned sharers)
{
    all.count = 0;
    for (unsigned i = 0; i < sharers; i++)
        for (size_t j = 0; j < seen[i].lines.count; j++)
            add_line(&all, seen[i].lines.at[j]);
    qsort(all.at, all.count, sizeof all.at[0], compare_lines);
    ck_assert_uint_eq(all.count, truth.count);
    for (size_t i = 0; i < truth.count; i++) {
        const struct line *line = &all.at[i], *right = &truth.at[i];

        ck_assert(line->file == right->file && line->position == right->position);
        ck_assert(line->next == right->next && line->size == right->size);
        ck_assert(line->sum == right->sum);
    }
}

/* Each file is covered from 0 to its size; its last piece tells so. Returns how many
 * pieces there were. */
static size_t expect_covered(unsigned sharers, unsigned files)
{
    static struct cover covers[LINES_MAX];
    size_t count = 0, at = 0;

    for (unsigned i = 0; i < sharers; i++)
        for (size_t j = 0; j < seen[i].covers_count; j++)
            covers[count++] = seen[i].covers[j];
    qsort(covers, count, sizeof covers[0], compare_covers);
    for (unsigned file = 0; file < files; file++) {
        int64_t reached = 0;
        bool ended = false;

        for (; at < count && covers[at].file == file; at++) {
            ck_assert_int_eq(covers[at].from, reached);
            ck_assert(!ended);
            reached = covers[at].to;
            ended = !covers[at].slice;
        }
        ck_assert(ended);
        ck_assert_int_eq(reached, (int64_t)contents[file].size);
    }
    ck_assert_uint_eq(at, count);
    return count;
}

static struct file_queue *begin(unsigned sharers, unsigned files, int64_t slice_min)
{
    const char *names[FILES_MAX];
    static const char *kept[FILES_MAX];
    char error[300] = "";
    struct file_queue *queue;

    truth.count = 0;
    for (unsigned i = 0; i < files; i++) {
        walk(i);
        names[i] = paths[i];
    }
    memcpy(kept, names, sizeof kept);
    queue = file_queue_create(&(struct file_queue_options){kept, files, sharers, slice_min},
                              error, sizeof error);
    ck_assert_msg(queue != NULL, "%s", error);
    for (unsigned i = 0; i < sharers; i++) {
        struct source_file_options options = {.queue = queue, .frame_max = FRAME_MAX};

        seen[i].lines.count = seen[i].covers_count = 0;
        seen[i].finished = false;
        seen[i].source = source_file_create(&options, error, sizeof error);
        ck_assert_msg(seen[i].source != NULL, "%s", error);
    }
    return queue;
}

static void end(struct file_queue *queue, unsigned sharers)
{
    for (unsigned i = 0; i < sharers; i++)
        source_destroy(&seen[i].source);
    file_queue_destroy(&queue);
    ck_assert(queue == NULL);
}

/* Sources take turns as chance has it. */
static size_t share(unsigned sharers, unsigned files, int64_t slice_min)
{
    struct file_queue *queue = begin(sharers, files, slice_min);
    unsigned left = sharers;
    size_t pieces;

    while (left > 0) {
        struct seen *one = &seen[number_below(sharers)];

        if (one->finished)
            continue;
        step_on(one);
        left -= one->finished;
    }
    expect_truth(sharers);
    pieces = expect_covered(sharers, files);
    end(queue, sharers);
    return pieces;
}

START_TEST(any_slices_of_any_files)
{
    size_t pieces = 0;

    state = 1;
    for (int round = 0; round < ROUNDS; round++) {
        unsigned files = 1 + (unsigned)number_below(FILES_MAX);

        for (unsigned i = 0; i < files; i++)
            make_file(i, number_below(5) == 0 ? 0 : number_below(4000));
        pieces += share(1 + (unsigned)number_below(SHARERS_MAX), files,
                        1 + (int64_t)number_below(300));
    }
    ck_assert_uint_gt(pieces, 10 * ROUNDS);
}
END_TEST

/* A border at each byte of what may stand there. */
START_TEST(a_border_at_every_byte)
{
    static const char *const texts[] = {
        "one\ntwo\nthree\n", "one\r\ntwo\r\n\r\nthree\r\n", "\n\n\n\n\n\n\n\n", "one\ntwo\nthree",
        "a line without an end", "\r\r\n\r\n\rx\r", "x\n",
        "a line that is longer than many slices together, and one\nmore"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        make_file(0, strlen(texts[i]));
        memcpy(contents[0].bytes, texts[i], contents[0].size);
        write_file(0);
        for (int64_t slice_min = 1; slice_min <= (int64_t)contents[0].size; slice_min++)
            for (unsigned sharers = 1; sharers <= SHARERS_MAX; sharers++)
                share(sharers, 1, slice_min);
    }
}
END_TEST

/* Lines that are longer than what is read at once to find a slice's first one; and
 * slices of as much, to the byte. */
START_TEST(lines_of_many_reads)
{
    state = 2;
    for (int round = 0; round < 12; round++) {
        make_file(0, 700000 + number_below(700000));
        for (size_t i = 0; i < contents[0].size; i++)
            if (contents[0].bytes[i] == '\n' && number_below(1000) > 3)
                contents[0].bytes[i] = 'n';
        write_file(0);
        share(2 + (unsigned)number_below(4), 1, 1 + (int64_t)number_below(50000));
        share(CROWD, 1, 16384 * (1 + (int64_t)number_below(3)));
    }
}
END_TEST

static void *read_all(void *one)
{
    while (!((struct seen *)one)->finished)
        step_on(one);
    return NULL;
}

START_TEST(threads_share_as_well)
{
    pthread_t threads[SHARERS_MAX];

    state = 3;
    for (int round = 0; round < 30; round++) {
        for (unsigned i = 0; i < FILES_MAX; i++)
            make_file(i, number_below(60000));
        struct file_queue *queue = begin(SHARERS_MAX, FILES_MAX, 500);
        for (unsigned i = 0; i < SHARERS_MAX; i++)
            ck_assert_int_eq(pthread_create(&threads[i], NULL, read_all, &seen[i]), 0);
        for (unsigned i = 0; i < SHARERS_MAX; i++)
            ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        expect_truth(SHARERS_MAX);
        expect_covered(SHARERS_MAX, FILES_MAX);
        end(queue, SHARERS_MAX);
    }
}
END_TEST

/* Others rely on the size that it had. */
START_TEST(a_file_that_becomes_shorter_is_a_failure)
{
    struct source_step step;

    state = 4;
    make_file(0, 15000);
    struct file_queue *queue = begin(2, 1, 1000);
    do
        source_poll(seen[0].source, 0, &step);
    while (step.kind != SOURCE_MESSAGES);
    ck_assert_int_eq(truncate(paths[0], 10), 0);
    for (int i = 0; i < 1000 && step.kind != SOURCE_FAILED; i++) {
        source_poll(seen[1].source, 0, &step);
        if (step.kind == SOURCE_REVOKED)
            source_release(seen[1].source);
    }
    ck_assert_int_eq(step.kind, SOURCE_FAILED);
    ck_assert_ptr_nonnull(strstr(step.error, "shorter"));
    end(queue, 2);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 240);
    tcase_add_unchecked_fixture(tcase, make, unmake);
    tcase_add_test(tcase, any_slices_of_any_files);
    tcase_add_test(tcase, a_border_at_every_byte);
    tcase_add_test(tcase, lines_of_many_reads);
    tcase_add_test(tcase, threads_share_as_well);
    tcase_add_test(tcase, a_file_that_becomes_shorter_is_a_failure);
}

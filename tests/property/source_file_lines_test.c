/* Goal: whatever the bytes, the sizes of reads and the sizes of batches, the
 * splitter finds the lines that a plain walk over all bytes finds, holds no
 * more memory than its header says, and tells longer lines by their size; the
 * address of a byte is its position, modulo 64. */
#include "source_file_lines.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "test_random.h"

#define ROUNDS 200
#define MOST_LINES 20000

static uint64_t state;

static uint64_t number_below(uint64_t bound)
{
    return random_below(&state, bound);
}

struct bytes {
    char *at;
    size_t size;
};

/* Mostly line ends, or mostly not, with lengths about `frame_max`. */
static struct bytes random_bytes(size_t size, size_t frame_max)
{
    struct bytes bytes = {.at = malloc(size + 1), .size = size};
    size_t i = 0;

    ck_assert(bytes.at != NULL);
    while (i < size) {
        size_t run = number_below(4) == 0 ? frame_max - 3 + number_below(7) : number_below(9);

        for (; run > 0 && i < size; run--)
            bytes.at[i++] = "ab\r\0"[number_below(4)];
        if (i < size && number_below(2) == 0)
            bytes.at[i++] = '\r';
        if (i < size)
            bytes.at[i++] = '\n';
    }
    return bytes;
}

struct line {
    size_t start, size, next;
};

/* The plain walk. */
static size_t true_lines(struct bytes bytes, struct line *lines)
{
    size_t count = 0, start = 0;

    for (size_t i = 0; i < bytes.size; i++) {
        if (bytes.at[i] != '\n')
            continue;
        lines[count] = (struct line){start, i - start, i + 1};
        if (i > start && bytes.at[i - 1] == '\r')
            lines[count].size--;
        count++;
        start = i + 1;
    }
    if (start < bytes.size)
        lines[count++] = (struct line){start, bytes.size - start, bytes.size};
    return count;
}

static void expect_line(const struct message *message, struct line line, struct bytes bytes,
                        size_t frame_max)
{
    ck_assert_int_eq(message->position, (int64_t)line.start);
    ck_assert_int_eq(message->next, (int64_t)line.next);
    ck_assert_uint_eq(message->size, line.size);
    if (line.size == 0 || line.size > frame_max)
        ck_assert(message->bytes == NULL);
    else
        ck_assert(memcmp(message->bytes, bytes.at + line.start, line.size) == 0);
}

/* Splits `bytes` in reads of at most `read_max`, batches of at most `batch`. */
static size_t check_split(struct bytes bytes, size_t frame_max, size_t read_max, size_t batch,
                          const struct line *lines, size_t count)
{
    struct file_lines splitter;
    struct message messages[64];
    size_t given = 0, seen = 0, found, room;

    ck_assert(file_lines_init(&splitter, frame_max));
    while (given < bytes.size) {
        char *into = file_lines_room(&splitter, &room);
        size_t take = 1 + number_below(read_max);

        ck_assert_uint_eq((uintptr_t)into % 64, given % 64);
        take = take < room ? take : room;
        take = take < bytes.size - given ? take : bytes.size - given;
        memcpy(into, bytes.at + given, take);
        file_lines_added(&splitter, take);
        given += take;
        while ((found = file_lines_split(&splitter, messages, batch)) > 0)
            for (size_t i = 0; i < found; i++, seen++)
                expect_line(&messages[i], lines[seen], bytes, frame_max);
        ck_assert_uint_le(splitter.room, frame_max + 1 + 256 * 1024);
    }
    if (file_lines_last(&splitter, messages)) {
        expect_line(&messages[0], lines[seen], bytes, frame_max);
        seen++;
    }
    ck_assert(!file_lines_last(&splitter, messages));
    ck_assert_int_eq(splitter.position, (int64_t)bytes.size);
    file_lines_free(&splitter);
    ck_assert_uint_eq(seen, count);
    return seen;
}

START_TEST(small_lines_in_any_reads)
{
    struct line *lines = malloc(MOST_LINES * sizeof *lines);

    for (int round = 0; round < ROUNDS; round++) {
        size_t frame_max = 4 + number_below(40);
        struct bytes bytes = random_bytes(number_below(MOST_LINES), frame_max);
        size_t count = true_lines(bytes, lines);

        check_split(bytes, frame_max, 1 + number_below(100), 1 + number_below(64), lines, count);
        free(bytes.at);
    }
    free(lines);
}
END_TEST

/* Around the size of the buffer, which has to move and to grow. */
START_TEST(large_lines_in_any_reads)
{
    static const size_t sizes[] = {131072, 262143, 262144, 262145, 524288, 700001};
    struct line *lines = malloc(MOST_LINES * sizeof *lines);

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct bytes bytes = random_bytes(5 * sizes[i], sizes[i]);
        size_t count = true_lines(bytes, lines);

        ck_assert_uint_le(count, MOST_LINES);
        check_split(bytes, sizes[i], 300000, 64, lines, count);
        check_split(bytes, sizes[i] / 2, 300000, 3, lines, count);
        check_split(bytes, 16, 65536, 64, lines, count);
        free(bytes.at);
    }
    free(lines);
}
END_TEST

/* A line of 50 MB is counted, not kept; its '\r' stands alone in a read. */
START_TEST(endless_line_takes_no_memory)
{
    struct file_lines splitter;
    struct message message;
    size_t room, size = 0;

    ck_assert(file_lines_init(&splitter, 1024));
    while (size < 50000000) {
        char *into = file_lines_room(&splitter, &room);

        memset(into, 'x', room);
        file_lines_added(&splitter, room);
        size += room;
        ck_assert_uint_eq(file_lines_split(&splitter, &message, 1), 0);
    }
    for (const char *end = "\r\n"; *end; end++) {
        *file_lines_room(&splitter, &room) = *end;
        file_lines_added(&splitter, 1);
        ck_assert_uint_eq(file_lines_split(&splitter, &message, 1), *end == '\n');
    }
    ck_assert_uint_eq(splitter.room, 256 * 1024);
    ck_assert_uint_eq(message.size, size);
    ck_assert_int_eq(message.next, (int64_t)size + 2);
    ck_assert(message.bytes == NULL);
    file_lines_free(&splitter);
}
END_TEST

/* It grows to another place, since something else lies behind it. */
START_TEST(bytes_keep_their_place_in_a_buffer_that_grows)
{
    char *behind[ROUNDS];
    size_t room;

    for (size_t i = 0; i < ROUNDS; i++) {
        struct file_lines splitter;
        struct message message;

        ck_assert(file_lines_init(&splitter, 1000000));
        behind[i] = malloc(5000 + 16 * i);
        for (size_t size = 0; size < 1000000; size += room) {
            char *into = file_lines_room(&splitter, &room);

            ck_assert_uint_eq((uintptr_t)into % 64, size % 64);
            memset(into, 'x', room);
            file_lines_added(&splitter, room);
            ck_assert_uint_eq(file_lines_split(&splitter, &message, 1), 0);
        }
        file_lines_free(&splitter);
    }
    for (size_t i = 0; i < ROUNDS; i++)
        free(behind[i]);
}
END_TEST

START_TEST(reset_starts_anew)
{
    struct file_lines splitter;
    struct message message;
    size_t room;
    char *into;

    ck_assert(file_lines_init(&splitter, 4));
    memcpy(file_lines_room(&splitter, &room), "abcdefgh", 8);
    file_lines_added(&splitter, 8);
    ck_assert_uint_eq(file_lines_split(&splitter, &message, 1), 0);
    file_lines_reset(&splitter, 1005, INT64_MAX);
    into = file_lines_room(&splitter, &room);
    ck_assert_uint_eq((uintptr_t)into % 64, 1005 % 64);
    memcpy(into, "x\n", 2);
    file_lines_added(&splitter, 2);
    ck_assert_uint_eq(file_lines_split(&splitter, &message, 1), 1);
    ck_assert_int_eq(message.position, 1005);
    ck_assert_uint_eq(message.size, 1);
    file_lines_free(&splitter);
}
END_TEST

void add_cases(TCase *tcase)
{
    /* Else what is large has pages of its own, and one place in the first of them. */
    mallopt(M_MMAP_THRESHOLD, 32 * 1024 * 1024);
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, small_lines_in_any_reads);
    tcase_add_test(tcase, large_lines_in_any_reads);
    tcase_add_test(tcase, endless_line_takes_no_memory);
    tcase_add_test(tcase, bytes_keep_their_place_in_a_buffer_that_grows);
    tcase_add_test(tcase, reset_starts_anew);
}

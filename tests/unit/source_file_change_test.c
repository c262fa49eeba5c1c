/* Goal: a file that changes while it is read. What was handed over stays as it was; a
 * file that became shorter is a failure behind its last whole line, whoever reads it; one
 * that grew is read on; one that was cut behind what was read has an end. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "check_main.h"
#include "source.h"
#include "test_folder.h"

#define LINE 16 /* bytes, with the line end */
#define LINES 65536
#define WAIT_MS 10000

static char folder[TEST_FOLDER_ROOM], path[TEST_PATH_ROOM];
static struct source *source;
static struct source_step step;
static size_t lines; /* seen */

static void make(void)
{
    test_folder_make(folder);
    snprintf(path, sizeof path, "%s/file", folder);
}

static void unmake(void)
{
    test_folder_remove(folder);
}

static void write_lines(size_t from, size_t count, const char *mode)
{
    FILE *file = fopen(path, mode);

    ck_assert(file != NULL);
    for (size_t i = from; i < from + count; i++)
        fprintf(file, "line %010zu\n", i);
    ck_assert_int_eq(ferror(file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void begin(const char *name)
{
    static const char *paths[1];
    struct source_file_options options = {.paths = paths, .count = 1, .frame_max = 100};
    char error[1024] = "";

    paths[0] = name;
    lines = 0;
    source = source_file_create(&options, error, sizeof error);
    ck_assert_msg(source != NULL, "%s", error);
    source_poll(source, WAIT_MS, &step);
    ck_assert_int_eq(step.kind, SOURCE_ASSIGNED);
}

/* The lines of the step, which have to be those of the file. */
static void expect_lines(void)
{
    bool right = true;

    for (size_t i = 0; i < step.count; i++, lines++) {
        const struct message *message = &step.messages[i];
        char line[LINE + 1];

        snprintf(line, sizeof line, "line %010zu", lines);
        right = right && message->position == (int64_t)(lines * LINE) &&
                message->size == LINE - 1 && memcmp(message->bytes, line, LINE - 1) == 0;
    }
    ck_assert_msg(right, "among the lines up to %zu", lines);
}

static void read_some(void)
{
    source_poll(source, WAIT_MS, &step);
    ck_assert_int_eq(step.kind, SOURCE_MESSAGES);
}

/* All that is left, up to what is no line. */
static void read_on(void)
{
    for (source_poll(source, WAIT_MS, &step); step.kind == SOURCE_MESSAGES;
         source_poll(source, WAIT_MS, &step))
        expect_lines();
}

static void end(void)
{
    source_close(source);
    source_poll(source, WAIT_MS, &step);
    if (step.kind == SOURCE_REVOKED)
        source_release(source);
    source_destroy(&source);
}

static void expect_cut(void)
{
    char error[1024];

    snprintf(error, sizeof error, "%s: became shorter while it was read behind byte ", path);
    ck_assert_msg(step.kind == SOURCE_FAILED, "step %d", step.kind);
    ck_assert_msg(strncmp(step.error, error, strlen(error)) == 0, "%s", step.error);
    ck_assert_uint_gt(lines, 0);
    ck_assert_uint_lt(lines, LINES);
    end();
}

START_TEST(lines_in_hand_outlive_the_file)
{
    write_lines(0, LINES, "w");
    begin(path);
    read_some();
    ck_assert_int_eq(truncate(path, 0), 0);
    expect_lines();
    read_on();
    expect_cut();
}
END_TEST

/* Wherever it is cut: on a page, in the middle of a line, behind one. */
START_TEST(a_shorter_file_is_a_failure)
{
    static const int64_t sizes[] = {0, 1, 4096, 262144, 300000, 524288, 524289, 524303,
                                    (int64_t)LINES * LINE - 1};

    write_lines(0, LINES, "w");
    begin(path);
    read_some();
    expect_lines();
    ck_assert_int_eq(truncate(path, sizes[_i]), 0);
    read_on();
    ck_assert_int_ge((int64_t)((lines + 1) * LINE), sizes[_i]);
    expect_cut();
}
END_TEST

START_TEST(a_shorter_stdin_is_one_too)
{
    int fd;

    write_lines(0, LINES, "w");
    fd = open(path, O_RDONLY);
    ck_assert_int_eq(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    close(fd);
    begin("-");
    read_some();
    expect_lines();
    ck_assert_int_eq(truncate(path, 300000), 0);
    read_on();
    ck_assert_int_eq(step.kind, SOURCE_FAILED);
    ck_assert_ptr_nonnull(strstr(step.error, "-: became shorter"));
    end();
}
END_TEST

/* At the end of a member, where the format itself misses nothing. */
START_TEST(a_shorter_archive_is_one_too)
{
    enum { MEMBER = 20000 };
    char line[LINE + 1];
    int64_t member_ends = 0;
    FILE *file;

    unlink(path);
    for (size_t member = 0; member < LINES / MEMBER; member++) {
        gzFile archive = gzopen(path, "ab0");

        ck_assert(archive != NULL);
        for (size_t i = member * MEMBER; i < (member + 1) * MEMBER; i++) {
            snprintf(line, sizeof line, "line %010zu\n", i);
            gzwrite(archive, line, LINE);
        }
        ck_assert_int_eq(gzclose(archive), Z_OK);
        if (member == 1) {
            file = fopen(path, "r");
            ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
            member_ends = ftell(file);
            fclose(file);
        }
    }
    begin(path);
    read_some();
    expect_lines();
    ck_assert_int_eq(truncate(path, member_ends), 0);
    read_on();
    ck_assert_uint_eq(lines, (size_t)2 * MEMBER);
    expect_cut();
}
END_TEST

START_TEST(a_longer_file_is_read_on)
{
    write_lines(0, LINES, "w");
    begin(path);
    read_some();
    expect_lines();
    write_lines(LINES, LINES, "a");
    read_on();
    ck_assert_int_eq(step.kind, SOURCE_AT_END);
    ck_assert_uint_eq(lines, (size_t)2 * LINES);
    ck_assert_int_eq(step.position, (int64_t)(lines * LINE));
    end();
}
END_TEST

/* All of it is in the buffer already. */
START_TEST(a_file_that_was_read_may_go)
{
    write_lines(0, 2000, "w");
    begin(path);
    read_some();
    expect_lines();
    ck_assert_int_eq(truncate(path, 0), 0);
    read_on();
    ck_assert_int_eq(step.kind, SOURCE_AT_END);
    ck_assert_uint_eq(lines, 2000);
    end();
}
END_TEST

/* 4,096 bytes by its name, and a few in truth. */
START_TEST(a_size_that_was_never_true_is_no_failure)
{
    begin("/sys/kernel/fscaps");
    read_some();
    ck_assert_uint_eq(step.count, 1);
    read_on();
    ck_assert_int_eq(step.kind, SOURCE_AT_END);
    end();
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_add_unchecked_fixture(tcase, make, unmake);
    tcase_add_test(tcase, lines_in_hand_outlive_the_file);
    tcase_add_loop_test(tcase, a_shorter_file_is_a_failure, 0, 9);
    tcase_add_test(tcase, a_shorter_stdin_is_one_too);
    tcase_add_test(tcase, a_shorter_archive_is_one_too);
    tcase_add_test(tcase, a_longer_file_is_read_on);
    tcase_add_test(tcase, a_file_that_was_read_may_go);
    tcase_add_test(tcase, a_size_that_was_never_true_is_no_failure);
}

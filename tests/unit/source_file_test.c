/* Goal: files and stdin come as the steps that source.h promises, in their
 * order, whatever the file: empty, vanished, a directory, unreadable, damaged,
 * a pipe that says nothing. The lines themselves are the property test's. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "check_main.h"
#include "clock.h"
#include "source.h"
#include "test_folder.h"

static char folder[TEST_FOLDER_ROOM];
static char error[5000];
static struct source_step step;

static void make(void)
{
    test_folder_make(folder);
}

static void unmake(void)
{
    test_folder_remove(folder);
}

/* The path of a file with these bytes; released by free(). */
static char *file_of(const char *name, const void *bytes, size_t size)
{
    char *path;
    FILE *file;

    ck_assert(asprintf(&path, "%s/%s", folder, name) > 0);
    file = fopen(path, "w");
    ck_assert(file != NULL);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

static char *text_file(const char *name, const char *text)
{
    return file_of(name, text, strlen(text));
}

static struct source *source_of(const char *const *paths, size_t count)
{
    struct source_file_options options = {.paths = paths, .count = count, .frame_max = 1000};

    error[0] = '\0';
    return source_file_create(&options, error, sizeof error);
}

/* What comes is waited for; that nothing comes is told without. */
static void expect(struct source *source, enum source_kind kind)
{
    source_poll(source, kind == SOURCE_NOTHING ? 0 : 10000, &step);
    ck_assert_msg(step.kind == kind, "step %d, not %d (%s)", step.kind, kind,
                  step.kind == SOURCE_FAILED ? step.error : "");
}

static void expect_lines(struct source *source, size_t count, const char *const *lines)
{
    expect(source, SOURCE_MESSAGES);
    ck_assert_uint_eq(step.count, count);
    for (size_t i = 0; i < count; i++) {
        const struct message *message = &step.messages[i];

        ck_assert_uint_eq(message->size, strlen(lines[i]));
        ck_assert(message->size == 0 || memcmp(message->bytes, lines[i], message->size) == 0);
        ck_assert(message->size > 0 || message->bytes == NULL);
        ck_assert(message->key == NULL && message->slot == 0);
        ck_assert_int_eq(message->timestamp_ms, MESSAGE_NO_TIMESTAMP);
    }
}

START_TEST(two_files_are_two_assignments)
{
    const char *first[] = {"a", "", "b", "c\r"};
    char *paths[] = {text_file("one", "a\n\r\nb\r\nc\r"), text_file("two", "d\n")};
    struct source *source = source_of((const char *const *)paths, 2);
    struct stat stat_one;
    char topic[TEST_PATH_ROOM + 64];

    ck_assert_msg(source != NULL, "%s", error);
    expect(source, SOURCE_ASSIGNED);
    ck_assert_int_eq(stat(paths[0], &stat_one), 0);
    snprintf(topic, sizeof topic, "%s size=9 mtime=%lld", paths[0], (long long)stat_one.st_mtime);
    ck_assert_str_eq(step.assignment->topic, topic);
    ck_assert_str_eq(step.assignment->cluster, "file");
    ck_assert_int_eq(step.assignment->partitions_total, 1);
    ck_assert_uint_eq(step.assignment->count, 1);
    ck_assert_int_eq(step.assignment->partitions[0].partition, 0);
    ck_assert_int_eq(step.assignment->partitions[0].start, 0);
    ck_assert(!step.assignment->partitions[0].resumed);
    ck_assert(step.assignment->partitions[0].metadata == NULL);
    ck_assert_int_eq(source_end_confirmed_ms(source, 0), -1);

    expect_lines(source, 3, first);
    ck_assert_int_eq(step.messages[1].position, 2);
    ck_assert_int_eq(step.messages[1].next, 4);
    expect_lines(source, 1, first + 3);
    ck_assert_int_eq(step.messages[0].position, 7);
    ck_assert_int_eq(step.messages[0].next, 9);
    expect(source, SOURCE_AT_END);
    ck_assert_int_eq(step.position, 9);
    ck_assert_uint_eq(step.slot, 0);
    ck_assert(step.final);
    ck_assert_int_ge(source_end_confirmed_ms(source, 0), 0);
    ck_assert_int_eq(source_lag(source, 0), -1);
    expect(source, SOURCE_REVOKED);
    expect(source, SOURCE_NOTHING);
    source_release(source);

    expect(source, SOURCE_ASSIGNED);
    ck_assert(strstr(step.assignment->topic, "/two size=2 mtime=") != NULL);
    ck_assert_int_eq(source_end_confirmed_ms(source, 0), -1);
    expect_lines(source, 1, (const char *[]){"d"});
    ck_assert_int_eq(step.messages[0].position, 0);
    expect(source, SOURCE_AT_END);
    expect(source, SOURCE_REVOKED);
    source_release(source);
    expect(source, SOURCE_FINISHED);
    expect(source, SOURCE_FINISHED);
    source_destroy(&source);
    ck_assert(source == NULL);
    free(paths[0]);
    free(paths[1]);
}
END_TEST

START_TEST(empty_file_has_an_end_alone)
{
    char *path = text_file("empty", "");
    struct source *source = source_of((const char *const *)&path, 1);

    ck_assert_msg(source != NULL, "%s", error);
    expect(source, SOURCE_ASSIGNED);
    expect(source, SOURCE_AT_END);
    ck_assert_int_eq(step.position, 0);
    expect(source, SOURCE_REVOKED);
    source_release(source);
    expect(source, SOURCE_FINISHED);
    source_destroy(&source);
    free(path);
}
END_TEST

START_TEST(no_paths_are_finished)
{
    struct source *source = source_of(NULL, 0);

    ck_assert(source != NULL);
    expect(source, SOURCE_FINISHED);
    source_destroy(&source);
}
END_TEST

START_TEST(wrong_paths_are_told_at_once)
{
    char *good = text_file("good", "a\n");
    const char *missing[] = {good, "/nowhere/at/all"};
    const char *directory[] = {folder, good};

    ck_assert(source_of(missing, 2) == NULL);
    ck_assert_str_eq(error, "/nowhere/at/all: No such file or directory");
    ck_assert(source_of(directory, 2) == NULL);
    ck_assert(strstr(error, folder) == error && strstr(error, "Is a directory") != NULL);
    free(good);
}
END_TEST

START_TEST(file_that_vanishes_fails)
{
    char *path = text_file("gone", "a\n");
    struct source *source = source_of((const char *const *)&path, 1);

    ck_assert(source != NULL);
    ck_assert_int_eq(unlink(path), 0);
    expect(source, SOURCE_FAILED);
    ck_assert(strstr(step.error, path) == step.error);
    ck_assert(strstr(step.error, "No such file") != NULL);
    int64_t told_ms = clock_monotonic_ms();
    source_poll(source, 20, &step); /* again, but no busy loop */
    ck_assert(step.kind == SOURCE_FAILED && clock_monotonic_ms() - told_ms >= 20);
    source_close(source);
    expect(source, SOURCE_FINISHED);
    source_destroy(&source);
    free(path);
}
END_TEST

/* The kernel answers a read of address 0 with EIO. */
START_TEST(read_error_names_path_and_position)
{
    const char *path = "/proc/self/mem";
    struct source *source = source_of(&path, 1);

    ck_assert_msg(source != NULL, "%s", error);
    expect(source, SOURCE_ASSIGNED);
    expect(source, SOURCE_FAILED);
    ck_assert_str_eq(step.error,
                     "/proc/self/mem: can't be read: Input/output error behind byte 0");
    source_close(source);
    expect(source, SOURCE_REVOKED);
    source_release(source);
    expect(source, SOURCE_FINISHED);
    source_destroy(&source);
}
END_TEST

/* Of `size` bytes and an abrupt end: a gzip header and nothing more. */
START_TEST(truncated_gzip_fails_behind_its_lines)
{
    static const unsigned char header[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
    char *path = file_of("cut.gz", header, sizeof header);
    struct source *source = source_of((const char *const *)&path, 1);

    ck_assert(source != NULL);
    expect(source, SOURCE_ASSIGNED);
    expect(source, SOURCE_FAILED);
    ck_assert(strstr(step.error, "gzip data is truncated behind byte 0") != NULL);
    source_destroy(&source);
    free(path);
}
END_TEST

START_TEST(held_source_gives_no_lines_and_loses_none)
{
    char *path = text_file("held", "a\nb\n");
    struct source *source = source_of((const char *const *)&path, 1);
    const struct message *messages;

    ck_assert(source != NULL);
    source_hold(source, true);
    expect(source, SOURCE_ASSIGNED);
    expect(source, SOURCE_NOTHING);
    source_hold(source, false);
    expect_lines(source, 2, (const char *[]){"a", "b"});
    messages = step.messages;
    source_hold(source, true);
    expect(source, SOURCE_NOTHING);
    ck_assert(memcmp(messages[1].bytes, "b", 1) == 0);
    source_hold(source, false);
    expect(source, SOURCE_AT_END);
    source_destroy(&source);
    free(path);
}
END_TEST

START_TEST(close_revokes_and_finishes)
{
    char *paths[] = {text_file("one", "a\n"), text_file("two", "b\n")};
    struct source *source = source_of((const char *const *)paths, 2);

    ck_assert(source != NULL);
    expect(source, SOURCE_ASSIGNED);
    source_close(source);
    expect(source, SOURCE_REVOKED);
    source_release(source);
    expect(source, SOURCE_FINISHED);
    source_destroy(&source);
    free(paths[0]);
    free(paths[1]);
}
END_TEST

START_TEST(commit_is_answered)
{
    char *path = text_file("commit", "a\n");
    struct source *source = source_of((const char *const *)&path, 1);
    struct source_position position = {.slot = 0, .position = 2};

    ck_assert(source != NULL);
    expect(source, SOURCE_ASSIGNED);
    ck_assert(source_commit(source, &position, 1, "x"));
    expect(source, SOURCE_COMMITTED);
    ck_assert(step.error == NULL);
    expect_lines(source, 1, (const char *[]){"a"});
    source_destroy(&source);
    free(path);
}
END_TEST

/* A pipe in the place of stdin; its writing end. */
static int pipe_as_stdin(void)
{
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    close(ends[0]);
    return ends[1];
}

static void put(int fd, const char *text)
{
    ck_assert_int_eq(write(fd, text, strlen(text)), (int)strlen(text));
}

START_TEST(stdin_gives_what_has_come)
{
    const char *path = "-";
    int fd = pipe_as_stdin();
    int64_t before_ms = clock_wall_ms();
    struct source *source = source_of(&path, 1);
    long long epoch_ms = 0;

    ck_assert(source != NULL);
    expect(source, SOURCE_ASSIGNED);
    ck_assert_int_eq(sscanf(step.assignment->topic, "- epoch=%lld", &epoch_ms), 1);
    ck_assert_int_ge(epoch_ms, before_ms);
    expect(source, SOURCE_NOTHING);
    put(fd, "(");
    expect(source, SOURCE_NOTHING);
    put(fd, "one\ntw");
    expect_lines(source, 1, (const char *[]){"(one"});
    expect(source, SOURCE_NOTHING);
    ck_assert_int_eq(source_end_confirmed_ms(source, 0), -1);
    put(fd, "o");
    close(fd);
    expect_lines(source, 1, (const char *[]){"two"});
    expect(source, SOURCE_AT_END);
    ck_assert_int_eq(step.position, 8);
    source_destroy(&source);
    ck_assert_int_eq(fcntl(STDIN_FILENO, F_GETFD), 0);
}
END_TEST

/* So many that a zstd block of 128 KiB ends in the third buffer of 256 KiB, but
 * began in the second: what did not fit waits in the decoder. */
#define FLUSHED_LINES 7864
#define FLUSHED_LINE 100

/* As a writer of logs does it: compressed and flushed, but not ended. */
static size_t compress_flushed(const char *text, size_t size, char *into, size_t room, bool zstd)
{
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)text, .avail_in = (unsigned)size,
                  .next_out = (unsigned char *)into, .avail_out = (unsigned)room};
    ZSTD_CCtx *context = ZSTD_createCCtx();
    ZSTD_inBuffer in = {text, size, 0};
    ZSTD_outBuffer out = {into, room, 0};

    if (zstd) {
        ck_assert_uint_eq(ZSTD_compressStream2(context, &out, &in, ZSTD_e_flush), 0);
    } else {
        ck_assert_int_eq(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, 0), Z_OK);
        ck_assert_int_eq(deflate(&z, Z_SYNC_FLUSH), Z_OK);
        out.pos = z.total_out;
        deflateEnd(&z);
    }
    ZSTD_freeCCtx(context);
    return out.pos;
}

START_TEST(compressed_pipe_gives_what_has_come)
{
    const char *path = "-";
    int fd = pipe_as_stdin();
    struct source *source = source_of(&path, 1);
    char *text = malloc(FLUSHED_LINE * FLUSHED_LINES), *archive = malloc(65536);
    size_t lines = 0, size;

    memset(text, 'x', FLUSHED_LINE * FLUSHED_LINES);
    for (size_t i = 1; i <= FLUSHED_LINES; i++)
        text[i * FLUSHED_LINE - 1] = '\n';
    size = compress_flushed(text, FLUSHED_LINE * FLUSHED_LINES, archive, 65536, _i == 1);
    ck_assert_uint_lt(size, 65536);
    ck_assert_int_eq(write(fd, archive, size), (int)size);
    expect(source, SOURCE_ASSIGNED);
    for (; lines < FLUSHED_LINES; lines += step.count)
        expect(source, SOURCE_MESSAGES);
    ck_assert_uint_eq(lines, FLUSHED_LINES);
    expect(source, SOURCE_NOTHING);
    close(fd);
    expect(source, SOURCE_FAILED);
    ck_assert(strstr(step.error, "truncated behind byte 786400") != NULL);
    source_destroy(&source);
    free(text);
    free(archive);
}
END_TEST

START_TEST(closed_stdin_is_an_error)
{
    const char *path = "-";

    close(STDIN_FILENO);
    ck_assert(source_of(&path, 1) == NULL);
    ck_assert_str_eq(error, "-: Bad file descriptor");
}
END_TEST

/* Neither its creation nor a poll waits for a writer, and the first reader to
 * open a FIFO is the one that reads it: its writer never sees it closed. */
START_TEST(fifo_waits_for_its_writer)
{
    char path[TEST_PATH_ROOM];
    const char *paths[] = {path};
    struct source *source;
    int fd;

    snprintf(path, sizeof path, "%s/fifo", folder);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    source = source_of(paths, 1);
    ck_assert(source != NULL);
    fd = open(path, O_WRONLY | O_NONBLOCK);
    ck_assert_int_ge(fd, 0);
    expect(source, SOURCE_ASSIGNED);
    ck_assert(strstr(step.assignment->topic, "/fifo epoch=") != NULL);
    expect(source, SOURCE_NOTHING);
    put(fd, "a\n");
    expect_lines(source, 1, (const char *[]){"a"});
    close(fd);
    expect(source, SOURCE_AT_END);
    source_destroy(&source);
}
END_TEST

START_TEST(fifo_without_a_writer_is_not_at_its_end)
{
    char path[TEST_PATH_ROOM];
    const char *paths[] = {path};
    struct source *source;

    snprintf(path, sizeof path, "%s/quiet", folder);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    source = source_of(paths, 1);
    ck_assert(source != NULL);
    expect(source, SOURCE_ASSIGNED);
    expect(source, SOURCE_NOTHING);
    source_close(source);
    expect(source, SOURCE_REVOKED);
    source_destroy(&source);
}
END_TEST

START_TEST(more_files_than_descriptors)
{
    enum { FILES = 200 };
    struct rlimit limit = {.rlim_cur = 24, .rlim_max = 24};
    char *path = text_file("many", "a\n");
    const char *paths[FILES];
    struct source *source;

    for (size_t i = 0; i < FILES; i++)
        paths[i] = path;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    source = source_of(paths, FILES);
    ck_assert_msg(source != NULL, "%s", error);
    for (size_t i = 0; i < FILES; i++) {
        expect(source, SOURCE_ASSIGNED);
        expect_lines(source, 1, (const char *[]){"a"});
        expect(source, SOURCE_AT_END);
        expect(source, SOURCE_REVOKED);
        source_release(source);
    }
    expect(source, SOURCE_FINISHED);
    source_destroy(&source);
    free(path);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 60);
    tcase_add_unchecked_fixture(tcase, make, unmake);
    tcase_add_test(tcase, two_files_are_two_assignments);
    tcase_add_test(tcase, empty_file_has_an_end_alone);
    tcase_add_test(tcase, no_paths_are_finished);
    tcase_add_test(tcase, wrong_paths_are_told_at_once);
    tcase_add_test(tcase, file_that_vanishes_fails);
    tcase_add_test(tcase, read_error_names_path_and_position);
    tcase_add_test(tcase, truncated_gzip_fails_behind_its_lines);
    tcase_add_test(tcase, held_source_gives_no_lines_and_loses_none);
    tcase_add_test(tcase, close_revokes_and_finishes);
    tcase_add_test(tcase, commit_is_answered);
    tcase_add_test(tcase, stdin_gives_what_has_come);
    tcase_add_loop_test(tcase, compressed_pipe_gives_what_has_come, 0, 2);
    tcase_add_test(tcase, closed_stdin_is_an_error);
    tcase_add_test(tcase, fifo_waits_for_its_writer);
    tcase_add_test(tcase, fifo_without_a_writer_is_not_at_its_end);
    tcase_add_test(tcase, more_files_than_descriptors);
}

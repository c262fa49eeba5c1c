/* Goal: a token comes back when its line is in the file and synced, and only
 * then; an outage of the disk (full, over a limit, failing syncs) loses no line
 * and no token, is told, ends by itself, and holds the writer back meanwhile; no
 * half line stays, and a torn last line never melts into the next one. What is
 * given up comes back as failed, and never turns up later. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_main.h"
#include "clock.h"
#include "emit.h"
#include "limits.h"
#include "test_folder.h"

static char folder[TEST_FOLDER_ROOM], path[TEST_PATH_ROOM];
static char error[1024];
static struct emit_ack acks[LIMIT_RECORDS_IN_FLIGHT];
static int syncs, sync_error;

/* In the place of libc's: counts, and fails on demand. */
int fdatasync(int fd)
{
    (void)fd;
    syncs++;
    errno = sync_error;
    return sync_error ? -1 : 0;
}

static void make(void)
{
    test_folder_make(folder);
}

static void unmake(void)
{
    test_folder_remove(folder);
}

static struct emit *emit_on(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return emit_file_create(path, error, sizeof error);
}

static enum emit_result produce(struct emit *emit, const char *value, uint64_t token)
{
    struct emit_record record = {.value = value, .value_size = strlen(value), .token = token};

    return emit_produce(emit, &record);
}

static void expect_content(const char *expected)
{
    static char text[10000];
    FILE *file = fopen(path, "r");
    size_t size = fread(text, 1, sizeof text - 1, file);

    text[size] = '\0';
    fclose(file);
    ck_assert_str_eq(text, expected);
}

START_TEST(appends_and_syncs_before_acknowledging)
{
    struct emit *emit = emit_on("plain");

    ck_assert_msg(emit != NULL, "%s", error);
    ck_assert_int_eq(produce(emit, "one", 1), EMIT_OK);
    ck_assert_int_eq(produce(emit, "two", 2), EMIT_OK);
    ck_assert_int_eq(syncs, 0);
    ck_assert_uint_eq(emit_poll(emit, 1000, acks, 10), 2);
    ck_assert_int_eq(syncs, 1);
    ck_assert(acks[0].token == 1 && acks[1].token == 2 && acks[1].error == NULL);
    expect_content("one\ntwo\n");
    ck_assert_uint_eq(emit_poll(emit, 1000, acks, 10), 0);
    ck_assert_int_eq(syncs, 1);
    emit_destroy(&emit);

    emit = emit_on("plain");
    ck_assert_int_eq(produce(emit, "three", 3), EMIT_OK);
    ck_assert_uint_eq(emit_poll(emit, 1, acks, 10), 1);
    expect_content("one\ntwo\nthree\n");
    emit_destroy(&emit);
}
END_TEST

/* A caller that does not wait shares syncs, but gets its tokens without
 * waiting. */
START_TEST(polling_alone_acknowledges_in_the_end)
{
    struct emit *emit = emit_on("polled");
    int64_t start_ms = clock_monotonic_ms();
    size_t back = 0;

    for (uint64_t token = 0; token < 100; token++) {
        ck_assert_int_eq(produce(emit, "one", token), EMIT_OK);
        back += emit_poll(emit, 0, acks, 200);
    }
    while (back < 100)
        back += emit_poll(emit, 0, acks, 200);
    ck_assert_int_le(syncs, 1 + (clock_monotonic_ms() - start_ms) / 200);
    emit_destroy(&emit);
}
END_TEST

START_TEST(torn_line_is_ended)
{
    struct emit *emit;
    FILE *file;

    snprintf(path, sizeof path, "%s/torn", folder);
    file = fopen(path, "w");
    fputs("whole\nto", file);
    fclose(file);
    emit = emit_on("torn");
    ck_assert_int_eq(produce(emit, "one", 1), EMIT_OK);
    ck_assert_uint_eq(emit_poll(emit, 1, acks, 10), 1);
    expect_content("whole\nto\none\n");
    emit_destroy(&emit);
}
END_TEST

START_TEST(unusable_path_is_told)
{
    ck_assert(emit_file_create("/nowhere/at/all", error, sizeof error) == NULL);
    ck_assert_str_eq(error, "/nowhere/at/all: No such file or directory");
}
END_TEST

START_TEST(full_device_holds_the_writer_back)
{
    char value[1025];
    struct emit *emit;
    uint64_t sent = 0;

    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    emit = emit_file_create("/dev/full", error, sizeof error);
    ck_assert_msg(emit != NULL, "%s", error);
    while (produce(emit, value, sent) == EMIT_OK) {
        sent++;
        ck_assert_uint_eq(emit_poll(emit, 0, acks, 10), 0);
    }
    ck_assert_uint_lt(sent, 1024);
    ck_assert_uint_eq(emit_poll(emit, 5, acks, 10), 0);
    ck_assert(emit_failed(emit) == NULL);
    ck_assert_str_eq(emit_down(emit), "No space left on device");
    emit_destroy(&emit);
}
END_TEST

/* The limit cuts a line in the middle; raised, the rest follows. */
START_TEST(outage_ends_by_itself)
{
    struct rlimit limit = {.rlim_cur = 6, .rlim_max = RLIM_INFINITY};
    struct emit *emit = emit_on("limited");

    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_eq(produce(emit, "one", 1), EMIT_OK);
    ck_assert_int_eq(produce(emit, "two", 2), EMIT_OK);
    ck_assert_uint_eq(emit_poll(emit, 1, acks, 10), 1);
    ck_assert(acks[0].token == 1 && acks[0].error == NULL);
    ck_assert_uint_eq(emit_poll(emit, 1, acks, 10), 0);
    ck_assert_str_eq(emit_down(emit), "File too large");
    expect_content("one\n");
    limit.rlim_cur = RLIM_INFINITY;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_uint_eq(emit_poll(emit, 1, acks, 10), 1);
    ck_assert(acks[0].token == 2 && acks[0].error == NULL);
    expect_content("one\ntwo\n");
    ck_assert(emit_down(emit) == NULL);
    emit_destroy(&emit);
}
END_TEST

/* The same, but it is given up: what was safe stays, and a later line stands
 * alone. */
START_TEST(what_is_given_up_fails)
{
    struct rlimit limit = {.rlim_cur = 6, .rlim_max = RLIM_INFINITY};
    struct emit *emit = emit_on("forgotten");

    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_eq(produce(emit, "one", 1), EMIT_OK);
    ck_assert_int_eq(produce(emit, "two", 2), EMIT_OK);
    ck_assert_int_eq(produce(emit, "three", 3), EMIT_OK);
    ck_assert_uint_eq(emit_poll(emit, 1, acks, 1), 1);
    ck_assert(acks[0].token == 1 && acks[0].error == NULL);
    emit_forget(emit);
    ck_assert_int_eq(produce(emit, "four", 4), EMIT_FULL);
    ck_assert_uint_eq(emit_poll(emit, 1, acks, 10), 2);
    ck_assert(acks[0].token == 2 && acks[0].error != NULL);
    ck_assert(acks[1].token == 3 && acks[1].error != NULL);
    limit.rlim_cur = RLIM_INFINITY;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_eq(produce(emit, "five", 5), EMIT_OK);
    ck_assert_uint_eq(emit_poll(emit, 1, acks, 10), 1);
    ck_assert(acks[0].token == 5 && acks[0].error == NULL);
    ck_assert(emit_down(emit) == NULL);
    expect_content("one\nfive\n");
    emit_destroy(&emit);
}
END_TEST

/* Safe ones that were not fetched yet are not failed by giving up the rest. */
START_TEST(giving_up_spares_what_is_safe)
{
    struct emit *emit = emit_on("spared");

    ck_assert_int_eq(produce(emit, "one", 1), EMIT_OK);
    ck_assert_int_eq(produce(emit, "two", 2), EMIT_OK);
    ck_assert_uint_eq(emit_poll(emit, 1, acks, 1), 1);
    ck_assert_int_eq(produce(emit, "three", 3), EMIT_OK);
    emit_forget(emit);
    ck_assert_uint_eq(emit_poll(emit, 0, acks, 10), 2);
    ck_assert(acks[0].token == 2 && acks[0].error == NULL);
    ck_assert(acks[1].token == 3 && acks[1].error != NULL);
    expect_content("one\ntwo\n");
    emit_destroy(&emit);
}
END_TEST

/* With another writer on the file its lines must not be cut: half a line stays
 * until the rest can follow. */
START_TEST(a_second_writer_is_not_cut)
{
    struct rlimit limit = {.rlim_cur = 6, .rlim_max = RLIM_INFINITY};
    struct emit *first = emit_on("shared"), *emit = emit_on("shared");

    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_eq(produce(emit, "one", 1), EMIT_OK);
    ck_assert_int_eq(produce(emit, "two", 2), EMIT_OK);
    ck_assert_uint_eq(emit_poll(emit, 1, acks, 10), 1);
    expect_content("one\ntw");
    limit.rlim_cur = RLIM_INFINITY;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_uint_eq(emit_poll(emit, 1, acks, 10), 1);
    expect_content("one\ntwo\n");
    emit_destroy(&emit);
    emit_destroy(&first);
}
END_TEST

START_TEST(nobody_else_may_read_it)
{
    struct stat stat_of;
    struct emit *emit = emit_on("private");

    ck_assert_int_eq(stat(path, &stat_of), 0);
    ck_assert_int_eq(stat_of.st_mode & 0777, 0600);
    emit_destroy(&emit);
}
END_TEST

/* What a failed sync leaves doubtful is written again, after a pause. */
START_TEST(failed_sync_writes_again)
{
    struct emit *emit = emit_on("unsynced");
    size_t back = 0;

    ck_assert_int_eq(produce(emit, "one", 1), EMIT_OK);
    ck_assert_uint_eq(emit_poll(emit, 1, acks, 10), 1);
    sync_error = EIO;
    ck_assert_int_eq(produce(emit, "two", 2), EMIT_OK);
    ck_assert_uint_eq(emit_poll(emit, 1, acks, 10), 0);
    ck_assert_uint_eq(emit_poll(emit, 1, acks, 10), 0);
    ck_assert_int_eq(syncs, 2);
    ck_assert_str_eq(emit_down(emit), "Input/output error");
    expect_content("one\ntwo\n");
    sync_error = 0;
    ck_assert_int_eq(produce(emit, "three", 3), EMIT_OK);
    while (back < 2)
        back += emit_poll(emit, 10, acks, 10);
    ck_assert(acks[0].token == 2 && acks[1].token == 3 && acks[1].error == NULL);
    expect_content("one\ntwo\ntwo\nthree\n");
    ck_assert(emit_down(emit) == NULL);
    emit_destroy(&emit);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 60);
    tcase_add_unchecked_fixture(tcase, make, unmake);
    tcase_add_test(tcase, appends_and_syncs_before_acknowledging);
    tcase_add_test(tcase, polling_alone_acknowledges_in_the_end);
    tcase_add_test(tcase, torn_line_is_ended);
    tcase_add_test(tcase, unusable_path_is_told);
    tcase_add_test(tcase, full_device_holds_the_writer_back);
    tcase_add_test(tcase, outage_ends_by_itself);
    tcase_add_test(tcase, what_is_given_up_fails);
    tcase_add_test(tcase, giving_up_spares_what_is_safe);
    tcase_add_test(tcase, a_second_writer_is_not_cut);
    tcase_add_test(tcase, nobody_else_may_read_it);
    tcase_add_test(tcase, failed_sync_writes_again);
}

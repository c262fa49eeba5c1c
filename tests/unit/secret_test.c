/* Goal: a secret comes out of a file whole or not at all, who else could read it
 * is known, a failure leaves nothing of it behind, and a hidden process is closed
 * to core dumps and to everybody but root. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check_main.h"
#include "secret.h"
#include "test_folder.h"

#define SECRET "hunter2-is-secret"

static char folder[TEST_FOLDER_ROOM], path[TEST_PATH_ROOM];
static char bytes[64], why[128];
static struct secret_file file;

static void setup(void)
{
    test_folder_make(folder);
    (void)snprintf(path, sizeof path, "%s/file", folder);
    memset(bytes, 'x', sizeof bytes);
    why[0] = '\0';
}

static void teardown(void)
{
    test_folder_remove(folder);
}

static void make(const char *content, size_t size, mode_t mode)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, content, size), (ssize_t)size);
    ck_assert_int_eq(fchmod(fd, mode), 0);
    ck_assert_int_eq(close(fd), 0);
}

static bool take(const char *from, size_t room)
{
    return secret_file_read(from, bytes, room, &file, why, sizeof why);
}

START_TEST(reads_it_whole)
{
    make("a\0b\n", 4, 0600);
    ck_assert(take(path, sizeof bytes));
    ck_assert_uint_eq(file.size, 4);
    ck_assert_mem_eq(bytes, "a\0b\n", 5);
    make("", 0, 0600);
    ck_assert(take(path, sizeof bytes));
    ck_assert_uint_eq(file.size, 0);
    ck_assert_str_eq(bytes, "");
}
END_TEST

START_TEST(knows_who_else_could_read_it)
{
    static const struct {
        mode_t mode;
        enum secret_readers readers;
    } cases[] = {{0600, SECRET_OURS},   {0400, SECRET_OURS},   {0700, SECRET_OURS},
                 {0640, SECRET_OTHERS}, {0604, SECRET_OTHERS}, {0660, SECRET_OTHERS},
                 {0601, SECRET_OTHERS}, {0644, SECRET_OTHERS}, {0620, SECRET_OTHERS}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        make(SECRET, sizeof SECRET - 1, cases[i].mode);
        ck_assert(take(path, sizeof bytes));
        ck_assert_str_eq(bytes, SECRET);
        ck_assert_msg(file.readers == cases[i].readers, "mode %o", (unsigned)cases[i].mode);
        ck_assert_uint_eq(file.mode, cases[i].mode);
    }
}
END_TEST

/* A pipe, such as <(pass show kafka), is nobody else's whatever its mode. */
START_TEST(reads_pipes)
{
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], SECRET, sizeof SECRET - 1), sizeof SECRET - 1);
    ck_assert_int_eq(close(ends[1]), 0);
    (void)snprintf(why, sizeof why, "/proc/self/fd/%d", ends[0]);
    ck_assert(take(strdupa(why), sizeof bytes));
    ck_assert_str_eq(bytes, SECRET);
    ck_assert_int_eq(file.readers, SECRET_OURS);
    ck_assert_int_eq(close(ends[0]), 0);
}
END_TEST

START_TEST(leaves_nothing_of_what_does_not_fit)
{
    make(SECRET, sizeof SECRET - 1, 0600);
    for (size_t room = 1; room < sizeof SECRET; room++) {
        memset(bytes, 'x', sizeof bytes);
        ck_assert(!take(path, room));
        ck_assert_str_eq(why, "it is too long for a secret");
        for (size_t i = 0; i < room; i++)
            ck_assert_int_eq(bytes[i], 0);
        ck_assert_int_eq(bytes[room], 'x');
    }
    ck_assert(take(path, sizeof SECRET));
}
END_TEST

START_TEST(says_why_it_cannot)
{
    ck_assert(!take(path, sizeof bytes));
    ck_assert_str_eq(why, "No such file or directory");
    ck_assert(!take(folder, sizeof bytes));
    ck_assert_str_eq(why, "Is a directory");
    ck_assert(!take("", sizeof bytes));
    ck_assert_str_eq(why, "No such file or directory");
}
END_TEST

START_TEST(hides_the_process)
{
    struct rlimit limit = {.rlim_cur = 1, .rlim_max = 1};
    int status;
    pid_t child = fork();

    if (child == 0) {
        (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
        secret_hide_process();
        (void)getrlimit(RLIMIT_CORE, &limit);
        _exit(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0 || limit.rlim_cur || limit.rlim_max);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

void add_cases(TCase *cases)
{
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, reads_it_whole);
    tcase_add_test(cases, knows_who_else_could_read_it);
    tcase_add_test(cases, reads_pipes);
    tcase_add_test(cases, leaves_nothing_of_what_does_not_fit);
    tcase_add_test(cases, says_why_it_cannot);
    tcase_add_test(cases, hides_the_process);
}

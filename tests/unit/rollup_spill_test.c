/* Goal: sketches that are put aside go into a file that nobody else can read,
 * that has no name, and that no trap in TMPDIR leads elsewhere; and they come
 * back as they were. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_main.h"
#include "headcount/codec.h"
#include "rollup_spill.h"
#include "test_folder.h"

static char folder[TEST_FOLDER_ROOM];

static struct hc_sketch *sketch_of(unsigned count)
{
    const struct hc_sketch_options options = {.profile = HC_PROFILE_REDIS, .precision = 14};
    struct hc_sketch *sketch;

    ck_assert_int_eq(hc_sketch_create(&options, &sketch), HC_OK);
    for (unsigned i = 0; i < count; i++)
        ck_assert_int_eq(hc_sketch_add(sketch, &i, sizeof i, NULL), HC_OK);
    return sketch;
}

static size_t names_in(const char *path)
{
    DIR *directory = opendir(path);
    size_t count = 0;

    ck_assert_ptr_nonnull(directory);
    while (readdir(directory))
        count++;
    ck_assert_int_eq(closedir(directory), 0);
    return count - 2; /* "." and ".." */
}

/* The open file of ours that lies in the folder, or -1. */
static int spilled_fd(void)
{
    for (int fd = 0; fd < 64; fd++) {
        char link[64], target[TEST_PATH_ROOM];
        ssize_t size;

        (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        size = readlink(link, target, sizeof target - 1);
        if (size > 0 && strncmp(target, folder, strlen(folder)) == 0)
            return fd;
    }
    return -1;
}

START_TEST(a_file_without_a_name)
{
    struct rollup_spill *spill = rollup_spill_create(NULL);
    struct hc_sketch *sketch = sketch_of(1000), *back = NULL;
    int64_t place = ROLLUP_SPILL_NONE;
    struct stat stat;

    ck_assert_ptr_nonnull(spill);
    test_folder_make(folder);
    ck_assert_int_eq(setenv("TMPDIR", folder, 1), 0);
    (void)umask(0);
    ck_assert_int_eq(spilled_fd(), -1);
    ck_assert(rollup_spill_put(spill, sketch, &place));
    ck_assert_int_ge(spilled_fd(), 0);
    ck_assert_int_eq(fstat(spilled_fd(), &stat), 0);
    ck_assert_uint_eq(stat.st_mode & 0777, 0600);
    ck_assert_uint_eq(stat.st_nlink, 0);
    ck_assert_uint_eq(names_in(folder), 0);
    ck_assert(rollup_spill_get(spill, place, &back));
    ck_assert_uint_eq(hc_digest(back), hc_digest(sketch));
    rollup_spill_destroy(&spill);
    ck_assert_int_eq(spilled_fd(), -1);
    hc_sketch_destroy(&back);
    hc_sketch_destroy(&sketch);
    test_folder_remove(folder);
}
END_TEST

/* What is there already is never opened: a link is an error, not a way. */
START_TEST(a_folder_that_is_none)
{
    static const char *const folders[] = {"/nowhere/at/all", "/dev/null"};

    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        struct rollup_spill *spill = rollup_spill_create(NULL);
        struct hc_sketch *sketch = sketch_of(1);
        int64_t place = ROLLUP_SPILL_NONE;

        ck_assert_ptr_nonnull(spill);
        ck_assert_int_eq(setenv("TMPDIR", folders[i], 1), 0);
        ck_assert(!rollup_spill_put(spill, sketch, &place));
        ck_assert_ptr_nonnull(strstr(rollup_spill_error(spill), folders[i]));
        ck_assert_int_eq(place, ROLLUP_SPILL_NONE);
        rollup_spill_destroy(&spill);
        hc_sketch_destroy(&sketch);
    }
}
END_TEST

void add_cases(TCase *cases)
{
    tcase_add_test(cases, a_file_without_a_name);
    tcase_add_test(cases, a_folder_that_is_none);
}

/* A folder of a test's own in $TMPDIR, or /tmp: there tools/check sees what a test leaves.
 *
 * One of an unchecked fixture serves all cases and goes in the end whatever failed; one of
 * a checked fixture is new for each case, and stays where a case fails. */
#ifndef SUPPORT_TEST_FOLDER_H
#define SUPPORT_TEST_FOLDER_H

#include <check.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEST_FOLDER_ROOM 512 /* for its path, */
#define TEST_PATH_ROOM 640   /* and for that of a file in it */

static inline void test_folder_make(char *path)
{
    const char *above = getenv("TMPDIR");
    int size = snprintf(path, TEST_FOLDER_ROOM, "%s/%s-XXXXXX", above && *above ? above : "/tmp",
                        program_invocation_short_name);

    ck_assert_int_lt(size, TEST_FOLDER_ROOM);
    ck_assert_msg(mkdtemp(path) != NULL, "%s: %s", path, strerror(errno));
}

static inline int test_folder_drop(const char *path, const struct stat *status, int type,
                                   struct FTW *place)
{
    (void)status, (void)type, (void)place;
    return remove(path);
}

/* With all that is in it. Ends the test where it can't: of an unchecked fixture's assertions
 * libcheck tells nothing. */
static inline void test_folder_remove(const char *path)
{
    if (nftw(path, test_folder_drop, 16, FTW_DEPTH | FTW_PHYS) != 0) {
        perror(path);
        abort();
    }
}

#endif

/* A pipe in the place of stdout. */
#ifndef SUPPORT_STDOUT_PIPE_H
#define SUPPORT_STDOUT_PIPE_H

#include <check.h>
#include <fcntl.h>
#include <unistd.h>

/* Its reading end, with these flags: O_NONBLOCK, or 0. */
static inline int stdout_pipe(int flags)
{
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(dup2(ends[1], STDOUT_FILENO), STDOUT_FILENO);
    ck_assert_int_eq(fcntl(ends[0], F_SETFL, flags), 0);
    close(ends[1]);
    return ends[0];
}

#endif

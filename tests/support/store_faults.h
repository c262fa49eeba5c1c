/* What a disk does to SQLite: from the n-th change of a file on there is no room,
 * or the process ends at it, with half of it done. Set for the whole process. */
#ifndef SUPPORT_STORE_FAULTS_H
#define SUPPORT_STORE_FAULTS_H

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum store_fault { FAULT_NONE, FAULT_KILL, FAULT_TORN, FAULT_FULL };

static struct {
    enum store_fault fault;
    long countdown; /* changes until it strikes */
    long changes;   /* so far */
} store_faults;

/* Whether this change is to fail; the end of the process, if that is what is due. */
static inline bool fault_strikes(int file, const void *bytes, size_t size, off_t at)
{
    store_faults.changes++;
    if (store_faults.fault == FAULT_NONE || --store_faults.countdown > 0)
        return false;
    if (store_faults.fault == FAULT_TORN && size)
        (void)!pwrite(file, bytes, size / 2, at);
    if (store_faults.fault != FAULT_FULL)
        kill(getpid(), SIGKILL);
    errno = ENOSPC;
    return true;
}

static inline ssize_t fault_pwrite(int file, const void *bytes, size_t size, off_t at)
{
    return fault_strikes(file, bytes, size, at) ? -1 : pwrite(file, bytes, size, at);
}

static inline int fault_ftruncate(int file, off_t size)
{
    return fault_strikes(file, NULL, 0, 0) ? -1 : ftruncate(file, size);
}

static inline int fault_unlink(const char *path)
{
    return fault_strikes(-1, NULL, 0, 0) ? -1 : unlink(path);
}

static inline void faults_set(enum store_fault fault, long countdown)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

    store_faults.fault = fault;
    store_faults.countdown = countdown;
    store_faults.changes = 0;
    ck_assert_int_ge(vfs->iVersion, 3);
    vfs->xSetSystemCall(vfs, "pwrite", (sqlite3_syscall_ptr)fault_pwrite);
    vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)fault_pwrite);
    ck_assert_int_eq(vfs->xSetSystemCall(vfs, "ftruncate", (sqlite3_syscall_ptr)fault_ftruncate),
                     SQLITE_OK);
    ck_assert_int_eq(vfs->xSetSystemCall(vfs, "unlink", (sqlite3_syscall_ptr)fault_unlink),
                     SQLITE_OK);
}

#endif

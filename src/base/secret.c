#include "secret.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes read, at most `room`, or -1. */
static ssize_t read_all(int fd, char *bytes, size_t room)
{
    size_t size = 0;

    while (size < room) {
        ssize_t got = read(fd, bytes + size, room - size);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        size += (size_t)got;
    }
    return (ssize_t)size;
}

static void judge_readers(const struct stat *about, struct secret_file *file)
{
    bool by_all = about->st_mode & 07;
    bool by_group = (about->st_mode & 070) && about->st_uid == geteuid();

    file->mode = about->st_mode & 0777;
    file->readers = S_ISREG(about->st_mode) && (by_all || by_group) ? SECRET_OTHERS : SECRET_OURS;
}

bool secret_file_read(const char *path, char *bytes, size_t room, struct secret_file *file,
                      char *why, size_t why_size)
{
    struct stat about;
    ssize_t size = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    assert(room > 0);
    if (fd < 0 || fstat(fd, &about) != 0)
        goto failed;
    judge_readers(&about, file);
    size = read_all(fd, bytes, room);
    if (size < 0)
        goto failed;
    close(fd);
    if ((size_t)size == room) {
        snprintf(why, why_size, "it is too long for a secret");
        explicit_bzero(bytes, room);
        return false;
    }
    bytes[size] = '\0';
    file->size = (size_t)size;
    return true;

failed:
    snprintf(why, why_size, "%s", strerror(errno));
    explicit_bzero(bytes, room);
    if (fd >= 0)
        close(fd);
    return false;
}

void secret_hide_process(void)
{
    /* The limit does not count where cores go to a program; dumpable does. */
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

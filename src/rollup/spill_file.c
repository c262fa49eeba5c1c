#include "spill_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void spill_file_close(struct spill_file *file)
{
    if (file->made)
        close(file->fd);
    *file = (struct spill_file){.folder = file->folder};
}

static bool fail(struct spill_file *file, const char *what, const char *why)
{
    snprintf(file->error, sizeof file->error, "%s: %s", what, why);
    return false;
}

static bool open_file(struct spill_file *file)
{
    const char *folder = file->folder ? file->folder : getenv("TMPDIR");
    char path[4096];

    if (!folder || !*folder)
        folder = "/tmp";
    if (snprintf(path, sizeof path, "%s/headcount-XXXXXX", folder) >= (int)sizeof path)
        return fail(file, "temporary file", strerror(ENAMETOOLONG));
    file->fd = mkostemp(path, O_CLOEXEC);
    if (file->fd < 0)
        return fail(file, folder, strerror(errno));
    file->made = true;
    unlink(path);
    return true;
}

bool spill_file_write(struct spill_file *file, const void *bytes, size_t size)
{
    const char *at = bytes;
    int64_t end = file->end;

    if (!file->made && !open_file(file))
        return false;
    while (size > 0) {
        ssize_t done = pwrite(file->fd, at, size, end);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return fail(file, "temporary file", strerror(done < 0 ? errno : ENOSPC));
        at += done;
        size -= (size_t)done;
        end += done;
    }
    file->end = end;
    return true;
}

bool spill_file_read(struct spill_file *file, void *bytes, size_t size, int64_t place)
{
    char *at = bytes;

    while (size > 0) {
        ssize_t done = pread(file->fd, at, size, place);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return fail(file, "temporary file", done < 0 ? strerror(errno) : "it became shorter");
        at += done;
        size -= (size_t)done;
        place += done;
    }
    return true;
}

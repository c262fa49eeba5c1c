#include "paths.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shown.h"

int path_readable(const char *path)
{
    struct stat found;
    if (stat(path, &found) != 0)
        return errno;
    if (S_ISDIR(found.st_mode))
        return EISDIR;
    return access(path, R_OK) == 0 ? 0 : errno;
}

int path_writable(const char *path, bool *exists)
{
    struct stat found;
    *exists = stat(path, &found) == 0;
    if (*exists)
        return S_ISDIR(found.st_mode) ? EISDIR : access(path, W_OK) == 0 ? 0 : errno;
    if (errno != ENOENT)
        return errno;
    char *copy = strdup(path);
    if (!copy)
        return ENOMEM;
    int error = access(dirname(copy), W_OK | X_OK) == 0 ? 0 : errno;
    free(copy);
    return error;
}

bool paths_check_inputs(const char *const *paths, unsigned long count)
{
    bool fine = true;
    for (unsigned long i = 0; i < count; i++) {
        bool is_stdin = strcmp(paths[i], "-") == 0;
        int error = is_stdin ? 0 : path_readable(paths[i]);
        if (error)
            say_on(stdout, "error: input: %s: %s\n", paths[i], strerror(error));
        else
            say_on(stdout, "ok: input: %s\n", is_stdin ? "stdin" : paths[i]);
        fine = fine && !error;
    }
    return fine;
}

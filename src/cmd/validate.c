/* What --validate says of files. */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shown.h"
#include "wire.h"

/* 0, or errno. */
static int readable(const char *path)
{
    struct stat found;
    if (stat(path, &found) != 0)
        return errno;
    if (S_ISDIR(found.st_mode))
        return EISDIR;
    return access(path, R_OK) == 0 ? 0 : errno;
}

/* 0, or errno: there or not, it can be appended to. */
static int writable(const char *path, bool *exists)
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

bool validate_files(const struct config *config)
{
    bool fine = true;
    for (size_t i = 0; i < config->files.count; i++) {
        const char *path = config->files.items[i];
        int error = strcmp(path, "-") == 0 ? 0 : readable(path);
        if (error)
            say_on(stdout, "error: input: %s: %s\n", path, strerror(error));
        else
            say_on(stdout, "ok: input: %s\n", strcmp(path, "-") == 0 ? "stdin" : path);
        fine = fine && !error;
    }
    const char *rejects = config_rejects_file(config);
    if (rejects) {
        bool exists;
        int error = writable(rejects, &exists);
        if (error)
            say_on(stdout, "error: rejects: %s: %s\n", rejects, strerror(error));
        else
            say_on(stdout, "ok: rejects: %s %s\n", rejects,
                   exists ? "can be appended to" : "will be created");
        fine = fine && !error;
    }
    return fine;
}

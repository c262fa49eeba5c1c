/* What --validate says of files. */
#include <stdio.h>
#include <string.h>

#include "paths.h"
#include "shown.h"
#include "wire.h"

bool validate_files(const struct config *config)
{
    bool fine = paths_check_inputs(config->program.files.items, config->program.files.count);
    const char *rejects = config_rejects_file(config);
    if (rejects) {
        bool exists;
        int error = path_writable(rejects, &exists);
        if (error)
            say_on(stdout, "error: rejects: %s: %s\n", rejects, strerror(error));
        else
            say_on(stdout, "ok: rejects: %s %s\n", rejects,
                   exists ? "can be appended to" : "will be created");
        fine = fine && !error;
    }
    return fine;
}

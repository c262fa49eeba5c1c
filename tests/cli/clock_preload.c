/* The wall clock of a program under test, a step away from the machine's: by as
 * many seconds as stand in the file that CLOCK_STEP names, at each look. The
 * monotonic clock stays. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *time)
{
    int (*real)(clockid_t, struct timespec *) =
        (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(id, time);
    const char *path = getenv("CLOCK_STEP");
    char text[32] = "";

    if (result != 0 || id != CLOCK_REALTIME || !path)
        return result;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        if (read(file, text, sizeof text - 1) > 0)
            time->tv_sec += strtol(text, NULL, 10);
        close(file);
    }
    return result;
}

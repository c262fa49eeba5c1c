/* What a program tells of itself, out of /proc. What can't be read there is left out. */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "metrics.h"

#define STAT_BYTES 2048
#define LIBRARIES_MAX 4
/* Fields of /proc/self/stat behind the name in parentheses. */
#define FIELD_START 19
#define FIELD_VIRTUAL 20
#define FIELD_RESIDENT 21

static bool read_file(const char *path, char *bytes, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, bytes, room - 1);

    if (fd >= 0)
        close(fd);
    bytes[size > 0 ? size : 0] = '\0';
    return size > 0;
}

static void add_build(struct text *page, const struct metrics_label *libraries)
{
    struct metrics_label labels[LIBRARIES_MAX + 2] = {{"version", HEADCOUNT_VERSION}};

    for (size_t i = 0; libraries && libraries[i].name && i < LIBRARIES_MAX; i++)
        labels[i + 1] = libraries[i];
    metrics_family(page, METRICS_GAUGE, "headcount_build_info",
                   "Always 1; the labels say what is running.");
    metrics_int(page, "headcount_build_info", labels, 1);
}

static void add_processor_time(struct text *page)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return;
    metrics_family(page, METRICS_COUNTER, "process_cpu_seconds_total",
                   "Processor time spent, in seconds.");
    metrics_double(page, "process_cpu_seconds_total", NULL,
                   (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
}

/* When the machine started, Unix seconds; or 0. */
static int64_t boot_time_s(void)
{
    char line[256];
    int64_t found = 0;
    FILE *file = fopen("/proc/stat", "re");

    if (!file)
        return 0;
    while (found == 0 && fgets(line, sizeof line, file))
        (void)sscanf(line, "btime %" SCNd64, &found);
    fclose(file);
    return found;
}

static void add_start(struct text *page, uint64_t ticks)
{
    int64_t boot_s = boot_time_s();

    if (boot_s == 0)
        return;
    metrics_family(page, METRICS_GAUGE, "process_start_time_seconds",
                   "When the program started, in Unix seconds.");
    metrics_double(page, "process_start_time_seconds", NULL,
                   (double)boot_s + (double)ticks / (double)sysconf(_SC_CLK_TCK));
}

static void add_memory(struct text *page)
{
    char stat[STAT_BYTES];
    uint64_t fields[FIELD_RESIDENT + 1] = {0};
    char *at;

    if (!read_file("/proc/self/stat", stat, sizeof stat) || !(at = strrchr(stat, ')')))
        return;
    at += strcspn(at, " ");
    for (size_t i = 0; i <= FIELD_RESIDENT && *at; i++) {
        at += strspn(at, " ");
        fields[i] = strtoull(at, NULL, 10);
        at += strcspn(at, " ");
    }
    add_start(page, fields[FIELD_START]);
    metrics_gauge(page, "process_virtual_memory_bytes", "Address space, in bytes.",
                  (int64_t)fields[FIELD_VIRTUAL]);
    metrics_gauge(page, "process_resident_memory_bytes", "Memory that is resident, in bytes.",
                  (int64_t)(fields[FIELD_RESIDENT] * (uint64_t)sysconf(_SC_PAGESIZE)));
}

static void add_files(struct text *page)
{
    struct rlimit limit;
    int64_t count = -3; /* . and .., and the folder's own */
    DIR *folder = opendir("/proc/self/fd");

    if (folder) {
        while (readdir(folder))
            count++;
        closedir(folder);
        metrics_gauge(page, "process_open_fds", "Open file descriptors.", count);
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur <= INT64_MAX)
        metrics_gauge(page, "process_max_fds", "Most file descriptors that can be open.",
                      (int64_t)limit.rlim_cur);
}

void metrics_program(struct text *page, const struct metrics_label *libraries)
{
    add_build(page, libraries);
    add_processor_time(page);
    add_memory(page);
    add_files(page);
}

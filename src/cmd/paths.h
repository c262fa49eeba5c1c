/* Whether files can be used, without opening them: a FIFO's writer would see it. */
#ifndef CMD_PATHS_H
#define CMD_PATHS_H

#include <stdbool.h>

/* 0, or errno. */
int path_readable(const char *path);
/* 0, or errno: there or not, it can be written to. */
int path_writable(const char *path, bool *exists);
/* Says on stdout whether each of `count` input files can be read; "-" is stdin. */
bool paths_check_inputs(const char *const *paths, unsigned long count);

#endif

/* Preloaded, it makes a program believe that its stdout is a terminal. A real
 * one can't be had where no devpts is mounted, as in a bare root. */
#include <unistd.h>

int isatty(int fd)
{
    return fd == STDOUT_FILENO;
}

/* Secrets: out of files, and kept from those who look into the process. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

enum secret_readers {
    SECRET_OURS,    /* nobody else's to read */
    SECRET_OTHERS   /* a file of ours that its group can read, or any that all can */
};

struct secret_file {
    size_t size;                 /* of what was read, without the NUL behind it */
    enum secret_readers readers; /* a pipe is nobody else's */
    unsigned mode;               /* its permissions, 0777 at most */
};

/* The whole file into `bytes`, a NUL behind it; it has to be shorter than
 * `room`. False with a reason that says nothing of the content; `bytes` is
 * wiped then. What others can read is read all the same: see `readers`. */
bool secret_file_read(const char *path, char *bytes, size_t room, struct secret_file *file,
                      char *why, size_t why_size);

/* No core dumps from now on, not even through a program that the kernel pipes
 * them to; and only root may look into the process: no debugger, and nobody
 * reads its environment in /proc. For good; call it before a secret is read. */
void secret_hide_process(void);

#endif

/* A nameless temporary file that is only appended to. Private to rollup. */
#ifndef ROLLUP_SPILL_FILE_H
#define ROLLUP_SPILL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialise, with a folder (borrowed; NULL: TMPDIR, else /tmp). There is
 * no file before something is written. */
struct spill_file {
    const char *folder;
    bool made;
    int fd;         /* meaningful if made */
    int64_t end;
    char error[256]; /* why a call failed, one line for people */
};

void spill_file_close(struct spill_file *file);
/* Appends. On failure the file is as long as before. */
bool spill_file_write(struct spill_file *file, const void *bytes, size_t size);
bool spill_file_read(struct spill_file *file, void *bytes, size_t size, int64_t place);

#endif

/* The secret of the keyed profile, out of a file. */
#ifndef CMD_KEY_FILE_H
#define CMD_KEY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "headcount/hash.h"

/* Reads 32 hex digits, and at most a line end, into the HC_KEY_SIZE bytes at
 * `key`. False, with a message that names the file and nothing of what it
 * holds, also when others could read it: one of our own that its group can
 * read, or any that all can. The process is hidden first (secret_hide_process). */
bool key_file_read(const char *path, uint8_t *key, char *error, size_t error_size);

#endif

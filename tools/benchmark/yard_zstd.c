/* yard_zstd FILE: decompresses the frames of FILE (each behind its size, four bytes,
 * little-endian) into one array. Prints seconds of processor time, of the clock, and
 * frames. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zstd.h>

#define ROOM (1 << 18)
#define SIZE_BYTES 4

static double now(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static unsigned char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    unsigned char *bytes;

    if (!file || fseek(file, 0, SEEK_END) != 0)
        return NULL;
    *size = (size_t)ftell(file);
    rewind(file);
    bytes = malloc(*size);
    if (bytes && fread(bytes, 1, *size, file) != *size)
        *size = 0;
    fclose(file);
    return bytes;
}

int main(int argc, char **argv)
{
    size_t size = 0, frames = 0;
    unsigned char *bytes = argc == 2 ? read_file(argv[1], &size) : NULL;
    unsigned char *registers = malloc(ROOM);
    ZSTD_DCtx *context = ZSTD_createDCtx();

    if (!bytes || !registers || !context) {
        fputs("usage: yard_zstd FILE\n", stderr);
        return 2;
    }
    double cpu = now(CLOCK_PROCESS_CPUTIME_ID), wall = now(CLOCK_MONOTONIC);
    for (size_t at = 0; at + SIZE_BYTES <= size; frames++) {
        uint32_t length;

        memcpy(&length, bytes + at, SIZE_BYTES);
        at += SIZE_BYTES;
        if (ZSTD_isError(ZSTD_decompressDCtx(context, registers, ROOM, bytes + at, length))) {
            fputs("yard_zstd: not a frame\n", stderr);
            return 1;
        }
        at += length;
    }
    printf("%.6f %.6f %zu\n", now(CLOCK_PROCESS_CPUTIME_ID) - cpu, now(CLOCK_MONOTONIC) - wall,
           frames);
    ZSTD_freeDCtx(context);
    free(registers);
    free(bytes);
    return 0;
}

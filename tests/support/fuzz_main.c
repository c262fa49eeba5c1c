/* Runs a fuzz target without libFuzzer: every file of the directories that are
 * named, whole, cut short at every byte and with each byte's lowest and highest
 * bit flipped (for small files). The same inputs in every run. */
#include <assert.h>
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of larger files only the whole is run. */
#define VARIED_BYTES_MAX 1024

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy of exactly that size, so that a read beyond its end is seen. */
static void run_copy(const uint8_t *data, size_t size, size_t flip, uint8_t mask)
{
    uint8_t *copy = malloc(size ? size : 1);
    assert(copy);
    if (size)
        memcpy(copy, data, size);
    if (mask)
        copy[flip] ^= mask;
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void run_input(const uint8_t *data, size_t size)
{
    run_copy(data, size, 0, 0);
    if (size > VARIED_BYTES_MAX)
        return;
    for (size_t i = 0; i < size; i++) {
        run_copy(data, i, 0, 0);
        run_copy(data, size, i, 0x01);
        run_copy(data, size, i, 0x80);
    }
}

static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) {
        perror(path);
        return 1;
    }
    long size = ftell(file);
    assert(size >= 0);
    rewind(file);
    uint8_t *data = malloc((size_t)size + 1);
    assert(data);
    size_t got = fread(data, 1, (size_t)size, file);
    assert(got == (size_t)size);
    fclose(file);
    run_input(data, got);
    free(data);
    return 0;
}

static int run_directory(const char *path, size_t *files)
{
    DIR *directory = opendir(path);
    if (!directory) {
        perror(path);
        return 1;
    }
    int failed = 0;
    for (struct dirent *entry; (entry = readdir(directory));) {
        char name[4096];
        if (entry->d_name[0] == '.')
            continue;
        int length = snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        assert(length > 0 && (size_t)length < sizeof name);
        failed |= run_file(name);
        (*files)++;
    }
    closedir(directory);
    return failed;
}

int main(int argc, char **argv)
{
    size_t files = 0;
    int failed = 0;
    for (int i = 1; i < argc; i++)
        failed |= run_directory(argv[i], &files);
    printf("%zu inputs\n", files);
    return failed || files == 0;
}

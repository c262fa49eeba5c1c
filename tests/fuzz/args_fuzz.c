/* Any words and any file: the parser sets values within their bounds, or says in
 * one line what is wrong. The input is the file, a NUL, and words that end with
 * NULs. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "args.h"

#define WORDS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct values {
    bool flag, other;
    const char *name, *config;
    int64_t count, wait_ms, room, start_s;
    double share;
    int format;
    unsigned formats;
    struct args_list pairs;
};

static const char *const formats[] = {"json", "binary", NULL};

static void check_values(const struct values *v, const struct args_list *positional, int argc)
{
    assert(v->count >= -5 && v->count <= 18);
    assert(v->wait_ms >= 0 && v->wait_ms <= 60000);
    assert(v->room >= 0 && v->room <= 1 << 20);
    assert(v->start_s >= 0 && v->start_s <= INT64_C(253402300799));
    assert(v->share >= 0 && v->share <= 1);
    assert(v->format == 0 || v->format == 1);
    assert(v->formats <= 3);
    assert(positional->count < (size_t)argc);
    for (size_t i = 0; i < v->pairs.count; i++)
        assert(strlen(v->pairs.items[i]) < SIZE_MAX);
    for (size_t i = 0; i < positional->count; i++)
        assert(strlen(positional->items[i]) < SIZE_MAX);
    assert(!v->name || strlen(v->name) < SIZE_MAX);
}

static void parse(int argc, char **argv)
{
    struct values v = {.count = 7};
    const struct args_option options[] = {
        {"name", 'n', ARGS_STRING, &v.name, 0, 0, NULL, "NAME", "", NULL, false},
        {"count", 'c', ARGS_INT, &v.count, -5, 18, NULL, "N", "", NULL, false},
        {"share", 's', ARGS_DOUBLE, &v.share, 0, 1, NULL, "X", "", NULL, false},
        {"wait-for", 'w', ARGS_DURATION, &v.wait_ms, 0, 60000, NULL, "D", "", NULL, false},
        {"room", 'r', ARGS_SIZE, &v.room, 0, 1 << 20, NULL, "SIZE", "", NULL, false},
        {"start", 't', ARGS_TIME, &v.start_s, 0, 0, NULL, "T", "", NULL, false},
        {"format", 'f', ARGS_CHOICE, &v.format, 0, 0, formats, "F", "", NULL, false},
        {"formats", 'g', ARGS_SET, &v.formats, 0, 0, formats, "F", "", NULL, false},
        {"pair", 'X', ARGS_LIST, &v.pairs, 0, 0, NULL, "K=V", "", NULL, false},
        {"config", 'F', ARGS_STRING, &v.config, 0, 0, NULL, "FILE", "", NULL, false},
        {"flag", 'v', ARGS_FLAG, &v.flag, 0, 0, NULL, NULL, "", NULL, false},
        {"help", 'h', ARGS_FLAG, &v.other, 0, 0, NULL, NULL, "", NULL, false},
        {0}};
    const struct args_program program = {"tool", "tool", NULL, NULL, options};
    struct args_list positional;
    struct args *args;
    char error[100];

    if (args_parse(&program, argc, argv, "config", &args, &positional, error, sizeof error)) {
        assert(!args);
        assert(strlen(error) > 0 && strlen(error) < sizeof error);
        assert(!strpbrk(error, "\r\n"));
    } else {
        check_values(&v, &positional, argc);
        args_destroy(&args);
    }
}

/* A file that has no name but its descriptor's. */
static int make_file(const char *bytes, size_t size, char *option, size_t option_size)
{
    int file = memfd_create("args_fuzz", MFD_CLOEXEC);
    ssize_t written = write(file, bytes, size);

    assert(file >= 0 && written == (ssize_t)size);
    snprintf(option, option_size, "-F/proc/self/fd/%d", file);
    return file;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char program[] = "tool", option[64], *copy = malloc(size + 1);
    char *argv[WORDS_MAX] = {program, option};
    size_t file_size, at;
    int argc = 2, file;

    assert(copy);
    if (size > 0)
        memcpy(copy, data, size);
    copy[size] = '\0';
    file_size = strlen(copy);
    file = make_file(copy, file_size, option, sizeof option);
    for (at = file_size + 1; at < size && argc < WORDS_MAX; at += strlen(copy + at) + 1) {
        /* Words may not name other files than ours. */
        if (!strstr(copy + at, "-F") && !strstr(copy + at, "config") && !strchr(copy + at, '/'))
            argv[argc++] = copy + at;
    }
    parse(argc, argv);
    close(file);
    free(copy);
    return 0;
}

/* yard_json READER FILE...: one pass of a JSON reader over the lines of each FILE.
 * Prints seconds of processor time, of the clock, and frames: of the passes alone,
 * not of what came before. A frame without both fields ends it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define JSMN_STATIC
#define JSMN_STRICT
#define JSMN_PARENT_LINKS
#include <jsmn.h>
#include <yyjson.h>

#include "yard_json.h"

#define TOKENS 65536
#define POOL_SIZE (16 << 20)

size_t yard_jsmn(const struct yard_line *lines, size_t count, uint64_t *sum)
{
    jsmntok_t *tokens = calloc(TOKENS, sizeof *tokens);
    size_t found = 0;

    if (!tokens)
        abort();
    for (size_t i = 0; i < count; i++) {
        jsmn_parser parser;
        int made;

        jsmn_init(&parser);
        made = jsmn_parse(&parser, lines[i].bytes, lines[i].size, tokens, TOKENS);
        found += made > 0;
        *sum += (uint64_t)made;
    }
    free(tokens);
    return found;
}

/* Unix seconds of a number or a string. */
static uint64_t yyjson_time(yyjson_val *value)
{
    if (yyjson_is_str(value))
        return strtoull(yyjson_get_str(value), NULL, 10);
    return yyjson_is_real(value) ? (uint64_t)yyjson_get_real(value) : yyjson_get_uint(value);
}

size_t yard_yyjson(const struct yard_line *lines, size_t count, uint64_t *sum)
{
    void *pool = malloc(POOL_SIZE);
    size_t found = 0;
    yyjson_alc alc;

    if (!pool)
        abort();
    for (size_t i = 0; i < count; i++) {
        yyjson_doc *doc;
        yyjson_val *root, *user, *time;

        yyjson_alc_pool_init(&alc, pool, POOL_SIZE);
        /* It does not write without the flag that allows it. */
        doc = yyjson_read_opts((char *)(uintptr_t)lines[i].bytes, lines[i].size, 0, &alc, NULL);
        root = yyjson_doc_get_root(doc);
        user = yyjson_obj_get(root, "uid");
        time = yyjson_obj_get(root, "ts");
        if (!user || !time)
            continue;
        found++;
        *sum += (uint64_t)yyjson_get_str(user)[0] + yyjson_time(time);
    }
    free(pool);
    return found;
}

static const struct {
    const char *name;
    yard_reader *read;
} readers[] = {{"simdjson", yard_simdjson}, {"yyjson", yard_yyjson}, {"jsmn", yard_jsmn}};

static double now(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *bytes;

    if (!file || fseek(file, 0, SEEK_END) != 0)
        return NULL;
    *size = (size_t)ftell(file);
    rewind(file);
    bytes = calloc(1, *size + YARD_PADDING);
    if (bytes && fread(bytes, 1, *size, file) != *size)
        *size = 0;
    fclose(file);
    return bytes;
}

static size_t split(const char *bytes, size_t size, struct yard_line **lines)
{
    size_t count = 0, room = 0;

    for (const char *at = bytes, *end; at < bytes + size; at = end + 1) {
        end = memchr(at, '\n', (size_t)(bytes + size - at));
        if (!end)
            break;
        if (count == room) {
            room = room ? 2 * room : 4096;
            *lines = realloc(*lines, room * sizeof **lines);
            if (!*lines)
                abort();
        }
        (*lines)[count++] = (struct yard_line){at, (size_t)(end - at)};
    }
    return count;
}

int main(int argc, char **argv)
{
    double cpu = 0, wall = 0;
    size_t frames = 0, size;
    uint64_t sum = 0;
    yard_reader *read = NULL;

    for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
        if (argc > 1 && strcmp(argv[1], readers[i].name) == 0)
            read = readers[i].read;
    }
    if (argc == 2 && strcmp(argv[1], "versions") == 0) {
        printf("simdjson %s, yyjson %s\n", yard_simdjson_version(), YYJSON_VERSION_STRING);
        return 0;
    }
    if (argc < 3 || !read) {
        fputs("usage: yard_json simdjson|yyjson|jsmn FILE... | versions\n", stderr);
        return 2;
    }
    for (int i = 2; i < argc; i++) {
        struct yard_line *lines = NULL;
        char *bytes = read_file(argv[i], &size);
        size_t count = bytes ? split(bytes, size, &lines) : 0;
        double cpu_start = now(CLOCK_PROCESS_CPUTIME_ID), start = now(CLOCK_MONOTONIC);
        size_t found = count ? read(lines, count, &sum) : 0;

        cpu += now(CLOCK_PROCESS_CPUTIME_ID) - cpu_start;
        wall += now(CLOCK_MONOTONIC) - start;
        frames += count;
        if (count == 0 || found != count) {
            fprintf(stderr, "%s: %zu of %zu frames were read\n", argv[i], found, count);
            return 1;
        }
        free(lines);
        free(bytes);
    }
    printf("%.6f %.6f %zu %llx\n", cpu, wall, frames, (unsigned long long)sum);
    return 0;
}

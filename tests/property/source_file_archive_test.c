/* Goal: the lines of a file do not depend on how it is stored: plain, through a
 * pipe in pieces, as gzip members or zstd frames of any number. An archive cut
 * at any byte, or with any bit flipped, ends as a failure behind lines that are
 * true, never as a shorter file (but where a member ends). */
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "check_main.h"
#include "source.h"
#include "test_folder.h"
#include "test_random.h"

#define FRAME_MAX 50000
#define ROUNDS 20

static char folder[TEST_FOLDER_ROOM];
static uint64_t state;

static uint64_t number_below(uint64_t bound)
{
    return random_below(&state, bound);
}

static void make(void)
{
    test_folder_make(folder);
}

static void unmake(void)
{
    test_folder_remove(folder);
}

struct bytes {
    unsigned char *at;
    size_t size;
};

static struct bytes bytes_of(size_t room)
{
    struct bytes bytes = {.at = malloc(room + 1)};

    ck_assert(bytes.at != NULL);
    return bytes;
}

static struct bytes random_text(size_t size)
{
    struct bytes text = bytes_of(size);

    for (text.size = 0; text.size < size; text.size++) {
        unsigned kind = (unsigned)number_below(100);

        text.at[text.size] = kind < 2 ? '\n' : kind < 3 ? '\r' : (unsigned char)('a' + kind % 20);
    }
    return text;
}

/* The lines as "start size next" and a sum of their bytes: what a walk over all
 * bytes gives, and what a source gives. */
struct seen {
    size_t count;
    uint64_t sum;
};

static void see(struct seen *seen, int64_t start, size_t size, int64_t next, const void *bytes)
{
    uint64_t fields[3] = {(uint64_t)start, size, (uint64_t)next};
    uint32_t sum = (uint32_t)crc32(0, (const unsigned char *)fields, sizeof fields);

    if (bytes)
        sum = (uint32_t)crc32(sum, bytes, (unsigned)size);
    seen->sum = seen->sum * 1099511628211u + sum;
    seen->count++;
}

/* At most `most` lines of the text; `whole` counts one without a line end. */
static struct seen walk(struct bytes text, size_t most, bool whole)
{
    struct seen seen = {0};
    size_t start = 0;

    for (size_t i = 0; i < text.size && seen.count < most; i++) {
        size_t size = i - start;

        if (text.at[i] != '\n')
            continue;
        size -= size > 0 && text.at[i - 1] == '\r';
        see(&seen, (int64_t)start, size, (int64_t)i + 1,
            size > 0 && size <= FRAME_MAX ? text.at + start : NULL);
        start = i + 1;
    }
    if (whole && seen.count < most && start < text.size)
        see(&seen, (int64_t)start, text.size - start, (int64_t)text.size,
            text.size - start <= FRAME_MAX ? text.at + start : NULL);
    return seen;
}

/* Reads a source to its end; whether that is FINISHED. */
static bool read_all(const char *path, struct seen *seen, char *why, size_t why_size)
{
    const char *paths[] = {path};
    struct source_file_options options = {.paths = paths, .count = 1, .frame_max = FRAME_MAX};
    char error[5000] = "";
    struct source *source = source_file_create(&options, error, sizeof error);
    struct source_step step;

    ck_assert_msg(source != NULL, "%s", error);
    *seen = (struct seen){0};
    do {
        source_poll(source, 1000, &step);
        for (size_t i = 0; step.kind == SOURCE_MESSAGES && i < step.count; i++)
            see(seen, step.messages[i].position, step.messages[i].size, step.messages[i].next,
                step.messages[i].bytes);
        if (step.kind == SOURCE_REVOKED)
            source_release(source);
    } while (step.kind != SOURCE_FINISHED && step.kind != SOURCE_FAILED);
    snprintf(why, why_size, "%s", step.kind == SOURCE_FAILED ? step.error : "");
    source_destroy(&source);
    return step.kind == SOURCE_FINISHED;
}

static char *path_in(const char *name)
{
    char *path;

    ck_assert(asprintf(&path, "%s/%s", folder, name) > 0);
    return path;
}

static char *write_file(const char *name, struct bytes bytes)
{
    char *path = path_in(name);
    FILE *file = fopen(path, "w");

    ck_assert(file != NULL);
    ck_assert_uint_eq(fwrite(bytes.at, 1, bytes.size, file), bytes.size);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

static void expect_file(const char *name, struct bytes stored, struct bytes text)
{
    struct seen truth = walk(text, SIZE_MAX, true), seen;
    char *path = write_file(name, stored);
    char why[5000];

    ck_assert_msg(read_all(path, &seen, why, sizeof why), "%s", why);
    ck_assert_uint_eq(seen.count, truth.count);
    ck_assert_uint_eq(seen.sum, truth.sum);
    free(path);
}

static void add_gzip(struct bytes *archive, size_t room, const unsigned char *at, size_t size)
{
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)at, .avail_in = (unsigned)size};

    ck_assert_int_eq(deflateInit2(&z, (int)number_below(10), Z_DEFLATED, 15 + 16, 8, 0), Z_OK);
    z.next_out = archive->at + archive->size;
    z.avail_out = (unsigned)(room - archive->size);
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    archive->size += z.total_out;
    deflateEnd(&z);
}

/* Whether zstd frames have one: without, some damage can't be seen. */
static int checksum = 1;

static void add_zstd(struct bytes *archive, size_t room, const unsigned char *at, size_t size)
{
    static const unsigned char skippable[] = {0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'x', 'y', '\n'};
    ZSTD_CCtx *context = ZSTD_createCCtx();
    size_t wrote;

    if (number_below(2) == 0) {
        memcpy(archive->at + archive->size, skippable, sizeof skippable);
        archive->size += sizeof skippable;
    }
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, checksum);
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, (int)number_below(7));
    wrote = ZSTD_compress2(context, archive->at + archive->size, room - archive->size, at, size);
    ck_assert(!ZSTD_isError(wrote));
    archive->size += wrote;
    ZSTD_freeCCtx(context);
}

/* The text as members (frames) of random sizes, `ends` marks where they end. */
static struct bytes archive_of(struct bytes text, size_t member_max, bool zstd, bool *ends)
{
    size_t room = 4 * text.size + 100000, done = 0, size;
    struct bytes archive = bytes_of(room);

    do {
        size = number_below(member_max + 1);
        size = size < text.size - done ? size : text.size - done;
        (zstd ? add_zstd : add_gzip)(&archive, room, text.at + done, size);
        done += size;
        if (ends)
            ends[archive.size] = true;
    } while (done < text.size);
    return archive;
}

START_TEST(lines_do_not_depend_on_storage)
{
    for (int round = 0; round < ROUNDS; round++) {
        struct bytes text = random_text(number_below(round % 5 == 0 ? 2000000 : 3000));
        struct bytes gzip = archive_of(text, 1 + text.size / (1 + number_below(5)), false, NULL);
        struct bytes zstd = archive_of(text, 1 + text.size / (1 + number_below(5)), true, NULL);

        expect_file("text", text, text);
        expect_file("gzip", gzip, text);
        expect_file("zstd", zstd, text);
        memset(gzip.at + gzip.size, 0, 1000);
        gzip.size += 1000;
        expect_file("gzip padded", gzip, text);
        free(text.at);
        free(gzip.at);
        free(zstd.at);
    }
}
END_TEST

/* What a few compressed bytes hold may be more than a read has room for. */
START_TEST(archive_of_a_few_bytes)
{
    struct bytes text = bytes_of(9000000), archive;

    memset(text.at, 'x', 9000000);
    for (text.size = 0; text.size < 9000000; text.size += 1 + number_below(30000))
        text.at[text.size] = '\n';
    text.size = 9000000;
    checksum = 0;
    for (int zstd = 0; zstd < 2; zstd++) {
        archive = bytes_of(4 * text.size);
        (zstd ? add_zstd : add_gzip)(&archive, 4 * text.size, text.at, text.size);
        expect_file("few", archive, text);
        free(archive.at);
    }
    free(text.at);
}
END_TEST

struct piecewise {
    struct bytes bytes;
    const char *path;
    uint64_t seed;
};

/* Writes the FIFO in pieces of random size. */
static void *write_pieces(void *argument)
{
    const struct piecewise *job = argument;
    int fd = open(job->path, O_WRONLY);
    uint64_t random = job->seed;
    size_t done = 0;

    while (fd >= 0 && done < job->bytes.size) {
        size_t piece = 1 + (random = random * 6364136223846793005u + 1) % 40000;
        ssize_t wrote;

        piece = piece < job->bytes.size - done ? piece : job->bytes.size - done;
        if (random >> 60 == 0)
            piece = 1;
        wrote = write(fd, job->bytes.at + done, piece);
        if (wrote <= 0)
            break;
        done += (size_t)wrote;
    }
    if (fd >= 0)
        close(fd);
    return NULL;
}

START_TEST(lines_do_not_depend_on_pieces)
{
    char *path = path_in("fifo");
    char why[5000];

    ck_assert_int_eq(mkfifo(path, 0600), 0);
    for (int round = 0; round < 12; round++) {
        struct bytes text = random_text(number_below(300000));
        int form = round % 3;
        struct bytes stored = form == 0 ? text : archive_of(text, 100000, form == 1, NULL);
        struct piecewise job = {stored, path, number_below(UINT64_MAX) | 1};
        struct seen truth = walk(text, SIZE_MAX, true), seen;
        pthread_t writer;

        ck_assert_int_eq(pthread_create(&writer, NULL, write_pieces, &job), 0);
        ck_assert_msg(read_all(path, &seen, why, sizeof why), "%s", why);
        pthread_join(writer, NULL);
        ck_assert_uint_eq(seen.count, truth.count);
        ck_assert_uint_eq(seen.sum, truth.sum);
        if (stored.at != text.at)
            free(stored.at);
        free(text.at);
    }
    free(path);
}
END_TEST

/* Every prefix: the lines are the first ones of the text; the end is a failure,
 * but at the end of a member, or where too little is left to tell the format. */
START_TEST(truncated_archive_fails)
{
    bool zstd = _i == 1;
    struct bytes text = random_text(500);
    bool ends[8000] = {true};
    struct bytes archive = archive_of(text, 250, zstd, ends);
    size_t magic = zstd ? 4 : 2, whole = archive.size;
    char why[5000];

    ck_assert_uint_lt(whole, sizeof ends);
    for (size_t size = magic; size <= whole; size++) {
        struct seen seen, truth;
        bool finished;
        char *path;

        archive.size = size;
        path = write_file("cut", archive);
        finished = read_all(path, &seen, why, sizeof why);
        free(path);
        if (finished) {
            /* A skippable frame is a whole one too. */
            ck_assert_msg(ends[size] || (zstd && ends[size - 11]), "finished at %zu", size);
            continue;
        }
        ck_assert_msg(!ends[size], "failed at %zu: %s", size, why);
        ck_assert(strstr(why, "truncated") != NULL);
        truth = walk(text, seen.count, false);
        ck_assert_uint_eq(seen.count, truth.count);
        ck_assert_uint_eq(seen.sum, truth.sum);
    }
    free(text.at);
    free(archive.at);
}
END_TEST

/* The checksums see every flip that changes the text. */
START_TEST(flipped_bit_is_harmless_or_seen)
{
    bool zstd = _i == 1;
    struct bytes text = random_text(300);
    struct bytes archive = archive_of(text, 200, zstd, NULL);
    struct seen truth = walk(text, SIZE_MAX, true);
    char why[5000];

    for (size_t bit = 8 * (zstd ? 4 : 2); bit < 8 * archive.size; bit++) {
        struct seen seen;
        char *path;
        bool finished;

        archive.at[bit / 8] ^= (unsigned char)(1 << bit % 8);
        path = write_file("flipped", archive);
        finished = read_all(path, &seen, why, sizeof why);
        archive.at[bit / 8] ^= (unsigned char)(1 << bit % 8);
        free(path);
        /* In headers there are bits that mean nothing. */
        if (finished)
            ck_assert_msg(seen.sum == truth.sum, "bit %zu went unseen", bit);
    }
    free(text.at);
    free(archive.at);
}
END_TEST

START_TEST(bytes_behind_an_archive_fail)
{
    bool zstd = _i == 1;
    struct bytes text = random_text(300);
    struct bytes archive = archive_of(text, 300, zstd, NULL);
    struct seen seen, truth = walk(text, SIZE_MAX, false);
    char why[5000];
    char *path;

    memcpy(archive.at + archive.size, "\0\0rest\n", 7);
    archive.size += 7;
    path = write_file("rest", archive);
    ck_assert(!read_all(path, &seen, why, sizeof why));
    ck_assert_uint_eq(seen.count, truth.count);
    ck_assert_uint_eq(seen.sum, truth.sum);
    free(path);
    free(text.at);
    free(archive.at);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 200);
    tcase_add_unchecked_fixture(tcase, make, unmake);
    tcase_add_test(tcase, lines_do_not_depend_on_storage);
    tcase_add_test(tcase, archive_of_a_few_bytes);
    tcase_add_test(tcase, lines_do_not_depend_on_pieces);
    tcase_add_loop_test(tcase, truncated_archive_fails, 0, 2);
    tcase_add_loop_test(tcase, flipped_bit_is_harmless_or_seen, 0, 2);
    tcase_add_loop_test(tcase, bytes_behind_an_archive_fail, 0, 2);
}

/* A number for each frame, minute * users + user: sorted at the end, equal
 * minutes stand together, and equal users within them. */
#include "generate_truth.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct damaged {
    uint64_t user;
    int64_t time_s, honest_s;
};

struct generate_truth {
    uint64_t users;
    uint64_t *keys;
    size_t count, room;
    struct damaged *damaged;
    size_t damaged_count, damaged_room;
    unsigned char *seen; /* a bit a user, of honest frames */
};

struct generate_truth *generate_truth_create(uint64_t users)
{
    struct generate_truth *truth = calloc(1, sizeof *truth);

    assert(users > 0 && users <= (uint64_t)GENERATE_USERS_MAX);
    if (!truth)
        return NULL;
    truth->users = users;
    truth->seen = calloc(users / 8 + 1, 1);
    if (!truth->seen)
        generate_truth_destroy(&truth);
    return truth;
}

void generate_truth_destroy(struct generate_truth **truth)
{
    if (!*truth)
        return;
    free((*truth)->seen);
    free((*truth)->damaged);
    free((*truth)->keys);
    free(*truth);
    *truth = NULL;
}

/* Room for one more element; NULL when there is none. */
static void *grown(void *array, size_t count, size_t *room, size_t element)
{
    size_t more = *room * 2 + 1024;
    void *moved;

    if (count < *room)
        return array;
    moved = realloc(array, more * element);
    if (moved)
        *room = more;
    return moved;
}

bool generate_truth_add(struct generate_truth *truth, uint64_t user, int64_t time_s,
                        int64_t honest_s)
{
    assert(user < truth->users && time_s >= 0);
    if (time_s != honest_s) {
        struct damaged *damaged = grown(truth->damaged, truth->damaged_count,
                                        &truth->damaged_room, sizeof *damaged);

        if (!damaged)
            return false;
        truth->damaged = damaged;
        damaged[truth->damaged_count++] = (struct damaged){user, time_s, honest_s};
        return true;
    }
    uint64_t *keys = grown(truth->keys, truth->count, &truth->room, sizeof *keys);

    if (!keys)
        return false;
    truth->keys = keys;
    keys[truth->count++] = (uint64_t)(time_s / 60) * truth->users + user;
    truth->seen[user / 8] |= (unsigned char)(1U << (user % 8));
    return true;
}

static int key_compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

static uint64_t users_seen(const struct generate_truth *truth)
{
    uint64_t count = 0;

    for (uint64_t i = 0; i <= truth->users / 8; i++)
        count += (uint64_t)__builtin_popcount(truth->seen[i]);
    return count;
}

static void write_minutes(const struct generate_truth *truth, FILE *file)
{
    const char *comma = "";

    for (size_t i = 0; i < truth->count;) {
        uint64_t minute = truth->keys[i] / truth->users;
        uint64_t frames = 0, uniques = 0, last = UINT64_MAX;

        for (; i < truth->count && truth->keys[i] / truth->users == minute; i++) {
            frames++;
            uniques += truth->keys[i] != last;
            last = truth->keys[i];
        }
        fprintf(file, "%s\n{\"minute\":%" PRIu64 ",\"frames\":%" PRIu64 ",\"uniques\":%" PRIu64 "}",
                comma, minute * 60, frames, uniques);
        comma = ",";
    }
}

void generate_truth_write(struct generate_truth *truth, const struct generate_frames *frames,
                          FILE *file)
{
    if (truth->count)
        qsort(truth->keys, truth->count, sizeof(*truth->keys), key_compare);
    fprintf(file, "{\"frames\":%zu,\"uniques\":%" PRIu64 ",\"minutes\":[", truth->count,
            users_seen(truth));
    write_minutes(truth, file);
    fputs("],\n\"damaged\":[", file);
    for (size_t i = 0; i < truth->damaged_count; i++) {
        const struct damaged *damaged = &truth->damaged[i];
        char uid[GENERATE_UID_SIZE];

        generate_frames_uid(frames, damaged->user, uid);
        fprintf(file, "%s\n{\"minute\":%" PRId64 ",\"ts\":%" PRId64 ",\"honest\":%" PRId64
                ",\"uid\":\"%.*s\"}", i ? "," : "", damaged->time_s - damaged->time_s % 60,
                damaged->time_s, damaged->honest_s, GENERATE_UID_SIZE, uid);
    }
    fputs("]}\n", file);
}

/* Zone rules out of glibc, kept as tables.
 *
 * glibc knows the rules of one zone at a time: the one that TZ names. So this
 * file is the one place that sets TZ, under a lock, asks for the offset of each
 * day of a leaf (366 days and two more on either side), halves its way to the
 * second where two days differ, and restores TZ. What is kept are the changes,
 * a few a leaf; all 8,000 years of a zone cost less than half a megabyte, and
 * only the leaves that were asked for exist. From then on everything is
 * arithmetic on the table.
 *
 * A day is short enough a step: since 1970 no zone has changed its offset
 * twice within less than six days.
 *
 * glibc takes a name that it does not find for UTC, without a word. So the
 * zone's file is looked at first, at the place where glibc will look. */
#include "calendar_zone.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "limits.h"

#define DAY_S INT64_C(86400)
#define LEAF_S (366 * DAY_S)
#define LEAVES ((size_t)((CALENDAR_ZONE_TO_S - CALENDAR_ZONE_FROM_S) / LEAF_S + 1))
#define SPANS_MAX (366 + 4 + 1)
#define NAME_MAX_BYTES 64

struct leaf {
    size_t count;
    struct calendar_span spans[];
};

struct calendar_zone {
    bool utc; /* no rules, no file, no leaves */
    char name[NAME_MAX_BYTES + 1];
    struct leaf **leaves; /* LEAVES of them, NULL until asked for */
};

/* TZ is the process's, so its lock is too. */
static pthread_mutex_t tz_lock = PTHREAD_MUTEX_INITIALIZER;

static bool name_is_plain(const char *name)
{
    const char *allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
    size_t size = strlen(name);

    return size > 0 && size <= NAME_MAX_BYTES && strspn(name, allowed) == size && name[0] != '/';
}

static bool zone_file_exists(const char *name)
{
    const char *folder = getenv("TZDIR");
    char path[4096];
    char magic[4];
    size_t got;
    FILE *file;

    if (!folder || !*folder)
        folder = "/usr/share/zoneinfo";
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return false;
    file = fopen(path, "rb");
    if (!file)
        return false;
    got = fread(magic, 1, sizeof magic, file);
    fclose(file);
    return got == sizeof magic && memcmp(magic, "TZif", sizeof magic) == 0;
}

struct calendar_zone *calendar_zone_create(const char *name, char *error, size_t error_size)
{
    bool utc = strcmp(name, "UTC") == 0;
    struct calendar_zone *zone;

    if (!utc && strncmp(name, "right/", 6) == 0) {
        snprintf(error, error_size, "the zone '%s' counts leap seconds, Unix time does not", name);
        return NULL;
    }
    if (!utc && (!name_is_plain(name) || !zone_file_exists(name))) {
        snprintf(error, error_size,
                 "this system has no time zone '%.80s'; allowed are the names of the tz database, "
                 "such as UTC or Europe/Zurich", name);
        return NULL;
    }
    zone = calloc(1, sizeof *zone);
    if (!zone)
        goto err0;
    zone->utc = utc;
    memcpy(zone->name, name, strlen(name) + 1);
    if (!utc && !(zone->leaves = calloc(LEAVES, sizeof(*zone->leaves))))
        goto err1;
    return zone;

err1:
    free(zone);
err0:
    snprintf(error, error_size, "no memory for the time zone '%s'", name);
    return NULL;
}

void calendar_zone_destroy(struct calendar_zone **zone)
{
    if (!*zone)
        return;
    if ((*zone)->leaves) {
        for (size_t i = 0; i < LEAVES; i++)
            free((*zone)->leaves[i]);
    }
    free((*zone)->leaves);
    free(*zone);
    *zone = NULL;
}

/* Needs TZ to be set. */
static int32_t offset_at(int64_t time_s)
{
    time_t time = time_s;
    struct tm tm;
    struct tm *known = localtime_r(&time, &tm);

    assert(known);
    return (int32_t)tm.tm_gmtoff;
}

/* The first second after `before` at which the offset is no longer `offset`;
 * at `after` it is another. */
static int64_t change_between(int64_t before, int64_t after, int32_t offset)
{
    while (after - before > 1) {
        int64_t middle = before + (after - before) / 2;

        if (offset_at(middle) == offset)
            before = middle;
        else
            after = middle;
    }
    return after;
}

/* The spans of [from, to), whole days apart. Needs TZ to be set. */
static size_t spans_read(int64_t from, int64_t to, struct calendar_span *spans)
{
    size_t count = 0;
    int32_t offset = offset_at(from);
    int64_t start = from;

    for (int64_t day = from; day < to; day += DAY_S) {
        int32_t next = offset_at(day + DAY_S);

        if (next == offset)
            continue;
        assert(count + 1 < SPANS_MAX);
        int64_t change = change_between(day, day + DAY_S, offset);

        spans[count++] = (struct calendar_span){start, change, offset};
        start = change;
        offset = next;
    }
    spans[count++] = (struct calendar_span){start, to, offset};
    return count;
}

static void tz_set(const char *value)
{
    if (value)
        setenv("TZ", value, 1);
    else
        unsetenv("TZ");
    tzset();
}

/* The guarded place. False without memory. */
static bool spans_fetch(const char *name, int64_t from, int64_t to, struct calendar_span *spans,
                        size_t *count)
{
    char value[NAME_MAX_BYTES + 2];
    const char *set;
    char *before = NULL;
    bool done = false;

    pthread_mutex_lock(&tz_lock);
    set = getenv("TZ");
    if (set && !(before = strdup(set)))
        goto unlock;
    /* The colon says that this is a file's name, whatever it looks like. */
    snprintf(value, sizeof value, ":%s", name);
    if (setenv("TZ", value, 1) != 0)
        goto restore;
    tzset();
    *count = spans_read(from, to, spans);
    done = true;
restore:
    tz_set(before);
unlock:
    pthread_mutex_unlock(&tz_lock);
    free(before);
    return done;
}

static struct leaf *leaf_create(const char *name, size_t index)
{
    int64_t from = CALENDAR_ZONE_FROM_S + (int64_t)index * LEAF_S - CALENDAR_ZONE_SURE_S;
    int64_t to = from + LEAF_S + 2 * CALENDAR_ZONE_SURE_S;
    struct calendar_span spans[SPANS_MAX];
    struct leaf *leaf;
    size_t count;

    if (!spans_fetch(name, from, to, spans, &count))
        return NULL;
    leaf = malloc(sizeof *leaf + count * sizeof spans[0]);
    if (!leaf)
        return NULL;
    leaf->count = count;
    memcpy(leaf->spans, spans, count * sizeof spans[0]);
    return leaf;
}

bool calendar_zone_span(struct calendar_zone *zone, int64_t time_s, struct calendar_span *span)
{
    size_t index = (size_t)((time_s - CALENDAR_ZONE_FROM_S) / LEAF_S);
    const struct leaf *leaf;

    assert(time_s >= CALENDAR_ZONE_FROM_S && time_s <= CALENDAR_ZONE_TO_S);
    if (zone->utc) {
        *span = (struct calendar_span){INT64_MIN, INT64_MAX, 0};
        return true;
    }
    if (!zone->leaves[index])
        zone->leaves[index] = leaf_create(zone->name, index);
    leaf = zone->leaves[index];
    if (!leaf)
        return false;
    for (size_t i = 0; i < leaf->count; i++) {
        if (time_s < leaf->spans[i].to_s) {
            *span = leaf->spans[i];
            return true;
        }
    }
    assert(false);
    return false;
}

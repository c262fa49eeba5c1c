/* An open-addressed hash table of pointers, and a list from the bucket that
 * was used last to the one that rests longest. */
#include "rollup_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "rollup_spill.h"

#define SLOTS_FIRST 64
/* What a record's form can hold. */
#define FRAMES_MAX ((uint64_t)INT64_MAX - 1)

struct rollup_table {
    struct rollup_bucket **buckets; /* [count], in room for 3/4 of slots_count */
    size_t count;
    uint32_t *slots;                /* [slots_count]: index into buckets + 1; 0 is free */
    size_t slots_count;             /* a power of two */
    struct rollup_bucket *coldest, *hottest; /* those that have a sketch in memory */
    size_t sketch_bytes;
    size_t sketch_bytes_max;
    struct rollup_spill *spill;
    struct hc_sketch *whole;        /* handed out by rollup_bucket_sketch */
    bool sorted;
};

struct rollup_table *rollup_table_create(size_t sketch_bytes_max, const char *folder)
{
    struct rollup_table *table = calloc(1, sizeof *table);

    if (!table)
        return NULL;
    table->sketch_bytes_max = sketch_bytes_max;
    table->spill = rollup_spill_create(folder);
    if (!table->spill) {
        free(table);
        return NULL;
    }
    return table;
}

void rollup_table_destroy(struct rollup_table **table)
{
    if (!*table)
        return;
    for (size_t i = 0; i < (*table)->count; i++) {
        hc_sketch_destroy(&(*table)->buckets[i]->sketch);
        free((*table)->buckets[i]->claims);
        free((*table)->buckets[i]);
    }
    hc_sketch_destroy(&(*table)->whole);
    rollup_spill_destroy(&(*table)->spill);
    free((*table)->slots);
    free((*table)->buckets);
    free(*table);
    *table = NULL;
}

const char *rollup_table_error(const struct rollup_table *table)
{
    return rollup_spill_error(table->spill);
}

/* FNV-1a, and a last mix because the low bits are what is used. */
static size_t key_hash(int64_t start_s, const char *group, enum hc_profile profile)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)start_s ^ (uint64_t)profile << 56;

    hash *= UINT64_C(0x100000001b3);
    for (const char *c = group; *c; c++)
        hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
    return (size_t)(hash ^ hash >> 29 ^ hash >> 43);
}

/* The slot of a key, or the free one where it belongs. */
static uint32_t *slot_of(const struct rollup_table *table, int64_t start_s, const char *group,
                         enum hc_profile profile)
{
    size_t mask = table->slots_count - 1;
    size_t i = key_hash(start_s, group, profile) & mask;

    for (;; i = (i + 1) & mask) {
        const struct rollup_bucket *bucket;

        if (table->slots[i] == 0)
            return &table->slots[i];
        bucket = table->buckets[table->slots[i] - 1];
        if (bucket->start_s == start_s && bucket->profile == profile &&
            strcmp(bucket->group, group) == 0)
            return &table->slots[i];
    }
}

static bool table_grow(struct rollup_table *table)
{
    size_t slots_count = table->slots_count ? table->slots_count * 2 : SLOTS_FIRST;
    uint32_t *slots = calloc(slots_count, sizeof *slots);
    struct rollup_bucket **buckets =
        slots ? realloc(table->buckets, slots_count / 4 * 3 * sizeof(*buckets)) : NULL;

    if (!buckets) {
        free(slots);
        return false;
    }
    free(table->slots);
    table->slots = slots;
    table->slots_count = slots_count;
    table->buckets = buckets;
    for (size_t i = 0; i < table->count; i++)
        *slot_of(table, buckets[i]->start_s, buckets[i]->group, buckets[i]->profile) =
            (uint32_t)(i + 1);
    return true;
}

struct rollup_bucket *rollup_table_get(struct rollup_table *table, int64_t start_s, int64_t end_s,
                                       const char *group, enum hc_profile profile)
{
    size_t group_room = strlen(group) + 1;
    struct rollup_bucket *bucket;
    uint32_t *slot;

    assert(!table->sorted);
    if (table->count == table->slots_count / 4 * 3 && !table_grow(table))
        return NULL;
    slot = slot_of(table, start_s, group, profile);
    if (*slot)
        return table->buckets[*slot - 1];
    bucket = calloc(1, sizeof *bucket + group_room);
    if (!bucket)
        return NULL;
    bucket->start_s = start_s;
    bucket->end_s = end_s;
    bucket->profile = profile;
    bucket->state = RECORD_LATE;
    bucket->aside = ROLLUP_SPILL_NONE;
    memcpy(bucket->group, group, group_room);
    table->buckets[table->count++] = bucket;
    assert(table->count < UINT32_MAX);
    *slot = (uint32_t)table->count;
    return bucket;
}

static void list_take(struct rollup_table *table, struct rollup_bucket *bucket)
{
    *(bucket->colder ? &bucket->colder->hotter : &table->coldest) = bucket->hotter;
    *(bucket->hotter ? &bucket->hotter->colder : &table->hottest) = bucket->colder;
    bucket->colder = bucket->hotter = NULL;
}

static void list_put(struct rollup_table *table, struct rollup_bucket *bucket)
{
    bucket->colder = table->hottest;
    *(table->hottest ? &table->hottest->hotter : &table->coldest) = bucket;
    table->hottest = bucket;
}

static bool put_aside(struct rollup_table *table, struct rollup_bucket *bucket)
{
    if (!rollup_spill_put(table->spill, bucket->sketch, &bucket->aside))
        return false;
    list_take(table, bucket);
    hc_sketch_destroy(&bucket->sketch);
    table->sketch_bytes -= bucket->sketch_bytes;
    bucket->sketch_bytes = 0;
    return true;
}

/* Counts what the bucket's sketch takes now, and makes it the last that was used. */
static enum hc_status keep_sketch(struct rollup_table *table, struct rollup_bucket *bucket)
{
    list_put(table, bucket);
    table->sketch_bytes -= bucket->sketch_bytes;
    bucket->sketch_bytes = hc_sketch_memory(bucket->sketch);
    table->sketch_bytes += bucket->sketch_bytes;
    while (table->sketch_bytes > table->sketch_bytes_max && table->coldest != bucket) {
        if (!put_aside(table, table->coldest))
            return HC_EROOM;
    }
    return HC_OK;
}

enum hc_status rollup_bucket_union(struct rollup_table *table, struct rollup_bucket *bucket,
                                   const struct hc_sketch *sketch)
{
    enum hc_status status;

    if (bucket->sketch) {
        status = hc_sketch_union(bucket->sketch, sketch, NULL);
        if (status != HC_OK)
            return status;
        list_take(table, bucket);
    } else {
        status = hc_sketch_copy(sketch, &bucket->sketch);
        if (status != HC_OK)
            return status;
    }
    return keep_sketch(table, bucket);
}

enum hc_status rollup_bucket_give(struct rollup_table *table, struct rollup_bucket *bucket,
                                  struct hc_sketch **sketch)
{
    if (bucket->sketch)
        return rollup_bucket_union(table, bucket, *sketch);
    bucket->sketch = *sketch;
    *sketch = NULL;
    return keep_sketch(table, bucket);
}

void rollup_bucket_label(struct rollup_bucket *bucket, enum record_state state)
{
    if (bucket->state == RECORD_CLOSED || state == RECORD_CLOSED)
        bucket->state = RECORD_CLOSED;
    else if (bucket->state == RECORD_OPEN || state == RECORD_OPEN)
        bucket->state = RECORD_OPEN;
    else
        bucket->state = RECORD_LATE;
}

bool rollup_bucket_claim(struct rollup_bucket *bucket, uint64_t owner, uint64_t frames)
{
    struct rollup_claim *claims;

    for (size_t i = 0; i < bucket->claims_count; i++) {
        struct rollup_claim *claim = &bucket->claims[i];

        if (claim->owner != owner)
            continue;
        if (claim->frames < frames)
            claim->frames = frames;
        return true;
    }
    claims = realloc(bucket->claims, (bucket->claims_count + 1) * sizeof *claims);
    if (!claims)
        return false;
    bucket->claims = claims;
    claims[bucket->claims_count++] = (struct rollup_claim){owner, frames};
    return true;
}

uint64_t rollup_bucket_frames(const struct rollup_bucket *bucket)
{
    uint64_t frames = 0;

    for (size_t i = 0; i < bucket->claims_count; i++) {
        uint64_t more = bucket->claims[i].frames;

        frames = more > FRAMES_MAX - frames ? FRAMES_MAX : frames + more;
    }
    return frames;
}

const struct hc_sketch *rollup_bucket_sketch(struct rollup_table *table,
                                             struct rollup_bucket *bucket)
{
    assert(bucket->sketch || bucket->aside != ROLLUP_SPILL_NONE);
    if (bucket->aside == ROLLUP_SPILL_NONE)
        return bucket->sketch;
    if (bucket->sketch && !put_aside(table, bucket))
        return NULL;
    hc_sketch_destroy(&table->whole);
    if (!rollup_spill_get(table->spill, bucket->aside, &table->whole))
        return NULL;
    return table->whole;
}

/* The bucket's sketch as it is, without a copy. */
static enum hc_status hand_over(struct rollup_table *into, struct rollup_bucket *to,
                                struct rollup_table *from, struct rollup_bucket *bucket)
{
    list_take(from, bucket);
    to->sketch = bucket->sketch;
    bucket->sketch = NULL;
    return keep_sketch(into, to);
}

static enum hc_status join_bucket(struct rollup_table *into, struct rollup_table *from,
                                  struct rollup_bucket *bucket)
{
    struct rollup_bucket *to = rollup_table_get(into, bucket->start_s, bucket->end_s,
                                                bucket->group, bucket->profile);
    const struct hc_sketch *sketch;

    if (!to)
        return HC_ENOMEM;
    rollup_bucket_label(to, bucket->state);
    for (size_t i = 0; i < bucket->claims_count; i++) {
        if (!rollup_bucket_claim(to, bucket->claims[i].owner, bucket->claims[i].frames))
            return HC_ENOMEM;
    }
    if (!to->sketch && bucket->aside == ROLLUP_SPILL_NONE)
        return hand_over(into, to, from, bucket);
    sketch = rollup_bucket_sketch(from, bucket);
    if (sketch)
        return rollup_bucket_union(into, to, sketch);
    rollup_spill_blame(into->spill, rollup_table_error(from));
    return HC_EROOM;
}

enum hc_status rollup_table_join(struct rollup_table *into, struct rollup_table *from)
{
    enum hc_status status = HC_OK;

    assert(into != from && !into->sorted && !from->sorted);
    for (size_t i = 0; status == HC_OK && i < from->count; i++)
        status = join_bucket(into, from, from->buckets[i]);
    return status;
}

static int bucket_compare(const void *left, const void *right)
{
    const struct rollup_bucket *a = *(struct rollup_bucket *const *)left;
    const struct rollup_bucket *b = *(struct rollup_bucket *const *)right;

    bool a_total = strcmp(a->group, "{}") == 0, b_total = strcmp(b->group, "{}") == 0;
    int order;

    if (a->start_s != b->start_s)
        return a->start_s < b->start_s ? -1 : 1;
    if (a_total != b_total)
        return a_total ? -1 : 1;
    order = strcmp(a->group, b->group);
    return order ? order : (a->profile > b->profile) - (a->profile < b->profile);
}

void rollup_table_sort(struct rollup_table *table)
{
    if (table->count)
        qsort(table->buckets, table->count, sizeof(*table->buckets), bucket_compare);
    table->sorted = true;
}

size_t rollup_table_count(const struct rollup_table *table)
{
    return table->count;
}

struct rollup_bucket *rollup_table_bucket(const struct rollup_table *table, size_t index)
{
    assert(table->sorted && index < table->count);
    return table->buckets[index];
}

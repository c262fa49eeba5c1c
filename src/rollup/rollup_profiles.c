#include "rollup_profiles.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "range_set.h"
#include "sorted.h"

/* One start of one instance. */
struct start {
    int64_t epoch_ms;
    unsigned profiles;
    int64_t first_s, last_s; /* minutes of its records */
    char instance[];
};

struct rollup_profiles {
    struct sorted starts;
    struct start *last; /* used */
    unsigned seen;
    /* Of each profile, where a start lacks it. */
    struct lack {
        size_t starts;
        struct range_set minutes; /* in seconds */
    } lacks[HC_PROFILE_KEYED + 1];
};

struct key {
    const char *instance;
    int64_t epoch_ms;
};

struct rollup_profiles *rollup_profiles_create(void)
{
    return calloc(1, sizeof(struct rollup_profiles));
}

void rollup_profiles_destroy(struct rollup_profiles **profiles)
{
    if (!*profiles)
        return;
    for (size_t i = 0; i < (*profiles)->starts.count; i++)
        free((*profiles)->starts.items[i]);
    free((*profiles)->starts.items);
    for (unsigned p = 0; p <= HC_PROFILE_KEYED; p++)
        range_set_free(&(*profiles)->lacks[p].minutes);
    free(*profiles);
    *profiles = NULL;
}

static int start_compare(const void *item, const void *key)
{
    const struct start *start = item;
    const struct key *other = key;
    int order = strcmp(start->instance, other->instance);

    if (order != 0)
        return order;
    return (start->epoch_ms > other->epoch_ms) - (start->epoch_ms < other->epoch_ms);
}

static struct start *start_make(const struct key *key, int64_t minute_s)
{
    size_t room = strlen(key->instance) + 1;
    struct start *start = calloc(1, sizeof *start + room);

    if (!start)
        return NULL;
    start->epoch_ms = key->epoch_ms;
    start->first_s = start->last_s = minute_s;
    memcpy(start->instance, key->instance, room);
    return start;
}

/* The start of that key, made if there is none; NULL when there is no memory. */
static struct start *start_of(struct rollup_profiles *profiles, const struct key *key,
                              int64_t minute_s)
{
    struct start *start;
    size_t at;
    bool found;

    if (profiles->last && start_compare(profiles->last, key) == 0)
        return profiles->last;
    at = sorted_find(&profiles->starts, key, start_compare, &found);
    if (found)
        return profiles->last = profiles->starts.items[at];
    start = start_make(key, minute_s);
    if (!start || !sorted_insert(&profiles->starts, at, start)) {
        free(start);
        return NULL;
    }
    return profiles->last = start;
}

/* Records of these profiles in minutes from `first_s` to `last_s`. */
static bool note(struct rollup_profiles *profiles, const struct key *key, unsigned bits,
                 int64_t first_s, int64_t last_s)
{
    struct start *start = start_of(profiles, key, first_s);

    if (!start)
        return false;
    start->profiles |= bits;
    profiles->seen |= bits;
    if (first_s < start->first_s)
        start->first_s = first_s;
    if (last_s > start->last_s)
        start->last_s = last_s;
    return true;
}

bool rollup_profiles_add(struct rollup_profiles *profiles, const struct record_sketch *record)
{
    const struct key key = {record->instance, record->epoch_ms};

    return note(profiles, &key, ROLLUP_PROFILE_BIT(hc_sketch_profile(record->sketch)),
                record->minute_s, record->minute_s);
}

bool rollup_profiles_join(struct rollup_profiles *into, const struct rollup_profiles *from)
{
    for (size_t i = 0; i < from->starts.count; i++) {
        const struct start *start = from->starts.items[i];
        const struct key key = {start->instance, start->epoch_ms};

        if (!note(into, &key, start->profiles, start->first_s, start->last_s))
            return false;
    }
    return true;
}

void rollup_profiles_save(const struct rollup_profiles *profiles, struct text *text)
{
    state_put_uint(text, profiles->starts.count);
    for (size_t i = 0; i < profiles->starts.count; i++) {
        const struct start *start = profiles->starts.items[i];

        state_put_string(text, start->instance);
        state_put_int(text, start->epoch_ms);
        state_put_uint(text, start->profiles);
        state_put_int(text, start->first_s);
        state_put_int(text, start->last_s);
    }
}

bool rollup_profiles_load(struct rollup_profiles *profiles, struct state_reader *reader)
{
    size_t count = state_get_count(reader);

    for (size_t i = 0; i < count && !reader->failed; i++) {
        const char *instance = state_get_string(reader);
        int64_t epoch_ms = state_get_int(reader);
        uint64_t bits = state_get_uint(reader);
        int64_t first_s = state_get_int(reader);
        int64_t last_s = state_get_int(reader);
        const struct key key = {instance, epoch_ms};

        state_expect(reader, bits < ROLLUP_PROFILE_BIT(HC_PROFILE_KEYED + 1) &&
                                 first_s <= last_s);
        if (!reader->failed && !note(profiles, &key, (unsigned)bits, first_s, last_s))
            return false;
    }
    return true;
}

unsigned rollup_profiles_seen(const struct rollup_profiles *profiles)
{
    return profiles->seen;
}

static bool judge(const struct rollup_profiles *profiles, unsigned bit, struct lack *lack)
{
    assert(lack->starts == 0);
    for (size_t i = 0; i < profiles->starts.count; i++) {
        const struct start *start = profiles->starts.items[i];

        if (start->profiles & bit)
            continue;
        lack->starts++;
        if (!range_set_add(&lack->minutes, start->first_s, start->last_s + 1))
            return false;
    }
    range_set_settle(&lack->minutes);
    return true;
}

bool rollup_profiles_judge(struct rollup_profiles *profiles)
{
    for (unsigned p = HC_PROFILE_REDIS; p <= HC_PROFILE_KEYED; p++) {
        if (!judge(profiles, ROLLUP_PROFILE_BIT(p), &profiles->lacks[p]))
            return false;
    }
    return true;
}

size_t rollup_profiles_lacking(const struct rollup_profiles *profiles, enum hc_profile profile)
{
    return profiles->lacks[profile].starts;
}

bool rollup_profiles_lack(const struct rollup_profiles *profiles, enum hc_profile profile,
                          int64_t minute_s)
{
    return range_set_holds(&profiles->lacks[profile].minutes, minute_s, minute_s + 1);
}

/* Which profiles a stream's records are of, and who wrote in which. Private to
 * rollup.
 *
 * One run writes each of its windows in all of its profiles, so rows of one
 * profile miss nobody. Where a run had other profiles, rows must know: its
 * users are in none of their sketches. Memory: 100 bytes and the instance's
 * name for each start of an instance. */
#ifndef ROLLUP_PROFILES_H
#define ROLLUP_PROFILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record.h"
#include "state_bytes.h"

struct rollup_profiles;

struct rollup_profiles *rollup_profiles_create(void); /* NULL: no memory */
void rollup_profiles_destroy(struct rollup_profiles **profiles);

/* A bit for each profile. */
#define ROLLUP_PROFILE_BIT(profile) (1u << (unsigned)(profile))

/* Notes a record. False when there is no memory. */
bool rollup_profiles_add(struct rollup_profiles *profiles, const struct record_sketch *record);
/* Notes all that was noted in `from`. False when there is no memory. */
bool rollup_profiles_join(struct rollup_profiles *into, const struct rollup_profiles *from);
/* Appends all that was noted, as bytes; not after rollup_profiles_judge. */
void rollup_profiles_save(const struct rollup_profiles *profiles, struct text *text);
/* Notes all that was saved. False when there is no memory. */
bool rollup_profiles_load(struct rollup_profiles *profiles, struct state_reader *reader);
/* The bits of those that were seen. */
unsigned rollup_profiles_seen(const struct rollup_profiles *profiles);

/* All was added. Once; false when there is no memory. */
bool rollup_profiles_judge(struct rollup_profiles *profiles);
/* After that, of a profile: how many starts of instances wrote in others only,
 * and whether one of them wrote records on both sides of this minute, or in it. */
size_t rollup_profiles_lacking(const struct rollup_profiles *profiles, enum hc_profile profile);
bool rollup_profiles_lack(const struct rollup_profiles *profiles, enum hc_profile profile,
                          int64_t minute_s);

#endif

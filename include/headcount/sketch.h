/* A HyperLogLog++ sketch: how many different ids were added, in a few KiB.
 *
 * A sketch starts sparse (exact to about 0.01 %) and becomes dense once, when
 * the sparse form would take more memory. Both forms of the same ids answer
 * with the same registers. Union is idempotent, commutative and associative.
 *
 * Threads: one sketch belongs to one thread at a time; calls that take a const
 * sketch may run at once, but some ask its allocator for memory, which then
 * must allow for that, as realloc does. The library has no global state.
 *
 * A NULL that is not said to be allowed is the caller's bug: an assert ends the
 * program. docs/LIBRARY.md shows all of this at work. */
#ifndef HEADCOUNT_SKETCH_H
#define HEADCOUNT_SKETCH_H

#include <stddef.h>
#include <stdint.h>

#include "headcount/error.h"
#include "headcount/hash.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HC_PRECISION_MIN 4
#define HC_PRECISION_MAX 18

struct hc_sketch; /* opaque */

/* Where memory comes from. `resize` has realloc's contract (pointer NULL:
 * allocate; size is never 0), `release` has free's. A failing resize leaves
 * the old block. NULL as `struct hc_allocator *` means realloc and free.
 * The struct is copied; `context` must outlive every sketch made with it. */
struct hc_allocator {
    void *(*resize)(void *context, void *pointer, size_t size);
    void (*release)(void *context, void *pointer);
    void *context;
};

/* What a sketch is made of. Zero-initialise, then set what is needed. */
struct hc_sketch_options {
    enum hc_profile profile;
    unsigned precision; /* HC_PRECISION_MIN..HC_PRECISION_MAX: 2^precision registers */
    const struct hc_allocator *allocator; /* NULL: the C library's */
    const uint8_t *key; /* HC_KEY_SIZE bytes, copied, for HC_PROFILE_KEYED; else NULL */
};

/* A number with its uncertainty, in ids. */
struct hc_estimate {
    double value; /* finite, >= 0 */
    double low;   /* the 95 % interval: 0 <= low <= value <= high */
    double high;
    double error; /* one standard error relative to value; 0.0081 is 0.81 % */
};

/* A new, empty sketch into *sketch, owned by the caller. HC_ERANGE (also for a
 * key that is missing, or not asked for), HC_ENOMEM; *sketch is written only on
 * success. */
enum hc_status hc_sketch_create(const struct hc_sketch_options *options,
                                struct hc_sketch **sketch);

/* Frees *sketch (NULL is allowed) and sets it to NULL. */
void hc_sketch_destroy(struct hc_sketch **sketch);

/* A copy of `from` with the same allocator, owned by the caller. HC_ENOMEM. */
enum hc_status hc_sketch_copy(const struct hc_sketch *from, struct hc_sketch **copy);

/* Adds the id's bytes. *changed (may be NULL) becomes 1 when the content is no
 * longer what it was, else 0. HC_ENOMEM leaves the sketch as it was, but for
 * ids that earlier calls added. HC_EPROFILE when the sketch is keyed and was
 * decoded: encoded sketches do not hold their key. As their engines do,
 * HC_PROFILE_DATASKETCHES ignores the empty id, and HC_PROFILE_POSTGRES a hash
 * with no bit above the index, which is that of the empty id. */
enum hc_status hc_sketch_add(struct hc_sketch *sketch, const void *id, size_t size, int *changed);

/* A hint that hc_sketch_add of this id comes soon: the memory that it will look at
 * is fetched into the processor's cache meanwhile. Pays where one of thousands of
 * sketches gets the next id. */
void hc_sketch_prefetch(const struct hc_sketch *sketch, const void *id, size_t size);

/* The same as hc_sketch_add for a hash that hc_hash_bytes made with this sketch's profile, or
 * hc_hash_keyed with its key. The empty id is not known by its hash: with
 * HC_PROFILE_DATASKETCHES the caller leaves it out. */
enum hc_status hc_sketch_add_hash(struct hc_sketch *sketch, struct hc_hash hash, int *changed);

/* Adds all of `from` to `into`; different precisions meet at the lower one, so
 * `into` may lose precision. *changed as in hc_sketch_add. HC_EPROFILE when
 * profiles or keys differ, HC_ENOMEM; either leaves `into` as it was. `into` and
 * `from` may be the same. */
enum hc_status hc_sketch_union(struct hc_sketch *into, const struct hc_sketch *from, int *changed);

/* Folds to a lower precision: the result is the sketch that the same ids would
 * have given there. HC_ERANGE when `precision` is above the sketch's own or
 * below HC_PRECISION_MIN, HC_ENOMEM; either leaves the sketch as it was. */
enum hc_status hc_sketch_fold(struct hc_sketch *sketch, unsigned precision);

/* How many different ids were added. Never fails; constant for equal content. */
struct hc_estimate hc_sketch_estimate(const struct hc_sketch *sketch);

/* Properties. Memory is in bytes, what the sketch holds from its allocator. */
enum hc_profile hc_sketch_profile(const struct hc_sketch *sketch);
/* hc_key_id of the sketch's key, or 0 for a profile without a key. */
uint64_t hc_sketch_key_id(const struct hc_sketch *sketch);
unsigned hc_sketch_precision(const struct hc_sketch *sketch);
int hc_sketch_is_sparse(const struct hc_sketch *sketch);
size_t hc_sketch_memory(const struct hc_sketch *sketch);

/* Writes the 2^precision registers, one byte each, in index order. HC_EROOM
 * when `room` is less than that, and then nothing is written. */
enum hc_status hc_sketch_registers(const struct hc_sketch *sketch, uint8_t *registers, size_t room);

/* Every invariant, slowly: 1 when all hold, else 0 and in *reason (may be
 * NULL) a constant text that names the first broken one. For tests. */
int hc_sketch_check(const struct hc_sketch *sketch, const char **reason);

#ifdef __cplusplus
}
#endif
#endif

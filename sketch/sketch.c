/* A sketch's life: made, filled, united, folded, and the one promotion.
 *
 * A sketch is sparse while it holds at most sparse_limit coupons and dense
 * ever after. The number of coupons is a function of the set of ids, it never
 * falls, and the limit falls with the precision: so the form, too, depends
 * only on the ids and the precision, not on order, unions or folds. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dense.h"
#include "estimate.h"
#include "sparse.h"

static void *sketch_libc_resize(void *context, void *pointer, size_t size)
{
    (void)context;
    return realloc(pointer, size);
}

static void sketch_libc_release(void *context, void *pointer)
{
    (void)context;
    free(pointer);
}

struct hc_allocator sketch_allocator(const struct hc_allocator *allocator)
{
    if (allocator != NULL)
        return *allocator;
    return (struct hc_allocator){sketch_libc_resize, sketch_libc_release, NULL};
}

struct hc_sketch *sketch_new(const struct profile *profile, unsigned precision,
                             const struct hc_allocator *allocator)
{
    struct hc_sketch *sketch = sketch_allocate(allocator, sketch_size(profile));

    if (sketch == NULL)
        return NULL;
    *sketch = (struct hc_sketch){
        .allocator = *allocator,
        .profile = profile,
        .coupons = sketch->few,
        .capacity = SPARSE_FEW,
        .precision = (uint8_t)precision,
    };
    if (profile->is_keyed)
        sketch->key[0] = (struct hash_key){0, 0, 0};
    return sketch;
}

enum hc_status hc_sketch_create(const struct hc_sketch_options *options, struct hc_sketch **sketch)
{
    const struct profile *profile;
    struct hc_allocator allocator;
    struct hc_sketch *made;

    assert(options != NULL && sketch != NULL);
    profile = profile_find(options->profile);
    if (profile == NULL || options->precision < HC_PRECISION_MIN ||
        options->precision > HC_PRECISION_MAX || profile->is_keyed != (options->key != NULL))
        return HC_ERANGE;
    allocator = sketch_allocator(options->allocator);
    made = sketch_new(profile, options->precision, &allocator);
    if (made == NULL)
        return HC_ENOMEM;
    if (profile->is_keyed) {
        made->key[0] = hash_key(options->key);
        made->has_key = 1;
    }
    *sketch = made;
    return HC_OK;
}

void hc_sketch_destroy(struct hc_sketch **sketch)
{
    struct hc_allocator allocator;

    assert(sketch != NULL);
    if (*sketch == NULL)
        return;
    allocator = (*sketch)->allocator;
    if ((*sketch)->dense)
        sketch_release(&allocator, (*sketch)->registers);
    else
        sparse_release(*sketch);
    if ((*sketch)->profile->is_keyed)
        explicit_bzero((*sketch)->key, sizeof(struct hash_key));
    sketch_release(&allocator, *sketch);
    *sketch = NULL;
}

enum hc_status hc_sketch_copy(const struct hc_sketch *from, struct hc_sketch **copy)
{
    struct hc_sketch *made;

    assert(from != NULL && copy != NULL);
    made = sketch_new(from->profile, from->precision, &from->allocator);
    if (made != NULL && from->profile->is_keyed) {
        made->key[0] = from->key[0];
        made->has_key = from->has_key;
    }
    if (made == NULL || hc_sketch_union(made, from, NULL) != HC_OK) {
        if (made != NULL)
            hc_sketch_destroy(&made);
        return HC_ENOMEM;
    }
    *copy = made;
    return HC_OK;
}

/* Makes `sketch` dense at `precision`, not above its own, with all that it and
 * `other` (may be NULL) hold. Without memory, nothing happened. */
static enum hc_status sketch_promote(struct hc_sketch *sketch, unsigned precision,
                                     const struct hc_sketch *other)
{
    uint8_t *registers = dense_allocate(&sketch->allocator, precision);

    if (registers == NULL)
        return HC_ENOMEM;
    dense_add_sketch(registers, precision, sketch);
    if (other != NULL)
        dense_add_sketch(registers, precision, other);
    if (sketch->dense)
        sketch_release(&sketch->allocator, sketch->registers);
    else
        sparse_release(sketch);
    sketch->registers = registers;
    sketch->dense = 1;
    sketch->count = sketch->capacity = 0;
    sketch->precision = (uint8_t)precision;
    return HC_OK;
}

/* The coupon that is one too many. Apart, for the others' sake: what a function
 * calls costs it registers, used or not. */
static __attribute__((noinline)) enum hc_status
sketch_add_last(struct hc_sketch *sketch, struct place place, int *changed)
{
    if (sketch_promote(sketch, sketch->precision, NULL) != HC_OK)
        return HC_ENOMEM;
    dense_raise(sketch->registers, place_fold(sketch->profile, place,
                                              sketch->profile->sparse_bits, sketch->precision));
    if (changed != NULL)
        *changed = 1;
    return HC_OK;
}

static enum hc_status sketch_add_coupon(struct hc_sketch *sketch, struct place place, int *changed)
{
    enum sparse_answer answer =
        sparse_insert(sketch, sparse_pack(sketch->profile, place, sketch->precision));

    if (answer == SPARSE_FULL)
        return sketch_add_last(sketch, place, changed);
    if (answer == SPARSE_NO_MEMORY)
        return HC_ENOMEM;
    if (changed != NULL)
        *changed = answer == SPARSE_ADDED;
    return HC_OK;
}

enum hc_status sketch_add_place(struct hc_sketch *sketch, struct place place, int *changed)
{
    const struct profile *profile = sketch->profile;
    bool raised;

    if (!sketch->dense)
        return sketch_add_coupon(sketch, place, changed);
    raised = dense_raise(sketch->registers,
                         place_fold(profile, place, profile->sparse_bits, sketch->precision));
    if (changed != NULL)
        *changed = raised;
    return HC_OK;
}

static enum hc_status sketch_add_nothing(int *changed)
{
    if (changed != NULL)
        *changed = 0;
    return HC_OK;
}

enum hc_status hc_sketch_add_hash(struct hc_sketch *sketch, struct hc_hash hash, int *changed)
{
    bool raised;

    assert(sketch != NULL);
    if (place_is_void(sketch->profile, hash, sketch->precision))
        return sketch_add_nothing(changed);
    if (!sketch->dense)
        return sketch_add_coupon(
            sketch, place_of(sketch->profile, hash, sketch->profile->sparse_bits), changed);
    raised = dense_raise(sketch->registers, place_of(sketch->profile, hash, sketch->precision));
    if (changed != NULL)
        *changed = raised;
    return HC_OK;
}

enum hc_status hc_sketch_add(struct hc_sketch *sketch, const void *id, size_t size, int *changed)
{
    assert(sketch != NULL);
    assert(id != NULL || size == 0);
    if (sketch->profile->is_keyed && !sketch->has_key)
        return HC_EPROFILE;
    if (size == 0 && sketch->profile->skips_empty)
        return sketch_add_nothing(changed);
    return hc_sketch_add_hash(sketch, sketch->profile->hash(sketch->key, id, size), changed);
}

void hc_sketch_prefetch(const struct hc_sketch *sketch, const void *id, size_t size)
{
    const struct profile *profile = sketch->profile;
    struct hc_hash hash;
    struct place place;

    assert(id != NULL || size == 0);
    if (profile->is_keyed && !sketch->has_key)
        return;
    hash = profile->hash(sketch->key, id, size);
    if (place_is_void(profile, hash, sketch->precision))
        return;
    place = place_of(profile, hash, sketch->dense ? sketch->precision : profile->sparse_bits);
    if (sketch->dense)
        __builtin_prefetch(&sketch->registers[place.index], 1);
    else
        __builtin_prefetch(&sketch->coupons[sparse_home(
                               sketch, sparse_pack(profile, place, sketch->precision))], 1);
}

enum hc_status hc_sketch_union(struct hc_sketch *into, const struct hc_sketch *from, int *changed)
{
    enum sparse_answer answer = SPARSE_FULL;
    enum hc_status status = HC_OK;
    unsigned precision;

    assert(into != NULL && from != NULL);
    if (into->profile != from->profile || sketch_key_id(into) != sketch_key_id(from))
        return HC_EPROFILE;
    precision = from->precision < into->precision ? from->precision : into->precision;
    if (into->dense && into->precision == precision) {
        bool risen = dense_add_sketch(into->registers, precision, from);

        answer = risen ? SPARSE_ADDED : SPARSE_KNOWN;
    } else if (!into->dense && !from->dense) {
        answer = sparse_union(into, from, precision);
    }
    if (answer == SPARSE_FULL) {
        status = sketch_promote(into, precision, from);
        answer = SPARSE_ADDED;
    }
    if (status != HC_OK || answer == SPARSE_NO_MEMORY)
        return HC_ENOMEM;
    if (changed != NULL)
        *changed = answer == SPARSE_ADDED;
    return HC_OK;
}

enum hc_status hc_sketch_fold(struct hc_sketch *sketch, unsigned precision)
{
    assert(sketch != NULL);
    if (precision < HC_PRECISION_MIN || precision > sketch->precision)
        return HC_ERANGE;
    if (precision == sketch->precision)
        return HC_OK;
    if (sketch->dense || sketch->count > sparse_limit(sketch->profile, precision))
        return sketch_promote(sketch, precision, NULL);
    sparse_fold(sketch, precision);
    return HC_OK;
}

struct hc_estimate hc_sketch_estimate(const struct hc_sketch *sketch)
{
    assert(sketch != NULL);
    if (sketch->dense)
        return estimate_dense(sketch->registers, sketch->precision,
                              place_rank_max(sketch->profile, sketch->precision));
    return estimate_sparse(sketch->count, ldexp(1, (int)sketch->profile->sparse_bits));
}

enum hc_profile hc_sketch_profile(const struct hc_sketch *sketch)
{
    assert(sketch != NULL);
    return sketch->profile->id;
}

uint64_t hc_sketch_key_id(const struct hc_sketch *sketch)
{
    assert(sketch != NULL);
    return sketch_key_id(sketch);
}

unsigned hc_sketch_precision(const struct hc_sketch *sketch)
{
    assert(sketch != NULL);
    return sketch->precision;
}

int hc_sketch_is_sparse(const struct hc_sketch *sketch)
{
    assert(sketch != NULL);
    return !sketch->dense;
}

size_t hc_sketch_memory(const struct hc_sketch *sketch)
{
    assert(sketch != NULL);
    if (sketch->dense)
        return sketch_size(sketch->profile) + dense_size(sketch->precision);
    if (sketch->coupons == sketch->few)
        return sketch_size(sketch->profile);
    return sketch_size(sketch->profile) + sketch->capacity * sizeof sketch->coupons[0];
}

enum hc_status hc_sketch_registers(const struct hc_sketch *sketch, uint8_t *registers, size_t room)
{
    assert(sketch != NULL && registers != NULL);
    if (room < dense_size(sketch->precision))
        return HC_EROOM;
    memset(registers, 0, dense_size(sketch->precision));
    dense_add_sketch(registers, sketch->precision, sketch);
    return HC_OK;
}

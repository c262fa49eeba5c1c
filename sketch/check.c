/* Every invariant of a sketch, in an order in which each makes the next safe
 * to look at. Slow; for tests, fuzzing and doubt. */
#include <assert.h>

#include "dense.h"
#include "sparse.h"

/* One coupon after the one before it; NULL when all is well. */
static const char *check_coupon(const struct hc_sketch *sketch, uint32_t coupon)
{
    const struct profile *profile = sketch->profile;
    uint32_t rank = coupon & SPARSE_RANK_MASK;

    if (!place_keeps_rank(profile, sparse_index(coupon), profile->sparse_bits, sketch->precision))
        return rank == 0 ? NULL : "a coupon has a rank that its index implies";
    if (rank == 0)
        return "a coupon lacks its rank";
    if (rank > place_rank_max(profile, profile->sparse_bits))
        return "a coupon's rank is too large";
    return NULL;
}

/* Whether there is no gap between the slot and its coupon's home. */
static bool check_is_near(const struct hc_sketch *sketch, uint32_t at)
{
    uint32_t home = sparse_home(sketch, sketch->coupons[at]);

    for (; at < home; at++) {
        if (sketch->coupons[at] == 0)
            return false;
    }
    for (; at > home; at--) {
        if (sketch->coupons[at] == 0)
            return false;
    }
    return sketch->coupons[home] != 0;
}

static const char *check_table(const struct hc_sketch *sketch)
{
    uint32_t before = 0, count = 0;
    const char *reason = NULL;

    for (uint32_t at = 0; reason == NULL && at < sketch->capacity; at++) {
        uint32_t coupon = sketch->coupons[at];

        if (coupon == 0)
            continue;
        if (sparse_index(coupon) >> sketch->profile->sparse_bits != 0)
            return "a coupon's index is too large";
        if (count > 0 && sparse_index(coupon) <= sparse_index(before))
            return "the coupons do not ascend";
        if (!check_is_near(sketch, at))
            return "there is a gap between a coupon and its home";
        reason = check_coupon(sketch, coupon);
        before = coupon;
        count++;
    }
    if (reason == NULL && count != sketch->count)
        return "the coupons are not as many as their count";
    return reason;
}

static const char *check_sparse(const struct hc_sketch *sketch)
{
    if (sketch->coupons == NULL)
        return "a sparse sketch has no coupons";
    if (sketch->coupons == sketch->few && sketch->capacity != SPARSE_FEW)
        return "the capacity is not that of the struct";
    if (sketch->count > sketch->capacity)
        return "more coupons than fit";
    if (sketch->count > sparse_limit(sketch->profile, sketch->precision))
        return "more coupons than a sparse sketch may hold";
    return check_table(sketch);
}

static const char *check_dense(const struct hc_sketch *sketch)
{
    unsigned rank_max = place_rank_max(sketch->profile, sketch->precision);

    if (sketch->registers == NULL)
        return "a dense sketch has no registers";
    if (sketch->count != 0 || sketch->capacity != 0)
        return "a dense sketch still counts coupons";
    if (!dense_is_bounded(sketch->registers, sketch->precision, rank_max))
        return "a register's rank is too large";
    return NULL;
}

int hc_sketch_check(const struct hc_sketch *sketch, const char **reason)
{
    const char *broken;

    assert(sketch != NULL);
    if (sketch->profile == NULL || profile_find(sketch->profile->id) != sketch->profile)
        broken = "the profile is unknown";
    else if (sketch->precision < HC_PRECISION_MIN || sketch->precision > HC_PRECISION_MAX)
        broken = "the precision is outside its range";
    else if (sketch->profile->is_keyed && sketch->key[0].id == 0)
        broken = "a key has no id";
    else if (sketch->has_key > sketch->profile->is_keyed)
        broken = "there is a key without a use";
    else if (sketch->allocator.resize == NULL || sketch->allocator.release == NULL)
        broken = "there is no allocator";
    else if (sketch->dense > 1)
        broken = "the form is neither sparse nor dense";
    else
        broken = sketch->dense ? check_dense(sketch) : check_sparse(sketch);
    if (broken != NULL && reason != NULL)
        *reason = broken;
    return broken == NULL;
}

/* What an image of DataSketches is made of. Little-endian.
 *
 *   0        1       2      3   4     5     6            7           8
 *   +--------+-------+------+---+-----+-----+------------+-----------+---- - -
 *   |preamble|version|family|lgK|lgArr|flags|count,curMin|mode,target| body
 *   +--------+-------+------+---+-----+-----+------------+-----------+---- - -
 *
 * A coupon is the low 26 bits of the hash and above them the rank in six: what
 * we keep, the other way round. Body, by mode:
 *
 *   LIST   up to 7 coupons; their number stands in byte 6
 *   SET    their number in 32 bits, then coupons, from lgK 8 on
 *   HLL    HIP, KxQ0, KxQ1 (doubles), number at curMin, number of exceptions,
 *          then registers: HLL_8 a byte each; HLL_6 six bits each, lowest first,
 *          and a byte; HLL_4 the rank above curMin in four bits, lowest first,
 *          where 15 stands for an exception: a coupon of slot and rank
 *
 * Images are compact, or updatable: then lists have all their 8 slots, sets and
 * exceptions are hash tables with zeros as empty slots. */
#ifndef SKETCH_DATASKETCHES_FORM_H
#define SKETCH_DATASKETCHES_FORM_H

#include "datasketches_table.h"

#define DS_VERSION 1
#define DS_FAMILY 7
#define DS_PRECISION_MAX 21
#define DS_FLAG_EMPTY 4
#define DS_FLAG_COMPACT 8
#define DS_FLAG_OUT_OF_ORDER 16
/* Only with registers. C++: made without lists, so that it may even be empty;
 * Java: what the header holds beside registers is to be made anew. */
#define DS_FLAG_FULL 32
#define DS_FLAGS (DS_FLAG_EMPTY | DS_FLAG_COMPACT | DS_FLAG_OUT_OF_ORDER)
#define DS_LIST_SIZE 7
#define DS_LIST_SLOTS 8
#define DS_LIST_LG 3
#define DS_SET_LG_MIN 5
#define DS_SET_PRECISION_MIN 8
#define DS_EXCEPTION 15
#define DS_HEADER_SIZE 8
#define DS_HLL_HEADER_SIZE 40

enum ds_mode { DS_LIST, DS_SET, DS_HLL };
enum ds_target { DS_HLL_4, DS_HLL_6, DS_HLL_8 };

struct ds_header {
    unsigned mode;
    unsigned target;
    unsigned lg_k;
    unsigned lg_array;
    unsigned flags;
    unsigned low; /* byte 6: a list's count, or curMin */
};

static inline size_t ds_registers_size(enum ds_target target, unsigned lg_k)
{
    if (target == DS_HLL_8)
        return dense_size(lg_k);
    return target == DS_HLL_6 ? dense_size(lg_k) / 4 * 3 + 1 : dense_size(lg_k) / 2;
}

/* A table without exceptions says 0, and has its least size all the same. */
static inline size_t ds_exceptions_slots(const struct ds_header *header)
{
    unsigned lg = header->lg_array;

    return (size_t)1 << (lg == 0 ? table_exceptions_lg(header->lg_k) : lg);
}

#endif

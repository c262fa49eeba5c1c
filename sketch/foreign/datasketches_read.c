/* Apache DataSketches' HLL sketch: how we read images, of whatever origin.
 * datasketches_form.h has the layout. Of the numbers that an image holds beside
 * its coupons or registers only those are looked at without which it can't be
 * read: counts, and curMin where registers are of four bits. */
#include "datasketches_form.h"

static bool ds_is_possible(const struct ds_header *header)
{
    unsigned flags = header->mode == DS_HLL ? DS_FLAGS | DS_FLAG_FULL : DS_FLAGS;
    unsigned least = header->mode == DS_SET ? DS_SET_PRECISION_MIN : HC_PRECISION_MIN;

    return header->mode <= DS_HLL && header->target <= DS_HLL_8 && (header->flags & ~flags) == 0 &&
           header->lg_k >= least && header->lg_k <= DS_PRECISION_MAX;
}

static enum hc_status ds_read_header(struct cursor *cursor, struct ds_header *header)
{
    const uint8_t preambles[] = {2, 3, 10};
    unsigned preamble = (unsigned)cursor_number(cursor, 1);
    unsigned version = (unsigned)cursor_number(cursor, 1);
    unsigned family = (unsigned)cursor_number(cursor, 1);
    unsigned mode;

    if (!cursor->failed && family != DS_FAMILY)
        return HC_EMAGIC;
    if (!cursor->failed && version != DS_VERSION)
        return version == 0 ? HC_ECORRUPT : HC_EVERSION;
    header->lg_k = (unsigned)cursor_number(cursor, 1);
    header->lg_array = (unsigned)cursor_number(cursor, 1);
    header->flags = (unsigned)cursor_number(cursor, 1);
    header->low = (unsigned)cursor_number(cursor, 1);
    mode = (unsigned)cursor_number(cursor, 1);
    if (cursor->failed)
        return HC_ETRUNCATED;
    header->mode = mode & 3;
    header->target = mode >> 2;
    return ds_is_possible(header) && preamble == preambles[header->mode] ? HC_OK : HC_ECORRUPT;
}

/* The bytes left are exactly `words` of 32 bits. */
static enum hc_status ds_expect(const struct cursor *cursor, uint64_t words)
{
    if (cursor_left(cursor) == words * 4)
        return HC_OK;
    return cursor_left(cursor) < words * 4 ? HC_ETRUNCATED : HC_ECORRUPT;
}

/* All words that are left: `count` coupons, and zeros where it is a table. Where
 * in the table a coupon stands, and how often, makes no difference. */
static enum hc_status ds_read_coupons(struct cursor *cursor, bool is_compact, size_t count,
                                      struct hc_sketch *sketch)
{
    while (cursor_left(cursor) > 0) {
        uint32_t word = (uint32_t)cursor_number(cursor, 4);
        struct place place = {word & TABLE_SLOT_MASK, word >> TABLE_SLOT_BITS};

        if (word == 0 && !is_compact)
            continue;
        if (place.rank == 0 || count == 0)
            return HC_ECORRUPT;
        if (sketch_add_place(sketch, place, NULL) != HC_OK)
            return HC_ENOMEM;
        count--;
    }
    return count == 0 ? HC_OK : HC_ECORRUPT;
}

static enum hc_status ds_read_list(struct cursor *cursor, const struct ds_header *header,
                                   struct hc_sketch *sketch)
{
    bool is_compact = header->flags & DS_FLAG_COMPACT;
    size_t count = header->low, slots = DS_LIST_SLOTS;
    enum hc_status status;

    if (header->mode == DS_SET) {
        count = (size_t)cursor_number(cursor, 4);
        if (cursor->failed)
            return HC_ETRUNCATED;
        if (header->lg_array > DS_PRECISION_MAX)
            return HC_ECORRUPT;
        slots = (size_t)1 << header->lg_array;
    }
    if (count > (header->mode == DS_SET ? slots : DS_LIST_SIZE) ||
        ((header->flags & DS_FLAG_EMPTY) && count > 0))
        return HC_ECORRUPT;
    status = ds_expect(cursor, is_compact ? count : slots);
    if (status != HC_OK)
        return status;
    return ds_read_coupons(cursor, is_compact, count, sketch);
}

/* A register of a precision that may be above the sketch's. */
static void ds_raise(struct hc_sketch *sketch, uint32_t slot, unsigned rank)
{
    dense_raise(sketch->registers, place_fold_split((struct place){slot, rank},
                                                    sketch->precision));
}

/* An exception belongs to a slot that says so, and to it alone: exceptions come
 * as often as slots say, and each but once, for the slot's nibble is cleared. */
static enum hc_status ds_read_exceptions(struct cursor *cursor, const struct ds_header *header,
                                         uint8_t *slots, size_t count, struct hc_sketch *sketch)
{
    bool is_compact = header->flags & DS_FLAG_COMPACT;

    while (cursor_left(cursor) > 0) {
        uint32_t word = (uint32_t)cursor_number(cursor, 4);
        uint32_t slot = word & TABLE_SLOT_MASK, rank = word >> TABLE_SLOT_BITS;

        if (word == 0 && !is_compact)
            continue;
        if (count == 0 || slot >> header->lg_k != 0 || slots[slot] != DS_EXCEPTION ||
            rank < header->low + DS_EXCEPTION)
            return HC_ECORRUPT;
        slots[slot] = 0;
        ds_raise(sketch, slot, rank);
        count--;
    }
    return count == 0 ? HC_OK : HC_ECORRUPT;
}

static enum hc_status ds_read_slots(struct cursor *cursor, const struct ds_header *header,
                                    uint8_t *slots, size_t exceptions, struct hc_sketch *sketch)
{
    struct cursor nibbles = *cursor;
    size_t found = 0;

    nibbles.end = nibbles.next + dense_size(header->lg_k) / 2;
    cursor->next = nibbles.end;
    for (uint32_t i = 0; i < dense_size(header->lg_k); i++) {
        slots[i] = (uint8_t)cursor_bits(&nibbles, 4);
        if (slots[i] != DS_EXCEPTION && slots[i] + header->low > PROFILE_SPLIT_RANK_MAX)
            return HC_ECORRUPT;
        if (slots[i] != DS_EXCEPTION)
            ds_raise(sketch, i, slots[i] + header->low);
        found += slots[i] == DS_EXCEPTION;
    }
    if (found != exceptions)
        return HC_ECORRUPT;
    return ds_read_exceptions(cursor, header, slots, exceptions, sketch);
}

/* HLL_4: the nibbles of all slots are there. */
static enum hc_status ds_read_four(struct cursor *cursor, const struct ds_header *header,
                                   size_t exceptions, struct hc_sketch *sketch)
{
    struct cursor pairs = *cursor;
    size_t words = exceptions;
    enum hc_status status;
    uint8_t *slots;

    if (exceptions > dense_size(header->lg_k) || header->lg_array > DS_PRECISION_MAX + 1 ||
        header->low > PROFILE_SPLIT_RANK_MAX)
        return HC_ECORRUPT;
    if (!(header->flags & DS_FLAG_COMPACT))
        words = ds_exceptions_slots(header);
    pairs.next += ds_registers_size(DS_HLL_4, header->lg_k);
    status = ds_expect(&pairs, words);
    if (status != HC_OK)
        return status;
    slots = sketch_allocate(&sketch->allocator, dense_size(header->lg_k));
    if (slots == NULL)
        return HC_ENOMEM;
    status = ds_read_slots(cursor, header, slots, exceptions, sketch);
    sketch_release(&sketch->allocator, slots);
    return status;
}

/* HLL_6 and HLL_8: the bytes of all slots are there. */
static enum hc_status ds_read_whole(struct cursor *cursor, const struct ds_header *header,
                                    struct hc_sketch *sketch)
{
    unsigned bits = header->target == DS_HLL_8 ? 8 : 6;

    if (cursor_left(cursor) > ds_registers_size((enum ds_target)header->target, header->lg_k))
        return HC_ECORRUPT;
    for (uint32_t i = 0; i < dense_size(header->lg_k); i++) {
        unsigned rank = cursor_bits(cursor, bits);

        if (rank > PROFILE_SPLIT_RANK_MAX)
            return HC_ECORRUPT;
        ds_raise(sketch, i, rank);
    }
    return HC_OK;
}

static enum hc_status ds_read_registers(struct cursor *cursor, const struct ds_header *header,
                                        struct hc_sketch *sketch)
{
    enum hc_status status;
    size_t exceptions;

    for (int word = 0; word < 7; word++)
        cursor_number(cursor, 4); /* HIP, KxQ0, KxQ1, the number at curMin */
    exceptions = (size_t)cursor_number(cursor, 4);
    if (cursor->failed)
        return HC_ETRUNCATED;
    if (cursor_left(cursor) < ds_registers_size((enum ds_target)header->target, header->lg_k))
        return HC_ETRUNCATED;
    status = foreign_make_dense(sketch);
    if (status != HC_OK)
        return status;
    if (header->target == DS_HLL_4)
        status = ds_read_four(cursor, header, exceptions, sketch);
    else
        status = ds_read_whole(cursor, header, sketch);
    if (status == HC_OK && (header->flags & DS_FLAG_EMPTY) &&
        foreign_filled(sketch->registers, sketch->precision) > 0)
        status = HC_ECORRUPT;
    return status;
}

enum hc_status hc_datasketches_decode(const void *bytes, size_t size,
                                      const struct hc_allocator *allocator,
                                      struct hc_sketch **sketch)
{
    struct cursor cursor = cursor_over(bytes, size);
    struct ds_header header;
    struct hc_sketch *made;
    enum hc_status status;

    assert((bytes != NULL || size == 0) && sketch != NULL);
    status = ds_read_header(&cursor, &header);
    if (status != HC_OK)
        return status;
    made = foreign_new(HC_PROFILE_DATASKETCHES, foreign_precision(header.lg_k), allocator);
    if (made == NULL)
        return HC_ENOMEM;
    if (header.mode == DS_HLL)
        status = ds_read_registers(&cursor, &header, made);
    else
        status = ds_read_list(&cursor, &header, made);
    return foreign_finish(status, &made, sketch);
}

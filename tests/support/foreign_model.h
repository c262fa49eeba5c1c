/* A second reader of the engines' forms, slow and plain: what it says of any
 * bytes is what our decoders must say. It knows nothing of coupons, folding or
 * cursors: a register is made from the definition, by way of a hash that would
 * fill it; bits are looked up one by one; a message is a list of fields.
 *
 * Every reader fills `model` and returns whether the bytes are right. */
#ifndef SUPPORT_FOREIGN_MODEL_H
#define SUPPORT_FOREIGN_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "headcount/foreign.h"

struct foreign_model {
    unsigned precision; /* of the sketch that we make */
    uint8_t registers[1 << HC_PRECISION_MAX];
};

static inline void model_start(struct foreign_model *model, unsigned precision)
{
    model->precision = precision < HC_PRECISION_MAX ? precision : HC_PRECISION_MAX;
    memset(model->registers, 0, (size_t)1 << model->precision);
}

static inline void model_raise(struct foreign_model *model, uint64_t index, unsigned rank)
{
    if (model->registers[index] < rank)
        model->registers[index] = (uint8_t)rank;
}

/* A number of `size` bytes, the lowest first. */
static inline uint64_t model_number(const uint8_t *bytes, size_t size)
{
    uint64_t number = 0;

    for (size_t i = size; i-- > 0;)
        number = number * 256 + bytes[i];
    return number;
}

/* A number of `count` bits, the highest first, from bit `at` on, where bit 0 is
 * the highest of the first byte. */
static inline uint64_t model_bits(const uint8_t *bytes, size_t at, unsigned count)
{
    uint64_t number = 0;

    for (size_t i = at; i < at + count; i++)
        number = number * 2 + (bytes[i / 8] >> (7 - i % 8)) % 2;
    return number;
}

/* The same with the lowest bit first, everywhere. */
static inline uint64_t model_bits_low(const uint8_t *bytes, size_t at, unsigned count)
{
    uint64_t number = 0;

    for (size_t i = at + count; i-- > at;)
        number = number * 2 + (bytes[i / 8] >> i % 8) % 2;
    return number;
}

/* Adds a hash whose index is at the top. */
static inline void model_add_high(struct foreign_model *model, uint64_t hash)
{
    unsigned rank = 1;

    for (unsigned bit = 63 - model->precision; rank <= 64 - model->precision; bit--, rank++) {
        if (hash >> bit & 1)
            break;
    }
    model_raise(model, hash >> (64 - model->precision), rank);
}

/* A hash with these `bits` at the top, and after them rank - 1 zeros and a one. */
static inline uint64_t model_hash_high(uint64_t top, unsigned bits, unsigned rank)
{
    uint64_t hash = top << (64 - bits);

    return rank > 64 - bits ? hash : hash | UINT64_C(1) << (64 - bits - rank);
}

static inline bool model_redis(const uint8_t *bytes, size_t size, struct foreign_model *model)
{
    size_t registers = 0, at = 16;

    model_start(model, 14);
    if (size < 16 || memcmp(bytes, "HYLL", 4) != 0 || bytes[4] > 1)
        return false;
    if (bytes[4] == 0) {
        for (size_t i = 0; size == 12304 && i < 16384; i++)
            model->registers[i] = (uint8_t)model_bits_low(bytes + 16, 6 * i, 6);
        for (size_t i = 0; i < 16384; i++) {
            if (model->registers[i] > 51)
                return false;
        }
        return size == 12304;
    }
    while (at < size) {
        unsigned kind = bytes[at] / 64, run, rank = 0;

        if (kind == 1 && at + 1 == size)
            return false;
        if (kind == 0) {
            run = bytes[at] + 1U;
        } else if (kind == 1) {
            run = (bytes[at] - 64U) * 256 + bytes[at + 1] + 1;
        } else {
            run = bytes[at] % 4 + 1U;
            rank = (bytes[at] - 128U) / 4 + 1;
        }
        at += kind == 1 ? 2 : 1;
        for (; run > 0; run--, registers++) {
            if (registers == 16384)
                return false;
            model->registers[registers] = (uint8_t)rank;
        }
    }
    return registers == 16384;
}

static inline bool model_trino(const uint8_t *bytes, size_t size, struct foreign_model *model)
{
    size_t half, count;

    if (size < 3 || bytes[0] < 2 || bytes[0] > 3 || bytes[1] < 4 || bytes[1] > 16)
        return false;
    model_start(model, bytes[1]);
    if (bytes[0] == 2) {
        uint64_t before = 0;

        if (size < 4 || bytes[3] > 127 || size != 4 + 4 * model_number(bytes + 2, 2))
            return false;
        for (size_t at = 4; at < size; at += 4) {
            uint64_t entry = model_number(bytes + at, 4);

            if (entry % 64 > 38 || (at > 4 && entry / 64 <= before))
                return false;
            before = entry / 64;
            model_add_high(model, model_hash_high(entry / 64, 26, (unsigned)(entry % 64) + 1));
        }
        return true;
    }
    half = (size_t)1 << (bytes[1] - 1);
    if (size < 5 + half)
        return false;
    count = (size_t)model_number(bytes + 3 + half, 2);
    if (size != 5 + half + 3 * count)
        return false;
    for (size_t i = 0; i < 2 * half; i++) {
        unsigned delta = (bytes[3 + i / 2] >> (i % 2 == 0 ? 4 : 0)) % 16, above = 0;

        for (size_t j = 0; delta == 15 && j < count; j++) {
            if (model_number(bytes + 5 + half + 2 * j, 2) == i)
                above = bytes[5 + half + 2 * count + j];
        }
        if (bytes[2] + delta + above > 65 - model->precision)
            return false;
        model->registers[i] = (uint8_t)(bytes[2] + delta + above);
    }
    for (size_t j = 0; j < count; j++) {
        uint64_t bucket = model_number(bytes + 5 + half + 2 * j, 2);

        if (bucket >= 2 * half || bytes[5 + half + 2 * count + j] == 0 ||
            (bytes[3 + bucket / 2] >> (bucket % 2 == 0 ? 4 : 0)) % 16 != 15 ||
            (j > 0 && bucket <= model_number(bytes + 5 + half + 2 * (j - 1), 2)))
            return false;
    }
    return true;
}

static inline void model_add_capped(struct foreign_model *model, uint64_t index, unsigned rank)
{
    model_raise(model, index, rank > 31 ? 31 : rank);
}

static inline bool model_postgres_explicit(const uint8_t *bytes, size_t size,
                                           struct foreign_model *model)
{
    unsigned log2m = model->precision;

    if (size == 3 || size % 8 != 3)
        return false;
    for (size_t at = 3; at < size; at += 8) {
        uint64_t hash = model_bits(bytes + at, 0, 64);
        unsigned rank = 1;

        if (at > 3 && (int64_t)hash <= (int64_t)model_bits(bytes + at - 8, 0, 64))
            return false;
        if (hash >> log2m == 0)
            continue;
        while ((hash >> log2m >> (rank - 1)) % 2 == 0)
            rank++;
        model_add_capped(model, hash % ((uint64_t)1 << log2m), rank);
    }
    return true;
}

static inline bool model_postgres(const uint8_t *bytes, size_t size, struct foreign_model *model)
{
    unsigned log2m, regwidth, width;
    size_t bits, at = 0;

    if (size < 3 || bytes[0] < 0x11 || bytes[0] > 0x14 || bytes[2] > 127)
        return false;
    log2m = bytes[1] % 32;
    regwidth = bytes[1] / 32 + 1U;
    if (log2m < 4 || log2m > 17)
        return false;
    model_start(model, log2m);
    bits = 8 * (size - 3);
    if (bytes[0] == 0x11)
        return size == 3;
    if (bytes[0] == 0x12)
        return model_postgres_explicit(bytes, size, model);
    if (bytes[0] == 0x14) {
        for (size_t i = 0; bits == (size_t)regwidth << log2m && i < (size_t)1 << log2m; i++)
            model_add_capped(model, i, (unsigned)model_bits(bytes + 3, regwidth * i, regwidth));
        return bits == (size_t)regwidth << log2m;
    }
    width = log2m + regwidth;
    for (; at + width <= bits; at += width) {
        uint64_t index = model_bits(bytes + 3, at, log2m);
        uint64_t rank = model_bits(bytes + 3, at + log2m, regwidth);

        /* fewer than eight bits may be left, and must be zero */
        if (bits - at < 8 && model_bits(bytes + 3, at, (unsigned)(bits - at)) == 0)
            break;
        if (rank == 0 || (at > 0 && index <= model_bits(bytes + 3, at - width, log2m)))
            return false;
        model_add_capped(model, index, (unsigned)rank);
    }
    return at > 0 && bits - at < 8 && model_bits(bytes + 3, at, (unsigned)(bits - at)) == 0;
}

static inline bool model_ds_words(const uint8_t *bytes, size_t words, bool may_be_empty,
                                  uint64_t count, struct foreign_model *model)
{
    for (size_t i = 0; i < words; i++) {
        uint64_t word = model_number(bytes + 4 * i, 4);

        if (word == 0 && may_be_empty)
            continue;
        if (word >> 26 == 0 || count-- == 0)
            return false;
        model_raise(model, word % ((uint64_t)1 << model->precision), (unsigned)(word >> 26));
    }
    return count == 0;
}

static inline bool model_ds_exceptions(const uint8_t *bytes, size_t size, size_t slots,
                                       struct foreign_model *model)
{
    const uint8_t *nibbles = bytes + 40, *words = nibbles + slots / 2, *end = bytes + size;
    uint64_t count = model_number(bytes + 36, 4), found = 0, used = 0;
    unsigned low = bytes[6];

    for (size_t i = 0; i < slots; i++) {
        unsigned nibble = (unsigned)model_bits_low(nibbles, 4 * i, 4);

        found += nibble == 15;
        if (nibble != 15 && nibble + low > 63)
            return false;
        if (nibble != 15)
            model_raise(model, i % ((size_t)1 << model->precision), nibble + low);
    }
    for (; words < end; words += 4) {
        uint64_t word = model_number(words, 4), slot = word % (1 << 26);

        if (word == 0 && bytes[5] / 8 % 2 == 0)
            continue;
        if (slot >= slots || model_bits_low(nibbles, 4 * slot, 4) != 15 || word >> 26 < low + 15)
            return false;
        for (const uint8_t *other = nibbles + slots / 2; other < words; other += 4) {
            if (model_number(other, 4) % (1 << 26) == slot && model_number(other, 4) != 0)
                return false;
        }
        model_raise(model, slot % ((size_t)1 << model->precision), (unsigned)(word >> 26));
        used++;
    }
    return found == count && used == count;
}

static inline bool model_ds_registers(const uint8_t *bytes, size_t size,
                                      struct foreign_model *model)
{
    size_t slots = (size_t)1 << bytes[3], sum = 0, table;
    unsigned target = bytes[7] / 4;

    if (target == 0) {
        table = (size_t)1 << (bytes[4] < 40 ? bytes[4] : 40);
        if (bytes[4] == 0) { /* the engines' own table of least sizes, by lgK */
            const uint8_t least[] = {0, 2, 2, 2, 2, 2, 2, 3, 3, 3, 4, 4, 5, 5, 6, 7, 8, 9, 10, 11,
                                     12, 13};

            table = (size_t)1 << least[bytes[3]];
        }
        if (bytes[5] / 8 % 2 == 1 && size >= 40)
            table = (size_t)model_number(bytes + 36, 4);
        if (size != 40 + slots / 2 + 4 * table || bytes[4] > 22 ||
            !model_ds_exceptions(bytes, size, slots, model))
            return false;
    } else if (size != 40 + (target == 1 ? slots * 3 / 4 + 1 : slots)) {
        return false;
    }
    for (size_t i = 0; target > 0 && i < slots; i++) {
        unsigned bits = target == 1 ? 6 : 8;
        uint64_t rank = model_bits_low(bytes + 40, bits * i, bits);

        if (rank > 63)
            return false;
        model_raise(model, i % ((size_t)1 << model->precision), (unsigned)rank);
    }
    for (size_t i = 0; i < (size_t)1 << model->precision; i++)
        sum += model->registers[i];
    return sum == 0 || bytes[5] / 4 % 2 == 0;
}

static inline bool model_datasketches(const uint8_t *bytes, size_t size,
                                      struct foreign_model *model)
{
    bool is_compact, is_empty;
    uint64_t count;

    if (size < 8 || bytes[1] != 1 || bytes[2] != 7 || bytes[3] < 4 || bytes[3] > 21 ||
        (bytes[5] & ~60) != 0 || bytes[7] / 4 > 2)
        return false;
    is_compact = bytes[5] / 8 % 2 == 1;
    is_empty = bytes[5] / 4 % 2 == 1;
    model_start(model, bytes[3]);
    switch (bytes[7] % 4 * 256 + bytes[0]) {
    case 0 * 256 + 2:
        if (bytes[5] >= 32 || bytes[6] > 7 || (is_empty && bytes[6] > 0))
            return false;
        return size == 8 + (is_compact ? 4U * bytes[6] : 32) &&
               model_ds_words(bytes + 8, (size - 8) / 4, !is_compact, bytes[6], model);
    case 1 * 256 + 3:
        if (bytes[5] >= 32 || bytes[3] < 8 || bytes[4] > 21 || size < 12)
            return false;
        count = model_number(bytes + 8, 4);
        if (count > UINT64_C(1) << bytes[4] || (is_empty && count > 0))
            return false;
        return size == 12 + 4 * (is_compact ? count : UINT64_C(1) << bytes[4]) &&
               model_ds_words(bytes + 12, (size - 12) / 4, !is_compact, count, model);
    case 2 * 256 + 10:
        return size >= 40 && model_ds_registers(bytes, size, model);
    default:
        return false;
    }
}

/* Protocol buffers, as far as these go. */
struct model_message {
    uint64_t numbers[7]; /* by field */
    uint64_t inner[7]; /* of the extension, as what follows */
    const uint8_t *data[7];
    size_t sizes[7];
};

/* The varint at *at, which moves behind it; false when there is none. */
static inline bool model_varint(const uint8_t *bytes, size_t size, size_t *at, uint64_t *number)
{
    *number = 0;
    for (unsigned i = 0; i < 10 && *at < size; i++) {
        uint8_t byte = bytes[(*at)++];

        if (i == 9 && byte > 1)
            return false;
        *number |= (uint64_t)(byte % 128) << (7 * i);
        if (byte < 128)
            return true;
    }
    return false;
}

static inline bool model_extension(const uint8_t *bytes, size_t size,
                                   struct model_message *message)
{
    for (size_t at = 0; at < size;) {
        uint64_t tag, number;

        if (!model_varint(bytes, size, &at, &tag) || !model_varint(bytes, size, &at, &number))
            return false;
        if (tag == 2 * 8 || tag == 3 * 8 || tag == 4 * 8) {
            message->inner[tag / 8] = number;
        } else if (tag == 5 * 8 + 2 || tag == 6 * 8 + 2) {
            if (number > size - at)
                return false;
            message->data[tag / 8] = bytes + at;
            message->sizes[tag / 8] = (size_t)number;
            at += (size_t)number;
        } else {
            return false;
        }
    }
    return true;
}

static inline bool model_zeta_sparse(const struct model_message *message,
                                     struct foreign_model *model)
{
    uint64_t precision = message->inner[3], sparse = message->inner[4], value = 0, gap, count = 0;
    uint64_t flag = UINT64_C(1) << (sparse > precision + 6 ? sparse : precision + 6);

    for (size_t at = 0; at < message->sizes[6]; count++) {
        if (!model_varint(message->data[6], message->sizes[6], &at, &gap) ||
            gap >= UINT64_C(1) << 32 || (gap == 0 && count > 0))
            return false;
        value += gap;
        if (value >= 2 * flag) {
            return false;
        } else if (value < flag) {
            if (value >> sparse != 0 || value % (UINT64_C(1) << (sparse - precision)) == 0)
                return false;
            model_add_high(model, model_hash_high(value, (unsigned)sparse, 1));
        } else {
            uint64_t index = (value - flag) / 64, rank = value % 64;

            if (index >> precision != 0 || rank == 0 || rank > 65 - sparse)
                return false;
            model_add_high(model, model_hash_high(index << (sparse - precision), (unsigned)sparse,
                                                  (unsigned)rank));
        }
    }
    return count == message->inner[2];
}

static inline bool model_zetasketch(const uint8_t *bytes, size_t size, struct foreign_model *model)
{
    struct model_message message = {{0}, {0}, {0}, {0}};
    uint64_t precision, tag, number;

    for (size_t at = 0; at < size;) {
        if (!model_varint(bytes, size, &at, &tag) || !model_varint(bytes, size, &at, &number))
            return false;
        if (tag == 8 || tag == 16 || tag == 24 || tag == 32) {
            message.numbers[tag / 8] = number;
        } else if (tag == 112 * 8 + 2 && number <= size - at) {
            if (!model_extension(bytes + at, (size_t)number, &message))
                return false;
            at += (size_t)number;
        } else {
            return false;
        }
    }
    precision = message.inner[3];
    if (message.numbers[1] != 112 || message.numbers[3] != 2 || message.numbers[4] != 11 ||
        precision < 10 || precision > 24)
        return false;
    if (message.inner[4] != 0 && (message.inner[4] < precision || message.inner[4] > 25))
        return false;
    model_start(model, (unsigned)precision);
    if (message.sizes[5] == 0)
        return (message.sizes[6] == 0 || message.inner[4] != 0) &&
               model_zeta_sparse(&message, model);
    if (message.sizes[5] != (size_t)1 << precision || message.sizes[6] > 0 || message.inner[2] > 0)
        return false;
    for (size_t i = 0; i < message.sizes[5]; i++) {
        if (message.data[5][i] > 65 - precision)
            return false;
        if (message.data[5][i] > 0)
            model_add_high(model, model_hash_high(i, (unsigned)precision, message.data[5][i]));
    }
    return true;
}

static inline bool model_read(enum hc_profile profile, const uint8_t *bytes, size_t size,
                              struct foreign_model *model)
{
    switch (profile) {
    case HC_PROFILE_DATASKETCHES:
        return model_datasketches(bytes, size, model);
    case HC_PROFILE_POSTGRES:
        return model_postgres(bytes, size, model);
    case HC_PROFILE_ZETASKETCH:
        return model_zetasketch(bytes, size, model);
    case HC_PROFILE_TRINO:
        return model_trino(bytes, size, model);
    default:
        return model_redis(bytes, size, model);
    }
}

#endif

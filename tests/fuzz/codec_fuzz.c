/* Any bytes, decoded: refused without a leak, or a valid sketch that encodes to
 * a fixed point and unites with itself to no change.
 *
 * A checksum would keep nearly all mutations from being more than refused: what
 * is well formed but for it gets the right one, and must decode then. */
#include "codec_payload.h"
#include "fuzz_arena.h"
#include "headcount/codec.h"

#define HEADER_SIZE 28
#define CHECKSUM_AT 20
#define PAYLOAD_SIZE_AT 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One codec for all runs, with its decompressor. */
static struct hc_codec *codec_of_all(void)
{
    static struct hc_codec *codec;
    struct hc_sketch_options options = {HC_PROFILE_REDIS, HC_PRECISION_MIN, NULL, NULL};
    struct hc_allocator allocator;
    struct hc_sketch *sketch;
    uint8_t bytes[1024];
    size_t size;

    if (codec != NULL)
        return codec;
    fuzz_require(hc_sketch_create(&options, &sketch) == HC_OK);
    for (uint64_t i = 0; i < 16; i++)
        fuzz_require(hc_sketch_add_hash(sketch, (struct hc_hash){i * 17, 0}, NULL) == HC_OK);
    fuzz_require(hc_encode(sketch, bytes, sizeof bytes, &size) == HC_OK);
    fuzz_require(!hc_sketch_is_sparse(sketch));
    hc_sketch_destroy(&sketch);
    allocator = arena_allocator();
    arena_start();
    fuzz_require(hc_codec_create(&allocator, &codec) == HC_OK);
    fuzz_require(hc_codec_decode(codec, bytes, size, &sketch) == HC_OK);
    hc_sketch_destroy(&sketch);
    arena_keep();
    return codec;
}

/* A copy with the checksum of its content. */
static uint8_t *with_checksum(struct hc_codec *codec, const uint8_t *data, size_t size)
{
    uint8_t *copy = arena_allocate(size);
    struct cursor cursor = cursor_over(data + HEADER_SIZE, size - HEADER_SIZE);
    struct hc_sketch *made =
        sketch_new(profile_find((enum hc_profile)data[5]), data[6], &codec->allocator);

    if (made->profile->is_keyed)
        made->key[0].id = fuzz_read(data + 8, 4) | (uint64_t)fuzz_read(data + 12, 4) << 32;
    if (data[7] == 0)
        fuzz_require(codec_sparse_read(&cursor, made) == HC_OK);
    else
        fuzz_require(codec_dense_read(codec, &cursor, made) == HC_OK);
    memcpy(copy, data, size);
    fuzz_write(copy + CHECKSUM_AT, hc_digest(made), 8);
    hc_sketch_destroy(&made);
    return copy;
}

/* Written, read and written again; of coupons there is but one way to write. */
static void is_fixed(struct hc_codec *codec, const struct hc_sketch *sketch, const uint8_t *data,
                     size_t size)
{
    size_t room = hc_encode_size_max(sketch), first_size, second_size;
    uint8_t *first, *second;
    struct hc_sketch *again = NULL;
    int changed;

    arena.request_max = ARENA_SIZE;
    first = arena_allocate(room);
    second = arena_allocate(room);
    fuzz_require(hc_encode(sketch, first, room, &first_size) == HC_OK);
    if (hc_sketch_is_sparse(sketch))
        fuzz_require(first_size == size && memcmp(first, data, size) == 0);
    fuzz_require(hc_codec_decode(codec, first, first_size, &again) == HC_OK);
    fuzz_require(hc_encode(again, second, room, &second_size) == HC_OK);
    fuzz_require(first_size == second_size && memcmp(first, second, first_size) == 0);
    fuzz_require(hc_digest(again) == hc_digest(sketch));
    fuzz_require(hc_sketch_union(again, sketch, &changed) == HC_OK && !changed);
    arena_release(NULL, fuzz_registers(again));
    if (hc_sketch_precision(again) > HC_PRECISION_MIN) {
        fuzz_require(hc_sketch_fold(again, hc_sketch_precision(again) - 1) == HC_OK);
        fuzz_require(hc_sketch_check(again, NULL));
    }
    hc_sketch_destroy(&again);
    arena_release(NULL, first);
    arena_release(NULL, second);
}

static void run(const uint8_t *data, size_t size, int whole)
{
    struct hc_codec *codec = codec_of_all();
    uint32_t sum = fuzz_sum(data, size);
    struct hc_sketch *sketch = NULL;
    uint8_t *mended = NULL;
    enum hc_status status;

    arena.request_max = ((size_t)1 << HC_PRECISION_MAX) + 2 * size;
    status = hc_codec_decode(codec, data, size, &sketch);
    if (status == HC_ECHECKSUM) {
        mended = with_checksum(codec, data, size);
        status = hc_codec_decode(codec, mended, size, &sketch);
        fuzz_require(status == HC_OK);
    }
    fuzz_require((status == HC_OK) == (sketch != NULL));
    if (sketch != NULL && fuzz_is_chosen(sketch, sum, FUZZ_PRECISION_CHECK))
        fuzz_require(hc_sketch_check(sketch, NULL));
    if (whole && sketch != NULL && fuzz_is_chosen(sketch, sum, FUZZ_PRECISION_REWRITE) &&
        sum % FUZZ_REWRITE == 0) {
        fuzz_estimate(sketch);
        is_fixed(codec, sketch, mended == NULL ? data : mended, size);
    }
    hc_sketch_destroy(&sketch);
    arena_release(NULL, mended);
    arena.request_max = ARENA_SIZE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    codec_of_all();
    fuzz_near(run, data, size);
    return 0;
}

/* The header says what its fields can say, and how long the payload is. */
static size_t mend(uint8_t *data, size_t size, size_t room)
{
    (void)room;
    size = fuzz_resize(data, size, size < HEADER_SIZE + 4 ? HEADER_SIZE + 4 : size);
    memcpy(data, "HCSK\1", 5);
    if (data[5] < HC_PROFILE_REDIS || data[5] > HC_PROFILE_KEYED)
        data[5] = (uint8_t)(HC_PROFILE_REDIS + data[5] % 6);
    data[6] = fuzz_precision(data[6], HC_PRECISION_MIN, HC_PRECISION_MAX);
    data[7] &= 1;
    if (data[5] != HC_PROFILE_KEYED)
        memset(data + 8, 0, 8);
    else
        data[8] |= 1;
    fuzz_write(data + PAYLOAD_SIZE_AT, size - HEADER_SIZE, 4);
    return size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed)
{
    return fuzz_mutate(data, size, room, seed, mend);
}

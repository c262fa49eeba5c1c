/* The cases of libheadcount, and the two plain loops that some of them are
 * measured against: reading memory, and zstd on its own. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "sketch_bench.h"
#include "headcount/codec.h"
#include "headcount/foreign.h"

#define NATIVE_HEADER 28

/* Lies in memory as a sketch does, with its registers apart. */
struct block {
    uint64_t before[4];
    uint64_t *words;
    uint64_t after[4];
};

struct ours {
    const struct bench_ids *ids;
    struct hc_sketch *large[BENCH_LARGE]; /* the first BENCH_SMALL are the small set */
    struct hc_sketch *dense; /* with all ids */
    struct hc_sketch *sparse; /* with the first few */
    struct hc_codec *codec;
    ZSTD_DCtx *zstd;
    uint8_t *native[BENCH_DIFFERENT];
    size_t native_size[BENCH_DIFFERENT];
    size_t native_room;
    uint64_t *memory; /* as much as the registers of the large set, in one piece */
    struct block *blocks[BENCH_LARGE]; /* and in as many */
    uint64_t sum;     /* keeps compilers from leaving loops out */
};

static void require(int status)
{
    if (status != HC_OK)
        abort();
}

static struct hc_sketch *create(void)
{
    struct hc_sketch_options options = {HC_PROFILE_DATASKETCHES, BENCH_PRECISION, NULL, NULL};
    struct hc_sketch *sketch = NULL;

    require((int)hc_sketch_create(&options, &sketch));
    return sketch;
}

/* Adds ids from..to-1. */
static void add(struct hc_sketch *sketch, const struct bench_ids *ids, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        size_t size = ids->starts[i + 1] - ids->starts[i];

        require((int)hc_sketch_add(sketch, ids->text + ids->starts[i], size, NULL));
    }
}

static struct hc_sketch *many(const struct bench_ids *ids, size_t number)
{
    size_t first = number * (ids->count - BENCH_MANY) / BENCH_DIFFERENT;
    struct hc_sketch *sketch = create();

    add(sketch, ids, first, first + BENCH_MANY);
    return sketch;
}

void bench_images(const struct bench_ids *ids, struct bench_image *images)
{
    const struct hc_datasketches_options options = {.bits = 8};
    const size_t room = HC_FOREIGN_SIZE_MAX(BENCH_PRECISION);

    for (size_t i = 0; i < BENCH_DIFFERENT; i++) {
        struct hc_sketch *sketch = many(ids, i);

        images[i].bytes = malloc(room);
        require(images[i].bytes == NULL);
        require((int)hc_datasketches_encode(sketch, &options, images[i].bytes, room,
                                            &images[i].size));
        hc_sketch_destroy(&sketch);
    }
}

/* Compilers make vectors of it. */
__attribute__((target_clones("avx2", "default"))) static uint64_t read_words(const uint64_t *words,
                                                                             size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum ^= words[i];
    return sum;
}

static double read_large(void *data)
{
    struct ours *ours = data;
    size_t bytes = (size_t)BENCH_LARGE * BENCH_REGISTERS;

    ours->sum ^= read_words(ours->memory, bytes / sizeof(uint64_t));
    return (double)bytes;
}

static double read_blocks(void *data)
{
    struct ours *ours = data;

    for (size_t i = 0; i < BENCH_LARGE; i++)
        ours->sum ^= read_words(ours->blocks[i]->words, BENCH_REGISTERS / sizeof(uint64_t));
    return (double)BENCH_LARGE * BENCH_REGISTERS;
}

static double read_small(void *data)
{
    struct ours *ours = data;
    size_t bytes = (size_t)BENCH_SMALL * BENCH_REGISTERS;

    for (size_t i = 0; i < BENCH_REPEATS; i++) {
        ours->memory[0] = i;
        ours->sum ^= read_words(ours->memory, bytes / sizeof(uint64_t));
    }
    return (double)bytes * BENCH_REPEATS;
}

static void unite(struct ours *ours, size_t count, size_t repeats)
{
    struct hc_sketch *into = create();

    for (size_t repeat = 0; repeat < repeats; repeat++) {
        for (size_t i = 0; i < count; i++)
            require((int)hc_sketch_union(into, ours->large[i], NULL));
    }
    hc_sketch_destroy(&into);
}

static double union_large(void *data)
{
    unite(data, BENCH_LARGE, 1);
    return (double)BENCH_LARGE * BENCH_REGISTERS;
}

static double union_small(void *data)
{
    unite(data, BENCH_SMALL, BENCH_REPEATS);
    return (double)BENCH_SMALL * BENCH_REPEATS * BENCH_REGISTERS;
}

static double add_dense(void *data)
{
    struct ours *ours = data;
    struct hc_sketch *sketch = create();

    add(sketch, ours->ids, 0, ours->ids->count);
    hc_sketch_destroy(&sketch);
    return (double)ours->ids->count;
}

static double add_sparse(void *data)
{
    struct ours *ours = data;
    size_t sketches = ours->ids->count / BENCH_FEW;

    for (size_t i = 0; i < sketches; i++) {
        struct hc_sketch *sketch = create();

        add(sketch, ours->ids, i * BENCH_FEW, (i + 1) * BENCH_FEW);
        hc_sketch_destroy(&sketch);
    }
    return (double)sketches * BENCH_FEW;
}

static double add_dense_known(void *data)
{
    struct ours *ours = data;

    add(ours->dense, ours->ids, 0, ours->ids->count);
    return (double)ours->ids->count;
}

static double add_sparse_known(void *data)
{
    struct ours *ours = data;

    for (size_t i = 0; i < BENCH_REPEATS; i++)
        add(ours->sparse, ours->ids, 0, BENCH_FEW);
    return (double)BENCH_REPEATS * BENCH_FEW;
}

static double decode(void *data)
{
    struct ours *ours = data;

    for (size_t i = 0; i < BENCH_REPEATS; i++) {
        size_t number = i % BENCH_DIFFERENT;
        struct hc_sketch *sketch = NULL;

        require((int)hc_codec_decode(ours->codec, ours->native[number],
                                     ours->native_size[number], &sketch));
        hc_sketch_destroy(&sketch);
    }
    return BENCH_REPEATS;
}

static double decode_once(void *data)
{
    struct ours *ours = data;

    for (size_t i = 0; i < BENCH_REPEATS; i++) {
        size_t number = i % BENCH_DIFFERENT;
        struct hc_sketch *sketch = NULL;

        require((int)hc_decode(ours->native[number], ours->native_size[number], NULL, &sketch));
        hc_sketch_destroy(&sketch);
    }
    return BENCH_REPEATS;
}

static double decode_bare(void *data)
{
    static uint8_t registers[BENCH_REGISTERS];
    struct ours *ours = data;

    for (size_t i = 0; i < BENCH_REPEATS; i++) {
        size_t number = i % BENCH_DIFFERENT, size;

        size = ZSTD_decompressDCtx(ours->zstd, registers, sizeof registers,
                                   ours->native[number] + NATIVE_HEADER,
                                   ours->native_size[number] - NATIVE_HEADER);
        require(size != sizeof registers);
    }
    return BENCH_REPEATS;
}

static double encode(void *data)
{
    struct ours *ours = data;

    for (size_t i = 0; i < BENCH_REPEATS; i++) {
        size_t number = i % BENCH_DIFFERENT;

        require((int)hc_codec_encode(ours->codec, ours->large[number], ours->native[number],
                                     ours->native_room, &ours->native_size[number]));
    }
    return BENCH_REPEATS;
}

static double encode_once(void *data)
{
    struct ours *ours = data;

    for (size_t i = 0; i < BENCH_REPEATS; i++) {
        size_t number = i % BENCH_DIFFERENT;

        require((int)hc_encode(ours->large[number], ours->native[number], ours->native_room,
                               &ours->native_size[number]));
    }
    return BENCH_REPEATS;
}

static void blocks_create(struct block **blocks)
{
    for (size_t i = 0; i < BENCH_LARGE; i++) {
        blocks[i] = calloc(1, sizeof *blocks[i]);
        require(blocks[i] == NULL);
        blocks[i]->words = malloc(BENCH_REGISTERS);
        require(blocks[i]->words == NULL);
        memset(blocks[i]->words, 1, BENCH_REGISTERS);
    }
}

static struct ours *ours_create(const struct bench_ids *ids)
{
    struct ours *ours = calloc(1, sizeof *ours);

    require(ours == NULL);
    ours->ids = ids;
    for (size_t i = 0; i < BENCH_DIFFERENT; i++)
        ours->large[i] = many(ids, i);
    for (size_t i = BENCH_DIFFERENT; i < BENCH_LARGE; i++)
        require((int)hc_sketch_copy(ours->large[i % BENCH_DIFFERENT], &ours->large[i]));
    ours->dense = create();
    add(ours->dense, ids, 0, ids->count);
    ours->sparse = create();
    add(ours->sparse, ids, 0, BENCH_FEW);
    require((int)hc_codec_create(NULL, &ours->codec));
    ours->zstd = ZSTD_createDCtx();
    require(ours->zstd == NULL);
    ours->native_room = hc_encode_size_max(ours->large[0]);
    for (size_t i = 0; i < BENCH_DIFFERENT; i++) {
        ours->native[i] = malloc(ours->native_room);
        require(ours->native[i] == NULL);
    }
    encode(ours);
    ours->memory = malloc((size_t)BENCH_LARGE * BENCH_REGISTERS);
    require(ours->memory == NULL);
    memset(ours->memory, 1, (size_t)BENCH_LARGE * BENCH_REGISTERS);
    blocks_create(ours->blocks);
    return ours;
}

size_t bench_ours(const struct bench_ids *ids, struct bench_case *cases)
{
    struct ours *ours = ours_create(ids);
    const struct bench_case made[] = {
        {"read large", read_large, ours, 1},
        {"read blocks", read_blocks, ours, 1},
        {"union large", union_large, ours, 1},
        {"read small", read_small, ours, 1},
        {"union small", union_small, ours, 1},
        {"add dense", add_dense, ours, 0},
        {"add dense known", add_dense_known, ours, 0},
        {"add sparse", add_sparse, ours, 0},
        {"add sparse known", add_sparse_known, ours, 0},
        {"decode", decode, ours, 0},
        {"decode once", decode_once, ours, 0},
        {"decode bare", decode_bare, ours, 0},
        {"encode", encode, ours, 0},
        {"encode once", encode_once, ours, 0},
    };

    memcpy(cases, made, sizeof made);
    return sizeof made / sizeof made[0];
}

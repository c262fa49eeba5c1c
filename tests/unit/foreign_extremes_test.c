/* Goal: at every precision and in every form, registers at their extremes are
 * written into the room that the header promises, and come back; and what an
 * engine's form holds exactly comes back as the same sparse sketch. */
#include <stdbool.h>

#include "check_main.h"
#include "foreign_forms.h"
#include "sketch_kit.h"

/* The largest rank, as the engines know it. */
static unsigned rank_max(enum hc_profile profile, unsigned precision)
{
    if (profile == HC_PROFILE_DATASKETCHES)
        return 63;
    return profile == HC_PROFILE_POSTGRES ? 31 : 65 - precision;
}

/* A hash that puts this rank there. */
static struct hc_hash hash_of(enum hc_profile profile, unsigned precision, uint64_t index,
                              unsigned rank)
{
    bool is_last = rank > 64 - precision;

    if (profile == HC_PROFILE_DATASKETCHES)
        return (struct hc_hash){index, rank == 63 ? 0 : UINT64_C(1) << (64 - rank)};
    if (profile == HC_PROFILE_TRINO || profile == HC_PROFILE_ZETASKETCH)
        return (struct hc_hash){
            index << (64 - precision) | (is_last ? 0 : UINT64_C(1) << (64 - precision - rank)), 0};
    return (struct hc_hash){index | (is_last ? 0 : UINT64_C(1) << (precision + rank - 1)), 0};
}

enum pattern { ALL, ALL_BUT_ONE, ONE, EVERY_OTHER, ALONE, NONE, PATTERNS };

/* The rank of a register, 0 for none. */
static unsigned rank_of(enum pattern pattern, uint64_t index, uint64_t last, unsigned most)
{
    switch (pattern) {
    case ALL:
        return most;
    case ALL_BUT_ONE:
        return index == last ? 1 : most;
    case ONE:
        return index == last ? most : 1;
    case EVERY_OTHER:
        return index % 2 ? most : 0;
    case ALONE:
        return index == last ? most : 0;
    default:
        return 0;
    }
}

/* Scattered ids of rank 1 at odd indices, which change no pattern: while a sketch
 * is sparse, ids with one index after the other take their time. */
static void make_dense(struct hc_sketch *sketch)
{
    unsigned precision = hc_sketch_precision(sketch);

    for (uint64_t i = 0; hc_sketch_is_sparse(sketch); i++) {
        struct hc_hash hash = {kit_hash(i).first, UINT64_C(1) << 63};
        enum hc_profile profile = hc_sketch_profile(sketch);

        if (profile == HC_PROFILE_TRINO || profile == HC_PROFILE_ZETASKETCH)
            hash.first |= UINT64_C(3) << (63 - precision);
        else
            hash.first |= UINT64_C(1) << precision | 1;
        hc_sketch_add_hash(sketch, hash, NULL);
    }
}

static struct hc_sketch *sketch_of(enum hc_profile profile, unsigned precision,
                                   enum pattern pattern)
{
    struct hc_sketch *sketch = kit_create_as(profile, precision, NULL);
    uint64_t last = (UINT64_C(1) << precision) - 1;

    if (pattern < ALONE)
        make_dense(sketch);
    for (uint64_t index = 0; index <= last; index++) {
        unsigned rank = rank_of(pattern, index, last, rank_max(profile, precision));

        if (rank > 0 && hc_sketch_add_hash(sketch, hash_of(profile, precision, index, rank),
                                           NULL) != HC_OK)
            ck_abort_msg("a hash could not be added");
    }
    return sketch;
}

/* Into a block of just the room that always suffices; its size, or 0 where the
 * engine has no such form. The caller frees it. */
static uint8_t *written(const struct hc_sketch *sketch, unsigned way, size_t *size)
{
    size_t room = HC_FOREIGN_SIZE_MAX(hc_sketch_precision(sketch));
    uint8_t *bytes = malloc(room);
    enum hc_status status = forms_encode(sketch, way, bytes, room, size);

    ck_assert_ptr_nonnull(bytes);
    if (status != HC_OK) {
        ck_assert_msg(status == HC_EPRECISION || status == HC_ERANGE, "%s",
                      hc_status_name(status));
        *size = 0;
    }
    ck_assert_uint_le(*size, room);
    return bytes;
}

static struct hc_sketch *read_back(enum hc_profile profile, const uint8_t *bytes, size_t size)
{
    struct hc_sketch *back = NULL;

    ck_assert_int_eq(forms_decoder(profile)(bytes, size, NULL, &back), HC_OK);
    kit_check(back);
    return back;
}

/* Redis folds to its own precision: only there registers can be compared. */
START_TEST(room_suffices)
{
    enum hc_profile profile = (enum hc_profile)_i;
    static uint8_t expected[KIT_REGISTERS_MAX];

    for (unsigned precision = HC_PRECISION_MIN; precision <= HC_PRECISION_MAX; precision++) {
        for (enum pattern pattern = ALL; pattern < PATTERNS; pattern++) {
            struct hc_sketch *sketch = sketch_of(profile, precision, pattern), *back;

            hc_sketch_registers(sketch, expected, sizeof expected);
            for (unsigned way = 0; way < FORMS_MAX; way++) {
                size_t size;
                uint8_t *bytes = written(sketch, way, &size);

                if (size > 0) {
                    back = read_back(profile, bytes, size);
                    if (hc_sketch_precision(back) == precision)
                        kit_registers_are(back, expected);
                    else
                        ck_assert_int_eq(profile, HC_PROFILE_REDIS);
                    hc_sketch_destroy(&back);
                }
                free(bytes);
                if (profile == HC_PROFILE_REDIS || profile == HC_PROFILE_TRINO)
                    break;
            }
            hc_sketch_destroy(&sketch);
        }
    }
}
END_TEST

/* The number of values that ZetaSketch keeps is signed: an estimate beyond that
 * ends there. */
START_TEST(values_saturate)
{
    const uint8_t expected[] = {0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x18};
    struct hc_sketch *sketch = sketch_of(HC_PROFILE_ZETASKETCH, 10, ALL);
    size_t size;
    uint8_t *bytes = written(sketch, 0, &size);

    ck_assert(hc_sketch_estimate(sketch).value > 9.3e18);
    ck_assert_uint_gt(size, 2 + sizeof expected);
    ck_assert_mem_eq(bytes + 2, expected, sizeof expected);
    free(bytes);
    hc_sketch_destroy(&sketch);
}
END_TEST

/* Coupons, entries, and values of 25 bits are all that a sparse sketch is. */
START_TEST(exact_forms_stay_sparse)
{
    const struct {
        enum hc_profile profile;
        unsigned way;
        unsigned precision;
        uint64_t count;
    } cases[] = {
        {HC_PROFILE_DATASKETCHES, 0, 14, 0}, {HC_PROFILE_DATASKETCHES, 0, 14, 7},
        {HC_PROFILE_DATASKETCHES, 0, 14, 800}, {HC_PROFILE_DATASKETCHES, 3, 14, 800},
        {HC_PROFILE_DATASKETCHES, 5, 12, 100}, {HC_PROFILE_DATASKETCHES, 1, 7, 7},
        {HC_PROFILE_TRINO, 0, 12, 0}, {HC_PROFILE_TRINO, 0, 12, 400},
        {HC_PROFILE_TRINO, 0, 16, 2000}, {HC_PROFILE_ZETASKETCH, 4, 10, 100},
        {HC_PROFILE_ZETASKETCH, 4, 15, 2500}, {HC_PROFILE_ZETASKETCH, 4, 18, 9000},
        {HC_PROFILE_ZETASKETCH, 2, 15, 0}, {HC_PROFILE_POSTGRES, 0, 14, 0},
    };

    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct hc_sketch *sketch = kit_create_as(cases[c].profile, cases[c].precision, NULL);
        struct hc_sketch *back;
        size_t size;
        uint8_t *bytes;

        for (uint64_t i = 0; i < cases[c].count; i++) {
            struct hc_hash hash = {kit_hash(i).first, kit_hash(~i).first};

            hc_sketch_add_hash(sketch, hash, NULL);
        }
        ck_assert_int_eq(hc_sketch_is_sparse(sketch), 1);
        bytes = written(sketch, cases[c].way, &size);
        back = read_back(cases[c].profile, bytes, size);
        kit_same(sketch, back);
        hc_sketch_destroy(&back);
        hc_sketch_destroy(&sketch);
        free(bytes);
    }
}
END_TEST

/* Whole hashes are exact too; nobody but the engine writes them. */
START_TEST(explicit_hashes_stay_sparse)
{
    const struct hc_hash hashes[] = {{UINT64_C(0x8000000000000001), 0}, {1 << 20, 0},
                                     {UINT64_C(0x7fffffffffffffff), 0}};
    struct hc_sketch *sketch = kit_create_as(HC_PROFILE_POSTGRES, 14, NULL), *back;
    uint8_t bytes[3 + 3 * 8] = {0x12, 0x8e, 0x7f};

    for (unsigned i = 0; i < 3; i++) {
        for (unsigned byte = 0; byte < 8; byte++)
            bytes[3 + 8 * i + byte] = (uint8_t)(hashes[i].first >> (56 - 8 * byte));
        hc_sketch_add_hash(sketch, hashes[i], NULL);
    }
    back = read_back(HC_PROFILE_POSTGRES, bytes, sizeof bytes);
    kit_same(sketch, back);
    hc_sketch_destroy(&back);
    hc_sketch_destroy(&sketch);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 0);
    tcase_add_loop_test(tcase, room_suffices, HC_PROFILE_REDIS, HC_PROFILE_KEYED);
    tcase_add_test(tcase, values_saturate);
    tcase_add_test(tcase, exact_forms_stay_sparse);
    tcase_add_test(tcase, explicit_hashes_stay_sparse);
}

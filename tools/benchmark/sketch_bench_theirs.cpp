/* The cases of Apache DataSketches, C++: the same ids, the same registers, by
 * its public interface only. */
#include <cstdlib>
#include <cstring>
#include <hll.hpp>
#include <vector>

#include "sketch_bench.h"

namespace {

using datasketches::hll_sketch;
using datasketches::hll_union;

struct theirs {
    const bench_ids *ids;
    std::vector<hll_sketch> large; // the first BENCH_SMALL are the small set
    hll_sketch dense{BENCH_PRECISION, datasketches::HLL_8};
    hll_sketch sparse{BENCH_PRECISION, datasketches::HLL_8};
    double sum = 0; // keeps compilers from leaving loops out
};

void add(hll_sketch &sketch, const bench_ids *ids, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        sketch.update(ids->text + ids->starts[i], ids->starts[i + 1] - ids->starts[i]);
}

void unite(theirs *theirs, size_t count, size_t repeats)
{
    hll_union into(BENCH_PRECISION);

    for (size_t repeat = 0; repeat < repeats; repeat++) {
        for (size_t i = 0; i < count; i++)
            into.update(theirs->large[i]);
    }
    theirs->sum += into.get_composite_estimate();
}

double union_large(void *data)
{
    unite(static_cast<theirs *>(data), BENCH_LARGE, 1);
    return static_cast<double>(BENCH_LARGE) * BENCH_REGISTERS;
}

double union_small(void *data)
{
    unite(static_cast<theirs *>(data), BENCH_SMALL, BENCH_REPEATS / 10);
    return static_cast<double>(BENCH_SMALL) * (BENCH_REPEATS / 10) * BENCH_REGISTERS;
}

double add_dense_as(theirs *theirs, datasketches::target_hll_type type)
{
    hll_sketch sketch(BENCH_PRECISION, type);

    add(sketch, theirs->ids, 0, theirs->ids->count);
    theirs->sum += sketch.get_lower_bound(1);
    return static_cast<double>(theirs->ids->count);
}

double add_dense(void *data)
{
    return add_dense_as(static_cast<theirs *>(data), datasketches::HLL_8);
}

double add_dense_packed(void *data)
{
    return add_dense_as(static_cast<theirs *>(data), datasketches::HLL_4);
}

double add_sparse(void *data)
{
    theirs *self = static_cast<theirs *>(data);
    size_t sketches = self->ids->count / BENCH_FEW;

    for (size_t i = 0; i < sketches; i++) {
        hll_sketch sketch(BENCH_PRECISION, datasketches::HLL_8);

        add(sketch, self->ids, i * BENCH_FEW, (i + 1) * BENCH_FEW);
        self->sum += sketch.is_empty();
    }
    return static_cast<double>(sketches) * BENCH_FEW;
}

double add_dense_known(void *data)
{
    theirs *self = static_cast<theirs *>(data);

    add(self->dense, self->ids, 0, self->ids->count);
    return static_cast<double>(self->ids->count);
}

double add_sparse_known(void *data)
{
    theirs *self = static_cast<theirs *>(data);

    for (size_t i = 0; i < BENCH_REPEATS; i++)
        add(self->sparse, self->ids, 0, BENCH_FEW);
    return static_cast<double>(BENCH_REPEATS) * BENCH_FEW;
}

} // namespace

size_t bench_theirs(const bench_ids *ids, const bench_image *images, bench_case *cases)
{
    theirs *self = new theirs{ids, {}};
    const bench_case made[] = {
        {"their union large", union_large, self, 1},
        {"their union small", union_small, self, 1},
        {"their add dense", add_dense, self, 0},
        {"their add dense packed", add_dense_packed, self, 0},
        {"their add dense known", add_dense_known, self, 0},
        {"their add sparse", add_sparse, self, 0},
        {"their add sparse known", add_sparse_known, self, 0},
    };

    self->large.reserve(BENCH_LARGE);
    for (size_t i = 0; i < BENCH_LARGE; i++) {
        const bench_image *image = &images[i % BENCH_DIFFERENT];

        self->large.push_back(hll_sketch::deserialize(image->bytes, image->size));
    }
    add(self->dense, ids, 0, ids->count);
    add(self->sparse, ids, 0, BENCH_FEW);
    std::memcpy(cases, made, sizeof made);
    return sizeof made / sizeof made[0];
}

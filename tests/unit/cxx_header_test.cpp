// Goal: the public headers serve a C++ program as they serve a C program: owned
// by unique_ptr, with std::string ids and bytes in a vector, errors as exceptions.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "headcount/codec.h"
#include "headcount/error.h"
#include "headcount/foreign.h"
#include "headcount/hash.h"
#include "headcount/overlap.h"
#include "headcount/sketch.h"
#include "headcount/version.h"

namespace {

using Bytes = std::vector<unsigned char>;

void require(hc_status status)
{
    if (status == HC_ENOMEM)
        throw std::bad_alloc();
    if (status != HC_OK)
        throw std::runtime_error(hc_status_text(status));
}

class Sketch {
public:
    explicit Sketch(hc_profile profile = HC_PROFILE_REDIS, unsigned precision = 14)
    {
        hc_sketch_options options = {};
        hc_sketch *made = nullptr;

        options.profile = profile;
        options.precision = precision;
        require(hc_sketch_create(&options, &made));
        sketch.reset(made);
    }

    explicit Sketch(const Bytes &bytes)
    {
        hc_sketch *made = nullptr;

        require(hc_decode(bytes.data(), bytes.size(), nullptr, &made));
        sketch.reset(made);
    }

    void add(const std::string &id)
    {
        require(hc_sketch_add(sketch.get(), id.data(), id.size(), nullptr));
    }

    void add(const Sketch &other)
    {
        require(hc_sketch_union(sketch.get(), other.sketch.get(), nullptr));
    }

    double value() const
    {
        return hc_sketch_estimate(sketch.get()).value;
    }

    double common(const Sketch &other) const
    {
        hc_estimate estimate;

        require(hc_sketch_intersection(sketch.get(), other.sketch.get(), &estimate));
        return estimate.value;
    }

    Bytes encode() const
    {
        Bytes bytes(hc_encode_size_max(sketch.get()));
        std::size_t size = 0;

        require(hc_encode(sketch.get(), bytes.data(), bytes.size(), &size));
        bytes.resize(size);
        return bytes;
    }

    Bytes redis() const
    {
        Bytes bytes(HC_REDIS_SIZE_MAX);
        std::size_t size = 0;

        require(hc_redis_encode(sketch.get(), bytes.data(), bytes.size(), &size));
        bytes.resize(size);
        return bytes;
    }

private:
    struct Destroy {
        void operator()(hc_sketch *owned) const
        {
            hc_sketch_destroy(&owned);
        }
    };

    std::unique_ptr<hc_sketch, Destroy> sketch;
};

int failures;

void expect(bool holds, const char *what)
{
    if (!holds) {
        std::fprintf(stderr, "failed: %s\n", what);
        failures++;
    }
}

Sketch of(int from, int to)
{
    Sketch sketch;

    for (int i = from; i < to; i++)
        sketch.add("user-" + std::to_string(i));
    return sketch;
}

bool is_refused(const Bytes &bytes)
{
    try {
        Sketch sketch(bytes);
    } catch (const std::runtime_error &error) {
        return std::strlen(error.what()) > 0;
    }
    return false;
}

void count()
{
    Sketch monday = of(0, 1000), tuesday = of(600, 2000);
    const Sketch again(monday.encode());
    Bytes bytes = monday.encode();

    expect(std::lround(monday.value()) == 1000, "estimate");
    expect(std::fabs(monday.common(tuesday) - 400) < 5, "intersection");
    monday.add(tuesday);
    expect(std::fabs(monday.value() - 2000) < 5, "union");
    expect(again.encode() == bytes, "encode");
    expect(of(0, 1000).redis().size() < HC_REDIS_SIZE_MAX, "redis");
    bytes.back() ^= 0x80;
    expect(is_refused(bytes), "damage");
    expect(is_refused(Bytes()), "no bytes");
}

// The keyed profile, the hash, and the statuses by themselves.
void use_the_rest()
{
    const unsigned char key[HC_KEY_SIZE] = {1, 2, 3};
    hc_sketch_options options = {HC_PROFILE_KEYED, 12, nullptr, key};
    hc_sketch *sketch = nullptr;
    hc_profile profile = HC_PROFILE_REDIS;
    int changed = 0;

    require(hc_sketch_create(&options, &sketch));
    expect(hc_sketch_key_id(sketch) == hc_key_id(key), "key");
    require(hc_sketch_add_hash(sketch, hc_hash_keyed(key, "a", 1), &changed));
    expect(changed == 1, "changed");
    hc_sketch_prefetch(sketch, "a", 1);
    require(hc_sketch_add(sketch, "a", 1, &changed));
    expect(changed == 0, "not changed");
    hc_sketch_destroy(&sketch);
    expect(sketch == nullptr, "destroy");
    expect(hc_profile_by_name("trino", &profile) && profile == HC_PROFILE_TRINO, "name");
    expect(std::string(hc_status_name(HC_EWIDE)) == "HC_EWIDE", "status");
    expect(std::string(hc_version()) == HEADCOUNT_VERSION, "version");
}

} // namespace

int main()
{
    try {
        count();
        use_the_rest();
    } catch (const std::exception &error) {
        expect(false, error.what());
    }
    return failures == 0 ? 0 : 1;
}

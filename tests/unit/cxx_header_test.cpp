// Goal: the public headers serve a C++ program as they serve a C program.
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "headcount/codec.h"
#include "headcount/error.h"
#include "headcount/foreign.h"
#include "headcount/hash.h"
#include "headcount/sketch.h"

static int failures;

static void expect(bool holds, const char *what)
{
    if (!holds) {
        std::fprintf(stderr, "failed: %s\n", what);
        failures++;
    }
}

int main()
{
    hc_sketch_options options = {};
    hc_sketch *sketch = nullptr, *decoded = nullptr;
    std::vector<unsigned char> bytes, string(HC_REDIS_SIZE_MAX);
    size_t size = 0;

    options.profile = HC_PROFILE_REDIS;
    options.precision = 14;
    expect(hc_sketch_create(&options, &sketch) == HC_OK, "create");
    for (int i = 0; i < 1000; i++) {
        std::string id = "user-" + std::to_string(i);
        expect(hc_sketch_add(sketch, id.data(), id.size(), nullptr) == HC_OK, "add");
    }
    expect(std::lround(hc_sketch_estimate(sketch).value) == 1000, "estimate");
    bytes.resize(hc_encode_size_max(sketch));
    expect(hc_encode(sketch, bytes.data(), bytes.size(), &size) == HC_OK, "encode");
    expect(hc_decode(bytes.data(), size, nullptr, &decoded) == HC_OK, "decode");
    expect(hc_digest(decoded) == hc_digest(sketch), "digest");
    expect(hc_redis_encode(sketch, string.data(), string.size(), &size) == HC_OK, "redis");
    expect(std::string(hc_status_name(HC_OK)) == "HC_OK", "status");
    hc_sketch_destroy(&decoded);
    hc_sketch_destroy(&sketch);
    return failures == 0 ? 0 : 1;
}

/* Any bytes, decoded: refused without a leak, or a valid sketch that encodes to
 * a fixed point and unites with itself to no change. */
#include <stdint.h>
#include <stdlib.h>

#include "headcount/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hc_sketch *sketch = NULL, *again = NULL;
    struct hc_estimate estimate;
    size_t room, encoded_size;
    uint64_t digest;
    int changed;
    void *encoded;

    if (hc_decode(data, size, NULL, &sketch) != HC_OK) {
        require(sketch == NULL);
        return 0;
    }
    require(hc_sketch_check(sketch, NULL));
    digest = hc_digest(sketch);
    room = hc_encode_size_max(sketch);
    encoded = malloc(room);
    require(encoded != NULL);
    require(hc_encode(sketch, encoded, room, &encoded_size) == HC_OK);
    require(hc_decode(encoded, encoded_size, NULL, &again) == HC_OK);
    require(hc_digest(again) == digest);
    require(hc_sketch_union(sketch, again, &changed) == HC_OK && !changed);
    estimate = hc_sketch_estimate(sketch);
    require(0 <= estimate.low && estimate.low <= estimate.value && estimate.value <= estimate.high);
    free(encoded);
    hc_sketch_destroy(&again);
    hc_sketch_destroy(&sketch);
    return 0;
}

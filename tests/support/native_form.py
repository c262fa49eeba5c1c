"""The native form of docs/FORMAT.md in plain Python, apart from the library.

    native_form.py > ../golden/native.txt

writes the golden file: sketches that must decode and, where they are sparse,
encode to these bytes again, and bytes that must be refused. Dense payloads are
zstd frames of one stored block: any encoder's frame will do.
"""
import struct

MASK = (1 << 64) - 1
LOW, SPLIT, HIGH = "low", "split", "high"
COUPON_BITS = {LOW: 25, SPLIT: 26, HIGH: 25}


def rotate(word, bits):
    return (word << bits | word >> (64 - bits)) & MASK


def xxh64(data):
    p1, p2, p3, p4, p5 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9,
                          0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)

    def step(lane, word):
        return rotate((lane + word * p2) & MASK, 31) * p1 & MASK

    at, size = 0, len(data)
    if size >= 32:
        lanes = [(p1 + p2) & MASK, p2, 0, -p1 & MASK]
        while size - at >= 32:
            lanes = [step(v, w) for v, w in zip(lanes, struct.unpack_from("<4Q", data, at))]
            at += 32
        out = sum(rotate(v, bits) for v, bits in zip(lanes, (1, 7, 12, 18))) & MASK
        for lane in lanes:
            out = ((out ^ step(0, lane)) * p1 + p4) & MASK
    else:
        out = p5
    out = (out + size) & MASK
    while size - at >= 8:
        out = (rotate(out ^ step(0, struct.unpack_from("<Q", data, at)[0]), 27) * p1 + p4) & MASK
        at += 8
    if size - at >= 4:
        word = struct.unpack_from("<I", data, at)[0]
        out = (rotate(out ^ word * p1 & MASK, 23) * p2 + p3) & MASK
        at += 4
    for byte in data[at:]:
        out = rotate(out ^ byte * p5 & MASK, 11) * p1 & MASK
    out = (out ^ out >> 33) * p2 & MASK
    out = (out ^ out >> 29) * p3 & MASK
    return out ^ out >> 32


def murmur64a(data, seed=0xADC83B19):
    factor = 0xC6A4A7935BD1E995
    out = seed ^ len(data) * factor & MASK
    whole = len(data) // 8 * 8
    for (word,) in struct.iter_unpack("<Q", data[:whole]):
        word = word * factor & MASK
        word = (word ^ word >> 47) * factor & MASK
        out = (out ^ word) * factor & MASK
    if data[whole:]:
        out = (out ^ int.from_bytes(data[whole:], "little")) * factor & MASK
    out = (out ^ out >> 47) * factor & MASK
    return out ^ out >> 47


def murmur3(data, seed):
    c1, c2 = 0x87C37B91114253D5, 0x4CF5AD432745937F
    first = second = seed
    whole = len(data) // 16 * 16

    def scramble(word, left, bits, right):
        return rotate(word * left & MASK, bits) * right & MASK

    for one, two in struct.iter_unpack("<QQ", data[:whole]):
        first = (rotate(first ^ scramble(one, c1, 31, c2), 27) + second) * 5 + 0x52DCE729 & MASK
        second = (rotate(second ^ scramble(two, c2, 33, c1), 31) + first) * 5 + 0x38495AB5 & MASK
    one, two = struct.unpack("<QQ", data[whole:].ljust(16, b"\0"))
    first ^= scramble(one, c1, 31, c2) ^ len(data)
    second ^= scramble(two, c2, 33, c1) ^ len(data)

    def finish(word):
        word = (word ^ word >> 33) * 0xFF51AFD7ED558CCD & MASK
        word = (word ^ word >> 33) * 0xC4CEB9FE1A85EC53 & MASK
        return word ^ word >> 33

    first = first + second & MASK
    second = second + first & MASK
    first, second = finish(first), finish(second)
    first = first + second & MASK
    return first, second + first & MASK


def siphash(key, data):
    v = [word ^ start for word, start in zip(struct.unpack("<QQ", key) * 2, (
        0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573))]

    def rounds(count):
        for _ in range(count):
            v[0] = v[0] + v[1] & MASK
            v[2] = v[2] + v[3] & MASK
            v[1], v[3] = rotate(v[1], 13) ^ v[0], rotate(v[3], 16) ^ v[2]
            v[0] = rotate(v[0], 32) + v[3] & MASK
            v[2] = v[2] + v[1] & MASK
            v[1], v[3] = rotate(v[1], 17) ^ v[2], rotate(v[3], 21) ^ v[0]
            v[2] = rotate(v[2], 32)

    fill = bytes(7 - len(data) % 8) + bytes([len(data) & 255])
    for (word,) in struct.iter_unpack("<Q", data + fill):
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 255
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


KEY = bytes(range(16))
KEY_ID = siphash(KEY, b"\xffheadcount key id")
# Of each profile here: its number, its layout, its key id and its hash.
PROFILES = {
    "redis": (1, LOW, 0, murmur64a),
    "datasketches": (2, SPLIT, 0, lambda data: murmur3(data, 9001)),
    "trino": (5, HIGH, 0, lambda data: murmur3(data, 0)[0]),
    "keyed": (6, LOW, KEY_ID, lambda data: siphash(KEY, data)),
}


def place(value, precision, layout=LOW):
    if layout == SPLIT:
        return value[0] & (1 << precision) - 1, min(64 - value[1].bit_length(), 62) + 1
    if layout == HIGH:
        rest = value & (1 << 64 - precision) - 1
        return value >> 64 - precision, 65 - precision - rest.bit_length()
    rest = value >> precision
    rank = (rest & -rest).bit_length() if rest else 65 - precision
    return value & (1 << precision) - 1, rank


def is_ranked(index, precision, layout=LOW):
    if layout == HIGH:
        return index & (1 << 25 - precision) - 1 == 0
    return layout == SPLIT or index >> precision == 0


def coupons_of(hashes, precision, layout=LOW):
    ranks = {}
    for value in hashes:
        index, rank = place(value, COUPON_BITS[layout], layout)
        kept = rank if is_ranked(index, precision, layout) else 0
        ranks[index] = max(ranks.get(index, 0), kept)
    return sorted(ranks.items())


def registers_of(hashes, precision, layout=LOW):
    registers = bytearray(1 << precision)
    for value in hashes:
        index, rank = place(value, precision, layout)
        registers[index] = max(registers[index], rank)
    return bytes(registers)


def rice_bits(count, layout):
    return (2 ** COUPON_BITS[layout] // count).bit_length() - 1


def sparse_payload(coupons, precision, count=None, padding=0, layout=LOW):
    bits, after = [], 0
    rice = rice_bits(len(coupons), layout) if coupons else 0

    def put(number, width):
        bits.extend(number >> i & 1 for i in range(width))

    for index, rank in coupons:
        gap = index - after
        put(1 << (gap >> rice), (gap >> rice) + 1)
        put(gap, rice)
        if is_ranked(index, precision, layout):
            put(rank, 6)
        after = index + 1
    while len(bits) % 8:
        bits.append(padding)
    body = bytes(sum(bit << i for i, bit in enumerate(bits[at:at + 8]))
                 for at in range(0, len(bits), 8))
    return struct.pack("<I", len(coupons) if count is None else count) + body


def frame(content):
    """A zstd frame: magic, single segment with a 4-byte size, one stored block."""
    return (b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", len(content)) +
            (len(content) << 3 | 1).to_bytes(3, "little") + content)


def wrap(precision, encoding, payload, content, *, profile=1, key=0, version=1, size=None):
    summed = struct.pack("<BBBQ", profile, precision, encoding, key)
    return (b"HCSK" + bytes([version]) + summed +
            struct.pack("<IQ", len(payload) if size is None else size, xxh64(summed + content)) +
            payload)


def sparse(coupons, precision, payload=None, layout=LOW, **how):
    payload = sparse_payload(coupons, precision, layout=layout) if payload is None else payload
    content = b"".join((index << 6 | rank).to_bytes(8, "little")[:4] for index, rank in coupons)
    return wrap(precision, 0, payload, content, **how)


def dense(registers, precision, payload=None, **how):
    return wrap(precision, 1, frame(registers) if payload is None else payload, registers, **how)


def hashes_of(first, last, name="redis"):
    return [PROFILES[name][3](b"user-%d" % i) for i in range(first, last + 1)]


def good_one(name, precision, first, last):
    number, layout, key, _ = PROFILES[name]
    hashes = hashes_of(first, last, name)
    coupons = coupons_of(hashes, precision, layout)
    if len(coupons) <= 1 << (precision - 2):
        return sparse(coupons, precision, layout=layout, profile=number, key=key)
    return dense(registers_of(hashes, precision, layout), precision, profile=number, key=key)


def good():
    for precision, first, last in ((14, 0, -1), (14, 0, 0), (14, 0, 2), (4, 0, 3), (18, 0, 999),
                                   (14, 0, 999), (14, 1000, 5000), (4, 0, 9), (8, 0, 999),
                                   (12, 0, 9999)):
        yield "redis", precision, first, last, good_one("redis", precision, first, last)
    for name in ("datasketches", "trino", "keyed"):
        for precision, first, last in ((14, 0, -1), (14, 0, 2), (18, 0, 299), (5, 0, 7),
                                       (8, 0, 999)):
            yield name, precision, first, last, good_one(name, precision, first, last)


def bad():
    some = coupons_of(hashes_of(0, 2), 14)
    data = sparse(some, 14)
    registers = registers_of(hashes_of(0, 9), 4)
    yield "HC_ETRUNCATED", "nothing", b""
    yield "HC_ETRUNCATED", "half a header", data[:14]
    yield "HC_EMAGIC", "another magic", b"HYLL" + data[4:]
    yield "HC_EVERSION", "version 2", sparse(some, 14, version=2)
    yield "HC_ECORRUPT", "version 0", sparse(some, 14, version=0)
    yield "HC_ECORRUPT", "profile 0", sparse(some, 14, profile=0)
    yield "HC_ECORRUPT", "profile 255", sparse(some, 14, profile=255)
    yield "HC_ECORRUPT", "precision 3", sparse(some, 3)
    yield "HC_ECORRUPT", "precision 19", sparse(some, 19)
    yield "HC_ECORRUPT", "a key id without a key", sparse(some, 14, key=1)
    yield "HC_ECORRUPT", "no key id for a key", sparse(some, 14, profile=6)
    yield "HC_ECORRUPT", "rank 0 where each is needed", sparse([(99999, 0)], 14, layout=SPLIT,
                                                               profile=2)
    yield "HC_ECORRUPT", "an index of 2^26", sparse([(1 << 26, 1)], 14, layout=SPLIT, profile=2)
    yield "HC_ECORRUPT", "rank 41 of 40 in the high layout", sparse([(0, 41)], 14, layout=HIGH,
                                                                    profile=5)
    yield "HC_ECORRUPT", "rank 32 of 31", sparse([(77, 32)], 14, profile=3)
    yield "HC_ECORRUPT", "register 32 of 31", dense(registers[:15] + b"\x20", 4, profile=3)
    yield "HC_ECORRUPT", "register 64 of 63", dense(registers[:15] + b"\x40", 4, profile=2)
    yield "HC_ECORRUPT", "encoding 2", wrap(14, 2, sparse_payload(some, 14), b"")
    yield "HC_ETRUNCATED", "a size beyond the end", sparse(some, 14, size=100)
    yield "HC_ECORRUPT", "a byte too many", data + b"\0"
    yield "HC_ECORRUPT", "a size that is too small", sparse(some, 14, size=5)
    yield "HC_ECORRUPT", "no room for the count", sparse([], 14, payload=b"\0\0\0")
    yield "HC_ECORRUPT", "a byte in an empty sketch", sparse([], 14, payload=bytes(5))
    yield "HC_ECORRUPT", "a count beyond the bytes", sparse(some, 14, payload=sparse_payload(
        some, 14, count=4000))
    yield "HC_ECORRUPT", "more coupons than a sparse sketch holds", sparse(
        coupons_of(hashes_of(0, 4), 4), 4)
    yield "HC_ECORRUPT", "a count of 2^32 - 1", sparse(some, 14, payload=b"\xff" * 4 + bytes(99))
    yield "HC_ECORRUPT", "bits set after the last coupon", sparse(
        some, 14, payload=sparse_payload(some, 14, padding=1))
    yield "HC_ECORRUPT", "a byte after the last coupon", sparse(
        some, 14, payload=sparse_payload(some, 14) + b"\0")
    yield "HC_ECORRUPT", "an index of 2^25", sparse([(1 << 25, 0)], 14)
    yield "HC_ECORRUPT", "a gap without an end", sparse(some, 14, payload=struct.pack("<I", 3) +
                                                        bytes(100))
    yield "HC_ECORRUPT", "rank 0 where one is needed", sparse([(77, 0)], 14)
    yield "HC_ECORRUPT", "rank 41 of 40", sparse([(77, 41)], 14)
    yield "HC_ECHECKSUM", "another coupon", sparse([(99999, 0)], 14, payload=sparse_payload(
        [(99998, 0)], 14))
    yield "HC_ECHECKSUM", "the checksum of another precision", data[:6] + b"\x0f" + data[7:]
    yield "HC_ECORRUPT", "no frame", dense(registers, 4, payload=b"")
    yield "HC_ECORRUPT", "half a frame", dense(registers, 4, payload=frame(registers)[:20])
    yield "HC_ECORRUPT", "two frames", dense(registers, 4, payload=frame(registers[:8]) +
                                             frame(registers[8:]))
    yield "HC_ECORRUPT", "a frame and a byte", dense(registers, 4, payload=frame(registers) + b"\0")
    yield "HC_ECORRUPT", "a skippable frame before it", dense(
        registers, 4, payload=b"\x50\x2a\x4d\x18\0\0\0\0" + frame(registers))
    yield "HC_ECORRUPT", "a skippable frame after it", dense(
        registers, 4, payload=frame(registers) + b"\x50\x2a\x4d\x18\0\0\0\0")
    yield "HC_ECORRUPT", "a frame of 8 registers", dense(registers, 4, payload=frame(registers[:8]))
    yield "HC_ECORRUPT", "a frame of 17 registers", dense(registers, 4, payload=frame(
        registers + b"\1"))
    yield "HC_ECORRUPT", "a size that the frame doesn't keep", dense(
        registers, 4, payload=frame(registers)[:5] + b"\x10\0\0\0" +
        frame(registers[:8])[9:])
    yield "HC_ECORRUPT", "rank 62 of 61", dense(registers[:15] + b"\x3e", 4)
    yield "HC_ECORRUPT", "rank 255", dense(b"\xff" * 16, 4)
    yield "HC_ECHECKSUM", "another register", dense(registers, 4, payload=frame(
        registers[:15] + b"\x3d"))


def main():
    print("# Written by tests/support/native_form.py. Numbers are those of docs/FORMAT.md.")
    print("# good PROFILE PRECISION FIRST LAST HEX: the sketch of user-FIRST to user-LAST.")
    print("# The key of `keyed` is 00 01 02 ... 0f.")
    print("# bad STATUS HEX WHY: what hc_decode must answer.")
    for name, precision, first, last, data in good():
        print("good", name, precision, first, last, data.hex())
    for status, why, data in bad():
        print("bad", status, data.hex() or "-", why)


if __name__ == "__main__":
    main()

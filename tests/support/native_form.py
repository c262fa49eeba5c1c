"""The native form of docs/FORMAT.md in plain Python, apart from the library.

    native_form.py > ../golden/native.txt

writes the golden file: sketches that must decode and, where they are sparse,
encode to these bytes again, and bytes that must be refused. Dense payloads are
zstd frames of one stored block: any encoder's frame will do.
"""
import struct

MASK = (1 << 64) - 1
COUPON_BITS = 25


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


def place(value, precision):
    rest = value >> precision
    rank = (rest & -rest).bit_length() if rest else 65 - precision
    return value & (1 << precision) - 1, rank


def is_ranked(index, precision):
    return index >> precision == 0


def coupons_of(hashes, precision):
    ranks = {}
    for value in hashes:
        index, rank = place(value, COUPON_BITS)
        ranks[index] = max(ranks.get(index, 0), rank if is_ranked(index, precision) else 0)
    return sorted(ranks.items())


def registers_of(hashes, precision):
    registers = bytearray(1 << precision)
    for value in hashes:
        index, rank = place(value, precision)
        registers[index] = max(registers[index], rank)
    return bytes(registers)


def rice_bits(count):
    return (2 ** COUPON_BITS // count).bit_length() - 1


def sparse_payload(coupons, precision, count=None, padding=0):
    bits, after = [], 0
    rice = rice_bits(len(coupons)) if coupons else 0

    def put(number, width):
        bits.extend(number >> i & 1 for i in range(width))

    for index, rank in coupons:
        gap = index - after
        put(1 << (gap >> rice), (gap >> rice) + 1)
        put(gap, rice)
        if is_ranked(index, precision):
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


def sparse(coupons, precision, payload=None, **how):
    content = b"".join(struct.pack("<I", index << 6 | rank) for index, rank in coupons)
    return wrap(precision, 0, sparse_payload(coupons, precision) if payload is None else payload,
                content, **how)


def dense(registers, precision, payload=None, **how):
    return wrap(precision, 1, frame(registers) if payload is None else payload, registers, **how)


def hashes_of(first, last):
    return [murmur64a(b"user-%d" % i) for i in range(first, last + 1)]


def good():
    for precision, first, last in ((14, 0, -1), (14, 0, 0), (14, 0, 2), (4, 0, 3), (18, 0, 999),
                                   (14, 0, 999), (14, 1000, 5000), (4, 0, 9), (8, 0, 999),
                                   (12, 0, 9999)):
        hashes = hashes_of(first, last)
        coupons = coupons_of(hashes, precision)
        if len(coupons) <= 1 << (precision - 2):
            data = sparse(coupons, precision)
        else:
            data = dense(registers_of(hashes, precision), precision)
        yield precision, first, last, data


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
    print("# good PRECISION FIRST LAST HEX: the sketch of the ids user-FIRST to user-LAST.")
    print("# bad STATUS HEX WHY: what hc_decode must answer.")
    for precision, first, last, data in good():
        print("good", precision, first, last, data.hex())
    for status, why, data in bad():
        print("bad", status, data.hex() or "-", why)


if __name__ == "__main__":
    main()

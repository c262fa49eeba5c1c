"""The hashes of docs/FORMAT.md in plain Python, apart from the library."""
import struct

MASK = (1 << 64) - 1


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


def fingerprint2011(data):
    """Of up to 32 bytes: longer ids have two more routines, which no vector here needs."""
    assert len(data) <= 32
    k0, factor = 0xA5B85C5E198ED849, 0xC6A4A7935BD1E995
    first = int.from_bytes(data[:8], "little") if len(data) >= 8 else k0
    last = int.from_bytes(data[-8:], "little") if len(data) >= 9 else k0
    out = murmur64a(data, k0 ^ 0x8D58AC26AFE12E47 ^ 0xC47B6E9E3A970ED3) + last & MASK
    low = (first ^ out) * factor & MASK
    low ^= low >> 47
    high = (out ^ low) * factor & MASK
    high = (high ^ high >> 47) * factor & MASK
    return high if high > 1 else high - 2 & MASK

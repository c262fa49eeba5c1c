"""The native form of docs/FORMAT.md, from the page alone: a reader and a writer.

It shares nothing with the library but libzstd, and is no faster than a page can
be read. A sketch is a Sketch; what is no sketch is Refused.
"""
import ctypes
import math
import struct
from dataclasses import dataclass

from native_hashes import fingerprint2011, murmur3, murmur64a, siphash, xxh64

LOW, HIGH, SPLIT, CAPPED = "low", "high", "split", "capped"


@dataclass(frozen=True)
class Profile:
    number: int
    layout: str
    hash: object  # of (key, id)
    bits: int = 25  # of an index in the sparse form


PROFILES = {
    "redis": Profile(1, LOW, lambda _, data: murmur64a(data)),
    "datasketches": Profile(2, SPLIT, lambda _, data: murmur3(data, 9001), 26),
    "postgres": Profile(3, CAPPED, lambda _, data: murmur3(data, 0)[0]),
    "zetasketch": Profile(4, HIGH, lambda _, data: fingerprint2011(data)),
    "trino": Profile(5, HIGH, lambda _, data: murmur3(data, 0)[0], 26),
    "keyed": Profile(6, LOW, siphash),
}
NAMES = {profile.number: name for name, profile in PROFILES.items()}


class Refused(Exception):
    """Its text is the status that the library has for it."""


@dataclass(frozen=True)
class Sketch:
    name: str
    precision: int
    coupons: tuple = None  # sparse: (index, rank), ascending; else None
    registers: bytes = None  # dense
    key_id: int = 0

    @property
    def profile(self):
        return PROFILES[self.name]


# Places: a hash at a precision is an index and a rank.

def place(layout, value, p):
    if layout == SPLIT:
        return value[0] & (1 << p) - 1, min(64 - value[1].bit_length(), 62) + 1
    if layout == HIGH:
        rest = value & (1 << 64 - p) - 1
        return value >> 64 - p, 65 - p - rest.bit_length()
    rest = value >> p | 1 << 64 - p
    return value & (1 << p) - 1, cap(layout, (rest & -rest).bit_length())


def cap(layout, rank):
    return min(rank, 31) if layout == CAPPED else rank


def rank_max(layout, p):
    return {SPLIT: 63, CAPPED: 31}.get(layout, 65 - p)


def fold(layout, index, rank, p, q):
    if layout == SPLIT or rank == 0:
        return index & (1 << q) - 1, rank
    if layout == HIGH:
        lost = index & (1 << p - q) - 1
        return index >> p - q, p - q + 1 - lost.bit_length() if lost else rank + p - q
    lost = index >> q
    return index & (1 << q) - 1, cap(layout, (lost & -lost).bit_length() if lost else rank + p - q)


def keeps_rank(profile, index, p):
    if profile.layout == HIGH:
        return index & (1 << profile.bits - p) - 1 == 0
    return profile.layout == SPLIT or index >> p == 0


def limit(profile, p):
    return (3 << p) // max(14, profile.bits + (8 if profile.layout == SPLIT else 5) - p)


def rice_bits(profile, count):
    return (2 ** profile.bits // count).bit_length() - 1


def content(sketch):
    if sketch.coupons is None:
        return sketch.registers
    return b"".join(struct.pack("<I", index << 6 | rank) for index, rank in sketch.coupons)


def registers(sketch):
    if sketch.coupons is None:
        return sketch.registers
    out = bytearray(1 << sketch.precision)
    for index, rank in sketch.coupons:
        at, rank = fold(sketch.profile.layout, index, rank or 1, sketch.profile.bits,
                        sketch.precision)
        out[at] = max(out[at], rank)
    return bytes(out)


# Reading.

def read(data):
    for size, ok, status in ((4, data[:4] == b"HCSK", "HC_EMAGIC"), (5, data[4:5] != b"\0",
                             "HC_ECORRUPT"), (5, data[4:5] <= b"\1", "HC_EVERSION")):
        if len(data) >= size and not ok:
            raise Refused(status)
    if len(data) < 28:
        raise Refused("HC_ETRUNCATED")
    number, p, encoding, key_id, size, checksum = struct.unpack_from("<3BQIQ", data, 5)
    if number not in NAMES or not 4 <= p <= 18 or encoding > 1 or (key_id != 0) != (number == 6):
        raise Refused("HC_ECORRUPT")
    if len(data) != 28 + size:
        raise Refused("HC_ETRUNCATED" if len(data) < 28 + size else "HC_ECORRUPT")
    name = NAMES[number]
    if encoding == 0:
        sketch = Sketch(name, p, coupons=read_coupons(data[28:], PROFILES[name], p), key_id=key_id)
    else:
        sketch = Sketch(name, p, registers=read_frame(data[28:], 1 << p), key_id=key_id)
        if max(sketch.registers) > rank_max(PROFILES[name].layout, p):
            raise Refused("HC_ECORRUPT")
    if xxh64(data[5:16] + content(sketch)) != checksum:
        raise Refused("HC_ECHECKSUM")
    return sketch


def read_coupons(payload, profile, p):
    bits, at, index, coupons = "".join(f"{byte:08b}"[::-1] for byte in payload[4:]), 0, 0, []

    def unary():
        nonlocal at
        one = bits.find("1", at)
        if one < 0:
            raise Refused("HC_ECORRUPT")
        zeros, at = one - at, one + 1
        return zeros

    count = int.from_bytes(payload[:4], "little")
    if len(payload) < 4 or count > limit(profile, p):
        raise Refused("HC_ECORRUPT")
    for _ in range(count):
        b = rice_bits(profile, count)
        index += (unary() << b) + int("0" + bits[at:at + b][::-1], 2)
        at += b
        rank = unary() + 1 if keeps_rank(profile, index, p) else 0
        if at > len(bits) or index >> profile.bits or rank > rank_max(profile.layout, profile.bits):
            raise Refused("HC_ECORRUPT")
        coupons.append((index, rank))
        index += 1
    if len(bits) - at > 7 or "1" in bits[at:]:
        raise Refused("HC_ECORRUPT")
    return tuple(coupons)


def read_frame(payload, size):
    zstd = ctypes.CDLL("libzstd.so.1")
    for name in "ZSTD_getFrameContentSize", "ZSTD_findFrameCompressedSize", "ZSTD_decompress":
        getattr(zstd, name).restype = ctypes.c_ulonglong
    room, length = ctypes.create_string_buffer(size), ctypes.c_size_t(len(payload))
    if (zstd.ZSTD_getFrameContentSize(payload, length) != size
            or zstd.ZSTD_findFrameCompressedSize(payload, length) != len(payload)
            or zstd.ZSTD_decompress(room, ctypes.c_size_t(size), payload, length) != size):
        raise Refused("HC_ECORRUPT")
    return room.raw


# Writing.

def write(sketch):
    if sketch.coupons is None:
        payload = stored_frame(sketch.registers)
    else:
        payload = coupons_payload(sketch.profile, sketch.precision, sketch.coupons)
    return wrap(sketch, payload)


def wrap(sketch, payload, version=1, encoding=None, size=None):
    if encoding is None:
        encoding = 0 if sketch.coupons is not None else 1
    summed = struct.pack("<3BQ", sketch.profile.number, sketch.precision, encoding, sketch.key_id)
    return (b"HCSK" + bytes([version]) + summed +
            struct.pack("<IQ", len(payload) if size is None else size,
                        xxh64(summed + content(sketch))) + payload)


def coupons_payload(profile, p, coupons, count=None, padding="0"):
    bits, after, b = "", 0, rice_bits(profile, max(len(coupons), 1))
    for index, rank in coupons:
        gap = index - after
        bits += "0" * (gap >> b) + "1" + (f"{gap % (1 << b):0{b}b}"[::-1] if b else "")
        if keeps_rank(profile, index, p):
            bits += "0" * (rank - 1) + "1"
        after = index + 1
    bits += padding * (-len(bits) % 8)
    return struct.pack("<I", len(coupons) if count is None else count) + bytes(
        int(bits[at:at + 8][::-1], 2) for at in range(0, len(bits), 8))


def stored_frame(data):
    """A zstd frame: magic, single segment with a 4-byte size, one stored block."""
    return (b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", len(data)) +
            (len(data) << 3 | 1).to_bytes(3, "little") + data)


# Making and counting.

def make(name, p, ids, key=None):
    """The sketch of these ids, from the definitions: each form from the hashes."""
    profile = PROFILES[name]
    hashes = [profile.hash(key, data) for data in set(ids)]
    ranks, out = {}, bytearray(1 << p)
    for value in hashes:
        index, rank = place(profile.layout, value, profile.bits)
        kept = rank if keeps_rank(profile, index, p) else 0
        ranks[index] = max(ranks.get(index, 0), kept)
        index, rank = place(profile.layout, value, p)
        out[index] = max(out[index], rank)
    key_id = siphash(key, b"\xffheadcount key id") if key else 0
    if len(ranks) <= limit(profile, p):
        return Sketch(name, p, coupons=tuple(sorted(ranks.items())), key_id=key_id)
    return Sketch(name, p, registers=bytes(out), key_id=key_id)


def estimate(sketch):
    if sketch.coupons is not None:
        taken, places = len(sketch.coupons), 2.0 ** sketch.profile.bits
        return -places * math.log1p(-taken / places) if taken > 1 else taken
    m, top = float(1 << sketch.precision), rank_max(sketch.profile.layout, sketch.precision)
    counts = [sketch.registers.count(rank) for rank in range(top + 1)]
    total = m * sigma(counts[0] / m) + m * tau(1 - counts[top] / m) * 2.0 ** (1 - top)
    total += sum(counts[rank] * 2.0 ** -rank for rank in range(1, top))
    return m * m / (2 * math.log(2)) / total


def sigma(x):
    total = x
    for k in range(1, 64):
        total += x ** 2 ** k * 2 ** (k - 1) if x else 0
    return total


def tau(x):
    if x in (0, 1):
        return 0
    return (1 - x - sum((1 - x ** 2.0 ** -k) ** 2 * 2.0 ** -k for k in range(1, 64))) / 3

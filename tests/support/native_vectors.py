"""What another implementation of docs/FORMAT.md can be tested with.

    native_vectors.py golden > ../golden/native.txt
    native_vectors.py published > ../../docs/vectors.json
    native_vectors.py corpus ../fuzz/corpus/codec

The first is also what must be refused, and why. All of it comes from
native_form.py, nothing from the library.
"""
import hashlib
import json
import pathlib
import re
import struct
import sys

from native_form import (PROFILES, Sketch, content, coupons_payload, estimate, limit, make,
                         registers, stored_frame, wrap, write)
from native_hashes import xxh64

KEY = bytes(range(16))


def users(first, last):
    return [b"user-%d" % i for i in range(first, last + 1)]


def sketch_of(name, precision, first, last):
    return make(name, precision, users(first, last), KEY if name == "keyed" else None)


def good():
    for precision, first, last in ((14, 0, -1), (14, 0, 0), (14, 0, 2), (4, 0, 0), (4, 0, 3),
                                   (18, 0, 999), (14, 0, 999), (14, 1000, 4000), (4, 0, 9),
                                   (8, 0, 999), (12, 0, 9999)):
        yield "redis", precision, first, last
    for name in PROFILES:
        if name != "redis":
            for precision, first, last in ((14, 0, -1), (14, 0, 2), (18, 0, 299), (5, 0, 2),
                                           (5, 0, 7), (8, 0, 999)):
                yield name, precision, first, last


def sparse(coupons, precision, payload=None, name="redis", key_id=0, **how):
    sketch = Sketch(name, precision, coupons=tuple(coupons), key_id=key_id)
    if payload is None:
        payload = coupons_payload(sketch.profile, precision, coupons)
    return wrap(sketch, payload, **how)


def dense(values, payload=None, name="redis"):
    sketch = Sketch(name, len(values).bit_length() - 1, registers=values)
    return wrap(sketch, stored_frame(values) if payload is None else payload)


def patched(data, at, value):
    """A byte of the header exchanged, and the checksum with it."""
    out = bytearray(data)
    out[at] = value
    coupons = b"".join(struct.pack("<I", i << 6 | r) for i, r in SOME)
    out[20:28] = struct.pack("<Q", xxh64(bytes(out[5:16]) + coupons))
    return bytes(out)


SOME = sketch_of("redis", 14, 0, 2).coupons


def bad_headers():
    data = sparse(SOME, 14)
    yield "HC_ETRUNCATED", "nothing", b""
    yield "HC_ETRUNCATED", "half a header", data[:14]
    yield "HC_EMAGIC", "another magic", b"HYLL" + data[4:]
    yield "HC_EVERSION", "version 2", sparse(SOME, 14, version=2)
    yield "HC_ECORRUPT", "version 0", sparse(SOME, 14, version=0)
    yield "HC_ECORRUPT", "profile 0", patched(data, 5, 0)
    yield "HC_ECORRUPT", "profile 255", patched(data, 5, 255)
    yield "HC_ECORRUPT", "precision 3", patched(data, 6, 3)
    yield "HC_ECORRUPT", "precision 19", patched(data, 6, 19)
    yield "HC_ECORRUPT", "encoding 2", patched(data, 7, 2)
    yield "HC_ECORRUPT", "a key id without a key", patched(data, 8, 1)
    yield "HC_ECORRUPT", "no key id for a key", patched(data, 5, 6)
    yield "HC_ETRUNCATED", "a size beyond the end", sparse(SOME, 14, size=100)
    yield "HC_ECORRUPT", "a byte too many", data + b"\0"
    yield "HC_ECORRUPT", "a size that is too small", sparse(SOME, 14, size=5)
    yield "HC_ECHECKSUM", "the checksum of another precision", data[:6] + b"\x0f" + data[7:]


def bad_coupons():
    redis = PROFILES["redis"]
    body = coupons_payload(redis, 14, SOME)
    yield "HC_ECORRUPT", "no room for the count", sparse([], 14, payload=b"\0\0\0")
    yield "HC_ECORRUPT", "a byte in an empty sketch", sparse([], 14, payload=bytes(5))
    yield "HC_ECORRUPT", "a count beyond the bytes", sparse(SOME, 14, payload=coupons_payload(
        redis, 14, SOME, count=3000))
    yield "HC_ECORRUPT", "a count of 2^32 - 1", sparse(SOME, 14, payload=b"\xff" * 4 + bytes(99))
    for name, precision in (("redis", 4), ("redis", 8), ("datasketches", 8)):
        count = limit(PROFILES[name], precision) + 1
        coupons = [(i * 1000 + 999, int(name == "datasketches")) for i in range(count)]
        yield ("HC_ECORRUPT", f"{count} coupons at precision {precision} of {name}",
               sparse(coupons, precision, name=name))
    yield "HC_ECORRUPT", "bits set after the last coupon", sparse(
        SOME, 14, payload=coupons_payload(redis, 14, SOME, padding="1"))
    yield "HC_ECORRUPT", "a byte after the last coupon", sparse(SOME, 14, payload=body + b"\0")
    yield "HC_ECORRUPT", "an index of 2^25", sparse([(1 << 25, 0)], 14)
    yield "HC_ECORRUPT", "an index of 2^26", sparse([(77, 1)], 14, name="datasketches",
                                                    payload=coupons_payload(
                                                        PROFILES["datasketches"], 14,
                                                        [(1 << 26, 1)]))
    yield "HC_ECORRUPT", "a gap without an end", sparse(SOME, 14, payload=struct.pack("<I", 3) +
                                                        bytes(100))
    yield "HC_ECORRUPT", "a rank without an end", sparse(
        [(77, 1)], 14, payload=coupons_payload(redis, 14, [(77, 9)])[:-1])
    yield "HC_ECORRUPT", "rank 41 of 40", sparse([(77, 41)], 14)
    yield "HC_ECORRUPT", "rank 1000", sparse([(77, 40)], 14, payload=coupons_payload(
        redis, 14, [(77, 1000)]))
    yield "HC_ECORRUPT", "rank 41 of 40 in the high layout", sparse([(0, 41)], 14,
                                                                    name="zetasketch")
    yield "HC_ECORRUPT", "rank 64 of 63", sparse([(77, 63)], 14, name="datasketches",
                                                 payload=coupons_payload(
                                                     PROFILES["datasketches"], 14, [(77, 64)]))
    yield "HC_ECORRUPT", "rank 32 of 31", sparse([(77, 32)], 14, name="postgres")
    yield "HC_ECHECKSUM", "another coupon", sparse([(99999, 0)], 14, payload=coupons_payload(
        redis, 14, [(99998, 0)]))
    yield "HC_ECHECKSUM", "another rank", sparse([(77, 2)], 14, payload=coupons_payload(
        redis, 14, [(77, 3)]))


def bad_frames():
    some = sketch_of("redis", 4, 0, 9).registers
    frame = stored_frame(some)
    skipped = b"\x50\x2a\x4d\x18\0\0\0\0"
    yield "HC_ECORRUPT", "no frame", dense(some, payload=b"")
    yield "HC_ECORRUPT", "half a frame", dense(some, payload=frame[:20])
    yield "HC_ECORRUPT", "two frames", dense(some, payload=stored_frame(some[:8]) +
                                             stored_frame(some[8:]))
    yield "HC_ECORRUPT", "a frame and a byte", dense(some, payload=frame + b"\0")
    yield "HC_ECORRUPT", "a skippable frame before it", dense(some, payload=skipped + frame)
    yield "HC_ECORRUPT", "a skippable frame after it", dense(some, payload=frame + skipped)
    yield "HC_ECORRUPT", "a frame of 8 registers", dense(some, payload=stored_frame(some[:8]))
    yield "HC_ECORRUPT", "a frame of 17 registers", dense(some, payload=stored_frame(
        some + b"\1"))
    yield "HC_ECORRUPT", "a size that the frame doesn't keep", dense(
        some, payload=frame[:5] + b"\x10\0\0\0" + stored_frame(some[:8])[9:])
    yield "HC_ECORRUPT", "register 62 of 61", dense(some[:15] + b"\x3e")
    yield "HC_ECORRUPT", "register 255", dense(b"\xff" * 16)
    yield "HC_ECORRUPT", "register 32 of 31", dense(some[:15] + b"\x20", name="postgres")
    yield "HC_ECORRUPT", "register 64 of 63", dense(some[:15] + b"\x40", name="datasketches")
    yield "HC_ECHECKSUM", "another register", dense(some, payload=stored_frame(
        some[:15] + b"\x3d"))


def bad():
    yield from bad_headers()
    yield from bad_coupons()
    yield from bad_frames()


def golden():
    yield "# Written by tests/support/native_vectors.py. Numbers are those of docs/FORMAT.md."
    yield "# good PROFILE PRECISION FIRST LAST HEX: the sketch of user-FIRST to user-LAST."
    yield "# The key of `keyed` is 00 01 02 ... 0f."
    yield "# bad STATUS HEX WHY: what hc_decode must answer."
    for row in good():
        yield " ".join(["good", *map(str, row), write(sketch_of(*row)).hex()])
    for status, why, data in bad():
        yield f"bad {status} {data.hex() or '-'} {why}"


# The largest dense sketch whose bytes are published: its frame is a stored one.
NATIVE_PRECISION_MAX = 10
# Of each profile: (precision, first, last, folded from).
PUBLISHED = ((4, 0, 0, None), (5, 0, 99, None), (8, 0, 19, None), (8, 0, 499, None),
             (10, 0, 29999, None), (12, 0, 499, None), (12, 1000, 2999, None), (14, 0, -1, None),
             (14, 0, 2, None), (14, 0, 999, None), (14, 0, 2399, None), (14, 0, 19999, None),
             (18, 0, 1999, None), (6, 0, 4, 14), (8, 0, 999, 12), (10, 0, 9999, 18),
             (12, 0, 299, 16), (14, 0, 9999, 18))


def vector(name, precision, first, last, folded_from):
    sketch = sketch_of(name, precision, first, last)
    row = {"profile": name, "precision": precision, "first": first, "last": last}
    if folded_from is not None:
        row["folded_from"] = folded_from
    row["encoding"] = "dense" if sketch.coupons is None else "sparse"
    native = write(sketch)
    if sketch.coupons is not None or precision <= NATIVE_PRECISION_MAX:
        row["native"] = native.hex()
    row["checksum"] = native[20:28][::-1].hex()
    row["content_sha256"] = hashlib.sha256(content(sketch)).hexdigest()
    row["registers_sha256"] = hashlib.sha256(registers(sketch)).hexdigest()
    row["estimate"] = estimate(sketch)
    return row


def published():
    about = ("The sketches of the ids user-FIRST to user-LAST (decimal, both included) as "
             "docs/FORMAT.md has them. checksum is the header's as a number in hex. A dense "
             "native form is one of many: its frame may differ, its content not.")
    yield "{" + f'"about": {json.dumps(about)},'
    yield f'"key": "{KEY.hex()}",'
    yield '"vectors": ['
    rows = [json.dumps(vector(name, *row)) for name in PROFILES for row in PUBLISHED]
    yield ",\n".join(rows)
    yield "]}"


def corpus(folder):
    """Seeds for the fuzzer, in place of those of an earlier run."""
    for old in [*folder.glob("good-*"), *folder.glob("bad-*")]:
        old.unlink()
    for row in good():
        (folder / ("good-" + "-".join(map(str, row)))).write_bytes(write(sketch_of(*row)))
    for _, why, data in bad():
        (folder / ("bad-" + re.sub("[^a-z0-9]+", "-", why.lower()))).write_bytes(data)


def main():
    what = sys.argv[1]
    if what == "corpus":
        corpus(pathlib.Path(sys.argv[2]))
    else:
        print("\n".join({"golden": golden, "published": published}[what]()))


if __name__ == "__main__":
    main()

"""The registers in each engine's bytes, read by the format's description alone.

Each reader returns (kind, precision, registers); kinds are the engine's forms,
whose estimates may differ although the registers are the same.
"""
import functools
import struct

import redis_server


def _fold_high(value, bits, precision, zeros):
    """Index and rank of the top `bits` of a hash that has so many zeros after them."""
    dropped = bits - precision
    rest = value & (1 << dropped) - 1
    rank = dropped - rest.bit_length() + 1 if rest else dropped + zeros + 1
    return value >> dropped, rank


def _registers(precision, places):
    registers = bytearray(1 << precision)
    for index, rank in places:
        registers[index] = max(registers[index], rank)
    return bytes(registers)


def redis(data):
    return data[4], 14, redis_server.registers(data)


def trino(data):
    kind, precision = data[:2]
    if kind == 2:
        entries = struct.unpack_from(f"<{struct.unpack_from('<H', data, 2)[0]}I", data, 4)
        assert len(data) == 4 + 4 * len(entries) and list(entries) == sorted(entries)
        return kind, precision, _registers(precision, (
            _fold_high(entry >> 6, 26, precision, entry & 63) for entry in entries))
    assert kind == 3
    half, base = 1 << precision - 1, data[2]
    registers = bytearray(base + (byte >> shift & 15) for byte in data[3:3 + half]
                          for shift in (4, 0))
    [count] = struct.unpack_from("<H", data, 3 + half)
    buckets = struct.unpack_from(f"<{count}H", data, 5 + half)
    for bucket, more in zip(buckets, data[5 + half + 2 * count:], strict=True):
        assert registers[bucket] == base + 15
        registers[bucket] += more
    return kind, precision, bytes(registers)


def _varints(data):
    numbers, number, shift = [], 0, 0
    for byte in data:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers.append(number)
            number = shift = 0
    assert shift == 0
    return numbers


def _fields(data):
    """{number: value} of a protocol buffer of varints and bytes."""
    fields, at = {}, 0

    def varint():
        nonlocal at
        start = at
        while data[at] > 127:
            at += 1
        at += 1
        return _varints(data[start:at])[0]

    while at < len(data):
        tag = varint()
        value = varint()
        if tag & 7 == 2:
            value, at = data[at:at + value], at + value
        fields[tag >> 3] = value
    return fields


def zetasketch(data):
    message = _fields(data)
    body = _fields(message[112])
    assert (message[1], message[3], message[4]) == (112, 2, 11)
    precision, sparse = body[3], body.get(4, 0)
    if body.get(5):
        return "dense", precision, body[5]
    flag, value, places = 1 << max(sparse, precision + 6), 0, []
    for step in _varints(body.get(6, b"")):
        value += step
        if value & flag:
            index = (value ^ flag) >> 6
            places.append((index, sparse - precision + (value & 63)))
        else:
            places.append(_fold_high(value, sparse, precision, 0))
    assert len(places) == body.get(2, 0)
    return "sparse" if sparse else "dense", precision, _registers(precision, places)


def postgres(data):
    kind, width, precision = data[0] & 15, (data[1] >> 5) + 1, data[1] & 31
    assert data[0] >> 4 == 1
    top, places = (1 << width) - 1, []
    bits, size = int.from_bytes(data[3:], "big"), 8 * (len(data) - 3)
    if kind == 2:
        for at in range(3, len(data), 8):
            value = int.from_bytes(data[at:at + 8], "big")
            rest = value >> precision
            if rest:
                rank = (rest & -rest).bit_length()
                places.append((value & (1 << precision) - 1, min(rank, top)))
    elif kind == 3:
        word = precision + width
        for number in range(size // word):
            value = bits >> size - word * (number + 1) & (1 << word) - 1
            places.append((value >> width, value & top))
    elif kind == 4:
        text = f"{bits:0{size}b}"
        places = [(i, int(text[i * width:(i + 1) * width], 2)) for i in range(1 << precision)]
    return kind, precision, _registers(precision, places)


def _coupons(data):
    """The (place, rank) of a compact image of a list or a set."""
    body = data[(8, 12)[data[7] & 3]:]
    return [(coupon & (1 << 26) - 1, coupon >> 26)
            for coupon in struct.unpack(f"<{len(body) // 4}I", body)]


def datasketches(data):
    """Compact images of coupons, and HLL_8: what the others are made into by the engine."""
    mode, kind, precision = data[7] & 3, data[7] >> 2, data[3]
    if mode == 2:
        assert kind == 2
        return mode, precision, data[40:]
    return mode, precision, _registers(precision, (
        (place & (1 << precision) - 1, rank) for place, rank in _coupons(data)))


def coupons(answer):
    """How many DataSketches keeps, and the highest of each place."""
    kept = _coupons(bytes.fromhex(answer.get("plain", answer["bytes"])))
    highest = {}
    for place, rank in kept:
        highest[place] = max(rank, highest.get(place, 0))
    return len(kept), highest


READERS = {"redis": redis, "trino": trino, "zetasketch": zetasketch, "postgres": postgres,
           "datasketches": datasketches, "spark": datasketches}


@functools.lru_cache(maxsize=64)
def _read(engine, data):
    return READERS[engine](bytes.fromhex(data))


def read(engine, answer):
    """Of what an engine answered: with `plain` where its bytes have too many forms."""
    return _read(engine, answer.get("plain", answer["bytes"]))

"""Goal: our JSON reader takes the random documents and mutants that Python's
json, orjson and simdjson take, finds the same in them, and refuses what they refuse.

Python's reader is lenient in known places (NaN, lone surrogates), simdjson in
one (a byte order mark); those are closed here. orjson and simdjson refuse or
round some numbers that the grammar allows: where a document holds such a number
their verdict is not asked for.
"""
import json
import math
import pathlib
import random

import json_readers
import orjson
import pytest
import simdjson

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"
SEED = 20160711
RANDOM_DOCUMENTS = 400
MUTANTS = 25
DOCUMENTS = [
    b'{}', b'[]', b'""', b'-0', b'-0.0e-0', b'true', b'false', b'null', b' \t\r\n[ ]\n',
    b'{"a":1,"a":2}', b'{"":{"":{"":[]}}}', b'[{},[],"",0,null]', b'1E+2', b'{"\\u0061":1}',
    b'"\\"\\\\\\/\\b\\f\\n\\r\\t"', b'"\\u0000"', b'"\\uD83D\\uDE00"', b'"\\uFFFE\\uffff"',
    '"пр€😀"'.encode(), b'"\xf4\x8f\xbf\xbf"', b'"\xed\x9f\xbf"', b'"' + b'x' * 70 + b'"',
]
MARKS = [b'{', b'}', b'[', b']', b':', b',', b'"', b'\\', b'0', b'-', b'.', b'e', b'u', b' ', b'\n',
         b'\x00', b'\x1f', b'\x80', b'\xc2', b'\xed\xa0\x80', b'\xff', b'\xf0', b'\\u', b'\\ud800',
         b'null', b'""']


@pytest.fixture
def judge(build):
    return lambda documents: json_readers.judge(build, documents)


def numbers(value):
    if isinstance(value, json_readers.Number):
        yield value
    elif isinstance(value, json_readers.Members):
        for _, member in value:
            yield from numbers(member)
    elif isinstance(value, list):
        for element in value:
            yield from numbers(element)


def is_ordinary(document):
    """All numbers of a valid document fit a 64-bit integer or a finite double."""
    value = json_readers.read(document.decode())
    return all(-2**63 <= int(n) < 2**63 if n.lstrip("-").isdigit() else math.isfinite(float(n))
               for n in numbers(value))


def is_read_by(read, document):
    try:
        read(document)
        return True
    except ValueError:
        return False


def read_with_simdjson(document):
    if document.startswith(b"\xef\xbb\xbf"):
        raise ValueError("a byte order mark")
    simdjson.Parser().parse(document)


def random_string(rng):
    alphabet = 'aZ09 /{}[]:,\'"\\\b\f\n\r\t\x01\x7f\x80éпр€\ud7ff\ue000\uffff😀\U0010ffff'
    return "".join(rng.choice(alphabet) for _ in range(rng.randrange(12)))


def random_value(rng, depth):
    kind = rng.randrange(10 if depth else 6)
    if kind < 2:
        return random_string(rng)
    if kind == 2:
        return rng.randrange(-2**63, 2**63)
    if kind == 3:
        return rng.uniform(-1, 1) * 10.0 ** rng.randrange(-300, 300)
    if kind < 6:
        return rng.choice([True, False, None, 0, ""])
    if kind < 8:
        return [random_value(rng, depth - 1) for _ in range(rng.randrange(5))]
    return {random_string(rng): random_value(rng, depth - 1) for _ in range(rng.randrange(5))}


def random_documents(rng):
    for _ in range(RANDOM_DOCUMENTS):
        yield json.dumps(random_value(rng, 4), ensure_ascii=rng.random() < 0.5,
                         indent=rng.choice([None, None, 1])).encode()


def mutate(rng, document):
    """Bytes removed, doubled, flipped, moved, or replaced by something that matters."""
    for _ in range(MUTANTS):
        at, to = sorted(rng.randrange(len(document) + 1) for _ in range(2))
        kind = rng.randrange(6)
        if kind == 0:
            yield document[:at]
        elif kind == 1:
            yield document[:at] + document[at + 1:]
        elif kind == 2:
            yield document[:to] + document[at:]
        elif kind == 3 and document:
            flipped = bytearray(document)
            flipped[at % len(document)] ^= 1 << rng.randrange(8)
            yield bytes(flipped)
        else:
            yield document[:at] + rng.choice(MARKS) + document[at + kind - 4:]


def compare(judge, documents):
    """Returns how many were valid and how many were not."""
    seen = {True: 0, False: 0}
    for document, (verdict, found) in zip(documents, judge(documents)):
        expected = json_readers.read_with_python(document)
        valid = expected is not None
        seen[valid] += 1
        assert (verdict == "ok") == valid, (document, verdict)
        assert not valid or found == expected, document
        if valid and not is_ordinary(document):
            continue
        assert is_read_by(orjson.loads, document) == valid, document
        assert is_read_by(read_with_simdjson, document) == valid, document
    return seen


def test_documents_and_their_mutants(judge):
    rng = random.Random(SEED)
    assert compare(judge, DOCUMENTS)[False] == 0
    compare(judge, [mutant for document in DOCUMENTS for mutant in mutate(rng, document)])


def test_random_documents_and_their_mutants(judge):
    rng = random.Random(SEED)
    documents = list(random_documents(rng))
    assert compare(judge, documents)[False] == 0
    mutants = [mutant for document in documents for mutant in mutate(rng, document)]
    seen = compare(judge, mutants)
    assert min(seen.values()) > 500, seen


def test_hard_frames_and_their_mutants(judge):
    rng = random.Random(SEED)
    frames = (GOLDEN / "hard.jsonl").read_bytes().split(b"\n")
    frames = [frame for frame in frames if len(frame) < 3000]
    compare(judge, frames)
    compare(judge, [mutant for frame in frames for mutant in mutate(rng, frame)])

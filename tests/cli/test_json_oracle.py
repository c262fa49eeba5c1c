"""Goal: our JSON reader takes the documents that Python's json, orjson and
simdjson take, finds the same in them, and refuses what they refuse.

Python's reader is lenient in known places (NaN, lone surrogates), simdjson in
one (a byte order mark); those are closed here. orjson and simdjson refuse or
round some numbers that the grammar allows: where a document holds such a number
their verdict is not asked for.
"""
import json
import math
import pathlib
import random
import subprocess

import orjson
import pytest
import simdjson

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"
SEED = 20160711
RANDOM_DOCUMENTS = 400
MUTANTS = 25
DEPTH_MAX = 1024

MUST_ACCEPT = [
    b'{}', b'[]', b'""', b'0', b'-0', b'-0.0e-0', b'true', b'false', b'null', b' \t\r\n[ ]\n',
    b'{"a":1,"a":2}', b'{"":{"":{"":[]}}}', b'[[[[[[]]]]]]', b'[{},[],"",0,null]',
    b'1e400', b'1E+2', b'123456789012345678901234567890', b'0.' + b'0' * 400 + b'1',
    b'"\\"\\\\\\/\\b\\f\\n\\r\\t"', b'"\\u0000"', b'"\\uD83D\\uDE00"', b'"\\uFFFE\\uffff"',
    b'"\x7f"', '"пр€😀"'.encode(), b'"\xef\xbb\xbf"', b'"\xf4\x8f\xbf\xbf"', b'"\xed\x9f\xbf"',
    b'{"\\u0061":1}', b'"' + b'x' * 70 + b'"', b'[' * 200 + b']' * 200,
]
MUST_REJECT = {
    "empty": [b'', b' ', b'\n\r\t '],
    "not_json": [
        b'{', b'}', b'[', b']', b'[1', b'{"a"', b'{"a":', b'{"a":1', b'{"a":1,', b'[1,', b'[,]',
        b'[1,]', b'[,1]', b'[1,,2]', b'{,}', b'{"a":1,}', b'{"a":}', b'{"a"}', b'{"a" 1}',
        b'{"a":1 "b":2}', b'{a:1}', b"{'a':1}", b'{1:1}', b'{null:1}', b'{[]:1}', b'{"a"::1}',
        b'{"a":1:2}', b'["a":1]', b'[1 2]', b'[1}', b'{"a":1]', b'[[]', b'[]]', b'{}{}', b'{} []',
        b'1 2', b'{}x', b'{},', b'"a" "b"', b'01', b'-01', b'+1', b'.5', b'-.5', b'5.', b'1.e3',
        b'1e', b'1e+', b'1e1.5', b'-', b'--1', b'0x1', b'1_0', b'1a', b'1,5', b'NaN', b'Infinity',
        b'-Infinity', b'nan', b'tru', b'truex', b'True', b'TRUE', b'nul', b'undefined', b'falsee',
        b'"', b'"a', b'"\\', b'"\\"', b'"\\u', b'"\\u00', b'"a\nb"', b'"a\tb"', b'"\x00"',
        b'"\x1f"', b'"12345678\x01"', b'{}\x00', b'\x00', b'[1\x00]', b'\xef\xbb\xbf{}', b'/**/1',
        b'1//', b'#1', b'\x0b1', b'\x0c1', b'\xc2\xa01', b'\xe2\x80\xa81', b"'a'", b'`a`', b'(1)',
        b'[1;2]', b'<a/>', b'\x1e{}', '{“a”:1}'.encode(), b'not json',
    ],
    "bad_escape": [
        b'"\\x"', b'"\\\'"', b'"\\0"', b'"\\a"', b'"\\ "', b'"\\U0041"', b'"\\u12"', b'"\\u123g"',
        b'"\\u+123"', b'"\\u 123"', b'"\\ud800"', b'"\\udbff"', b'"\\udc00"', b'"\\udfff"',
        b'"\\ud800x"', b'"\\ud800\\n"', b'"\\ud800\\ud800"', b'"\\udc00\\ud800"',
        b'"\\ud800\\u0041"', b'{"\\q":1}', b'"\\\xc3\xa9"', b'"\\\n"',
    ],
    "bad_utf8": [
        b'"\x80"', b'"\xbf"', b'"\xc0\x80"', b'"\xc0\xaf"', b'"\xc1\xbf"', b'"\xc3"', b'"\xc3("',
        b'"\xe0\x80\x80"', b'"\xe0\x9f\xbf"', b'"\xe2\x82"', b'"\xe2("', b'"\xed\xa0\x80"',
        b'"\xed\xbf\xbf"', b'"\xf0\x80\x80\x80"', b'"\xf0\x8f\xbf\xbf"', b'"\xf0\x9f\x98"',
        b'"\xf4\x90\x80\x80"', b'"\xf5\x80\x80\x80"', b'"\xf8\x88\x80\x80\x80"', b'"\xfe"',
        b'"\xff"', b'{"\xff":1}', b'\xff', b'{}\xff', b'\xff\xfe{\x00}\x00',
    ],
    "too_deep": [b'[' * 1025, b'[' * 1025 + b']' * 1025, b'[' * 100000, b'{"a":' * 1025,
                 b'[{"a":' * 512 + b'[[]]' + b'}]' * 512],
}
MARKS = [b'{', b'}', b'[', b']', b':', b',', b'"', b'\\', b'0', b'-', b'.', b'e', b'u', b' ', b'\n',
         b'\x00', b'\x1f', b'\x80', b'\xc2', b'\xed\xa0\x80', b'\xff', b'\xf0', b'\\u', b'\\ud800',
         b'null', b'""']


@pytest.fixture
def judge(build):
    """Documents -> pairs of our verdict and the meaning that we found."""
    def run(documents):
        lines = b"".join(document.hex().encode() + b"\n" for document in documents)
        done = subprocess.run([build / "bin" / "json_verdict_driver"], input=lines, check=True,
                              stdout=subprocess.PIPE, timeout=120)
        answers = [line.decode().partition(" ")[::2] for line in done.stdout.splitlines()]
        assert len(answers) == len(documents)
        return answers
    return run


class Number(str):
    """A number as it was written."""


class Members(list):
    """An object's pairs, repeated keys included."""


def refuse(constant):
    raise ValueError(constant)


def meaning(value):
    """The notation of json_verdict_driver.c. A lone surrogate has no bytes and raises."""
    if isinstance(value, Number):
        return f"N{value};"
    if isinstance(value, str):
        return f"S{value.encode().hex()};"
    if isinstance(value, Members):
        return f"{{{len(value)}:{''.join(meaning(k) + meaning(v) for k, v in value)}}}"
    if isinstance(value, list):
        return f"[{len(value)}:{''.join(map(meaning, value))}]"
    return {True: "t", False: "f", None: "n"}[value]


def read_with_python(document):
    """The meaning, or None for what is no document."""
    try:
        value = json.loads(document.decode(), parse_int=Number, parse_float=Number,
                           parse_constant=refuse, object_pairs_hook=Members)
        return meaning(value)
    except (ValueError, UnicodeError):
        return None


def numbers(value):
    if isinstance(value, Number):
        yield value
    elif isinstance(value, Members):
        for _, member in value:
            yield from numbers(member)
    elif isinstance(value, list):
        for element in value:
            yield from numbers(element)


def is_ordinary(document):
    """All numbers of a valid document fit a 64-bit integer or a finite double."""
    value = json.loads(document.decode(), parse_int=Number, parse_float=Number,
                       object_pairs_hook=Members)
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
        expected = read_with_python(document)
        valid = expected is not None
        seen[valid] += 1
        assert (verdict == "ok") == valid, (document, verdict)
        assert not valid or found == expected, document
        if valid and not is_ordinary(document):
            continue
        assert is_read_by(orjson.loads, document) == valid, document
        assert is_read_by(read_with_simdjson, document) == valid, document
    return seen


def test_documents_that_must_be_taken(judge):
    assert compare(judge, MUST_ACCEPT)[False] == 0


def test_documents_that_must_be_refused_and_why(judge):
    for reason, documents in MUST_REJECT.items():
        for document, (verdict, _) in zip(documents, judge(documents)):
            assert verdict == reason, document
        if reason != "too_deep":
            assert compare(judge, documents)[True] == 0


def test_depth_is_ours_to_limit(judge):
    at_limit = b'[' * DEPTH_MAX + b']' * DEPTH_MAX
    assert judge([at_limit])[0][0] == "ok"
    assert judge([b'[' + at_limit + b']'])[0][0] == "too_deep"


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

"""Goal: the decoder finds the user and the time that a decoder in Python finds,
built on Python's json and exact fractions, whatever stands around them: keys that
look alike, keys written with escapes, the same keys deeper and twice, fields in
arrays, values of every kind and times in every notation; and both name the same
reason where a frame has none.
"""
import collections
import fractions
import random
import re
import subprocess

import json_readers
import pytest

SEED = 20160711
FRAMES = 1500
MUTANTS = 1000
TIME_MAX = 253402300799
USER_MAX = 4096
UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
DAMAGES = {"empty", "not_json", "too_deep", "bad_escape", "bad_utf8"}
NUMBER = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?", re.ASCII)
# Further from the point than this, digits tell only that a number is large or small.
FAR = 100
FIELDS = [("uid", "ts"), ("/uid", "/ts"), ("/a/0", "/t~1s/ts"), ("/", "/ /"),
          ("/a/uid", "/b/1/ts"), ("ключ", "/~0/~01"), ("0", "/1"), ("/a/01", "/1")]


def steps_of(field):
    if not field.startswith("/"):
        return [(field, False)]
    return [(step.replace("~1", "/").replace("~0", "~"), True) for step in field[1:].split("/")]


def find(value, field):
    """The value that a field names, in a list of one, or nothing. The first key wins."""
    for step, in_arrays in steps_of(field):
        if isinstance(value, json_readers.Members):
            found = [member for key, member in value if key == step]
        elif isinstance(value, list) and in_arrays and re.fullmatch(r"0|[1-9][0-9]*", step):
            found = value[int(step):][:1]
        else:
            found = []
        if not found:
            return []
        value = found[0]
    return [value]


def seconds_of(text, per_second):
    """Whole seconds of a number, or the reason why it is no time."""
    match = NUMBER.fullmatch(text)
    if not match:
        return "time_type"
    sign, whole, fraction, exponent = match.groups()
    digits = whole + (fraction or "")
    point = len(whole) + int(exponent or 0)
    if not digits.strip("0"):
        return 0
    magnitude = point - (len(digits) - len(digits.lstrip("0")))
    if sign or magnitude > FAR:
        return "time_range"
    if magnitude < -FAR:
        return 0
    value = fractions.Fraction(int(digits)) * fractions.Fraction(10) ** (point - len(digits))
    seconds = value // per_second
    return seconds if seconds <= TIME_MAX else "time_range"


def decode(frame, user_field, time_field, unit):
    """What the driver answers, by other means; damage is not told apart."""
    if json_readers.read_with_python(frame) is None:
        return "damage"
    root = json_readers.read(frame.decode())
    if not isinstance(root, json_readers.Members):
        return "not_object"
    user, time = find(root, user_field), find(root, time_field)
    if not user:
        return "no_user"
    if not isinstance(user[0], str):
        return "user_type"
    name = user[0].encode()
    if not name or len(name) > USER_MAX:
        return "user_too_long" if name else "user_empty"
    if not time:
        return "no_time"
    if not isinstance(time[0], str):
        return "time_type"
    seconds = seconds_of(time[0], UNITS[unit])
    return seconds if isinstance(seconds, str) else f"none {name.hex()} {seconds}"


class Writer:
    """Random frames around the names of two fields."""

    def __init__(self, rng, fields, unit):
        self.rng = rng
        self.unit = unit
        self.names = [step for field in fields for step, _ in steps_of(field)]

    def string(self, text):
        """Each character as it is or as an escape."""
        def written(c):
            code = ord(c)
            if self.rng.random() < 0.15 or code < 32 or c in '"\\':
                halves = c.encode("utf-16-be").hex()
                return "".join("\\u" + halves[i:i + 4] for i in range(0, len(halves), 4))
            return c
        return '"' + "".join(map(written, text)) + '"'

    def key(self):
        """A field's name, most of the time; or one that looks like it."""
        name = self.rng.choice(self.names)
        kind = self.rng.randrange(20)
        alike = [name + " ", name.upper(), name + "\0", name[:-1], name + name, "/" + name,
                 name + "\n", "\\" + name, name.capitalize(), "x"]
        return alike[kind] if kind < len(alike) else name

    def number(self):
        rng = self.rng
        whole = rng.choice([0, 1, 42, 1468244385, TIME_MAX, TIME_MAX + 1, rng.randrange(10**11),
                            rng.randrange(10**20), rng.randrange(TIME_MAX)])
        whole *= rng.choice([1, UNITS[self.unit]])
        digits, shift = str(whole), rng.randrange(-12, 12)
        fraction = rng.choice(["", "", ".0", ".5", ".999999999999999999", ".0000000001"])
        if rng.random() < 0.2:
            # The same value with its point moved and an exponent to make up for it.
            padded = "0" * 12 + digits + "0" * 12
            at = len(padded) - 12 + shift
            return (padded[:at].lstrip("0") or "0") + "." + padded[at:] + f"e{-shift}"
        exponent = rng.choice(["", "", "", "e0", "E+3", "e-3", "e-20", "e5", "e999999999999999999"])
        return rng.choice(["", "", "", "-"]) + digits + fraction + exponent

    def scalar(self):
        rng = self.rng
        kind = rng.randrange(12)
        if kind < 4:
            return self.number()
        if kind < 6:
            return self.string(self.number())
        if kind == 6:
            around = rng.choice([" {}", "{} ", "+{}", "0{}", "{}.", "{}e", "0x1", "", "{}s", "٣"])
            return self.string(around.format(self.number()))
        if kind == 7 and rng.random() < 0.3:
            size = rng.choice([1, 1023, 1024, 1025, 4095, 4096, 4097])
            return self.string(rng.choice("aé€😀") * size)
        if kind < 10:
            size = rng.randrange(12)
            return self.string("".join(rng.choice('uid:"\\,{}é😀\0\n 1') for _ in range(size)))
        return rng.choice(["true", "false", "null", "[]", "{}", '""', '["uid","u"]'])

    def value(self, depth):
        kind = self.rng.randrange(10)
        if depth == 0 or kind < 6:
            return self.scalar()
        count = self.rng.randrange(4)
        if kind < 8:
            return "[" + ",".join(self.value(depth - 1) for _ in range(count)) + "]"
        return self.object(depth - 1, count)

    def object(self, depth, count):
        space = self.rng.choice(["", "", " ", "\n\t"])
        return "{" + ",".join(f"{space}{self.string(self.key())}{space}:{space}{self.value(depth)}"
                              for _ in range(count)) + space + "}"

    def reach(self, field, inner):
        """A value in which the rest of a field's steps lead to `inner`."""
        steps = [step for step, _ in steps_of(field)]
        for step in reversed(steps[1:]):
            if step.isdigit() and self.rng.random() < 0.7:
                inner = "[" + ",".join([self.value(1) for _ in range(int(step))] + [inner]) + "]"
            else:
                inner = "{" + self.string(step) + ":" + inner + "}"
        return self.string(steps[0]) + ":" + inner

    def frame(self, fields):
        """Both fields among members that are made up."""
        rng = self.rng
        members = [self.object(2, 1)[1:-1] for _ in range(rng.randrange(5))]
        for field, good in zip(fields, (self.string("u" + str(rng.randrange(100))), self.number())):
            if rng.random() < 0.9:
                inner = good if rng.random() < 0.6 else self.value(1)
                members.insert(rng.randrange(len(members) + 1), self.reach(field, inner))
        return ("{" + ",".join(members) + "}").encode()


def ask(build, frames, fields, unit):
    lines = b"".join(frame.hex().encode() + b"\n" for frame in frames)
    done = subprocess.run([build / "bin" / "decode_verdict_driver", *fields, unit], input=lines,
                          check=True, stdout=subprocess.PIPE, timeout=120)
    answers = done.stdout.decode().splitlines()
    assert len(answers) == len(frames)
    return ["damage" if answer in DAMAGES else answer for answer in answers]


def compare(build, frames, fields, unit):
    """Returns how often each answer was given, users and times aside."""
    answers = ask(build, frames, fields, unit)
    for frame, answer in zip(frames, answers):
        assert answer == decode(frame, *fields, unit), (frame, fields, unit)
    return collections.Counter(answer.partition(" ")[0] for answer in answers)


def mutants(rng, frames):
    marks = [b"{", b"}", b"[", b"]", b":", b",", b'"', b"\\", b"0", b"-", b".", b"e", b" ", b"\xff"]
    for _ in range(MUTANTS):
        frame = rng.choice(frames)
        at = rng.randrange(len(frame))
        yield frame[:at] + rng.choice(marks) + frame[at + rng.randrange(2):]


@pytest.mark.parametrize("fields", FIELDS)
def test_random_frames_and_their_mutants(build, fields):
    rng = random.Random(f"{SEED} {fields}")
    unit = rng.choice(list(UNITS))
    writer = Writer(rng, fields, unit)
    frames = [writer.frame(fields) for _ in range(FRAMES)]
    seen = compare(build, frames, fields, unit)
    for answer in ("none", "no_user", "no_time", "user_type", "time_type", "time_range"):
        assert seen[answer] > 10, seen
    short = [frame for frame in frames if len(frame) < 2000]
    seen = compare(build, list(mutants(rng, short)), fields, unit)
    assert seen["damage"] > MUTANTS / 4 and seen["none"] > 10, seen


@pytest.mark.parametrize("frame, answer", [
    ('{"uid":"a","uid":"b","ts":1,"ts":2}', "none 61 1"),
    ('{"uid":7,"uid":"b","ts":1}', "none 37 1"),
    ('{"uid":[],"uid":"b","ts":1}', "user_type"),
    ('{"uid":"","uid":"b","ts":1}', "user_empty"),
    ('{"uid":"a","ts":null,"ts":1}', "time_type"),
    ('{"\\u0075id":"a","uid":"b","ts":1}', "none 61 1"),
    ('{"uid":"a","\\u0074\\u0073":1,"ts":2}', "none 61 1"),
    ('{"uid\\u0000":"a","uid":"b","ts":1}', "none 62 1"),
    ('{"\\\\u0075id":"a","uid":"b","ts":1}', "none 62 1"),
    ('{"x":{"uid":"a","ts":1}}', "no_user"),
    ('{"x":[{"uid":"a","ts":1}],"uid":"b","ts":2}', "none 62 2"),
    ('{"x":"\\"uid\\":\\"a\\"","uid":"b","ts":2}', "none 62 2"),
    ('{"uid":{"uid":"a"},"ts":1}', "user_type"),
    ('["uid","a","ts",1]', "not_object"),
    ('[{"uid":"a","ts":1}]', "not_object"),
    ('{"uid":1.0,"ts":1}', "none 312e30 1"),
    ('{"uid":-0,"ts":-0}', "none 2d30 0"),
    ('{"uid":1e400,"ts":1e-400}', "none 3165343030 0"),
    ('{"uid":"a","ts":1e400}', "time_range"),
    ('{"uid":"a","ts":-1e-400}', "time_range"),
    ('{"uid":"a","ts":253402300799.9999999999999999}', "none 61 253402300799"),
    ('{"uid":"a","ts":253402300800}', "time_range"),
    ('{"uid":"a","ts":0.00000000001e11}', "none 61 1"),
    ('{"uid":"a","ts":"14682443.85e2"}', "none 61 1468244385"),
    ('{"uid":"a","ts":" 1"}', "time_type"),
    ('{"uid":"a","ts":"01"}', "time_type"),
    ('{"uid":"a","ts":"\\u0031"}', "none 61 1"),
    ('{"uid":"a","ts":"1\\u0000"}', "time_type"),
])
def test_what_wins(build, frame, answer):
    assert ask(build, [frame.encode()], ("uid", "ts"), "s") == [answer]

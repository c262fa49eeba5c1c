"""Frames as applications write them, made by Python alone: the other generator.

The programs under test are never asked what a frame holds; these frames are
read back by oracle.py with Python's own JSON. Everything is seeded.
"""
import dataclasses
import json
import random

WORDS = [
    "static and dynamic typing", "Тоской внезапной осеня,", "line\nbreaks\tand\ttabs",
    'quotes " and \\ backslashes', "slashes / and \b\f controls", "}{][,:", '"uid":"decoy","ts":1',
    "日本語", "emoji 😀 here", "",
]
KEYS = ["in", "sit", "anim", "Lorem", "aute", "ключ", "nulla", "ts2", "UID", "a\"b"]


@dataclasses.dataclass
class Frame:
    line: bytes       # without a line end
    user: str
    time: int         # what the frame says, Unix seconds
    honest_time: int  # what it said before it was damaged

    @property
    def damaged(self):
        return self.time != self.honest_time


def _text(rng):
    return json.dumps(rng.choice(WORDS), ensure_ascii=rng.random() < 0.5)


def _value(rng, depth=0):
    kind = rng.randrange(8 if depth < 3 else 5)
    if kind == 0:
        return str(rng.randrange(-1000, 1000))
    if kind == 1:
        return repr(rng.random())
    if kind == 2:
        return rng.choice(["true", "false", "null"])
    if kind < 5:
        return _text(rng)
    inner = [_value(rng, depth + 1) for _ in range(rng.randrange(4))]
    if kind == 5:
        return "[" + ",".join(inner) + "]"
    keys = ["uid", "ts"] + KEYS  # decoys below the root
    return "{" + ",".join(f"{json.dumps(rng.choice(keys))}:{value}" for value in inner) + "}"


def frame_line(rng, user, time):
    """One frame: the two fields at random places between random others."""
    stamp = str(time) + rng.choice(["", "", "", ".25"])
    if rng.random() < 0.3:
        stamp = f'"{stamp}"'
    fields = [f"{json.dumps(rng.choice(KEYS))}:{_value(rng)}" for _ in range(rng.randrange(4, 14))]
    for field in (f'"uid":{json.dumps(user)}', f'"ts":{stamp}'):
        fields.insert(rng.randrange(len(fields) + 1), field)
    if rng.random() < 0.05:
        fields += ['"uid":"second"', '"ts":7']  # the first of equal keys wins
    return ("{" + ",".join(fields) + "}").encode()


def stream(seed, count, users=2000, start=1468244380, rate=60.0, late=0.01, poison=0.0):
    """`count` frames, `rate` a second from `start` on.

    Of 100 frames 99.9 arrive within 5 s; `late` is the share that comes up to
    five minutes late, `poison` the share whose time has one bit of 32 flipped."""
    rng = random.Random(seed)
    ids = [f"{rng.getrandbits(76):019x}" for _ in range(users)]
    arrivals = []
    for number in range(count):
        time = start + int(number / rate)
        delay = rng.random() * 5 if rng.random() >= late else rng.random() * 300
        arrivals.append((number / rate + delay, time, ids[rng.randrange(users)]))
    arrivals.sort()
    frames = []
    for _, time, user in arrivals:
        said = time ^ (1 << rng.randrange(32)) if rng.random() < poison else time
        frames.append(Frame(frame_line(rng, user, said), user, said, time))
    return frames


def lines(frames, end=b"\n"):
    return b"".join(frame.line + end for frame in frames)


def small_frame(user, time):
    """The smallest frame that counts, for streams of very many."""
    return Frame(b'{"uid":"%s","ts":%d}' % (user.encode(), time), user, time, time)

"""Goal: without --strict a frame counts by what stands before and in its two fields,
with it by all that it holds; each hard frame has the verdict that is written down
for the mode, and both modes count the same where no frame is damaged.
"""
import base64
import json
import pathlib

import pytest

from frames import lines, stream
from oracle import frames_total

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"


def read_rejects(path):
    rows = [json.loads(line) for line in path.read_bytes().splitlines()]
    return [(base64.b64decode(row["frame"]), row["reason"]) for row in rows]


@pytest.mark.parametrize("strict", [False, True])
def test_hard_frames(programs, scratch, strict):
    frames = (GOLDEN / "hard.jsonl").read_bytes().split(b"\n")[:-1]
    rows = [json.loads(line) for line in (GOLDEN / "hard.expected.jsonl").read_text().splitlines()]
    # What is damaged only behind its fields is expected to be rejected by --strict alone.
    expected = [(frame, row["reject"]) for frame, row in zip(frames, rows)
                if "reject" in row and (strict or row["mode"] == "both")]
    path = scratch / "rejects"
    done = programs.count("-", "--rejects", path, *["--strict"] * strict,
                          input=b"".join(frame + b"\n" for frame in frames))
    assert read_rejects(path) == expected
    counted, rejected = frames_total(done.out)
    assert counted == len(frames) - len(expected)
    assert sum(rejected.values()) == len(expected)


@pytest.mark.parametrize("field, before, behind", [
    ("uid", b'{"x":"\xff","uid":"a","ts":5}', b'{"uid":"a","ts":5,"x":"\xff"}'),
    ("/a/0", b'{"a":["\\x","u"],"ts":5}', b'{"ts":5,"a":["u","\\x"]}'),
])
def test_damage_before_and_behind(programs, scratch, field, before, behind):
    for strict in ([], ["--strict"]):
        path = scratch / f"rejects{len(strict)}"
        programs.count("-", "--rejects", path, "--user-field", field, *strict,
                       input=before + b"\n" + behind + b"\n" + b'{"uid":"b","a":["b"],"ts":5}\n')
        assert [frame for frame, _ in read_rejects(path)] == [before, behind][:1 + len(strict)]


def test_both_count_the_same(programs, oracle):
    frames = stream(31, 3000, users=500)
    oracle.add_frames(frames)
    for strict in ([], ["--strict"]):
        done = programs.count("-", *strict, input=lines(frames))
        oracle.check(programs, done.out)

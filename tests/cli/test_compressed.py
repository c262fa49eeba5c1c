"""Goal: a dump of records that was compressed says what it said before, to every
subcommand that reads records; and where it was cut off or damaged, the lines
before that count, and the file and the place are named."""
import gzip
import json
import subprocess
import zlib

import pytest

from record_lines import GOLDEN, MINUTE, checkpoint, sketch

MINUTES = 40


def unzst(data):
    return subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True, check=True).stdout


PACKERS = {"gzip": gzip.compress, "zstd": unzst}


def records():
    """A minute a line, the last line a checkpoint over all of them."""
    lines = [sketch(number + 1, minute=MINUTE + 60 * number, start=start_of(number))
             for number in range(MINUTES)]
    return b"".join(lines) + checkpoint(1, [1, MINUTES], [(0, 0, 10)])


def start_of(number):
    hour, minute = divmod(39 + number, 60)
    return f"2016-07-11T{13 + hour:02}:{minute:02}:00Z"


COMMANDS = [
    ["merge", "--by", "hour"],
    ["merge", "--by", "minute", "--format", "records"],
    ["show"],
    ["verify"],
    ["convert", "--to", "redis", "--by", "day"],
]


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_dump_is_read_as_it_is(programs, scratch, packer, command):
    plain, packed = scratch / "dump", scratch / "packed"
    plain.write_bytes(records())
    packed.write_bytes(PACKERS[packer](records()))
    expected = programs.headcount(*command, plain)
    assert expected
    assert programs.headcount(*command, packed) == expected
    assert programs.headcount(*command, "-", input=packed.read_bytes()) == expected


def test_parts_behind_each_other(programs, scratch):
    """As dumps are appended to: one member or frame a day, of lines cut in two."""
    data = records()
    cuts = [0, 100, len(data) // 2, len(data) // 2 + 1, len(data)]
    parts = [data[begin:end] for begin, end in zip(cuts, cuts[1:])]
    expected = programs.headcount("merge", "--by", "hour", input=data)
    for pack in PACKERS.values():
        path = scratch / "parts"
        path.write_bytes(b"".join(map(pack, parts)))
        assert programs.headcount("merge", "--by", "hour", path) == expected


def test_overlap_and_replay(programs, scratch):
    one, other = (GOLDEN / "sparse.jsonl").read_bytes(), (GOLDEN / "dense.jsonl").read_bytes()
    rejects = b'{"reason":"no_user","source":"t/0","position":1,"time":null,"frame":"e30="}\n'
    for pack in PACKERS.values():
        paths = [scratch / "one", scratch / "other"]
        for path, data in zip(paths, (one, other)):
            path.write_bytes(data)
        expected = programs.headcount("overlap", *paths)
        for path, data in zip(paths, (one, other)):
            path.write_bytes(pack(data))
        assert programs.headcount("overlap", *paths) == expected
        assert programs.headcount("replay", input=pack(rejects)) == b"{}\n"


def merged(programs, path):
    done = subprocess.run([programs.bin / "headcount", "merge", "--by", "minute", "--format",
                           "json", path], capture_output=True, check=False)
    return done.returncode, [json.loads(row) for row in done.stdout.splitlines()], \
        done.stderr.decode()


def whole_lines(packer, packed):
    """How many whole lines Python's zlib gets out of what is left of it."""
    if packer != "gzip":
        return None
    return zlib.decompressobj(31).decompress(packed).count(b"\n")


@pytest.mark.parametrize("packer", PACKERS)
def test_a_truncated_dump(programs, scratch, packer):
    """Wherever it ends: what came before counts, no line is made up."""
    packed = PACKERS[packer](records())
    path = scratch / f"cut.{packer}"
    for size in [*range(4, 40), *range(40, len(packed) - 1, len(packed) // 40),
                 *range(len(packed) - 12, len(packed))]:
        path.write_bytes(packed[:size])
        code, rows, err = merged(programs, path)
        assert code == 1, size
        assert f"{path}:" in err and f"{packer} data is truncated" in err, err
        assert "refused" not in err, err
        lines = int(err.split(f"{path}:")[1].split(":")[0]) - 1
        assert len(rows) == min(lines, MINUTES), err
        assert whole_lines(packer, packed[:size]) in (None, lines), err


@pytest.mark.parametrize("packer", PACKERS)
def test_a_damaged_dump(programs, scratch, packer):
    """A flipped byte is noticed, at the latest by the check at the end (zstd's own
    tool writes one), and never read as if nothing had happened."""
    packed = PACKERS[packer](records())
    path = scratch / f"flipped.{packer}"
    for at in range(10, len(packed), len(packed) // 60):
        path.write_bytes(packed[:at] + bytes([packed[at] ^ 0x55]) + packed[at + 1:])
        code, _, err = merged(programs, path)
        assert code == 1 and f"{path}:" in err, (at, err)


def test_the_rest_is_still_read(programs, scratch):
    """One damaged file among others costs what it held, not what they hold."""
    bad, good = scratch / "bad.gz", scratch / "good.zst"
    bad.write_bytes(gzip.compress(records())[:-9])
    good.write_bytes(unzst(sketch(7, minute=MINUTE + 86400, start="2016-07-12T13:39:00Z")))
    code, rows, err = merged(programs, bad)
    done = subprocess.run([programs.bin / "headcount", "merge", bad, good], capture_output=True,
                          check=False)
    assert code == 1 and done.returncode == 1 and done.stderr.decode() == err
    assert len(done.stdout.splitlines()) == len(rows) + 1

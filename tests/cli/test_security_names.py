"""Goal: names that others chose (streams, instances, topics, groups and clusters in
records, files, fields of frames) forge no line and no row, move no cursor and hide
nothing, wherever people read them; and damage nothing of what programs read."""
import csv
import io
import json
import subprocess
import unicodedata

import pytest
from programs import parse_logfmt

FRAME = b'{"uid":"u%d","ts":1468244380}\n'
EVIL = ["x\nlevel=error event=forged", "x\r\x1b[2K\x1b[1Aforged", "\x1b]0;title\x07",
        "\u009b31mred", "\u202egnp.exe", "\u2028row", "a\tb", "\x7f\x08\x08", "\u200b\ufeff",
        "\U000e0041", "\"},{\"forged\":1", "' or '"]


def unsafe(text):
    """Characters that a terminal acts on or people don't see."""
    return {hex(ord(c)) for c in text if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")
            and c != "\n"}


@pytest.fixture
def records(programs, scratch):
    path = scratch / "frames"
    path.write_bytes(b"".join(FRAME % number for number in range(50)))
    return programs.count(path, "--stream", "tame").out.decode().splitlines()


def renamed(records, name):
    """The records with `name` for whatever a writer may choose."""
    rows = []
    for line in records:
        row = json.loads(line)
        for key in ("stream", "cluster", "topic", "input_group"):
            if key in row:
                row[key] = name
        row["instance"] = name
        rows.append(json.dumps(row))
    return "".join(f"{row}\n" for row in rows).encode()


def run(programs, *words, input=b"", folder=None):
    done = subprocess.run([programs.bin / words[0], *words[1:]], input=input,
                          capture_output=True, timeout=60, check=False, cwd=folder)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


COMMANDS = [["show"], ["verify"], ["merge", "--format", "table"],
            ["merge", "--format", "table", "--stream", "another"],
            ["convert", "--to", "datasketches", "--format", "raw"]]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_records_of_others(programs, records, command):
    tame_code, tame_out, tame_err = run(programs, "headcount", *command,
                                        input=renamed(records, "tame"))
    for name in EVIL:
        code, out, err = run(programs, "headcount", *command, input=renamed(records, name))
        if code != tame_code:  # a name that no record can have is refused, and told
            assert code == 1 and err
        else:
            assert out.count("\n") == tame_out.count("\n"), name
            assert err.count("\n") == tame_err.count("\n"), name
        assert not unsafe(out + err), (name, out, err)


def test_two_streams(programs, records):
    """Both names stand in one message."""
    both = renamed(records, EVIL[0]) + renamed(records, EVIL[1])
    code, out, err = run(programs, "headcount", "merge", input=both)
    assert code == 2 and not out and err.count("\n") == 1 and "forged" in err
    assert not unsafe(err)


def test_what_programs_read_keeps_the_name(programs, records):
    for name in EVIL:
        code, out, _ = run(programs, "headcount", "merge", "--by", "minute", "--format", "records",
                           input=renamed(records, name))
        if code == 0:
            assert {json.loads(line)["stream"] for line in out.split("\n")[:-1]} == {name}


@pytest.mark.parametrize("name", [name for name in EVIL if "/" not in name])
def test_files(programs, scratch, name):
    """Missing, empty, and full of nonsense."""
    names = [f"missing{name}", f"empty{name}", f"nonsense{name}"]
    (scratch / names[1]).write_bytes(b"")
    (scratch / names[2]).write_bytes(b"nonsense\n" * 3)
    for program, words in (("headcountd", []), ("headcountd", ["-v", "--log-format", "json"]),
                           ("headcountd", ["--rejects", f"rejects{name}"]),
                           ("headcountd", ["--rejects", f"no/folder{name}"]),
                           ("headcountd", ["-F", f"missing{name}"]),
                           ("headcount", ["show"]), ("headcount", ["merge"]),
                           ("headcount", ["verify"]), ("headcount", ["replay"])):
        for file in names:
            code, _, err = run(programs, program, *words, file, folder=scratch)
            assert not unsafe(err), (program, words, err)
            assert not [line for line in err.split("\n")
                        if line.startswith(("level=error", "forged"))]
            assert code in (0, 1, 78)


def test_options(programs):
    """What a script passes on may be others' as well."""
    for name in EVIL:
        for words in (["--start", name, "-b", "127.0.0.1:1", "-t", "x"], ["-X", f"{name}=1"],
                      ["-X", name], [f"--{name}"], ["--tz", name], ["--profile", name],
                      ["--stream", name, "-"]):
            program = "headcount" if words[0] == "--tz" else "headcountd"
            before = ["merge"] if program == "headcount" else []
            code, _, err = run(programs, program, *before, *words)
            assert not unsafe(err), (words, err)
            assert code in (0, 1, 2, 78)


def test_brokers_that_are_none(programs):
    """What --validate finds is on stdout."""
    name = "".join(EVIL)
    code, out, err = run(programs, "headcountd", "-b", f"127.0.0.1:1,{name}", "-t", name,
                         "--validate")
    assert code == 78 and not unsafe(out + err) and out.count("\n") == 1


@pytest.mark.parametrize("log", ["logfmt", "json"])
def test_fields_of_frames(programs, log):
    """A hint names the fields that are there instead."""
    for name in EVIL:
        frame = json.dumps({name: "x", "ts": 1468244380}).encode() + b"\n"
        code, _, err = run(programs, "headcountd", "-", "--log-format", log, input=frame * 20000)
        assert code == 1 and not unsafe(err), err
        lines = [line for line in err.split("\n") if "no_valid_frames" in line]
        assert len(lines) == 1
        if log == "json":
            assert "--user-field" in json.loads(lines[0])["hint"]
        else:
            assert parse_logfmt(lines[0])[0]["event"] == "no_valid_frames"


def test_a_csv_row_stays_one(programs, records):
    for name in EVIL:
        _, out, _ = run(programs, "headcount", "merge", "--format", "csv",
                        input=renamed(records, name))
        assert all(len(row) == 10 for row in csv.reader(io.StringIO(out)))

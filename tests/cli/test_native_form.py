"""Goal: the second implementation of the native form and the programs agree: it reads what
they write, gives the same estimate, and its own files are those that the tests read."""
import base64
import json
import pathlib

import native_form
import native_vectors
import pytest
from frames import lines, small_frame
from oracle import records_of

TESTS = pathlib.Path(__file__).parent.parent
MINUTE = 1468244340


def rows_of(path):
    return [line.split(" ") for line in path.read_text().splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("what, path", [
    (native_vectors.golden, TESTS / "golden" / "native.txt"),
    (native_vectors.published, TESTS.parent / "docs" / "vectors.json")])
def test_files_are_what_it_writes(what, path):
    assert path.read_text() == "\n".join(what()) + "\n"


def test_reads_what_it_writes():
    for kind, *row in rows_of(TESTS / "golden" / "native.txt"):
        if kind == "good":
            name, precision, first, last, data = row
            made = native_vectors.sketch_of(name, int(precision), int(first), int(last))
            assert native_form.read(bytes.fromhex(data)) == made


def test_refuses_what_must_be_refused():
    for kind, *row in rows_of(TESTS / "golden" / "native.txt"):
        if kind == "bad":
            status, data, *_ = row
            with pytest.raises(native_form.Refused, match=f"^{status}$"):
                native_form.read(b"" if data == "-" else bytes.fromhex(data))


@pytest.mark.parametrize("name", ["sparse", "dense"])
def test_reads_records(name):
    """Made by headcountd, dense ones with a frame that zstd really compressed."""
    record = json.loads((TESTS / "golden" / "records" / f"{name}.jsonl").read_text())
    sketch = native_form.read(base64.b64decode(record["sketch"]["bytes"]))
    assert (sketch.coupons is None) == (name == "dense")
    assert sketch.precision == record["sketch"]["precision"]
    assert round(native_form.estimate(sketch)) == record["uniques"]


@pytest.mark.parametrize("profile", [name for name in native_form.PROFILES if name != "keyed"])
@pytest.mark.parametrize("count", [1, 700, 9000])
def test_counts_as_the_program_does(programs, profile, count):
    """A count of its own, from the ids, is what the program has in its record."""
    ids = [f"visitor {number}" for number in range(count)]
    out = programs.count("--profile", profile, "-",
                         input=lines([small_frame(user, MINUTE) for user in ids])).out
    record = max(records_of(out, "sketch"), key=lambda row: row["frames"])
    sketch = native_form.read(base64.b64decode(record["sketch"]["bytes"]))
    assert sketch == native_form.make(profile, 14, [user.encode() for user in ids])
    assert round(native_form.estimate(sketch)) == record["uniques"]

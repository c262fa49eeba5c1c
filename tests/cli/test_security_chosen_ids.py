"""Goal: what docs/SECURITY.md says of ids that are made for a public hash is true,
number by number; and under a key that their maker does not know, they are ids like
any others."""
import json
import pathlib
import re

import pytest
from chosen_ids import ids_with, target
from oracle import merged

DOCS = pathlib.Path(__file__).parents[2] / "docs" / "SECURITY.md"
MINUTE = 1468244340
HONEST = [f"honest-{number}" for number in range(100000)]


@pytest.fixture(scope="module")
def high():
    """One id a register, each of the highest rank."""
    return ids_with([target(register) for register in range(1 << 14)])


@pytest.fixture(scope="module")
def equal():
    """Ids that all have the same hash."""
    return ids_with([target(0, 1)] * 1000)


@pytest.fixture
def uniques(programs, scratch):
    key = scratch / "key"
    key.write_text("9f3a61c27b50d4e8a1b2c3d4e5f60718\n")
    key.chmod(0o600)

    def count(ids, profile="redis"):
        frames = "".join(json.dumps({"uid": each, "ts": MINUTE}) + "\n" for each in ids)
        options = ["--key-file", key] if profile == "keyed" else []
        out = programs.count("-", "--profile", profile, *options, input=frames.encode()).out
        return merged(programs, out)[0]["uniques"]
    return count


def documented(heading):
    """The rows of the table under a bold line, as numbers."""
    text = DOCS.read_text().partition(heading)[2].partition("**")[0]
    rows = re.findall(r"^\| *([\d,]+) *\| *([\d,]+) *\|", text, re.M)
    return [tuple(int(cell.replace(",", "")) for cell in row) for row in rows]


def test_few_ids_look_like_all_the_world(uniques, high):
    table = documented("**Ids that inflate**")
    assert len(table) >= 5 and table[-1][0] == 16384
    for count, claimed in table:
        assert float(uniques(high[:count])) == pytest.approx(claimed, rel=1e-6)
    assert len(set(high)) == 16384


def test_many_ids_look_like_one(uniques, equal):
    assert len(set(equal)) == 1000 and uniques(equal) == 1
    assert uniques(HONEST[:100] + equal) <= 101


def test_a_key_makes_them_ids_like_others(uniques, high, equal):
    for ids in (high, equal, HONEST[:5000] + equal):
        assert abs(uniques(ids, "keyed") - len(ids)) <= 5 * 0.0081 * len(ids) + 1


def test_they_stand_out_among_honest_ones_by_little(uniques, high):
    """What one adversary with few ids can add to a full minute, as documented."""
    found = documented("**Among 100,000 honest ids**")
    assert len(found) == 3
    base = uniques(HONEST)
    for count, claimed in found:
        assert uniques(HONEST + high[:count]) - base == pytest.approx(claimed, rel=0.15, abs=150)

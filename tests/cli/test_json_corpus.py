"""Goal: Python's json, orjson and pysimdjson have the verdict of every document
of tests/golden/json_corpus.txt, or are named there as having another; and what
Python's json takes and we take means the same to both.

The lists of differences are exact: a reader that agrees where the table says
that it does not is a failure, too.
"""
import collections
import json
import pathlib
import re

import json_readers
import orjson
import pytest
import simdjson

CORPUS = pathlib.Path(__file__).parent.parent / "golden" / "json_corpus.txt"
PIECE = re.compile(r"<(?:(\d+)([*x]))?([^>]*)>|([^<]+)")
Row = collections.namedtuple("Row", "line verdict status others reason document")


def expand(notation):
    """The document that a row's last column stands for."""
    document = b""
    for times, kind, text, plain in PIECE.findall(notation):
        piece = text.encode() if kind == "*" else bytes.fromhex(text)
        document += plain.encode() or piece * int(times or 1)
    return document


def read_corpus():
    for number, line in enumerate(CORPUS.read_text(encoding="ascii").splitlines(), 1):
        if line and not line.startswith("#"):
            verdict, status, others, reason, notation = line.split("\t")
            others = set(others.split(",")) - {"-"}
            yield Row(number, verdict, status, others, reason, expand(notation))


@pytest.fixture(scope="module", name="rows")
def fixture_rows():
    return list(read_corpus())


def takes(read, document):
    try:
        read(document)
        return True
    # Python's json goes down a level with each bracket; pysimdjson has its own.
    except (ValueError, RecursionError, RuntimeError):
        return False


@pytest.mark.parametrize("name, read", [
    ("python", json.loads),
    ("orjson", orjson.loads),
    ("pysimdjson", lambda document: simdjson.Parser().parse(document)),
])
def test_other_readers_differ_where_the_table_says_so(rows, name, read):
    wrong = [(row.line, row.reason) for row in rows
             if takes(read, row.document) != (row.status == "ok") ^ (name in row.others)]
    assert not wrong


def test_verdicts_and_meanings_are_python_s(rows, build):
    answers = json_readers.judge(build, [row.document for row in rows])
    wrong = []
    for row, (status, found) in zip(rows, answers):
        if status != row.status:
            wrong.append((row.line, row.reason, status))
        elif status == "ok" and "python" not in row.others:
            meant = json_readers.read_with_python(row.document)
            if meant != found:
                wrong.append((row.line, row.reason, meant))
    assert not wrong


def test_the_table_is_what_it_says(rows):
    """No document stands twice, and each verdict and status is there in number."""
    documents = collections.Counter(row.document for row in rows)
    assert [document for document, count in documents.items() if count > 1] == []
    verdicts = collections.Counter(row.verdict for row in rows)
    assert verdicts["accept"] > 300 and verdicts["reject"] > 1400 and verdicts["either"] > 80
    assert set(verdicts) == {"accept", "reject", "either"}
    assert all((row.status == "ok") == (row.verdict == "accept")
               for row in rows if row.verdict != "either")
    statuses = collections.Counter(row.status for row in rows)
    assert set(statuses) == {"ok", "empty", "not_json", "too_deep", "bad_escape", "bad_utf8"}

"""Goal: what the board says over HTTP is what headcount merge says of the same records,
to the last number, by every grain in zones whose clocks change in the middle; CSV says
the same as JSON; the minutes that records call late are told; who asks again is told that
nothing changed; and every answer is what the OpenAPI document describes, whatever
schemathesis makes up.
"""
import csv
import gzip
import http.client
import io
import json
import random
import re
import subprocess
import sys
import urllib.parse

import jsonschema
import pytest
from frames import lines, small_frame
from programs import Daemon
from oracle import seconds_of

FIRST = 1456531200  # 2016-02-27
LAST = 1459814400   # 2016-04-05
# St John's changes its clocks on 13 March, Zurich on the 27th, Lord Howe on 3 April.
ZONES = ["UTC", "Europe/Zurich", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns"]
GRAINS = ["hour", "day", "week", "month", "year", "all"]
MERGE = ["start", "end", "by", "group", "uniques", "low", "high", "error", "minutes", "complete",
         "additive"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("board")


@pytest.fixture(scope="module")
def records(build, folder):
    """Five weeks: a crowded hour a day, which sketches don't know exactly, else a few users."""
    rng = random.Random(2016)
    frames = []
    for day in range(FIRST, LAST, 86400):
        crowd = day + 3600 * rng.randrange(24)
        frames += [(rng.randrange(day, day + 86400), rng.randrange(3000)) for _ in range(400)]
        frames += [(crowd + rng.randrange(3600), rng.randrange(20000)) for _ in range(1200)]
    frames.sort()
    for _ in range(300):  # come late: when the clock has passed their minute
        at = rng.randrange(len(frames) - 2000)
        frames.insert(at + rng.randrange(200, 2000), frames.pop(at))
    frames = [small_frame(f"user-{user}", time) for time, user in frames]
    path = folder / "records.jsonl"
    with open(path, "wb") as out:
        subprocess.run([build / "bin" / "headcountd", "-q", "--stream", "users", "-"],
                       input=lines(frames), stdout=out, check=True, timeout=120)
    return path


@pytest.fixture(scope="module")
def late(records):
    """The minutes that records call late."""
    with open(records, encoding="utf-8") as file:
        minutes = {record["minute"] for record in map(json.loads, file)
                   if record.get("state") == "late"}
    assert len(minutes) > 200
    return minutes


@pytest.fixture(scope="module")
def address(build, folder, records):
    """Of a board that has read them."""
    program, store = build / "bin" / "headcount-board", folder / "board.db"
    subprocess.run([program, "-q", "--db", store, "-e", records], check=True, timeout=120)
    command = [program, "--db", store, "--listen", "127.0.0.1:0"]
    with Daemon(list(map(str, command)), folder, subprocess.DEVNULL, None) as board:
        event = board.wait_for(lambda: board.events("listening"), "listening")[0]
        yield event["address"].removeprefix("http://")
        assert board.end().code == 0, board.err


def get(address, target, headers=None):
    """(status, headers, body)"""
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request("GET", target, headers=headers or {})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.headers, body


def ask(address, path, **parameters):
    target = f"/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
    status, _, body = get(address, target)
    assert status == 200, body
    return body.decode() if parameters.get("format") == "csv" else json.loads(body)


def merged(build, records, *options):
    done = subprocess.run([build / "bin" / "headcount", "merge", "--format", "json", *options,
                           records], capture_output=True, check=True, timeout=120)
    return [json.loads(line) for line in done.stdout.splitlines()]


def same_rows(answer, expected):
    assert len(answer["rows"]) == len(expected) > 0
    for row, merge in zip(answer["rows"], expected):
        assert {name: row[name] for name in MERGE} == merge
        assert row["state"] in (("complete",) if row["complete"] else ("running", "partial"))
        assert row["minutes"] <= row["of"]
        assert (row["minutes"] == row["of"]) >= row["complete"]


def same_late(answer, late, begin, end):
    for row in answer["rows"]:
        bounds = max(begin, seconds_of(row["start"])), min(end, seconds_of(row["end"]))
        expected = sum(bounds[0] <= minute < bounds[1] for minute in late)
        assert row["late"] == expected <= row["minutes"]


@pytest.mark.parametrize("zone", ZONES)
def test_rows_are_those_of_merge(build, records, late, address, zone):
    for by in GRAINS:
        every = by == "week" and zone == "America/St_Johns"
        for week in ("monday", "sunday", "saturday") if every else ("monday",):
            options = ["--by", by, "--tz", zone, "--week-start", week]
            parameters = {"by": by, "tz": zone, "week_start": week}
            # By something longer all there is; the board has to be told that it is not now.
            begin, end = FIRST - 86400, LAST + 86400
            answer = ask(address, "uniques", **parameters, **{"from": begin, "to": end})
            same_rows(answer, merged(build, records, *options, "--from", str(begin), "--to",
                                     str(end)))
            same_late(answer, late, begin, end)
            assert sum(row["late"] for row in answer["rows"]) == len(late)


@pytest.mark.parametrize("zone", ["UTC", "Australia/Lord_Howe", "America/St_Johns"])
def test_rows_of_ranges_that_end_anywhere(build, records, late, address, zone):
    rng = random.Random(zone)
    for _ in range(8):
        begin = rng.randrange(FIRST, LAST - 86400)
        end = rng.randrange(begin + 1, min(LAST, begin + 20 * 86400))
        by = rng.choice(["minute", *GRAINS])
        expected = merged(build, records, "--by", by, "--tz", zone, "--from", str(begin), "--to",
                          str(end))
        answer = ask(address, "uniques", by=by, tz=zone, to=end, **{"from": begin})
        assert (seconds_of(answer["from"]), seconds_of(answer["to"])) == (begin, end)
        same_rows(answer, expected)
        same_late(answer, late, begin, end)


def test_csv_says_the_same(address):
    for path, parameters in {
            "uniques": {"by": "day", "tz": "Asia/Kathmandu", "from": FIRST, "to": LAST},
            "actives": {"from": LAST - 20 * 86400, "to": LAST},
            "so-far": {"day": LAST - 86400, "by": "minute"},
            "returning": {"by": "week", "from": FIRST, "to": LAST},
            "retention": {"cohort": FIRST + 86400, "to": LAST},
            "streams": {}}.items():
        rows = next(value for value in ask(address, path, **parameters).values()
                    if isinstance(value, list))
        table = list(csv.reader(io.StringIO(ask(address, path, format="csv", **parameters))))
        names = table.pop(0)
        assert len(table) == len(rows) > 0
        for line, row in zip(table, rows):
            assert line == [cell(path, row, name) for name in names], (path, names)


def text(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return json.dumps(value, separators=(",", ":"))
    if isinstance(value, list):
        return " ".join(value)
    return "" if value is None else value if isinstance(value, str) else f"{value:.6g}"\
        if isinstance(value, float) else str(value)


def cell(path, row, name):
    """What a column of CSV has, out of the row of JSON."""
    outer, _, inner = name.partition("_")
    value = row[outer]
    if path in ("uniques", "so-far", "streams") or not isinstance(value, (dict, type(None))):
        return text(value)
    if value is None or "refused" in value:
        return ""
    return text(value[inner or ("uniques" if "uniques" in value else "value")])


def test_who_asks_again_is_told(address):
    target = f"/api/v1/uniques?by=hour&from={FIRST}&to={LAST}"
    status, headers, body = get(address, target)
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert get(address, target, {"If-None-Match": headers["ETag"]})[0] == 304
    status, packed, small = get(address, target, {"Accept-Encoding": "gzip"})
    assert (status, packed["Content-Encoding"]) == (200, "gzip")
    assert gzip.decompress(small) == body
    assert len(small) * 4 < len(body)
    other = get(address, target.replace("hour", "day"))[1]
    assert other["ETag"] != headers["ETag"]


@pytest.mark.parametrize("query, parameter, status", [
    ("by=fortnight", "by", 400), ("tz=Europe/Nowhere", "tz", 400), ("limit=5", "limit", 400),
    ("from=now-1h&from=now", "from", 400), ("from=1&to=1", "from", 400), ("to=", "to", 400),
    ("stream=nobody", "stream", 404), ("by=minute&from=0", "from", 422)])
def test_problems_name_the_parameter(address, query, parameter, status):
    code, headers, body = get(address, "/api/v1/uniques?" + query)
    problem = json.loads(body)
    assert (code, problem["status"], problem["parameter"]) == (status, status, parameter)
    assert headers["Content-Type"] == "application/problem+json"
    assert problem["detail"]


def test_answers_are_what_the_document_says(address):
    """Ordinary questions, to which schemathesis does not come by chance, and its examples."""
    document = json.loads(get(address, "/api/v1/openapi.json")[2])
    shared = document["components"]["parameters"]
    for path, item in document["paths"].items():
        schema = item["get"]["responses"]["200"]["content"].get("application/json", {})
        if "$ref" not in schema.get("schema", {}):
            continue
        parameters = [shared[each["$ref"].rpartition("/")[2]] if "$ref" in each else each
                      for each in item["get"].get("parameters", [])]
        examples = {each["name"]: each["example"] for each in parameters if "example" in each}
        then = {"from": FIRST, "to": LAST, "day": LAST - 9, "cohort": FIRST, "by": "day"}
        names = [each["name"] for each in parameters]
        then = {name: value for name, value in then.items() if name in names}
        if path.endswith("so-far"):
            then["by"] = "minute"
        for question in (examples, then):
            answer = ask(address, path.rpartition("/")[2], **question)
            # The document is the schema's root, so that references are found.
            jsonschema.Draft202012Validator({**document, **schema["schema"]}).validate(answer)
        assert all(answer.values()), "the last one has rows"


def schemathesis(address, folder, *options):
    """All checks. What is well formed may still ask for too much, or for nothing."""
    config = folder / "schemathesis.toml"
    config.write_text("""
[parameters]
stream = "users"

[checks]
positive_data_acceptance.expected-statuses = ["2xx", "400", "422"]
""")
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "--config-file", config, "run",
         f"http://{address}/api/v1/openapi.json", "--checks", "all", "--seed", "1",
         "--no-color", *options], capture_output=True, cwd=folder, timeout=300, check=False)
    out = done.stdout.decode()
    assert done.returncode == 0, out[-6000:] + done.stderr.decode()[-2000:]
    return int(re.search(r"(\d+) generated, \1 passed", out).group(1))


def test_schemathesis_finds_nothing(address, folder):
    assert schemathesis(address, folder, "--phases", "examples,fuzzing", "--max-examples", "10",
                        "--exclude-path", "/api/v1/live") > 60
    # What comes of each parameter's schema: here of six of them, of all it takes minutes.
    assert schemathesis(address, folder, "--phases", "coverage", "--include-path",
                        "/api/v1/so-far") > 60

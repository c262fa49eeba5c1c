"""Goal: the bytes of an engine become records that hold the engine's registers,
to be merged with our own; what is no sketch is refused by its place, and the
rest goes on."""
import base64
import hashlib
import json

import pytest
import redis_server
from converted import (ENGINES, MINUTE, convert, counted, golden_sketches, lines_of, numbered,
                       registers_in, registers_of, rows_of)
from oracle import merged

GOLDEN = dict(golden_sketches())


def some(engine, users="S3"):
    """The bytes of one golden sketch."""
    return bytes.fromhex(next(s["bytes_hex"] for s in GOLDEN.values()
                              if s["profile"] == engine and s["set"] == users))


def imported(programs, engine, data, *options):
    code, out, err = convert(programs, "--from", engine, "--minute", MINUTE, *options,
                             input=data.hex().encode())
    assert (code, err) == (0, "")
    return out


@pytest.mark.parametrize("name", GOLDEN)
def test_registers_are_the_engines(programs, name):
    sketch = GOLDEN[name]
    record = imported(programs, sketch["profile"], bytes.fromhex(sketch["bytes_hex"]))
    said = json.loads(record)
    assert said["sketch"]["profile"] == sketch["profile"]
    assert said["sketch"]["precision"] == sketch["precision"]
    registers = bytearray(1 << sketch["precision"])
    for index, rank in registers_in(programs, record).items():
        registers[index] = rank
    assert hashlib.sha256(registers).hexdigest() == sketch["registers_sha256"]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_union_with_our_own(programs, engine):
    """Users 0 to 999 from the engine, 500 to 1999 from us: 2,000 in one row."""
    name, sketch = next((n, s) for n, s in GOLDEN.items()
                        if s["profile"] == engine and s["set"] == "S1000")
    theirs = imported(programs, engine, bytes.fromhex(sketch["bytes_hex"]), "--stream", "users")
    ours = counted(programs, engine, sketch["precision"], numbered(500, 2000))
    everyone = counted(programs, engine, sketch["precision"], numbered(0, 2000))
    both = programs.headcount("merge", "--format", "records", input=theirs + ours)
    sketches = [line for line in both.splitlines() if b'"type":"sketch"' in line]
    whole = [line for line in everyone.splitlines() if b'"type":"sketch"' in line]
    assert (registers_in(programs, sketches[0]) == registers_in(programs, whole[-1])), name
    [row] = merged(programs, theirs + ours)
    assert abs(row["uniques"] - 2000) <= 4 * row["error"] * 2000 + 1


def test_what_a_record_says(programs):
    record = json.loads(imported(programs, "trino", some("trino")))
    assert record["stream"] == "imported" and record["minute"] == MINUTE
    assert record["start"] == "2016-07-11T13:39:00Z" and record["group"] == {}
    assert (record["state"], record["whole"], record["frames"]) == ("late", True, 0)
    assert (record["fields"], record["epoch"], record["sequence"]) == ("", 0, 1)
    assert record["uniques"] == 3
    kind, digest, worker = record["instance"].split("/")
    assert (kind, worker) == ("import", "0") and len(digest) == 16 and int(digest, 16) >= 0


def test_the_same_again_is_the_same(programs):
    rows = [(MINUTE + 60 * n, "{}", some("postgres", users))
            for n, users in enumerate(("S1", "S3", "S1000"))]
    code, once, _ = convert(programs, "--from", "postgres", input=lines_of(rows))
    assert code == 0 and [json.loads(r)["sequence"] for r in once.splitlines()] == [1, 2, 3]
    assert convert(programs, "--from", "postgres", input=lines_of(rows))[1] == once
    assert len({json.loads(r)["instance"] for r in once.splitlines()}) == 1
    assert merged(programs, once + once) == merged(programs, once)
    _, other, _ = convert(programs, "--from", "postgres", input=lines_of(rows[1:]))
    assert json.loads(other.splitlines()[0])["instance"] not in once.decode()


def test_an_archive_of_it(programs):
    rows = [(MINUTE + 60 * n, "{}", some("zetasketch", "S3")) for n in range(3)]
    _, records, _ = convert(programs, "--from", "zetasketch", input=lines_of(rows))
    archive = programs.headcount("merge", "--format", "records", input=records)
    assert archive == programs.headcount("merge", "--format", "records", input=archive)
    assert merged(programs, archive) == merged(programs, records)
    assert [row["uniques"] for row in merged(programs, records, "--by", "all")] == [3]


def test_minutes_around_it_are_not_empty_but_unknown(programs):
    """An import from before the counting began must not make zeros of the years between."""
    counts = counted(programs, "redis", 14, numbered(0, 9), MINUTE + 7200)
    code, old, _ = convert(programs, "--from", "redis", "--minute", MINUTE, "--stream", "users",
                           input=some("redis").hex().encode())
    assert code == 0
    rows = merged(programs, counts + old)
    assert [(row["start_s"], row["uniques"]) for row in rows
            if row["start_s"] < MINUTE + 7200] == [(MINUTE, 3)]


@pytest.mark.parametrize("engine", ENGINES)
def test_ways_to_write_bytes(programs, scratch, engine):
    data = some(engine)
    text, coded = data.hex(), base64.b64encode(data).decode()
    expected = imported(programs, engine, data)
    options = ["--from", engine, "--minute", "2016-07-11T13:39:00Z"]
    for written in (text, text.upper(), "0x" + text, "0X" + text, "\\x" + text.upper(),
                    "\\\\x" + text, f"  {text} \r", f"\n\n{text}\n\n"):
        assert convert(programs, *options, input=written.encode()) == (0, expected, "")
    assert convert(programs, *options, "--format", "base64",
                   input=coded.encode() + b"\r\n") == (0, expected, "")
    (scratch / "sketch").write_bytes(data)
    assert convert(programs, *options, "--format", "raw", scratch / "sketch") == (0, expected, "")
    assert convert(programs, *options, "--format", "raw", input=data) == (0, expected, "")
    code, out, err = convert(programs, *options, "--format", "raw", scratch / "sketch", "-",
                             input=data)
    assert (code, err) == (0, "") and len(out.splitlines()) == 2
    assert merged(programs, out) == merged(programs, expected)


def test_native_takes_every_profile(programs):
    for engine in ENGINES:
        record = imported(programs, engine, some(engine))
        code, rows, err = convert(programs, "--to", "native", input=record)
        assert (code, err) == (0, "")
        [(_, _, data)] = rows_of(rows)
        again = imported(programs, "native", data)
        assert registers_of(programs, again)[0][1] == registers_of(programs, record)[0][1]
        assert json.loads(again)["sketch"] == json.loads(record)["sketch"]


def test_groups(programs):
    """As canonical as our own, whatever white space and order they came with."""
    data = some("redis").hex()
    line = f'{MINUTE}\t{{"vip" : true,\t"country":"\\u0043H"}}\t{data}\n'.encode()
    code, out, err = convert(programs, "--from", "redis", input=line + line)
    assert (code, err) == (0, "")
    assert out.count(b'"group":{"country":"CH","vip":true}') == 2
    code, out, _ = convert(programs, "--from", "redis", "--minute", MINUTE, "--group",
                           ' {"vip":true, "country":"CH"}', input=data.encode())
    assert code == 0 and b'"group":{"country":"CH","vip":true}' in out
    code, rows, _ = convert(programs, "--to", "redis", input=out)
    assert code == 0 and rows_of(rows)[0][:2] == (MINUTE, '{"country":"CH","vip":true}')


BAD_LINES = [
    (f"{MINUTE}\t{{}}\t48594c4", "odd"),
    (f"{MINUTE}\t{{}}\t48594c4g", "not hexadecimal digits"),
    (f"{MINUTE}\t{{}}\t", "there is no sketch"),
    (f"{MINUTE}\t{{}}\t\\x", "the bytes end before"),
    (f"{MINUTE}\t{{}}\t48594c4c", "the bytes end before"),
    (f"{MINUTE}\t{{}}\t00112233445566778899", "these bytes are not a sketch"),
    (f"{MINUTE + 1}\t{{}}\tDATA", "not that of a minute"),
    ("-60\t{}\tDATA", "not a time"),
    ("today\t{}\tDATA", "not a time"),
    ("1" * 70 + "\t{}\tDATA", "not a time"),
    (f"{MINUTE}\0\t{{}}\tDATA", "not a time"),
    ("\t{}\tDATA", "not a time"),
    ("DATA", "--minute"),
    (f"{MINUTE}\tDATA", "tabs between"),
    (f"{MINUTE}\t[]\tDATA", "not a JSON object"),
    (f'{MINUTE}\t{{}},"state":{{}}\tDATA', "not a JSON object"),
    (f'{MINUTE}\t{{"a":{{}}}}\tDATA', "more than scalars"),
    (f'{MINUTE}\t{{"a":1,"a":2}}\tDATA', "a member twice"),
    (f'{MINUTE}\t{{"a":"\xff"}}\tDATA', "not a JSON object"),
    (f'{MINUTE}\t{{"a":"{"x" * 70000}"}}\tDATA', "longer than 65536 bytes"),
    (f"{MINUTE}\t{{}}\tDATA00", "what no encoder writes"),
]


@pytest.mark.parametrize("line, reason", BAD_LINES, ids=[reason for _, reason in BAD_LINES])
def test_a_bad_line_among_good_ones(programs, scratch, line, reason):
    good = f"{MINUTE}\t{{}}\t{some('redis').hex()}\n".encode()
    path = scratch / "rows"
    path.write_bytes(good + line.replace("DATA", some("redis").hex()).encode("latin-1")
                     + b"\n" + good)
    code, out, err = convert(programs, "--from", "redis", path)
    assert code == 1 and len(out.splitlines()) == 2
    assert f"{path}:2: " in err and reason in err and "1 line refused" in err


def test_a_line_without_an_end_is_no_memory(programs, scratch):
    """Far longer than any sketch: skipped while it passes by."""
    good = f"{MINUTE}\t{{}}\t{some('redis').hex()}\n".encode()
    path = scratch / "rows"
    with open(path, "wb") as file:
        file.write(good)
        for _ in range(50):
            file.write(b"00" * (1 << 19))
        file.write(b"\n" + good)
    code, out, err = convert(programs, "--from", "redis", path)
    assert code == 1 and len(out.splitlines()) == 2 and f"{path}:2: the line is too long" in err


@pytest.mark.parametrize("engine", ENGINES)
def test_the_bytes_of_another_engine(programs, engine):
    """None is taken for one of another."""
    for other in ENGINES:
        line = f"{MINUTE}\t{{}}\t{some(other, 'S1000').hex()}\n".encode()
        code, out, err = convert(programs, "--from", engine, input=line)
        if other == engine:
            assert (code, err) == (0, "")
        else:
            assert code == 1 and out == b"" and f"stdin:1: no sketch of {engine}: " in err


@pytest.mark.parametrize("engine", ENGINES + ("native",))
def test_cut_at_every_byte(programs, engine):
    """Every line is a record that can be read, or is refused."""
    data = some("redis" if engine == "native" else engine)
    if engine == "native":
        record = json.loads(imported(programs, "redis", data))
        data = base64.b64decode(record["sketch"]["bytes"])
    rows = [(MINUTE, "{}", data[:size]) for size in range(1, len(data))]
    code, out, err = convert(programs, "--from", engine, input=lines_of(rows))
    refused = int(err.splitlines()[-1].split()[2])
    assert code == 1 and refused + len(out.splitlines()) == len(rows)
    assert len(registers_of(programs, out)) == len(out.splitlines())


def test_raw_and_a_line_feed_too_many(programs, scratch):
    """redis-cli --raw adds one: said, and not guessed away."""
    raw = ["--from", "redis", "--minute", MINUTE, "--format", "raw"]
    code, out, err = convert(programs, *raw, input=some("redis") + b"\n")
    assert code == 1 and out == b""
    assert "stdin: " in err and "redis-cli" in err and "head -c -1" in err
    code, out, err = convert(programs, *raw, input=some("redis") + b"\n\n")
    assert code == 1 and out == b"" and "redis-cli" not in err
    assert convert(programs, *raw, input=b"")[0] == 1
    (scratch / "good").write_bytes(some("redis"))
    code, out, err = convert(programs, *raw, scratch / "missing", scratch / "good", scratch)
    assert code == 1 and len(out.splitlines()) == 1
    assert "missing: No such file" in err and "Is a directory" in err


def test_raw_without_an_end(programs, scratch):
    path = scratch / "large"
    path.write_bytes(some("redis") + bytes(20 << 20))
    code, out, err = convert(programs, "--from", "redis", "--minute", MINUTE, "--format", "raw",
                             path)
    assert code == 1 and out == b"" and "longer than any sketch" in err


MISTAKES = [
    (["--from", "redis", "--format", "raw"], "--format raw needs --minute"),
    (["--from", "redis", "--minute", MINUTE + 1], "--minute is not the start of a minute"),
    (["--from", "redis", "--minute", "soon"], "minute"),
    (["--from", "redis", "--group", "{}"], "--group goes with --minute"),
    (["--from", "redis", "--minute", MINUTE, "--group", "1"], "not a JSON object"),
    (["--from", "redis", "--stream", ""], "--stream takes"),
    (["--from", "redis", "--stream", "a\tb"], "--stream takes"),
    (["--from", "redis", "--by", "day"], "--by belongs to --to, and this is --from redis"),
    (["--from", "redis", "--tz", "UTC"], "--tz belongs to --to"),
    (["--from", "postgres", "--log2m", "11"], "--log2m belongs to --to postgres"),
    (["--from", "trino", "-p", "11"], "--precision belongs to --to"),
    (["--from", "mysql"], "mysql"),
    (["--from", "redis", "--to", "redis"], "exclude each other"),
]


@pytest.mark.parametrize("options, reason", MISTAKES, ids=[reason for _, reason in MISTAKES])
def test_mistakes(programs, options, reason):
    code, out, err = convert(programs, *options)
    assert (code, out) == (2, b"") and reason in err


@pytest.mark.parametrize("engine, data", [("postgres", "11837f"), ("postgres", "11927f"),
                                          ("trino", "02030000")])
def test_a_precision_that_we_lack(programs, engine, data):
    code, out, err = convert(programs, "--from", engine, "--minute", MINUTE, input=data.encode())
    assert (code, out) == (1, b"")
    assert f"stdin:1: no sketch of {engine}: it has a precision that headcount lacks" in err


@pytest.mark.parametrize("engine, data, users", [
    ("datasketches", "0201071503080300" "2f823b040aff80046f19dc06", 3),
    ("zetasketch", "0870" "1802" "200b" "82070418182019", 0)])
def test_a_precision_above_ours_is_folded(programs, engine, data, users):
    """lgK 21, and a precision of 24: read at 18."""
    record = json.loads(imported(programs, engine, bytes.fromhex(data)))
    assert (record["sketch"]["precision"], record["uniques"]) == (18, users)


@pytest.mark.parametrize("count", [500, 50000])
def test_what_redis_counted_itself(programs, redis, count):
    """GET, --from, --to, SET: PFCOUNT and registers as before, and a union with our own."""
    redis.command("DEL", "theirs", "ours", "all")
    redis.add("theirs", set(numbered(0, count)))
    data = redis.command("GET", "theirs")
    code, record, err = convert(programs, "--from", "redis", "--minute", MINUTE, "--format",
                                "raw", "--stream", "users", input=data)
    assert (code, err) == (0, "")
    code, back, _ = convert(programs, "--to", "redis", "--format", "raw", input=record)
    redis.command("SET", "ours", back)
    assert code == 0
    assert redis.command("PFCOUNT", "ours") == redis.command("PFCOUNT", "theirs")
    assert redis_server.registers(back) == redis_server.registers(data)
    more = counted(programs, "redis", 14, numbered(count // 2, 2 * count))
    redis.add("all", set(numbered(0, 2 * count)))
    [(_, _, union)] = rows_of(convert(programs, "--to", "redis", input=record + more)[1])
    assert (redis_server.registers(union)
            == redis_server.registers(redis.command("GET", "all")))

"""Goal: what --to writes for an engine holds exactly our registers, in the shape
that the options ask for, and --from brings the same registers back. That the
engines agree is shown by the engines themselves, elsewhere; where they left
their bytes of the same users, ours are these bytes."""
import json

import pytest
from converted import (ENGINES, MINUTE, convert, counted, golden_sketches, lines_of, numbered,
                       registers_in, registers_of, rows_of)
from oracle import merged

PRECISIONS = {"redis": (14,), "datasketches": (4, 12, 18), "postgres": (4, 11, 17),
              "zetasketch": (10, 15, 18), "trino": (4, 12, 16)}
HIGHEST = {"redis": 14, "datasketches": 18, "postgres": 17, "zetasketch": 18, "trino": 16}
EVERY = [(engine, precision) for engine in ENGINES for precision in PRECISIONS[engine]]
# Of these the engines' bytes depend on nothing but the users and their options.
# Trino's entries hold zeros of the hash that decide nothing, and that we lack.
EXACT = {"datasketches": ("LIST",), "postgres": ("EMPTY", "SPARSE", "FULL"),
         "zetasketch": ("sparse", "dense"), "trino": ("DENSE_V2",)}
USERS = {"S1": ["a"], "S3": ["a", "b", "c"], "S1000": numbered(0, 1000)}


def exported(programs, engine, records, *options):
    """The one row's bytes."""
    code, out, err = convert(programs, "--to", engine, *options, input=records)
    assert (code, err) == (0, "")
    [(start, group, data)] = rows_of(out)
    assert (start, group) == (MINUTE, "{}")
    return data


def brought_back(programs, engine, data):
    code, out, err = convert(programs, "--from", engine, input=lines_of([(MINUTE, "{}", data)]))
    assert (code, err) == (0, "")
    return out


def last_sketch(records):
    return [line for line in records.splitlines() if b'"type":"sketch"' in line][-1] + b"\n"


@pytest.mark.parametrize("engine, precision", EVERY)
@pytest.mark.parametrize("count", [1, 7, 300, 30000])
def test_there_and_back(programs, engine, precision, count):
    records = counted(programs, engine, precision, numbered(0, count))
    back = brought_back(programs, engine, exported(programs, engine, records))
    assert registers_in(programs, back) == registers_in(programs, last_sketch(records))
    assert json.loads(back)["sketch"]["precision"] == precision
    [ours], [theirs] = merged(programs, records), merged(programs, back)
    # Few users are told better by what is not in registers.
    dense = json.loads(last_sketch(records))["sketch"]["encoding"] == "dense"
    margin = 0 if dense else 4 * theirs["error"] * count + 1
    assert abs(ours["uniques"] - theirs["uniques"]) <= margin


@pytest.mark.parametrize("engine", ENGINES)
def test_many_rows(programs, engine):
    """A row a minute, and those of a day as the record of its first minute."""
    precision = PRECISIONS[engine][0]
    records = b"".join(counted(programs, engine, precision, numbered(n, n + 50),
                               MINUTE + 3600 * n) for n in range(30))
    code, out, _ = convert(programs, "--to", engine, input=records)
    assert code == 0 and len(rows_of(out)) == 30
    code, back, _ = convert(programs, "--from", engine, "--stream", "users", input=out)
    assert code == 0
    shown = registers_of(programs, back)
    again = convert(programs, "--from", engine, "--stream", "users",
                    input=convert(programs, "--to", engine, input=back)[1])[1]
    assert registers_of(programs, again) == shown and len(shown) == 30
    by_day = ["--by", "day", "--tz", "Asia/Kathmandu"]
    days = convert(programs, "--to", engine, *by_day, input=records)[1]
    code, back, _ = convert(programs, "--from", engine, input=days)
    assert code == 0 and len(rows_of(days)) == len(back.splitlines()) == 3
    again = convert(programs, "--to", engine, *by_day, input=back)[1]
    assert [row[:2] for row in rows_of(again)] == [row[:2] for row in rows_of(days)]
    assert (registers_of(programs, convert(programs, "--from", engine, input=again)[1])
            == registers_of(programs, back))


@pytest.mark.parametrize("engine", ENGINES)
def test_more_precision_than_the_engine_has(programs, engine):
    """Folded: the registers are those that the same users give there."""
    users = numbered(0, 20000)
    fine = counted(programs, engine, 18, users)
    coarse = counted(programs, engine, HIGHEST[engine], users)
    data = exported(programs, engine, fine)
    assert (registers_in(programs, brought_back(programs, engine, data))
            == registers_in(programs, last_sketch(coarse)))


FOLDS = [("datasketches", "--lgk", 12), ("postgres", "--log2m", 11), ("trino", "--precision", 12),
         ("zetasketch", "-p", 15), ("datasketches", "-p", 4), ("postgres", "-p", 17),
         ("native", "-p", 4)]


@pytest.mark.parametrize("engine, option, precision", FOLDS)
@pytest.mark.parametrize("count", [20, 20000])
def test_a_precision_that_is_asked_for(programs, engine, option, precision, count):
    profile = "redis" if engine == "native" else engine
    fine = counted(programs, profile, 18, numbered(0, count))
    coarse = counted(programs, profile, precision, numbered(0, count))
    back = brought_back(programs, engine, exported(programs, engine, fine, option, precision))
    assert registers_in(programs, back) == registers_in(programs, last_sketch(coarse))


def exact_sketches():
    for name, sketch in golden_sketches():
        form = sketch.get("mode") or sketch.get("form") or sketch.get("encoding")
        form = sketch.get("format") or form
        # Where ours has become dense before the engine's did.
        early = sketch["set"] == "S1000" and form == "sparse" and sketch["precision"] < 14
        if sketch["set"] in USERS and form in EXACT.get(sketch["profile"], ()) and not early:
            yield pytest.param(sketch, form, id=name)


def options_of(sketch):
    """What makes --to write as this engine was told to."""
    if sketch["profile"] == "postgres":
        return ["--log2m", sketch["precision"], "--regwidth", sketch["regwidth"], "--expthresh",
                sketch["expthresh"], "--sparse", "on" if sketch["sparseon"] else "off"]
    if sketch["profile"] == "datasketches":
        return ["--lgk", sketch["precision"], "--type", sketch["target"], "--form",
                sketch["form"]]
    if sketch["profile"] == "zetasketch":
        return ["-p", sketch["precision"], "--sparse-precision", sketch["sparse_precision"]]
    return ["-p", sketch["precision"]]


@pytest.mark.parametrize("sketch, form", exact_sketches())
def test_the_very_bytes_of_the_engine(programs, sketch, form):
    engine, theirs = sketch["profile"], bytes.fromhex(sketch["bytes_hex"])
    records = counted(programs, engine, 18, USERS[sketch["set"]])
    ours = exported(programs, engine, records, *options_of(sketch))
    if form in ("DENSE_V2", "dense") and len(ours) != len(theirs):
        # The engine was made to write registers where few users are entries with us.
        assert len(ours) < len(theirs)
    elif engine == "zetasketch":
        # The number of values that were added is not known: ours is the estimate.
        assert ours.split(b"\x18\x02", 1)[1] == theirs.split(b"\x18\x02", 1)[1]
    else:
        assert ours == theirs


@pytest.mark.parametrize("log2m", [4, 11, 14])
@pytest.mark.parametrize("regwidth", [1, 5, 7])
def test_the_column_of_postgres(programs, log2m, regwidth):
    """The three bytes before the registers say what hll() in SQL says."""
    few = counted(programs, "postgres", 14, numbered(0, 3))
    codes = {-1: 63, 0: 0, 1: 1, 1024: 11, 1 << 32: 33}
    for expthresh, code in codes.items():
        for sparse in ("on", "off"):
            data = exported(programs, "postgres", few, "--log2m", log2m, "--regwidth", regwidth,
                            "--expthresh", expthresh, "--sparse", sparse)
            words = 3 * (log2m + regwidth) < (regwidth << log2m)
            assert data[0] == (0x13 if sparse == "on" and words else 0x14)
            assert data[1] == (regwidth - 1) << 5 | log2m
            assert data[2] == (0x40 if sparse == "on" else 0) | code


def test_postgres_by_default(programs):
    """As hll_add_agg makes it, but for log2m."""
    data = exported(programs, "postgres", counted(programs, "postgres", 14, ["a", "b", "c"]))
    assert data[:3].hex() == "138e7f"


@pytest.mark.parametrize("form", ["compact", "updatable"])
@pytest.mark.parametrize("target", ["HLL_4", "HLL_6", "HLL_8"])
def test_the_forms_of_datasketches(programs, form, target):
    for count, mode, size in ((3, 0, 40), (100, 1, 12 + 4 * 256), (20000, 2, None)):
        records = counted(programs, "datasketches", 12, numbered(0, count))
        data = exported(programs, "datasketches", records, "--type", target, "--form", form)
        assert data[3] == 12 and data[7] == mode | int(target[-1]) // 2 - 2 << 2
        assert bool(data[5] & 8) == (form == "compact")
        if form == "updatable" and size:
            assert len(data) == size
        back = brought_back(programs, "datasketches", data)
        assert registers_in(programs, back) == registers_in(programs, last_sketch(records))


def test_the_sparse_precision_of_zetasketch(programs):
    records = counted(programs, "zetasketch", 15, ["a", "b", "c"])
    for sparse, field in ((15, b"\x20\x0f"), (25, b"\x20\x19")):
        data = exported(programs, "zetasketch", records, "--sparse-precision", sparse)
        assert field in data[:20] and len(data) < 50
    assert exported(programs, "zetasketch", records) == exported(
        programs, "zetasketch", records, "--sparse-precision", 20)
    assert len(exported(programs, "zetasketch", records, "--sparse-precision", 0)) > 1 << 15


def test_several_profiles_in_one_file(programs):
    """--to finds its own, and native takes the one that is named."""
    users = numbered(0, 500)
    records = b"".join(counted(programs, profile, 14, users) for profile in ENGINES)
    for engine in ENGINES:
        code, out, _ = convert(programs, "--to", engine, input=records)
        alone = convert(programs, "--to", engine,
                        input=counted(programs, engine, 14, users))[1]
        assert code == 0 and out == alone
        assert convert(programs, "--to", engine, "--profile", engine, input=records)[1] == alone
        code, out, _ = convert(programs, "--to", "native", "--profile", engine, input=records)
        [(_, _, data)] = rows_of(out)
        said = registers_of(programs, brought_back(programs, "native", data))
        assert code == 0 and len(said) == 1
        assert json.loads(brought_back(programs, "native", data))["sketch"]["profile"] == engine


def test_another_profile_than_the_engines(programs):
    records = counted(programs, "trino", 14, numbered(0, 9))
    code, out, err = convert(programs, "--to", "postgres", input=records)
    assert (code, out) == (1, b"")
    assert "trino" in err and "headcountd --profile postgres" in err


def test_a_secret_key(programs, scratch):
    (scratch / "key").write_text("000102030405060708090a0b0c0d0e0f\n", encoding="ascii")
    (scratch / "key").chmod(0o600)
    records = programs.count("-", "--profile", "keyed", "--key-file", scratch / "key",
                             input=b'{"uid":"a","ts":%d}\n' % MINUTE).out
    data = exported(programs, "native", records)
    assert (registers_in(programs, brought_back(programs, "native", data))
            == registers_in(programs, last_sketch(records)))
    for engine in ENGINES:
        code, out, err = convert(programs, "--to", engine, input=records)
        assert (code, out) == (1, b"") and f"headcountd --profile {engine}" in err


LACKING = [
    ("redis", 12, [], "its precision is 12, and redis has 14 only"),
    ("zetasketch", 8, [], "its precision is 8, and zetasketch has 10 to 18"),
    ("postgres", 12, ["--log2m", 14], "its precision is 12, and --log2m asks for 14"),
    ("trino", 12, ["-p", 16], "its precision is 12, and --precision asks for 16"),
    ("native", 12, ["-p", 13], "its precision is 12, and --precision asks for 13"),
    ("zetasketch", 15, ["--sparse-precision", 14],
     "its precision is 15, and --sparse-precision 14 is below that"),
]


@pytest.mark.parametrize("engine, precision, options, reason", LACKING)
def test_less_precision_than_is_needed(programs, engine, precision, options, reason):
    profile = "redis" if engine == "native" else engine
    records = counted(programs, profile, precision, numbered(0, 9))
    code, out, err = convert(programs, "--to", engine, *options, input=records)
    assert (code, out) == (1, b"") and f"{MINUTE} {{}}: {reason}" in err


MISTAKES = [
    ("redis", ["--log2m", "11"], "--log2m belongs to --to postgres, and this is --to redis"),
    ("trino", ["--regwidth", "5"], "--regwidth belongs to --to postgres, and this is --to trino"),
    ("native", ["--expthresh", "0"], "--expthresh belongs to --to postgres"),
    ("zetasketch", ["--sparse", "on"], "--sparse belongs to --to postgres"),
    ("postgres", ["--lgk", "12"], "--lgk belongs to --to datasketches, and this is --to postgres"),
    ("redis", ["--type", "HLL_8"], "--type belongs to --to datasketches"),
    ("trino", ["--form", "compact"], "--form belongs to --to datasketches"),
    ("postgres", ["--sparse-precision", "20"], "--sparse-precision belongs to --to zetasketch"),
    ("redis", ["--profile", "trino"], "--profile belongs to --to native, and this is --to redis"),
    ("redis", ["--minute", "60"], "--minute belongs to --from, and this is --to redis"),
    ("redis", ["--group", "{}"], "--group belongs to --from"),
    ("redis", ["-p", "13"], "--precision 13: redis has 14 only"),
    ("postgres", ["-p", "18"], "--precision 18: postgres has 4 to 17"),
    ("zetasketch", ["-p", "9"], "--precision 9: zetasketch has 10 to 18"),
    ("trino", ["-p", "17"], "--precision 17: trino has 4 to 16"),
    ("postgres", ["--log2m", "18"], "log2m"),
    ("postgres", ["--log2m", "11", "-p", "11"], "--precision and --log2m are the same"),
    ("datasketches", ["--lgk", "11", "-p", "11"], "--precision and --lgk are the same"),
    ("postgres", ["--regwidth", "8"], "regwidth"),
    ("postgres", ["--expthresh", "3"], "--expthresh 3: postgres has -1, 0 and powers of two"),
    ("postgres", ["--expthresh", "-2"], "expthresh"),
    ("postgres", ["--sparse", "yes"], "sparse"),
    ("datasketches", ["--type", "HLL_5"], "HLL_5"),
    ("zetasketch", ["--sparse-precision", "26"], "sparse-precision"),
    ("zetasketch", ["-p", "15", "--sparse-precision", "14"],
     "--sparse-precision 14 is below --precision 15"),
]


@pytest.mark.parametrize("engine, options, reason", MISTAKES)
def test_mistakes(programs, engine, options, reason):
    code, out, err = convert(programs, "--to", engine, *options)
    assert (code, out) == (2, b"") and reason in err


def test_help_names_every_engine(programs):
    text = programs.headcount("convert", "-h").decode()
    for words in (*ENGINES, "native", "redis-cli -x SET", "hll_sketch_estimate(unhex(", "::hll",
                  "HLL_COUNT.EXTRACT(FROM_HEX(", "from_hex("):
        assert words in text
    assert max(map(len, text.splitlines())) <= 80

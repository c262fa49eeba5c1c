"""Goal: several profiles in one run are what each alone would be, the key of the
keyed one stays secret, and sketches that don't meet are never united.

Truth: single runs, register for register; the ids' exact number.
"""
import base64
import itertools
import json
import os
import random
import subprocess

import pytest
from frames import lines, small_frame
from oracle import merged, records_of
from programs import parse_logfmt

FIRST = 1468244340
USAGE, CONFIG = 2, 78
OPEN = ["redis", "datasketches", "postgres", "zetasketch", "trino"]
ALL = [*OPEN, "keyed"]
KEY = "5ca1ab1e0ddba11d15ea5edc0ffee000"
OTHER_KEY = "00112233445566778899AABBCCDDEEFF"


@pytest.fixture(scope="module")
def frames():
    """A few minutes with few users, and one with more than fit into a sparse sketch."""
    rng = random.Random(44)
    made = [small_frame(f"user-{rng.randrange(9000)}", FIRST + 120 + rng.randrange(60))
            for _ in range(20000)]
    made += [small_frame(f"user-{rng.randrange(300)}", FIRST + rng.randrange(240))
             for _ in range(2000)]
    rng.shuffle(made)
    return made


@pytest.fixture
def key_file(scratch):
    def make(text=KEY + "\n", mode=0o600):
        path = scratch / f"key-{len(os.listdir(scratch))}"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return path
    return make


def count(programs, frames, *options, **more):
    return programs.count("-", "--emit-every", "50ms", *options, input=lines(frames), **more)


def profile_options(names, key_file):
    names = list(names)
    options = list(itertools.chain.from_iterable(("--profile", name) for name in names))
    return options + (["--key-file", key_file()] if "keyed" in names else [])


def registers(programs, records, profile):
    """The registers of each minute's union, as `show` prints those of an archive."""
    archive = programs.headcount("merge", "--format", "records", "--profile", profile,
                                 input=records)
    shown = programs.headcount("show", "--registers", "--profile", profile, input=archive)
    minutes, minute = {}, None
    for line in shown.decode().splitlines():
        if line.startswith("sketch "):
            minute = line.split()[1]
            minutes[minute] = []
        elif line.startswith("register "):
            minutes[minute].append(line)
    return minutes


def test_several_at_once_are_each_alone(programs, frames, key_file):
    several = count(programs, frames, *profile_options(reversed(ALL), key_file)).out
    users = {}
    for frame in frames:
        users.setdefault(frame.time // 60 * 60, set()).add(frame.user)
    seen = set()
    for name in ALL:
        alone = count(programs, frames, *profile_options([name], key_file)).out
        ours = registers(programs, several, name)
        assert ours == registers(programs, alone, name) and len(ours) == len(users)
        seen.add(json.dumps(ours))
        rows = merged(programs, several, "--profile", name)
        assert rows == merged(programs, alone)
        for row in rows:
            exact = len(users[row["start_s"]])
            assert abs(row["uniques"] - exact) <= 5 * row["error"] * exact + 1
    assert len(seen) == len(ALL)  # each has a hash of its own, or reads it its own way
    assert merged(programs, several) == merged(programs, several, "--profile", "redis")
    assert "HOLE" not in programs.verify(several)


def test_each_window_has_a_record_of_each(programs, frames, key_file):
    out = count(programs, frames, *profile_options(ALL, key_file)).out
    rows = records_of(out, "sketch")
    assert sorted(row["sequence"] for row in rows) == list(range(1, len(rows) + 1))
    minutes = {}
    for row in rows:
        minutes.setdefault(row["minute"], set()).add(row["sketch"]["profile"])
    assert all(profiles == set(ALL) for profiles in minutes.values()) and len(minutes) == 4
    for name in ALL:  # a record of one profile that gets lost is missed
        last = max(row["sequence"] for row in rows if row["sketch"]["profile"] == name)
        left = [line for line in out.splitlines()
                if json.loads(line).get("sequence") != last]
        assert f"sequence {last}" in programs.verify(b"\n".join(left), code=1)


def test_an_archive_keeps_them_all(programs, frames, key_file):
    out = count(programs, frames, *profile_options(ALL, key_file)).out
    archive = programs.headcount("merge", "--format", "records", input=out)
    assert len(records_of(archive, "sketch")) == 4 * len(ALL)
    assert programs.headcount("merge", "--format", "records", input=archive) == archive
    for name in ALL:
        assert merged(programs, archive, "--profile", name) == \
            merged(programs, out, "--profile", name)
    assert ", ok" in programs.verify(archive)


def test_every_way_to_name_profiles(programs, frames, scratch):
    config = scratch / "options"
    config.write_text("profile = trino\nprofile=redis , postgres\n")
    ways = [(["--profile", "trino,redis", "--profile=postgres"], {}),
            (["--profile", "trino, redis ,postgres"], {}),
            ([], {"HEADCOUNT_PROFILE": "postgres,trino,redis"}),
            ([], {"HEADCOUNT_PROFILE": "postgres\ntrino\nredis"}),
            (["-F", config], {}),
            (["--profile=redis,postgres", "--profile=trino"], {"HEADCOUNT_PROFILE": "keyed"})]
    for options, env in ways:
        done = count(programs, frames[:50], *options, env=env)
        profiles = [row["sketch"]["profile"] for row in records_of(done.out, "sketch")]
        assert profiles[:3] == ["redis", "postgres", "trino"]
        assert set(profiles) == {"redis", "postgres", "trino"}


@pytest.mark.parametrize("options, env, code, message", [
    (["--profile", "redis", "--profile", "redis"], {}, USAGE,
     "--profile 'redis': must be of these"),
    (["--profile", "redis,trino,redis"], {}, USAGE, "each once"),
    (["--profile", "spark"], {}, USAGE, "redis datasketches postgres zetasketch trino keyed"),
    ([], {"HEADCOUNT_PROFILE": "redis,spark"}, CONFIG, "HEADCOUNT_PROFILE 'redis,spark'"),
    (["--profile", "keyed"], {}, USAGE, "--key-file"),
    (["--key-file", "/dev/null"], {}, USAGE, "--profile keyed"),
    (["--profile", "redis,trino", "-p", "18", "--memory", "7MiB"], {}, USAGE, "--memory")])
def test_profiles_that_are_refused(programs, options, env, code, message):
    assert message in programs.count("-", *options, env=env, code=code).err


@pytest.mark.parametrize("text, mode, message", [
    (None, 0, "No such file"),
    ("", 0o600, "too short"), (KEY[:-1], 0o600, "too short"), (KEY[:-2] + "\n", 0o600, "too short"),
    (KEY + "0", 0o600, "too long"), (KEY + "\n\n", 0o600, "too long"), (KEY * 9, 0o600, "too long"),
    (KEY + " ", 0o600, "too long"), (bytes.fromhex(KEY), 0o600, "too short"),
    ("x" + KEY[1:], 0o600, "hex"), (KEY[:-1] + "\0", 0o600, "hex"), ("0x" + KEY[2:], 0o600, "hex"),
    ("0" * 32 + "\n", 0o600, "all zero"),
    (KEY, 0o640, "chmod 600"), (KEY, 0o604, "chmod 600"), (KEY, 0o620, "chmod 600"),
    (KEY, 0o644, "mode 644")])
def test_key_files_that_are_refused(programs, key_file, scratch, text, mode, message):
    path = scratch / "none" if text is None else key_file(text, mode)
    for more in ([], ["--validate"]):
        done = programs.count("-", "--profile", "keyed", "--key-file", path, *more, code=CONFIG)
        assert message in done.err and f"--key-file {path}: " in done.err
        assert KEY[4:28] not in done.err and not done.out


@pytest.mark.parametrize("text", [KEY, KEY + "\n", KEY + "\r\n", KEY.upper()])
def test_ways_to_write_a_key(programs, frames, key_file, text):
    written = count(programs, frames[:500], *profile_options(["keyed"], key_file)).out
    other = count(programs, frames[:500], "--profile", "keyed", "--key-file",
                  key_file(text, 0o400)).out
    assert registers(programs, written, "keyed") == registers(programs, other, "keyed")


def test_keys_meet_only_themselves(programs, frames, key_file):
    half = len(frames) // 2
    one = count(programs, frames[:half], *profile_options(["keyed"], key_file)).out
    two = count(programs, frames[half:], *profile_options(["keyed"], key_file)).out
    both = count(programs, frames, *profile_options(["keyed"], key_file)).out
    assert registers(programs, one + two, "keyed") == registers(programs, both, "keyed")
    other = count(programs, frames[half:], "--profile", "keyed", "--key-file",
                  key_file(OTHER_KEY)).out
    ids = {row["sketch"]["key_id"] for row in records_of(one + other, "sketch")}
    assert len(ids) == 2
    done = subprocess.run([programs.bin / "headcount", "merge"], input=one + other,
                          capture_output=True, check=False, timeout=60)
    assert done.returncode == 1
    rows = [json.loads(row) for row in done.stdout.splitlines()]
    assert [row["uniques"] for row in rows] == [row["uniques"] for row in merged(programs, one)]
    assert not any(row["complete"] for row in rows)
    assert all(key_id in done.stderr.decode() for key_id in ids) and b"keyed" in done.stderr
    shown = programs.headcount("show", input=one + other).decode()
    assert all(f"  key        id {key_id}\n" in shown for key_id in ids)


def test_the_key_is_nowhere(programs, frames, key_file, scratch):
    path = key_file()
    options = ["--profile", "keyed,redis", "--key-file", path, "-v"]
    done = count(programs, frames, *options)
    said = [done.out, done.err.encode()]
    done = programs.count("-", *options, "--validate")
    said += [done.out, done.err.encode()]
    for command in (["show", "--registers"], ["merge"], ["merge", "--format", "records"],
                    ["verify"]):
        said.append(programs.headcount(*command, input=said[0]))
    raw = bytes.fromhex(KEY)
    assert len(b"".join(said)) > 10000
    for text in said:
        for secret in (KEY.encode(), KEY.upper().encode(), raw, raw[::-1], KEY[:16].encode(),
                       KEY[16:].encode()):
            assert secret not in text
    for row in records_of(said[0], "sketch"):
        native = base64.b64decode(row["sketch"]["bytes"])
        assert raw[:8] not in native and raw[8:] not in native


def test_a_crash_leaves_no_core(programs, key_file):
    with programs.start("-", "--profile", "keyed", "--key-file", key_file(),
                        stdin=subprocess.PIPE) as daemon:
        daemon.wait_for(lambda: daemon.events("started"), "its start")
        limits = open(f"/proc/{daemon.process.pid}/limits", encoding="ascii").read()
        assert [line.split()[4:6] for line in limits.splitlines()
                if line.startswith("Max core file size")] == [["0", "0"]]


def test_what_is_said_at_the_start(programs, frames, key_file):
    done = count(programs, frames[:100], "-p", "8", *profile_options(ALL, key_file))
    events = parse_logfmt(done.err)
    started, = [event for event in events if event["event"] == "started"]
    assert started["stream"] == "users" and started["precision"] == "8"
    key_id = records_of(done.out, "sketch")[5]["sketch"]["key_id"]
    assert started["profiles"] == ",".join(ALL) + ":" + key_id
    assert started["instance"] == records_of(done.out, "sketch")[0]["instance"]
    told = {event["name"]: event for event in events if event["event"] == "profile"}
    assert list(told) == ALL
    for name, engine in zip(OPEN, ("Redis", "Spark", "PostgreSQL", "ZetaSketch", "Trino")):
        assert engine in told[name]["unites_with"] and engine not in told[name]["never_with"]
        assert all(engine in told[other]["never_with"] for other in ALL if other != name)
        assert "can't be changed" in told[name]["effect"]
    assert "same key" in told["keyed"]["unites_with"]
    warned = {event["profile"]: event["effect"] for event in events
              if event["event"] == "precision"}
    assert set(warned) == {"redis", "zetasketch"}
    assert "never" in warned["redis"] and "14" in warned["redis"]


@pytest.mark.parametrize("precision, profiles", [
    (14, {}), (13, {"redis": "never"}), (10, {"redis": "never"}),
    (9, {"redis": "never", "zetasketch": "never"}), (16, {}), (17, {"trino": "folded to 16"}),
    (18, {"trino": "folded to 16", "postgres": "folded to 17"})])
def test_precisions_that_engines_lack(programs, precision, profiles):
    err = programs.count("-", "-p", precision, "--profile", ",".join(OPEN), "--validate").err
    warned = {event["profile"]: event["effect"] for event in parse_logfmt(err)
              if event["event"] == "precision"}
    assert set(warned) == set(profiles)
    assert all(effect in warned[name] for name, effect in profiles.items())


def test_people_see_each_minute_once(programs, frames, scratch):
    """On a terminal, in the first of the profiles, whatever their order."""
    path = scratch / "frames"
    path.write_bytes(lines(frames))
    done = subprocess.run([programs.bin / "headcountd", "-q", "--profile", "trino,redis", path],
                          capture_output=True, check=True, timeout=60,
                          env={**os.environ, "LD_PRELOAD": programs.bin / "terminal_preload.so",
                               "ASAN_OPTIONS": "verify_asan_link_order=0"})
    shown = done.stdout
    counts = [int(line.split()[2]) for line in shown.decode().splitlines()[1:]]
    alone = merged(programs, count(programs, frames, "--profile", "redis").out)
    assert sorted(counts) == sorted(row["uniques"] for row in alone)


def merge_error(programs, records, *options, code=0):
    done = subprocess.run([programs.bin / "headcount", "merge", *options], input=records,
                          capture_output=True, check=False, timeout=60)
    assert done.returncode == code
    return done.stderr.decode()


def test_what_merge_says_of_profiles(programs, frames):
    out = count(programs, frames, "--profile", "trino,datasketches").out
    assert "datasketches" in merge_error(programs, out) and "trino" in merge_error(programs, out)
    for name in ("trino", "datasketches"):
        assert merge_error(programs, out, "--profile", name) == ""
    err = merge_error(programs, out, "--profile", "redis", code=1)
    assert "datasketches, trino" in err
    other = count(programs, frames, "--profile", "redis").out
    assert "2 runs" not in merge_error(programs, out + other)
    assert "1 run counted in other profiles than redis" in merge_error(programs, out + other)
    assert not any(row["complete"] for row in merged(programs, out + other))
    assert "no checkpoints" in merge_error(programs, out + other, "--format", "records")


def imported(record, minute, instance="import/0123456789abcdef/0"):
    """As `convert --from` writes it: nothing is known of where it comes from."""
    return json.dumps({**record, "minute": minute, "state": "late", "frames": 0, "fields": "",
                       "start": f"2016-07-11T13:{minute // 60 % 60:02}:00Z", "epoch": 0,
                       "instance": instance, "sequence": 1}).encode()


def test_imported_records_are_no_hole(programs, frames):
    out = count(programs, frames).out
    record = records_of(out, "sketch")[0]
    alone = imported(record, record["minute"])
    programs.verify(alone, code=1)  # no checkpoint at all: nothing can be said
    row, = merged(programs, alone)
    assert not row["complete"] and row["uniques"] == record["uniques"]
    archive = programs.headcount("merge", "--format", "records", input=alone)
    assert json.loads(archive)["fields"] == ""
    both = out + alone
    assert merged(programs, both) == merged(programs, out)
    assert merged(programs, alone + b"\n" + out) == merged(programs, out)
    said = programs.verify(both)
    assert ", ok" in said and "imported" in said and "loose" not in said
    archive = programs.headcount("merge", "--format", "records", input=alone + b"\n" + out)
    assert {row["fields"] for row in records_of(archive, "sketch")} == {record["fields"]}

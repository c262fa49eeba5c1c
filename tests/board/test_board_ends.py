"""Goal: a board says what is wrong before it begins, in words and by its exit code; it
loses nothing while its disk is full; it tells pages what changed while it changes,
and a page that takes nothing delays nobody; it can be copied while it runs, and ends
in order."""
import contextlib
import json
import resource
import socket
import sqlite3
import subprocess

import pytest
from boards import Board, Live, load, minutes_of, minutes_of_records
from frames import lines, small_frame

START = 1480000020
MINUTES = 200


@pytest.fixture(scope="module")
def records(build, tmp_path_factory):
    """Some hours of a few users, and their checkpoint: one record a line."""
    path = tmp_path_factory.mktemp("records") / "frames.jsonl"
    path.write_bytes(lines([small_frame(f"u{i * 7919 % 4001}", START + i)
                            for i in range(MINUTES * 60)]))
    done = subprocess.run([build / "bin" / "headcountd", "-q", "--stream", "users", path],
                          capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.splitlines(keepends=True)


@pytest.fixture
def file(scratch, records):
    path = scratch / "records.jsonl"
    path.write_text("".join(records))
    return path


def merged(build, path):
    done = subprocess.run([build / "bin" / "headcount", "merge", "--by", "minute", "--format",
                           "records", path], capture_output=True, text=True, timeout=60,
                          check=True)
    return minutes_of_records(done.stdout.splitlines())


@pytest.mark.parametrize(("words", "code", "said"), [
    (["-b", "localhost:9"], 2, "-t TOPIC"),
    (["-t", "uniques"], 2, "-b BROKERS"),
    (["-b", "localhost:9", "-t", "uniques", "FILE"], 2, "not both"),
    (["-e"], 2, "nothing to read"),
    (["--listen", "nowhere"], 2, "--listen"),
    (["--keep-minutes", "5m"], 2, "--keep-minutes"),
    (["--listen", "0.0.0.0:0"], 78, "--token-file"),
    (["--token-file", "/no/such/file"], 78, "/no/such/file"),
    (["-b", "localhost:9", "-t", "uniques", "-X", "group.id=x"], 78, "group.id"),
    (["/no/such/records"], 1, "/no/such/records"),
    (["--backup", "/no/such/folder/copy.db"], 1, "/no/such/folder/copy.db"),
])
def test_refused(build, scratch, words, code, said):
    db = scratch / "board.db"
    if "--backup" in words:
        load(build, db, "-e", "/dev/null")
    assert said in load(build, db, *words, code=code)


def test_no_store(build, scratch, file):
    alien = scratch / "alien.db"
    alien.write_bytes(b"not a database" * 1000)
    assert "no store" in load(build, alien, "-e", file, code=1)
    assert alien.read_bytes() == b"not a database" * 1000
    assert "No such file" in load(build, scratch / "none" / "board.db", "-e", file, code=1)


def test_one_at_a_time(build, scratch, file):
    db = scratch / "board.db"
    with Board(build, db) as board:
        assert "another board" in load(build, db, "-e", file, code=1)
        taken = ["--listen", board.address]
        assert "in use" in load(build, scratch / "other.db", *taken, code=1)
        assert board.end().code == 0
    load(build, db, "-e", file)


def test_frames_for_records(build, scratch):
    path = scratch / "frames.jsonl"
    path.write_bytes(lines([small_frame(f"u{i}", START + i) for i in range(3000)]))
    said = load(build, scratch / "board.db", path, "--listen", "127.0.0.1:0", code=1)
    assert said.count("event=record_refused") == 3 and "headcountd -o" in said


def test_one_frame_among_records(build, scratch, file):
    with open(file, "ab") as out:
        out.write(lines([small_frame("u", START)]))
    assert "refused=1" in load(build, scratch / "board.db", "-e", file)


def test_loaded_twice_changes_nothing(build, scratch, file):
    db = scratch / "board.db"
    for _ in range(2):
        load(build, db, "-e", file)
        assert minutes_of(db) == merged(build, file)


def feed(board, line):
    board.process.stdin.write(line.encode())
    board.process.stdin.flush()


def test_told_live(build, scratch, records):
    sketches = [line for line in records if '"type":"sketch"' in line]
    with Board(build, scratch / "board.db", "-", stdin=subprocess.PIPE) as board, \
            socket.create_connection(board.address.rsplit(":", 1)) as lazy, \
            Live(board.address) as live, Live(board.address, "?stream=others"):
        # Asks, and takes nothing of the answer.
        lazy.sendall(b"GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        board.wait_for(lambda: board.metric("headcount_board_live_clients")[""] == 3, "listeners")
        told = {}
        for line in sketches:
            feed(board, line)
        while len(told) < MINUTES:
            name, data = live.event()
            assert (name, data["stream"], data["by"]) == ("rows", "users", "minute")
            told.update({row["start"]: row for row in data["rows"]})
        assert list(told.values()) == board.rows(by="minute", from_=START, to=START + 60 * MINUTES)
        # A user who was there comes late: the number stays, and the row says it all the same.
        assert all(row["late"] == 0 for row in told.values())
        row = next(row for row in told.values()
                   if row["start"] == json.loads(sketches[-1])["start"])
        feed(board, sketches[-1].replace('"state":"closed"', '"state":"late"'))
        assert live.event()[1]["rows"] == [{**row, "late": 1}]
        # Whoever comes back is told what it missed, and whoever is from elsewhere that it
        # has to ask again.
        board.process.stdin.close()
        with Live(board.address, "?stream=users", {"Last-Event-ID": "0123-7"}) as foreign:
            assert foreign.event()[0] == "changed"
        assert board.end().code == 0, board.err


def test_full_disk(build, scratch, file):
    db, expected = scratch / "board.db", merged(build, file)
    with Board(build, db, file, prefix=["prlimit", "--fsize=300000:"]) as board:
        board.wait_for(lambda: board.events("store_down"), "a full disk")
        board.wait_for(lambda: "store" in board.get("/-/ready")[1], "not ready")
        assert board.get("/-/healthy")[0] == 200 and board.get("/api/v1/streams")[0] == 200
        assert board.metric("headcount_board_held")[""] == 1
        resource.prlimit(board.process.pid, resource.RLIMIT_FSIZE,
                         (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        board.wait_until_ready()
        assert board.events("store_up")
        assert board.end().code == 0, board.err
    assert minutes_of(db) == expected


def test_full_disk_to_the_end(build, scratch, file):
    with Board(build, scratch / "board.db", file, prefix=["prlimit", "--fsize=300000:"]) as board:
        board.wait_for(lambda: board.events("store_down"), "a full disk")
        done = board.end()
        assert done.code == 1 and board.events("not_written"), done.err


def test_a_load_does_not_wait(build, scratch, file):
    """For a disk that is full, or a sketch that is damaged; and goes on when told again."""
    db = scratch / "board.db"
    full = ["prlimit", "--fsize=300000:"]
    assert "event=not_written" in load(build, db, "-e", file, code=1, prefix=full)
    load(build, db, "-e", file)
    assert minutes_of(db) == merged(build, file)
    with contextlib.closing(sqlite3.connect(db)) as tables, tables:
        tables.execute("UPDATE hour SET seal = seal + 1")
    assert "event=not_written" in load(build, db, "-e", file, code=1)


def test_a_damaged_sketch_is_told_once(build, scratch, file):
    """It hinders what comes for its hour, and not what is asked of others; the store that
    writes all the same is not said to be up again."""
    db = scratch / "board.db"
    load(build, db, "-e", file)
    with contextlib.closing(sqlite3.connect(db)) as tables, tables:
        tables.execute("UPDATE hour SET seal = seal + 1")
    with Board(build, db, file) as board:
        board.wait_for(lambda: board.metric("headcount_board_flush_failures_total")[""] >= 3,
                       "three attempts")
        assert len(board.events("store_down")) == 1 and not board.events("store_up")
        assert "a backup" in board.err and board.metric("headcount_board_held")[""] == 1
        assert board.rows(by="minute", from_=START // 60 * 60, to=START // 60 * 60 + 600)
        assert board.end().code == 1


def test_copied_while_it_runs(build, scratch, file):
    db, copy = scratch / "board.db", scratch / "copy.db"
    with Board(build, db, file) as board:
        board.wait_until_ready()
        load(build, db, "--backup", copy)
        assert board.end().code == 0
    assert minutes_of(copy) == minutes_of(db) == merged(build, file)
    with Board(build, copy) as board:
        assert board.rows(by="day", from_=START, to=START + 86400)


def test_a_backup_replaces_copies_only(build, scratch, file):
    """Also with its two files the wrong way round: a board's own, running or not."""
    db, copy, other = scratch / "board.db", scratch / "copy.db", scratch / "token"
    load(build, db, "-e", file)
    load(build, db, "--backup", copy)
    before = minutes_of(db)
    load(build, db, "--backup", copy)
    assert minutes_of(copy) == before
    words = "sixteen characters or more\n" * 9
    other.write_text(words)
    refused = [(other, "no copy of a board's file"), (db, "a board keeps its numbers there")]
    with Board(build, db) as board:
        board.wait_until_ready()
        assert all(why in load(build, copy, "--backup", target, code=1) for target, why in refused)
        assert board.end().code == 0
    assert all(why in load(build, copy, "--backup", target, code=1) for target, why in refused)
    assert other.read_text() == words
    assert minutes_of(db) == before
    assert not list(scratch.glob("*.partial"))


def test_minutes_let_go(build, scratch, file):
    wanted = {"from_": START // 3600 * 3600, "to": START // 3600 * 3600 + 4 * 3600}
    last = {"from_": START + 60 * (MINUTES - 60), "to": START + 60 * MINUTES}
    db = scratch / "board.db"
    with Board(build, scratch / "all.db", file) as board:
        board.wait_until_ready()
        hours = board.rows(by="hour", **wanted)
        minutes = board.rows(by="minute", **last)
    with Board(build, db, file, "--keep-minutes", "1h") as board:
        board.wait_for(lambda: min(key[-1] for key in minutes_of(db)) > START
                       if minutes_of(db) else False, "minutes that went")
        assert len(minutes_of(db)) <= 61
        assert board.rows(by="hour", **wanted) == hours
        assert board.rows(by="minute", **last) == minutes
        assert board.rows(by="minute", from_=START, to=START + 600) == []
        assert board.end().code == 0
    # Nor do they come back.
    load(build, db, "-e", file)
    assert len(minutes_of(db)) <= 61

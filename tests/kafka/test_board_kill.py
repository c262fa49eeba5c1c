"""Goal: a board that is killed at any moment, while it writes too, ends with the very
sketches that headcount merge makes of the topic, having lost and repeated nothing,
and knows which minutes were late; and two boards of one topic hold the same bytes.
While brokers are away it goes on serving. What is wrong with a topic is said."""
import random
import subprocess
import time

import pytest
from boards import Board, late_of, late_of_records, load, minutes_of, minutes_of_records
from frames import stream

FAST = ["-X", "session.timeout.ms=3000", "-X", "heartbeat.interval.ms=300"]


@pytest.fixture(scope="module")
def records(tmp_path_factory, build):
    """Records and checkpoints of a run, one a line; and the true users of its minutes."""
    made = list(stream(47, 60000, users=4000, rate=0.1))
    frames = tmp_path_factory.mktemp("frames") / "frames.jsonl"
    frames.write_bytes(b"".join(frame.line + b"\n" for frame in made))
    done = subprocess.run([str(build / "bin" / "headcountd"), "-q", "--stream", "users",
                           "--memory", "1MiB", str(frames)],
                          capture_output=True, text=True, timeout=120, check=True)
    # As if one in seven had come late, which a file that is read in order has no cause for.
    return [line if i % 7 else line.replace('"state":"closed"', '"state":"late"')
            for i, line in enumerate(done.stdout.splitlines())]


@pytest.fixture(scope="module")
def merged(build, records):
    done = subprocess.run([str(build / "bin" / "headcount"), "merge", "--by", "minute",
                           "--format", "records"], input="\n".join(records) + "\n",
                          capture_output=True, text=True, timeout=120, check=True)
    return minutes_of_records(done.stdout.splitlines())


def words(broker, name):
    return ["-b", broker.bootstrap, "-t", name, *FAST]


def test_killed_while_it_writes(build, broker, topics, scratch, records, merged):
    name, db = "board-sigkill", scratch / "board.db"
    topics.create(name, 4)
    rng = random.Random(5)
    producer, at, kills = topics.producer(), 0, 0
    while at < len(records):
        more = len(records) // 6
        topics.produce(name, records[at:at + more], producer=producer)
        at += more
        with Board(build, db, *words(broker, name)) as board:
            # It writes four times a second: somewhere in, before or behind a transaction.
            wanted = rng.randrange(1, 150)
            board.wait_for(lambda: board.records() >= wanted or board.is_ready(), "some records")
            time.sleep(rng.random() / 3)  # a moment that nothing chooses
            board.kill()
            kills += 1
    assert kills >= 6
    load(build, db, *words(broker, name), "-e")
    assert minutes_of(db) == merged
    assert late_of(db) == late_of_records(records) != set()
    other = scratch / "other.db"
    load(build, other, *words(broker, name), "-e")
    assert minutes_of(other) == merged
    assert late_of(other) == late_of(db)
    # What was written once is not read again.
    said = load(build, db, *words(broker, name), "-e")
    assert "records=0 refused=0" in said


def test_broker_away(build, broker, topics, outage, scratch, records):
    name, db = "board-away", scratch / "board.db"
    topics.create(name, 2)
    topics.produce(name, records[:500])
    with Board(build, db, *words(broker, name)) as board:
        board.wait_for(lambda: board.records() == 500, "the first half")
        with outage(broker, 1):
            assert board.get("/api/v1/streams")[0] == 200
            assert board.get("/-/healthy")[0] == 200
        topics.produce(name, records[500:])
        board.wait_for(lambda: board.records() == len(records), "the rest")
        assert board.end().code == 0, board.err


def test_wrong_topics(build, broker, topics, scratch):
    name = "board-of-frames"
    topics.create(name, 2)
    topics.produce(name, [f'{{"uid":"u{i}","ts":1480000000}}' for i in range(2500)])
    said = load(build, scratch / "frames.db", *words(broker, name), "--listen", "127.0.0.1:0",
                code=1)
    assert "headcountd -o" in said
    # One that is not there yet is waited for, and said to be missing.
    missing = "board-not-yet"
    with Board(build, scratch / "later.db", *words(broker, missing)) as board:
        board.wait_for(lambda: missing in board.err, "the name of the topic")
        assert not board.is_ready()
        assert board.end().code == 0

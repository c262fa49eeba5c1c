"""Goal: what a store holds of a topic of records is what headcount merge says of
that topic, wherever its reader was killed and started again: it goes on at the
positions in its own file, whatever the group has committed, and two stores of one
topic hold the same."""
import csv
import datetime
import io
import signal
import subprocess

import pytest
from confluent_kafka import TopicPartition
from frames import stream

FAST = ["-X", "session.timeout.ms=3000", "-X", "heartbeat.interval.ms=300",
        "-X", "max.partition.fetch.bytes=30000"]


class Board:
    def __init__(self, build, brokers, db):
        self.driver, self.brokers, self.db = str(build / "bin" / "board_driver"), brokers, str(db)

    def _run(self, *words, code=0):
        done = subprocess.run([self.driver, *map(str, words)], capture_output=True, text=True,
                              timeout=120, check=False)
        assert done.returncode == code, done.stderr[-2000:]
        return [line.split() for line in done.stdout.splitlines()]

    def read(self, topic, group, flush_ms=50, die_after=None):
        """{partition: where it began} and how many records it took, if it came to its end."""
        told = self._run("read", self.db, self.brokers, topic, group, flush_ms,
                         *([die_after] if die_after else []), *FAST,
                         code=-signal.SIGKILL if die_after else 0)
        starts = {int(words[1]): int(words[2]) for words in told if words[0] == "START"}
        return starts, next((int(words[1]) for words in told if words[0] == "TOOK"), None)

    def rows(self, stream_name, by, zone="UTC"):
        return [words[0] for words in self._run("rows", self.db, stream_name, by, zone)]


def merged_rows(programs, lines, by, zone="UTC"):
    text = programs.headcount("merge", "--by", by, "--tz", zone, "--format", "csv",
                              input="".join(line + "\n" for line in lines).encode()).decode()
    rows = []
    for row in csv.DictReader(io.StringIO(text)):
        start = datetime.datetime.fromisoformat(row["start"].replace("Z", "+00:00"))
        rows.append(",".join([str(int(start.timestamp())), row["uniques"], row["low"],
                              row["high"], row["minutes"], row["complete"]]))
    return rows


@pytest.fixture(scope="module")
def records(tmp_path_factory, build):
    """Records and checkpoints of a run, one a line."""
    frames = tmp_path_factory.mktemp("frames") / "frames.jsonl"
    frames.write_bytes(b"".join(frame.line + b"\n" for frame in stream(43, 40000, users=3000,
                                                                       rate=0.1)))
    done = subprocess.run([str(build / "bin" / "headcountd"), "-q", "--stream", "users",
                           "--memory", "1MiB", str(frames)],
                          capture_output=True, text=True, timeout=120, check=True)
    return done.stdout.splitlines()


def test_killed_again_and_again(build, broker, topics, programs, scratch, records):
    name = "board-killed"
    topics.create(name, 3)
    topics.produce(name, records)
    ends = topics.ends(name)
    board = Board(build, broker.bootstrap, scratch / "board.db")
    before = {number: -1 for number in ends}
    for die_after in (1, 2, 3):
        starts, _ = board.read(name, f"{name}-{die_after}", flush_ms=0, die_after=die_after)
        assert all(starts[number] >= before[number] for number in ends)
        before = starts
    starts, took = board.read(name, f"{name}-last")
    assert any(position > 0 for position in starts.values())
    assert took == sum(ends.values()) - sum(max(start, 0) for start in starts.values())
    for by, zone in (("minute", "UTC"), ("hour", "Asia/Kathmandu"), ("day", "Europe/Zurich")):
        assert board.rows("users", by, zone) == merged_rows(programs, records, by, zone)


def test_positions_are_its_own(build, broker, topics, programs, scratch, records):
    name = "board-positions"
    topics.create(name, 2)
    topics.produce(name, records[:700])
    first = Board(build, broker.bootstrap, scratch / "first.db")
    starts, took = first.read(name, name)
    assert (starts, took) == ({0: -1, 1: -1}, 700)
    assert set(topics.committed(name, name).values()) == {None}
    # What a group commits is another's business.
    ends = topics.ends(name)
    topics.produce(name, records[700:])
    consumer = topics._consumer(name)
    consumer.commit(offsets=[TopicPartition(name, number, end + 7) for number, end in ends.items()],
                    asynchronous=False)
    consumer.close()
    starts, took = first.read(name, name)
    assert (starts, took) == (ends, len(records) - 700)
    assert first.read(name, name) == (topics.ends(name), 0)
    second = Board(build, broker.bootstrap, scratch / "second.db")
    assert second.read(name, f"{name}-2")[1] == len(records)
    assert second.rows("users", "minute") == first.rows("users", "minute")
    assert first.rows("users", "minute") == merged_rows(programs, records, "minute")

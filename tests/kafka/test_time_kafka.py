"""Goal: honest minutes of a topic close on time whatever others do to the clock:
partitions of very different speed, one that falls idle, one that comes back with
old data, bursts of damaged times, transactions that are committed, aborted or
left open. Aborted frames are never counted; registers stay a real Redis's."""
import random
import time

from confluent_kafka import Producer
from frames import small_frame
from oracle import Oracle, records_of
from programs import wait_for

LAG_S, EMIT_S, IDLE_S = 1, 0.2, 2
FAST = ["--emit-every", "200ms", "--max-lag", f"{LAG_S}s", "--idle-after", f"{IDLE_S}s", "--memory",
        "2MiB", "-X", "session.timeout.ms=3000", "-X", "heartbeat.interval.ms=300"]
# What the machine may take on top of what was promised.
BUSY_S = 15


def minute_of(now=None):
    now = int(time.time() if now is None else now)
    return now - now % 60


class Stream:
    """Frames whose times the test makes: a minute passes in no time."""

    def __init__(self, topics, name, partitions):
        self.topics, self.name = topics, name
        topics.create(name, partitions)
        self.producer = topics.producer()
        self.sent = []
        self.rng = random.Random(name)

    def send(self, partition, times, producer=None, counts=True):
        sender = producer or self.producer
        for second in times:
            frame = small_frame(f"user-{self.rng.randrange(500)}", second)
            sender.produce(self.name, frame.line, partition=partition)
            if counts:
                self.sent.append(frame)
        assert sender.flush(30) == 0

    def start(self, programs, *options):
        return programs.start("-b", self.topics.brokers, "-t", self.name, "-G", f"{self.name}-g",
                              "-o", f"{self.name}-out", *FAST, *options)

    def records(self, kind):
        if f"{self.name}-out" not in self.topics.names():
            return []
        return records_of(self.topics.read(f"{self.name}-out"), kind)

    def closed_while(self, partition, second, minute):
        """Whether it is closed, while one partition goes on with frames of that second."""
        self.send(partition, [second] * 5)
        return self.closed(minute)

    def closed(self, minute):
        return any(row["minute"] == minute and row["state"] != "open"
                   for row in self.records("sketch"))

    def check(self, programs, redis, daemon):
        ends = self.topics.ends(self.name)
        wait_for(lambda: all((self.topics.committed(f"{self.name}-g", self.name)[p] or 0) >= end
                             for p, end in ends.items()), "all committed")
        done = daemon.end()
        assert done.code == 0, done.err[-2000:]
        out = self.topics.read(f"{self.name}-out")
        Oracle(redis, now=1 << 36).add_frames(self.sent).check(programs, out)
        programs.verify(out)
        return done


def test_different_speeds_and_an_idle_one(programs, topics, redis):
    """A slow partition holds a minute open, and lets go of it once it is idle; back with data
    that is hours old it opens minutes again, and that is announced."""
    stream = Stream(topics, "speeds", 2)
    minute = minute_of() - 7200
    with stream.start(programs) as daemon:
        stream.send(1, [minute + 10] * 5)
        stream.send(0, [minute + n // 40 for n in range(40 * 100)])
        daemon.wait_for(lambda: stream.records("sketch"), "records")
        began = time.monotonic()
        daemon.wait_for(lambda: stream.closed_while(0, minute + 100, minute), "the minute closed",
                        IDLE_S + BUSY_S)
        assert time.monotonic() - began < IDLE_S + LAG_S + BUSY_S
        old = minute - 3 * 3600
        stream.send(1, [old + n // 10 for n in range(700)])
        daemon.wait_for(lambda: daemon.events("clock_reset"), "clock_reset announced")
        assert int(daemon.events("clock_reset")[0]["by_s"]) > 3600
        daemon.wait_for(lambda: stream.closed_while(0, minute + 101, old), "the old minute closed",
                        IDLE_S + BUSY_S)
        stream.check(programs, redis, daemon)


def test_bursts(programs, topics, redis):
    """Within the support nothing moves; beyond it the clock follows, says so, and is back after
    64 honest frames; nothing is counted differently."""
    stream = Stream(topics, "bursts", 1)
    minute = minute_of() - 7200
    with stream.start(programs, "--max-ahead", "1000d") as daemon:
        stream.send(0, [minute + n // 10 for n in range(300)])
        stream.send(0, [minute + 86400 * 30] * 15)
        stream.send(0, [minute + 30] * 64)
        daemon.wait_for(lambda: sum(row["frames"] for row in stream.records("checkpoint")) == 379,
                        "all counted")
        assert not daemon.events("clock_reset")
        marks = [row["partitions"][0]["watermark"] for row in stream.records("checkpoint")]
        assert all(mark is None or mark < minute + 60 for mark in marks)
        far = minute + 86400 * 300
        stream.send(0, [far + n for n in range(65)])
        daemon.wait_for(lambda: any((row["partitions"][0]["watermark"] or 0) > far - 60
                                    for row in stream.records("checkpoint")), "it followed")
        stream.send(0, [minute + 31 + n // 10 for n in range(1000)])
        daemon.wait_for(lambda: daemon.events("clock_reset"), "clock_reset announced")
        daemon.wait_for(lambda: stream.closed(minute), "the minute closed", BUSY_S)
        last = stream.records("checkpoint")[-1]["partitions"][0]["watermark"]
        assert minute + 60 <= last < minute + 200
        stream.send(0, [minute - 86400 * 300] * 200)
        daemon.wait_for(lambda: len(daemon.events("clock_reset")) > 1 or
                        sum(row["frames"] for row in stream.records("checkpoint")) == 1644,
                        "the past followed")
        stream.check(programs, redis, daemon)


def test_transactions(programs, topics, redis):
    """Committed ones count, aborted ones never; behind both the partition is at its end and
    falls idle; an open one is not waited for, nor counted before its end."""
    stream = Stream(topics, "transactions", 2)
    minute = minute_of() - 7200
    sender = Producer({"bootstrap.servers": topics.brokers, "transactional.id": "time-test"})
    sender.init_transactions(30)

    def transaction(times, end, counts):
        sender.begin_transaction()
        stream.send(0, times, sender, counts)
        end(30)
    with stream.start(programs) as daemon:
        for n in range(6):
            transaction([minute + n] * 20, sender.commit_transaction, True)
            transaction([minute + 600 + n] * 20, sender.abort_transaction, False)
        stream.send(1, [minute + n // 10 for n in range(1000)])
        # Partition 0 ends in a control record: it is idle nevertheless.
        daemon.wait_for(lambda: stream.closed_while(1, minute + 100, minute), "the minute closed",
                        IDLE_S + BUSY_S)
        sender.begin_transaction()
        stream.send(0, [minute + 120] * 50, sender, True)
        later = minute + 180
        stream.send(1, [later + n // 10 for n in range(1500)])
        daemon.wait_for(lambda: stream.closed_while(1, later + 150, later),
                        "closed beside an open one", IDLE_S + BUSY_S)
        assert not any(row["minute"] == minute + 120 for row in stream.records("sketch"))
        sender.commit_transaction(30)
        daemon.wait_for(lambda: any(row["minute"] == minute + 120
                                    for row in stream.records("sketch")), "counted at its end")
        stream.check(programs, redis, daemon)
    minutes = {row["minute"] for row in stream.records("sketch")}
    assert minute + 600 not in minutes

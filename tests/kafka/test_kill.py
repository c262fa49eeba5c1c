"""Goal: whenever an instance dies, no user is lost. Two instances share a group
while frames flow; one after the other is killed, half of the time at a random
moment, half at the moment of a commit. Then the rest is read to the end: every
minute has Redis's registers, and verify finds no hole."""
import json
import random
import threading
import time

import pytest
from frames import small_frame
from oracle import Oracle
from programs import wait_for
from topics import Tail

KILLS = 50
PARTITIONS = 4
START = 1468244340
# Frames a second while instances die, over this many minutes of frame time.
RATE = 4000
MINUTES = 12
USERS = 30000


class Feed(threading.Thread):
    """Produces frames at a steady rate until it is told to stop; all acknowledged."""

    def __init__(self, topics, name):
        super().__init__()
        self.topics, self.name = topics, name
        self.ended = threading.Event()
        self.frames = []
        self.failed = []

    def run(self):
        rng = random.Random(6)
        producer = self.topics.producer()

        def delivered(error, _):
            if error is not None:
                self.failed.append(error)
        while not self.ended.wait(0.05):
            for _ in range(RATE // 20):
                frame = small_frame(f"user-{rng.randrange(USERS)}",
                                    START + rng.randrange(60 * MINUTES))
                self.frames.append(frame)
                producer.produce(self.name, frame.line, partition=rng.randrange(PARTITIONS),
                                 on_delivery=delivered)
            producer.poll(0)
        assert producer.flush(60) == 0

    def stop(self):
        self.ended.set()
        self.join()
        assert not self.failed, self.failed[:3]


class Victims:
    """Two instances; the records that each has published tell who is at which point."""

    def __init__(self, programs, topics, name):
        self.programs = programs
        self.command = ["-b", topics.brokers, "-t", name, "-G", f"{name}-group", "-o",
                        f"{name}-out", "--emit-every", "100ms",
                        "-X", "session.timeout.ms=1000", "-X", "heartbeat.interval.ms=200"]
        self.started = []  # (Unix ms, daemon), the dead ones too
        self.running = []

    def start(self):
        daemon = self.programs.start(*self.command)
        self.started.append((int(time.time() * 1000), daemon))
        self.running.append(daemon)
        return daemon

    def wait_for_record(self, tail, kind):
        """Until one that runs has published a record of that kind; which one."""
        def seen():
            for daemon in self.running:
                assert daemon.process.poll() is None, daemon.err[-2000:]
            for value in tail.next():
                record = json.loads(value)
                owner = self.owner(record["epoch"])
                if record["type"] == kind and owner in self.running:
                    return owner
            return None
        return wait_for(seen, f"a {kind} record", limit_s=30)

    def owner(self, epoch_ms):
        """Whose start a record's epoch is: that of the last one started before."""
        return [daemon for start_ms, daemon in self.started if start_ms - 20 <= epoch_ms][-1]

    def kill(self, daemon):
        daemon.kill()
        self.running.remove(daemon)


@pytest.fixture
def victims(programs, topics):
    topics.create("kill", PARTITIONS)
    topics.create("kill-out", PARTITIONS, retention_ms=-1)
    found = Victims(programs, topics, "kill")
    yield found
    for daemon in found.running:
        daemon.kill()


def test_fifty_kills(programs, topics, victims, redis):
    rng = random.Random(7)
    feed = Feed(topics, "kill")
    feed.start()
    try:
        with Tail(topics, "kill-out") as tail:
            first = victims.start()
            first.wait_for(lambda: first.events("assigned"), "an assignment")
            victims.start()
            for number in range(KILLS):
                # A checkpoint on the topic: its commit is on the way.
                kind = "checkpoint" if number % 2 else "sketch"
                victim = victims.wait_for_record(tail, kind)
                if kind == "sketch":
                    time.sleep(rng.random() * 0.3)  # a random moment, not a wait
                victims.kill(victim)
                victims.start()
    finally:
        feed.stop()
    for daemon in list(victims.running):
        victims.kill(daemon)
    # As long as the dead are members, their partitions are not read by others.
    wait_for(lambda: topics.members("kill-group") == 0, "the group to be empty")
    programs.count(*victims.command, "-e")
    out = topics.read("kill-out")
    Oracle(redis).add_frames(feed.frames).check(programs, out)
    programs.verify(out)
    assert topics.committed("kill-group", "kill") == topics.ends("kill")

"""Goal: topics that are changed under a running headcountd cost no user: it goes on
where it can, and says why where it must not."""
import json
import signal

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka.admin import (AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType)
from frames import small_frame, stream
from oracle import Oracle
from programs import wait_for

FAST = ["--emit-every", "200ms", "-X", "session.timeout.ms=3000", "-X",
        "heartbeat.interval.ms=300", "-X", "topic.metadata.refresh.interval.ms=500"]
CONFIG, FAILED = 78, 1
LATER = 1468330740


def set_config(topics, name, key, value):
    resource = ConfigResource(ResourceType.TOPIC, name)
    resource.add_incremental_config(ConfigEntry(
        key, str(value), incremental_operation=AlterConfigOpType.SET))
    topics.admin.incremental_alter_configs([resource])[resource].result(30)


def remove(topics, name):
    topics.admin.delete_topics([name])[name].result(30)
    wait_for(lambda: name not in topics.names(), f"{name} is gone")


class Count:
    """A topic, its truth, and the program that counts it."""

    def __init__(self, topics, programs, redis, name):
        self.topics, self.programs, self.name = topics, programs, name
        self.truth = Oracle(redis)
        topics.create(name, 2)
        topics.create(f"{name}-out", 1)

    def options(self, *more):
        return ["-b", self.topics.brokers, "-t", self.name, "-G", f"{self.name}-group", "-o",
                f"{self.name}-out", *FAST, *more]

    def start(self, *more):
        return self.programs.start(*self.options(*more))

    def send(self, frames):
        self.topics.produce(self.name, [frame.line for frame in frames])
        self.truth.add_frames(frames)

    def wait_committed(self, daemon):
        ends = self.topics.ends(self.name)
        daemon.wait_for(lambda: self.topics.committed(f"{self.name}-group", self.name) == ends,
                        "all committed")

    def committed_none(self):
        """The group knows nothing of the topic; it is not there to be asked about."""
        wanted = ConsumerGroupTopicPartitions(f"{self.name}-group")
        found = self.topics.admin.list_consumer_group_offsets([wanted])[wanted.group_id].result(30)
        return not found.topic_partitions

    def check(self):
        out = self.topics.read(f"{self.name}-out")
        self.truth.check(self.programs, out)
        return out


@pytest.fixture
def count(topics, programs, redis, request):
    return Count(topics, programs, redis, request.node.name.translate(
        {ord("_"): "-", ord("["): "-", ord("]"): None}))


def test_an_output_that_is_to_be_compacted(count):
    """It would keep one record of a minute: ended, refused, and good again."""
    out = f"{count.name}-out"
    with count.start() as daemon:
        count.send(stream(1, 300, users=200))
        count.wait_committed(daemon)
        set_config(count.topics, out, "cleanup.policy", "compact,delete")
        done = daemon.done(40)
    assert done.code == FAILED and "cleanup.policy has compact" in done.err
    refused = count.programs.count(*count.options(), code=CONFIG)
    assert "cleanup.policy has compact" in refused.err
    set_config(count.topics, out, "cleanup.policy", "delete")
    count.send(stream(2, 300, users=200))
    count.programs.count(*count.options("-e"))
    count.programs.verify(count.check())


def test_an_output_that_takes_less_than_it_did(count):
    """Whole batches fail at first; nothing is lost, nothing waits for ever."""
    minute = 1468244340
    with count.start() as daemon:
        count.send([small_frame(f"first-{number}", minute) for number in range(100)])
        count.wait_committed(daemon)
        set_config(count.topics, f"{count.name}-out", "max.message.bytes", 30000)
        # Eighty minutes of some thousand bytes each make more than one batch.
        count.send([small_frame(f"user-{number}", minute + number % 80 * 60)
                    for number in range(80 * 400)])
        count.wait_committed(daemon)
        assert daemon.events("output_limit")[0]["max_message_bytes"] == "30000"
        assert daemon.end().code == 0
    count.programs.verify(count.check())


@pytest.mark.parametrize("asleep", [False, True])
def test_an_input_that_is_made_again(count, asleep):
    """What stood in either topic is counted, though the new one is longer and nothing
    between the two was seen: then only the group's lost positions tell."""
    with count.start("-X", "session.timeout.ms=30000") as daemon:
        count.send(stream(3, 400, users=300))
        count.wait_committed(daemon)
        if asleep:
            daemon.signal(signal.SIGSTOP)
        remove(count.topics, count.name)
        wait_for(lambda: count.committed_none(), "the group's positions are gone")
        count.topics.create(count.name, 2)
        count.send(stream(4, 500, users=300))
        if asleep:
            daemon.signal(signal.SIGCONT)
        count.wait_committed(daemon)
        assert daemon.events("topic_remade")
        assert daemon.end().code == 0
    count.check()


def test_an_output_that_is_made_again(count):
    """What was published is gone with it, but for what is published again; what comes
    then is there."""
    later = Oracle(count.truth.redis)
    with count.start() as daemon:
        count.send(stream(5, 200, users=100))
        count.wait_committed(daemon)
        remove(count.topics, f"{count.name}-out")
        count.topics.create(f"{count.name}-out", 1)
        frames = stream(6, 400, users=300, start=LATER)
        count.send(frames)
        count.wait_committed(daemon)
        daemon.signal(signal.SIGTERM)
        assert daemon.done(15).code == 0
    later.add_frames(frames)
    out = count.topics.read(f"{count.name}-out").splitlines()
    later.check(count.programs, b"\n".join(
        line for line in out if json.loads(line).get("minute", LATER) >= LATER))

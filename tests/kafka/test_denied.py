"""Goal: a user who may not read, write, join or create is told so by name, with
what to grant; nothing is counted wrong, and once it is granted the count goes on
without a restart, but where nothing could be begun."""
import contextlib

import kafka
import pytest
from confluent_kafka.admin import (AclBinding, AclBindingFilter, AclOperation, AclPermissionType,
                                   ResourcePatternType, ResourceType)
from frames import stream
from oracle import Oracle, records_of
from topics import Topics

FAST = ["--emit-every", "200ms", "-X", "session.timeout.ms=3000", "-X",
        "heartbeat.interval.ms=300", "-X", "topic.metadata.refresh.interval.ms=500"]
USER = "User:ANONYMOUS"
CONFIG, FAILED = 78, 1
COUNT = 600


@pytest.fixture(scope="module")
def guarded(request):
    """A broker where all that is not forbidden is allowed."""
    with kafka.Broker(request.config.getoption("--kafka"), {
            "group.min.session.timeout.ms": "500",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "true"}) as server:
        yield Topics(server.bootstrap)


def binding(kind, name, operation, make=AclBinding):
    return make(kind, name, ResourcePatternType.LITERAL, USER, "*", operation,
                AclPermissionType.DENY)


@contextlib.contextmanager
def denied(topics, kind, name, operation):
    # A single grant, too: where a resource has any, the rest would be forbidden.
    rules = [binding(kind, name, operation),
             AclBinding(kind, name, ResourcePatternType.LITERAL, USER, "*", AclOperation.ALL,
                        AclPermissionType.ALLOW)]
    for made in topics.admin.create_acls(rules).values():
        made.result(30)
    try:
        yield
    finally:
        filters = [binding(kind, name, operation, AclBindingFilter)]
        for gone in topics.admin.delete_acls(filters).values():
            gone.result(30)


class Stream:
    """A topic, half of its frames sent at first, and the program that counts it."""

    def __init__(self, topics, programs, redis, name):
        self.topics, self.programs, self.name = topics, programs, name
        self.frames = stream(5, COUNT, users=400)
        self.truth = Oracle(redis).add_frames(self.frames)
        topics.create(name, 2)
        topics.create(f"{name}-out", 1)
        self.send(self.frames[:COUNT // 2])

    def send(self, frames):
        self.topics.produce(self.name, [frame.line for frame in frames])

    def start(self, *options):
        return self.programs.start("-b", self.topics.brokers, "-t", self.name, "-G",
                                   f"{self.name}-group", "-o", f"{self.name}-out", *FAST, *options)

    def committed(self):
        return self.topics.committed(f"{self.name}-group", self.name)

    def finish(self, daemon):
        """What is left, granted by now, is counted like the rest."""
        self.send(self.frames[COUNT // 2:])
        ends = self.topics.ends(self.name)
        daemon.wait_for(lambda: self.committed() == ends, "all committed")
        assert daemon.end().code == 0
        out = self.topics.read(f"{self.name}-out")
        self.truth.check(self.programs, out)
        self.programs.verify(out)


@pytest.fixture
def counted(guarded, programs, redis, request):
    return Stream(guarded, programs, redis,
                  request.node.name.translate({ord("["): "-", ord("]"): None, ord(" "): "-"}))


# What is forbidden, and the code that tells it.
RIGHTS = {
    "read": (ResourceType.TOPIC, "", AclOperation.READ, "TOPIC_AUTHORIZATION_FAILED"),
    "write": (ResourceType.TOPIC, "-out", AclOperation.WRITE, "TOPIC_AUTHORIZATION_FAILED"),
    "group": (ResourceType.GROUP, "-group", AclOperation.READ, "GROUP_AUTHORIZATION_FAILED"),
}


def told(daemon):
    text = daemon.err.lower()
    return "authorization failed" in text and "allow this user" in text


@pytest.mark.parametrize("right", RIGHTS)
def test_granted_later(counted, right):
    kind, suffix, operation, code = RIGHTS[right]
    with contextlib.ExitStack() as rights:
        rights.enter_context(denied(counted.topics, kind, counted.name + suffix, operation))
        with counted.start() as daemon:
            daemon.wait_for(lambda: told(daemon), code)
            assert not records_of(counted.topics.read(f"{counted.name}-out"), "sketch")
            rights.close()
            counted.finish(daemon)


@pytest.mark.parametrize("right", RIGHTS)
def test_taken_away_and_granted_again(counted, right):
    kind, suffix, operation, code = RIGHTS[right]
    with counted.start() as daemon:
        half = counted.topics.ends(counted.name)
        daemon.wait_for(lambda: counted.committed() == half, "the first half committed")
        with denied(counted.topics, kind, counted.name + suffix, operation):
            counted.send(counted.frames[:50])
            daemon.wait_for(lambda: told(daemon), code)
        counted.finish(daemon)


def test_a_topic_that_may_not_be_created(counted):
    with denied(counted.topics, ResourceType.BROKER, "kafka-cluster", AclOperation.CREATE), \
            denied(counted.topics, ResourceType.TOPIC, "nowhere", AclOperation.CREATE):
        done = counted.programs.count("-b", counted.topics.brokers, "-t", counted.name, "-o",
                                      "nowhere", *FAST, code=CONFIG)
        assert "nowhere does not exist and can't be created" in done.err
        assert "uthorization failed" in done.err
        assert "nowhere" not in counted.topics.names()


def test_a_topic_that_may_not_be_looked_at(counted):
    """Said, but counting does not need it."""
    with denied(counted.topics, ResourceType.TOPIC, f"{counted.name}-out",
                AclOperation.DESCRIBE_CONFIGS):
        with counted.start() as daemon:
            daemon.wait_for(lambda: daemon.events("output_unchecked"), "the warning")
            counted.finish(daemon)


def test_to_the_end_of_what_may_not_be_read(counted):
    """A run that has an end does not wait for it for ever."""
    with denied(counted.topics, ResourceType.TOPIC, counted.name, AclOperation.READ):
        with counted.start("-e") as daemon:
            done = daemon.done(60)
    assert done.code == FAILED and "allow this user" in done.err

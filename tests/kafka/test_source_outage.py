"""Goal: a broker that freezes, dies, comes back late, or was never there ends
nothing: what was read is not read again, what is there is read when it is back,
and neither a commit nor a goodbye waits for a broker that does not answer."""
import signal
import time

import kafka
import pytest
from programs import wait_for
from source_member import Member, check_all, check_once, numbered
from topics import Topics

PATIENT = ["-X", "session.timeout.ms=10000", "-X", "heartbeat.interval.ms=500",
           "-X", "reconnect.backoff.max.ms=500"]
# Who has committed nothing begins anew if his session ends before a slow broker is back.
LASTING = ["-X", "session.timeout.ms=120000"]


@pytest.fixture(scope="module")
def node(request):
    """A broker of our own, to be frozen and killed."""
    with kafka.Broker(request.config.getoption("--kafka"),
                      {"group.min.session.timeout.ms": "500",
                       "log.cleaner.backoff.ms": "200"}) as server:
        yield server


@pytest.fixture
def topics(node):
    return Topics(node.bootstrap)


@pytest.fixture
def member(build, scratch, node):
    members = []

    def start(topic, *options):
        members.append(Member(build, scratch, node.bootstrap, topic, f"{topic}-group", *PATIENT,
                              *options))
        return members[-1]
    yield start
    for each in members:
        each.__exit__()


def test_a_broker_dies_and_comes_back(member, topics, node, outage):
    topics.create("dies", 2)
    topics.produce("dies", numbered(1000))
    reader = member("dies", *LASTING)
    reader.wait_kind("AT_END", 2)
    with outage(node, 3):
        pass
    Topics(node.bootstrap).produce("dies", numbered(1000))
    reader.wait_read(2000)
    reader.leave()
    check_once([reader], {0: 1000, 1: 1000})
    assert not reader.lines("MISSING", "REMADE", "FAILED")
    assert Topics(node.bootstrap).committed("dies-group", "dies") == {0: 1000, 1: 1000}


def test_a_broker_dies_while_messages_flow(member, topics, node, outage):
    """The commits that fail are made up for."""
    topics.create("flows", 2)
    topics.produce("flows", numbered(20000))
    reader = member("flows", "--slow", "200")
    reader.wait_read(2000)
    with outage(node, 3):
        pass
    reader.wait_read(20000)
    reader.leave()
    check_all([reader], {0: 10000, 1: 10000})
    assert not reader.lines("MISSING", "REMADE", "FAILED")


def test_nobody_there_at_the_start(member, topics, node, outage):
    topics.create("late")
    topics.produce("late", numbered(10))
    with outage(node, 0):
        reader = member("late")
        reader.wait(lambda: "event=kafka_log" in reader.err.read_text(), "a complaint")
        time.sleep(1)
        assert not reader.lines()
        assert reader.err.read_text().count("event=kafka_log") < 4
    reader.wait_read(10)
    reader.leave()


def test_a_frozen_broker_holds_up_no_commit_and_no_goodbye(member, topics, node):
    """The commit ends with an error after its deadline, ends are no longer
    confirmed, and the member leaves within seconds."""
    topics.create("frozen", 2)
    topics.produce("frozen", numbered(100))
    reader = member("frozen", "--commit-every", "500")
    reader.wait_kind("AT_END", 2)
    wait_for(lambda: all(age >= 0 for _, age in reader.ends().values()), "confirmed ends")
    node.freeze()
    try:
        before = len(reader.lines("COMMITTED"))
        reader.wait(lambda: [each for each in reader.lines("COMMITTED")[before:]
                             if each[1] != "ok"], "the error", 30)
        reader.wait(lambda: all(age > 5000 or age < 0 for _, age in reader.ends().values()),
                    "ends that nobody confirms", 15)
        started = time.monotonic()
        reader.signal(signal.SIGTERM)
        reader.done(limit_s=20)
        assert time.monotonic() - started < 18
        assert reader.kinds()[-2:] == ["FINISHED", "DESTROYED"]
    finally:
        node.thaw()
    again = member("frozen")
    topics.produce("frozen", numbered(10))
    again.wait_read(10)
    again.leave()
    check_all([reader, again], topics.ends("frozen"))


def test_a_frozen_broker_thaws(member, topics, node):
    """Longer than the session: whatever the group thinks, nothing is skipped."""
    topics.create("thaws", 2)
    topics.produce("thaws", numbered(100))
    reader = member("thaws", "-X", "session.timeout.ms=2000")
    reader.wait_kind("AT_END", 2)
    node.freeze()
    try:
        time.sleep(5)
    finally:
        node.thaw()
    topics.produce("thaws", numbered(100))
    reader.wait(lambda: reader.read() >= 200, "the rest")
    reader.leave()
    check_all([reader], topics.ends("thaws"))
    assert not reader.lines("MISSING", "REMADE", "FAILED")


def test_compacted_gaps_are_no_losses(member, topics):
    name = "compacted"
    topics.create(name, cleanup_policy="compact", segment_ms=100, min_cleanable_dirty_ratio=0.001,
                  max_compaction_lag_ms=100)
    producer = topics.producer()
    for number in range(300):
        producer.produce(name, str(number), key=str(number % 5))
        if number % 50 == 49:
            producer.flush()
            time.sleep(0.2)
    producer.flush()
    wait_for(lambda: len(topics.messages(name)) < 250 or producer.produce(name, "x", key="0")
             or producer.flush() or None, "compaction")
    reader = member(name, "--exit-at-end").done()
    assert reader.read() < 300 and not reader.lines("MISSING")
    assert topics.committed(f"{name}-group", name) == topics.ends(name)

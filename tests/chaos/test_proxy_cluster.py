"""Goal: a cluster behind the proxy is one: each of its three brokers has a port of the
proxy, which is all that clients ever hear of, and what one port does to its broker's
connections the others don't. Two instances count while the way to one broker damages,
resets and cuts: nothing is lost, and no commit is ahead."""
import contextlib
import os
import pathlib

import kafka_cluster
import pytest
from auditor import Auditor
from oracle import Oracle
from programs import wait_for
from proxy import Proxy
from steady_feed import Feed
from topics import Topics

NODES = (1, 2, 3)
HURT = 2
PARTITIONS = 6
TIMES = 3  # each fault has to hit so often before it is over
OPTIONS = ["--emit-every", "100ms", "-X", "session.timeout.ms=3000", "-X",
           "heartbeat.interval.ms=300", "-X", "reconnect.backoff.max.ms=300", "-X",
           "fetch.message.max.bytes=10000"]
# Each with the counter that tells that it happened.
FAULTS = [
    ("flip", {"probability": 0.2}, "flipped_down"),
    ("flip", {"probability": 0.5, "apis": ["produce"]}, "flipped_up"),
    ("reset_mid_frame", {"probability": 0.2}, "resets"),
    ("cut", {}, "cut"),
]


@pytest.fixture(scope="module")
def cluster(request):
    with kafka_cluster.Cluster(request.config.getoption("--kafka")) as nodes:
        yield nodes


@pytest.fixture
def proxy(cluster):
    with Proxy(cluster.brokers, seed=9) as found:
        yield found


def create(topics, name):
    """Each node leads a third of it."""
    topics.create(name, PARTITIONS, [[NODES[number % 3], NODES[(number + 1) % 3]]
                                     for number in range(PARTITIONS)],
                  retention_ms=-1, message_timestamp_type="LogAppendTime")


def peers(daemon):
    """Ports at the other end of a program's connections, by the kernel."""
    ours = set()
    for link in pathlib.Path(f"/proc/{daemon.process.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed since
            ours.add(os.readlink(link))
    rows = [row.split() for row in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(row[2].rpartition(":")[2], 16) for row in rows if f"socket:[{row[9]}]" in ours}


def suffer(proxy, kind, more, counter):
    """Until the one that is to be hurt has been, often enough; then until it is over."""
    wanted = proxy.counters(HURT).get(counter, 0) + TIMES

    def hit():
        if kind == "cut" and proxy.counters(HURT)["connections_now"]:
            proxy.set_fault(kind, node=HURT, **more)
        return proxy.counters(HURT).get(counter, 0) >= wanted
    if kind != "cut":
        proxy.set_fault(kind, node=HURT, **more)
    wait_for(hit, f"{kind} {more}")
    proxy.clear()


def test_one_of_three_is_hurt(programs, cluster, proxy, redis):
    name, topics = "one-of-three", Topics(cluster.bootstrap)
    create(topics, name)
    create(topics, f"{name}-out")
    behind, first = set(proxy.ports.values()), proxy.bootstrap.split(",", 1)[0]
    arguments = ["-b", first, "-t", name, "-G", f"{name}-group", "-o", f"{name}-out", *OPTIONS]
    with Auditor(cluster.bootstrap, f"{name}-group", name, f"{name}-out") as auditor:
        with programs.start(*arguments) as one, programs.start(*arguments) as two:
            with Feed(topics, name, PARTITIONS) as feed:
                for daemon in (one, two):
                    daemon.wait_for(lambda daemon=daemon: daemon.events("assigned"),
                                    "an assignment")
                for fault in FAULTS:
                    suffer(proxy, *fault)
                    assert all(peers(daemon) and peers(daemon) <= behind for daemon in (one, two))
            assert not feed.failed, feed.failed[:3]
            one.wait_for(lambda: topics.committed(f"{name}-group", name) == topics.ends(name),
                         "everything committed")
            for daemon in (one, two):
                assert daemon.end().code == 0
        violations, counters = auditor.stop()
    assert not violations and counters["frames_checked"] == len(feed.frames), violations[:3]
    for node in NODES:
        seen = proxy.counters(node)
        assert seen["frames_up"] > 20 and seen["frames_down"] > 20, seen
        assert all((seen.get(counter, 0) >= TIMES) == (node == HURT) for *_, counter in FAULTS)
    records = topics.read(f"{name}-out")
    Oracle(redis).add_frames(feed.frames).check(programs, records)
    programs.verify(records)

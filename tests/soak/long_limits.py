"""Goal: what takes minutes to go wrong doesn't. Run by tools/soak limits: the name
keeps it out of tools/check.

OUTAGE_S, 360 unless set, is more than max.poll.interval.ms, after which a member
that has stopped polling is thrown out. Truth: the oracle, and exact numbers.
"""
import os
import random
import subprocess
import time

import kafka_cluster
import pytest
from frames import small_frame
from oracle import Oracle, frames_total, records_of
from programs import wait_for
from topics import Topics

OUTAGE_S = float(os.environ.get("OUTAGE_S", "360"))
USERS = int(os.environ.get("USERS_OF_A_MINUTE", "100000000"))
START = 1468244340
PARTITIONS = 4


def scattered(seed, count, minutes):
    """Frames of many minutes in random order: few of them fit into the least memory."""
    rng = random.Random(seed)
    return [small_frame(f"{rng.getrandbits(40):x}", START + 60 * rng.randrange(minutes))
            for _ in range(count)]


def start(programs, topics, name, *options):
    return programs.start("-b", topics.brokers, "-t", name, "-G", f"{name}-group",
                          "-o", f"{name}-out", "--memory", "1MiB", "--emit-every", "1s", *options)


def committed(topics, name):
    return topics.committed(f"{name}-group", name) == topics.ends(name)


@pytest.fixture(scope="module")
def cluster(request):
    with kafka_cluster.Cluster(request.config.getoption("--kafka")) as nodes:
        yield nodes


def create_on(topics, name, partitions, nodes):
    """One copy of each partition, on these nodes in turn."""
    topics.create(name, partitions, [[nodes[number % len(nodes)]] for number in range(partitions)],
                  retention_ms=-1, min_insync_replicas=1)


@pytest.mark.parametrize("rebalance", [False, True])
def test_output_away_while_input_flows(programs, redis, cluster, rebalance):
    """The node that leads the output is down: the source is held back, the group
    lives, and nothing is skipped afterwards."""
    topics = Topics(cluster.bootstrap)
    name = f"held-{rebalance}"
    frames = scattered(61, 150000, 6000)
    create_on(topics, name, PARTITIONS, [1, 2])
    create_on(topics, f"{name}-out", 1, [3])
    with start(programs, topics, name) as daemon:
        topics.produce(name, [frame.line for frame in frames[:1000]])
        daemon.wait_for(lambda: committed(topics, name), "the first frames committed")
        cluster.nodes[3].kill()
        topics.produce(name, [frame.line for frame in frames[1000:]])
        daemon.wait_for(lambda: daemon.events("memory_full"), "the source held back")
        until = time.monotonic() + OUTAGE_S
        if rebalance:
            time.sleep(OUTAGE_S / 2)
            with start(programs, topics, name) as other:
                wait_for(lambda: topics.members(f"{name}-group") == 2, "two members")
                other.kill()
        time.sleep(max(0.0, until - time.monotonic()))
        assert daemon.process.poll() is None, daemon.err[-2000:]
        assert not committed(topics, name)
        cluster.nodes[3].start()
        daemon.wait_for(lambda: committed(topics, name), "everything committed", limit_s=120)
        assert daemon.end().code == 0
    out = topics.read(f"{name}-out")
    Oracle(redis).add_frames(frames).check(programs, out)
    said = programs.verify(out)
    # A member that was never thrown out has read each frame once.
    assert rebalance or frames_total(out)[0] == len(frames), said


def test_all_away(programs, topics, redis, broker, outage):
    """The only broker is gone, and comes back."""
    name = "gone"
    frames = scattered(62, 60000, 3000)
    topics.create(name, PARTITIONS)
    with start(programs, topics, name) as daemon:
        topics.produce(name, [frame.line for frame in frames[:30000]])
        daemon.wait_for(lambda: frames_total(topics.read(f"{name}-out"))[0] > 0
                        if f"{name}-out" in topics.names() else False, "the first records")
        with outage(broker, seconds=OUTAGE_S):
            pass
        assert daemon.process.poll() is None, daemon.err[-2000:]
        topics.produce(name, [frame.line for frame in frames[30000:]])
        daemon.wait_for(lambda: committed(topics, name), "everything committed", limit_s=120)
        assert daemon.end().code == 0
    out = topics.read(f"{name}-out")
    Oracle(redis).add_frames(frames).check(programs, out)
    programs.verify(out)


def test_very_many_users_of_one_minute(programs, scratch):
    """Each another one: memory stays, and so does the error."""
    peak = scratch / "peak"
    with subprocess.Popen(["seq", "-f", '{"uid":"u%.0f","ts":' + str(START) + "}", "1",
                           str(USERS)], stdout=subprocess.PIPE) as source:
        done = subprocess.run(["/usr/bin/time", "-q", "-f", "%M", "-o", peak,
                               programs.bin / "headcountd", "-q", "-"], stdin=source.stdout,
                              capture_output=True, check=True)
    assert int(peak.read_text()) < 24 * 1024
    last = records_of(done.stdout, "sketch")[-1]
    assert frames_total(done.stdout)[0] == USERS
    assert abs(last["uniques"] / USERS - 1) < 4 * 0.0081

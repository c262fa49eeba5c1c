"""Goal: several workers of one process share a topic as several processes would: each
minute has the registers of a real redis-server, every offset is covered, and a run
ends whether there are more partitions than workers or fewer."""
import signal

import pytest
from frames import stream
from oracle import Oracle, exported, frames_total, records_of

COUNT = 20000
FAST = ["--emit-every", "200ms", "-X", "session.timeout.ms=3000", "-X",
        "heartbeat.interval.ms=300"]
FAILED = 1


@pytest.fixture(scope="module")
def frames():
    return stream(51, COUNT, users=9000, rate=60.0)


@pytest.fixture(scope="module")
def truth(redis, frames):
    return Oracle(redis).add_frames(frames)


@pytest.fixture(scope="module")
def topic(topics, frames):
    topics.create("shared", 4)
    topics.produce("shared", [frame.line for frame in frames])
    return "shared"


def workers_of(out):
    return {row["instance"].rpartition("/")[2] for row in records_of(out, "checkpoint")}


@pytest.mark.parametrize("workers", [2, 4, 6])
def test_a_group_of_workers(programs, topics, topic, truth, workers):
    group, output = f"group-{workers}", f"shared-out-{workers}"
    options = ["-b", topics.brokers, "-t", topic, "-G", group, "-o", output, "-e", "--workers",
               workers, *FAST]
    assert programs.count(*options).code == 0
    out = topics.read(output)
    truth.check(programs, out)
    programs.verify(out)
    assert topics.committed(group, topic) == topics.ends(topic)
    assert frames_total(out)[0] >= COUNT
    again = programs.count(*options).err
    assert "headcountd: 0 frames" in again
    assert exported(programs, topics.read(output)) == exported(programs, out)


@pytest.mark.parametrize("workers", [1, 3, 6])
def test_a_trial_ends_and_commits_nothing(programs, topics, topic, truth, workers):
    """Members of a group without commits that left one by one would have their
    partitions read anew by those that are left."""
    done = programs.count("-b", topics.brokers, "-t", topic, "-e", "--workers", workers, *FAST,
                          limit_s=120)
    truth.check(programs, done.out)
    programs.verify(done.out)
    assert len(workers_of(done.out)) <= workers
    assert COUNT <= frames_total(done.out)[0]


def test_a_live_stream_that_is_stopped(programs, topics, frames, truth):
    name = "shared-live"
    topics.create(name, 4)
    with programs.start("-b", topics.brokers, "-t", name, "-G", "g-live", "-o", "shared-live-out",
                        "--workers", "3", *FAST) as daemon:
        for part in range(4):
            topics.produce(name, [frame.line for frame in frames[part::4]])
        daemon.wait_for(lambda: topics.committed("g-live", name) == topics.ends(name),
                        "everything committed")
        daemon.signal(signal.SIGTERM)
        assert daemon.done(15).code == 0
    truth.check(programs, topics.read("shared-live-out"))
    programs.verify(topics.read("shared-live-out"))


def test_no_valid_frame_at_all_is_no_count(programs, topics):
    """What none of the workers can read is committed by none of them."""
    topics.create("nonsense", 4)
    topics.produce("nonsense", [b"nonsense"] * 400)
    done = programs.count("-b", topics.brokers, "-t", "nonsense", "-G", "g-n", "-o", "n-out", "-e",
                          "--workers", "3", *FAST, code=FAILED)
    assert "no_valid_frames" in done.err
    assert set(topics.committed("g-n", "nonsense").values()) == {None}

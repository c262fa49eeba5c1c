"""Goal: from a real broker to a real broker, whatever the number of partitions
and instances, every minute has the registers of a real redis-server, every
offset is covered, and what is counted once is not counted again."""
import json
import re

import pytest
from frames import stream
from oracle import Oracle, exported, frames_total, merged, records_of

COUNT = 20000
FAST = ["--emit-every", "200ms", "-X", "session.timeout.ms=3000", "-X",
        "heartbeat.interval.ms=300"]
CONFIG, FAILED = 78, 1


@pytest.fixture(scope="module")
def frames():
    return stream(41, COUNT, users=9000, rate=60.0)


@pytest.fixture(scope="module")
def truth(redis, frames):
    return Oracle(redis).add_frames(frames)


def values(frames):
    return [frame.line for frame in frames]


def arguments(brokers, name, *options):
    return ["-b", brokers, "-t", name, "-G", f"{name}-group", "-o", f"{name}-out", *FAST, *options]


def run_to_the_end(programs, brokers, name, instances=1):
    daemons = [programs.start(*arguments(brokers, name, "-e")) for _ in range(instances)]
    try:
        for daemon in daemons:
            done = daemon.done()
            assert done.code == 0, done.err[-2000:]
    finally:
        for daemon in daemons:
            daemon.kill()


def check(programs, topics, truth, name):
    out = topics.read(f"{name}-out")
    truth.check(programs, out)
    programs.verify(out)
    assert topics.committed(f"{name}-group", name) == topics.ends(name)
    return out


@pytest.mark.parametrize("partitions, instances", [(1, 1), (1, 3), (4, 1), (4, 3)])
def test_to_the_end(programs, topics, frames, truth, partitions, instances):
    name = f"users-{partitions}-{instances}"
    topics.create(name, partitions)
    topics.produce(name, values(frames))
    run_to_the_end(programs, topics.brokers, name, instances)
    out = check(programs, topics, truth, name)
    run_to_the_end(programs, topics.brokers, name, instances)
    again = check(programs, topics, truth, name)
    assert len(records_of(again, "sketch")) == len(records_of(out, "sketch"))
    assert exported(programs, again) == exported(programs, out)
    assert frames_total(again)[0] >= COUNT


def test_one_instance_counts_each_frame_once(programs, topics, frames):
    """Without a rebalance or a crash nothing is read twice."""
    topics.create("once", 4)
    topics.produce("once", values(frames))
    run_to_the_end(programs, topics.brokers, "once")
    assert frames_total(topics.read("once-out"))[0] == COUNT


def test_live_with_members_that_leave(programs, topics, frames, truth):
    """Three instances; two leave in order while frames flow, the last at the end."""
    name = "live"
    topics.create(name, 4)
    daemons = [programs.start(*arguments(topics.brokers, name)) for _ in range(3)]
    try:
        for part in range(4):
            topics.produce(name, values(frames[part::4]))
            if part < 2:
                done = daemons.pop().end()
                assert done.code == 0, done.err[-2000:]
        daemons[0].wait_for(lambda: topics.committed(f"{name}-group", name) == topics.ends(name),
                            "everything committed")
        assert daemons.pop().end().code == 0
    finally:
        for daemon in daemons:
            daemon.kill()
    check(programs, topics, truth, name)


def test_verify_finds_the_gap(programs, topics, frames):
    """Each checkpoint that covered something is missed when it is gone."""
    name = "gap"
    topics.create(name, 2)
    with programs.start(*arguments(topics.brokers, name)) as daemon:
        for part in range(3):
            topics.produce(name, values(frames[part::3]))
            daemon.wait_for(lambda: topics.committed(f"{name}-group", name) == topics.ends(name),
                            "the part committed")
        assert daemon.end().code == 0
    rows = topics.read(f"{name}-out").splitlines(keepends=True)
    programs.verify(b"".join(rows))

    def moved(row):
        record = json.loads(row)
        return record["type"] == "checkpoint" and any(
            part["to"] > part["from"] for part in record["partitions"])
    chain = [number for number, row in enumerate(rows) if moved(row)]
    assert len(chain) >= 3
    for gone in chain[1:-1]:
        said = programs.verify(b"".join(rows[:gone] + rows[gone + 1:]), code=1)
        assert re.search(r"hole|gap|missing", said), said


def test_a_broker_away_for_ten_seconds(programs, topics, broker, frames, truth, outage):
    name = "outage"
    topics.create(name, 2)
    third = COUNT // 3
    with programs.start(*arguments(topics.brokers, name)) as daemon:
        topics.produce(name, values(frames[:third]))
        daemon.wait_for(lambda: topics.committed(f"{name}-group", name) == topics.ends(name),
                        "the first third committed")
        # Read or not when the broker goes, acknowledged or not: all of it counts.
        topics.produce(name, values(frames[third:2 * third]))
        with outage(broker, seconds=10):
            assert daemon.process.poll() is None
        topics.produce(name, values(frames[2 * third:]))
        daemon.wait_for(lambda: topics.committed(f"{name}-group", name) == topics.ends(name),
                        "everything committed after the outage")
        assert daemon.end().code == 0
    check(programs, topics, truth, name)


def test_starting_before_the_broker(programs, topics, broker, frames, truth, outage):
    name = "early"
    topics.create(name, 1)
    topics.produce(name, values(frames))
    with outage(broker, seconds=0):
        daemon = programs.start(*arguments(topics.brokers, name, "-e"))
        daemon.wait_for(lambda: daemon.err, "a word about the broker")
        assert daemon.process.poll() is None
    with daemon:
        assert daemon.done().code == 0
    check(programs, topics, truth, name)


def test_output_topic_is_made_to_last(programs, topics, frames):
    topics.create("made", 3)
    topics.produce("made", values(frames[:500]))
    run_to_the_end(programs, topics.brokers, "made")
    config = topics.config("made-out")
    assert config["cleanup.policy"] == "delete" and config["retention.ms"] == "-1"
    assert len(topics.ends("made-out")) == 3


def test_a_compacted_output_topic_is_refused(programs, topics):
    for number, policy in enumerate(["compact", "compact,delete"]):
        name = f"compacted-{number}"
        topics.create(name, 1)
        topics.create(f"{name}-out", 1, cleanup_policy=policy)
        err = programs.count(*arguments(topics.brokers, name, "-e"), code=CONFIG).err
        assert "cleanup.policy" in err and "compact" in err
        assert topics.committed(f"{name}-group", name) == {0: None}


def test_a_topic_too_small_for_a_record_is_refused(programs, topics):
    topics.create("small", 1)
    topics.create("small-out", 1, max_message_bytes=2000)
    err = programs.count(*arguments(topics.brokers, "small", "-e"), code=CONFIG).err
    assert "max.message.bytes" in err


def test_finite_retention_is_announced(programs, topics, frames):
    topics.create("finite", 1)
    topics.create("finite-out", 1, retention_ms=604800000)
    topics.produce("finite", values(frames[:100]))
    assert "retention" in programs.count(*arguments(topics.brokers, "finite", "-e")).err


def test_records_carry_the_time_of_publishing_and_their_key(programs, topics, frames):
    topics.create("keyed", 2)
    topics.produce("keyed", values(frames[:2000]))
    before = frames[0].time
    run_to_the_end(programs, topics.brokers, "keyed")
    for message in topics.messages("keyed-out"):
        row = json.loads(message.value())
        assert message.timestamp()[1] / 1000 > before + 86400
        if row["type"] == "sketch":
            assert message.key() == f"keyed\t{row['minute']}\t{{}}".encode()
        else:
            assert message.key() == row["instance"].encode()


def test_other_settings_are_refused_unless_adopted(programs, topics, frames, truth):
    name = "adopt"
    topics.create(name, 1)
    half = COUNT // 2
    topics.produce(name, values(frames[:half]))
    run_to_the_end(programs, topics.brokers, name)
    topics.produce(name, values(frames[half:]))
    at = topics.committed(f"{name}-group", name)
    other = arguments(topics.brokers, name, "-e")
    other[other.index(f"{name}-out")] = "elsewhere"
    err = programs.count(*other, code=CONFIG).err
    assert "elsewhere" in err and f"{name}-out" in err and "--adopt" in err
    for changed in (["--user-field", "id"], ["--stream", "others"], ["--time-unit", "ms"]):
        programs.count(*arguments(topics.brokers, name, "-e", *changed), code=CONFIG)
    assert topics.committed(f"{name}-group", name) == at
    programs.count(*other, "--adopt")
    truth.check(programs, topics.read(f"{name}-out") + topics.read("elsewhere"))
    assert topics.committed(f"{name}-group", name) == topics.ends(name)


def test_other_profiles_and_keys_are_refused_unless_adopted(programs, topics, frames, truth,
                                                             scratch):
    name = "profiles"
    keys = [scratch / "key", scratch / "other-key"]
    for number, key in enumerate(keys):
        key.write_text(f"{number + 1:032x}\n")
        key.chmod(0o600)
    topics.create(name, 1)
    half = COUNT // 2
    topics.produce(name, values(frames[:half]))
    both = ["--profile", "redis,keyed", "--key-file", keys[0]]
    first = programs.count(*arguments(topics.brokers, name, "-e", *both)).err
    topics.produce(name, values(frames[half:]))
    at = topics.committed(f"{name}-group", name)
    for changed in ([], ["--profile", "keyed", *both[2:]], ["--profile", "redis,trino"],
                    ["--profile", "redis,keyed,trino", *both[2:]],
                    [*both[:3], keys[1]]):
        err = programs.count(*arguments(topics.brokers, name, "-e", *changed), code=CONFIG).err
        assert "profiles=redis,keyed:" in err and "--adopt" in err
    assert topics.committed(f"{name}-group", name) == at
    again = ["--profile", "keyed", "--profile", "redis", *both[2:]]  # the same, otherwise said
    second = programs.count(*arguments(topics.brokers, name, "-e", *again)).err
    assert topics.committed(f"{name}-group", name) == topics.ends(name)
    # With which engines sketches unite is said when the count begins, and only then.
    assert first.count("event=profile ") == 2 and second.count("event=profile ") == 0
    records = topics.read(f"{name}-out")
    truth.check(programs, records)
    assert ", ok" in programs.verify(records)
    keyed = merged(programs, records, "--profile", "keyed")
    assert [row["start_s"] for row in keyed] == \
        [row["start_s"] for row in merged(programs, records, "--profile", "redis")]


def test_nothing_valid_is_not_committed(programs, topics):
    name = "wrong-unit"
    topics.create(name, 1)
    topics.produce(name, [b'{"uid":"u%d","ts":%d}' % (n, 1468244380123 + n)
                          for n in range(12000)])
    err = programs.count(*arguments(topics.brokers, name), code=FAILED).err
    assert "--time-unit ms" in err
    assert topics.committed(f"{name}-group", name) == {0: None}


def test_stdout_commits_only_for_a_named_group(programs, topics, frames, truth):
    name = "trial"
    topics.create(name, 2)
    topics.produce(name, values(frames))
    common = ["-b", topics.brokers, "-t", name, "-e", *FAST]
    truth.check(programs, programs.count(*common).out)
    assert set(topics.committed("headcount", name).values()) == {None}
    truth.check(programs, programs.count(*common, "-G", "named").out)
    assert topics.committed("named", name) == topics.ends(name)
    assert records_of(programs.count(*common, "-G", "named").out, "sketch") == []


def test_rejects_go_to_their_topic(programs, topics, frames, oracle):
    name = "rejected"
    topics.create(name, 1)
    bad = [b"no json", b"\x00\xff", b'{"uid":"a"}', b""]
    topics.produce(name, values(frames[:500]) + bad + values(frames[500:1000]))
    done = programs.count(*arguments(topics.brokers, name, "-e", "--rejects", "topic:bad-frames"))
    assert "not_json" in done.err
    oracle.add_frames(frames[:1000]).check(programs, topics.read(f"{name}-out"))
    found = topics.messages("bad-frames")
    assert sorted(message.value() or b"" for message in found) == sorted(bad)
    for message in found:
        headers = dict(message.headers())
        assert headers["source"] == b"rejected/0" and 500 <= int(headers["position"]) < 504


def test_start_at_the_latest_and_at_a_time(programs, topics, frames, oracle):
    name = "from-time"
    topics.create(name, 1)
    topics.produce(name, values(frames[:1000]))
    last = topics.messages(name)[-1].timestamp()[1]
    topics.wait_for_clock(last + 1000)
    topics.produce(name, values(frames[1000:2000]))
    common = ["-b", topics.brokers, "-t", name, "-e", *FAST]
    assert records_of(programs.count(*common, "--start", "latest").out, "sketch") == []
    out = programs.count(*common, "--start", last // 1000 + 1).out
    oracle.add_frames(frames[1000:2000]).check(programs, out)


def test_the_records_own_key_and_time(programs, topics, oracle):
    name = "own"
    topics.create(name, 1)
    producer = topics.producer()
    plain = stream(42, 1000, users=300)
    for frame in plain:
        producer.produce(name, b"anything", key=frame.user, timestamp=frame.time * 1000 + 7)
    assert producer.flush(60) == 0
    out = programs.count("-b", topics.brokers, "-t", name, "-e", *FAST, "--time-from", "record",
                         "--user-from", "key").out
    oracle.add_frames(plain).check(programs, out)


def test_validate_tells_of_both_topics(programs, topics):
    topics.create("valid", 2)
    done = programs.count(*arguments(topics.brokers, "valid", "--validate"))
    assert "valid" in done.out.decode() and "valid-out" in done.out.decode()
    assert "valid-out" not in topics.names(), "validating makes nothing"
    done = programs.count(*arguments(topics.brokers, "not-there", "--validate"), code=CONFIG)
    assert "not-there" in done.out.decode()
    topics.create("valid-compact", 1, cleanup_policy="compact")
    options = arguments(topics.brokers, "valid", "--validate")
    options[options.index("valid-out")] = "valid-compact"
    assert "compact" in programs.count(*options, code=CONFIG).out.decode()


def test_white_space_around_a_frame(programs, topics, oracle, frames):
    """A message is one frame, whatever white space surrounds it."""
    topics.create("spaces", 1)
    topics.produce("spaces", [b" \n" + line + b"\r\n" for line in values(frames[:500])])
    run_to_the_end(programs, topics.brokers, "spaces")
    oracle.add_frames(frames[:500]).check(programs, topics.read("spaces-out"))

"""Goal: a rejects topic holds every rejected frame with all that is known of it,
whatever the bytes, and gives all back through kcat; while it is gone, or takes
no such frame, reading waits or the loss is counted, nothing is committed that is
not settled, and the group stays alive."""
import base64
import json
import random
import shutil
import subprocess
import time

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from frames import stream
from oracle import Oracle, frames_total, merged, records_of
from programs import wait_for

FAST = ["--emit-every", "200ms", "-X", "session.timeout.ms=3000", "-X",
        "heartbeat.interval.ms=300"]
# How soon the producer gives up on a topic that is not there.
SOON = ["-X", "topic.metadata.propagation.max.ms=1000", "-X",
        "topic.metadata.refresh.interval.ms=1000"]
AT = 1468244340
KCAT = r"%K\t%S\t%h\n%k%s\n"
NASTY = [b"", b"\n", b"\r\n", b"a\r\n", b"\x00\xff\xfe\n\x80", b"-1\t5\treason=x\n",
         b'{"reason":"x"}', bytes(range(256)) * 8, b"[" * 900, b"z" * 1000000, None]


def arguments(topics, name, *options):
    return ["-b", topics.brokers, "-t", name, "-G", f"{name}-group", "-o", f"{name}-out",
            "--rejects", f"topic:{name}-bad", *FAST, *options]


def send(topics, name, values, key=None, timestamp_ms=None):
    producer = Producer({"bootstrap.servers": topics.brokers, "message.max.bytes": 2000000})
    for value in values:
        more = {} if timestamp_ms is None else {"timestamp": timestamp_ms}
        producer.produce(name, value, key=key, partition=0, **more)
    assert producer.flush(60) == 0


def kcat(topics, name):
    return subprocess.run([shutil.which("kcat"), "-C", "-b", topics.brokers, "-t", name, "-e", "-q",
                           "-o", "beginning", "-f", KCAT], capture_output=True, check=True,
                          timeout=60).stdout


def limit(topics, name, size):
    entry = ConfigEntry("max.message.bytes", str(size),
                        incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=[entry])
    topics.admin.incremental_alter_configs([resource])[resource].result(30)
    wait_for(lambda: topics.config(name)["max.message.bytes"] == str(size), "the limit known")


def committed(topics, name):
    return topics.committed(f"{name}-group", name)[0] or 0


def test_everything_comes_back(programs, topics, scratch):
    """From the topic through kcat, and from a file: the same frames, keys and times."""
    name = "nasty"
    topics.create(name, 1, max_message_bytes=2000000)
    topics.create(f"{name}-bad", 1, max_message_bytes=2000000)
    send(topics, name, NASTY, key=b"k\n\xff", timestamp_ms=AT * 1000 + 123)
    send(topics, name, [b'{"uid":"a","ts":%d}' % (AT + 7200)], timestamp_ms=AT * 1000)
    send(topics, name, [frame.line for frame in stream(61, 100)])
    programs.count(*arguments(topics, name, "-e"))
    values = NASTY + [b'{"uid":"a","ts":%d}' % (AT + 7200)]
    found = topics.messages(f"{name}-bad")
    assert [message.value() for message in found] == values
    for position, message in enumerate(found):
        headers = dict(message.headers())
        assert int(headers["position"]) == position and headers["source"] == b"nasty/0"
        assert int(headers["size"]) == len(values[position] or b"")
        nasty = position < len(NASTY)
        assert message.key() == (b"k\n\xff" if nasty else None)
        assert int(headers["timestamp"]) == AT * 1000 + (123 if nasty else 0)
        assert abs(int(headers["time"]) - time.time()) < 600
    back = programs.headcount("replay", "--format", "rejects", input=kcat(topics, f"{name}-bad"))
    rows = [json.loads(line) for line in back.splitlines()]
    assert [None if row["frame"] is None else base64.b64decode(row["frame"])
            for row in rows] == values
    assert {row["reason"] for row in rows} > {"empty", "not_json", "time_ahead"}
    path = scratch / "rejects"
    programs.count("-b", topics.brokers, "-t", name, "-e", *FAST, "--rejects", path)
    for ours, theirs in zip(rows, map(json.loads, path.read_bytes().splitlines()), strict=True):
        assert {**ours, "time": 0} == {**theirs, "time": 0}
    # Judged by its own record, not by when it is counted again.
    done = programs.count("-", "--input-format", "rejects", input=back, code=1)
    assert frames_total(done.out)[1]["time_ahead"] == 1
    done = programs.count("-", "--input-format", "rejects", "--max-ahead", "3h", input=back)
    assert [row["uniques"] for row in merged(programs, done.out, "--by", "all")] == [1]


@pytest.mark.parametrize("drop", [False, True], ids=["wait", "drop"])
def test_the_topic_is_deleted(programs, topics, redis, drop):
    name = f"gone-{'drop' if drop else 'wait'}"
    frames = stream(62, 3000)
    topics.create(name, 1)
    topics.create(f"{name}-bad", 1)
    bad = [b"bad %d" % n for n in range(40)]
    options = ["--rejects-down", "drop"] if drop else []
    with programs.start(*arguments(topics, name, *SOON, *options)) as daemon:
        send(topics, name, [frame.line for frame in frames[:1000]] + bad[:10])
        wait_for(lambda: committed(topics, name) == 1010, "the first part committed")
        before = [message.value() for message in topics.messages(f"{name}-bad")]
        topics.admin.delete_topics([f"{name}-bad"])[f"{name}-bad"].result(30)
        send(topics, name, bad[10:30] + [frame.line for frame in frames[1000:2000]])
        daemon.wait_for(lambda: daemon.events("rejects_down"), "rejects_down announced")
        if drop:
            wait_for(lambda: committed(topics, name) == 2030, "committed without them")
        else:
            assert committed(topics, name) <= 1010
        assert topics.members(f"{name}-group") == 1
        topics.create(f"{name}-bad", 1)
        if drop:
            def probed():
                bad.append(b"probe")
                send(topics, name, [b"probe"])
                return daemon.events("rejects_up")
            wait_for(probed, "rejects_up announced")
        else:
            daemon.wait_for(lambda: daemon.events("rejects_up"), "rejects_up announced")
        send(topics, name, bad[30:40] + [frame.line for frame in frames[2000:]])
        end = topics.ends(name)[0]
        wait_for(lambda: committed(topics, name) == end, "all committed")
        done = daemon.end()
    assert done.code == 0, done.err
    out = topics.read(f"{name}-out")
    Oracle(redis).add_frames(frames).check(programs, out)
    programs.verify(out)
    found = before + [message.value() for message in topics.messages(f"{name}-bad")]
    lost = sum(row.get("rejects_lost", 0) for row in records_of(out, "checkpoint"))
    if drop:
        assert 20 <= lost and len(found) + lost >= len(bad) and set(found) <= set(bad)
    else:
        assert set(found) == set(bad) and lost == 0


def test_what_the_topic_never_takes(programs, topics, redis):
    """A frame beyond its max.message.bytes: where it stood is kept, those beside it whole."""
    name = "limited"
    frames = stream(63, 500)
    topics.create(name, 1, max_message_bytes=2000000)
    topics.create(f"{name}-bad", 1)
    with programs.start(*arguments(topics, name)) as daemon:
        send(topics, name, [frame.line for frame in frames] + [b"one"])
        wait_for(lambda: committed(topics, name) == 501, "the first part committed")
        limit(topics, f"{name}-bad", 5000)
        rng = random.Random(64)  # what compresses may fit after all
        bad = [rng.randbytes(size) for size in (4000, 7000, 900000)]
        bad += [b"small %d" % n for n in range(20)]
        send(topics, name, bad)
        wait_for(lambda: committed(topics, name) == 501 + len(bad), "all committed")
        done = daemon.end()
    assert done.code == 0, done.err
    found = topics.messages(f"{name}-bad")
    cut = {int(dict(message.headers())["size"]) for message in found
           if dict(message.headers()).get("omitted") == b"value"}
    whole = {message.value() for message in found} - {b""}
    assert cut == {7000, 900000} and whole == {b"one", *bad} - {bad[1], bad[2]}
    Oracle(redis).add_frames(frames).check(programs, topics.read(f"{name}-out"))


def test_validate_looks_at_the_topic(programs, topics):
    topics.create("checked", 1)
    topics.create("checked-compacted", 1, cleanup_policy="compact")
    common = ["--validate", "-b", topics.brokers, "-t", "checked", "-o", "checked-out"]
    done = programs.count(*common, "--rejects", "topic:checked-new")
    assert b"ok: rejects: topic checked-new will be created" in done.out
    done = programs.count(*common, "--rejects", "topic:checked-compacted", code=78)
    assert b"error: rejects" in done.out and b"compact" in done.out

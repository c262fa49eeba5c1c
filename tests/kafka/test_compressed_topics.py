"""Goal: however a topic's producers compress, and when each does so in its own
way, every minute has the registers of a real redis-server and every offset is
covered. The producer is confluent_kafka's; that the broker holds what it is
meant to is read from its files."""
import struct

import pytest
from confluent_kafka import Producer
from frames import stream
from oracle import Oracle

CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
COUNT = 5000
PARTS = 15  # of the stream, one after the other
PARTITIONS = 2


@pytest.fixture(scope="module")
def frames():
    return stream(43, COUNT, users=3000, rate=60.0)


@pytest.fixture(scope="module")
def truth(redis, frames):
    return Oracle(redis).add_frames(frames)


def codecs_on_disk(broker, name):
    """The codec of each record batch in the broker's files."""
    found = []
    for partition in range(PARTITIONS):
        for path in sorted((broker.path / "data" / f"{name}-{partition}").glob("*.log")):
            data, at = path.read_bytes(), 0
            while at < len(data):
                size, = struct.unpack_from(">i", data, at + 8)
                attributes, = struct.unpack_from(">h", data, at + 21)
                found.append(attributes & 7)
                at += 12 + size
    return found


def produce(topics, name, frames, codecs):
    """Part after part, by the producers in turn."""
    producers = [Producer({"bootstrap.servers": topics.brokers, "compression.type": codec,
                           "linger.ms": 5, "acks": "all"}) for codec in codecs]
    for part in range(PARTS):
        lines = [frame.line for frame in frames[part * COUNT // PARTS:(part + 1) * COUNT // PARTS]]
        topics.produce(name, lines, producer=producers[part % len(producers)])


@pytest.mark.parametrize("codecs", [["gzip"], ["snappy"], ["lz4"], ["zstd"], list(CODECS)],
                         ids=lambda codecs: "-".join(codecs))
def test_the_count_does_not_know_how_it_travelled(programs, topics, broker, frames, truth, codecs):
    name = f"packed-{len(codecs)}-{codecs[0]}"
    topics.create(name, PARTITIONS)
    produce(topics, name, frames, codecs)
    assert set(codecs_on_disk(broker, name)) == {CODECS[codec] for codec in codecs}
    done = programs.count("-b", topics.brokers, "-t", name, "-G", f"{name}-group", "-o",
                          f"{name}-out", "--emit-every", "200ms", "-e")
    assert done.code == 0, done.err[-2000:]
    out = topics.read(f"{name}-out")
    truth.check(programs, out)
    programs.verify(out)
    assert topics.committed(f"{name}-group", name) == topics.ends(name)
    # What we write is compressed, too.
    assert set(codecs_on_disk(broker, f"{name}-out")) == {CODECS["zstd"]}

"""Goal: a Kafka emitter writes only where records can live, says what will
become of them, and acknowledges every record exactly once, when it is there:
through brokers that die, freeze or come late, topics that are full of small
limits, and readers of other make, who find each key where Java would put it."""
import datetime
import re
import signal
import subprocess
import time

import kafka
import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import (AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource,
                                   NewTopic, ResourceType)
from programs import parse_logfmt, wait_for


class Emitter:
    """A running emit_kafka_driver."""

    def __init__(self, build, scratch, brokers, topic, *options):
        number = len(list(scratch.glob("emitter-*.out")))
        self.out = scratch / f"emitter-{number}.out"
        self.err = scratch / f"emitter-{number}.err"
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen(
                [str(build / "bin" / "emit_kafka_driver"), brokers, topic, *map(str, options)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err)

    def text(self, pattern):
        """What follows the last whole line's beginning like this, or None."""
        lines = self.out.read_text(encoding="utf-8").rpartition("\n")[0]
        found = re.findall(f"^{pattern}(.*)$", lines, re.MULTILINE)
        return found[-1] if found else None

    def wait(self, pattern, limit_s=180):
        def seen():
            found = self.text(pattern)
            if found is None and self.process.poll() is not None and self.text(pattern) is None:
                raise AssertionError(f"ended without {pattern}: {self.out.read_text()}"
                                     + self.err.read_text())
            return found is not None
        wait_for(seen, pattern, limit_s)
        return self.text(pattern)

    def acked(self):
        return int(self.text("acked ") or 0)

    def done(self, limit_s=120):
        """Ends by itself: {what: how many}."""
        assert self.process.wait(limit_s) == 0, self.err.read_text()[-2000:]
        assert self.text("destroyed") is not None, self.out.read_text()
        return {key: int(value) for key, value in
                re.findall(r"(\w+)=(\d+)", self.text("done "))}

    def events(self, name):
        text = self.err.read_text(encoding="utf-8", errors="replace")
        return [event for event in parse_logfmt(text) if event["event"] == name]


@pytest.fixture
def emit(build, scratch):
    running = []

    def start(brokers, topic, *options):
        running.append(Emitter(build, scratch, brokers, topic, *options))
        return running[-1]
    yield start
    for each in running:
        if each.process.poll() is None:
            each.process.kill()
        each.process.wait()


def everything(brokers, topic, **properties):
    """All messages of a topic, up to the ends of now."""
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "emit-reader",
                         "enable.auto.commit": False, "check.crcs": True,
                         "isolation.level": "read_uncommitted", **properties})
    try:
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        left = {}
        for number in partitions:
            end = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10)[1]
            if end > 0:
                left[number] = end
        consumer.assign([TopicPartition(topic, number, 0) for number in left])
        messages = []
        deadline = time.monotonic() + 60
        while left:
            assert time.monotonic() < deadline, left
            message = consumer.poll(1.0)
            if message is None or message.error():
                continue
            messages.append(message)
            if message.offset() + 1 >= left[message.partition()]:
                del left[message.partition()]
        return messages
    finally:
        consumer.close()


def numbers(messages):
    return [int(message.key().decode().partition("-")[2]) for message in messages]


def config_of(brokers, topic):
    resource = ConfigResource(ResourceType.TOPIC, topic)
    admin = AdminClient({"bootstrap.servers": brokers})
    found = admin.describe_configs([resource])[resource].result(30)
    return {name: entry.value for name, entry in found.items()}


def set_config(brokers, topic, name, value):
    entry = ConfigEntry(name, str(value), incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": brokers})
    admin.incremental_alter_configs([resource])[resource].result(30)


def test_creates_a_missing_topic_that_keeps_records(emit, broker, topics):
    emitter = emit(broker.bootstrap, "emit-made", "--keep", "--partitions", 3, "--count", 10,
                   "--size", 50)
    assert emitter.done() == {"acked": 10, "errors": 0, "too_large": 0, "twice": 0, "out": 0}
    config = config_of(broker.bootstrap, "emit-made")
    assert config["cleanup.policy"] == "delete"
    assert config["retention.ms"] == "-1"
    assert len(topics.ends("emit-made")) == 3
    assert sorted(numbers(everything(broker.bootstrap, "emit-made"))) == list(range(10))
    assert emitter.events("output_created") and not emitter.events("output_retention")


def test_creates_with_the_brokers_defaults(emit, broker, topics):
    emit(broker.bootstrap, "emit-made-short", "--count", 1, "--size", 50).done()
    assert config_of(broker.bootstrap, "emit-made-short")["retention.ms"] == "604800000"
    assert len(topics.ends("emit-made-short")) == 1


@pytest.mark.parametrize("policy", ["compact", "compact,delete"])
def test_refuses_a_compacted_topic(emit, broker, topics, policy):
    name = f"emit-{policy.replace(',', '-')}"
    topics.create(name, cleanup_policy=policy)
    reason = emit(broker.bootstrap, name).wait("config ")
    assert name in reason and "cleanup.policy" in reason and "compact" in reason


def test_refuses_a_topic_too_small_for_a_record(emit, broker, topics):
    topics.create("emit-small", max_message_bytes=20000)
    reason = emit(broker.bootstrap, "emit-small", "--record-max", 19900).wait("config ")
    assert "max.message.bytes" in reason and "20000" in reason and "20028" in reason
    emit(broker.bootstrap, "emit-small", "--record-max", 19800).wait("ok ")


def test_refuses_a_name_that_can_be_none(emit, broker):
    reason = emit(broker.bootstrap, "emit/none").wait("config ")
    assert "emit/none" in reason


def test_announces_when_records_will_be_gone(emit, broker, topics):
    topics.create("emit-week", retention_ms=7 * 86400000)
    topics.create("emit-sized", retention_ms=-1, retention_bytes=1000000)
    before = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    emitter = emit(broker.bootstrap, "emit-week", "--keep")
    emitter.done()
    after = datetime.datetime.now(datetime.timezone.utc)
    event, = emitter.events("output_retention")
    gone = datetime.datetime.fromisoformat(event["gone_from"].replace("Z", "+00:00"))
    week = datetime.timedelta(days=7)
    assert before + week <= gone <= after + week
    emitter = emit(broker.bootstrap, "emit-week")
    emitter.done()
    assert not emitter.events("output_retention")
    emitter = emit(broker.bootstrap, "emit-sized", "--keep")
    emitter.done()
    assert emitter.events("output_retention")[0]["retention_bytes"] == "1000000"


def test_batches_fit_a_small_limit(emit, broker, topics):
    topics.create("emit-batches", max_message_bytes=100000)
    done = emit(broker.bootstrap, "emit-batches", "--count", 500, "--size", 10000).done()
    assert done == {"acked": 500, "errors": 0, "too_large": 0, "twice": 0, "out": 0}
    assert sorted(numbers(everything(broker.bootstrap, "emit-batches"))) == list(range(500))


def test_record_above_the_limit_is_too_large(emit, broker, topics):
    topics.create("emit-large", max_message_bytes=5000)
    assert emit(broker.bootstrap, "emit-large", "--count", 3, "--size", 6000).done() == {
        "acked": 0, "errors": 0, "too_large": 3, "twice": 0, "out": 0}
    assert everything(broker.bootstrap, "emit-large") == []


def test_largest_record_of_a_topic_with_a_large_limit(emit, broker, topics):
    topics.create("emit-huge", max_message_bytes=4000000)
    done = emit(broker.bootstrap, "emit-huge", "--count", 3, "--size", 3900000, "--record-max",
                3999000).done()
    assert done == {"acked": 3, "errors": 0, "too_large": 0, "twice": 0, "out": 0}
    assert [len(message.value()) for message in
            everything(broker.bootstrap, "emit-huge", **{"fetch.message.max.bytes": 8000000,
                                                         "receive.message.max.bytes": 90000000})
            ] == [3900000] * 3


def test_limit_lowered_on_the_way(emit, broker, topics):
    """Batches fail, then smaller ones go; with a limit below a record it ends."""
    topics.create("emit-lowered", max_message_bytes=1000000)
    emitter = emit(broker.bootstrap, "emit-lowered", "--count", 2000, "--size", 9000, "--again",
                   "-X", "linger.ms=100", "--slow", 1)
    emitter.wait("acked ")
    set_config(broker.bootstrap, "emit-lowered", "max.message.bytes", 20000)
    done = emitter.done()
    assert done["acked"] == 2000 and done["out"] == done["too_large"] == done["twice"] == 0
    assert set(numbers(everything(broker.bootstrap, "emit-lowered"))) == set(range(2000))
    assert done["errors"] > 0
    assert [event["max_message_bytes"] for event in emitter.events("output_limit")] == ["20000"]
    assert "large" in emitter.events("delivery_failed")[0]["error"].lower()

    emitter = emit(broker.bootstrap, "emit-lowered", "--count", 100000, "--size", 9000,
                   "--record-max", 9000, "--again", "--slow", 5)
    emitter.wait("acked ")
    set_config(broker.bootstrap, "emit-lowered", "max.message.bytes", 5000)
    assert "max.message.bytes" in emitter.wait("failure ")


def test_survives_the_brokers_death(emit, request, scratch):
    """Killed and away for seconds, twice; everything is acknowledged once, and
    what is acknowledged is there."""
    with kafka.Broker(request.config.getoption("--kafka")) as server:
        emitter = emit(server.bootstrap, "emit-killed", "--partitions", 4, "--count", 4000,
                       "--size", 200, "--slow", 1, "-X", "reconnect.backoff.max.ms=1000")
        for at in 500, 2000:
            wait_for(lambda: emitter.acked() >= at, f"acked {at}")
            server.kill()
            time.sleep(3)
            server.start()
        assert emitter.done() == {"acked": 4000, "errors": 0, "too_large": 0, "twice": 0, "out": 0}
        assert set(numbers(everything(server.bootstrap, "emit-killed"))) == set(range(4000))


def test_frozen_broker_fills_a_bounded_queue_and_does_not_hold_the_end(emit, request):
    with kafka.Broker(request.config.getoption("--kafka")) as server:
        emitter = emit(server.bootstrap, "emit-frozen", "--count", 200000, "--size", 100,
                       "--slow", 0)
        emitter.wait("acked ")
        server.freeze()
        assert int(emitter.wait("full at ")) <= 16384
        server.thaw()
        assert emitter.done()["acked"] == 200000
        emitter = emit(server.bootstrap, "emit-frozen", "--count", 200000, "--size", 1000,
                       "--slow", 1)
        emitter.wait("acked ")
        server.freeze()
        emitter.process.send_signal(signal.SIGTERM)
        done = emitter.done(30)
        assert done["twice"] == 0
        server.thaw()


def test_bytes_in_flight_are_bounded(emit, broker, topics):
    emitter = emit(broker.bootstrap, "emit-bytes", "--count", 3000, "--size", 100000,
                   "--record-max", 100000)
    assert emitter.done()["acked"] == 3000
    assert int(emitter.text("full at ")) <= 16 * 1024 * 1024 // 100000


def test_waits_for_a_broker_that_comes_late(emit, request):
    """And creates a topic that keeps records where topics are compacted by default."""
    server = kafka.Broker(request.config.getoption("--kafka"), {"log.cleanup.policy": "compact"})
    try:
        emitter = emit(server.bootstrap, "emit-late", "--count", 10, "--size", 10)
        wait_for(lambda: emitter.events("output_waiting"), "output_waiting")
        assert emitter.text("ok ") is None
        server.start()
        assert emitter.done()["acked"] == 10
        assert config_of(server.bootstrap, "emit-late")["cleanup.policy"] == "delete"
    finally:
        server.close()


def test_gives_up_at_the_deadline_or_when_told(emit):
    port, = kafka.free_ports(1)
    reason = emit(f"127.0.0.1:{port}", "emit-nowhere", "--deadline", 1500).wait("failed ")
    assert "emit-nowhere" in reason and str(port) in reason
    emitter = emit(f"127.0.0.1:{port}", "emit-nowhere")
    wait_for(lambda: emitter.events("output_waiting"), "output_waiting")
    emitter.process.send_signal(signal.SIGTERM)
    assert "stopped" in emitter.wait("failed ")
    assert emitter.process.wait(30) == 0


def murmur2(data):
    """Kafka's default hash (org.apache.kafka.common.utils.Utils), as 32 bits."""
    def word(number):
        return number & 0xffffffff
    m = 0x5bd1e995
    h = word(0x9747b28c ^ len(data))
    whole = len(data) & ~3
    for at in range(0, whole, 4):
        k = word(int.from_bytes(data[at:at + 4], "little") * m)
        k = word((k ^ k >> 24) * m)
        h = word(h * m) ^ k
    if len(data) > whole:
        h = word((h ^ int.from_bytes(data[whole:], "little")) * m)
    h = word((h ^ h >> 13) * m)
    return h ^ h >> 15


def test_keys_go_where_java_puts_them(emit, broker, topics):
    # The cases of Kafka's own unit test.
    for text, expected in (("21", -973932308), ("foobar", -790332482),
                           ("a-little-bit-long-string", -985981536),
                           ("a-little-bit-longer-string", -1486304829),
                           ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
                           ("abc", 479470107)):
        assert murmur2(text.encode()) == expected & 0xffffffff
    topics.create("emit-keys", 7)
    emit(broker.bootstrap, "emit-keys", "--count", 2000, "--size", 20).done()
    messages = everything(broker.bootstrap, "emit-keys")
    assert len(messages) == 2000
    for message in messages:
        assert message.partition() == (murmur2(message.key()) & 0x7fffffff) % 7


def test_timestamp_is_now_headers_and_empty_values_stay(emit, broker, topics):
    before = int(time.time() * 1000)
    emit(broker.bootstrap, "emit-plain", "--count", 5, "--size", 0, "--header", "reason").done()
    messages = everything(broker.bootstrap, "emit-plain")
    assert len(messages) == 5
    for message, number in zip(messages, numbers(messages)):
        assert message.value() == b""
        assert message.headers() == [("reason", str(number).encode())]
        assert before <= message.timestamp()[1] <= int(time.time() * 1000)


def test_says_what_it_may_not_check(emit, request):
    """A user who may write but not describe: announced, and records flow."""
    port, = kafka.free_ports(1)
    plain = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    extra = {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl.plain.sasl.jaas.config": f'{plain} user_alice="apw";',
    }
    server = kafka.Broker(request.config.getoption("--kafka"), extra)
    path = server.path / "server.properties"
    text = path.read_text()
    for name in "listeners", "advertised.listeners":
        text = re.sub(f"^{name}=", f"{name}=SASL://127.0.0.1:{port},", text, flags=re.MULTILINE)
    text = text.replace("protocol.map=", "protocol.map=SASL:SASL_PLAINTEXT,")
    path.write_text(text + "inter.broker.listener.name=PLAINTEXT\n")
    try:
        server.start()
        admin = AdminClient({"bootstrap.servers": server.bootstrap})
        admin.create_topics([NewTopic("emit-secret", 1, 1)])["emit-secret"].result(30)
        from confluent_kafka.admin import (AclBinding, AclOperation, AclPermissionType,
                                           ResourcePatternType)
        for operation in AclOperation.WRITE, AclOperation.DESCRIBE:
            binding = AclBinding(ResourceType.TOPIC, "emit-secret", ResourcePatternType.LITERAL,
                                 "User:alice", "*", operation, AclPermissionType.ALLOW)
            admin.create_acls([binding])[binding].result(30)
        login = ["-X", "security.protocol=sasl_plaintext", "-X", "sasl.mechanism=PLAIN",
                 "-X", "sasl.username=alice", "-X", "sasl.password=apw"]
        emitter = emit(f"127.0.0.1:{port}", "emit-secret", "--count", 10, "--size", 10, *login)
        assert emitter.done()["acked"] == 10
        event, = emitter.events("output_unchecked")
        assert "cleanup.policy" in event["unchecked"] and "authori" in event["error"].lower()
        reason = emit(f"127.0.0.1:{port}", "emit-secret", "--deadline", 3000,
                      *login[:-1], "sasl.password=wrong").wait("failed ")
        assert "uthentication" in reason
    finally:
        server.close()

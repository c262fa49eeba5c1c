"""Goal: the proxy does what it says. Real clients of a real broker stay behind it,
and see each fault that it is told to make, and none that it isn't."""
import socket
import struct
import time

import proxy_protocol as protocol
import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from programs import wait_for
from proxy import Proxy, of_broker

MEMBER = {"session.timeout.ms": 3000, "heartbeat.interval.ms": 300,
          "auto.offset.reset": "earliest", "enable.auto.commit": False, "check.crcs": True}
RANDOM_BYTES = 1 << 20


@pytest.fixture
def proxy(broker):
    with of_broker(broker, seed=5) as found:
        yield found


def admin(proxy, **more):
    return AdminClient({"bootstrap.servers": proxy.bootstrap, "socket.timeout.ms": 2000} | more)


def asked(client, timeout=10):
    """Whether a broker answers now."""
    try:
        return bool(client.list_topics(timeout=timeout).brokers)
    except KafkaException:
        return False


def read(proxy, topic, group, count, **more):
    """The values that a member of the group gets, and the errors."""
    consumer = Consumer({"bootstrap.servers": proxy.bootstrap, "group.id": group} | MEMBER | more)
    values, errors = [], []
    consumer.subscribe([topic])

    def enough():
        for message in consumer.consume(1000, timeout=0.1):
            if message.error() is None:
                values.append(message.value())
            else:
                errors.append(message.error())
        return len(values) >= count
    try:
        wait_for(enough, f"{count} messages")
        consumer.commit(asynchronous=False)
    finally:
        consumer.close()
    return values, errors


def write(proxy, topic, values, **more):
    """What each delivery report says, None where it is good."""
    producer = Producer({"bootstrap.servers": proxy.bootstrap, "acks": "all",
                         "linger.ms": 5} | more)
    reports = []
    for value in values:
        producer.produce(topic, value, partition=0,
                         on_delivery=lambda error, _: reports.append(error))
    assert producer.flush(60) == 0
    return reports


# Clients stay behind it.

def test_clients_stay_behind_it(proxy, topics):
    """Brokers and coordinators are the proxy's ports, for this client and for a group."""
    topics.create("behind")
    values = [b"%d" % number for number in range(1000)]
    assert write(proxy, "behind", values) == [None] * 1000
    assert read(proxy, "behind", "behind-group", 1000) == (values, [])
    client = admin(proxy)
    brokers = client.list_topics(timeout=10).brokers.values()
    assert {broker.port for broker in brokers} == set(proxy.ports.values())
    described = client.describe_consumer_groups(["behind-group"])["behind-group"].result(10)
    assert described.coordinator.port == proxy.ports[1]
    assert topics.committed("behind-group", "behind") == {0: 1000}
    counters = proxy.counters()
    assert counters["frames_up"] >= counters["frames_down"] > 10
    assert not [name for name in counters if name.startswith(("flipped", "fault", "unreadable"))]


@pytest.mark.parametrize("version", range(9))
def test_metadata_of_every_version(version):
    """Only addresses of nodes that are ours change, and what follows stays."""
    def answer(addresses):
        brokers = b"".join(struct.pack(">i", node) + protocol.text(host) + struct.pack(">i", port)
                           + (protocol.text(b"rack") if version >= 1 else b"")
                           for node, host, port in addresses)
        head = struct.pack(">i", 77) + (struct.pack(">i", 0) if version >= 3 else b"")
        return head + struct.pack(">i", len(addresses)) + brokers + b"and the rest"
    before = answer([(1, b"one.example", 9092), (2, b"two", 9093), (3, b"three", 9094)])
    after = answer([(1, b"127.0.0.1", 41), (2, b"two", 9093), (3, b"127.0.0.1", 43)])
    addresses = {1: ("127.0.0.1", 41), 3: ("127.0.0.1", 43)}
    assert protocol.rewrite(protocol.METADATA, version, before, addresses) == after


@pytest.mark.parametrize("version", range(3))
@pytest.mark.parametrize("node", [2, -1])
def test_coordinators_of_every_version(version, node):
    def answer(host, port):
        head = struct.pack(">i", 77) + (struct.pack(">i", 0) if version >= 1 else b"")
        text = struct.pack(">h", -1) if version >= 1 else b""
        return (head + struct.pack(">h", 0) + text + struct.pack(">i", node)
                + protocol.text(host) + struct.pack(">i", port))
    found = protocol.rewrite(protocol.FIND_COORDINATOR, version, answer(b"two.example", 9093),
                             {2: ("127.0.0.1", 42)})
    assert found == (answer(b"127.0.0.1", 42) if node == 2 else answer(b"two.example", 9093))


@pytest.mark.parametrize("version", [0, 1, 2, 3, 4])
def test_newer_versions_are_hidden(version):
    compact = version >= 3

    def answer(rows):
        tags = b"\0" if compact else b""
        count = bytes([len(rows) + 1]) if compact else struct.pack(">i", len(rows))
        return (struct.pack(">ih", 9, 0) + count
                + b"".join(struct.pack(">hhh", *row) + tags for row in rows) + b"rest")
    before = [(0, 3, 12), (1, 4, 17), (2, 1, 10), (3, 0, 13), (10, 0, 6), (60, 0, 2), (8, 2, 9)]
    after = [(0, 3, 8), (1, 4, 11), (2, 1, 10), (3, 0, 8), (10, 0, 2), (8, 2, 9)]
    assert protocol.restrict(version, answer(before)) == answer(after)
    refused = struct.pack(">ih", 9, 35) + b"anything"
    assert protocol.restrict(version, refused) == refused


# Faults.

def test_a_delay(proxy):
    client = admin(proxy)
    assert asked(client)
    proxy.set_fault("delay", ms=300, jitter=50)
    started = time.monotonic()
    assert asked(client)
    assert time.monotonic() - started >= 0.5  # there and back
    assert proxy.counters()["delayed"] >= 2


def test_delays_do_not_add_up(proxy):
    """A hundred requests on their way at once are as late as one."""
    proxy.set_fault("delay", ms=1000, direction="down")
    with socket.create_connection(("127.0.0.1", proxy.ports[1])) as sock:
        for number in range(100):
            sock.sendall(api_versions(number))
        started = time.monotonic()
        assert [number for number, _ in answers(sock, 100)] == list(range(100))
        assert 0.5 < time.monotonic() - started < 50


def test_a_throttle(proxy, topics):
    topics.create("throttled")
    proxy.set_fault("throttle", bytes_per_s=100000, direction="up")
    started = time.monotonic()
    assert write(proxy, "throttled", [bytes(10000)] * 20) == [None] * 20
    assert time.monotonic() - started >= 1.5
    assert proxy.counters()["throttled_pieces"] >= 30


def test_a_stall_ends_where_it_began(proxy):
    """Nothing goes through; afterwards it does, on the connection that there was."""
    with socket.create_connection(("127.0.0.1", proxy.ports[1])) as sock:
        sock.sendall(api_versions(1))
        assert answers(sock, 1)[0][0] == 1
        proxy.set_fault("stall")
        sock.sendall(api_versions(2))
        wait_for(lambda: proxy.counters().get("stalled"), "the stall")
        sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            sock.recv(1)
        sock.settimeout(30)
        proxy.clear()
        assert answers(sock, 1)[0][0] == 2


def test_a_stall_of_one_kind_of_request(proxy, topics):
    """Of fetches only: the group works, and nothing is read until it is over."""
    topics.create("stalled")
    topics.produce("stalled", [b"one"])
    proxy.set_fault("stall", apis=["fetch"])
    consumer = Consumer({"bootstrap.servers": proxy.bootstrap, "group.id": "stalled-group"}
                        | MEMBER)
    try:
        consumer.subscribe(["stalled"])
        wait_for(lambda: consumer.consume(1, timeout=0.1) or consumer.assignment(), "to join")
        wait_for(lambda: proxy.counters().get("stalled"), "a fetch")
        assert not consumer.consume(1, timeout=1)
        proxy.clear("stall")
        assert wait_for(lambda: consumer.consume(1, timeout=0.1), "the message")
    finally:
        consumer.close()


@pytest.mark.parametrize("how", ["reset", "close"])
def test_a_cut(proxy, how):
    with socket.create_connection(("127.0.0.1", proxy.ports[1])) as sock:
        sock.settimeout(30)
        sock.sendall(api_versions(1))
        assert answers(sock, 1)
        proxy.set_fault("cut", node=1, how=how)
        if how == "reset":
            with pytest.raises(ConnectionResetError):
                sock.recv(1)
        else:
            assert sock.recv(1) == b""
    assert proxy.counters()["cut"] == 1
    client = admin(proxy)
    assert asked(client)
    proxy.set_fault("cut", how=how)
    wait_for(lambda: asked(client), "to come back")
    assert proxy.counters()["connections"] >= 3


def test_a_reset_in_mid_frame(proxy):
    """Part of a frame, neither none nor all; after it both ends are gone."""
    with socket.create_connection(("127.0.0.1", proxy.ports[1])) as sock:
        sock.settimeout(30)
        sock.sendall(api_versions(1))
        whole = 4 + len(answers(sock, 1)[0][1])
        proxy.set_fault("reset_mid_frame", probability=1, direction="down")
        sock.sendall(api_versions(1))
        got = b""
        with pytest.raises(ConnectionResetError):
            while len(got) < whole:
                got += sock.recv(whole)
        assert 0 < len(got) < whole
    client = admin(proxy)
    assert not asked(client, 1)
    proxy.clear()
    wait_for(lambda: asked(client), "to come back")
    assert proxy.counters()["resets"] >= 2


def test_a_flip_on_the_way_to_the_broker(proxy, topics):
    """The broker refuses every damaged batch, and holds what came through."""
    topics.create("flip-up")
    proxy.set_fault("flip", probability=0.5, apis=["produce"])
    values = [b"%d" % number for number in range(100)]
    reports = []
    for value in values:
        reports += write(proxy, "flip-up", [value], **{"retries": 0})
    flips = proxy.counters()["flipped_up"]
    assert 20 < flips < 80
    assert sum(error is not None for error in reports) == flips
    assert {place[0] for place in proxy.flips()} == {protocol.PRODUCE}
    held = [message.value() for message in topics.messages("flip-up")]
    assert held == [value for value, error in zip(values, reports) if error is None]


def test_a_flip_on_the_way_from_the_broker(proxy, topics):
    """A client that checks the CRCs hands out no damaged value. (After a damaged batch
    librdkafka reads on at a wrong place: it may begin again, or leave some out.)"""
    topics.create("flip-down")
    values = [b"%d" % number for number in range(200)]
    for begin in range(0, 200, 10):
        topics.produce("flip-down", values[begin:begin + 10])
    proxy.set_fault("flip", probability=0.3, direction="down")
    got, errors = read(proxy, "flip-down", "flip-down-group", 100,
                       **{"fetch.message.max.bytes": 1000, "fetch.wait.max.ms": 50})
    assert set(got) <= set(values)
    assert proxy.counters()["flipped_down"] == len(proxy.flips())
    assert {place[0] for place in proxy.flips()} == {protocol.FETCH} and errors


def test_a_flip_of_the_length(proxy):
    """Out of step: the client gives the connection up, and comes back."""
    client = admin(proxy)
    assert asked(client)
    proxy.set_fault("flip", probability=1, where="length", direction="down")
    assert not asked(client, 1)
    proxy.clear()
    wait_for(lambda: asked(client), "to come back")
    assert proxy.counters()["flipped_down"] >= 1


def test_a_refusal(proxy):
    """Of all that there is and that comes; the port is the same afterwards."""
    client = admin(proxy)
    assert asked(client)
    proxy.set_fault("refuse", node=1)
    for _ in range(3):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", proxy.ports[1])).close()
    assert not asked(client, 1)
    proxy.clear("refuse", 1)
    wait_for(lambda: asked(client), "to come back")


def test_half_open_connections(proxy):
    """They stay, and are dead for good; a new one works."""
    with socket.create_connection(("127.0.0.1", proxy.ports[1])) as sock:
        sock.sendall(api_versions(1))
        assert answers(sock, 1)
        proxy.set_fault("half_open")
        sock.sendall(api_versions(2))
        sock.settimeout(0.5)
        with pytest.raises(TimeoutError):
            sock.recv(1)
        assert asked(admin(proxy))
        with pytest.raises(TimeoutError):
            sock.recv(1)
    wait_for(lambda: proxy.counters()["connections_now"] <= 2, "it to be forgotten")


def test_the_broker_is_not_there():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with Proxy({1: nobody.getsockname()}) as proxy:
            with socket.create_connection(("127.0.0.1", proxy.ports[1])) as sock:
                sock.settimeout(30)
                assert sock.recv(1) == b""
            assert proxy.counters()["broker_unreachable"] == 1


def test_the_same_seed_gives_the_same_faults(broker):
    """The same requests over one connection, three times: two with the same seed."""
    found = []
    for seed in (1, 1, 2):
        with of_broker(broker, seed) as proxy:
            proxy.set_fault("flip", probability=0.2, where="any", direction="down")
            with socket.create_connection(("127.0.0.1", proxy.ports[1])) as sock:
                for number in range(100):
                    sock.sendall(api_versions(number))
                    answers(sock, 1)
            found.append(proxy.flips())
    assert found[0] == found[1] != found[2]
    assert 5 < len(found[0]) < 40


@pytest.mark.parametrize("kind, arguments", [
    ("dealy", {"ms": 3}), ("delay", {}), ("delay", {"ms": 3, "node_id": 1}),
    ("delay", {"ms": 3, "direction": "left"}), ("flip", {"probability": 2}),
    ("flip", {"probability": 0.5, "where": "head"}), ("throttle", {"bytes_per_s": 0}),
    ("delay", {"ms": 3, "apis": ["fetsch"]}), ("stall", {"node": 17})])
def test_what_is_no_fault_is_refused(proxy, kind, arguments):
    with pytest.raises(ValueError):
        proxy.set_fault(kind, **arguments)
    assert asked(admin(proxy))


def test_megabytes(proxy, topics):
    """Much data arrives as it was sent; -s shows how fast."""
    values = [bytes([number % 251]) * RANDOM_BYTES for number in range(64)]
    more = {"message.max.bytes": 8 * RANDOM_BYTES, "fetch.message.max.bytes": 8 * RANDOM_BYTES}
    topics.create("megabytes-large", max_message_bytes=16 * RANDOM_BYTES)
    started = time.monotonic()
    assert write(proxy, "megabytes-large", values, **{"message.max.bytes": 8 * RANDOM_BYTES}) \
        == [None] * 64
    written = time.monotonic()
    consumer = Consumer({"bootstrap.servers": proxy.bootstrap, "group.id": "megabytes"} | MEMBER
                        | more)
    consumer.assign([TopicPartition("megabytes-large", 0, 0)])
    got = []
    try:
        wait_for(lambda: got.extend(message.value() for message in consumer.consume(64, timeout=1)
                                    if not message.error()) or len(got) >= 64, "all")
    finally:
        consumer.close()
    assert got == values
    size = sum(map(len, values)) / 1e6
    print(f"to the broker {size / (written - started):.0f} MB/s, "
          f"from it {size / (time.monotonic() - written):.0f} MB/s")


# A client of plain sockets.

def api_versions(number):
    payload = struct.pack(">hhih", protocol.API_VERSIONS, 0, number, -1)
    return struct.pack(">i", len(payload)) + payload


def take(sock, size):
    got = b""
    while len(got) < size:
        more = sock.recv(size - len(got))
        if not more:
            raise ConnectionError("closed")
        got += more
    return got


def answers(sock, count):
    """[(number, payload)]"""
    found = []
    for _ in range(count):
        (size,) = struct.unpack(">i", take(sock, 4))
        payload = take(sock, size)
        found.append((protocol.number_of(payload), payload))
    return found

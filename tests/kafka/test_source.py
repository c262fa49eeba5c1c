"""Goal: a Kafka source hands over every offset of its partitions once and in
order, tells every fact in its place, and what it commits is where the next
member starts: through rebalances, back-pressure, and transactions."""
import signal
import threading
import time

import pytest
from confluent_kafka import TopicPartition
from programs import wait_for
from source_member import check_all, check_once, member, numbered  # noqa: F401


@pytest.mark.parametrize("partitions", [1, 4])
def test_reads_all_and_goes_on_where_it_left(member, topics, partitions):
    name = f"source-all-{partitions}"
    topics.create(name, partitions)
    topics.produce(name, numbered(10000))
    first = member(name)
    first.wait_kind("AT_END", partitions)
    first.leave()
    ends = topics.ends(name)
    check_once([first], ends)
    assert set(first.numbers("AT_END")) == set(ends.items())
    assert topics.committed(f"{name}-group", name) == ends
    assert first.starts() == [{number: (0, False, "-") for number in ends}]
    assert first.kinds()[-4:] == ["COMMITTED", "RELEASED", "FINISHED", "DESTROYED"]
    topics.produce(name, numbered(1000))
    second = member(name)
    second.wait_read(1000)
    second.leave()
    assert second.starts() == [{number: (end, True, f"pid={first.process.pid}")
                                for number, end in ends.items()}]
    check_once([first, second], topics.ends(name))


def test_values_keys_times_and_empty_messages(member, topics):
    topics.create("source-values")
    producer = topics.producer()
    producer.produce("source-values", "one", key="k", timestamp=1468244340123)
    producer.produce("source-values", None, key="tombstone", timestamp=1468244340124)
    producer.produce("source-values", "", timestamp=1468244340125)
    producer.flush()
    reader = member("source-values", "--exit-at-end", "--values").done()
    assert reader.lines("VALUE") == [
        ["VALUE", "0", "0", "1468244340123", "k", "one"],
        ["VALUE", "0", "1", "1468244340124", "tombstone"],
        ["VALUE", "0", "2", "1468244340125"]]


class Feed(threading.Thread):
    """Produces numbers at a steady rate until it is told to stop; all acknowledged."""

    def __init__(self, topics, name):
        super().__init__()
        self.topics, self.name = topics, name
        self.ended = threading.Event()

    def run(self):
        producer = self.topics.producer()
        while not self.ended.wait(0.02):
            for number in range(40):
                producer.produce(self.name, str(number), partition=number % 4)
            producer.poll(0)
        assert producer.flush(60) == 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()


def progress(members, count):
    """Waits until `count` more messages were read."""
    wanted = sum(each.read() for each in members) + count
    wait_for(lambda: sum(each.read() for each in members) >= wanted, "progress")


def test_members_come_and_go_without_hole_or_repeat(member, topics):
    """Members leave in order while others read: a successor starts at the last
    commit, so every offset is read once."""
    name = "source-churn"
    topics.create(name, 4)
    with Feed(topics, name):
        members = [member(name) for _ in range(3)]
        for turn in range(10):
            progress(members, 500)
            members[turn].leave()
            members.append(member(name))
        progress(members, 500)
    total = sum(topics.ends(name).values())
    wait_for(lambda: sum(each.read() for each in members) >= total, "everything read")
    for each in members[-3:]:
        each.leave()
    check_once(members, topics.ends(name))
    assert topics.committed(f"{name}-group", name) == topics.ends(name)
    assert not any(each.lines("MISSING", "REMADE", "FAILED") for each in members)


def test_members_are_killed_without_hole(member, topics):
    name = "source-kills"
    topics.create(name, 4)
    with Feed(topics, name):
        members = [member(name, "--commit-every", "50") for _ in range(3)]
        for turn in range(5):
            progress(members, 500)
            members[turn].kill()
            members.append(member(name, "--commit-every", "50"))
        progress(members, 500)
    wait_for(lambda: topics.committed(f"{name}-group", name) == topics.ends(name), "the commits")
    for each in members[-3:]:
        each.leave()
    check_all(members, topics.ends(name))
    assert not any(each.lines("MISSING", "REMADE", "FAILED") for each in members)


def test_leaves_while_there_is_more(member, topics):
    """Told to end, a member does not read on."""
    name = "source-leaves"
    topics.create(name, 2)
    topics.produce(name, numbered(60000))
    first = member(name, "--slow", "50")
    first.wait_read(3000)
    first.leave()
    assert first.read() < 50000
    second = member(name, "--exit-at-end").done()
    check_once([first, second], topics.ends(name))


def test_a_killed_member_leaves_what_it_committed(member, topics):
    """The successor starts exactly at the last commit that was acknowledged."""
    name = "source-killed"
    topics.create(name)
    topics.produce(name, numbered(20000))
    first = member(name, "--slow", "100", "--commit-every", "20")
    first.wait_kind("COMMITTED", 5)
    first.kill()
    committed = topics.committed(f"{name}-group", name)[0]
    second = member(name)
    second.wait_kind("AT_END")
    second.leave()
    assert second.starts()[-1][0][:2] == (committed, True)
    assert committed in {position for _, position in first.numbers("COMMIT")}
    check_once([second], topics.ends(name), start=committed)


def test_held_back_nothing_is_skipped_or_repeated(member, topics):
    name = "source-held"
    topics.create(name, 4)
    topics.produce(name, numbered(5000))
    with Feed(topics, name):
        reader = member(name, "--hold", "20")
        reader.wait_read(5000)
        progress([reader], 4000)
    reader.wait_read(sum(topics.ends(name).values()))
    reader.leave()
    check_once([reader], topics.ends(name))
    assert len(reader.lines("ASSIGNED")) == 1


@pytest.mark.parametrize("released", ["while it is away", "when it is back"])
def test_held_through_a_rebalance_and_beyond_the_session(member, topics, released):
    """A held member stays one, hands over nothing, and what was paused speaks
    again when the partitions come back."""
    name = f"source-held-long-{released[-4:]}"
    topics.create(name, 2)
    topics.produce(name, numbered(5000))
    first = member(name, "--slow", "200")
    first.wait_read(100)
    first.tell("hold")
    held = first.read()
    other = member(name, "--commit-every", "0")
    other.wait_kind("ASSIGNED")
    first.wait_kind("ASSIGNED", 2)
    time.sleep(4)  # longer than the session
    assert first.read() == held and not first.lines("LOST")
    if released == "while it is away":
        first.tell("release")
        progress([first], 1)
    other.leave()
    first.wait_kind("ASSIGNED", 3)
    if released == "when it is back":
        assert first.read() == held
        first.tell("release")
    topics.produce(name, numbered(100))
    first.wait_read(5100)
    first.leave()
    check_once([first], topics.ends(name))


def test_idle_and_lag_are_the_brokers_word(member, topics):
    name = "source-idle"
    topics.create(name, 2)
    topics.produce(name, numbered(500), partition=0)
    reader = member(name, "--slow", "1000")
    reader.wait_kind("AT_END", 2)
    wait_for(lambda: all(lag == 0 and 0 <= age < 2000 for lag, age in reader.ends().values()),
             "confirmed ends")
    reader.tell("hold")
    topics.produce(name, numbered(7), partition=0)
    wait_for(lambda: reader.ends()[0] == (7, -1), "a lag, and no end")
    assert 0 <= reader.ends()[1][1] < 2000
    reader.tell("release")
    wait_for(lambda: reader.ends()[0][0] == 0 and reader.ends()[0][1] >= 0, "confirmed again")
    reader.leave()
    check_once([reader], topics.ends(name))


def test_a_lost_member_goes_on(member, topics):
    """Frozen beyond its session, a member loses its partitions to another."""
    name = "source-lost"
    topics.create(name, 2)
    topics.produce(name, numbered(100))
    first = member(name)
    first.wait_kind("AT_END", 2)
    wait_for(lambda: topics.committed(f"{name}-group", name) == {0: 50, 1: 50}, "the commit")
    first.signal(signal.SIGSTOP)
    second = member(name)
    second.wait(lambda: len(second.starts()) == 1 and len(second.starts()[0]) == 2, "both taken")
    first.signal(signal.SIGCONT)
    first.wait_kind("ASSIGNED", 2)
    assert first.lines("LOST", "REVOKED")
    topics.produce(name, numbered(100))
    wait_for(lambda: first.read() + second.read() >= 200, "everything read")
    first.leave()
    second.leave()
    check_once([first, second], topics.ends(name))


class TestTransactions:
    def producer(self, topics, name):
        from confluent_kafka import Producer
        made = Producer({"bootstrap.servers": topics.brokers, "transactional.id": name})
        made.init_transactions(30)
        return made

    def write(self, producer, name, count, commit=True):
        producer.begin_transaction()
        for number in range(count):
            producer.produce(name, str(number), partition=0)
        producer.flush(30)
        if commit:
            producer.commit_transaction(30)
        else:
            producer.abort_transaction(30)

    def test_gaps_are_no_losses_and_ends_are_ends(self, member, topics):
        """A control record ends each transaction; what was aborted is not seen."""
        name = "source-txn"
        topics.create(name)
        producer = self.producer(topics, name)
        for turn in range(6):
            self.write(producer, name, 10, commit=turn != 3)
        reader = member(name)
        reader.wait_read(50)
        reader.wait(lambda: (0, 66) in reader.numbers("AT_END"), "the end of the partition")
        wait_for(lambda: reader.ends()[0][0] == 0 and reader.ends()[0][1] >= 0, "confirmed")
        reader.leave()
        assert reader.read() == 50 and not reader.lines("MISSING")
        assert topics.committed(f"{name}-group", name) == {0: 66}

    def test_held_in_the_middle_of_a_batch(self, member, topics):
        """Each transaction ends a run of messages: what is left of a batch when
        the flow is held back has to come again."""
        name = "source-txn-held"
        topics.create(name)
        producer = self.producer(topics, name)
        for _ in range(60):
            self.write(producer, name, 30)
        reader = member(name, "--hold", "20")
        reader.wait(lambda: (0, 60 * 31) in reader.numbers("AT_END"), "the end")
        reader.leave()
        assert [(run.first, run.next) for run in reader.runs()] == [
            (31 * turn, 31 * turn + 30) for turn in range(60)]

    def test_an_open_transaction_is_not_waited_for(self, member, topics):
        name = "source-txn-open"
        topics.create(name)
        producer = self.producer(topics, name)
        self.write(producer, name, 10)
        producer.begin_transaction()
        for number in range(5):
            producer.produce(name, str(number), partition=0)
        producer.flush(30)
        reader = member(name)
        reader.wait(lambda: (0, 11) in reader.numbers("AT_END"), "the readable end")
        wait_for(lambda: reader.ends()[0][1] >= 0, "confirmed")
        member(name, "--exit-at-end", "--earliest").done()
        producer.commit_transaction(30)
        reader.wait(lambda: (0, 17) in reader.numbers("AT_END"), "the new end")
        reader.leave()
        assert reader.read() >= 15
        assert topics.committed(f"{name}-group", name) == {0: 17}

    def test_offsets_that_are_not_stable_are_waited_for(self, member, topics):
        """The coordinator does not say where to start: the assignment waits, the
        membership does not suffer."""
        name = "source-unstable"
        topics.create(name, 2)
        topics.produce(name, numbered(20))
        member(name, "--exit-at-end").done()
        from confluent_kafka import Consumer
        consumer = Consumer({"bootstrap.servers": topics.brokers, "group.id": f"{name}-group"})
        producer = self.producer(topics, name)
        producer.begin_transaction()
        producer.send_offsets_to_transaction([TopicPartition(name, 0, 4)],
                                             consumer.consumer_group_metadata(), 30)
        consumer.close()
        reader = member(name)
        reader.wait(lambda: "event=assignment_waits" in reader.err.read_text(), "the wait")
        time.sleep(4)  # longer than the session
        assert not reader.lines("ASSIGNED")
        producer.commit_transaction(30)
        reader.wait_kind("ASSIGNED", limit_s=20)
        assert reader.starts() == [{0: (4, True, "-"), 1: (10, True, reader.starts()[0][1][2])}]
        reader.wait_read(6)
        reader.leave()

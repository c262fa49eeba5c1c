"""The auditor's process: auditor.py starts it, and tells what it does."""
import heapq
import json
import queue
import struct
import sys
import threading
import time
import traceback

from pathlib import Path

from confluent_kafka import Consumer, KafkaError, KafkaException, TIMESTAMP_LOG_APPEND_TIME
from confluent_kafka import TopicPartition

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

from auditor_ledger import Ledger  # noqa: E402

PERIOD_S = 0.2
TOPICS_S = 1.0
USERS_SHARE = 0.25
PATIENCE_MS = 10000
REQUEST_S = 10
READ_S = 30
ANEW_S = 15
STOP_S = 180
# Commits that were made longer ago are judged together, as far as users are concerned.
LAG_MS = 5000
COMMITS = "__consumer_offsets"
CLIENT = {"log_level": 0, "reconnect.backoff.max.ms": 500, "socket.timeout.ms": 5000}


class Reader:
    """Follows a topic, or what `choose` names of its partitions; `next` says how far
    each has been read."""

    def __init__(self, bootstrap, topic, isolation, take, choose=set):
        self.topic, self.take, self.next, self.first = topic, take, {}, {}
        self.choose = choose
        self.properties = {
            "bootstrap.servers": bootstrap, "group.id": "auditor", "enable.auto.commit": False,
            "auto.offset.reset": "earliest", "enable.partition.eof": True, "check.crcs": True,
            "isolation.level": isolation, "fetch.wait.max.ms": 50} | CLIENT
        self.consumer = Consumer(self.properties)

    def begin_anew(self):
        """From where it is, with a new client."""
        self.consumer.close()
        self.consumer = Consumer(self.properties)
        self.consumer.assign([TopicPartition(self.topic, number, offset)
                              for number, offset in self.next.items()])

    def find_partitions(self):
        found = self.consumer.list_topics(self.topic, timeout=REQUEST_S).topics[self.topic]
        if not found.partitions and not self.next:
            raise LookupError(f"no topic {self.topic}")
        for number in sorted(self.choose(found.partitions) - set(self.next)):
            asked = TopicPartition(self.topic, number)
            low, _ = self.consumer.get_watermark_offsets(asked, timeout=REQUEST_S)
            self.consumer.incremental_assign([TopicPartition(self.topic, number, low)])
            self.first[number] = self.next[number] = low

    def read(self, timeout_s):
        for message in self.consumer.consume(1000, timeout=timeout_s):
            error, partition = message.error(), message.partition()
            if error is None and message.offset() >= self.next[partition]:
                self.take(message)
                self.next[partition] = message.offset() + 1
            elif error and error.code() == KafkaError._PARTITION_EOF:
                self.next[partition] = max(self.next[partition], message.offset())

    def end(self, number):
        asked = TopicPartition(self.topic, number)
        return self.consumer.get_watermark_offsets(asked, timeout=REQUEST_S, cached=False)[1]

    def ends(self):
        return {number: self.end(number) for number in self.next}

    def has_read(self, ends):
        return all(self.next.get(number, 0) >= end for number, end in ends.items())


class Watch:
    def __init__(self, start):
        self.group, self.input, self.output = start["group"], start["input"], start["output"]
        self.ledger = Ledger(self.group, self.input, start["profile"])
        bootstrap = start["bootstrap"]
        # Never subscribed. An AdminClient would do, but aborts the process (2.16) when
        # a broker goes away under its request.
        self.properties = {"bootstrap.servers": bootstrap, "group.id": self.group,
                           "enable.auto.commit": False} | CLIENT
        self.member = Consumer(self.properties)
        self.frames = Reader(bootstrap, self.input, "read_committed", self.take_frame)
        self.records = Reader(bootstrap, self.output, "read_uncommitted", self.take_record)
        self.commits = Reader(bootstrap, COMMITS, "read_uncommitted", self.take_commit,
                              lambda found: {java_hash(self.group) % len(found)})
        # Whether the brokers' times say when each record came, once there is one.
        self.exact = None
        self.held, self.log = [], []  # records and commits not yet in the ledger
        self.committed, self.borne = {}, {}
        self.topics_at = self.users_at = 0.0
        self.stop_by = None  # once told to stop
        self.whole_at = time.monotonic()  # when all could be looked at

    def take_frame(self, message):
        self.ledger.add_frame(message.partition(), message.offset(), message.value() or b"",
                              message.timestamp()[1])

    def take_record(self, message):
        kind, time_ms = message.timestamp()
        name = f"{self.output} partition {message.partition()} offset {message.offset()}"
        if self.exact is None:
            self.exact = kind == TIMESTAMP_LOG_APPEND_TIME
            self.committed = {}
        heapq.heappush(self.held, (time_ms, name, message.value()))
        if not self.exact:
            self.apply(time_ms)

    def take_commit(self, message):
        found = commit_of(message.key(), message.value())
        if found and found[:2] == (self.group, self.input):
            self.log.append((message.timestamp()[1], *found[2:]))

    def apply(self, until_ms):
        """Records that were appended up to then go into the ledger."""
        while self.held and self.held[0][0] <= until_ms:
            time_ms, name, value = heapq.heappop(self.held)
            self.ledger.add_record(value, time_ms, name)

    # Questions to the brokers.

    def ask_committed(self):
        """{partition: offset} of the group."""
        asked = [TopicPartition(self.input, number) for number in self.frames.next]
        found = self.member.committed(asked, timeout=REQUEST_S) if asked else []
        return {each.partition: each.offset for each in found
                if each.error is None and each.offset >= 0}

    def find_topics(self):
        if time.monotonic() >= self.topics_at:
            self.frames.find_partitions()
            self.ledger.first = dict(self.frames.first)
            self.topics_at = time.monotonic() + TOPICS_S
            # They may not be there yet, and that alone excuses no commit.
            for reader in self.records, self.commits:
                try:
                    reader.find_partitions()
                except (KafkaException, LookupError):
                    self.ledger.counters["topics_not_there"] += 1

    # One look.

    def look(self):
        self.find_topics()
        if not self.exact:
            self.judge_answer()
        if self.exact:
            self.read_up_to(self.commits, self.commits.ends())
            self.read_up_to(self.records, self.records.ends())
            self.judge_log()
            if self.stop_by is not None:
                self.judge_answer()
        if self.ledger.suspects:
            self.apply(max(suspect.seen_ms for suspect in self.ledger.suspects))
        self.ledger.settle(time.time() * 1000 - PATIENCE_MS)
        self.ledger.counters["looks"] += 1

    def judge_log(self):
        """Each commit by the records that were there when it was made."""
        while self.log:
            time_ms, partition, offset = self.log[0]
            self.apply(time_ms)
            self.judge({partition: offset}, time_ms)
            self.read_up_to(self.frames, self.borne)
            if time.time() * 1000 - time_ms < LAG_MS or len(self.log) == 1:
                self.ledger.judge_users(self.borne)
            del self.log[0]

    def judge_answer(self):
        """What is committed now, by the records that are there afterwards."""
        exact, committed, seen_ms = self.exact, self.ask_committed(), time.time() * 1000
        self.read_up_to(self.records, self.records.ends())
        if self.exact and not exact:
            return  # the first record: now it is known how to look
        self.apply(seen_ms)
        self.judge(committed, seen_ms)
        self.read_up_to(self.frames, self.borne)
        started = time.monotonic()
        if started >= self.users_at or self.stop_by is not None:
            self.ledger.judge_users(self.borne)
            now = time.monotonic()
            self.users_at = now + (now - started) / USERS_SHARE

    def judge(self, committed, seen_ms):
        for partition, offset in committed.items():
            before = self.committed.get(partition)
            self.ledger.counters["went_back"] += before is not None and offset < before
            self.ledger.counters["commits_seen"] += offset != before
            self.committed[partition] = offset
            if offset > self.borne.get(partition, -1) and \
                    self.ledger.judge(partition, offset, seen_ms, bool(self.exact)):
                self.borne[partition] = offset

    @staticmethod
    def read_up_to(reader, ends):
        limit = time.monotonic() + READ_S
        while not reader.has_read(ends):
            if time.monotonic() > limit:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
            reader.read(0.05)
        reader.read(0)

    def look_safely(self):
        """Whether the look was a whole one. Brokers that are away are no violation."""
        try:
            self.look()
            self.whole_at = time.monotonic()
            return True
        except (KafkaException, TimeoutError, LookupError) as error:
            self.ledger.counters["looks_failed"] += 1
            self.last_error = repr(error)
            self.begin_anew()
            return False
        except Exception:  # our own bug is no clean bill
            self.last_error = traceback.format_exc()
            self.ledger.blame(f"the auditor failed: {self.last_error}")
            return False

    def begin_anew(self):
        """A client that has lost brokers often enough may have lost them for good (2.16): it
        fetches nothing and finds nobody, though all of them are back."""
        if time.monotonic() < self.whole_at + ANEW_S:
            return
        self.ledger.counters["clients_made_anew"] += 1
        self.member.close()
        self.member = Consumer(self.properties)
        for reader in self.frames, self.records, self.commits:
            reader.begin_anew()
        self.whole_at = time.monotonic()

    def finish(self):
        """Until a whole look has been taken that began after the question."""
        self.stop_by = time.monotonic() + STOP_S
        self.topics_at = 0.0
        while not self.look_safely() or self.ledger.suspects:
            if time.monotonic() > self.stop_by:
                self.ledger.blame(f"could not look at everything at the end: {self.last_error}")
                break
            time.sleep(PERIOD_S)

    last_error = "suspects are left"

    def state(self):
        return {"violations": self.ledger.violations, "counters": {
            **self.ledger.counters, "frames_waiting": sum(map(len, self.ledger.frames.values()))}}


def java_hash(text):
    """String.hashCode() without its sign: which partition a group's commits are in."""
    value = 0
    for byte in text.encode("ascii"):
        value = value * 31 + byte & 0xFFFFFFFF
    return value & 0x7FFFFFFF


def commit_of(key, value):
    """(group, topic, partition, offset) of a record of COMMITS, or None."""
    (version,), at, names = struct.unpack_from(">h", key), 2, []
    if version > 1 or not value:
        return None
    for _ in range(2):
        (size,) = struct.unpack_from(">h", key, at)
        names.append(key[at + 2:at + 2 + size].decode())
        at += 2 + size
    return (*names, *struct.unpack_from(">i", key, at), *struct.unpack_from(">q", value, 2))


def ask_all(questions):
    for line in sys.stdin:
        questions.put(json.loads(line))
    questions.put(None)


def answer(value):
    print(json.dumps(value), flush=True)


def main():
    questions = queue.SimpleQueue()
    threading.Thread(target=ask_all, args=(questions,), daemon=True).start()
    watch = Watch(questions.get())
    answer({})
    look_at = time.monotonic()
    while True:
        try:
            question = questions.get(timeout=max(0.0, look_at - time.monotonic()))
        except queue.Empty:
            watch.look_safely()
            look_at = time.monotonic() + PERIOD_S
            continue
        if question is None:
            return
        if question["ask"] == "stop":
            watch.finish()
        answer(watch.state())


if __name__ == "__main__":
    main()

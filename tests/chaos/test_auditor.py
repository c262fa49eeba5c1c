"""Goal: the auditor finds a commit that ran ahead of the records, whatever of the
records is not there, and finds nothing where all is. Output topics made by hand:
each has one fault."""
import base64
import json
import re
import time

import auditor_process
import native_form
import pytest
import record_lines
from auditor import Auditor
from auditor_ledger import Ledger, Spans
from auditor_process import Reader, Watch, java_hash
from confluent_kafka import Consumer, TopicPartition
from programs import wait_for

MINUTE = record_lines.MINUTE
GROUP = "audited"
EPOCH = 1468244380123


def users(first, last):
    return [f"user-{number}" for number in range(first, last)]


def frame(user, minute=MINUTE):
    return json.dumps({"uid": user, "ts": minute + 7}).encode()


def sketch(sequence, names, whole=True, minute=MINUTE, **members):
    made = native_form.make("redis", 14, [name.encode() for name in names])
    kind = "sparse" if made.coupons is not None else "dense"
    return record_lines.line(record_lines.golden("sparse") | {
        "sequence": sequence, "whole": whole, "minute": minute, "epoch": EPOCH, "sketch": {
            "profile": "redis", "precision": 14, "encoding": kind,
            "bytes": base64.b64encode(native_form.write(made)).decode()}} | members)


def checkpoint(number, sequences, parts, topic, **members):
    """Parts as (partition, from, to) or (partition, from, to, changes)."""
    return record_lines.checkpoint(number, sequences, parts, topic=topic, input_group=GROUP,
                                   epoch=EPOCH, **members)


# The ledger alone.

@pytest.mark.parametrize("added, hole", [
    ([], (0, 10)), ([(0, 10)], None), ([(0, 12)], None), ([(0, 4), (4, 10)], None),
    ([(4, 10), (0, 4)], None), ([(0, 4), (5, 10)], (4, 5)), ([(1, 10)], (0, 1)),
    ([(0, 9)], (9, 10)), ([(0, 3), (2, 6), (5, 10)], None), ([(6, 8), (0, 2), (1, 7)], (8, 10)),
    ([(3, 3), (0, 2)], (2, 10)), ([(0, 1), (2, 3), (4, 5), (0, 5)], (5, 10))])
def test_spans(added, hole):
    spans = Spans()
    for pair in added:
        spans.add(*pair)
    assert spans.hole(0, 10) == hole
    for offset in range(14):
        assert (offset in spans) == any(begin <= offset < end for begin, end in added)


def ledger_of(values, frames=10):
    ledger = Ledger(GROUP, "in")
    for offset, name in enumerate(users(0, frames)):
        ledger.add_frame(0, offset, frame(name), (MINUTE + 7) * 1000)
    for at, value in enumerate(values):
        ledger.add_record(value, at)
    return ledger


def judged(ledger, offset):
    if ledger.judge(0, offset, 0, patient=False):
        ledger.judge_users({0: offset})
    return ledger.violations


HONEST = [sketch(1, users(0, 6)), checkpoint(1, (1, 1), [(0, 0, 6)], "in"),
          sketch(2, users(0, 10)), checkpoint(2, (2, 2), [(0, 6, 10)], "in")]


def test_an_honest_topic():
    for offset in range(11):
        assert judged(ledger_of(HONEST), offset) == []
    ledger = ledger_of(HONEST * 2)  # each record twice
    assert judged(ledger, 10) == []
    assert ledger.counters["frames_checked"] == 10


@pytest.mark.parametrize("left_out, offset, words", [
    (0, 6, "checkpoint 1 of"), (1, 6, "no checkpoint covers [0, 6)"),
    (2, 10, "lacks sequence 2"), (3, 10, "no checkpoint covers [6, 10)"),
    (1, 10, "no checkpoint covers [0, 6)")])
def test_a_record_less(left_out, offset, words):
    """The first offset that needs it is refused, and those below are not."""
    values = [value for at, value in enumerate(HONEST) if at != left_out]
    found = judged(ledger_of(values), offset)
    assert len(found) == 1 and words in found[0] and f"offset {offset}" in found[0]
    if left_out > 1:
        assert judged(ledger_of(values), 6) == []


def test_a_user_less():
    """The records are all there, and one does not hold what it should."""
    values = [sketch(1, users(0, 6)), checkpoint(1, (1, 1), [(0, 0, 6)], "in"),
              sketch(2, users(0, 8) + users(9, 10)), checkpoint(2, (2, 2), [(0, 6, 10)], "in")]
    assert judged(ledger_of(values), 8) == []
    found = judged(ledger_of(values), 10)
    assert len(found) == 1 and "'user-8' of offset 8" in found[0]


def test_parts_of_a_window():
    """Sketches that are not whole are all united; a whole one speaks for the earlier ones."""
    ends = [checkpoint(1, (1, 2), [(0, 0, 10)], "in")]
    halves = [users(0, 5), users(5, 10)]
    parts = [sketch(1, halves[0]), sketch(2, halves[1], whole=False)]
    assert judged(ledger_of(parts + ends), 10) == []
    lies = [sketch(1, halves[0]), sketch(2, halves[1])]
    assert len(judged(ledger_of(lies + ends), 10)) == 5
    others = [sketch(1, halves[0]), sketch(2, halves[1], instance="b/1/0"),
              sketch(2, halves[0])]
    assert judged(ledger_of(others + ends), 10) == []


def test_what_was_replaced_need_not_be_there():
    values = [sketch(3, users(0, 10)),
              checkpoint(1, (1, 3), [(0, 0, 10)], "in", replaced=[1, 2])]
    assert judged(ledger_of(values), 10) == []
    values[1] = checkpoint(1, (1, 3), [(0, 0, 10)], "in", replaced=[2])
    assert "lacks sequence 1" in judged(ledger_of(values), 10)[0]


def test_what_is_called_missing_must_not_be_there():
    values = [sketch(1, users(0, 10)),
              checkpoint(1, (1, 1), [(0, 0, 12, {"missing": [[4, 5], [10, 12]]})], "in")]
    found = judged(ledger_of(values), 12)
    assert len(found) == 1 and "offset 4 is there, but is called missing" in found[0]


@pytest.mark.parametrize("members", [{"input_group": "other"}, {"topic": "other"}])
def test_the_checkpoints_of_others_do_not_count(members):
    values = [sketch(1, users(0, 10)), record_lines.line(
        json.loads(checkpoint(1, (1, 1), [(0, 0, 10)], "in")) | members)]
    assert len(judged(ledger_of(values), 10)) == 1


def test_rejected_frames_are_in_no_record():
    ledger = ledger_of([checkpoint(1, (1, 0), [(0, 0, 8)], "in")], frames=0)
    for offset, value in enumerate((b"", b"{", b"[]", b'{"uid":"a"}', b'{"uid":"","ts":1}',
                                    b'{"uid":"a","ts":"x"}', frame("a", MINUTE + 7200),
                                    b'{"uid":"a","ts":7,"x":"' + bytes(1 << 20) + b'"}')):
        ledger.add_frame(0, offset, value, MINUTE * 1000)
    assert judged(ledger, 8) == [] and ledger.counters["frames_rejected"] == 8


def test_broken_records_are_found():
    for value in (b"", b"{}", b'{"type":"sketch"}', b"[1]"):
        assert len(ledger_of([value]).violations) == 1
    broken = json.loads(HONEST[0])
    broken["sketch"]["bytes"] = base64.b64encode(b"HCSKnonsense").decode()
    assert "unreadable" in judged(ledger_of([record_lines.line(broken), HONEST[1]]), 6)[0]


def test_suspects():
    """With the broker's times: what came before the look excuses it, what came later doesn't."""
    for appended_ms, stale, words in ((900, 1, None), (1100, 0, "came later"),
                                      (None, 0, "no checkpoint")):
        ledger = ledger_of(HONEST[:1])
        assert not ledger.judge(0, 6, 1000, patient=True)
        ledger.settle(0)
        assert not ledger.violations and len(ledger.suspects) == 1
        if appended_ms:
            ledger.add_record(HONEST[1], appended_ms)
        ledger.settle(2000)
        assert ledger.counters["stale"] == stale and not ledger.suspects
        assert [words in text for text in ledger.violations] == ([True] if words else [])


def test_a_sequence_that_comes_late_is_no_excuse():
    ledger = ledger_of(HONEST[1:2])
    assert not ledger.judge(0, 6, 1000, patient=True)
    ledger.add_record(HONEST[0], 1100)
    ledger.settle(2000)
    assert len(ledger.violations) == 1


# With a broker.

def commit(broker, topic, offsets):
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": GROUP,
                         "enable.auto.commit": False})
    try:
        consumer.commit(offsets=[TopicPartition(topic, partition, offset)
                                 for partition, offset in offsets.items()], asynchronous=False)
    finally:
        consumer.close()


class Scene:
    """An input topic of two partitions with ten users each, and an output topic."""

    def __init__(self, broker, topics, name, stamp):
        self.broker, self.topics = broker, topics
        self.input, self.output = name, f"{name}-out"
        topics.create(self.input, 2)
        topics.create(self.output, 2, retention_ms=-1, message_timestamp_type=stamp)
        for partition in range(2):
            topics.produce(self.input, [frame(name) for name in users(10 * partition,
                                                                      10 * partition + 10)],
                           partition)

    def honest(self):
        return [sketch(1, users(0, 20)),
                checkpoint(1, (1, 1), [(0, 0, 10), (1, 0, 10)], self.input)]

    def publish(self, values):
        self.topics.produce(self.output, values)

    def commit(self, offsets):
        commit(self.broker, self.input, offsets)

    def auditor(self):
        return Auditor(self.broker.bootstrap, GROUP, self.input, self.output)


@pytest.fixture(params=["CreateTime", "LogAppendTime"])
def scene(broker, topics, request):
    name = re.sub(r"\W+", "-", request.node.name)
    return Scene(broker, topics, name, request.param)


def test_honest_commits_pass(scene):
    with scene.auditor() as auditor:
        scene.publish([sketch(1, users(0, 3)), checkpoint(1, (1, 1), [(0, 0, 3)], scene.input)])
        scene.commit({0: 3})
        wait_for(lambda: auditor.state()[1].get("commits_seen"), "the commit to be seen")
        scene.publish([sketch(2, users(0, 20)),
                       checkpoint(2, (2, 2), [(0, 3, 10), (1, 0, 10)], scene.input)])
        scene.commit({0: 10, 1: 10})
        wait_for(lambda: auditor.state()[1]["commits_seen"] >= 3, "the commits to be seen")
        scene.commit({0: 5})  # back, and on again
        wait_for(lambda: auditor.state()[1].get("went_back"), "the replay to be seen")
        violations, counters = auditor.stop()
    assert violations == [] and counters["frames_checked"] == 20
    assert counters["frames_waiting"] == 0 and counters["went_back"] == 1


@pytest.mark.parametrize("scene, fault", [
    ("CreateTime", "ahead"), ("CreateTime", "no sequence"), ("CreateTime", "no checkpoint"),
    ("CreateTime", "no user"), ("LogAppendTime", "ahead"), ("LogAppendTime", "no user")],
    indirect=["scene"])
def test_a_commit_without_its_records_is_found(scene, fault):
    values, committed = scene.honest(), {0: 10, 1: 10}
    if fault == "ahead":
        values[1] = checkpoint(1, (1, 1), [(0, 0, 10), (1, 0, 9)], scene.input)
    elif fault == "no sequence":
        values[1] = checkpoint(1, (1, 2), [(0, 0, 10), (1, 0, 10)], scene.input)
    elif fault == "no checkpoint":
        del values[1]
    else:
        values[0] = sketch(1, users(0, 13) + users(14, 20))
    scene.publish(values)
    with scene.auditor() as auditor:
        scene.commit(committed)
        violations, _ = auditor.stop()
    expected = {"ahead": ["[9, 10)"], "no sequence": ["sequence 2"] * 2,
                "no checkpoint": ["[0, 10)"] * 2, "no user": ["'user-13' of offset 3"]}[fault]
    assert len(violations) == len(expected), violations
    assert all(word in text for word, text in zip(expected, violations))


def test_a_commit_is_found_that_is_made_up_for_later(scene):
    """The end is right, and what lay between was not."""
    with scene.auditor() as auditor:
        scene.commit({1: 10})
        wait_for(lambda: auditor.state()[1].get("commits_seen"), "the commit to be seen")
        scene.publish(scene.honest())
        scene.commit({0: 10})
        violations, counters = auditor.stop()
    assert len(violations) == 1 and "partition 1: offset 10 was committed" in violations[0]
    assert counters["frames_checked"] == 20


@pytest.mark.parametrize("scene", ["LogAppendTime"], indirect=True)
def test_no_commit_is_too_short_to_be_seen(scene):
    """Made up for at once, before anybody could look: the log of commits tells."""
    scene.publish([sketch(1, users(0, 3)), checkpoint(1, (1, 1), [(0, 0, 3)], scene.input)])
    scene.commit({0: 3})
    scene.commit({0: 10, 1: 10})
    time.sleep(0.01)  # the brokers' times are in milliseconds
    scene.publish([sketch(2, users(0, 20)),
                   checkpoint(2, (2, 2), [(0, 3, 10), (1, 0, 10)], scene.input)])
    with scene.auditor() as auditor:
        violations, counters = auditor.stop()
    assert sorted(text[:42] for text in violations) == [
        "partition 0: offset 10 was committed, but ", "partition 1: offset 10 was committed, but "]
    assert counters["commits_seen"] == 3


@pytest.mark.parametrize("text, value", [
    ("", 0), ("abc", 96354), ("Aa", 2112), ("BB", 2112), ("polygenelubricants", 0)])
def test_java_hash(text, value):
    assert java_hash(text) == value


def test_topics_that_are_not_there_yet(broker, topics):
    with Auditor(broker.bootstrap, GROUP, "later", "later-out") as auditor:
        wait_for(lambda: auditor.state()[1].get("looks_failed"), "a look")
        scene = Scene(broker, topics, "later", "CreateTime")
        scene.publish(scene.honest())
        scene.commit({0: 10, 1: 10})
        violations, counters = auditor.stop()
    assert violations == [] and counters["frames_checked"] == 20


def test_a_client_made_anew_goes_on_where_it_was(broker, topics):
    topics.create("anew", 2)
    found = []
    reader = Reader(broker.bootstrap, "anew", "read_committed",
                    lambda message: found.append(message.value()))
    try:
        for turn in range(3):
            for partition in range(2):
                topics.produce("anew", [b"%d/%d" % (turn, partition)], partition)
            reader.find_partitions()
            wait_for(lambda: reader.read(0.05) or reader.has_read(reader.ends()), "the ends")
            reader.begin_anew()
            assert len(found) == len(set(found)) == 2 * (turn + 1)
    finally:
        reader.consumer.close()


def test_clients_that_find_nobody_are_made_anew(broker, topics, monkeypatch):
    """And nothing is judged less, or twice, for it."""
    monkeypatch.setattr(auditor_process, "ANEW_S", 0)
    watch = Watch({"bootstrap": broker.bootstrap, "group": GROUP, "input": "nobody",
                   "output": "nobody-out", "profile": "redis"})
    assert not watch.look_safely() and watch.ledger.counters["clients_made_anew"] == 1
    scene = Scene(broker, topics, "nobody", "LogAppendTime")
    scene.publish(scene.honest())
    scene.commit({0: 10, 1: 10})
    wait_for(watch.look_safely, "a whole look")
    watch.begin_anew()
    watch.finish()
    assert watch.state()["violations"] == []
    assert watch.ledger.counters["frames_checked"] == 20

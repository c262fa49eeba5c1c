"""Goal: a Kafka source knows where its topic begins and ends: deleted records are
told as missing, a topic that was made again as such, new partitions are read
whole; ends are taken once, and a start means the same after a rebalance."""
import signal

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import NewPartitions
from programs import wait_for
from source_member import check_once, member, numbered  # noqa: F401


class TestDeleted:
    def delete(self, topics, name, offset, partition=0):
        wanted = TopicPartition(name, partition, offset)
        topics.admin.delete_records([wanted])[wanted].result(30)

    def test_records_deleted_while_away_are_missing(self, member, topics):
        name = "source-deleted"
        topics.create(name)
        topics.produce(name, numbered(100))
        member(name, "--exit-at-end").done()
        topics.produce(name, numbered(400))
        self.delete(topics, name, 300)
        reader = member(name)
        reader.wait_kind("AT_END")
        reader.leave()
        assert reader.starts()[0][0][0] == 100
        assert reader.numbers("MISSING") == [(0, 100, 300)]
        check_once([reader], {0: 500}, start=300)
        kinds = reader.kinds()
        assert kinds.index("MISSING") < kinds.index("RUN")

    def test_everything_deleted_is_missing_up_to_the_end(self, member, topics):
        name = "source-deleted-all"
        topics.create(name)
        topics.produce(name, numbered(100))
        member(name, "--exit-at-end").done()
        topics.produce(name, numbered(50))
        self.delete(topics, name, 150)
        reader = member(name)
        reader.wait_kind("AT_END")
        topics.produce(name, numbered(10))
        reader.wait_read(10)
        reader.leave()
        assert reader.numbers("MISSING") == [(0, 100, 150)]
        assert topics.committed(f"{name}-group", name) == {0: 160}

    def test_records_deleted_under_a_reader(self, member, topics):
        name = "source-deleted-live"
        topics.create(name)
        topics.produce(name, numbered(10))
        reader = member(name)
        reader.wait_kind("AT_END")
        reader.tell("hold")
        topics.produce(name, numbered(190))
        self.delete(topics, name, 120)
        reader.tell("release")
        reader.wait(lambda: (0, 200) in reader.numbers("AT_END"), "the end")
        reader.leave()
        assert reader.numbers("MISSING") == [(0, 10, 120)]
        assert topics.committed(f"{name}-group", name) == {0: 200}

    @pytest.mark.parametrize("count", [50, 500])
    def test_a_topic_made_again_is_read_from_its_start(self, member, topics, count):
        """Shorter and longer than before: told, and nothing of it is skipped."""
        name = f"source-remade-{count}"
        topics.create(name)
        topics.produce(name, numbered(100))
        reader = member(name)
        reader.wait_kind("AT_END")
        wait_for(lambda: topics.committed(f"{name}-group", name) == {0: 100}, "the commit")
        topics.admin.delete_topics([name])[name].result(30)
        wait_for(lambda: name not in topics.admin.list_topics(timeout=10).topics, "gone")
        reader.wait_kind("REMADE")
        topics.create(name)
        topics.produce(name, numbered(count, first=1000))
        reader.wait_read(100 + count)
        reader.wait(lambda: topics.committed(f"{name}-group", name) == {0: count}, "the commit")
        reader.leave()
        assert sum(run.count for run in reader.runs()) == 100 + count
        kinds = [kind for kind in reader.kinds() if kind in ("REMADE", "LOST", "ASSIGNED")]
        assert kinds[:4] == ["ASSIGNED", "REMADE", "LOST", "ASSIGNED"]

    def test_a_topic_made_again_while_away(self, member, topics):
        """Committed beyond its end: read from its start."""
        name = "source-remade-away"
        topics.create(name)
        topics.produce(name, numbered(100))
        member(name, "--exit-at-end").done()
        topics.admin.delete_topics([name])[name].result(30)
        wait_for(lambda: name not in topics.admin.list_topics(timeout=10).topics, "gone")
        topics.create(name)
        topics.produce(name, numbered(30))
        reader = member(name)
        reader.wait_read(30)
        reader.leave()
        check_once([reader], {0: 30})
        assert topics.committed(f"{name}-group", name) == {0: 30}


class TestEnds:
    def test_ends_are_taken_once(self, member, topics):
        """What is produced later is left for the next run."""
        name = "source-ends"
        topics.create(name, 2)
        topics.produce(name, numbered(2000))
        reader = member(name, "--exit-at-end", "--slow", "500")
        reader.wait_kind("ASSIGNED")
        topics.produce(name, numbered(1000))
        reader.done()
        check_once([reader], {0: 1000, 1: 1000})
        assert topics.committed(f"{name}-group", name) == {0: 1000, 1: 1000}
        assert reader.numbers("AT_END") and set(reader.numbers("AT_END")) == {(0, 1000), (1, 1000)}
        second = member(name, "--exit-at-end").done()
        check_once([second], topics.ends(name), start=1000)
        assert not member(name, "--exit-at-end").done().runs()

    def test_a_member_without_partitions_waits_for_the_others(self, member, topics):
        name = "source-ends-spare"
        topics.create(name)
        topics.produce(name, numbered(3000))
        members = [member(name, "--exit-at-end", "--slow", "500") for _ in range(3)]
        for each in members:
            each.done()
        check_once(members, topics.ends(name))

    def test_an_empty_topic_is_at_its_end(self, member, topics):
        topics.create("source-ends-empty", 3)
        members = [member("source-ends-empty", "--exit-at-end") for _ in range(2)]
        for each in members:
            each.done()

    def test_a_topic_that_is_not_there(self, member, topics):
        reader = member("source-nowhere", "--exit-at-end").done(code=1)
        assert reader.lines("FAILED")[0][1:] != []
        waiting = member("source-later")
        waiting.wait(lambda: "event=topic_unknown" in waiting.err.read_text(), "the message")
        topics.create("source-later")
        topics.produce("source-later", numbered(10))
        waiting.wait_read(10)
        waiting.leave()


class TestStarts:
    def test_latest(self, member, topics):
        topics.create("source-latest")
        topics.produce("source-latest", numbered(100))
        reader = member("source-latest", "--latest")
        reader.wait_kind("ASSIGNED")
        topics.produce("source-latest", numbered(10))
        reader.wait_read(10)
        reader.leave()
        assert reader.starts() == [{0: (100, False, "-")}]

    def test_new_partitions_are_read_from_their_beginning(self, member, topics):
        """Also when only what is latest is wanted: they were not there before."""
        name = "source-grows"
        topics.create(name)
        topics.produce(name, numbered(50))
        reader = member(name, "--latest")
        reader.wait_kind("AT_END")
        topics.admin.create_partitions([NewPartitions(name, 3)])[name].result(30)
        wait_for(lambda: len(topics.admin.list_topics(name, timeout=10).topics[name].partitions)
                 == 3, "three partitions")
        topics.produce(name, numbered(300))
        reader.wait_read(300)
        reader.leave()
        check_once([reader], {1: 100, 2: 100})
        assert {run.first for run in reader.runs() if run.partition == 0} >= {50}

    def test_latest_is_not_later_after_a_rebalance(self, member, topics):
        """Nothing is committed: what came meanwhile is read all the same."""
        name = "source-latest-again"
        topics.create(name, 2)
        topics.produce(name, numbered(20))
        first = member(name, "--latest", "--commit-every", "0")
        first.wait_kind("AT_END", 2)
        second = member(name, "--latest", "--commit-every", "0")
        first.wait_kind("ASSIGNED", 2)
        second.wait_kind("ASSIGNED")
        second.signal(signal.SIGSTOP)
        topics.produce(name, numbered(20))
        first.wait_kind("ASSIGNED", 3)
        first.wait(lambda: {run.partition for run in first.runs()} == {0, 1}, "both")
        assert all(start == 10 for each in first.starts() for start, _, _ in each.values())
        first.leave()

    def test_a_time(self, member, topics):
        topics.create("source-time", 2)
        producer = topics.producer()
        for number in range(100):
            producer.produce("source-time", str(number), partition=0,
                             timestamp=1468244340000 + number * 1000)
        producer.flush()
        reader = member("source-time", "--exit-at-end", "--time", "1468244399500").done()
        assert reader.starts()[0] == {0: (60, False, "-"), 1: (0, False, "-")}
        assert reader.read() == 40
        late = member("source-time", "--exit-at-end", "--earliest", "--time", 1999999999999).done()
        assert late.starts()[0][0][0] == 100

    def test_committed_is_not_asked_for(self, member, topics):
        topics.create("source-earliest")
        topics.produce("source-earliest", numbered(100))
        member("source-earliest", "--exit-at-end").done()
        again = member("source-earliest", "--exit-at-end", "--earliest").done()
        check_once([again], {0: 100})

"""Topics of a real broker, by confluent_kafka: another client than ours."""
import time

from confluent_kafka import (Consumer, ConsumerGroupState, KafkaError, KafkaException, Producer,
                             TopicPartition)
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

from programs import wait_for


class Topics:
    def __init__(self, brokers):
        self.brokers = brokers
        self.admin = AdminClient({"bootstrap.servers": brokers})

    def create(self, name, partitions=1, places=None, **config):
        """One copy of each partition, or on the nodes of `places`, a list for each."""
        config = {key.replace("_", "."): str(value) for key, value in config.items()}
        copies = {"replica_assignment": places} if places else {"replication_factor": 1}
        topic = NewTopic(name, partitions, config=config, **copies)
        self.admin.create_topics([topic])[name].result(30)

        def known():
            found = self.admin.list_topics(timeout=10).topics.get(name)
            if not found or found.error is not None or len(found.partitions) != partitions:
                return False
            try:
                return len(self.ends(name)) == partitions
            except KafkaException:  # a partition without a leader yet
                return False
        wait_for(known, f"topic {name} known")

    def names(self):
        return set(self.admin.list_topics(timeout=10).topics)

    def config(self, name):
        resource = ConfigResource(ResourceType.TOPIC, name)
        found = self.admin.describe_configs([resource])[resource].result(30)
        return {key: entry.value for key, entry in found.items()}

    @staticmethod
    def wait_for_clock(unix_ms):
        """Until records made from now on are later than that."""
        wait_for(lambda: time.time() * 1000 > unix_ms, "the clock")

    def producer(self):
        return Producer({"bootstrap.servers": self.brokers, "linger.ms": 5, "acks": "all",
                         "queue.buffering.max.messages": 1000000})

    def produce(self, name, values, partition=None, producer=None):
        """Every value acknowledged; without `partition` they go round in turn."""
        partitions = len(self.admin.list_topics(name, timeout=10).topics[name].partitions)
        sender = producer or self.producer()
        failed = []

        def delivered(error, _):
            if error is not None:
                failed.append(error)
        for number, value in enumerate(values):
            to = number % partitions if partition is None else partition
            sender.produce(name, value, partition=to, on_delivery=delivered)
            if number % 1000 == 0:
                sender.poll(0)
        assert sender.flush(60) == 0 and not failed, failed[:3]

    def ends(self, name):
        """{partition: next offset}."""
        consumer = self._consumer()
        try:
            found = consumer.list_topics(name, timeout=10).topics[name]
            return {number: consumer.get_watermark_offsets(TopicPartition(name, number),
                                                           timeout=10)[1]
                    for number in found.partitions}
        finally:
            consumer.close()

    def _consumer(self, group="reader"):
        return Consumer({"bootstrap.servers": self.brokers, "group.id": group,
                         "auto.offset.reset": "earliest", "enable.auto.commit": False,
                         "check.crcs": True})

    def read(self, name):
        """Everything in the topic up to its ends, as one value a line; timestamps go along."""
        return b"".join(message.value() + b"\n" for message in self.messages(name))

    def messages(self, name):
        ends = self.ends(name)
        consumer = self._consumer()
        try:
            consumer.assign([TopicPartition(name, number, 0) for number in ends])
            left = {number for number, end in ends.items() if end > 0}
            found = []
            deadline = time.monotonic() + 60
            while left:
                assert time.monotonic() < deadline, f"{name} not read within 60 s"
                for message in consumer.consume(1000, timeout=0.2):
                    assert message.error() is None, message.error()
                    found.append(message)
                    if message.offset() + 1 >= ends[message.partition()]:
                        left.discard(message.partition())
            return found
        finally:
            consumer.close()

    def members(self, group):
        """How many members the group's coordinator knows of, dead ones until it finds out."""
        return len(self.admin.describe_consumer_groups([group])[group].result(30).members)

    def is_stable(self, group, members):
        """Whether it has so many, and each of them its share."""
        found = self.admin.describe_consumer_groups([group])[group].result(30)
        return found.state == ConsumerGroupState.STABLE and len(found.members) == members

    @staticmethod
    def _committed(consumer, asked):
        """None while the coordinator is being made anew, as after a broker's restart."""
        try:
            return consumer.committed(asked, timeout=30)
        except KafkaException as error:
            if not error.args[0].retriable() and \
                    error.args[0].code() != KafkaError.NOT_COORDINATOR:
                raise
            return None

    def committed(self, group, name):
        """{partition: committed offset, None where there is none}."""
        partitions = self.ends(name)
        consumer = self._consumer(group)
        try:
            asked = [TopicPartition(name, number) for number in partitions]
            found = wait_for(lambda: self._committed(consumer, asked), f"group {group} answers")
            return {tp.partition: tp.offset if tp.offset >= 0 else None for tp in found}
        finally:
            consumer.close()


class Tail:
    """Follows a topic: `next` gives the records that came since, as bytes."""

    def __init__(self, topics, name):
        self.consumer = topics._consumer()
        self.consumer.assign([TopicPartition(name, number, end)
                              for number, end in topics.ends(name).items()])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.consumer.close()

    def next(self, timeout_s=0.05):
        found = self.consumer.consume(500, timeout=timeout_s)
        # While the broker is away there are only errors, and nothing to read.
        return [message.value() for message in found if message.error() is None]

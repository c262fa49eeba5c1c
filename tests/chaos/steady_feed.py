"""Frames at a steady rate, straight to the brokers, until told to stop.

    with Feed(topics, "users", partitions=3) as feed:
        ... feed.frames grow ...
    assert not feed.failed
"""
import random
import threading

from frames import small_frame

START = 1468244340
RATE, USERS, MINUTES = 1500, 20000, 8
BEAT_S = 0.05


class Feed(threading.Thread):
    def __init__(self, topics, name, partitions):
        super().__init__()
        self.topics, self.name, self.partitions = topics, name, partitions
        self.ended, self.frames, self.failed = threading.Event(), [], []

    def run(self):
        rng, producer = random.Random(11), self.topics.producer()

        def delivered(error, _):
            if error is not None:
                self.failed.append(error)
        while not self.ended.wait(BEAT_S):
            for _ in range(int(RATE * BEAT_S)):
                self.frames.append(small_frame(f"user-{rng.randrange(USERS)}",
                                               START + rng.randrange(60 * MINUTES)))
                producer.produce(self.name, self.frames[-1].line,
                                 partition=rng.randrange(self.partitions), on_delivery=delivered)
            producer.poll(0)
        assert producer.flush(60) == 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()

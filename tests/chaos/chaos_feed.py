"""A producer whose truth is known.

Frame number n is drawn from (seed, n): who, when, how damaged. Its number is the
record's key, so that the log itself can be asked which frames it has. A frame
whose delivery failed, or whose outcome nobody knows, is sent until it is
acknowledged: uniques do not mind a frame that stands in the log twice.
"""
import json
import random
import threading
import time

from confluent_kafka import KafkaException, Producer

import frames

START = 1468244340
TICK_S = 0.05
# The damage that one flipped bit does: to another day, or beyond the clock.
FLIPPED_BITS = (*range(20), 29, 31)
# How far back the frames of a flood reach.
FLOOD_S = 60 * 10000
GARBAGE = (b"", b"{", b"\xff\xfe", b'{"uid":"somebody"}', b'{"uid":[],"ts":1468244340}',
           b'{"uid":"","ts":1468244340}', b'{"uid":"a","ts":true}', b'[1,2]', None)
IDS = ("user-%d", "%d", "пользователь-%d", "u/%d\t\"quoted\"")


class Frames:
    """Frame n by seed: `speed` seconds of frame time pass in one of ours."""

    def __init__(self, seed, rate, speed):
        self.seed, self.step_s = seed, speed / rate
        rng = random.Random(f"{seed} frames")
        self.users = rng.choice((300, 5000, 40000))
        self.late = rng.choice((0.0, 0.01, 0.05))
        self.poison = rng.choice((0.0, 0.002, 0.01))
        self.garbage = rng.choice((0.0, 0.003))

    def flooded(self, rng, number):
        """Of any minute of a week: instances that read many of them run out of room."""
        stamp = int(START + number * self.step_s - rng.random() * FLOOD_S)
        return f'{{"uid":"flooded-{rng.randrange(self.users)}","ts":{stamp}}}'.encode()

    def value(self, rng, number):
        if rng.random() < self.garbage:
            return rng.choice(GARBAGE)
        user = rng.choice(IDS) % rng.randrange(self.users)
        delay_s = rng.random() * (600 if rng.random() < self.late else 3)
        stamp = max(0, int(START + number * self.step_s - delay_s))
        if rng.random() < self.poison:
            stamp ^= 1 << rng.choice(FLIPPED_BITS)
        if rng.random() < 0.1:
            return frames.frame_line(rng, user, stamp)
        return f'{{"uid":{json.dumps(user)},"ts":{stamp}}}'.encode()


class Feed(threading.Thread):
    """Sends frames at a steady rate until it is stopped."""

    def __init__(self, bootstrap, topic, partitions, seed, rate, speed):
        super().__init__(daemon=True)
        self.bootstrap, self.topic, self.partitions = bootstrap, topic, partitions
        self.rate, self.seed = rate, seed
        self.frames = Frames(seed, rate, speed)
        self.ended = threading.Event()
        self.open = {}      # number -> (partition, value), not acknowledged yet
        self.failed = []    # numbers to be sent again
        self.sent = self.acknowledged = self.repeated = 0
        self.flood = self.flooded = 0  # to be sent at once, and sent like that
        self.trouble = None
        self.producer = self._producer()

    def _producer(self):
        return Producer({"bootstrap.servers": self.bootstrap, "acks": "all", "linger.ms": 5,
                         "enable.idempotence": True, "message.timeout.ms": 300000,
                         "reconnect.backoff.max.ms": 1000, "log_level": 0,
                         "compression.type": "lz4"})

    def _delivered(self, error, number):
        if error is None:
            self.open.pop(number, None)
            self.acknowledged += 1
        elif number in self.open:
            self.failed.append(number)

    def _send(self, number):
        partition, value = self.open[number]
        while True:
            try:
                self.producer.produce(self.topic, value, key=b"%d" % number, partition=partition,
                                      on_delivery=lambda error, _: self._delivered(error, number))
                return
            except BufferError:
                self.producer.poll(0.1)
            except KafkaException:
                # Fatal: what is under way has an unknown outcome and is sent again.
                self._renew()

    def _renew(self):
        self.producer.purge()
        self.producer.flush(5)
        self.producer = self._producer()
        self.failed = sorted(self.open)

    def _again(self):
        failed, self.failed = self.failed, []
        for number in failed:
            if number in self.open:
                self.repeated += 1
                self._send(number)

    def run(self):
        try:
            self._run()
        except Exception as trouble:  # told by stop(), in the thread that asks
            self.trouble = trouble

    def _run(self):
        began = time.monotonic()
        while not self.ended.wait(TICK_S):
            # Behind a broker that was away the lost time is not made up for at once.
            steady = int((time.monotonic() - began) * self.rate) + self.flooded
            self._send_up_to(min(self.sent + self.rate, steady), self.frames.value)
            flood, self.flood = self.flood, 0
            self.flooded += flood
            self._send_up_to(self.sent + flood, self.frames.flooded)
            self.producer.poll(0)
            self._again()

    def _send_up_to(self, end, value):
        for number in range(self.sent, end):
            rng = random.Random(f"{self.seed} {number}")
            partition = rng.randrange(self.partitions)
            self.open[number] = (partition, value(rng, number))
            self._send(number)
            self.sent = number + 1

    def stop(self, limit_s=120):
        """Until every frame is acknowledged."""
        self.ended.set()
        self.join(limit_s)
        deadline = time.monotonic() + limit_s
        while self.open and self.trouble is None and time.monotonic() < deadline:
            self.producer.poll(0.1)
            self._again()
        if self.trouble is not None or self.open or self.is_alive():
            raise RuntimeError(f"{len(self.open)} frames not acknowledged within {limit_s} s: "
                               f"{self.trouble}")

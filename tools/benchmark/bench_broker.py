"""A broker for a run of the bench: topics of the same frames, and who reads them.

Start and end of a reader are not what is measured: each is also run on a topic
with one frame, and that time is taken off.
"""
import pathlib
import subprocess
import sys
import uuid

from bench_measure import BenchError, Sample, output_of, run_child

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
import kafka  # noqa: E402

PARTITIONS = 4
CODECS = ("none", "zstd", "lz4")


class Broker:
    """Started and ended by `with`."""

    def __init__(self, build, settings=()):
        self.build = build
        # What both readers get beside their own: K=V of librdkafka.
        self.settings = list(settings)
        self.broker = kafka.Broker(build / "kafka", {"log.segment.bytes": "1073741824"},
                                   java=("-Xmx1g",))
        self.counts = {}
        self.partitions = {}

    def __enter__(self):
        self.broker.start()
        return self

    def __exit__(self, *_):
        self.broker.close()

    def fill(self, topic, path, count, codec="none", partitions=PARTITIONS):
        self.broker.create_topic(topic, partitions)
        self.counts[topic], self.partitions[topic] = count, partitions
        command = ["kcat", "-P", "-b", self.broker.bootstrap, "-t", topic, "-z", codec,
                   "-X", "partitioner=random", "-X", "linger.ms=20", "-l", str(path)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              check=False)
        if done.returncode != 0:
            raise BenchError(done.stderr.decode(errors="replace"))
        return topic

    def _properties(self, words):
        return [word for setting in self.settings for word in (*words, setting)]

    def headcountd(self, topic, *options):
        command = [self.build / "build" / "bin" / "headcountd", "-q", "-b",
                   self.broker.bootstrap, "-t", topic, "-o", "uniques", "-e", "--start",
                   "earliest", "-G", f"bench-{uuid.uuid4().hex}", *self._properties(["-X"]),
                   *options]
        return run_child(command, self.counts[topic])

    def bare(self, topic):
        command = [self.build / "yards" / "yard_kafka", self.broker.bootstrap, topic,
                   self.partitions[topic], *self._properties([])]
        sample = run_child(command, self.counts[topic])
        found = int(output_of(command).split()[2]) if topic.startswith("one") else None
        assert found in (None, self.counts[topic])
        return sample


def without_start(run, small):
    """Runs it and takes off what a run on the topic of one frame takes."""
    sample, start = run(), small()
    return Sample(sample.units, sample.cpu - start.cpu, sample.wall - start.wall,
                  sample.peak_mib)
